"""Hyperparameters: no key unknown, none unused.

Authors
 * The mert_sb developers 2026
"""

import pytest

from mert_sb.hparams import Hparams, load_hparams, refuse_unused
from mert_sb.overrides import read_yaml, unknown_keys

COMMON = """
width: 3
layer: !new:torch.nn.Linear
    in_features: !ref <width>
    out_features: 2
"""
MAIN = """
seed: 7
sample_rate: 24000
folder: /data
student: !new:torch.nn.Linear
    in_features: 4
    out_features: !ref <seed> + 1
    bias: False
teachers:
    cqt: !name:torch.nn.Linear
        in_features: 1
        out_features: !ref <sample_rate>
stored: {}
sizes: [1, 2]
common: !include:common.yaml
    width: 5
"""


@pytest.fixture
def path(tmp_path):
    (tmp_path / "common.yaml").write_text(COMMON)
    path = tmp_path / "main.yaml"
    path.write_text(MAIN)
    return path


def test_objects_are_built_with_their_overrides(path):
    hparams = load_hparams(
        path,
        "{seed: 1, student: {in_features: 6}, sizes: [3], folder: null, "
        "teachers: {cqt: {in_features: 9}}}",
    )
    student = hparams["student"]
    assert (student.in_features, student.out_features) == (6, 2)
    assert student.bias is None
    assert hparams["sizes"] == [3]
    assert hparams["folder"] is None
    assert hparams["teachers"]["cqt"].keywords["in_features"] == 9
    assert hparams["teachers"]["cqt"].keywords["out_features"] == 24_000


@pytest.mark.parametrize("overrides", ["", None, "{}"])
def test_no_overrides_are_no_fault(path, overrides):
    assert load_hparams(path, overrides)["seed"] == 7


@pytest.mark.parametrize(
    ("overrides", "names"),
    [
        ("{sede: 1}", ["sede"]),
        ("{student: {in_feature: 6}}", ["student.in_feature"]),
        ("{teachers: {cqt: {in: 9}}}", ["teachers.cqt.in"]),
        ("{teachers: {cqtt: {in_features: 9}}}", ["teachers.cqtt"]),
        ("{common: {height: 2}}", ["common.height"]),
        ("{common: {layer: {in: 2}}}", ["common.layer.in"]),
        ("{sede: 1, student: {x: 1, y: 2}}", ["sede, student.x, student.y"]),
    ],
)
def test_unknown_overrides_are_refused_by_their_dotted_names(
    path, overrides, names
):
    with pytest.raises(KeyError) as error:
        load_hparams(path, overrides)
    for name in [*names, str(path)]:
        assert name in str(error.value)


def test_an_empty_mapping_takes_any_key(path):
    folders = {"encodec": "/shelf", "cqt": "/other"}
    assert load_hparams(path, f"{{stored: {folders}}}")["stored"] == folders


def test_included_keys_can_be_overridden(path):
    assert load_hparams(path, "")["common"]["layer"].in_features == 5
    changed = load_hparams(path, "{common: {width: 8}}")["common"]
    assert changed["layer"].in_features == 8
    deep = load_hparams(path, "{common: {layer: {out_features: 9}}}")["common"]
    assert deep["layer"].out_features == 9


def test_an_include_without_changes_is_followed(tmp_path):
    (tmp_path / "common.yaml").write_text(COMMON)
    path = tmp_path / "plain.yaml"
    path.write_text("common: !include:common.yaml\n")
    tree, names = read_yaml(path)
    assert set(tree["common"]) == {"width", "layer"}
    assert "width" in names
    with pytest.raises(KeyError, match="common.height"):
        load_hparams(path, "{common: {height: 2}}")


def test_overrides_may_hold_tags(path):
    hparams = load_hparams(
        path,
        "student: !new:torch.nn.Linear\n"
        "    in_features: !ref <seed>\n"
        "    out_features: 1\n"
        "folder: !ref <sample_rate>\n"
        "seed: 5\n",
    )
    assert hparams["student"].in_features == 5
    assert hparams["folder"] == 24_000


