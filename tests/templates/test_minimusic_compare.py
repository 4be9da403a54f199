"""The comparison of teachers as a whole, on music and tasks in miniature.

Authors
 * The mert_sb developers 2026
"""

import json
import shlex

import numpy as np
import pytest
import soundfile

from tests.samples.make_minimusic import make_minimusic
from tests.samples.make_samples import tones
from tests.templates.conftest import MINIMUSIC
from tests.utils.recipe_tests import ROOT

RECIPE = ROOT / "recipes" / "pretrain" / "AudioFolder"
FLAGS = {
    "crop_frames": 74,
    "embed_dim": 32,
    "student": "{conv_channels: 16, ffn_dim: 64, num_heads: 2, num_layers: 1, "
    "position_kernel: 8, position_groups: 4, feature_extractor_cqt: 0}",
    "mixture": "{min_length: 1000, max_length: 2000}",
    "batch_size": 4,
    "log_interval": 1,
    "device": "cpu",
    "noprogressbar": None,
    "prepare": "{min_seconds: 1.0, segment_seconds: 2.0, valid_share: 0.3, "
    "n_workers: 1}",
    "train_dataloader_opts": "{num_workers: 0}",
    "valid_dataloader_opts": "{num_workers: 0}",
}
PROBES = (
    "--device cpu --number_of_epochs 1 --batch_size 4 "
    "--prepare '{n_workers: 1, min_tail_seconds: 0.2}'"
)

MUSIC4ALL = RECIPE.with_name("Music4ALL") / "hparams"
FIT = "{max_frames: 2000, restarts: 1, n_iterations: 5}"
RUNS = {
    "v0": f"v0={MUSIC4ALL / 'MERT-v0.yaml'} --n_logmel 6 --n_chroma 5 "
    f"--fits '{{logmel: {FIT}, chroma: {FIT}}}'"
}


@pytest.fixture(scope="module")
def compare_runs(process, tmp_path_factory):
    """Runs ``compare.py`` on music and tasks in miniature; its output folder."""
    pytest.importorskip("matplotlib")
    folder = tmp_path_factory.mktemp("compare")
    make_minimusic(folder / "data")
    music, rng = folder / "music", np.random.default_rng(0)
    music.mkdir()
    for index in range(4):
        wav = tones(rng, 24_000, 1, 8.0)
        soundfile.write(music / f"{index}.wav", wav, 24_000)
    base = (RECIPE / "hparams" / "_base.yaml").resolve()
    for name in ("mel", "cqt", "chroma"):
        text = (RECIPE / "teachers" / f"{name}.yaml").read_text()
        text = text.replace("../hparams/_base.yaml", str(base))
        (folder / f"{name}.yaml").write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(MINIMUSIC))
        patch.setenv("PYTHONPATH", str(ROOT))
        import compare

        for name in ("make_dataset", "make_notes"):
            patch.setattr(compare, name, lambda folder, **_: None)

        def compare_runs(*names, **changed):
            runs = [RUNS.get(name, f"{folder / name}.yaml") for name in names]
            flags = {
                "music": music,
                "data": folder / "data",
                "output": folder
                / ("output" if "small" not in changed else "small"),
                "steps": 2,
                "tasks": "pitch",
                "layers": "1",
                "seeds": 1,
                "probe_flags": PROBES,
                **FLAGS,
                **changed,
            }
            arguments = ["--runs", *runs]
            for key, value in flags.items():
                arguments += [f"--{key}"]
                arguments += [] if value is None else [str(value)]
            compare.main(arguments)
            return flags["output"]

        yield compare_runs


def table(output):
    """Cells of ``compare.md`` by row."""
    text = (output / "compare.md").read_text()
    lines = [
        line.strip("|\n").split("|")
        for line in text.splitlines()[2:]
        if line.startswith("|")
    ]
    return {
        line[0].strip(): [cell.strip() for cell in line[1:]] for line in lines
    }


