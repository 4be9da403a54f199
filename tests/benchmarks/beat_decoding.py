"""How fast beats are decoded, and how fast published decoders do it.

> python -m tests.benchmarks.beat_decoding [--seconds 180] [--rounds 3]

Activations of a made song at 75 frames per second, one thread. Prints times real time,
fastest of the rounds, and what memory decoding takes; with madmom or madmom-infer
installed their speeds, taken alternately, and whether the beats are the same.

Authors
 * The mert_sb developers 2026
"""

import argparse
import importlib
import time
import tracemalloc
import warnings

import numpy as np

from mert_sb.downstream.beats.decode import SMALLEST, BarPointer, PeakPicking
from tests.utils.made_beats import FRAME_RATE, made_song

METRES = (3, 4)


def madmom_alone():
    """Madmom's decoder of beats, on the column of beats."""
    module = importlib.import_module("madmom.features.beats")
    decoder = module.DBNBeatTrackingProcessor(fps=FRAME_RATE)
    return lambda activations: decoder(activations[:, 0])


def madmom_together(package):
    """A package's decoder of beats and downbeats."""
    module = importlib.import_module(f"{package}.features.downbeats")
    decoder = module.DBNDownBeatTrackingProcessor(
        list(METRES), fps=FRAME_RATE, num_tempi=None, threshold=0
    )

    def decode(activations):
        beat, downbeat = np.clip(activations, SMALLEST, 1 - SMALLEST).T
        other = np.maximum(beat - downbeat, SMALLEST)
        return decoder(np.stack([other, downbeat], axis=1))[:, 0]

    return decode


def alone(activations):
    """Ours, beats alone."""
    activations = activations * [1, 0]
    return BarPointer()(activations, FRAME_RATE)[0]


def together(activations):
    """Ours, beats and downbeats."""
    decoder = BarPointer(beats_per_bar=METRES)
    return decoder(activations, FRAME_RATE)[0]


def peaks(activations):
    """Ours, peaks."""
    return PeakPicking()(activations, FRAME_RATE)[0]


PUBLISHED = {
    "beats alone": (alone, {"madmom": madmom_alone}),
    "beats and downbeats": (
        together,
        {
            "madmom": lambda: madmom_together("madmom"),
            "madmom_infer": lambda: madmom_together("madmom_infer"),
        },
    ),
    "peaks": (peaks, {}),
}


def timed(decode, activations):
    """Seconds of the CPU, and beats."""
    start = time.process_time()
    beats = decode(activations)
    return time.process_time() - start, beats


def compare(name, ours, others, activations, rounds):
    """Print speeds of one way to decode."""
    decoders = {"ours": ours}
    for package, build in others.items():
        try:
            decoders[package] = build()
        except ImportError:
            print(f"{name}: {package} is not installed")
    seconds = dict.fromkeys(decoders, np.inf)
    beats = {}
    for _ in range(rounds):
        for who, decode in decoders.items():
            taken, beats[who] = timed(decode, activations)
            seconds[who] = min(seconds[who], taken)
    tracemalloc.start()
    ours(activations)
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    print(f"{name}: ours takes {peak:.0f} MiB")
    length = len(activations) / FRAME_RATE
    for who, taken in seconds.items():
        same = np.array_equal(beats[who].round(6), beats["ours"].round(6))
        print(
            f"{name}: {who} {length / taken:.0f} times real time, "
            f"{taken / seconds['ours']:.2f} of our time, "
            f"{'the same' if same else 'other'} beats"
        )


def main():
    """Measure."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--seconds", type=int, default=180)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    dice = np.random.default_rng(0)
    activations, _, _ = made_song(123, 4, dice, seconds=arguments.seconds)
    for name, (ours, others) in PUBLISHED.items():
        compare(name, ours, others, activations, arguments.rounds)


if __name__ == "__main__":
    main()
