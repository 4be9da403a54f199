"""The journal: what is known about files, kept so that a restart goes on.

One JSON line a file, written as soon as it is known. A line counts only as long
as the file's size and time and the settings are the same; a line torn by a kill
counts for nothing.

Authors
 * The mert_sb developers 2026
"""

import json
import os

from mert_sb.audio.examine import Finding
from mert_sb.writing import writing

# Goes up when examining changes what it finds, so that old lines do not count.
VERSION = 2


class Journal:
    """Findings by path, in memory and on disk.

    Arguments
    ---------
    path : str or Path
        The file; made if missing.
    settings : dict
        What findings depend on besides the file itself.

    Example
    -------
    >>> path = getfixture("tmp_path") / "prepare.jsonl"
    >>> stat = os.stat(path.parent)
    >>> with Journal(path, {"verify": True}) as journal:
    ...     journal.add("a.ogg", stat, Finding(8_000, 8_000, ""))
    >>> Journal(path, {"verify": True}).find("a.ogg", stat)
    Finding(n_samples=8000, sample_rate=8000, reason='')
    >>> Journal(path, {"verify": False}).find("a.ogg", stat)
    """

    def __init__(self, path, settings):
        self.path = path
        self.settings = {"version": VERSION, **settings}
        self.entries = {}
        self.file = None
        if os.path.exists(path):
            with open(path, encoding="utf-8", errors="replace") as file:
                for line in file:
                    self._load(line)

    def __enter__(self):
        self.file = open(self.path, "a+b")
        # A line torn by a kill must not spoil the next one.
        if self.file.tell() > 0:
            self.file.seek(-1, os.SEEK_END)
            if self.file.read(1) != b"\n":
                with writing(self.path):
                    self.file.write(b"\n")
                    self.file.flush()
        return self

    def __exit__(self, *exception):
        # It tries once more to write what there was no room for.
        with writing(self.path):
            self.file.close()

    def find(self, path, stat):
        """What is known about a file in its present state.

        Arguments
        ---------
        path : str
            Path relative to the data folder.
        stat : os.stat_result
            Its present state.

        Returns
        -------
        Finding or None
            None if nothing is known.
        """
        entry = self.entries.get(path)
        return entry[1] if entry and entry[0] == _state(stat) else None

    def add(self, path, stat, finding):
        """Write down a finding.

        Arguments
        ---------
        path : str
            Path relative to the data folder.
        stat : os.stat_result
            The file's state before it was examined.
        finding : Finding
            What was found.
        """
        size, mtime_ns = _state(stat)
        line = {
            "path": path,
            "size": size,
            "mtime_ns": mtime_ns,
            "settings": self.settings,
            "finding": finding._asdict(),
        }
        with writing(self.path):
            self.file.write(json.dumps(line).encode() + b"\n")
            self.file.flush()

    def _load(self, line):
        try:
            entry = json.loads(line)
            path, finding = entry["path"], Finding(**entry["finding"])
            state = entry["size"], entry["mtime_ns"]
            ours = entry["settings"] == self.settings
        except (LookupError, RecursionError, TypeError, ValueError):
            return
        counts = (*state, finding.n_samples, finding.sample_rate)
        whole = all(type(count) is int and count >= 0 for count in counts)
        texts = type(path) is type(finding.reason) is str
        if ours and whole and texts:
            self.entries[path] = state, finding


def _state(stat):
    return stat.st_size, stat.st_mtime_ns
