"""Who waits for which job's end. Several may wait for one; one that gives up takes nobody along."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeAlias

from schemas.result import Result

# Tenant and job id.
JobKey: TypeAlias = tuple[str, str]


class Awaited:
    """The futures of all who wait, each one's own."""

    def __init__(self) -> None:
        self._waiting: dict[JobKey, set[asyncio.Future[Result]]] = {}

    @contextmanager
    def outcome(self, key: JobKey) -> Iterator[asyncio.Future[Result]]:
        """One more who waits for the job, until the context is left."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, set()).add(future)
        try:
            yield future
        finally:
            self._waiting[key].discard(future)
            if not self._waiting[key]:
                del self._waiting[key]

    def settle(self, key: JobKey, result: Result) -> None:
        """The job has ended; nobody need wait for it."""
        for future in self._waiting.get(key, ()):
            if not future.done():
                future.set_result(result)

    def fail(self, fault: BaseException) -> None:
        """No end can come any more, of any job."""
        for future in self._all():
            if not future.done():
                future.set_exception(fault)

    def cancel(self) -> None:
        """Nobody is to wait any longer."""
        for future in self._all():
            future.cancel()

    def _all(self) -> list[asyncio.Future[Result]]:
        return [future for waiting in self._waiting.values() for future in waiting]
