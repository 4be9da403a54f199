"""What units keep and what they cost: reconstruction, usage and compression.

T frames, D width, C units, V tokens.

Authors
 * The mert_sb developers 2026
"""

import math

import torch

from mert_sb.inference.units.strings import string_of


class Explained:
    """The share of the variance of states that their centroids explain.

    Arguments
    ---------
    origin : torch.Tensor
        ``(D,)`` near the states' mean, from which squares are counted: far from
        it they would lose digits.

    Example
    -------
    >>> explained = Explained(torch.zeros(2))
    >>> states = torch.tensor([[1.0, 10.0], [-1.0, -10.0]])
    >>> explained.add(states, states * torch.tensor([0.0, 1.0]))
    >>> {name: round(value, 2) for name, value in explained.result().items()}
    {'explained': 0.99, 'explained_by_dimension': 0.5}
    """

    def __init__(self, origin):
        self.origin = origin.cpu().double()
        self.count = 0
        self.sums, self.squares, self.errors = torch.zeros(
            3, len(origin), dtype=torch.float64
        )

    def add(self, states, centroids):
        """Count the next frames.

        Arguments
        ---------
        states : torch.Tensor
            ``(T, D)`` on the CPU.
        centroids : torch.Tensor
            ``(T, D)``, those of their units.
        """
        centred = states.double() - self.origin
        self.count += len(states)
        self.sums += centred.sum(0)
        self.squares += centred.square().sum(0)
        self.errors += (states.double() - centroids).square().sum(0)

    def result(self):
        """One less the squared errors over the variance of the frames counted.

        Returns
        -------
        dict of str to float
            ``explained``, over all dimensions together, of which those of large
            variance count most; and ``explained_by_dimension``, the mean of the
            shares of single dimensions. 1 is perfect, 0 as good as the mean; a
            dimension that stands still counts as 1 if it is met exactly, else 0.
        """
        variances = self.squares - self.sums.square() / self.count
        least = torch.finfo(torch.float64).tiny
        shares = 1 - self.errors / variances.clamp(min=least)
        shares = shares.clamp(min=0.0)
        total = 1 - self.errors.sum() / variances.sum().clamp(min=least)
        return {
            "explained": total.item(),
            "explained_by_dimension": shares.mean().item(),
        }


def measure_strings(strings, tokenizer, *, collapse, frame_rate):
    """How units and tokens are used, and how many a second there are.

    Bits a second are of plain numbers (``log2`` of how many there are), and of a
    code that knows how often each comes and nothing else (``entropy``). Tokens of
    collapsed strings say nothing of how long units last.

    Arguments
    ---------
    strings : iterable of torch.Tensor
        ``(T,)`` units of each file.
    tokenizer : UnitTokenizer
        Over them.
    collapse : bool
        Whether a run of one unit counts once for tokens.
    frame_rate : float
        Units a second.

    Returns
    -------
    dict of str to float
        Measurements by name.

    Example
    -------
    >>> from mert_sb.inference.units import UnitTokenizer, train_tokenizer
    >>> tokenizer = UnitTokenizer(
    ...     train_tokenizer([[0, 1] * 9], 2, vocab_size=4), 2
    ... )
    >>> units = torch.tensor([0, 0, 1, 1] * 25)
    >>> measured = measure_strings(
    ...     [units], tokenizer, collapse=True, frame_rate=50.0
    ... )
    >>> measured["perplexity"], measured["string_units_per_second"]
    (2.0, 25.0)
    >>> measured["tokens_per_second"], measured["token_bits_per_second"]
    (12.5, 25.0)
    """
    n_units, n_tokens = tokenizer.codebook_size, len(tokenizer)
    used = torch.zeros(n_units, dtype=torch.int64)
    tokens_used = torch.zeros(n_tokens, dtype=torch.int64)
    length = 0
    for units in strings:
        string, _ = string_of(units, collapse)
        tokens = torch.tensor(tokenizer.encode(string.tolist()))
        used += torch.bincount(units, minlength=n_units)
        tokens_used += torch.bincount(tokens, minlength=n_tokens)
        length += len(string)
    seconds = used.sum().item() / frame_rate
    tokens_per_second = tokens_used.sum().item() / seconds
    entropy, token_entropy = _entropy(used), _entropy(tokens_used)
    return {
        "hours": seconds / 3600,
        "usage": (used > 0).double().mean().item(),
        "perplexity": 2**entropy,
        "token_usage": (tokens_used > 0).double()[1:].mean().item(),
        "units_per_second": frame_rate,
        "string_units_per_second": length / seconds,
        "tokens_per_second": tokens_per_second,
        "unit_bits_per_second": frame_rate * math.log2(n_units),
        "unit_entropy_per_second": frame_rate * entropy,
        "token_bits_per_second": tokens_per_second * math.log2(n_tokens),
        "token_entropy_per_second": tokens_per_second * token_entropy,
    }


def _entropy(counts):
    """Bits of a number that comes as often as counted."""
    shares = counts.double() / counts.sum()
    return torch.special.entr(shares).sum().item() / math.log(2)
