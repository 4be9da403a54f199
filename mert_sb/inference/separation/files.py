"""Writing stems: a WAV file each, all or none of them.

K stems, C channels, S samples.

Authors
 * The mert_sb developers 2026
"""

import contextlib

import soundfile

from mert_sb.inference.staging import staged_folder

# Bytes of a sample, by soundfile's names.
SUBTYPES = {"FLOAT": 4, "PCM_24": 3}
# A WAV file's sizes have 32 bits; some less, as an MP3's length is an estimate.
MOST_BYTES = 3.5e9


@contextlib.contextmanager
def stem_writer(folder, stems, info, subtype):
    """Write stems piece by piece; they appear once all are whole.

    Arguments
    ---------
    folder : str or pathlib.Path
        Gets ``<stem>.wav``; made if absent.
    stems : list of str
        Names of the K stems.
    info : mert_sb.audio.reader.AudioInfo
        Of the mixture: rate and channels, and about how long it is. Files above 4 GB
        are RF64, which few but all large editors read.
    subtype : str
        A key of ``SUBTYPES``.

    Yields
    ------
    callable
        Takes the next ``(K, C, S)``.

    Raises
    ------
    ValueError
        If there is no such subtype.

    Example
    -------
    >>> import torch
    >>> from mert_sb.audio.reader import AudioInfo
    >>> folder = getfixture("tmp_path") / "stems"
    >>> info = AudioInfo(n_samples=8, sample_rate=44_100, n_channels=2)
    >>> with stem_writer(folder, ["guitar", "rest"], info, "FLOAT") as write:
    ...     write(torch.zeros(2, 2, 8))
    >>> sorted(path.name for path in folder.iterdir())
    ['guitar.wav', 'rest.wav']
    """
    if subtype not in SUBTYPES:
        raise ValueError(f"subtype: {subtype!r} is none of {list(SUBTYPES)}")
    size = info.n_samples * info.n_channels * SUBTYPES[subtype]
    kind = "RF64" if size > MOST_BYTES else "WAV"
    with staged_folder(folder) as staging, contextlib.ExitStack() as stack:
        files = [
            stack.enter_context(
                soundfile.SoundFile(
                    staging / f"{stem}.wav",
                    "w",
                    info.sample_rate,
                    info.n_channels,
                    subtype,
                    format=kind,
                )
            )
            for stem in stems
        ]

        def write(parts):
            for file, part in zip(files, parts, strict=True):
                file.write(part.mT.numpy())

        yield write
        # Closed before they are moved.
        stack.close()
