"""The grid's settings, its means and spreads, and what it chooses.

Authors
 * The mert_sb developers 2026
"""

import math
import statistics

import pytest
import yaml

from mert_sb.downstream.grid import (
    BENCHMARK_RATES,
    Setting,
    parse_layers,
    parse_numbers,
)
from mert_sb.downstream.grid_table import choose, csv_rows, summarize, table


def result(valid, test):
    return {
        "valid": {"loss": 1.0, "accuracy": valid},
        "test": {"loss": 2.0, "accuracy": test},
        "epoch": 3,
    }


def summary(layer, *pairs):
    return summarize(Setting(layer, 0.001), [result(*pair) for pair in pairs])


def test_all_layers_are_the_mix_and_each_state():
    assert parse_layers("all", 13) == ["mix", *range(13)]
    assert parse_layers("all", 1) == [0]
    assert parse_layers("2, mix0,2,0", 3) == [2, "mix0", 0]


@pytest.mark.parametrize("text", ["3", "-1", "mix,last", "", "1.0"])
def test_layers_that_are_not_there_are_refused(text):
    with pytest.raises(ValueError, match="--layers: .* none of mix, mix0, 0"):
        parse_layers(text, 3)


@pytest.mark.parametrize("text", ["", "a", "1,", "0", "-1e-3", "nan", "inf"])
def test_rates_that_are_none_are_refused(text):
    with pytest.raises(ValueError, match="--lrs"):
        parse_numbers("lrs", text, float)


@pytest.mark.parametrize("lr", [*BENCHMARK_RATES, 1.5e-5, 1 / 3, 1e-5 / 3])
def test_yaml_reads_the_very_rate(lr):
    assert yaml.safe_load(Setting(7, lr).rate) == lr


def test_settings_have_names_of_their_own():
    names = {Setting(layer, lr).name
             for layer in ("mix", "mix0", 0, 1) for lr in BENCHMARK_RATES}  # fmt: skip
    assert len(names) == 24


def test_means_and_spreads_are_over_seeds():
    found = summary(7, (0.5, 0.1), (0.7, 0.4), (0.9, 0.1))
    assert found["seeds"] == 3
    assert found["valid"]["accuracy"]["mean"] == pytest.approx(0.7)
    spread = statistics.stdev([0.1, 0.4, 0.1])
    assert found["test"]["accuracy"] == pytest.approx(
        {"mean": 0.2, "std": spread}
    )


def test_the_spread_of_one_seed_is_not_known():
    found = summary(7, (0.5, 0.25))
    assert found["valid"]["accuracy"] == {"mean": 0.5, "std": None}
    (row,) = csv_rows([found], "accuracy")
    assert row["test_accuracy_mean"] == 0.25
    assert row["test_accuracy_std"] is None
    assert "+-" not in table([found], "accuracy", found)


def test_validation_chooses_and_the_test_does_not():
    rows = [
        summary(1, (0.6, 0.9), (0.6, 0.9)),
        summary(2, (0.5, 0.1), (0.8, 0.1)),
        summary(3, (0.9, 1.0), (0.3, 1.0)),
    ]
    assert choose(rows, "accuracy", 2)["layer"] == 2


def test_the_first_of_equal_settings_is_chosen():
    # Seeds in another order have the very same mean.
    rows = [
        summary(1, (0.1, 0.2), (0.1, 0.2), (0.1, 0.2)),
        summary(2, (0.7, 0.2), (0.1, 0.2), (0.3, 0.2)),
        summary(3, (0.3, 0.9), (0.7, 0.9), (0.1, 0.9)),
    ]
    assert choose(rows, "accuracy", 3)["layer"] == 2
    assert choose(rows[::-1], "accuracy", 3)["layer"] == 3


def test_a_setting_that_lacks_a_seed_is_shown_and_not_chosen():
    rows = [
        summary(1),
        summary(2, (0.9, 0.9)),
        summary(3, (0.5, 0.5), (0.5, 0.5)),
    ]
    best = choose(rows, "accuracy", 2)
    assert best["layer"] == 3
    assert [row["layer"] for row in csv_rows(rows, "accuracy")] == [2, 3]
    lines = table(rows, "accuracy", best).splitlines()
    assert [line.split()[0] for line in lines] == ["layer", "2", "3"]
    assert [line.endswith("*") for line in lines] == [False, False, True]


def test_a_mean_that_is_no_number_is_not_chosen():
    rows = [summary(1, (math.nan, 0.5)), summary(2, (0.1, 0.5))]
    assert choose(rows, "accuracy", 1)["layer"] == 2


@pytest.mark.parametrize("pairs", [[], [(0.5, 0.5)], [(math.inf, 0.5)] * 2])
def test_nothing_to_choose_from_is_said(pairs):
    with pytest.raises(ValueError, match="none of 1 settings .* all 2 seeds"):
        choose([summary(1, *pairs)], "accuracy", 2)


def test_a_seed_may_be_0_and_a_rate_not():
    assert parse_numbers("seeds", "0,3", int) == [0, 3]
    for flag, text, kind in (("seeds", "-1", int), ("lrs", "0,1e-3", float)):
        with pytest.raises(ValueError, match=f"--{flag}: .* too small"):
            parse_numbers(flag, text, kind)
