"""What is known of versions of torch that are allowed but have a hole.

Authors
 * The mert_sb developers 2026
"""

import torch
from speechbrain.utils.logger import get_logger

logger = get_logger(__name__)

# Before it, torch's restricted reader of pickles has CVE-2026-24747.
MENDED = (2, 10)


def warn_of_old_torch(path):
    """Warn of a pickle that is about to be read by a reader with a hole.

    Arguments
    ---------
    path : str or pathlib.Path
        The pickle.

    Example
    -------
    >>> warn_of_old_torch("a.pt")
    """
    if torch.__version__ < MENDED:
        logger.warning(
            "%s: a pickle made for it can corrupt the memory of torch %s "
            "(CVE-2026-24747). If it is not your own, take safetensors, or torch 2.10",
            path,
            torch.__version__,
        )
