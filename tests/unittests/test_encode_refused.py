"""Arguments of another kind are refused, not guessed at.

Authors
 * The mert_sb developers 2026
"""

import numpy as np
import pytest
import soundfile as sf
import torch

from mert_sb.inference import MusicEncoder
from tests.utils.originals import tiny_student


def encoder():
    return MusicEncoder({"student": tiny_student()}, {"sample_rate": 24_000})


@pytest.mark.parametrize(
    "options",
    [
        {"layers": ["1"]},
        {"layers": [1.0]},
        {"layers": True},
        {"layers": np.array([0, 1])},
        {"chunk_seconds": float("inf")},
        {"chunk_seconds": float("nan")},
        {"batch_size": 1.5},
    ],
)
def test_options_of_another_kind_are_refused(tmp_path, options):
    (key,) = options
    path = tmp_path / "a.wav"
    sf.write(path, np.zeros(48_000), 24_000)
    with pytest.raises(ValueError, match=key):
        encoder().encode_file(path, **options)


def test_clips_that_are_no_tensors_of_numbers_are_refused():
    for wavs in (
        np.zeros((1, 800)),
        torch.zeros(1, 800, dtype=torch.complex64),
    ):
        with pytest.raises(ValueError, match="wavs: "):
            encoder().encode_batch(wavs)
    with pytest.raises(ValueError, match="wav_lens: a list"):
        encoder().encode_batch(torch.zeros(1, 800), [1.0])
