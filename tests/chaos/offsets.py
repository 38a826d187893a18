"""What every group has left to do, by the offsets and bitmaps that its ledgers committed."""

import asyncio

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import GroupCoordinatorNotAvailableError
from aiokafka.structs import OffsetAndMetadata

from agents.progress import decode
from agents.worker import ROLES
from pipeline.adapters.kafka import OffsetsUnknown, client_options, committed_offsets, open_admin
from pipeline.keys import Role
from pipeline.ports import TopicNames
from pipeline.settings import Settings

Positions = dict[TopicPartition, OffsetAndMetadata | None]

_COORDINATOR_TIMEOUT = 30.0


async def unfinished(settings: Settings) -> int:
    """Records that some role has not finished, and those behind a transaction that nobody ends.

    A committed offset may be below the end where only transaction markers follow:
    they are no records, so records are counted.
    """
    topics = TopicNames(settings.kafka.topic_prefix)
    positions: Positions = {}
    for role, module in ROLES.items():
        names = [topics[topic] for topic in module.SOURCES]
        partitions = [TopicPartition(name, number) for name in names for number in range(settings.kafka.partitions)]
        positions |= await _positions(settings, role, partitions)
    async with AIOKafkaConsumer(
        **client_options(settings), isolation_level="read_committed", enable_auto_commit=False
    ) as committed:
        opened = await _open_records(committed, positions)
        stable = await committed.end_offsets(list(positions))
    async with AIOKafkaConsumer(**client_options(settings), enable_auto_commit=False) as every:
        ends = await every.end_offsets(list(positions))
    # A reader of committed records stops at the first transaction that is open.
    behind: int = sum(ends[tp] - stable[tp] for tp in positions)
    return opened + behind


async def _positions(settings: Settings, role: Role, partitions: list[TopicPartition]) -> Positions:
    admin = await open_admin(settings)
    try:
        async with asyncio.timeout(_COORDINATOR_TIMEOUT):
            while True:
                try:
                    return await committed_offsets(admin, f"{settings.kafka.topic_prefix}{role}", partitions)
                except (OffsetsUnknown, GroupCoordinatorNotAvailableError):
                    # A broker that has just started makes, or reads, its topic of offsets.
                    await asyncio.sleep(0.2)
    finally:
        await admin.close()


async def _open_records(consumer: AIOKafkaConsumer, positions: Positions) -> int:
    consumer.assign(list(positions))
    ends = await consumer.end_offsets(list(positions))
    starts = await consumer.beginning_offsets(list(positions))
    done = {}
    for tp, found in positions.items():
        consumer.seek(tp, max(found.offset, starts[tp]) if found else starts[tp])
        done[tp] = decode(found.offset, found.metadata) if found else set()
    count = 0
    while [tp for tp in positions if await consumer.position(tp) < ends[tp]]:
        for tp, records in (await consumer.getmany(timeout_ms=200)).items():
            count += sum(record.offset not in done[tp] for record in records)
    return count
