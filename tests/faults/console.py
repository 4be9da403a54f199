"""The console command ``mert-sb``, as its entry point starts it.

Authors
 * The mert_sb developers 2026
"""

import sys

from mert_sb.inference.commands.main import main

if __name__ == "__main__":
    sys.exit(main())
