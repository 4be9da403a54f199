"""The separator, and the folder it is opened from.

Authors
 * The mert_sb developers 2026
"""
