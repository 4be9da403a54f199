"""Runs a script that is killed at a moment when it writes into a folder.

Most moments of a run are between two writes, and what a kill spoils there is little. Here
moments are counted by what Python is about to do: to open a file for writing, to move or
to delete one, to make a folder. So long after the n-th, the system ends the process;
without a number they are counted, and the count is printed at the end.

> python die_at_write.py FOLDER N SECONDS train.py hparams/x.yaml ...

Authors
 * The mert_sb developers 2026
"""

import os
import runpy
import signal
import sys
from pathlib import Path

EVENTS = {"os.mkdir", "os.remove", "os.rename", "os.rmdir", "shutil.rmtree"}
COUNTED = "moments of writing:"


class Moments:
    """Counts them, and sets the alarm that nobody handles.

    Arguments
    ---------
    folder : str
        Where writes count.
    number : int
        Of the last one; 0: none.
    seconds : float
        From there to the end.
    """

    def __init__(self, folder, number, seconds):
        self.folder, self.number, self.seconds = folder, number, seconds
        self.count, self.pid = 0, os.getpid()

    def __call__(self, event, arguments):
        if event == "open":
            path, _, flags = arguments
            if not flags & (os.O_WRONLY | os.O_RDWR):
                return
        elif event in EVENTS:
            path = arguments[0]
        else:
            return
        # Not in the processes that this one has made.
        if str(path).startswith(self.folder) and os.getpid() == self.pid:
            self.count += 1
            if self.count == self.number:
                signal.setitimer(signal.ITIMER_REAL, self.seconds)


if __name__ == "__main__":
    folder, number, seconds = sys.argv[1:4]
    moments = Moments(folder, int(number), float(seconds))
    del sys.argv[:4]
    sys.path[0] = str(Path(sys.argv[0]).parent)
    sys.addaudithook(moments)
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    finally:
        print(COUNTED, moments.count, flush=True)
