"""Hyperparameters: a YAML read with no key unknown and none unused.

Authors
 * The mert_sb developers 2026
"""

import dataclasses

import speechbrain as sb
from hyperpyyaml import load_hyperpyyaml, resolve_references
from ruamel.yaml.error import YAMLError

from mert_sb.overrides import BASE, place_overrides, read_yaml
from mert_sb.tokens import refuse_tokens

# What HyperPyYAML raises about references, placeholders and arithmetic.
_UNRESOLVED = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
    YAMLError,
)


class Hparams(dict):
    """Hyperparameters that remember which keys were asked for.

    Arguments
    ---------
    values : dict
        From the YAML.

    Example
    -------
    >>> hparams = Hparams({"a": 1, "b": 2})
    >>> hparams["a"], hparams.asked
    (1, {'a'})
    """

    def __init__(self, values):
        super().__init__(values)
        self.asked = set()

    def __getitem__(self, key):
        self.asked.add(key)
        return super().__getitem__(key)


def load_hparams(hparams_file, overrides):
    """Build the YAML's objects, after a check of the overrides.

    The keys of a ``base`` that the YAML includes count as its own.

    Arguments
    ---------
    hparams_file : str
        The YAML.
    overrides : str or dict
        YAML text, from ``speechbrain.parse_arguments``; or placed already.

    Returns
    -------
    Hparams
        The hyperparameters.

    Raises
    ------
    ImportError
        If it names no class or function that there is.
    KeyError
        If an override, nested or not, names no key of the YAML.
    TypeError
        If a class takes other arguments.
    ValueError
        If YAML or overrides are damaged, a reference leads nowhere, a placeholder is
        not replaced, or something is a token or a password: what is here is written
        into the run's folder. And whatever else the classes named complain about.

    Example
    -------
    >>> path = getfixture("tmpdir") / "b.yaml"
    >>> _ = path.write_text("a:\\n  x: 1", "utf8")
    >>> load_hparams(path, "a: {x: 2}")["a"]
    {'x': 2}
    """
    overrides = place_overrides(hparams_file, overrides)
    text = _resolved(hparams_file, overrides)
    refuse_tokens(text, hparams_file)
    try:
        values = load_hyperpyyaml(text)
    except (ImportError, TypeError) as error:
        reason = " ".join(map(str, error.args))
        raise type(error)(f"{hparams_file}: {reason}") from error
    except YAMLError as error:
        raise ValueError(f"{hparams_file}: {error}") from error
    while base := values.pop(BASE, None):
        values |= {k: v for k, v in base.items() if not k.startswith("__")}
    return Hparams(values)


def _resolved(hparams_file, overrides):
    """The YAML with overrides and references in their places, as text."""
    try:
        with open(hparams_file, encoding="utf-8") as file:
            return resolve_references(file, overrides, True).read()
    except _UNRESOLVED as error:
        reason = " ".join(map(str, error.args))
        raise ValueError(f"{hparams_file}: {reason}") from error


def refuse_unused(hparams, hparams_file, used):
    """Refuse keys of the YAML that nothing reads.

    Arguments
    ---------
    hparams : Hparams
        After the data were made.
    hparams_file : str
        The YAML.
    used : set of str
        Keys read elsewhere.

    Raises
    ------
    KeyError
        If a key is neither asked for, nor used, nor referred to, nor one of
        SpeechBrain's run options.

    Example
    -------
    >>> path = getfixture("tmpdir") / "c.yaml"
    >>> _ = path.write_text("sede: 1", "utf8")
    >>> refuse_unused(Hparams({"sede": 1}), path, set())
    Traceback (most recent call last):
        ...
    KeyError: '...c.yaml: nothing reads the key sede; ...'
    """
    _, references = read_yaml(hparams_file)
    options = {field.name for field in dataclasses.fields(sb.RunOptions)}
    known = hparams.asked | used | references | options
    unused = sorted(set(hparams) - known)
    if unused:
        raise KeyError(
            f"{hparams_file}: nothing reads the key {', '.join(unused)}; it is "
            "misspelt or of another recipe"
        )
