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

import json
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from mert_sb import frames
from mert_sb.seeds import item_generator
from mert_sb.teachers.base import Teacher, file_checksum
from mert_sb.teachers.kmeans import kmeans
from mert_sb.teachers.mel import MelFrames
from mert_sb.teachers.nearest import nearest
from mert_sb.teachers.usage import perplexity

FITTED = ("mean", "scale", "codebooks")


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
        If the checksum or the sample rate is another.

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
        found = file_checksum(path)
        if found is None:
            raise FileNotFoundError(
                f"MelRVQ: there is no file {path}; fit it first (the AudioFolder "
                "recipe does on its first run)"
            )
        if checksum is not None and not found.startswith(checksum):
            raise ValueError(
                f"MelRVQ: {path} has SHA-256 {found[:8]}..., not {checksum}...; "
                "it was fitted anew, and its codes mean something else"
            )
        fitted, about = _read(path)
        if about["sample_rate"] != sample_rate:
            raise ValueError(
                f"MelRVQ: {path} was fitted at {about['sample_rate']} Hz, but "
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
    """Fit the cascade and write it.

    Arguments
    ---------
    clips : iterable of torch.Tensor
        Batches of clips ``(B, S)``, until ``max_frames`` are seen.
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
        of each code.

    Raises
    ------
    ValueError
        If there are fewer frames than codes.

    Example
    -------
    >>> path = getfixture("tmpdir") / "mel_rvq.safetensors"
    >>> report = fit_mel_rvq(
    ...     [torch.rand(4, 24_080)],
    ...     path,
    ...     sample_rate=24_000,
    ...     n_codebooks=2,
    ...     codebook_size=8,
    ... )
    >>> report["frames"], len(report["unexplained"])
    (300, 2)
    """
    feats = _collect(clips, MelFrames(sample_rate, n_mels=n_mels), max_frames)
    if len(feats) < codebook_size:
        raise ValueError(
            f"MelRVQ: {len(feats)} frames are too few for {codebook_size} codes; "
            "give more audio or lower codebook_size"
        )
    scale, mean = torch.std_mean(feats, 0)
    scale = scale.clamp(min=1e-3)
    residual = (feats - mean) / scale
    total = residual.square().mean()
    codebooks, unexplained, usage = [], [], []
    for index in range(n_codebooks):
        generator = item_generator(seed, 0, str(index), "mel_rvq")
        codebook = kmeans(residual, codebook_size, n_iterations, generator)
        chosen = nearest(residual, codebook)
        residual = residual - codebook[chosen]
        codebooks.append(codebook)
        unexplained.append((residual.square().mean() / total).item())
        counts = torch.bincount(chosen, minlength=codebook_size)
        usage.append(counts)
    report = {
        "frames": len(feats),
        "unexplained": unexplained,
        "perplexity": [perplexity(counts) for counts in usage],
    }
    about = {"sample_rate": sample_rate, **report}
    fitted = {"mean": mean, "scale": scale, "codebooks": torch.stack(codebooks)}
    temporary = Path(f"{path}.part")
    save_file(fitted, temporary, metadata={"mel_rvq": json.dumps(about)})
    temporary.replace(path)
    return {**report, "usage": [counts.tolist() for counts in usage]}


def _read(path):
    """Fitted tensors and what was noted beside them."""
    with safe_open(path, framework="pt") as file:
        fitted = {name: file.get_tensor(name) for name in FITTED}
        return fitted, json.loads(file.metadata()["mel_rvq"])


@torch.no_grad()
def _collect(clips, mel, max_frames):
    """Log-mel frames ``(N, F)`` of the first clips."""
    parts, count = [], 0
    for wavs in clips:
        parts.append(mel(wavs).flatten(0, 1))
        count += len(parts[-1])
        if count >= max_frames:
            break
    if not parts:
        raise ValueError("MelRVQ: there are no clips to fit it on")
    return torch.cat(parts)[:max_frames]
