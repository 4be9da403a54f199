"""What the code must not contain, and how long its parts may be.

The rules read syntax trees, so words in strings and examples do not count.

Authors
 * The mert_sb developers 2026
"""

import ast
import re
import tokenize

import pytest

from tests.utils.source_tree import parse, source_files

EVERYWHERE = ("mert_sb", "recipes", "templates", "tests")

# A function with its docstring; a file.
MAX_FUNCTION_LINES = 60
MAX_FILE_LINES = 300

NOWHERE = {"eval", "exec"}
NOT_IN_PACKAGE = {
    "hasattr": "as a switch; require the key",
    "print": "use a logger",
    "torch.manual_seed": "global; use mert_sb.seeds",
    "torch.seed": "global; use mert_sb.seeds",
    "torch.cuda.manual_seed": "global; use mert_sb.seeds",
    "torch.cuda.manual_seed_all": "global; use mert_sb.seeds",
    "numpy.random.seed": "global; use mert_sb.seeds",
    "random.seed": "global; use mert_sb.seeds",
}
# What runs whatever a file asks for; and the only file that may, its own
# processes being what it hears.
UNSAFE = {
    *("pickle.load", "pickle.loads", "pickle.Unpickler", "marshal.loads"),
    *("joblib.load", "shelve.open", "yaml.unsafe_load", "yaml.full_load"),
    *("torch.hub.load", "torch.hub.load_state_dict_from_url", "os.system"),
}
HEARS_ITSELF = "inference/commands/loading.py"
BROAD = {"Exception", "BaseException"}
MARKS = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X{3})\b")


def aliases(tree):
    """What the names that a module imports stand for."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update((a.asname, a.name) for a in node.names if a.asname)
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                name = alias.asname or alias.name
                found[name] = f"{node.module}.{alias.name}"
    return found


def called_name(call, known):
    """Dotted name of what is called, its first part looked up."""
    first, *rest = ast.unparse(call.func).split(".")
    full = ".".join([known.get(first, first), *rest])
    return full.removeprefix("builtins.")


def forbidden_calls(tree, in_package):
    """Lines and reasons of calls that must not be made."""
    known = aliases(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = called_name(node, known)
            if name in NOWHERE:
                yield node.lineno, name
            if in_package and name in NOT_IN_PACKAGE:
                yield node.lineno, f"{name}: {NOT_IN_PACKAGE[name]}"
            if in_package and (name in UNSAFE or allows_pickle(node)):
                yield node.lineno, f"{name}: runs what a file asks for"
            if name == "torch.load" and not is_safe_load(node):
                yield node.lineno, "torch.load without weights_only=True"


def allows_pickle(call):
    """Whether numpy is told to unpickle."""
    given = {word.arg: ast.unparse(word.value) for word in call.keywords}
    return given.get("allow_pickle", "False") != "False"


def is_safe_load(call):
    """Whether a torch.load runs no code of the file, or says how it unpickles."""
    given = {word.arg: ast.unparse(word.value) for word in call.keywords}
    return given.get("weights_only") == "True" or "pickle_module" in given


def broad_handlers(tree):
    """Lines and reasons of except clauses that catch everything."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            kinds = getattr(node.type, "elts", [node.type])
            names = {ast.unparse(kind) if kind else "" for kind in kinds}
            if names & (BROAD | {""}):
                yield node.lineno, "bare or broad except"


def long_functions(tree):
    """Lines and names of functions too long, their docstrings not counted."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            length = node.end_lineno - node.lineno + 1
            if ast.get_docstring(node) is not None:
                text = node.body[0]
                length -= text.end_lineno - text.lineno + 1
            if length > MAX_FUNCTION_LINES:
                yield node.lineno, f"{node.name}: {length} lines"


def marks(path):
    """Lines of comments and docstrings that put work off."""
    with tokenize.open(path) as source:
        for token in tokenize.generate_tokens(source.readline):
            text = token.type == tokenize.COMMENT or token.string[:3] == '"""'
            if text and MARKS.search(token.string):
                yield token.start[0], "work put off"


def faults_of_file(path, in_package=False):
    """Everything forbidden in one file, as text."""
    tree = parse(path)
    length = len(path.read_text(encoding="utf-8").splitlines())
    calls = forbidden_calls(tree, in_package)
    if path.as_posix().endswith(HEARS_ITSELF):
        calls = (found for found in calls if "pickle.loads" not in found[1])
    found = [
        *calls,
        *broad_handlers(tree),
        *long_functions(tree),
        *marks(path),
    ]
    if length > MAX_FILE_LINES:
        found.append((1, f"{length} lines"))
    return [f"{path}:{line}: {reason}" for line, reason in sorted(found)]


@pytest.mark.parametrize("folder", EVERYWHERE)
def test_nothing_forbidden(folder):
    faults = []
    for path in source_files(folder):
        faults += faults_of_file(path, in_package=folder == "mert_sb")
    assert not faults, "\n".join(faults)


TRY = "try:\n    pass\n{}:\n    pass"


@pytest.mark.parametrize(
    "text",
    [
        "eval('1')",
        "import builtins\nbuiltins.exec('1')",
        TRY.format("except"),
        TRY.format("except Exception"),
        TRY.format("except (KeyError, BaseException)"),
        "print()",
        "hasattr(int, 'real')",
        "import torch\ntorch.manual_seed(0)",
        "import numpy as np\nnp.random.seed(0)",
        "from random import seed\nseed(0)",
        "import torch\ntorch.load('x')",
        "import torch\ntorch.hub.load_state_dict_from_url('x')",
        "import pickle\npickle.loads(b'x')",
        "from pickle import Unpickler\nUnpickler(file)",
        "import numpy as np\nnp.load('x', allow_pickle=True)",
        "from torch import load\nload('x', weights_only=False)",
        "x = 1  # FIX" + "ME later",
        "def f():\n" + "    x = 1\n" * MAX_FUNCTION_LINES,
        "x = 1\n" * (MAX_FILE_LINES + 1),
    ],
)
def test_each_sin_is_found_once(tmp_path, text):
    path = tmp_path / "sin.py"
    path.write_text(text)
    assert len(faults_of_file(path, in_package=True)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "model.eval()",
        "text = 'eval(x)'",
        TRY.format("except (KeyError, OSError)"),
        "import torch\ntorch.Generator().manual_seed(0)",
        "import torch\ntorch.load('x', weights_only=True)",
        "import torch\ntorch.load('x', pickle_module=reader)",
        "def f():\n" + "    x = 1\n" * (MAX_FUNCTION_LINES - 1),
        "x = 1\n" * MAX_FILE_LINES,
    ],
)
def test_what_is_allowed_is_not(tmp_path, text):
    path = tmp_path / "fine.py"
    path.write_text(text)
    assert faults_of_file(path, in_package=True) == []


def test_scripts_may_print(tmp_path):
    path = tmp_path / "demo.py"
    path.write_text("print()")
    assert faults_of_file(path, in_package=False) == []
