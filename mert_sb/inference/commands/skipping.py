"""Files that a command leaves out, and goes on.

Authors
 * The mert_sb developers 2026
"""

import contextlib
import sys

import torch

from mert_sb.audio import DamagedAudioError
from mert_sb.inference.commands.ending import printable
from mert_sb.writing import NoRoomError


@contextlib.contextmanager
def skipping(path, skipped, remedy):
    """Note a file that cannot be read, with its reason.

    Arguments
    ---------
    path : str
        The file that is worked on.
    skipped : dict of str to str
        Gets the reason.
    remedy : str
        Against too little memory on the device: no further file would do better.

    Returns
    -------
    context manager
        Around the work on one file.

    Raises
    ------
    NoRoomError
        If there is no room for what comes of it: the file is without fault.
    ValueError
        If the device has not enough memory.

    Example
    -------
    >>> skipped = {}
    >>> with skipping("a.wav", skipped, "buy more"):
    ...     raise ValueError("a.wav: not finite")
    >>> skipped
    {'a.wav': 'not finite'}
    """
    try:
        yield
    except DamagedAudioError as error:
        skipped[path] = error.reason
    except torch.OutOfMemoryError as error:
        raise ValueError(
            f"the device has not enough memory; {remedy}"
        ) from error
    except NoRoomError:
        raise
    except (OSError, ValueError) as error:
        skipped[path] = str(error).removeprefix(f"{path}: ")


def tell_skipped(skipped):
    """List the files that were left out on stderr; the exit code.

    Arguments
    ---------
    skipped : dict of str to str
        Reasons by path.

    Returns
    -------
    int
        1 if there are any, else 0.

    Example
    -------
    >>> tell_skipped({})
    0
    """
    if skipped:
        lines = [f"{len(skipped)} skipped"]
        lines += [f"  {path}: {reason}" for path, reason in skipped.items()]
        sys.stderr.write("".join(f"{printable(line)}\n" for line in lines))
    return 1 if skipped else 0
