"""What a pretraining run was: its student, teachers, music, and how long it took.

Authors
 * The mert_sb developers 2026
"""

import statistics

import torch

from mert_sb.inference.report.settings import build


def run_rows(run):
    """Sizes, music and time.

    Arguments
    ---------
    run : mert_sb.inference.report.run.Run
        The run.

    Returns
    -------
    list of (str, str)
        What, and what is known of it; what is not known is left out.

    Example
    -------
    >>> from mert_sb.inference.report.run import Run
    >>> run_rows(Run("absent"))
    Traceback (most recent call last):
        ...
    FileNotFoundError: [Errno 2] No such file or directory: 'absent...'
    """
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
    return [row for row in rows if row[1]]


def _student(made):
    """Its layers and parameters."""
    try:
        with torch.device("meta"):
            student = build(made, "mert_sb.student")
    except ValueError:
        # One that is made otherwise, such as from another's front end.
        return ""
    size = sum(p.numel() for p in student.parameters())
    size = f"{size / 1e6:.1f} million" if size > 1e5 else f"{size:,}"
    kept = student.settings
    return (
        f"{size} parameters, {kept['num_layers']} {kept['layer_type']} "
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
