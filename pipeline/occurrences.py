"""A detected value is redacted wherever else it stands, also where detection missed it."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import NamedTuple

from pipeline.common_words import COMMON_WORDS

_WORD = re.compile(r"\w+")
_SOLID = re.compile(r"[^\W_]")
_DIGIT = re.compile(r"\d")
_SCAN_LIMIT = 400_000_000
"""Values times characters up to which each value is searched on its own."""


class Strength(Enum):
    """How sure it is that equal text elsewhere is the same value."""

    WEAK = "weak"
    """Short or a common word: a word of its own, in the original case."""
    FAIR = "fair"
    """A word of its own, in any case."""
    STRONG = "strong"
    """Too particular to occur by chance: anywhere, in any case."""


class Value(NamedTuple):
    """A value to look for."""

    text: str
    folded: str
    entity: str
    strength: Strength

    def __repr__(self) -> str:
        return f"<Value {self.entity}>"


class Occurrence(NamedTuple):
    """Where a value of an entity stands."""

    start: int
    end: int
    entity: str


def fold(text: str) -> str:
    """Fold case without changing any offset."""
    if text.isascii():
        return text.lower()
    return text.replace("İ", "i").lower().replace("ς", "σ")


def strength(text: str) -> Strength | None:
    """Judge a value by its letters and digits; None: too little to be looked for."""
    solid = len(_SOLID.findall(text))
    if solid == 0 or (solid == 1 and text.isascii()):
        return None
    if solid < 4 or text.lower() in COMMON_WORDS:
        return Strength.WEAK
    digits = len(_DIGIT.findall(text))
    if "@" in text or digits >= 12 or (solid >= 8 and 0 < digits < solid):
        return Strength.STRONG
    return Strength.FAIR


def value(text: str, entity: str) -> Value | None:
    """Prepare a value for the search; None where it is too little to be looked for."""
    judged = strength(text)
    return Value(text, fold(text), entity, judged) if judged else None


def joins(left: str, right: str) -> bool:
    """Whether two neighbouring characters are in one word; scripts without spaces have no such words."""
    return left.isalnum() and right.isalnum() and not (_unspaced(left) or _unspaced(right))


def _unspaced(character: str) -> bool:
    return "\u0e00" <= character <= "\u0eff" or "\u1000" <= character <= "\u109f" or character >= "\u2e80"


def stands_alone(text: str, start: int, end: int) -> bool:
    """Whether a span is bounded by the ends of words."""
    return not (
        (start > 0 and joins(text[start - 1], text[start])) or (end < len(text) and joins(text[end - 1], text[end]))
    )


def find_all(text: str, folded: str, values: Sequence[Value]) -> list[Occurrence]:
    """Find each value in a text; `folded` is the text folded. In no order, may overlap."""
    if len(values) * len(text) > _SCAN_LIMIT:
        values = _present(folded, values)
    found: list[Occurrence] = []
    for item in values:
        weak = item.strength is Strength.WEAK
        haystack, needle = (text, item.text) if weak else (folded, item.folded)
        at = haystack.find(needle)
        while at >= 0:
            end = at + len(needle)
            if item.strength is Strength.STRONG or stands_alone(text, at, end):
                found.append(Occurrence(at, end, item.entity))
                at = haystack.find(needle, end)
            else:
                at = haystack.find(needle, at + 1)
    return found


def _present(folded: str, values: Sequence[Value]) -> list[Value]:
    """Leave out the values whose first word is nowhere in the text."""
    words = set(_WORD.findall(folded))
    kept = []
    for item in values:
        first = _WORD.search(item.folded)
        if first is None or first[0] in words or _unspaced(first[0][0]):
            kept.append(item)
    return kept


def settle(spans: Sequence[Occurrence], more: Iterable[Occurrence]) -> list[Occurrence]:
    """Join findings, sorted and disjoint, and occurrences to sorted, disjoint spans.

    An occurrence takes the place of the findings that it covers entirely, and gives
    way to one that it only overlaps; of two occurrences the longer stands.
    """
    candidates = [item for item in set(more).difference(spans) if not _cuts(spans, item)]
    if not candidates:
        return list(spans)
    settled: list[Occurrence] = []
    for item in sorted([*spans, *candidates], key=lambda item: item.start - item.end):
        at = bisect_left(settled, item)
        if (at and settled[at - 1].end > item.start) or (at < len(settled) and settled[at].start < item.end):
            continue
        settled.insert(at, item)
    return settled


def _cuts(spans: Sequence[Occurrence], item: Occurrence) -> bool:
    """Whether an occurrence overlaps a finding without covering it, or is inside it."""
    at = max(bisect_left(spans, item.start, key=lambda span: span.start) - 1, 0)
    for span in spans[at:]:
        if span.start >= item.end:
            return False
        if span.end > item.start and not (item.start <= span.start and span.end <= item.end):
            return True
    return False
