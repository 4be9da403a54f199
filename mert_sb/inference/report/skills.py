"""Skills: how far a student is beyond trivial guesses of its teachers' targets.

Authors
 * The mert_sb developers 2026
"""

from mert_sb.inference.report.curves import stacked
from mert_sb.inference.report.drawing import curve
from mert_sb.inference.report.figures import GREY, legend
from mert_sb.pretraining.yardsticks import OF_CODES, OF_FEATURES, skill

GUESSES = {
    "commonest": "the commonest code",
    "nearest": "the nearest visible frame",
    "interpolate": "interpolation",
    "clip_mean": "the clip's mean",
}
# Beyond it an axis of skills is no longer even.
EVEN = 1.0


def guesses_of(run, name):
    """The trivial guesses that the log has of a teacher's targets.

    Arguments
    ---------
    run : mert_sb.inference.report.run.Run
        The run.
    name : str
        Of the teacher.

    Returns
    -------
    tuple of str
        Of codes or of features; empty before the first validation.

    Example
    -------
    >>> from mert_sb.inference.report.log import Entry, Log
    >>> from mert_sb.inference.report.run import Run
    >>> run = Run("absent")
    >>> run.__dict__["log"] = Log([], [Entry(1, 9, {"a_interpolate": 0.5})])
    >>> guesses_of(run, "a")
    ('interpolate', 'nearest', 'clip_mean')
    """
    for guesses in (OF_CODES, OF_FEATURES):
        if run.log.series("valid", f"{name}_{guesses[0]}")[0]:
            return guesses
    return ()


def skills_of(run, name, guess):
    """A teacher's skill beside a guess, over the steps.

    Arguments
    ---------
    run : mert_sb.inference.report.run.Run
        The run.
    name : str
        Of the teacher.
    guess : str
        One of ``guesses_of``.

    Returns
    -------
    tuple of (list of int, list of float)
        Steps of validations and skills.

    Example
    -------
    >>> from mert_sb.inference.report.log import Entry, Log
    >>> from mert_sb.inference.report.run import Run
    >>> stats = {"a_interpolate": 0.5, "a_loss": 0.25}
    >>> run = Run("absent")
    >>> run.__dict__["log"] = Log([], [Entry(1, 9, stats)])
    >>> skills_of(run, "a", "interpolate")
    ([9], [0.5])
    """
    hits = "commonest" in guesses_of(run, name)
    key = f"{name}_{'accuracy' if hits else 'loss'}"
    found = [
        (e.step, skill(e.stats[key], e.stats[f"{name}_{guess}"], hits=hits))
        for e in run.log.valid
        if {key, f"{name}_{guess}"} <= set(e.stats)
    ]
    found = [(step, value) for step, value in found if value is not None]
    return [step for step, _ in found], [value for _, value in found]


def draw_skills(run):
    """Skills by teacher and guess, on held-out files.

    Arguments
    ---------
    run : mert_sb.inference.report.run.Run
        The run.

    Returns
    -------
    matplotlib.figure.Figure or None
        None if the log has no validation with guesses.

    Example
    -------
    >>> from mert_sb.inference.report.log import Log
    >>> from mert_sb.inference.report.run import Run
    >>> run = Run("absent")
    >>> run.__dict__ |= {"log": Log([], []), "settings": {"teachers": {}}}
    >>> draw_skills(run) is None
    True
    """
    names = [name for name in run.teachers if guesses_of(run, name)]
    if not names:
        return None
    figure, axes = stacked(run, len(names), height=2.5)
    for panel, name in zip(axes, names, strict=True):
        lowest = 0.0
        for place, guess in enumerate(GUESSES):
            if guess in guesses_of(run, name):
                steps, values = skills_of(run, name, guess)
                curve(panel, steps, values, name=GUESSES[guess], place=place)
                lowest = min([lowest, *values])
        panel.axhline(0, color=GREY, linewidth=1)
        panel.set_ylabel(f"{name}\nskill")
        if lowest < -EVEN:
            panel.set_yscale("symlog", linthresh=EVEN)
            panel.yaxis.set_major_formatter(_plain)
    figure.align_ylabels(axes)
    legend(figure, axes, columns=2)
    return figure


def _plain(value, _):
    """A tick's number, no power of ten."""
    return f"{value:g}".replace("-", "\N{MINUS SIGN}")


def verdict(run, name):
    """What the last validation says of a teacher, in a sentence.

    Arguments
    ---------
    run : mert_sb.inference.report.run.Run
        The run.
    name : str
        Of the teacher, with ``guesses_of``.

    Returns
    -------
    str
        Beside the strongest guess.

    Example
    -------
    >>> from mert_sb.inference.report.log import Entry, Log
    >>> from mert_sb.inference.report.run import Run
    >>> stats = {"a_interpolate": 0.5, "a_nearest": 1.0, "a_clip_mean": 1.0}
    >>> run = Run("absent")
    >>> run.__dict__["log"] = Log([], [Entry(1, 9, {**stats, "a_loss": 1.0})])
    >>> verdict(run, "a")
    'a: skill -1.00 beside interpolation, the strongest guess: not beyond it yet.'
    """
    last = {
        guess: values[-1]
        for guess in guesses_of(run, name)
        if (values := skills_of(run, name, guess)[1])
    }
    if not last:
        return f"{name}: the guesses are without a fault, no skill can be told."
    strongest = min(last, key=last.get)
    value = last[strongest]
    end = "beyond it" if value > 0 else "not beyond it yet"
    return (
        f"{name}: skill {value:.2f} beside {GUESSES[strongest]}, the strongest "
        f"guess: {end}."
    )


def last_table(run):
    """Student and guesses in the last validation.

    Arguments
    ---------
    run : mert_sb.inference.report.run.Run
        The run.

    Returns
    -------
    tuple of (tuple of str, list of tuple)
        Header and rows of a table.

    Example
    -------
    >>> from mert_sb.inference.report.log import Entry, Log
    >>> from mert_sb.inference.report.run import Run
    >>> stats = {"a_interpolate": 0.5, "a_nearest": 1.0, "a_clip_mean": 1.0}
    >>> run = Run("absent")
    >>> run.__dict__["log"] = Log([], [Entry(1, 9, {**stats, "a_loss": 1.0})])
    >>> run.__dict__["settings"] = {"teachers": {"a": None}}
    >>> last_table(run)[1][1]
    ('a', 'interpolation', 0.5, '-1.00')
    """
    rows = []
    for name in run.teachers:
        guesses = guesses_of(run, name)
        hits = "commonest" in guesses
        own = f"{name}_{'accuracy' if hits else 'loss'}"
        told = {"the student": (own, None)} if guesses else {}
        told |= {GUESSES[g]: (f"{name}_{g}", g) for g in guesses}
        for who, (key, guess) in told.items():
            values = run.log.series("valid", key)[1][-1:]
            value = values[0] if values else None
            beside = skills_of(run, name, guess)[1] if guess else []
            said = f"{100 * value:.1f} %" if hits and values else value
            skill_said = f"{beside[-1]:.2f}" if beside else None
            rows.append((name, who, said, skill_said))
    header = (
        "teacher",
        "guessed by",
        "accuracy or error",
        "student's skill",
    )
    return header, rows
