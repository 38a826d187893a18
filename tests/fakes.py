"""Parts that implement our protocols in memory."""

from collections.abc import AsyncGenerator, Sequence

import msgspec
from aiokafka import TopicPartition

from pipeline.ports import FinishedEntry, Outbound
from schemas.finished import Finished


class MemoryFinished:
    """A `FinishedStore` of what it is given; compaction never takes a record here, `forget` does."""

    def __init__(self) -> None:
        self._next = 0
        self._records: dict[tuple[int, int], tuple[Outbound, float]] = {}

    def write(self, records: Sequence[Outbound], *, at: float) -> list[tuple[Outbound, int]]:
        """Append to the partitions that the records name; gives each one's offset."""
        placed = []
        for record in records:
            assert record.partition is not None
            offset, self._next = self._next, self._next + 1
            self._records[record.partition, offset] = (record, at)
            placed.append((record, offset))
        return placed

    def forget(self) -> None:
        """Retention has taken everything."""
        self._records.clear()

    async def entries(self, partition: int, since: float, first: int = 0) -> AsyncGenerator[FinishedEntry, None]:
        for (number, offset), (record, at) in self._records.items():
            if number == partition and at >= since and offset >= first and record.key is not None:
                yield FinishedEntry(key=record.key, headers=record.headers, offset=offset, at=at)

    async def fetch(self, partition: int, offset: int) -> Finished | None:
        found = self._records.get((partition, offset))
        return None if found is None else msgspec.json.decode(found[0].value, type=Finished)


class AllOfIt:
    """A `Source` for ledgers that are fed by hand from a topic's first record on: nothing is ever missing."""

    async def earliest(self, tp: TopicPartition) -> int:
        return 0

    async def rewind(self, tp: TopicPartition, offset: int) -> None:
        raise AssertionError("a record was passed over")

    def read_to(self, tp: TopicPartition) -> int | None:
        return None
