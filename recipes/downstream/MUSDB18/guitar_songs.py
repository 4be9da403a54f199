"""A small collection of songs in two stems, guitar and rest, real and synthetic.

> apt-get download fretsonfire-songs-muldjord
> dpkg -x fretsonfire-songs-muldjord_*.deb songs
> python ../../../templates/minimusic/make_dataset.py minimusic --hours 0.6 --seed 5 --stems
> python guitar_songs.py songs minimusic collection

The four songs of the Debian package have ``guitar.ogg`` and ``song.ogg``, which is the
rest; three are for training, ``mutilated_mime`` for testing. Of minimusic's pieces those
count in which a guitar plays the chords, the melody or both: these stems are the guitar,
the others the rest. Of seven such pieces one is for validation and one for testing.

Authors
 * The mert_sb developers 2026
"""

import argparse
import json
import shutil
import sys
from pathlib import Path

import soundfile

TEST_SONG = "mutilated_mime"
# General MIDI programs of guitars; stems that may be one.
GUITARS = range(24, 32)
PITCHED = ("chords", "melody")


def add_real_songs(source, target):
    """Copy the package's songs; their number."""
    guitars = sorted(Path(source).rglob("guitar.ogg"))
    for path in guitars:
        song = path.parent.name
        split = "test" if song == TEST_SONG else "train"
        folder = target / split / song
        folder.mkdir(parents=True)
        shutil.copy(path, folder / "guitar.ogg")
        shutil.copy(path.with_name("song.ogg"), folder / "rest.ogg")
    return len(guitars)


def add_pieces(source, target):
    """Add minimusic's stems up to two; the number of pieces."""
    text = (Path(source) / "labels.json").read_text(encoding="utf-8")
    count = 0
    for name, labels in sorted(json.loads(text).items()):
        guitar, rest = guitar_stems(labels["parts"])
        if not guitar:
            continue
        split = {3: "valid", 6: "test"}.get(count % 7, "train")
        folder = target / split / name
        folder.mkdir(parents=True)
        for stem, parts in (("guitar", guitar), ("rest", rest)):
            paths = (Path(source) / f"stems/{name}/{p}.flac" for p in parts)
            wavs, rates = zip(*map(soundfile.read, paths), strict=True)
            path = folder / f"{stem}.wav"
            soundfile.write(path, sum(wavs), rates[0], "FLOAT")
        count += 1
    return count


def guitar_stems(parts):
    """Stems that are guitars alone, and the others; none if some are both."""
    programs = {}
    for part in parts:
        is_guitar = part["stem"] in PITCHED and part["program"] in GUITARS
        programs.setdefault(part["stem"], set()).add(is_guitar)
    if any(len(kinds) > 1 for kinds in programs.values()):
        return [], []
    guitar = [stem for stem, kinds in programs.items() if True in kinds]
    return guitar, [stem for stem in programs if stem not in guitar]


def main(arguments):
    """Read the command line and write the collection."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("songs", help="the package's files")
    parser.add_argument("minimusic", help="folder of make_dataset.py --stems")
    parser.add_argument("target", help="gets train/, valid/ and test/")
    given = parser.parse_args(arguments)
    target = Path(given.target)
    counts = (
        add_real_songs(given.songs, target),
        add_pieces(given.minimusic, target),
    )
    sys.stdout.write(f"{counts[0]} songs and {counts[1]} pieces in {target}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
