"""How well teachers' codes fit a folder of music, and how evenly they are used.

> python tests/benchmarks/teacher_fits.py MUSIC OUT [--minutes 23] [--codebooks 8 1024]

Clips of five seconds are drawn from all files alike. K-means of log-mel (300), chroma
(200) and MFCC (100) and MelRVQ are fitted to their frames; ``OUT`` gets the fitted files,
``table.md`` and, with matplotlib (``pip install -e .[plot]``), ``usage.png``.

Authors
 * The mert_sb developers 2026
"""

import argparse
import time
from pathlib import Path

import torch

from mert_sb import frames
from mert_sb.audio.names import find_audio
from mert_sb.audio.reader import audio_info, draw_crop_start, read_crop
from mert_sb.seeds import item_generator
from mert_sb.teachers import (
    ChromaFrames,
    LogMelFrames,
    MFCCFrames,
    fit_kmeans,
    fit_mel_rvq,
    plot_usage,
)

RATE = 24_000
CLIP = frames.n_samples(376)  # 5 s
BATCH = 8
HEADER = (
    "| teacher | codes | unexplained | perplexity | unused codes |",
    "|---|---|---|---|---|",
)


def draw_clips(folder, minutes):
    """Clips ``(N, S)`` in random order, as many of each file."""
    paths = find_audio(folder)
    per_file = max(1, round(minutes * 60 * RATE / CLIP / len(paths)))
    clips = []
    for path in paths:
        info = audio_info(Path(folder) / path)
        length = info.n_samples * RATE // info.sample_rate
        for number in range(per_file if length > CLIP else 0):
            dice = item_generator(0, number, path, "teacher_fits")
            start = draw_crop_start(length, CLIP, generator=dice)
            clips.append(read_crop(Path(folder) / path, start, CLIP, RATE))
    order = torch.randperm(len(clips), generator=item_generator(0, 0, "", ""))
    print(f"{len(clips)} clips of {len(paths)} files")
    return torch.stack(clips)[order]


def fits(clips, out, n_codebooks, codebook_size):
    """Name and report of each teacher, with the seconds it took."""
    kmeans = {
        "log-mel": (LogMelFrames(RATE, n_mels=229), 300),
        "chroma": (ChromaFrames(RATE, n_chroma=264), 200),
        "MFCC": (MFCCFrames(RATE), 100),
    }
    for name, (features, n_codes) in kmeans.items():
        start, path = time.perf_counter(), out / f"{name}.safetensors"
        report = fit_kmeans(
            clips.split(BATCH), path, features=features, n_codes=n_codes
        )
        yield name, report, time.perf_counter() - start
    start = time.perf_counter()
    report = fit_mel_rvq(
        clips.split(BATCH),
        out / "mel_rvq.safetensors",
        sample_rate=RATE,
        n_codebooks=n_codebooks,
        codebook_size=codebook_size,
    )
    yield "MelRVQ", report, time.perf_counter() - start


def lines_of(name, report):
    """Rows of the table, one a codebook."""
    books = (report["unexplained"], report["perplexity"], report["usage"])
    for number, (left, used, usage) in enumerate(zip(*books, strict=True), 1):
        label = name if len(report["usage"]) == 1 else f"{name} {number}"
        unused = usage.count(0) / len(usage)
        yield (
            f"| {label} | {len(usage)} | {left:.1%} | {used:.0f} "
            f"({used / len(usage):.0%}) | {unused:.1%} |"
        )


def drawn(reports):
    """Reports in one, with their labels; of a cascade its powers of two."""
    usage, perplexity, labels = [], [], []
    for name, report in reports.items():
        count = len(report["usage"])
        for number in [n for n in (1, 2, 4, 8) if n <= count]:
            usage.append(report["usage"][number - 1])
            perplexity.append(report["perplexity"][number - 1])
            labels.append(name if count == 1 else f"{name} {number}")
    return {"usage": usage, "perplexity": perplexity}, labels


def main():
    """Fit, write, draw."""
    parser = argparse.ArgumentParser()
    parser.add_argument("music")
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=23.0)
    parser.add_argument(
        "--codebooks", type=int, nargs=2, default=[8, 1024], metavar="N"
    )
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    clips = draw_clips(arguments.music, arguments.minutes)
    reports, lines = {}, list(HEADER)
    for name, report, seconds in fits(
        clips, arguments.out, *arguments.codebooks
    ):
        reports[name] = report
        lines += lines_of(name, report)
        print(f"{name}: {report['frames']} frames, {seconds:.0f} s", flush=True)
    (arguments.out / "table.md").write_text("\n".join(lines) + "\n")
    report, labels = drawn(reports)
    plot_usage(report, arguments.out / "usage.png", labels=labels)


if __name__ == "__main__":
    main()
