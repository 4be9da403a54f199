"""The inference folder: an equal student, whole, strict and frozen.

Authors
 * The mert_sb developers 2026
"""

import pytest
import torch
from safetensors.torch import load_file, save_file

from mert_sb.inference import CheckpointError, MusicEncoder, export_student
from mert_sb.student import MERT

TINY = {
    "conv_channels": 16,
    "embed_dim": 32,
    "ffn_dim": 64,
    "num_heads": 4,
    "num_layers": 2,
    "position_kernel": 8,
    "position_groups": 4,
}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """A working folder in which stray files would show."""
    folder = tmp_path / "cwd"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def student(**settings):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = MERT(**(TINY | settings))
        with torch.no_grad():
            for parameter in model.parameters():
                parameter += 0.1 * torch.randn_like(parameter)
    return model


def exported(tmp_path, **settings):
    """A student and the encoder read from its folder."""
    model = student(**settings)
    folder = export_student(model, tmp_path / "encoder")
    return model.eval(), MusicEncoder.from_hparams(folder)


def clips(length=5_000):
    return torch.randn(2, length, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    "settings",
    [
        {"norm": "post", "normalize_wavs": True},
        {"norm": "pre", "conv_norm": "layer", "conv_bias": True},
        {"norm": "deepnorm", "attention_relax": 32.0},
        {"sample_rate": 16_000, "feature_extractor_cqt": 84},
    ],
)
def test_states_and_settings_survive(tmp_path, settings):
    model, encoder = exported(tmp_path, **settings)
    assert encoder.mods.student.settings == model.settings
    states = encoder.encode_batch(clips())
    expected = model(clips(), output_hidden_states=True)
    assert states.shape == (3, 2, 15, 32)
    assert torch.equal(states, expected)
    assert encoder.frame_rate == model.settings["sample_rate"] / 320
    assert encoder.hparams.sample_rate == model.settings["sample_rate"]


def test_lengths_reach_the_student(tmp_path):
    model, encoder = exported(tmp_path, conv_norm="layer")
    lengths = torch.tensor([1.0, 0.5])
    states = encoder.encode_batch(clips(), lengths)
    expected = model(clips(), lengths, output_hidden_states=True)
    assert torch.equal(states, expected)
    assert torch.equal(encoder(clips(), lengths), expected)
    assert not torch.equal(states, encoder(clips()))


def test_the_encoder_is_frozen_in_eval_mode_and_without_gradient(tmp_path):
    _, encoder = exported(tmp_path, dropout=0.5, layerdrop=0.5)
    assert not any(module.training for module in encoder.mods.modules())
    assert not any(p.requires_grad for p in encoder.mods.parameters())
    states = encoder.encode_batch(clips().requires_grad_())
    assert not states.requires_grad
    assert torch.equal(states, encoder.encode_batch(clips()))


def test_clips_of_other_types_are_taken(tmp_path):
    _, encoder = exported(tmp_path)
    states = encoder.encode_batch(clips().double())
    assert torch.equal(states, encoder.encode_batch(clips()))


def test_only_the_folder_is_written(tmp_path, elsewhere):
    exported(tmp_path)
    assert not list(elsewhere.iterdir())
    names = sorted(path.name for path in (tmp_path / "encoder").iterdir())
    assert names == ["README.md", "hyperparams.yaml", "student.safetensors"]


def test_a_second_export_takes_the_place_of_the_first(tmp_path):
    exported(tmp_path, norm="pre")
    model, encoder = exported(tmp_path, norm="post")
    expected = model(clips(), output_hidden_states=True)
    assert torch.equal(encoder.encode_batch(clips()), expected)


def test_exporting_leaves_the_student_as_it_was(tmp_path):
    model = student().train()
    before = {name: p.clone() for name, p in model.state_dict().items()}
    export_student(model, tmp_path / "encoder")
    assert model.training
    assert all(p.requires_grad for p in model.parameters())
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name])


def changed(folder, change):
    """Change the exported tensors in place."""
    path = folder / "student.safetensors"
    state = load_file(path)
    change(state)
    save_file(state, path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda state: state.pop("mask_embedding"),
            "mask_embedding is missing",
        ),
        (
            lambda state: state.update(extra=torch.zeros(1)),
            "extra is unknown",
        ),
        (
            lambda state: state.update(mask_embedding=torch.zeros(7)),
            r"mask_embedding has shape \(7,\), not \(32,\)",
        ),
    ],
)
@pytest.mark.parametrize("how", ["from_hparams", "from_original"])
def test_weights_that_do_not_fit_are_refused_by_name(
    tmp_path, change, message, how
):
    folder = export_student(student(), tmp_path / "encoder")
    changed(folder, change)
    with pytest.raises(CheckpointError, match=message):
        getattr(MusicEncoder, how)(folder)


def test_missing_weights_are_refused(tmp_path):
    folder = export_student(student(), tmp_path / "encoder")
    (folder / "student.safetensors").unlink()
    with pytest.raises((OSError, ValueError), match="student.safetensors"):
        MusicEncoder.from_hparams(folder)


