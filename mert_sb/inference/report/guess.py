"""What a student sees of a masked clip: the target beside its guess.

Student and heads are those of the run's newest checkpoint, the teacher is built from its
hyperparameters, and clips and masks are those of its validation.

B batch, T frames, F features.

Authors
 * The mert_sb developers 2026
"""

from pathlib import Path
from typing import NamedTuple

import torch
import yaml

from mert_sb import frames
from mert_sb.audio.reader import draw_crop_start, read_crop
from mert_sb.checkpoints import is_whole
from mert_sb.inference.checkpoint import Checkpoint, build_student
from mert_sb.inference.report.settings import Made, build
from mert_sb.inference.tensors import read_pickle
from mert_sb.plain_yaml import compose
from mert_sb.pretraining.masking import span_mask
from mert_sb.pretraining.thinning import thin
from mert_sb.pretraining.yardsticks import interpolate
from mert_sb.seeds import item_generator, item_seed
from mert_sb.texts import read_text

REGRESSION = "mert_sb.pretraining.heads.RegressionHead"
# Clips to choose from, each of another file.
CLIPS = 7
# Longer clips are cut: a picture of more shows nothing.
MOST_SECONDS = 5


class Guess(NamedTuple):
    """A clip, what was hidden of it, and what two guessers say of that.

    Arguments
    ---------
    key : str
        Of the clip's row.
    target : torch.Tensor
        ``(T, F)``.
    mask : torch.Tensor
        ``(T,)`` bool, true where hidden.
    guess, between : torch.Tensor
        ``(T, F)``, the student's and interpolation's; the target at visible frames.
    rate : float
        Frames a second.

    Example
    -------
    >>> target, mask = torch.zeros(3, 1), torch.tensor([False, True, False])
    >>> guess = torch.tensor([[0.0], [2.0], [0.0]])
    >>> Guess("a", target, mask, guess, target, 75.0).errors
    (4.0, 0.0)
    """

    key: str
    target: torch.Tensor
    mask: torch.Tensor
    guess: torch.Tensor
    between: torch.Tensor
    rate: float

    @property
    def errors(self):
        """Mean squared errors at hidden frames: the student's, interpolation's."""
        return tuple(
            (other - self.target)[self.mask].square().mean().item()
            for other in (self.guess, self.between)
        )


def regressed(run):
    """Teachers whose targets are features.

    Arguments
    ---------
    run : mert_sb.inference.report.run.Run
        The run.

    Returns
    -------
    list of str
        Their names.

    Example
    -------
    >>> from mert_sb.inference.report.run import Run
    >>> run = Run("absent")
    >>> head = Made("new", REGRESSION, {})
    >>> run.__dict__["settings"] = {"modules": {"student": None, "cqt": head}}
    >>> regressed(run)
    ['cqt']
    """
    return [
        name
        for name, head in run.settings["modules"].items()
        if isinstance(head, Made) and head.name == REGRESSION
    ]


def newest_checkpoint(run):
    """The folder of a run's newest checkpoint that is whole.

    Arguments
    ---------
    run : mert_sb.inference.report.run.Run
        The run.

    Returns
    -------
    pathlib.Path
        With ``student.ckpt``.

    Raises
    ------
    FileNotFoundError
        If there is none.
    ValueError
        If one does not tell when it was written.

    Example
    -------
    >>> from mert_sb.inference.report.run import Run
    >>> newest_checkpoint(Run("absent"))
    Traceback (most recent call last):
        ...
    FileNotFoundError: absent...save has no checkpoint
    """
    folder = run.folder / "save"
    whole = [path for path in folder.glob("CKPT+*") if is_whole(path)]
    if not whole:
        raise FileNotFoundError(f"{folder} has no checkpoint")
    return max(whole, key=_saved_at)


def _saved_at(folder):
    """When a checkpoint was written, by its own words."""
    path = folder / "CKPT.yaml"
    text = read_text(path)
    # Counts what aliases make of it; PyYAML's own pass would not.
    compose(text, path)
    try:
        return float(yaml.safe_load(text)["unixtime"])
    except (LookupError, TypeError, ValueError, yaml.YAMLError) as error:
        raise ValueError(
            f"{path}: damaged ({error}); delete its folder, or copy it again"
        ) from error


