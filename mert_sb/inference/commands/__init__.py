"""The console script ``mert-sb``: a file a command.

Authors
 * The mert_sb developers 2026
"""
