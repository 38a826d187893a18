"""What verification finds: each way to tamper with a trail, and nothing where nobody did."""

from collections.abc import Callable

import msgspec
import pytest

from pipeline.audit import read_head, sign_head
from pipeline.audit_check import TrailCheck
from pipeline.chain_check import BreakKind, ChainReport
from pipeline.keys import Role
from schemas.audit import AuditCheckpoint, AuditEvent, Origin
from tests.audit_trails import (
    KEY_IDS,
    KEYS,
    LATER,
    NOW,
    OPERATOR,
    TOPICS,
    Owner,
    Record,
    checkpoints,
    decode,
    events,
    verify,
)


def signed_trail() -> list[Record]:
    """Twelve events, signed after the first and after the ninth, the last three never."""
    owner = Owner(Role.REDACTOR)
    return [
        *owner.publish(1),
        *owner.publish(4),
        *owner.publish(4, sign=True),
        *owner.publish(3),
    ]


def only(reports: list[ChainReport]) -> ChainReport:
    (report,) = reports
    return report


def kind_of(records: list[Record], *, now: float = NOW, cut: bool = False) -> tuple[BreakKind | None, int | None]:
    """The first break's kind and the position at which it shows."""
    found = only(verify(records, now=now, cut=cut)).first_break
    return (found.kind, found.place.offset) if found is not None else (None, None)


def changed(record: Record) -> Record:
    event = decode(record)
    assert isinstance(event, AuditEvent)
    return Record(msgspec.json.encode(msgspec.structs.replace(event, entities={"EMAIL": 9})))


def test_a_trail_that_nobody_touched_is_whole() -> None:
    report = only(verify(signed_trail(), now=NOW))
    assert report.whole
    assert (report.events, report.first_seq, report.last_seq) == (12, 0, 11)
    assert (report.signed_seq, report.unsigned) == (8, 3)


def test_an_end_that_stays_unsigned_is_told() -> None:
    assert kind_of(signed_trail(), now=LATER) == (BreakKind.UNSIGNED_TAIL, 11)


def test_an_end_from_the_future_is_not_taken_for_a_fresh_one() -> None:
    records = [record._replace(timestamp=LATER * 2) for record in signed_trail()]
    assert kind_of(records, now=LATER) == (BreakKind.UNSIGNED_TAIL, 11)


