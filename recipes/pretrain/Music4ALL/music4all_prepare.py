"""Manifests of Music4ALL.

What: about 109,000 clips of 30 s, 910 h (Santana et al., "Music4All: A New Music Database
and Its Applications", IWSSIP 2020).
How to obtain: access on request from the authors; nothing is downloaded here.
Licence: research only, as agreed with the authors.
Layout: ``audios/<id>.mp3``, and beside ``audios`` TAB-separated tables, of which
``id_information.csv`` (header ``id  artist  song  album_name``) lists the ids.
Split: the paper names none for pretraining; a share of clips, chosen by a hash of their
path, is held out.

Authors
 * The mert_sb developers 2026
"""

import csv
from pathlib import Path

from speechbrain.utils.logger import get_logger

from mert_sb.audio.manifest import find_audio, hash_split, write_manifests
from mert_sb.texts import opened_text
from mert_sb.writing import whole

logger = get_logger(__name__)

LAYOUT = "audios/<id>.mp3 beside id_information.csv"


def prepare_music4all(
    data_folder,
    save_folder,
    sample_rate,
    min_seconds,
    segment_seconds,
    valid_share,
    verify,
    n_workers,
    seed,
):
    """Write ``train.json``, ``valid.json``, ``skipped.csv`` and ``missing.txt``.

    Arguments
    ---------
    data_folder : str
        The folder that holds ``audios``.
    save_folder : str
        Where the manifests go.
    sample_rate : int
        The student's, in Hz.
    min_seconds : float
        Shorter files are skipped; at least one clip.
    segment_seconds : float or None
        Length of a row; 30 s keep a file whole, None any.
    valid_share : float
        Share of files held out.
    verify : bool
        Decode every file to its end, instead of its first and last second.
    n_workers : int
        Processes.
    seed : int
        Of the split.

    Raises
    ------
    FileNotFoundError
        If there is no folder ``audios``.
    """
    audios = Path(data_folder) / "audios"
    if not audios.is_dir():
        raise FileNotFoundError(
            f"data_folder: {audios} is not there; Music4ALL's layout is {LAYOUT}"
        )
    paths = [f"audios/{path}" for path in find_audio(audios)]
    list_missing(Path(data_folder), {Path(p).stem for p in paths}, save_folder)
    write_manifests(
        data_folder,
        save_folder,
        paths=paths,
        split=lambda usable: hash_split(
            usable, valid_share=valid_share, seed=seed
        ),
        segment_seconds=segment_seconds,
        min_seconds=min_seconds,
        sample_rate=sample_rate,
        n_workers=n_workers,
        verify=verify,
    )


def list_missing(data_folder, found, save_folder):
    """Ids of the table without a file, into ``missing.txt``; none is an error."""
    table = data_folder / "id_information.csv"
    if not table.is_file():
        logger.warning("%s is not there: completeness is not checked", table)
        return
    with opened_text(table, newline="") as file:
        rows = csv.DictReader(file, delimiter="\t")
        if "id" not in (rows.fieldnames or ()):
            raise ValueError(f"{table}: no column id; the layout is {LAYOUT}")
        ids = {row["id"] for row in rows}
    missing = sorted(ids - found)
    if missing:
        path = Path(save_folder) / "missing.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole(path) as aside:
            aside.write_text("".join(f"{key}\n" for key in missing))
        logger.warning(
            "Music4ALL: %d of %d clips are missing, listed in %s",
            len(missing),
            len(ids),
            path,
        )
