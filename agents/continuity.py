"""Whether records were passed over on their way here: a gap is only one if the consumer itself has found it.

An offset that never comes is a transaction's marker or a deleted record, or it is
a record that was fetched and then dropped: Faust does so when one rebalance
overtakes another. Taken for a marker, such a record would be lost. So each record
carries, as its `checksum` (which nothing else uses), the offset behind the record
that its consumer was given before it: `since`.
"""

from typing import Any, Protocol

from aiokafka import TopicPartition
from aiokafka.consumer import fetcher


class Source(Protocol):
    """The consumer that records come from."""

    async def earliest(self, tp: TopicPartition) -> int:
        """The partition's first offset that is left on the broker."""
        ...

    async def rewind(self, tp: TopicPartition, offset: int) -> None:
        """Read on from this offset."""
        ...

    def read_to(self, tp: TopicPartition) -> int | None:
        """The offset behind the last record that was handed out; nothing if none was since the assignment."""
        ...


class TracedResult(fetcher.FetchResult):  # type: ignore[misc]
    """In aiokafka's `FetchResult`'s place: says of each record which one was given before it."""

    def getall(self, max_records: int | None = None) -> list[Any]:
        """The records fetched; what lies between two positions without a record is a gap for certain."""
        if not self.check_assignment(self._topic_partition) or not self.has_more():
            return []
        state = self._assignment.state_value(self._topic_partition)
        start = state.position
        records: list[Any] = super().getall(max_records)
        end, since = getattr(state, _COVERED, (None, None))
        if end != start or since is None:
            since = start  # it has been set to another position
        for record in records:
            record.checksum = since
            since = record.offset + 1
        setattr(state, _COVERED, (state.position, since))
        return records


_COVERED = "veil_covered"


def trace_consumers() -> None:
    """Have every consumer of this process say so; aiokafka has no setting for it."""
    fetcher.FetchResult = TracedResult


def read_to(consumer: Any, tp: TopicPartition) -> int | None:
    """The offset behind the last record that an aiokafka consumer gave since the assignment or seek."""
    subscription = consumer._subscription.subscription
    if subscription is None or subscription.assignment is None or tp not in subscription.assignment.tps:
        return None
    since: int | None = getattr(subscription.assignment.state_value(tp), _COVERED, (None, None))[1]
    return since


class NothingRead(dict[Any, Any]):
    """In place of Faust's book of what it has read: it drops what it takes for a repetition.

    A late entry makes it drop records that were never handed out; the ledger knows repetitions itself.
    """

    def __getitem__(self, _: Any) -> None:
        return None

    def __setitem__(self, _: Any, __: Any) -> None:
        pass

    def update(self, *_: Any, **__: Any) -> None:
        """Nothing is kept."""
