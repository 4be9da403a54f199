"""Learning rates by layer, and SpeechBrain's adapters around a student.

Authors
 * The mert_sb developers 2026
"""

import pytest
import torch
from speechbrain.nnet.adapters import AdaptedModel, LoRA
from speechbrain.utils.checkpoints import Checkpointer
from torch import nn

from mert_sb.downstream import Frozen, StateMix, layerwise_groups
from mert_sb.student import MERT

SIZES = {
    "conv_channels": 8,
    "embed_dim": 16,
    "ffn_dim": 32,
    "num_heads": 2,
    "num_layers": 3,
    "position_kernel": 8,
    "position_groups": 4,
}
OPTIONS = {"lr": 1.0, "encoder_lr": 0.1, "layer_decay": 0.5}


def student(seed=0, **settings):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return MERT(**SIZES, **settings)


def around(encoder):
    """A Brain's modules."""
    return nn.ModuleDict(
        {"encoder": encoder, "mix": StateMix(4), "head": nn.Linear(16, 2)}
    )


def adapted(model):
    """A student with adapters, as ``hparams/lora.yaml`` makes them."""
    encoder = AdaptedModel(
        model,
        LoRA,
        target_layers=["encoder.layers.*.attention.[qv]_proj"],
        adapter_kwargs={"rank": 4, "alpha": 8.0},
        manual_adapter_insertion=True,
    )
    encoder.insert_adapters()
    return encoder


def names(modules, groups):
    """Names of the parameters in each group."""
    found = {id(p): name for name, p in modules.named_parameters()}
    return {
        group["name"]: {found[id(p)] for p in group["params"]}
        for group in groups
    }


def rates(groups):
    return {group["name"]: group["lr"] for group in groups}


def test_every_parameter_is_in_one_group_of_its_layer():
    modules = around(student())
    groups = layerwise_groups(modules, **OPTIONS)
    assert rates(groups) == pytest.approx(
        {
            "encoder_00": 0.0125,
            "encoder_01": 0.025,
            "encoder_02": 0.05,
            "encoder_03": 0.1,
            "mix": 1.0,
            "head": 1.0,
        }
    )
    assert all(group["initial_lr"] == group["lr"] for group in groups)
    found = names(modules, groups)
    together = [name for group in found.values() for name in group]
    assert sorted(together) == sorted(n for n, _ in modules.named_parameters())
    for index in range(3):
        start = f"encoder.encoder.layers.{index}."
        layer = found[f"encoder_{index + 1:02d}"]
        assert len(layer) == 16
        assert all(name.startswith(start) for name in layer)
    assert {"encoder.projection.weight", "encoder.encoder.norm.bias"} <= found[
        "encoder_00"
    ]
    assert found["mix"] == {"mix.logits"}


def test_wrappers_do_not_hide_the_layers():
    wrapped = nn.Module()
    wrapped.module = student()
    groups = layerwise_groups(around(wrapped), **OPTIONS)
    plain = layerwise_groups(around(student()), **OPTIONS)
    assert rates(groups) == rates(plain)
    assert [len(g["params"]) for g in groups] == [
        len(g["params"]) for g in plain
    ]


def test_more_than_nine_layers_are_told_apart():
    layers = nn.ModuleList(nn.Linear(1, 1) for _ in range(12))
    inner = nn.ModuleDict({"encoder": nn.ModuleDict({"layers": layers})})
    modules = nn.ModuleDict({"encoder": inner})
    groups = layerwise_groups(modules, **OPTIONS)
    assert rates(groups) == pytest.approx(
        {f"encoder_{n:02d}": 0.1 * 0.5 ** (12 - n) for n in range(1, 13)}
    )


def test_a_frozen_encoder_is_left_out_and_needs_no_rate():
    groups = layerwise_groups(around(Frozen(student())), lr=1.0)
    assert rates(groups) == {"mix": 1.0, "head": 1.0}


