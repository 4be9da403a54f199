"""Every public name of the package says what it is, takes and gives.

NumPy docstrings in SpeechBrain's form: `Arguments` names each argument, `Returns`
says what comes back, `Example` runs as a doctest. A class documents the arguments
of its constructor.

Authors
 * The mert_sb developers 2026
"""

import ast

import pytest

from tests.utils.docstring_rules import faults_of_module, public
from tests.utils.source_tree import parse, source_files


def test_public_names_of_the_package_are_documented():
    faults = [
        f"{path}: {name} lacks or misnames: {fault}"
        for path in source_files("mert_sb")
        for name, fault in faults_of_module(parse(path))
    ]
    assert not faults, "\n".join(faults)


def test_scripts_have_docstrings():
    missing = []
    for path in source_files("recipes", "templates"):
        tree = parse(path)
        for node in [tree, *public(tree.body)]:
            if not ast.get_docstring(node):
                missing.append(f"{path}: {getattr(node, 'name', 'module')}")
    assert not missing, "\n".join(missing)


GOOD = '''
"""Module.

Authors
 * Somebody 2026
"""


def double(number, *, times=1):
    """Twice.

    Arguments
    ---------
    number, times : int
        What, and how often.

    Returns
    -------
    int
        Product.

    Example
    -------
    >>> double(2)
    4
    """
    return 2 * number


class Doubler(Module):
    """Doubles.

    Arguments
    ---------
    times : int
        How often.

    Example
    -------
    >>> Doubler(1)
    """

    def __init__(self, times):
        self.times = times

    @property
    def often(self):
        """How often."""
        return self.times

    def on_stage_start(self, stage):
        """Start."""
        return stage
'''


def test_a_documented_module_is_clean():
    assert faults_of_module(ast.parse(GOOD)) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("\n\nAuthors\n * Somebody 2026", "", ("module", "Authors")),
        ("number, times :", "number :", ("double", "argument times")),
        ("number, times :", "number, x, times :", ("double", "argument x")),
        ("Returns\n    ----", "Result\n    ----", ("double", "Returns")),
        (">>> double", "    double", ("double", "Example")),
        ("times : int\n        How", "How", ("Doubler", "argument times")),
        (">>> Doubler", "    Doubler", ("Doubler", "Example")),
        ('"""How often."""', "", ("Doubler.often", "docstring")),
        ('"""Start."""', "", ("Doubler.on_stage_start", "docstring")),
    ],
)
def test_what_is_missing_is_found(old, new, fault):
    broken = GOOD.replace(old, new, 1)
    assert broken != GOOD
    assert faults_of_module(ast.parse(broken)) == [fault]
