"""Students to measure: a 95M, its FLOP, its clips, and transformers' HuBERT of its weights.

Authors
 * The mert_sb developers 2026
"""

import json
import tempfile
from pathlib import Path

import torch

from _paired import is_installed
from mert_sb.frames import HOP_LENGTH, KERNELS, RECEPTIVE_FIELD, STRIDES
from mert_sb.inference.huggingface_export import write_huggingface
from mert_sb.student import MERT

RATE = 24_000
# HuBERT's configuration has no such keys.
MERT_ONLY = ("model_type", "architectures", "auto_map")


def has_transformers():
    """Whether the peer is there; if not, how to get it is printed."""
    return is_installed("transformers")


def made_clips(n_clips, seconds, seed=0):
    """Chords in noise ``(B, S)``, of a whole number of frames."""
    generator = torch.Generator().manual_seed(seed)
    n_samples = samples_of(seconds)
    times = torch.arange(n_samples) / RATE
    notes = 55 * 2 ** (
        torch.randint(0, 48, (n_clips, 4), generator=generator) / 12
    )
    chords = (2 * torch.pi * notes[..., None] * times).sin().sum(1) / 8
    return chords + 0.01 * torch.randn(n_clips, n_samples, generator=generator)


def samples_of(seconds):
    """As the recipes crop: 376 frames for 5 s."""
    frames = -(-round(seconds * RATE) // HOP_LENGTH)
    return RECEPTIVE_FIELD + HOP_LENGTH * ((frames - frames % -8) - 1)


def forward_flop(settings, n_clips, n_samples):
    """Of products of matrices and convolutions, twice the multiplications."""
    channels, dim = settings["conv_channels"], settings["embed_dim"]
    inputs, length, total = 1, n_samples, 0
    for kernel, stride in zip(KERNELS, STRIDES, strict=True):
        length = (length - kernel) // stride + 1
        total += length * channels * inputs * kernel
        inputs = channels
    total += length * channels * dim
    per_group = dim // settings["position_groups"]
    total += length * dim * per_group * settings["position_kernel"]
    products = 4 * dim * dim + 2 * dim * settings["ffn_dim"]
    attention = 2 * length * dim
    total += settings["num_layers"] * length * (products + attention)
    return 2 * n_clips * total


def made_student(**settings):
    """A student of made weights, the same each time, in eval mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return MERT(**settings).eval()


def as_hubert(student, **changed):
    """transformers' HuBERT with a student's weights, through our exporter."""
    import transformers

    with tempfile.TemporaryDirectory() as folder:
        path = write_huggingface(student, Path(folder) / "hubert")
        values = json.loads((path / "config.json").read_text())
        values = {k: v for k, v in values.items() if k not in MERT_ONLY}
        config = transformers.HubertConfig(
            **(values | changed), attn_implementation="sdpa"
        )
        transformers.logging.set_verbosity_error()
        transformers.utils.logging.disable_progress_bar()
        return transformers.HubertModel.from_pretrained(path, config=config)
