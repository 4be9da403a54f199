"""Survey: what is known about each file of a folder.

Authors
 * The mert_sb developers 2026
"""

import os

from mert_sb.audio.examine import Finding
from mert_sb.audio.journal import Journal
from mert_sb.audio.workers import examine_all
from mert_sb.progress import Progress

# May pass: a full memory, a lost network drive. Such files are tried each time.
PASSING = ("crashed", "unreadable")


def survey(data_folder, journal_path, paths, *, verify, n_workers):
    """Find out about files, from the journal or by examining them.

    Arguments
    ---------
    data_folder : str or Path
        Where the audio is.
    journal_path : str or Path
        The journal; made if missing.
    paths : list of str
        Paths relative to ``data_folder``.
    verify : bool
        See ``mert_sb.audio.examine.examine``.
    n_workers : int
        Processes that examine files.

    Returns
    -------
    dict
        From path to ``Finding``.

    Example
    -------
    >>> journal = getfixture("tmp_path") / "prepare.jsonl"
    >>> survey("/nowhere", journal, ["a.wav"], verify=True, n_workers=1)
    {'a.wav': Finding(n_samples=0, sample_rate=0, reason='unreadable: ...')}
    """
    findings, stats = {}, {}
    with Journal(journal_path, {"verify": verify}) as journal:
        for path in paths:
            try:
                stats[path] = os.stat(os.path.join(data_folder, path))
            except OSError as error:
                reason = f"unreadable: {error.strerror}"
                findings[path] = Finding(0, 0, reason)
                continue
            known = journal.find(path, stats[path])
            if known:
                findings[path] = known
        new = [path for path in paths if path not in findings]
        results = examine_all(
            data_folder, new, verify=verify, n_workers=n_workers
        )
        with Progress("prepare", len(new)) as progress:
            for path, finding in results:
                findings[path] = finding
                if not finding.reason.startswith(PASSING):
                    journal.add(path, stats[path], finding)
                seconds = finding.n_samples / max(finding.sample_rate, 1)
                progress.update(seconds=seconds)
    return findings
