"""Numbers of the original implementation; skipped where they are absent.

Authors
 * The mert_sb developers 2026
"""

from pathlib import Path

import numpy as np
import pytest
import torch

GOLDEN = Path(__file__).parents[3] / "shared" / "golden"
pytestmark = pytest.mark.skipif(
    not GOLDEN.is_dir(), reason="the original's numbers are not at hand"
)


def expected(name):
    """Arrays of a golden folder as tensors."""
    with np.load(GOLDEN / name / "expected.npz") as arrays:
        return {key: torch.from_numpy(arrays[key]) for key in arrays}


@pytest.mark.parametrize("kind", ["base", "large", "deepnorm", "cqt_input"])
def test_hidden_states_equal_the_originals(kind):
    from mert_sb.frames import n_frames
    from mert_sb.inference import MusicEncoder

    encoder = MusicEncoder.from_original(GOLDEN / f"hf_tiny_{kind}")
    student = encoder.student
    # The golden waveforms were given as they are.
    student.normalize_wavs = False
    numbers = expected(f"hf_tiny_{kind}")
    wavs = numbers["waveform"]
    with torch.no_grad():
        feats = student.frontend(wavs)
    states = encoder.encode_batch(wavs)
    lengths = numbers["attention_mask"].sum(1)
    padded = encoder.encode_batch(wavs, lengths / wavs.shape[1])
    assert (feats - numbers["conv_features"]).abs().max() < 1e-4
    assert (
        states.transpose(0, 1) - numbers["hidden_states"]
    ).abs().max() < 1e-4
    for item, length in enumerate(lengths.tolist()):
        valid = n_frames(int(length))
        difference = (
            padded[:, item, :valid]
            - numbers["hidden_states_masked"][item, :, :valid]
        )
        assert difference.abs().max() < 1e-4


