"""Three completers under one organisation's limits, one killed midway: how much of them is used, how much refused."""

import asyncio
import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from infra.broker import start_broker
from pipeline.keys import Role
from pipeline.settings import OpenAISettings
from tests.benchmark.completers import StubProcess, produce, settings_of, stub_process
from tests.integration.deployment import Deployment, WorkerProcess

RPM, TPM = 3000, 300_000
MINUTES = 5
WORKERS = 3
KILLED_AT = 150.0
SMALL, LARGE, BLOCK = 200, 560, 2500
"""Bytes of a prompt: about 75 and 165 tokens with what is around it, so that by turns either limit binds."""


class Minute(msgspec.Struct):
    """One minute: what was admitted and refused, and how many calls each worker's were."""

    number: int
    admitted: int
    refused: int
    tokens: int
    calls: list[int]

    @property
    def used(self) -> float:
        """Share of the limit that binds."""
        return max(self.admitted / RPM, self.tokens / TPM)

    @property
    def share_refused(self) -> float:
        """Share of calls that were answered 429."""
        return self.refused / max(self.admitted + self.refused, 1)


def measure() -> list[Minute]:
    """Run it; takes as long as it says, and a minute to set up."""
    with start_broker() as broker, tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure(broker.bootstrap_servers, Path(folder)))


def _sizes() -> Iterator[int]:
    """Enough for all minutes and the bucket that was full at the start."""
    for at in range(RPM * (MINUTES + 2)):
        yield SMALL if at // BLOCK % 2 else LARGE


async def _measure(servers: str, folder: Path) -> list[Minute]:
    config: dict[str, object] = {
        "enforce_limits": True, "requests_per_minute": RPM, "tokens_per_minute": TPM,
        "latency_s": 1.0, "latency_jitter_s": 1.0, "keep_requests": False,
    }  # fmt: skip
    settings = settings_of(servers, folder, OpenAISettings(), partitions=6)
    await produce(settings, _sizes())
    async with (
        stub_process(config) as stub,
        Deployment(settings, folder / "workers", openai_base_url=stub.base_url) as deployment,
    ):
        workers = [deployment.add(Role.COMPLETER, f"completer-{number}") for number in range(WORKERS)]
        for worker in workers:
            worker.start()
        await asyncio.gather(*(worker.ready() for worker in workers))
        return await _watch(stub, workers)


async def _watch(stub: StubProcess, workers: list[WorkerProcess]) -> list[Minute]:
    loop = asyncio.get_running_loop()
    while not (stats := await stub.stats())["limits"]["admitted"]:
        await asyncio.sleep(0.05)
    began, first = loop.time(), len(stats["limits"]["seconds"]) - 1
    counted: list[list[int]] = [[0] * len(workers)]
    for minute in range(1, MINUTES + 1):
        for until in sorted({KILLED_AT, minute * 60.0}):
            if (minute - 1) * 60 < until <= minute * 60:
                await asyncio.sleep(began + until - loop.time())
                if until == KILLED_AT:
                    workers[0].kill()
        counted.append([await _calls(worker, counted[-1][at]) for at, worker in enumerate(workers)])
    seconds = (await stub.stats())["limits"]["seconds"][first:]
    return list(_minutes(seconds, counted))


def _minutes(seconds: list[Any], counted: list[list[int]]) -> Iterator[Minute]:
    for number, (before, after) in enumerate(itertools.pairwise(counted)):
        rows = seconds[number * 60 : (number + 1) * 60]
        admitted, refused, tokens = (sum(row[at] for row in rows) for at in range(3))
        calls = [now - then for then, now in zip(before, after, strict=True)]
        yield Minute(number + 1, admitted, refused, tokens, calls)


async def _calls(worker: WorkerProcess, last: int) -> int:
    return int(await worker.metric("veil_calls_total")) if worker.running else last
