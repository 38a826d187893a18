"""`python -m tests.chaos.soak`: minutes at full load; prints each worker's resident size, which must not grow.

The completer has two thousand calls in flight. Exit code 1 if a worker at the end has over a tenth
more than after the first minute, or if the completer is over 600 MB.
"""

import argparse
import asyncio
import itertools
import logging
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import msgspec
import psutil  # type: ignore[import-untyped]
from rich.console import Console
from rich.table import Table

from infra.broker import start_broker
from infra.openai_stub import OpenAIStub, StubConfig
from pipeline.adapters.keyring import init_keys
from pipeline.client import Client
from pipeline.keys import Role
from pipeline.settings import (
    KafkaSettings,
    KeysSettings,
    OpenAISettings,
    Settings,
    StateSettings,
)
from tests.integration.deployment import Deployment

IN_FLIGHT = 2000
GROWTH = 1.10
COMPLETER_MB = 600
_AHEAD = 2 * IN_FLIGHT
_SAMPLE_S = 5.0
_SETTLED_S = 60.0
_MB = 1024 * 1024


class Sample(msgspec.Struct):
    """The state at one moment; sizes in MB by role."""

    seconds: float
    jobs: int
    in_flight: int
    resident: dict[str, float]


async def soak(seconds: float, folder: Path, console: Console, bootstrap_servers: str) -> list[Sample]:
    """Keep every stage busy for so long, and sample."""
    settings = Settings(
        kafka=KafkaSettings(bootstrap_servers=bootstrap_servers, topic_prefix="soak."),
        keys=KeysSettings(dir=folder / "keys"),
        state=StateSettings(dir=folder / "state"),
        openai=OpenAISettings(max_in_flight=IN_FLIGHT),
    )
    init_keys(settings.keys.dir, now=time.time())
    # Slow enough for two thousand calls to be in flight at fifty a second.
    stub = OpenAIStub(StubConfig(mode="echo", latency_s=40.0, latency_jitter_s=20.0, keep_requests=False))
    base_url = await stub.start()
    samples: list[Sample] = []
    try:
        async with Deployment(settings, folder, openai_base_url=base_url) as deployment, Client(settings) as client:
            await deployment.start()
            loading = asyncio.create_task(_load(client, stub))
            started = time.monotonic()
            while (now := time.monotonic() - started) < seconds:
                samples.append(_sample(now, stub, deployment))
                if len(samples) % round(_SETTLED_S / _SAMPLE_S) == 1:
                    console.print(_line(samples[-1]), highlight=False)
                done, _ = await asyncio.wait([loading], timeout=_SAMPLE_S)
                if done:
                    loading.result()
            loading.cancel()
            await asyncio.gather(loading, return_exceptions=True)
            samples.append(_sample(time.monotonic() - started, stub, deployment))
            codes = await deployment.terminate()
            console.print(f"exit codes: {codes}", highlight=False)
    finally:
        await stub.stop()
    return samples


async def _load(client: Client, stub: OpenAIStub) -> None:
    """Submit jobs for ever, so many ahead of those that were answered."""
    numbers = itertools.count()

    async def send() -> None:
        for number in numbers:
            while number - _answered(stub) > _AHEAD:
                await asyncio.sleep(0.05)
            text = f"Ticket {number}: write to user{number}@example.org, please. " * 5
            await client.submit(client.job({"model": "m", "messages": [{"role": "user", "content": text}]}))

    await asyncio.gather(*(send() for _ in range(16)))


def _answered(stub: OpenAIStub) -> int:
    return sum(stub.stats()["statuses"].values())


def _sample(seconds: float, stub: OpenAIStub, deployment: Deployment) -> Sample:
    resident = {
        role.value: psutil.Process(worker.pid).memory_info().rss / _MB for role, worker in deployment.workers.items()
    }
    return Sample(seconds, _answered(stub), stub.stats()["in_flight"], resident)


def _line(sample: Sample) -> str:
    sizes = ", ".join(f"{role} {size:.0f} MB" for role, size in sample.resident.items())
    return f"  {sample.seconds:5.0f} s  {sample.jobs} calls answered, {sample.in_flight} in flight: {sizes}"


def judge(samples: list[Sample]) -> tuple[Table, bool]:
    """The table, and whether every size stayed within its bound."""
    end = samples[-1].seconds
    early, late = defaultdict(list), defaultdict(list)
    for sample in samples:
        for role, size in sample.resident.items():
            if _SETTLED_S <= sample.seconds < _SETTLED_S + 6 * _SAMPLE_S:
                early[role].append(size)
            if sample.seconds > end - 6 * _SAMPLE_S:
                late[role].append(size)
    most = max(sample.in_flight for sample in samples)
    table = Table(title=f"Soak of {end / 60:.1f} minutes: {samples[-1].jobs} calls, at most {most} in flight")
    for heading in ("worker", "after a minute, MB", "at the end, MB", "ratio", "most, MB", "holds"):
        table.add_column(heading, justify="right")
    all_hold = True
    for role in early:
        first, last = statistics.median(early[role]), statistics.median(late[role])
        peak = max(sample.resident[role] for sample in samples)
        holds = last <= GROWTH * first and (role != Role.COMPLETER or peak < COMPLETER_MB)
        all_hold &= holds
        table.add_row(
            role, f"{first:.0f}", f"{last:.0f}", f"{last / first:.2f}", f"{peak:.0f}", "yes" if holds else "NO"
        )
    return table, all_hold


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    options = parser.parse_args()
    if options.minutes < 2:
        parser.error("--minutes: at least 2, of which the first is not compared")
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    console = Console(width=None if sys.stdout.isatty() else 120)
    with start_broker() as broker, tempfile.TemporaryDirectory(prefix="veil-soak-") as folder:
        samples = asyncio.run(soak(options.minutes * 60, Path(folder), console, broker.bootstrap_servers))
    table, holds = judge(samples)
    console.print(table)
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
