"""Build the virtual environment that the Makefile's targets run in.

    python tests/utils/setup_env.py FOLDER REQUIREMENT

makes FOLDER anew, installs torch, then REQUIREMENT (editable), and proves that
SpeechBrain can be imported. A plain installation cannot promise that: the last
torchaudio on PyPI (2.11.0) is built for CUDA 13.0 and refuses a torch built for
another CUDA version, and its extension does not load beside a CPU build of torch.
So torch is chosen here:

* without an NVIDIA GPU, a CPU build where pip's sources have one; the trial
  import then fails and torchaudio's extension is removed from the environment,
  which its loader takes for "no extension" (resampling and spectrograms are
  plain torch);
* otherwise the pair of torch and torchaudio of one CUDA version.

Standard library only: it runs before anything is installed.

Authors
 * The mert_sb developers 2026
"""

import shutil
import subprocess
import sys
from pathlib import Path

CPU_TORCH = "torch==2.13.0+cpu"
PAIR = ("torch==2.11.0", "torchaudio==2.11.0")
PYTHONS = ((3, 10), (3, 13))

TRIAL = "import speechbrain, torchaudio"
CUDA = "import torch; print(torch.version.cuda)"
VERSIONS = """
from importlib.metadata import version
for name in ("torch", "torchaudio", "speechbrain"):
    print(name, version(name), end="  ")
"""


def has_gpu(devices=Path("/dev")):
    """Whether this machine has an NVIDIA GPU that can be used.

    Arguments
    ---------
    devices : pathlib.Path
        Folder of the device files.

    Returns
    -------
    bool
        True if ``nvidia-smi`` lists a GPU or there is a device file of one.
    """
    tool = shutil.which("nvidia-smi")
    if tool:
        answer = subprocess.run([tool, "-L"], capture_output=True, text=True)
        if answer.returncode == 0 and "GPU" in answer.stdout:
            return True
    return any(devices.glob("nvidia[0-9]*"))


def check_python(version):
    """Refuse an interpreter that the package does not support.

    Arguments
    ---------
    version : tuple of int
        Major and minor version.

    Raises
    ------
    SystemExit
        Saying which versions will do.

    Example
    -------
    >>> check_python((3, 11))
    """
    low, high = PYTHONS
    if not low <= version <= high:
        raise SystemExit(
            f"Python {low[0]}.{low[1]} to {high[0]}.{high[1]} is needed, this "
            f"is {version[0]}.{version[1]}: make PYTHON=python3.12 ..."
        )


def install(python, *requirements, optional=False):
    """Install with the environment's own pip, quiet but for errors.

    Arguments
    ---------
    python : pathlib.Path
        Interpreter of the environment.
    *requirements : str
        Arguments of ``pip install``.
    optional : bool
        Whether a failure is an answer; otherwise it ends the set-up.

    Returns
    -------
    bool
        Whether pip succeeded.

    Raises
    ------
    SystemExit
        If it did not and was not optional.
    """
    command = [str(python), "-m", "pip", "install", "-qq"]
    command += ["--disable-pip-version-check", *requirements]
    done = subprocess.run(command, capture_output=optional)
    if done.returncode and not optional:
        raise SystemExit(f"this failed, see above: {' '.join(command)}")
    return done.returncode == 0


def install_torch(python, gpu):
    """Install a torch that fits this machine, before a plain range chooses.

    Arguments
    ---------
    python : pathlib.Path
        Interpreter of the environment.
    gpu : bool
        Whether the machine has an NVIDIA GPU.
    """
    if not gpu and install(python, CPU_TORCH, optional=True):
        return
    print(f"installing {' '.join(PAIR)} (several GB on Linux)", flush=True)
    install(python, *PAIR)


def ask(python, code):
    """Run a line of Python in the environment.

    Arguments
    ---------
    python : pathlib.Path
        Interpreter of the environment.
    code : str
        What to run.

    Returns
    -------
    subprocess.CompletedProcess
        With ``returncode``, ``stdout`` and ``stderr``.
    """
    return subprocess.run(
        [str(python), "-c", code], capture_output=True, text=True
    )


def mend_torchaudio(folder, python):
    """Make SpeechBrain importable, or say what stands in the way.

    Arguments
    ---------
    folder : pathlib.Path
        The environment.
    python : pathlib.Path
        Its interpreter.

    Raises
    ------
    SystemExit
        If the trial import fails for another reason than an extension built
        for CUDA beside a CPU build of torch.
    """
    trial = ask(python, TRIAL)
    if trial.returncode and ask(python, CUDA).stdout.strip() == "None":
        packages = "lib/python*/site-packages"
        for extension in folder.glob(f"{packages}/torchaudio/lib/*.so"):
            extension.unlink()
        trial = ask(python, TRIAL)
    if trial.returncode:
        raise SystemExit(
            f"{trial.stderr}\n'{TRIAL}' failed with "
            f"{ask(python, VERSIONS).stdout.strip()}. torch and torchaudio "
            f"must be built for one CUDA version: {' '.join(PAIR)} are."
        )


def main(folder, requirement):
    """Build the environment.

    Arguments
    ---------
    folder : str
        Where; what is there is replaced.
    requirement : str
        What to install editable, such as ``.[test]``.
    """
    check_python(sys.version_info[:2])
    folder = Path(folder)
    python = folder / "bin" / "python"
    if subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(folder)]
    ).returncode:
        raise SystemExit(f"{sys.executable} cannot make the environment")
    install_torch(python, has_gpu())
    install(python, "--editable", requirement)
    mend_torchaudio(folder, python)
    print(f"{folder}: {ask(python, VERSIONS).stdout}")


if __name__ == "__main__":
    main(*sys.argv[1:])
