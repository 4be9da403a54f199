"""MagnaTagATune in miniature: its layout and table, with generated clips.

Authors
 * The mert_sb developers 2026
"""

import csv
from pathlib import Path

import numpy as np
import soundfile

SAMPLE_RATE = 16_000

# As in the benchmark, then made-up ones: the real table has 188 columns.
TAGS = (
    "guitar,classical,slow,techno,strings,drums,electronic,rock,fast,piano,"
    "ambient,beat,violin,vocal,synth,female,indian,opera,male,singing,vocals,"
    "no vocals,harpsichord,loud,quiet,flute,woman,male vocal,no vocal,pop,"
    "soft,sitar,solo,man,classic,choir,voice,new age,dance,male voice,"
    "female vocal,beats,harp,cello,no voice,weird,country,metal,female voice,"
    "choral".split(",")
)
COLUMNS = (*sorted(TAGS), *(f"rare tag {n}" for n in range(138)))

# Folder of each split, and how many clips: each has one of N_GROUPS pitches.
CLIPS = {"0": 20, "b": 10, "c": 10, "d": 10, "f": 5}
N_GROUPS = 5

# Named in the table, without bytes in the archive.
ZERO_BYTE = {
    35644: "6/norine_braun-now_and_zen-08-gently-117-146.mp3",
    55753: "8/jacob_heringman-josquin_des_prez_lute_settings-19-gintzler__"
    "pater_noster-204-233.mp3",
    57881: "9/american_baroque-dances_and_suites_of_rameau_and_couperin-25-"
    "le_petit_rien_xiveme_ordre_couperin-88-117.mp3",
}


def make_mtt(folder, seconds=2.0):
    """Write ``annotations_final.csv`` and ``mp3``.

    The pitch of a clip tells its ten tags; the first clip of each folder has
    none of the 50.

    Arguments
    ---------
    folder : str or pathlib.Path
        Where to.
    seconds : float
        Length of each clip.
    """
    folder = Path(folder)
    rng = np.random.default_rng(0)
    rows = []
    for name, count in CLIPS.items():
        for index in range(count):
            group = index % N_GROUPS
            tags = {"rare tag 0"} if index == 0 else set(TAGS[group::N_GROUPS])
            path = f"{name}/artist_{group}-album-{index:02d}-song-0-29.mp3"
            rows.append((len(rows) + 2, tags, path))
            write_clip(folder / "mp3" / path, group, seconds, rng)
    for clip_id, path in ZERO_BYTE.items():
        rows.append((clip_id, {"guitar"}, path))
        (folder / "mp3" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "mp3" / path).touch()
    write_table(folder / "annotations_final.csv", COLUMNS, rows)


def write_clip(path, group, seconds, rng):
    """Write one tone in noise, as mp3.

    Arguments
    ---------
    path : pathlib.Path
        Where to.
    group : int
        Which pitch.
    seconds : float
        Length.
    rng : numpy.random.Generator
        Source of the noise.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    wav = 0.3 * np.sin(2 * np.pi * 220 * 2 ** (group / 2) * time)
    wav += rng.normal(0, 0.01, len(time))
    soundfile.write(path, wav, SAMPLE_RATE, format="MP3")


def write_table(path, columns, rows):
    """Write a table in the dataset's format: TABs, all cells quoted.

    Arguments
    ---------
    path : pathlib.Path
        Where to.
    columns : sequence of str
        The tags.
    rows : iterable of tuple
        A clip's id, the set of its tags, its path.
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, delimiter="\t", quoting=csv.QUOTE_ALL)
        table.writerow(["clip_id", *columns, "mp3_path"])
        for clip_id, tags, clip in rows:
            cells = ["1" if tag in tags else "0" for tag in columns]
            table.writerow([clip_id, *cells, clip])
