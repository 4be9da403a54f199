"""The inference folder: what a trained student needs to be loaded again.

``hyperparams.yaml`` and ``student.safetensors``, for ``MusicEncoder.from_hparams``, and
``README.md``, the model card. The folder names no other place, so it can be moved, or
pushed to the Hub, as it is.

Authors
 * The mert_sb developers 2026
"""

import json

import yaml

from mert_sb.inference.card import model_card
from mert_sb.inference.checkpoint import Checkpoint, student_state
from mert_sb.inference.settings import FREE, KINDS, need
from mert_sb.inference.staging import staged_folder
from mert_sb.inference.tensors import CheckpointError, SafeTensors, save_weights
from mert_sb.plain_yaml import compose
from mert_sb.student import MERT
from mert_sb.student.options import complete
from mert_sb.texts import read_text

HPARAMS = "hyperparams.yaml"
STUDENT = "student.safetensors"
CARD = "README.md"
TAG = "!new:mert_sb.student.MERT"
# Key of the weights' metadata: the settings they were trained with.
MARK = "mert_sb.settings"

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

    Raises
    ------
    ValueError
        If the student's modules were changed.

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
    settings, state = student_state(student)
    # None: what another choice would read.
    said = {key: value for key, value in settings.items() if value is not None}
    lines = yaml.safe_dump(said, sort_keys=False).splitlines()
    text = TEMPLATE.format(
        sample_rate=settings["sample_rate"],
        settings="".join(f"    {line}\n" for line in lines),
    )
    readme = model_card(settings, state, **card)
    with staged_folder(folder, foreign="config.json") as staging:
        save_weights(state, staging / STUDENT, {MARK: _meaning(settings)})
        (staging / HPARAMS).write_text(text, encoding="utf-8")
        (staging / CARD).write_text(readme, encoding="utf-8")
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
        tree = compose(read_text(hparams), hparams)
        settings = _settings(tree, hparams)
    except (AttributeError, LookupError, ValueError, yaml.YAMLError) as error:
        raise CheckpointError(
            f"{hparams}: not the plain settings that mert_sb writes ({error})"
        ) from error
    if unknown := settings.keys() - KINDS.keys():
        raise CheckpointError(
            f"{hparams}: MERT has no {', '.join(map(str, unknown))}"
        )
    for key in settings:
        need(settings, key, KINDS[key], hparams)
    state = SafeTensors(weights)
    meaning = state.metadata.get(MARK)
    if meaning is not None and not _means(meaning, settings):
        raise CheckpointError(
            f"{weights}: its weights were trained with other settings than those "
            f"of {hparams}: {meaning}. Export the folder again"
        )
    settings = complete(MERT.__init__.__kwdefaults__ | settings)
    return Checkpoint("mert_sb", weights, settings, state, {})


def _settings(tree, hparams):
    """The student's settings in a composed YAML."""
    top = tree.value if isinstance(tree, yaml.MappingNode) else []
    students = [value for _, value in top if value.tag == TAG]
    if len(students) != 1:
        raise CheckpointError(f"{hparams}: there is no student: {TAG}")
    keys = [key.value for key, _ in students[0].value]
    if len(keys) != len(set(map(str, keys))):
        raise CheckpointError(f"{hparams}: a key of the student comes twice")
    return yaml.SafeLoader("").construct_mapping(students[0], deep=True)


def _meaning(settings):
    """The settings without which the weights mean nothing, as text."""
    settings = complete(MERT.__init__.__kwdefaults__ | settings)
    return json.dumps(
        {key: settings[key] for key in sorted(settings.keys() - FREE)}
    )


def _means(meaning, settings):
    """Whether a text of ``_meaning`` is of these settings, older ones too."""
    try:
        # A version that did not know a setting trained with what is its default.
        return _meaning(json.loads(meaning)) == _meaning(settings)
    except (TypeError, ValueError):
        return False
