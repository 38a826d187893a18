"""Which offsets of one partition are finished: the state that the offset ledger commits.

A committed offset is the lowest unfinished one. The finished ones above it are a
bitmap in the offset's own metadata, so that both change in one transaction, and
with them how far the partition's audit chain has come:
`2:` + base64(zlib(bits)) + `:` + chain, bit i of byte j being offset base + 8 j + i.
`1:` + base64(zlib(bits)) is what was written before there were chains.
"""

import base64
import binascii
import zlib
from collections.abc import Iterable

WINDOW = 16_000
"""Offsets above the base that may be unfinished: 2,000 bytes of bits, 2,686 characters at
worst, under the broker's `offset.metadata.max.bytes` of 4,096 with the chain's 120 or so."""

_PREFIX, _UNCHAINED = "2:", "1:"


class UnreadableProgress(Exception):
    """The committed metadata is not ours; nothing may be assumed finished."""


def encode(base: int, done: Iterable[int], chain: str = "") -> str:
    """The finished offsets above `base`, and the chain's text, as offset metadata; empty when there are none.

    Raises:
        ValueError: an offset is below the base. Its bit would be another offset's, which would be lost.
    """
    above = [offset - base for offset in done]
    if not above:
        return f"{_PREFIX}:{chain}" if chain else ""
    if min(above) < 0:
        raise ValueError("below the base")
    bits = bytearray(max(above) // 8 + 1)
    for index in above:
        bits[index >> 3] |= 1 << (index & 7)
    return f"{_PREFIX}{base64.b64encode(zlib.compress(bytes(bits), 1)).decode()}:{chain}"


def decode(base: int, metadata: str | None) -> set[int]:
    """The finished offsets above `base`.

    Raises:
        UnreadableProgress: the metadata was written by something else, or damaged.
    """
    bitmap, _ = _split(metadata)
    if not bitmap:
        return set()
    try:
        bits = zlib.decompress(base64.b64decode(bitmap, validate=True))
    except (binascii.Error, zlib.error):
        raise UnreadableProgress from None
    return {base + 8 * index + bit for index, byte in enumerate(bits) if byte for bit in range(8) if byte >> bit & 1}


def decode_chain(metadata: str | None) -> str:
    """The chain's text; empty when none was committed.

    Raises:
        UnreadableProgress: the metadata was written by something else.
    """
    return _split(metadata)[1]


def _split(metadata: str | None) -> tuple[str, str]:
    """Bitmap and chain."""
    if not metadata:
        return "", ""
    if metadata.startswith(_UNCHAINED):
        return metadata.removeprefix(_UNCHAINED), ""
    bitmap, colon, chain = metadata.removeprefix(_PREFIX).partition(":")
    if not metadata.startswith(_PREFIX) or not colon:
        raise UnreadableProgress
    return bitmap, chain


class Progress:
    """One partition's finished offsets, and the highest offset seen so far.

    Offsets come in ascending order. One that is skipped over does not exist on
    the broker (a transaction marker, a compacted or deleted record) and counts
    as finished; that holds only because whoever admits has made sure of it by what
    this object `expects`.
    """

    def __init__(self) -> None:
        self.base: int | None = None
        self.done: set[int] = set()
        self.admitted: set[int] = set()
        self._cursor: int | None = None
        self._gaps: set[int] = set()
        self._floor = 0
        """Below it nothing is left to do, as a gap at the base has shown; it may not be committed yet."""

    def load(self, base: int | None, done: set[int]) -> None:
        """Take over what the broker has committed; `None` means that nothing was."""
        if base is None:
            self.done = set()
            return
        self._move_base(max(base, self._floor), done)
        self._cursor = max(self._cursor if self._cursor is not None else -1, base - 1)

    @property
    def expects(self) -> int | None:
        """The offset to come next if every one came; unknown until the first one where nothing was committed."""
        if self.base is None:
            return None
        return max(self.base, self._cursor + 1 if self._cursor is not None else 0)

    def finished(self, offset: int) -> bool:
        """Whether the offset's work is committed."""
        return offset in self.done or (self.base is not None and offset < self.base)

    def admit(self, offset: int) -> bool:
        """Note an offset; true when its work must be done now, false when it is done or under way."""
        if self.base is None:
            self.base = offset
        if self._cursor is not None and offset > self._cursor + 1:
            if self.base > self._cursor:
                if offset > self.base:
                    self._move_base(offset, self.done)
                    self._floor = self.base
            else:
                self._gaps.update(range(self._cursor + 1, offset))
        if self._cursor is None or offset > self._cursor:
            self._cursor = offset
        if self.finished(offset) or offset in self.admitted:
            return False
        self.admitted.add(offset)
        return True

    def fits(self, offset: int) -> bool:
        """Whether the offset is near enough to the lowest unfinished one to be recorded.

        Where none is unfinished, the base will go along, however far the next record is.
        """
        if self.base is None or (self._cursor is not None and self.base > self._cursor):
            return True
        return offset - self.base < WINDOW

    def after(self, finished: Iterable[int]) -> tuple[int, set[int]]:
        """What to commit once `finished` are published: the new base and the finished ones above it.

        Raises:
            ValueError: no base is known; the lowest finished offset need not be the lowest there is.
        """
        if self.base is None:
            raise ValueError("no base")
        done = self.done | set(finished) | self._gaps
        base = self.base
        while base in done:
            done.discard(base)
            base += 1
        return base, done

    def commit(self, base: int, done: set[int], finished: Iterable[int]) -> None:
        """Take over what `after` gave, now that the broker has it."""
        self._move_base(base, done)
        if self._cursor is not None:
            self._cursor = max(self._cursor, base - 1)
        self.admitted.difference_update(finished)

    def _move_base(self, base: int, done: set[int]) -> None:
        """What lies below the base is finished, and has no bit; nor is the base itself finished."""
        while base in done:
            base += 1
        self.base = base
        self.done = {offset for offset in done if offset >= base}
        self._gaps = {gap for gap in self._gaps if gap >= base}
