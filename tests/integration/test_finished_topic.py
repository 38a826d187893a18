"""The store of finished jobs, in memory and on a real broker, and the topic it lies in."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

import msgspec
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete

from infra.broker import start_broker
from pipeline.adapters.finished_topic import FinishedTopic
from pipeline.adapters.kafka import check_topics, create_topics, producer_options
from pipeline.ports import FinishedStore, Outbound, TopicNames
from pipeline.settings import Settings, WrongSettings
from schemas.finished import Finished
from schemas.redacted import JobDigest
from tests.fakes import MemoryFinished

NOW = 1_000_000_000.0


class Written(Protocol):
    """A store, and how records get into it and out of it again."""

    @property
    def store(self) -> FinishedStore: ...

    async def write(self, records: Sequence[Outbound], *, at: float) -> list[int]: ...

    async def forget(self) -> None: ...


class InMemory:
    def __init__(self) -> None:
        self.store = MemoryFinished()

    async def write(self, records: Sequence[Outbound], *, at: float) -> list[int]:
        return [offset for _, offset in self.store.write(records, at=at)]

    async def forget(self) -> None:
        self.store.forget()


@asynccontextmanager
async def admin_of(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka.bootstrap_servers)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


class OnBroker:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.topic = TopicNames(settings.kafka.topic_prefix)["finished"]
        self.store = FinishedTopic(settings, self.topic)

    async def write(self, records: Sequence[Outbound], *, at: float, commit: bool = True) -> list[int]:
        async with AIOKafkaProducer(**producer_options(self.settings), transactional_id="writer") as producer:
            await producer.begin_transaction()
            sent = [
                await producer.send_and_wait(
                    self.topic,
                    record.value,
                    key=record.key,
                    partition=record.partition,
                    headers=list(record.headers),
                    timestamp_ms=int(at * 1000),
                )
                for record in records
            ]
            await (producer.commit_transaction() if commit else producer.abort_transaction())
        # The broker answers before it has written the markers; whoever begins anew waits for them.
        async with AIOKafkaProducer(**producer_options(self.settings), transactional_id="writer"):
            pass
        return [one.offset for one in sent]

    async def forget(self) -> None:
        everything = {TopicPartition(self.topic, number): RecordsToDelete(-1) for number in range(2)}
        async with admin_of(self.settings) as admin:
            await admin.delete_records(everything)


def finished(number: int, partition: int = 0) -> Outbound:
    message = Finished(
        job_digest=JobDigest(key_id="a" * 16, value=f"{number:032x}"),
        request_sha256=f"{number:064x}",
        response=b"answer %d" % number,
        completed_at=NOW,
    )
    return Outbound(
        topic="finished",
        key=b"key %d" % number,
        value=msgspec.json.encode(message),
        partition=partition,
        headers=(("body", b"%d" % number),),
    )


async def gone(admin: AIOKafkaAdminClient, topic: str) -> None:
    """Wait until the broker has forgotten a topic that is deleted."""
    async with asyncio.timeout(30):
        while topic in await admin.list_topics():
            await asyncio.sleep(0.1)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[OnBroker]:
    written = OnBroker(settings)
    # Its records are of another time, which the broker must take, and its retention leave.
    of_any_time = {"message.timestamp.type": "CreateTime", "retention.ms": "-1"}
    async with admin_of(settings) as admin:
        await admin.create_topics([NewTopic(written.topic, settings.kafka.partitions, 1, topic_configs=of_any_time)])
    await create_topics(settings)
    async with written.store:
        yield written


@pytest.fixture
async def on_broker(settings: Settings) -> AsyncIterator[OnBroker]:
    async with opened(settings) as written:
        yield written


@pytest.fixture(params=["memory", "broker"])
async def written(request: pytest.FixtureRequest, settings: Settings) -> AsyncIterator[Written]:
    if request.param == "memory":
        yield InMemory()
    else:
        async with opened(settings) as on_broker:
            yield on_broker


async def test_entries_are_those_of_the_partition_since_a_time_in_order(written: Written) -> None:
    await written.write([finished(1)], at=NOW - 60.0)
    (second,) = await written.write([finished(2)], at=NOW)
    await written.write([finished(3, partition=1)], at=NOW)
    (fourth,) = await written.write([finished(4)], at=NOW + 1.0)
    found = [entry async for entry in written.store.entries(0, since=NOW - 30.0)]
    assert [(entry.key, entry.offset, entry.at) for entry in found] == [
        (b"key 2", second, NOW),
        (b"key 4", fourth, NOW + 1.0),
    ]
    assert found[0].headers == (("body", b"2"),)
    assert [entry async for entry in written.store.entries(0, since=NOW + 30.0)] == []


async def test_entries_from_an_offset_on_are_those_at_and_above_it(written: Written) -> None:
    offsets = [(await written.write([finished(number)], at=NOW + number))[0] for number in range(4)]

    async def found(first: int, since: float = NOW) -> list[int]:
        return [entry.offset async for entry in written.store.entries(0, since, first)]

    assert await found(0) == offsets
    assert await found(offsets[2]) == offsets[2:]
    assert await found(offsets[1] + 1) == offsets[2:]
    assert await found(offsets[1], since=NOW + 3.0) == offsets[3:]
    assert await found(offsets[3] + 1000) == []


async def test_a_topic_that_was_made_anew_has_nothing_from_an_offset_of_the_old_one_on(on_broker: OnBroker) -> None:
    offsets = [(await on_broker.write([finished(number)], at=NOW))[0] for number in range(3)]
    async with admin_of(on_broker.settings) as admin:
        await admin.delete_topics([on_broker.topic])
        await gone(admin, on_broker.topic)
    async with opened(on_broker.settings) as anew:
        await anew.write([finished(9)], at=NOW)
        assert [entry async for entry in anew.store.entries(0, NOW, offsets[2])] == []
        assert [entry.key async for entry in anew.store.entries(0, NOW)] == [b"key 9"]


async def test_a_record_is_not_waited_for_longer_than_the_timeout_and_is_had_once_the_broker_answers_again(
    settings: Settings, tmp_path: Path
) -> None:
    with start_broker(local=True, data_dir=tmp_path / "kafka") as broker:
        kafka = msgspec.structs.replace(settings.kafka, bootstrap_servers=broker.bootstrap_servers)
        async with opened(msgspec.structs.replace(settings, kafka=kafka)) as written:
            (offset,) = await written.write([finished(1)], at=NOW)
            async with FinishedTopic(written.settings, written.topic, fetch_timeout=1.0) as store:
                assert await store.fetch(0, offset) is not None
                broker.kill()
                async with asyncio.timeout(8.0):
                    assert await store.fetch(0, offset) is None
                await asyncio.to_thread(broker.restart)
                async with asyncio.timeout(60):
                    while await store.fetch(0, offset) is None:
                        pass


async def test_each_record_is_fetched_by_its_offset_in_any_order(written: Written) -> None:
    places = {(number % 2, number): 0 for number in range(6)}
    for partition, number in places:
        (places[partition, number],) = await written.write([finished(number, partition)], at=NOW)
    for (partition, number), offset in reversed(places.items()):
        found = await written.store.fetch(partition, offset)
        assert found is not None
        assert found.response == b"answer %d" % number


async def test_a_record_that_retention_has_taken_is_not_there(written: Written) -> None:
    offsets = await written.write([finished(number) for number in range(3)], at=NOW)
    assert await written.store.fetch(0, offsets[2]) is not None
    await written.forget()
    assert [await written.store.fetch(0, offset) for offset in offsets] == [None] * 3
    assert [entry async for entry in written.store.entries(0, since=NOW)] == []
    (later,) = await written.write([finished(9)], at=NOW)
    assert await written.store.fetch(0, offsets[0]) is None
    assert await written.store.fetch(0, later) is not None


async def test_what_was_not_committed_is_neither_listed_nor_fetched(on_broker: OnBroker) -> None:
    (aborted,) = await on_broker.write([finished(1)], at=NOW, commit=False)
    assert [entry async for entry in on_broker.store.entries(0, since=0.0)] == []
    assert await on_broker.store.fetch(0, aborted) is None


async def test_an_offset_without_a_record_gives_nothing_and_not_the_next_one(on_broker: OnBroker) -> None:
    (first,) = await on_broker.write([finished(1)], at=NOW)
    (second,) = await on_broker.write([finished(2)], at=NOW)
    # The first transaction's marker, here; compaction leaves gaps of the same kind.
    assert second == first + 2
    assert await on_broker.store.fetch(0, first + 1) is None


async def test_a_record_that_is_no_finished_job_is_not_there(on_broker: OnBroker) -> None:
    broken = msgspec.structs.replace(finished(1), value=b'{"schema":"canary-value"}')
    (offset,) = await on_broker.write([broken], at=NOW)
    assert await on_broker.store.fetch(0, offset) is None


async def test_the_topic_keeps_a_job_as_long_as_it_is_remembered(settings: Settings) -> None:
    hour = msgspec.structs.replace(settings, delivery=msgspec.structs.replace(settings.delivery, job_window=3600.0))
    await create_topics(hour)
    name = TopicNames(settings.kafka.topic_prefix)["finished"]
    assert [fault for fault in await check_topics(hour) if name in fault] == []
    assert [fault for fault in await check_topics(settings) if name in fault] == [
        f"{name}: retention.ms is 3600000, should be 86400000",
        f"{name}: segment.ms is 150000, should be 3600000",
    ]


async def test_a_worker_does_not_start_where_a_finished_job_of_some_partition_would_have_no_place(
    settings: Settings,
) -> None:
    await create_topics(settings)
    names = TopicNames(settings.kafka.topic_prefix)
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka.bootstrap_servers)
    await admin.start()
    try:
        await admin.create_partitions({names["redacted"]: NewPartitions(total_count=3)})
        async with asyncio.timeout(30):
            while not any("fewer partitions" in fault for fault in await check_topics(settings)):
                await asyncio.sleep(0.1)
        with pytest.raises(WrongSettings, match="finished has fewer partitions"):
            await create_topics(settings)
        await admin.delete_topics([names["finished"]])
        await create_topics(settings)
        assert await check_topics(settings) == []
    finally:
        await admin.close()
