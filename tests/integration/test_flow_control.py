"""What a worker takes on, and whose: back-pressure and fairness over tenants, on a real broker."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec

from agents import redactor
from agents.fair_queue import RECORD_OVERHEAD
from agents.worker import ROLES, Worker
from infra.openai_stub import OpenAIStub
from pipeline.adapters.kafka import create_topics
from pipeline.client import Client
from pipeline.keys import Role
from pipeline.ports import Inbound, Outbound, PartitionState, Stage
from pipeline.settings import Settings
from tests.integration.deployment import eventually

MANY, FEW = 600, 10
IN_FLIGHT = 20
WORDS = {"a": "apples", "b": "bananas"}
"""What a tenant's prompts speak of; detection leaves them alone."""


def chat(text: str) -> dict[str, object]:
    return {"model": "m", "messages": [{"role": "user", "content": text}]}


async def submit(settings: Settings, tenant: str, count: int, text: str = "") -> None:
    async with Client(settings) as client:
        jobs = [client.job(chat(f"please count the {WORDS[tenant]} {text}"), tenant=tenant) for _ in range(count)]
        for at in range(0, count, 200):
            await asyncio.gather(*map(client.submit, jobs[at : at + 200]))


@asynccontextmanager
async def running(worker: Worker) -> AsyncIterator[Worker]:
    await worker.start()
    try:
        yield worker
    finally:
        await worker.stop()


async def test_a_tenants_ten_jobs_do_not_wait_behind_anothers_many(settings: Settings, stub: OpenAIStub) -> None:
    settings = msgspec.structs.replace(
        settings, openai=msgspec.structs.replace(settings.openai, max_in_flight=IN_FLIGHT)
    )
    stub.config.latency_s = 0.2
    await create_topics(settings)
    await submit(settings, "a", MANY)
    await submit(settings, "b", FEW)

    def calls_of(tenant: str) -> int:
        return sum(WORDS[tenant].encode() in request.body for request in stub.requests)

    async with running(Worker(settings, list(ROLES))):
        await eventually(lambda: calls_of("b") == FEW, timeout=60, what="the calls of the tenant with few jobs")
        assert calls_of("a") < MANY // 2


class Holding:
    """A redactor that holds every record until it is told to go on."""

    SOURCES = redactor.SOURCES
    state: PartitionState | None = None

    def __init__(self) -> None:
        self.going = asyncio.Event()
        self.processed = 0
        self.working_bytes = self.most_bytes = 0

    @asynccontextmanager
    async def open_stage(self, *_: object) -> AsyncIterator[Stage]:
        yield self

    async def process(self, inbound: Inbound) -> Sequence[Outbound]:
        size = len(inbound.value or b"")
        self.working_bytes += size
        self.most_bytes = max(self.most_bytes, self.working_bytes)
        await self.going.wait()
        self.working_bytes -= size
        self.processed += 1
        return []


async def test_a_backlog_stays_on_the_broker_and_is_worked_off_within_the_bounds(settings: Settings) -> None:
    settings = msgspec.structs.replace(
        settings,
        delivery=msgspec.structs.replace(
            settings.delivery, max_in_flight=1000, max_in_flight_bytes=100_000, look_ahead_bytes=200_000
        ),
    )
    await create_topics(settings)
    await submit(settings, "a", 1500, "x" * 2000)
    stage = Holding()
    worker = Worker(settings, [Role.REDACTOR], {Role.REDACTOR: stage})
    async with running(worker):
        ledgers = worker._apps[Role.REDACTOR].ledgers
        await eventually(lambda: ledgers._waiting.size >= 200_000, timeout=30, what="the look-ahead filling")
        assert not await ledgers.has_room(0.5)
        # A fetch brings whole batches: at most 500 records more.
        assert ledgers._waiting.size < 200_000 + 500 * (4000 + RECORD_OVERHEAD)
        assert 20 <= ledgers._in_flight <= 100_000 // 2000
        stage.going.set()
        await eventually(lambda: stage.processed == 1500, timeout=60, what="the backlog's end")
    assert stage.most_bytes <= 100_000


async def test_a_record_larger_than_all_slots_is_done_alone(settings: Settings) -> None:
    settings = msgspec.structs.replace(
        settings,
        delivery=msgspec.structs.replace(settings.delivery, max_in_flight_bytes=5_000),
    )
    await create_topics(settings)
    await submit(settings, "a", 3, "x" * 20_000)
    await submit(settings, "a", 3)
    stage = Holding()
    stage.going.set()
    async with running(Worker(settings, [Role.REDACTOR], {Role.REDACTOR: stage})):
        await eventually(lambda: stage.processed == 6, timeout=30, what="all records")
    assert stage.most_bytes < 2 * 20_000
