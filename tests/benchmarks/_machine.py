"""What a measurement depends on: the machine, its peak, versions, and memory.

Authors
 * The mert_sb developers 2026
"""

import importlib.metadata
import multiprocessing
import os
import platform
import time
from functools import cache
from pathlib import Path

import torch
from torch.nn import functional as F

PACKAGES = ("torch", "torchaudio", "speechbrain", "transformers", "numpy")
# Rows, depth, columns: square, and the student's own.
PRODUCTS = ((2048, 2048, 2048), (1504, 3072, 768), (8192, 1536, 512))
MIB = 2**20


def machine():
    """Name of the processor, cores and instruction set, in one line.

    A model name such as "AMD EPYC" says little; family and model say which.
    """
    fields = {}
    path = Path("/proc/cpuinfo")
    if path.exists():
        pairs = (line.partition(":") for line in path.read_text().splitlines())
        fields = {key.strip(): value.strip() for key, _, value in pairs}
    name = (
        fields.get("model name") or platform.processor() or platform.machine()
    )
    if "cpu family" in fields:
        name += f" (family {fields['cpu family']}, model {fields['model']})"
    capability = torch.backends.cpu.get_cpu_capability()
    if torch.cpu._is_amx_tile_supported():
        capability += " + AMX"
    return f"{name}, {torch.get_num_threads()} threads, {capability}"


def versions(*more):
    """Of Python and of the packages that are installed."""
    found = {"python": platform.python_version()}
    for package in (*PACKAGES, *more):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


@cache
def product_peak(dtype):
    """The fastest matrix product that this machine shows, in FLOP a second.

    Through ``torch.mm`` and, since PyTorch multiplies float32 by another library than
    it convolves with, through a convolution of one tap too.
    """
    best = 0.0
    for rows, depth, columns in PRODUCTS:
        feats = torch.randn(rows, depth, dtype=dtype)
        weight = torch.randn(columns, depth, dtype=dtype)
        # Rows as an image of one line, channels last; no copy.
        image = feats[None, None].permute(0, 3, 1, 2)
        flop = 2 * rows * depth * columns
        for product in (
            lambda x=feats, w=weight: F.linear(x, w),
            lambda x=image, w=weight: F.conv2d(x, w[..., None, None]),
        ):
            best = max(best, flop / _fastest(product))
    return best


def _fastest(work, seconds=0.3):
    """Seconds of the fastest call."""
    work()
    end, best = time.perf_counter() + seconds, float("inf")
    while True:
        start = time.perf_counter()
        work()
        now = time.perf_counter()
        best = min(best, now - start)
        if now > end:
            return best


def peak_memory(build, *arguments, calls=2):
    """Peak resident memory of a process that does nothing else, in MiB.

    ``build(*arguments)``, a function of the script's top level, gives what is then
    called. The peak is that of the calls, with what was built. None where the kernel
    does not tell (other systems than Linux).
    """
    if not Path("/proc/self/status").exists():
        return None
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(
        target=_report_peak, args=(sender, build, arguments, calls)
    )
    process.start()
    sender.close()
    try:
        return receiver.recv()
    except EOFError:
        return None
    finally:
        process.join()


def _report_peak(sender, build, arguments, calls):
    """In a process of its own: build, forget the peak so far, call, report."""
    with torch.random.fork_rng(devices=[]):
        work = build(*arguments)
    forget_peak()
    for _ in range(calls):
        work()
    sender.send(resident_peak())


def forget_peak():
    """Let the peak begin anew, where the kernel allows it."""
    path = "/proc/self/clear_refs"
    if os.access(path, os.W_OK):
        Path(path).write_text("5")


def resident_peak():
    """Peak resident memory of this process in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024 / MIB
