"""The page of a task's run: its numbers are the results', its pictures the test's.

Authors
 * The mert_sb developers 2026
"""

import numpy as np
import pytest

from mert_sb.downstream import metrics
from mert_sb.downstream.families import MultiLabel, Regression, SingleLabel
from mert_sb.downstream.key import Key
from mert_sb.inference.commands.main import main
from mert_sb.inference.report.family_sections import add_test
from mert_sb.inference.report.keys import BY_FIFTHS, KEYS, short_key
from mert_sb.inference.report.page import Page
from mert_sb.inference.report.pictures import Picture
from mert_sb.inference.report.predictions import (
    confusion,
    read_predictions,
    shares,
)
from mert_sb.inference.report.tables import Table
from mert_sb.inference.report.tags import tag_scores
from mert_sb.inference.report.task import build_task
from mert_sb.inference.report.task_files import MONITORS, read_epochs, read_run
from tests.utils.report_folders import some_classes, write_run

LABELS = ("blues", "jazz", "rock")


def pictures(page):
    return {b.name: b for b in page.blocks if isinstance(b, Picture)}


def tables(page):
    return [block for block in page.blocks if isinstance(block, Table)]


def texts(page):
    return "\n".join(
        block.text for block in page.blocks if type(block).__name__ == "Text"
    )


@pytest.fixture
def genre(tmp_path):
    """A run of three classes, and its page."""
    results = write_run(
        tmp_path, SingleLabel(3), *some_classes(), labels=LABELS
    )
    return results, build_task([tmp_path]), tmp_path


def test_keys_are_numbered_as_the_task_numbers_them():
    assert KEYS == metrics.KEYS


def test_neighbours_in_the_circle_are_a_fifth_apart_beside_their_relatives():
    assert sorted(BY_FIFTHS) == list(range(24))
    majors, minors = BY_FIFTHS[::2], BY_FIFTHS[1::2]
    assert all(
        major < 12 <= minor for major, minor in zip(majors, minors, strict=True)
    )
    for chain in (majors, minors):
        steps = zip(chain, [*chain[1:], chain[0]], strict=True)
        assert all((after - before) % 12 == 7 for before, after in steps)
    # A relative minor stands a minor third below its major.
    assert all((a - b) % 12 == 3 for a, b in zip(majors, minors, strict=True))
    names = [short_key(KEYS[index]) for index in BY_FIFTHS]
    assert names[:6] == ["C", "Am", "G", "Em", "D", "Bm"]


def test_monitors_are_the_families_own():
    for family in (SingleLabel, Key, MultiLabel, Regression):
        assert MONITORS[family.__name__] == family.MONITOR


def test_scores_in_the_page_are_those_of_the_results(genre):
    results, page, _ = genre
    table = tables(page)[0]
    shown = {row[0]: row[1:] for row in table.rows}
    value = f"{100 * results['test']['accuracy']:.2f}"
    assert shown["accuracy, %"] == (value, value)
    assert shown["loss"] == ("0.5000", "0.5000")
    # The metric that decided comes first.
    assert table.rows[0][0] == "accuracy, %"
    assert page.title.startswith("GTZAN genre")


def test_the_confusion_matrix_is_the_accuracy(genre):
    results, page, folder = genre
    predictions = read_predictions(folder / "predictions.csv", "SingleLabel")
    counts = confusion(predictions)
    accuracy = results["test"]["accuracy"]
    assert 0 < accuracy < 1
    assert np.trace(counts) / counts.sum() == pytest.approx(accuracy)
    assert counts.sum(1).tolist() == [4, 4, 4]
    picture = pictures(page)["confusion"]
    assert f"{100 * accuracy:.2f} %" in picture.caption
    assert "12 tracks, 4 to 4 of a class" in picture.caption
    axes = picture.figure.axes[0]
    drawn = axes.images[0].get_array()
    assert np.allclose(drawn.sum(1), 100)
    assert np.allclose(drawn, 100 * counts / 4)
    assert [t.get_text() for t in axes.get_yticklabels()] == list(LABELS)


