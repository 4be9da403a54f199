"""Fitting units to files, in parts of which the finished ones are kept.

In the save folder: ``settings.json``; ``codebook.safetensors`` and ``codebook.json``;
``strings``, the units of the training files by id (``mert_sb.store.Shelf``); and
``tokens.model``.

T frames of a file.

Authors
 * The mert_sb developers 2026
"""

import json
from pathlib import Path

import torch
from speechbrain.utils.logger import get_logger

from mert_sb.downstream.base import checksum
from mert_sb.inference.staging import staged_file, staged_folder
from mert_sb.inference.tensors import read_json
from mert_sb.inference.units.codebook import Codebook, fit_codebook
from mert_sb.inference.units.kept import keep_settings
from mert_sb.inference.units.measures import Explained
from mert_sb.inference.units.settings import CODEBOOK, TOKENS, check_vocabulary
from mert_sb.inference.units.states import draw_states, quantize_file
from mert_sb.inference.units.strings import string_of
from mert_sb.inference.units.tokenizer import UnitTokenizer, train_tokenizer
from mert_sb.progress import Progress
from mert_sb.seeds import item_generator
from mert_sb.store import Shelf, ShelfWriter
from mert_sb.teachers.base import file_checksum

logger = get_logger(__name__)

NOTES = "codebook.json"
SHARD = 16  # files whose strings are written at once


