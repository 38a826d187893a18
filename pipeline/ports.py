"""What the stages take and give, and the protocols that adapters implement."""

from collections.abc import AsyncGenerator, Collection, Sequence
from typing import Protocol

import msgspec

from pipeline.errors import VeilError
from schemas.completion import Usage
from schemas.finished import Finished
from schemas.job import Endpoint
from schemas.topics import TOPICS, TopicId

Headers = tuple[tuple[str, bytes], ...]

OVERSIZED_HEADER = "veil-oversized"
"""Header of an empty record that stands for a batch which is too large once decompressed, and which nobody has read."""


class Inbound(msgspec.Struct, frozen=True, kw_only=True):
    """One record as it came from the broker; `timestamp` is the broker's, in Unix seconds."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: float
    headers: Headers = ()

    def __repr__(self) -> str:
        return f"<Inbound {self.topic}/{self.partition}@{self.offset}>"


class Outbound(msgspec.Struct, frozen=True, kw_only=True):
    """One record to publish; without `partition`, where its key says."""

    topic: str
    value: bytes
    key: bytes | None = None
    partition: int | None = None
    headers: Headers = ()

    def __repr__(self) -> str:
        return f"<Outbound {self.topic}>"


class PartitionState(Protocol):
    """What a stage remembers of a partition of the one topic it reads, as far as it is committed."""

    async def load(self, partition: int) -> None:
        """Bring it up to date; called once earlier owners of the partition are fenced, before any record is worked on.

        Called again when the partition is opened again, as another owner may have committed meanwhile, and
        after whatever it raises.
        """
        ...

    def committed(self, partition: int, records: Sequence[tuple[Outbound, int]]) -> None:
        """These records, with their offsets, are what one transaction has committed."""
        ...

    def discarded(self, partition: int, records: Sequence[Outbound]) -> None:
        """These records will not be published: their work is committed already, maybe by another owner."""
        ...

    def drop(self, partition: int) -> None:
        """The partition is given up; the rebalance under way may give it back."""
        ...

    def keep_only(self, partitions: Collection[int]) -> None:
        """A rebalance has ended: these are held here, all others are another worker's."""
        ...


class Stage(Protocol):
    """One role's work on one record: everything that must be published when it is done.

    It never raises for what a record holds: a record that fails becomes a dead
    letter among the records it returns. Whoever calls it keeps `state` told, where there is one.
    """

    state: PartitionState | None

    async def process(self, inbound: Inbound) -> Sequence[Outbound]: ...


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """OpenAI's answer, body unparsed; `second_try`: it took two calls, in two styles of placeholder."""

    body: bytes
    attempts: int
    request_id: str | None = None
    usage: Usage | None = None
    second_try: bool = False

    def __repr__(self) -> str:
        return f"<Answer {self.request_id}>"


class CallFailed(VeilError):
    """OpenAI gave no answer; `attempts` calls were made, `status` is the last one's."""

    def __init__(self, detail: str = "", *, attempts: int = 0, status: int | None = None) -> None:
        super().__init__(detail)
        self.attempts = attempts
        self.status = status


class LLM(Protocol):
    """The one port through which a request leaves the deployment."""

    async def complete(self, endpoint: Endpoint, body: bytes, *, deadline: float | None) -> Answer:
        """Send the bytes as they are.

        Raises:
            CallFailed: no answer was to be had; the subclass's code says why.
        """
        ...


class FinishedEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Where a finished job's record lies; `at` is when it was written, in Unix seconds."""

    key: bytes
    headers: Headers
    offset: int
    at: float


class FinishedStore(Protocol):
    """The committed records of finished jobs."""

    def entries(self, partition: int, since: float, first: int = 0) -> AsyncGenerator[FinishedEntry, None]:
        """Those written from a Unix time on, none of them below the offset `first`, in order."""
        ...

    async def fetch(self, partition: int, offset: int) -> Finished | None:
        """One of them, or nothing where it cannot be had."""
        ...


class TopicNames:
    """The topics' full names under one prefix."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self._names = {topic.id: topic.name(prefix) for topic in TOPICS.values()}

    def __getitem__(self, topic_id: TopicId) -> str:
        return self._names[topic_id]

    def all(self) -> list[str]:
        """Every topic of the deployment."""
        return list(self._names.values())
