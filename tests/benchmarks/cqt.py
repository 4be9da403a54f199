"""The CQT teacher against nnAudio's, which the original uses.

> python tests/benchmarks/cqt.py [--seconds 5] [--batches 1 4 16]

The same clips go through both by turns, in float32. Beside the ratio stand the norm of the
difference over the norm, and the largest difference over the largest magnitude.

Authors
 * The mert_sb developers 2026
"""

import torch

from _machine import peak_memory
from _paired import compare, is_installed, parser_of
from mert_sb.teachers import CQTTeacher

RATE = 24_000
MIDI_NOTES = 88
PEER = "nnaudio"


def chords(n_clips, seconds):
    """Plucked notes under noise, ``(B, S)``."""
    dice = torch.Generator().manual_seed(0)
    times = torch.arange(round(seconds * RATE)) / RATE
    notes = torch.randint(MIDI_NOTES, (n_clips, 6, 1), generator=dice)
    pitches = 27.5 * 2 ** (notes / 12)
    tones = (2 * torch.pi * pitches * times).sin() * (-2 * (times % 1)).exp()
    noise = torch.randn(n_clips, len(times), generator=dice)
    return 0.1 * tones.sum(1) + 0.01 * noise


def build(implementation, n_clips, seconds):
    """What is measured: targets of a batch."""
    teacher = CQTTeacher(implementation=implementation)
    wavs = chords(n_clips, seconds)
    return lambda: teacher(wavs)


def measure(n_clips, seconds, peer_is_there):
    """One size of batch."""
    ours = build("folded", n_clips, seconds)
    peer = also = None
    memory = (peak_memory(build, "folded", n_clips, seconds), None)
    if peer_is_there:
        peer = build(PEER, n_clips, seconds)
        memory = (memory[0], peak_memory(build, PEER, n_clips, seconds))
        found, expected = ours(), peer()
        error = (found - expected).norm() / expected.norm()
        most = (found - expected).abs().max() / expected.max()
        also = f"error {error:.1e}, at most {most:.1e} of the peak"
    compare(
        f"CQT targets, {n_clips} clips of {seconds:g} s",
        ours,
        peer,
        peer_name="nnAudio",
        goal=50,
        memory=memory,
        also=also or "",
        rounds=9,
        budget=20,
        packages=["nnAudio"],
    )


def main():
    """Measure."""
    parser = parser_of(__doc__)
    parser.add_argument("--seconds", type=float, default=120_400 / RATE)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 4, 16])
    arguments = parser.parse_args()
    peer_is_there = is_installed("nnAudio")
    for n_clips in arguments.batches:
        measure(n_clips, arguments.seconds, peer_is_there)


if __name__ == "__main__":
    main()
