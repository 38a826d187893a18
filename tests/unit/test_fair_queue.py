"""Whose record is next."""

from collections import Counter
from itertools import count

import pytest
from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from agents.fair_queue import RECORD_COST, RECORD_OVERHEAD, FairQueue, Waiting
from agents.ledger import Ledger
from pipeline.audit import AuditTrail
from pipeline.keys import Keyring, Role
from pipeline.ports import Inbound, TopicNames
from pipeline.settings import Settings
from pipeline.tenant import UNKNOWN, tenant_of

TRAIL = AuditTrail(Role.COMPLETER, keyring=Keyring(), topics=TopicNames("t."), settings=Settings().audit)
LEDGER = Ledger(TopicPartition("t", 0), "g", Settings(), TRAIL)
OTHER = Ledger(TopicPartition("t", 1), "g", Settings(), TRAIL)
_numbers = count()


def record(size: int = 100, ledger: Ledger = LEDGER) -> Waiting:
    inbound = Inbound(
        topic="t", partition=ledger.tp.partition, offset=next(_numbers), key=None, value=b"x" * size, timestamp=0.0
    )
    return Waiting(ledger, inbound)


def test_a_tenants_ten_records_do_not_wait_behind_anothers_many() -> None:
    queue = FairQueue()
    for _ in range(20_000):
        queue.put("a", record())
    ten = [record() for _ in range(10)]
    for one in ten:
        queue.put("b", one)
    first = [queue.pop() for _ in range(21)]
    assert [one for one in first if one in ten] == ten


def test_a_tenants_own_records_keep_their_order() -> None:
    queue = FairQueue()
    records = [record(size) for size in (5000, 1, 300)]
    for one in records:
        queue.put("a", one)
        queue.put("b", record())
    popped = [queue.pop() for _ in range(6)]
    assert [one for one in popped if one in records] == records


def test_large_records_count_for_more() -> None:
    queue = FairQueue()
    owner = {}
    for _ in range(100):
        for tenant, size in (("large", RECORD_COST * 9), ("small", 0)):
            one = record(size)
            owner[one.inbound.offset] = tenant
            queue.put(tenant, one)
    counts = Counter(owner[queue.pop().inbound.offset] for _ in range(55))
    assert counts["small"] == pytest.approx(10 * counts["large"], abs=10)


def test_a_tenant_that_was_away_does_not_catch_up() -> None:
    queue = FairQueue()
    for _ in range(1000):
        queue.put("a", record())
    for _ in range(500):
        queue.pop()
    late = [record() for _ in range(500)]
    for one in late:
        queue.put("b", one)
    following = [queue.pop() for _ in range(100)]
    assert 45 <= len([one for one in following if one in late]) <= 55


def test_coming_one_at_a_time_gains_nothing() -> None:
    queue = FairQueue()
    for _ in range(1000):
        queue.put("a", record())
    mine = 0
    for _ in range(200):
        if "b" not in queue._flows:
            queue.put("b", record())
        waiting = queue._flows["b"][0]
        mine += queue.pop() is waiting
    assert 90 <= mine <= 110


def test_what_belongs_to_a_ledger_that_was_closed_is_forgotten() -> None:
    queue = FairQueue()
    kept = [record() for _ in range(5)]
    for one in kept:
        queue.put("a", one)
        queue.put("a", record(ledger=OTHER))
    assert queue.forget({OTHER}) == 5
    assert queue.size == 5 * (100 + RECORD_OVERHEAD)
    assert [queue.pop() for _ in range(5)] == kept
    assert not queue
    assert queue.size == 0


@given(st.lists(st.one_of(st.tuples(st.sampled_from("abc"), st.integers(0, 9000)), st.none()), max_size=200))
def test_nothing_is_lost_or_doubled(steps: list[tuple[str, int] | None]) -> None:
    queue, inside, size = FairQueue(), set[int](), 0
    for step in steps:
        if step is not None:
            one = record(step[1])
            queue.put(step[0], one)
            inside.add(one.inbound.offset)
            size += one.size
        elif queue:
            one = queue.pop()
            inside.remove(one.inbound.offset)
            size -= one.size
        assert (len(queue), queue.size, bool(queue)) == (len(inside), size, bool(inside))


def test_names_made_up_for_each_record_are_not_kept() -> None:
    queue = FairQueue()
    for number in range(10_000):
        queue.put("a", record())
        queue.put(str(number), record())
        queue.pop()
        queue.pop()
        assert len(queue._tags) < 200


@pytest.mark.parametrize(
    ("value", "tenant"),
    [
        (b'{"schema":"envelope/1","tenant":"acme","sealed":{"tenant":"x"}}', "acme"),
        (b'{"schema":"job/1","request":{}}', "default"),
        (b'{"tenant":7}', UNKNOWN),
        (b'{"tenant":"' + b"x" * 65 + b'"}', UNKNOWN),
        (b"\xff", UNKNOWN),
        (b"[" * 100_000, UNKNOWN),
        (None, UNKNOWN),
    ],
    ids=["named", "default", "no text", "too long", "no JSON", "too deep", "empty"],
)
def test_the_tenant_is_read_from_the_clear_field_alone(value: bytes | None, tenant: str) -> None:
    assert tenant_of(value) == tenant
