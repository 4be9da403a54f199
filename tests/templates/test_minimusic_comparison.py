"""Parts of the comparison of teachers: its flags, its table and its figure.

Authors
 * The mert_sb developers 2026
"""

import json
import re
import sys

import pytest

from tests.utils.recipe_tests import ROOT

RECIPE = ROOT / "recipes" / "pretrain" / "AudioFolder"
ABLATIONS = ROOT / "recipes" / "pretrain" / "Music4ALL" / "ablations"
HPARAMS = ABLATIONS.with_name("hparams")
RIVALS = ("untrained", "log-mel")


def score(mean, std=0.01, state="1", metric="accuracy"):
    from comparison import Score

    return Score(metric=metric, mean=mean, std=std, state=state)


def made_rows():
    """Two runs and two rivals."""
    from comparison import Row

    def both(key, pitch, state="1"):
        return {
            "key": score(key, metric="key_score", state=state),
            "pitch": score(pitch, std=None, state=state),
        }

    numbers = {"minutes": 2.25, "losses": {"mel_rvq": 17.12, "cqt": 0.0204}}
    return [
        Row(name="both", scores=both(0.5, 0.3), **numbers),
        Row(name="alone", scores=both(0.4, 0.6, "mix"), minutes=1.0),
        Row(name="untrained", scores=both(0.3, 0.2)),
        Row(name="log-mel", scores=both(0.6, 0.1, "")),
    ]


def test_the_table_says_all_and_marks_the_best():
    from comparison import markdown

    assert markdown(made_rows()).splitlines() == [
        "| run | key, key score | pitch, accuracy | minutes | held-out loss |",
        "| --- | --- | --- | --- | --- |",
        "| both | 50.0 ± 1.0 (1) | 30.0 (1) | 2.2 | mel_rvq 17.1, cqt 0.0204 |",
        "| alone | 40.0 ± 1.0 (mix) | **60.0** (mix) | 1.0 |  |",
        "| untrained | 30.0 ± 1.0 (1) | 20.0 (1) |  |  |",
        "| log-mel | **60.0** ± 1.0 | 10.0 |  |  |",
    ]


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """Draws rows; the figure."""
    figures = pytest.importorskip("matplotlib.figure")
    from comparison import draw

    kept = []
    save = figures.Figure.savefig
    monkeypatch.setattr(
        figures.Figure,
        "savefig",
        lambda self, *given, **more: (
            kept.append(self),
            save(self, *given, **more),
        ),
    )

    def drawn(rows):
        draw(rows, tmp_path / "a.png")
        assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
        return kept[-1]

    return drawn


def test_rivals_have_lines_of_their_own(drawn):
    from comparison import Row

    names = [f"untrained {number}" for number in range(12)]
    run = made_rows()[0]
    figure = drawn([run, *(Row(name=n, scores=run.scores) for n in names)])
    lines = [line for line in figure.axes[0].lines if line.get_label() in names]
    looks = {(line.get_color(), line.get_linestyle()) for line in lines}
    assert len(looks) == len(lines) == 12


def test_the_figure_shows_runs_as_dots_and_rivals_as_lines(drawn):
    panels = drawn(made_rows()).axes
    assert [axes.get_title() for axes in panels] == ["key", "pitch"]
    assert panels[0].get_xlabel() == "key score, %"
    names = [label.get_text() for label in panels[0].get_yticklabels()]
    assert names == ["both", "alone"]
    for axes, dots, lines in zip(
        panels, ([50, 40], [30, 60]), ([30, 60], [20, 10]), strict=True
    ):
        (bars,) = axes.containers
        assert bars.lines[0].get_xdata() == pytest.approx(dots)
        rivals = [li for li in axes.lines if li.get_label() in RIVALS]
        found = {li.get_label(): li.get_xdata()[0] for li in rivals}
        expected = dict(zip(RIVALS, lines, strict=True))
        assert found == pytest.approx(expected)
        # Not by colour alone.
        assert len({line.get_linestyle() for line in rivals}) == 2


def test_a_flag_of_a_run_holds_over_all_others():
    from small import merge, read_flags

    tables = [
        {"batch_size": "8", "student": '{"num_layers": 4, "ffn_dim": 64}'},
        read_flags(["--lr", "1e-3", "--student={norm: pre, ffn_dim: 32}"]),
        read_flags(["--lr", "0.1", "--noprogressbar"]),
    ]
    line = merge(*tables)
    assert line[:2] == ["--batch_size", "8"]
    student = json.loads(line[line.index("--student") + 1])
    assert student == {"num_layers": 4, "ffn_dim": 32, "norm": "pre"}
    assert line[-3:] == ["--lr", "0.1", "--noprogressbar"]
    with pytest.raises(ValueError, match="'b' is the value of no flag"):
        read_flags(["--a", "1", "b"])


