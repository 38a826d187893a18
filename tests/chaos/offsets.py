"""What every group has left to do, by the offsets and bitmaps that its ledgers committed."""

import asyncio

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import GroupCoordinatorNotAvailableError, GroupLoadInProgressError
from aiokafka.structs import OffsetAndMetadata

from agents.progress import decode
from agents.worker import ROLES
from pipeline.adapters.kafka import client_options, open_admin
from pipeline.keys import Role
from pipeline.ports import TopicNames
from pipeline.settings import Settings

_COORDINATOR_TIMEOUT = 30.0


async def unfinished(settings: Settings) -> int:
    """Records that some role has not finished, and those behind a transaction that nobody ends.

    A committed offset may be below the end where only transaction markers follow:
    they are no records, so records are counted.
    """
    topics = TopicNames(settings.kafka.topic_prefix)
    sources: dict[Role, list[TopicPartition]] = {}
    async with AIOKafkaConsumer(
        **client_options(settings), isolation_level="read_committed", enable_auto_commit=False
    ) as committed:
        for role, module in ROLES.items():
            sources[role] = [
                TopicPartition(topics[topic], number)
                for topic in module.SOURCES
                for number in range(settings.kafka.partitions)
            ]
        places = [tp for tps in sources.values() for tp in tps]
        positions = {role: await _positions(settings, role) for role in sources}
        known = {tp: found for found_of in positions.values() for tp, found in found_of.items()}
        return await _open_records(committed, places, known) + await _behind_transactions(settings, committed, places)


async def _positions(settings: Settings, role: Role) -> dict[TopicPartition, OffsetAndMetadata]:
    admin = await open_admin(settings)
    try:
        async with asyncio.timeout(_COORDINATOR_TIMEOUT):
            while True:
                try:
                    offsets = await admin.list_consumer_group_offsets(f"{settings.kafka.topic_prefix}{role}")
                except (GroupCoordinatorNotAvailableError, GroupLoadInProgressError):
                    # A broker that has just started makes, or reads, its topic of offsets.
                    await asyncio.sleep(0.2)
                else:
                    return {tp: found for tp, found in offsets.items() if found.offset >= 0}
    finally:
        await admin.close()


async def _open_records(
    consumer: AIOKafkaConsumer, places: list[TopicPartition], known: dict[TopicPartition, OffsetAndMetadata]
) -> int:
    consumer.assign(places)
    ends = await consumer.end_offsets(places)
    starts = await consumer.beginning_offsets(places)
    done = {}
    for tp in places:
        found = known.get(tp)
        consumer.seek(tp, max(found.offset, starts[tp]) if found else starts[tp])
        done[tp] = decode(found.offset, found.metadata) if found else set()
    count = 0
    while [tp for tp in places if await consumer.position(tp) < ends[tp]]:
        for tp, records in (await consumer.getmany(timeout_ms=200)).items():
            count += sum(record.offset not in done[tp] for record in records)
    return count


async def _behind_transactions(settings: Settings, committed: AIOKafkaConsumer, places: list[TopicPartition]) -> int:
    """A reader of committed records stops at the first transaction that is open."""
    async with AIOKafkaConsumer(**client_options(settings), enable_auto_commit=False) as every:
        ends = await every.end_offsets(places)
    stable = await committed.end_offsets(places)
    return sum(ends[tp] - stable[tp] for tp in places)
