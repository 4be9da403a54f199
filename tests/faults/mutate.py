"""Damage to files: of bytes, of texts of rows and cells, of JSON.

Each function takes a numpy generator, so that a case is told by its number.

Authors
 * The mert_sb developers 2026
"""

import copy
import json

# Numbers at which sizes and signs turn.
TURNS = (0, 1, 2**7, 2**8 - 1, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1)
TURNS += (2**62, 2**63 - 1, 2**63, 2**64 - 1)
# What a cell of a table may be instead of what it should be.
CELLS = (
    *("", " ", "-1", "0", "1e400", "-inf", "nan", "1e-320", "0x10", "1_000"),
    *("9" * 30, "9" * 5000, "a" * 200_000, "../../x", "/etc/passwd", "a\0b"),
    *('"', "'", "{", "{data_root.__class__}", "%s", "\\", "#", "\t", "\r"),
    *(
        "\N{BOM}",
        "é音",
        "\N{ARABIC-INDIC DIGIT THREE}",
        "true",
        "null",
        "!new:x",
    ),
)
# What a value of JSON may be instead of what it should be.
VALUES = (
    *(None, True, False, 0, -1, 1, 3, 0.5, -0.0, 1e308, 2**31, 2**40, 10**30),
    *("", "x", "../../x", "/etc/passwd", "a\0b", "{data_root.__class__}"),
    *("\ud800", "é音", "1", [], {}, [[]], [1, "a", None], {"a": {"b": []}}),
    *(float("nan"), float("inf")),
)


def mutated(data, rng, most=4):
    """Bytes with some of them cut, changed, moved or added.

    Arguments
    ---------
    data : bytes
        What is damaged.
    rng : numpy.random.Generator
        The dice.
    most : int
        Changes.

    Returns
    -------
    bytes
        At most twice as many.
    """
    data = bytearray(data)
    for _ in range(rng.integers(1, most + 1)):
        change = _CHANGES[rng.integers(len(_CHANGES))]
        change(data, rng)
    return bytes(data)


def mutated_text(text, rng):
    """Lines dropped, doubled, swapped; cells changed; at times bytes as well.

    Arguments
    ---------
    text : str
        Rows, their cells divided by tabs, commas or blanks.
    rng : numpy.random.Generator
        The dice.

    Returns
    -------
    bytes
        UTF-8 as a rule.
    """
    lines = text.split("\n")
    for _ in range(rng.integers(1, 4)):
        place, other = rng.integers(len(lines), size=2)
        kind = rng.integers(6)
        if kind == 0 and len(lines) > 1:
            del lines[place]
        elif kind == 1:
            lines.insert(other, lines[place])
        elif kind == 2:
            lines[place], lines[other] = lines[other], lines[place]
        else:
            lines[place] = _changed_row(lines[place], rng)
    ends = ("\n", "\n", "\n", "\r\n", "\r", "")
    data = ends[rng.integers(len(ends))].join(lines)
    data = data.encode("utf-8", "surrogatepass")
    return mutated(data, rng, 2) if rng.random() < 0.3 else data


def mutated_json(value, rng):
    """A value replaced, a key taken away or added; at times the text's bytes.

    Arguments
    ---------
    value : object
        Plain data, left as it is.
    rng : numpy.random.Generator
        The dice.

    Returns
    -------
    bytes
        JSON as a rule.
    """
    kind = rng.integers(10)
    if kind == 0:
        return b"[" * 200_000
    if kind == 1:
        text = json.dumps(value)
        return text.replace("1", "9" * 5000, 1).encode()
    value = json.loads(json.dumps(value))
    for _ in range(rng.integers(1, 4)):
        value = _changed_value(value, rng)
    data = json.dumps(value, ensure_ascii=bool(rng.integers(2)))
    data = data.encode("utf-8", "surrogatepass")
    return mutated(data, rng, 2) if kind == 2 else data


def spoil(path, rng):
    """Damage a file in its place.

    Arguments
    ---------
    path : pathlib.Path
        The file.
    rng : numpy.random.Generator
        The dice.
    """
    path.write_bytes(mutated(path.read_bytes(), rng))


def _place(data, rng):
    """A place in bytes, as often in their head as anywhere."""
    end = len(data) + 1
    return int(rng.integers(min(end, 200) if rng.random() < 0.5 else end))


def _cut(data, rng):
    del data[_place(data, rng) :]


def _behead(data, rng):
    del data[: _place(data, rng)]


def _flip(data, rng):
    for _ in range(rng.integers(1, 9)):
        if data:
            place = min(_place(data, rng), len(data) - 1)
            data[place] ^= 1 << int(rng.integers(8))


def _overwrite(data, rng):
    place = _place(data, rng)
    new = rng.bytes(int(rng.integers(1, 17)))
    data[place : place + len(new)] = new


def _turn(data, rng):
    place, size = _place(data, rng), int(2 ** rng.integers(4))
    number = TURNS[rng.integers(len(TURNS))] % 2 ** (8 * size)
    order = ("little", "big")[rng.integers(2)]
    data[place : place + size] = number.to_bytes(size, order)


def _block(data, rng):
    """Begin and end of a stretch."""
    place = _place(data, rng)
    return place, place + int(rng.integers(1, 1 + max(2, len(data) // 4)))


def _remove(data, rng):
    start, stop = _block(data, rng)
    del data[start:stop]


def _zero(data, rng):
    start, stop = _block(data, rng)
    data[start:stop] = bytes(len(data[start:stop]))


def _repeat(data, rng):
    start, stop = _block(data, rng)
    data[start:start] = data[start:stop]


def _insert(data, rng):
    place = _place(data, rng)
    data[place:place] = rng.bytes(int(rng.integers(1, 65)))


_CHANGES = (
    *(_cut, _behead, _flip, _flip, _overwrite, _turn, _turn),
    *(_remove, _zero, _repeat, _insert),
)


def _changed_row(row, rng):
    """A row of which a cell is another."""
    signs = [sign for sign in ("\t", ",", " ", ": ") if sign in row] or [" "]
    sign = signs[rng.integers(len(signs))]
    cells = row.split(sign)
    place, kind = rng.integers(len(cells)), rng.integers(4)
    if kind == 0:
        del cells[place]
    elif kind == 1:
        cells.insert(place, cells[place])
    else:
        cells[place] = CELLS[rng.integers(len(CELLS))]
    return sign.join(cells)


def _changed_value(value, rng):
    """The same with a change somewhere in it."""
    inner = isinstance(value, (dict, list)) and len(value) > 0
    if not inner or rng.random() < 0.02:
        return copy.deepcopy(VALUES[rng.integers(len(VALUES))])
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key, kind = keys[rng.integers(len(keys))], rng.integers(8)
    if kind == 0:
        del value[key]
    elif kind == 1 and isinstance(value, dict):
        name = CELLS[rng.integers(len(CELLS))]
        value[name] = copy.deepcopy(value[key])
    elif kind == 1:
        value.append(copy.deepcopy(value[key]))
    else:
        value[key] = _changed_value(value[key], rng)
    return value
