"""Manifests of the four tagging tasks of MTG-Jamendo.

What: about 55,000 full tracks from Jamendo with tags of their uploaders (Bogdanov et al.,
"The MTG-Jamendo Dataset for Automatic Music Tagging", ML4MD workshop at ICML 2019).
How to obtain: clone MTG/mtg-jamendo-dataset from GitHub; its ``scripts/download/download.py``
gets the audio, ``--dataset raw_30s --type audio-low`` (156 GB) or ``--type audio`` (508 GB).
Licence: tags CC BY-NC-SA 4.0; audio under Creative Commons licences that differ, see
``audio_licenses.txt`` in the clone.
Layout: ``<NN>/<id>.low.mp3`` or ``<NN>/<id>.mp3``, NN being the id modulo 100, and the
clone's ``data/splits/split-0``.
Split: the dataset's own split 0; no artist and no album is in two splits.

Authors
 * The mert_sb developers 2026
"""

import os
from collections import Counter
from pathlib import Path

from speechbrain.utils.logger import get_logger

from mert_sb.audio.clips import write_clips
from mert_sb.texts import opened_text

logger = get_logger(__name__)

GENRES = """60s 70s 80s 90s acidjazz alternative alternativerock ambient
    atmospheric blues bluesrock bossanova breakbeat celtic chanson chillout choir
    classical classicrock club contemporary country dance darkambient darkwave
    deephouse disco downtempo drumnbass dub dubstep easylistening edm electronic
    electronica electropop ethno eurodance experimental folk funk fusion groove
    grunge hard hardrock hiphop house idm improvisation indie industrial
    instrumentalpop instrumentalrock jazz jazzfusion latin lounge medieval metal
    minimal newage newwave orchestral pop popfolk poprock postrock progressive
    psychedelic punkrock rap reggae rnb rock rocknroll singersongwriter soul
    soundtrack swing symphonic synthpop techno trance triphop world worldfusion"""
INSTRUMENTS = """accordion acousticbassguitar acousticguitar bass beat bell bongo
    brass cello clarinet classicalguitar computer doublebass drummachine drums
    electricguitar electricpiano flute guitar harmonica harp horn keyboard oboe
    orchestra organ pad percussion piano pipeorgan rhodes sampler saxophone
    strings synthesizer trombone trumpet viola violin voice"""
MOODS = """action adventure advertising background ballad calm children christmas
    commercial cool corporate dark deep documentary drama dramatic dream emotional
    energetic epic fast film fun funny game groovy happy heavy holiday hopeful
    inspiring love meditative melancholic melodic motivational movie nature party
    positive powerful relaxing retro romantic sad sexy slow soft soundscape space
    sport summer trailer travel upbeat uplifting"""
TOP50 = {
    "genre": """alternative ambient atmospheric chillout classical dance downtempo
        easylistening electronic experimental folk funk hiphop house indie
        instrumentalpop jazz lounge metal newage orchestral pop popfolk poprock
        reggae rock soundtrack techno trance triphop world""",
    "instrument": """acousticguitar bass computer drummachine drums electricguitar
        electricpiano guitar keyboard piano strings synthesizer violin voice""",
    "mood/theme": "emotional energetic film happy relaxing",
}


def _spellings(**tags_of_categories):
    return {
        f"{category}---{tag}": tag
        for category, tags in tags_of_categories.items()
        for tag in tags.split()
    }


# How the files spell each tag of a task; LABELS has the bare names, in this order.
SPELLINGS = {
    "instrument": _spellings(instrument=INSTRUMENTS),
    "mood": _spellings(**{"mood/theme": MOODS}),
    "genre": _spellings(genre=GENRES),
    "top50": _spellings(**TOP50),
}
LABELS = {task: list(tags.values()) for task, tags in SPELLINGS.items()}
COUNTS = {
    "instrument": {"train": 14_395, "valid": 5_466, "test": 5_115},
    "mood": {"train": 9_949, "valid": 3_802, "test": 4_231},
    "genre": {"train": 32_572, "valid": 11_043, "test": 11_479},
    "top50": {"train": 32_136, "valid": 10_888, "test": 11_356},
}
FILE_NAMES = {"mood": "moodtheme", "top50": "top50tags"}
SPLITS = {"train": "train", "valid": "validation", "test": "test"}
COLUMNS = ["TRACK_ID", "ARTIST_ID", "ALBUM_ID", "PATH", "DURATION", "TAGS"]
SUFFIXES = (".low.mp3", ".mp3")


def prepare_mtg(
    data_folder,
    save_folder,
    sample_rate,
    *,
    task,
    split_folder="data/splits/split-0",
    clip_seconds=30.0,
    min_tail_seconds=1.0,
    n_workers=1,
    verify=True,
    allow_missing=False,
):
    """Write ``train.json``, ``valid.json``, ``test.json`` and the lists beside.

    Arguments
    ---------
    data_folder : str or Path
        The folder that holds the audio, in folders 00 to 99.
    save_folder : str or Path
        Where the manifests go.
    sample_rate : int
        The student's, in Hz.
    task : str
        ``"instrument"``, ``"mood"``, ``"genre"`` or ``"top50"``.
    split_folder : str or Path
        Where the split's TSV files are; seen from ``data_folder``, or absolute.
    clip_seconds : float
        Length of the windows into which a track is cut.
    min_tail_seconds : float
        What is left at a track's end is a clip too if it lasts as long as this.
    n_workers : int
        Processes that examine the audio.
    verify : bool
        Decode every file to its end, instead of its first and last second.
    allow_missing : bool
        Go on without audio that is not there, listed in ``missing.csv``, and with
        split files of other numbers of tracks than ``COUNTS``.

    Returns
    -------
    dict
        From split to the path of its manifest, whose rows have ``track`` and
        ``tags``, of ``LABELS[task]``.
    """
    folder = Path(data_folder) / split_folder
    splits = read_splits(folder, task, allow_missing=allow_missing)
    return write_clips(
        data_folder,
        save_folder,
        with_suffix(data_folder, splits),
        clip_seconds=clip_seconds,
        min_tail_seconds=min_tail_seconds,
        sample_rate=sample_rate,
        n_workers=n_workers,
        verify=verify,
        allow_missing=allow_missing,
    )


