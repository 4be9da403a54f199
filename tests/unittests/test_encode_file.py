"""Features from files: chunks are one pass, in memory that does not grow.

Authors
 * The mert_sb developers 2026
"""

import numpy as np
import pytest
import soundfile as sf
import torch

from mert_sb import frames
from mert_sb.inference import MusicEncoder
from mert_sb.student import MERT

RATE = 24_000
TINY = {"conv_channels": 16, "embed_dim": 32, "ffn_dim": 64, "num_heads": 4}
TINY |= {"num_layers": 2, "position_kernel": 8, "position_groups": 4}
CHUNKS = {"chunk_seconds": 0.6, "overlap_seconds": 0.2}


def build(run_opts=None, **settings):
    """A tiny encoder, none of its numbers a neutral one."""
    settings = TINY | {"normalize_wavs": True} | settings
    with torch.random.fork_rng():
        torch.manual_seed(0)
        student = MERT(**settings).requires_grad_(False)
        for parameter in student.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    hparams = {"sample_rate": student.settings["sample_rate"]}
    return MusicEncoder({"student": student}, hparams, run_opts)


def write(path, seconds=3.0, rate=RATE, n_channels=1):
    """Music whose loudness and offset change, so that windows differ."""
    time = np.arange(round(seconds * rate)) / rate
    rng = np.random.default_rng(0)
    wav = np.sin(2 * np.pi * 330 * time) * np.exp(-time)
    wav += 0.02 * time + rng.normal(0.0, 0.02, len(time))
    sf.write(path, 0.5 * wav[:, None] / (1 + np.arange(n_channels)), rate)
    return path


def close(found, expected, tolerance=1e-4):
    torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance)


def test_one_pass_is_encode_batch(tmp_path):
    from mert_sb.audio import read_audio

    encoder, path = build(), write(tmp_path / "a.wav")
    wavs = read_audio(path, RATE)[None]
    states, times = encoder.encode_file(path, chunk_seconds=None)
    assert states.shape == (3, 224, 32)
    close(states, encoder.encode_batch(wavs)[:, 0])
    assert times.dtype == torch.float64
    close(times, (199.5 + 320 * torch.arange(224).double()) / RATE, 1e-12)


@pytest.mark.parametrize("batch_size", [1, 3, 100])
@pytest.mark.parametrize("conv_norm", ["group", "layer"])
def test_without_attention_chunks_are_one_pass(tmp_path, conv_norm, batch_size):
    encoder, path = build(conv_norm=conv_norm), write(tmp_path / "a.flac")
    expected, times = encoder.encode_file(path, 0, chunk_seconds=None)
    found = encoder.encode_file(path, 0, batch_size=batch_size, **CHUNKS)
    close(found.states, expected)
    assert torch.equal(found.times, times)


def test_without_the_files_statistics_they_would_not_be(tmp_path, monkeypatch):
    encoder, path = build(), write(tmp_path / "a.wav")
    expected = encoder.encode_file(path, 0, chunk_seconds=None).states
    monkeypatch.setattr(
        encoder,
        "encode_windows",
        lambda wavs, statistics, layers: encoder.encode_batch(
            wavs, layers=layers
        ),
    )
    found = encoder.encode_file(path, 0, **CHUNKS).states
    assert (found - expected).abs().max() > 0.05


def test_attention_sees_the_chunk(tmp_path):
    encoder, path = build(), write(tmp_path / "a.wav")
    expected = encoder.encode_file(path, chunk_seconds=None).states
    found = encoder.encode_file(path, **CHUNKS).states
    close(found[0], expected[0])
    error = (found - expected).norm(dim=(1, 2)) / expected.norm(dim=(1, 2))
    assert 1e-2 < error[-1] < 0.5


