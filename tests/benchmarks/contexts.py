"""Longer contexts: time and peak memory of a student's training step by clip length.

> python tests/benchmarks/contexts.py [--size 95M] [--seconds 5 10 30] [--device cuda]

A step is forward and backward of the student alone on one clip of noise, 58 % of its
frames masked; teachers, heads and optimizer come on top. Each line of the Markdown table
is a process of its own: on a CPU its peak resident memory less what it had after a
step of two seconds, and its processor time, which others on the machine disturb less (set
OMP_NUM_THREADS=1); on a GPU the peak that PyTorch allocated, and the time that passed.
Of several steps the least time is given. ``--limit_gb`` spares a machine that others use:
what would take more "does not fit".

Authors
 * The mert_sb developers 2026
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import torch

from mert_sb import frames
from mert_sb.pretraining.masking import span_mask
from mert_sb.student import MERT

SIZES = {
    "small": {
        "conv_channels": 64,
        "embed_dim": 256,
        "ffn_dim": 1024,
        "num_heads": 4,
        "num_layers": 4,
    },
    "95M": {},
}
SECONDS = (5, 10, 30, 60, 120)
WINDOW = {"attention_window": 188, "global_frames": 4}
# What of attention is seen, and whether layers are recomputed.
KINDS = {
    "full": {},
    "full, recomputed": {"checkpoint_layers": True},
    "windows": WINDOW,
    "windows, recomputed": {"checkpoint_layers": True, **WINDOW},
}
# Every layer in every step, so that steps compare.
ALWAYS = {"layerdrop": 0.0}
SECOND = 75  # frames


def peak_megabytes(device):
    """Peak memory so far: of the device, or resident on this machine (Linux)."""
    if device != "cpu":
        return torch.cuda.max_memory_allocated() / 2**20
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def step_alone(settings, n_frames, *, device, precision, steps):
    """Steps in this process: least time in seconds and peak memory in MB."""
    torch.manual_seed(0)
    student = MERT(**settings).to(device).train()
    clock = time.process_time if device == "cpu" else time.perf_counter

    def step(n_frames):
        """Seconds of one."""
        wavs = torch.randn(1, frames.n_samples(n_frames), device=device)
        mask = span_mask(n_frames)[None].to(device)
        kind, low = torch.device(device).type, precision == "bf16"
        begin = clock()
        student.zero_grad()
        with torch.autocast(kind, torch.bfloat16, enabled=low):
            loss = student(wavs, mask=mask).float().square().mean()
        loss.backward()
        if device != "cpu":
            torch.cuda.synchronize()
        return clock() - begin

    # What PyTorch loads and prepares with a first step.
    step(2 * SECOND)
    before = peak_megabytes(device)
    times = [step(n_frames) for _ in range(steps)]
    return min(times), peak_megabytes(device) - before


def measured(kind, seconds, arguments):
    """Time and memory of one kind and length, from a process of its own."""
    command = [sys.executable, __file__, "--alone", kind]
    for name in ("size", "device", "precision", "steps", "limit_gb"):
        command += [f"--{name}", str(getattr(arguments, name))]
    command += ["--seconds", str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        full = ("OutOfMemory", "can't allocate memory")
        if any(text in done.stderr for text in full):
            return None
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout)


def print_table(arguments):
    """One line for each length and kind."""
    columns = (
        "clip",
        "frames",
        "attention",
        "a step",
        "audio a second",
        "peak",
    )
    print("| " + " | ".join(columns) + " |")
    print("|---" * len(columns) + "|")
    for seconds in arguments.seconds:
        n_frames = frame_count(seconds)
        for kind in KINDS:
            found = measured(kind, seconds, arguments)
            cells = [f"{seconds:g} s", str(n_frames), kind]
            cells += (
                ["does not fit"] * 3
                if found is None
                else texts(*found, seconds)
            )
            print("| " + " | ".join(cells) + " |", flush=True)


def texts(step, megabytes, seconds):
    """Cells of the numbers."""
    return [f"{step:.2f} s", f"{seconds / step:.1f} s", f"{megabytes:,.0f} MB"]


def frame_count(seconds):
    """Frames of a clip, a multiple of 8."""
    return round(seconds * SECOND / 8) * 8


def main():
    """Measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--seconds", type=float, nargs="*", default=SECONDS)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--limit_gb", type=float, default=0)
    parser.add_argument("--alone", choices=KINDS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.alone is None:
        print_table(arguments)
        return
    if arguments.limit_gb:
        limit = int(arguments.limit_gb * 2**30)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    found = step_alone(
        SIZES[arguments.size] | KINDS[arguments.alone] | ALWAYS,
        frame_count(arguments.seconds[0]),
        device=arguments.device,
        precision=arguments.precision,
        steps=arguments.steps,
    )
    print(json.dumps(found))


if __name__ == "__main__":
    main()
