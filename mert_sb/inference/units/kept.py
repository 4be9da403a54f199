"""Settings of a run, written when it begins: whoever goes on must have the same ones.

Authors
 * The mert_sb developers 2026
"""

import json

from mert_sb.inference.commands.settings import differences
from mert_sb.inference.staging import staged_file
from mert_sb.inference.tensors import read_json

LISTED = 5  # differences in an error


def keep_settings(path, settings):
    """Write settings, or refuse those that differ from what is there.

    Arguments
    ---------
    path : pathlib.Path
        JSON file.
    settings : dict
        Plain data.

    Raises
    ------
    ValueError
        If the file says otherwise.

    Example
    -------
    >>> path = getfixture("tmp_path") / "settings.json"
    >>> keep_settings(path, {"layer": 7})
    >>> keep_settings(path, {"layer": 8})
    Traceback (most recent call last):
        ...
    ValueError: ...settings.json: what is there was made with other settings: ...
    """
    if not path.is_file():
        with staged_file(path) as staging:
            staging.write_text(json.dumps(settings, indent=2) + "\n")
    elif changed := differences(read_json(path), settings):
        more = f"; and {len(changed) - LISTED} more" if changed[LISTED:] else ""
        raise ValueError(
            f"{path}: what is there was made with other settings: "
            f"{'; '.join(changed[:LISTED])}{more}. Give the former ones, or another "
            "output folder"
        )
