"""Inference folders of units, of a tiny student and noise.

Authors
 * The mert_sb developers 2026
"""

import json

import torch

from mert_sb.inference.units import fit_codebook, train_tokenizer, write_units
from mert_sb.inference.units.strings import string_of
from mert_sb.teachers.base import file_checksum
from tests.utils.originals import tiny_student

N_UNITS, N_TOKENS = 12, 40
CPU = {"device": "cpu"}
WINDOWS = {"chunk_seconds": 1.5, "overlap_seconds": 0.5}


def random_units(length, seed=0, n_units=N_UNITS):
    """Units of which low ones are frequent, and runs are."""
    generator = torch.Generator().manual_seed(seed)
    shares = 0.7 ** torch.arange(n_units)
    units = torch.multinomial(
        shares, length, replacement=True, generator=generator
    )
    times = torch.randint(1, 4, (length,), generator=generator)
    return units.repeat_interleave(times)[:length]


def write_folder(folder, *, layer=2, codebook=None, student=None, **changed):
    """A folder whose codebook is fitted to normal numbers."""
    student = tiny_student(normalize_wavs=True, **student or {})
    if codebook is None:
        generator = torch.Generator().manual_seed(0)
        states = torch.randn(400, 32, generator=generator)
        codebook = fit_codebook(states, N_UNITS, generator=generator)
    options = {"layer": layer, "collapse": True, **WINDOWS} | changed
    model = options.pop("model", None)
    if model is None:
        string, _ = string_of(random_units(4_000), options["collapse"])
        model = train_tokenizer([string.tolist()], N_UNITS, vocab_size=N_TOKENS)
    return write_units(folder, student, codebook, model, **options)


def edit(folder, **changed):
    """Change settings; None takes a key out."""
    path = folder / "units.json"
    settings = json.loads(path.read_text()) | changed
    kept = {k: v for k, v in settings.items() if v is not None}
    path.write_text(json.dumps(kept))


def sign(folder):
    """Name the files that are there as the right ones."""
    names = ("student.safetensors", "codebook.safetensors", "tokens.model")
    edit(folder, checksums={n: file_checksum(folder / n) for n in names})
