"""The page of a pretraining run: what was trained, how long, and what it has learned.

Authors
 * The mert_sb developers 2026
"""

import csv

from mert_sb.inference.report import curves, skills
from mert_sb.inference.report.guess import median_guess, regressed
from mert_sb.inference.report.log import TRAIN_LOG
from mert_sb.inference.report.masked import draw_guess
from mert_sb.inference.report.page import Page
from mert_sb.inference.report.run import Run
from mert_sb.inference.report.settings import HYPERPARAMS, read_settings
from mert_sb.inference.report.trained import run_rows
from mert_sb.texts import opened_text

NEEDS = f"{TRAIN_LOG} and a {HYPERPARAMS} with teachers and loss_weights"
# Rows of a table; of validations the others are in the curves.
MOST_ROWS = 10


def recognise(folders):
    """Whether it is one output folder of pretraining.

    Arguments
    ---------
    folders : list of pathlib.Path
        On the command line.

    Returns
    -------
    bool
        By its files.

    Example
    -------
    >>> recognise([getfixture("tmp_path")])
    False
    """
    if len(folders) != 1:
        return False
    files = [folders[0] / name for name in (TRAIN_LOG, HYPERPARAMS)]
    if not all(path.is_file() for path in files):
        return False
    return {"teachers", "loss_weights"} <= set(read_settings(folders[0]))


def build_run_page(folders):
    """The page of a pretraining run.

    Arguments
    ---------
    folders : list of pathlib.Path
        One, that ``recognise`` knows.

    Returns
    -------
    mert_sb.inference.report.page.Page
        Not written yet.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If its files are no recipe's.

    Example
    -------
    >>> build_run_page(["absent"])
    Traceback (most recent call last):
        ...
    FileNotFoundError: [Errno 2] No such file or directory: 'absent...'
    """
    run = Run(folders[0])
    page = Page(
        f"Pretraining: {run.settings.get('name', '')} {run.folder.name}"
    )
    page.section("What was trained")
    page.table(("", ""), run_rows(run))
    _tell_skills(page, run)
    _tell_guesses(page, run)
    _tell_losses(page, run)
    _tell_codes(page, run)
    _tell_course(page, run)
    return page


def _tell_skills(page, run):
    """Beside trivial guesses."""
    page.section("What it has learned")
    figure = skills.draw_skills(run)
    if figure is None:
        page.text("No validation has been logged yet.")
        return
    page.text(
        "Skill says how far the student is beyond a trivial guess of the same masked "
        "frames of held-out files. Of features it is 1 - error / guess's error, of "
        "codes (accuracy - guess's) / (1 - guess's): 1 is without a fault, 0 as good "
        "as the guess, and below 0 the guess is better. What a probe could use begins "
        "above 0 beside the strongest guess."
    )
    for name in run.teachers:
        if skills.guesses_of(run, name):
            page.text(skills.verdict(run, name))
    page.figure(
        figure,
        "skills",
        "Skill on held-out files beside each trivial guess. Above the grey line the "
        "student is better than the guess; below -1 the axis is logarithmic.",
        alt="Curves of skill by step, a panel a teacher",
    )
    page.table(*skills.last_table(run), caption="The last validation.")


def _tell_guesses(page, run):
    """Pictures of what was hidden."""
    for name in regressed(run):
        page.section(f"A masked clip: {name}")
        try:
            guess, n = median_guess(run, name)
        except (OSError, ValueError) as error:
            page.text(f"There is no picture: {error}")
            continue
        page.figure(
            draw_guess(guess, run.settings["teachers"][name]),
            f"masked_{name}",
            f"{name} of a clip of held-out audio, {guess.key}: of {n} clips of "
            "different files the one whose error is in the middle. Grey frames were "
            "hidden; errors are mean squares over them. Weights: the newest "
            "checkpoint.",
            alt="Target, what is shown of it, and two guesses, one below another",
        )


def _tell_losses(page, run):
    """Curves, and a table of validations."""
    figure = curves.draw_losses(run)
    if figure is None:
        return
    page.section("Losses and accuracies")
    page.figure(
        figure,
        "losses",
        "By teacher, in training, where dropout and the YAML's mixture act, and on "
        "held-out files, where they do not.",
        alt="Curves of loss and accuracy by step",
    )
    page.table(*_validations(run), caption="Held-out files.")


def _validations(run):
    """Header and rows, the last among them."""
    held = run.log.valid
    keys = [
        f"{name}_{what}"
        for name in run.teachers
        for what in ("loss", "accuracy")
        if any(f"{name}_{what}" in entry.stats for entry in held)
    ]
    jump = -(-len(held) // MOST_ROWS) or 1
    rows = []
    for entry in held[::-1][::jump][::-1]:
        hours = run.hours(entry.step)
        spent = run.clock and run.clock.at.get(("valid", entry.step))
        rows.append(
            (
                entry.step,
                None if hours is None else f"{hours:.2f}",
                None if spent is None else f"{spent / 60:.1f}",
                *(entry.stats.get(key) for key in keys),
            )
        )
    names = [key.replace("_", " ") for key in keys]
    return ("step", "audio, hours", "minutes", *names), rows


def _tell_codes(page, run):
    """Usage of codebooks."""
    for name in run.teachers:
        figure = curves.draw_codes(run, name)
        if figure is not None:
            page.section(f"Codes: {name}")
            page.figure(
                figure,
                f"codes_{name}",
                "On held-out files, means over codebooks: the share of the codes that "
                "occur, and by how many equally frequent codes guessing would be as "
                "hard. A student that says few codes knows what is common only.",
                alt="Curves of codes used and of perplexity by step",
            )
            rows = [
                (number, f"{100 * value:.1f}")
                for number, value in enumerate(_by_codebook(run, name))
            ]
            page.table(("codebook", "accuracy, %"), rows)


def _by_codebook(run, name):
    """Accuracies of the last validation."""
    stats, found = run.log.valid[-1].stats, []
    while (key := f"{name}_accuracy_{len(found)}") in stats:
        found.append(stats[key])
    return found


def _tell_course(page, run):
    """Gradients and spikes."""
    figure = curves.draw_course(run)
    if figure is not None:
        page.section("How it went")
        page.figure(
            figure,
            "course",
            "The gradient's norm before clipping, of all and by part of the model, "
            "and the learning rate.",
            alt="Curves of gradient norms and learning rate by step",
        )
    path = run.folder / "spikes.csv"
    if path.is_file():
        with opened_text(path, newline="") as file:
            steps = list(csv.DictReader(file))
        page.text(f"Steps whose loss spiked, from spikes.csv: {len(steps)}.")
        keys = ("step", "loss", "threshold")
        rows = [
            [step.get(key) or "" for key in keys] for step in steps[:MOST_ROWS]
        ]
        page.table(keys, rows)
