"""Reading the project's own source: files, syntax trees, imports.

The consistency tests look at the text of the code and never run it.

Authors
 * The mert_sb developers 2026
"""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Experiments copy the script that ran into their results folder.
GENERATED = {"results", "__pycache__"}


def source_files(*folders, root=ROOT, pattern="*.py"):
    """Files under folders of the project that people wrote.

    Arguments
    ---------
    *folders : str
        Relative to the root; those that do not exist are empty.
    root : pathlib.Path
        Root of the project.
    pattern : str
        Of the file names.

    Returns
    -------
    list of pathlib.Path
        Sorted.

    Example
    -------
    >>> [path.name for path in source_files("tests/utils", pattern="source_*")]
    ['source_tree.py']
    """
    found = (path for name in folders for path in (root / name).rglob(pattern))
    return sorted(
        path
        for path in found
        if not GENERATED.intersection(path.relative_to(root).parts)
    )


def parse(path):
    """Syntax tree of a file.

    Arguments
    ---------
    path : pathlib.Path
        The file.

    Returns
    -------
    ast.Module
        Errors name the file.
    """
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def module_name(path, root=ROOT):
    """Dotted name of a file.

    Arguments
    ---------
    path : pathlib.Path
        A file under the root.
    root : pathlib.Path
        Root of the project.

    Returns
    -------
    str
        Name by which the file is imported.

    Example
    -------
    >>> module_name(ROOT / "mert_sb" / "student" / "model.py")
    'mert_sb.student.model'
    >>> module_name(ROOT / "mert_sb" / "student" / "__init__.py")
    'mert_sb.student'
    """
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_names(path, root=ROOT):
    """Everything a file imports, anywhere in it.

    Arguments
    ---------
    path : pathlib.Path
        The file.
    root : pathlib.Path
        Root of the project.

    Returns
    -------
    list of (int, str)
        Line and absolute dotted name; ``from a import b`` is ``a.b``.

    Example
    -------
    >>> names = [name for _, name in imported_names(Path(__file__))]
    >>> names
    ['ast', 'pathlib.Path']
    """
    package = module_name(path, root).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    return [
        (node.lineno, name)
        for node in ast.walk(parse(path))
        for name in _names(node, package)
    ]


def _names(node, package):
    """Names imported by one node of a file in a package (a list)."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = package[: len(package) + 1 - node.level] if node.level else []
        base = base + ([node.module] if node.module else [])
        return [".".join([*base, alias.name]) for alias in node.names]
    if isinstance(node, ast.Call) and node.args:
        function = getattr(node.func, "attr", getattr(node.func, "id", ""))
        first = node.args[0]
        if function in ("import_module", "__import__"):
            return [first.value] if isinstance(first, ast.Constant) else []
    return []
