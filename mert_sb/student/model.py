"""The student: front end, projection, encoder (arXiv 2306.00107, section 3).

B batch, S samples, T frames, M masked frames of the batch, C channels, D width,
L layers. What makes training training (mixture, teachers, loss) lives elsewhere.

Authors
 * The mert_sb developers 2026
"""

import torch
from torch import nn

from mert_sb import frames
from mert_sb.cqt import CQT
from mert_sb.student.encoder import Encoder
from mert_sb.student.frontend import ConvFrontend
from mert_sb.student.statistics import normalize


class _ScaleGradient(torch.autograd.Function):
    """Identity whose gradient is multiplied by a number."""

    @staticmethod
    def forward(ctx, feats, factor):
        ctx.factor = factor
        return feats.view_as(feats)

    @staticmethod
    def backward(ctx, gradient):
        return gradient * ctx.factor, None


class MERT(nn.Module):
    """The encoder that learns and serves. Defaults are the paper's 95M.

    Arguments
    ---------
    sample_rate : int
        24,000 Hz (75 frames a second) or 16,000 for MERT v0 (50).
    conv_channels : int
        Width C of the front end.
    conv_norm : str
        ``"group"`` or ``"layer"``.
    conv_bias : bool
        Whether the front end's convolutions have a bias.
    embed_dim : int
        D.
    ffn_dim : int
        Width of the layers' inner network.
    num_heads : int
        Attention heads.
    num_layers : int
        L.
    norm : str
        ``"post"`` (95M), ``"pre"`` (330M) or ``"deepnorm"``.
    position_kernel : int
        Width of the positional convolution in frames.
    position_groups : int
        Its groups.
    dropout : float
        Of hidden states.
    attention_dropout : float
        Of attention weights.
    activation_dropout : float
        Inside the layers' network.
    input_dropout : float
        After the projection (fairseq ``dropout_input``).
    layerdrop : float
        Probability of skipping a layer in training.
    feature_grad_mult : float
        Factor of the gradient that reaches the front end; 0 freezes it.
    attention_relax : float
        The original's constant (330M: 32). Accepted, without effect: see
        ``SelfAttention``.
    feature_extractor_cqt : int
        Bins of a CQT joined to the front end's output (the original's 84 at 16
        kHz); 0 for none.
    normalize_wavs : bool
        Bring each clip to zero mean and unit variance first; the published 95M
        and v0 checkpoints want it, 330M does not (``do_normalize``).
    checkpoint_layers : bool
        Recompute layers in the backward pass to save memory.

    Example
    -------
    >>> student = MERT(
    ...     conv_channels=16,
    ...     embed_dim=32,
    ...     ffn_dim=64,
    ...     num_heads=4,
    ...     num_layers=2,
    ... )
    >>> wavs = torch.rand(2, 120_400)
    >>> student(wavs).shape
    torch.Size([2, 376, 32])
    >>> student(wavs, output_hidden_states=True).shape
    torch.Size([3, 2, 376, 32])
    >>> mask = torch.zeros(2, 376, dtype=torch.bool)
    >>> mask[:, 10:15] = True
    >>> student(wavs, mask=mask).shape
    torch.Size([10, 32])
    """

    def __init__(
        self,
        *,
        sample_rate=24_000,
        conv_channels=512,
        conv_norm="group",
        conv_bias=False,
        embed_dim=768,
        ffn_dim=3072,
        num_heads=12,
        num_layers=12,
        norm="post",
        position_kernel=128,
        position_groups=16,
        dropout=0.1,
        attention_dropout=0.1,
        activation_dropout=0.0,
        input_dropout=0.1,
        layerdrop=0.05,
        feature_grad_mult=0.1,
        attention_relax=-1.0,
        feature_extractor_cqt=0,
        normalize_wavs=False,
        checkpoint_layers=False,
    ):
        super().__init__()
        # What an inference folder writes to build this student again.
        names = MERT.__init__.__kwdefaults__
        self.settings = {k: v for k, v in locals().items() if k in names}
        self.normalize_wavs = normalize_wavs
        self.feature_grad_mult = feature_grad_mult
        self.frontend = ConvFrontend(
            channels=conv_channels, norm=conv_norm, bias=conv_bias
        ).requires_grad_(feature_grad_mult != 0)
        self.cqt = None
        if feature_extractor_cqt:
            self.cqt = CQT(
                sample_rate,
                n_bins=feature_extractor_cqt,
                bins_per_octave=feature_extractor_cqt // 7,
            )
        input_dim = conv_channels + feature_extractor_cqt
        self.feature_norm = nn.LayerNorm(input_dim)
        self.projection = nn.Linear(input_dim, embed_dim)
        self.input_dropout = nn.Dropout(input_dropout)
        self.mask_embedding = nn.Parameter(torch.rand(embed_dim))
        self.encoder = Encoder(
            embed_dim,
            ffn_dim=ffn_dim,
            num_heads=num_heads,
            num_layers=num_layers,
            norm=norm,
            position_kernel=position_kernel,
            position_groups=position_groups,
            dropout=dropout,
            attention_dropout=attention_dropout,
            activation_dropout=activation_dropout,
            layerdrop=layerdrop,
            checkpoint_layers=checkpoint_layers,
        )

    def forward(
        self,
        wavs,
        wav_lens=None,
        mask=None,
        output_hidden_states=False,
        output_penalty=False,
        statistics=None,
    ):
        """Encode clips.

        Arguments
        ---------
        wavs : torch.Tensor
            ``(B, S)``.
        wav_lens : torch.Tensor, optional
            ``(B,)`` valid share of each clip, in (0, 1]. None: all valid.
        mask : torch.Tensor, optional
            ``(B, T)`` bool, frames to hide from the student.
        output_hidden_states : bool or sequence of int
            Return all states instead of the last; or those of these indices,
            negative ones counted from the end. No layer after the highest runs.
        output_penalty : bool
            Return the feature penalty too: the mean square of the front end's
            output (fairseq ``features_pen``).
        statistics : mert_sb.student.statistics.WavStatistics, optional
            Of the whole recordings, one for each clip, where clips are windows
            of longer files: the norms over time then treat them as they would
            in one pass. Not together with ``wav_lens``.

        Returns
        -------
        torch.Tensor
            The last state ``(B, T, D)``; with a mask its masked rows ``(M, D)``;
            with ``output_hidden_states`` all states ``(L + 1, B, T, D)``, or those
            asked for, state 0 being the input of the first layer. With
            ``output_penalty`` a tuple of that and a scalar.

        Raises
        ------
        ValueError
            If a clip is shorter than a frame, there is no such state, or the
            statistics do not belong to these clips.
        """
        wanted = self._wanted_states(output_hidden_states)
        valid_samples = self._valid_samples(wavs, wav_lens)
        if statistics is not None:
            _check_statistics(statistics, wavs, wav_lens)
        if self.normalize_wavs:
            wavs = normalize(wavs, valid_samples, statistics)
            if statistics is not None:
                statistics = statistics.normalized()
        feats = self._features(wavs, statistics)
        penalty = feats.float().pow(2).mean() if output_penalty else None
        if self.cqt is not None:
            # As in the original, CQT frame t, centred on sample 320 t, joins
            # convolution frame t; what is left over is dropped.
            tones = self.cqt(wavs)[:, : feats.shape[1]]
            feats = torch.cat([feats, tones.to(feats.dtype)], dim=-1)
        hidden = self.input_dropout(self.projection(self.feature_norm(feats)))
        if mask is not None:
            embedding = self.mask_embedding.to(hidden.dtype)
            hidden = torch.where(mask.unsqueeze(-1), embedding, hidden)
        valid = self._valid_frames(valid_samples, hidden.shape[1])
        states = self.encoder(hidden, valid, max(wanted))
        if output_hidden_states is not False:
            output = torch.stack([states[i].to(hidden.dtype) for i in wanted])
        else:
            output = states[-1] if mask is None else states[-1][mask]
        return (output, penalty) if output_penalty else output

    def _wanted_states(self, output_hidden_states):
        """Indices of the states to return, none negative."""
        n_layers = len(self.encoder.layers)
        if isinstance(output_hidden_states, bool):
            return range(0 if output_hidden_states else n_layers, n_layers + 1)
        for index in output_hidden_states:
            if not -n_layers - 1 <= index <= n_layers:
                raise ValueError(
                    f"no state {index}: a student of {n_layers} layers has "
                    f"states 0 to {n_layers}"
                )
        if not output_hidden_states:
            raise ValueError("output_hidden_states: no index is given")
        return [index % (n_layers + 1) for index in output_hidden_states]

    def _features(self, wavs, statistics):
        """Front end ``(B, T, C)`` with its gradient slowed or stopped."""
        if self.feature_grad_mult == 0:
            with torch.no_grad():
                return self.frontend(wavs, statistics)
        feats = self.frontend(wavs, statistics)
        if self.feature_grad_mult == 1:
            return feats
        return _ScaleGradient.apply(feats, self.feature_grad_mult)

    @staticmethod
    def _valid_samples(wavs, wav_lens):
        """``(B,)`` valid samples, or None where all are."""
        if wav_lens is None or bool((wav_lens == 1).all()):
            return None
        return (wav_lens * wavs.shape[-1]).round().long()

    @staticmethod
    def _valid_frames(valid_samples, n_frames):
        """``(B, T)`` bool, or None; a clip keeps at least one frame."""
        if valid_samples is None:
            return None
        counts = torch.tensor(
            [max(1, frames.n_frames(n)) for n in valid_samples.tolist()],
            device=valid_samples.device,
        )
        positions = torch.arange(n_frames, device=valid_samples.device)
        return positions < counts[:, None]


def _check_statistics(statistics, wavs, wav_lens):
    """Refuse statistics with padding, or of another batch."""
    if wav_lens is not None:
        raise ValueError(
            "statistics and wav_lens together: windows of a file have no padding; "
            "give windows of one length"
        )
    if statistics.mean.shape != wavs.shape[:1]:
        raise ValueError(
            f"statistics of shape {tuple(statistics.mean.shape)} for "
            f"{len(wavs)} clips: stack one for each with WavStatistics.stack"
        )
