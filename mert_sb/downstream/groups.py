"""Parameter groups with learning rates that fall from layer to layer.

Lower layers know what all music has in common and should move least (layer-wise
decay: arXiv 1801.06146, section 3.2).

Authors
 * The mert_sb developers 2026
"""

import re

LAYER = re.compile(r"\bencoder\.layers\.(\d+)\.")


def layerwise_groups(modules, *, lr, encoder_lr=None, layer_decay=1.0):
    """Groups for an optimizer, of a Brain's modules.

    Layer n of the encoder's L, counted from 1, learns at ``encoder_lr *
    layer_decay ** (L - n)``; what belongs to no layer (front end, projection,
    positions, norm) as layer 0. Adapters count to the layer they are in. Parameters that
    need no gradient are left out.

    Arguments
    ---------
    modules : torch.nn.ModuleDict
        ``encoder``, whose layers' parameters are named
        ``...encoder.layers.<index>...``, and whatever else is trained.
    lr : float
        Of all modules but ``encoder``.
    encoder_lr : float, optional
        Of the encoder's top layer; not needed for a frozen one.
    layer_decay : float
        Factor from a layer to the next lower; 1 gives all the same rate.

    Returns
    -------
    list of dict
        Groups with ``params``, ``lr``, ``initial_lr`` and a ``name``: the module's,
        or ``encoder_`` and the layer.

    Raises
    ------
    ValueError
        If nothing is to be trained, the encoder has no rate, or there are no layers
        to tell apart.

    Example
    -------
    >>> from torch import nn
    >>> layers = nn.ModuleList(nn.Linear(1, 1) for _ in range(2))
    >>> student = nn.ModuleDict({"encoder": nn.ModuleDict({"layers": layers})})
    >>> modules = nn.ModuleDict({"encoder": student, "head": nn.Linear(1, 1)})
    >>> groups = layerwise_groups(
    ...     modules, lr=1e-3, encoder_lr=1e-4, layer_decay=0.5
    ... )
    >>> [(group["name"], group["lr"]) for group in groups]
    [('encoder_01', 5e-05), ('encoder_02', 0.0001), ('head', 0.001)]
    """
    named = dict(modules.named_parameters())
    top = max((_depth(name) for name in named), default=0)
    groups = {}
    for name, parameter in named.items():
        if not parameter.requires_grad:
            continue
        module = name.partition(".")[0]
        key, rate = module, lr
        if module == "encoder":
            _check(top, encoder_lr, layer_decay)
            depth = _depth(name)
            key = f"encoder_{depth:02d}"
            rate = encoder_lr * layer_decay ** (top - depth)
        group = {"name": key, "params": [], "lr": rate, "initial_lr": rate}
        groups.setdefault(key, group)["params"].append(parameter)
    if not groups:
        raise ValueError("modules: no parameter needs a gradient")
    return list(groups.values())


def _depth(name):
    """The layer a parameter is in, from 1; 0 for none."""
    found = LAYER.search(name)
    return int(found.group(1)) + 1 if found else 0


def _check(top, encoder_lr, layer_decay):
    """Refuse rates that would not do what they say."""
    if encoder_lr is None:
        raise ValueError(
            "parameter_groups: the encoder is trained but has no encoder_lr; give "
            "it one, or freeze the encoder"
        )
    if not 0 < layer_decay <= 1:
        raise ValueError(f"layer_decay: {layer_decay} is not in (0, 1]")
    if layer_decay != 1 and not top:
        raise ValueError(
            f"layer_decay: {layer_decay} has no effect, because no parameter is "
            "named ...encoder.layers.<index>...; set it to 1"
        )
