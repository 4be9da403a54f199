"""Jobs killed at random moments, started again, and compared with a whole run.

A chain is one output folder: the job is started, killed, started again by the same
command, and so on, until it comes to its end by itself; what it then left must be, byte
for byte, what a run leaves that nothing interrupted, and nothing else. After each kill
what is visible under its final name must be whole already.

A moment is drawn uniformly over the time that the whole run took since it first touched
its folder (so not over the imports), or over a third of that, so that chains have
several kills. Every other kill is aimed: it comes microseconds to milliseconds after one of
the run's writes, of which none is so long that the first kind would often meet it.

Authors
 * The mert_sb developers 2026
"""

import random
import shutil

from tests.faults.die_at_write import COUNTED
from tests.faults.life import live, strike
from tests.faults.report import note
from tests.faults.visible import (
    checkpoint_faults,
    names,
    unfinished,
    unreadable,
    visible,
)

MOST = 6  # kills of a chain
ENOUGH = 20  # faults: what is broken need not be killed on and on
SEED = 1


class Campaign:
    """Chains of kills of one job, until there were so many kills.

    Arguments
    ---------
    job : tests.faults.life.Job
        What is killed.
    """

    def __init__(self, job):
        self.job, self.rng = job, random.Random(f"{SEED} {job.name}")
        self.kills, self.faults, self.history = 0, [], []
        self._begin()
        # Only the process that is started is watched: torchrun's writes nothing.
        watched = (0, 0.0) if job.strike is strike else None
        life = live(job, write=watched)
        assert life.code == job.code and not life.faults, (
            life.faults,
            life.printed,
        )
        self.seconds, self.writes = life.seconds, 0
        if watched:
            told = life.printed.rpartition(COUNTED)[2]
            self.writes = int(told.split()[0])
        self.names = names(job.folder)
        self.whole = visible(job.folder, job.results)
        assert self.whole, f"{job.results} are not in {job.folder}"
        # What all its checkpoints have, any must have.
        self.parts, faults = checkpoint_faults(job.folder, set())
        assert not faults, faults

    def run(self, kills):
        """Kill so many times, in as many chains as that takes, and note it.

        Arguments
        ---------
        kills : int
            How many.

        Returns
        -------
        list of str
            What was lost.
        """
        chains = 0
        while self.kills < kills and len(self.faults) < ENOUGH:
            before, chains = len(self.faults), chains + 1
            self._chain(min(MOST, kills - self.kills))
            if len(self.faults) > before:
                kept = self.job.folder.with_name(f"lost-{chains}")
                shutil.copytree(self.job.folder, kept)
        note(f"kills: {self.job.name}", self.kills, len(self.faults))
        print(
            f"{self.job.name}: {self.kills} kills in {chains} chains, a whole run "
            f"works {self.seconds:.1f} s, {len(self.faults)} lost"
        )
        return self.faults

    def _begin(self):
        """Put the folder into its first state."""
        shutil.rmtree(self.job.folder, ignore_errors=True)
        if self.job.given is not None:
            shutil.copytree(self.job.given, self.job.folder)
        self.history = []

    def _chain(self, most):
        """One folder, from its beginning to the job's end."""
        self._begin()
        for _ in range(most):
            life = self._aimed() if self._aims() else self._by_the_clock()
            if not life.struck:
                break
            self.kills += 1
            self.history.append(f"{life.struck}, after {life.seconds:.3f} s")
            self._lost(life.faults + self._spoiled())
        else:
            life = live(self.job)
        if life.code != self.job.code:
            tail = life.printed[-3000:]
            self._lost([f"then it ended with {life.code}: {tail}"])
        missing = self.whole.keys() - visible(self.job.folder, self.job.results)
        left = [
            *names(self.job.folder) - self.names,
            *unfinished(self.job.folder),
        ]
        self._lost(
            life.faults
            + self._spoiled()
            + [f"then there was no {name}" for name in missing]
            + [f"left behind: {name}" for name in left]
        )

    def _aims(self):
        """Whether the next kill is of the second kind."""
        return self.writes > 0 and self.kills % 2 == 0

    def _aimed(self):
        """A start that is killed at one of its writes."""
        seconds = 10 ** self.rng.uniform(-5, -2)
        write = self.rng.randint(1, self.writes), seconds
        return live(self.job, write=write)

    def _by_the_clock(self):
        """A start that is killed at any time."""
        longest = self.seconds / self.rng.choice((1, 3))
        return live(self.job, self.rng, self.rng.uniform(0, longest))

    def _spoiled(self):
        """What is under a final name, and is not as the whole run left it."""
        folder = self.job.folder
        faults = [
            f"{name} is not what a whole run leaves"
            for name, content in visible(folder, self.job.results).items()
            if self.whole.get(name) != content
        ]
        for path in folder.rglob("*.safetensors"):
            if not path.parent.name.startswith("."):
                faults += unreadable(path)
        return faults + checkpoint_faults(folder, self.parts)[1]

    def _lost(self, faults):
        """Remember what was lost, and after which kills."""
        after = "; ".join(self.history)
        for fault in faults:
            self.faults.append(f"{self.job.name}, {after}: {fault}")
            print(self.faults[-1])
