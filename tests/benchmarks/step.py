"""The 95M's pretraining step: seconds and memory, against others' steps of equal size.

> python tests/benchmarks/step.py [--clips 4] [--seconds 5] [--precision fp32 bf16]

Ours goes through the recipe's Brain: mixture, live CQT, eight codebooks stored (made
codes), clipping, AdamW; no reading. Peers on the same clips: transformers' HubertModel
with our heads and CQT, and minimal-hubert with one set of labels (Python 3.12 or newer:
``pip install --no-deps minimal-hubert spidr``), each in a process of its own, by turns.
Said too, for four clips of 5 s: the original's 32 s and 11.4 GB, measured on another
machine (two cores of a Xeon with AVX-512 and AMX), float32. Layers are dropped at random
in ours and in the peers, which is a part of the spread.

Authors
 * The mert_sb developers 2026
"""

import sys
from contextlib import ExitStack

from _machine import Apart
from _paired import by_turns, is_installed, note, parser_of
from _steps import DTYPES, hubert_step, minimal_step, our_step
from _students import forward_flop, has_transformers, made_student, samples_of

# Seconds and MiB of the original's step in float32, as the project's issue has them.
ORIGINAL = (32.0, 11.4e9 / 2**20)
GOALS = {"fp32": 4.0, "bf16": 12.0}
REMEDY = (
    "needs Python 3.12 or newer: "
    f"{sys.executable} -m pip install --no-deps minimal-hubert spidr"
)


def peers():
    """Names and builders of those that are installed."""
    found = {}
    if has_transformers():
        found["transformers' HubertModel, our heads"] = hubert_step
    if is_installed("minimal_hubert", REMEDY):
        found["minimal-hubert, one set of labels"] = minimal_step
    return found


def measure(precision, clips, seconds, rounds, found):
    """Each peer by turns with ours; not all at once, for memory's sake."""
    # A backward pass is two forward passes' products.
    settings, n_samples = made_student().settings, samples_of(seconds)
    about = {
        "flop": 3 * forward_flop(settings, clips, n_samples),
        "dtype": DTYPES[precision],
    }
    name = f"95M training step, {clips} x {seconds:g} s, {precision}"
    taken, peak = [], None
    for peer, build in (found or {None: None}).items():
        sizes = (precision, clips, seconds)
        builds = (our_step, build) if build else (our_step,)
        with ExitStack() as stack:
            works = [
                stack.enter_context(Apart(build, *sizes)) for build in builds
            ]
            of_ours, *theirs = by_turns(*works, rounds=rounds, budget=30.0)
            peak, *their_peak = [work.peak for work in works]
        taken += of_ours
        if peer:
            note(
                f"{name}, and {peer}",
                of_ours,
                *theirs,
                peer_name=peer.split(",")[0],
                memory=(peak, *their_peak),
                goal=1.0,
                also=ratio_of_memory(peak, *their_peak),
                packages=("minimal-hubert",),
                **about,
            )
    if (clips, seconds) != (4, 5.0):
        note(name, taken, memory=(peak, None), **about)
        return
    note(
        f"{name}, and the original's in fp32",
        taken,
        ORIGINAL[0],
        peer_name="the original",
        memory=(peak, ORIGINAL[1]),
        goal=GOALS[precision],
        also=ratio_of_memory(peak, ORIGINAL[1]) + ", goal 0.33",
        **about,
    )


def ratio_of_memory(ours, theirs):
    """In words."""
    return f"{ours / theirs:.2f} of the memory" if ours else ""


def main():
    """Measure."""
    parser = parser_of(__doc__)
    parser.add_argument("--clips", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument(
        "--precision", nargs="*", default=list(DTYPES), choices=DTYPES
    )
    arguments = parser.parse_args()
    found = peers()
    for precision in arguments.precision:
        measure(
            precision,
            arguments.clips,
            arguments.seconds,
            arguments.rounds,
            found,
        )


if __name__ == "__main__":
    main()
