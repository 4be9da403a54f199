"""What the demo asks and shows: its commands, the untrained rival, the page.

Authors
 * The mert_sb developers 2026
"""

import sys
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import pytest

from mert_sb.downstream.families import SingleLabel
from mert_sb.downstream.key import Key
from mert_sb.hparams import load_hparams
from mert_sb.inference.convert import read_checkpoint
from mert_sb.inference.report.page import Page
from tests.utils.report_folders import write_grid, write_results
from tests.utils.source_tree import ROOT

CPU = ROOT / "recipes/pretrain/AudioFolder/hparams/cpu.yaml"
CURVE = {"f_measure": 0.5, "cmlt": 0.25, "amlt": 0.75, "downbeat_f_measure": 1}


@pytest.fixture
def asked(tmp_path):
    from asking import Asked

    return Asked(tmp_path / "probes", 2.2)


def test_the_scripts_understand_what_is_asked(asked, tmp_path):
    import beats
    import few_labels
    import probes

    script, *arguments = asked.probes(tmp_path, "untrained,log-mel")
    options, flags = probes.parse_arguments(arguments)
    assert Path(probes.__file__).name == script
    assert options.upstreams == ["untrained", "log-mel"]
    assert (options.output, options.hours) == (asked.output, 2.2)
    assert flags[-3:] == ["--jobs", "1", "--noprogressbar"]
    assert options.made
    script, *arguments = asked.few_labels(tmp_path, "from scratch")
    options, flags = few_labels.parse_arguments(arguments)
    assert Path(few_labels.__file__).name == script
    shown = asked.few_options()
    assert (options.output, options.tasks) == (shown.output, shown.tasks)
    assert options.labels == shown.labels
    assert options.beginnings == ["from scratch"]
    assert flags == ["--noprogressbar"]
    script, *arguments = asked.beats(tmp_path, "pretrained")
    options, flags = beats.parse_arguments(arguments)
    assert Path(beats.__file__).name == script
    assert (options.upstreams, options.songs) == (["pretrained"], None)
    assert "--number_of_epochs" in flags


def test_what_is_asked_aside_stops_when_told(tmp_path):
    from asking import run_commands

    stop = Event()
    stop.set()
    wait = "import time; time.sleep(100)"
    with pytest.raises(RuntimeError, match="ended with status -15"):
        run_commands([["-c", wait]], tmp_path / "a.log", stop)


@pytest.fixture
def played(monkeypatch, tmp_path):
    """The demo with its long jobs replaced; what ran, and its arguments."""
    import demo

    ran = []
    for name in ("tell_what_was_learned", "encode_one"):
        monkeypatch.setattr(demo, name, lambda *given: None)
    monkeypatch.setattr(demo, "write_untrained", lambda yaml, folder: folder)
    monkeypatch.setattr(demo, "pretrain", lambda *given: ran.append("pretrain"))
    monkeypatch.setattr(
        demo, "run_commands", lambda given, log, stop: ran.append(log.stem)
    )
    options = SimpleNamespace(output=tmp_path, hours=1.0, steps=10)
    return demo, ran, options


def test_the_demo_asks_the_student_once_it_is_trained(played, tmp_path):
    demo, ran, options = played
    output, asked = demo.learn(options, tmp_path, 0.0)
    assert sorted(ran) == [
        *("music", "pretrain", "rivals", "rivals_beats", "rivals_few_labels"),
        *("student", "student_beats", "student_few_labels"),
    ]
    assert ran.index("pretrain") < ran.index("student")
    assert ran.index("music") < ran.index("rivals")
    assert asked.output == output / "probes"


@pytest.mark.parametrize("fails", ["music", "student_beats"])
def test_the_demo_ends_with_a_script_that_fails(
    played, tmp_path, monkeypatch, fails
):
    demo, _, options = played

    def run(given, log, stop):
        if log.stem == fails:
            raise RuntimeError(f"see the end of {log}")

    monkeypatch.setattr(demo, "run_commands", run)
    with pytest.raises(RuntimeError, match=f"{fails}.log"):
        demo.learn(options, tmp_path, 0.0)


def test_the_demo_ends_with_pretraining(played, tmp_path, monkeypatch):
    demo, ran, options = played

    def fail(*given):
        sys.exit("Pretraining ended with status 1")

    monkeypatch.setattr(demo, "pretrain", fail)
    with pytest.raises(SystemExit, match="status 1"):
        demo.learn(options, tmp_path, 0.0)
    assert "student" not in ran


@pytest.mark.parametrize("name", ["probes", "beats"])
def test_an_unknown_upstream_is_refused(name, tmp_path, capsys):
    script = __import__(name)
    with pytest.raises(SystemExit):
        script.parse_arguments(
            ["--encoder", str(tmp_path), "--upstreams", "log-mel,wav"]
        )
    assert "--upstreams: wav is none of pretrained" in capsys.readouterr().err


def test_a_script_that_fails_is_named_with_its_log(tmp_path):
    from asking import run_commands

    log = tmp_path / "logs" / "a.log"
    run_commands([["-c", "print('all is well')"]], log)
    message = r"(?s)nothing.py.*ended with status 2; see the end of .*a.log"
    with pytest.raises(RuntimeError, match=message):
        run_commands([["nothing.py", "--a", "b c"]], log)
    text = log.read_text()
    assert "all is well" in text
    assert "> python nothing.py --a 'b c'" in text


def test_the_rival_has_the_students_sizes(tmp_path):
    from asking import write_untrained

    folder = write_untrained(CPU, tmp_path / "untrained")
    unused = "data_folder: unused\noutput_folder: unused"
    student = load_hparams(str(CPU), unused)["student"]
    assert read_checkpoint(folder).settings == student.settings
    weights = folder / "student.safetensors"
    written = weights.stat().st_mtime_ns
    write_untrained(CPU, folder)
    assert weights.stat().st_mtime_ns == written


def test_the_page_has_all_tables_and_tasks(
    asked, tmp_path, monkeypatch, capsys
):
    import demo_report
    from probes import DATA, UPSTREAMS

    for task in DATA:
        family = Key() if task == "key" else SingleLabel(3)
        for upstream in UPSTREAMS:
            write_grid(asked.output / task / upstream, family)
    for name in ("pretrained", "from-scratch"):
        write_grid(asked.output / "pitch" / f"few-5-{name}", SingleLabel(3))
    for name in ("pretrained", "log-mel"):
        write_results(asked.output / "beats" / name, "Beats(1)", CURVE)
    pretraining = Page("Pretraining: a run")
    pretraining.section("What was trained")
    monkeypatch.setattr(
        demo_report, "build_run_page", lambda folders: pretraining
    )
    page = demo_report.write_page(asked, tmp_path / "run", tmp_path / "page")
    text = page.with_suffix(".md").read_text()
    heads = [line for line in text.splitlines() if line.startswith("## ")]
    assert heads == [
        "## Probes",
        "## Few labels",
        "## Beats",
        "## Pretraining: a run",
        *(f"## Probe of the pretrained student: {task}" for task in DATA),
        "## Beats by the pretrained student",
    ]
    assert "### What was trained" in text
    for task in DATA:
        assert (tmp_path / "page" / "figures" / f"{task}-grid.png").is_file()
    assert "| F-measure | 50.0 | 50.0 |" in text
    demo_report.tell(asked)
    assert (
        "| F-measure of downbeats | 100.0 | 100.0 |" in capsys.readouterr().out
    )
