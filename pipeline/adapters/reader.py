"""Reading a topic from outside the agents: no consumer group, committed records only."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import Literal, Self

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from pipeline.adapters.kafka import client_options, unreachable
from pipeline.errors import VeilError
from pipeline.settings import Settings
from schemas.topics import RECORD_MAX_BYTES


class TopicReader:
    """All partitions of some topics, from their beginning, a time, or their end as it was on entering.

    `begun_late`: the partitions whose first record ever is not among what is read.

    Args:
        settings: Broker and security.
        topics: Full names.
        start: Where to begin; a number is a time in Unix seconds.
        whole: Read without `follow` past transactions that were open on entering, once they
            have ended: what was committed behind them before we came is then seen as well.
    """

    def __init__(
        self,
        settings: Settings,
        topics: Sequence[str],
        *,
        start: Literal["beginning", "end"] | float,
        whole: bool = False,
    ) -> None:
        self._settings = settings
        self._topics = topics
        self._start = start
        self._whole = whole
        self._ends: dict[TopicPartition, int] = {}
        self._consumer: AIOKafkaConsumer | None = None
        self.unread = 0
        self.begun_late: list[TopicPartition] = []

    async def __aenter__(self) -> Self:
        consumer = AIOKafkaConsumer(
            **client_options(self._settings),
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=RECORD_MAX_BYTES,
        )
        try:
            await consumer.start()
        except (KafkaError, OSError):
            await consumer.stop()
            raise unreachable(self._settings) from None
        self._consumer = consumer
        try:
            await self._assign(consumer)
        except BaseException:
            await consumer.stop()
            raise
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        if self._consumer is not None:
            await self._consumer.stop()

    async def _assign(self, consumer: AIOKafkaConsumer) -> None:
        partitions = []
        for topic in self._topics:
            found = await _partitions(consumer, topic)
            if not found:
                raise VeilError(f"topic {topic} does not exist; make it with `veil topics create`")
            partitions += [TopicPartition(topic, number) for number in sorted(found)]
        consumer.assign(partitions)
        self._ends = dict(await consumer.end_offsets(partitions))
        if self._whole:
            self._ends = await self._last_offsets(partitions)
        # Resolved now, not at the first poll: what is published from here on is seen.
        starts = await self._starts(consumer, partitions)
        self.begun_late = [tp for tp, offset in starts.items() if offset > 0]
        self.unread = sum(self._ends[tp] - offset for tp, offset in starts.items())
        for tp, offset in starts.items():
            consumer.seek(tp, offset)

    async def _starts(
        self, consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition]
    ) -> dict[TopicPartition, int]:
        if self._start == "end":
            return self._ends
        if self._start == "beginning":
            return dict(await consumer.beginning_offsets(partitions))
        found = await consumer.offsets_for_times(dict.fromkeys(partitions, int(self._start * 1000)))
        return {tp: self._ends[tp] if at is None else at.offset for tp, at in found.items()}

    async def _last_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """The ends as a reader of uncommitted records sees them; ours end at the first open transaction."""
        consumer = AIOKafkaConsumer(**client_options(self._settings), enable_auto_commit=False)
        try:
            await consumer.start()
            return dict(await consumer.end_offsets(partitions))
        finally:
            await consumer.stop()

    @property
    def ends(self) -> Mapping[TopicPartition, int]:
        """Where each partition ended on entering: without `follow`, everything below is read."""
        return self._ends

    async def records(self, *, follow: bool = False) -> AsyncIterator[ConsumerRecord]:
        """Records in each partition's order; without `follow`, up to the end as it was on entering."""
        consumer = self._consumer
        if consumer is None:
            raise RuntimeError("use it as an async context manager")
        while follow or await self._behind(consumer):
            batches = await consumer.getmany(timeout_ms=250)
            for tp, batch in batches.items():
                for record in batch:
                    if follow or record.offset < self._ends[tp]:
                        yield record

    async def _behind(self, consumer: AIOKafkaConsumer) -> bool:
        """Whether a partition has not been read to its end; markers of transactions are passed over."""
        for tp, end in self._ends.items():
            if await consumer.position(tp) < end:
                return True
        return False


async def _partitions(consumer: AIOKafkaConsumer, topic: str) -> set[int]:
    """A topic's partitions; a topic made just now takes a moment to show."""
    for _ in range(10):
        await consumer._client.force_metadata_update()
        found = consumer.partitions_for_topic(topic)
        if found is None:
            await consumer._client.fetch_all_metadata()
            found = (await consumer.topics() and consumer._client.cluster.partitions_for_topic(topic)) or None
        if found:
            return set(found)
        await asyncio.sleep(0.1)
    return set()
