"""Learning from few labels: which tracks, and the table of both beginnings.

Authors
 * The mert_sb developers 2026
"""

import json
from collections import Counter

import pytest

from tests.samples.make_minimusic import make_minimusic
from tests.samples.make_samples import write_student
from tests.templates.conftest import MINIMUSIC

ROWS = {f"audio/{i:03d}.flac": {"label": f"{i // 20}"} for i in range(100)}


@pytest.mark.parametrize("count", [1, 3])
def test_so_many_of_each_class_are_drawn_from_all_of_it(count):
    from minimusic_prepare import few_of_each

    chosen = few_of_each(ROWS, count)
    assert chosen.items() <= ROWS.items()
    labels = Counter(row["label"] for row in chosen.values())
    assert labels == {str(label): count for label in range(5)}
    # Not the first ones, and the same however the table is sorted.
    assert list(chosen) != list(
        few_of_each(dict(list(ROWS.items())[:9]), count)
    )
    backwards = dict(reversed(ROWS.items()))
    assert few_of_each(backwards, count) == chosen
    assert set(chosen) <= set(few_of_each(ROWS, count + 1))


def test_no_label_is_refused():
    from minimusic_prepare import few_of_each

    with pytest.raises(ValueError, match="labels_per_class: 0"):
        few_of_each(ROWS, 0)


def test_few_train_and_validate_and_all_test(tmp_path):
    from minimusic_prepare import prepare_minimusic

    make_minimusic(tmp_path)
    counts = {}
    for name, count in (("all", None), ("few", 1)):
        paths = prepare_minimusic(
            tmp_path / "notes",
            tmp_path / name,
            task="pitch",
            sample_rate=24_000,
            min_tail_seconds=0.2,
            labels_per_class=count,
        )
        counts[name] = {
            split: Counter(
                row["label"] for row in json.loads(path.read_text()).values()
            )
            for split, path in paths.items()
        }
    for split in ("train", "valid"):
        assert set(counts["few"][split].values()) == {1}
        assert len(counts["few"][split]) == 24
    assert max(counts["all"]["train"].values()) > 1
    assert counts["few"]["test"] == counts["all"]["test"]


@pytest.fixture(scope="module")
def run_few_labels(process, tmp_path_factory):
    """Runs ``few_labels.py`` on data in miniature; its output folder."""
    encoder = tmp_path_factory.mktemp("made") / "encoder"
    write_student(encoder)
    output = tmp_path_factory.mktemp("few")
    make_minimusic(output)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(MINIMUSIC))
        import few_labels

        for name in ("make_dataset", "make_notes"):
            patch.setattr(few_labels, name, lambda folder, **_: None)

        def run(**changed):
            flags = {
                "encoder": encoder,
                "output": output,
                "tasks": "pitch",
                "labels": 1,
                "seeds": 1,
                "epochs": 1,
                "device": "cpu",
                "prepare": "{n_workers: 1, min_tail_seconds: 0.2}",
            }
            pairs = ((f"--{k}", str(v)) for k, v in (flags | changed).items())
            few_labels.main([part for pair in pairs for part in pair])
            return output

        yield run


def test_both_beginnings_are_trained_as_a_whole(run_few_labels, capsys):
    output = run_few_labels(beginnings="pretrained")
    assert not (output / "few_labels.md").exists()
    run_few_labels()
    table = (output / "few_labels.md").read_text()
    assert table in capsys.readouterr().out
    line = table.splitlines()[2].strip("| ").split(" | ")
    assert line[:3] == ["pitch", "1 x 24", "accuracy"]
    for name, cell in zip(
        ("pretrained", "from-scratch"), line[3:], strict=True
    ):
        (path,) = (output / "pitch" / f"few-1-{name}").glob("*/1/results.json")
        results = json.loads(path.read_text())
        assert not results["setup"]["cached"]
        score = results["test"]["accuracy"]
        assert float(cell.split()[0]) == pytest.approx(100 * score, abs=0.1)


def test_an_unknown_task_is_refused(run_few_labels, capsys):
    with pytest.raises(SystemExit):
        run_few_labels(tasks="pitch,tempo")
    assert "tempo is none of key, style" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run_few_labels(beginnings="anew")
    assert "anew is none of pretrained" in capsys.readouterr().err
