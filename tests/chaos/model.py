"""The model's side of a round: a stub of OpenAI that can go away and come back, and the calls it received."""

import asyncio
import contextlib
import time
from collections import Counter, deque
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import msgspec

from infra.openai_stub import OpenAIStub, StubConfig

_SAMPLE = 0.05
_KEPT = 200
_UNCOMMITTED = 2.0
"""Seconds before a kill in which an answered call may not be committed yet: a ledger makes a transaction
every 30 ms, and on a machine with more work than cores one can take a second to be done."""


class Model:
    """Echoes, and counts calls by the number that each job carries in its metadata."""

    def __init__(self, config: StubConfig, record: Path) -> None:
        self.config = config
        self.record = record
        self.base_url = ""
        self._stub: OpenAIStub | None = None
        self._gone: list[OpenAIStub] = []
        self._answered: deque[tuple[float, int]] = deque(maxlen=_KEPT)
        self._sampling: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        self._sampling = asyncio.create_task(self._sample())
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        if self._sampling is not None:
            self._sampling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sampling
        await self.stop()

    async def start(self) -> None:
        """Serve; after a stop, at the same address as before."""
        self._stub = OpenAIStub(self.config, record=self.record, seed=len(self._gone))
        self.base_url = await self._stub.start(port=urlsplit(self.base_url).port or 0)

    async def stop(self) -> int:
        """Refuse connections; gives how many calls were cut off."""
        stub, self._stub = self._stub, None
        if stub is None:
            return 0
        cut: int = stub.stats()["in_flight"]
        self._gone.append(stub)
        await stub.stop()
        return cut

    @property
    def in_flight(self) -> int:
        """Calls that wait for an answer now."""
        return int(self._stub.stats()["in_flight"]) if self._stub is not None else 0

    @property
    def received(self) -> int:
        """Calls so far."""
        return sum(stub.stats()["requests"] for stub in self._stubs())

    @property
    def failed(self) -> int:
        """Calls so far that were given a failure instead of an answer."""
        return sum(sum(stub.stats()["fired"].values()) for stub in self._stubs())

    @property
    def answered_lately(self) -> int:
        """Calls answered so lately that their answers may not be committed."""
        since = time.monotonic() - _UNCOMMITTED
        before = max((count for at, count in self._answered if at <= since), default=0)
        return self._answered_so_far() - before

    def calls(self) -> Counter[str]:
        """Calls by job."""
        return Counter(_job_of(request.body) for stub in self._stubs() for request in stub.requests)

    def _stubs(self) -> list[OpenAIStub]:
        return [*self._gone, *([self._stub] if self._stub is not None else [])]

    def _answered_so_far(self) -> int:
        return sum(sum(stub.stats()["statuses"].values()) for stub in self._stubs())

    async def _sample(self) -> None:
        while True:
            self._answered.append((time.monotonic(), self._answered_so_far()))
            await asyncio.sleep(_SAMPLE)


class _Body(msgspec.Struct):
    metadata: dict[str, Any]


def _job_of(body: bytes) -> str:
    return str(msgspec.json.decode(body, type=_Body).metadata["job"])
