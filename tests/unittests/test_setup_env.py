"""The choices of the set-up, with pip and Python played by stand-ins.

Authors
 * The mert_sb developers 2026
"""

from pathlib import Path
from subprocess import CompletedProcess

import pytest


@pytest.fixture
def pip(monkeypatch):
    """Records what would be installed; fails for what is put in ``absent``."""
    from tests.utils import setup_env

    class Pip:
        asked, absent = [], set()

        def __call__(self, python, *requirements, optional=False):
            self.asked.append(requirements)
            return not self.absent.intersection(requirements)

    monkeypatch.setattr(setup_env, "install", fake := Pip())
    return fake


def test_without_a_gpu_a_cpu_build_is_taken_where_there_is_one(pip):
    from tests.utils import setup_env

    pip.asked = []
    setup_env.install_torch(Path("python"), gpu=False)
    assert pip.asked == [(setup_env.CPU_TORCH,)]


def test_without_a_cpu_build_the_pair_is_taken(pip):
    from tests.utils import setup_env

    pip.asked, pip.absent = [], {setup_env.CPU_TORCH}
    setup_env.install_torch(Path("python"), gpu=False)
    assert pip.asked == [(setup_env.CPU_TORCH,), setup_env.PAIR]


def test_with_a_gpu_the_pair_is_taken_at_once(pip):
    from tests.utils import setup_env

    pip.asked = []
    setup_env.install_torch(Path("python"), gpu=True)
    assert pip.asked == [setup_env.PAIR]


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """An environment with an extension that loads only beside one CUDA."""
    from tests.utils import setup_env

    library = tmp_path / "lib/python3.11/site-packages/torchaudio/lib"
    library.mkdir(parents=True)
    extension = library / "_torchaudio.abi3.so"
    extension.write_text("")
    answers = {"cuda": "None", "fits": False, "else": True}

    def ask(python, code):
        if code != setup_env.TRIAL:
            said = answers["cuda"] if code == setup_env.CUDA else "torch 2.15"
            return CompletedProcess([], 0, said + "\n", "")
        fits = answers["fits"] or not extension.exists()
        return CompletedProcess([], not (fits and answers["else"]), "", "why")

    monkeypatch.setattr(setup_env, "ask", ask)
    return tmp_path, extension, answers


def test_an_extension_that_does_not_load_beside_a_cpu_torch_goes(environment):
    from tests.utils import setup_env

    folder, extension, _ = environment
    setup_env.mend_torchaudio(folder, Path("python"))
    assert not extension.exists()


def test_an_extension_that_loads_stays(environment):
    from tests.utils import setup_env

    folder, extension, answers = environment
    answers["fits"] = True
    setup_env.mend_torchaudio(folder, Path("python"))
    assert extension.exists()


def test_beside_a_cuda_torch_it_stays_and_the_remedy_is_named(environment):
    from tests.utils import setup_env

    folder, extension, answers = environment
    answers["cuda"] = "13.2"
    with pytest.raises(SystemExit, match=r"torch 2.15.*torch==2.11.0"):
        setup_env.mend_torchaudio(folder, Path("python"))
    assert extension.exists()


def test_another_failure_is_shown(environment):
    from tests.utils import setup_env

    folder, _, answers = environment
    answers["else"] = False
    with pytest.raises(SystemExit, match="why"):
        setup_env.mend_torchaudio(folder, Path("python"))


@pytest.mark.parametrize("version", [(3, 9), (3, 14), (2, 7)])
def test_an_unsupported_python_is_refused(version):
    from tests.utils.setup_env import check_python

    with pytest.raises(SystemExit, match="3.10 to 3.13"):
        check_python(version)


def test_the_pythons_are_those_of_the_package():
    import configparser

    from tests.utils.setup_env import PYTHONS
    from tests.utils.source_tree import ROOT

    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    (low, high), (top, last) = PYTHONS
    declared = config["options"]["python_requires"]
    assert declared == f">={low}.{high},<{top}.{last + 1}"


@pytest.mark.parametrize(
    ("said", "status", "file", "found"),
    [
        ("GPU 0: H100", 0, None, True),
        ("No devices were found", 0, None, False),
        ("", 9, None, False),
        ("", 9, "nvidia0", True),
        ("", 9, "nvidiactl", False),
        (None, None, "nvidia0", True),
        (None, None, None, False),
    ],
)
def test_a_gpu_is_seen(tmp_path, monkeypatch, said, status, file, found):
    from tests.utils import setup_env

    if said is not None:
        tool = tmp_path / "nvidia-smi"
        tool.write_text(f"#!/bin/sh\necho '{said}'\nexit {status}\n")
        tool.chmod(0o755)
    if file:
        (tmp_path / file).write_text("")
    monkeypatch.setenv("PATH", f"{tmp_path}")
    assert setup_env.has_gpu(devices=tmp_path) is found
