"""YAML as a tree of nodes: nothing is built, and a small file cannot become a large one.

An alias repeats what it names, and an alias of aliases multiplies: nine lines can stand
for a billion values. Here the tree with all aliases written out is counted first.

Authors
 * The mert_sb developers 2026
"""

import yaml

# Recipes have some hundreds of nodes and some kilobytes.
MOST_NODES = 100_000
MOST_CHARACTERS = 1_000_000


def compose(text, path):
    """The nodes of a YAML, as PyYAML's safe reader composes them.

    Arguments
    ---------
    text : str
        The YAML.
    path : str or pathlib.Path
        Where it is from, for the error.

    Returns
    -------
    yaml.Node or None
        The root; None of an empty text.

    Raises
    ------
    ValueError
        If it is no YAML, contains itself, is nested too deeply, is longer than
        ``MOST_CHARACTERS``, or would have more than ``MOST_NODES`` nodes with its
        aliases written out.

    Example
    -------
    >>> compose("a: 1", "a.yaml").tag
    'tag:yaml.org,2002:map'
    >>> compose("a: &a [*a]", "a.yaml")
    Traceback (most recent call last):
        ...
    ValueError: a.yaml: damaged, or no plain YAML (line 1 contains itself)
    """
    if len(text) > MOST_CHARACTERS:
        raise ValueError(
            f"{path}: {len(text)} characters are no YAML of a recipe"
        )
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if root is not None:
            _count(root, {})
    except RecursionError as error:
        reason, cause = "nested too deeply", error
    except (ValueError, yaml.YAMLError) as error:
        reason, cause = " ".join(str(error).split()), error
    else:
        return root
    raise ValueError(f"{path}: damaged, or no plain YAML ({reason})") from cause


def _count(node, counts):
    """Nodes of a tree, its aliases written out; those done are in ``counts``."""
    if isinstance(node, yaml.ScalarNode):
        return 1
    line = node.start_mark.line + 1
    if id(node) not in counts:
        counts[id(node)] = None
        counts[id(node)] = 1 + sum(
            _count(child, counts) for child in _children(node)
        )
    count = counts[id(node)]
    if count is None:
        raise ValueError(f"line {line} contains itself")
    if count > MOST_NODES:
        raise ValueError(
            f"the aliases of line {line} make {count} values of it"
        )
    return count


def _children(node):
    """What a collection holds; merged keys (``<<``) are values like others here."""
    if isinstance(node, yaml.SequenceNode):
        return node.value
    return [part for pair in node.value for part in pair]
