"""A partition that one completer opens again after another has owned it: read on, not anew, and nothing left over."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka import TopicPartition
from structlog.testing import capture_logs

from agents.ledger import Ledger
from pipeline.adapters.finished_topic import FinishedTopic
from pipeline.adapters.kafka import create_topics
from pipeline.audit import AuditTrail
from pipeline.keys import Keyring, Role
from pipeline.ports import Answer, Inbound, TopicNames
from pipeline.settings import Settings
from pipeline.stages.boundary import Case
from pipeline.stages.once import Once
from tests.integration.test_ledger import until
from tests.unit.test_once import like


class Completer:
    """One process's memory of finished jobs, and the ledger of its one partition; its model says its name."""

    def __init__(self, settings: Settings, store: FinishedTopic, name: bytes) -> None:
        self.settings = settings
        self.name = name
        self.topics = TopicNames(settings.kafka.topic_prefix)
        self.once = Once(store, self.topics, window=3600.0, reuse_identical=False, clock=time.time)
        self.ledger = self.open()

    def open(self) -> Ledger:
        trail = AuditTrail(Role.COMPLETER, keyring=Keyring(), topics=self.topics, settings=self.settings.audit)
        group = f"{self.settings.kafka.topic_prefix}completer"
        self.ledger = Ledger(TopicPartition(self.topics["redacted"], 0), group, self.settings, trail, state=self.once)
        self.ledger.start()
        return self.ledger

    async def do(self, *offsets: int) -> None:
        """The jobs at these offsets, each an id of its own."""
        for offset in offsets:
            assert await self.ledger.admit(offset)
            await self.ask(offset)

    async def ask(self, number: int) -> bytes:
        """A job's answer; one that has to be made is handed to the ledger."""
        request = like(job_id=f"job-{number}")
        inbound = Inbound(
            topic=self.topics["redacted"], partition=0, offset=number, key=None, value=None, timestamp=0.0
        )
        async with self.once.turn(request, Case(inbound, time.time)) as turn:
            turn.made = turn.answer or Answer(body=self.name, attempts=1)
            records = self.once.record(request, turn.made, turn, 0, time.time())
        if records:
            self.ledger.finish(number, records)
        return turn.made.body


@asynccontextmanager
async def two(settings: Settings) -> AsyncIterator[tuple[Completer, Completer]]:
    """The second opens the partition when the first has done five jobs, and does two more."""
    await create_topics(settings)
    name = TopicNames(settings.kafka.topic_prefix)["finished"]
    async with FinishedTopic(settings, name) as one, FinishedTopic(settings, name) as other:
        first = Completer(settings, one, b"first")
        await first.do(*range(5))
        await until(first.ledger, 5)
        second = Completer(settings, other, b"second")
        yield first, second
        await second.ledger.close(1.0)
        await first.ledger.close(1.0)


@pytest.mark.parametrize("way", ["fenced", "given back"])
async def test_a_partition_that_is_opened_again_is_read_on_and_no_claim_of_anothers_job_is_left(
    settings: Settings, way: str
) -> None:
    with capture_logs() as logs:
        async with two(settings) as (first, second):
            if way == "given back":
                await first.ledger.close(1.0)
            await second.do(5, 6)
            await until(second.ledger, 7)
            await second.ledger.close(1.0)
            if way == "given back":
                first.open()
            else:
                # It has not heard of it: its work on the same jobs is thrown away.
                await first.do(5, 6)
            await first.do(7)
            await until(first.ledger, 8)
            assert not first.once._claims.get(0)
            answers = [await first.ask(number) for number in range(8)]
    assert answers == [b"first"] * 5 + [b"second"] * 2 + [b"first"]
    read = [line["count"] for line in logs if line["event"] == "finished.loaded"]
    # A load is repeated when what follows it fails; it has nothing to read then.
    assert [count for count in read if count] == [5, 2]
