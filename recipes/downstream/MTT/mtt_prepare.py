"""Manifests of MagnaTagATune (MTT): music tagging, 50 tags.

What: 25,863 clips of 29 s, mp3 at 16 kHz mono (Law et al., "Evaluation of Algorithms
Using Games: The Case of Music Tagging", ISMIR 2009).
How to obtain: https://mirg.city.ac.uk/codeapps/the-magnatagatune-dataset; nothing is
downloaded here.
Licence: CC BY-NC-SA 3.0.
Layout: ``annotations_final.csv`` and ``mp3/<0-9a-f>/*.mp3`` (or the 16 folders beside the
table).
Split: by folder, 0-b train, c valid, d-f test, which gives 18,706, 1,825 and 5,329 clips
without the three files that have no bytes. Clips with none of the 50 tags stay.

Authors
 * The mert_sb developers 2026
"""

import csv
from pathlib import Path

from speechbrain.utils.logger import get_logger

from mert_sb.audio.clips import write_clips
from mert_sb.texts import opened_text

logger = get_logger(__name__)

TABLE = "annotations_final.csv"
LAYOUT = f"{TABLE} beside mp3/<0-9a-f>/<clip>.mp3"

# By count over all 25,863 rows, descending; no synonyms are merged.
LABELS = tuple(
    "guitar,classical,slow,techno,strings,drums,electronic,rock,fast,piano,"
    "ambient,beat,violin,vocal,synth,female,indian,opera,male,singing,vocals,"
    "no vocals,harpsichord,loud,quiet,flute,woman,male vocal,no vocal,pop,"
    "soft,sitar,solo,man,classic,choir,voice,new age,dance,male voice,"
    "female vocal,beats,harp,cello,no voice,weird,country,metal,female voice,"
    "choral".split(",")
)

SPLIT_OF_FOLDER = {
    **dict.fromkeys("0123456789ab", "train"),
    "c": "valid",
    **dict.fromkeys("def", "test"),
}

# Clips 35644, 55753 and 57881.
ZERO_BYTE = {
    "6/norine_braun-now_and_zen-08-gently-117-146.mp3",
    "8/jacob_heringman-josquin_des_prez_lute_settings-19-gintzler__"
    "pater_noster-204-233.mp3",
    "9/american_baroque-dances_and_suites_of_rameau_and_couperin-25-"
    "le_petit_rien_xiveme_ordre_couperin-88-117.mp3",
}

COUNTS = {"train": 18_706, "valid": 1_825, "test": 5_329}


def prepare_mtt(
    data_folder,
    save_folder,
    sample_rate,
    n_workers=1,
    verify=True,
    allow_missing=False,
):
    """Write ``train.json``, ``valid.json``, ``test.json``; a clip is a row.

    Arguments
    ---------
    data_folder : str
        The folder that holds ``annotations_final.csv``.
    save_folder : str
        Where the manifests go.
    sample_rate : int
        The student's, in Hz.
    n_workers : int
        Processes.
    verify : bool
        Decode every file to its end, instead of its first and last second.
    allow_missing : bool
        Go on with fewer rows or files than the dataset has.

    Returns
    -------
    dict
        Split name to the path of its manifest.

    Raises
    ------
    FileNotFoundError
        If the table, the folders of audio or files are not there.
    ValueError
        If a row does not parse, or rows are too few.
    """
    splits = read_splits(data_folder)
    check_counts(splits, Path(data_folder) / TABLE, allow_missing)
    return write_clips(
        data_folder,
        save_folder,
        splits,
        sample_rate=sample_rate,
        n_workers=n_workers,
        verify=verify,
        allow_missing=allow_missing,
    )


def read_splits(data_folder):
    """The clips of each split, as ``write_clips`` takes them.

    Arguments
    ---------
    data_folder : str or Path
        The folder that holds ``annotations_final.csv``.

    Returns
    -------
    dict
        Split name to path to ``track``, the clip's id, and ``tags``, those of
        ``LABELS``, maybe none. Paths are there whether the files are or not.
    """
    table = Path(data_folder) / TABLE
    if not table.is_file():
        raise FileNotFoundError(
            f"data_folder: {table} is not there; MTT's layout is {LAYOUT}"
        )
    prefix = find_prefix(Path(data_folder))
    splits = {"train": {}, "valid": {}, "test": {}}
    with opened_text(table, newline="") as file:
        rows = csv.reader(file, delimiter="\t")
        columns = read_header(next(rows, []), table)
        for cells in rows:
            where = f"{table}, line {rows.line_num}"
            path, clip = read_row(cells, columns, where)
            if path not in ZERO_BYTE:
                splits[split_of(path, where)][prefix + path] = clip
    return splits


def find_prefix(data_folder):
    """What leads from the data folder to the folders 0 to f."""
    if (data_folder / "mp3").is_dir():
        return "mp3/"
    if any((data_folder / name).is_dir() for name in SPLIT_OF_FOLDER):
        return ""
    raise FileNotFoundError(
        f"data_folder: neither mp3 nor any of the folders 0 to f is in "
        f"{data_folder}; MTT's layout is {LAYOUT}. Join mp3.zip.001 to .003 "
        "and unpack them"
    )


def read_header(cells, table):
    """The place of each column by its name."""
    columns = {name: place for place, name in enumerate(cells)}
    if len(columns) < len(cells):
        raise ValueError(f"{table}, line 1: two columns have one name")
    wanted = ("clip_id", "mp3_path", *LABELS)
    missing = [name for name in wanted if name not in columns]
    if missing:
        raise ValueError(
            f"{table}, line 1: no column {', '.join(missing[:5])}; expected "
            "clip_id, a column for each tag and mp3_path, TAB-separated"
        )
    return columns


def read_row(cells, columns, where):
    """Path of a clip in the table, its id and its tags."""
    if len(cells) != len(columns):
        raise ValueError(
            f"{where}: {len(cells)} cells for {len(columns)} columns"
        )
    for tag in LABELS:
        if cells[columns[tag]] not in ("0", "1"):
            raise ValueError(
                f"{where}: {tag!r} is {cells[columns[tag]]!r}, neither 0 nor 1"
            )
    tags = [tag for tag in LABELS if cells[columns[tag]] == "1"]
    clip = {"track": cells[columns["clip_id"]], "tags": tags}
    return cells[columns["mp3_path"]], clip


def split_of(path, where):
    """The split of a clip: its folder decides."""
    folder, _, name = path.partition("/")
    if folder not in SPLIT_OF_FOLDER or not name:
        raise ValueError(
            f"{where}: mp3_path is {path!r}, not in a folder 0 to f"
        )
    return SPLIT_OF_FOLDER[folder]


def check_counts(splits, table, allow_missing):
    """Refuse a table of another size, unless that is allowed."""
    counts = {name: len(clips) for name, clips in splits.items()}
    if counts == COUNTS:
        return
    message = f"{table} gives {counts}, the whole dataset {COUNTS}"
    if not allow_missing:
        raise ValueError(
            f"{message}; get the table again, or set allow_missing: True"
        )
    logger.warning(message)