@pytest.mark.parametrize("layers", [None, 1, (-1, 0), "mean"])
@pytest.mark.parametrize("pool", [None, "mean"])
def test_layers_and_pooling(tmp_path, layers, pool):
    encoder, path = build(), write(tmp_path / "a.wav", 1.5)
    states = encoder.encode_file(path, **CHUNKS).states
    expected = {None: states, 1: states[1], "mean": states.mean(0)}.get(
        layers, states[[-1, 0]]
    )
    found = encoder.encode_file(path, layers, pool=pool, **CHUNKS)
    if pool == "mean":
        expected = expected.mean(-2)
        assert found.times is None
    else:
        assert len(found.times) == states.shape[1]
    assert found.states.dtype == torch.float32
    close(found.states, expected, 1e-5)


@pytest.mark.parametrize("batch_size", [1, 4])
def test_streamed_pieces_are_the_file(tmp_path, batch_size):
    encoder, path = build(), write(tmp_path / "a.ogg", 2.9)
    options = CHUNKS | {"batch_size": batch_size}
    pieces = list(encoder.encode_stream(path, (1, 2), **options))
    whole = encoder.encode_file(path, (1, 2), **options)
    assert len(pieces) == 7
    assert torch.equal(torch.cat([p.states for p in pieces], 1), whole.states)
    assert torch.equal(torch.cat([p.times for p in pieces]), whole.times)


def longest_inputs(encoder, path, monkeypatch, **options):
    """Largest batch the student was given, and largest piece handed out."""
    sizes, encode = [], encoder.encode_windows
    monkeypatch.setattr(
        encoder,
        "encode_windows",
        lambda wavs, *rest: sizes.append(wavs.numel()) or encode(wavs, *rest),
    )
    pieces = [
        piece.states.numel() for piece in encoder.encode_stream(path, **options)
    ]
    monkeypatch.undo()
    return max(sizes), max(pieces), len(pieces)


def test_nothing_grows_with_the_length(tmp_path, monkeypatch):
    encoder, found = build(), []
    for seconds in (3.0, 12.0):
        path = write(tmp_path / f"{seconds}.wav", seconds)
        options = {"batch_size": 2, **CHUNKS}
        found.append(longest_inputs(encoder, path, monkeypatch, **options))
    (samples, states, few), (more_samples, more_states, many) = found
    assert samples == more_samples == 2 * frames.n_samples(44)
    assert states == more_states
    assert many > 3 * few


@pytest.mark.parametrize(
    ("suffix", "rate", "n_channels"),
    [("wav", 44_100, 2), ("flac", 48_000, 8), ("ogg", 8_000, 1)]
    + [("mp3", 44_100, 2), ("flac", 96_000, 2)],
)
def test_any_rate_and_number_of_channels(tmp_path, suffix, rate, n_channels):
    from mert_sb.audio import read_audio

    encoder = build()
    path = write(tmp_path / f"a.{suffix}", 2.0, rate, n_channels)
    found = encoder.encode_file(path, 0, **CHUNKS).states
    expected = encoder.encode_batch(read_audio(path, RATE)[None], layers=0)[0]
    assert found.shape == (149, 32)
    close(found, expected, 1e-3)


def test_a_student_of_another_rate_with_a_constant_q_transform(tmp_path):
    encoder = build(sample_rate=16_000, feature_extractor_cqt=84)
    # A whole number of frames: the transform sees what is left over too.
    path = write(tmp_path / "a.wav", frames.n_samples(199) / 16_000, 16_000)
    found = encoder.encode_file(path, 0, chunk_seconds=2, overlap_seconds=1)
    expected = encoder.encode_file(path, 0, chunk_seconds=None)
    close(found.states, expected.states, 1e-3)
    assert found.times[1] - found.times[0] == pytest.approx(0.02)


def test_silence_gives_numbers(tmp_path):
    sf.write(tmp_path / "a.wav", np.zeros(2 * RATE), RATE)
    states = build().encode_file(tmp_path / "a.wav", **CHUNKS).states
    assert states.isfinite().all()
    assert states.shape == (3, 149, 32)


