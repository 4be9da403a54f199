"""Figures: the only file of the reports that knows matplotlib.

All have one look, 6 inches wide and in letters of 10 points: readable in a column of 700
pixels, and in a narrow window of 400. Lines differ in colour, told apart with any kind of
colour vision (Okabe and Ito), and in dashes.

Authors
 * The mert_sb developers 2026
"""

import io

NEEDS = (
    "figures are drawn with matplotlib, which is not installed: pip install "
    "'mert_sb[plot]'"
)
# Okabe and Ito's, without the yellow, which is faint on white.
PALETTE = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#000000",
)
DASHES = ("-", "--", "-.", ":")
GREY = "#767676"
WIDTH = 6.0  # inches
RESOLUTION = 200  # dots an inch
_LOOK = {
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.labelsize": 10,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
}


def open_figure(**options):
    """A figure of matplotlib's.

    Arguments
    ---------
    **options : dict
        Of ``matplotlib.figure.Figure``.

    Returns
    -------
    matplotlib.figure.Figure
        Known to no window.

    Raises
    ------
    ImportError
        If matplotlib is not installed.

    Example
    -------
    >>> float(open_figure(figsize=(6, 3)).get_figwidth())
    6.0
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(NEEDS) from error
    return Figure(**options)


def open_panels(rows=1, columns=1, *, height=2.8, width=WIDTH, **options):
    """A figure of panels in the common look.

    Arguments
    ---------
    rows, columns : int
        How many panels.
    height : float
        Of one row, in inches.
    width : float
        Of all, in inches.
    **options : dict
        Of ``matplotlib.figure.Figure.subplots``, such as ``sharex``.

    Returns
    -------
    tuple of (matplotlib.figure.Figure, numpy.ndarray)
        The figure and its axes, ``(rows, columns)``.

    Raises
    ------
    ImportError
        If matplotlib is not installed.

    Example
    -------
    >>> figure, axes = open_panels(2, 1)
    >>> axes.shape, float(figure.get_figheight())
    ((2, 1), 5.6)
    """
    figure = open_figure(figsize=(width, height * rows), layout="constrained")
    from matplotlib import rc_context

    with rc_context(_LOOK):
        return figure, figure.subplots(rows, columns, squeeze=False, **options)


def label(axes, *, x="", y="", title=""):
    """Name what the axes show.

    Arguments
    ---------
    axes : matplotlib.axes.Axes
        The panel.
    x, y : str
        With units.
    title : str
        Of the panel, at its left.

    Example
    -------
    >>> _, axes = open_panels()
    >>> label(axes[0, 0], x="time, s", y="loss")
    >>> axes[0, 0].get_xlabel()
    'time, s'
    """
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.set_title(title, loc="left")


def legend(figure, axes, columns=3):
    """One legend below a figure, of the names in one panel or several.

    Arguments
    ---------
    figure : matplotlib.figure.Figure
        Whose legend it is.
    axes : sequence of matplotlib.axes.Axes
        Panels; a name that comes again is taken once.
    columns : int
        Names side by side.

    Example
    -------
    >>> figure, axes = open_panels()
    >>> _ = axes[0, 0].plot([0, 1], [2, 3], label="train")
    >>> legend(figure, axes.flat)
    >>> len(figure.legends)
    1
    """
    named = {}
    for panel in axes:
        handles, names = panel.get_legend_handles_labels()
        for name, handle in zip(names, handles, strict=True):
            named.setdefault(name, handle)
    if named:
        figure.legend(
            named.values(),
            named.keys(),
            loc="outside lower center",
            ncols=min(columns, len(named)),
            fontsize=9,
            frameon=False,
        )


def to_png(figure):
    """A figure as a file.

    Arguments
    ---------
    figure : matplotlib.figure.Figure
        With a white ground, so that it is legible on dark pages too.

    Returns
    -------
    bytes
        A PNG.

    Example
    -------
    >>> to_png(open_panels()[0])[1:4]
    b'PNG'
    """
    from matplotlib.text import Text

    powers = {
        id(text)
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        if axis.get_scale() == "log"
        for text in axis.get_ticklabels(which="both")
    }
    for text in figure.findobj(Text):
        # A run's name may have dollars; the only formulas are powers at log axes.
        text.set_parse_math(id(text) in powers)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=RESOLUTION, facecolor="white")
    return file.getvalue()
