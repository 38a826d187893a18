"""The sweep can fail: one part of the real pipeline is replaced by one that leaks, and the leak is found.

The stages, the ledger, the broker, the log and the stub of OpenAI are the real ones;
a broken part is a subclass of the real part, or another one handed to it.
"""

import json
import secrets
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
import structlog
from aiokafka import TopicPartition
from prometheus_client import Counter, generate_latest

from agents.ledgers import Ledgers
from agents.metrics import Metrics
from infra.broker import Broker
from infra.canaries import Canary, make_canaries
from infra.openai_stub import OpenAIStub, StubConfig
from infra.sweep import SweepReport, render, sweep
from infra.sweep.search import Place
from pipeline.adapters.finished_topic import FinishedTopic
from pipeline.adapters.kafka import create_topics
from pipeline.adapters.keyring import init_keys, load_keyring
from pipeline.adapters.openai_llm import OpenAILLM, service_at
from pipeline.adapters.reader import TopicReader
from pipeline.audit import AuditTrail
from pipeline.detection.types import Finding
from pipeline.errors import DetectionFailed
from pipeline.keys import Role
from pipeline.logs import configure
from pipeline.policy import Policy, load_policies
from pipeline.policy_detector import LoadedPolicies, PolicyDetectors
from pipeline.ports import Inbound, Outbound, Stage, TopicNames
from pipeline.redaction import Detector
from pipeline.settings import KafkaSettings, KeysSettings, LogSettings, Settings, StateSettings
from pipeline.stages.boundary import Boundary, Case, Work, publish
from pipeline.stages.completer import CompleterWork
from pipeline.stages.once import Once
from pipeline.stages.redactor import RedactorWork
from pipeline.stages.rehydrator import RehydratorWork
from pipeline.text import RawText
from schemas.audit import AuditEvent
from schemas.envelope import Sealed
from schemas.job import Job
from schemas.topics import TopicId
from tests.fakes import AllOfIt
from tests.integration.sweep_scenario import chat, own_broker
from tests.unit.test_logs import process_state

log = structlog.get_logger()


# The pipeline, put together by hand


@dataclass
class Bench:
    """A deployment in one process whose parts can be chosen."""

    settings: Settings
    topics: TopicNames
    folder: Path
    stub: OpenAIStub
    canary: Canary
    metrics: Metrics

    def redactor(
        self, kind: type[RedactorWork] = RedactorWork, detector_for: Callable[[Policy], Detector] | None = None
    ) -> RedactorWork:
        policies = load_policies(None)
        loaded = LoadedPolicies(policies, detector_for or PolicyDetectors(policies))
        work = kind(
            keyring=load_keyring(self.settings.keys.dir, Role.REDACTOR),
            topics=self.topics,
            policies=lambda: loaded,
            limits=self.settings.limits,
            tenants={},
            accept_plain=True,
        )
        if isinstance(work, Careless):
            work.bench = self
        return work

    def boundary(self, role: Role, work: Work, kind: type[Boundary] = Boundary) -> Boundary:
        keyring = load_keyring(self.settings.keys.dir, role)
        return kind(work, keyring=keyring, topics=self.topics, clock=time.time, hash_key=b"k" * 32)

    async def play(self, redactor: Stage, job: bytes) -> None:
        """The job through all three roles; the job itself is handed over, not written to the broker."""
        first = Inbound(topic=self.topics["plain"], partition=0, offset=0, key=None, value=job, timestamp=time.time())
        await self._hop(Role.REDACTOR, redactor, [first])
        base_url = await self.stub.start()
        async with (
            OpenAILLM(self.settings.openai, api_key="test", base_url=base_url) as llm,
            FinishedTopic(self.settings, self.topics["finished"]) as finished,
        ):
            keyring = load_keyring(self.settings.keys.dir, Role.COMPLETER)
            once = Once(finished, self.topics, window=3600.0, reuse_identical=False, clock=time.time)
            completer = CompleterWork(
                keyring=keyring,
                topics=self.topics,
                llm=llm,
                once=once,
                service=service_at(base_url, self.settings.openai),
            )
            await self._hop(Role.COMPLETER, self.boundary(Role.COMPLETER, completer), await self._read("redacted"))
        await self.stub.stop()
        policies = load_policies(None)
        loaded = LoadedPolicies(policies, PolicyDetectors(policies))
        rehydrator = RehydratorWork(
            keyring=load_keyring(self.settings.keys.dir, Role.REHYDRATOR), topics=self.topics, policies=lambda: loaded
        )
        await self._hop(Role.REHYDRATOR, self.boundary(Role.REHYDRATOR, rehydrator), await self._read("completions"))

    async def _hop(self, role: Role, stage: Stage, records: Sequence[Inbound]) -> None:
        keyring = load_keyring(self.settings.keys.dir, role)
        ledgers = Ledgers(
            f"{self.topics.prefix}{role}",
            stage,
            self.settings,
            trail=AuditTrail(role, keyring=keyring, topics=self.topics, settings=self.settings.audit),
            max_in_flight=8,
            metrics=self.metrics.of(role),
        )
        ledgers.read_from(AllOfIt())
        ledgers.assign({TopicPartition(record.topic, record.partition) for record in records})
        for record in records:
            await ledgers.admit(record, since=0)
        await ledgers.drain(None)

    async def _read(self, topic: TopicId) -> list[Inbound]:
        async with TopicReader(self.settings, [self.topics[topic]], start="beginning") as reader:
            return [
                Inbound(
                    topic=record.topic,
                    partition=record.partition,
                    offset=record.offset,
                    key=record.key,
                    value=record.value,
                    timestamp=record.timestamp / 1000,
                )
                async for record in reader.records()
            ]

    async def everything_read(self) -> bytes:
        """All records, for where the broker's files are out of reach."""
        async with TopicReader(self.settings, self.topics.all(), start="beginning") as reader:
            return b"\n".join([(record.key or b"") + b"\n" + record.value async for record in reader.records()])


