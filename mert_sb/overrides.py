"""Overrides: every flag finds its key, or is refused.

HyperPyYAML refuses an unknown top-level override and adds an unknown nested one silently;
here both are errors. A YAML may stand on another, under the key ``base``:

    base: !include:../../probe.yaml
        lr: 0.001

Flags reach the keys of both (``--lr 0.01``), and none may stand in both. A base may have a
base of its own, and ``base: {base: {...}}`` then changes it.

Authors
 * The mert_sb developers 2026
"""

import re
from pathlib import Path

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from mert_sb.plain_yaml import compose
from mert_sb.texts import read_text
from mert_sb.tokens import redacted

BASE = "base"


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
        If a file is no YAML, or no mapping.

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
    text = read_text(path)
    node = compose(text, path)
    names = set(
        re.findall(rf"<(?:{BASE}\[)*(\w+)", re.sub(r"(^|\s)#.*", "", text))
    )
    if not isinstance(node, yaml.MappingNode):
        raise ValueError(f"{path} is no mapping of keys to values")
    return _tree(node, path, names), names


def _tree(node, path, names):
    """A composed node as dictionaries; what is no mapping becomes None."""
    tree, own = {}, {}
    if node.tag.startswith("!include:"):
        included = path.parent / node.tag.removeprefix("!include:")
        tree, more = read_yaml(included)
        names |= more
    if isinstance(node, yaml.MappingNode):
        own = {
            _name(key, path): _tree(value, path, names)
            for key, value in node.value
        }
    unknown = unknown_keys(own, tree) if tree else []
    if unknown:
        raise KeyError(
            f"{path}: {included.name} has no key {', '.join(unknown)}"
        )
    return _merged(tree, own) or None


def _name(key, path):
    """A key as text."""
    if not isinstance(key, yaml.ScalarNode):
        line = key.start_mark.line + 1
        raise ValueError(f"{path}: a key of line {line} is no text")
    return key.value


def _merged(tree, own):
    """The keys of both trees."""
    merged = tree | own
    for key in tree.keys() & own.keys():
        if tree[key] and own[key]:
            merged[key] = _merged(tree[key], own[key])
        else:
            merged[key] = tree[key] or own[key]
    return merged


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


def place_overrides(path, overrides):
    """Overrides where the YAML has their keys: in itself or in its ``base``.

    Arguments
    ---------
    path : str or pathlib.Path
        The YAML.
    overrides : str or dict
        YAML text, or a mapping.

    Returns
    -------
    dict
        For HyperPyYAML.

    Raises
    ------
    KeyError
        If an override, nested or not, names no key of the YAML, or a key stands in
        the YAML and in its base.
    ValueError
        If the overrides are no YAML, or no mapping where the YAML has one.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> _ = (folder / "common.yaml").write_text("lr: 0.1")
    >>> _ = (folder / "a.yaml").write_text("base: !include:common.yaml")
    >>> place_overrides(folder / "a.yaml", "lr: 0.2")["base"]["lr"]
    0.2
    """
    given = _given(path, overrides)
    tree, _ = read_yaml(path)
    placed = _placed(given, tree, path)
    unknown = unknown_keys(placed, tree)
    if unknown:
        raise KeyError(
            f"{path} has no key {', '.join(unknown)}; look for a misspelt name on "
            "the command line, or add the key to the YAML"
        )
    return placed


def _given(path, overrides):
    """Overrides as a dictionary."""
    if isinstance(overrides, dict):
        return dict(overrides)
    try:
        given = YAML().load(overrides or "") or {}
    except (YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(
            f"{path}: its flags are no YAML: {redacted(reason)}"
        ) from error
    if not isinstance(given, dict):
        said = redacted(repr(given))
        raise ValueError(f"{path}: its flags are no keys and values: {said}")
    return given


def own_keys(tree):
    """Keys of a YAML, and of what it stands on.

    Arguments
    ---------
    tree : dict
        From ``read_yaml``.

    Returns
    -------
    set of str
        Without ``base``.

    Example
    -------
    >>> sorted(own_keys({"a": None, "base": {"b": None, "base": {"c": None}}}))
    ['a', 'b', 'c']
    """
    base = tree.get(BASE) or {}
    return (set(tree) - {BASE}) | (own_keys(base) if base else set())


def _placed(given, tree, path):
    """Overrides in a tree, those it lacks in its base's."""
    base = tree.get(BASE) or {}
    twice = (set(tree) - {BASE}) & own_keys(base)
    if twice:
        raise KeyError(
            f"{path} and the YAML under its key {BASE} both have "
            f"{', '.join(sorted(twice))}; change it under {BASE}"
        )
    if not base:
        return given
    below = own_keys(base)
    placed = {k: v for k, v in given.items() if k in tree or k not in below}
    moved = {k: v for k, v in given.items() if k not in placed}
    inner = placed.get(BASE) or {}
    if not isinstance(inner, dict):
        said = redacted(repr(inner))
        raise ValueError(f"{path}: {BASE} is {said}, no keys and values")
    inner = {**inner, **moved}
    return {**placed, BASE: _placed(inner, base, path)} if inner else placed
