"""The Brain of downstream tasks: weights, clipping, schedule, means, refusals.

Authors
 * The mert_sb developers 2026
"""

import math

import pytest
import speechbrain as sb
import torch
from speechbrain.nnet.schedulers import LinearWarmupScheduler
from speechbrain.utils.epoch_loop import EpochCounter
from torch import nn

from mert_sb.checkpoints import CompleteCheckpointer
from mert_sb.downstream import layerwise_groups
from mert_sb.downstream.brain import DownstreamBrain

N_ITEMS, WIDTH = 8, 4


class Regression(DownstreamBrain):
    """Fits a head and an encoder of two numbers a column to noise."""

    def compute_forward(self, batch, stage):
        return self.modules.head(self.modules.encoder(batch["feats"]))

    def compute_objectives(self, predictions, batch, stage):
        losses = (predictions - batch["targets"]).square().mean(-1)
        self.measure(loss=losses, large=losses > 1)
        return losses.mean()


class Log:
    """Keeps what is logged."""

    def __init__(self):
        self.lines = []

    def log_stats(self, meta, **stats):
        self.lines.append({**meta, **stats})


class Weights:
    """A pretrainer that fills an encoder with ones."""

    def __init__(self, module):
        self.module = module
        self.collected = False

    def collect_files(self):
        self.collected = True

    def load_collected(self):
        assert self.collected
        nn.init.ones_(self.module.weight)


def items(scale=1.0):
    generator = torch.Generator().manual_seed(0)
    feats = torch.randn(N_ITEMS, WIDTH, generator=generator)
    targets = torch.randn(N_ITEMS, WIDTH, generator=generator)
    return [
        {"feats": scale * feats[i], "targets": scale * targets[i]}
        for i in range(N_ITEMS)
    ]


def loader(data, batch_size=4):
    return sb.dataio.dataloader.SaveableDataLoader(data, batch_size=batch_size)


@pytest.fixture
def make(tmp_path):
    """Makes a Brain of two groups, SGD of rates 1 and 0.1, no warm-up."""

    def make(folder="save", n_steps=10**9, **run_opts):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            encoder, head = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
        counter = EpochCounter(2)
        hparams = {
            "pretrainer": Weights(encoder),
            "parameter_groups": lambda modules: layerwise_groups(
                modules, lr=1.0, encoder_lr=0.1
            ),
            "lr_schedule": LinearWarmupScheduler(1.0, 0, n_steps),
            "train_logger": Log(),
            "epoch_counter": counter,
        }
        return Regression(
            {"encoder": encoder, "head": head},
            torch.optim.SGD,
            hparams,
            sb.RunOptions.from_dictionary(
                {"device": "cpu", "noprogressbar": True, **run_opts}
            ),
            CompleteCheckpointer(
                tmp_path / folder,
                {"encoder": encoder, "head": head, "counter": counter},
            ),
        )

    return make


def parameters(brain):
    return {n: p.detach().clone() for n, p in brain.modules.named_parameters()}


def fit(brain, data=None, **options):
    data = items() if data is None else data
    brain.fit(
        brain.hparams.epoch_counter,
        loader(data, **options),
        loader(items()),
    )


def step(brain, data):
    """One step; how far each module went, divided by its rate."""
    brain.on_fit_start()
    before = parameters(brain)
    brain.step, brain.nonfinite_count = 1, 0  # as Brain.fit begins
    brain.fit_batch(next(iter(loader(data, batch_size=N_ITEMS))))
    gone = {"encoder": 0.0, "head": 0.0}
    for name, after in parameters(brain).items():
        rate = 0.1 if name.startswith("encoder") else 1.0
        distance = (after - before[name]) / rate
        gone[name.partition(".")[0]] += float(distance.square().sum())
    return gone


def test_the_pretrainer_fills_the_encoder_before_training(make):
    brain = make()
    assert torch.equal(brain.modules.encoder.weight, torch.ones(WIDTH, WIDTH))


