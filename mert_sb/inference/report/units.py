"""Metrics as a reader sees them: shares in per cent, the rest as it is.

Authors
 * The mert_sb developers 2026
"""

# What is no share, and so not in per cent.
ABSOLUTE = ("loss", "sdr", "mixture_sdr", "files_", "silent_", "skipped_")


def shown(name, value):
    """A metric's number for a table.

    Arguments
    ---------
    name : str
        Of the metric.
    value : float or None
        As in ``results.json``.

    Returns
    -------
    str
        In per cent with two decimals, or as it is where it is no share.

    Example
    -------
    >>> shown("accuracy", 0.125), shown("loss", 0.5), shown("sdr_bass", -1.0)
    ('12.50', '0.5000', '-1.00')
    """
    if value is None:
        return "–"
    if name.startswith(("files_", "silent_", "skipped_")):
        return f"{value:g}"
    if name == "loss":
        return f"{value:.4f}"
    return f"{value:.2f}" if name.startswith(ABSOLUTE) else f"{100 * value:.2f}"


def unit(name):
    """A metric's name with its unit.

    Arguments
    ---------
    name : str
        Of the metric.

    Returns
    -------
    str
        For a table.

    Example
    -------
    >>> unit("key_score"), unit("mixture_sdr"), unit("loss")
    ('key score, %', 'mixture sdr, dB', 'loss')
    """
    words = name.replace("_", " ")
    if "sdr" in name:
        return f"{words}, dB"
    return words if name.startswith(ABSOLUTE) else f"{words}, %"


def factor_of(name):
    """What a metric is multiplied by to be shown.

    Arguments
    ---------
    name : str
        Of the metric.

    Returns
    -------
    int
        100 of a share.

    Example
    -------
    >>> factor_of("accuracy"), factor_of("loss"), factor_of("sdr_bass")
    (100, 1, 1)
    """
    return 1 if name.startswith(ABSOLUTE) else 100