@pytest.fixture(scope="module")
def searched_broker() -> Iterator[Broker]:
    with own_broker() as broker:
        yield broker


@pytest.fixture
async def bench(searched_broker: Broker, tmp_path: Path) -> AsyncIterator[Bench]:
    number = secrets.randbelow(10**9)
    prefix = f"leak{number}."
    init_keys(tmp_path / "keys", now=1_700_000_000)
    for name in ("state", "stub", "tmp"):
        (tmp_path / name).mkdir()
    settings = Settings(
        kafka=KafkaSettings(bootstrap_servers=searched_broker.bootstrap_servers, topic_prefix=prefix, partitions=1),
        keys=KeysSettings(dir=tmp_path / "keys"),
        state=StateSettings(dir=tmp_path / "state"),
    )
    await create_topics(settings)
    stub = OpenAIStub(StubConfig(mode="echo"), record=tmp_path / "stub" / "requests.jsonl")
    yield Bench(settings, TopicNames(prefix), tmp_path, stub, make_canaries(number)["EMAIL"], Metrics())
    await stub.stop()


@contextmanager
def logging_to(file: Path) -> Iterator[None]:
    """Our logging, as a worker sets it up."""
    with file.open("w") as stream, process_state():
        configure(LogSettings(level="DEBUG", library_level="DEBUG"), stream)
        yield


# The parts that leak


class Careless(RedactorWork):
    """A redactor that remembers what it read, so that its subclasses can do something silly with it."""

    bench: Bench
    said = ""

    def _open(self, inbound: Inbound, case: Case) -> bytes:
        data = super()._open(inbound, case)
        self.said = json.loads(data)["request"]["messages"][0]["content"]
        return data


class InAuditEvent(Careless):
    async def work(self, inbound: Inbound, case: Case) -> Sequence[Outbound]:
        redacted, audit = await super().work(inbound, case)
        event = msgspec.json.decode(audit.value, type=AuditEvent)
        event = msgspec.structs.replace(event, entities={self.said: 1})
        return [redacted, publish(audit.topic, audit.key, event)]


class InDetail(Careless):
    """The usual mistake: a message of somebody else's exception taken for a place."""

    async def work(self, inbound: Inbound, case: Case) -> Sequence[Outbound]:
        await super().work(inbound, case)
        try:
            raise ValueError(f"cannot read {self.said}")
        except ValueError as exc:
            raise DetectionFailed(str(exc)) from None


class InUndeclaredField(Careless):
    async def work(self, inbound: Inbound, case: Case) -> Sequence[Outbound]:
        records = await super().work(inbound, case)
        log.info("job.seen", prompt=self.said, job_id=case.job_id)
        log.info("seen %s", self.said)
        return records


class InDeclaredField(Careless):
    async def work(self, inbound: Inbound, case: Case) -> Sequence[Outbound]:
        records = await super().work(inbound, case)
        log.info("job.seen", detail=self.said)
        return records


class Crashing(Careless):
    async def work(self, inbound: Inbound, case: Case) -> Sequence[Outbound]:
        await super().work(inbound, case)
        raise RuntimeError(self.said)


class InStateFile(Careless):
    async def work(self, inbound: Inbound, case: Case) -> Sequence[Outbound]:
        records = await super().work(inbound, case)
        (self.bench.settings.state.dir / "seen.json").write_text(json.dumps({"seen": self.said}))
        return records


class InTemporaryFile(Careless):
    async def work(self, inbound: Inbound, case: Case) -> Sequence[Outbound]:
        records = await super().work(inbound, case)
        with tempfile.NamedTemporaryFile(dir=self.bench.folder / "tmp", delete=False) as file:
            file.write(self.said.encode("utf-16-le"))
        return records


class InRecordKey(Careless):
    """A key that was to be a hash."""

    def _identify(self, job: Job, case: Case) -> None:
        super()._identify(job, case)
        case.key = job.labels["customer"].encode()


class InMetric(Careless):
    async def work(self, inbound: Inbound, case: Case) -> Sequence[Outbound]:
        seen = Counter("seen", "Senders.", ["sender"], registry=self.bench.metrics.registry)
        records = await super().work(inbound, case)
        seen.labels(sender=self.said).inc()
        return records


