"""Manifests of GTZAN: ten genres, 930 excerpts of 30 s, fault-filtered split.

What: 1,000 excerpts, 100 of each genre (Tzanetakis and Cook, "Musical Genre
Classification of Audio Signals", IEEE TSAP 2002), of which 70 repetitions,
distortions and wrong labels are left out (Kereliuk, Sturm and Larsen, "Deep
Learning and Music Adversaries", IEEE TMM 2015).
How to obtain: see README.md; nothing is downloaded here.
Layout: ``genres/<genre>/<genre>.00000.wav`` or ``.au``, or ``genres_original``.
Split: ``fault_filtered.txt`` beside this file, 443, 197 and 290 excerpts.

Authors
 * The mert_sb developers 2026
"""

from pathlib import Path

from speechbrain.utils.logger import get_logger

from mert_sb.audio.clips import write_clips
from mert_sb.texts import read_text

logger = get_logger(__name__)

LABELS = (
    "blues",
    "classical",
    "country",
    "disco",
    "hiphop",
    "jazz",
    "metal",
    "pop",
    "reggae",
    "rock",
)
SPLITS = ("train", "valid", "test")
SPLIT_FILE = Path(__file__).with_name("fault_filtered.txt")

# The Kaggle copy's is no audio; other copies leave it out. It is for training.
DAMAGED = "jazz.00054"

FOLDERS = ("genres", "genres_original", "Data/genres_original", ".")
SUFFIXES = (".wav", ".au")
LAYOUT = "genres/<genre>/<genre>.00000.wav (or .au, or genres_original)"


def prepare_gtzan(
    data_folder,
    save_folder,
    sample_rate,
    n_workers=1,
    verify=True,
    allow_missing=False,
):
    """Write ``train.json``, ``valid.json``, ``test.json``, a whole file a row.

    Rows carry ``label``, one of ``LABELS``. What is damaged or missing is in
    ``skipped.csv`` and ``missing.csv``; without ``jazz.00054`` training has 442
    excerpts, and nobody has to allow that.

    Arguments
    ---------
    data_folder : str or Path
        The folder that holds ``genres`` or ``genres_original``.
    save_folder : str or Path
        Where the manifests go.
    sample_rate : int
        The encoder's, in Hz.
    n_workers : int
        Processes.
    verify : bool
        Decode every file to its end, instead of its first and last second.
    allow_missing : bool
        Whether excerpts of the split may be missing.

    Returns
    -------
    dict
        From split to the path of its manifest.

    Raises
    ------
    FileNotFoundError
        If there is no GTZAN in ``data_folder``, or files are missing.
    ValueError
        If a genre has no usable excerpt in a split.
    """
    splits = read_splits(data_folder)
    leave_out_damaged(data_folder, splits["train"])
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
    """The excerpts of each split, as ``write_clips`` takes them.

    Arguments
    ---------
    data_folder : str or Path
        The folder that holds ``genres`` or ``genres_original``.

    Returns
    -------
    dict
        From split to a dict from the path below ``data_folder`` to ``track``
        and ``label``. Paths are there whether the files are or not.
    """
    folder, suffix = find_layout(data_folder)
    splits = {split: {} for split in SPLITS}
    for split, genre, numbers in read_ids(SPLIT_FILE):
        for number in numbers:
            track = f"{genre}.{number:05d}"
            path = (folder / genre / f"{track}{suffix}").as_posix()
            splits[split][path] = {"track": track, "label": genre}
    return splits


def find_layout(data_folder):
    """The folder of genres, below ``data_folder``, and the commonest suffix."""
    for folder in map(Path, FOLDERS):
        genres = [Path(data_folder) / folder / genre for genre in LABELS]
        found = [path.suffix for root in genres for path in root.glob("*.*")]
        suffix = max(SUFFIXES, key=found.count)
        if suffix in found:
            return folder, suffix
    looked = ", ".join(f"{folder}/blues/*.wav" for folder in FOLDERS)
    raise FileNotFoundError(
        f"data_folder: no GTZAN in {data_folder}; looked for {looked}, for .au "
        f"files and for the other genres. The layout is {LAYOUT}"
    )


def read_ids(path):
    """Read the list of excerpts.

    Arguments
    ---------
    path : Path
        Lines such as ``train blues 29-49 73-97``; ``a-b`` includes both ends,
        and lines with ``#`` in front do not count.

    Yields
    ------
    tuple
        Split, genre and a sorted list of numbers.

    Raises
    ------
    ValueError
        If a line does not parse; the message has its number.
    """
    lines = read_text(path).splitlines()
    for index, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        words = line.split()
        split, genre, *ranges = words if len(words) > 1 else [*words, ""]
        if split not in SPLITS or genre not in LABELS:
            raise ValueError(
                f"{path}, line {index}: '{split} {genre}' is not a split "
                f"({', '.join(SPLITS)}) and a genre ({', '.join(LABELS)})"
            )
        try:
            numbers = [n for text in ranges for n in expand(text)]
        except ValueError as error:
            raise ValueError(f"{path}, line {index}: {error}") from error
        yield split, genre, numbers


def expand(text):
    """The numbers that ``"3"`` or ``"3-5"`` stands for."""
    first, _, last = text.partition("-")
    numbers = range(int(first), int(last or first) + 1)
    if not numbers or numbers[-1] > 99:
        raise ValueError(f"'{text}' is no range of numbers from 0 to 99")
    return numbers


def leave_out_damaged(data_folder, rows):
    """Forget ``jazz.00054`` where it is missing, and say so."""
    for path in [p for p in rows if rows[p]["track"] == DAMAGED]:
        if not (Path(data_folder) / path).is_file():
            del rows[path]
            logger.warning(
                "GTZAN: goes without %s, damaged in many copies", path
            )
