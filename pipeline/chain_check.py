"""One audit chain compared with itself: event by event, checkpoint by checkpoint, and what breaks it.

What is kept of a chain does not grow with it, apart from one digest for each
event that the next role's chain does not vouch for yet.
"""

from enum import StrEnum
from typing import NamedTuple

import msgspec

from pipeline.audit import NO_EVENT, signed_with
from schemas.audit import Head, Link, Origin

FRESH = 900.0
"""Seconds for which the end of a chain may be unsigned: a checkpoint, or the next role, is still to come."""

_RECENT = 1024
"""Events whose digests are kept to tell a repeated event from another in its place."""


class BreakKind(StrEnum):
    """How a chain stops being one."""

    CHANGED = "changed"  # this event, the one before it or the checkpoint is not what it was
    REMOVED = "removed"
    REORDERED = "reordered"
    DUPLICATED = "duplicated"
    FORKED = "forked"  # two events in one place, or a beginning that nobody signed
    UNSIGNED_TAIL = "unsigned_tail"
    BAD_SIGNATURE = "bad_signature"
    UNANCHORED = "unanchored"  # the next role's chain does not vouch for the end
    UNLINKED = "unlinked"  # an event of no chain
    UNREADABLE = "unreadable"  # not a record of the audit trail


class Break(msgspec.Struct, frozen=True):
    """Where a chain first stops fitting."""

    kind: BreakKind
    place: Origin
    seq: int | None = None


class ChainReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of one chain. `chain` is empty for records of no chain.

    `signed_seq`: the last event that a signature vouches for. `unsigned`: how many follow it.
    `restarted`: an earlier chain of the same name had lost its committed end.
    """

    chain: str
    events: int
    first_seq: int | None = None
    last_seq: int | None = None
    signed_seq: int | None = None
    unsigned: int = 0
    restarted: bool = False
    breaks: int = 0
    first_break: Break | None = None

    @property
    def whole(self) -> bool:
        """Nothing is wrong with it."""
        return self.first_break is None


class Seen(NamedTuple):
    """An event as it was read; `timestamp` is the record's, in Unix seconds.

    `handed_on`: the decision came with a record for the next role, which is to vouch for it.
    """

    sha256: str
    timestamp: float
    place: Origin
    handed_on: bool = True


class Claim(NamedTuple):
    """Another chain's word for how far a chain has come."""

    head: Head
    timestamp: float
    place: Origin


