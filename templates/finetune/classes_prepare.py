"""Manifests of a folder of music that has a folder for each class.

Layout: ``<data_folder>/<class>/**/*.wav|flac|ogg|mp3|...``. What cannot be decoded, is
too short or silent is listed in ``skipped.csv`` with its reason. Files, not rows, are
held out, class by class, by a hash of their path.

Authors
 * The mert_sb developers 2026
"""

from collections import defaultdict

from mert_sb.audio.manifest import write_manifests
from mert_sb.audio.split import keep_splits, ranked_split


def prepare_classes(
    data_folder,
    save_folder,
    sample_rate,
    min_seconds,
    segment_seconds,
    valid_share,
    test_share,
    verify,
    n_workers,
    split_seed,
):
    """Write ``train.json``, ``valid.json``, ``test.json`` and ``skipped.csv``.

    Arguments
    ---------
    data_folder : str
        The music.
    save_folder : str
        Where the manifests go.
    sample_rate : int
        The student's, in Hz.
    min_seconds : float
        Shorter files are skipped.
    segment_seconds : float
        Longer files are cut into rows of this length.
    valid_share, test_share : float
        Shares of each class's files held out; at least one file each.
    verify : bool
        Decode every file to its end, instead of its first and last second.
    n_workers : int
        Processes.
    split_seed : int
        Another one holds out other files.
    """
    shares = {"test": test_share, "valid": valid_share}
    write_manifests(
        data_folder,
        save_folder,
        split=lambda paths: keep_splits(
            save_folder, split_classes(paths, shares, split_seed)
        ),
        segment_seconds=segment_seconds,
        min_seconds=min_seconds,
        sample_rate=sample_rate,
        n_workers=n_workers,
        verify=verify,
    )


def split_classes(paths, shares, split_seed):
    """Split each class by itself, so that none lacks in a split."""
    classes = defaultdict(list)
    for path in paths:
        class_name, slash, _ = path.partition("/")
        # SpeechBrain's label_encoder.txt separates label and index by it.
        if not slash or "=>" in class_name:
            raise ValueError(f"{path} lies in no folder that can name a class")
        classes[class_name].append(path)
    splits = {}
    for class_name, members in classes.items():
        if len(members) < 3:
            raise ValueError(
                f"class {class_name} has {len(members)} usable files; it needs three, "
                "for training, validation and test"
            )
        splits |= ranked_split(members, shares=shares, seed=split_seed)
    return splits
