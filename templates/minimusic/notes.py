"""Make single notes: ``python notes.py FOLDER``.

Every program of the 14 pitched General MIDI families plays two octaves, a note a
file: held for 1.5 s, then 0.5 s of release. How hard it is struck and how loud it
is drawn for each, so that neither tells the instrument. ``--sound_font FILE`` plays them with
other recordings than TimGM6mb's, which the pieces are made of.

Writes ``FOLDER/audio/<id>.flac`` (24 kHz, mono, 16 bit) and ``FOLDER/notes.json``
(id to labels; written last). Started again, it keeps finished files and makes what
is missing.

Authors
 * The mert_sb developers 2026
"""

import argparse
import shutil
import time
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from dice import dice
from files import fingerprint, is_complete, write_flac
from instruments import FAMILIES
from mert_sb.audio.rows import write_rows
from mert_sb.progress import Progress
from mert_sb.teachers.base import file_checksum
from pieces import SAMPLE_RATE, Note, Part
from render import render, sound_font

# All but percussion and sound effects.
PITCHED = FAMILIES[:14]
PROGRAMS = range(8 * len(PITCHED))
PITCHES = range(48, 72)  # C3 to B4
SILENT = {(65, 64)}  # TimGM6mb's alto saxophone has no E4
HELD, DURATION = 1.5, 2.0  # seconds
TABLE = "notes.json"


@dataclass(frozen=True)
class SingleNote:
    """One note of one program, with what rendering asks of a piece.

    Arguments
    ---------
    program : int
        General MIDI program, counted from 0.
    pitch : int
        MIDI number, 60 is middle C.
    velocity : int
        Between 1 and 127.
    peak_db : float
        Peak relative to full scale.

    Example
    -------
    >>> note = SingleNote(program=73, pitch=60, velocity=90, peak_db=-3.0)
    >>> note.name, note.family
    ('073-060', 'Pipe')
    """

    program: int
    pitch: int
    velocity: int
    peak_db: float

    @property
    def name(self):
        """Identity, the stem of its file name."""
        return f"{self.program:03d}-{self.pitch:03d}"

    @property
    def family(self):
        """General MIDI family of the program."""
        return FAMILIES[self.program // 8]

    @property
    def n_samples(self):
        """Length at ``SAMPLE_RATE``."""
        return round(DURATION * SAMPLE_RATE)

    @property
    def parts(self):
        """The one ``Part``, of one ``Note``."""
        note = Note(0.0, HELD, self.pitch, self.velocity)
        return (
            Part(
                name="note",
                stem="melody",
                program=self.program,
                instrument=f"Program {self.program}",
                family=self.family,
                gain_db=0.0,
                notes=(note,),
            ),
        )

    def labels(self):
        """The note as a dictionary for ``notes.json``.

        Returns
        -------
        dict
            All that decides how it sounds, and the family.
        """
        return {
            "duration": DURATION,
            "family": self.family,
            "held": HELD,
            "peak_db": self.peak_db,
            "pitch": self.pitch,
            "program": self.program,
            "velocity": self.velocity,
        }


def choose_notes(programs=PROGRAMS, pitches=PITCHES):
    """The notes of a set, touch and loudness drawn for each.

    Arguments
    ---------
    programs : iterable of int
        Who plays.
    pitches : iterable of int
        What each of them plays.

    Returns
    -------
    list
        Of ``SingleNote``; one of them does not depend on the others.

    Example
    -------
    >>> notes = choose_notes()
    >>> len(notes), choose_notes([0], [48]) == notes[:1]
    (2687, True)
    """
    notes = []
    for program, pitch in product(programs, pitches):
        if (program, pitch) not in SILENT:
            rng = dice("notes", program, pitch)
            velocity = rng.randint(60, 120)
            peak_db = round(rng.uniform(-9, -1), 2)
            notes.append(SingleNote(program, pitch, velocity, peak_db))
    return notes


def make_notes(folder, *, programs=PROGRAMS, pitches=PITCHES, font=None):
    """Make the notes, or what is missing of them.

    Arguments
    ---------
    folder : str
        Where to write.
    programs : iterable of int
        Who plays.
    pitches : iterable of int
        What each of them plays.
    font : str or Path, optional
        Another SoundFont 2 file than TimGM6mb, that of the pieces.

    Returns
    -------
    list
        Of ``SingleNote``, all of the set.
    list
        Those that had to be rendered.
    """
    folder = Path(folder)
    sound_font()
    mark = None if font is None else file_checksum(font)
    font = None if font is None else Path(font).read_bytes()
    notes = choose_notes(programs, pitches)
    scratch = folder / "unfinished"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    marks = {note: fingerprint(note, mark) for note in notes}
    missing = [n for n in notes if not _is_made(n, folder, marks[n])]
    with Progress("render", len(missing), "note") as progress:
        for note in missing:
            audio = render(note, font=font)["mixture"]
            write_flac(_path(note, folder), audio, marks[note], scratch=scratch)
            progress.update(seconds=DURATION)
    write_rows(folder / TABLE, {note.name: note.labels() for note in notes})
    scratch.rmdir()
    return notes, missing


def _path(note, folder):
    return folder / "audio" / f"{note.name}.flac"


def _is_made(note, folder, mark):
    return is_complete(_path(note, folder), note.n_samples, mark)


def main():
    """Read the command line, make the notes, print what was done."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="where to write")
    parser.add_argument(
        "--sound_font", help="another SoundFont 2 file than TimGM6mb"
    )
    options = parser.parse_args()
    began = time.perf_counter()
    notes, rendered = make_notes(options.folder, font=options.sound_font)
    print(
        f"{len(notes)} notes; {len(rendered)} rendered, "
        f"{len(notes) - len(rendered)} kept, in "
        f"{time.perf_counter() - began:.1f} s"
    )


if __name__ == "__main__":
    main()