class ChainCheck:
    """One chain as far as it has been read."""

    def __init__(self, chain: str) -> None:
        self.chain = chain
        self.key_name = signed_with(chain)
        self.partition: int | None = None
        self.restarted = self.superseded = False
        self.events = self.counted = self.breaks = 0
        self.first_seq: int | None = None
        self.next_seq = 0
        self.last = Seen(NO_EVENT, 0.0, Origin(topic="", partition=0, offset=0))
        self.vouched = -1
        self.claim: Claim | None = None
        self.made: dict[str, Claim] = {}
        self.first_break: Break | None = None
        self._may_miss_its_start = False
        self._missing = range(0)
        self._recent: dict[int, Seen] = {}

    def begin(self, place: Origin, *, cut: bool, earlier: bool) -> None:
        """Its first record is here. `cut`: earlier records of the partition may be gone."""
        self.partition = place.partition
        self.restarted = earlier
        self._may_miss_its_start = cut and not earlier

    def take(self, link: Link, seen: Seen) -> None:
        """Compare an event with what must come next."""
        if self.first_seq is None:
            self.first_seq = link.seq
            if link.seq and self._may_miss_its_start and not self.next_seq:
                # Retention took its start: it is what it says, and what follows must fit.
                self.next_seq = link.seq
                self.last = seen._replace(sha256=link.previous)
        self.events += 1
        if self.superseded or seen.place.partition != self.partition:
            self.fault(BreakKind.FORKED, seen.place, link.seq)
            return
        if link.seq < self.next_seq:
            self._take_again(link, seen)
            return
        if link.seq > self.next_seq:
            self._pass_over(link.seq, seen.place)
        elif link.previous != self.last.sha256:
            self.fault(BreakKind.CHANGED, seen.place, link.seq)
        self._advance(link.seq, seen)

    def vouch(self, claim: Claim) -> None:
        """Somebody who signs says that the chain had come to this head."""
        seq = claim.head.seq
        if seq >= self.next_seq:
            if self.claim is None or seq > self.claim.head.seq:
                self.claim = claim
            return
        seen = self._recent.get(seq)
        if seen is None:
            return  # gone with an earlier part, or vouched for already
        if seen.sha256 != claim.head.sha256:
            self.fault(BreakKind.CHANGED, seen.place, seq)
        self.vouched = max(self.vouched, seq)

    def sign(self, head: Head, place: Origin) -> bool:
        """A sound signature, which stands right behind the event it signs; whether it fits."""
        if self.first_seq is None and not self.next_seq and self._may_miss_its_start:
            self.next_seq = head.seq + 1
            self.last = self.last._replace(sha256=head.sha256)
        if self.superseded or place.partition != self.partition:
            self.fault(BreakKind.FORKED, place, head.seq)
        elif head.seq >= self.next_seq:
            self._pass_over(head.seq + 1, place)
        elif head.seq <= self.vouched:
            self.fault(BreakKind.DUPLICATED, place, head.seq)
        elif head.seq < self.next_seq - 1:
            self.fault(BreakKind.REORDERED, place, head.seq)
        elif head.sha256 != self.last.sha256:
            self.fault(BreakKind.CHANGED, place, head.seq)
        else:
            self.vouched = head.seq
            return True
        return False

    def fault(self, kind: BreakKind, place: Origin, seq: int | None) -> None:
        """Note a break; the first is shown."""
        self.breaks += 1
        self.first_break = self.first_break or Break(kind, place, seq)

    def report(self, *, now: float, whole_topic: bool) -> ChainReport:
        """What is to be said of it after the last record."""
        self._judge_end(now, whole_topic=whole_topic)
        return ChainReport(
            chain=self.chain,
            events=self.counted,
            first_seq=self.first_seq,
            last_seq=self.next_seq - 1 if self.first_seq is not None else None,
            signed_seq=self.vouched if self.vouched >= 0 else None,
            unsigned=self._unsigned(),
            restarted=self.restarted,
            breaks=self.breaks,
            first_break=self.first_break,
        )

    def _judge_end(self, now: float, *, whole_topic: bool) -> None:
        if self.claim is not None and abs(now - self.claim.timestamp) > FRESH and (self.events or whole_topic):
            self.fault(BreakKind.REMOVED, self.claim.place, self.claim.head.seq)
        if not self._unsigned():
            return
        seq = max(self.vouched + 1, self.first_seq or 0)
        first = self._recent.get(seq, self.last)
        anew = self.restarted and self.vouched < 0
        if self.key_name is None and not anew:
            # Nobody is to vouch for a refusal that hands nothing on; the next decision that does covers it.
            due = [(number, seen) for number, seen in self._recent.items() if number >= seq and seen.handed_on]
            if not due:
                return
            seq, first = due[0]
        if abs(now - first.timestamp) <= FRESH:
            return
        if anew:
            self.fault(BreakKind.FORKED, first.place, self.first_seq)
        else:
            self.fault(BreakKind.UNSIGNED_TAIL if self.key_name else BreakKind.UNANCHORED, first.place, seq)

    def _unsigned(self) -> int:
        return self.next_seq - 1 - max(self.vouched, (self.first_seq or 0) - 1) if self.first_seq is not None else 0

    def _take_again(self, link: Link, seen: Seen) -> None:
        """An event whose place is taken, or was passed over."""
        if link.seq in self._missing:
            self._find_again(link.seq)
            self.breaks += 1
            return
        there = self._recent.get(link.seq)
        same = there is None or there.sha256 == seen.sha256
        self.fault(BreakKind.DUPLICATED if same else BreakKind.FORKED, seen.place, link.seq)

    def _pass_over(self, seq: int, place: Origin) -> None:
        self.fault(BreakKind.REMOVED, place, self.next_seq)
        self._missing = self._missing or range(self.next_seq, seq)

    def _find_again(self, seq: int) -> None:
        """What was passed over was not removed but moved."""
        if seq in self._missing and self.first_break is not None and self.first_break.kind is BreakKind.REMOVED:
            self.first_break = msgspec.structs.replace(self.first_break, kind=BreakKind.REORDERED)

    def _advance(self, seq: int, seen: Seen) -> None:
        self._find_again(seq)
        self.next_seq, self.last = seq + 1, seen
        self._recent[seq] = seen
        if self.claim is not None and self.claim.head.seq < self.next_seq:
            claim, self.claim = self.claim, None
            self.vouch(claim)
        while len(self._recent) > _RECENT:
            oldest = next(iter(self._recent))
            if self.key_name is None and oldest > max(self.vouched, self.claim.head.seq if self.claim else -1):
                break
            del self._recent[oldest]
