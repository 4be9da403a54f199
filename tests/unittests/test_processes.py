"""How processes meet.

Authors
 * The mert_sb developers 2026
"""

import datetime

import pytest
import torch

from mert_sb.processes import UNSHARED, VARIABLE, Company, meet, time_limit


@pytest.fixture
def met(monkeypatch):
    """What the group was asked for."""
    asked = {}

    def init(backend, **options):
        asked.update(backend=backend, **options)

    monkeypatch.setattr(torch.distributed, "init_process_group", init)
    return asked


@pytest.fixture
def second_of_four(monkeypatch):
    monkeypatch.setenv("RANK", "3")
    monkeypatch.setenv("LOCAL_RANK", "1")


def test_without_torchrun_nothing_is_done(met, monkeypatch):
    for name in ("RANK", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    # Slurm's own: an interactive shell has it too.
    monkeypatch.setenv("SLURM_PROCID", "0")
    meet({"distributed_backend": "gloo"})
    assert not met


@pytest.mark.parametrize(("text", "seconds"), [(None, 7200), ("90", 90)])
def test_the_group_has_the_time_limit(
    met, second_of_four, monkeypatch, text, seconds
):
    monkeypatch.delenv(VARIABLE, raising=False)
    if text:
        monkeypatch.setenv(VARIABLE, text)
    meet({"distributed_backend": "gloo"})
    timeout = datetime.timedelta(seconds=seconds)
    assert met == {"backend": "gloo", "rank": 3, "timeout": timeout}


@pytest.mark.parametrize(
    ("restarts", "shared", "warned"),
    [("2", "True", True), ("2", "False", False), ("0", "True", False)],
)
def test_restarts_at_former_addresses_are_warned_of(
    met, second_of_four, monkeypatch, caplog, restarts, shared, warned
):
    monkeypatch.setenv("TORCHELASTIC_MAX_RESTARTS", restarts)
    monkeypatch.setenv("TORCHELASTIC_USE_AGENT_STORE", shared)
    meet({"distributed_backend": "gloo"})
    assert (f"set {UNSHARED}=1" in caplog.text) == warned
    assert met


def test_a_process_without_a_gpu_is_told(met, second_of_four, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(
        ValueError, match="process 1 .* there are 1; start fewer"
    ):
        meet({"distributed_backend": "nccl"})
    assert not met


def test_a_process_takes_its_gpu(met, second_of_four, monkeypatch):
    taken = []
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", taken.append)
    meet({"distributed_backend": "nccl"})
    assert taken == [1] and met["backend"] == "nccl"


@pytest.mark.parametrize("text", ["0", "-1", "soon", "1.5", ""])
def test_no_time_is_refused(monkeypatch, text):
    monkeypatch.setenv(VARIABLE, text)
    with pytest.raises(ValueError, match=f"{VARIABLE}: {text!r} is no whole"):
        time_limit()


@pytest.mark.parametrize(
    ("count", "end_of_epoch", "said"),
    [(2, False, False), (4, True, False), (4, False, True), (1, False, True)],
)
def test_another_number_of_processes_is_said_in_mid_epoch(
    tmp_path, caplog, count, end_of_epoch, said
):
    Company(2).save(tmp_path / "company.ckpt")
    Company(count).load(tmp_path / "company.ckpt", end_of_epoch)
    assert ("by 2 processes, now there are" in caplog.text) == said
