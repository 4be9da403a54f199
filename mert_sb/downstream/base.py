"""What a checkpoint stands on: the encoder's weights that are not in it.

Authors
 * The mert_sb developers 2026
"""

import hashlib
import json

import torch
from speechbrain.utils.checkpoints import (
    mark_as_loader,
    mark_as_saver,
    register_checkpoint_hooks,
)


def checksum(state, skip=()):
    """A checksum of tensors, their names and shapes.

    Arguments
    ---------
    state : dict of str to torch.Tensor
        On any device.
    skip : set of str
        Tensors of which only name and shape count.

    Returns
    -------
    str
        BLAKE2b, 16 bytes in hexadecimal; the same in whatever layout weights are
        stored.

    Example
    -------
    >>> checksum({"a": torch.zeros(2)}) == checksum({"a": torch.ones(2)})
    False
    """
    digest = hashlib.blake2b(digest_size=16)
    for name, tensor in sorted(state.items()):
        shape = tuple(tensor.shape)
        digest.update(f"{name} {shape} {tensor.dtype};".encode())
        if name not in skip:
            array = tensor.detach().cpu().contiguous().view(-1)
            digest.update(array.view(torch.uint8).numpy())
    return digest.hexdigest()


def insert_adapters(adapted):
    """Insert adapters, and refuse patterns that fit nothing.

    Arguments
    ---------
    adapted : speechbrain.nnet.adapters.AdaptedModel
        With ``manual_adapter_insertion``, its model having its weights.

    Raises
    ------
    ValueError
        If nothing was adapted.

    Example
    -------
    >>> from speechbrain.nnet.adapters import AdaptedModel, LoRA
    >>> model = torch.nn.Sequential(torch.nn.Linear(2, 2))
    >>> options = {"manual_adapter_insertion": True}
    >>> insert_adapters(
    ...     AdaptedModel(model, LoRA, target_layers=["1"], **options)
    ... )
    Traceback (most recent call last):
        ...
    ValueError: target_layers: no layer of the encoder fits; ...
    """
    adapted.insert_adapters()
    if not any(p.requires_grad for p in adapted.parameters()):
        raise ValueError(
            "target_layers: no layer of the encoder fits; names are like "
            "encoder.layers.0.attention.q_proj, and * stands for any part"
        )


@register_checkpoint_hooks
class Base:
    """A digest of the encoder's frozen tensors and of what is trained in it.

    A checkpoint of a head or of adapters is worth nothing on another encoder, and
    would load on it without a word.

    Arguments
    ---------
    encoder : torch.nn.Module
        With its weights, as training begins.

    Example
    -------
    >>> layer = torch.nn.Linear(2, 2).requires_grad_(False)
    >>> base, folder = Base(layer), getfixture("tmp_path")
    >>> base.save(folder / "base.ckpt")
    >>> base.load(folder / "base.ckpt", end_of_epoch=True)
    """

    def __init__(self, encoder):
        trained = {n for n, p in encoder.named_parameters() if p.requires_grad}
        self.digest = checksum(encoder.state_dict(), skip=trained)

    @mark_as_saver
    def save(self, path):
        """Write the digest.

        Arguments
        ---------
        path : pathlib.Path
            Where to.
        """
        with open(path, "w", encoding="ascii") as file:
            file.write(self.digest)

    @mark_as_loader
    def load(self, path, end_of_epoch):
        """Compare with a checkpoint's digest.

        Arguments
        ---------
        path : pathlib.Path
            The checkpoint's.
        end_of_epoch : bool
            Without effect.

        Raises
        ------
        ValueError
            If the checkpoint stands on another encoder.
        """
        with open(path, encoding="ascii") as file:
            if file.read() != self.digest:
                raise ValueError(
                    f"{path}: the checkpoint was trained on another encoder, or "
                    "with other layers adapted; give the former pretrained and "
                    "adapters, or another output_folder"
                )


@register_checkpoint_hooks
class Setup:
    """What a probe is of: its upstream, layer, rate, head.

    A finished run started again with another layer would test the old head on it.

    Arguments
    ---------
    **settings : dict
        Plain data, or objects whose ``repr`` tells them apart.

    Example
    -------
    >>> path = getfixture("tmp_path") / "setup.ckpt"
    >>> Setup(layer=1).save(path)
    >>> Setup(layer=2).load(path, end_of_epoch=True)
    Traceback (most recent call last):
        ...
    ValueError: ...: made with layer 1, not 2; give another output_folder
    """

    def __init__(self, **settings):
        self.settings = json.loads(json.dumps(settings, default=repr))

    @mark_as_saver
    def save(self, path):
        """Write the settings.

        Arguments
        ---------
        path : pathlib.Path
            Where to.
        """
        with open(path, "w", encoding="utf-8") as file:
            json.dump(self.settings, file)

    @mark_as_loader
    def load(self, path, end_of_epoch):
        """Compare with a checkpoint's settings.

        Arguments
        ---------
        path : pathlib.Path
            The checkpoint's.
        end_of_epoch : bool
            Without effect.

        Raises
        ------
        ValueError
            If one differs.
        """
        with open(path, encoding="utf-8") as file:
            former = json.load(file)
        for key, now in self.settings.items():
            if former.get(key) != now:
                raise ValueError(
                    f"{path}: made with {key} {former.get(key)}, not {now}; give "
                    "another output_folder"
                )
