"""Pretraining: masks, mixture, heads, meters and the Brain that joins them.

Authors
 * The mert_sb developers 2026
"""
