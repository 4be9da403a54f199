"""Weights for the modules of a recipe: every tensor, of the right model.

Authors
 * The mert_sb developers 2026
"""

import torch
from speechbrain.utils.fetching import FetchConfig
from speechbrain.utils.parameter_transfer import Pretrainer

from mert_sb.inference.checkpoint import check_state
from mert_sb.inference.convert import Files, locate, read_files
from mert_sb.inference.hub import fetch_file
from mert_sb.inference.settings import FREE
from mert_sb.inference.tensors import CheckpointError, SafeTensors
from mert_sb.student import MERT


class StrictPretrainer(Pretrainer):
    """SpeechBrain's ``Pretrainer``, strict, for any layout of MERT's weights.

    SpeechBrain's own reads a pickle and only warns of tensors that are missing.

    Arguments
    ---------
    loadables : dict of str to torch.nn.Module
        A ``MERT`` is filled from the source, whatever its layout, see
        ``read_checkpoint``; its settings must be the checkpoint's, except for
        dropouts and the like. Any other module is filled from
        ``<name>.safetensors`` in the source.
    source : str, optional
        Folder, fairseq file or Hub id; None: where the YAML came from.
    fetch_config : speechbrain.utils.fetching.FetchConfig, optional
        ``revision``, ``token`` and the like, for the Hub.

    Example
    -------
    >>> from mert_sb.inference.export import export_student
    >>> sizes = {"conv_channels": 8, "embed_dim": 16, "ffn_dim": 32}
    >>> student = MERT(**sizes, num_heads=2, num_layers=1)
    >>> folder = export_student(student, getfixture("tmp_path") / "encoder")
    >>> twin = MERT(**sizes, num_heads=2, num_layers=1, dropout=0.5)
    >>> pretrainer = StrictPretrainer({"student": twin}, source=folder)
    >>> paths = pretrainer.collect_files()
    >>> pretrainer.load_collected()
    >>> twin.mask_embedding.equal(student.mask_embedding)
    True
    """

    def __init__(self, loadables, source=None, fetch_config=None):
        super().__init__(loadables=loadables)
        self.source = source
        self.fetch_config = fetch_config or FetchConfig()

    def collect_files(self, default_source=None, **options):
        """Find the files, downloading what is not here yet.

        Arguments
        ---------
        default_source : str, optional
            Used where the YAML names no source.
        **options : dict
            As ``Pretrainer.collect_files``; only ``fetch_config`` has a meaning.

        Returns
        -------
        dict of str to pathlib.Path
            Local paths by name.

        Raises
        ------
        ValueError
            If there is no source at all.
        """
        self.source = self.source or default_source
        self.fetch_config = options.get("fetch_config", self.fetch_config)
        return {name: self._locate(name).paths[-1] for name in self.loadables}

    def load_collected(self):
        """Fill the modules, in place.

        Raises
        ------
        CheckpointError
            With each tensor or setting that differs.
        """
        for name, module in self.loadables.items():
            files = self._locate(name)
            if isinstance(module, MERT):
                fill_student(module, read_files(files))
            else:
                path = files.paths[-1]
                fill_module(module, SafeTensors(path), path)

    def _locate(self, name):
        """The files that one module is filled from."""
        if self.source is None:
            raise ValueError(
                "source: give the pretrainer a folder, a fairseq file or a Hub id"
            )
        if isinstance(self.loadables[name], MERT):
            return locate(self.source, self.fetch_config)
        file_name = f"{name}.safetensors"
        path = fetch_file(self.source, file_name, self.fetch_config)
        return Files(None, (path,))


def fill_student(student, checkpoint, *, may_differ=()):
    """Fill a student that was built already, strictly.

    Arguments
    ---------
    student : mert_sb.student.MERT
        To be filled.
    checkpoint : mert_sb.inference.checkpoint.Checkpoint
        Of the same settings.
    may_differ : sequence of str
        Settings without weights that may be others than the checkpoint's.

    Returns
    -------
    dict of str to tuple
        Of these the ones that differ: the checkpoint's value and the student's.

    Raises
    ------
    CheckpointError
        If a setting, a name or a shape differs.

    Example
    -------
    >>> from mert_sb.inference.export import export_student
    >>> sizes = {"conv_channels": 8, "embed_dim": 16, "ffn_dim": 32}
    >>> student = MERT(**sizes, num_heads=2, num_layers=1)
    >>> folder = export_student(student, getfixture("tmp_path") / "encoder")
    >>> twin = MERT(**sizes, num_heads=4, num_layers=1)
    >>> fill_student(twin, read_files(locate(folder)))
    Traceback (most recent call last):
        ...
    mert_sb.inference.tensors.CheckpointError: ...; set the student's num_heads: 2 ...
    """
    theirs = MERT.__init__.__kwdefaults__ | checkpoint.settings
    other = {
        key: (theirs[key], value)
        for key, value in student.settings.items()
        if key not in FREE and value != theirs[key]
    }
    wrong = [key for key in other if key not in may_differ]
    if wrong:
        wanted = ", ".join(f"{key}: {theirs[key]}" for key in wrong)
        found = ", ".join(f"{key}: {student.settings[key]}" for key in wrong)
        raise CheckpointError(
            f"{checkpoint.path} was trained with other settings; set the student's "
            f"{wanted} (it has {found})"
        )
    check_state(student, checkpoint)
    with torch.no_grad():
        # One by one: a state of safetensors is never in memory as a whole.
        for name, tensor in student.state_dict().items():
            tensor.copy_(checkpoint.state[name])
    return other


def fill_module(module, tensors, path):
    """Fill any module, strictly.

    Arguments
    ---------
    module : torch.nn.Module
        To be filled.
    tensors : dict of str to torch.Tensor
        Its state.
    path : str or pathlib.Path
        Where they are from.

    Raises
    ------
    CheckpointError
        If names or shapes differ, with the list of them.

    Example
    -------
    >>> import torch
    >>> fill_module(torch.nn.Linear(1, 1), {}, "a.safetensors")
    Traceback (most recent call last):
        ...
    mert_sb.inference.tensors.CheckpointError: a.safetensors does not fit: ...
    """
    try:
        module.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        raise CheckpointError(f"{path} does not fit: {error}") from error
