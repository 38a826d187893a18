"""Read what is encoded: base64 and hex runs, and escapes inside otherwise plain text."""

import binascii
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from html.entities import html5
from typing import NamedTuple

from pipeline.detection.normalise import Edit, Normalised, is_read_otherwise, rewritten
from pipeline.detection.types import Finding

# Shorter runs hold no value that a rule could be sure of.
MIN_RUN = 16
_MIN_DECODED = 6
# A run broken into lines of this length at least, as mail and PEM break it, is one run.
_MIN_LINE = 48
# Every character of a run becomes "a", every other a space: finding sixteen of them is then one
# search in C, where a pattern's character class took a sixth of a detection's time.
_RUN_BYTES = bytes(
    ord("a") if (chr(code).isalnum() and code < 128) or chr(code) in "+/_-" else ord(" ") for code in range(256)
)
_LONG_RUN = b"a" * MIN_RUN
_HEX = re.compile(r"(?:0[xX])?((?:[0-9a-fA-F]{2})+)")
_SAFE_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_PRINTABLE = bytes([9, 10, 13, *range(32, 127)])
_HIGH = bytes(range(128, 256))

_ESCAPE = re.compile(r"%(?:25){0,2}[0-9A-Fa-f]{2}(?:%(?:25){0,2}[0-9A-Fa-f]{2}){0,63}")
_PERCENT = re.compile(r"%(?:25){0,2}([0-9A-Fa-f]{2})")
_ENTITY = re.compile(r"&(?:amp;)?(?:#(\d{1,7})|#[xX]([0-9A-Fa-f]{1,6})|([A-Za-z]{2,24}));")
_BACKSLASH = re.compile(
    r"\\{1,4}(?:u([dD][89abAB][0-9A-Fa-f]{2})\\{1,4}u([dD][c-fC-F][0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|u\{([0-9A-Fa-f]{1,6})\}"
    r"|U([0-9A-Fa-f]{8})|x([0-9A-Fa-f]{2})|(/))"
)
# How much of the text around an escape is searched with it: as far as rules look for words.
_BEFORE = 160
_AFTER = 160


class EncodedRun(NamedTuple):
    """Where a run of encoded characters lies, and what it says."""

    start: int
    end: int
    text: str

    def __repr__(self) -> str:
        return f"<EncodedRun {self.start}:{self.end}>"


class Excerpt(NamedTuple):
    """A part of a text with edits applied, and those edits."""

    view: Normalised
    edits: Sequence[Edit]

    def moved(self, findings: Iterable[Finding]) -> Iterator[Finding]:
        """Move the view's findings to the text, without those that hold nothing the edits changed."""
        for finding in findings:
            start, end = self.view.original(finding.start, finding.end)
            last = bisect_left(self.edits, Edit(end, 0, "")) - 1
            if last >= 0 and self.edits[last].end > start:
                yield Finding(start, end, finding.entity, finding.score)


def encoded_runs(text: str) -> Iterator[EncodedRun]:
    """Give the base64 and hex runs that decode to text."""
    # A character outside Latin-1 ends a run, and so does what stands for it.
    mapped = text.encode("latin-1", "replace").translate(_RUN_BYTES)
    place = mapped.find(_LONG_RUN)
    while place >= 0:
        end = _end(mapped, place)
        spans = [(place, end)]
        # Only the last line of a broken run is shorter than the first.
        width = end - place
        while width >= _MIN_LINE and width % 4 == 0 and end - spans[-1][0] == width:
            begin = end + (text.startswith("\r", end))
            if not text.startswith("\n", begin) or mapped[begin + 1 : begin + 2] != b"a":
                break
            end = _end(mapped, begin + 1)
            if end - begin - 1 > width:
                end = spans[-1][1]
                break
            spans.append((begin + 1, end))
        yield from _decoded(text, spans)
        place = mapped.find(_LONG_RUN, end)


def _end(mapped: bytes, start: int) -> int:
    end = mapped.find(b" ", start)
    return len(mapped) if end < 0 else end


def _decoded(text: str, spans: Sequence[tuple[int, int]]) -> Iterator[EncodedRun]:
    start, end = spans[0][0], spans[-1][1]
    run = "".join(text[begin:stop] for begin, stop in spans)
    said = _said(run)
    if said is not None:
        while text[end : end + 1] == "=":
            end += 1
        yield EncodedRun(start, end, said)
        return
    if len(spans) > 1 or len(run) < MIN_RUN + 2:
        return
    # In a path or a name made of parts, each part may be a run.
    for sign in "/_-+":
        if sign not in run:
            continue
        place = start
        for part in run.split(sign):
            if MIN_RUN <= len(part) < len(run):
                said = _said(part)
                if said is not None:
                    yield EncodedRun(place, place + len(part), said)
            place += len(part) + 1