def test_all_groups_are_clipped_together(make):
    gone = step(make(max_grad_norm=0.5), items(scale=100.0))
    assert math.sqrt(sum(gone.values())) == pytest.approx(0.5, rel=1e-4)
    assert min(gone.values()) > 1e-4
    free = step(make("free", max_grad_norm=1.0e9), items(scale=100.0))
    shares = [gone["head"] / gone["encoder"], free["head"] / free["encoder"]]
    assert shares[0] == pytest.approx(shares[1], rel=1e-3)


def test_a_step_whose_gradient_is_not_finite_changes_nothing(make):
    brain = make()
    gone = step(brain, items(scale=math.inf))
    assert gone == {"encoder": 0.0, "head": 0.0}
    assert brain.optimizer_step == 1


def test_the_schedule_scales_all_groups_alike(make):
    brain = make(n_steps=8)
    fit(brain)
    lines = brain.hparams.train_logger.lines
    rates = [
        [line["train_stats"][f"lr_{name}"] for name in ("encoder_00", "head")]
        for line in lines
    ]
    assert rates == [
        pytest.approx([0.1 * 0.75, 0.75]),
        pytest.approx([0.1 * 0.5, 0.5]),
    ]
    assert [line["step"] for line in lines] == [2, 4]


def test_means_are_over_items_however_large_the_batches(make):
    brain = make(max_grad_norm=1e-9)
    brain.fit([1], loader(items()), loader(items(), batch_size=5))
    brain.modules.eval()
    batch = next(iter(loader(items(), batch_size=N_ITEMS)))
    predictions = brain.compute_forward(batch, None).detach()
    losses = predictions - batch["targets"]
    losses = losses.square().mean(-1)
    stats = brain.hparams.train_logger.lines[0]["valid_stats"]
    assert stats["loss"] == pytest.approx(float(losses.mean()), rel=1e-5)
    large = float((losses > 1).float().mean())
    assert 0 < large < 1
    assert stats["large"] == pytest.approx(large)


def test_the_best_and_the_newest_checkpoint_are_kept(make):
    brain = make(max_grad_norm=1.0e9)
    fit(brain, items(scale=4.0))  # diverges
    losses = [
        line["valid_stats"]["loss"] for line in brain.hparams.train_logger.lines
    ]
    assert losses[1] > 2 * losses[0]
    kept = brain.checkpointer.list_checkpoints()
    found = sorted((c.meta["epoch"], c.meta["loss"]) for c in kept)
    assert found == [
        (1, pytest.approx(losses[0])),
        (2, pytest.approx(losses[1])),
    ]
    brain.evaluate(loader(items()), min_key="loss")
    tested = brain.hparams.train_logger.lines[-1]["test_stats"]["loss"]
    assert tested == pytest.approx(losses[0])


def test_a_restart_takes_up_weights_optimizer_and_rates(make):
    brain = make(n_steps=8)
    fit(brain)
    again = make(n_steps=8)
    fit(again)  # both epochs are done
    for name, tensor in parameters(again).items():
        assert torch.equal(tensor, parameters(brain)[name])
    assert again.optimizer_step == 4
    assert [g["lr"] for g in again.optimizer.param_groups] == [
        g["lr"] for g in brain.optimizer.param_groups
    ]


def test_checkpoints_within_an_epoch_wait_for_a_step(make):
    brain = make(grad_accumulation_factor=2, ckpt_interval_steps=1)
    brain.on_fit_start()
    due = []
    for brain.step in (1, 2, 3, 4):
        due.append(brain._should_save_intra_epoch_ckpt(0.0, 1))
    assert due == [False, True, False, True]


@pytest.mark.parametrize(
    "option",
    [
        {"max_grad_norm": 0.0},
        {"max_grad_norm": -1.0},
        {"remove_vector_weight_decay": True},
    ],
)
def test_run_options_that_do_harm_are_refused(make, option):
    with pytest.raises(ValueError, match=next(iter(option))):
        make(**option)


def test_a_limit_of_steps_from_the_command_line_is_a_number(make):
    brain = make(optimizer_step_limit="3")
    fit(brain)
    assert brain.optimizer_step == 3
