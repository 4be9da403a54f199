"""What the suites did: lines of JSON, for the table in the README.

Authors
 * The mert_sb developers 2026
"""

import json
import os


def note(what, tried, lost):
    """Add a line to the file that MERT_SB_FAULTS_REPORT names."""
    path = os.environ.get("MERT_SB_FAULTS_REPORT")
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.write(
                json.dumps({"what": what, "tried": tried, "lost": lost}) + "\n"
            )
