"""YAML of others: HyperPyYAML runs what it names, so it may name little.

Authors
 * The mert_sb developers 2026
"""

import yaml

from mert_sb.inference.tensors import CheckpointError

# What export_student writes.
BUILT = frozenset(
    f"!new:{name}"
    for name in (
        "mert_sb.inference.pretrainer.StrictPretrainer",
        "mert_sb.student.MERT",
        "speechbrain.dataio.preprocess.AudioNormalizer",
    )
)
PLAIN = frozenset(
    f"tag:yaml.org,2002:{kind}"
    for kind in ("bool", "float", "int", "map", "null", "seq", "str")
)
REFERENCE = "!ref"


def check_harmless(path):
    """Refuse a YAML that would do more than build a student.

    Arguments
    ---------
    path : pathlib.Path
        Of somebody else.

    Raises
    ------
    CheckpointError
        If it is no YAML, or names another class or function, includes a file, or
        computes.

    Example
    -------
    >>> path = getfixture("tmp_path") / "hyperparams.yaml"
    >>> _ = path.write_text("a: !apply:os.system [ls]")
    >>> check_harmless(path)
    Traceback (most recent call last):
        ...
    mert_sb.inference.tensors.CheckpointError: ...: line 1: it wants !apply:os.system; ...
    """
    try:
        with open(path, encoding="utf-8") as file:
            root = yaml.compose(file, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{path}: this is no YAML: {error}") from error
    waiting, seen = [root], set()
    while waiting:
        node = waiting.pop()
        # An anchor may hold itself.
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        if not _is_harmless(node):
            raise CheckpointError(
                f"{path}: line {node.start_mark.line + 1}: it wants "
                f"{_wish(node)}; a student's YAML has no need of it, and HyperPyYAML "
                "would run it. from_original opens such a folder as plain data; if "
                "you trust who made it, run_code=True builds all it names"
            )
        if isinstance(node, yaml.MappingNode):
            waiting += [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value


def _is_harmless(node):
    """Plain data, a reference to a key, or one of ours."""
    if node.tag == REFERENCE:
        # Anything beyond <key> is computed.
        text = node.value if isinstance(node, yaml.ScalarNode) else ""
        name = text.removeprefix("<").removesuffix(">")
        return text == f"<{name}>" and name.isidentifier()
    return node.tag in PLAIN or node.tag in BUILT


def _wish(node):
    """What a node is, in short."""
    if node.tag == REFERENCE and isinstance(node, yaml.ScalarNode):
        return f"{node.tag} {node.value}"
    return node.tag
