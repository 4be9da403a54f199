"""Clips of files as tasks are trained on them, and upstreams without wrappers.

Authors
 * The mert_sb developers 2026
"""

import json

import pytest
import torch
from speechbrain.nnet.adapters import AdaptedModel, HoulsbyAdapterLinear, LoRA

from mert_sb.audio import DamagedAudioError, read_audio
from mert_sb.audio.clips import write_clips
from mert_sb.downstream.lengths import encode_by_length
from mert_sb.downstream.upstreams import FrozenUpstream, MelStatistics
from mert_sb.inference.cutting import stream_clips
from mert_sb.inference.merging import plain_upstream
from mert_sb.inference.upstream import student_states
from tests.utils.originals import tiny_student
from tests.utils.task_folders import RATE, noise


@pytest.mark.parametrize("seconds", [0.9, 1.0, 1.15, 1.25, 2.6])
@pytest.mark.parametrize("tail", [None, 0.2])
@pytest.mark.parametrize("longest", [None, 1.1])
def test_clips_are_those_of_write_clips(tmp_path, seconds, tail, longest):
    path = noise(tmp_path / "a.wav", seconds, 44_100)
    cut = {"clip_seconds": 0.5, "max_seconds": longest}
    manifests = write_clips(
        tmp_path,
        tmp_path / "save",
        {"test": {"a.wav": {"track": "a"}}},
        **cut,
        min_tail_seconds=tail,
        sample_rate=RATE,
    )
    rows = json.loads(manifests["test"].read_text()).values()
    clips = stream_clips(path, RATE, **cut, min_tail_seconds=tail or 0.5)
    whole = read_audio(path, RATE)
    for row, clip in zip(rows, clips, strict=True):
        part = whole[row["start"] :][: row["length"]]
        torch.testing.assert_close(clip, part, atol=1e-6, rtol=0)


def test_a_short_file_is_one_clip_and_a_tiny_one_damaged(tmp_path):
    cut = {"clip_seconds": 3.0, "min_tail_seconds": 1.0}
    path = noise(tmp_path / "a.wav", 0.4)
    assert [len(clip) for clip in stream_clips(path, RATE, **cut)] == [9_600]
    path = noise(tmp_path / "b.wav", 0.05)
    with pytest.raises(DamagedAudioError, match=r"b.wav: too short: 0\.050 s"):
        list(stream_clips(path, RATE, **cut))


def test_only_a_windows_memory_is_held(tmp_path, monkeypatch):
    from mert_sb.inference import cutting

    held = []

    def blocks(path, sample_rate):
        for _ in range(100):
            held.append(0)
            yield torch.zeros(6_000)

    monkeypatch.setattr(cutting, "stream_blocks", blocks)
    clips = stream_clips("a", RATE, clip_seconds=0.5, min_tail_seconds=0.5)
    for number, clip in enumerate(clips, start=1):
        assert clip.shape == (12_000,)
        assert clip.untyped_storage().nbytes() == 4 * 12_000
        assert len(held) == 2 * number
    assert number == 50


def test_adapters_are_merged_or_refused():
    wavs = torch.randn(2, 4_000, generator=torch.Generator().manual_seed(0))
    upstream = student_states(tiny_student())
    adapted = AdaptedModel(
        upstream,
        LoRA,
        target_layers=["*.[qv]_proj", "*.projection"],
        adapter_kwargs={"rank": 2, "alpha": 3.0},
    )
    before = adapted(wavs)
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "up_proj" in name:
                parameter.fill_(0.3)
    adapted.eval()
    after = adapted(wavs)
    plain = plain_upstream(FrozenUpstream(adapted))
    assert not torch.allclose(before, after, atol=1e-2)
    torch.testing.assert_close(plain.eval()(wavs), after, atol=1e-5, rtol=1e-5)
    assert "pretrained_module" in "".join(adapted.state_dict())
    other = AdaptedModel(
        student_states(tiny_student()),
        HoulsbyAdapterLinear,
        target_layers=["*.q_proj"],
        adapter_kwargs={"projection_size": 2},
    )
    with pytest.raises(ValueError, match="cannot be merged, only LoRA's"):
        plain_upstream(other)
    with pytest.raises(ValueError, match="a Linear cannot be written"):
        plain_upstream(torch.nn.Linear(1, 1))


def test_frozen_baselines_are_plain_already():
    upstream = MelStatistics(n_mels=16)
    assert plain_upstream(FrozenUpstream(upstream)) is upstream


def test_clips_do_not_depend_on_their_neighbours():
    """The group norm of a padded clip is another one."""
    upstream = student_states(tiny_student()).eval()
    wavs = torch.randn(4, 6_000, generator=torch.Generator().manual_seed(0))
    lengths = [3_000, 6_000, 3_000, 4_801]
    for wav, length in zip(wavs, lengths, strict=True):
        wav[length:] = 0.0
    wav_lens = torch.tensor(lengths) / 6_000
    with torch.no_grad():
        states = encode_by_length(upstream, wavs, wav_lens)
        padded = upstream(wavs, wav_lens)
        alone = torch.cat(
            [
                upstream(wav[None, :length])
                for wav, length in zip(wavs, lengths, strict=True)
            ]
        )
    torch.testing.assert_close(states, alone, atol=1e-5, rtol=1e-5)
    assert (padded - alone).abs().max() > 0.01
