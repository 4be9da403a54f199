"""Recipes leave an inference folder, which predicts what the recipe predicted.

Authors
 * The mert_sb developers 2026
"""

import json
import shutil
from types import SimpleNamespace

import pytest
import torch

from mert_sb.inference import (
    EmotionRegressor,
    KeyEstimator,
    MusicClassifier,
    MusicEncoder,
    MusicTagger,
    export_student,
    export_task,
    open_task,
)
from mert_sb.inference.commands.main import main
from tests.utils.finetune_runs import no_trace
from tests.utils.originals import tiny_student
from tests.utils.task_folders import (
    DOWNSTREAM,
    make_sample,
    predicted,
    run_recipe,
    test_files,
)

CPU = {"device": "cpu"}
# Data, its seconds, YAML, upstream, what else is changed, class.
TASKS = {
    "genre": ("gtzan", 1.0, "mert", {}, MusicClassifier),
    "key": (
        "giantsteps",
        2.5,
        "mert_full",
        {"prepare": {"clip_seconds": 1.0}, "encoder_lr": 1e-3},
        KeyEstimator,
    ),
    "mood": (
        "mtg",
        4.5,
        "mel",
        {"prepare": {"clip_seconds": 2.0, "min_tail_seconds": 0.3}},
        MusicTagger,
    ),
    "emotion": (
        "emo",
        10.5,
        "mert_lora",
        {"encoder_lr": 1e-2, "prepare": {"max_seconds": 9.0}},
        EmotionRegressor,
    ),
}
FOLDERS = {"gtzan": "GTZAN", "giantsteps": "GiantSteps", "mtg": "MTG"}


@pytest.fixture(scope="module", autouse=True)
def _process():
    with no_trace():
        yield


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "encoder"
    student = tiny_student(normalize_wavs=True)
    return export_student(student, folder)


@pytest.fixture(scope="module", params=TASKS)
def trained(request, tmp_path_factory, encoder):
    """A recipe that was run: its Brain, output, data and class."""
    name, seconds, upstream, changed, kind = TASKS[request.param]
    folder = tmp_path_factory.mktemp(name)
    data = make_sample(name, folder / "data", seconds=seconds)
    prepare = {"n_workers": 1, "allow_missing": True}
    changed = changed | {"prepare": prepare | changed.get("prepare", {})}
    if upstream.startswith("mert"):
        changed["upstream_overrides"] = {"source": str(encoder)}
    brain = run_recipe(
        FOLDERS.get(name, name.upper()),
        f"{request.param}.yaml",
        upstream,
        folder / "out",
        data_folder=data,
        layer="mix",
        lr=0.01,
        **changed,
    )
    return SimpleNamespace(
        brain=brain, output=folder / "out", data=data, kind=kind
    )


@pytest.fixture
def folder(trained):
    return trained.output / "inference"


def test_predictions_are_the_recipes_own(trained, folder):
    model = trained.kind.from_folder(folder, run_opts=CPU)
    expected = predicted(trained.output, len(model.task.labels))
    files = test_files(trained.output, trained.data)
    assert set(files) == set(expected)
    for track, (path, n_clips) in files.items():
        outputs = model.outputs_file(path, batch_size=3)
        assert len(outputs) == n_clips
        assert outputs.mean(0).tolist() == pytest.approx(
            expected[track], abs=1e-3
        )


def test_the_folder_can_be_moved_and_says_what_it_is(
    trained, folder, tmp_path, encoder
):
    moved = shutil.copytree(folder, tmp_path / "moved")
    model = open_task(moved, run_opts=CPU)
    assert type(model) is trained.kind
    assert not any(module.training for module in model.mods.modules())
    assert not any(p.requires_grad for p in model.parameters())
    names = {path.name for path in folder.iterdir()}
    plain = {"README.md", "probe.safetensors", "task.json"}
    if "encoder" in trained.brain.modules:
        assert names == plain | {"hyperparams.yaml", "student.safetensors"}
        tuned = MusicEncoder.from_original(moved, run_opts=CPU).student
        before = tiny_student(conv_norm="layer", normalize_wavs=True)
        query = "encoder.layers.1.attention.q_proj.weight"
        assert not torch.equal(
            tuned.state_dict()[query], before.state_dict()[query]
        )
    card = (folder / "README.md").read_text()
    assert trained.kind.__name__ in card
    results = json.loads((trained.output / "results.json").read_text())
    for name, value in results["test"].items():
        assert f"| test | {name} | {value:.4g} |" in card


