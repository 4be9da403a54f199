"""The acoustic teacher that needs no download: residual codes of log-mel frames.

After MuQ's Mel-RVQ (arXiv 2501.01108): log-mel frames of the training audio, standardised
bin by bin, are quantised by a cascade of codebooks, each fitted to what the ones before
left over. MuQ trains its cascade by gradient; here each codebook is k-means (k-means++
start, Lloyd's iterations, empty clusters moved to badly served frames), which takes
minutes and no tuning.

B batch, S samples, T frames, F mel bins, K codebooks, C codes, N frames to fit on.

Authors
 * The mert_sb developers 2026
"""

import torch

from mert_sb import frames
from mert_sb.progress import Progress
from mert_sb.seeds import item_generator
from mert_sb.teachers.base import Teacher, file_checksum
from mert_sb.teachers.fitted import kept_report, read_fitted, write_fitted
from mert_sb.teachers.fitted_tensors import check_fitted
from mert_sb.teachers.kmeans import kmeans
from mert_sb.teachers.mel import MelFrames
from mert_sb.teachers.nearest import nearest
from mert_sb.teachers.ranks import Ranks
from mert_sb.teachers.usage import perplexity

KIND = "mel_rvq"
# Tensors and the number of their axes.
FITTED = {"mean": 1, "scale": 1, "codebooks": 3}


class MelRVQTeacher(Teacher):
    """Residual codes of log-mel frames by a fitted cascade.

    Arguments
    ---------
    path : str
        File written by ``fit_mel_rvq``.
    sample_rate : int
        In Hz; must be the one it was fitted at.
    checksum : str, optional
        First digits of the file's SHA-256, to pin the codes of an experiment.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the checksum or the sample rate is another, or the file is no cascade.

    Example
    -------
    >>> path = getfixture("tmpdir") / "mel_rvq.safetensors"
    >>> clips = [torch.rand(4, 24_080) for _ in range(4)]
    >>> _ = fit_mel_rvq(
    ...     clips, path, sample_rate=24_000, n_codebooks=2, codebook_size=8
    ... )
    >>> MelRVQTeacher(path=path)(torch.rand(2, 24_080)).shape
    torch.Size([2, 75, 2])
    """

    def __init__(self, *, path, sample_rate=24_000, checksum=None):
        super().__init__(sample_rate=sample_rate)
        fitted, about = read_fitted(path, KIND, checksum)
        check_fitted(path, KIND, fitted, FITTED)
        rate = about["settings"].get("sample_rate")
        if rate != sample_rate:
            raise ValueError(
                f"MelRVQ: {path} was fitted at {rate} Hz, but "
                f"sample_rate is {sample_rate}"
            )
        for name in FITTED:
            self.register_buffer(name, fitted[name])
        self.n_codebooks, self.codebook_size, n_mels = fitted["codebooks"].shape
        self.mel = MelFrames(sample_rate, n_mels=n_mels)
        self.eval()

    first_centre = frames.RECEPTIVE_FIELD // 2

    @classmethod
    def identity(cls, **settings):
        """The class, the rate, and the fitted file's checksum.

        Arguments
        ---------
        **settings : dict
            Keyword arguments of the constructor.

        Returns
        -------
        dict
            Plain values.

        Example
        -------
        >>> MelRVQTeacher.identity(path="absent")["checksum"] is None
        True
        """
        identity = {"sample_rate": 24_000, **settings}
        path = identity.pop("path")
        identity["checksum"] = file_checksum(path)
        return super().identity(**identity)

    def frame_targets(self, wavs):
        """Codes of the clips.

        Arguments
        ---------
        wavs : torch.Tensor
            ``(B, S)``.

        Returns
        -------
        torch.Tensor
            ``(B, T, K)`` int64.
        """
        residual = (self.mel(wavs) - self.mean) / self.scale
        codes = []
        for codebook in self.codebooks:
            chosen = nearest(residual.flatten(0, 1), codebook)
            chosen = chosen.view(residual.shape[:2])
            residual = residual - codebook[chosen]
            codes.append(chosen)
        return torch.stack(codes, dim=-1)


