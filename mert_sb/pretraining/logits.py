"""The highest attention logit, which the fused kernels never show.

Authors
 * The mert_sb developers 2026
"""

import torch
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

# Logits held at a time: 64 MB.
BLOCK = 2**24


class AttentionLogits(TorchFunctionMode):
    """Within it, every ``scaled_dot_product_attention`` leaves its highest logit.

    It is computed once more, in float32 and block by block; what attention returns
    is not touched.

    Example
    -------
    >>> query = torch.eye(2).expand(1, 1, 2, 2)
    >>> with AttentionLogits() as logits:
    ...     _ = F.scaled_dot_product_attention(query, query, query)
    >>> logits.read()
    tensor(0.7071)
    """

    def __init__(self):
        super().__init__()
        self._highest = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        # By name, because the student has a function of its own, a CPU's.
        if (
            getattr(func, "__name__", "")
            == F.scaled_dot_product_attention.__name__
        ):
            self._highest.append(_highest_logit(*args, **kwargs))
        return func(*args, **kwargs)

    def read(self):
        """The highest of all layers that ran.

        Returns
        -------
        torch.Tensor or None
            Scalar; None where no attention was seen.
        """
        return torch.stack(self._highest).amax() if self._highest else None


@torch.no_grad()
def _highest_logit(query, key, value, attn_mask=None, *_, scale=None, **__):
    """Scalar; arguments as of ``scaled_dot_product_attention``."""
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    shape = *query.shape[:-1], key.shape[-2]
    rows = max(1, BLOCK * shape[-2] // query[..., 0].numel() // shape[-1])
    if attn_mask is not None:
        attn_mask = attn_mask.broadcast_to(shape)
    highest = []
    with torch.autocast(query.device.type, enabled=False):
        for begin in range(0, shape[-2], rows):
            some = slice(begin, begin + rows)
            logits = query[..., some, :].float() @ key.float().mT * scale
            if attn_mask is not None:
                mask = attn_mask[..., some, :]
                if mask.dtype == torch.bool:
                    logits = logits.masked_fill(~mask, -torch.inf)
                else:
                    logits = logits + mask
            highest.append(logits.amax())
    return torch.stack(highest).amax()