def test_two_teachers_are_compared(compare_runs, capsys):
    output = compare_runs("mel")
    assert list(table(output)) == ["mel", "log-mel", "untrained"]
    kept = [*output.rglob("predictions.csv"), output / "mel" / "spent.json"]
    assert len(kept) == 4
    before = [path.stat().st_mtime_ns for path in kept]
    # Another YAML is one more row, and nothing is done again.
    compare_runs("mel", "cqt")
    assert [path.stat().st_mtime_ns for path in kept] == before
    text = (output / "compare.md").read_text()
    assert text in capsys.readouterr().out
    assert shlex.quote(str(output)) in text
    assert (output / "compare.png").read_bytes().startswith(b"\x89PNG")
    rows = table(output)
    assert list(rows) == ["mel", "cqt", "log-mel", "untrained"]
    for name, (cell, minutes, losses) in rows.items():
        folder = f"rivals/{name}*" if not losses else f"{name}/probes"
        (path,) = output.glob(f"{folder}/pitch/*/1/results.json")
        value = 100 * json.loads(path.read_text())["test"]["accuracy"]
        shown = float(cell.replace("*", "").split()[0])
        assert shown == pytest.approx(value, abs=0.06)
        if losses:
            log = (output / name / "train_log.txt").read_text()
            last = float(log.split(f"valid {name}_loss: ")[-1].split(",")[0])
            assert losses.split()[0] == name
            assert float(losses.split()[1]) == pytest.approx(last, rel=5e-3)
            spent = json.loads((output / name / "spent.json").read_text())
            assert float(minutes) == pytest.approx(spent["minutes"], abs=0.06)
    # Nor does it matter which run first brings a rival that they share.
    compare_runs("cqt", "mel")
    assert [path.stat().st_mtime_ns for path in kept] == before
    assert list(table(output)) == ["cqt", "mel", "log-mel", "untrained"]


def test_small_music4all_of_another_rate_has_a_rival_of_its_own(compare_runs):
    output = compare_runs("v0", "mel", small=None)
    rows = table(output)
    rivals = ["log-mel", "untrained", "untrained (mel)"]
    assert list(rows) == ["v0", "mel", *rivals]
    names = [entry.split()[0] for entry in rows["v0"][2].split(", ")]
    assert names == ["logmel", "chroma", "cqt"]
    assert len([*output.glob("rivals/untrained-*")]) == 2
    flags = json.loads((output / "v0" / "begun.json").read_text())["flags"]
    # Of --small, where no other flag says it.
    assert "grad_accumulation_factor: 1" in flags
    path = next(output.glob("v0/probes/pitch/*/1/results.json"))
    settings = json.loads(path.read_text())["setup"]["upstream"]
    assert "16000" in json.dumps(settings)


def refused(compare_runs, capfd, *names, **changed):
    """What a refusal says; nothing is trained before it."""
    capfd.readouterr()
    with pytest.raises(ValueError, match="begun with another") as caught:
        compare_runs(*names, **changed)
    assert "Pretraining" not in capfd.readouterr().out
    return str(caught.value)


def test_a_run_that_changed_is_refused(compare_runs, capfd):
    output = compare_runs("mel")
    # The new one before it is not trained first.
    text = refused(compare_runs, capfd, "chroma", "mel", steps=3)
    assert f"{output / 'mel' / 'begun.json'}: " in text
    assert "another flags:" in text
    yaml = output.parent / "mel.yaml"
    before = yaml.read_text()
    yaml.write_text(before.replace("mel: 10.0", "mel: 9.0"))
    assert "another yaml:" in refused(compare_runs, capfd, "mel")
    yaml.write_text(before)
    added = output.parent / "music" / "more.wav"
    soundfile.write(added, np.zeros(24_000), 24_000)
    assert "another music:" in refused(compare_runs, capfd, "mel")
    added.unlink()
    assert compare_runs("mel") == output


def test_a_stopped_run_goes_on_and_its_minutes_add_up(
    compare_runs, monkeypatch
):
    import runs

    output, calls = compare_runs("mel"), []
    path = output / "mel" / "spent.json"
    kept = path.read_text()
    path.write_text(json.dumps({"minutes": 5.0, "finished": False}))

    def stopped(music, folder, flags, yaml):
        calls.append(folder)
        if len(calls) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(runs, "pretrain", stopped)
    with pytest.raises(KeyboardInterrupt):
        compare_runs("mel")
    first = json.loads(path.read_text())
    assert first["minutes"] > 5 and not first["finished"]
    compare_runs("mel")
    second = json.loads(path.read_text())
    assert second["minutes"] > first["minutes"] and second["finished"]
    compare_runs("mel")
    assert calls == [output / "mel"] * 2
    path.write_text(kept)
