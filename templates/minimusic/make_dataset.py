"""Make the data set: ``python make_dataset.py FOLDER --hours 1.2 --seed 1``.

Writes ``FOLDER/audio/<id>.flac`` (24 kHz, mono, 16 bit), ``FOLDER/labels.json``
(id to labels, see ``pieces.Piece.labels``; written last) and, with ``--stems``,
``FOLDER/stems/<id>/{drums,bass,chords,melody}.flac``. Started again, it keeps
finished files and makes what is missing; more hours add to what is there.

Authors
 * The mert_sb developers 2026
"""

import argparse
import json
import multiprocessing
import os
import shutil
import time
from functools import partial
from pathlib import Path

import torch

from compose import compose
from files import fingerprint, is_complete, write_flac
from mert_sb.progress import Progress
from pieces import STEMS
from render import render, sound_font


def choose_pieces(seed, hours):
    """Compose pieces until they last long enough.

    Arguments
    ---------
    seed : int
        Seed of the data set.
    hours : float
        Length asked for.

    Returns
    -------
    list
        Of ``pieces.Piece``, numbered from 0, at least ``hours`` together.

    Example
    -------
    >>> pieces = choose_pieces(1, 0.01)
    >>> sum(piece.duration for piece in pieces) >= 36
    True
    """
    pieces, seconds = [], 0.0
    while seconds < hours * 3600:
        pieces.append(compose(seed, len(pieces)))
        seconds += pieces[-1].duration
    return pieces


def make_dataset(folder, *, hours=1.2, seed=1, workers=2, stems=False):
    """Make the data set, or what is missing of it.

    Arguments
    ---------
    folder : str
        Where to write.
    hours : float
        Least length of all pieces together.
    seed : int
        Decides every piece.
    workers : int
        Number of processes, 0 to render in this one; the data are the same.
    stems : bool
        Whether to write stems too.

    Returns
    -------
    list
        Of ``pieces.Piece``, all of the data set.
    list
        Those that had to be rendered.

    Raises
    ------
    FileExistsError
        If the folder holds audio of another data set.
    """
    folder = Path(folder)
    sound_font()
    pieces = choose_pieces(seed, hours)
    _refuse_strangers(folder / "audio", pieces)
    scratch = folder / "unfinished"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    missing = [p for p in pieces if not _is_made(p, folder, stems)]
    make = partial(_make_piece, folder=folder, stems=stems)
    made = _run(make, missing, workers)
    with Progress("render", len(missing), "piece") as progress:
        for seconds in made:
            progress.update(seconds=seconds)
    _write_labels(folder / "labels.json", scratch / "labels.json", pieces)
    scratch.rmdir()
    return pieces, missing


def _run(make, pieces, workers):
    """Seconds of each piece, once made; in this process if there are no workers."""
    if not (workers and pieces):
        yield from map(make, pieces)
        return
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers, torch.set_num_threads, (1,)) as pool:
        yield from pool.imap_unordered(make, pieces)


def _paths(piece, folder, stems):
    """Audio of a piece, as ``render`` names it, to files; the mixture last."""
    parts = folder / "stems" / piece.name
    paths = {name: parts / f"{name}.flac" for name in STEMS} if stems else {}
    return paths | {"mixture": folder / "audio" / f"{piece.name}.flac"}


def _is_made(piece, folder, stems):
    mark = fingerprint(piece)
    paths = _paths(piece, folder, stems).values()
    return all(is_complete(path, piece.n_samples, mark) for path in paths)


def _make_piece(piece, folder, stems):
    """Render and write one piece; its seconds. Runs in a worker."""
    mark = fingerprint(piece)
    audio = render(piece, with_stems=stems)
    for name, path in _paths(piece, folder, stems).items():
        write_flac(path, audio[name], mark, scratch=folder / "unfinished")
    return piece.duration


def _refuse_strangers(audio, pieces):
    """Audio that the labels would not cover must not be in the folder."""
    strangers = {p.name for p in audio.glob("*.flac")}
    strangers -= {f"{piece.name}.flac" for piece in pieces}
    if strangers:
        raise FileExistsError(
            f"{audio} holds {len(strangers)} files that are not of this data "
            f"set, such as {min(strangers)}; choose another folder, ask for "
            "as many hours as before, or delete them"
        )


def _write_labels(path, unfinished, pieces):
    """One piece a line, sorted, so that equal labels are equal bytes."""
    lines = [
        f"{json.dumps(piece.name)}: {json.dumps(piece.labels(), sort_keys=True)}"
        for piece in pieces
    ]
    text = "{\n" + ",\n".join(sorted(lines)) + "\n}\n"
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return
    unfinished.write_text(text, encoding="utf-8")
    os.replace(unfinished, path)


def main():
    """Read the command line, make the data set, print what was done."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="where to write")
    parser.add_argument("--hours", type=float, default=1.2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--stems", action="store_true", help="write stems too")
    arguments = vars(parser.parse_args())
    began = time.perf_counter()
    pieces, rendered = make_dataset(**arguments)
    took = time.perf_counter() - began
    whole = sum(piece.duration for piece in pieces)
    new = sum(piece.duration for piece in rendered)
    speed = f", {new / took:.0f} times real time" if rendered else ""
    print(
        f"{whole / 3600:.2f} hours in {len(pieces)} pieces; {len(rendered)} "
        f"rendered, {len(pieces) - len(rendered)} kept, in {took:.1f} s{speed}"
    )


if __name__ == "__main__":
    main()