def test_tagged_overrides_are_checked_too(path):
    with pytest.raises(KeyError, match="student.in_feature;"):
        load_hparams(path, "student: !new:torch.nn.Linear {in_feature: 1}")
    with pytest.raises(KeyError, match="sede"):
        load_hparams(path, "sede: !new:torch.nn.Identity")


def test_nothing_is_built_before_the_check(path, tmp_path):
    marker = tmp_path / "built"
    text = f"__made: !apply:os.mkdir ['{marker}']\nseed: 1\n"
    path.write_text(text)
    with pytest.raises(KeyError):
        load_hparams(path, "{sede: 1}")
    assert not marker.exists()
    load_hparams(path, "{seed: 2}")
    assert marker.exists()


def test_the_tree_holds_all_keys_and_all_references(path):
    tree, names = read_yaml(path)
    assert set(tree["student"]) == {"in_features", "out_features", "bias"}
    assert set(tree["teachers"]["cqt"]) == {"in_features", "out_features"}
    assert set(tree["common"]) == {"width", "layer"}
    assert not any(tree[key] for key in ("stored", "sizes", "seed"))
    assert names == {"seed", "sample_rate", "width"}


def test_a_comment_is_no_reference(tmp_path):
    path = tmp_path / "commented.yaml"
    path.write_text("a: 1  # see <b>\nb: 2\n# and <c>\nc: !ref <a>#<d>\nd: 3\n")
    assert read_yaml(path)[1] == {"a", "d"}


@pytest.mark.parametrize("text", ["[1, 2]", "seed"])
def test_what_is_no_mapping_is_refused_by_name(tmp_path, text):
    path = tmp_path / "list.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match="list.yaml is no mapping"):
        read_yaml(path)


def test_unknown_keys_look_into_mappings_only():
    tree = {"a": {"b": {"c": None}}, "empty": None, "list": None}
    assert unknown_keys({"a": {"b": {"c": {"d": 1}}}}, tree) == []
    assert unknown_keys({"empty": {"x": {"y": 1}}, "list": [1]}, tree) == []
    assert unknown_keys({"a": {"b": {"x": 1}, "y": 2}}, tree) == [
        "a.b.x",
        "a.y",
    ]
    assert unknown_keys({"a": None}, tree) == []


def refused(path, used=(), asked=()):
    """Names in the refusal of unused keys, none if all are used."""
    hparams = load_hparams(path, "")
    for key in asked:
        hparams[key]
    try:
        refuse_unused(hparams, path, set(used))
    except KeyError as error:
        return str(error)
    return ""


def test_unused_keys_are_refused_by_name_and_file(path):
    message = refused(path, used=["student", "teachers", "stored", "common"])
    assert "folder, sizes;" in message
    assert str(path) in message


def test_keys_asked_for_used_or_referred_to_are_accepted(path):
    # `seed` and `sample_rate` are referred to.
    used = ["student", "teachers", "stored", "common"]
    assert refused(path, used=used, asked=["folder", "sizes"]) == ""
    assert "folder" in refused(path, used=used, asked=["sizes"])
    assert "sizes" in refused(path, used=used, asked=["folder"])


@pytest.mark.parametrize(
    "key", ["precision", "eval_precision", "max_grad_norm", "device"]
)
def test_run_options_are_accepted(tmp_path, key):
    path = tmp_path / "options.yaml"
    path.write_text(f"{key}: 1\n")
    assert refused(path) == ""


def test_a_key_with_underscores_before_it_is_no_key(tmp_path):
    path = tmp_path / "private.yaml"
    path.write_text("seed: 1\n__done: !apply:math.sqrt [4]\n")
    assert "__done" not in refused(path, asked=["seed"])


def test_only_asking_counts_as_asking():
    hparams = Hparams({"a": 1, "b": 2, "c": 3})
    assert hparams["a"] == 1
    assert "b" in hparams
    assert dict(hparams) == {"a": 1, "b": 2, "c": 3}
    assert hparams.asked == {"a"}
    with pytest.raises(KeyError):
        hparams["d"]
