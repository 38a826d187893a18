"""The topic of finished jobs as the completer reads it back: a partition in turn, or one record by its offset."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from types import TracebackType
from typing import Self

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from pipeline.adapters.kafka import client_options
from pipeline.decoding import decode
from pipeline.errors import VeilError
from pipeline.ports import FinishedEntry
from pipeline.settings import Settings
from schemas.finished import Finished

log = structlog.get_logger()

_POLL_MS = 250
_READ_AHEAD = 1024 * 1024
_FETCH_TIMEOUT = 10.0
_ONE_BATCH = 1
"""The broker gives a whole batch at least, however large: no more is needed where one record is."""


class FinishedTopic:
    """Committed records alone. A `FinishedStore`; its connection for single records is made when first needed.

    Args:
        settings: Broker and security.
        topic: Its full name.
        fetch_timeout: Seconds after which a single record counts as one that cannot be had.
    """

    def __init__(self, settings: Settings, topic: str, *, fetch_timeout: float = _FETCH_TIMEOUT) -> None:
        self._settings = settings
        self._topic = topic
        self._fetch_timeout = fetch_timeout
        self._consumer: AIOKafkaConsumer | None = None
        self._one_at_a_time = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        if self._consumer is not None:
            await self._consumer.stop()

    async def entries(self, partition: int, since: float, first: int = 0) -> AsyncGenerator[FinishedEntry, None]:
        """Everything that was written from a Unix time on, at the offset `first` or above; values unread."""
        tp = TopicPartition(self._topic, partition)
        consumer = await self._open(_READ_AHEAD)
        try:
            consumer.assign([tp])
            end = (await consumer.end_offsets([tp]))[tp]
            start = (await consumer.offsets_for_times({tp: max(since, 0.0) * 1000}))[tp]
            if start is None:
                return
            consumer.seek(tp, max(start.offset, first))
            while await consumer.position(tp) < end:
                for record in (await consumer.getmany(tp, timeout_ms=_POLL_MS)).get(tp, ()):
                    at = record.timestamp / 1000
                    # A transaction's marker can be younger than what comes after it.
                    if record.key is not None and at >= since:
                        yield FinishedEntry(key=record.key, headers=record.headers, offset=record.offset, at=at)
        finally:
            await consumer.stop()

    async def fetch(self, partition: int, offset: int) -> Finished | None:
        """One record, or nothing where compaction or retention has taken it or it cannot be read."""
        async with self._one_at_a_time:
            try:
                async with asyncio.timeout(self._fetch_timeout):
                    value = await self._value(TopicPartition(self._topic, partition), offset)
                return None if value is None else decode(value, Finished)
            except (KafkaError, VeilError, TimeoutError) as exc:
                # The price of going on is one call; the price of not doing so, a job.
                log.warning("finished.unreadable", topic=self._topic, partition=partition, offset=offset, exc_info=exc)
                return None

    async def _value(self, tp: TopicPartition, offset: int) -> bytes | None:
        if self._consumer is None:
            self._consumer = await self._open(_ONE_BATCH)
        consumer = self._consumer
        if tp not in consumer.assignment():
            consumer.assign([tp])
        consumer.seek(tp, offset)
        consumer.resume(tp)
        try:
            while await consumer.position(tp) <= offset:
                for record in (await consumer.getmany(tp, timeout_ms=_POLL_MS, max_records=1)).get(tp, ()):
                    if record.offset == offset:
                        value: bytes | None = record.value
                        return value
            return None
        finally:
            # Or it would read ahead, wait for what is not there yet, and keep the next one waiting.
            consumer.pause(tp)

    async def _open(self, fetch_bytes: int) -> AIOKafkaConsumer:
        consumer = AIOKafkaConsumer(
            **client_options(self._settings),
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="none",
            max_partition_fetch_bytes=fetch_bytes,
        )
        try:
            await consumer.start()
        except BaseException:
            with contextlib.suppress(KafkaError, OSError):
                await consumer.stop()
            raise
        return consumer
