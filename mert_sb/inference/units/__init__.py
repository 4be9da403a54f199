"""Discrete units: a student's states as numbers, and tokens over the numbers.

Each frame's state at one layer becomes a unit, the number of the k-means cluster it
lies in (HuBERT's discovery, arXiv 2106.07447); over the strings of units stands a
SentencePiece model of frequent sequences (acoustic BPE, after arXiv 2310.14580).
``recipes/units`` fits both on a folder of music.

Authors
 * The mert_sb developers 2026
"""

from mert_sb.inference.units.codebook import Codebook, fit_codebook
from mert_sb.inference.units.encoder import UnitEncoder
from mert_sb.inference.units.fitting import UnitFit
from mert_sb.inference.units.folder import write_units
from mert_sb.inference.units.settings import UnitSettings
from mert_sb.inference.units.strings import UnitString
from mert_sb.inference.units.tokenizer import UnitTokenizer, train_tokenizer

__all__ = [
    "Codebook",
    "UnitEncoder",
    "UnitFit",
    "UnitSettings",
    "UnitString",
    "UnitTokenizer",
    "fit_codebook",
    "train_tokenizer",
    "write_units",
]
