"""Load a checkpoint and tell what it took; run by tests, by hand for big models.

> python tests/utils/loading_cost.py from_original path/to/checkpoint

Prints seconds, and the peak of resident memory above what it was before, as a multiple
of the weights' size.

Authors
 * The mert_sb developers 2026
"""

import json
import sys
import time
from pathlib import Path

from mert_sb.inference import MusicEncoder


def resident(field):
    """Bytes of a line of this process's status (Linux)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return 1024 * int(line.split()[1])
    raise KeyError(field)


def main(how, source):
    """Load, and print the costs as JSON."""
    # Resets the peak that the kernel remembers.
    Path("/proc/self/clear_refs").write_text("5")
    before, start = resident("VmRSS"), time.perf_counter()
    encoder = getattr(MusicEncoder, how)(source)
    seconds = time.perf_counter() - start
    peak = resident("VmHWM") - before
    weights = 4 * sum(p.numel() for p in encoder.student.parameters())
    costs = {
        "seconds": round(seconds, 2),
        "weights": weights,
        "peak": peak,
        "peak_over_weights": round(peak / weights, 2),
    }
    sys.stdout.write(json.dumps(costs) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
