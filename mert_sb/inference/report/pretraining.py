"""The page of a pretraining run: what was trained, how long, and what it has learned.

Authors
 * The mert_sb developers 2026
"""

import csv
import statistics

import torch

from mert_sb.inference.report import curves, skills
from mert_sb.inference.report.guess import median_guess, regressed
from mert_sb.inference.report.log import TRAIN_LOG
from mert_sb.inference.report.masked import draw_guess
from mert_sb.inference.report.page import Page
from mert_sb.inference.report.run import Run
from mert_sb.inference.report.settings import HYPERPARAMS, build, read_settings

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
    _tell_run(page, run)
    _tell_skills(page, run)
    _tell_guesses(page, run)
    _tell_losses(page, run)
    _tell_codes(page, run)
    _tell_course(page, run)
    return page


def _tell_run(page, run):
    """Sizes, music and time."""
    page.section("What was trained")
    settings, steps = run.settings, run.log.steps
    limit = settings["optimizer_step_limit"]
    of_limit = f" of {limit:,}" if limit else ""
    rows = [
        ("student", _student(settings["student"])),
        ("teachers", "; ".join(_teacher(run, name) for name in run.teachers)),
        ("music", _music(run)),
        ("clips", _clips(run)),
        ("steps", f"{steps:,}{of_limit}"),
        ("audio heard", _heard(run)),
        ("machine time", _time(run)),
        ("speed", _speed(run)),
        ("folder", str(run.folder)),
    ]
    page.table(("", ""), [row for row in rows if row[1]])


def _student(made):
    """Its layers and parameters."""
    try:
        with torch.device("meta"):
            student = build(made, "mert_sb.student")
    except ValueError:
        # One that is made otherwise, such as from another's front end.
        return ""
    size = sum(p.numel() for p in student.parameters()) / 1e6
    kept = student.settings
    return (
        f"{size:.1f} million parameters, {kept['num_layers']} {kept['layer_type']} "
        f"layers of {kept['embed_dim']}, {kept['sample_rate']:,} Hz"
    )


def _teacher(run, name):
    """Its class, and what its loss weighs."""
    kind = getattr(run.settings["teachers"][name], "kind", "")
    return f"{name} ({kind}, loss times {run.settings['loss_weights'][name]:g})"


def _music(run):
    """Where from, and how much."""
    parts = [str(run.settings["data_folder"])]
    for name, said in (("train", "for training"), ("valid", "held out")):
        hours = run.length(name)
        if hours is not None:
            files = {row["wav"] for row in run.rows(name).values()}
            parts.append(f"{_span(hours)} in {len(files):,} files {said}")
    return ", ".join(parts)


def _clips(run):
    """A step's, at the end."""
    settings, last = run.settings, run.plan.held_out
    clips = settings["train_dataloader_opts"]["batch_size"]
    n = clips * settings["grad_accumulation_factor"] * (run.processes or 1)
    seconds = "whole rows"
    if last.samples is not None:
        seconds = f"{last.samples / settings['sample_rate']:.1f} s"
    return (
        f"{n} of {seconds} a step, mask probability {last.spans['probability']:g} in "
        f"spans of {last.spans['length']} frames"
    )


def _heard(run):
    """Hours, and how often that is all the music."""
    hours, own = run.hours(run.log.steps), run.length("train")
    if hours is None:
        return ""
    times = f", {hours / own:.1f} times the training music" if own else ""
    return f"{_span(hours)}{times}"


def _time(run):
    """From the clock."""
    if run.clock is None:
        return ""
    spent = _span(run.clock.seconds / 3600)
    counted = {None: "", 1: " on one process"}
    where = counted.get(run.processes, f" on {run.processes} processes")
    return f"{spent}{where}, preparing and validations included"


def _speed(run):
    """Median of the log lines."""
    _, rates = run.log.series("train", "audio_per_second")
    _, waits = run.log.series("train", "data_wait")
    if not rates:
        return ""
    return (
        f"{statistics.median(rates):.3g} seconds of audio a second, "
        f"{statistics.median(waits):.1%} of the time waiting for data (medians)"
    )


def _span(hours):
    """Hours, or minutes where they are few."""
    return f"{hours:.1f} hours" if hours >= 2 else f"{60 * hours:.1f} minutes"


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
        "By teacher, in training, where clips are mixed with others, and on held-out "
        "files, where they are not.",
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
        )
    path = run.folder / "spikes.csv"
    if path.is_file():
        with path.open(encoding="utf-8", newline="") as file:
            steps = list(csv.DictReader(file))
        page.text(f"{len(steps)} steps whose loss spiked, from spikes.csv:")
        keys = ("step", "loss", "threshold")
        rows = [[step[key] for key in keys] for step in steps[:MOST_ROWS]]
        page.table(keys, rows)