def test_a_half_frozen_encoder_keeps_the_rates_of_its_layers():
    model = student(feature_grad_mult=0.0)
    model.encoder.layers[2].requires_grad_(False)
    modules = around(model)
    groups = layerwise_groups(modules, **OPTIONS)
    assert rates(groups)["encoder_02"] == pytest.approx(0.05)
    assert "encoder_03" not in rates(groups)
    together = set().union(*names(modules, groups).values())
    assert not any(".frontend." in name for name in together)


def test_adapters_learn_at_the_rate_of_their_layer():
    modules = around(adapted(student()))
    groups = layerwise_groups(modules, **OPTIONS)
    assert rates(groups)["encoder_01"] == pytest.approx(0.025)
    assert "encoder_00" not in rates(groups)
    found = names(modules, groups)
    assert len(found["encoder_03"]) == 4
    assert all(
        ".layers.2.attention." in name and ".adapter_" in name
        for name in found["encoder_03"]
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"encoder_lr": None}, "has no encoder_lr"),
        ({"layer_decay": 0.0}, "layer_decay: 0.0 is not in"),
        ({"layer_decay": 1.5}, "layer_decay: 1.5 is not in"),
    ],
)
def test_rates_that_make_no_sense_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        layerwise_groups(around(student()), **OPTIONS | change)


def test_a_decay_without_layers_is_refused():
    modules = around(nn.Linear(2, 2))
    with pytest.raises(ValueError, match="has no effect"):
        layerwise_groups(modules, **OPTIONS)
    groups = layerwise_groups(modules, lr=1.0, encoder_lr=0.1)
    assert rates(groups)["encoder_00"] == 0.1


def test_nothing_to_train_is_refused():
    with pytest.raises(ValueError, match="no parameter needs a gradient"):
        layerwise_groups(nn.ModuleDict({"encoder": Frozen(student())}), lr=1.0)


def moved(encoder):
    """The adapters brought away from where they begin."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in encoder.parameters():
            if parameter.requires_grad:
                noise = torch.randn(parameter.shape, generator=generator)
                parameter += 0.5 * noise
    return encoder


def test_adapters_begin_as_nothing_and_take_every_argument():
    wavs = torch.randn(2, 6_000, generator=torch.Generator().manual_seed(0))
    lengths = torch.tensor([1.0, 0.6])
    plain = student().eval()
    encoder = adapted(student()).eval()
    expected = plain(wavs, lengths, output_hidden_states=True)
    states = encoder(wavs, lengths, output_hidden_states=True)
    assert torch.equal(states, expected)
    assert encoder.settings == plain.settings
    changed = moved(encoder)(wavs, lengths, output_hidden_states=True)
    assert torch.equal(changed[0], expected[0])
    assert all(not torch.equal(changed[n], expected[n]) for n in (1, 2, 3))


def test_an_adapter_is_a_product_that_could_be_merged():
    encoder = moved(adapted(student())).eval()
    merged = student().eval()
    with torch.no_grad():
        for ours, theirs in zip(
            merged.encoder.layers,
            encoder.adapted_model.encoder.layers,
            strict=True,
        ):
            for name in ("q_proj", "v_proj"):
                lora = theirs.attention.get_submodule(name)
                down = lora.adapter_down_proj.weight
                product = lora.adapter_up_proj.weight @ down * (8.0 / 4)
                ours.attention.get_submodule(name).weight += product
    wavs = torch.randn(2, 6_000, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        encoder(wavs), merged(wavs), rtol=1e-4, atol=1e-5
    )


def test_adapters_come_back_from_a_checkpoint_of_them_alone(tmp_path):
    encoder = moved(adapted(student()))
    checkpointer = Checkpointer(tmp_path, {"adapted": encoder})
    saved = checkpointer.save_checkpoint().paramfiles["adapted"]
    names_saved = torch.load(saved, weights_only=True).keys()
    wanted = {n for n, p in encoder.named_parameters() if p.requires_grad}
    assert names_saved == wanted
    twin = adapted(student())
    Checkpointer(tmp_path, {"adapted": twin}).recover_if_possible()
    state = encoder.state_dict()
    for name, tensor in twin.state_dict().items():
        assert torch.equal(tensor, state[name]), name
    assert len(wanted) == 3 * 2 * 2
