"""The house has three floors and five wings; who may import whom is below.

Imports inside functions count. What is imported by name in YAML does not: wiring
wings together is what YAML is for.

Authors
 * The mert_sb developers 2026
"""

import pytest

from tests.utils.source_tree import (
    ROOT,
    imported_names,
    module_name,
    source_files,
)

# Place in mert_sb -> other places in mert_sb that it may import.
MAY_IMPORT = {
    "__init__": set(),
    # ground floor
    "frames": set(),
    "seeds": set(),
    "texts": set(),
    "plain_yaml": set(),
    "archives": set(),
    "tokens": set(),
    "progress": set(),
    "progress_brain": {"progress"},
    "preemption": set(),
    "processes": set(),
    "saving_brain": {
        *("preemption", "processes", "progress_brain", "skips"),
        "writing",
    },
    "cqt": {"frames"},
    "products": set(),
    "shard": set(),
    "leftovers": set(),
    "writing": set(),
    "skips": set(),
    "store": {"leftovers", "shard", "texts", "writing"},
    "checkpoints": {"plain_yaml", "texts", "writing"},
    "overrides": {"plain_yaml", "texts", "tokens"},
    "hparams": {"overrides", "tokens"},
    "recipe": {
        *("hparams", "overrides", "preemption", "processes", "progress"),
        *("tokens", "writing"),
    },
    # wings
    "audio": {"frames", "seeds", "progress", "writing"},
    "student": {"frames", "cqt", "products"},
    "teachers": {"frames", "cqt", "products", "seeds", "progress", "writing"},
    "pretraining": {"frames", "seeds", "store"},
    "downstream": {
        *("frames", "store", "shard", "hparams", "archives", "leftovers"),
    },
}
for wing in ("pretraining", "downstream"):
    MAY_IMPORT[wing] |= {"progress", "saving_brain", "skips", "writing"}
for name in (
    "store",
    "shard",
    "audio",
    "teachers",
    "pretraining",
    "downstream",
):
    MAY_IMPORT[name] |= {"texts"}
MAY_IMPORT["inference"] = set(MAY_IMPORT) - {
    "__init__",
    "recipe",
    "hparams",
    "overrides",
    "preemption",
    "processes",
    "progress_brain",
    "saving_brain",
}

ABOVE = {"recipes", "templates", "tests"}
IN_ONE_FILE = {"encodec", "nnAudio", "huggingface_hub", "sentencepiece"}
# In no other module than these.
IN_MODULES = {
    # A wing cannot ask the floor above for its figures.
    "matplotlib": {
        "mert_sb.inference.report.figures",
        "mert_sb.teachers.usage",
    },
    "mir_eval": {
        "mert_sb.downstream.beats.metrics",
        "mert_sb.downstream.metrics",
    },
}

# Usable from a notebook: these and all they import know nothing of these hosts.
HOSTS = {"speechbrain", "hyperpyyaml"}
PLAIN = (
    "frames",
    "seeds",
    "progress",
    "cqt",
    "products",
    "store",
    "student",
    "teachers",
    "pretraining.heads",
    "pretraining.hiding",
    "pretraining.masking",
    "pretraining.mixture",
    "pretraining.optimizers",
    "pretraining.schedules",
)


def place(name):
    """The place a dotted name of mert_sb belongs to."""
    return (name.split(".") + ["__init__"])[1]


def forbidden_imports(root):
    """Imports in mert_sb that go to another wing, another floor or above."""
    found = []
    for path in source_files("mert_sb", root=root):
        own = place(module_name(path, root))
        if own not in MAY_IMPORT:
            found.append(f"{path}: '{own}' is not in the table of floors")
            continue
        for line, name in imported_names(path, root):
            top = name.split(".")[0]
            inside = top == "mert_sb" and place(name) not in (
                MAY_IMPORT[own] | {own}
            )
            if inside or top in ABOVE:
                found.append(f"{path}:{line}: '{own}' imports {name}")
    return found


def shared_dependencies(root):
    """Outside packages that more files of mert_sb import than may."""
    users = {package: set() for package in IN_ONE_FILE | set(IN_MODULES)}
    for path in source_files("mert_sb", root=root):
        for _, name in imported_names(path, root):
            package = name.split(".")[0]
            users.get(package, set()).add(module_name(path, root))
    return {
        name: sorted(files)
        for name, files in users.items()
        if not files <= IN_MODULES.get(name, files)
        or (name in IN_ONE_FILE and len(files) > 1)
    }


