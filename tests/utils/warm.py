"""Scripts in processes of their own that need not import torch.

Of a recipe run in small most time goes into importing torch, SciPy and SpeechBrain. Here
one process imports them, nothing of ``mert_sb``, and forks for each script: a process
with the script's own arguments, folder, environment, standard output, exit status and
end, that can be killed as any other. What is not given anew is the seed of ``hash``.

Authors
 * The mert_sb developers 2026
"""

import functools
import gc
import importlib
import json
import os
import random
import runpy
import select
import signal
import subprocess
import sys
import tempfile

# What recipes import that is not this project's.
LIBRARIES = (
    "encodec",
    "mir_eval",
    "nnAudio.features",
    "scipy.signal",
    "sklearn.cluster",
    "sklearn.metrics",
    "soundfile",
    "speechbrain",
    "torch._dynamo",
    "torch.distributed.nn",
    "torchaudio",
)
# Threads of a library do not live on in a fork.
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
# Elsewhere a library may not be used in a fork.
CAN_FORK = sys.platform == "linux"


class Forked:
    """A script that runs, with what tests use of ``subprocess.Popen``.

    One at a time: the next can be started when this one has ended.

    Arguments
    ---------
    arguments : list
        The script and its arguments.
    cwd : str or pathlib.Path
        Where it runs.
    env : dict
        All of its environment.

    Raises
    ------
    RuntimeError
        If the one before still runs.
    """

    last = None

    def __init__(self, arguments, *, cwd, env):
        if Forked.last is not None and Forked.last.poll() is None:
            raise RuntimeError(f"{Forked.last.arguments} still runs")
        handle, self.output = tempfile.mkstemp()
        os.close(handle)
        self.server = _server()
        self.returncode = None
        self.arguments = [str(part) for part in arguments]
        request = {
            "arguments": self.arguments,
            "cwd": str(cwd),
            "env": env | ONE_THREAD,
            "output": self.output,
        }
        self.server.stdin.write(json.dumps(request).encode() + b"\n")
        self.pid = int(self.server.stdout.readline())
        Forked.last = self

    def poll(self, seconds=0):
        """Its exit status, or None while it runs.

        Arguments
        ---------
        seconds : float, optional
            Time to wait for it; None waits for ever.

        Returns
        -------
        int or None
            Negative is the signal that ended it.
        """
        out = self.server.stdout
        if self.returncode is None and select.select([out], [], [], seconds)[0]:
            self.returncode = int(out.readline())
        return self.returncode

    def kill(self):
        """End it at once, and all of its group."""
        os.killpg(self.pid, signal.SIGKILL)

    def communicate(self, timeout=None):
        """Wait for its end.

        Arguments
        ---------
        timeout : float, optional
            Seconds to wait at most.

        Returns
        -------
        tuple of (str, None)
            What it wrote, to both streams.

        Raises
        ------
        subprocess.TimeoutExpired
            If it still runs then.
        """
        if self.poll(timeout) is None:
            raise subprocess.TimeoutExpired(self.arguments, timeout)
        return _taken(self.output), None


class Started(subprocess.Popen):
    """A script in a Python of its own; into a file, since a pipe that nobody reads fills.

    Arguments
    ---------
    command : list of str
        Python, the script and its arguments.
    cwd : str or pathlib.Path
        Where it runs.
    env : dict
        All of its environment.
    """

    def __init__(self, command, *, cwd, env):
        handle, self.output = tempfile.mkstemp()
        try:
            super().__init__(
                command,
                cwd=cwd,
                env=env,
                stdout=handle,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        finally:
            os.close(handle)

    def communicate(self, timeout=None):
        """As ``Forked.communicate``."""
        self.wait(timeout)
        return _taken(self.output), None


def start_script(command, *, cwd, env, fresh=False):
    """Start a script, where that can be in a process that has the libraries.

    Arguments
    ---------
    command : list of str
        Python, the script or ``-m`` and a module, and arguments.
    cwd : str or pathlib.Path
        Where it runs.
    env : dict
        All of its environment.
    fresh : bool
        Start Python for it.

    Returns
    -------
    Forked or Started
        A leader of its own session, whose two outputs are one.
    """
    if not fresh and CAN_FORK and command[1] != "-m":
        return Forked(command[1:], cwd=cwd, env=env)
    return Started(command, cwd=cwd, env=env)


def _taken(path):
    """The text of a file, which is removed."""
    with open(path, encoding="utf-8", errors="replace") as file:
        text = file.read()
    os.unlink(path)
    return text


@functools.cache
def _server():
    """The process that has the libraries; it ends where its input does."""
    return subprocess.Popen(
        [sys.executable, __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        env={**os.environ, **ONE_THREAD, "PYTHONPATH": ""},
        start_new_session=True,
    )


def _serve():
    """Fork for each request; in a fork, the request."""
    for name in LIBRARIES:
        importlib.import_module(name)
    # Each run of a recipe notes what ``pip freeze`` says, half a second of it.
    logger = sys.modules["speechbrain.utils.logger"]
    description = logger.get_environment_description()
    logger.get_environment_description = lambda: description
    # Else every fork's end looks at all of it once more.
    gc.freeze()
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            return json.loads(line)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
    return None


def _become(request):
    """Make this process what ``python`` is when it begins with a script."""
    os.setsid()
    print(os.getpid(), flush=True)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    for place, name, flags in (
        ((0,), os.devnull, os.O_RDONLY),
        ((1, 2), request["output"], os.O_WRONLY | os.O_APPEND),
    ):
        handle = os.open(name, flags)
        for number in place:
            os.dup2(handle, number)
        os.close(handle)
    sys.argv[:] = request["arguments"]
    paths = request["env"].get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:1] = [os.path.dirname(sys.argv[0]), *filter(None, paths)]
    random.seed()
    # Imported by the libraries, and not by those who start.
    sys.modules["numpy"].random.seed()


if __name__ == "__main__":
    request = _serve()
    if request is not None:
        _become(request)
        runpy.run_path(sys.argv[0], run_name="__main__")