def losses_of_the_original(kind):
    """Our student and heads on the original's checkpoint, clips and mask."""
    from mert_sb.cqt import CQT
    from mert_sb.inference.checkpoint import build_student
    from mert_sb.inference.fairseq import SPECIAL_ROWS, heads_of, read_fairseq
    from mert_sb.pretraining.heads import CodebookHead, RegressionHead

    checkpoint = read_fairseq(GOLDEN / f"fairseq_tiny_{kind}" / "checkpoint.pt")
    settings = checkpoint.settings
    numbers = expected(f"fairseq_tiny_{kind}")
    student = build_student(checkpoint)
    n_codebooks = len(numbers["codes"])
    code_state, cqt_state = heads_of(checkpoint.heads, n_codebooks)
    _, codebook_size, proj_dim = code_state["codes"].shape
    codes_head = CodebookHead(
        settings["embed_dim"],
        n_codebooks=n_codebooks,
        codebook_size=codebook_size,
        proj_dim=proj_dim,
    )
    codes_head.load_state_dict(code_state)
    n_bins = len(cqt_state["projection.bias"])
    cqt_head = RegressionHead(settings["embed_dim"], n_features=n_bins)
    cqt_head.load_state_dict(cqt_state)

    wavs, mask = numbers["waveform"], numbers["mask"]
    hidden, penalty = student(wavs, mask=mask, output_penalty=True)
    codes = numbers["codes"].long().permute(1, 2, 0) + SPECIAL_ROWS
    # The original cuts the tails of codes and CQT frames.
    codes = codes[:, : mask.shape[1]][mask]
    cqt = CQT(24_000, n_bins=n_bins, bins_per_octave=n_bins // 7)(wavs)
    coded = codes_head(hidden, codes)
    toned = cqt_head(hidden, cqt[:, : mask.shape[1]][mask])
    total = coded["loss"] + 10 * penalty + toned["loss"]
    total.backward()
    return numbers, student, codes_head, cqt_head, coded, toned, penalty, total


@pytest.mark.parametrize("kind", ["base", "large"])
def test_losses_and_gradients_equal_the_originals(kind):
    (numbers, student, codes_head, cqt_head, coded, toned, penalty, total) = (
        losses_of_the_original(kind)
    )

    def close(ours, theirs, relative):
        assert (ours - theirs).norm() <= relative * theirs.norm()

    close(coded["losses"], numbers["nce_per_codebook"], 1e-4)
    close(coded["accuracy"], numbers["accuracy"], 1e-4)
    close(penalty, numbers["features_pen"], 1e-4)
    close(toned["loss"], numbers["cqt_mse"], 1e-4)
    close(total, numbers["total_loss"], 1e-4)

    first = student.encoder.layers[0].attention
    position = student.encoder.position.conv.parametrizations.weight
    ours = {
        "mask_emb": student.mask_embedding,
        "final_proj.weight": codes_head.projection.weight,
        "label_embs_concat": codes_head.codes,
        "encoder.layers.0.self_attn.q_proj.weight": first.q_proj.weight,
        "encoder.layers.1.fc1.weight": student.encoder.layers[1].ffn[0].weight,
        "feature_extractor.conv_layers.0.0.weight": (
            student.frontend.layers[0]["conv"].weight
        ),
        "encoder.pos_conv.0.weight_v": position.original1,
        "encoder_cqt_model.fc.weight": cqt_head.projection.weight,
        "layer_norm.weight": student.feature_norm.weight,
    }
    wanted = {key for key in numbers if key.startswith("grad/")}
    assert wanted == {f"grad/{name}" for name in ours}
    for name, parameter in ours.items():
        theirs = numbers[f"grad/{name}"]
        close(parameter.grad.reshape(theirs.shape), theirs, 1e-3)
    gradients = [
        parameter.grad
        for module in (student, codes_head, cqt_head)
        for parameter in module.parameters()
    ]
    norm = torch.nn.utils.get_total_norm(gradients)
    close(norm, numbers["grad_norm_total"], 1e-3)


@pytest.mark.parametrize("kind", ["base", "large"])
def test_a_fairseq_file_gives_the_originals_features(kind):
    from mert_sb.inference import MusicEncoder

    path = GOLDEN / f"fairseq_tiny_{kind}" / "checkpoint.pt"
    numbers = expected(f"fairseq_tiny_{kind}")
    states = MusicEncoder.from_original(path).encode_batch(numbers["waveform"])
    assert (states[-1] - numbers["last_hidden_unmasked"]).abs().max() < 1e-4


SOURCES = [
    *(f"hf_tiny_{k}" for k in ("base", "large", "deepnorm", "cqt_input")),
    *(f"fairseq_tiny_{k}/checkpoint.pt" for k in ("base", "large")),
]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("layout", ["mert_sb", "huggingface", "fairseq"])
def test_a_round_trip_through_each_layout_is_exact(tmp_path, source, layout):
    from mert_sb.inference.checkpoint import build_student
    from mert_sb.inference.convert import read_checkpoint
    from mert_sb.inference.export import export_student
    from mert_sb.inference.fairseq import write_fairseq
    from mert_sb.inference.huggingface_export import write_huggingface

    original = read_checkpoint(GOLDEN / source)
    student = build_student(original)
    written = {
        "mert_sb": lambda: export_student(student, tmp_path / "a"),
        "huggingface": lambda: write_huggingface(student, tmp_path / "a"),
        "fairseq": lambda: write_fairseq(
            student, tmp_path / "a.pt", original.heads
        ),
    }[layout]()
    again = read_checkpoint(written)
    assert again.layout == layout
    assert set(again.state) == set(original.state)
    for name, tensor in original.state.items():
        assert torch.equal(again.state[name], tensor), name
    if layout == "fairseq":
        assert set(again.heads) == set(original.heads)
        for name, tensor in original.heads.items():
            assert torch.equal(again.heads[name], tensor), name
    # What a layout has no key for: gradients and memory, of training only.
    training = {"feature_grad_mult", "checkpoint_layers"}
    rebuilt = build_student(again).settings
    for key, value in student.settings.items():
        assert rebuilt[key] == value or key in training, key
