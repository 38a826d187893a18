"""A stored answer that does not come: the call is made again, and nothing is left waiting."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from pipeline.adapters.finished_topic import FinishedTopic
from pipeline.settings import KafkaSettings, Settings


class SilentBroker:
    """Takes connections and what is sent on them, and never says a word. All must be closed in the end."""

    def __init__(self) -> None:
        self.opened = self.closed = 0

    async def _hold(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        await reader.read()
        writer.close()
        self.closed += 1

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Settings]:
        async with await asyncio.start_server(self._hold, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            yield Settings(kafka=KafkaSettings(bootstrap_servers=f"127.0.0.1:{port}"))
            async with asyncio.timeout(5.0):
                while self.closed < self.opened:
                    await asyncio.sleep(0.01)


async def test_a_record_that_does_not_come_within_the_timeout_counts_as_one_that_cannot_be_had() -> None:
    broker = SilentBroker()
    async with broker.running() as settings, FinishedTopic(settings, "t", fetch_timeout=0.2) as store:
        with capture_logs() as logs:
            async with asyncio.timeout(5.0):
                found = [await store.fetch(partition, 7) for partition in range(2)]
        assert found == [None, None]
    assert broker.opened >= 2
    said = [(line["event"], line["partition"], line["offset"], type(line["exc_info"])) for line in logs]
    assert said == [("finished.unreadable", 0, 7, TimeoutError), ("finished.unreadable", 1, 7, TimeoutError)]


async def test_a_worker_that_is_told_to_stop_does_not_wait_for_a_record() -> None:
    broker = SilentBroker()
    async with broker.running() as settings, FinishedTopic(settings, "t", fetch_timeout=60.0) as store:
        fetching = asyncio.create_task(store.fetch(0, 7))
        async with asyncio.timeout(5.0):
            while not broker.opened:
                await asyncio.sleep(0.01)
            fetching.cancel()
            with pytest.raises(asyncio.CancelledError):
                await fetching
