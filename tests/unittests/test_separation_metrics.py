"""SDR: by hand, beside museval's, and where it is not defined.

Authors
 * The mert_sb developers 2026
"""

import math
import sys

import numpy as np
import pytest
import torch

from mert_sb.downstream.separation import metrics
from mert_sb.downstream.separation.family import Separation
from mert_sb.downstream.separation.metrics import (
    bss_library,
    bss_medians,
    global_sdr,
    is_silent,
    song_scores,
)
from tests.utils.separators import noise


@pytest.fixture
def library(tmp_path, monkeypatch):
    """museval's function; to be imported it wants programs, which it does not run."""
    for name in ("ffmpeg", "ffprobe"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    path = f"{tmp_path}:{__import__('os').environ['PATH']}"
    monkeypatch.setenv("PATH", path)
    try:
        return bss_library()
    except ImportError:
        pytest.skip("museval is not installed")


def stems(n_samples=48_000):
    """Two stems, and estimates with errors of their own."""
    true = torch.stack([noise(2, n_samples, 1), noise(2, n_samples, 2)])
    errors = torch.stack([noise(2, n_samples, 3) / 4, noise(2, n_samples, 4)])
    return true, true + errors + 0.1 * true.flip(0)


def test_sdr_by_hand():
    true = torch.tensor([[3.0, 0.0], [0.0, 4.0]])
    estimate = torch.tensor([[3.0, 1.0], [2.0, 4.0]])
    assert global_sdr(true, estimate) == pytest.approx(10 * math.log10(5))
    # The small number of the formula is the error of a perfect estimate.
    perfect = 10 * math.log10((25 + 1e-7) / 1e-7)
    assert global_sdr(true, true) == pytest.approx(perfect)


def test_sdr_is_musevals_over_the_whole_song(library):
    true, estimates = stems()
    sdr, *_ = library(
        true.mT.numpy(), estimates.mT.numpy(), window=np.inf, hop=np.inf
    )
    found = [global_sdr(*pair) for pair in zip(true, estimates, strict=True)]
    assert found == pytest.approx(sdr[:, 0].tolist(), abs=1e-3)


def test_medians_are_musevals(library):
    true, estimates = stems(24_000 * 3)
    true[0, :, 24_000:48_000] = 0
    values = library(
        true.mT.double().numpy(),
        estimates.mT.double().numpy(),
        window=24_000,
        hop=24_000,
    )
    # A second in which a stem is silent counts for none.
    assert np.isnan(values[0]).sum(axis=1).tolist() == [1, 1]
    medians = bss_medians(true, estimates, 24_000)
    for index, found in enumerate(medians):
        wanted = [np.nanmedian(value[index]) for value in values[:4]]
        assert list(found) == ["sdr", "isr", "sir", "sar"]
        assert list(found.values()) == pytest.approx(wanted)


def test_medians_leave_silent_stems_out(library):
    true, estimates = stems(24_000)
    alone = bss_medians(true[1:], estimates[1:], 24_000)
    true[0] = 0
    assert bss_medians(true, estimates, 24_000) == [None, *alone]


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "museval.metrics", None)
    with pytest.raises(ImportError, match=r"mert_sb\[separation\].*ffmpeg"):
        bss_library()


def scores():
    """Of two songs; in the second y is silent."""
    true = torch.tensor([[[2.0, 0.0]], [[0.0, 1.0]]])
    half = song_scores("a", ["x", "y"], true, true / 2, true.sum(0))
    true = true.clone()
    true[1] = 0
    tenth = song_scores("b", ["x", "y"], true, 0.9 * true, true.sum(0))
    return [half, tenth]


def test_silent_stems_are_counted_and_in_no_mean():
    half, tenth = scores()
    assert tenth["sdr"]["y"] is None and tenth["mixture_sdr"]["y"] is None
    means = Separation(["x", "y"]).measure([half, tenth])
    sdr = 10 * math.log10(4)
    assert means["sdr_x"] == pytest.approx((sdr + 20) / 2, abs=1e-5)
    assert means["sdr_y"] == pytest.approx(sdr, abs=1e-5)
    assert means["sdr"] == pytest.approx((means["sdr_x"] + means["sdr_y"]) / 2)
    assert means["silent_stems"] == 1
    # The mixture for x: of power 4, one of power 1 too much; for y the reverse.
    assert half["mixture_sdr"]["x"] == pytest.approx(sdr, abs=1e-5)
    assert half["mixture_sdr"]["y"] == pytest.approx(-sdr, abs=1e-5)


def test_a_stem_that_is_always_silent_is_no_number():
    _, tenth = scores()
    means = Separation(["x", "y"]).measure([tenth])
    assert means["sdr_y"] is None and means["sdr"] == means["sdr_x"]
    tenth["sdr"]["x"] = None
    with pytest.raises(ValueError, match="every stem of every song is silent"):
        Separation(["x", "y"]).measure([tenth])


def test_silence_is_nothing_louder_than_a_step_of_16_bits():
    assert is_silent(torch.full((2, 9), 2.0**-15))
    assert not is_silent(torch.full((2, 9), 2.0**-14))
    assert is_silent(torch.zeros(2, 0))


def test_seconds_without_a_number_are_in_no_median(monkeypatch):
    """Stems that take turns are never all heard in one second."""
    nothing, some = [np.nan, np.nan], [np.nan, 3.0]
    found = np.array([[nothing, some], [nothing, some], [[np.inf] * 2, some]])

    def bss_eval(true, estimates, window, hop):
        return *found, found[0], None

    monkeypatch.setattr(metrics, "bss_library", lambda: bss_eval)
    wavs = torch.rand(2, 2, 9)
    first, second = metrics.bss_medians(wavs, wavs, 24_000)
    assert first == dict.fromkeys(("sdr", "isr", "sir", "sar"))
    assert second == dict.fromkeys(("sdr", "isr", "sir", "sar"), 3.0)
