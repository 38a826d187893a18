"""A detected value is redacted wherever else it stands, also where detection missed it."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence, Set
from enum import Enum
from typing import NamedTuple

from pipeline.common_words import COMMON_WORDS
from pipeline.detection.context import UNSPACED_LETTER, joins
from pipeline.sentences import may_be_word

_WORD = re.compile(r"\w+")
_SOLID = re.compile(r"[^\W_]")
_DIGIT = re.compile(r"\d")
_MANY = 200
"""From so many values on, one pass over the words of a text is faster than one search a value."""
_JSON_WORDS = ("null", "true", "false")
NONE: frozenset[int] = frozenset()


class Strength(Enum):
    """How sure it is that equal text elsewhere is the same value."""

    WEAK = "weak"
    """Short or a common word: a word of its own, in the original case."""
    NAME = "name"
    """As weak, and not where the word may be no name: at the start of a sentence."""
    FAIR = "fair"
    """A word of its own, in any case."""
    STRONG = "strong"
    """Too particular to occur by chance: anywhere, in any case."""


_CASED = (Strength.WEAK, Strength.NAME)


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
    word = text.strip().lower()
    if solid < 2 or word in _JSON_WORDS:
        return None
    if solid < 4 or word in COMMON_WORDS:
        return Strength.WEAK
    digits = len(_DIGIT.findall(text))
    if "@" in text or digits >= 12 or (solid >= 8 and 0 < digits < solid):
        return Strength.STRONG
    return Strength.FAIR


def value(text: str, entity: str) -> Value | None:
    """Prepare a value for the search; None where it is too little to be looked for."""
    judged = strength(text)
    return Value(text, fold(text), entity, judged) if judged else None


def stands_alone(text: str, start: int, end: int, *, starts: Set[int] = NONE, ends: Set[int] = NONE) -> bool:
    """Whether a span is bounded by the ends of words, or by spans that start or end beside it."""
    if start > 0 and start not in ends and joins(text[start - 1], text[start]):
        # The letter of an escape (`\n`) is no letter of the word after it.
        escape = start > 1 and text[start - 2] == "\\" and text[start - 1] in "nrtbf"
        if not escape:
            return False
    return not (end < len(text) and end not in starts and joins(text[end - 1], text[end]))


class Sought:
    """Values to look for in the texts of a request, prepared once.

    Of many values each is found only where its first word begins. They lie by that word, then by how far
    before it they start and how long they are, so that a word costs no more for many values than for one.
    """

    def __init__(self, values: Iterable[Value]) -> None:
        self._searched = list(values)
        self._by_word: dict[str, dict[tuple[int, int], dict[str, list[Value]]]] = {}
        if len(self._searched) < _MANY:
            return
        values, self._searched = self._searched, []
        for item in values:
            first = _WORD.search(item.folded)
            if first is None or UNSPACED_LETTER.match(first[0]):
                self._searched.append(item)
            else:
                alike = self._by_word.setdefault(first[0], {}).setdefault((first.start(), len(item.folded)), {})
                alike.setdefault(item.folded, []).append(item)

    def __repr__(self) -> str:
        return "<Sought>"

    def hits(self, text: str) -> Iterator[tuple[Value, int]]:
        """Each value with each place where it stands."""
        folded = fold(text)
        for word in _WORD.finditer(folded) if self._by_word else ():
            for (lead, length), alike in self._by_word.get(word[0], {}).items():
                at = word.start() - lead
                for item in alike.get(folded[at : at + length], ()) if at >= 0 else ():
                    if item.strength not in _CASED or text.startswith(item.text, at):
                        yield item, at
        for item in self._searched:
            weak = item.strength in _CASED
            haystack, needle = (text, item.text) if weak else (folded, item.folded)
            at = haystack.find(needle)
            while at >= 0:
                yield item, at
                at = haystack.find(needle, at + 1)


def find_all(text: str, sought: Sought, spans: Sequence[Occurrence]) -> list[Occurrence]:
    """Find each value in a text beside the findings in it, and settle them into sorted, disjoint spans."""
    alone: list[Occurrence] = []
    joined: list[Occurrence] = []
    for item, at in sought.hits(text):
        hit = Occurrence(at, at + len(item.text), item.entity)
        if item.strength is Strength.NAME and may_be_word(text, hit.start, hit.end):
            continue
        if item.strength is Strength.STRONG or stands_alone(text, hit.start, hit.end):
            alone.append(hit)
        else:
            joined.append(hit)
    settled = settle(spans, alone)
    # What was joined to a redacted part stands alone once that is gone.
    while joined:
        starts = {span.start for span in settled}
        ends = {span.end for span in settled}
        freed = [hit for hit in joined if stands_alone(text, hit.start, hit.end, starts=starts, ends=ends)]
        wider = settle(settled, freed)
        if wider == settled:
            break
        settled = wider
    return settled


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
    for place in range(at, len(spans)):
        span = spans[place]
        if span.start >= item.end:
            return False
        if span.end > item.start and not (item.start <= span.start and span.end <= item.end):
            return True
    return False
