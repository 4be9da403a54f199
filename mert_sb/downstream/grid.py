"""The benchmark's grid: what is searched.

Each single state and the learned mix, times learning rates, times seeds (arXiv
2306.10548, appendix A).

Authors
 * The mert_sb developers 2026
"""

import math
from typing import NamedTuple

MIXES = ("mix", "mix0")
# The benchmark's; the MERT paper's are the same without the first.
BENCHMARK_RATES = (5e-5, 1e-4, 5e-4, 1e-3, 5e-3, 1e-2)


class Setting(NamedTuple):
    """What of a probe is searched.

    Arguments
    ---------
    layer : int or str
        As ``StateMix``'s.
    lr : float
        Learning rate.

    Example
    -------
    >>> Setting(7, 0.001).name
    '7-0.001'
    """

    layer: int | str
    lr: float

    @property
    def name(self):
        """For a folder."""
        return f"{self.layer}-{self.lr!r}"

    @property
    def rate(self):
        """For a command line: YAML takes ``5e-05``, which has no dot, for text."""
        text = repr(self.lr)
        return text if "." in text else text.replace("e", ".0e")


def parse_layers(text, n_states):
    """Layers from the command line.

    Arguments
    ---------
    text : str
        ``"all"``: the mix and each state; or names and indices, as ``"mix,0,1"``.
    n_states : int
        The upstream's.

    Returns
    -------
    list of (int or str)
        As ``StateMix`` takes them, each once.

    Raises
    ------
    ValueError
        If one is neither a mix nor a state that there is.

    Example
    -------
    >>> parse_layers("all", 3)
    ['mix', 0, 1, 2]
    >>> parse_layers("mix,2", 3)
    ['mix', 2]
    """
    if text == "all":
        # Of one state a mix is that state.
        mixes = ["mix"] if n_states > 1 else []
        return [*mixes, *range(n_states)]
    known = {str(layer): layer for layer in (*MIXES, *range(n_states))}
    names = [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(
            f"--layers: {', '.join(unknown)} is none of {', '.join(known)}; "
            "give some of them, or all"
        )
    return list(dict.fromkeys(known[name] for name in names))


def parse_numbers(flag, text, kind):
    """Numbers from the command line.

    Arguments
    ---------
    flag : str
        For the error.
    text : str
        Separated by commas.
    kind : type
        ``int`` or ``float``.

    Returns
    -------
    list of (int or float)
        Each once.

    Raises
    ------
    ValueError
        If one is no such number, a rate not above 0 or a seed below it.

    Example
    -------
    >>> parse_numbers("lrs", "5e-5,0.01,1e-2", float)
    [5e-05, 0.01]
    """
    try:
        numbers = [kind(part) for part in text.split(",")]
    except ValueError as error:
        raise ValueError(
            f"--{flag}: {text!r} is no list of {kind.__name__} separated by commas"
        ) from error
    # A seed may be 0, a rate not.
    least = 0 if kind is int else math.ulp(0.0)
    if not all(least <= number < math.inf for number in numbers):
        raise ValueError(f"--{flag}: {text!r} has a number that is too small")
    return list(dict.fromkeys(numbers))