def _said(run: str) -> str | None:
    hexadecimal = _HEX.fullmatch(run)
    if hexadecimal is not None:
        said = _text(bytes.fromhex(hexadecimal[1]))
        if said is not None:
            return said
    # Names and paths keep to one case; sixteen letters of base64 never do.
    if run.islower() or run.isupper():
        return None
    data = run.encode().translate(_SAFE_TO_STANDARD)
    # One letter over says six bits, which is no byte: a run that was cut off.
    whole = len(data) - (len(data) % 4 == 1)
    try:
        return _text(binascii.a2b_base64(data[:whole] + b"=" * (-whole % 4)))
    except binascii.Error:
        return None


def _text(data: bytes) -> str | None:
    """Tell text from bytes that only happen to decode."""
    if len(data) < _MIN_DECODED:
        return None
    # Sixteen-bit text, as PowerShell encodes its commands.
    if data[1:16:2].count(0) == len(data[1:16:2]):
        data = data[::2]
    strange = len(data.translate(None, _PRINTABLE))
    if strange == 0:
        return data.decode("ascii")
    # A random run this short is UTF-8 now and then.
    if len(data) < 24 and strange > 4:
        return None
    try:
        said = data.decode("utf-8")
    except UnicodeDecodeError as error:
        # Cut off inside its last character.
        if error.start < len(data) - 3:
            return None
        said = data[: error.start].decode("utf-8")
    controls = strange - len(data) + len(data.translate(None, _HIGH))
    return said if controls * 20 <= len(data) else None


def escaped_excerpts(text: str) -> Iterable[Excerpt]:
    """Give the parts of a text around its escapes, with these decoded."""
    edits: list[Edit] = []
    if "%" in text:
        edits += _percent_edits(text)
    if "&" in text:
        edits += _entity_edits(text)
    if "\\" in text:
        edits += _backslash_edits(text)
    return excerpts(text, sorted(edits)) if edits else ()


def excerpts(text: str, edits: Sequence[Edit]) -> Iterator[Excerpt]:
    """Cut out what lies near sorted, disjoint edits, and apply them; parts that would meet are one."""
    first = 0
    for place in range(1, len(edits) + 1):
        if place == len(edits) or edits[place].start - edits[place - 1].end > _BEFORE + _AFTER:
            start = max(0, edits[first].start - _BEFORE)
            end = min(len(text), edits[place - 1].end + _AFTER)
            near = edits[first:place]
            yield Excerpt(rewritten(text, near, start, end), near)
            first = place


def _percent_edits(text: str) -> Iterator[Edit]:
    for found in _ESCAPE.finditer(text):
        escapes = list(_PERCENT.finditer(text, *found.span()))
        data = bytes.fromhex("".join(escape[1] for escape in escapes))
        try:
            said = data.decode("utf-8")
        except UnicodeDecodeError:
            continue
        first = 0
        for char in said:
            last = first + len(char.encode())
            if _is_text(char):
                yield Edit(escapes[first].start(), escapes[last - 1].end(), char)
            first = last


def _entity_edits(text: str) -> Iterator[Edit]:
    for found in _ENTITY.finditer(text):
        decimal, hexadecimal, name = found.groups()
        char = html5.get(f"{name};", "") if name else _character(int(decimal) if decimal else int(hexadecimal, 16))
        if char:
            yield Edit(*found.span(), char)


def _backslash_edits(text: str) -> Iterator[Edit]:
    for found in _BACKSLASH.finditer(text):
        high, low, *codes, slash = found.groups()
        if slash:
            char = slash
        elif high:
            char = chr(0x10000 + ((int(high, 16) & 0x3FF) << 10) + (int(low, 16) & 0x3FF))
        else:
            char = _character(int(next(filter(None, codes)), 16))
        if char:
            yield Edit(*found.span(), char)


def _character(code: int) -> str:
    """Give the character, unless it is a control or half of a pair."""
    char = chr(code) if code <= 0x10FFFF else ""
    return char if _is_text(char) else ""


def _is_text(char: str) -> bool:
    # What hides a value does so escaped, too; it is for `normalise` to read or delete.
    return char.isprintable() or char in "\t\r\n" or is_read_otherwise(char)
