"""The offset ledger on a real broker: out of order, fenced, cut off, and through a crash of the broker."""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from agents.ledger import Ledger
from agents.progress import WINDOW, decode
from infra.broker import start_broker
from pipeline.adapters.kafka import committed_offsets
from pipeline.adapters.keyring import load_keyring
from pipeline.adapters.reader import TopicReader
from pipeline.audit import AuditTrail
from pipeline.errors import VeilError
from pipeline.keys import Role
from pipeline.ports import Outbound, PartitionState, TopicNames
from pipeline.settings import Settings


class Rig:
    """One input partition, one output topic, and what is committed and visible of them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        prefix = settings.kafka.topic_prefix
        self.tp = TopicPartition(f"{prefix}in", 0)
        self.out = f"{prefix}out"
        self.group = f"{prefix}redactor"
        self.trail = AuditTrail(
            Role.REDACTOR,
            keyring=load_keyring(settings.keys.dir, Role.REDACTOR),
            topics=TopicNames(prefix),
            settings=settings.audit,
        )

    async def make_topics(self) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.settings.kafka.bootstrap_servers)
        await admin.start()
        await admin.create_topics([NewTopic(self.tp.topic, 1, 1), NewTopic(self.out, 2, 1)])
        await admin.close()

    def ledger(self, carry: dict[int, list[Outbound]] | None = None, state: PartitionState | None = None) -> Ledger:
        ledger = Ledger(self.tp, self.group, self.settings, self.trail, carry=dict(carry or {}), state=state)
        ledger.start()
        return ledger

    def records(self, offset: int) -> list[Outbound]:
        return [Outbound(topic=self.out, value=b"%d" % offset)]

    async def visible(self) -> Counter[int]:
        """Offsets whose output a committed reader sees, and how often."""
        async with TopicReader(self.settings, [self.out], start="beginning") as reader:
            return Counter([int(record.value) async for record in reader.records()])

    async def is_committed(self, base: int, done: set[int]) -> None:
        """Wait for it: the broker writes a transaction's markers after it has answered the commit."""
        async with asyncio.timeout(10):
            while await self.committed() != (base, done):
                await asyncio.sleep(0.05)

    async def committed(self) -> tuple[int, set[int]]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.settings.kafka.bootstrap_servers)
        await admin.start()
        try:
            found = (await committed_offsets(admin, self.group, [self.tp]))[self.tp]
        finally:
            await admin.close()
        return (found.offset, decode(found.offset, found.metadata)) if found is not None else (-1, set())


async def until(ledger: Ledger, offset: int) -> None:
    """Wait until everything below `offset` is committed."""
    async with asyncio.timeout(30):
        while ledger.committed_offset < offset:
            await asyncio.sleep(0.01)


async def published(ledger: Ledger) -> None:
    """Wait until nothing is left to publish."""
    async with asyncio.timeout(30):
        while ledger.pending:
            await asyncio.sleep(0.01)


@pytest.fixture
async def rig(settings: Settings) -> Rig:
    rig = Rig(settings)
    await rig.make_topics()
    return rig


async def test_work_that_finishes_out_of_order_is_published_and_the_gap_stays_open(rig: Rig) -> None:
    ledger = rig.ledger()
    assert all([await ledger.admit(offset) for offset in range(5)])
    for offset in (3, 1, 4):
        ledger.finish(offset, rig.records(offset))
    await published(ledger)
    await rig.is_committed(0, {1, 3, 4})
    assert await rig.visible() == Counter([1, 3, 4])
    for offset in (0, 2):
        ledger.finish(offset, rig.records(offset))
    await until(ledger, 5)
    await rig.is_committed(5, set())
    assert await rig.visible() == Counter(range(5))
    assert await ledger.close(1.0) == 0


async def test_an_heir_does_exactly_what_is_left(rig: Rig) -> None:
    first = rig.ledger()
    for offset in range(6):
        await first.admit(offset)
    for offset in (1, 2, 5):
        first.finish(offset, rig.records(offset))
    await published(first)
    heir = rig.ledger()  # as after a crash: nobody closed the first
    left = [offset for offset in range(6) if await heir.admit(offset)]
    assert left == [0, 3, 4]
    for offset in left:
        heir.finish(offset, rig.records(offset))
    await until(heir, 6)
    assert await rig.visible() == Counter(range(6))
    await heir.close(1.0)
    await first.close(0.1)