def test_a_class_without_tracks_is_left_blank():
    rows = shares(np.array([[0, 0], [1, 3]]))
    assert np.isnan(rows[0]).all()
    assert rows[1].tolist() == [0.25, 0.75]


def test_keys_are_drawn_by_the_circle_of_fifths(tmp_path):
    outputs, targets, tracks = some_classes(24, 48)
    write_run(tmp_path, Key(), outputs, targets, tracks, task="key")
    picture = pictures(build_task([tmp_path]))["confusion"]
    axes = picture.figure.axes[0]
    names = [text.get_text() for text in axes.get_xticklabels()]
    assert names[:4] == ["C", "Am", "G", "Em"]
    assert len(names) == 24
    predictions = read_predictions(tmp_path / "predictions.csv", "Key")
    counts = confusion(predictions)
    drawn = np.asarray(axes.images[0].get_array())
    # G major is the third, A minor the second.
    assert drawn[2, 1] == pytest.approx(100 * counts[7, 21] / counts[7].sum())
    assert np.diag(drawn)[3] == pytest.approx(100 * counts[16, 16] / 2)


def test_without_names_classes_are_numbered_and_it_is_said(tmp_path):
    write_run(tmp_path, SingleLabel(3), *some_classes())
    picture = pictures(build_task([tmp_path]))["confusion"]
    labels = picture.figure.axes[0].get_yticklabels()
    assert [text.get_text() for text in labels] == ["0", "1", "2"]
    assert "numbered" in picture.caption
    assert "train.py" in picture.caption


def test_names_of_an_exported_task_are_found(tmp_path):
    write_run(tmp_path, SingleLabel(3), *some_classes())
    (tmp_path / "inference").mkdir()
    path = tmp_path / "inference" / "task.json"
    path.write_text('{"labels": ["blues", "jazz", "rock"]}')
    assert read_run(tmp_path).labels == list(LABELS)


def test_an_old_run_is_told_what_to_do(genre):
    _, _, folder = genre
    (folder / "predictions.csv").unlink()
    page = build_task([folder])
    assert "confusion" not in pictures(page)
    assert "predictions.csv is not there" in texts(page)
    assert "train.py" in texts(page)


def test_curves_are_those_of_the_log(genre):
    _, page, folder = genre
    epochs = read_epochs(folder / "train_log.txt")
    assert epochs[2] == {
        "train loss": 1.5,
        "train lr_head": 0.001,
        "valid loss": 2.0,
        "valid accuracy": 0.5,
    }
    loss, accuracy = pictures(page)["curves"].figure.axes
    lines = {line.get_label(): line for line in loss.get_lines()}
    assert lines["training"].get_ydata().tolist() == [3.0, 1.5, 1.0]
    assert lines["validation"].get_xdata().tolist() == [1, 2, 3]
    assert lines["epoch tested"].get_xdata() == [2, 2]
    values = accuracy.get_lines()[0].get_ydata().tolist()
    assert values == [25.0, 50.0, 37.5]


def test_weights_are_drawn_of_a_mix_and_of_nothing_else(genre, tmp_path):
    _, page, _ = genre
    patches = pictures(page)["layers"].figure.axes[0].patches
    assert [patch.get_height() for patch in patches] == [0.0, 0.75, 0.25]
    assert "0.500" in pictures(page)["layers"].caption
    folder = tmp_path / "one"
    write_run(folder, SingleLabel(3), *some_classes(), layer=1)
    assert "layers" not in pictures(build_task([folder]))


@pytest.fixture
def tagging(tmp_path):
    """A run of 30 tags, the last of which nothing has."""
    dice = np.random.default_rng(0)
    targets = (dice.random((40, 30)) < 0.3).astype(float)
    targets[:, -1] = 0
    outputs = targets + dice.normal(size=targets.shape)
    tracks = [f"t{row}" for row in range(40)]
    names = [f"tag{index}" for index in range(30)]
    results = write_run(
        *(tmp_path, MultiLabel(30), outputs, targets, tracks),
        labels=names,
        recipe="MTT",
        task="tagging",
    )
    return results, build_task([tmp_path]), tmp_path


