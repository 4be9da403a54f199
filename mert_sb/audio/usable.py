"""Usable files: which of those asked for can be used, and how long they are.

Authors
 * The mert_sb developers 2026
"""

import logging
from collections import Counter

from mert_sb.audio.resample import check_rates, resampled_length
from mert_sb.audio.rows import write_table
from mert_sb.audio.survey import survey

logger = logging.getLogger(__name__)


def usable_lengths(
    data_folder,
    save_folder,
    paths,
    *,
    least,
    least_key="min_seconds",
    sample_rate,
    n_workers,
    verify,
    keep_silent=False,
):
    """Examine files; list those that cannot be used in ``skipped.csv``.

    Arguments
    ---------
    data_folder : str or Path
        Where the audio is.
    save_folder : pathlib.Path
        Where ``skipped.csv`` and the journal, ``prepare.jsonl``, go; made if
        missing.
    paths : list of str
        Paths relative to ``data_folder``.
    least : int
        Shorter files are skipped, in samples at ``sample_rate``.
    least_key : str
        The setting that ``least`` comes from, for the reason.
    sample_rate : int
        The student's rate in Hz.
    n_workers : int
        Processes that examine files.
    verify : bool
        See ``mert_sb.audio.examine.examine``.
    keep_silent : bool
        Whether silent files are usable.

    Returns
    -------
    dict
        From path to length in samples at ``sample_rate``, in the order given.

    Raises
    ------
    ValueError
        If none is usable.

    Example
    -------
    >>> import numpy as np, soundfile as sf
    >>> folder = getfixture("tmp_path")
    >>> sf.write(folder / "a.wav", np.full(8_000, 0.1), 8_000)
    >>> options = {"sample_rate": 24_000, "n_workers": 1, "verify": True}
    >>> usable_lengths(folder, folder, ["a.wav"], least=1, **options)
    {'a.wav': 24000}
    """
    save_folder.mkdir(parents=True, exist_ok=True)
    findings = survey(
        data_folder,
        save_folder / "prepare.jsonl",
        paths,
        verify=verify,
        n_workers=n_workers,
    )
    lengths, skipped = {}, {}
    for path in paths:
        length, reason = _measure(findings[path], sample_rate, keep_silent)
        if not reason and length < least:
            lasts, wanted = length / sample_rate, least / sample_rate
            reason = f"short: {lasts:.2f} s, {least_key} is {wanted:.2f}"
        if reason:
            skipped[path] = reason
        else:
            lengths[path] = length
    _report(data_folder, save_folder / "skipped.csv", len(paths), skipped)
    return lengths


def _measure(finding, sample_rate, keep_silent):
    """Length at the student's rate, and why the file cannot be used, if so."""
    is_silent = finding.reason.startswith("silent")
    if finding.reason and not (is_silent and keep_silent):
        return 0, finding.reason
    try:
        check_rates(finding.sample_rate, sample_rate)
    except ValueError as error:
        return 0, f"rate: {error}"
    length = resampled_length(
        finding.n_samples, finding.sample_rate, sample_rate
    )
    return length, ""


def _report(data_folder, path, n_files, skipped):
    """Write skipped.csv, say how many are in it; complain if all are."""
    write_table(path, ["path", "reason"], sorted(skipped.items()))
    kinds = Counter(reason.split(":")[0] for reason in skipped.values())
    counts = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    if len(skipped) == n_files:
        raise ValueError(
            f"none of the {n_files} files in {data_folder} is usable: "
            f"{counts}. The reasons are in {path}"
        )
    if skipped:
        logger.warning(
            f"{len(skipped)} of {n_files} files skipped ({counts}), see {path}"
        )
