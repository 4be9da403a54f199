"""The page of a grid: layers, the chosen setting, and its run.

Authors
 * The mert_sb developers 2026
"""

import shutil

import numpy as np
import pytest

from mert_sb.downstream.families import SingleLabel
from mert_sb.inference.report.grid import build_grid
from mert_sb.inference.report.grid_files import layer_order, read_grid
from mert_sb.inference.report.kinds import build_page
from mert_sb.inference.report.pictures import Picture
from mert_sb.inference.report.tables import Strong, Table
from tests.utils.report_folders import write_grid


@pytest.fixture
def searched(tmp_path):
    """A grid: its summaries, the chosen one, its page and its folder."""
    summaries, best = write_grid(tmp_path, SingleLabel(3))
    return summaries, best, build_page([tmp_path]), tmp_path


def pictures(page):
    return {b.name: b for b in page.blocks if isinstance(b, Picture)}


def tables(page):
    return [block for block in page.blocks if isinstance(block, Table)]


def percent(numbers):
    return f"{100 * numbers['mean']:.2f} ± {100 * numbers['std']:.2f}"


def test_layers_are_sorted_as_numbers_behind_the_mixes():
    layers = ["10", "2", "mix0", "0", "mix", "2"]
    assert layer_order(layers) == ["mix", "mix0", "0", "2", "10"]


def test_the_chosen_setting_and_its_numbers_are_the_searchs(searched):
    _, best, page, _ = searched
    said = [b.text for b in page.blocks if type(b).__name__ == "Text"]
    chosen = f"Layer {best['layer']}, learning rate {best['lr']:g}"
    assert any(text.startswith(chosen) for text in said)
    table = tables(page)[0]
    assert table.rows[0] == (
        "accuracy, %",
        percent(best["valid"]["accuracy"]),
        percent(best["test"]["accuracy"]),
    )
    assert "2 seeds" in table.caption


def test_each_layer_stands_with_the_rate_that_validation_prefers(searched):
    summaries, best, page, _ = searched
    table = next(t for t in tables(page) if t.header[0] == "layer")
    assert [row[0] for row in table.rows] == ["mix", "0", "1"]
    for row in table.rows:
        own = [s for s in summaries if str(s["layer"]) == row[0]]
        top = max(own, key=lambda s: s["valid"]["accuracy"]["mean"])
        assert row[1] == f"{top['lr']:g}"
        assert row[2] == percent(top["valid"]["accuracy"])
        assert row[3] == percent(top["test"]["accuracy"])
        is_chosen = str(best["layer"]) == row[0]
        assert all(isinstance(cell, Strong) == is_chosen for cell in row)


def test_the_figure_has_all_means_and_a_ring(searched):
    summaries, best, page, _ = searched
    validation = pictures(page)["grid"].figure.axes[0]
    drawn = sorted(
        (int(x), round(float(y), 6))
        for container in validation.containers
        for x, y in zip(*container[0].get_data(), strict=True)
    )
    places = {"mix": 0, 0: 1, 1: 2}
    expected = sorted(
        (places[s["layer"]], round(100 * s["valid"]["accuracy"]["mean"], 6))
        for s in summaries
    )
    assert drawn == expected
    ring = validation.get_lines()[-1]
    assert ring.get_label() == "chosen in validation"
    assert ring.get_ydata() == [100 * best["valid"]["accuracy"]["mean"]]
    assert ring.get_xdata() == [places[best["layer"]]]


def test_bars_are_standard_deviations(searched):
    summaries, _, page, folder = searched
    container = pictures(page)["grid"].figure.axes[0].containers[0]
    ((low, high),) = [
        segment[:, 1] for segment in container[2][0].get_segments()
    ]
    mixed = next(s for s in summaries if s["layer"] == "mix")
    std = 100 * mixed["valid"]["accuracy"]["std"]
    assert std > 0
    assert high - low == pytest.approx(2 * std)


def test_a_run_of_the_chosen_setting_follows(searched):
    _, best, page, folder = searched
    assert "confusion" in pictures(page)
    counts = pictures(page)["confusion"].figure.axes[0].images[0].get_array()
    assert np.allclose(counts.sum(1), 100)
    # Without runs the rest is there.
    shutil.rmtree(read_grid(folder).chosen_runs[0].parent)
    page = build_grid([folder])
    assert set(pictures(page)) == {"grid"}
    assert "no results.json any more" in page.markdown()


def test_tables_that_are_not_the_searchs_are_refused(searched):
    _, _, _, folder = searched
    path = folder / "grid.csv"
    path.write_text(path.read_text().replace("valid_accuracy", "valid_loss"))
    with pytest.raises(ValueError, match=r"grid\.csv.*run the search again"):
        build_grid([folder])


def test_a_chosen_mix_shows_its_weights_too(tmp_path):
    write_grid(tmp_path, SingleLabel(3), layers=("mix",))
    page = build_grid([tmp_path])
    assert {"grid", "layers"} <= set(pictures(page))