TAMPERINGS: dict[str, tuple[Callable[[list[Record]], list[Record]], BreakKind, int]] = {
    "removed": (lambda r: r[:4] + r[5:], BreakKind.REMOVED, 4),
    "several removed": (lambda r: r[:3] + r[7:], BreakKind.REMOVED, 3),
    "first removed": (lambda r: r[1:], BreakKind.REMOVED, 0),
    "first with its checkpoint removed": (lambda r: r[2:], BreakKind.REMOVED, 0),
    "last before a checkpoint removed": (lambda r: r[:9] + r[10:], BreakKind.REMOVED, 9),
    "all after the last checkpoint but one removed": (lambda r: r[:6] + r[10:], BreakKind.REMOVED, 6),
    "changed": (lambda r: [*r[:4], changed(r[4]), *r[5:]], BreakKind.CHANGED, 5),
    "last before a checkpoint changed": (lambda r: [*r[:9], changed(r[9]), *r[10:]], BreakKind.CHANGED, 10),
    "first changed": (lambda r: [changed(r[0]), *r[1:]], BreakKind.CHANGED, 1),
    "neighbours swapped": (lambda r: [*r[:4], r[5], r[4], *r[6:]], BreakKind.REORDERED, 4),
    "moved far": (lambda r: [*r[:3], *r[4:9], r[3], *r[9:]], BreakKind.REORDERED, 3),
    "moved behind its checkpoint": (lambda r: [*r[:9], r[10], r[9], *r[11:]], BreakKind.REORDERED, 9),
    "repeated": (lambda r: [*r[:5], r[4], *r[5:]], BreakKind.DUPLICATED, 5),
    "repeated later": (lambda r: [*r[:9], r[3], *r[9:]], BreakKind.DUPLICATED, 9),
    "another in its place": (lambda r: [*r[:5], changed(r[4]), *r[5:]], BreakKind.FORKED, 5),
    "checkpoint repeated": (lambda r: [*r[:6], r[1], *r[6:]], BreakKind.DUPLICATED, 6),
    "checkpoint moved back": (lambda r: [*r[:10], r[11], r[10], *r[12:]], BreakKind.REORDERED, 11),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_tampering_is_found_where_it_shows(name: str) -> None:
    tamper, kind, place = TAMPERINGS[name]
    records = signed_trail()
    assert checkpoints(records) == [1, 10]
    assert kind_of(tamper(records)) == (kind, place)


@pytest.mark.parametrize("key", ["another", "the other role's"])
def test_a_checkpoint_by_whoever_lacks_the_key_is_no_signature(key: str) -> None:
    owner = Owner(Role.REDACTOR)
    records = owner.publish(2)
    role = Role.REHYDRATOR if key == "the other role's" else Role.REDACTOR
    forged = sign_head(owner.chain.head, KEYS[Role.REHYDRATOR], key_id=KEY_IDS[role], at=NOW)
    assert kind_of([*records, *owner.publish(1), Record(msgspec.json.encode(forged))]) == (BreakKind.BAD_SIGNATURE, 4)


def test_a_checkpoint_moved_to_another_chain_is_no_signature() -> None:
    one, other = Owner(Role.REDACTOR), Owner(Role.REDACTOR, partition=1)
    records = [*one.publish(1), *other.publish(1)]
    checkpoint = decode(records[1])
    assert isinstance(checkpoint, AuditCheckpoint)
    moved = msgspec.structs.replace(checkpoint, head=other.chain.head)
    reports = verify([*records, Record(msgspec.json.encode(moved))], now=NOW)
    assert [report.whole for report in reports] == [True, False]


def test_events_appended_without_the_key_stay_an_unsigned_end() -> None:
    owner = Owner(Role.REDACTOR)
    records = owner.publish(3)
    forger = Owner(Role.REDACTOR)
    forger.chain = owner.chain
    forged = forger.publish(2)
    assert kind_of([*records, *forged], now=LATER) == (BreakKind.UNSIGNED_TAIL, 4)


def test_events_appended_without_the_key_are_forks_once_the_chain_goes_on() -> None:
    owner, forger = Owner(Role.REDACTOR), Owner(Role.REDACTOR)
    records = owner.publish(3)
    forger.chain = owner.chain
    forged = forger.publish(1, tenant="made-up")
    assert kind_of([*records, *forged, *owner.publish(2)]) == (BreakKind.FORKED, 5)


def test_an_event_of_no_chain_is_told_apart() -> None:
    records = signed_trail()
    event = decode(records[0])
    assert isinstance(event, AuditEvent)
    stray = Record(msgspec.json.encode(msgspec.structs.replace(event, link=None)))
    whole, strays = verify([*records, stray], now=NOW)
    assert whole.whole
    assert (strays.chain, strays.events, strays.first_break and strays.first_break.kind) == ("", 1, BreakKind.UNLINKED)


@pytest.mark.parametrize(
    "value", [b"", b"\xff", b"{}", b'{"schema":"audit/1"}'], ids=["empty", "bytes", "none", "bare"]
)
def test_what_is_no_record_of_the_trail_is_told_apart(value: bytes) -> None:
    _, strays = verify([*signed_trail(), Record(value)], now=NOW)
    assert strays.first_break is not None
    assert strays.first_break.kind is BreakKind.UNREADABLE


@pytest.mark.parametrize("left", range(1, 11))
def test_a_chain_whose_start_retention_took_is_verified_from_what_is_left(left: int) -> None:
    records = signed_trail()[left:]
    report = only(verify(records, now=NOW, cut=True))
    assert report.whole
    assert report.events == len(events(records))
    assert report.signed_seq == 8
    tampered = [*records[:-1], changed(records[-1]), *records[-1:]]
    assert only(verify(tampered, now=NOW, cut=True)).first_break is not None


def test_a_chain_that_starts_anew_is_whole_when_its_start_is_signed() -> None:
    owner = Owner(Role.REDACTOR)
    records = [*owner.publish(3), *owner.publish(2)]
    owner.chain = owner.trail.open(owner.name, "", now=NOW + 5)  # the group's committed offset was lost
    first, second = verify([*records, *owner.publish(2)], now=NOW)
    assert first.whole
    assert second.whole
    assert (first.restarted, second.restarted) == (False, True)


def test_a_start_that_nobody_signed_is_a_fork() -> None:
    owner, forger = Owner(Role.REDACTOR), Owner(Role.REDACTOR)
    forger.chain = forger.trail.open(forger.name, "", now=NOW + 5)
    forged = forger.publish(2)[:2]
    first, second = verify([*owner.publish(3), *forged], now=LATER)
    assert first.whole
    assert second.first_break is not None
    assert second.first_break.kind is BreakKind.FORKED


def test_a_chain_does_not_go_on_after_it_was_started_anew() -> None:
    owner, heir = Owner(Role.REDACTOR), Owner(Role.REDACTOR)
    heir.chain = heir.trail.open(heir.name, "", now=NOW + 5)
    first, second = verify([*owner.publish(3), *heir.publish(2), *owner.publish(1, sign=True)], now=NOW)
    assert first.first_break is not None
    assert first.first_break.kind is BreakKind.FORKED
    assert second.whole


def test_only_a_tenants_events_are_counted_but_all_are_verified() -> None:
    owner, other = Owner(Role.REDACTOR), Owner(Role.REDACTOR, partition=1)
    records = [*owner.publish(3, tenant="acme"), *owner.publish(2, tenant="else", sign=True)]
    records += other.publish(2, tenant="else")
    assert [report.events for report in verify(records, tenant="acme")] == [3]
    tampered = [*records[:4], changed(records[4]), *records[5:]]
    assert not only(verify(tampered, tenant="acme")).whole


def anchored() -> tuple[list[Record], list[Record]]:
    """A completer's chain of nine, and a rehydrator's that vouches for the first six."""
    completer, rehydrator = Owner(Role.COMPLETER), Owner(Role.REHYDRATOR)
    made, vouching = [], []
    for _ in range(3):
        made += completer.publish(2)
        upstream = read_head(completer.handed_on[-1].headers, TOPICS)
        assert upstream is not None
        vouching += rehydrator.publish(2, upstream=upstream, sign=True)
    return made + completer.publish(3), vouching


ORDERS: dict[str, Callable[[list[Record], list[Record]], list[Record]]] = {
    "completer's first": lambda made, vouching: made + vouching,
    "rehydrator's first": lambda made, vouching: vouching + made,
    "mixed": lambda made, vouching: made[:3] + vouching[:4] + made[3:8] + vouching[4:] + made[8:],
}
"""Both chains may lie in different partitions, which are read in any order."""


@pytest.mark.parametrize("order", ORDERS)
def test_a_chain_without_signatures_is_vouched_for_by_the_next_roles(order: str) -> None:
    made, vouching = anchored()
    completer, rehydrator = verify(ORDERS[order](made, vouching), now=NOW)
    assert completer.whole
    assert rehydrator.whole
    assert (completer.signed_seq, completer.unsigned) == (5, 3)


def test_an_end_that_nobody_vouches_for_is_told() -> None:
    made, vouching = anchored()
    completer, _ = verify(made + vouching, now=LATER)
    assert completer.first_break is not None
    assert (completer.first_break.kind, completer.first_break.place.offset) == (BreakKind.UNANCHORED, 6)


def ending_in_refusals() -> tuple[list[Record], list[Record], Owner]:
    """A completer's chain: two completions that the rehydrator vouches for, then two refusals."""
    completer, rehydrator = Owner(Role.COMPLETER), Owner(Role.REHYDRATOR)
    made = completer.publish(2)
    upstream = read_head(completer.handed_on[-1].headers, TOPICS)
    vouching = rehydrator.publish(1, upstream=upstream, sign=True)
    return made + completer.publish(2, refused=True), vouching, completer


@pytest.mark.parametrize("order", ORDERS)
def test_refusals_that_hand_nothing_on_may_end_a_chain_unsigned(order: str) -> None:
    made, vouching, _ = ending_in_refusals()
    completer = verify(ORDERS[order](made, vouching), now=LATER)[0]
    assert completer.whole
    assert (completer.signed_seq, completer.unsigned) == (1, 2)


def test_a_completion_behind_refusals_must_be_vouched_for() -> None:
    made, vouching, owner = ending_in_refusals()
    completer, _ = verify(made + owner.publish(1) + vouching, now=LATER)
    assert completer.first_break is not None
    assert (completer.first_break.kind, completer.first_break.seq) == (BreakKind.UNANCHORED, 4)


def test_a_completion_vouches_for_the_refusals_before_it() -> None:
    made, vouching, owner = ending_in_refusals()
    made += owner.publish(1)
    rehydrator = Owner(Role.REHYDRATOR, partition=1)
    vouching += rehydrator.publish(1, upstream=read_head(owner.handed_on[-1].headers, TOPICS), sign=True)
    assert verify(made + vouching, now=LATER)[0].signed_seq == 4
    for tampered in (made[:2] + made[3:], [*made[:2], changed(made[2]), *made[3:]], made[:4], made[:2]):
        assert not verify(tampered + vouching, now=LATER)[0].whole


def test_a_refusal_of_a_job_that_is_known_is_handed_on_and_must_be_vouched_for() -> None:
    made, vouching, _ = ending_in_refusals()
    event = decode(made[-1])
    assert isinstance(event, AuditEvent)
    named = Record(msgspec.json.encode(msgspec.structs.replace(event, job_id="job-1")))
    completer, _ = verify([*made[:-1], named, *vouching], now=LATER)
    assert completer.first_break is not None
    assert (completer.first_break.kind, completer.first_break.seq) == (BreakKind.UNANCHORED, 3)


def test_a_chain_started_anew_with_refusals_alone_is_a_start_that_nobody_signed() -> None:
    made, vouching, owner = ending_in_refusals()
    owner.chain = owner.trail.open(owner.name, "", now=NOW + 5)
    reports = verify(made + owner.publish(2, refused=True) + vouching, now=LATER)
    assert reports[1].first_break is not None
    assert reports[1].first_break.kind is BreakKind.FORKED


def test_refusals_of_a_role_that_signs_may_not_stay_unsigned() -> None:
    owner = Owner(Role.REDACTOR)
    assert kind_of([*owner.publish(2), *owner.publish(2, refused=True)], now=LATER) == (BreakKind.UNSIGNED_TAIL, 3)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kept", [0, 3, 5])
def test_a_vouched_end_that_is_gone_is_found(order: str, kept: int) -> None:
    made, vouching = anchored()
    completer = verify(ORDERS[order](made[:kept], vouching), now=LATER)[0]
    assert completer.first_break is not None
    assert completer.first_break.kind is BreakKind.REMOVED


@pytest.mark.parametrize("order", ORDERS)
def test_a_vouched_event_rewritten_with_all_after_it_is_found(order: str) -> None:
    _, vouching = anchored()
    rewritten = Owner(Role.COMPLETER).publish(9, tenant="made-up")
    completer = verify(ORDERS[order](rewritten, vouching), now=NOW)[0]
    assert completer.first_break is not None
    assert completer.first_break.kind is BreakKind.CHANGED


def test_what_an_unsigned_event_says_of_another_chain_counts_for_nothing() -> None:
    completer, rehydrator = Owner(Role.COMPLETER), Owner(Role.REHYDRATOR)
    made = completer.publish(2)
    vouching = [*rehydrator.publish(1), *rehydrator.publish(1, upstream=completer.chain.head)]
    assert verify(made + vouching, now=NOW)[0].signed_seq is None


def test_a_completers_own_signature_counts_for_nothing() -> None:
    completer = Owner(Role.COMPLETER)
    made = completer.publish(2)
    forged = sign_head(completer.chain.head, KEYS[Role.REHYDRATOR], key_id=KEY_IDS[Role.REHYDRATOR], at=NOW)
    assert kind_of([*made, Record(msgspec.json.encode(forged))]) == (BreakKind.BAD_SIGNATURE, 2)


def test_memory_does_not_grow_with_a_signed_chain() -> None:
    owner = Owner(Role.REDACTOR)
    check = TrailCheck(OPERATOR, cut=frozenset())
    for number in range(30):
        for record in owner.publish(100):
            check.add(record.value, Origin(topic="t", partition=0, offset=number), NOW)
    assert len(check._chains[owner.chain.id]._recent) <= 1024
