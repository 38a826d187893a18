"""All ledgers of one role in one process: admits events, bounds work in flight, drains on a rebalance."""

import asyncio
from collections.abc import Iterable, Sequence

import structlog
from aiokafka import TopicPartition

from agents.ledger import Ledger
from agents.metrics import RoleMetrics
from pipeline.audit import AuditTrail
from pipeline.ports import Inbound, Outbound, Stage
from pipeline.settings import Settings

log = structlog.get_logger()


class Ledgers:
    """The partitions that Faust has assigned to one role, each with its ledger."""

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
        self._stage = stage
        self._settings = settings
        self._trail = trail
        self._metrics = metrics
        self._slots = asyncio.Semaphore(max_in_flight)
        self._open: dict[TopicPartition, Ledger] = {}
        self._orphans: dict[TopicPartition, dict[int, Sequence[Outbound]]] = {}
        self._closers: dict[TopicPartition, asyncio.Future[int]] = {}
        self._stopping = False
        self.broken = asyncio.Event()

    def open_ledgers(self) -> list[Ledger]:
        """The ledgers of the partitions held now."""
        return list(self._open.values())

    def assign(self, assigned: Iterable[TopicPartition]) -> None:
        """Open a ledger for each partition that is new here."""
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
        self._metrics.partitions.set(len(self._open))

    async def admit(self, inbound: Inbound) -> None:
        """Start the record's work, when it is this process's to do; waits for a free slot first."""
        tp = TopicPartition(inbound.topic, inbound.partition)
        # Bound before any await: a stale event must not enter a newer ledger.
        ledger = self._open.get(tp)
        if ledger is None:
            return
        await self._slots.acquire()
        admitted = False
        try:
            admitted = ledger is self._open.get(tp) and await ledger.admit(inbound.offset)
        finally:
            if not admitted:
                self._slots.release()
        if admitted:
            task = asyncio.create_task(self._work(ledger, inbound), name=repr(inbound))
            ledger.tasks[inbound.offset] = task

    async def _work(self, ledger: Ledger, inbound: Inbound) -> None:
        self._metrics.in_flight.inc()
        try:
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
            self._slots.release()

    async def drain(self, revoked: Iterable[TopicPartition] | None) -> None:
        """Finish, publish and close the revoked partitions; `None` closes all, for good."""
        if revoked is None:
            self._stopping = True
        chosen = list(self._open if revoked is None else set(revoked) & self._open.keys())
        ledgers = [self._open.pop(tp) for tp in chosen]
        in_flight = sum(len(ledger.tasks) for ledger in ledgers)
        deadline = self._settings.delivery.drain_deadline
        for ledger in ledgers:
            self._closers[ledger.tp] = asyncio.ensure_future(ledger.close(deadline))
        # A revoke that comes during a stop waits for the stop's drain as well.
        cut = sum(await asyncio.gather(*self._closers.values()))
        for ledger in ledgers:
            self._closers.pop(ledger.tp, None)
            if ledger.pending:
                self._orphans[ledger.tp] = ledger.pending
        self._metrics.partitions.set(len(self._open))
        if ledgers:
            log.info("partitions.drained", group=self.group, count=len(ledgers), in_flight=in_flight, cut=cut)
