"""transformers' own HuBERT, of MERT's architecture, agrees with the student.

Skipped where transformers is not installed: the package does without it.

Authors
 * The mert_sb developers 2026
"""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from mert_sb.frames import n_frames
from mert_sb.inference import MusicEncoder
from mert_sb.inference.huggingface_export import write_huggingface
from mert_sb.student import MERT

transformers = pytest.importorskip("transformers")

# What MERT's configuration has and HuBERT's has not.
MERT_KEYS = {
    "model_type": "mert_model",
    "architectures": ["MERTModel"],
    "sample_rate": 24_000,
    "feature_extractor_cqt": False,
    "feature_extractor_cqt_bins": 336,
    "deepnorm": False,
    "attention_relax": -1.0,
}
VARIANTS = [
    {"do_stable_layer_norm": False, "feat_extract_norm": "group"},
    {"do_stable_layer_norm": False, "feat_extract_norm": "layer"},
    {"do_stable_layer_norm": True, "feat_extract_norm": "group"},
    {"do_stable_layer_norm": True, "feat_extract_norm": "layer"},
]
BIASES = [False, True]
LENGTHS = (6_000, 3_217, 400)


def hubert(attention="sdpa", **settings):
    """HuBERT in eval mode, no parameter of which is 0 or 1 throughout."""
    config = transformers.HubertConfig(
        hidden_size=32,
        intermediate_size=64,
        num_attention_heads=4,
        num_hidden_layers=3,
        conv_dim=(16,) * 7,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4,
        attn_implementation=attention,
        **settings,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = transformers.HubertModel(config)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter += 0.1 * torch.randn_like(parameter)
    return model.eval()


def extractor(normalize):
    return transformers.Wav2Vec2FeatureExtractor(
        sampling_rate=24_000,
        do_normalize=normalize,
        return_attention_mask=True,
    )


def encoder(model, folder, normalize=False):
    """The encoder read from HuBERT's weights in the original's layout."""
    extractor(normalize).save_pretrained(folder)
    config = model.config.to_dict() | MERT_KEYS
    (folder / "config.json").write_text(json.dumps(config))
    tensors = {k: v.contiguous() for k, v in model.state_dict().items()}
    save_file(tensors, folder / "model.safetensors")
    return MusicEncoder.from_original(folder)


def clips():
    """Clips of several lengths, loud and with an offset."""
    generator = torch.Generator().manual_seed(0)
    return [
        3 * torch.randn(length, generator=generator) + 1 for length in LENGTHS
    ]


@torch.no_grad()
def states_of(model, wavs, attention_mask=None):
    """HuBERT's states ``(L + 1, B, T, D)``, the last one normalised.

    From version 5 on transformers lists the last layer's output before the norm
    that a model with ``do_stable_layer_norm`` ends with; MERT, as 4, after it.
    """
    output = model(
        wavs, attention_mask=attention_mask, output_hidden_states=True
    )
    return torch.stack([*output.hidden_states[:-1], output.last_hidden_state])


@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize("settings", VARIANTS)
def test_all_hidden_states_agree(tmp_path, settings, bias):
    model = hubert(conv_bias=bias, **settings)
    wavs = torch.stack([clips()[0], clips()[0].flip(0)])
    ours = encoder(model, tmp_path).encode_batch(wavs)
    theirs = states_of(model, wavs)
    assert ours.shape == theirs.shape == (4, 2, 18, 32)
    assert (ours - theirs).abs().max() < 1e-4


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("settings", VARIANTS)
def test_normalised_padded_clips_agree(tmp_path, settings, attention):
    model = hubert(attention, **settings)
    inputs = extractor(True)(
        [clip.numpy() for clip in clips()],
        sampling_rate=24_000,
        padding=True,
        return_tensors="pt",
    )
    theirs = states_of(model, inputs.input_values, inputs.attention_mask)

    wavs = torch.nn.utils.rnn.pad_sequence(clips(), batch_first=True)
    wav_lens = torch.tensor(LENGTHS) / max(LENGTHS)
    ours = encoder(model, tmp_path, normalize=True).encode_batch(wavs, wav_lens)
    for item, length in enumerate(LENGTHS):
        valid = slice(n_frames(length))
        difference = ours[:, item, valid] - theirs[:, item, valid]
        assert difference.numel() > 0
        assert difference.abs().max() < 1e-4


@pytest.mark.parametrize("norm", ["post", "pre"])
def test_what_is_exported_is_read_by_transformers(tmp_path, norm):
    student = MERT(
        conv_channels=16,
        embed_dim=32,
        ffn_dim=64,
        num_heads=4,
        num_layers=2,
        norm=norm,
        conv_norm="layer" if norm == "pre" else "group",
    ).eval()
    folder = write_huggingface(student, tmp_path / "original")
    config = json.loads((folder / "config.json").read_text())
    model = transformers.HubertModel(
        transformers.HubertConfig(**(config | {"model_type": "hubert"}))
    ).eval()
    model.load_state_dict(load_file(folder / "model.safetensors"), strict=True)
    wavs = clips()[0][None]
    with torch.no_grad():
        ours = student(wavs, output_hidden_states=True)
    assert (ours - states_of(model, wavs)).abs().max() < 1e-4
