"""What a task's run left in its output folder, read without building anything.

``results.json`` (metrics, what was probed), ``hyperparams.yaml`` (task and folders),
``train_log.txt`` (epochs) and ``inference/task.json`` (labels), where it is there.

Authors
 * The mert_sb developers 2026
"""

import json
import re
from pathlib import Path
from typing import NamedTuple

from mert_sb.inference.report.keys import KEYS
from mert_sb.inference.report.settings import HYPERPARAMS, read_settings
from mert_sb.texts import read_text

RESULTS = "results.json"
# What decides in validation, by family; the families' own classes take libraries.
MONITORS = {
    "SingleLabel": "accuracy",
    "Key": "key_score",
    "MultiLabel": "roc_auc",
    "Regression": "r2",
    "Beats": "f_measure",
    "Separation": "sdr",
}
_ORIGIN = re.compile(
    r"\A# Generated .*:\n# .*[\\/]([^\\/\n]+)[\\/]hparams[\\/]"
)
_NUMBER = re.compile(r"(\w+) (\w+): ([-+]?(?:\d+\.?\d*(?:e[-+]?\d+)?|nan|inf))")


class TaskRun(NamedTuple):
    """A run of a downstream recipe.

    Arguments
    ---------
    folder : pathlib.Path
        Its output folder.
    results : dict
        ``results.json``.
    settings : dict
        ``hyperparams.yaml`` and its base, without what its tags build.
    recipe : str
        Name of the recipe's folder, which is the data's; empty if not known.

    Example
    -------
    >>> setup = {"family": "SingleLabel(2)"}
    >>> results = {"setup": setup, "labels": ["a", "b"]}
    >>> run = TaskRun(Path("."), results, {"task": "genre"}, "GTZAN")
    >>> run.name, run.family, run.monitor, run.labels
    ('GTZAN genre', 'SingleLabel', 'accuracy', ['a', 'b'])
    """

    folder: Path
    results: dict
    settings: dict
    recipe: str

    @property
    def task(self):
        """The YAML's name of the task; empty if not known."""
        return str(self.settings.get("task", ""))

    @property
    def name(self):
        """Data and task, for a title."""
        return " ".join(filter(None, (self.recipe, self.task))) or "a task"

    @property
    def setup(self):
        """What was probed: upstream, layer, rate, seed."""
        return self.results["setup"]

    @property
    def family(self):
        """The family's class."""
        return self.setup["family"].partition("(")[0]

    @property
    def monitor(self):
        """The metric that decided in validation."""
        test, name = self.results.get("test", {}), MONITORS.get(self.family)
        return name if name in test or not test else next(iter(test))

    @property
    def labels(self):
        """Names of the outputs, or None where nothing says them."""
        if self.family == "Key":
            return list(KEYS)
        if "labels" in self.results:
            return self.results["labels"]
        path = self.folder / "inference" / "task.json"
        if path.is_file():
            return read_json(path).get("labels")
        if self.family == "Regression":
            names = self.results["test"]
            return [n[3:] for n in names if n.startswith("r2_")]
        return None


def is_task_run(folder):
    """Whether a folder is a downstream run's.

    Arguments
    ---------
    folder : str or pathlib.Path
        Any.

    Returns
    -------
    bool
        True with a ``results.json`` of such a run in it.

    Example
    -------
    >>> is_task_run(getfixture("tmp_path"))
    False
    """
    path = Path(folder) / RESULTS
    if not path.is_file():
        return False
    results = read_json(path)
    setup = results.get("setup")
    if not isinstance(setup, dict):
        return False
    kinds = (("family", str), ("upstream", dict))
    return all(isinstance(setup.get(key), kind) for key, kind in kinds)


def read_run(folder):
    """Read a run.

    Arguments
    ---------
    folder : str or pathlib.Path
        Its output folder.

    Returns
    -------
    TaskRun
        What is known of it.

    Raises
    ------
    FileNotFoundError
        If there is no ``results.json``.
    ValueError
        If it is not a downstream run's.

    Example
    -------
    >>> read_run(getfixture("tmp_path"))
    Traceback (most recent call last):
        ...
    FileNotFoundError: ...results.json is not there: the run has not been tested ...
    """
    folder = Path(folder)
    path = folder / RESULTS
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} is not there: the run has not been tested yet; start its "
            "train.py again with the same command"
        )
    if not is_task_run(folder):
        raise ValueError(
            f"{path}: no downstream run's, it has no setup with family and "
            "upstream; give the output folder of a train.py of recipes/downstream"
        )
    known = (folder / HYPERPARAMS).is_file()
    settings = read_settings(folder) if known else {}
    return TaskRun(folder, read_json(path), settings, recipe_of(folder))


def read_json(path):
    """Read a table of JSON.

    Arguments
    ---------
    path : pathlib.Path
        The file.

    Returns
    -------
    dict
        Its content.

    Raises
    ------
    ValueError
        If it is damaged, or no table.

    Example
    -------
    >>> path = getfixture("tmp_path") / "a.json"
    >>> _ = path.write_text("[")
    >>> read_json(path)
    Traceback (most recent call last):
        ...
    ValueError: ...a.json: damaged (...); delete it and run again what writes it
    """
    try:
        content = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"{path}: damaged ({error}); delete it and run again what writes it"
        ) from error
    if not isinstance(content, dict):
        raise ValueError(f"{path}: a {type(content).__name__}, not a table")
    return content


def recipe_of(folder):
    """The recipe that a run is of.

    Arguments
    ---------
    folder : pathlib.Path
        Of the run; SpeechBrain writes the YAML's path into the head of the one that
        the run keeps.

    Returns
    -------
    str
        Name of the recipe's folder, which is the data's; empty if not known.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> head = "# Generated 2026-01-01 from:\\n# /a/GTZAN/hparams/genre.yaml\\n"
    >>> _ = (folder / "hyperparams.yaml").write_text(
    ...     head + "base:\\n  task: genre"
    ... )
    >>> recipe_of(folder)
    'GTZAN'
    """
    path = folder / HYPERPARAMS
    if not path.is_file():
        return ""
    text = read_text(path)
    match = _ORIGIN.search(text)
    return match.group(1) if match else ""


def read_epochs(path):
    """Read the curves of training.

    Arguments
    ---------
    path : pathlib.Path
        ``train_log.txt``; an epoch that was run again counts as it was last.

    Returns
    -------
    dict of int to dict
        By epoch, numbers by ``"train loss"``, ``"valid accuracy"`` and so on; empty
        if there is no file.

    Example
    -------
    >>> path = getfixture("tmp_path") / "train_log.txt"
    >>> _ = path.write_text(
    ...     "Epoch: 1 - train loss: 2.0 - valid loss: 1.5e+00\\n"
    ... )
    >>> read_epochs(path)
    {1: {'train loss': 2.0, 'valid loss': 1.5}}
    """
    if not path.is_file():
        return {}
    epochs = {}
    for line in read_text(path).splitlines():
        match = re.match(r"Epoch: (\d{1,9}) - ", line)
        if match:
            epochs[int(match.group(1))] = {
                f"{stage} {name}": float(value)
                for stage, name, value in _NUMBER.findall(line[match.end() :])
            }
    return dict(sorted(epochs.items()))
