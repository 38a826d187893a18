"""One pass over a buffer for every form of every canary."""

import re
from collections.abc import Mapping
from typing import NamedTuple

import hyperscan

from infra.sweep.encodings import MIN_VALUE_BYTES, Form, forms


class Match(NamedTuple):
    """Which canary, in which encoding, and where its last byte is."""

    canary: str
    encoding: str
    position: int


class Scanner:
    """Measured at about 1 GB/s for 70 canaries in all forms."""

    def __init__(self, canaries: Mapping[str, str]) -> None:
        for name, value in canaries.items():
            if len(value.encode()) < MIN_VALUE_BYTES:
                raise ValueError(f"canary {name} is too short to be told from chance")
            if value in name:
                raise ValueError("a canary's name holds its value, and reports show names")
        self._forms = [(name, form) for name, value in canaries.items() for form in forms(value)]
        self._database = hyperscan.Database()
        self._database.compile(
            expressions=[form.pattern for _, form in self._forms],
            ids=list(range(len(self._forms))),
            elements=len(self._forms),
            flags=[hyperscan.HS_FLAG_CASELESS if form.caseless else 0 for _, form in self._forms],
        )

    def scan(self, buffer: bytes) -> list[Match]:
        ends: list[tuple[int, int]] = []
        self._database.scan(buffer, match_event_handler=lambda number, _s, end, *_: ends.append((number, end)))
        found = []
        for number, end in ends:
            canary, form = self._forms[number]
            if not form.bounded or _stands_alone(buffer, form, end):
                found.append(Match(canary, form.encoding, end - 1))
        return found


def _stands_alone(buffer: bytes, form: Form, end: int) -> bool:
    if buffer[end : end + 1].isdigit():
        return False
    window = buffer[max(0, end - 64) : end]
    found = re.search(b"(?:" + form.pattern + b")$", window)
    return found is not None and not window[: found.start()][-1:].isdigit()
