"""What ``demo.py`` asks of a student, and of its rivals: the scripts beside it, by command.

Authors
 * The mert_sb developers 2026
"""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

from mert_sb.hparams import load_hparams
from mert_sb.inference import export_student

FOLDER = Path(__file__).resolve().parent
SEED = 2  # of pieces for the probes; the demo's are of seed 1
SEEDS = "1,2,3"
MOST_EPOCHS = 40  # of a probe
# Few labels of each class, and few epochs on them; beats in few epochs.
LABELS, EPOCHS = 5, 5
FEW_TASK = "pitch"
BEATS = {"batch_size": 8, "lr": 0.003, "number_of_epochs": 5}


class Asked(NamedTuple):
    """What is asked, and where the answers go.

    Arguments
    ---------
    output : pathlib.Path
        Pieces, notes, runs and tables.
    hours : float
        Of pieces to probe on.
    jobs : int
        Runs of a grid at once.
    """

    output: Path
    hours: float
    jobs: int = 1

    def of_rivals(self, encoder):
        """Commands by name of log: a student untrained, and log-mel bands."""
        return {
            "rivals": self.probes(encoder, "untrained,log-mel"),
            "rivals_beats": self.beats(encoder, "log-mel"),
            "rivals_few_labels": self.few_labels(encoder, "from scratch"),
        }

    def of_student(self, encoder):
        """Commands by name of log, the longest first."""
        return {
            "student": self.probes(encoder, "pretrained"),
            "student_beats": self.beats(encoder, "pretrained"),
            "student_few_labels": self.few_labels(encoder, "pretrained"),
        }

    def probes(self, encoder, upstreams):
        """Command of the probes of some upstreams."""
        return self._command(
            "probes.py",
            encoder,
            upstreams=upstreams,
            seeds=SEEDS,
            number_of_epochs=MOST_EPOCHS,
            jobs=self.jobs,
        )

    def few_labels(self, encoder, beginnings):
        """Command of fine-tuning with few labels."""
        return self._command(
            "few_labels.py",
            encoder,
            labels=LABELS,
            tasks=FEW_TASK,
            beginnings=beginnings,
            seeds=SEEDS,
            epochs=EPOCHS,
        )

    def few_options(self):
        """What ``few_labels.read_table`` takes."""
        return SimpleNamespace(
            output=self.output, tasks=[FEW_TASK], labels=LABELS
        )

    def beats(self, encoder, upstreams):
        """Command of beats, of the student or of log-mel bands."""
        return self._command("beats.py", encoder, upstreams=upstreams, **BEATS)

    def _command(self, script, encoder, **flags):
        given = {
            "encoder": encoder,
            "hours": self.hours,
            "output": self.output,
            **flags,
        }
        own = [part for k, v in given.items() for part in (f"--{k}", str(v))]
        return [script, *own, "--made", "--noprogressbar"]

    def music(self):
        """Commands that make pieces and notes."""
        return [
            [
                "make_dataset.py",
                str(self.output / "pieces"),
                *("--hours", str(self.hours), "--seed", str(SEED)),
                *("--workers", "1"),
            ],
            ["notes.py", str(self.output / "notes")],
        ]


def write_untrained(yaml, folder):
    """A folder of a YAML's student before training, whose sizes a rival takes."""
    if not (folder / "student.safetensors").is_file():
        unused = "data_folder: unused\noutput_folder: unused"
        shutil.rmtree(folder, ignore_errors=True)
        export_student(load_hparams(str(yaml), unused)["student"], folder)
    return folder


def run_commands(commands, log, stop=None):
    """Run scripts one after another, quietly, on one thread; the log has all they say.

    Raises
    ------
    RuntimeError
        If one fails, or is stopped by the event ``stop``.
    """
    environment = {
        "OMP_WAIT_POLICY": "PASSIVE",
        # One that a signal stopped is not finished.
        "MERT_SB_PREEMPTED_EXIT": "75",
        **os.environ,
        "OMP_NUM_THREADS": "1",
    }
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "a", encoding="utf-8") as file:
        for command in commands:
            file.write(f"\n> python {shlex.join(command)}\n")
            file.flush()
            process = subprocess.Popen(
                [sys.executable, *command],
                cwd=FOLDER,
                env=environment,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
            while process.poll() is None:
                if stop is not None and stop.wait(0.5):
                    process.terminate()
                    process.wait()
                elif stop is None:
                    process.wait()
            if process.returncode:
                raise RuntimeError(
                    f"python {shlex.join(command)}\nended with status "
                    f"{process.returncode}; see the end of {log}"
                )
