"""A pretraining Brain in this process: a tiny student, two teachers, three clips.

Authors
 * The mert_sb developers 2026
"""

from functools import partial

import torch
from speechbrain.dataio.batch import PaddedBatch
from speechbrain.nnet.schedulers import LinearWarmupScheduler

from mert_sb.checkpoints import CompleteCheckpointer
from mert_sb.pretraining.brain import Pretraining
from mert_sb.pretraining.heads import CodebookHead, RegressionHead
from mert_sb.pretraining.hiding import Hiding
from mert_sb.pretraining.masking import span_mask
from mert_sb.pretraining.mixture import Mixture
from mert_sb.pretraining.recovery import Recovery
from mert_sb.pretraining.spikes import LossWatch
from mert_sb.pretraining.stability import Instruments
from mert_sb.teachers import Teacher
from tests.utils.originals import tiny_student

FRAMES, CLIPS = 30, 3
QUIET = {"dropout": 0.0, "attention_dropout": 0.0, "input_dropout": 0.0}
QUIET |= {"layerdrop": 0.0}


class Loudness(Teacher):
    """Two codes a frame of ten levels, or one level.

    Arguments
    ---------
    codes : bool
        Which of the two.
    sample_rate : int
        In Hz.
    """

    n_codebooks, codebook_size = 2, 10

    def __init__(self, *, codes, sample_rate=24_000):
        super().__init__(sample_rate=sample_rate)
        self.codes = codes

    def frame_targets(self, wavs):
        """Ten times the mean magnitude of the samples that a frame sees."""
        power = wavs.abs().unfold(1, 400, 320).mean(-1, keepdim=True)
        levels = (10 * power).expand(-1, -1, 2).clamp(0, 9)
        # As a real one, it gives a code that there is, whatever it hears.
        return levels.nan_to_num().long() if self.codes else levels[..., :1]


def build_brain(folder, *, run_opts=None, head=None, student=None, **changed):
    """A Brain whose student has no dropout, ready to step.

    Arguments
    ---------
    folder : pathlib.Path
        For its checkpoints.
    run_opts : dict, optional
        Of SpeechBrain.
    head : dict, optional
        Options of its ``CodebookHead``.
    student : dict, optional
        Settings of its student.
    **changed : dict
        Hyperparameters in place of the usual ones.

    Returns
    -------
    Pretraining
        The same weights each time.
    """
    with torch.random.fork_rng():
        torch.manual_seed(0)
        sizes = {"n_codebooks": 2, "codebook_size": 10, "proj_dim": 4}
        modules = {
            "student": tiny_student(**QUIET | (student or {})),
            "codes": CodebookHead(32, **sizes | (head or {})),
            "level": RegressionHead(32, n_features=1),
        }
    hparams = dict.fromkeys(Pretraining.HPARAMS_NEEDED) | {
        "sample_rate": 24_000,
        "stored": {},
        "card": {},
        "output_folder": str(folder),
        "log_interval": 10**9,
        "teachers": {
            "codes": partial(Loudness, codes=True),
            "level": partial(Loudness, codes=False),
        },
        "loss_weights": {"codes": 1.0, "level": 1.0, "feature_penalty": 1.0},
        "mixture": Mixture(probability=0.0),
        "hiding": Hiding(dim=32),
        "instruments": Instruments(),
        "spikes": LossWatch(),
        "recovery": Recovery(),
        "train_dataloader_opts": {"batch_size": CLIPS},
        "lr_schedule": LinearWarmupScheduler(1.0, 0, 10**9),
    }
    brain = Pretraining(
        modules,
        partial(torch.optim.SGD, lr=1.0),
        hparams | changed,
        {"max_grad_norm": 1.0e9} | (run_opts or {}),
        CompleteCheckpointer(folder),
    )
    brain.init_optimizers()
    return brain


def clips(seed=0, n_clips=CLIPS, n_frames=FRAMES, n_masked=None):
    """Clips as the recipes give them.

    Arguments
    ---------
    seed : int
        Of the audio and the masks.
    n_clips : int
        How many.
    n_frames : int
        Of each.
    n_masked : int, optional
        Frames of a mask, the student's; by default all.

    Returns
    -------
    list of dict
        For ``batch``.
    """
    generator = torch.Generator().manual_seed(seed)
    return [
        {
            "id": f"{seed}-{clip}",
            "sig": torch.randn(400 + 320 * (n_frames - 1), generator=generator),
            "mask": span_mask(n_masked or n_frames, generator=generator),
            "mixture_seed": clip,
            "hiding_seed": 10 + clip,
        }
        for clip in range(n_clips)
    ]


def batch(*parts):
    """Clips put together.

    Arguments
    ---------
    *parts : list of dict
        From ``clips``; none: one batch of them.

    Returns
    -------
    PaddedBatch
        For a Brain.
    """
    return PaddedBatch(sum(parts or (clips(),), []))


def losses(brain, stage):
    """Losses of a batch by head, and the whole one.

    Arguments
    ---------
    brain : Pretraining
        Its weights are left alone.
    stage : sb.Stage
        Training or validation.

    Returns
    -------
    tuple of (dict, torch.Tensor)
        By name, and the sum.
    """
    with torch.no_grad():
        outputs = brain.compute_forward(batch(), stage)
        whole = brain.compute_objectives(outputs, batch(), stage)
    return {name: r["loss"] for name, r in outputs[0].items()}, whole


def step(brain, *batches):
    """One optimizer step from micro-batches.

    Arguments
    ---------
    brain : Pretraining
        To be stepped.
    *batches : PaddedBatch
        As many as its ``grad_accumulation_factor``.

    Returns
    -------
    torch.Tensor
        All parameters behind one another, as far as they moved.
    """
    before = weights(brain)
    for each in batches:
        brain.step += 1
        brain.fit_batch(each)
    return weights(brain) - before


def weights(brain):
    """All parameters behind one another.

    Arguments
    ---------
    brain : Pretraining
        Theirs.

    Returns
    -------
    torch.Tensor
        A copy.
    """
    parameters = brain.modules.parameters()
    return torch.cat([p.detach().flatten().clone() for p in parameters])
