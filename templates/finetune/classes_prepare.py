"""Manifests of a folder of music that has a folder for each class.

Layout: ``<data_folder>/<class>/**/*.wav|flac|ogg|mp3|...``. What cannot be decoded, is
too short or silent is listed in ``skipped.csv`` with its reason. Files, not rows, are
held out, class by class, by a hash of their path.

Authors
 * The mert_sb developers 2026
"""

from collections import defaultdict

from mert_sb.audio.manifest import hash_split, write_manifests


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
    seed,
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
    seed : int
        Of the split.
    """
    write_manifests(
        data_folder,
        save_folder,
        split=lambda paths: split_classes(paths, valid_share, test_share, seed),
        segment_seconds=segment_seconds,
        min_seconds=min_seconds,
        sample_rate=sample_rate,
        n_workers=n_workers,
        verify=verify,
    )


def split_classes(paths, valid_share, test_share, seed):
    """Split each class by itself, so that none lacks in a split."""
    if valid_share + test_share >= 1:
        raise ValueError(
            f"valid_share {valid_share} and test_share {test_share} leave nothing "
            "for training"
        )
    classes = defaultdict(list)
    for path in paths:
        class_name, slash, _ = path.partition("/")
        if not slash:
            raise ValueError(f"{path} lies in no class's folder")
        classes[class_name].append(path)
    splits = {}
    for class_name, members in classes.items():
        if len(members) < 3:
            raise ValueError(
                f"class {class_name} has {len(members)} usable files; it needs three, "
                "for training, validation and test"
            )
        # hash_split makes two parts: first the test part is taken off.
        parts = hash_split(members, valid_share=test_share, seed=f"{seed} test")
        test = {path for path in members if parts[path] == "valid"}
        test = set(sorted(test)[: len(members) - 2])
        rest = [path for path in members if path not in test]
        share = valid_share / (1 - test_share)
        splits |= dict.fromkeys(test, "test")
        splits |= hash_split(rest, valid_share=share, seed=seed)
    return splits
