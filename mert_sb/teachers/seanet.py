"""EnCodec's encoder and quantizer on a CPU: in tiles of time that stay in its cache.

The convolutions see the past only, so a tile needs a few frames of the tile before and
nothing else. Frames are rows with their channels side by side, in which layout oneDNN
convolves twice as fast, and ELU writes them where the next convolution finds them with
the frames before. The numbers are those of the ``encodec`` package, but for
rounding.

B batch, S samples, T frames, C channels, D latent width, K codebooks.

Authors
 * The mert_sb developers 2026
"""

import math

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
    *layers, _, down, lstm, _, last = encoder.model
    hop = int(encoder.hop_length)
    tile = max(TILE // len(wavs) // hop, SHORTEST // hop) * hop
    stops = [*range(tile, n_samples - tile + 1, tile), n_samples]
    stream, feats, start = _Stream(), [], 0
    for stop in stops:
        stream.ends = stop == n_samples
        feats.append(stream.run(layers, wavs[:, start:stop]))
        start = stop
    # Its weight is as large as a tile: once for all of them.
    feats = stream.convolve_elu(down, torch.cat(feats, dim=1))
    return stream.convolve_elu(last, lstm(feats.mT).mT)


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
    for rest in feats.split(max(QUANTIZED // len(feats), 1), dim=1):
        found = []
        for vectors, size in zip(codebooks, sizes, strict=True):
            nearness = _convolved(rest, 2 * vectors[..., None], -size)
            found.append(nearness.argmax(dim=2))
            rest = rest - vectors[found[-1]]
        codes.append(torch.stack(found, dim=2))
    return torch.cat(codes, dim=1)


class _Stream:
    """Runs layers over tiles; keeps what each needs of the tile before."""

    def __init__(self):
        self.ends = False
        self._rooms = {}

    def run(self, layers, wavs):
        """``(B, S)`` of a tile to ``(B, T, C)``, what the last stride sees."""
        first, *layers = layers
        feats = self._convolve_samples(first, wavs)
        while len(layers) > 1:
            block, _, down, *layers = layers
            feats = self.convolve_elu(down, self._residual(block, feats))
        return self._residual(layers[0], feats)

    def convolve_elu(self, layer, feats):
        """An ``SConv1d`` over the ELU of ``(B, T, C)``."""
        conv = layer.conv.conv
        feats = self._padded(layer, feats, _elu)
        return _convolved(feats, conv.weight, conv.bias, conv.stride[0])

    def _convolve_samples(self, layer, wavs):
        """The first layer, whose windows are the channels of a single tap."""
        conv = layer.conv.conv
        padded = self._padded(layer, wavs.unsqueeze(2), _copy)[..., 0]
        windows = padded.unfold(1, conv.kernel_size[0], 1).contiguous()
        return _convolved(windows, conv.weight.mT, conv.bias)

    def _residual(self, block, feats):
        _, narrow, _, widen = block.block
        shortcut = block.shortcut.conv.conv
        around = _convolved(feats, shortcut.weight, shortcut.bias)
        hidden = self.convolve_elu(narrow, feats)
        return around.add_(self.convolve_elu(widen, hidden))

    def _padded(self, layer, feats, write):
        """Written after the frames before, or their reflection; a whole last stride."""
        conv = layer.conv.conv
        n_frames = feats.shape[1]
        n_before = conv.kernel_size[0] - conv.stride[0]
        n_after = -n_frames % conv.stride[0] if self.ends else 0
        shape = (len(feats), n_before + n_frames + n_after, feats.shape[2])
        room = self._rooms.get(layer)
        before = None if room is None else room[:, room.shape[1] - n_before :]
        # Memory that is taken anew has to be cleared by the system first.
        if room is None or room.shape != shape:
            room = self._rooms[layer] = feats.new_empty(shape)
        # The frames before may lie in the same room, at its end.
        before = before if before is None else before.clone()
        here = room[:, n_before : n_before + n_frames]
        write(feats, here)
        if before is None:
            before = here[:, 1 : n_before + 1].flip(1)
        room[:, :n_before] = before
        after = here[:, n_frames - 1 - n_after : -1].flip(1)
        room[:, n_before + n_frames :] = after
        return room


def _copy(feats, out):
    out.copy_(feats)


def _elu(feats, out):
    """By powers of two, which PyTorch computes several times as fast as expm1."""
    torch.clamp_max(feats, 0, out=out)
    out.mul_(math.log2(math.e)).exp2_().sub_(1)
    torch.maximum(feats, out, out=out)


def _convolved(feats, weight, bias, stride=1):
    """Rows as an image of one line, channels last, convolved; no copy."""
    image = feats.unsqueeze(1).permute(0, 3, 1, 2)
    image = F.conv2d(image, weight.unsqueeze(2), bias, stride=(1, stride))
    return image.permute(0, 2, 3, 1)[:, 0]
