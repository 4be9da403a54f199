"""What the docstring of a public name must have, and which lack it.

Authors
 * The mert_sb developers 2026
"""

import ast
import re

# Called by SpeechBrain with arguments that its own documentation explains: a
# docstring is enough.
HOOKS = {
    "compute_forward",
    "compute_objectives",
    "evaluate_batch",
    "fit_batch",
    "init_optimizers",
    "make_dataloader",
    "on_evaluate_start",
    "on_fit_batch_end",
    "on_fit_batch_start",
    "on_fit_start",
    "on_stage_end",
    "on_stage_start",
    "optimizers_step",
    "update_average",
}

# Classes and functions without an Example, because one needs a whole recipe or
# a checkpoint: classes by the end of a base class's name, others by their own.
BASES_WITHOUT_EXAMPLE = ("Brain", "Error", "Exception")
WITHOUT_EXAMPLE = {"run", "open_recipe", "open_upstream", "open_frames"}

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
SECTION = re.compile(r"^(\w[\w ]*)\n-{3,}$", re.MULTILINE)
ENTRY = re.compile(r"^(\*{0,2}\w+(?:, *\*{0,2}\w+)*) *:", re.MULTILINE)
AUTHORS = re.compile(r"^Authors\n \* \S", re.MULTILINE)


def sections(docstring):
    """Section titles of a docstring and their text."""
    _, *parts = SECTION.split(docstring)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def argument_names(function):
    """Names of a function's arguments but self and cls."""
    spec = function.args
    names = [a.arg for a in [*spec.posonlyargs, *spec.args, *spec.kwonlyargs]]
    names += [extra.arg for extra in (spec.vararg, spec.kwarg) if extra]
    return set(names) - {"self", "cls"}


def returns_something(function):
    """Whether a function has a value to return or yields (not one inside)."""
    waiting = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (*FUNCTIONS, ast.ClassDef, ast.Lambda)):
            continue
        if isinstance(node, (ast.Yield, ast.YieldFrom)):
            return True
        if isinstance(node, ast.Return) and node.value is not None:
            if getattr(node.value, "value", node) is not None:
                return True
        waiting += ast.iter_child_nodes(node)
    return False


def decorators(node):
    """Last parts of the names of a node's decorators."""
    bare = (getattr(d, "func", d) for d in node.decorator_list)
    return {getattr(d, "attr", getattr(d, "id", "")) for d in bare}


def faults_of_arguments(docstring, names):
    """Arguments not documented, or documented and not there."""
    text = sections(docstring).get("Arguments", "")
    entries = ",".join(ENTRY.findall(text)).replace("*", "")
    documented = set(re.split(r", *", entries)) - {""}
    return [f"argument {name}" for name in sorted(documented ^ names)]


def faults_of_function(node):
    """What the docstring of a function or method lacks, its Example aside."""
    docstring = ast.get_docstring(node)
    if not docstring:
        return ["docstring"]
    if decorators(node) & {"property", "cached_property"} or node.name in HOOKS:
        return []
    faults = faults_of_arguments(docstring, argument_names(node))
    if returns_something(node) and not {"Returns", "Yields"} & set(
        sections(docstring)
    ):
        faults.append("Returns")
    return faults


def constructor_arguments(node):
    """What the constructor that a class body defines takes."""
    fields = {
        field.target.id
        for field in node.body
        if isinstance(field, ast.AnnAssign)
        and not ast.unparse(field.annotation).startswith("ClassVar")
    }
    names = fields if is_record(node) else set()
    for part in node.body:
        if isinstance(part, FUNCTIONS) and part.name == "__init__":
            names = argument_names(part)
    return names


def base_names(node):
    """Last parts of the names of a class's bases."""
    return [ast.unparse(base).split(".")[-1] for base in node.bases]


def is_record(node):
    """Whether the constructor is made from annotated fields."""
    return "dataclass" in decorators(node) or "NamedTuple" in base_names(node)


def faults_of_class(node):
    """What the docstrings of a class and its public methods lack."""
    docstring = ast.get_docstring(node)
    own = ["docstring"] if not docstring else []
    if docstring:
        own = faults_of_arguments(docstring, constructor_arguments(node))
    found = [(node.name, fault) for fault in own]
    for part in public(node.body):
        if isinstance(part, FUNCTIONS) and "setter" not in decorators(part):
            name = f"{node.name}.{part.name}"
            found += [(name, fault) for fault in faults_of_function(part)]
    return found


def lacks_example(node):
    """Whether a public class or function should show an example and does not."""
    exempt = node.name in WITHOUT_EXAMPLE
    if isinstance(node, ast.ClassDef):
        ends = BASES_WITHOUT_EXAMPLE
        exempt = exempt or any(b.endswith(ends) for b in base_names(node))
    docstring = ast.get_docstring(node) or ""
    return not exempt and ">>>" not in sections(docstring).get("Example", "")


def public(body):
    """Functions and classes of a body whose names do not start with _."""
    kinds = (*FUNCTIONS, ast.ClassDef)
    nodes = (node for node in body if isinstance(node, kinds))
    return [node for node in nodes if not node.name.startswith("_")]


def faults_of_module(tree):
    """Pairs of a public name of a module and what its docstring lacks."""
    docstring = ast.get_docstring(tree)
    found = [] if docstring else [("module", "docstring")]
    if docstring and not AUTHORS.search(docstring):
        found.append(("module", "Authors"))
    for node in public(tree.body):
        if isinstance(node, ast.ClassDef):
            found += faults_of_class(node)
        else:
            found += [(node.name, fault) for fault in faults_of_function(node)]
        found += [(node.name, "Example")] if lacks_example(node) else []
    return found
