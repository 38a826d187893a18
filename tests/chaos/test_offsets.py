"""What the checker calls unfinished, on a real broker."""

import asyncio

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition

from agents.ledger import Ledger
from pipeline.adapters.kafka import create_topics
from pipeline.audit import AuditTrail
from pipeline.keys import Keyring, Role
from pipeline.ports import TopicNames
from pipeline.settings import Settings
from tests.chaos.offsets import unfinished


@pytest.fixture
async def redacted(settings: Settings) -> TopicPartition:
    """A partition of the completers' with three records."""
    await create_topics(settings)
    place = TopicPartition(TopicNames(settings.kafka.topic_prefix)["redacted"], 0)
    async with AIOKafkaProducer(bootstrap_servers=settings.kafka.bootstrap_servers) as producer:
        for number in range(3):
            await producer.send_and_wait(place.topic, b"%d" % number, partition=place.partition)
    return place


async def left(settings: Settings, wanted: int) -> None:
    """Wait until so many records are unfinished."""
    async with asyncio.timeout(20):
        while await unfinished(settings) != wanted:
            await asyncio.sleep(0.1)


async def test_records_count_until_their_offset_is_committed_or_in_the_bitmap(
    settings: Settings, redacted: TopicPartition
) -> None:
    assert await unfinished(settings) == 3
    prefix = settings.kafka.topic_prefix
    trail = AuditTrail(Role.COMPLETER, keyring=Keyring(), topics=TopicNames(prefix), settings=settings.audit)
    ledger = Ledger(redacted, f"{prefix}{Role.COMPLETER}", settings, trail)
    ledger.start()
    assert all([await ledger.admit(offset) for offset in range(3)])
    for offset in (0, 2):
        ledger.finish(offset, [])
    await left(settings, 1)
    ledger.finish(1, [])
    await left(settings, 0)
    await ledger.close(5.0)


async def test_a_transaction_that_nobody_ends_counts(settings: Settings) -> None:
    await create_topics(settings)
    topic = TopicNames(settings.kafka.topic_prefix)["completions"]
    async with AIOKafkaProducer(
        bootstrap_servers=settings.kafka.bootstrap_servers, transactional_id=f"{settings.kafka.topic_prefix}open"
    ) as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(topic, b"open", partition=0)
        assert await unfinished(settings) == 1
        await producer.abort_transaction()
    # The marker alone is left, which is no record.
    await left(settings, 0)
