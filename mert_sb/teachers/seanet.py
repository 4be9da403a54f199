"""EnCodec's encoder and quantizer on a CPU: in tiles of time that stay in its cache.

The convolutions see the past only, so a tile needs a few frames of the tile before and
nothing else. Frames are rows with their channels side by side, in which layout oneDNN
convolves twice as fast. The numbers are those of the ``encodec`` package, but for
rounding.

B batch, S samples, T frames, C channels, D latent width, K codebooks.

Authors
 * The mert_sb developers 2026
"""

import torch
from torch.nn import functional as F

# Samples of all clips that go through the layers together: the first gives 6 MB.
TILE = 48_000
# Frames that are quantized together: their distances take 4 MB a codebook.
QUANTIZED = 1024
# Shorter clips, which end within a convolution's padding, are left to the package.
SHORTEST = 3_200


def latents(encoder, wavs):
    """What the encoder gives.

    Arguments
    ---------
    encoder : encodec.modules.SEANetEncoder
        Of the 24 kHz model, its weight norm removed.
    wavs : torch.Tensor
        ``(B, S)`` float32.

    Returns
    -------
    torch.Tensor
        ``(B, T, D)``.

    Example
    -------
    >>> from mert_sb.teachers import EncodecTeacher
    >>> model = EncodecTeacher(pretrained=False).model
    >>> with torch.no_grad():
    ...     latents(model.encoder, torch.rand(2, 24_080)).shape
    torch.Size([2, 76, 128])
    """
    n_samples = wavs.shape[-1]
    if n_samples < SHORTEST:
        return encoder(wavs.unsqueeze(1)).mT
    *layers, down, lstm, _, last = encoder.model
    hop = int(encoder.hop_length)
    tile = max(TILE // len(wavs) // hop, SHORTEST // hop) * hop
    stops = [*range(tile, n_samples - tile + 1, tile), n_samples]
    stream, feats, start = _Stream(), [], 0
    for stop in stops:
        stream.ends = stop == n_samples
        feats.append(stream.run(layers, wavs[:, start:stop]))
        start = stop
    # Its weight is as large as a tile: once for all of them.
    feats = stream.convolve(down, torch.cat(feats, dim=1))
    feats = F.elu_(lstm(feats.mT).mT.contiguous())
    return stream.convolve(last, feats)


def quantize(codebooks, feats):
    """Residual codes: each codebook's nearest vector to what is left over.

    Arguments
    ---------
    codebooks : list of torch.Tensor
        K of ``(codes, D)``.
    feats : torch.Tensor
        ``(B, T, D)``.

    Returns
    -------
    torch.Tensor
        ``(B, T, K)`` int64.

    Example
    -------
    >>> quantize([torch.eye(2)], torch.tensor([[[0.9, 0.1], [0.2, 0.3]]]))
    tensor([[[0],
             [1]]])
    """
    sizes = [vectors.square().sum(1) for vectors in codebooks]
    codes = []
    for rest in feats.flatten(0, 1).split(QUANTIZED):
        found = []
        for vectors, size in zip(codebooks, sizes, strict=True):
            nearness = _convolved(rest[None], 2 * vectors[..., None], -size)
            found.append(nearness[0].argmax(dim=1))
            rest = rest - vectors[found[-1]]
        codes.append(torch.stack(found, dim=1))
    return torch.cat(codes).view(*feats.shape[:2], -1)


class _Stream:
    """Runs layers over tiles; keeps what each needs of the tile before."""

    def __init__(self):
        self.ends = False
        self._before = {}

    def run(self, layers, wavs):
        """``(B, S)`` of a tile to ``(B, T, C)``: all but the last convolutions."""
        first, *blocks = layers
        feats = self._convolve_samples(first, wavs)
        for index in range(0, len(blocks), 3):
            feats = F.elu_(self._residual(blocks[index], feats))
            for down in blocks[index + 2 : index + 3]:
                feats = self.convolve(down, feats)
        return feats

    def convolve(self, layer, feats):
        """An ``SConv1d`` over ``(B, T, C)``."""
        conv = layer.conv.conv
        feats = self._padded(layer, feats)
        return _convolved(feats, conv.weight, conv.bias, conv.stride[0])

    def _convolve_samples(self, layer, wavs):
        """The first layer, whose windows are the channels of a single tap."""
        conv = layer.conv.conv
        padded = self._padded(layer, wavs.unsqueeze(2))[..., 0]
        windows = padded.unfold(1, conv.kernel_size[0], 1).contiguous()
        return _convolved(windows, conv.weight.mT, conv.bias)

    def _residual(self, block, feats):
        _, narrow, _, widen = block.block
        around = self.convolve(block.shortcut, feats)
        hidden = F.elu_(self.convolve(narrow, F.elu_(feats)))
        return around.add_(self.convolve(widen, hidden))

    def _padded(self, layer, feats):
        """With the frames before, or their reflection, and a whole last stride."""
        conv = layer.conv.conv
        n_before = conv.kernel_size[0] - conv.stride[0]
        before = self._before.get(layer)
        if n_before and before is None:
            before = feats[:, 1 : n_before + 1].flip(1)
        n_after = -feats.shape[1] % conv.stride[0] if self.ends else 0
        if not n_before and not n_after:
            return feats
        after = feats[:, feats.shape[1] - 1 - n_after : -1].flip(1)
        feats = torch.cat([before, feats, after], dim=1)
        self._before[layer] = feats[:, feats.shape[1] - n_before :]
        return feats


def _convolved(feats, weight, bias, stride=1):
    """Rows as an image of one line, channels last, convolved; no copy."""
    image = feats.unsqueeze(1).permute(0, 3, 1, 2)
    image = F.conv2d(image, weight.unsqueeze(2), bias, stride=(1, stride))
    return image.permute(0, 2, 3, 1)[:, 0]
