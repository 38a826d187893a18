"""The offset ledger: work finishes in any order, is published once, and is never lost.

One transactional producer per consumer group, topic and partition. Every
transaction holds the finished work's records, the lowest unfinished offset, and
the finished offsets above it (see `agents.progress`). A reader with
`isolation_level=read_committed` sees the records of each offset exactly once.

Audit events among the records are linked into the partition's chain; how far that
has come is committed with the offsets (see `pipeline.audit`).

Fencing is by transactional id alone: a new owner's InitProducerId aborts what an
old owner left open, and only then are the offset and its metadata read.
"""

import asyncio
import contextlib
import time
from collections.abc import Sequence

import structlog
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import InvalidProducerEpoch, ProducerFenced
from aiokafka.structs import OffsetAndMetadata, RecordMetadata

from agents.progress import Progress, decode, decode_chain, encode
from agents.refusals import Refusals
from pipeline.adapters.kafka import client_options, committed_offsets, producer_options, stop_producer
from pipeline.audit import AuditTrail, Chain, chain_name
from pipeline.ports import Outbound, PartitionState
from pipeline.settings import Settings

log = structlog.get_logger()

_OPEN_TIMEOUT = 30.0
_CLOSE_TIMEOUT = 5.0
_RETRY_FIRST, _RETRY_MAX = 0.2, 5.0
_BUSY_SHARE, _BUSY_MAX = 4.0, 0.25
"""Between two transactions lies this many times what the last one took, up to so many seconds: on a
machine that is busy, where a transaction takes long, more work shares the next."""


