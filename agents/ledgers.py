"""All ledgers of one role in one process: admits events, starts them fairly, drains on a rebalance."""

import asyncio
import contextlib
from collections.abc import Iterable, Sequence

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from agents.continuity import Source
from agents.fair_queue import FairQueue, Waiting
from agents.ledger import Ledger
from agents.metrics import RoleMetrics
from pipeline.audit import AuditTrail
from pipeline.ports import Inbound, Outbound, Stage
from pipeline.settings import Settings
from pipeline.tenant import tenant_of

log = structlog.get_logger()

_SOURCE_TIMEOUT = 10.0
_HOLD = 0.25
"""Seconds that work which could start waits at most for records that were fetched to be looked at."""


class Ledgers:
    """The partitions that Faust has assigned to one role, each with its ledger.

    Records are read ahead into a queue that is fair over tenants (`delivery.look_ahead_bytes` of them,
    and within each partition's window); from there they start while fewer than `max_in_flight` and
    `delivery.max_in_flight_bytes` are worked on. When the queue is full nothing is fetched: `has_room`.
    """

    def __init__(
        self,
        group: str,
        stage: Stage,
        settings: Settings,
        *,
        trail: AuditTrail,
        max_in_flight: int,
        metrics: RoleMetrics,
    ) -> None:
        self.group = group
        self._source: Source
        self._behind: dict[TopicPartition, int | None] = {}
        self._stage = stage
        self._settings = settings
        self._trail = trail
        self._metrics = metrics
        self._max_in_flight = max_in_flight
        self._in_flight = self._in_flight_size = 0
        self._waiting = FairQueue()
        self._admitting = 0
        self._arriving = 0
        self._hold_until = 0.0
        self._room = asyncio.Event()
        self._open: dict[TopicPartition, Ledger] = {}
        self._orphans: dict[TopicPartition, dict[int, Sequence[Outbound]]] = {}
        self._closers: dict[TopicPartition, asyncio.Future[int]] = {}
        self._stopping = False
        self.broken = asyncio.Event()

    def read_from(self, source: Source) -> None:
        """Say where the records come from; before any does."""
        self._source = source

    def open_ledgers(self) -> list[Ledger]:
        """The ledgers of the partitions held now."""
        return list(self._open.values())

    def assign(self, assigned: Iterable[TopicPartition]) -> None:
        """A rebalance has ended: open a ledger for each partition that is new here."""
        for tp in assigned:
            if tp not in self._open and not self._stopping:
                ledger = Ledger(
                    tp,
                    self.group,
                    self._settings,
                    self._trail,
                    carry=self._orphans.pop(tp, None),
                    state=self._stage.state,
                    broken=self.broken,
                )
                self._open[tp] = ledger
                ledger.start()
        if self._stage.state is not None:
            self._stage.state.keep_only({tp.partition for tp in self._open})
        self._metrics.partitions.set(len(self._open))

    async def has_room(self, timeout: float) -> bool:
        """Whether more may be fetched; waits up to `timeout` seconds for it, and for what was fetched to come here."""
        if self._is_full() or self._arriving > 0:
            self._room.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._room.wait(), timeout)
        # What has not come by now was dropped on its way.
        self._arriving = 0
        return not self._is_full()

    def arriving(self, count: int) -> None:
        """So many records were fetched and will be admitted now.

        They are looked at before more work starts: a role that computes would else do each record as
        it comes, and whose it is would make no difference.
        """
        self._arriving = count
        if count:
            loop = asyncio.get_running_loop()
            self._hold_until = loop.time() + _HOLD
            loop.call_later(_HOLD, self._start_waiting)

    def _is_full(self) -> bool:
        # A record that waits for its ledger holds up those behind it: they must not pile up in Faust.
        return self._admitting > 0 or self._waiting.size >= self._settings.delivery.look_ahead_bytes

    async def admit(self, inbound: Inbound, since: int) -> None:
        """Queue the record's work, when it is this process's to do.

        `since` is the offset behind the record that the consumer was given before this one: what lies between
        them does not exist.
        """
        self._arriving -= 1
        # Bound before any await: a stale event must not enter a newer ledger.
        tp = TopicPartition(inbound.topic, inbound.partition)
        ledger = self._open.get(tp)
        if ledger is None:
            return
        self._admitting += 1
        try:
            admitted = await self._follows(ledger, since) and await ledger.admit(inbound.offset)
        finally:
            self._admitting -= 1
            self._tell_room()
        if not admitted or ledger is not self._open.get(tp):
            return
        waiting = Waiting(ledger, inbound)
        if self._arriving <= 0 and not self._waiting and self._fits(waiting):
            self._start(waiting)
        else:
            self._waiting.put(tenant_of(inbound.value), waiting)
            self._start_waiting()

    async def look_back(self) -> None:
        """Have what was handed out and never came here handed out again; to be called every few seconds."""
        if self._admitting or self._arriving > 0:
            return
        behind: dict[TopicPartition, int | None] = {}
        for ledger in self.open_ledgers():
            read_to = self._source.read_to(ledger.tp) if ledger.is_open else None
            if read_to is not None and (ledger.expects is None or ledger.expects < read_to):
                behind[ledger.tp] = ledger.expects
                # On its way, perhaps; not if it still is the next time.
                if self._behind.get(ledger.tp, -1) == ledger.expects:
                    await self._follows(ledger, read_to)
        self._behind = behind

    async def _follows(self, ledger: Ledger, since: int) -> bool:
        """Whether no record is missing before `since`; if one is, the partition is read again from there."""
        if not await ledger.opened():
            return False
        expected = ledger.expects
        if expected is not None and since <= expected:
            return True
        try:
            async with asyncio.timeout(_SOURCE_TIMEOUT):
                first = max(await self._source.earliest(ledger.tp), expected or 0)
                if since <= first:
                    return True
                if ledger is self._open.get(ledger.tp):
                    tp = ledger.tp
                    log.warning("records.passed_over", topic=tp.topic, partition=tp.partition, offset=first)
                    await self._source.rewind(tp, first)
        except (KafkaError, OSError, TimeoutError) as exc:
            # The record is dropped for now; `look_back` will find that it is missing.
            log.warning("records.passed_over", topic=ledger.tp.topic, partition=ledger.tp.partition, exc_info=exc)
        return False

    def _fits(self, waiting: Waiting) -> bool:
        """Whether there is a slot for it; one that is larger than all of them is done alone."""
        if self._in_flight >= self._max_in_flight:
            return False
        largest = self._settings.delivery.max_in_flight_bytes
        return self._in_flight == 0 or self._in_flight_size + waiting.size <= largest

    def _start(self, waiting: Waiting) -> None:
        self._in_flight += 1
        self._in_flight_size += waiting.size
        task = asyncio.create_task(self._work(waiting), name=repr(waiting.inbound))
        waiting.ledger.tasks[waiting.inbound.offset] = task

    def _start_waiting(self) -> None:
        if self._arriving > 0 and asyncio.get_running_loop().time() < self._hold_until:
            return
        while self._waiting and self._fits(self._waiting.first()):
            self._start(self._waiting.pop())
        self._metrics.waiting.set(self._waiting.size)
        self._tell_room()

    def _tell_room(self) -> None:
        if not self._is_full() and self._arriving <= 0:
            self._room.set()

    async def _work(self, waiting: Waiting) -> None:
        ledger, inbound = waiting.ledger, waiting.inbound
        self._metrics.in_flight.inc()
        try:
            if await ledger.begin(inbound.offset):
                records = await self._stage.process(inbound)
                ledger.finish(inbound.offset, records)
                self._metrics.processed.inc()
        except Exception as exc:
            # A stage promises not to raise. Its offset stays open, so nothing is lost: the process
            # ends loudly, and whoever takes over the partition does the work again.
            log.error(
                "stage.broken", topic=inbound.topic, partition=inbound.partition, offset=inbound.offset, exc_info=exc
            )
            self.broken.set()
        finally:
            self._metrics.in_flight.dec()
            self._in_flight -= 1
            self._in_flight_size -= waiting.size
            self._start_waiting()

    async def drain(self, revoked: Iterable[TopicPartition] | None) -> None:
        """Finish, publish and close the revoked partitions; `None` closes all, for good."""
        if revoked is None:
            self._stopping = True
        chosen = list(self._open if revoked is None else set(revoked) & self._open.keys())
        ledgers = [self._open.pop(tp) for tp in chosen]
        # What has not been started is the next owner's.
        self._waiting.forget(set(ledgers))
        self._start_waiting()
        in_flight = sum(len(ledger.tasks) for ledger in ledgers)
        deadline = self._settings.delivery.drain_deadline
        for ledger in ledgers:
            self._closers[ledger.tp] = asyncio.ensure_future(ledger.close(deadline))
        try:
            # A revoke that comes during a stop waits for the stop's drain as well.
            cut = sum(await asyncio.gather(*self._closers.values()))
        finally:
            for ledger in ledgers:
                self._closers.pop(ledger.tp, None)
                if ledger.pending:
                    self._orphans[ledger.tp] = ledger.pending
        self._metrics.partitions.set(len(self._open))
        if ledgers:
            log.info("partitions.drained", group=self.group, count=len(ledgers), in_flight=in_flight, cut=cut)
