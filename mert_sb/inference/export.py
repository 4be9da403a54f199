"""The inference folder: what a trained student needs to be loaded again.

``hyperparams.yaml`` and ``student.safetensors``, for ``MusicEncoder.from_hparams``, and
``README.md``, the model card. The folder names no other place, so it can be moved, or
pushed to the Hub, as it is.

Authors
 * The mert_sb developers 2026
"""

import yaml
from safetensors.torch import save_file

from mert_sb.inference.card import model_card
from mert_sb.inference.checkpoint import Checkpoint
from mert_sb.inference.staging import staged_folder
from mert_sb.inference.tensors import CheckpointError, SafeTensors

HPARAMS = "hyperparams.yaml"
STUDENT = "student.safetensors"
CARD = "README.md"
TAG = "!new:mert_sb.student.MERT"

TEMPLATE = f"""\
# A music encoder trained with mert_sb. To load it:
#   from mert_sb.inference import MusicEncoder
#   encoder = MusicEncoder.from_hparams("this/folder")
sample_rate: {{sample_rate}}

audio_normalizer: !new:speechbrain.dataio.preprocess.AudioNormalizer
    sample_rate: !ref <sample_rate>
    mix: avg-to-mono

student: {TAG}
{{settings}}
modules:
    student: !ref <student>

pretrainer: !new:mert_sb.inference.pretrainer.StrictPretrainer
    loadables:
        student: !ref <student>
"""


def export_student(student, folder, **card):
    """Write the inference folder.

    Arguments
    ---------
    student : mert_sb.student.MERT
        Trained.
    folder : str or pathlib.Path
        Made if absent. If the export fails, what it held before stays.
    **card : dict
        For ``model_card``: ``name``, ``data``, ``teachers``, ``licence``,
        ``metrics``.

    Returns
    -------
    str or pathlib.Path
        The folder.

    Example
    -------
    >>> from mert_sb.student import MERT
    >>> student = MERT(
    ...     conv_channels=8, embed_dim=16, ffn_dim=32, num_heads=2, num_layers=1
    ... )
    >>> folder = export_student(student, getfixture("tmp_path") / "encoder")
    >>> sorted(path.name for path in folder.iterdir())
    ['README.md', 'hyperparams.yaml', 'student.safetensors']
    """
    settings = yaml.safe_dump(student.settings, sort_keys=False)
    text = TEMPLATE.format(
        sample_rate=student.settings["sample_rate"],
        settings="".join(f"    {line}\n" for line in settings.splitlines()),
    )
    state = {
        name: tensor.detach().cpu().contiguous()
        for name, tensor in student.state_dict().items()
    }
    with staged_folder(folder) as staging:
        save_file(state, staging / STUDENT)
        (staging / HPARAMS).write_text(text, encoding="utf-8")
        (staging / CARD).write_text(
            model_card(student, **card), encoding="utf-8"
        )
    return folder


def read_exported(hparams, weights):
    """Read an inference folder's two files, without building what the YAML names.

    Arguments
    ---------
    hparams : pathlib.Path
        ``hyperparams.yaml``.
    weights : pathlib.Path
        ``student.safetensors``.

    Returns
    -------
    Checkpoint
        Settings and tensors.

    Raises
    ------
    CheckpointError
        If a file is damaged, or the YAML has no student of ours in plain values.

    Example
    -------
    >>> from mert_sb.student import MERT
    >>> student = MERT(
    ...     conv_channels=8, embed_dim=16, ffn_dim=32, num_heads=2, num_layers=1
    ... )
    >>> folder = export_student(student, getfixture("tmp_path") / "encoder")
    >>> checkpoint = read_exported(folder / HPARAMS, folder / STUDENT)
    >>> checkpoint.settings == student.settings
    True
    """
    try:
        text = hparams.read_text(encoding="utf-8")
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        students = [
            value
            for key, value in (tree.value if tree else [])
            if value.tag == TAG
        ]
        if len(students) != 1:
            raise CheckpointError(f"{hparams}: there is no student: {TAG}")
        loader = yaml.SafeLoader("")
        settings = loader.construct_mapping(students[0], deep=True)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CheckpointError(
            f"{hparams}: not the plain settings that mert_sb writes ({error})"
        ) from error
    return Checkpoint("mert_sb", weights, settings, SafeTensors(weights), {})
