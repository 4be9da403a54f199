"""Files that would do harm where a reader trusts them.

Authors
 * The mert_sb developers 2026
"""

import os
import struct
import zipfile

import torch


class Attack:
    """An object whose pickle asks for a file to be made."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


def laughs(depth=12, width=10):
    """Lines of YAML whose last alias stands for ``width ** depth`` values."""
    lines = ["a0: &a0 [0]"]
    for number in range(1, depth):
        aliases = ", ".join([f"*a{number - 1}"] * width)
        lines.append(f"a{number}: &a{number} [{aliases}]")
    return "\n".join(lines)


def merges(depth=12, width=10):
    """The same by merged keys, which PyYAML writes out."""
    lines = ["m0: &m0 {x: 1}"]
    for number in range(1, depth):
        aliases = ", ".join([f"*m{number - 1}"] * width)
        lines.append(f"m{number}: &m{number} {{<<: [{aliases}]}}")
    return "\n".join(lines)


def packed_checkpoint(path, n_bytes):
    """A checkpoint of zeros, its archive packed to a thousandth."""
    torch.save({"model": {"a": torch.zeros(n_bytes // 4)}}, path)
    with zipfile.ZipFile(path) as whole:
        members = {name: whole.read(name) for name in whole.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return path


def two_faced(path, *, after_the_end=False):
    """The same archive with a second list of contents, which tells of small ones.

    torch reads the list that the archive's end names, Python the one before the end.
    """
    data = path.read_bytes()
    body, end = data[:-22], data[-22:]
    size, begin = struct.unpack("<LL", end[12:20])
    contents = body[begin:]
    harmless, place = bytearray(contents), 0
    while place < size:
        harmless[place + 24 : place + 28] = harmless[place + 20 : place + 24]
        lengths = struct.unpack("<HHH", harmless[place + 28 : place + 34])
        place += 46 + sum(lengths)
    if after_the_end:
        begin += size + 22
        end = end[:16] + struct.pack("<LH", begin, size)
        path.write_bytes(body[:-size] + harmless + end + contents)
    else:
        path.write_bytes(body + harmless + end)
    return path
