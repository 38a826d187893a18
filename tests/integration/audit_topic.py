"""What lies on a deployment's audit topic, and what verification finds there."""

import asyncio
import time

from aiokafka import ConsumerRecord

from pipeline.adapters.keyring import load_keyring
from pipeline.adapters.reader import TopicReader
from pipeline.audit_check import TrailCheck
from pipeline.chain_check import ChainReport
from pipeline.keys import Role
from pipeline.ports import TopicNames
from pipeline.settings import Settings
from schemas.audit import Origin

LONG = 3600.0


async def audit_records(settings: Settings) -> list[ConsumerRecord]:
    """What a committed reader sees of the audit topic, each partition in its order."""
    async with TopicReader(settings, [TopicNames(settings.kafka.topic_prefix)["audit"]], start="beginning") as reader:
        return [record async for record in reader.records()]


async def reports(settings: Settings, *, later: float = LONG) -> dict[str, ChainReport]:
    """What verification finds, by chain; `later` seconds from now, when nothing unsigned is fresh."""
    operator = load_keyring(settings.keys.dir, Role.OPERATOR)
    async with TopicReader(settings, [TopicNames(settings.kafka.topic_prefix)["audit"]], start="beginning") as reader:
        check = TrailCheck(operator, cut=frozenset(tp.partition for tp in reader.begun_late))
        async for record in reader.records():
            place = Origin(topic=record.topic, partition=record.partition, offset=record.offset)
            check.add(record.value, place, record.timestamp / 1000)
    return {report.chain: report for report in check.reports(now=time.time() + later)}


async def settled(settings: Settings, *, events: int, unsigned: int = 0) -> list[ChainReport]:
    """What verification finds once so many events are visible, so many of them unsigned.

    It may take a moment: the broker writes a transaction's markers after it has answered the commit.
    """
    ends_at = time.monotonic() + 30.0
    while True:
        found = list((await reports(settings)).values())
        if (sum(report.events for report in found), sum(report.unsigned for report in found)) == (events, unsigned):
            return found
        assert time.monotonic() < ends_at, found
        await asyncio.sleep(0.1)