def test_small_sizes_are_those_that_a_yaml_has(tmp_path):
    from small import small_flags

    sizes = small_flags(ABLATIONS / "norm-deepnorm.yaml")
    assert json.loads(sizes["student"])["num_layers"] == 4
    assert "norm" not in sizes["student"]
    assert not {"fits", "n_mfcc", "n_logmel"} & set(sizes)
    sizes = small_flags(ABLATIONS / "teachers-mfcc.yaml")
    assert json.loads(sizes["fits"]) == {"mfcc": {"max_frames": 100_000}}
    assert sizes["n_mfcc"] == "100" and "n_logmel" not in sizes


def music4all_yamls():
    """YAMLs of Music4ALL, those of contexts apart."""
    yamls = [*ABLATIONS.glob("*.yaml"), *HPARAMS.glob("[!_]*.yaml")]
    contexts = {path for path in yamls if path.stem.startswith("context-")}
    return sorted({*yamls} - contexts), sorted(contexts)


def test_small_sizes_are_of_every_fitted_codebook():
    from small import small_flags

    yamls, names = music4all_yamls()[0], set()
    for path in yamls:
        sizes, text = small_flags(path), path.read_text()
        codebooks = re.findall(r"n_codes: !ref <(\w+)>", text)
        assert len(codebooks) == text.count("n_codes:")
        assert all(int(sizes[name]) <= 200 for name in codebooks), path
        fits = re.findall(r"^    (\w+): !name:\S+\.fit_\w+$", text, re.M)
        assert len(fits) == len(codebooks)
        found = json.loads(sizes.get("fits", "{}"))
        assert found == {name: {"max_frames": 100_000} for name in fits}, path
        names |= {*fits}
    assert names == {"logmel", "chroma", "mfcc", "units"}


def test_small_refuses_what_compares_lengths(capsys):
    pytest.importorskip("matplotlib")
    contexts = music4all_yamls()[1]
    assert len(contexts) == 3
    for path in contexts:
        assert options_of("--runs", str(path))[1]
        with pytest.raises(SystemExit):
            options_of("--small", "--runs", str(path))
        text = capsys.readouterr().err
        assert f"--small: {path.name} is there for its crop_frames" in text
        assert "leave --small out" in text


def options_of(*arguments):
    import compare

    return compare.parse_arguments(list(arguments))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--runs", "nowhere.yaml"], "there is no YAML .*nowhere.yaml"),
        (["--tasks", "key,tempo"], "tempo is none of key, style"),
        (["--music", "nowhere"], "there is no folder nowhere"),
        (["--runs", "a=CPU", "a=CPU"], "a comes twice; give names"),
    ],
)
def test_a_faulty_command_line_is_refused_at_once(arguments, message, capsys):
    pytest.importorskip("matplotlib")
    cpu = str(RECIPE / "hparams" / "cpu.yaml")
    arguments = [part.replace("CPU", cpu) for part in arguments]
    runs = [] if "--runs" in arguments else ["--runs", cpu]
    with pytest.raises(SystemExit):
        options_of(*runs, *arguments)
    text = capsys.readouterr().err
    assert re.search(message, text), text


def test_without_matplotlib_it_says_so_before_anything_is_made(
    monkeypatch, capsys
):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(SystemExit):
        options_of("--runs", str(RECIPE / "hparams" / "cpu.yaml"))
    assert "pip install 'mert_sb[plot]'" in capsys.readouterr().err


def test_runs_have_names_and_flags_of_their_own():
    pytest.importorskip("matplotlib")
    cpu = RECIPE / "hparams" / "cpu.yaml"
    _, runs = options_of(
        *("--runs", str(cpu), f"fast={cpu} --lr 0.004 --precision bf16"),
        *("--steps", "50", "--lr", "0.001"),
    )
    assert [run.name for run in runs] == ["cpu", "fast"]
    assert {run.yaml for run in runs} == {cpu}
    flags = [dict(zip(r.flags[::2], r.flags[1::2], strict=True)) for r in runs]
    assert flags[0] == {
        "--optimizer_step_limit": "50",
        "--warmup_steps": "5",
        "--precision": "fp32",
        "--eval_precision": "fp32",
        "--lr": "0.001",
    }
    changed = {"--lr": "0.004", "--precision": "bf16"}
    assert flags[1] == flags[0] | changed
