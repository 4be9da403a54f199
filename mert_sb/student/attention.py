"""Self-attention, full or within windows.

B batch, T frames, D width, H heads.

Authors
 * The mert_sb developers 2026
"""

import math

import torch
from torch import nn
from torch.nn import functional as F
from torch.overrides import handle_torch_function, has_torch_function

from mert_sb.products import channels_last
from mert_sb.student.dropout import drop
from mert_sb.student.products import Linear
from mert_sb.student.windows import block_mask, is_windowed, windowed_attention

# Frames beyond which the fused kernel's memory counts for more than its time: where a
# gradient keeps all weights, and where none does.
KEPT, SHORT = 1_500, 8_192
# Weights at a time where no gradient wants all of them.
BLOCK = 2**25


class SelfAttention(nn.Module):
    """Multi-head attention through ``scaled_dot_product_attention``.

    The original's attention relaxation (330M: constant 32), softmax of
    ``(A / c - max(A / c)) c``, is softmax in exact arithmetic; it only keeps fp16
    in range, which the fused kernels do by themselves.

    Arguments
    ---------
    dim : int
        D.
    num_heads : int
        H.
    dropout : float
        Probability of dropping an attention weight.
    inner_norm : bool
        A norm before the output projection (SubLN).
    window : int, optional
        Frames seen to each side. None: all.
    global_frames : int
        First frames that see all and are seen by all; for windows only.

    Raises
    ------
    ValueError
        If the heads do not divide D, or the window has no frame or fewer than
        are global.

    Example
    -------
    >>> import torch
    >>> SelfAttention(32, num_heads=4)(torch.rand(2, 9, 32)).shape
    torch.Size([2, 9, 32])
    """

    def __init__(
        self,
        dim,
        *,
        num_heads,
        dropout=0.0,
        inner_norm=False,
        window=None,
        global_frames=0,
    ):
        super().__init__()
        if dim % num_heads:
            raise ValueError(
                f"embed_dim {dim} is no multiple of {num_heads} heads"
            )
        if window is not None and not max(1, global_frames) <= window:
            raise ValueError(
                f"attention_window: {window} frames are fewer than 1, or than the "
                f"{global_frames} of global_frames"
            )
        self.num_heads = num_heads
        self.dropout = dropout
        self.window = window
        self.global_frames = global_frames
        self.q_proj = Linear(dim, dim)
        self.k_proj = Linear(dim, dim)
        self.v_proj = Linear(dim, dim)
        self.out_proj = Linear(dim, dim)
        for projection in (self.q_proj, self.k_proj, self.v_proj):
            nn.init.xavier_uniform_(projection.weight, gain=1 / math.sqrt(2))
        nn.init.xavier_uniform_(self.out_proj.weight)
        nn.init.zeros_(self.out_proj.bias)
        self.inner_norm = nn.LayerNorm(dim) if inner_norm else nn.Identity()

    def forward(self, hidden, attention_bias=None, seen=None):
        """Attend.

        Arguments
        ---------
        hidden : torch.Tensor
            ``(B, T, D)``.
        attention_bias : torch.Tensor, optional
            ``(B, 1, 1, T)``: 0 at valid frames, minus infinity at padding. None
            where nothing is padded, which lets the fastest kernels be used.
        seen : torch.Tensor, optional
            ``block_mask`` of these clips, so that layers can share one. None:
            made here where it is needed.

        Returns
        -------
        torch.Tensor
            ``(B, T, D)``.
        """
        query, key, value = (
            projection(hidden)
            .unflatten(-1, (self.num_heads, -1))
            .transpose(1, 2)
            for projection in (self.q_proj, self.k_proj, self.v_proj)
        )
        if attention_bias is not None:
            attention_bias = attention_bias.to(query.dtype)
        dropout = self.dropout if self.training else 0.0
        if is_windowed(hidden.shape[1], self.window):
            if seen is None:
                seen = self.seen(attention_bias, hidden)
            mixed = windowed_attention(
                query,
                key,
                value,
                seen,
                attention_bias,
                window=self.window,
                global_frames=self.global_frames,
                dropout=dropout,
            )
        else:
            mixed = scaled_dot_product_attention(
                query, key, value, attention_bias, dropout
            )
        mixed = mixed.transpose(1, 2).flatten(2)
        return self.out_proj(self.inner_norm(mixed))

    def seen(self, attention_bias, hidden):
        """The mask of these clips that all layers can share.

        Arguments
        ---------
        attention_bias : torch.Tensor or None
            As in ``forward``.
        hidden : torch.Tensor
            ``(B, T, D)``.

        Returns
        -------
        torch.Tensor or None
            From ``block_mask``; None where every frame sees every other.
        """
        n_frames = hidden.shape[1]
        if not is_windowed(n_frames, self.window):
            return None
        valid = None
        if attention_bias is not None:
            valid = attention_bias[:, 0, 0] == 0
        return block_mask(
            valid,
            n_frames,
            window=self.window,
            global_frames=self.global_frames,
            device=hidden.device,
        )


def scaled_dot_product_attention(
    query, key, value, attn_mask=None, dropout_p=0.0
):
    """PyTorch's of this name, and on a CPU a faster one.

    On a CPU the fused kernel has no dropout (all weights are then kept anyway) and half
    of the speed of two products in bf16, which take its place there.

    Arguments
    ---------
    query : torch.Tensor
        ``(B, H, T, D / H)``.
    key : torch.Tensor
        The same shape.
    value : torch.Tensor
        The same shape.
    attn_mask : torch.Tensor, optional
        Added to the logits.
    dropout_p : float
        Probability of dropping a weight.

    Returns
    -------
    torch.Tensor
        ``(B, H, T, D / H)``.

    Example
    -------
    >>> import torch
    >>> scaled_dot_product_attention(*torch.rand(3, 2, 4, 9, 8)).shape
    torch.Size([2, 4, 9, 8])
    """
    given = (query, key, value)
    # Whoever watches PyTorch's function, for its logits, is shown this one too.
    if has_torch_function(given):
        return handle_torch_function(
            scaled_dot_product_attention, given, *given, attn_mask, dropout_p
        )
    trained = torch.is_grad_enabled()
    long = query.shape[-2] > (KEPT if trained else SHORT)
    fused = not dropout_p and (query.dtype != torch.bfloat16 or long)
    if fused or not channels_last(query):
        return F.scaled_dot_product_attention(
            query, key, value, attn_mask=attn_mask, dropout_p=dropout_p
        )
    # What keys have in common moves all logits of a frame alike, and only rounds them.
    key = key - key.mean(-2, keepdim=True)
    a_frame = key.shape[:-1].numel()
    block = query.shape[-2] if trained else max(1, BLOCK // a_frame)
    parts = []
    for part in query.split(block, dim=-2):
        logits = part * part.shape[-1] ** -0.5 @ key.mT
        if attn_mask is not None:
            logits = logits + attn_mask
        weights = logits.softmax(-1, dtype=part.dtype)
        parts.append(drop(weights, dropout_p) @ value)
    return torch.cat(parts, dim=-2)
