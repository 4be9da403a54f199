"""The console script, as a file that can be run in a process that has the libraries.

Authors
 * The mert_sb developers 2026
"""

import sys

from mert_sb.inference.commands.main import main

if __name__ == "__main__":
    sys.exit(main())
