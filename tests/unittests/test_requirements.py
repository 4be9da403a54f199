"""What setup.cfg asks for: ranges that were tried, and that this environment is in.

Authors
 * The mert_sb developers 2026
"""

import configparser
from importlib.metadata import PackageNotFoundError, version

import pytest
from packaging.requirements import Requirement

from tests.utils.source_tree import ROOT, imported_names, source_files


def listed():
    """Requirements of the package and of its extras, each once."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    texts = [config["options"]["install_requires"]]
    texts += config["options.extras_require"].values()
    lines = {line.strip() for text in texts for line in text.splitlines()}
    return sorted(line for line in lines if line and not line.startswith("#"))


@pytest.mark.parametrize("text", listed())
def test_a_range_has_two_ends_and_holds_what_is_here(text):
    requirement = Requirement(text)
    signs = {part.operator for part in requirement.specifier}
    assert signs == {">=", "<"}
    try:
        here = version(requirement.name)
    except PackageNotFoundError:
        pytest.skip("an extra that is not installed")
    assert requirement.specifier.contains(here.partition("+")[0])


def test_units_are_read_by_a_version_without_the_known_hole():
    """CVE-2026-1260: a tokens.model from elsewhere, memory of this process."""
    found = {Requirement(text).name: Requirement(text) for text in listed()}
    assert not found["sentencepiece"].specifier.contains("0.2.0")


# Names of imports that are not those of their packages.
PACKAGES = {
    "yaml": "pyyaml",
    "ruamel": "ruamel.yaml",
    "sklearn": "scikit-learn",
}


def test_what_is_imported_is_listed():
    import sys

    names = {Requirement(text).name.lower() for text in listed()}
    found = {
        name.split(".")[0]
        for path in source_files("mert_sb")
        for _, name in imported_names(path)
    } - {*sys.stdlib_module_names, "mert_sb"}
    absent = {n for n in found if PACKAGES.get(n, n).lower() not in names}
    # The doctests' own.
    assert absent <= {"pytest"}
