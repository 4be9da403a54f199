"""Manifests of GTZAN with beats and downbeats, fault-filtered split.

What: GTZAN-Rhythm (Marchand, Fresnel and Peeters, "GTZAN-Rhythm: Extending the GTZAN
Test-Set with Beat, Downbeat and Swing Annotations", late-breaking of ISMIR 2015), in its
JAMS files or in the text files that others made of them.
How to obtain: see README.md; nothing is downloaded here.
Layout of the audio: see ``gtzan_prepare.py``. Of the annotations:
``beats/gtzan_<genre>_00000.beats`` or ``jams/<genre>.00000.wav.jams``.
Split: as for genre.

Authors
 * The mert_sb developers 2026
"""

import csv
from pathlib import Path

from speechbrain.utils.logger import get_logger

from gtzan_prepare import leave_out_damaged, read_splits
from mert_sb.audio.clips import write_clips
from mert_sb.audio.rows import read_rows, write_rows, write_table
from mert_sb.downstream.beats.targets import read_beats, within
from mert_sb.texts import opened_text

logger = get_logger(__name__)

# Below annotations_folder.
FOLDERS = ("", "beats", "annotations/beats", "gtzan/annotations/beats", "jams",
           "GTZAN-Rhythm_v2_ismir2015_lbd/jams")  # fmt: skip
LAYOUT = "beats/gtzan_<genre>_00000.beats or jams/<genre>.00000.wav.jams"
MISSING = "missing_annotations.csv"
MOST_NAMED = 5


def prepare_gtzan_beats(
    data_folder,
    annotations_folder,
    save_folder,
    sample_rate,
    n_workers=1,
    verify=True,
    allow_missing=False,
):
    """Write ``train.json``, ``valid.json``, ``test.json``, a whole file a row.

    Rows carry ``beats`` and ``downbeats``, lists of seconds. Clips without any beat are
    in ``skipped.csv``, clips without annotation in ``missing_annotations.csv``.

    Arguments
    ---------
    data_folder : str or Path
        The folder that holds ``genres`` or ``genres_original``.
    annotations_folder : str or Path
        The folder that holds ``beats`` or ``jams``.
    save_folder : str or Path
        Where the manifests go.
    sample_rate : int
        The encoder's, in Hz.
    n_workers : int
        Processes.
    verify : bool
        Decode every file to its end, instead of its first and last second.
    allow_missing : bool
        Whether excerpts of the split, or their annotations, may be missing.

    Returns
    -------
    dict
        From split to the path of its manifest.

    Raises
    ------
    FileNotFoundError
        If there is no GTZAN, or no annotation, where it should be; or files are
        missing.
    ValueError
        If an annotation does not parse, or a split has no usable excerpt.
    """
    save_folder = Path(save_folder)
    save_folder.mkdir(parents=True, exist_ok=True)
    splits = read_splits(data_folder)
    leave_out_damaged(data_folder, splits["train"])
    found = find_annotations(annotations_folder)
    report_missing(
        splits, found, annotations_folder, save_folder, allow_missing
    )
    files = {
        split: {
            path: {"track": fields["track"]}
            for path, fields in rows.items()
            if fields["track"] in found
        }
        for split, rows in splits.items()
    }
    # Before the audio, which takes longer to examine.
    annotations = {
        fields["track"]: read_beats(found[fields["track"]])
        for rows in files.values()
        for fields in rows.values()
    }
    manifests = write_clips(
        data_folder,
        save_folder,
        files,
        sample_rate=sample_rate,
        n_workers=n_workers,
        verify=verify,
        allow_missing=allow_missing,
    )
    add_beats(manifests, annotations)
    return manifests


def find_annotations(annotations_folder):
    """The annotation file of each track.

    Arguments
    ---------
    annotations_folder : str or Path
        The folder that holds ``beats`` or ``jams``.

    Returns
    -------
    dict of str to Path
        By track, ``rock.00000``.

    Raises
    ------
    FileNotFoundError
        If there is none.
    """
    for folder in (Path(annotations_folder) / name for name in FOLDERS):
        texts = {
            path.stem.removeprefix("gtzan_").replace("_", "."): path
            for path in sorted(folder.glob("gtzan_*_*.beats"))
        }
        jams = {
            path.name.removesuffix(".wav.jams"): path
            for path in sorted(folder.glob("*.wav.jams"))
        }
        if texts or jams:
            return texts or jams
    raise FileNotFoundError(
        f"annotations_folder: no beats of GTZAN in {annotations_folder}; the layout "
        f"is {LAYOUT}"
    )


def report_missing(splits, found, annotations_folder, save_folder, allowed):
    """List the clips that have no annotation; refuse them unless allowed."""
    missing = [
        (fields["track"], split)
        for split, rows in splits.items()
        for fields in rows.values()
        if fields["track"] not in found
    ]
    write_table(save_folder / MISSING, ["track", "split"], missing)
    if not missing:
        return
    first = ", ".join(track for track, _ in missing[:MOST_NAMED])
    message = (
        f"{len(missing)} of {sum(map(len, splits.values()))} clips have no "
        f"annotation in {annotations_folder}, the first {first}; see "
        f"{save_folder / MISSING}"
    )
    if not allowed:
        raise FileNotFoundError(
            f"{message}. Complete the annotations, or set allow_missing: True to go "
            "on without these clips; scores are then not those of the benchmark"
        )
    logger.warning(message)


def add_beats(manifests, annotations):
    """Put beats into the rows; clips without any are skipped.

    Beats beyond the end of a clip are dropped with a warning. Without places in the bar
    ``downbeats`` is null: they are not known.

    Arguments
    ---------
    manifests : dict of str to Path
        Of ``write_clips``, all in one folder.
    annotations : dict
        From track to times and places in the bar, as ``read_beats`` gives them.

    Raises
    ------
    ValueError
        If nothing is left of a split.
    """
    empty = {}
    for split, manifest in manifests.items():
        rows, kept = read_rows(manifest), {}
        for name, row in rows.items():
            times, places = within(
                *annotations[row["track"]], row["duration"], name
            )
            if not len(times):
                path = row["wav"].removeprefix("{data_root}/")
                empty[path] = "no beats: its annotation has none"
                continue
            known = places.any()
            kept[name] = {
                **row,
                "beats": times.tolist(),
                "downbeats": times[places == 1].tolist() if known else None,
            }
        if not kept:
            raise ValueError(
                f"split {split!r}: no annotation has a beat; get them again"
            )
        write_rows(manifest, kept)
    if empty:
        skip(manifest.with_name("skipped.csv"), empty)


def skip(table, reasons):
    """Add clips to those that ``write_clips`` skipped."""
    with opened_text(table, newline="") as file:
        _, *rows = csv.reader(file)
    write_table(
        table, ["path", "reason"], sorted([*map(tuple, rows), *reasons.items()])
    )
    logger.warning(
        "%d clips without beats skipped, see %s", len(reasons), table
    )
