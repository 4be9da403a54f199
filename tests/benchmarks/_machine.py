"""What a measurement depends on: the machine, its peak, versions, and memory.

Authors
 * The mert_sb developers 2026
"""

import ctypes
import gc
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


def _fastest(work, seconds=1.0):
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


class Apart:
    """Work in a process of its own, so that its memory can be told from another's.

    ``build(*arguments)``, a function of the script's top level, gives what each call
    of this object then runs over there. Use it as a context, or ``close`` it.

    Arguments
    ---------
    build : callable
        Gives a callable without arguments.
    *arguments : object
        For ``build``; they are pickled.
    """

    def __init__(self, build, *arguments):
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(
            target=_serve, args=(theirs, build, arguments), daemon=True
        )
        self.process.start()
        theirs.close()
        self.peak = None
        self.pipe.recv()

    def __call__(self):
        """Run once; ``peak`` is then the highest memory of all runs, in MiB."""
        self.pipe.send("run")
        self.peak = self.pipe.recv()

    def close(self):
        """End the process."""
        self.pipe.close()
        self.process.join()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _serve(pipe, build, arguments):
    """Build, forget the peak so far, then run whenever asked to."""
    work = build(*arguments)
    forget_peak()
    try:
        pipe.send(None)
        while pipe.recv():
            work()
            pipe.send(resident_peak())
    except (EOFError, BrokenPipeError):
        return


def peak_memory(build, *arguments, calls=2):
    """Peak resident memory in MiB of a process that does nothing else, or None.

    As ``Apart``: what ``build(*arguments)`` gives is called some times.
    """
    with Apart(build, *arguments) as work:
        for _ in range(calls):
            work()
        return work.peak


def forget_peak():
    """Give back what is free and let the peak begin anew, where Linux allows it."""
    gc.collect()
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    path = "/proc/self/clear_refs"
    if os.access(path, os.W_OK):
        Path(path).write_text("5")


def resident_peak():
    """Peak resident memory of this process in MiB; None where Linux does not tell."""
    path = Path("/proc/self/status")
    if not path.exists():
        return None
    lines = path.read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024 / MIB
