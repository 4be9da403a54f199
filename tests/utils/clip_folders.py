"""Manifests of clips of made-up files.

Authors
 * The mert_sb developers 2026
"""

import csv
import json

from tests.utils.music_folders import RATE


def clips(folder, splits, **options):
    """Write clips of ``<folder>/data``; return the rows by split."""
    from mert_sb.audio.clips import write_clips

    options = {"sample_rate": RATE, **options}
    paths = write_clips(folder / "data", folder / "save", splits, **options)
    assert paths == {name: folder / "save" / f"{name}.json" for name in splits}
    return {name: json.loads(path.read_text()) for name, path in paths.items()}


def labelled(*paths, **fields):
    """Files with the name as their track."""
    return {
        path: {"track": path.rsplit(".", 1)[0], "label": "rock", **fields}
        for path in paths
    }


def missing(folder):
    """Pairs of path and split out of missing.csv."""
    with open(folder / "save" / "missing.csv", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["path", "split"]
    return [tuple(row) for row in rows]
