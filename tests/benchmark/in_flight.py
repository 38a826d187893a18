"""Two thousand calls in flight in one completer: how many at the peak, and what the process weighs."""

import asyncio
import tempfile
from pathlib import Path

import msgspec
import psutil  # type: ignore[import-untyped]

from infra.broker import start_broker
from pipeline.keys import Role
from pipeline.settings import OpenAISettings
from tests.benchmark.completers import produce, settings_of, stub_process
from tests.integration.deployment import Deployment

CALLS = 2000
_MIB = 1024 * 1024


class Peak(msgspec.Struct):
    """The most calls that the stub saw at once, the most resident memory, and the open files then."""

    latency: float
    calls: int = 0
    resident: int = 0
    files: int = 0


def measure(latency: float) -> Peak:
    """One completer on a backlog of five times what it may have in flight."""
    with start_broker() as broker, tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure(broker.bootstrap_servers, Path(folder), latency))


async def _measure(servers: str, folder: Path, latency: float) -> Peak:
    settings = settings_of(servers, folder, OpenAISettings(max_in_flight=CALLS), partitions=4)
    await produce(settings, [500] * (CALLS * 5))
    peak = Peak(latency)
    async with (
        stub_process({"latency_s": latency, "keep_requests": False}) as stub,
        Deployment(settings, folder / "workers", openai_base_url=stub.base_url) as deployment,
    ):
        worker = deployment.add(Role.COMPLETER)
        worker.start()
        await worker.ready()
        process = psutil.Process(worker.pid)
        while (stats := await stub.stats())["requests"] < CALLS * 4:
            peak.calls = max(peak.calls, stats["max_in_flight"])
            peak.resident = max(peak.resident, process.memory_info().rss // _MIB)
            peak.files = max(peak.files, process.num_fds())
            await asyncio.sleep(0.2)
    return peak
