"""The acoustic teacher: how the clip sounds, as EnCodec's residual codes.

EnCodec (arXiv 2210.13438) at 24 kHz and 6 kb/s gives 8 codebooks of 1,024 codes at 75
frames a second (section 3.1.1). Its frame t covers samples 320 t to 320 t + 319, its
centre lies 40 samples before the student's.

Authors
 * The mert_sb developers 2026
"""

import contextlib
import pickle
from pathlib import Path

import torch
from torch import nn

from mert_sb.products import channels_last
from mert_sb.seeds import item_seed
from mert_sb.teachers.base import Teacher, file_checksum
from mert_sb.teachers.seanet import latents, quantize

SAMPLE_RATE = 24_000
# First digits of the SHA-256 of encodec_24khz-d7cc33bc.th.
CHECKSUM = "d7cc33bc"
FILE = "encodec_24khz-d7cc33bc.th"
URL = "https://dl.fbaipublicfiles.com/encodec/v0/"
# One codebook: 75 codes of 10 bits a second.
CODEBOOK_BANDWIDTH = 0.75


# What torch raises about another file; its checksum can be given.
_DAMAGE = (
    AttributeError,
    EOFError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
    pickle.UnpicklingError,
)


class EncodecTeacher(Teacher):
    """Codes of the ``encodec`` package's 24 kHz model.

    Arguments
    ---------
    weights : str, optional
        Path of ``encodec_24khz-d7cc33bc.th``. None: downloaded from where the
        package has it, once, into torch's hub cache.
    sample_rate : int
        24,000 Hz; the model has no other.
    bandwidth : float
        In kb/s; 6 gives 8 codebooks.
    n_codebooks : int, optional
        The first of them, so many; None: all.
    checksum : str
        First digits of the file's SHA-256; change it for a codec of your own.
    pretrained : bool
        False builds a codec with random weights, for tests only.

    Raises
    ------
    ConnectionError
        If it cannot be downloaded.
    FileNotFoundError
        If ``weights`` names no file.
    ValueError
        If the file is not the one expected, the rate is not 24 kHz, or the
        bandwidth does not give so many codebooks.

    Example
    -------
    >>> teacher = EncodecTeacher(pretrained=False)
    >>> teacher(torch.rand(2, 24_080)).shape
    torch.Size([2, 75, 8])
    """

    first_centre = 159.5
    codebook_size = 1024

    def __init__(
        self,
        *,
        weights=None,
        sample_rate=SAMPLE_RATE,
        bandwidth=6.0,
        n_codebooks=None,
        checksum=CHECKSUM,
        pretrained=True,
    ):
        super().__init__(sample_rate=sample_rate)
        if sample_rate != SAMPLE_RATE:
            raise ValueError(
                f"sample_rate: {sample_rate}, but EnCodec's codes are of "
                f"{SAMPLE_RATE} Hz; choose another teacher for this student"
            )
        self.n_codebooks = _count(bandwidth, n_codebooks)
        self.model = _build(weights, checksum, pretrained)
        self.model.set_target_bandwidth(bandwidth)
        _remove_weight_norm(self.model)
        self.eval().requires_grad_(False)

    @classmethod
    def identity(cls, **settings):
        """The class, rate and bandwidth, and the weights' checksum.

        Arguments
        ---------
        **settings : dict
            Keyword arguments of the constructor.

        Returns
        -------
        dict
            Plain values.

        Example
        -------
        >>> EncodecTeacher.identity(weights="/models/encodec.th")["checksum"]
        'd7cc33bc'
        """
        identity = {
            "sample_rate": SAMPLE_RATE,
            "bandwidth": 6.0,
            "checksum": CHECKSUM,
            "pretrained": True,
            **settings,
        }
        # Where the file lies makes no difference, its checksum does.
        identity.pop("weights", None)
        count = identity.pop("n_codebooks", None)
        # All of them are what was stored before there was a choice.
        if count not in (None, _count(identity["bandwidth"], None)):
            identity["n_codebooks"] = count
        if not identity["pretrained"]:
            identity["checksum"] = "random"
        return super().identity(**identity)

    def frame_targets(self, wavs):
        """Codes of the clips.

        Arguments
        ---------
        wavs : torch.Tensor
            ``(B, S)``.

        Returns
        -------
        torch.Tensor
            ``(B, ceil(S / 320), K)`` int64.
        """
        if channels_last(wavs):
            feats = latents(self.model.encoder, wavs)
            layers = self.model.quantizer.vq.layers[: self.n_codebooks]
            return quantize([layer.codebook for layer in layers], feats)
        ((codes, _),) = self.model.encode(wavs.unsqueeze(1))
        return codes.mT[..., : self.n_codebooks]


def _count(bandwidth, n_codebooks):
    """Codebooks of a bandwidth, or the first of them that are asked for."""
    most = round(bandwidth / CODEBOOK_BANDWIDTH)
    if n_codebooks is None:
        return most
    if not 1 <= n_codebooks <= most:
        raise ValueError(
            f"n_codebooks: {n_codebooks}, but a bandwidth of {bandwidth} kb/s "
            f"gives 1 to {most}; raise one or lower the other"
        )
    return n_codebooks


def _build(weights, checksum, pretrained):
    """The codec with the weights asked for, and no others."""
    from encodec import EncodecModel

    if not pretrained:
        with _dice_apart():
            model = EncodecModel.encodec_model_24khz(pretrained=False)
            # The package's codebooks start as zeros, and all codes would be 0;
            # these are of the size of a random encoder's latents.
            for layer in model.quantizer.vq.layers:
                layer._codebook.embed.normal_(std=0.01)
        return model
    path = _downloaded() if weights is None else Path(weights)
    found = file_checksum(path)
    if found is None:
        raise FileNotFoundError(
            f"EnCodec weights: there is no file {path}; set `weights` to a copy of "
            "encodec_24khz-d7cc33bc.th (which is downloaded into torch's hub cache "
            "when `weights` is null and the network is open)"
        )
    if not found.startswith(checksum):
        raise ValueError(
            f"EnCodec weights: {path} has SHA-256 {found[:8]}..., not "
            f"{checksum}...; the download is damaged or another model"
        )
    with _dice_apart():
        model = EncodecModel.encodec_model_24khz(pretrained=False)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        model.load_state_dict(state)
    except _DAMAGE as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(
            f"EnCodec weights: {path} is damaged, or another model's: {reason}"
        ) from error
    return model


def _downloaded():
    """The package's file, fetched once; its own way would unpickle it unchecked."""
    path = Path(torch.hub.get_dir()) / "checkpoints" / FILE
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(URL + FILE, str(path), CHECKSUM)
        except (OSError, RuntimeError) as error:
            raise ConnectionError(
                f"EnCodec weights: {URL + FILE} cannot be had ({error}); set "
                f"`weights` to a copy of {FILE}"
            ) from error
    return path


def _remove_weight_norm(model):
    """Compute each weight from its direction and length now, once for all."""
    for module in model.modules():
        if isinstance(module, nn.Conv1d | nn.ConvTranspose1d):
            nn.utils.remove_weight_norm(module)


@contextlib.contextmanager
def _dice_apart():
    """Building a codec draws weights: always the same, and not of our dice."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(item_seed(0, 0, "encodec", ""))
        yield
