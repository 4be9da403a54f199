"""Beats and downbeats: annotations, targets, losses, decoding, metrics, the Brain.

Authors
 * The mert_sb developers 2026
"""
