"""The student: front end, projection, encoder (arXiv 2306.00107, section 3).

B batch, S samples, T frames, M masked frames of the batch, C channels, D width,
L layers. What makes training training (mixture, teachers, loss) lives elsewhere.

Authors
 * The mert_sb developers 2026
"""

import torch

from mert_sb.student.encoder import Encoder
from mert_sb.student.inputs import StudentInputs
from mert_sb.student.options import settle

OF_ENCODER = (
    "ffn_dim",
    "num_heads",
    "num_layers",
    "norm",
    "depthwise_kernel",
    "attention_window",
    "global_frames",
    "position_kernel",
    "position_groups",
    "dropout",
    "attention_dropout",
    "activation_dropout",
    "layerdrop",
    "checkpoint_layers",
)


class MERT(StudentInputs):
    """The encoder that learns and serves. Defaults are the paper's 95M.

    "model:79" is line 79 of the original's mert_model.py. Settings of a choice not
    taken (``n_mels`` with convolutions, say) are refused.

    Arguments
    ---------
    sample_rate : int
        24,000 Hz (75 frames a second) or 16,000 for MERT v0 (50).
    conv_channels : int, optional
        Width C of the convolutions; None: 512.
    conv_norm : str, optional
        ``"group"`` (the default) or ``"layer"`` (model:56).
    conv_bias : bool, optional
        Whether the convolutions have a bias; None: False.
    frontend : str
        ``"conv"`` (model:620) or ``"mel"``, log-mel frames; the original has none.
    n_mels : int, optional
        Mel bins; None: 128 (MuQ, MusicFM; MelHuBERT has 40).
    n_fft : int, optional
        Samples of a mel frame; None: 1,024.
    mel_stack : int, optional
        Mel frames in a frame; None: 1 (MelHuBERT: 2).
    mel_channels : int, optional
        Width of two convolutions after the log-mels; None: 512. 0: none.
    mel_mean, mel_std : float, optional
        Of log-mels, to shift and scale them by; None: -7.7 and 2.8, measured on
        65 pieces of music (MusicFM's stand in a file of statistics).
    subsample : int
        Neighbouring frames joined into one; 3 gives 25 a second at 24 kHz (MuQ,
        MusicFM), 2 at 16 kHz. T is then that of ``mert_sb.frames`` with it, and
        masks, attention windows and kernels count joined frames.
    projection_norm : bool
        Norms without affine parameters before and after the projection, instead of
        one with them before it (model:455 ``do_cnn_feat_stable_layernorm``, False).
    embed_dim : int
        D.
    ffn_dim : int
        Width of the layers' inner network.
    num_heads : int
        Attention heads.
    num_layers : int
        L.
    norm : str
        ``"post"`` (95M), ``"pre"`` (330M), ``"deepnorm"`` or ``"sub"``, see
        ``mert_sb.student.norms`` (model:120, 434, 439).
    layer_type : str
        ``"transformer"`` or ``"conformer"``, which wants ``norm: pre`` (model:79).
    depthwise_kernel : int, optional
        Frames of the conformer's convolution; None: 31 (model:318).
    attention_window : int, optional
        Frames that attention sees to each side; None: all, as the original.
    global_frames : int
        First frames that see all and are seen by all; for windows only.
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
        The original's constant (330M: 32; model:450). Accepted, without effect:
        see ``SelfAttention``.
    feature_extractor_cqt : int
        Bins of a CQT joined to the front end's output (the original's 84 at 16
        kHz); 0 for none.
    normalize_wavs : bool
        Bring each clip to zero mean and unit variance first; the published 95M
        and v0 checkpoints want it, 330M does not (``do_normalize``).
    checkpoint_layers : bool
        Recompute layers in the backward pass to save memory (model:304).

    Example
    -------
    >>> student = MERT(embed_dim=32, num_heads=4, num_layers=2)
    >>> wavs = torch.rand(2, 120_400)
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
        conv_channels=None,
        conv_norm=None,
        conv_bias=None,
        frontend="conv",
        n_mels=None,
        n_fft=None,
        mel_stack=None,
        mel_channels=None,
        mel_mean=None,
        mel_std=None,
        subsample=1,
        projection_norm=False,
        embed_dim=768,
        ffn_dim=3072,
        num_heads=12,
        num_layers=12,
        norm="post",
        layer_type="transformer",
        depthwise_kernel=None,
        attention_window=None,
        global_frames=0,
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
        names = MERT.__init__.__kwdefaults__
        given = {k: v for k, v in locals().items() if k in names}
        settings = settle(given)
        super().__init__(settings)
        # What an inference folder writes to build this student again.
        self.settings = settings
        self.encoder = Encoder(
            embed_dim, **{key: settings[key] for key in OF_ENCODER}
        )

    def forward(
        self,
        wavs,
        wav_lens=None,
        mask=None,
        output_hidden_states=False,
        output_penalty=False,
        statistics=None,
        show=None,
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
        output_penalty : bool or str
            Return the feature penalty too: the mean square of the front end's
            output (fairseq ``features_pen``). ``"dealt"``: clips count by their
            masked frames, see ``feature_penalty``.
        statistics : mert_sb.student.statistics.WavStatistics, optional
            Of the whole recordings, one for each clip, where clips are windows
            of longer files: the norms over time then treat them as they would
            in one pass. Not together with ``wav_lens``.
        show : callable, optional
            Of projected features ``(B, T, D)``, mask and mask embedding ``(D,)``:
            what the encoder is shown. None: the embedding at masked frames.

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
            If a clip is shorter than a frame, there is no such state, or mask or
            statistics do not belong to these clips.
        """
        wanted = self._wanted_states(output_hidden_states)
        hidden, valid, feats = self.embed(
            wavs, wav_lens, mask, statistics, show
        )
        penalty = None
        if output_penalty:
            dealt = output_penalty == "dealt"
            penalty = feature_penalty(feats, mask if dealt else None)
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


def feature_penalty(feats, mask=None):
    """Mean square of the front end's output (fairseq ``features_pen``).

    With a mask clips count by their masked frames, as in the other losses: steps are then
    the same however their clips are dealt to processes and micro-batches. In training the
    original hides equally many frames in all clips of a batch, and it makes no difference.

    Arguments
    ---------
    feats : torch.Tensor
        ``(B, T, C)``.
    mask : torch.Tensor, optional
        ``(B, T)`` bool. None: clips count alike.

    Returns
    -------
    torch.Tensor
        Scalar; 0 where nothing is masked.

    Example
    -------
    >>> feats = torch.tensor([[[1.0], [1.0]], [[3.0], [3.0]]])
    >>> mask = torch.tensor([[True, False], [True, True]])
    >>> feature_penalty(feats), feature_penalty(feats, mask)
    (tensor(5.), tensor(6.3333))
    """
    squares = feats.float().pow(2)
    if mask is None:
        return squares.mean()
    counts = mask.sum(dim=1).float()
    return squares.mean(dim=(1, 2)) @ counts / counts.sum().clamp(min=1)
