"""The benchmark: fourteen tasks, their metrics, and its average.

The average is MARBLE's (arXiv 2306.10548): the mean of a task's metrics, then the mean
over all fourteen tasks. With a cell missing there is none.

Authors
 * The mert_sb developers 2026
"""

from typing import NamedTuple


class Column(NamedTuple):
    """A task.

    Arguments
    ---------
    recipe : str
        Folder of ``recipes/downstream``.
    tasks : tuple of str
        What its YAMLs call it.
    head : str
        Data and task, for the table.
    metrics : tuple of str
        Of ``results.json``, in the paper's order.
    names : str
        The metrics, for the table.
    n_test : int or None
        Tracks of the benchmark's test set; None where its split is not published.
    unit : float
        What a metric is multiplied by.

    Example
    -------
    >>> COLUMNS[0].head, COLUMNS[0].metrics
    ('MTT tagging', ('roc_auc', 'average_precision'))
    """

    recipe: str
    tasks: tuple
    head: str
    metrics: tuple
    names: str
    n_test: int | None
    unit: float = 100.0


_TAGS = ("roc_auc", "average_precision"), "ROC-AUC / AP"
_ACCURACY = ("accuracy",), "accuracy"
_SDR = ("sdr_vocals", "sdr_drums", "sdr_bass", "sdr_other")
# Nine and five, the papers' two tables.
COLUMNS = (
    Column("MTT", ("tagging",), "MTT tagging", *_TAGS, 5_329),
    Column("GiantSteps", ("key",), "GS key", ("key_score",), "weighted", 604),
    Column("GTZAN", ("genre",), "GTZAN genre", *_ACCURACY, 290),
    Column(
        "GTZAN", ("beat", "beat_shift"), "GTZAN beat", ("f_measure",), "F", 290
    ),
    Column(
        *("EMO", ("emotion",), "EMO emotion", ("r2_valence", "r2_arousal")),
        *("R² valence / arousal", 125),
    ),
    Column("NSynth", ("instrument",), "NSynth instrument", *_ACCURACY, 4_096),
    Column("NSynth", ("pitch",), "NSynth pitch", *_ACCURACY, 4_096),
    Column("VocalSet", ("technique",), "VocalSet technique", *_ACCURACY, None),
    Column("VocalSet", ("singer",), "VocalSet singer", *_ACCURACY, None),
    Column("MTG", ("instrument",), "MTG instrument", *_TAGS, 5_115),
    Column("MTG", ("mood",), "MTG mood", *_TAGS, 4_231),
    Column("MTG", ("genre",), "MTG genre", *_TAGS, 11_479),
    Column("MTG", ("top50",), "MTG top50", *_TAGS, 11_356),
    Column(
        *("MUSDB18", ("separation",), "MUSDB18 separation", _SDR),
        *("SDR in dB: vocals / drums / bass / other", 50, 1.0),
    ),
)
FIRST_TABLE = 9


def find_column(recipe, task):
    """Which of the fourteen a run is.

    Arguments
    ---------
    recipe : str
        Folder of its recipe.
    task : str
        As its YAML says.

    Returns
    -------
    int or None
        Place in ``COLUMNS``; None: it is another task.

    Example
    -------
    >>> find_column("MTG", "genre"), find_column("minimusic", "key")
    (11, None)
    """
    for place, column in enumerate(COLUMNS):
        if column.recipe == recipe and task in column.tasks:
            return place
    return None


def average(cells):
    """The benchmark's average.

    Arguments
    ---------
    cells : sequence
        One a task: its metrics' numbers, or None.

    Returns
    -------
    float or None
        None if a cell is missing.

    Example
    -------
    >>> average([(90.0, 40.0), (15.0,)])
    40.0
    >>> average([(90.0, 40.0), None])
    """
    if any(cell is None for cell in cells):
        return None
    means = [sum(cell) / len(cell) for cell in cells]
    return sum(means) / len(means)


def missing(cells):
    """Heads of the tasks that a row lacks.

    Arguments
    ---------
    cells : sequence
        One a column.

    Returns
    -------
    list of str
        In the columns' order.

    Example
    -------
    >>> missing([None, *[(1.0,)] * 13])
    ['MTT tagging']
    """
    pairs = zip(COLUMNS, cells, strict=True)
    return [column.head for column, cell in pairs if cell is None]
