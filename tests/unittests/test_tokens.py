"""No token and no password in what a run leaves behind.

Authors
 * The mert_sb developers 2026
"""

import pytest
from speechbrain.utils import logger

from mert_sb.hparams import load_hparams
from mert_sb.overrides import place_overrides
from mert_sb.recipe import open_recipe
from mert_sb.tokens import redacted, refuse_tokens
from tests.utils.finetune_runs import no_trace
from tests.utils.task_folders import make_sample, run_recipe

HUB = "hf_" + "Q7f" * 12
GIT = "ghp_" + "Z9x" * 12
PASSWORD = "geheim-4711"
ADDRESS = f"git+https://me:{PASSWORD}@host.org/a.git"
PACKAGES = (
    f"-e git+https://{GIT}@github.com/me/a.git@0123#egg=a\nb @ {ADDRESS}\n"
)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"x: {HUB}", "x: ***"),
        (ADDRESS, "git+https://***@host.org/a.git"),
        (f"https://{GIT}@github.com/a", "https://***@github.com/a"),
        ("ssh://me:word@host/a", "ssh://me:***@host/a"),
        ("a: ssh://git@host/a", "a: ssh://git@host/a"),
        ("HTTPS://me:word@host/a", "HTTPS://***@host/a"),
        ("https://host/a@b", "https://host/a@b"),
        ("me@host.org, a: b@c", "me@host.org, a: b@c"),
        ("hf_hub, hf_transfer", "hf_hub, hf_transfer"),
    ],
)
def test_what_is_hidden(text, left):
    assert redacted(text) == left


def test_values_of_variables_are_hidden(monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", " a1b2c3d4e5f6\n")
    monkeypatch.setenv("GH_TOKEN", "x")
    assert redacted("max a1b2c3d4e5f6") == "max ***"


@pytest.mark.parametrize("secret", [HUB, f"https://me:{PASSWORD}@host/data"])
@pytest.mark.parametrize("place", ["flag", "yaml"])
def test_a_yaml_or_a_flag_with_one_is_refused(tmp_path, secret, place):
    path = tmp_path / "a.yaml"
    text = f"output_folder: {tmp_path}/out\nsource: none\nprepare: {{}}\n"
    flags = ["--source", secret] if place == "flag" else []
    path.write_text(text if flags else text.replace("none", secret))
    with pytest.raises(
        ValueError, match="a.yaml: source holds a tok"
    ) as caught:
        open_recipe(lambda: None, [str(path), *flags])
    assert secret not in str(caught.value)
    assert PASSWORD not in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "text",
    [
        "token: geheim",
        "  api_key: 'ab12'",
        "a: {hf_token: x, b: 3}",
        '- Password: "1a"',
        "secret: nullify",
    ],
)
def test_keys_that_are_for_one(text):
    with pytest.raises(ValueError, match="holds a token or a password"):
        refuse_tokens(text, "a.yaml")


@pytest.mark.parametrize(
    "text",
    [
        "token: true",
        "hf_token: null",
        "a: {token: False, b: x}",
        "token:",
        "pad_token: <pad>",
        "tokens: many",
        "password: ''",
        "secret: 3",
        "a: 1  # token: give it in HF_TOKEN",
    ],
)
def test_keys_without_one(text):
    refuse_tokens(text, "a.yaml")


@pytest.mark.parametrize("flags", [HUB, f"base: {HUB}", f"a: [{HUB}"])
def test_flags_that_are_none_are_not_repeated(tmp_path, flags):
    (tmp_path / "base.yaml").write_text("a: 1")
    (tmp_path / "a.yaml").write_text("base: !include:base.yaml")
    with pytest.raises(ValueError, match=r"a.yaml: .*\*\*\*") as caught:
        place_overrides(tmp_path / "a.yaml", flags)
    assert HUB not in str(caught.value)


def test_one_in_a_base_is_refused(tmp_path):
    (tmp_path / "base.yaml").write_text(f"source: {HUB}")
    (tmp_path / "a.yaml").write_text("base: !include:base.yaml")
    with pytest.raises(ValueError, match="source holds a token"):
        load_hparams(tmp_path / "a.yaml", "")


def test_a_runs_folder_has_none(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", HUB)
    monkeypatch.setattr(
        logger, "get_environment_description", lambda: f"{PACKAGES}{HUB}\n"
    )
    data = make_sample("emo", tmp_path / "data")
    with no_trace():
        run_recipe(
            *("EMO", "emotion.yaml", "mel", tmp_path / "out"),
            data_folder=data,
            layer=0,
        )
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    names = {path.name for path in files}
    kept = {"env.log", "log.txt", "hyperparams.yaml", "README.md", "task.json"}
    assert names >= kept
    assert "github.com/me/a.git" in (tmp_path / "out" / "env.log").read_text()
    for path in files:
        content = path.read_bytes()
        for secret in (HUB, GIT, PASSWORD):
            assert secret.encode() not in content, path
