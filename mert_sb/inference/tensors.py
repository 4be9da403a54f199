"""Tensors out of files, and nothing else: no code that a file brings is run.

Files are not left mapped: they may be replaced while a model lives.

Authors
 * The mert_sb developers 2026
"""

import contextlib
import pickle
import re
import struct
import threading
import zipfile
from collections.abc import Mapping

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

from mert_sb.archives import BoundedFile, refuse_packed
from mert_sb.inference.old_torch import warn_of_old_torch
from mert_sb.texts import parse_json, read_text
from mert_sb.writing import writing

# What real checkpoints mention beside plain data; stand-ins take these classes' place.
INERT = (
    "argparse",
    "collections",
    "fairseq",
    "mert_fairseq",
    "mert_faiseq",  # the original's own spelling
    "numpy",
    "omegaconf",
    "_codecs",
)
# What torch.load raises about a file that is cut, or is something else.
_DAMAGE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zipfile.BadZipFile,
)
# torch's list of allowed classes is one for the whole process.
_ALLOWING = threading.Lock()


class CheckpointError(ValueError):
    """A file that is no checkpoint of MERT, or a damaged or a dangerous one."""


class _Inert:
    """Stands for an object of a class that a file names: holds nothing, never acts."""

    def __new__(cls, *args, **kwargs):
        return super().__new__(cls)

    def __init__(self, *args, **kwargs):
        pass

    def __setstate__(self, state):
        pass


def read_pickle(path):
    """A file of ``torch.save``: tensors and plain data, by torch's restricted reader.

    Classes of fairseq and of a few libraries, which real checkpoints mention,
    become inert stand-ins; whatever else a pickle asks for is refused.

    Arguments
    ---------
    path : str or pathlib.Path
        The file, in the zip format or (without foreign classes) the older one.

    Returns
    -------
    dict
        What the file holds.

    Raises
    ------
    CheckpointError
        If the file is damaged, no checkpoint, or asks for anything to be run.

    Example
    -------
    >>> path = getfixture("tmp_path") / "a.pt"
    >>> torch.save({"bias": torch.zeros(2)}, path)
    >>> read_pickle(path)
    {'bias': tensor([0., 0.])}
    """
    warn_of_old_torch(path)
    try:
        refuse_packed(path)
        with _ALLOWING, BoundedFile(path) as file:
            with safe_globals(_stand_ins(path)):
                checkpoint = torch.load(file, "cpu", weights_only=True)
    except FileNotFoundError:
        raise
    except pickle.UnpicklingError as error:
        asked = re.search(r"GLOBAL (\S+)", str(error))
        reason = f"it asks for {asked[1]}" if asked else "it is no such pickle"
        raise CheckpointError(
            f"{path}: damaged, or more than tensors and plain data: {reason}. "
            "Nothing of it was run. Get the file from its publisher; if you trust "
            "it, load it with torch yourself and save its tensors anew"
        ) from error
    except _DAMAGE as error:
        raise CheckpointError(
            f"{path}: no checkpoint of torch, or a damaged one ({error}). Get the "
            "file again"
        ) from error
    if not isinstance(checkpoint, dict):
        raise CheckpointError(
            f"{path}: holds a {type(checkpoint).__name__}, not a dictionary"
        )
    return checkpoint


def _stand_ins(path):
    """A class without content for each harmless name that a file mentions."""
    if not zipfile.is_zipfile(path):
        return []
    return [
        (type("Inert", (_Inert,), {}), name)
        for name in get_unsafe_globals_in_checkpoint(path)
        if name.split(".")[0] in INERT
    ]


class SafeTensors(Mapping):
    """The weights of a safetensors file, each read when it is asked for.

    Arguments
    ---------
    path : str or pathlib.Path
        The file.

    Raises
    ------
    CheckpointError
        If the file is damaged.

    Example
    -------
    >>> from safetensors.torch import save_file
    >>> path = getfixture("tmp_path") / "a.safetensors"
    >>> save_file({"bias": torch.zeros(2)}, path)
    >>> dict(SafeTensors(path))
    {'bias': tensor([0., 0.])}
    """

    def __init__(self, path):
        self.path = path
        with self._opened() as file:
            self.names = list(file.keys())
            self.metadata = file.metadata() or {}

    @contextlib.contextmanager
    def _opened(self):
        """The file, open; what is wrong in it names it."""
        try:
            with safe_open(self.path, "pt") as file:
                yield file
        except SafetensorError as error:
            raise CheckpointError(
                f"{self.path}: no safetensors file, or a damaged one ({error}). Get "
                "the file again"
            ) from error

    def __getitem__(self, name):
        if name not in self.names:
            raise KeyError(name)
        # Opened anew each time: what was read is not kept mapped.
        with self._opened() as file:
            tensor = file.get_tensor(name)
            # What is float32 already is still a view of the file.
            return as_weight(tensor, name, self.path).clone()

    def __iter__(self):
        return iter(self.names)

    def __len__(self):
        return len(self.names)


def as_weight(tensor, name, path):
    """A tensor of a file as a student has it.

    Arguments
    ---------
    tensor : object
        What the file has under that name.
    name : str
        Its name.
    path : str or pathlib.Path
        The file, for the error.

    Returns
    -------
    torch.Tensor
        float32; the same object if it was that.

    Raises
    ------
    CheckpointError
        If it is no tensor of floating-point numbers.

    Example
    -------
    >>> as_weight(torch.zeros(2).half(), "bias", "a.pt").dtype
    torch.float32
    """
    if not isinstance(tensor, torch.Tensor):
        raise CheckpointError(f"{path}: {name!r} is no tensor")
    plain = tensor.layout == torch.strided and tensor.device.type == "cpu"
    if not plain or tensor.is_nested or not tensor.is_floating_point():
        raise CheckpointError(
            f"{path}: tensor {name!r} is of {tensor.dtype} on {tensor.device}, not "
            "of plain floating-point numbers"
        )
    size = tensor.numel() * tensor.element_size()
    if size > tensor.untyped_storage().nbytes():
        raise CheckpointError(
            f"{path}: tensor {name!r} of shape {tuple(tensor.shape)} has more numbers "
            "than the file"
        )
    return tensor.detach().float()


def save_weights(tensors, path, metadata=None):
    """Write a safetensors file.

    Arguments
    ---------
    tensors : dict of str to torch.Tensor
        What to write.
    path : str or pathlib.Path
        The file.
    metadata : dict of str to str, optional
        Beside the tensors.

    Raises
    ------
    OSError
        If it cannot be written, on a full disk for example.

    Example
    -------
    >>> save_weights({}, getfixture("tmp_path") / "a.safetensors")
    """
    try:
        with writing(path):
            save_file(tensors, path, metadata=metadata)
    except SafetensorError as error:
        raise OSError(f"{path}: cannot be written ({error})") from error


def read_json(path):
    """A JSON file that is an object.

    Arguments
    ---------
    path : str or pathlib.Path
        The file.

    Returns
    -------
    dict
        Its keys and values.

    Raises
    ------
    CheckpointError
        If it is no JSON object.

    Example
    -------
    >>> path = getfixture("tmp_path") / "a.json"
    >>> _ = path.write_text('{"a": 1}')
    >>> read_json(path)
    {'a': 1}
    """
    try:
        contents = parse_json(read_text(path), path)
    except ValueError as error:
        raise CheckpointError(str(error)) from error
    if not isinstance(contents, dict):
        raise CheckpointError(f"{path}: no JSON object of keys and values")
    return contents
