"""What a reader of committed records sees of results and dead letters, while it happens and afterwards."""

import asyncio
import contextlib
import json
from collections import Counter
from types import TracebackType
from typing import Self

from aiokafka import ConsumerRecord

from pipeline.adapters.reader import TopicReader
from pipeline.client import Client
from pipeline.decoding import decode
from pipeline.ports import TopicNames
from pipeline.settings import Settings
from schemas.audit import Origin
from schemas.deadletter import DeadLetter
from schemas.result import Result, Status


def place(origin: Origin) -> str:
    """A record's place, for records that are no job and so have no id."""
    return f"{origin.topic}/{origin.partition}@{origin.offset}"


class Outcomes:
    """Results and dead letters by job id; dead letters without one by the place of what they are about."""

    def __init__(self, settings: Settings, client: Client) -> None:
        self._settings = settings
        self._client = client
        topics = TopicNames(settings.kafka.topic_prefix)
        self._topics = [topics["results"], topics["dead_letters"]]
        self._following: asyncio.Task[None] | None = None
        self.results: Counter[str] = Counter()
        self.letters: Counter[str] = Counter()
        self.nameless: Counter[str] = Counter()
        self.opened: dict[str, Result] = {}

    async def __aenter__(self) -> Self:
        self._following = asyncio.create_task(self._follow())
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        if self._following is not None:
            self._following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._following

    @property
    def ended(self) -> set[str]:
        """Jobs that have a terminal event."""
        return set(self.results) | set(self.letters)

    async def read_all(self) -> Self:
        """Everything from the beginning up to now."""
        async with TopicReader(self._settings, self._topics, start="beginning") as reader:
            async for record in reader.records():
                self._note(record)
        return self

    async def _follow(self) -> None:
        async with TopicReader(self._settings, self._topics, start="beginning") as reader:
            async for record in reader.records(follow=True):
                self._note(record)

    def _note(self, record: ConsumerRecord) -> None:
        if record.topic == self._topics[0]:
            opened = self._client._open(record)
            if opened is not None:
                (_, job_id), result = opened
                self.results[job_id] += 1
                self.opened[job_id] = result
            return
        letter = decode(record.value, DeadLetter)
        if letter.job_id is not None:
            self.letters[letter.job_id] += 1
        else:
            self.nameless[place(letter.origin)] += 1


def ended_wrongly(opened: dict[str, Result], texts: dict[str, str | None]) -> frozenset[str]:
    """Jobs that did not complete, or whose echo is not byte for byte what was sent."""
    return frozenset(
        job_id
        for job_id, result in opened.items()
        if result.status is not Status.COMPLETED or texts.get(job_id) not in {None, _content(result)}
    )


def _content(result: Result) -> str:
    text: str = json.loads(bytes(result.response))["choices"][0]["message"]["content"]
    return text
