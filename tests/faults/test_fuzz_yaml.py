"""YAMLs and flags, damaged: read as plain data, and laid over one another.

Authors
 * The mert_sb developers 2026
"""

from tests.faults.fuzzing import Reader, assert_none_lost
from tests.faults.mutate import CELLS, mutated_text

N_FLAGS = 2_500
N_SETTINGS = 1_500

BASE = """
task: !PLACEHOLDER
folder: !ref results/<task>
cache:
    batch_size: 4
    device: null
layer: !new:collections.Counter
    in_features: !ref <width>
    out_features: 2
width: 3
half: !ref <width> / 2
"""
OWN = """
base: !include:base.yaml
    task: genre
    cache: {batch_size: 8}
data_folder: !PLACEHOLDER
prepare:
    folder: !ref <base[folder]>
    share: 0.1
"""
FLAGS = """data_folder: /music
width: 5
cache: {device: cpu, batch_size: 2}
task: key
layer: {out_features: 7}
prepare:
    share: 0.2
base: {half: 2}
"""
# Of flags only.
MORE = (
    *(
        "!ref <width>",
        "!ref <absent>",
        "!ref <half[a]>",
        "&a [*a]",
        "*a",
        "? a",
    ),
    *(
        "{<<: *a}",
        "2020-99-99",
        "1:1:1:1",
        "!!python/name:os.system",
        "!copy <x>",
    ),
    *("'", "{", "[1, {a: ", "- a", "|", ">", "%YAML 9", "---", "...", "@", "`"),
)


def flag_text(rng):
    """Flags of which some are damaged."""
    text = mutated_text(FLAGS, rng).decode("utf-8", "surrogateescape")
    if rng.random() < 0.5:
        lines = text.split("\n")
        place = rng.integers(len(lines))
        words = MORE + CELLS
        key, sign, _ = lines[place].partition(": ")
        lines[place] = f"{key}{sign}{words[rng.integers(len(words))]}"
        text = "\n".join(lines)
    return text


def flags_reader(folder):
    """Lays flags over a YAML on a base, and builds it."""
    from mert_sb.hparams import load_hparams

    def spoil(rng, place):
        (place / "base.yaml").write_text(BASE)
        (place / "own.yaml").write_text(OWN)
        return place / "own.yaml", flag_text(rng)

    def read(given):
        load_hparams(*given)

    documented = (ImportError, KeyError, TypeError, ValueError)
    return Reader("flags over YAMLs", spoil, read, documented)


def test_flags(tmp_path):
    assert_none_lost(flags_reader(tmp_path), N_FLAGS, tmp_path)


RUN = """# Generated 2026-11-22 from:
# /a/GTZAN/hparams/genre.yaml
base:
  task: genre
  epoch_counter: &id001 !new:speechbrain.utils.epoch_loop.EpochCounter
    limit: 3
student: !new:mert_sb.student.MERT
  num_layers: 2
  counters: [*id001, *id001]
lr: 0.001
crop: (3, 4)
"""


def settings_reader(folder):
    """Reads a run's YAML as plain data, and what a base's flags would change."""
    from mert_sb.inference.report.settings import read_settings
    from mert_sb.overrides import place_overrides

    def spoil(rng, place):
        text = mutated_text(RUN, rng)
        if rng.random() < 0.3:
            word = MORE[rng.integers(len(MORE))].encode()
            text = text.replace(b"0.001", word)
        (place / "hyperparams.yaml").write_bytes(text)
        return place

    def read(place):
        read_settings(place)
        place_overrides(place / "hyperparams.yaml", {"lr": 1})

    return Reader("runs' YAMLs", spoil, read, (KeyError, OSError, ValueError))


def test_settings(tmp_path):
    assert_none_lost(settings_reader(tmp_path), N_SETTINGS, tmp_path)
