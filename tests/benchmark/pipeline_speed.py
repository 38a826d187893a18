"""The whole pipeline against the bare loop: jobs per CPU-second, zero-latency stub, same broker, one run."""

import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil  # type: ignore[import-untyped]
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from infra.broker import start_broker
from infra.openai_stub import OpenAIStub, StubConfig
from pipeline.adapters.keyring import init_keys
from pipeline.adapters.reader import TopicReader
from pipeline.client import Client
from pipeline.settings import KafkaSettings, KeysSettings, Settings, StateSettings
from schemas.job import Job

WARM_UP = 200
SENTENCE = "The customer reports that the parcel has not arrived yet and asks us for a refund. "


class Row(msgspec.Struct):
    """One measurement and what it is compared with; `ratio` is ours to theirs."""

    what: str
    ours: float
    theirs: float
    unit: str
    target: float | None = None

    @property
    def ratio(self) -> float:
        return self.ours / self.theirs


def prompt(number: int, size: int) -> str:
    """A ticket of about `size` bytes with an e-mail address, a phone number and a card."""
    phone = f"+49 30 90{number % 10000:04d}"
    head = f"Ticket {number}: mail user{number}@example.org, call {phone}, card 4012 8888 8888 1881. "
    return head + (SENTENCE * (size // len(SENTENCE) + 1))[: max(size - len(head), 0)]


def measure(jobs: int, sizes: tuple[int, ...]) -> list[Row]:
    """Run both sides for each size of prompt."""
    with start_broker() as broker, tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure(broker.bootstrap_servers, Path(folder), jobs, sizes))


async def _measure(servers: str, folder: Path, jobs: int, sizes: tuple[int, ...]) -> list[Row]:
    stub = OpenAIStub(StubConfig(mode="echo", keep_requests=False))
    base_url = await stub.start()
    rows = []
    try:
        for size in sizes:
            ours = await _pipeline(servers, base_url, folder / str(size), jobs, size)
            theirs = await _bare(servers, base_url, jobs, size)
            target = 0.4 if size == 500 else None
            rows.append(Row(f"whole pipeline, rules, {size} B prompts", ours, theirs, "jobs/CPU-s", target))
    finally:
        await stub.stop()
    return rows


async def _pipeline(servers: str, base_url: str, folder: Path, jobs: int, size: int) -> float:
    init_keys(folder / "keys", now=time.time())
    settings = Settings(
        kafka=KafkaSettings(bootstrap_servers=servers, topic_prefix=f"b{uuid.uuid4().hex[:6]}."),
        keys=KeysSettings(dir=folder / "keys"),
        state=StateSettings(dir=folder / "state"),
    )
    environment = {
        "VEIL__KAFKA__BOOTSTRAP_SERVERS": servers,
        "VEIL__KAFKA__TOPIC_PREFIX": settings.kafka.topic_prefix,
        "VEIL__KEYS__DIR": str(folder / "keys"),
        "VEIL__STATE__DIR": str(folder / "state"),
        "OPENAI_BASE_URL": base_url,
        "OPENAI_API_KEY": "bench",
    }
    log = folder / "worker.log"
    with _process([sys.executable, "-m", "agents", "worker"], environment, log) as process:
        while b"worker.started" not in log.read_bytes():
            if process.poll() is not None:
                raise SystemExit("the worker did not start")
            await asyncio.sleep(0.05)
        async with Client(settings) as client:
            await _submit(client, WARM_UP, size)
            before = _cpu(process.pid)
            await _submit(client, jobs, size)
            return jobs / (_cpu(process.pid) - before)


async def _submit(client: Client, count: int, size: int) -> None:
    jobs: list[Job] = [
        client.job({"model": "m", "messages": [{"role": "user", "content": prompt(number, size)}]})
        for number in range(count)
    ]
    ended = [result async for result in client.complete_all(jobs, timeout=120)]
    if len(ended) != count:
        raise SystemExit("jobs are missing")


async def _bare(servers: str, base_url: str, jobs: int, size: int) -> float:
    source, target = (f"bare-{uuid.uuid4().hex[:6]}-{name}" for name in ("in", "out"))
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    await admin.create_topics([NewTopic(source, 4, 1), NewTopic(target, 4, 1)])
    await admin.close()
    command = [sys.executable, "-m", "tests.benchmark.bare_loop", servers, source, target]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with _process(command, {"OPENAI_BASE_URL": base_url}, log) as process:
            while b"ready" not in log.read_bytes():
                await asyncio.sleep(0.05)
            await _produce(servers, source, target, WARM_UP, size)
            before = _cpu(process.pid)
            await _produce(servers, source, target, jobs, size)
            return jobs / (_cpu(process.pid) - before)


async def _produce(servers: str, source: str, target: str, count: int, size: int) -> None:
    settings = Settings(kafka=KafkaSettings(bootstrap_servers=servers))
    producer = AIOKafkaProducer(bootstrap_servers=servers, linger_ms=5)
    await producer.start()
    async with TopicReader(settings, [target], start="end") as reader:
        for number in range(count):
            request = {"model": "m", "messages": [{"role": "user", "content": prompt(number, size)}]}
            await producer.send(source, msgspec.json.encode({"job_id": f"j{number}", "request": request}))
        await producer.flush()
        seen = 0
        async for _ in reader.records(follow=True):
            seen += 1
            if seen == count:
                break
    await producer.stop()


@contextlib.contextmanager
def _process(command: list[str], environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    base = {name: value for name, value in os.environ.items() if not name.startswith(("VEIL__", "OPENAI_"))}
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=base | environment, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _cpu(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)
