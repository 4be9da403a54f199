"""``mert-sb encode`` on a few short files, with a tiny model.

Authors
 * The mert_sb developers 2026
"""

import numpy as np
import pytest
import soundfile

from mert_sb.inference import MusicEncoder, export_student
from mert_sb.inference.commands.main import main
from mert_sb.inference.commands.runner import Runner
from tests.utils.originals import tiny_student

CHUNKS = {"chunk_seconds": 1.5, "overlap_seconds": 0.5}
OPTIONS = ["--chunk-seconds", "1.5", "--overlap-seconds", "0.5", "--quiet"]
# Name, seconds, rate, channels. Of a.wav and b.flac there are 3 and 2 windows.
MUSIC = (
    ("a.wav", 3.0, 24_000, 1),
    ("b.flac", 2.0, 44_100, 2),
    ("sub/c.mp3", 4.0, 44_100, 1),
    ("sub/dé.wav", 1.0, 16_000, 1),
)
NAMES = ("a", "b", "sub/c", "sub/dé")


class Desk:
    """A model, a folder of music and a place for features, and the command."""

    def __init__(self, folder):
        self.folder = folder
        self.music = folder / "music"
        self.out = folder / "out"
        for name, *audio in MUSIC:
            write_audio(self.music / name, *audio)
        self.model = self.export("model")

    def export(self, name, **settings):
        """Another model; ``seed`` among the settings makes other weights."""
        student = tiny_student(normalize_wavs=True, **settings)
        return export_student(student, self.folder / name)

    def encode(self, *inputs, options=(), source=None, out=None):
        """Run the command in this process; the music, if nothing is named."""
        inputs = inputs or [self.music]
        places = [source or self.model, *inputs, "--output", out or self.out]
        fixed = [*OPTIONS, "--workers", "0", "--device", "cpu"]
        return main(["encode", *map(str, places), *fixed, *options])

    def expected(self, name, layers=None, **options):
        """What ``encode_file`` gives of a file of the music."""
        encoder = MusicEncoder.from_original(
            self.model, run_opts={"device": "cpu"}
        )
        path = self.music / name
        return encoder.encode_file(path, layers, **(CHUNKS | options))

    def read(self, form, name):
        """States and times of an output."""
        if form == "npy":
            return np.load(self.out / f"{name}.npy"), None
        if form == "npz":
            with np.load(self.out / f"{name}.npz") as file:
                return file["states"], file.get("times")
        h5py = pytest.importorskip("h5py")
        with h5py.File(self.out / f"{name}.h5") as file:
            times = file["times"][:] if "times" in file else None
            return file["states"][:], times

    def written(self):
        """Files in the output folder, with the time they were written."""
        return {
            path.relative_to(self.out).as_posix(): path.stat().st_mtime_ns
            for path in self.out.rglob("*")
            if path.is_file()
        }


def write_audio(path, seconds, rate=24_000, n_channels=1):
    """Noise in a file, another for each name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(list(path.name.encode()))
    size = (round(rate * seconds), n_channels)
    soundfile.write(path, generator.normal(0.0, 0.1, size), rate)


def interrupted_after(count, whole=Runner._encode):
    """A step of the runner that Ctrl-C stops after so many batches."""
    done = []

    def step(self, batch):
        if len(done) == count:
            raise KeyboardInterrupt
        done.append(batch)
        whole(self, batch)

    return step


def count_batches(monkeypatch):
    """A list that gets the size of each batch that is encoded."""
    sizes, whole = [], MusicEncoder.encode_windows

    def counted(self, wavs, *others):
        sizes.append(len(wavs))
        return whole(self, wavs, *others)

    monkeypatch.setattr(MusicEncoder, "encode_windows", counted)
    return sizes