class Ledger:
    """One input partition of one group: admits offsets, publishes what is finished.

    `carry` holds finished work that an earlier ledger of this partition could not
    publish, so that what was paid for is not paid for again. `state` is loaded
    before anything is admitted and told of every commit. `broken` is set when
    records cannot be published and trying again cannot help (see `Refusals`): nothing
    more is published or committed then, and the process is to end.
    """

    def __init__(
        self,
        tp: TopicPartition,
        group: str,
        settings: Settings,
        trail: AuditTrail,
        carry: dict[int, Sequence[Outbound]] | None = None,
        state: PartitionState | None = None,
        broken: asyncio.Event | None = None,
    ) -> None:
        self.tp = tp
        self.group = group
        self.broken = broken or asyncio.Event()
        self._refusals = Refusals(settings)
        self.pending: dict[int, Sequence[Outbound]] = dict(carry or {})
        self.tasks: dict[int, asyncio.Task[None]] = {}
        self._committed = 0
        self._next_commit = 0.0
        self._settings = settings
        self._state = state
        self._progress = Progress()
        self._progress.admitted |= self.pending.keys()
        self._trail = trail
        self._chain = self._open_chain(None)
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
        self._runner.add_done_callback(self._mind)

    def _mind(self, runner: asyncio.Task[None]) -> None:
        """A ledger that has died would go on admitting what it never publishes."""
        if not runner.cancelled() and (fault := runner.exception()) is not None:
            log.error("ledger.broken", exc_info=fault, **self._place())
            self.broken.set()

    @property
    def expects(self) -> int | None:
        """The offset that is to be admitted next if none is missing; unknown where nothing is known yet."""
        return self._progress.expects if self._ready.is_set() else None

    @property
    def is_open(self) -> bool:
        """Whether the broker's state is known and offsets are admitted."""
        return self._ready.is_set() and not self._closing

    async def opened(self) -> bool:
        """Wait until it is open; false when it closes instead."""
        await self._ready.wait()
        return not self._closing

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
                wanted = self._progress.admit(offset)
                if self.pending:
                    # Carried over, it may have waited to know where the partition begins.
                    self._kick.set()
                return wanted
            self._moved.clear()
            await self._moved.wait()

    async def begin(self, offset: int) -> bool:
        """Whether the work of an admitted offset may start now; waits while the ledger reopens.

        False: another owner of the partition has done it meanwhile, or the ledger is closing.
        """
        while not self._ready.is_set() and not self._closing:
            self._moved.clear()
            await self._moved.wait()
        if not self._closing and not self._progress.finished(offset):
            return True
        self.tasks.pop(offset, None)
        self._progress.admitted.discard(offset)
        return False

    def finish(self, offset: int, records: Sequence[Outbound]) -> None:
        """Hand over an offset's records; they are published with the next transaction."""
        self.tasks.pop(offset, None)
        if self._progress.finished(offset):
            # While this ledger was fenced, another owner of the partition did the same work and published it.
            self._discard(offset, records)
        else:
            self.pending[offset] = records
        self._kick.set()

    def _discard(self, offset: int, records: Sequence[Outbound]) -> None:
        self._progress.admitted.discard(offset)
        if self._state is not None:
            self._state.discarded(self.tp.partition, records)

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
            await asyncio.wait([self._runner])
        self._ready.set()
        await self._close_producer()
        if self._state is not None:
            self._state.drop(self.tp.partition)
        return len(cut)

    async def _run(self) -> None:
        retry = _RETRY_FIRST
        while True:
            try:
                if not self._ready.is_set() or self._producer is None:
                    if self._closing and not self.pending and not self.tasks:
                        return
                    await self._open()
                if self._closing and not self.tasks and not self._publishable():
                    await self._sign_off()
                    return
                await self._kicked()
                if not self._closing:
                    # Idle: commit at once. Busy: a transaction was only just made, so let more work share the next.
                    await asyncio.sleep(self._next_commit - asyncio.get_running_loop().time())
                self._kick.clear()
                if self._publishable() or (not self._closing and self._trail.is_unsigned(self._chain)):
                    await self._publish()
                retry = _RETRY_FIRST
            except (ProducerFenced, InvalidProducerEpoch):
                log.warning("ledger.fenced", **self._place())
                if self._closing:
                    return
                await self._reopen_after(retry)
                retry = min(retry * 2, _RETRY_MAX)
            except Exception as exc:
                # Whatever it is: a ledger that has ended would go on admitting what it never publishes.
                self._ready.clear()
                log.warning("ledger.failed", wait_s=retry, exc_info=exc, **self._place())
                refused = await self._refusals.note(exc, self._outputs())
                if refused is not None:
                    log.error("ledger.broken", detail=refused, **self._place())
                    self.broken.set()
                    return
                await self._reopen_after(retry)
                retry = min(retry * 2, _RETRY_MAX)

    def _publishable(self) -> bool:
        """Whether finished work may be committed: where the partition begins must be known.

        Work that was carried over can come before the first record does; the lowest offset of it
        need not be the lowest there is.
        """
        return bool(self.pending) and self._progress.base is not None

    async def _publish(self) -> None:
        # After that time the broker has given the transaction up, or never heard of it.
        async with asyncio.timeout(self._settings.delivery.transaction_timeout):
            await self._commit()
        self._refusals.forget()

    async def _kicked(self) -> None:
        """Wait for something to publish; not for ever while the chain's last events are unsigned."""
        patience = self._trail.interval if self._trail.is_unsigned(self._chain) else None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._kick.wait()

    async def _sign_off(self) -> None:
        """Leave the chain signed; where the broker does not answer in time, the next owner signs it."""
        if self._trail.is_unsigned(self._chain):
            async with asyncio.timeout(_CLOSE_TIMEOUT):
                await self._commit()

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
        if self._state is not None:
            await self._state.load(self.tp.partition)
        admin = AIOKafkaAdminClient(**client_options(self._settings))
        try:
            await admin.start()
            found = (await committed_offsets(admin, self.group, [self.tp]))[self.tp]
        finally:
            await admin.close()
        self._chain = self._open_chain(found.metadata if found is not None else None)
        if found is None:
            self._progress.load(None, set())
        else:
            self._progress.load(found.offset, decode(found.offset, found.metadata))
            self._committed = found.offset
        for offset in [offset for offset in self.pending if self._progress.finished(offset)]:
            # A commit whose outcome was unknown did succeed after all, or another owner was faster.
            self._discard(offset, self.pending.pop(offset))
        if self._publishable():
            # Before anything is admitted: a copy of a job that is finished must find its answer.
            await self._publish()
        self._ready.set()
        self._moved.set()

    def _open_chain(self, metadata: str | None) -> Chain:
        name = chain_name(self.group, self.tp.topic, self.tp.partition)
        return self._trail.open(name, decode_chain(metadata), now=time.time())

    async def _commit(self) -> None:
        """Publish what is finished; with nothing finished, sign the chain."""
        producer = self._producer
        if producer is None:
            raise ConnectionError
        batch = dict(self.pending)
        base, done = self._progress.after(batch)
        began = asyncio.get_running_loop().time()
        finished = [record for records in batch.values() for record in records]
        records, chain = self._trail.link(self._chain, finished, now=time.time(), sign=self._closing or not batch)
        await producer.begin_transaction()
        sends: list[asyncio.Future[RecordMetadata]] = []
        try:
            for record in records:
                sends.append(await self._send(producer, record))  # noqa: PERF401
            position = {self.tp: OffsetAndMetadata(base, encode(base, done, chain.committed()))}
            await producer.send_offsets_to_transaction(position, self.group)
            if sends:
                # aiokafka would commit the transaction although one of its records was refused.
                await asyncio.wait(sends, return_when=asyncio.FIRST_EXCEPTION)
            for send in sends:
                if send.done():
                    send.result()
            await producer.commit_transaction()
        except BaseException:
            for send in sends:
                send.add_done_callback(_look_at)
            raise
        placed = [(record, send.result().offset) for record, send in zip(records, sends, strict=True)]
        self._progress.commit(base, done, batch)
        for offset in batch:
            del self.pending[offset]
        self._committed = base
        self._chain = chain
        if self._state is not None:
            self._state.committed(self.tp.partition, placed)
        ended = asyncio.get_running_loop().time()
        busy = min((ended - began) * _BUSY_SHARE, _BUSY_MAX)
        self._next_commit = ended + max(self._settings.delivery.linger, busy)
        self._moved.set()

    @staticmethod
    async def _send(producer: AIOKafkaProducer, record: Outbound) -> asyncio.Future[RecordMetadata]:
        future: asyncio.Future[RecordMetadata] = await producer.send(
            record.topic,
            record.value,
            key=record.key,
            partition=record.partition,
            headers=list(record.headers),
        )
        return future

    def _outputs(self) -> set[str]:
        return {record.topic for records in self.pending.values() for record in records}

    async def _close_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is None:
            return
        fault = await stop_producer(producer)
        if fault is not None:
            log.warning("ledger.close_failed", exc_info=fault, **self._place())

    def _place(self) -> dict[str, object]:
        return {
            "group": self.group,
            "topic": self.tp.topic,
            "partition": self.tp.partition,
            "pending": len(self.pending),
            "in_flight": len(self.tasks),
        }


def _look_at(send: asyncio.Future[RecordMetadata]) -> None:
    """Its transaction has failed and is made anew: nobody else asks what became of this part of it."""
    if not send.cancelled():
        send.exception()
