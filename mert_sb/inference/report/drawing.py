"""Drawing: lines, bars and images in the common look.

Authors
 * The mert_sb developers 2026
"""

from mert_sb.inference.report.figures import DASHES, PALETTE

# One colour scale for all images: lighter is more, with any colour vision.
COLOURS = "cividis"


def curve(axes, x, y, *, name="", place=0, **options):
    """A line, in the colour and dashes of its place.

    Arguments
    ---------
    axes : matplotlib.axes.Axes
        The panel.
    x, y : sequence of float
        The points; up to 60 of them are marked, so that a single one is seen.
    name : str
        In the legend.
    place : int
        Which of the palette's.
    **options : dict
        Of ``matplotlib.axes.Axes.plot``, in place of the look's.

    Returns
    -------
    matplotlib.lines.Line2D
        The line.

    Example
    -------
    >>> from mert_sb.inference.report.figures import open_panels
    >>> _, axes = open_panels()
    >>> curve(axes[0, 0], [0, 1], [2, 3], name="train", place=1).get_color()
    '#D55E00'
    """
    look = {
        "color": PALETTE[place % len(PALETTE)],
        "linestyle": DASHES[place % len(DASHES)],
        "linewidth": 1.6,
        "marker": "o" if len(x) <= 60 else "",
        "markersize": 3,
        "label": name,
    }
    return axes.plot(x, y, **(look | options))[0]


def bars(axes, names, values, *, errors=None, place=0, digits=None):
    """Horizontal bars, the first on top.

    Arguments
    ---------
    axes : matplotlib.axes.Axes
        The panel.
    names : sequence of str
        One a bar.
    values : sequence of float
        Their lengths.
    errors : sequence of float, optional
        Half widths of error bars; NaN for none.
    place : int
        Which of the palette's colours.
    digits : int, optional
        Decimals of the values beside the bars; None: not written.

    Example
    -------
    >>> from mert_sb.inference.report.figures import open_panels
    >>> _, axes = open_panels()
    >>> bars(axes[0, 0], ["key", "pitch"], [0.5, 0.25], digits=2)
    >>> [text.get_text() for text in axes[0, 0].texts]
    ['0.50', '0.25']
    """
    colour = PALETTE[place % len(PALETTE)]
    drawn = axes.barh(range(len(names)), values, color=colour, height=0.7)
    if errors is not None:
        axes.errorbar(
            values, range(len(names)), xerr=errors, fmt="none", ecolor="#000000"
        )
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    if digits is not None:
        texts = [f"{value:.{digits}f}" for value in values]
        axes.bar_label(drawn, texts, padding=3, fontsize=9)
        axes.margins(x=0.15)


def image(axes, values, *, name="", extent=None, limits=None, **options):
    """A matrix in colours, with its colour bar where it has a name.

    Arguments
    ---------
    axes : matplotlib.axes.Axes
        The panel.
    values : array
        ``(rows, columns)``, the first row at the bottom.
    name : str
        What the colours say, with its unit; empty: no colour bar.
    extent : tuple of float, optional
        Left, right, bottom, top.
    limits : tuple of float, optional
        Least and greatest of the colours; None: the values'.
    **options : dict
        Of ``matplotlib.axes.Axes.imshow``, in place of the look's.

    Returns
    -------
    matplotlib.image.AxesImage
        The image.

    Example
    -------
    >>> from mert_sb.inference.report.figures import open_panels
    >>> _, axes = open_panels()
    >>> drawn = image(axes[0, 0], [[0, 1], [2, 3]], name="count")
    >>> drawn.get_array().shape
    (2, 2)
    """
    low, high = limits or (None, None)
    look = {
        "origin": "lower",
        "aspect": "auto",
        "interpolation": "nearest",
        "cmap": COLOURS,
        "vmin": low,
        "vmax": high,
        "extent": extent,
    }
    drawn = axes.imshow(values, **(look | options))
    axes.grid(visible=False)
    if name:
        bar = axes.figure.colorbar(drawn, ax=axes)
        bar.set_label(name, fontsize=9)
        bar.ax.tick_params(labelsize=9)
    return drawn
