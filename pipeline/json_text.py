"""JSON as it stands in bytes and in texts: numbers kept as spelled, string literals found and mapped."""

import json
import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

_STARTS = re.compile(r'\{\s*["}]|\[\s*["{\[]')
_LITERAL = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*')
_ESCAPE = re.compile(r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)")
_SHORT = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_FAILED_STARTS = 32
"""How many starts that turn out to be no JSON are tried in one text; bounds the time of a hostile one."""

NUMBER = re.compile(r"-?\d[\d.eE+-]*")


class DuplicateKey(ValueError):
    """An object has a key twice, so that two readers may see two requests."""


def _refuse_constant(_: str) -> Any:
    raise ValueError


def _integer(text: str) -> int | msgspec.Raw:
    return int(text) if len(text) < 16 and text != "-0" else msgspec.Raw(text.encode())


def _float(text: str) -> msgspec.Raw:
    return msgspec.Raw(text.encode())


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise DuplicateKey
    return table


_strict = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=_integer, parse_float=_float, parse_constant=_refuse_constant
)
_lenient = json.JSONDecoder(parse_int=_integer, parse_float=_float, parse_constant=_refuse_constant)
_scanner = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_refuse_constant)


def read_json(data: bytes, *, unique_keys: bool) -> Any:
    """Read JSON; numbers that Python would change are kept as the bytes they were (`msgspec.Raw`).

    Raises:
        ValueError: It is not JSON, not UTF-8, or `DuplicateKey`.
        RecursionError: It is nested too deep.

    """
    return (_strict if unique_keys else _lenient).decode(data.decode())


def write_json(tree: Any) -> bytes:
    """Write what `read_json` gave, numbers as they were."""
    return msgspec.json.encode(tree)


def to_json(text: str) -> str:
    """A text as it is spelled inside a JSON string, with no more escapes than JSON needs."""
    return msgspec.json.encode(text).decode()[1:-1]


def from_json(spelled: str) -> str | None:
    """What a spelling inside a JSON string means; None if it is not one."""
    if '"' not in spelled and "\\" not in spelled and spelled.isprintable():
        return spelled
    try:
        text = _scanner.decode(f'"{spelled}"')
        text.encode()
    except ValueError:
        return None
    return str(text)


class Cell(NamedTuple):
    """A part of a text in which values stand: plain text, a string literal's inside, or a bare number."""

    start: int
    end: int
    number: bool = False


def json_regions(text: str) -> list[tuple[int, int]]:
    """Where JSON objects and arrays stand in a text: all of it, or islands in other text."""
    regions: list[tuple[int, int]] = []
    failed = 0
    match = _STARTS.search(text)
    while match:
        try:
            _, end = _scanner.raw_decode(text, match.start())
        except (ValueError, RecursionError):
            failed += 1
            if failed == _FAILED_STARTS:
                break
            end = match.start() + 1
        else:
            regions.append((match.start(), end))
        match = _STARTS.search(text, end)
    return regions


@dataclass(frozen=True)
class View:
    """A text as detection sees it: escapes inside its JSON decoded, with the way back.

    `text` is the view, `cells` are its parts in the view's offsets; no cells means
    that all of the text is plain.
    """

    raw: str = field(repr=False)
    text: str = field(repr=False)
    regions: list[tuple[int, int]]
    cells: list[Cell]
    _view_marks: list[int]
    _raw_marks: list[int]

    def to_raw(self, offset: int) -> int:
        """The raw offset of an offset in the view."""
        return _shift(offset, self._view_marks, self._raw_marks)

    def pieces(self, start: int, end: int) -> list[Cell]:
        """The parts of a span that hold values: JSON's own punctuation is left out, a number is taken whole."""
        if not self.cells:
            return [Cell(start, end)]
        at = max(bisect_right(self.cells, start, key=lambda cell: cell.start) - 1, 0)
        pieces: list[Cell] = []
        for cell in self.cells[at:]:
            if cell.start >= end:
                break
            low, high = max(start, cell.start), min(end, cell.end)
            if low >= high:
                continue
            if cell.number:
                pieces.append(cell)
            elif (low == start and high == end) or self.text[low:high].strip():
                pieces.append(Cell(low, high))
        return pieces

    def is_number(self, start: int, end: int) -> bool:
        """Whether a span is a bare number of the JSON, whole."""
        return any(cell.number and (cell.start, cell.end) == (start, end) for cell in self.pieces(start, end))


def _shift(offset: int, marks: list[int], targets: list[int]) -> int:
    at = bisect_right(marks, offset) - 1
    return offset if at < 0 else targets[at] + offset - marks[at]


def plain_view(text: str) -> View:
    """A text as it is, whatever JSON may be in it."""
    return View(text, text, [], [], [], [])


def view(text: str) -> View:
    """Look at a text as detection should: what its JSON means, not how it is spelled."""
    regions = json_regions(text)
    if not regions:
        return plain_view(text)
    parts: list[str] = []
    view_marks: list[int] = []
    raw_marks: list[int] = []
    done = length = 0
    for start, end in regions:
        for escape in _ESCAPE.finditer(text, start, end) if "\\" in text else ():
            parts += text[done : escape.start()], _unescape(escape[0])
            length += escape.start() - done
            view_marks += length, length + 1
            raw_marks += escape.start(), escape.end()
            length += 1
            done = escape.end()
    parts.append(text[done:])
    cells: list[Cell] = []
    plain_from = 0
    for start, end in regions:
        if start > plain_from:
            cells.append(Cell(plain_from, start))
        for literal in _LITERAL.finditer(text, start, end):
            quoted = literal[0][0] == '"'
            low, high = literal.start() + quoted, literal.end() - quoted
            if low < high:
                cells.append(Cell(low, high, not quoted))
        plain_from = end
    if plain_from < len(text):
        cells.append(Cell(plain_from, len(text)))
    if view_marks:
        cells = [
            Cell(_shift(low, raw_marks, view_marks), _shift(high, raw_marks, view_marks), number)
            for low, high, number in cells
        ]
    return View(text, "".join(parts), regions, cells, view_marks, raw_marks)


def _unescape(escape: str) -> str:
    if escape[1] != "u":
        return _SHORT.get(escape[1], escape[1])
    if len(escape) > 6:
        return bytes.fromhex(escape[2:6] + escape[8:]).decode("utf-16-be")
    code = int(escape[2:], 16)
    # A lone surrogate is no text; detection sees the replacement character in its place.
    return "\ufffd" if 0xD800 <= code <= 0xDFFF else chr(code)
