"""Ours and a peer by turns: the ratio of their times with its spread.

    compare("CQT of 5 s", ours, peer, peer_name="nnAudio")

prints one line and writes ``results/bench/<name>.json``, and beside it the row of the
README's table that ``table.py`` puts together. A peer is a callable, or a number of
seconds measured elsewhere, or None.

Authors
 * The mert_sb developers 2026
"""

import argparse
import importlib.util
import json
import re
import statistics
import sys
import time
from pathlib import Path

import torch
from _machine import Apart, machine, product_peak, versions

FOLDER = Path(__file__).parents[2] / "results" / "bench"
HEADER = (
    "| what | ours | peer | times as fast (min to max) | goal "
    "| share of peak | memory, ours and peer | also |\n"
    "|---|---|---|---|---|---|---|---|"
)


def parser_of(document):
    """A parser that says what the module's docstring says."""
    return argparse.ArgumentParser(
        description=document,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def is_installed(package, remedy=None):
    """Whether a peer can be imported; if not, how to get it is printed."""
    if importlib.util.find_spec(package) is not None:
        return True
    remedy = remedy or f"{sys.executable} -m pip install {package}"
    print(f"{package} is not installed, so there is no such peer: {remedy}")
    return False


def by_turns(*works, rounds=5, budget=45.0, warm=1):
    """Seconds of each call of each; who begins changes from round to round.

    Arguments
    ---------
    *works : callable
        Without arguments.
    rounds : int
        Calls of each.
    budget : float
        No round begins after so many seconds, but for the first two.
    warm : int
        Calls of each before, not counted.

    Returns
    -------
    list of list of float
        One list for each.
    """
    for _ in range(warm):
        for work in works:
            work()
    seconds = [[] for _ in works]
    began = time.perf_counter()
    for index in range(rounds):
        if index > 1 and time.perf_counter() - began > budget:
            break
        for who in range(len(works))[:: 1 if index % 2 else -1]:
            start = time.perf_counter()
            works[who]()
            seconds[who].append(time.perf_counter() - start)
    return seconds


def compare(
    name,
    ours,
    peer=None,
    *,
    memory=(None, None),
    rounds=5,
    budget=45.0,
    **about,
):
    """Run both by turns; print the ratio and write it down.

    Arguments
    ---------
    name : str
        What is measured; the file is named after it.
    ours, peer : callable
        Without arguments, or ``Apart``, whose memory is then told; a peer may be
        seconds measured elsewhere, or None.
    memory : tuple of float
        MiB of ours and of the peer, where they are not ``Apart``.
    rounds, budget
        As ``by_turns``.
    **about
        As ``note``.

    Returns
    -------
    dict
        What was written.
    """
    works = [ours, peer] if callable(peer) else [ours]
    of_ours, *of_peer = by_turns(*works, rounds=rounds, budget=budget)
    memory = [
        work.peak if isinstance(work, Apart) else known
        for work, known in zip((ours, peer), memory, strict=True)
    ]
    return note(name, of_ours, *(of_peer or [peer]), memory=memory, **about)


def note(
    name,
    of_ours,
    of_peer=None,
    *,
    peer_name="",
    flop=None,
    dtype=torch.float32,
    goal=None,
    memory=(None, None),
    also="",
    packages=(),
    **facts,
):
    """Print the ratio of what was measured and write it down.

    Arguments
    ---------
    name : str
        What was measured.
    of_ours : list of float
        Seconds of each call.
    of_peer : list of float
        The same; or a number, measured elsewhere; or None.
    peer_name : str
        The peer, for the table.
    flop : float
        Of one call of ours; gives its share of the machine's peak in ``dtype``.
    goal : float
        The ratio to reach.
    memory : tuple of float
        MiB of ours and of the peer.
    also : str
        What else to say, such as an error.
    packages : iterable of str
        Whose versions are to be kept as well.
    **facts
        Kept in the JSON.

    Returns
    -------
    dict
        What was written.
    """
    elsewhere = isinstance(of_peer, int | float)
    if elsewhere:
        of_peer = [of_peer] * len(of_ours)
    record = {
        "name": name,
        "peer": peer_name,
        "measured_elsewhere": elsewhere,
        "seconds": {"ours": spread(of_ours)},
        "goal": goal,
        "memory_mib": {"ours": memory[0], "peer": memory[1]},
        "also": also,
        "machine": machine(),
        "versions": versions(*packages),
        **facts,
    }
    if of_peer:
        ratios = [p / o for o, p in zip(of_ours, of_peer, strict=True)]
        record["seconds"]["peer"] = spread(of_peer)
        record["ratio"] = spread(ratios)
    if flop:
        peak = product_peak(dtype)
        rate = flop / record["seconds"]["ours"]["median"]
        record["gflop"] = flop / 1e9
        record["peak_gflops"] = peak / 1e9
        record["share_of_peak"] = rate / peak
    save(record)
    return record


def spread(values):
    """Median, least and greatest."""
    return {
        "median": statistics.median(values),
        "min": min(values),
        "max": max(values),
        "n": len(values),
    }


def save(record):
    """Print a record's row; write it and its JSON."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    stem = re.sub(r"[^a-z0-9]+", "-", record["name"].lower()).strip("-")
    text = json.dumps(record, indent=1) + "\n"
    (FOLDER / f"{stem}.json").write_text(text, encoding="utf-8")
    (FOLDER / f"{stem}.md").write_text(row(record) + "\n", encoding="utf-8")
    print(row(record), flush=True)


def save_table(name, header, rows):
    """Print a Markdown table of its own and write it and its JSON.

    ``header`` is a list of titles, ``rows`` lists of cells.
    """
    lines = [header, ["---"] * len(header), *rows]
    text = "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
    FOLDER.mkdir(parents=True, exist_ok=True)
    record = {
        "title": name,
        "header": header,
        "rows": rows,
        "machine": machine(),
        "versions": versions(),
    }
    stem = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    json_text = json.dumps(record, indent=1) + "\n"
    (FOLDER / f"{stem}.json").write_text(json_text, encoding="utf-8")
    (FOLDER / f"{stem}.md").write_text(text + "\n", encoding="utf-8")
    print(f"{name}\n\n{text}\n", flush=True)


def row(record):
    """A line of the table under ``HEADER``."""
    times, ratio = record["seconds"], record.get("ratio")
    peer = faster = share = ""
    if ratio:
        peer = f"{record['peer']}: {in_seconds(times['peer']['median'])}"
        if record["measured_elsewhere"]:
            peer += " (elsewhere)"
        faster = (
            f"{ratio['median']:.3g} ({ratio['min']:.3g} to {ratio['max']:.3g})"
        )
    if "share_of_peak" in record:
        share = f"{record['share_of_peak']:.0%} of {record['peak_gflops']:.0f}"
    goal = f"{record['goal']:g}" if record["goal"] else ""
    of = record["memory_mib"]
    memory = ", ".join(f"{of[who]:.0f} MiB" for who in of if of[who])
    cells = [
        record["name"],
        in_seconds(times["ours"]["median"]),
        peer,
        faster,
        goal,
        share,
        memory,
        record["also"],
    ]
    return "| " + " | ".join(cells) + " |"


def in_seconds(seconds):
    """A time with a unit that suits it."""
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "µs")):
        if seconds * factor >= 1 or unit == "µs":
            break
    return f"{seconds * factor:.3g} {unit}"
