"""The student as one ONNX file, by torch's own exporter.

What the file holds: normalisation of the clips where the student asks for it, the
front end, the encoder; clips of any number and length in, hidden states out. The
positional convolution's weight norm is multiplied out. Padding is not masked: give
clips of one length.

B batch, S samples, T frames, D width, L layers.

Authors
 * The mert_sb developers 2026
"""

import importlib
from pathlib import Path

import torch
from torch import nn
from torch.nn.utils import parametrize

from mert_sb import frames
from mert_sb.student import MERT

# What torch's exporter imports, in the order in which it misses them.
NEEDED = ("onnx", "onnxscript")
# Exporters of torch before it cannot prove that any number of samples will do.
OLDEST_TORCH = "2.11"


class _States(nn.Module):
    """The student with one input and one output."""

    def __init__(self, student, wanted):
        super().__init__()
        self.student = student
        self.wanted = wanted

    def forward(self, wavs):
        return self.student(wavs, output_hidden_states=self.wanted)


def export_onnx(student, path, *, layers=None):
    """Write a student as an ONNX model.

    Input ``wavs (B, S)`` float32, output ``hidden_states (N, B, T, D)``; B and S
    are free, S from ``receptive_field`` samples. The model's metadata say ``sample_rate``,
    ``hop_length``, ``receptive_field`` and ``layers`` (comma-separated). Weights lie
    in the file itself, as 32-bit floats (95M: 378 MB). The student is left as it is.

    Arguments
    ---------
    student : mert_sb.student.MERT
        Without CQT input or attention windows.
    path : str or pathlib.Path
        The file; its folder is made if absent. It appears when it is whole.
    layers : sequence of int, optional
        The N states to give, 0 being the input of the first layer, negative ones
        counted from the end; no layer after the highest is in the file. None:
        all L + 1.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    ImportError
        If a package that the exporter needs is absent, or torch is older than
        2.11.
    ValueError
        If the student has a CQT input or windows, which torch's exporter fixes to
        the length of one clip, or has no such layer.

    Example
    -------
    >>> import onnxruntime  # doctest: +SKIP
    >>> path = export_onnx(MERT(), "student.onnx")  # doctest: +SKIP
    >>> session = onnxruntime.InferenceSession(path)  # doctest: +SKIP
    >>> wavs = torch.rand(2, 24_000).numpy()  # doctest: +SKIP
    >>> session.run(None, {"wavs": wavs})[0].shape  # doctest: +SKIP
    (13, 2, 74, 768)
    """
    if student.settings["feature_extractor_cqt"]:
        raise ValueError(
            "feature_extractor_cqt: a student with CQT input has no ONNX export, "
            "because torch's exporter fixes the transform's FFT to one length of "
            "clip; use MusicEncoder, or train with feature_extractor_cqt: 0"
        )
    if student.settings["attention_window"] is not None:
        raise ValueError(
            f"attention_window: {student.settings['attention_window']}: such a "
            "student has no ONNX export, because torch's exporter fixes its frames "
            "to the length of one clip; use MusicEncoder, or train without it"
        )
    _require_exporter()
    n_states = student.settings["num_layers"] + 1
    layers = range(n_states) if layers is None else layers
    subsample = student.settings["subsample"]
    program = _trace(_plain_copy(student), tuple(layers))
    program.model.metadata_props.update(
        {
            "sample_rate": str(student.settings["sample_rate"]),
            "hop_length": str(frames.hop_length(subsample)),
            "receptive_field": str(frames.receptive_field(subsample)),
            "layers": ",".join(str(index % n_states) for index in layers),
        }
    )
    return _save(program, Path(path))


def _save(program, path):
    """Write under a temporary name, weights inside, and rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.part")
    try:
        program.save(temporary, external_data=False)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def _require_exporter():
    """Import what torch's exporter needs, or say how to get it."""
    for name in NEEDED:
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise ImportError(
                f"ONNX export needs {name} ({error}): "
                "pip install 'mert_sb[onnx]'"
            ) from error
    if torch.__version__ < OLDEST_TORCH:
        raise ImportError(
            f"ONNX export needs torch {OLDEST_TORCH}, this is "
            f"{torch.__version__}: pip install 'torch>={OLDEST_TORCH}'"
        )


def _plain_copy(student):
    """The student in eval mode, its weight norm multiplied out.

    Built anew: a deep copy shares the class that carries the parametrisation, and
    removing it there would break the student given.
    """
    # No scaled gradient: the exporter need not see that function.
    settings = student.settings | {"feature_grad_mult": 1.0}
    with torch.device("meta"):
        plain = MERT(**settings)
    state = {
        name: tensor.cpu().float()
        for name, tensor in student.state_dict().items()
    }
    plain.load_state_dict(state, strict=True, assign=True)
    parametrize.remove_parametrizations(plain.encoder.position.conv, "weight")
    return plain.eval().requires_grad_(False)


def _trace(plain, layers):
    """The exporter's program, free in batch and samples."""
    batch = torch.export.Dim("batch", min=1)
    joined = plain.settings["subsample"]
    samples = torch.export.Dim("samples", min=frames.receptive_field(joined))
    # Sizes of 0 and 1 would be taken for constants.
    example = torch.zeros(2, 10 * frames.hop_length(joined))
    # The exporter would wrap what the student says of layers it does not have.
    plain(example, output_hidden_states=layers)
    return torch.onnx.export(
        _States(plain, layers).eval(),
        (example,),
        dynamo=True,
        input_names=["wavs"],
        output_names=["hidden_states"],
        dynamic_shapes={"wavs": {0: batch, 1: samples}},
        verbose=False,
    )
