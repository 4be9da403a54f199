"""A recipe's run that only takes time, for tests of grids; other processes import it.

Authors
 * The mert_sb developers 2026
"""

import time
from pathlib import Path

SECONDS = 0.5


def fake_run(brain_class, prepare, dataio_prep, arguments):
    """Write results after a while.

    Arguments
    ---------
    brain_class, prepare, dataio_prep : object
        Of a recipe; not used.
    arguments : list of str
        The output folder.
    """
    time.sleep(SECONDS)
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text("{}")
