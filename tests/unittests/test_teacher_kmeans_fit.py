"""Fitting k-means: clusters are found, all draws are the seed's.

Authors
 * The mert_sb developers 2026
"""

import pytest
import torch
from safetensors import safe_open

from mert_sb.teachers.base import file_checksum
from mert_sb.teachers.kmeans import kmeans
from mert_sb.teachers.kmeans_start import best_start, plus_plus
from mert_sb.teachers.lloyd import lloyd
from mert_sb.teachers.minibatch import minibatch_sklearn, minibatch_torch
from mert_sb.teachers.ranks import Ranks
from mert_sb.teachers.usage import perplexity
from tests.utils.teacher_frames import STEPS, clips_of, clusters, fit

ALONE = Ranks(False)
METHODS = ("torch", "sklearn")


def codebook_of(path):
    with safe_open(path, framework="pt") as file:
        return file.get_tensor("codebook")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "fitted.safetensors"


@pytest.mark.parametrize("method", METHODS)
def test_clusters_are_found(path, method, device):
    points, rows, labels = clusters(12, 50)
    report = fit(path, rows, 12, method=method, device=device)
    distances = torch.cdist(points, codebook_of(path))
    assert distances.min(1).values.max() < 0.1
    assert distances.argmin(1).unique().numel() == 12
    assert report["usage"] == [[50] * 12]
    assert report["perplexity"] == pytest.approx([12])
    means = torch.stack([rows[labels == k].mean(0) for k in range(12)])
    inertia = (rows - means[labels]).square().sum(1).mean().item()
    assert report["inertia"] == pytest.approx(inertia, rel=1e-3)
    variance = (rows - rows.mean(0)).square().sum(1).mean().item()
    share = report["unexplained"][0]
    assert share == pytest.approx(inertia / variance, rel=1e-3)
    assert (report["frames"], report["empty"], report["kept"]) == (
        600,
        0,
        False,
    )


@pytest.mark.parametrize("method", METHODS)
def test_a_fit_is_as_good_as_scikit_learns_on_what_has_no_clusters(
    path, method
):
    from sklearn.cluster import KMeans

    rows = torch.randn(600, 4, generator=torch.Generator().manual_seed(0))
    report = fit(path, rows, 16, method=method)
    best = KMeans(16, n_init=4, random_state=0).fit(rows.numpy()).inertia_ / 600
    assert 0.99 * best < report["inertia"] < 1.06 * best


@pytest.mark.parametrize("method", METHODS)
def test_fits_are_equal_whatever_was_drawn_before(tmp_path, method):
    rows = clusters(5, 40)[1]
    reports = []
    for name in "ab":
        torch.rand(3)
        before = torch.random.get_rng_state()
        reports.append(fit(tmp_path / name, rows, 8, method=method))
        assert torch.equal(torch.random.get_rng_state(), before)
    assert reports[0] == reports[1]
    assert file_checksum(tmp_path / "a") == file_checksum(tmp_path / "b")
    fit(tmp_path / "c", rows, 8, method=method, seed=1)
    assert file_checksum(tmp_path / "c") != file_checksum(tmp_path / "a")


def test_a_start_takes_a_frame_of_each_cluster():
    _, rows, labels = clusters(20, 30)
    start, left = plus_plus(rows, 20, torch.Generator().manual_seed(0))
    found = torch.cdist(start, rows).argmin(1)
    assert labels[found].unique().numel() == 20
    nearest = torch.cdist(rows, start).min(1).values.square().sum().item()
    assert left == pytest.approx(nearest, rel=1e-2)


def test_more_starts_are_no_worse():
    rows = torch.randn(300, 4, generator=torch.Generator().manual_seed(0))
    left = []
    for restarts in (1, 12):
        dice = torch.Generator().manual_seed(1)
        start = best_start(rows, 20, restarts, dice)
        left.append(torch.cdist(rows, start).min(1).values.square().sum())
    assert left[1] < left[0]


def test_codebooks_inside_others_start_from_plain_draws():
    rows = torch.randn(300, 4, generator=torch.Generator().manual_seed(0))
    _, greedy = plus_plus(rows, 30, torch.Generator().manual_seed(1))
    _, plain = plus_plus(rows, 30, torch.Generator().manual_seed(1), tries=1)
    assert greedy < 0.95 * plain
    # All 300 rows are its sample, in an order of their own.
    dice = torch.Generator().manual_seed(1)
    order = torch.randperm(300, generator=dice)
    start, _ = plus_plus(rows[order], 30, dice, tries=1)
    found = kmeans(rows, 30, 0, torch.Generator().manual_seed(1))
    assert torch.equal(found, start)


