"""The one thing that lies raw on the broker ends: a plain job's bytes leave the broker's disk once it is processed."""

import asyncio
import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from agents.doctor import Check, examine
from agents.plain_jobs import raw_bytes_gone_after
from agents.worker import ROLES, Worker
from infra.broker import Broker, LocalBroker, start_broker
from infra.openai_stub import OpenAIStub
from pipeline.adapters.kafka import create_topics, open_admin
from pipeline.adapters.keyring import load_keyring
from pipeline.client import Client
from pipeline.keys import KeyName, Role
from pipeline.ports import TopicNames
from pipeline.sealing import SealContext, open_sealed
from pipeline.settings import Settings
from schemas.audit import AuditEvent, AuditRecord
from schemas.codes import ErrorCode
from schemas.deadletter import DeadLetter
from schemas.envelope import ReplayContent
from schemas.result import Status
from tests.integration.deployment import eventually
from tests.integration.test_pipeline import TIMEOUT, chat, read

BOUND = raw_bytes_gone_after(check_interval_ms=1000, file_delete_delay_ms=1000)
SLOW_MACHINE = 10.0


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    """One whose files can be read while it runs."""
    with start_broker(local=True) as started:
        yield started


class PlainTopic:
    """What a plain producer does, and what an intruder on the broker's machine sees of it."""

    def __init__(self, broker: Broker, settings: Settings) -> None:
        assert isinstance(broker, LocalBroker)
        self._top = broker.data_dir
        self._settings = settings
        self.name = TopicNames(settings.kafka.topic_prefix)["plain"]

    async def produce(self, value: bytes, marker: bytes, *, partition: int) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self._settings.kafka.bootstrap_servers)
        await producer.start()
        try:
            headers = [("from", marker)]
            await producer.send_and_wait(self.name, value, key=marker, partition=partition, headers=headers)
        finally:
            await producer.stop()

    def files_with(self, marker: bytes) -> list[Path]:
        """Every file of the broker, renamed and index files too, in which the marker stands."""
        assert self._top is not None
        return [path for path in self._top.rglob("*") if path.is_file() and marker in contents(path)]

    async def wait_until_gone(self, marker: bytes) -> None:
        await eventually(
            lambda: not self.files_with(marker), timeout=BOUND + SLOW_MACHINE, what="bytes leaving the disk"
        )

    async def end(self, partition: int) -> int:
        consumer = AIOKafkaConsumer(bootstrap_servers=self._settings.kafka.bootstrap_servers)
        await consumer.start()
        try:
            tp = TopicPartition(self.name, partition)
            ends = await consumer.end_offsets([tp])
        finally:
            await consumer.stop()
        end: int = ends[tp]
        return end


