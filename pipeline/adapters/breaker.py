"""A circuit breaker: while OpenAI is down nobody calls it but one probe at a time.

M. Nygard, "Release It!", 2007. Whoever wants to call waits in `call`, in order of arrival, so a
probe that failed goes to the end and the next one is another job's.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import structlog

from schemas.codes import ErrorCode

log = structlog.get_logger()


class Breaker:
    """Closed, until `after` failures in a row or one `stop`; then open until a probe is answered.

    Args:
        after: Failures in a row that open it.
        first: Seconds until the first probe; doubled with each that fails.
        longest: Seconds between two probes at most, and at once after a `stop`.
    """

    def __init__(self, *, after: int, first: float, longest: float) -> None:
        self._after = after
        self._first = min(first, longest)
        self._longest = longest
        self._closed = asyncio.Event()
        self._closed.set()
        self._turn = asyncio.Lock()
        self._failures = 0
        self._wait = self._first
        self._probe_at = 0.0
        self._opened_at = 0.0
        self.answers = 0
        """How often OpenAI has answered anything that shows it at work."""

    @property
    def is_open(self) -> bool:
        """Whether calls wait."""
        return not self._closed.is_set()

    @contextlib.asynccontextmanager
    async def call(self) -> AsyncIterator[bool]:
        """Around one call; waits while the breaker is open. True: this call is the probe."""
        async with contextlib.AsyncExitStack() as stack:
            while probing := self.is_open:
                await stack.enter_async_context(self._turn)
                if not await self._closes_before_the_next_probe():
                    break
                await stack.aclose()
            yield probing

    async def _closes_before_the_next_probe(self) -> bool:
        while self.is_open and (left := self._probe_at - time.monotonic()) > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closed.wait(), left)
        return not self.is_open

    def answered(self) -> None:
        """OpenAI has answered, be it with a refusal."""
        self.answers += 1
        self._failures = 0
        if self.is_open:
            self._closed.set()
            log.warning("breaker.closed", duration_s=round(time.monotonic() - self._opened_at, 1))

    def failed(self, code: ErrorCode) -> None:
        """A call failed in a way that says that the service is ill."""
        self._failures += 1
        if not self.is_open:
            if self._failures >= self._after:
                self._open(code, self._first)
        elif time.monotonic() >= self._probe_at:
            # Only the probe's failure counts: other calls that fail now were sent before it opened.
            self._probe_again(code, min(self._wait * 2, self._longest))

    def stop(self, code: ErrorCode) -> None:
        """No call can succeed until somebody has acted (key, quota)."""
        if not self.is_open:
            self._open(code, self._longest)
        elif time.monotonic() >= self._probe_at:
            self._probe_again(code, self._longest)

    def _open(self, code: ErrorCode, wait: float) -> None:
        self._closed.clear()
        self._opened_at = time.monotonic()
        self._wait = wait
        self._probe_at = self._opened_at + wait
        log.error("breaker.opened", code=code.value, wait_s=wait, count=self._failures)

    def _probe_again(self, code: ErrorCode, wait: float) -> None:
        self._wait = wait
        self._probe_at = time.monotonic() + wait
        log.error("breaker.held", code=code.value, wait_s=wait)
