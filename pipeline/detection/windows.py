"""Cut a huge text into overlapping windows, so that memory is bounded and no finding is cut."""

import re
from collections.abc import Iterator
from typing import NamedTuple

LONGEST_WHOLE = 524_288
"""Characters up to which a text is searched in one piece."""

# What a rule reads in front of a value: context words, the start of a spoken run.
_BEFORE = 4_096
# The longest value that a rule finds: a token of three parts, about 45,000 characters.
_AFTER = 65_536

# Where no base64 or hex run can lie across: behind a character that no run holds, or behind a
# line break that ends a line too short to be followed by the next one of a run.
_SAFE = re.compile(r"(?<![A-Za-z0-9+/_=\-])[A-Za-z0-9+/_=\-]{0,15}(?:\r?\n|[^A-Za-z0-9+/_=\-\r\n])")
_LINE = re.compile(r"(?<![A-Za-z0-9+/_=\-])[A-Za-z0-9+/_=\-]{0,15}\r?\n")


class Window(NamedTuple):
    """A part of a text to be searched; the findings that touch what lies between `start` and `stop` are its own."""

    begin: int
    start: int
    stop: int
    end: int


def windows(text: str) -> Iterator[Window]:
    """Give windows whose own parts cover the text, in order.

    A run of encoded characters is never cut: however long it is, it lies in one window.
    """
    start = 0
    while start < len(text):
        stop = _cut(text, start + LONGEST_WHOLE)
        yield Window(max(0, start - _BEFORE), start, stop, min(len(text), stop + _AFTER))
        start = stop


def _cut(text: str, least: int) -> int:
    """Give the first good place from here on; a line's end if one is near."""
    if least >= len(text):
        return len(text)
    found = _LINE.search(text, least, min(len(text), least + _BEFORE)) or _SAFE.search(text, least)
    return found.end() if found else len(text)
