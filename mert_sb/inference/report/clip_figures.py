"""Figures of single clips: beats in an excerpt, and tracks in the plane.

T frames, K tracks.

Authors
 * The mert_sb developers 2026
"""

import numpy as np

from mert_sb.inference.report.drawing import COLOURS, curve
from mert_sb.inference.report.figures import PALETTE, label, legend, open_panels
from mert_sb.inference.report.keys import BY_FIFTHS, KEYS

MARKERS = ("o", "^", "s")
# With more classes than that, colours say order and no longer names.
MOST_CLASSES = len(PALETTE) * len(MARKERS)
# Colours in a circle, as the fifths are; dark and light ends meet.
CIRCLE = "twilight"
# Above the middle of the spectrogram what is true, below what was found.
HALVES = {"true": (0.52, 0.98, "#0072B2"), "found": (0.02, 0.48, "#D55E00")}


def draw_excerpt(excerpt):
    """A spectrogram with true and found beats, and the activations below.

    Arguments
    ---------
    excerpt : dict of str to numpy.ndarray
        Of ``mert_sb.downstream.beats.excerpt``.

    Returns
    -------
    matplotlib.figure.Figure
        Two panels, one above the other.

    Example
    -------
    >>> times = {name: np.array([0.1]) for name in ("beats", "downbeats")}
    >>> true = {f"true_{name}": value for name, value in times.items()}
    >>> excerpt = {"spectrogram": np.zeros((9, 4)), "seconds": np.array(0.2)}
    >>> excerpt |= {
    ...     "activations": np.zeros((9, 2)),
    ...     "frame_rate": np.array(75.0),
    ... }
    >>> len(draw_excerpt(excerpt | times | true).axes)
    2
    """
    figure, axes = open_panels(2, 1, height=2.5, sharex=True)
    seconds, rate = float(excerpt["seconds"]), float(excerpt["frame_rate"])
    above, below = axes[:, 0]
    bands = excerpt["spectrogram"].astype(np.float32)
    above.imshow(
        bands.T,
        origin="lower",
        aspect="auto",
        cmap="Greys",
        extent=(0, len(bands) / rate, 0, bands.shape[1]),
        vmin=float(np.percentile(bands, 5)),
    )
    above.grid(visible=False)
    for name, (low, high, colour) in HALVES.items():
        prefix = "true_" if name == "true" else ""
        _mark(above, excerpt, prefix, bands.shape[1], (low, high), colour, name)
    label(above, y="mel band")
    activations = excerpt["activations"].astype(np.float32)
    times = np.arange(len(activations)) / rate
    for column, name in enumerate(("beat", "downbeat")):
        curve(
            below,
            times,
            activations[:, column],
            name=f"activation, {name}",
            place=column + 2,
            marker="",
            linestyle="-",
            linewidth=1.2,
        )
    below.set_ylim(0, 1)
    below.set_xlim(0, seconds)
    label(below, x="time, s", y="probability")
    legend(figure, axes[:, 0], columns=2)
    return figure


def _mark(panel, excerpt, prefix, height, half, colour, name):
    """Lines at beats, thick ones at downbeats, in one half of a panel."""
    low, high = (height * part for part in half)
    options = {"colors": colour}
    beats, downbeats = (
        excerpt[f"{prefix}{kind}"] for kind in ("beats", "downbeats")
    )
    panel.vlines(
        beats, low, high, linewidth=1.2, label=f"{name} beats", **options
    )
    panel.vlines(
        downbeats,
        low,
        high,
        linewidth=3.2,
        label=f"{name} downbeats",
        **options,
    )


def draw_classes(points, classes, names, explained, *, family=""):
    """Tracks in the plane, coloured by their class.

    Arguments
    ---------
    points : numpy.ndarray
        ``(K, 2)``.
    classes : numpy.ndarray
        ``(K,)`` numbers of classes.
    names : sequence of str
        Of the classes.
    explained : tuple of (float, float)
        Shares of the variance along both axes.
    family : str
        Keys are coloured by the circle of fifths.

    Returns
    -------
    matplotlib.figure.Figure
        One panel; with many classes and a colour bar, two.

    Example
    -------
    >>> points, names = np.zeros((2, 2)), ["a", "b"]
    >>> figure = draw_classes(points, np.array([0, 1]), names, (0.5, 0.25))
    >>> figure.axes[0].get_xlabel()
    'first component, 50 % of the variance'
    """
    if family == "Key":
        return _draw_keys(points, classes, explained)
    if len(names) > MOST_CLASSES:
        name, numbers = "number of the class", classes
        if all(name.isdigit() for name in names):
            name, numbers = "true class", [int(names[n]) for n in classes]
        return draw_numbers(points, numbers, name, explained)
    figure, axes = open_panels(height=4.6)
    panel = axes[0, 0]
    for number in np.unique(classes):
        chosen = points[classes == number]
        panel.scatter(
            *chosen.T,
            s=18,
            color=PALETTE[number % len(PALETTE)],
            marker=MARKERS[number // len(PALETTE) % len(MARKERS)],
            alpha=0.8,
            label=names[number],
        )
    _name_axes(panel, explained)
    legend(figure, axes.flat, columns=4)
    return figure


def _draw_keys(points, classes, explained):
    """Tracks coloured by the place of their tonic in the circle of fifths."""
    figure, axes = open_panels(height=4.6)
    panel = axes[0, 0]
    # A minor key has the colour of its relative major.
    place = {key: BY_FIFTHS.index(key) // 2 for key in range(len(KEYS))}
    for mode, marker in (("major", "o"), ("minor", "^")):
        chosen = np.array([KEYS[key].endswith(mode) for key in classes])
        drawn = panel.scatter(
            *points[chosen].T,
            c=[place[key] for key in classes[chosen]],
            cmap=CIRCLE,
            vmin=-0.5,
            vmax=11.5,
            s=24,
            marker=marker,
            edgecolors="#000000",
            linewidths=0.4,
            label=mode,
        )
    bar = figure.colorbar(drawn, ax=panel, ticks=np.arange(12))
    tonics = [KEYS[key].split()[0] for key in BY_FIFTHS]
    pairs = zip(tonics[::2], tonics[1::2], strict=True)
    bar.ax.set_yticklabels([f"{a} / {b}m" for a, b in pairs], fontsize=9)
    _name_axes(panel, explained)
    legend(figure, axes.flat)
    return figure


def draw_numbers(points, numbers, name, explained):
    """Tracks in the plane, coloured by a number.

    Arguments
    ---------
    points : numpy.ndarray
        ``(K, 2)``.
    numbers : numpy.ndarray
        ``(K,)``.
    name : str
        What they are, for the colour bar.
    explained : tuple of (float, float)
        Shares of the variance along both axes.

    Returns
    -------
    matplotlib.figure.Figure
        A panel and a colour bar.

    Example
    -------
    >>> figure = draw_numbers(np.zeros((2, 2)), [1, 2], "valence", (0.5, 0.25))
    >>> figure.axes[1].get_ylabel()
    'valence'
    """
    figure, axes = open_panels(height=4.2)
    panel = axes[0, 0]
    drawn = panel.scatter(*points.T, c=numbers, cmap=COLOURS, s=18)
    figure.colorbar(drawn, ax=panel).set_label(name, fontsize=9)
    _name_axes(panel, explained)
    return figure


def _name_axes(panel, explained):
    first, second = (
        f"{100 * share:.0f} % of the variance" for share in explained
    )
    label(panel, x=f"first component, {first}", y=f"second component, {second}")