def contents(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:  # deleted since it was listed
        return b""


@pytest.fixture
def plain(broker: Broker, settings: Settings) -> PlainTopic:
    return PlainTopic(broker, settings)


def marked() -> bytes:
    return f"jane.roe.{uuid.uuid4().hex[:8]}@example.org".encode()


def job(marker: bytes, **fields: object) -> bytes:
    text = f"Write to {marker.decode()}."
    return json.dumps(
        {"schema": "job/1", "job_id": "plain-1", "endpoint": "chat.completions", "request": chat(text), **fields}
    ).encode()


async def test_the_last_plain_job_leaves_the_disk_though_nothing_follows_it(
    plain: PlainTopic, client: Client, settings: Settings, stub: OpenAIStub
) -> None:
    first, second = marked(), marked()
    await plain.produce(job(first), first, partition=0)
    assert plain.files_with(first)
    await plain.wait_until_gone(first)
    # While another partition's segment is closed, the first one, where nothing raw is left, gets no record more.
    await plain.produce(job(second, job_id="plain-2"), second, partition=1)
    await plain.wait_until_gone(second)
    assert len(stub.requests) == 2
    assert [await plain.end(partition) for partition in (0, 1)] == [2, 2]
    assert await read(settings, "dead_letters") == []
    audit: list[AuditRecord] = [msgspec.json.decode(value, type=AuditRecord) for value in await read(settings, "audit")]
    events = [record for record in audit if isinstance(record, AuditEvent)]
    assert sorted(event.job_id or "" for event in events) == ["plain-1"] * 3 + ["plain-2"] * 3


async def test_a_refused_plain_job_stays_only_sealed_in_its_dead_letter(
    plain: PlainTopic, client: Client, settings: Settings
) -> None:
    marker = marked()
    value = job(marker, surplus=marker.decode())
    await plain.produce(value, marker, partition=0)
    await plain.wait_until_gone(marker)
    (letter,) = [msgspec.json.decode(found, type=DeadLetter) for found in await read(settings, "dead_letters")]
    assert letter.code is ErrorCode.UNKNOWN_FIELD
    assert letter.original is not None
    key = load_keyring(settings.keys.dir, Role.OPERATOR).opening_key(KeyName.REPLAY, letter.original.key_id)
    context = SealContext(purpose="replay", key_id=letter.original.key_id, tenant="", job_id="", schema="replay/1")
    opened = msgspec.json.decode(open_sealed(letter.original, key, context), type=ReplayContent)
    assert opened.value == value


async def test_what_an_earlier_worker_has_processed_leaves_the_disk_under_the_next(
    plain: PlainTopic, settings: Settings, stub: OpenAIStub
) -> None:
    marker = marked()
    first = Worker(settings, list(ROLES))
    await first.start()
    await plain.produce(job(marker), marker, partition=0)
    await eventually(lambda: stub.requests, timeout=TIMEOUT, what="the call")
    await first.stop()
    assert plain.files_with(marker)
    heir = Worker(settings, list(ROLES))
    await heir.start()
    try:
        await plain.wait_until_gone(marker)
    finally:
        await heir.stop()


async def test_a_job_of_a_producer_whose_clock_is_wrong_is_not_deleted_unread(
    settings: Settings, stub: OpenAIStub, plain: PlainTopic
) -> None:
    """Retention by the producer's own timestamps would take it at the next check."""
    await create_topics(settings)
    names = TopicNames(settings.kafka.topic_prefix)
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka.bootstrap_servers)
    await producer.start()
    short_lived = "short-" + names["jobs"]
    admin = await open_admin(settings)
    async with Client(settings) as client:
        try:
            new = client.job(chat("hello"))
            sealed = client._seal(new, msgspec.json.encode(new))
            await producer.send_and_wait(names["jobs"], sealed, partition=0, timestamp_ms=1)
            await make_topic(admin, short_lived)
            await producer.send_and_wait(short_lived, b"as old", partition=0, timestamp_ms=1)
            # The broker has made its round once this one's record is gone.
            await wait_until_empty(settings, short_lived)
        finally:
            await producer.stop()
            await admin.close()
        worker = Worker(settings, list(ROLES))
        await worker.start()
        try:
            async with asyncio.timeout(TIMEOUT):
                result = await anext(client.results(follow=True))
        finally:
            await worker.stop()
    assert (result.job_id, result.status) == (new.job_id, Status.COMPLETED)


async def make_topic(admin: object, name: str) -> None:
    from aiokafka.admin import AIOKafkaAdminClient, NewTopic

    assert isinstance(admin, AIOKafkaAdminClient)
    await admin.create_topics([NewTopic(name, 1, 1, topic_configs={"message.timestamp.type": "CreateTime"})])


async def wait_until_empty(settings: Settings, topic: str) -> None:
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka.bootstrap_servers)
    await consumer.start()
    tp = TopicPartition(topic, 0)
    try:
        async with asyncio.timeout(TIMEOUT):
            while (await consumer.beginning_offsets([tp]))[tp] == 0:
                await asyncio.sleep(0.1)
    finally:
        await consumer.stop()


async def plain_check(settings: Settings) -> Check:
    return next(check for check in await examine(settings) if check.name == "raw on disk: plain jobs")


async def test_the_doctor_says_how_long_the_bytes_stay(settings: Settings) -> None:
    await create_topics(settings)
    check = await plain_check(settings)
    assert check.verdict == "warn"
    assert f"after {BOUND:.0f} s at most" in check.finding


async def test_the_doctor_fails_where_the_topics_settings_keep_the_bytes(settings: Settings, plain: PlainTopic) -> None:
    await create_topics(settings)
    admin = await open_admin(settings)
    try:
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, plain.name, {"segment.ms": "604800000"})])
    finally:
        await admin.close()
    check = await plain_check(settings)
    assert check.verdict == "fail"
    assert "segment.ms is 604800000, should be 10000" in check.finding
