"""Inference folders of separators with random weights.

Authors
 * The mert_sb developers 2026
"""

import soundfile
import torch

from mert_sb.downstream.separation.head import StemHeads, StemMixes
from mert_sb.inference.separation.task import SeparationTask
from mert_sb.inference.tasks import write_task
from tests.utils.originals import tiny_student

CPU = {"device": "cpu"}
SETTINGS = {
    "stems": ["guitar", "rest"],
    "layer": "mix",
    "sample_rate": 24_000,
    "n_fft": 2048,
    "hidden_dim": 8,
    "n_layers": 1,
    "bidirectional": True,
    "window_seconds": 2,
    "overlap_seconds": 1,
    "upstream": {"kind": "mert"},
    "results": {"test": {"sdr": 1.5, "sdr_rest": None}},
}
WIENER = {"iterations": 1, "block_frames": 600, "mono": True}
MEL = {"upstream": {"kind": "mel_frames", "n_mels": 16}, "layer": 0}


def write(folder, **changed):
    """A folder; of MERT, or of log-mel bands."""
    task = SeparationTask(**SETTINGS | changed)
    student, n_states, dim = None, 1, task.upstream.get("n_mels")
    if task.upstream["kind"] == "mert":
        student = tiny_student(conv_norm="layer", normalize_wavs=True)
        n_states, dim = 3, 32
    with torch.random.fork_rng():
        torch.manual_seed(0)
        head = StemHeads(
            dim,
            len(task.stems),
            n_fft=task.n_fft,
            hidden_dim=task.hidden_dim,
            n_layers=task.n_layers,
            bidirectional=task.bidirectional,
        )
        # Masks that differ from bin to bin and from frame to frame.
        for part in head:
            torch.nn.init.normal_(part.last_norm.weight)
            torch.nn.init.normal_(part.last.weight, std=2.0)
    mix = StemMixes(n_states, stems=task.stems, layer=task.layer)
    probe = torch.nn.ModuleDict({"mix": mix, "head": head}).state_dict()
    write_task(task, probe, student, folder, "# Stems")
    return folder


def noise(n_channels, n_samples, seed=0):
    """Noise ``(C, S)``, its channels different."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n_channels, n_samples, generator=generator) / 10


def song(path, wav, rate=44_100):
    """A file of a waveform ``(C, S)``."""
    soundfile.write(path, wav.mT.numpy(), rate, "FLOAT")
    return path