async def test_a_fenced_owner_publishes_nothing_twice(rig: Rig) -> None:
    first = rig.ledger()
    for offset in range(4):
        await first.admit(offset)
    heir = rig.ledger()
    for offset in range(4):
        assert await heir.admit(offset)
        heir.finish(offset, rig.records(offset))
    await until(heir, 4)
    for offset in range(4):  # the zombie comes back with its answers
        first.finish(offset, rig.records(offset))
    await published(first)
    assert await rig.visible() == Counter(range(4))
    await rig.is_committed(4, set())
    await asyncio.gather(first.close(1.0), heir.close(1.0))


async def test_work_that_ends_after_another_owner_did_it_too_is_not_published_again(rig: Rig) -> None:
    state = Told(rig)
    state.gate.set()
    paused = rig.ledger(state=state)
    assert await paused.admit(0)
    assert await paused.admit(1)
    other = rig.ledger()  # the group gave it the partition
    assert await other.admit(0)
    other.finish(0, rig.records(0))
    await until(other, 1)
    await other.close(1.0)
    paused.finish(1, rig.records(1))  # fenced, it opens again and publishes this
    await until(paused, 2)
    paused.finish(0, rig.records(0))
    assert state.events[-1] == ("discarded", 0, [b"0"])
    await paused.close(5.0)
    assert await rig.visible() == Counter([0, 1])


class FailsOnce(list[Outbound]):
    """Records that cannot be read the first time, as by a fault in a stage's own code."""

    failed = False

    def __iter__(self) -> Iterator[Outbound]:
        if not self.failed:
            self.failed = True
            raise RuntimeError
        return super().__iter__()


async def test_a_fault_that_is_not_the_brokers_does_not_end_the_ledger(rig: Rig) -> None:
    ledger = rig.ledger()
    assert await ledger.admit(0)
    ledger.finish(0, FailsOnce(rig.records(0)))
    await until(ledger, 1)
    await ledger.close(5.0)
    assert await rig.visible() == Counter([0])


async def test_closing_waits_for_work_in_flight_and_cuts_off_what_takes_longer(rig: Rig) -> None:
    ledger = rig.ledger()

    async def work(offset: int, seconds: float) -> None:
        await asyncio.sleep(seconds)
        ledger.finish(offset, rig.records(offset))

    for offset, seconds in enumerate((0.2, 60.0)):
        await ledger.admit(offset)
        ledger.tasks[offset] = asyncio.create_task(work(offset, seconds))
    assert await ledger.close(1.0) == 1
    assert await rig.visible() == Counter([0])
    await rig.is_committed(1, set())


async def test_a_closing_ledger_admits_nothing(rig: Rig) -> None:
    ledger = rig.ledger()
    await ledger.admit(0)
    closing = asyncio.create_task(ledger.close(0.5))
    await asyncio.sleep(0)
    assert await ledger.admit(1) is False
    await closing


async def test_an_offset_too_far_ahead_waits_for_the_lowest_unfinished_one(rig: Rig) -> None:
    ledger = rig.ledger()
    await ledger.admit(0)
    await ledger.admit(1)
    waiting = asyncio.create_task(ledger.admit(WINDOW + 1))
    done, _ = await asyncio.wait([waiting], timeout=0.3)
    assert not done
    ledger.finish(0, rig.records(0))
    ledger.finish(1, rig.records(1))
    assert await asyncio.wait_for(waiting, 10) is True
    await ledger.close(0.1)


async def test_work_that_could_not_be_published_is_carried_to_the_next_ledger(rig: Rig) -> None:
    heir = rig.ledger(carry={0: rig.records(0), 1: rig.records(1)})
    assert not await heir.admit(0)
    await published(heir)
    assert await rig.visible() == Counter([0, 1])
    await heir.close(1.0)


async def test_carried_work_does_not_pass_over_what_comes_before_it(rig: Rig) -> None:
    heir = rig.ledger(carry={1: rig.records(1)})
    assert await heir.admit(0)
    await published(heir)
    await rig.is_committed(0, {1})
    heir.finish(0, rig.records(0))
    await until(heir, 2)
    assert await rig.visible() == Counter([0, 1])
    await heir.close(1.0)