def median_guess(run, name):
    """Of some held-out clips the one that is guessed as well as most.

    Arguments
    ---------
    run : mert_sb.inference.report.run.Run
        The run.
    name : str
        One of ``regressed``.

    Returns
    -------
    tuple of (Guess, int)
        The one of the median error, and among how many.

    Raises
    ------
    OSError
        If weights or audio are gone.
    ValueError
        If the weights are another student's, or the teacher none of the package's.

    Example
    -------
    >>> from mert_sb.inference.report.run import Run
    >>> median_guess(Run("absent"), "cqt")
    Traceback (most recent call last):
        ...
    FileNotFoundError: absent...valid.json is gone or empty
    """
    guesses = guess_rows(run, name, _some_rows(run))
    guesses.sort(key=lambda guess: guess.errors[0])
    return guesses[(len(guesses) - 1) // 2], len(guesses)


def guess_rows(run, name, rows):
    """Guesses of held-out clips, as the run's validation draws them.

    Arguments
    ---------
    run : mert_sb.inference.report.run.Run
        The run.
    name : str
        One of ``regressed``.
    rows : dict of str to dict
        Of ``valid.json``, a clip each.

    Returns
    -------
    list of Guess
        One a row, in float32 whatever the precision of the run.

    Raises
    ------
    OSError
        If weights or audio are gone.
    ValueError
        If the weights are another student's, or the teacher none of the package's.

    Example
    -------
    >>> from mert_sb.inference.report.run import Run
    >>> guess_rows(Run("absent"), "cqt", {})
    Traceback (most recent call last):
        ...
    FileNotFoundError: absent...save has no checkpoint
    """
    weights, settings = newest_checkpoint(run), run.settings
    student = _student(run, weights).eval()
    head = build(settings["modules"][name], "mert_sb.pretraining.heads").eval()
    head.load_state_dict(_load(weights / f"{name}_head.ckpt"))
    teacher = build(settings["teachers"][name], "mert_sb.teachers")
    hiding = None
    if "hiding" in settings:
        hiding = build(settings["hiding"], "mert_sb.pretraining.hiding")
    return [
        _guess(run, clip, student, head, teacher, hiding)
        for clip in rows.items()
    ]


def _student(run, weights):
    """The student of a checkpoint."""
    made, path = run.settings["student"], weights / "student.ckpt"
    if made.name != "mert_sb.student.MERT":
        raise ValueError(f"the student is a {made.name}")
    state = _load(path)
    return build_student(Checkpoint("mert_sb", path, made.settings, state, {}))


def _load(path):
    """Tensors of a checkpoint's file."""
    return read_pickle(path)


def _some_rows(run):
    """The first row of each of some files."""
    rows = run.rows("valid")
    if not rows:
        path = run.folder / "save" / "valid.json"
        raise FileNotFoundError(f"{path} is gone or empty")
    first = {row["wav"]: key for key, row in reversed(rows.items())}
    return {key: rows[key] for key in sorted(first.values())[:CLIPS]}


def _guess(run, clip, student, head, teacher, hiding):
    """Of one clip, drawn as the run's validation draws it."""
    (key, row), settings = clip, run.settings
    seed, rate = settings["seed"], settings["sample_rate"]
    plan = run.plan.held_out.of(row["length"])
    begin = draw_crop_start(
        row["length"],
        plan.samples,
        step=settings["crop_step"],
        generator=item_generator(seed, 0, key, "crop"),
    )
    n_samples = min(plan.samples, MOST_SECONDS * rate)
    n_frames = frames.n_frames(n_samples, plan.subsample)
    path = row["wav"].replace("{data_root}", str(settings["data_folder"]))
    wavs = read_crop(Path(path), row["start"] + begin, n_samples, rate)[None]
    generator = item_generator(seed, 0, key, "mask")
    mask = span_mask(n_frames, **plan.spans, generator=generator)[None]
    show = hiding and hiding(mask, [item_seed(seed, 0, key, "hiding")])
    with torch.no_grad():
        target = thin(teacher(wavs), plan.subsample)
        hidden = student(wavs, mask=mask, show=show)
        guess, between = target.clone(), target.clone()
        guess[mask] = head(hidden, target[mask])["prediction"]
        between[mask] = interpolate(target, mask)
    frame_rate = rate / frames.HOP_LENGTH / plan.subsample
    return Guess(key, target[0], mask[0], guess[0], between[0], frame_rate)
