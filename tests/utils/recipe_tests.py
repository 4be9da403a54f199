"""Running recipes in small, as the tables in tests/recipes say.

A row names a script, its YAML, the flags that make it small, and what to check
afterwards, in SpeechBrain's notation:

    file_exists=[train_log.txt,save/CKPT*/model.ckpt]
    performance_check=[train_log.txt, train loss, <1.0, epoch: 2]

Files are relative to the output folder and may be patterns. The second line says:
in the last line of the log that has ``epoch: 2``, ``train loss`` is below 1.0. In
flags, ``{samples}`` is the folder of generated samples and ``{output}`` the output
folder.

Authors
 * The mert_sb developers 2026
"""

import csv
import operator
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from tests.utils.warm import start_script

ROOT = Path(__file__).resolve().parents[2]
TABLES = ROOT / "tests" / "recipes"
TIME_LIMIT = 600  # seconds, for a machine of two cores shared with others

COLUMNS = (
    "Task",
    "Dataset",
    "Script_file",
    "Hparam_file",
    "Data_prep_file",
    "Readme_file",
    "Result_url",
    "HF_repo",
    "test_debug_flags",
    "test_debug_checks",
    "performance",
)

COMPARISONS = {
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
}
CHECK = re.compile(r"(file_exists|performance_check)=\[(.*?)\]")
THRESHOLD = re.compile(r"(<=|>=|==|<|>)\s*(\S+)")


def read_tables(folder=TABLES):
    """All rows of all tables.

    Arguments
    ---------
    folder : pathlib.Path
        Folder of ``<Dataset>.csv`` files.

    Returns
    -------
    list of dict
        One a row, with the table's name as ``table``.

    Raises
    ------
    ValueError
        If a table has other columns than ``COLUMNS``.

    Example
    -------
    >>> read_tables(ROOT / "no" / "such" / "folder")
    []
    """
    rows = []
    for path in sorted(folder.glob("*.csv")):
        with open(path, newline="", encoding="utf-8") as source:
            reader = csv.DictReader(source, skipinitialspace=True, strict=True)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise ValueError(f"{path}: columns must be {','.join(COLUMNS)}")
            rows += [{"table": path.stem, **row} for row in reader]
    return rows


def command_line(row, samples, output, root=ROOT):
    """Command that runs the recipe of a row.

    Arguments
    ---------
    row : dict
        From ``read_tables``.
    samples : pathlib.Path
        Folder that ``{samples}`` stands for.
    output : pathlib.Path
        Folder that ``{output}`` stands for.
    root : pathlib.Path
        Root of the project.

    Returns
    -------
    list of str
        Program and arguments.

    Example
    -------
    >>> row = {
    ...     "Script_file": "recipes/X/train.py",
    ...     "Hparam_file": "recipes/X/hparams/x.yaml",
    ...     "test_debug_flags": "--data_folder={samples}/x",
    ... }
    >>> command_line(row, Path("/s s"), Path("/o"))[-3:]
    ['--output_folder', '/o', '--data_folder=/s s/x']
    """
    flags = [
        flag.replace("{samples}", str(samples)).replace("{output}", str(output))
        for flag in shlex.split(row["test_debug_flags"])
    ]
    script, hparams = root / row["Script_file"], root / row["Hparam_file"]
    command = [sys.executable, str(script), str(hparams)]
    return [*command, "--output_folder", str(output), *flags]


def run_recipe(
    row, samples, output, *, root=ROOT, time_limit=TIME_LIMIT, fresh=True
):
    """Run the recipe of a row from its script's own folder.

    Arguments
    ---------
    row : dict
        From ``read_tables``.
    samples : pathlib.Path
        Folder that ``{samples}`` stands for.
    output : pathlib.Path
        Folder that ``{output}`` stands for.
    root : pathlib.Path
        Root of the project, from which ``mert_sb`` is imported.
    time_limit : float
        Seconds after which it is ended.
    fresh : bool
        Start Python for it; else see ``warm.py``.

    Raises
    ------
    AssertionError
        If it fails or takes too long, with the end of what it printed.
    """
    command = command_line(row, samples, output, root)
    place = {
        "cwd": (root / row["Script_file"]).parent,
        "env": {**os.environ, "PYTHONPATH": str(root), "HF_HUB_OFFLINE": "1"},
    }
    run = start_script(command, **place, fresh=fresh)
    try:
        printed, _ = run.communicate(timeout=time_limit)
        outcome, failed = f"exit status {run.returncode}", run.returncode != 0
    except subprocess.TimeoutExpired:
        run.kill()
        printed, _ = run.communicate()
        outcome, failed = f"over {time_limit} s", True
    if failed:
        raise AssertionError(
            f"{shlex.join(command)}\n{printed[-4000:]}\n{outcome}"
        )


def failed_checks(checks, output):
    """Which checks of a row do not hold.

    Arguments
    ---------
    checks : str
        The ``test_debug_checks`` of the row.
    output : pathlib.Path
        The output folder.

    Returns
    -------
    list of str
        One line each; empty if all hold.

    Raises
    ------
    ValueError
        If the text is something else than checks.

    Example
    -------
    >>> failed_checks("file_exists=[source_tree.py,no*]", Path(__file__).parent)
    ['no file no*']
    """
    rest = CHECK.sub("", checks).strip()
    if rest:
        raise ValueError(f"not a check: '{rest}'; see {Path(__file__).name}")
    failed = []
    for kind, text in CHECK.findall(checks):
        parts = [part.strip() for part in text.split(",")]
        if kind == "performance_check":
            failed += failed_threshold(output, *parts)
        else:
            missing = (part for part in parts if not any(output.glob(part)))
            failed += [f"no file {part}" for part in missing]
    return failed


def failed_threshold(output, log, key, threshold, epoch):
    """Whether a number in a training log is not what it should be.

    Arguments
    ---------
    output : pathlib.Path
        The output folder.
    log : str
        Name of the log in it.
    key : str
        What the number is called, such as ``train loss``.
    threshold : str
        Comparison and number, such as ``<1.0``.
    epoch : str
        Entry that the line must have, such as ``epoch: 2``.

    Returns
    -------
    list of str
        Empty if the number is there and compares well, else one line.
    """
    sign, number = THRESHOLD.fullmatch(threshold).groups()
    lines = (output / log).read_text(encoding="utf-8").splitlines()
    split = [re.split(r" - |, ", line.strip()) for line in lines]
    chosen = [parts for parts in split if epoch in parts][-1:]
    for part in sum(chosen, []):
        name, _, value = part.partition(": ")
        if name == key:
            good = COMPARISONS[sign](float(value), float(number))
            return (
                [] if good else [f"{log}: {part} at {epoch}, not {threshold}"]
            )
    return [f"{log}: no {key} at {epoch}"]
