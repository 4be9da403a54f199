"""MERT for SpeechBrain: music-understanding models to pretrain, load and apply.

The rooms: ``audio`` reads, ``teachers`` look at the clean clip, ``student`` hears the
masked one, ``pretraining`` compares the two, ``inference`` serves what was learned
(arXiv 2306.00107).

Authors
 * The mert_sb developers 2026
"""

__version__ = "0.1.0"