def test_an_export_that_is_killed_leaves_the_former_weights(
    tmp_path, monkeypatch
):
    from mert_sb.inference import tensors

    model, _ = exported(tmp_path)

    def killed(state, path, **options):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(tensors, "save_file", killed)
    with pytest.raises(KeyboardInterrupt):
        export_student(student(norm="pre"), tmp_path / "encoder")
    encoder = MusicEncoder.from_hparams(tmp_path / "encoder")
    expected = model(clips(), output_hidden_states=True)
    assert torch.equal(encoder.encode_batch(clips()), expected)


def test_the_folder_opens_as_plain_data_too(tmp_path):
    model, encoder = exported(tmp_path, norm="pre")
    plain = MusicEncoder.from_original(tmp_path / "encoder")
    assert torch.equal(
        plain.encode_batch(clips()), encoder.encode_batch(clips())
    )
    assert plain.student.settings == model.settings


def test_opening_as_plain_data_builds_nothing_that_the_yaml_names(tmp_path):
    folder = export_student(student(), tmp_path / "encoder")
    path = folder / "hyperparams.yaml"
    marker = tmp_path / "ran"
    attack = f'x: !apply:os.system ["touch {marker}"]\n'
    path.write_text(attack + path.read_text())
    MusicEncoder.from_original(folder)
    assert not marker.exists()
    # The SpeechBrain way does what the YAML says, with consent.
    MusicEncoder.from_hparams(folder, run_code=True)
    assert marker.exists()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("!new:mert_sb.student.MERT", "!new:torch.nn.Linear"),
        ("embed_dim: 32", "embed_dim: !new:torch.nn.Linear"),
        ("embed_dim: 32", "embed_width: 32"),
        ("sample_rate: 24000\n    conv", "sample_rate: [\n    conv"),
        ("num_heads: 4", "num_heads: 4\n    num_heads: 2"),
        ("num_heads: 4", "num_heads: 2"),
        ("num_heads: 4", "num_heads: !!int four"),
        ("num_heads: 4", "num_heads: !!timestamp four"),
        ("norm: post", "norm: pre"),
        ("normalize_wavs: false", "normalize_wavs: true"),
        ("layerdrop: 0.05", "layerdrop: lse"),
    ],
)
def test_other_yamls_are_no_plain_data(tmp_path, old, new):
    folder = export_student(student(), tmp_path / "encoder")
    path = folder / "hyperparams.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(CheckpointError, match="encoder"):
        MusicEncoder.from_original(folder)


def test_a_folder_of_any_name_is_found_from_where_one_stands(
    tmp_path, elsewhere
):
    # "a/b" might be a repository of the Hub.
    model = student().eval()
    export_student(model, elsewhere / "owner" / "name")
    export_student(model, elsewhere / "name")
    for source in ("owner/name", "name", "./name"):
        for opened in (MusicEncoder.from_hparams, MusicEncoder.from_original):
            states = opened(source).encode_batch(clips())
            assert torch.equal(states, model(clips(), None, None, True))


def test_savedir_gets_a_copy_that_serves_alone(tmp_path):
    import shutil

    model, _ = exported(tmp_path)
    savedir = tmp_path / "kept" / "encoder"
    MusicEncoder.from_hparams(tmp_path / "encoder", savedir=savedir)
    shutil.rmtree(tmp_path / "encoder")
    encoder = MusicEncoder.from_hparams(tmp_path / "encoder", savedir=savedir)
    assert not any(path.is_symlink() for path in savedir.iterdir())
    expected = model(clips(), output_hidden_states=True)
    assert torch.equal(encoder.encode_batch(clips()), expected)


def test_the_card_says_what_is_known_and_what_is_not(tmp_path):
    import yaml

    folder = export_student(
        student(),
        tmp_path / "encoder",
        name="My music",
        data="12 hours of folk",
        teachers=["MelRVQ", "CQT"],
        licence="cc0-1.0",
        metrics={"code accuracy": 0.087123},
    )
    _, header, text = (folder / "README.md").read_text().split("---\n", 2)
    assert yaml.safe_load(header)["license"] == "cc0-1.0"
    for wanted in ("# My music", "12 hours of folk", "MelRVQ, CQT", "0.08712"):
        assert wanted in text
    assert "Not said" not in text
    bare = export_student(student(), tmp_path / "bare") / "README.md"
    assert bare.read_text().count("Not said") == 4
    assert "license" not in bare.read_text()


@pytest.mark.parametrize("text", ["", "hello", "3", "null", "- a", "&a [*a]"])
def test_a_yaml_without_a_student_is_refused(tmp_path, text):
    folder = export_student(student(), tmp_path / "encoder")
    (folder / "hyperparams.yaml").write_text(text)
    with pytest.raises(CheckpointError, match="hyperparams.yaml"):
        MusicEncoder.from_original(folder)