class UnsealedOriginal(Boundary):
    """Keeps a record for replay as it came."""

    def _seal_record(self, case: Case) -> Sealed:
        return msgspec.structs.replace(super()._seal_record(case), ciphertext=case.inbound.value or b"")


class Blind:
    """A detector that finds nothing."""

    version = "0" * 16

    def detect(self, text: RawText, *, prose: bool = True) -> list[Finding]:
        return []


def with_work(kind: type[RedactorWork]) -> Callable[[Bench], Stage]:
    return lambda bench: bench.boundary(Role.REDACTOR, bench.redactor(kind))


def blind(bench: Bench) -> Stage:
    return bench.boundary(Role.REDACTOR, bench.redactor(detector_for=lambda _: Blind()))


def unsealed(bench: Bench) -> Stage:
    return bench.boundary(Role.REDACTOR, bench.redactor(), UnsealedOriginal)


BROKER, LOG, STUB, STATE, TEMPORARY, METRICS = "broker", "log", "what OpenAI received", "state", "temporary", "metrics"
PLANTED: dict[str, tuple[Callable[[Bench], Stage], set[str]]] = {
    "nothing": (with_work(RedactorWork), set()),
    "a redactor that only remembers": (with_work(Careless), set()),
    "an undeclared log field and an event with a value": (with_work(InUndeclaredField), set()),
    "an exception with a value in its message": (with_work(Crashing), set()),
    "an audit event": (with_work(InAuditEvent), {BROKER}),
    "a detail, logged and in the dead letter": (with_work(InDetail), {BROKER, LOG}),
    "a declared log field": (with_work(InDeclaredField), {LOG}),
    "a state file": (with_work(InStateFile), {STATE}),
    "a temporary file in UTF-16": (with_work(InTemporaryFile), {TEMPORARY}),
    "a record key": (with_work(InRecordKey), {BROKER}),
    "a metric's label": (with_work(InMetric), {METRICS}),
    "no redaction": (blind, {BROKER, STUB}),
}


async def searched(bench: Bench, broker: Broker) -> SweepReport:
    """What the sweep says of everything the bench wrote; the broker's files are read under its feet."""
    kept: Place
    if broker.log_dir is not None:
        # Not the indexes: offsets alone, and 10 MiB of zeros each while the broker runs.
        files = [file for file in broker.log_dir.rglob("*") if file.suffix not in {".index", ".timeindex"}]
        others = [file for file in files if file.is_file() and not file.parent.name.startswith("leak")]
        kept = others + [file for file in files if file.parent.name.startswith(bench.topics.prefix)]
    else:
        kept = await bench.everything_read()
    places: dict[str, Place] = {
        BROKER: kept,
        LOG: bench.folder / "worker.log",
        STUB: bench.folder / "stub",
        STATE: bench.folder / "state",
        TEMPORARY: bench.folder / "tmp",
        METRICS: generate_latest(bench.metrics.registry),
    }
    return sweep({"planted": bench.canary.value}, places, may_be_empty={STUB, STATE, TEMPORARY})


@pytest.mark.parametrize(("leak", "places"), PLANTED.values(), ids=PLANTED.keys())
async def test_a_leak_is_found_where_it_is_and_shown_by_name_alone(
    bench: Bench, searched_broker: Broker, leak: Callable[[Bench], Stage], places: set[str]
) -> None:
    job = {
        "schema": "job/1",
        "job_id": "planted-1",
        "endpoint": "chat.completions",
        "request": chat(bench.canary.text),
        "labels": {"customer": bench.canary.value},
    }
    with logging_to(bench.folder / "worker.log"):
        await bench.play(leak(bench), json.dumps(job).encode())
    report = await searched(bench, searched_broker)
    assert {hit.place for hit in report.hits} == places
    assert report.problems == []
    assert report.clean is not bool(places)
    shown = render(report)
    assert bench.canary.value not in shown + repr(report)
    assert ("FOUND planted" in shown) is bool(places)


async def test_an_original_that_was_not_sealed_is_found_in_the_dead_letter(
    bench: Bench, searched_broker: Broker
) -> None:
    for kind, found in ((Boundary, False), (UnsealedOriginal, True)):
        with logging_to(bench.folder / "worker.log"):
            redactor = bench.boundary(Role.REDACTOR, bench.redactor(), kind)
            await bench._hop(Role.REDACTOR, redactor, [poison(bench, 0 if kind is Boundary else 1)])
        hits = (await searched(bench, searched_broker)).hits
        assert {(hit.canary, hit.place) for hit in hits} == ({("planted", BROKER)} if found else set())
        assert all("dead-letters" in hit.where for hit in hits) or searched_broker.log_dir is None


def poison(bench: Bench, offset: int) -> Inbound:
    value = f'{{"text": "{bench.canary.text}'.encode()
    return Inbound(
        topic=bench.topics["plain"], partition=0, offset=offset, key=None, value=value, timestamp=time.time()
    )
