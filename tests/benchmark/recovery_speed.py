"""How long a completer that has lost everything takes to know its finished jobs again, and what that memory takes."""

import asyncio
import gc
import secrets
import tempfile
import time
import tracemalloc
import uuid
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import msgspec
import psutil  # type: ignore[import-untyped]
from aiokafka import AIOKafkaProducer

from infra.broker import start_broker
from pipeline.adapters.finished_topic import FinishedTopic
from pipeline.adapters.kafka import create_topics, producer_options
from pipeline.finished import FinishedIndex, body_key, job_key
from pipeline.ports import TopicNames
from pipeline.settings import KafkaSettings, Settings, StateSettings
from pipeline.stages.once import BODY_HEADER, Once
from schemas.finished import Finished
from schemas.redacted import JobDigest

RESPONSE_BYTES = 1000
FETCHES = 500


class Recovery(msgspec.Struct, frozen=True):
    """One measurement: wall and CPU seconds to load, megabytes resident that it cost, fetches a second afterwards."""

    partitions: int
    entries: int
    seconds: float
    cpu_seconds: float
    megabytes: float
    fetches_per_second: float


def measure(entries: int, partition_counts: tuple[int, ...]) -> list[Recovery]:
    """Fill a topic for each number of partitions and load it as ledgers do: all partitions at once."""
    # A process for each, or the second would grow into what the first has left.
    with (
        start_broker() as broker,
        ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as processes,
    ):
        return [
            processes.submit(_measure_apart, broker.bootstrap_servers, entries, partitions).result()
            for partitions in partition_counts
        ]


def index_bytes(entries: int = 100_000) -> float:
    """Bytes of memory of one entry of the index."""
    keys = [secrets.token_bytes(16) for _ in range(entries)]
    gc.collect()
    tracemalloc.start()
    index = FinishedIndex(24 * 3600.0)
    for offset, key in enumerate(keys):
        # As it comes from the topic: a key of its own, spread over the window.
        index.add(bytes(bytearray(key)), 1_000_000 + offset, at=86_400.0 * offset / entries)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return taken / entries


def _measure_apart(servers: str, entries: int, partitions: int) -> Recovery:
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure(servers, Path(folder), entries, partitions))


async def _measure(servers: str, folder: Path, entries: int, partitions: int) -> Recovery:
    settings = Settings(
        kafka=KafkaSettings(bootstrap_servers=servers, topic_prefix=f"r{uuid.uuid4().hex[:6]}.", partitions=partitions),
        state=StateSettings(dir=folder),
    )
    topics = TopicNames(settings.kafka.topic_prefix)
    await create_topics(settings)
    await _fill(settings, topics["finished"], entries, partitions)
    gc.collect()
    process = psutil.Process()
    resident, cpu, start = process.memory_info().rss, time.process_time(), time.perf_counter()
    async with FinishedTopic(settings, topics["finished"]) as store:
        once = Once(store, topics, window=24 * 3600.0, reuse_identical=False, clock=time.time)
        await asyncio.gather(*(once.load(number) for number in range(partitions)))
        seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu
        gc.collect()
        megabytes = (process.memory_info().rss - resident) / 1e6
        assert sum(len(index) for index in once._indexes.values()) == entries
        start = time.perf_counter()
        for number in range(FETCHES):
            job = number * (entries // FETCHES)
            offset = once._indexes[job % partitions].find(job_key("default", f"job-{job}"))
            assert offset is not None
            assert await store.fetch(job % partitions, offset) is not None
        fetches = FETCHES / (time.perf_counter() - start)
    return Recovery(partitions, entries, seconds, cpu_seconds, megabytes, fetches)


async def _fill(settings: Settings, topic: str, entries: int, partitions: int) -> None:
    """Write what a completer writes: one state record a job."""
    async with AIOKafkaProducer(**producer_options(settings), transactional_id=uuid.uuid4().hex) as producer:
        for start in range(0, entries, 5000):
            async with producer.transaction():
                for number in range(start, min(start + 5000, entries)):
                    finished = Finished(
                        job_digest=JobDigest(key_id="0" * 16, value=secrets.token_hex(16)),
                        request_sha256=secrets.token_hex(32),
                        response=secrets.token_bytes(RESPONSE_BYTES),
                        completed_at=time.time(),
                    )
                    body = body_key("default", "chat.completions", b"%d" % number)
                    await producer.send(
                        topic,
                        msgspec.json.encode(finished),
                        key=job_key("default", f"job-{number}"),
                        partition=number % partitions,
                        headers=[(BODY_HEADER, body)],
                    )
