"""Files to units and tokens, and back to states.

T frames, N tokens, n units of a string, D width, C clusters.

Authors
 * The mert_sb developers 2026
"""

import torch

from mert_sb.inference.encoder import MusicEncoder
from mert_sb.inference.units.folder import check_student, read_units
from mert_sb.inference.units.states import quantize_file
from mert_sb.inference.units.strings import UnitString, string_of, token_edges


class UnitEncoder:
    """Discrete units of music: ``UnitEncoder.from_folder("results/units")``.

    Arguments
    ---------
    encoder : mert_sb.inference.MusicEncoder
        The student.
    codebook : mert_sb.inference.units.Codebook
        Of its states at ``settings.layer``.
    tokenizer : mert_sb.inference.units.UnitTokenizer
        Of strings of its units.
    settings : mert_sb.inference.units.UnitSettings
        What the units are.

    Example
    -------
    >>> from mert_sb.inference import units
    >>> from mert_sb.student import MERT
    >>> student = MERT(
    ...     conv_channels=8, embed_dim=16, ffn_dim=32, num_heads=2, num_layers=1
    ... )
    >>> codebook = units.fit_codebook(torch.rand(20, 16), 3)
    >>> model = units.train_tokenizer([[0, 1, 0, 1, 2]], 3, vocab_size=5)
    >>> folder = getfixture("tmp_path") / "units"
    >>> _ = units.write_units(folder, student, codebook, model, layer=1)
    >>> encoder = units.UnitEncoder.from_folder(folder)
    >>> string = encoder.tokenize(torch.tensor([0, 0, 0, 1, 1, 2]))
    >>> encoder.decode(string.tokens), string.ends[-1]
    (tensor([0, 1, 2]), tensor(0.0816, dtype=torch.float64))
    >>> encoder.reconstruct(string.units).shape
    torch.Size([6, 16])
    """

    def __init__(self, encoder, codebook, tokenizer, settings):
        self.encoder = encoder
        self.codebook = codebook.to(encoder.device)
        self.tokenizer = tokenizer
        self.settings = settings

    @classmethod
    def from_folder(cls, source, *, fetch_config=None, run_opts=None):
        """Open what ``recipes/units`` left; no code in it is run.

        Arguments
        ---------
        source : str or pathlib.Path
            Folder or Hub id.
        fetch_config : speechbrain.utils.fetching.FetchConfig, optional
            For the Hub: ``revision``, ``token``, ``allow_network``.
        run_opts : dict, optional
            ``device``, ``precision`` and SpeechBrain's other ones.

        Returns
        -------
        UnitEncoder
            Ready to use.

        Raises
        ------
        CheckpointError
            If a file is damaged, does not fit the others, or is not the one that
            ``units.json`` names by its checksum.
        FileNotFoundError
            If a file or the source does not exist.
        """
        read = read_units(source, fetch_config)
        encoder = MusicEncoder.from_original(
            source, fetch_config=read.fetch_config, run_opts=run_opts
        )
        check_student(encoder.student.settings, read.settings, read.codebook)
        return cls(encoder, read.codebook, read.tokenizer, read.settings)

    @property
    def frame_rate(self):
        """Units a second."""
        return self.encoder.frame_rate

    def encode_file(self, path, *, batch_size=1):
        """Units and tokens of a file of any length.

        Long files are encoded in windows of the folder's own length, as the
        files that the codebook was fitted to.

        Arguments
        ---------
        path : str or Path
            An audio file of any rate and number of channels.
        batch_size : int
            Windows encoded at once.

        Returns
        -------
        UnitString
            On the CPU.

        Raises
        ------
        DamagedAudioError
            If the file cannot be decoded to its end.
        ValueError
            If it is shorter than a frame, or the student gives NaN or infinity.
        """
        return self.tokenize(self.units_of_file(path, batch_size=batch_size))

    def units_of_file(self, path, *, batch_size=1):
        """Units of a file, without tokens.

        Arguments
        ---------
        path : str or Path
            An audio file.
        batch_size : int
            Windows encoded at once.

        Returns
        -------
        torch.Tensor
            ``(T,)`` int64 on the CPU.
        """
        return quantize_file(
            self.encoder,
            self.codebook,
            path,
            layers=self.settings.layer,
            chunk_seconds=self.settings.chunk_seconds,
            overlap_seconds=self.settings.overlap_seconds,
            batch_size=batch_size,
        )

    def quantize(self, states):
        """Units of states at the folder's layer.

        Arguments
        ---------
        states : torch.Tensor
            ``(T, D)``.

        Returns
        -------
        torch.Tensor
            ``(T,)`` int64 on the CPU.
        """
        return self.codebook(states.float().to(self.encoder.device)).cpu()

    def tokenize(self, units):
        """Tokens of units, with times.

        Arguments
        ---------
        units : torch.Tensor or sequence of int
            ``(T,)``, one a frame from the start of a file.

        Returns
        -------
        UnitString
            ``decode`` of its tokens is the units, exactly; of collapsed strings,
            the units without repetitions.

        Raises
        ------
        ValueError
            If a number is no unit.
        """
        units = torch.as_tensor(units, dtype=torch.int64)
        string, lengths = string_of(units, self.settings.collapse)
        tokens = self.tokenizer.encode(string.tolist())
        sizes = [len(self.tokenizer.units(token)) for token in tokens]
        edges = token_edges(
            sizes, lengths, self.settings.sample_rate, self.encoder.subsample
        )
        tokens = torch.tensor(tokens, dtype=torch.int64)
        return UnitString(units, tokens, edges[:-1], edges[1:])

    def decode(self, tokens):
        """The string of units that tokens were made of.

        Arguments
        ---------
        tokens : torch.Tensor or sequence of int
            ``(N,)``.

        Returns
        -------
        torch.Tensor
            ``(n,)`` int64: T of them, or where strings are collapsed, each run of
            a unit once.

        Raises
        ------
        ValueError
            If a number is no token.
        """
        tokens = torch.as_tensor(tokens).tolist()
        units = self.tokenizer.decode(tokens)
        return torch.tensor(units, dtype=torch.int64)

    def reconstruct(self, units):
        """The states that units stand for: their centroids.

        Arguments
        ---------
        units : torch.Tensor or sequence of int
            ``(T,)``.

        Returns
        -------
        torch.Tensor
            ``(T, D)`` float32 on the CPU.

        Raises
        ------
        ValueError
            If a number is no unit.
        """
        units = torch.as_tensor(units, dtype=torch.int64)
        outside = (units < 0) | (units >= len(self.codebook))
        if outside.any():
            raise ValueError(
                f"units: {units[outside][0]} is none of 0 to "
                f"{len(self.codebook) - 1}"
            )
        return self.codebook.states(units.to(self.encoder.device)).cpu()
