"""The tables in tests/recipes and the recipes belong together.

Every YAML of a recipe or template has one row, so that it is run in small by
tests/recipes/test_recipes_run.py, and is named in a README. Files whose names
start with ``_`` are included by others and have no row.

Authors
 * The mert_sb developers 2026
"""

from collections import Counter

import pytest

from tests.utils.recipe_tests import CHECK, COLUMNS, ROOT, read_tables
from tests.utils.source_tree import source_files

REQUIRED = (
    "Task",
    "Dataset",
    "Script_file",
    "Hparam_file",
    "Readme_file",
    "test_debug_flags",
    "test_debug_checks",
)
FILES = ("Script_file", "Hparam_file", "Data_prep_file", "Readme_file")


def experiments(root):
    """Paths, relative to the root, of the YAML files that can be run."""
    files = source_files("recipes", "templates", root=root, pattern="*.yaml")
    return [
        path.relative_to(root).as_posix()
        for path in files
        if path.parent.name == "hparams" and not path.name.startswith("_")
    ]


def faults_of_tables(rows, root):
    """YAML files with no row or more than one, rows with no YAML file."""
    rows_of = Counter(row["Hparam_file"] for row in rows)
    expected = Counter(experiments(root))
    return sorted((rows_of - expected) + (expected - rows_of))


def faults_of_row(row, root):
    """What is wrong with one row."""
    if set(row) != {"table", *COLUMNS} or None in row.values():
        return ["not as many fields as columns"]
    faults = [f"no {key}" for key in REQUIRED if not row[key].strip()]
    if row["Dataset"] != row["table"]:
        faults.append(f"dataset {row['Dataset']} in {row['table']}.csv")
    files = [row[key] for key in FILES if row[key]]
    faults += [
        f"no file {name}" for name in files if not (root / name).is_file()
    ]
    if not CHECK.search(row["test_debug_checks"]):
        faults.append("nothing is checked")
    if faults:
        return faults
    readme = (root / row["Readme_file"]).read_text(encoding="utf-8")
    yaml = row["Hparam_file"].rpartition("/")[2]
    return [] if yaml in readme else [f"{row['Readme_file']} without {yaml}"]


def test_every_experiment_has_one_row():
    assert faults_of_tables(read_tables(), ROOT) == []


def test_rows_are_complete_and_their_files_exist():
    faults = [
        f"{row['table']}.csv, {row['Hparam_file']}: {fault}"
        for row in read_tables()
        for fault in faults_of_row(row, ROOT)
    ]
    assert not faults, "\n".join(faults)


@pytest.fixture
def house(tmp_path):
    """A made-up house with one recipe, and the row that fits it."""
    folder = tmp_path / "recipes" / "X"
    (folder / "hparams").mkdir(parents=True)
    for name in ("train.py", "hparams/a.yaml", "hparams/_common.yaml"):
        (folder / name).write_text("")
    (folder / "README.md").write_text("python train.py hparams/a.yaml")
    row = dict.fromkeys(COLUMNS, "") | {
        "table": "X",
        "Task": "key",
        "Dataset": "X",
        "Script_file": "recipes/X/train.py",
        "Hparam_file": "recipes/X/hparams/a.yaml",
        "Readme_file": "recipes/X/README.md",
        "test_debug_flags": "--debug",
        "test_debug_checks": "file_exists=[log.txt]",
    }
    return tmp_path, row


def test_a_fitting_row_is_clean(house):
    root, row = house
    assert faults_of_tables([row], root) == []
    assert faults_of_row(row, root) == []


def test_a_missing_a_double_and_an_idle_row_are_found(house):
    root, row = house
    name = row["Hparam_file"]
    idle = row | {"Hparam_file": "recipes/X/hparams/b.yaml"}
    assert faults_of_tables([], root) == [name]
    assert faults_of_tables([row, row], root) == [name]
    assert faults_of_tables([row, idle], root) == [idle["Hparam_file"]]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"Task": " "}, "no Task"),
        ({"Dataset": "Y"}, "dataset Y in X.csv"),
        ({"Data_prep_file": "recipes/X/p.py"}, "no file recipes/X/p.py"),
        ({"test_debug_checks": "it runs"}, "nothing is checked"),
        ({"performance": None}, "not as many fields as columns"),
    ],
)
def test_a_faulty_row_is_found(house, change, fault):
    root, row = house
    assert faults_of_row(row | change, root) == [fault]


def test_a_readme_without_the_experiment_is_found(house):
    root, row = house
    (root / row["Readme_file"]).write_text("nothing")
    assert faults_of_row(row, root) == ["recipes/X/README.md without a.yaml"]
