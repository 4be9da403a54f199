"""Training steps to measure: ours through the recipe's Brain, and two peers'.

Each function gives a callable that does one optimizer step on the same clips: synthetic
codes of eight codebooks stored, the CQT live, no reading of audio.

Authors
 * The mert_sb developers 2026
"""

import atexit
import logging
import shutil
import tempfile
from pathlib import Path

import torch
from speechbrain.dataio.batch import PaddedBatch

from _students import as_hubert, made_clips, made_student
from mert_sb import frames
from mert_sb.hparams import load_hparams
from mert_sb.pretraining.brain import Pretraining
from mert_sb.pretraining.heads import CodebookHead, RegressionHead
from mert_sb.pretraining.masking import span_mask
from mert_sb.teachers import CQTTeacher

ROOT = Path(__file__).parents[2]
YAML = ROOT / "recipes/pretrain/Music4ALL/hparams/MERT-95M.yaml"
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
CLASSES = 500  # of minimal-hubert's second iteration
CODES, CODEBOOKS = 1024, 8


def made_batch(n_clips, seconds, seed=0):
    """Clips as the recipe's loader gives them."""
    wavs = made_clips(n_clips, seconds, seed)
    n_frames = frames.n_frames(wavs.shape[1])
    dice = torch.Generator().manual_seed(seed)
    return PaddedBatch(
        [
            {
                "id": f"clip-{index}",
                "sig": wav,
                "mask": span_mask(n_frames, generator=dice),
                "mixture_seed": index,
                "hiding_seed": index,
                "target_encodec": torch.randint(
                    0, CODES, (n_frames, CODEBOOKS), generator=dice
                ),
            }
            for index, wav in enumerate(wavs)
        ]
    )


def made_brain(precision, n_clips, **student):
    """The recipe's Brain before its first step.

    ``student`` holds keys of the YAML's ``student`` to change.
    """
    logging.disable(logging.WARNING)
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    hparams = load_hparams(
        YAML,
        {
            "data_folder": folder,
            "output_folder": folder,
            "batch_size": n_clips,
            "stored": {"encodec": folder},
            "student": student,
        },
    )
    brain = Pretraining(
        hparams["modules"],
        hparams["opt_class"],
        hparams,
        {
            "device": "cpu",
            "precision": precision,
            "max_grad_norm": hparams["max_grad_norm"],
        },
        hparams["checkpointer"],
    )
    brain.init_optimizers()
    brain.modules.train()
    return brain


def our_step(precision, n_clips, seconds, **student):
    """Ours, as ``fit`` calls it."""
    brain = made_brain(precision, n_clips, **student)
    batch = made_batch(n_clips, seconds)

    def step():
        brain.step += 1
        return brain.fit_batch(batch)

    return step


def stepping(modules, forward, precision, clip):
    """A plain step of PyTorch: forward, backward, clipping, fused AdamW."""
    modules = torch.nn.ModuleList(modules).train()
    parameters = list(modules.parameters())
    optimizer = torch.optim.AdamW(
        parameters,
        lr=5e-4,
        betas=(0.9, 0.98),
        eps=1e-6,
        weight_decay=0.01,
        fused=True,
    )
    dtype = DTYPES[precision]

    def step():
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            loss = forward()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss.item()

    return step


def hubert_step(precision, n_clips, seconds):
    """transformers' HuBERT of the same size with our heads and our CQT.

    It has neither mixture nor feature penalty, and learns its front end at full rate.
    """
    model = as_hubert(
        made_student(),
        hidden_dropout=0.1,
        attention_dropout=0.1,
        activation_dropout=0.0,
        feat_proj_dropout=0.1,
        layerdrop=0.05,
    )
    codes = CodebookHead(768, n_codebooks=CODEBOOKS, codebook_size=CODES)
    tones, teacher = RegressionHead(768, n_features=336), CQTTeacher()
    batch = made_batch(n_clips, seconds)
    wavs, mask = batch.sig.data, batch.mask.data

    def forward():
        states = model(wavs, mask_time_indices=mask).last_hidden_state[mask]
        loss = codes(states, batch.target_encodec.data[mask])["loss"]
        return loss + tones(states, teacher(wavs)[mask])["loss"]

    return stepping([model, codes, tones], forward, precision, 10.0)


def minimal_step(precision, n_clips, seconds):
    """minimal-hubert's loss on one set of labels, as in its training loop.

    Without ``torch.compile``, as ours.
    """
    from minimal_hubert import HuBERTPretrain

    model = HuBERTPretrain(CLASSES)
    batch = made_batch(n_clips, seconds)
    wavs, mask = batch.sig.data, batch.mask.data
    labels = batch.target_encodec.data[..., 0] % CLASSES

    def forward():
        loss, _ = model(wavs, labels, mask=mask, attention_mask=None)
        return loss.sum() / mask.sum()

    return stepping([model], forward, precision, 10.0)
