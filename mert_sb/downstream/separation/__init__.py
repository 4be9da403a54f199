"""Stems: random mixes, masks on spectrograms, filtering, scores, the Brain.

Authors
 * The mert_sb developers 2026
"""
