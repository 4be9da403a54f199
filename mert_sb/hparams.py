"""Hyperparameters: a YAML read with no key unknown and none unused.

HyperPyYAML refuses an unknown top-level override, adds an unknown nested one silently, and
leaves keys that nothing reads alone; here each is an error.

Authors
 * The mert_sb developers 2026
"""

import dataclasses
import re
from pathlib import Path

import speechbrain as sb
import yaml
from hyperpyyaml import load_hyperpyyaml


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


def read_yaml(path):
    """The keys of a YAML as nested dictionaries, nothing being built.

    Arguments
    ---------
    path : str or pathlib.Path
        The file; ``!include:`` is followed.

    Returns
    -------
    tuple of (dict, set of str)
        The tree, and all names that some ``!ref`` uses.

    Raises
    ------
    ValueError
        If the file is no mapping.

    Example
    -------
    >>> path = getfixture("tmpdir") / "a.yaml"
    >>> _ = path.write_text(
    ...     "a: 1\\nb: !new:torch.nn.Linear\\n  c: !ref <a>", "utf8"
    ... )
    >>> tree, names = read_yaml(path)
    >>> sorted(tree["b"]), names
    (['c'], {'a'})
    """
    path = Path(path)
    text = path.read_text(encoding="utf-8")
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    names = set(re.findall(r"<(\w+)", re.sub(r"(^|\s)#.*", "", text)))
    if not isinstance(node, yaml.MappingNode):
        raise ValueError(f"{path} is no mapping of keys to values")
    return _tree(node, path, names), names


def _tree(node, path, names):
    """A composed node as dictionaries; what is no mapping becomes None."""
    tree = {}
    if node.tag.startswith("!include:"):
        included = path.parent / node.tag.removeprefix("!include:")
        tree, more = read_yaml(included)
        names |= more
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            tree[key.value] = _tree(value, path, names)
        return tree
    return tree or None


def unknown_keys(overrides, tree, prefix=""):
    """Overrides that no key of the YAML answers to.

    HyperPyYAML refuses an unknown top-level override and adds an unknown nested one
    silently. An empty mapping in the YAML takes any key: its reader checks them.

    Arguments
    ---------
    overrides : dict
        As given on the command line.
    tree : dict
        From ``read_yaml``.
    prefix : str
        Keys above.

    Returns
    -------
    list of str
        Dotted names.

    Example
    -------
    >>> unknown_keys({"a": {"x": 1}, "b": 2}, {"a": {"y": None}, "b": None})
    ['a.x']
    """
    unknown = []
    for key, value in overrides.items():
        if key not in tree:
            unknown.append(f"{prefix}{key}")
        elif isinstance(value, dict) and tree[key]:
            unknown += unknown_keys(value, tree[key], f"{prefix}{key}.")
    return unknown


def load_hparams(hparams_file, overrides):
    """Build the YAML's objects, after a check of the overrides.

    Arguments
    ---------
    hparams_file : str
        The YAML.
    overrides : str
        YAML text, from ``speechbrain.parse_arguments``.

    Returns
    -------
    Hparams
        The hyperparameters.

    Raises
    ------
    KeyError
        If an override, nested or not, names no key of the YAML.

    Example
    -------
    >>> path = getfixture("tmpdir") / "b.yaml"
    >>> _ = path.write_text("a:\\n  x: 1", "utf8")
    >>> load_hparams(path, "a: {x: 2}")["a"]
    {'x': 2}
    """
    tree, _ = read_yaml(hparams_file)
    given = yaml.load(overrides or "", Loader=_PlainLoader) or {}
    unknown = unknown_keys(given, tree)
    if unknown:
        raise KeyError(
            f"{hparams_file} has no key {', '.join(unknown)}; look for a misspelt "
            "name on the command line, or add the key to the YAML"
        )
    with open(hparams_file, encoding="utf-8") as file:
        return Hparams(load_hyperpyyaml(file, overrides))


class _PlainLoader(yaml.SafeLoader):
    """Reads overrides for their keys; HyperPyYAML's tags mean nothing here."""


_PlainLoader.add_multi_constructor(
    "!",
    lambda loader, suffix, node: (
        loader.construct_mapping(node, deep=True)
        if isinstance(node, yaml.MappingNode)
        else None
    ),
)


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
