"""Reports: pages of text, tables and figures about what recipes left behind.

Authors
 * The mert_sb developers 2026
"""
