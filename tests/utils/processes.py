"""Who belongs to a run, and who of them still lives: Linux alone tells.

Authors
 * The mert_sb developers 2026
"""

import contextlib
from pathlib import Path
from typing import NamedTuple


class Process(NamedTuple):
    """A process; ids are used again, but not with the same beginning.

    Arguments
    ---------
    pid : int
        Its id.
    began : int
        When, in clock ticks since the machine did.
    """

    pid: int
    began: int


def family(pid):
    """All processes of a run: its session, and what was started by it.

    Arguments
    ---------
    pid : int
        The run's first process, which leads a session.

    Returns
    -------
    set of Process
        Those that live; the first is among them.
    """
    table = _table()
    found = {pid}
    while True:
        more = {
            child
            for child, (parent, session, _) in table.items()
            if parent in found or session == pid
        }
        if more <= found:
            return {Process(p, table[p][2]) for p in found if p in table}
        found |= more


def living(processes):
    """Those that have not ended.

    Arguments
    ---------
    processes : set of Process
        Of a run.

    Returns
    -------
    set of Process
        Some of them.
    """
    table = _table()
    return {
        p for p in processes if p.pid in table and table[p.pid][2] == p.began
    }


def words(process):
    """The command line of a process.

    Arguments
    ---------
    process : Process
        Living or not.

    Returns
    -------
    str
        Empty if it is gone.
    """
    try:
        text = Path(f"/proc/{process.pid}/cmdline").read_bytes()
    except OSError:
        return ""
    return text.replace(b"\0", b" ").decode(errors="replace").strip()


def _table():
    """Parent, session and beginning by id, of all that are no zombies."""
    found = {}
    for entry in Path("/proc").iterdir():
        # It may end while it is looked at.
        with contextlib.suppress(OSError):
            if entry.name.isdecimal():
                text = (entry / "stat").read_text(errors="replace")
                parts = text.rpartition(")")[2].split()
                if parts[0] not in "ZX":
                    found[int(entry.name)] = (
                        int(parts[1]),
                        int(parts[3]),
                        int(parts[19]),
                    )
    return found