class UnitFit:
    """Codebook, strings and tokenizer of a student and some files.

    Arguments
    ---------
    encoder : mert_sb.inference.MusicEncoder
        The student.
    save_folder : str or pathlib.Path
        Where the parts are kept. One that was begun with other settings, files
        or another student is refused.
    files : dict of str to tuple of (str, int)
        Path and number of frames of each training file, by id.
    windows : dict
        For ``encode_stream``: ``layers``, an index; ``chunk_seconds`` and
        ``overlap_seconds``, of which None is the encoder's own.
    codebook : dict
        For ``fit_codebook``: ``codebook_size``, ``n_iterations``,
        ``standardize``.
    tokenizer : dict
        For ``train_tokenizer``: ``vocab_size``, ``max_token_units``.
    collapse : bool
        Whether a run of one unit counts once for tokens.
    share : float
        Of the files' frames, those that the codebook is fitted to.
    max_frames : int
        The most of them, whatever the share.
    max_units : int
        The most units, of all strings, that the tokenizer is trained on.
    seed : int
        Of the frames and strings drawn, and of the start of k-means.
    batch_size : int
        Windows encoded at once.

    Raises
    ------
    ValueError
        If there is no such layer, share or vocabulary, or the folder was begun
        with other settings.

    Example
    -------
    >>> import soundfile
    >>> from mert_sb.inference import MusicEncoder
    >>> from mert_sb.student import MERT
    >>> student = MERT(
    ...     conv_channels=8, embed_dim=16, ffn_dim=32, num_heads=2, num_layers=1
    ... )
    >>> folder = getfixture("tmp_path")
    >>> soundfile.write(folder / "a.wav", torch.rand(48_000).numpy(), 24_000)
    >>> fit = UnitFit(
    ...     MusicEncoder({"student": student}, {"sample_rate": 24_000}),
    ...     folder / "save",
    ...     {"a": (folder / "a.wav", 149)},
    ...     windows={"layers": 1},
    ...     codebook={"codebook_size": 4},
    ...     tokenizer={"vocab_size": 6},
    ... )
    >>> codebook, noted = fit.codebook()
    >>> noted["frames"], len(fit.tokenizer(fit.strings(codebook), 4))
    (149, 6)
    """

    def __init__(
        self,
        encoder,
        save_folder,
        files,
        *,
        windows,
        codebook,
        tokenizer,
        collapse=True,
        share=1.0,
        max_frames=500_000,
        max_units=20_000_000,
        seed=0,
        batch_size=1,
    ):
        self.encoder, self.save, self.files = encoder, Path(save_folder), files
        if windows.get("overlap_seconds") is None:
            windows = windows | {"overlap_seconds": encoder.overlap_seconds}
        self.settings = {
            "windows": windows,
            "codebook": codebook,
            "tokenizer": tokenizer,
            "collapse": collapse,
            "share": share,
            "max_frames": max_frames,
            "max_units": max_units,
            "seed": seed,
        }
        self.windows = windows | {"batch_size": batch_size}
        layer, last = windows["layers"], encoder.student.settings["num_layers"]
        if type(layer) is not int or not 0 <= layer <= last:
            raise ValueError(
                f"layer: {layer!r}, but the student has states 0 to {last}"
            )
        if not 0 < share <= 1:
            raise ValueError(f"share: {share} is not above 0 and at most 1")
        check_vocabulary(tokenizer["vocab_size"], codebook["codebook_size"])
        lengths = {key: length for key, (_, length) in files.items()}
        student = checksum(encoder.student.state_dict())
        begun = self.settings | {"student": student, "files": lengths}
        keep_settings(self.save / "settings.json", begun)

    def codebook(self):
        """Fit the codebook, or read the fitted one.

        Returns
        -------
        tuple of (Codebook, dict of str to float)
            On the encoder's device; and ``frames`` that it was fitted to, their
            ``share`` of all, and of them ``Explained.result``.
        """
        path, notes = self.save / CODEBOOK, self.save / NOTES
        if not (path.is_file() and notes.is_file()):
            codebook, noted = self._fit()
            with staged_folder(self.save) as staging:
                codebook.save(staging / CODEBOOK)
                (staging / NOTES).write_text(json.dumps(noted))
        logger.info("Codebook: using %s", path)
        return Codebook.read(path).to(self.encoder.device), read_json(notes)

    def _fit(self):
        """A codebook of frames drawn from all files."""
        total = sum(n_frames for _, n_frames in self.files.values())
        share = min(self.settings["share"], self.settings["max_frames"] / total)
        states = torch.cat(list(self._drawn_states(share)))
        logger.info("Codebook: fitting to %d of %d frames", len(states), total)
        dice = item_generator(self.settings["seed"], 0, "", "codebook")
        codebook = fit_codebook(
            states.to(self.encoder.device),
            **self.settings["codebook"],
            generator=dice,
        ).cpu()
        explained = Explained(codebook.mean)
        for part in states.split(10_000):
            explained.add(part, codebook.states(codebook(part)))
        noted = {"frames": len(states), "share": len(states) / total}
        return codebook, noted | explained.result()

    def _drawn_states(self, share):
        """A share of each file's states."""
        with Progress("units-states", len(self.files)) as progress:
            for key, (path, n_frames) in self.files.items():
                dice = item_generator(self.settings["seed"], 0, key, "units")
                how = {"share": share, "generator": dice, **self.windows}
                yield draw_states(self.encoder, path, **how)
                progress.update(seconds=n_frames / self.encoder.frame_rate)

    def strings(self, codebook):
        """Write the units of the files, of which some may be there.

        Arguments
        ---------
        codebook : Codebook
            Of ``codebook()``.

        Returns
        -------
        list of torch.Tensor
            ``(T,)`` int64 for each file, in the order of ``files``.
        """
        known = {"codebook": file_checksum(self.save / CODEBOOK)}
        writer = ShelfWriter(self.save / "strings", known, dtype="uint16")
        files = list(self.files.items())
        with Progress("units-strings", len(files)) as progress:
            for first in range(0, len(files), SHARD):
                part = files[first : first + SHARD]
                if writer.done(f"{first:07d}"):
                    progress.skip(len(part))
                    continue
                arrays = {}
                for key, (path, n_frames) in part:
                    units = quantize_file(
                        self.encoder, codebook, path, **self.windows
                    )
                    arrays[key] = units.numpy()
                    progress.update(seconds=n_frames / self.encoder.frame_rate)
                writer.write(f"{first:07d}", arrays)
        shelf = Shelf(writer.folder, known)
        return [torch.from_numpy(shelf[k].astype("int64")) for k in self.files]

    def tokenizer(self, strings, n_units):
        """Train the tokenizer, or read the trained one.

        Arguments
        ---------
        strings : list of torch.Tensor
            Of ``strings()``.
        n_units : int
            Clusters of the codebook.

        Returns
        -------
        UnitTokenizer
            Of ``train_tokenizer``.
        """
        path = self.save / TOKENS
        if not path.is_file():
            drawn = self._drawn_strings(strings)
            how = self.settings["tokenizer"]
            model = train_tokenizer(drawn, n_units, **how)
            with staged_file(path) as staging:
                staging.write_bytes(model)
        logger.info("Tokens: using %s", path)
        return UnitTokenizer(path.read_bytes(), n_units, path)

    def _drawn_strings(self, strings):
        """Strings in random order, until they have max_units."""
        dice = item_generator(self.settings["seed"], 0, "", "tokens")
        left = self.settings["max_units"]
        for index in torch.randperm(len(strings), generator=dice).tolist():
            string, _ = string_of(strings[index], self.settings["collapse"])
            yield string[:left].tolist()
            left -= min(left, len(string))
