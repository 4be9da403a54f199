"""The page of a pretraining run: a run in small, and what is gone of it.

Authors
 * The mert_sb developers 2026
"""

import re
import shutil

import pytest
import torch

from mert_sb.inference.commands.main import main
from mert_sb.inference.report import guess as guesses
from mert_sb.inference.report.curves import draw_losses
from mert_sb.inference.report.kinds import build_page
from mert_sb.inference.report.run import Run
from mert_sb.inference.report.skills import draw_skills, skills_of
from tests.integration.launch import command, finish
from tests.samples.make_samples import make_samples
from tests.utils.report_pages import image_size, read_html

FIGURES = ("skills", "masked_cqt", "losses", "codes_mel_rvq", "course")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Output of a run of six steps, with its music in a folder beside it."""
    folder = tmp_path_factory.mktemp("report")
    make_samples(folder)
    flags = {
        "prepare": "{min_seconds: 1.0, segment_seconds: 2.0, n_workers: 1, "
    }
    flags["prepare"] += "valid_share: 0.4}"
    flags |= {"optimizer_step_limit": 6, "warmup_steps": 2}
    finish(command("train.py", folder / "audio", folder / "run", **flags))
    return folder / "run"


@pytest.fixture
def run(trained, tmp_path):
    """A copy of the run, of which anything may go."""
    shutil.copytree(trained, tmp_path / "run")
    return tmp_path / "run"


def last(run, stage, key):
    """A number of the log's last line of a stage, by looking for it."""
    text = (run / "train_log.txt").read_text()
    return float(re.findall(rf"{stage} {key}: ([^,\s]+)", text)[-1])


def test_the_command_draws_a_run(run, capsys):
    assert main(["report", str(run)]) == 0
    path = run / "report.html"
    assert capsys.readouterr().out == f"{path}\n"
    page = read_html(path)
    assert page.all("h1") == ["Pretraining: cpu run"]
    ids = [a["id"] for tag, a, _ in page.found if tag == "figure"]
    assert ids == list(FIGURES)
    for name in FIGURES:
        data = (run / "figures" / f"{name}.png").read_bytes()
        columns, rows = image_size(data)
        assert columns == 1200 and 500 < rows < 1500
    assert "There is no picture" not in path.read_text()


def test_numbers_of_the_page_are_the_logs(run):
    page = build_page([run]).markdown()
    loss, accuracy = (
        last(run, "valid", key) for key in ("cqt_loss", "mel_rvq_accuracy")
    )
    assert f"| cqt | the student | {loss:.4g} |  |" in page
    assert f"| mel_rvq | the student | {100 * accuracy:.1f} % |  |" in page
    between = last(run, "valid", "cqt_interpolate")
    beside = f"{1 - loss / between:.2f}"
    assert f"| cqt | interpolation | {between:.4g} | {beside} |" in page
    n_steps = Run(run).log.steps
    assert n_steps == 6 and "| steps | 6 of 6 |" in page
    row = re.search(rf"\| {n_steps} \| \S+ \| \S+ \|(.*)\|\n\n", page)[1]
    wanted = [last(run, "valid", "mel_rvq_loss"), accuracy, loss]
    assert [float(cell) for cell in row.split("|")] == pytest.approx(
        wanted, rel=1e-3
    )
    assert "cqt (CQTTeacher, loss times 400)" in page
    # 4 clips of 74 frames, 0.99 s, a step.
    assert f"| audio heard | {6 * 4 * 0.99 / 60:.1f} minutes, " in page
    by_codebook = [last(run, "valid", f"mel_rvq_accuracy_{n}") for n in (0, 1)]
    for number, value in enumerate(by_codebook):
        assert f"\n| {number} | {100 * value:.1f} |" in page


@pytest.mark.parametrize("name", ["cqt", "mel_rvq"])
def test_a_validation_line_has_the_skill_that_the_page_shows(run, name):
    opened = Run(run)
    found = [
        skills_of(opened, name, guess)[1][-1]
        for guess in ("interpolate", "nearest", "clip_mean", "commonest")
        if f"{name}_{guess}" in opened.log.valid[-1].stats
    ]
    # The log has four digits of each.
    skill = last(run, "valid", f"{name}_skill")
    assert skill == pytest.approx(min(found), rel=0.01, abs=1e-4)


def test_guesses_err_as_much_as_in_validation(run):
    opened = Run(run)
    found = guesses.guess_rows(opened, "cqt", opened.rows("valid"))
    assert len(found) == len(opened.rows("valid")) > 1
    hidden = sum(int(guess.mask.sum()) for guess in found)
    for place, key in enumerate(("cqt_loss", "cqt_interpolate")):
        error = sum(
            guess.errors[place] * int(guess.mask.sum()) for guess in found
        )
        assert error / hidden == pytest.approx(
            last(run, "valid", key), rel=1e-3
        )
    for guess in found:
        seen = ~guess.mask
        assert torch.equal(guess.guess[seen], guess.target[seen])


def test_the_clip_shown_is_the_one_in_the_middle(run):
    opened = Run(run)
    shown, n = guesses.median_guess(opened, "cqt")
    rows = opened.rows("valid")
    files = {row["wav"] for row in rows.values()}
    assert n == len(files) > 1
    errors = [
        guess.errors[0] for guess in guesses.guess_rows(opened, "cqt", rows)
    ]
    assert min(errors) <= shown.errors[0] <= max(errors)
    assert shown.target.shape == (74, 84) and shown.rate == 75


