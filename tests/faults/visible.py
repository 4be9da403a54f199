"""What a folder shows under final names, and whether it can be read.

Authors
 * The mert_sb developers 2026
"""

import pickle
import re
import zipfile

import torch
import yaml
from safetensors import SafetensorError, safe_open

from mert_sb.checkpoints import CompleteCheckpointer, is_whole

UNREADABLE = (
    EOFError,
    OSError,
    RuntimeError,
    SafetensorError,
    ValueError,
    pickle.UnpicklingError,
    yaml.YAMLError,
    zipfile.BadZipFile,
)


def visible(folder, patterns):
    """Contents of the files that count.

    Arguments
    ---------
    folder : pathlib.Path
        Of a job.
    patterns : tuple of str
        Which; names that begin with a dot, or end as those of files under way, do
        not count.

    Returns
    -------
    dict of str to bytes
        By name.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> for name in ("a.csv", "b.csv.tmp", ".c"):
    ...     _ = (folder / name).write_text("d")
    >>> visible(folder, ("**/*",))
    {'a.csv': b'd'}
    """
    found = {}
    for pattern in patterns:
        for path in sorted(folder.glob(pattern)):
            name = path.relative_to(folder)
            hidden = any(part.startswith(".") for part in name.parts)
            if path.is_file() and not hidden and path.suffix != ".tmp":
                found[name.as_posix()] = path.read_bytes()
    return found


def names(folder):
    """All files of a folder; a checkpoint's time is left out of its name.

    Arguments
    ---------
    folder : pathlib.Path
        Of a job.

    Returns
    -------
    set of str
        Relative to it.
    """
    files = (path for path in folder.rglob("*") if path.is_file())
    return {
        re.sub(r"CKPT\+[^/]*", "CKPT", path.relative_to(folder).as_posix())
        for path in files
    }


def unfinished(folder):
    """Checkpoints that no restart would see, and the next is to remove.

    Arguments
    ---------
    folder : pathlib.Path
        Of a job.

    Returns
    -------
    list of str
        Relative to it.
    """
    return [
        path.relative_to(folder).as_posix()
        for path in folder.glob("save/CKPT+*")
        if not is_whole(path)
    ]


def checkpoint_faults(folder, wanted):
    """Try to read all checkpoints that a restart would see.

    Arguments
    ---------
    folder : pathlib.Path
        Of a job.
    wanted : set of str
        Names of the parts that each must have.

    Returns
    -------
    tuple of (set of str, list of str)
        Parts that all of them have, and what is wrong.
    """
    save, parts, faults = folder / "save", [], []
    if not save.is_dir():
        return set(wanted), []
    for checkpoint in CompleteCheckpointer(save).list_checkpoints():
        parts.append(set(checkpoint.paramfiles))
        if missing := wanted - parts[-1]:
            faults.append(f"{checkpoint.path} has no {', '.join(missing)}")
        for path in checkpoint.paramfiles.values():
            faults += unreadable(path)
    return set.intersection(*parts) if parts else set(wanted), faults


def unreadable(path):
    """Read a file of numbers.

    Arguments
    ---------
    path : pathlib.Path
        Of torch, of safetensors, or text of YAML or JSON.

    Returns
    -------
    list of str
        What is wrong; empty if nothing is.
    """
    try:
        if path.suffix == ".safetensors":
            with safe_open(path, "pt") as file:
                for name in file.keys():
                    file.get_tensor(name)
        elif zipfile.is_zipfile(path):
            torch.load(path, "cpu", weights_only=True)
        elif yaml.safe_load(path.read_text(encoding="utf-8")) is None:
            return [f"{path} is empty"]
    except UNREADABLE as error:
        return [f"{path}: {error}"]
    return []
