"""Loading a student from anywhere, and sharing it.

Authors
 * The mert_sb developers 2026
"""

import shutil
import tempfile
from pathlib import Path

from speechbrain.dataio.preprocess import AudioNormalizer
from speechbrain.inference.interfaces import Pretrained
from speechbrain.utils.fetching import FetchConfig

from mert_sb.inference.cache import pinned
from mert_sb.inference.checkpoint import build_student
from mert_sb.inference.convert import read_checkpoint
from mert_sb.inference.export import (
    HPARAMS,
    STUDENT,
    export_student,
    read_exported,
)
from mert_sb.inference.hub import fetch_file, push_folder
from mert_sb.inference.staging import staged_folder


class StudentInterface(Pretrained):
    """SpeechBrain's ``Pretrained`` for a student, from and to folders and the Hub.

    Arguments
    ---------
    modules : dict of str to torch.nn.Module
        ``student``, a ``MERT``.
    hparams : dict
        ``sample_rate``, that of the student.
    run_opts : dict, optional
        SpeechBrain's options of running.
    freeze_params : bool
        Freeze the parameters and leave the student in eval mode.

    Raises
    ------
    ValueError
        If the two rates differ.

    Example
    -------
    >>> from mert_sb.student import MERT
    >>> student = MERT(
    ...     conv_channels=8, embed_dim=16, ffn_dim=32, num_heads=2, num_layers=1
    ... )
    >>> folder = export_student(student, getfixture("tmp_path") / "encoder")
    >>> encoder = StudentInterface.from_original(folder)
    >>> encoder.student.settings["num_layers"]
    1
    """

    MODULES_NEEDED = ["student"]
    HPARAMS_NEEDED = ["sample_rate"]

    def __init__(self, modules, hparams, run_opts=None, freeze_params=True):
        super().__init__(modules, hparams, run_opts, freeze_params)
        rate = self.student.settings["sample_rate"]
        if self.hparams.sample_rate != rate:
            raise ValueError(
                f"sample_rate: {self.hparams.sample_rate}, but the student is for "
                f"{rate} Hz; files are resampled, so leave sample_rate as it is"
            )

    @classmethod
    def from_original(
        cls, source, *, fetch_config=None, run_opts=None, freeze_params=True
    ):
        """Open a checkpoint of any layout; no code in it is run.

        Rate, normalisation and architecture come from its files.

        Arguments
        ---------
        source : str or pathlib.Path
            A Hub id (``m-a-p/MERT-v1-95M``, or ``MERT-v1-95M`` for the published
            ones), a folder in the original's Hugging Face layout, a fairseq
            ``.pt`` file, or a folder exported here.
        fetch_config : speechbrain.utils.fetching.FetchConfig, optional
            For the Hub: ``revision`` pins a version, ``token`` opens a private
            repository, ``allow_network=False`` reads the cache alone.
        run_opts : dict, optional
            ``device``, ``precision``, ``compile`` and SpeechBrain's other ones.
        freeze_params : bool
            Freeze the parameters and leave the student in eval mode.

        Returns
        -------
        StudentInterface
            Ready to use.

        Raises
        ------
        CheckpointError
            If the files are damaged, dangerous, contradict one another, or are
            another model's.
        FileNotFoundError
            If a file or the source does not exist.
        PermissionError
            If the Hub refuses the token.
        ConnectionError
            If the Hub cannot be reached and the cache lacks a file.
        """
        student = build_student(read_checkpoint(source, fetch_config))
        return cls._of(student, run_opts=run_opts, freeze_params=freeze_params)

    @classmethod
    def _of(cls, student, *, run_opts=None, freeze_params=True):
        """The interface of a student."""
        sample_rate = student.settings["sample_rate"]
        hparams = {
            "sample_rate": sample_rate,
            "audio_normalizer": AudioNormalizer(sample_rate, mix="avg-to-mono"),
        }
        return cls({"student": student}, hparams, run_opts, freeze_params)

    @classmethod
    def from_hparams(
        cls,
        source,
        hparams_file=HPARAMS,
        *,
        savedir=None,
        fetch_config=None,
        run_code=False,
        **options,
    ):
        """Open what ``export_student`` wrote, the SpeechBrain way.

        The YAML is HyperPyYAML, which runs what it names. Without your consent
        nothing is run: the student's settings and weights are read as plain data, as
        ``from_original`` reads them.

        Arguments
        ---------
        source : str or pathlib.Path
            Folder or Hub id.
        hparams_file : str
            Name of the YAML.
        savedir : str or pathlib.Path, optional
            Where to put a copy; what is there already is used without the Hub.
        fetch_config : speechbrain.utils.fetching.FetchConfig, optional
            As in ``from_original``.
        run_code : bool
            Consent to build whatever the YAML names.
        **options : dict
            As SpeechBrain's: ``run_opts``, ``freeze_params``, and with ``run_code``
            ``overrides``.

        Returns
        -------
        StudentInterface
            Ready to use.

        Raises
        ------
        CheckpointError
            If a file is damaged, or the YAML has no student in plain values.
        ValueError
            If there are ``overrides`` without ``run_code``.
        """
        fetch_config = fetch_config or FetchConfig()
        names = (hparams_file, STUDENT)
        if savedir is None:
            folder = _fetched(source, names, fetch_config)[0].parent
        else:
            folder = Path(savedir)
            there = all((folder / name).is_file() for name in names)
            renew = fetch_config.overwrite or fetch_config.allow_updates
            if renew or not there:
                paths = _fetched(source, names, fetch_config)
                with staged_folder(folder) as staging:
                    for path in paths:
                        shutil.copyfile(path, staging / path.name)
        if not run_code:
            if "overrides" in options:
                raise ValueError(
                    "overrides: they are HyperPyYAML's, which runs what the YAML "
                    "names; if you trust who made it, give run_code=True too"
                )
            # The two files alone, whatever they are called there.
            checkpoint = read_exported(folder / hparams_file, folder / STUDENT)
            return cls._of(build_student(checkpoint), **options)
        # With a slash, or SpeechBrain takes a name like "models" for a Hub id.
        return super().from_hparams(
            str(folder.absolute()),
            hparams_file,
            fetch_config=fetch_config,
            **options,
        )

    @property
    def student(self):
        """The ``MERT`` itself, even where it was compiled."""
        student = self.mods["student"]
        return getattr(student, "_orig_mod", student)

    def push_to_hub(
        self, repo_id, *, token=None, private=False, revision=None, **card
    ):
        """Share the student: weights, ``hyperparams.yaml`` and a model card.

        Arguments
        ---------
        repo_id : str
            ``owner/name``; made if it does not exist.
        token : str, optional
            Of an account that may write; None: the one logged in with.
        private : bool
            Make a new repository private.
        revision : str, optional
            Branch to write to.
        **card : dict
            For ``model_card``: ``name``, ``data``, ``teachers``, ``licence``,
            ``metrics``.

        Returns
        -------
        str
            Where it can be seen.
        """
        with tempfile.TemporaryDirectory() as folder:
            card = {"name": repo_id.split("/")[-1], "source": repo_id, **card}
            export_student(self.student, folder, **card)
            return push_folder(
                folder,
                repo_id,
                token=token,
                private=private,
                revision=revision,
            )


def _fetched(source, names, fetch_config):
    """Local paths of files of one version."""
    first = fetch_file(source, names[0], fetch_config)
    fetch_config = pinned(first, fetch_config)
    return [first, *(fetch_file(source, n, fetch_config) for n in names[1:])]
