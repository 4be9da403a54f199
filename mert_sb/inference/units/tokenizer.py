"""Tokens over strings of units: the one place that speaks to SentencePiece.

A unit is written as one character of a private-use plane, so that no rule about
letters, spaces or scripts applies to it. Normalisation is off. Every unit is a token
of its own too, so that any string can be written in tokens and had back exactly.

Authors
 * The mert_sb developers 2026
"""

import io

import sentencepiece

from mert_sb.inference.tensors import CheckpointError
from mert_sb.inference.units.settings import check_vocabulary

FIRST_CHARACTER = 0xF0000
UNKNOWN = 0
# SentencePiece's trainer counts places in a line with 16 bits.
LINE = 10_000


class UnitTokenizer:
    """Strings of units to tokens, and back.

    Arguments
    ---------
    model : bytes
        A SentencePiece model of ``train_tokenizer``. It is data: reading it runs
        no code.
    codebook_size : int
        C; units are 0 to C - 1.
    name : str or pathlib.Path
        The file, for the error.

    Raises
    ------
    CheckpointError
        If the model is damaged, is of text or of other units, or changes what it
        reads.

    Example
    -------
    >>> model = train_tokenizer([[0, 1, 0, 1, 2]], 3, vocab_size=5)
    >>> tokenizer = UnitTokenizer(model, 3)
    >>> tokens = tokenizer.encode([0, 1, 2, 0, 1])
    >>> len(tokens), tokenizer.decode(tokens)
    (3, [0, 1, 2, 0, 1])
    """

    def __init__(self, model, codebook_size, name="tokens.model"):
        self.model = model
        self.codebook_size = codebook_size
        damaged = f"{name}: no SentencePiece model of units, or a damaged one"
        if not model:
            raise CheckpointError(f"{damaged}: it is empty")
        self._processor = sentencepiece.SentencePieceProcessor()
        try:
            self._processor.LoadFromSerializedProto(model)
            self.pieces = [
                _units(self._processor.id_to_piece(token))
                for token in range(self._processor.get_piece_size())
            ]
        except (RuntimeError, UnicodeDecodeError) as error:
            raise CheckpointError(f"{damaged} ({error})") from error
        self._check(name)

    def __len__(self):
        return len(self.pieces)

    def encode(self, units):
        """Tokens of a string.

        Arguments
        ---------
        units : sequence of int
            Units; runs are collapsed already, if they are to be.

        Returns
        -------
        list of int
            Tokens.

        Raises
        ------
        ValueError
            If a number is no unit.
        """
        strangers = [u for u in units if not 0 <= u < self.codebook_size]
        if strangers:
            raise ValueError(
                f"units: {strangers[0]} is none of 0 to {self.codebook_size - 1}"
            )
        return self._processor.encode(_characters(units))

    def decode(self, tokens):
        """The string that tokens were made of.

        Arguments
        ---------
        tokens : sequence of int
            Tokens.

        Returns
        -------
        list of int
            Units.

        Raises
        ------
        ValueError
            If a number is no token, or the unknown one.
        """
        return [unit for token in tokens for unit in self.units(token)]

    def units(self, token):
        """The units that a token stands for.

        Arguments
        ---------
        token : int
            A token.

        Returns
        -------
        tuple of int
            Units.

        Raises
        ------
        ValueError
            If it is no token, or the unknown one.
        """
        if not UNKNOWN < token < len(self.pieces):
            raise ValueError(
                f"tokens: {token} is none of {UNKNOWN + 1} to "
                f"{len(self.pieces) - 1}; is it of another tokens.model?"
            )
        return self.pieces[token]

    def _check(self, name):
        """Refuse a model that would not give back what it was given."""
        every = range(self.codebook_size)
        known = self.pieces[UNKNOWN + 1 :]
        for token, piece in enumerate(known, UNKNOWN + 1):
            if not piece or min(piece) < 0 or max(piece) >= len(every):
                raise CheckpointError(
                    f"{name}: token {token} is no string of {len(every)} units; the "
                    "model is of text, or of another codebook"
                )
        lacking = set(every) - {piece[0] for piece in known if len(piece) == 1}
        tokens = [] if lacking else self._processor.encode(_characters(every))
        if lacking or UNKNOWN in tokens or self.decode(tokens) != list(every):
            raise CheckpointError(
                f"{name}: does not give back all units; it was not trained by "
                "mert_sb"
            )


def train_tokenizer(strings, codebook_size, *, vocab_size, max_token_units=16):
    """Train a SentencePiece model by byte-pair encoding, units being its bytes.

    Arguments
    ---------
    strings : iterable of sequence of int
        Strings of units, of any length.
    codebook_size : int
        C.
    vocab_size : int
        Tokens: the unknown one, the C units, and so many longer ones.
    max_token_units : int
        The most units of a token (16 is SentencePiece's).

    Returns
    -------
    bytes
        The model, the same for the same strings.

    Raises
    ------
    ValueError
        If the vocabulary is too small for the units, or too large for the
        strings.

    Example
    -------
    >>> len(UnitTokenizer(train_tokenizer([[0, 1] * 9], 2, vocab_size=4), 2))
    4
    """
    check_vocabulary(vocab_size, codebook_size)
    written = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=_lines(strings, codebook_size),
            model_writer=written,
            model_type="bpe",
            vocab_size=vocab_size,
            max_sentencepiece_length=max_token_units,
            max_sentence_length=8 * LINE,  # in bytes, of which a unit has 4
            character_coverage=1.0,
            normalization_rule_name="identity",
            add_dummy_prefix=False,
            remove_extra_whitespaces=False,
            split_by_unicode_script=False,
            split_by_whitespace=False,
            split_by_number=False,
            unk_id=UNKNOWN,
            bos_id=-1,
            eos_id=-1,
            pad_id=-1,
            minloglevel=2,
        )
    except RuntimeError as error:
        raise ValueError(
            f"vocab_size: SentencePiece finds no {vocab_size} tokens of at most "
            f"{max_token_units} units in these strings ({error})"
        ) from error
    return written.getvalue()


def _lines(strings, codebook_size):
    """The training text: each unit by itself, so that none is unknown; strings."""
    for unit in range(codebook_size):
        yield _characters([unit])
    for units in strings:
        for start in range(0, len(units), LINE):
            yield _characters(units[start : start + LINE])


def _characters(units):
    return "".join([chr(FIRST_CHARACTER + unit) for unit in units])


def _units(piece):
    return tuple(ord(character) - FIRST_CHARACTER for character in piece)