def test_bad_files_are_named(tmp_path):
    from mert_sb.audio import DamagedAudioError

    encoder, wav = build(), np.zeros(RATE)
    wav[7_000] = np.nan
    sf.write(tmp_path / "nan.wav", wav, RATE, subtype="FLOAT")
    path = write(tmp_path / "cut.flac")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    for name in ("nan.wav", "cut.flac"):
        with pytest.raises(DamagedAudioError, match=name):
            encoder.encode_file(tmp_path / name, pool="mean")
    sf.write(tmp_path / "short.wav", np.zeros(399), RATE)
    with pytest.raises(ValueError, match="short.wav: 399 samples"):
        next(encoder.encode_stream(tmp_path / "short.wav"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pool": "max"}, "pool: 'max'"),
        ({"layers": "last"}, "layers: 'last'"),
        ({"layers": []}, r"layers: \[\]"),
        ({"layers": 9}, "no state 9"),
        ({"batch_size": 0}, "batch_size: 0"),
        ({"chunk_seconds": 2, "overlap_seconds": 3}, "overlap_seconds: 3"),
    ],
)
def test_impossible_settings_are_named(tmp_path, options, message):
    path = write(tmp_path / "a.wav", 1.0)
    with pytest.raises(ValueError, match=message):
        build().encode_file(path, **options)


WAVS = torch.randn(2, 4_000, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("wavs", "wav_lens", "message"),
    [
        (WAVS[0], None, r"wavs: shape \(4000,\), but \(batch, samples\)"),
        (WAVS[:, None], None, r"wavs: shape \(2, 1, 4000\)"),
        (WAVS / 0, None, "NaN or infinite"),
        (WAVS[:, :399], None, "399 samples are shorter"),
        (WAVS, torch.ones(3), r"wav_lens: shape \(3,\)"),
        (WAVS, torch.tensor([1.0, 0.0]), r"in \(0, 1\]"),
        (WAVS, torch.tensor([4_000, 2_000]), r"in \(0, 1\]"),
    ],
)
def test_clips_without_meaning_are_refused(wavs, wav_lens, message):
    with pytest.raises(ValueError, match=message):
        build().encode_batch(wavs, wav_lens)


def test_layers_of_clips():
    encoder = build()
    states = encoder.encode_batch(WAVS)
    assert torch.equal(encoder.encode_batch(WAVS, layers=-1), states[2])
    assert torch.equal(encoder.encode_batch(WAVS, layers=[0, 1]), states[:2])
    close(encoder.encode_batch(WAVS, layers="mean"), states.mean(0), 1e-6)


def test_bfloat16_through_run_opts(tmp_path):
    path, plain = write(tmp_path / "a.wav", 1.5), build()
    encoder = build({"precision": "bf16"})
    kinds = []
    encoder.mods.student.encoder.layers[0].attention.register_forward_hook(
        lambda module, inputs, output: kinds.append(output.dtype)
    )
    found = encoder.encode_file(path, **CHUNKS).states
    expected = plain.encode_file(path, **CHUNKS).states
    assert set(kinds) == {torch.bfloat16}
    assert found.dtype == torch.float32
    error = (found - expected).norm() / expected.norm()
    assert 1e-5 < error < 0.05
    assert encoder.encode_batch(WAVS, layers="mean").dtype == torch.float32


def test_a_compiled_student_through_run_opts(tmp_path, monkeypatch):
    # Tracing without the C++ compiler, which would take a minute.
    traced, compiled = [], torch.compile
    monkeypatch.setattr(
        torch,
        "compile",
        lambda module, **_: compiled(
            module, backend=lambda graph, _: traced.append(graph) or graph
        ),
    )
    path = write(tmp_path / "a.wav", 1.0)
    expected = build().encode_file(path, **CHUNKS).states
    found = build({"compile": True}).encode_file(path, **CHUNKS).states
    assert len(traced) == 1
    close(found, expected, 1e-5)


@pytest.mark.parametrize(
    ("rate", "subsample"), [(24_000, 1), (16_000, 1), (24_000, 3)]
)
def test_the_default_overlap_covers_the_originals_positions(
    tmp_path, rate, subsample
):
    encoder = build(sample_rate=rate, position_kernel=128, subsample=subsample)
    path = write(tmp_path / "a.wav", 70.0)
    whole = encoder.encode_file(path, 0, chunk_seconds=None)
    close(encoder.encode_file(path, 0).states, whole.states)
