"""Instruments: what tells early that training will not stay stable.

Gradient norms by module, the highest attention logit, and how many of a teacher's codes
are used, by its targets and by the student's predictions. Each is taken on the last
micro-batch before a log line, on the device; between log lines nothing is computed.

M masked frames, K codebooks, C codes a codebook.

Authors
 * The mert_sb developers 2026
"""

import contextlib

import torch

from mert_sb.pretraining.logits import AttentionLogits

# Parts of parameter names that DDP and torch.compile add.
WRAPPERS = {"module", "_orig_mod"}


def module_groups(modules, layer_groups):
    """Parameters by the part of the model they belong to.

    Arguments
    ---------
    modules : torch.nn.ModuleDict
        ``student`` and the heads, bare, distributed or compiled.
    layer_groups : int
        Into how many runs of neighbours the encoder's layers are divided.

    Returns
    -------
    dict of str to list of torch.nn.Parameter
        ``frontend``, ``layers_<first>_<last>``, ``other`` (what else the student
        has: projection, mask embedding, positions, norms), and each head's name.

    Example
    -------
    >>> student = torch.nn.Module()
    >>> student.encoder = torch.nn.Module()
    >>> student.encoder.layers = torch.nn.ModuleList(
    ...     torch.nn.Linear(1, 1) for _ in range(5)
    ... )
    >>> student.frontend = torch.nn.Linear(1, 1)
    >>> modules = torch.nn.ModuleDict({"student": student})
    >>> sorted(module_groups(modules, layer_groups=2))
    ['frontend', 'layers_0_2', 'layers_3_4']
    """
    named = [
        (tuple(p for p in name.split(".") if p not in WRAPPERS), parameter)
        for name, parameter in modules.named_parameters()
    ]
    n_layers = 1 + max((_layer(path) for path, _ in named), default=-1)
    labels = _layer_labels(n_layers, min(layer_groups, n_layers))
    groups = {}
    for path, parameter in named:
        if path[0] != "student":
            label = path[0]
        elif _layer(path) >= 0:
            label = labels[_layer(path)]
        else:
            label = "frontend" if path[1] == "frontend" else "other"
        groups.setdefault(label, []).append(parameter)
    return groups


def _layer(path):
    """Index of the encoder's layer a parameter is of, or -1."""
    return int(path[3]) if path[:3] == ("student", "encoder", "layers") else -1