def read_splits(split_folder, task, *, allow_missing=False):
    """A task's split from its TSV files; audio is not looked at.

    Arguments
    ---------
    split_folder : Path
        Where the TSV files are.
    task : str
        One of ``LABELS``.
    allow_missing : bool
        Whether other numbers of tracks than ``COUNTS`` pass, with a warning.

    Returns
    -------
    dict
        From split to a dict from path, without suffix, to
        ``{"track": ..., "tags": [...]}``, the tags in the order of the file.

    Raises
    ------
    FileNotFoundError
        If a file is not there.
    ValueError
        If the task is unknown, a row does not parse, a tag is none of the task's or
        missing in a split, splits share artists or albums, or counts are others.
    """
    if task not in LABELS:
        raise ValueError(f"task: {task!r} is none of {', '.join(LABELS)}")
    splits, owners = {}, {}
    for name, spelled in SPLITS.items():
        file_name = f"autotagging_{FILE_NAMES.get(task, task)}-{spelled}.tsv"
        path = Path(split_folder) / file_name
        splits[name] = {}
        for line, cells in _rows(path):
            where = f"{path}, line {line}"
            for owner in cells[1:3]:
                if owners.setdefault(owner, name) != name:
                    raise ValueError(
                        f"{where}: {owner} is in split {owners[owner]} too"
                    )
            stem = _stem(cells, where)
            if stem in splits[name]:
                raise ValueError(f"{where}: {cells[0]} again")
            tags = [_tag(spelling, task, where) for spelling in cells[5:]]
            splits[name][stem] = {"track": cells[0], "tags": tags}
        check_tags(splits[name], path, task)
    check_counts(splits, split_folder, task, allow_missing)
    return splits


def with_suffix(data_folder, splits):
    """The splits with ``.low.mp3`` or ``.mp3`` behind each path.

    The files there decide; if there are both forms, the more frequent one is taken.
    """
    stems = {stem for files in splits.values() for stem in files}
    found = Counter()
    for folder in sorted({stem[:2] for stem in stems}):
        path = Path(data_folder) / folder
        for name in os.listdir(path) if path.is_dir() else []:
            stem, dot, suffix = name.partition(".")
            found[dot + suffix] += f"{folder}/{stem}" in stems
    suffix = max(SUFFIXES, key=lambda suffix: found[suffix])
    if not found[suffix]:
        raise FileNotFoundError(
            f"data_folder: {data_folder} has none of the {len(stems)} tracks; "
            "they are looked for as <NN>/<id>.low.mp3 and <NN>/<id>.mp3, "
            f"as in {min(stems)}.low.mp3"
        )
    logger.info("MTG-Jamendo: %d files *%s are there", found[suffix], suffix)
    return {
        name: {stem + suffix: fields for stem, fields in files.items()}
        for name, files in splits.items()
    }


def check_counts(splits, split_folder, task, allow_missing):
    """Refuse files of other tracks, unless that is allowed."""
    counts = {name: len(files) for name, files in splits.items()}
    if counts == COUNTS[task]:
        return
    message = (
        f"{split_folder} gives {counts} tracks for task {task}, the dataset "
        f"has {COUNTS[task]}"
    )
    if not allow_missing:
        raise ValueError(
            f"{message}; get the files again, or set allow_missing: True"
        )
    logger.warning(message)


def check_tags(files, path, task):
    """Refuse a split without some tag."""
    found = {tag for fields in files.values() for tag in fields["tags"]}
    absent = [tag for tag in LABELS[task] if tag not in found]
    if absent:
        raise ValueError(f"{path}: no track is tagged {', '.join(absent)}")


def _rows(path):
    """Line and cells of each row."""
    if not path.is_file():
        raise FileNotFoundError(
            f"split_folder: no {path}; it is the folder data/splits/split-0 of "
            "a clone of MTG/mtg-jamendo-dataset"
        )
    # In text mode, lines end with \n though the files have \r\n.
    with opened_text(path) as file:
        header = next(file, "").rstrip("\n").split("\t")
        if header != COLUMNS:
            raise ValueError(
                f"{path}, line 1: the columns are {header}, expected {COLUMNS}"
            )
        for line, text in enumerate(file, start=2):
            cells = text.rstrip("\n").split("\t")
            if len(cells) < len(COLUMNS):
                raise ValueError(
                    f"{path}, line {line}: {len(cells)} cells, at least "
                    f"{len(COLUMNS)} are expected, in {text!r}"
                )
            yield line, cells


def _stem(cells, where):
    """Path of a row without suffix, checked against the track's number."""
    number = cells[0].removeprefix("track_").lstrip("0")
    stem = f"{number[-2:]:>02}/{number}"
    if not number.isdecimal() or cells[3] != f"{stem}.mp3":
        raise ValueError(
            f"{where}: path {cells[3]!r} does not belong to {cells[0]!r}, "
            "which would be track_0000241 for 41/241.mp3"
        )
    return stem


def _tag(spelling, task, where):
    if spelling not in SPELLINGS[task]:
        raise ValueError(
            f"{where}: {spelling!r} is none of the {len(LABELS[task])} tags of "
            f"task {task}"
        )
    return SPELLINGS[task][spelling]