def hosts_reached(root):
    """Plain modules that import a host, themselves or through others."""
    graph = {
        module_name(path, root): {n for _, n in imported_names(path, root)}
        for path in source_files("mert_sb", root=root)
    }
    found = []
    for start in graph:
        if any(f"{start}.".startswith(f"mert_sb.{p}.") for p in PLAIN):
            found += [
                f"{start} needs {host}"
                for host in sorted(HOSTS & reached(graph, start))
            ]
    return found


def reached(graph, start):
    """Names a module imports, directly or through modules in the graph."""
    seen, waiting = set(), [start]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += graph.get(name, ())
            # Importing a.b runs a first; in "from a import b" b may be a name.
            waiting += [name.rpartition(".")[0]]
    return seen


def test_each_place_imports_only_what_its_floor_allows():
    found = forbidden_imports(ROOT)
    assert not found, "\n".join(found)


def test_optional_dependencies_are_each_imported_where_they_may():
    assert shared_dependencies(ROOT) == {}


def test_plain_modules_need_no_host():
    found = hosts_reached(ROOT)
    assert not found, "\n".join(found)


def test_every_folder_of_the_package_is_a_package():
    folders = {path.parent for path in source_files("mert_sb")}
    assert [f for f in folders if not (f / "__init__.py").exists()] == []


def test_imports_of_the_package_name_modules_that_exist():
    modules = {module_name(path) for path in source_files("mert_sb")}
    unknown = [
        f"{path}:{line}: {name}"
        for path in source_files("mert_sb", "recipes", "templates")
        for line, name in imported_names(path)
        if name.split(".")[0] == "mert_sb"
        and not {name, name.rpartition(".")[0]} & modules
    ]
    assert not unknown, "\n".join(unknown)


@pytest.fixture
def house(tmp_path):
    """Writes a file of a made-up house and gives back its root."""

    def write(path, text):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return tmp_path

    return write


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("mert_sb/student/model.py", "import mert_sb.teachers.cqt"),
        ("mert_sb/student/model.py", "from mert_sb import teachers"),
        ("mert_sb/student/model.py", "from ..teachers.cqt import CQT"),
        ("mert_sb/student/__init__.py", "from ..teachers import cqt"),
        ("mert_sb/student/model.py", "def f():\n    import mert_sb.audio"),
        (
            "mert_sb/audio/a.py",
            "import importlib\nimportlib.import_module('mert_sb.student')",
        ),
        ("mert_sb/frames.py", "from mert_sb.seeds import item_seed"),
        ("mert_sb/frames.py", "import mert_sb"),
        ("mert_sb/inference/tasks.py", "import recipes.downstream"),
        ("mert_sb/cellar.py", ""),
    ],
)
def test_a_forbidden_import_is_found(house, path, text):
    assert len(forbidden_imports(house(path, text))) == 1


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("mert_sb/student/model.py", "from .encoder import Encoder"),
        ("mert_sb/student/model.py", "from mert_sb.frames import n_frames"),
        ("mert_sb/inference/tasks.py", "import mert_sb.student.model"),
        ("mert_sb/recipe.py", "from mert_sb.hparams import skip"),
        ("mert_sb/audio/reader.py", "import soundfile, torch"),
    ],
)
def test_an_allowed_import_is_not(house, path, text):
    assert forbidden_imports(house(path, text)) == []


def test_a_second_user_of_a_dependency_is_found(house):
    house("mert_sb/teachers/a.py", "import encodec.model")
    root = house("mert_sb/inference/b.py", "from encodec import EncodecModel")
    assert list(shared_dependencies(root)) == ["encodec"]


def test_a_user_of_a_dependency_of_other_files_is_found(house):
    house("mert_sb/downstream/metrics.py", "import mir_eval")
    root = house("mert_sb/downstream/beats/metrics.py", "import mir_eval.beat")
    assert shared_dependencies(root) == {}
    house("mert_sb/inference/a.py", "from mir_eval import beat")
    assert list(shared_dependencies(root)) == ["mir_eval"]


def test_a_host_reached_through_another_module_is_found(house):
    house("mert_sb/student/model.py", "from mert_sb.student.deep import x")
    root = house("mert_sb/student/deep.py", "from speechbrain import nnet")
    assert len(hosts_reached(root)) == 2


def test_a_host_reached_through_the_parent_package_is_found(house):
    house("mert_sb/pretraining/__init__.py", "from .brain import Pretraining")
    house("mert_sb/pretraining/brain.py", "import speechbrain")
    root = house("mert_sb/pretraining/heads.py", "import torch")
    assert hosts_reached(root) == [
        "mert_sb.pretraining.heads needs speechbrain"
    ]