def test_the_newest_whole_checkpoint_is_taken(run):
    (path,) = {p.parent for p in (run / "save").glob("CKPT*/COMPLETE")}
    older, half = path.with_name("CKPT+older"), path.with_name("CKPT+zzz")
    for place, seconds in ((older, "1.0"), (half, "9.0e+9")):
        shutil.copytree(path, place)
        meta = (place / "CKPT.yaml").read_text()
        meta = re.sub(r"unixtime: .*", f"unixtime: {seconds}", meta)
        (place / "CKPT.yaml").write_text(meta)
    (half / "COMPLETE").unlink()
    assert guesses.newest_checkpoint(Run(run)) == path
    (half / "COMPLETE").touch()
    assert guesses.newest_checkpoint(Run(run)) == half


GONE = [
    ("save/CKPT*", "has no checkpoint"),
    # What lacks a part of itself is none.
    ("save/CKPT*/cqt_head.ckpt", "has no checkpoint"),
    ("save/valid.json", "valid.json is gone"),
    ("../audio", "no such audio file; check data_folder"),
]


@pytest.mark.parametrize(("what", "reason"), GONE)
def test_what_is_gone_is_said_in_the_place_of_the_picture(
    trained, run, what, reason
):
    if what == "../audio":
        text = (run / "hyperparams.yaml").read_text()
        music = str(trained.parent / "audio")
        assert music in text
        text = text.replace(music, "/nowhere")
        (run / "hyperparams.yaml").write_text(text)
    for path in run.glob(what) if what != "../audio" else ():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    text = build_page([run]).markdown()
    assert re.search(rf"There is no picture: .*{reason}", text)
    assert "figures/masked_cqt.png" not in text
    assert "figures/losses.png" in text


def test_weights_of_another_student_are_refused(run):
    text = (run / "hyperparams.yaml").read_text()
    changed = re.sub(r"ffn_dim: \d+", "ffn_dim: 48", text)
    assert changed != text
    (run / "hyperparams.yaml").write_text(changed)
    page = build_page([run]).markdown()
    assert re.search(r"There is no picture: .*does not fit its config", page)


def test_a_teacher_from_elsewhere_is_not_built(run):
    text = (run / "hyperparams.yaml").read_text()
    changed = text.replace("mert_sb.teachers.CQTTeacher", "mine.Teacher")
    assert changed != text
    (run / "hyperparams.yaml").write_text(changed)
    page = build_page([run]).markdown()
    assert (
        "There is no picture: mine.Teacher is not of mert_sb.teachers" in page
    )


def test_keys_that_an_older_version_did_not_write(run):
    text = (run / "hyperparams.yaml").read_text()
    older = re.sub(r"( *)hiding:.*\n(\1 +.*\n)+", "", text)
    assert "hiding" not in older.replace("hiding.", "")
    (run / "hyperparams.yaml").write_text(older)
    assert "figures/masked_cqt.png" in build_page([run]).markdown()
    (run / "hyperparams.yaml").write_text(older.replace("crop_step:", "step:"))
    page = build_page([run]).markdown()
    assert re.search(r"no picture: .*there is no key crop_step", page)


def test_a_run_without_a_validation_has_a_page(run):
    for name in ("log.txt", "spikes.csv"):
        (run / name).unlink(missing_ok=True)
    log = run / "train_log.txt"
    lines = [s for s in log.read_text().splitlines() if "valid" not in s]
    log.write_text("\n".join(lines))
    for path in (run / "save").iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    page = build_page([run]).markdown()
    assert "No validation has been logged yet." in page
    assert "machine time" not in page
    log.write_text("")
    assert "| steps | 0 of 6 |" in build_page([run]).markdown()


def test_spikes_are_listed(run):
    header = "step,returns,loss,threshold,ids\n"
    (run / "spikes.csv").write_text(f"{header}4,0,99.5,42.5,a b\n")
    page = build_page([run]).markdown()
    assert "Steps whose loss spiked, from spikes.csv: 1." in page
    assert "| 4 | 99.5 | 42.5 |" in page


def test_curves_are_the_logs(run):
    opened = Run(run)
    panels = [axes for axes in draw_losses(opened).axes if axes.lines]
    assert [axes.get_ylabel() for axes in panels] == [
        *("mel_rvq\nloss", "cqt\nloss", "mel_rvq\naccuracy, %"),
    ]
    train, valid = panels[1].lines
    steps, values = opened.log.series("train", "cqt_loss")
    assert train.get_xdata().tolist() == steps == [1, 2, 3, 4, 5, 6]
    assert train.get_ydata().tolist() == values
    assert valid.get_ydata()[-1] == last(run, "valid", "cqt_loss")
    labels = {
        axes.get_ylabel(): [line.get_label() for line in axes.lines[:-1]]
        for axes in draw_skills(opened).axes
    }
    assert labels == {
        "mel_rvq\nskill": ["the commonest code", "the nearest visible frame"],
        "cqt\nskill": [
            *("the nearest visible frame", "interpolation", "the clip's mean"),
        ],
    }