def fit_mel_rvq(
    clips,
    path,
    *,
    sample_rate,
    n_mels=128,
    n_codebooks=8,
    codebook_size=1024,
    n_iterations=20,
    max_frames=100_000,
    seed=0,
):
    """Fit the cascade and write it; a file that is there is kept.

    Arguments
    ---------
    clips : iterable of torch.Tensor
        Batches of clips ``(B, S)``, until ``max_frames`` are seen; not touched if
        the file is there.
    path : str or pathlib.Path
        File to write, whole or not at all.
    sample_rate : int
        In Hz.
    n_mels : int
        F.
    n_codebooks : int
        K.
    codebook_size : int
        C.
    n_iterations : int
        Lloyd's iterations a codebook.
    max_frames : int
        N at most.
    seed : int
        Of the k-means starts.

    Returns
    -------
    dict
        ``frames`` used and, for each codebook, ``unexplained``, the share of
        variance left after it, ``perplexity`` of its codes and ``usage``, the frames
        of each code; and ``kept``, whether the file was there.

    Raises
    ------
    ValueError
        If there are fewer frames than codes, a frame is not finite, or the file that
        is there was fitted with other settings.

    Example
    -------
    >>> path = getfixture("tmpdir") / "mel_rvq.safetensors"
    >>> plan = {"sample_rate": 24_000, "n_codebooks": 2, "codebook_size": 8}
    >>> report = fit_mel_rvq([torch.rand(4, 24_080)], path, **plan)
    >>> report["frames"], len(report["unexplained"]), report["kept"]
    (300, 2, False)
    >>> fit_mel_rvq([], path, **plan)["kept"]
    True
    """
    settings = {
        "sample_rate": sample_rate,
        "n_mels": n_mels,
        "n_codebooks": n_codebooks,
        "codebook_size": codebook_size,
        "n_iterations": n_iterations,
        "max_frames": max_frames,
        "seed": seed,
    }
    kept = kept_report(path, KIND, settings, Ranks(False))
    if kept:
        return kept
    mel = MelFrames(sample_rate, n_mels=n_mels)
    feats = _collect(clips, mel, max_frames, sample_rate)
    if len(feats) < codebook_size:
        raise ValueError(
            f"MelRVQ: {len(feats)} frames are too few for {codebook_size} codes; "
            "give more audio or lower codebook_size"
        )
    fitted, report = _cascade(feats, settings)
    write_fitted(path, KIND, fitted, settings, report)
    return {**report, "kept": False}


def _cascade(feats, settings):
    """Codebooks and report from log-mel frames ``(N, F)``."""
    scale, mean = torch.std_mean(feats, 0)
    scale = scale.clamp(min=1e-3)
    residual = (feats - mean) / scale
    total = residual.square().mean()
    report = {"unexplained": [], "perplexity": [], "usage": []}
    codebooks = []
    with Progress(KIND, settings["n_codebooks"], "codebook") as progress:
        for index in range(settings["n_codebooks"]):
            dice = item_generator(settings["seed"], 0, str(index), KIND)
            n_codes = settings["codebook_size"]
            codebook = kmeans(residual, n_codes, settings["n_iterations"], dice)
            chosen = nearest(residual, codebook)
            residual = residual - codebook[chosen]
            codebooks.append(codebook)
            counts = torch.bincount(chosen, minlength=n_codes)
            # Of silence nothing is left to explain.
            left = (residual.square().mean() / total).item() if total else 0.0
            report["unexplained"].append(left)
            report["perplexity"].append(perplexity(counts))
            report["usage"].append(counts.tolist())
            progress.update()
    fitted = {"mean": mean, "scale": scale, "codebooks": torch.stack(codebooks)}
    return fitted, {"frames": len(feats), **report}


@torch.no_grad()
def _collect(clips, mel, max_frames, sample_rate):
    """Log-mel frames ``(N, F)`` of the first clips."""
    parts, count = [], 0
    with Progress(f"{KIND}-frames", max_frames, "frame") as progress:
        for wavs in clips:
            parts.append(mel(wavs).flatten(0, 1))
            if not parts[-1].isfinite().all():
                raise ValueError(
                    f"MelRVQ: batch {len(parts) - 1} of the clips has frames that are "
                    "not finite; find the file and leave it out"
                )
            count += len(parts[-1])
            seconds = wavs.numel() / sample_rate
            used = min(count, max_frames)
            progress.update(used - progress.done, seconds=seconds)
            if count >= max_frames:
                break
    if not parts:
        raise ValueError("MelRVQ: there are no clips to fit it on")
    return torch.cat(parts)[:max_frames]
