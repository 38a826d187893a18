"""The engine for machines without Hyperscan: Python's `re`, the same candidates, slower.

Each expression is tried only around a literal that its matches must hold. The
expressions are Hyperscan's (no look-around, every repetition bounded), so that a
try costs at most their width, and a text's time grows as its length.
"""

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence

# Private, but the only parser of these expressions there is; used to plan, not to match.
from re import _parser  # type: ignore[attr-defined]
from typing import Any, NamedTuple, TypeAlias

from pipeline.detection.scan import Candidate

# Literals are looked up by so many bytes, all in one walk; shorter ones one by one.
_GRAM = 4
# A literal that may stand at more places of a match than this is no better than a search.
_MOST_PLACES = 64


class _Needle(NamedTuple):
    """Bytes that a match holds, in lower case, and how far behind its start they may begin."""

    literal: bytes
    least: int
    most: int


_Needles: TypeAlias = tuple[_Needle, ...]
# Which expression to try so far in front of a literal.
_Try: TypeAlias = tuple[int, range]


class PlainEngine:
    """Compiles nothing but Python patterns."""

    name = "re"
    version = f"re {sys.version_info[0]}.{sys.version_info[1]}"

    def candidates(self, expressions: Sequence[bytes]) -> Callable[[bytes], list[Candidate]]:
        """See `Engine`."""
        compiled = [_Expression(expression) for expression in expressions]
        starts = _Starts(compiled)

        def candidates(data: bytes) -> list[Candidate]:
            return [
                (start, end, rule)
                for rule, places in starts.of(data)
                for start, end in compiled[rule].matches(data, places)
            ]

        return candidates

    def probe(self, expressions: Sequence[bytes]) -> Callable[[bytes], bool]:
        """See `Engine`."""
        compiled = [_Expression(expression) for expression in expressions]
        starts = _Starts(compiled)
        return lambda data: any(any(compiled[rule].matches(data, places)) for rule, places in starts.of(data))


class _Expression:
    """One expression: where it matches, and what to look for first."""

    def __init__(self, expression: bytes) -> None:
        tree = _parser.parse(expression)
        flags, body = (b"(?i)", expression[4:]) if expression.startswith(b"(?i)") else (b"", expression)
        self._least, self._most = tree.getwidth()
        self._pattern = re.compile(expression)
        # A match that ends exactly one byte before the end of what is looked at, so that a
        # boundary at its own end sees the byte that really follows; or at the text's end.
        self._before_last = re.compile(flags + b"(?:" + body + b")(?s:.)\\Z")
        self._at_end = re.compile(flags + b"(?:" + body + b")\\Z")
        self.needles = _needles(tree)

    def starts(self, data: bytes) -> Iterator[int]:
        """Give every place where a match begins, searching all of them."""
        place = 0
        while (found := self._pattern.search(data, place)) is not None:
            yield found.start()
            place = found.start() + 1

    def matches(self, data: bytes, places: Iterable[int]) -> Iterable[tuple[int, int]]:
        """Give every end of a match that begins at one of the sorted places, with its leftmost start."""
        ends: dict[int, int] = {}
        for start in places:
            for end in self._ends(data, start):
                ends.setdefault(end, start)
        return [(start, end) for end, start in ends.items()]

    def _ends(self, data: bytes, start: int) -> Iterator[int]:
        if self._pattern.match(data, start) is None:
            return
        if self._least == self._most:
            yield start + self._least
            return
        size = len(data)
        for end in range(start + self._least, min(start + self._most, size - 1) + 1):
            if self._before_last.match(data, start, end + 1) is not None:
                yield end
        if start + self._least <= size <= start + self._most and self._at_end.match(data, start) is not None:
            yield size


class _Starts:
    """Finds for many expressions at once where a match may begin."""

    def __init__(self, expressions: Sequence[_Expression]) -> None:
        self._searched = [(rule, one) for rule, one in enumerate(expressions) if not one.needles]
        self._by_gram: dict[bytes, list[_Try]] = {}
        self._by_literal: dict[bytes, list[_Try]] = {}
        for rule, one in enumerate(expressions):
            for literal, least, most in one.needles:
                table = self._by_gram if len(literal) >= _GRAM else self._by_literal
                table.setdefault(literal[:_GRAM], []).append((rule, range(least, most + 1)))

    def of(self, data: bytes) -> Iterator[tuple[int, Iterable[int]]]:
        """Give expressions with the sorted places where their matches may begin; without those that have none."""
        lowered = data.lower()
        tried: dict[int, set[int]] = {}

        def note(place: int, tries: list[_Try]) -> None:
            for rule, backs in tries:
                tried.setdefault(rule, set()).update(place - back for back in backs if place >= back)

        known = self._by_gram
        for place in range(len(lowered) - _GRAM + 1):
            gram = lowered[place : place + _GRAM]
            if gram in known:
                note(place, known[gram])
        for literal, tries in self._by_literal.items():
            place = lowered.find(literal)
            while place >= 0:
                note(place, tries)
                place = lowered.find(literal, place + 1)
        for rule, places in tried.items():
            yield rule, sorted(places)
        for rule, one in self._searched:
            yield rule, one.starts(data)


def _needles(tree: Any) -> _Needles:
    """Choose literals of which every match holds at least one; none if there is no such set."""
    best: _Needles = ()
    literal = bytearray()
    begin = (0, 0)
    least = most = 0

    def offer(needles: _Needles) -> None:
        nonlocal best
        if all(_is_rare(needle) for needle in needles):
            best = max(best, needles, key=_worth)

    def end_literal() -> None:
        if literal:
            offer((_Needle(bytes(literal), *begin),))
            literal.clear()

    for code, value in _flat(tree):
        name = str(code)
        if name == "LITERAL":
            if not literal:
                begin = (least, most)
            literal += bytes((value,)).lower()
            least, most = least + 1, most + 1
            continue
        if name == "AT":
            continue
        end_literal()
        if name == "BRANCH":
            choices = [_needles(branch) for branch in value[1]]
            if all(choices):
                offer(tuple(_Needle(n.literal, n.least + least, n.most + most) for choice in choices for n in choice))
            widths = [branch.getwidth() for branch in value[1]]
            least, most = least + min(low for low, _ in widths), most + max(high for _, high in widths)
        elif name in ("MAX_REPEAT", "MIN_REPEAT"):
            low, high = value[2].getwidth()
            least, most = least + low * value[0], most + high * int(value[1])
        else:
            # One byte of several: IN, NOT_LITERAL, ANY.
            least, most = least + 1, most + 1
    end_literal()
    return best


def _is_rare(needle: _Needle) -> bool:
    """Refuse what text is full of: trying there takes longer than searching everywhere."""
    alone = len(needle.literal) == 1 and (needle.literal.isalnum() or needle.literal.isspace())
    return not alone and needle.most - needle.least < _MOST_PLACES


def _flat(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Give the elements in a row, those of groups among them."""
    for code, value in tree:
        if str(code) == "SUBPATTERN":
            yield from _flat(value[3])
        else:
            yield code, value


def _worth(needles: _Needles) -> tuple[int, int]:
    if not needles:
        return (0, 0)
    shortest = min(len(needle.literal) for needle in needles)
    return (min(shortest, _GRAM), -max(needle.most - needle.least for needle in needles))
