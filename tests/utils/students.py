"""Tiny students of any settings, and what tests do with them.

Authors
 * The mert_sb developers 2026
"""

import torch

from mert_sb import frames
from mert_sb.student import MERT

TINY = {"embed_dim": 32, "ffn_dim": 64, "num_heads": 4, "num_layers": 3}
TINY |= {"position_kernel": 8, "position_groups": 4}
STILL = dict.fromkeys(
    ("dropout", "attention_dropout", "input_dropout", "layerdrop"), 0.0
)
OF_FRONTENDS = {
    "conv": {"conv_channels": 16, "conv_norm": "layer"},
    "mel": {"n_mels": 20, "n_fft": 512, "mel_channels": 16},
}
CONFORMER = {"layer_type": "conformer", "norm": "pre", "depthwise_kernel": 5}
# One student of each kind, by what is unlike the original's.
KINDS = {
    "sub": {"norm": "sub"},
    "projection": {"projection_norm": True},
    "mel": {"frontend": "mel"},
    "mel alone": {"frontend": "mel", "mel_channels": 0, "mel_stack": 2},
    "joined": {"subsample": 3},
    "conformer": CONFORMER,
    "windows": {"attention_window": 4},
    "global": {"attention_window": 4, "global_frames": 2},
    "all": CONFORMER
    | {"frontend": "mel", "attention_window": 3, "global_frames": 1},
}


def build(**settings):
    """A tiny student, dropout off, none of its numbers a neutral one or zero."""
    kind = OF_FRONTENDS[settings.get("frontend", "conv")]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        settings = TINY | STILL | {"feature_grad_mult": 1.0} | kind | settings
        student = MERT(**settings)
        with torch.no_grad():
            for parameter in student.parameters():
                parameter += 0.1 * torch.randn_like(parameter)
    return student


def clips(n=3, n_frames=24, seed=0):
    """Noise, each clip of another loudness, with samples left over."""
    generator = torch.Generator().manual_seed(seed)
    length = frames.n_samples(n_frames) + 77
    loudness = 0.5 ** torch.arange(n)[:, None]
    return loudness * torch.randn(n, length, generator=generator)


def n_parameters(**settings):
    """Parameters of a student, of which none is made."""
    with torch.device("meta"):
        student = MERT(**settings)
    return sum(parameter.numel() for parameter in student.parameters())


def close(found, expected, tolerance=1e-5):
    """Equal within rounding."""
    torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance)
