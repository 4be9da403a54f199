"""Manifests of any folder of music.

Layout: any. All WAV, FLAC, OGG, MP3 and AIFF files below the folder are used; what cannot
be decoded, is too short or silent is listed in ``skipped.csv`` with its reason. Long files
become rows of ``segment_seconds``, because an epoch takes one clip from each row. Files,
not rows, are held out for validation, by a hash of their path: the choice stays the same
when files are added.

Authors
 * The mert_sb developers 2026
"""

from mert_sb.audio.manifest import find_audio, hash_split, write_manifests


def prepare_audiofolder(
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
    """Write ``train.json``, ``valid.json`` and ``skipped.csv``.

    Arguments
    ---------
    data_folder : str
        The music.
    save_folder : str
        Where the manifests go.
    sample_rate : int
        The student's, in Hz.
    min_seconds : float
        Shorter files are skipped; at least one clip.
    segment_seconds : float or None
        Length of a row; None keeps files whole.
    valid_share : float
        Share of files held out.
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
        paths=find_audio(data_folder),
        split=lambda paths: hash_split(
            paths, valid_share=valid_share, seed=seed
        ),
        segment_seconds=segment_seconds,
        min_seconds=min_seconds,
        sample_rate=sample_rate,
        n_workers=n_workers,
        verify=verify,
    )
