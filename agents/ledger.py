"""The offset ledger: work finishes in any order, is published once, and is never lost.

One transactional producer per consumer group, topic and partition. Every
transaction holds the finished work's records, the lowest unfinished offset, and
the finished offsets above it (see `agents.progress`). A reader with
`isolation_level=read_committed` sees the records of each offset exactly once.

Fencing is by transactional id alone: a new owner's InitProducerId aborts what an
old owner left open, and only then are the offset and its metadata read.
"""

import asyncio
import contextlib
from collections.abc import Sequence

import structlog
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import InvalidProducerEpoch, KafkaError, ProducerFenced
from aiokafka.structs import OffsetAndMetadata

from agents.progress import Progress, decode, encode
from pipeline.adapters.kafka import client_options, committed_offsets, producer_options
from pipeline.ports import Outbound
from pipeline.settings import Settings

log = structlog.get_logger()

_OPEN_TIMEOUT = 30.0
_CLOSE_TIMEOUT = 5.0
_RETRY_FIRST, _RETRY_MAX = 0.2, 5.0


class Ledger:
    """One input partition of one group: admits offsets, publishes what is finished.

    `carry` holds finished work that an earlier ledger of this partition could not
    publish, so that what was paid for is not paid for again.
    """

    def __init__(
        self,
        tp: TopicPartition,
        group: str,
        settings: Settings,
        carry: dict[int, Sequence[Outbound]] | None = None,
    ) -> None:
        self.tp = tp
        self.group = group
        self.pending: dict[int, Sequence[Outbound]] = dict(carry or {})
        self.tasks: dict[int, asyncio.Task[None]] = {}
        self._committed = 0
        self._next_commit = 0.0
        self._settings = settings
        self._progress = Progress()
        self._progress.admitted |= self.pending.keys()
        self._producer: AIOKafkaProducer | None = None
        self._ready = asyncio.Event()
        self._kick = asyncio.Event()
        self._moved = asyncio.Event()
        self._closing = False
        self._runner: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<Ledger {self.group} {self.tp.topic}/{self.tp.partition}>"

    @property
    def committed_offset(self) -> int:
        """Everything below it is published; 0 before the first commit that is known here."""
        return self._committed

    def start(self) -> None:
        """Open in the background; `admit` waits until that is done."""
        self._runner = asyncio.create_task(self._run(), name=repr(self))

    async def admit(self, offset: int) -> bool:
        """Whether the caller must do this offset's work, and then call `finish`.

        Waits while the ledger opens and while the offset is too far above the
        lowest unfinished one. False: done, under way, or the ledger is closing.
        """
        while True:
            await self._ready.wait()
            if self._closing:
                return False
            if self._progress.fits(offset):
                return self._progress.admit(offset)
            self._moved.clear()
            await self._moved.wait()

    def finish(self, offset: int, records: Sequence[Outbound]) -> None:
        """Hand over an offset's records; they are published with the next transaction."""
        self.tasks.pop(offset, None)
        if self._progress.finished(offset):
            # While this ledger was fenced, another owner of the partition did the same work and published it.
            self._progress.admitted.discard(offset)
        else:
            self.pending[offset] = records
        self._kick.set()

    async def close(self, deadline: float) -> int:
        """Let work in flight end within `deadline` seconds, publish it, stop; returns how much was cut."""
        self._closing = True
        self._moved.set()
        self._kick.set()
        ends_at = asyncio.get_running_loop().time() + deadline
        if not self._ready.is_set() and not self.pending:
            # Nothing of ours to publish: whoever waits in `admit` is let go.
            self._ready.set()
        if self.tasks:
            await asyncio.wait(list(self.tasks.values()), timeout=deadline)
        cut = list(self.tasks.values())
        self.tasks.clear()
        for task in cut:
            task.cancel()
        self._kick.set()
        if self._runner is not None:
            left = max(ends_at - asyncio.get_running_loop().time(), 0.0) + _CLOSE_TIMEOUT
            await asyncio.wait([self._runner], timeout=left)
            self._runner.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._runner
        self._ready.set()
        await self._close_producer()
        return len(cut)

    async def _run(self) -> None:
        retry = _RETRY_FIRST
        while True:
            try:
                if not self._ready.is_set() or self._producer is None:
                    if self._closing and not self.pending and not self.tasks:
                        return
                    await self._open()
                if self._closing and not self.pending and not self.tasks:
                    return
                await self._kick.wait()
                if not self._closing:
                    # Idle: commit at once. Busy: a transaction was only just made, so let more work share the next.
                    await asyncio.sleep(self._next_commit - asyncio.get_running_loop().time())
                self._kick.clear()
                if self.pending:
                    await self._commit()
                retry = _RETRY_FIRST
            except (ProducerFenced, InvalidProducerEpoch):
                log.warning("ledger.fenced", **self._place())
                if self._closing:
                    return
                await self._reopen_after(retry)
                retry = min(retry * 2, _RETRY_MAX)
            except Exception as exc:
                # Whatever it is: a ledger that has ended would go on admitting what it never publishes.
                log.warning("ledger.failed", wait_s=retry, exc_info=exc, **self._place())
                await self._reopen_after(retry)
                retry = min(retry * 2, _RETRY_MAX)

    async def _reopen_after(self, seconds: float) -> None:
        self._ready.clear()
        await asyncio.sleep(seconds)

    async def _open(self) -> None:
        await self._close_producer()
        producer = AIOKafkaProducer(
            **producer_options(self._settings),
            transactional_id=f"{self.group}.{self.tp.topic}.{self.tp.partition}",
            transaction_timeout_ms=int(self._settings.delivery.transaction_timeout * 1000),
        )
        self._producer = producer
        await asyncio.wait_for(producer.start(), _OPEN_TIMEOUT)
        admin = AIOKafkaAdminClient(**client_options(self._settings))
        try:
            await admin.start()
            found = (await committed_offsets(admin, self.group, [self.tp]))[self.tp]
        finally:
            await admin.close()
        if found is None:
            self._progress.load(None, set())
        else:
            self._progress.load(found.offset, decode(found.offset, found.metadata))
            self._committed = found.offset
        for offset in [offset for offset in self.pending if self._progress.finished(offset)]:
            # A commit whose outcome was unknown did succeed after all.
            del self.pending[offset]
            self._progress.admitted.discard(offset)
        self._ready.set()
        self._moved.set()
        if self.pending:
            self._kick.set()

    async def _commit(self) -> None:
        producer = self._producer
        if producer is None:
            raise ConnectionError
        batch = dict(self.pending)
        base, done = self._progress.after(batch)
        await producer.begin_transaction()
        sends: list[asyncio.Future[object]] = []
        try:
            for records in batch.values():
                for record in records:
                    sends.append(await self._send(producer, record))  # noqa: PERF401
            position = {self.tp: OffsetAndMetadata(base, encode(base, done))}
            await producer.send_offsets_to_transaction(position, self.group)
            await producer.commit_transaction()
        except BaseException:
            for send in sends:
                send.add_done_callback(_look_at)
            raise
        for send in sends:
            send.result()
        self._progress.commit(base, done, batch)
        for offset in batch:
            del self.pending[offset]
        self._committed = base
        self._next_commit = asyncio.get_running_loop().time() + self._settings.delivery.linger
        self._moved.set()

    @staticmethod
    async def _send(producer: AIOKafkaProducer, record: Outbound) -> asyncio.Future[object]:
        future: asyncio.Future[object] = await producer.send(
            record.topic,
            record.value,
            key=record.key,
            partition=record.partition,
            headers=list(record.headers),
        )
        return future

    async def _close_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is None:
            return
        try:
            await asyncio.wait_for(producer.stop(), _CLOSE_TIMEOUT)
        except (KafkaError, TimeoutError, OSError) as exc:
            log.warning("ledger.close_failed", exc_info=exc, **self._place())
            # A fenced producer waits for ever for batches that nobody takes; its task and connections must not stay.
            with contextlib.suppress(KafkaError, OSError):
                await producer._sender.close()
                await producer.client.close()

    def _place(self) -> dict[str, object]:
        return {
            "group": self.group,
            "topic": self.tp.topic,
            "partition": self.tp.partition,
            "pending": len(self.pending),
            "in_flight": len(self.tasks),
        }


def _look_at(send: asyncio.Future[object]) -> None:
    """Its transaction has failed and is made anew: nobody else asks what became of this part of it."""
    if not send.cancelled():
        send.exception()
