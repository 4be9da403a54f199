"""The inference folder: what a trained student needs to be loaded again.

``hyperparams.yaml`` and ``student.safetensors``, for ``MusicEncoder.from_hparams``.

Authors
 * The mert_sb developers 2026
"""

from pathlib import Path

import yaml
from safetensors.torch import load_file, save_file
from speechbrain.utils.parameter_transfer import Pretrainer

SUFFIX = ".safetensors"

TEMPLATE = """\
# A music encoder trained with mert_sb. To load it:
#   from mert_sb.inference import MusicEncoder
#   encoder = MusicEncoder.from_hparams("this/folder")
sample_rate: {sample_rate}

audio_normalizer: !new:speechbrain.dataio.preprocess.AudioNormalizer
    sample_rate: !ref <sample_rate>
    mix: avg-to-mono

student: !new:mert_sb.student.MERT
{settings}
modules:
    student: !ref <student>

pretrainer: !new:mert_sb.inference.export.StrictPretrainer
    loadables:
        student: !ref <student>
"""


class StrictPretrainer(Pretrainer):
    """SpeechBrain's pretrainer for safetensors, loaded strictly.

    SpeechBrain's own reads a pickle and only warns of tensors that are missing.

    Arguments
    ---------
    loadables : dict of str to torch.nn.Module
        Each is read from ``<name>.safetensors`` beside ``hyperparams.yaml``.

    Example
    -------
    >>> import torch
    >>> list(StrictPretrainer({"student": torch.nn.Linear(1, 1)}).loadables)
    ['student']
    """

    def __init__(self, loadables):
        hooks = dict.fromkeys(loadables, load_weights)
        super().__init__(loadables=loadables, custom_hooks=hooks)

    def collect_files(self, default_source=None, **options):
        """Find each module's file in the source.

        Arguments
        ---------
        default_source : str
            Folder or hub id the YAML came from.
        **options : dict
            As ``Pretrainer.collect_files``.

        Returns
        -------
        dict of str to pathlib.Path
            Local paths by name.
        """
        for name in self.loadables:
            self.paths.setdefault(name, f"{default_source}/{name}{SUFFIX}")
        return super().collect_files(default_source, **options)


def export_student(student, folder):
    """Write the inference folder.

    Arguments
    ---------
    student : mert_sb.student.MERT
        Trained.
    folder : str or pathlib.Path
        Made if absent.

    Returns
    -------
    pathlib.Path
        The folder.

    Example
    -------
    >>> from mert_sb.student import MERT
    >>> student = MERT(
    ...     conv_channels=8, embed_dim=16, ffn_dim=32, num_heads=2, num_layers=1
    ... )
    >>> folder = export_student(student, getfixture("tmpdir") / "encoder")
    >>> sorted(path.name for path in folder.iterdir())
    ['hyperparams.yaml', 'student.safetensors']
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    settings = yaml.safe_dump(student.settings, sort_keys=False)
    text = TEMPLATE.format(
        sample_rate=student.settings["sample_rate"],
        settings="".join(f"    {line}\n" for line in settings.splitlines()),
    )
    state = {
        name: tensor.detach().cpu().contiguous()
        for name, tensor in student.state_dict().items()
    }
    temporary = folder / f"student{SUFFIX}.part"
    save_file(state, temporary)
    temporary.replace(folder / f"student{SUFFIX}")
    (folder / "hyperparams.yaml").write_text(text, encoding="utf-8")
    return folder


def load_weights(module, path):
    """Fill a module from a safetensors file, every tensor.

    Arguments
    ---------
    module : torch.nn.Module
        To be filled.
    path : str or pathlib.Path
        The file.

    Raises
    ------
    RuntimeError
        If names or shapes differ, with the list of them.

    Example
    -------
    >>> import torch
    >>> module = torch.nn.Linear(1, 1)
    >>> path = getfixture("tmpdir") / "module.safetensors"
    >>> save_file(module.state_dict(), path)
    >>> load_weights(module, path)
    """
    module.load_state_dict(load_file(path), strict=True)
