"""Records that were fetched and dropped before they came to a ledger are read again, never taken for gaps."""

import asyncio
from typing import Any

import pytest

from agents import app as agents_app
from agents.continuity import NothingRead
from agents.worker import ROLES, Worker
from infra.openai_stub import OpenAIStub
from pipeline.client import Client
from pipeline.settings import Settings
from schemas.result import Status

TIMEOUT = 60.0
JOBS = 20


@pytest.fixture
def dropping(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Every role's consumer loses all that its first fetches bring, as Faust does when rebalances overlap."""
    dropped: list[int] = []
    fetch = agents_app._Consumer._getmany

    async def fetch_and_drop(self: Any, active_partitions: Any, timeout: float) -> Any:
        records = await fetch(self, active_partitions, timeout)
        if records and not getattr(self, "has_dropped", False):
            self.has_dropped = True
            dropped.append(sum(map(len, records.values())))
            return {}
        return records

    monkeypatch.setattr(agents_app._Consumer, "_getmany", fetch_and_drop)
    return dropped


async def done(settings: Settings, *, apart: float) -> None:
    """A worker of all roles does jobs that are submitted one after the other."""
    running = Worker(settings, list(ROLES))
    await running.start()
    try:
        async with Client(settings) as client:

            async def one(number: int) -> Status:
                await asyncio.sleep(number * apart)
                body = {"model": "m", "messages": [{"role": "user", "content": f"job {number}"}]}
                return (await client.complete(client.job(body), timeout=TIMEOUT)).status

            assert set(await asyncio.gather(*(one(number) for number in range(JOBS)))) == {Status.COMPLETED}
    finally:
        await running.stop()


async def test_dropped_records_that_others_follow_are_read_again(
    settings: Settings, stub: OpenAIStub, dropping: list[int]
) -> None:
    await done(settings, apart=0.1)
    assert len(dropping) == len(ROLES)
    assert len(stub.requests) == JOBS


async def test_dropped_records_that_nothing_follows_are_read_again(
    settings: Settings, stub: OpenAIStub, dropping: list[int]
) -> None:
    await done(settings, apart=0.0)
    assert len(dropping) == len(ROLES)
    assert len(stub.requests) == JOBS


def test_fausts_book_of_what_was_read_stays_empty() -> None:
    book = NothingRead()
    book[1] = 2
    book.update({1: 3})
    assert book[1] is None
    assert not book
