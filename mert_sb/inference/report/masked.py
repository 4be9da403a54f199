"""The picture of a guess: target, what is shown of it, and what is made of that.

Authors
 * The mert_sb developers 2026
"""

import math

from mert_sb.inference.report.drawing import image
from mert_sb.inference.report.figures import label, open_panels

# Names of Cs, from the piano's lowest on.
LOWEST_C = 32.703


def draw_guess(guess, made):
    """Four panels below one another.

    Arguments
    ---------
    guess : mert_sb.inference.report.guess.Guess
        Of a clip.
    made : mert_sb.inference.report.settings.Made
        The teacher, for the axis of its features.

    Returns
    -------
    matplotlib.figure.Figure
        With the errors in its titles.

    Example
    -------
    >>> import torch
    >>> from mert_sb.inference.report.guess import Guess
    >>> from mert_sb.inference.report.settings import Made
    >>> target, mask = torch.rand(9, 5), torch.arange(9) < 3
    >>> guess = Guess("a", target, mask, target, target, 75.0)
    >>> figure = draw_guess(guess, Made("name", "MelTeacher", {}))
    >>> [axes.get_title(loc="left") for axes in figure.axes[:2]]
    ['target', 'shown to the student']
    """
    figure, axes = open_panels(4, 1, height=1.5, sharex=True, sharey=True)
    shown = guess.target.clone()
    shown[guess.mask] = math.nan
    student, between = (f"{error:.3g}" for error in guess.errors)
    panels = {
        "target": guess.target,
        "shown to the student": shown,
        f"the student's guess of what was hidden, error {student}": guess.guess,
        f"interpolation's, error {between}": guess.between,
    }
    limits = _limits(guess.target)
    seconds, bins = len(guess.target) / guess.rate, guess.target.shape[1]
    for panel, (title, values) in zip(axes[:, 0], panels.items(), strict=True):
        drawn = image(
            panel,
            values.T.numpy(),
            extent=(0, seconds, -0.5, bins - 0.5),
            limits=limits,
        )
        panel.set_facecolor("#bbbbbb")
        label(panel, title=title)
    _name_bins(axes[:, 0], made, bins)
    label(axes[-1, 0], x="time, s", title=title)
    bar = figure.colorbar(drawn, ax=list(axes[:, 0]), aspect=50)
    bar.set_label(_unit(made), fontsize=9)
    bar.ax.tick_params(labelsize=9)
    return figure


def _limits(target):
    """All but the loudest hundredth, so that one onset does not dim all else."""
    values = target.flatten().sort().values
    high = values[int(0.99 * (len(values) - 1))].item()
    low = values[0].item()
    return low, high if high > low else low + 1


def _unit(made):
    """What the colours say."""
    if made.kind != "CQTTeacher":
        return "target"
    return "log(1 + magnitude)" if made.settings.get("log") else "magnitude"


def _name_bins(panels, made, bins):
    """Frequencies of a constant-Q transform; of others the bins' numbers."""
    if made.kind != "CQTTeacher":
        panels[0].figure.supylabel("bin", fontsize=10)
        return
    octave = made.settings.get("bins_per_octave", 48)
    fmin = made.settings.get("fmin", 32.7)
    first = math.ceil(math.log2(fmin / LOWEST_C) - 0.01)
    octaves = range(first, first + math.ceil(bins / octave))
    pitches = {n: LOWEST_C * 2.0**n for n in octaves}
    places = {
        f"{pitch:.0f}": octave * math.log2(pitch / fmin)
        for n, pitch in pitches.items()
        if n % 2 == 0 or len(octaves) < 5
    }
    for panel in panels:
        panel.set_yticks(list(places.values()), list(places))
    panels[0].figure.supylabel("frequency, Hz (octaves of C)", fontsize=10)
