"""One pass over the UTF-8 bytes of a text, for all expressions at once.

Two engines do it: Hyperscan, and where that cannot be installed a slower one on
Python's `re` (`plain_engine`), which reports the same candidates.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Protocol, TypeAlias

# (start, end, rule), in bytes or code points as the function says.
Candidate: TypeAlias = tuple[int, int, int]

_CONTINUATION = bytes(range(0x80, 0xC0))


class Engine(Protocol):
    """Compiles sets of Hyperscan expressions; what it makes is shared by threads."""

    name: str
    version: str

    def candidates(self, expressions: Sequence[bytes]) -> Callable[[bytes], list[Candidate]]:
        """Give a function: bytes to every end of every match, each with its leftmost start, in any order."""
        ...

    def probe(self, expressions: Sequence[bytes]) -> Callable[[bytes], bool]:
        """Give a function: bytes to whether anything matches."""
        ...


@cache
def default_engine() -> Engine:
    """Hyperscan, compiled once a process; without it, the engine on Python's patterns."""
    try:
        from pipeline.detection.hyperscan_engine import HyperscanEngine
    except ModuleNotFoundError as missing:
        if missing.name != "hyperscan":
            raise
        from pipeline.detection.plain_engine import PlainEngine

        return PlainEngine()
    return HyperscanEngine()


class Scanner:
    """A compiled set of expressions, shared by threads."""

    def __init__(self, expressions: Sequence[str], engine: Engine | None = None) -> None:
        encoded = [expression.encode() for expression in expressions]
        self._candidates = (engine or default_engine()).candidates(encoded) if encoded else None

    def scan(self, text: str) -> list[Candidate]:
        """Give the candidates in code points, by start."""
        if self._candidates is None:
            return []
        data = text.encode()
        found = self._candidates(data)
        if len(data) != len(text):
            found = _to_code_points(data, found)
        found.sort()
        return found


def _to_code_points(data: bytes, found: list[Candidate]) -> list[Candidate]:
    places: dict[int, int] = {}
    before = count = 0
    for offset in sorted({offset for start, end, _ in found for offset in (start, end)}):
        # A character has one byte that does not continue another; counting those
        # works at any offset, even inside a character, and stays linear.
        count += len(data[before:offset].translate(None, _CONTINUATION))
        before = offset
        places[offset] = count
    return [(places[start], places[end], rule) for start, end, rule in found]