def _layer_labels(n_layers, n_groups):
    """The name of each layer's group."""
    runs = [index * n_groups // n_layers for index in range(n_layers)]
    last = {run: index for index, run in enumerate(runs)}
    return [f"layers_{runs.index(run)}_{last[run]}" for run in runs]


def gradient_norms(modules, layer_groups):
    """Norm of the gradient of each part.

    Arguments
    ---------
    modules : torch.nn.ModuleDict
        After the backward pass.
    layer_groups : int
        See ``module_groups``.

    Returns
    -------
    dict of str to torch.Tensor
        ``grad_norm_<part>``, scalars; frozen parts are left out.

    Example
    -------
    >>> modules = torch.nn.ModuleDict(
    ...     {"head": torch.nn.Linear(1, 1, bias=False)}
    ... )
    >>> modules["head"](torch.tensor([3.0])).backward()
    >>> gradient_norms(modules, layer_groups=1)
    {'grad_norm_head': tensor(3.)}
    """
    norms = {}
    for label, parameters in module_groups(modules, layer_groups).items():
        gradients = [p.grad for p in parameters if p.grad is not None]
        if gradients:
            norm = torch.nn.utils.get_total_norm(gradients)
            norms[f"grad_norm_{label}"] = norm
    return norms


class CodeUsage:
    """How many codes of each codebook occur, in targets and in predictions.

    Example
    -------
    >>> usage = CodeUsage()
    >>> targets = torch.tensor([[0], [1], [2], [3]])
    >>> usage.add("codes", targets, torch.zeros_like(targets), n_codes=4)
    >>> {name: round(value.item(), 2) for name, value in usage.read().items()}
    {'codes_target_usage': 1.0, 'codes_target_perplexity': 4.0,
     'codes_predicted_usage': 0.25, 'codes_predicted_perplexity': 1.0}
    """

    def __init__(self):
        self._counts = {}

    def add(self, name, targets, predicted, n_codes):
        """Take in the masked frames of a batch.

        Arguments
        ---------
        name : str
            Of the teacher.
        targets : torch.Tensor
            ``(M, K)`` int64.
        predicted : torch.Tensor
            ``(M, K)`` int64, the head's likeliest codes.
        n_codes : int
            C.
        """
        for kind, codes in (("target", targets), ("predicted", predicted)):
            n_codebooks = codes.shape[1]
            offsets = torch.arange(n_codebooks, device=codes.device) * n_codes
            counts = torch.bincount(
                (codes + offsets).flatten(), minlength=n_codebooks * n_codes
            ).view(n_codebooks, n_codes)
            key = f"{name}_{kind}"
            self._counts[key] = self._counts.get(key, 0) + counts

    def read(self):
        """Since it was made.

        Returns
        -------
        dict of str to torch.Tensor
            ``<name>_target_usage`` and ``<name>_predicted_usage``, the share of the
            codes that occur, and ``..._perplexity``, by how many equally frequent
            codes the entropy would be the same (1 to C); means over codebooks.
        """
        read = {}
        for key, counts in self._counts.items():
            shares = counts / counts.sum(1, keepdim=True).clamp(min=1)
            entropies = torch.special.entr(shares).sum(1)
            read[f"{key}_usage"] = (counts > 0).float().mean()
            read[f"{key}_perplexity"] = entropies.exp().mean()
        return read


class Instruments:
    """The instruments that a YAML asks for.

    Arguments
    ---------
    gradients : bool
        The gradient's norm by module, before clipping.
    attention : bool
        The highest attention logit of all layers, before relaxation. A compiled
        student is compiled once more for the steps that are logged.
    codes : bool
        Usage and perplexity of each teacher's codes, in validation too.
    layer_groups : int
        Runs of neighbours that the encoder's layers are divided into.

    Raises
    ------
    ValueError
        If there would be no group of layers.

    Example
    -------
    >>> instruments = Instruments(gradients=False, codes=False)
    >>> query, instruments.due = torch.eye(2), True
    >>> with instruments.watch_attention():
    ...     _ = torch.nn.functional.scaled_dot_product_attention(
    ...         query, query, query
    ...     )
    >>> instruments.read(), instruments.due
    ({'attention_logit_max': tensor(0.7071)}, False)
    """

    def __init__(
        self, *, gradients=True, attention=True, codes=True, layer_groups=3
    ):
        if layer_groups < 1:
            raise ValueError(f"layer_groups: {layer_groups} is less than 1")
        self.gradients = gradients
        self.attention = attention
        self.codes = codes
        self.layer_groups = layer_groups
        self.due = False  # whether a log line follows this micro-batch
        self._forget()

    def _forget(self):
        """Empty all."""
        self._norms, self._logits, self.usage = {}, None, CodeUsage()

    def take_gradients(self, modules):
        """Note norms; nothing unless a log line is due.

        Arguments
        ---------
        modules : torch.nn.ModuleDict
            After the backward pass.
        """
        if self.due and self.gradients:
            self._norms = gradient_norms(modules, self.layer_groups)

    def watch_attention(self):
        """For the student's forward pass; nothing unless a log line is due.

        Returns
        -------
        context manager
            Attention inside it is watched.
        """
        if not (self.due and self.attention):
            return contextlib.nullcontext()
        self._logits = AttentionLogits()
        return self._logits

    def read(self):
        """What was taken, and nothing of it again.

        Returns
        -------
        dict of str to torch.Tensor
            Scalars on the device.
        """
        values = {**self._norms, **self.usage.read()}
        highest = self._logits.read() if self._logits else None
        if highest is not None:
            values["attention_logit_max"] = highest
        self._forget()
        self.due = False
        return values
