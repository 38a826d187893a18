"""The whole pipeline and one hop against bare loops: zero-latency stub, same broker, one run."""

import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Iterator
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
from pipeline.detection.names import ENTITIES as NAMED
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


def measure(jobs: int) -> list[Row]:
    """The whole pipeline and its latency, then one hop alone, each beside its bare loop."""
    with start_broker() as broker, tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure(broker.bootstrap_servers, Path(folder), jobs))


async def _measure(servers: str, folder: Path, jobs: int) -> list[Row]:
    stub = OpenAIStub(StubConfig(mode="echo", keep_requests=False))
    base_url = await stub.start()
    rows: list[Row] = []
    try:
        for size, names, target in ((500, False, 0.4), (500, True, 0.25), (2000, False, None)):
            async with _worker(servers, base_url, folder / f"{size}{names}", names=names) as (client, pid):
                ours = await _jobs_per_cpu_second(client, pid, jobs, size)
                if rows:
                    latencies = []
                else:
                    rate = ours / 10
                    latencies = await _latencies(client, rate, 500)
            theirs = await _bare(servers, base_url, jobs, size)
            what = f"whole pipeline, {'with names' if names else 'rules'}, {size} B prompts"
            rows.append(Row(what, ours, theirs.jobs_per_cpu_second, "jobs/CPU-s", target))
            if latencies:
                bare = (await _bare(servers, base_url, 0, size, rate=rate)).latencies
                for share, wanted in ((50, 45), (99, 150)):
                    added = (_percentile(latencies, share) - _percentile(bare, share)) * 1000
                    what = f"  time added to a call at {rate:.0f} jobs/s, p{share} (at most {wanted} ms)"
                    rows.append(Row(what, added, _percentile(bare, share) * 1000, "ms"))
        rows.append(await _relay(servers, jobs * 10))
    finally:
        await stub.stop()
    return rows


@contextlib.asynccontextmanager
async def _worker(servers: str, base_url: str, folder: Path, *, names: bool) -> AsyncIterator[tuple[Client, int]]:
    """A worker of all roles, warmed up, a client of it, and the worker's process id."""
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
    if not names:
        policy = folder / "rules.toml"
        policy.write_text("[entities]\n" + "".join(f'{entity} = "allow"\n' for entity in sorted(NAMED)))
        environment["VEIL__POLICY__FILE"] = str(policy)
    log = folder / "worker.log"
    with _process([sys.executable, "-m", "agents", "worker"], environment, log) as process:
        while b"worker.started" not in log.read_bytes():
            if process.poll() is not None:
                raise SystemExit("the worker did not start")
            await asyncio.sleep(0.05)
        async with Client(settings) as client:
            await _submit(client, WARM_UP, 500)
            yield client, process.pid


async def _jobs_per_cpu_second(client: Client, pid: int, jobs: int, size: int) -> float:
    before = _cpu(pid)
    await _submit(client, jobs, size)
    return jobs / (_cpu(pid) - before)


async def _latencies(client: Client, rate: float, count: int) -> list[float]:
    """Seconds from submitting to the opened result, of jobs sent evenly at `rate` a second."""
    loop = asyncio.get_running_loop()

    async def one(number: int) -> float:
        await asyncio.sleep(number / rate)
        job = client.job({"model": "m", "messages": [{"role": "user", "content": prompt(number, 500)}]})
        start = loop.time()
        await client.complete(job, timeout=60)
        return loop.time() - start

    return list(await asyncio.gather(*(one(number) for number in range(count))))


def _percentile(values: list[float], share: int) -> float:
    return sorted(values)[min(len(values) * share // 100, len(values) - 1)]


async def _submit(client: Client, count: int, size: int) -> None:
    jobs: list[Job] = [
        client.job({"model": "m", "messages": [{"role": "user", "content": prompt(number, size)}]})
        for number in range(count)
    ]
    ended = [result async for result in client.complete_all(jobs, timeout=120)]
    if len(ended) != count:
        raise SystemExit("jobs are missing")


class Bare(msgspec.Struct):
    """What the bare loop gave: its speed, or the seconds of each job at a given rate."""

    jobs_per_cpu_second: float = 0.0
    latencies: list[float] = []


async def _topics(servers: str) -> tuple[str, str]:
    source, target = (f"bare-{uuid.uuid4().hex[:6]}-{name}" for name in ("in", "out"))
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    await admin.create_topics([NewTopic(source, 4, 1), NewTopic(target, 4, 1)])
    await admin.close()
    return source, target


async def _bare(servers: str, base_url: str, jobs: int, size: int, rate: float | None = None) -> Bare:
    source, target = await _topics(servers)
    command = [sys.executable, "-m", "tests.benchmark.bare_loop", servers, source, target]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with _process(command, {"OPENAI_BASE_URL": base_url}, log) as process:
            while b"ready" not in log.read_bytes():
                await asyncio.sleep(0.05)
            await _produce(servers, source, target, WARM_UP, size)
            if rate is not None:
                return Bare(latencies=await _produce(servers, source, target, 500, size, rate=rate))
            before = _cpu(process.pid)
            await _produce(servers, source, target, jobs, size)
            return Bare(jobs / (_cpu(process.pid) - before))


async def _relay(servers: str, events: int) -> Row:
    """One hop, records of 800 B, four partitions."""
    speeds = {}
    for kind in ("ledger", "bare"):
        source, target = await _topics(servers)
        command = [sys.executable, "-m", "tests.benchmark.relay", kind, servers, source, target]
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder) / "log"
            with _process(command, {}, log) as process:
                while b"ready" not in log.read_bytes():
                    await asyncio.sleep(0.05)
                await _produce(servers, source, target, WARM_UP, 700)
                before = _cpu(process.pid)
                await _produce(servers, source, target, events, 700)
                speeds[kind] = events / (_cpu(process.pid) - before)
    return Row("one hop's relay, 800 B", speeds["ledger"], speeds["bare"], "events/CPU-s", 0.3)


async def _produce(
    servers: str, source: str, target: str, count: int, size: int, rate: float | None = None
) -> list[float]:
    """Send `count` raw jobs and see them come out; gives the seconds that each took."""
    settings = Settings(kafka=KafkaSettings(bootstrap_servers=servers))
    loop = asyncio.get_running_loop()
    sent: dict[bytes, float] = {}
    producer = AIOKafkaProducer(bootstrap_servers=servers, linger_ms=0 if rate else 5)
    await producer.start()

    async def send() -> None:
        start = loop.time()
        for number in range(count):
            request = {"model": "m", "messages": [{"role": "user", "content": prompt(number, size)}]}
            if rate is not None:
                await asyncio.sleep(start + number / rate - loop.time())
            key = f"j{number}"
            sent[key.encode()] = loop.time()
            await producer.send(source, msgspec.json.encode({"job_id": key, "request": request}), key=key.encode())
        await producer.flush()

    seconds = []
    async with TopicReader(settings, [target], start="end") as reader:
        sending = asyncio.create_task(send())
        async for record in reader.records(follow=True):
            seconds.append(loop.time() - sent[record.key])
            if len(seconds) == count:
                break
        await sending
    await producer.stop()
    return seconds


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
