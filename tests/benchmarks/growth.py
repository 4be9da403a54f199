"""How the cost of states and of a training step grows with clips, seconds and layers.

> python tests/benchmarks/growth.py [--precision bf16] [--seconds 2 5 10 20]

One of the three is changed at a time, from one clip of 5 s through 12 layers (the 95M).
A cell is seconds, how many times real time that is, and the process's peak memory.

Authors
 * The mert_sb developers 2026
"""

import time

import torch

from _machine import forget_peak, resident_peak
from _paired import parser_of, save_table
from _steps import DTYPES, our_step
from _students import made_clips, made_student

CLIPS, SECONDS, LAYERS = 1, 5.0, 12


def states(precision, n_clips, seconds, n_layers):
    """A function that gives all states."""
    student = made_student(num_layers=n_layers)
    wavs, dtype = made_clips(n_clips, seconds), DTYPES[precision]

    @torch.inference_mode()
    def encode():
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            student(wavs, output_hidden_states=True)

    return encode


def step(precision, n_clips, seconds, n_layers):
    """A function that steps; no layer is dropped, which would shorten it."""
    return our_step(
        precision, n_clips, seconds, num_layers=n_layers, layerdrop=0.0
    )


def cells(work, audio):
    """What the fastest of two calls took, after one that is not counted."""
    work()
    forget_peak()
    taken = []
    for _ in range(2):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    peak = resident_peak()
    memory = f"{peak:.0f} MiB" if peak else ""
    return [f"{min(taken):.2f}", f"{audio / min(taken):.1f}", memory]


def main():
    """Measure."""
    parser = parser_of(__doc__)
    parser.add_argument("--precision", default="bf16", choices=DTYPES)
    parser.add_argument("--clips", type=int, nargs="*", default=[2, 4, 8])
    parser.add_argument("--seconds", type=float, nargs="*", default=[2, 10, 20])
    parser.add_argument("--layers", type=int, nargs="*", default=[3, 6, 24])
    arguments = parser.parse_args()
    sizes = [
        (CLIPS, SECONDS, LAYERS),
        *((CLIPS, seconds, LAYERS) for seconds in arguments.seconds),
        *((clips, SECONDS, LAYERS) for clips in arguments.clips),
        *((CLIPS, SECONDS, layers) for layers in arguments.layers),
    ]
    rows = []
    for clips, seconds, layers in sizes:
        row = [clips, f"{seconds:g}", layers]
        for build in (states, step):
            work = build(arguments.precision, clips, seconds, layers)
            row += cells(work, clips * seconds)
            del work
        rows.append(row)
        print(*row, flush=True)
    header = "clips, seconds, layers, states s, x real time, memory"
    header = [*header.split(", "), "step s", "x real time", "memory"]
    save_table(f"Growth of the cost, {arguments.precision}", header, rows)


if __name__ == "__main__":
    main()