def test_the_mean_of_single_tags_is_the_result(tagging):
    results, page, folder = tagging
    predictions = read_predictions(folder / "predictions.csv", "MultiLabel")
    scores = tag_scores(predictions)
    assert len(scores) == 29
    mean = np.mean([score.roc_auc for score in scores])
    assert mean == pytest.approx(results["test"]["roc_auc"], abs=1e-6)
    mean = np.mean([score.average_precision for score in scores])
    expected = results["test"]["average_precision"]
    assert mean == pytest.approx(expected, abs=1e-6)
    caption = pictures(page)["tags"].caption
    assert f"{100 * results['test']['roc_auc']:.2f} %" in caption
    assert "Left out: 1" in caption


def test_tags_are_sorted_and_the_ends_are_drawn(tagging):
    _, page, folder = tagging
    predictions = read_predictions(folder / "predictions.csv", "MultiLabel")
    values = [100 * score.roc_auc for score in tag_scores(predictions)]
    assert values == sorted(values, reverse=True)
    best, worst = pictures(page)["tags"].figure.axes
    drawn = [patch.get_width() for patch in best.patches]
    assert drawn == pytest.approx(values[:12])
    drawn = [patch.get_width() for patch in worst.patches]
    assert drawn == pytest.approx(values[-12:])
    table = tables(page)[1]
    assert len(table.rows) == 29
    first = tag_scores(predictions)[0]
    assert table.rows[0][:2] == (f"tag{first.index}", first.positives)


def test_ratings_are_drawn_as_they_are(tmp_path):
    dice = np.random.default_rng(0)
    targets = dice.normal(size=(20, 2))
    outputs = targets + 0.5 * dice.normal(size=targets.shape)
    tracks = [f"t{row}" for row in range(20)]
    results = write_run(
        *(tmp_path, Regression(["arousal", "valence"]), outputs, targets),
        tracks,
        recipe="EMO",
        task="emotion",
    )
    for panel, name, column in zip(
        pictures(build_task([tmp_path]))["ratings"].figure.axes,
        ("arousal", "valence"),
        range(2),
        strict=True,
    ):
        score = 100 * results["test"][f"r2_{name}"]
        assert panel.get_title(loc="left") == f"{name}, R² {score:.1f} %"
        points = panel.get_lines()[1]
        assert points.get_xdata() == pytest.approx(targets[:, column], rel=1e-4)
        assert points.get_ydata() == pytest.approx(outputs[:, column], rel=1e-4)


def test_stems_stand_beside_the_mixture(tmp_path):
    (tmp_path / "predictions.csv").write_text("track,stem,sdr,mixture_sdr\n")
    results = {
        "test": {"sdr": 2.0, "sdr_bass": 2.0, "mixture_sdr_bass": -6.0},
        "setup": {"family": "Separation(['bass'])"},
    }
    page, run = Page("a"), read_run_like(tmp_path, results)
    add_test(page, run)
    bars = pictures(page)["stems"].figure.axes[0].patches
    assert [bar.get_height() for bar in bars] == [2.0, -6.0]


def read_run_like(folder, results):
    from mert_sb.inference.report.task_files import TaskRun

    return TaskRun(folder, results, {}, "")


def test_damaged_predictions_are_named(genre):
    _, _, folder = genre
    path = folder / "predictions.csv"
    path.write_text(path.read_text() + "t99,1,oops\n")
    with pytest.raises(
        ValueError, match=r"predictions\.csv.*run the test again"
    ):
        build_task([folder])


def test_the_command_writes_the_page(genre, capsys):
    results, _, folder = genre
    assert main(["report", str(folder)]) == 0
    assert "report.html" in capsys.readouterr().out
    html = (folder / "report.html").read_text()
    assert f"{100 * results['test']['accuracy']:.2f}" in html
    assert html.count("data:image/png;base64,") == 3
    assert (folder / "figures" / "confusion.png").is_file()


def test_results_of_something_else_are_refused(tmp_path, capsys):
    (tmp_path / "results.json").write_text('{"units": 3}')
    assert main(["report", str(tmp_path)]) == 2
    assert "not known" in capsys.readouterr().err
