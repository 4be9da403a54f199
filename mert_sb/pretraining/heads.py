"""Heads: from the student's masked frames to a teacher's targets (equations 1 to 3).

M masked frames, U visible ones, D width, K codebooks, C codes a codebook, P projected
width, F target features. Heads compute in float32 whatever the precision around them.

Authors
 * The mert_sb developers 2026
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

MAX_SCALE = 100.0


class CodebookHead(nn.Module):
    """Cross-entropy of cosine logits, for each codebook of an acoustic teacher.

    The original's noise-contrastive loss with all other codes as negatives is this
    cross-entropy: it expands the codebook over every masked frame (0.9 GB a codebook
    at the paper's batch), here it is one matrix product.

    Arguments
    ---------
    input_dim : int
        D.
    n_codebooks : int
        K (EnCodec at 6 kb/s: 8).
    codebook_size : int
        C (1,024).
    proj_dim : int
        P (``final_dim``: 64 for 95M, 128 for 330M).
    temperature : float
        Divisor of the cosines (``logit_temp``: 0.1); where it is learned, the first
        (``learnable_temp_init``: 0.1).
    learnable_temperature : bool
        Learn one for each codebook (``learnable_temp``: false).
    max_scale : float
        Ceiling of one over a learned temperature (``learnable_temp_max``: 100).
        Beyond it a temperature has no gradient.
    tied_projection : bool
        One projection for all codebooks in place of one for each
        (``untie_final_proj``: false in the code, true in both YAMLs).
    target_glu : bool
        Pass codes through a gated linear unit before they are compared
        (``target_glu``: false). Not with ``tied_projection``: a codebook would have
        nothing of its own on either side but its codes.
    random_codebooks : int
        Codebooks compared in a training batch, drawn without replacement, the
        losses of the others being left out; 0 for all (``random_codebook``: -1,
        which draws some twice). Drawn from torch's own dice, as dropout is.
    visible_weight : float
        Weight of a visible frame in the loss, a masked one having 1
        (``pred_nomask_weight``: 0).

    Raises
    ------
    ValueError
        If an option is impossible, or set without effect.

    Example
    -------
    >>> head = CodebookHead(32, n_codebooks=2, codebook_size=10, proj_dim=8)
    >>> result = head(torch.rand(7, 32), torch.zeros(7, 2, dtype=torch.long))
    >>> result["loss"].shape, result["losses"].shape, result["accuracy"].shape
    (torch.Size([]), torch.Size([2]), torch.Size([2]))
    """

    def __init__(
        self,
        input_dim,
        *,
        n_codebooks=8,
        codebook_size=1024,
        proj_dim=64,
        temperature=0.1,
        learnable_temperature=False,
        max_scale=MAX_SCALE,
        tied_projection=False,
        target_glu=False,
        random_codebooks=0,
        visible_weight=0.0,
    ):
        super().__init__()
        if not 0 <= random_codebooks < n_codebooks:
            raise ValueError(
                f"random_codebooks: {random_codebooks} of {n_codebooks}; give fewer, "
                "or 0 for all of them"
            )
        if visible_weight < 0:
            raise ValueError(f"visible_weight: {visible_weight} is below 0")
        if target_glu and tied_projection:
            raise ValueError(
                "target_glu: not with tied_projection, a codebook would have nothing "
                "of its own but its codes; set one of them to False"
            )
        _check_temperature(temperature, learnable_temperature, max_scale)
        self.n_codebooks = n_codebooks
        self.temperature = temperature
        self.max_scale = max_scale
        self.tied_projection = tied_projection
        self.random_codebooks = random_codebooks
        self.visible_weight = visible_weight
        n_projections = 1 if tied_projection else n_codebooks
        self.projection = nn.Linear(input_dim, n_projections * proj_dim)
        self.codes = nn.Parameter(
            torch.rand(n_codebooks, codebook_size, proj_dim)
        )
        self.glu = self.log_scales = None
        if target_glu:
            self.glu = nn.Sequential(
                nn.Linear(proj_dim, 2 * proj_dim), nn.GLU()
            )
        if learnable_temperature:
            log_scale = -math.log(temperature)
            self.log_scales = nn.Parameter(
                torch.full((n_codebooks,), log_scale)
            )

    def forward(self, hidden, targets, visible=None):
        """Compare.

        Arguments
        ---------
        hidden : torch.Tensor
            ``(M, D)``.
        targets : torch.Tensor
            ``(M, K)`` int64 codes.
        visible : tuple of (torch.Tensor, torch.Tensor), optional
            ``(U, D)`` and ``(U, K)``, the same of frames that were not masked;
            needed, and used, where ``visible_weight`` is not 0.

        Returns
        -------
        dict of torch.Tensor
            ``loss``, the sum over codebooks of the mean over frames, of which a
            visible one counts ``visible_weight``; ``losses`` and ``accuracy``
            ``(K,)`` of the masked ones, zeros if M is 0; ``prediction`` ``(M, K)``,
            their likeliest codes. With ``random_codebooks`` and in training only
            the codebooks drawn.

        Raises
        ------
        ValueError
            If visible frames are needed and not there.
        """
        n_masked, weight = len(hidden), self.visible_weight
        if weight:
            if visible is None:
                raise ValueError("visible_weight: no visible frames are given")
            hidden = torch.cat([hidden, visible[0]])
            targets = torch.cat([targets, visible[1]])
        chosen = slice(None)
        if self.training and self.random_codebooks:
            drawn = torch.randperm(self.n_codebooks)[: self.random_codebooks]
            chosen = sorted(drawn.tolist())
        logits = self._logits(hidden, chosen)
        targets = targets.T[chosen]
        entropies = F.cross_entropy(logits.mT, targets, reduction="none")
        predicted = logits.detach().argmax(-1)
        hits = predicted == targets
        losses = total = entropies[:, :n_masked].sum(1)
        if weight:
            total = losses + weight * entropies[:, n_masked:].sum(1)
        n_frames = n_masked + weight * (len(hidden) - n_masked)
        return {
            "loss": (total / max(1, n_frames)).sum(),
            "losses": losses.detach() / max(1, n_masked),
            "accuracy": hits[:, :n_masked].sum(1) / max(1, n_masked),
            "prediction": predicted[:, :n_masked].T,
        }

    def _logits(self, hidden, chosen):
        """``(K, M, C)``, or of the chosen codebooks."""
        with torch.autocast(hidden.device.type, enabled=False):
            projected = self.projection(hidden.float())
            if not self.tied_projection:
                projected = projected.unflatten(-1, (self.n_codebooks, -1))
                projected = projected.transpose(0, 1)[chosen]
            codes = self.codes.float()[chosen]
            if self.glu is not None:
                codes = self.glu(codes)
            queries = F.normalize(projected, dim=-1)
            logits = queries @ F.normalize(codes, dim=-1).mT
            if self.log_scales is None:
                return logits / self.temperature
            scales = self.log_scales.exp().clamp(max=self.max_scale)
            return logits * scales[chosen, None, None]


def _check_temperature(temperature, learnable, max_scale):
    """Refuse a ceiling without effect, or one that is reached at the start."""
    if temperature <= 0:
        raise ValueError(f"temperature: {temperature} is not above 0")
    if not learnable and max_scale != MAX_SCALE:
        raise ValueError(
            "max_scale: has no effect unless learnable_temperature is True"
        )
    if learnable and 1 / temperature > max_scale:
        raise ValueError(
            f"temperature: 1 / {temperature} is above max_scale, {max_scale}, where "
            "temperatures have no gradient; raise one of them"
        )


class RegressionHead(nn.Module):
    """Mean squared error of a linear prediction, for the musical teacher.

    Arguments
    ---------
    input_dim : int
        D.
    n_features : int
        F (``audio_cqt_bins``: 336).
    scale : float
        What the prediction is multiplied by, about the targets' standard deviation:
        the projection then learns numbers near 1 however small the targets are.
        Checkpoints hold it, and a run of another scale does not go on from them.

    Example
    -------
    >>> head = RegressionHead(32, n_features=5)
    >>> sorted(head(torch.rand(7, 32), torch.rand(7, 5)))
    ['loss', 'prediction']
    """

    def __init__(self, input_dim, *, n_features=336, scale=1.0):
        super().__init__()
        if scale <= 0:
            raise ValueError(f"scale: {scale} is not above 0")
        self.scale = scale
        self.projection = nn.Linear(input_dim, n_features)

    # Not a buffer: DDP would send those around before every step.
    def get_extra_state(self):
        """What a checkpoint holds beside the weights.

        Returns
        -------
        torch.Tensor
            The scale.
        """
        return torch.tensor(self.scale, dtype=torch.float64)

    def set_extra_state(self, state):
        """Compare with a checkpoint's.

        Arguments
        ---------
        state : torch.Tensor
            The scale that its weights learned with.

        Raises
        ------
        ValueError
            If it is another.
        """
        if float(state) != self.scale:
            raise ValueError(
                f"scale: {self.scale}, but the checkpoint's head learned with "
                f"{float(state)}; set it to that, or begin in another output_folder"
            )

    def forward(self, hidden, targets):
        """Compare.

        Arguments
        ---------
        hidden : torch.Tensor
            ``(M, D)``.
        targets : torch.Tensor
            ``(M, F)``.

        Returns
        -------
        dict of torch.Tensor
            ``loss``, the mean over frames and features (0 if M is 0), and
            ``prediction`` ``(M, F)``, detached.
        """
        with torch.autocast(hidden.device.type, enabled=False):
            predicted = self.scale * self.projection(hidden.float())
            squares = (predicted - targets.float()).pow(2)
        return {
            "loss": squares.sum() / max(1, squares.numel()),
            "prediction": predicted.detach(),
        }
