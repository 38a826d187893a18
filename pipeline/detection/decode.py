"""Read what is encoded: base64 and hex runs, and escapes inside otherwise plain text."""

import binascii
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from html.entities import html5
from itertools import pairwise
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

_PERCENTS = re.compile(r"(?:%(?:25){0,2}[0-9A-Fa-f]{2})+")
_PERCENT = re.compile(r"%(?:25){0,2}([0-9A-Fa-f]{2})")
_BYTES = re.compile(r"(?:\\{1,8}x[0-9A-Fa-f]{2})+")
_BYTE = re.compile(r"\\{1,8}x([0-9A-Fa-f]{2})")
_ENTITY = re.compile(r"&(?:amp;)?(?:#(\d{1,7})|#[xX]([0-9A-Fa-f]{1,6})|([A-Za-z]{2,24}));")
_BACKSLASH = re.compile(
    r"\\{1,8}(?:u([dD][89abAB][0-9A-Fa-f]{2})\\{1,8}u([dD][c-fC-F][0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|u\{([0-9A-Fa-f]{1,6})\}"
    r"|U([0-9A-Fa-f]{8})|([/\"nrt]))"
)
_LETTER_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}
# A form's sign for a space: several in a word, or one beside an escape.
_PLUS = re.compile(r"(?<!\s)\+(?!\s)")
_PLUS_REACH = 64
# A word this far in front of a value may say what it is, so a word that was escaped counts, too.
_CONTEXT_REACH = 64
# How much of the text around an escape is searched with it: as far as rules look for words.
_BEFORE = 160
_AFTER = 160
# An encoded run of which only the end is escaped is searched whole, up to this length.
_LONGEST_WORD = 2_000
_WORD = re.compile(r"\S*")


class EncodedRun(NamedTuple):
    """Where a run of encoded characters lies, and what it says."""

    start: int
    end: int
    text: str

    def __repr__(self) -> str:
        return f"<EncodedRun {self.start}:{self.end}>"


class Excerpt(NamedTuple):
    """A part of a text with edits applied, those edits, and how far in front of a value one of them counts."""

    view: Normalised
    edits: Sequence[Edit]
    reach: int = 0

    def moved(self, findings: Iterable[Finding]) -> Iterator[Finding]:
        """Move the view's findings to the text, without those that hold and follow nothing the edits changed."""
        for finding in findings:
            start, end = self.view.original(finding.start, finding.end)
            last = bisect_left(self.edits, Edit(end, 0, "")) - 1
            if last >= 0 and self.edits[last].end > start - self.reach:
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
    # Sixteen-bit text, as PowerShell encodes its commands: a space or a digit is half zero.
    zeros = data.count(0)
    if zeros >= 3:
        said = data.decode("utf-16-le" if data[1::2].count(0) * 2 >= zeros else "utf-16-be", "ignore")
        strange = sum(not _is_text(char) for char in said)
        return said if strange * 20 <= len(said) else None
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
        edits += _byte_edits(text, _PERCENTS, _PERCENT)
    if "&" in text:
        edits += _entity_edits(text)
    if "\\" in text:
        edits += _byte_edits(text, _BYTES, _BYTE)
        edits += _backslash_edits(text)
    if "+" in text:
        edits += _plus_edits(text)
    return excerpts(text, sorted(edits), _CONTEXT_REACH) if edits else ()


def excerpts(text: str, edits: Sequence[Edit], reach: int = 0) -> Iterator[Excerpt]:
    """Cut out what lies near sorted, disjoint edits, and apply them; parts that would meet are one."""
    first = 0
    end = _after(text, edits[0].end) if edits else 0
    for place in range(1, len(edits) + 1):
        if place < len(edits) and edits[place].start - _BEFORE <= end:
            if edits[place].end + _AFTER > end:
                end = _after(text, edits[place].end)
            continue
        near = edits[first:place]
        yield Excerpt(rewritten(text, near, _before(text, edits[first].start), end), near, reach)
        if place < len(edits):
            first, end = place, _after(text, edits[place].end)


def _before(text: str, place: int) -> int:
    """Give the start of what is searched with an edit: a word that it is in is in it whole."""
    start = max(0, place - _BEFORE)
    word = _WORD.match(text[max(0, start - _LONGEST_WORD) : start][::-1]) if start else None
    return start - word.end() if word else start


def _after(text: str, place: int) -> int:
    end = min(len(text), place + _AFTER)
    word = _WORD.match(text, end, end + _LONGEST_WORD)
    return word.end() if word else end


def _byte_edits(text: str, run: re.Pattern[str], one: re.Pattern[str]) -> Iterator[Edit]:
    """Read runs of escaped bytes as UTF-8; what isn't that is Latin-1 inside a word, and else no letter of any word."""
    for found in run.finditer(text):
        escapes = list(one.finditer(text, *found.span()))
        chars = bytes.fromhex("".join(escape[1] for escape in escapes)).decode("utf-8", "surrogateescape")
        around = f"{text[found.start() - 1 : found.start()] or ' '}{chars}{text[found.end() : found.end() + 1] or ' '}"
        first = 0
        for place, char in enumerate(chars):
            if "\udc80" <= char <= "\udcff":
                last = first + 1
                is_inside = around[place].isalpha() and around[place + 2].isalpha()
                said = chr(ord(char) - 0xDC00) if is_inside else "\ufffd"
            else:
                last = first + len(char.encode())
                said = char
            if _is_text(said):
                yield Edit(escapes[first].start(), escapes[last - 1].end(), said)
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
            char = _LETTER_ESCAPES.get(slash, slash)
        elif high:
            char = chr(0x10000 + ((int(high, 16) & 0x3FF) << 10) + (int(low, 16) & 0x3FF))
        else:
            char = _character(int(next(filter(None, codes)), 16))
        if char:
            yield Edit(*found.span(), char)


def _plus_edits(text: str) -> Iterator[Edit]:
    group: list[int] = []
    for found in _PLUS.finditer(text):
        place = found.start()
        if group and (place - group[-1] > _PLUS_REACH or any(map(str.isspace, text[group[-1] : place]))):
            yield from _form_spaces(text, group)
            group = []
        group.append(place)
    yield from _form_spaces(text, group)


def _form_spaces(text: str, group: Sequence[int]) -> Iterator[Edit]:
    if not group:
        return
    near = text[max(0, group[0] - _PLUS_REACH) : group[-1] + _PLUS_REACH]
    words = [text[one + 1 : other] for one, other in pairwise(group)]
    # Base64 has the sign, too, but hardly a word between two of them.
    if "%" in near or (words and 2 * sum(map(_is_word, words)) >= len(words)):
        yield from (Edit(place, place + 1, " ") for place in group)


def _is_word(text: str) -> bool:
    return text.isdigit() or (text.isalpha() and (text.islower() or text.istitle() or text.isupper()))


def _character(code: int) -> str:
    """Give the character, unless it is a control or half of a pair."""
    char = chr(code) if code <= 0x10FFFF else ""
    return char if _is_text(char) else ""


def _is_text(char: str) -> bool:
    # What hides a value does so escaped, too; it is for `normalise` to read or delete.
    return char.isprintable() or char in "\t\r\n" or is_read_otherwise(char)
