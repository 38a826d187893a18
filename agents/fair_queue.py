"""Records that wait for a slot, handed out fairly over tenants.

Start-time fair queueing (P. Goyal, H. Vin and H. Cheng, SIGCOMM 1996) with equal weights: of the
tenants that have records waiting, each gets the same share of the work, measured in bytes plus a
constant for each record. A tenant that comes back gains nothing for its absence.
"""

import heapq
from collections import deque

import msgspec

from agents.ledger import Ledger
from pipeline.ports import Inbound

RECORD_COST = 4096
"""Bytes that a record counts besides its own: a call costs something however short it is."""

RECORD_OVERHEAD = 512
"""Bytes of memory that a waiting record takes besides its value."""


class Waiting(msgspec.Struct, frozen=True):
    """A record that its ledger has admitted."""

    ledger: Ledger
    inbound: Inbound

    @property
    def size(self) -> int:
        """Bytes it takes in memory, about."""
        return len(self.inbound.value or b"") + RECORD_OVERHEAD


class FairQueue:
    """First in, first out for each tenant; the tenants take turns."""

    def __init__(self) -> None:
        self.size = 0
        """Bytes that wait here."""
        self._now = 0.0
        self._flows: dict[str, deque[Waiting]] = {}
        self._tags: dict[str, float] = {}
        self._tags_max = 64
        self._heads: list[tuple[float, int, str]] = []
        self._count = 0

    def __len__(self) -> int:
        return sum(map(len, self._flows.values()))

    def __bool__(self) -> bool:
        return bool(self._heads)

    def put(self, tenant: str, waiting: Waiting) -> None:
        """Add a record behind its tenant's others."""
        self.size += waiting.size
        flow = self._flows.get(tenant)
        if flow is not None:
            flow.append(waiting)
            return
        self._flows[tenant] = deque([waiting])
        self._push(tenant, max(self._now, self._tags.pop(tenant, 0.0)))

    def first(self) -> Waiting:
        """The record whose turn it is; there must be one."""
        return self._flows[self._heads[0][2]][0]

    def pop(self) -> Waiting:
        """Take out the record whose turn it is."""
        start, _, tenant = heapq.heappop(self._heads)
        flow = self._flows[tenant]
        waiting = flow.popleft()
        self.size -= waiting.size
        self._now = start
        finish = start + len(waiting.inbound.value or b"") + RECORD_COST
        if flow:
            self._push(tenant, finish)
        else:
            del self._flows[tenant]
            self._remember(tenant, finish)
        return waiting

    def forget(self, ledgers: set[Ledger]) -> int:
        """Drop what belongs to these ledgers, which no longer admit anything; returns how many."""
        before, kept = len(self), [(tenant, one) for tenant, flow in self._flows.items() for one in flow]
        tags = {tenant: start for start, _, tenant in self._heads}
        self._flows, self._heads, self.size = {}, [], 0
        self._tags |= tags
        for tenant, waiting in kept:
            if waiting.ledger not in ledgers:
                self.put(tenant, waiting)
        return before - len(self)

    def _push(self, tenant: str, start: float) -> None:
        self._count += 1
        heapq.heappush(self._heads, (start, self._count, tenant))

    def _remember(self, tenant: str, finish: float) -> None:
        """Keep the tag of a tenant that has nothing waiting, while it is ahead of the others."""
        if not self._heads:
            self._tags.clear()
            return
        self._tags[tenant] = finish
        if len(self._tags) >= self._tags_max:
            self._tags = {name: tag for name, tag in self._tags.items() if tag > self._now}
            self._tags_max = 2 * len(self._tags) + 64
