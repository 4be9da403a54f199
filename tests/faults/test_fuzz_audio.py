"""Audio files, their headers and bodies damaged: opened, cropped, decoded, prepared.

Authors
 * The mert_sb developers 2026
"""

import numpy as np
import pytest
import soundfile

from tests.faults.fuzzing import Reader, assert_none_lost
from tests.faults.mutate import mutated

# Of each format, and folders of several files.
N_CASES = 600
N_FOLDERS = 60
FILES_A_FOLDER = 6
RATE = 24_000
# A filter from an odd rate may take 2**26 numbers and as many while it is made.
MEGABYTES = 2500

# Name -> arguments of soundfile.write.
FORMATS = {
    "a.wav": {"subtype": "PCM_16"},
    "b.wav": {"subtype": "PCM_24"},
    "c.wav": {"subtype": "FLOAT"},
    "d.wav": {"subtype": "PCM_16", "format": "WAVEX"},
    "e.flac": {},
    "f.ogg": {"subtype": "VORBIS"},
    "g.opus": {"format": "OGG", "subtype": "OPUS"},
    "h.mp3": {"bitrate_mode": "CONSTANT", "compression_level": 0.9},
    "i.mp3": {"bitrate_mode": "VARIABLE", "compression_level": 0.5},
    "j.aiff": {},
}


def write_formats(folder):
    """A second of noise in each format, mono and stereo in turn."""
    for number, (name, how) in enumerate(FORMATS.items()):
        rng = np.random.default_rng(number)
        rate = RATE if number % 2 else 48_000
        wav = rng.normal(0, 0.1, (rate, 1 + number % 2))
        soundfile.write(folder / name, wav, rate, **how)


def read_in_all_ways(path):
    """Header, whole, crops, parts with channels, both ways to examine."""
    from mert_sb.audio.channels import read_channels, stream_channels
    from mert_sb.audio.examine import examine
    from mert_sb.audio.reader import audio_info, read_audio, read_crop

    assert examine(str(path), verify=False) is not None
    finding = examine(str(path), verify=True)
    assert finding.reason or finding.n_samples > 0
    ways = (
        lambda: audio_info(path),
        lambda: read_audio(path, RATE),
        lambda: read_crop(path, 0, 400, RATE),
        lambda: read_crop(path, RATE // 2, 2_000, RATE),
        lambda: read_channels(path, RATE // 2, 2_000, RATE),
        lambda: [len(block) for block in stream_channels(path)],
    )
    errors = []
    for read in ways:
        try:
            read()
        except (OSError, ValueError) as error:
            errors.append(error)
    if errors:
        assert all(str(path) in str(error) for error in errors), errors
        raise errors[-1]


def audio_reader(name, folder):
    """The reader of a format."""
    write_formats(folder)
    whole = (folder / name).read_bytes()

    def spoil(rng, place):
        path = place / name
        path.write_bytes(mutated(whole, rng))
        return path

    documented = (OSError, ValueError)
    return Reader(name, spoil, read_in_all_ways, documented, MEGABYTES)


@pytest.mark.parametrize("name", FORMATS)
def test_files(tmp_path, name):
    assert_none_lost(audio_reader(name, tmp_path), N_CASES, tmp_path)


def prepare(place):
    """Manifests of what is left, from which every row can be read."""
    from mert_sb.audio.manifest import hash_split, write_manifests
    from mert_sb.audio.reader import read_crop
    from mert_sb.audio.rows import read_rows

    manifests = write_manifests(
        place,
        place / "save",
        split=lambda paths: hash_split(paths, valid_share=0.3, seed=0),
        min_seconds=0.1,
        sample_rate=RATE,
        verify=True,
    )
    for manifest in manifests.values():
        for row in read_rows(manifest).values():
            path = row["wav"].replace("{data_root}", str(place))
            length = row["length"]
            # The length of an MP3 is known to a frame of it.
            read_crop(path, row["start"], max(length - 2_000, 1), RATE)


def folder_reader(folder):
    """The reader of folders."""
    write_formats(folder)
    names = list(FORMATS)

    def spoil(rng, place):
        for name in rng.choice(names, FILES_A_FOLDER, replace=False):
            data = (folder / name).read_bytes()
            whole = rng.random() < 0.3
            (place / name).write_bytes(data if whole else mutated(data, rng))
        return place

    return Reader("folders of audio", spoil, prepare, (ValueError,), MEGABYTES)


def test_folders(tmp_path):
    assert_none_lost(folder_reader(tmp_path), N_FOLDERS, tmp_path)