def test_mini_batches_alone_find_clusters_too():
    points, rows, _ = clusters(8, 50)
    found, steps = minibatch_torch(rows, 8, **STEPS, seed=0, ranks=ALONE)
    assert torch.cdist(points, found).min(1).values.max() < 0.1
    assert 20 <= steps <= 20 * 7


def test_patience_and_iterations_bound_the_steps():
    rows = clusters(8, 50)[1]
    plan = {**STEPS, "patience": 1_000}
    assert minibatch_torch(rows, 8, **plan, seed=0, ranks=ALONE)[1] == 20 * 7
    plan = {**STEPS, "patience": 2}
    assert minibatch_torch(rows, 8, **plan, seed=0, ranks=ALONE)[1] < 60


def test_scikit_learns_settings_are_ours(monkeypatch):
    from sklearn import cluster

    seen = {}

    class Spy(cluster.MiniBatchKMeans):
        def __init__(self, n_clusters, **settings):
            seen.update(settings)
            super().__init__(n_clusters, **settings)

    monkeypatch.setattr(cluster, "MiniBatchKMeans", Spy)
    minibatch_sklearn(clusters(3, 40)[1], 3, **STEPS, seed=7)
    assert (seen["batch_size"], seen["max_iter"]) == (64, 20)
    assert (seen["max_no_improvement"], seen["n_init"]) == (20, 2)
    assert (seen["random_state"], seen["init"]) == (7, "k-means++")


@pytest.mark.parametrize("n_passes", [0, 3])
def test_centres_without_frames_move_to_frames_served_worst(n_passes):
    points, rows, _ = clusters(6, 30)
    # Five of six centres start where no frame is.
    start = torch.cat([points[:1], torch.full((5, 4), 500.0)])
    centres, counts, _ = lloyd(rows, start, n_passes, ALONE)
    assert (counts > 0).all() and counts.sum() == 180
    assert centres.isfinite().all()
    nearest = torch.cdist(rows, centres).argmin(1)
    assert torch.equal(torch.bincount(nearest, minlength=6), counts)


def test_passes_lower_the_inertia():
    rows = torch.randn(500, 3, generator=torch.Generator().manual_seed(0))
    inertias = [lloyd(rows, rows[:20], n, ALONE)[2] for n in (0, 1, 10)]
    assert inertias[0] > inertias[1] > inertias[2]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
def test_frames_that_are_all_alike_leave_codes_empty(path, method):
    report = fit(path, torch.ones(60, 4), 8, method=method)
    assert report["empty"] == 7 and report["perplexity"] == [1]
    assert report["inertia"] < 1e-9 and report["unexplained"] == [0]
    assert codebook_of(path).isfinite().all()


def test_standardised_features_weigh_alike(tmp_path):
    """Two clusters lie along a feature that is small beside the other."""
    dice = torch.Generator().manual_seed(0)
    rows = torch.randn(200, 2, generator=dice) * torch.tensor([100.0, 0.01])
    rows[100:, 1] += 1
    usage = {}
    for standardize in (False, True):
        name = tmp_path / str(standardize)
        report = fit(name, rows, 2, standardize=standardize)
        usage[standardize] = sorted(report["usage"][0])
    assert usage[True] == [100, 100] != usage[False]


def test_a_share_of_the_frames_is_drawn(tmp_path):
    rows = clusters(5, 400)[1]
    half = fit(tmp_path / "a", rows, 5, share=0.5)["frames"]
    assert 900 < half < 1_100
    assert fit(tmp_path / "b", rows, 5, share=0.5)["frames"] == half
    assert fit(tmp_path / "c", rows, 5, share=0.5, seed=1)["frames"] != half


def test_at_most_the_frames_asked_for_are_read(path):
    rows = clusters(5, 40)[1]
    batches = iter(clips_of(rows.view(-1, 10, 4)).split(3))
    report = fit(path, rows, 5, clips=batches, max_frames=50)
    assert report["frames"] == 50
    assert len(list(batches)) == 7 - 2


def test_perplexity_is_of_the_shares():
    assert perplexity(torch.tensor([7, 0, 0])) == pytest.approx(1)
    assert perplexity(torch.tensor([3, 3, 3, 3])) == pytest.approx(4)
    # Half, a quarter and a quarter: 1.5 bits.
    assert perplexity(torch.tensor([2, 1, 1])) == pytest.approx(2**1.5)