def test_predictions_are_named(trained, folder):
    model = trained.kind.from_folder(folder, run_opts=CPU)
    path, _ = next(iter(test_files(trained.output, trained.data).values()))
    outputs = model.outputs_file(path)
    prediction = model.predict_file(path)
    assert set(prediction) == set(model.task.labels)
    assert model.predict_files([path, path])[1] == prediction
    if trained.kind is EmotionRegressor:
        scale = json.loads((trained.output / "save/scale.json").read_text())
        for place, name in enumerate(("arousal", "valence")):
            rating = outputs.mean(0)[place] * scale["std"][place]
            rating += scale["mean"][place]
            assert prediction[name] == pytest.approx(rating.item(), abs=1e-5)
        return
    scores = list(prediction.values())
    assert scores == sorted(scores, reverse=True)
    if trained.kind is MusicTagger:
        best = model.tag_file(path, top_k=3)
        assert list(best.items()) == list(prediction.items())[:3]
        label, score = next(iter(best.items()))
        place = model.task.labels.index(label)
        logit = outputs.mean(0)[place]
        assert score == pytest.approx(logit.sigmoid().item(), abs=1e-6)
    else:
        probabilities, score, index, [label] = model.classify_file(path)
        assert probabilities.shape == (1, len(model.task.labels))
        assert probabilities.sum().item() == pytest.approx(1.0, abs=1e-5)
        assert prediction[label] == score.item() == scores[0]
        assert model.task.labels[index.item()] == label


def test_the_way_of_the_test_is_kept(trained, folder):
    model = trained.kind.from_folder(folder, run_opts=CPU)
    if trained.kind is not KeyEstimator:
        assert model.task.aggregation == "logits"
        return
    valid = trained.brain.results["valid"]
    chosen = valid[f"key_score_{model.task.aggregation}"]
    assert chosen == valid["key_score"]


def test_clips_are_classified_one_by_one(trained, folder):
    model = trained.kind.from_folder(folder, run_opts=CPU)
    wavs = torch.rand(2, 24_000) - 0.5
    both = model(wavs)
    assert both.shape == (2, len(model.task.labels))
    torch.testing.assert_close(both[1:], model.predict_batch(wavs[1:]))
    padded = torch.nn.functional.pad(wavs, (0, 8_000))
    shares = torch.tensor([0.75, 0.75])
    if "encoder" in trained.brain.modules:
        torch.testing.assert_close(
            model.predict_batch(padded, shares), both, atol=1e-4, rtol=1e-4
        )


def test_the_command_prints_a_table_and_json(trained, folder, capsys):
    files = test_files(trained.output, trained.data).values()
    paths = [str(path) for path, _ in files][:2]
    bad = trained.output / "bad.wav"
    bad.write_bytes(b"no audio")
    command = ["predict", str(folder), paths[0], str(bad), paths[1]]
    command += ["--device", "cpu"]
    assert main([*command, "--json"]) == 1
    printed = capsys.readouterr()
    lines = [json.loads(line) for line in printed.out.splitlines()]
    assert [line["file"] for line in lines] == paths
    model = open_task(folder, run_opts=CPU)
    top = {MusicTagger: 5, EmotionRegressor: 2}.get(trained.kind, 1)
    for line in lines:
        wanted = model.predict_file(line["file"], top_k=top)
        assert line["prediction"] == pytest.approx(wanted, abs=1e-6)
        assert list(line["prediction"]) == list(wanted)
    assert "1 skipped" in printed.err
    assert f"{bad}: unreadable" in printed.err
    assert main([*command[:3], "--device", "cpu", "--top", "2"]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.split() == ["file", "prediction", "score"]
    assert len(rows) == 2
    for row, (label, score) in zip(
        rows, model.predict_file(paths[0], top_k=2).items(), strict=True
    ):
        assert row.startswith(paths[0])
        assert label in row
        assert row.endswith(f"{score:.4f}")


def test_another_family_is_refused(trained, folder):
    for kind in (EmotionRegressor, KeyEstimator, MusicTagger):
        if kind is not trained.kind:
            with pytest.raises(ValueError, match=trained.kind.__name__):
                kind.from_folder(folder)


def test_debug_leaves_nothing(tmp_path):
    data = make_sample("gtzan", tmp_path / "data", seconds=0.5)
    output = tmp_path / "out"
    run_recipe(
        "GTZAN",
        "genre.yaml",
        "mel",
        output,
        data_folder=data,
        layer="mix",
        debug=True,
    )
    assert not (output / "inference").exists()


def test_an_upstream_that_changed_is_not_exported(tmp_path):
    data = make_sample("gtzan", tmp_path / "data", seconds=0.5)
    brain = run_recipe(
        "GTZAN",
        "genre.yaml",
        "mel",
        tmp_path / "out",
        data_folder=data,
        layer="mix",
    )
    labels = json.loads((tmp_path / "out/inference/task.json").read_text())
    brain.hparams.upstream_overrides = {"upstream": {"n_mels": 64}}
    with pytest.raises(ValueError, match="written for something else: settin"):
        export_task(brain, labels["labels"], DOWNSTREAM / "GTZAN")
