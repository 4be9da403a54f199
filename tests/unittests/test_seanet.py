"""EnCodec's encoder in tiles equals the package's in one piece.

Authors
 * The mert_sb developers 2026
"""

import pytest
import torch

from mert_sb.teachers import EncodecTeacher, seanet


@pytest.fixture(scope="module")
def model():
    return EncodecTeacher(pretrained=False).model


def clips(n_clips, n_samples):
    dice = torch.Generator().manual_seed(0)
    return 0.1 * torch.randn(n_clips, n_samples, generator=dice)


@pytest.mark.parametrize("n_samples", [400, 3_199, 3_200, 12_801, 31_337])
@pytest.mark.parametrize(("n_clips", "tile"), [(1, 3_200), (3, 12_000)])
@torch.no_grad()
def test_tiles_meet_without_a_seam(
    model, monkeypatch, n_clips, tile, n_samples
):
    monkeypatch.setattr(seanet, "TILE", tile)
    wavs = clips(n_clips, n_samples)
    expected = model.encoder(wavs[:, None]).mT
    found = seanet.latents(model.encoder, wavs)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


@torch.no_grad()
def test_latents_leave_the_clips_and_the_weights_as_they_are(model):
    wavs = clips(2, 12_000)
    before = [part.clone() for part in model.encoder.parameters()]
    first = seanet.latents(model.encoder, wavs)
    assert torch.equal(wavs, clips(2, 12_000))
    for part, other in zip(model.encoder.parameters(), before, strict=True):
        assert torch.equal(part, other)
    assert torch.equal(seanet.latents(model.encoder, wavs), first)


@pytest.mark.parametrize("n_frames", [1, 7, 2_100])
@torch.no_grad()
def test_codes_are_those_of_the_packages_quantizer(model, n_frames):
    dice = torch.Generator().manual_seed(0)
    feats = 0.02 * torch.randn(2, n_frames, 128, generator=dice)
    layers = model.quantizer.vq.layers[:8]
    found = seanet.quantize([layer.codebook for layer in layers], feats)
    expected = model.quantizer.vq.encode(feats.mT, n_q=8).permute(1, 2, 0)
    assert found.shape == (2, n_frames, 8)
    assert (found == expected).float().mean() > 0.999
    assert found.unique().numel() > 7


def test_no_weight_norm_is_left_to_compute(model):
    names = dict(model.named_parameters())
    assert not [name for name in names if name.endswith(("_g", "_v"))]