class Told:
    """A state that writes down what a ledger tells it; its first loads fail."""

    def __init__(self, rig: Rig, failing: int = 0) -> None:
        self.rig = rig
        self.failing = failing
        self.gate = asyncio.Event()
        self.events: list[tuple[Any, ...]] = []

    async def load(self, partition: int) -> None:
        await self.gate.wait()
        self.failing -= 1
        if self.failing >= 0:
            raise ConnectionError
        self.events.append(("load", partition, sorted(await self.rig.visible())))

    def committed(self, partition: int, records: Sequence[tuple[Outbound, int]]) -> None:
        self.events.append(("committed", partition, [(record.value, offset) for record, offset in records]))

    def discarded(self, partition: int, records: Sequence[Outbound]) -> None:
        self.events.append(("discarded", partition, [record.value for record in records]))

    def drop(self, partition: int) -> None:
        self.events.append(("drop", partition))

    def keep_only(self, partitions: Collection[int]) -> None:
        self.events.append(("keep_only", sorted(partitions)))


async def test_a_state_is_loaded_before_anything_is_admitted_and_told_of_what_is_committed(rig: Rig) -> None:
    state = Told(rig, failing=1)
    ledger = rig.ledger(state=state)
    admitting = asyncio.create_task(ledger.admit(0))
    done, _ = await asyncio.wait([admitting], timeout=0.5)
    assert not done
    state.gate.set()
    assert await admitting
    for offset, value in enumerate((b"a", b"b")):
        assert offset == 0 or await ledger.admit(offset)
        ledger.finish(offset, [Outbound(topic=rig.out, value=value, partition=1)])
        await until(ledger, offset + 1)
    await ledger.close(1.0)
    # Offset 1 is the first transaction's marker.
    committed = [("committed", 0, [(b"a", 0)]), ("committed", 0, [(b"b", 2)])]
    assert state.events == [("load", 0, []), *committed, ("drop", 0)]


async def test_a_fenced_owners_state_is_loaded_again_and_told_what_is_discarded_never_what_was_aborted(
    rig: Rig,
) -> None:
    state = Told(rig)
    state.gate.set()
    first = rig.ledger(state=state)
    assert await first.admit(0)
    heir = rig.ledger()
    assert await heir.admit(0)
    heir.finish(0, rig.records(0))
    await until(heir, 1)
    assert await first.admit(1)
    first.finish(0, rig.records(0))
    first.finish(1, rig.records(1))
    await until(first, 2)
    *before, (told, _, records) = state.events
    assert before == [("load", 0, []), ("load", 0, [0]), ("discarded", 0, [b"0"])]
    assert (told, [value for value, _ in records]) == ("committed", [b"1"])
    await asyncio.gather(first.close(1.0), heir.close(1.0))


async def test_a_broker_that_reads_its_offsets_does_not_say_that_nothing_is_committed(
    settings: Settings, tmp_path: Path
) -> None:
    """A ledger that believed it would forget the finished offsets above the lowest unfinished one."""
    with start_broker(local=True, data_dir=tmp_path / "kafka") as broker:
        kafka = msgspec.structs.replace(settings.kafka, bootstrap_servers=broker.bootstrap_servers)
        rig = Rig(msgspec.structs.replace(settings, kafka=kafka))
        await rig.make_topics()
        ledger = rig.ledger()
        for offset in range(4):
            await ledger.admit(offset)
        for offset in range(1, 4):
            ledger.finish(offset, rig.records(offset))
        await rig.is_committed(0, {1, 2, 3})
        await ledger.close(0.1)
        broker.kill()
        restarting = asyncio.create_task(asyncio.to_thread(broker.restart))
        said: list[tuple[int, set[int]]] = []
        async with asyncio.timeout(60):
            while not restarting.done() or not said:
                try:
                    said.append(await rig.committed())
                except (KafkaError, VeilError):
                    await asyncio.sleep(0.01)
        assert said == [(0, {1, 2, 3})] * len(said)


async def test_a_crash_of_the_broker_loses_and_repeats_nothing(settings: Settings, tmp_path: Path) -> None:
    with start_broker(local=True, data_dir=tmp_path / "kafka") as broker:
        kafka = msgspec.structs.replace(settings.kafka, bootstrap_servers=broker.bootstrap_servers)
        rig = Rig(msgspec.structs.replace(settings, kafka=kafka))
        await rig.make_topics()
        ledger = rig.ledger()
        for offset in range(300):
            assert await ledger.admit(offset)
            ledger.finish(offset, rig.records(offset))
            await asyncio.sleep(0.005)
            if offset == 100:
                broker.kill()
            if offset == 150:
                await asyncio.to_thread(broker.restart)
        await until(ledger, 300)
        assert await rig.visible() == Counter(range(300))
        await ledger.close(5.0)
