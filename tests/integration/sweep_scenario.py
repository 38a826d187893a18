"""Every kind of job against one deployment of three processes, canaries in every place one can stand.

Jobs that complete, that are refused, blocked, poisoned, that OpenAI fails, and that
are in flight when every role is killed. What came of them is an `Outcome`.
"""

import asyncio
import contextlib
import itertools
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from agents.plain_jobs import raw_bytes_gone_after
from infra.broker import Broker, BrokerUnavailable, start_broker
from infra.canaries import Canary, make_canaries
from infra.openai_stub import OpenAIStub, StubConfig
from pipeline.adapters.kafka import open_admin
from pipeline.adapters.keyring import init_keys
from pipeline.client import Client
from pipeline.detection import build_detector
from pipeline.keys import Role
from pipeline.ports import TopicNames
from pipeline.settings import (
    DeliverySettings,
    KafkaSettings,
    KeysSettings,
    LogSettings,
    OpenAISettings,
    PolicySettings,
    Settings,
    StateSettings,
)
from pipeline.submission import UnsafeJobId
from pipeline.text import RawText
from schemas.codes import ErrorCode
from schemas.deadletter import DeadLetter
from schemas.envelope import Envelope
from schemas.job import Endpoint, Job
from schemas.result import Result, Status
from tests.integration.deployment import Deployment, environment_of, eventually

KafkaRecord = tuple[bytes | None, bytes, tuple[tuple[str, bytes], ...]]
"""Key, value, headers."""

SEED = 1
TIMEOUT = 60.0
PROCESSED = "veil_records_processed_total"
PREFIX = "sweep."
IN_NAMES_LIST = ("PERSON", "ORGANIZATION", "CITY", "LOCATION")
FAILURES: dict[str, ErrorCode] = {
    "bad_request": ErrorCode.OPENAI_REJECTED,
    "server_error": ErrorCode.OPENAI_UNAVAILABLE,
    "unavailable": ErrorCode.OPENAI_UNAVAILABLE,
    "rate_limit": ErrorCode.OPENAI_RATE_LIMITED,
    "hang": ErrorCode.OPENAI_TIMEOUT,
    "cut": ErrorCode.OPENAI_UNAVAILABLE,
    "malformed_json": ErrorCode.OPENAI_MALFORMED_ANSWER,
}


@dataclass
class Outcome:
    """What the deployment gave back and left behind."""

    canaries: dict[str, Canary] = field(default_factory=dict)
    results: dict[str, Result] = field(default_factory=dict)
    expected: dict[str, str] = field(default_factory=dict)
    refusals: dict[str, str] = field(default_factory=dict)
    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    letters: list[DeadLetter] = field(default_factory=list)
    killed_at_work: dict[str, int] = field(default_factory=dict)
    exit_codes: dict[str, int] = field(default_factory=dict)
    plain_left: dict[TopicPartition, tuple[int, int]] = field(default_factory=dict)
    plain_place: list[Path] = field(default_factory=list)
    command_codes: dict[str, int] = field(default_factory=dict)
    command_results: list[Result] = field(default_factory=list)
    places: dict[str, Any] = field(default_factory=dict)

    @property
    def values(self) -> dict[str, str]:
        return {kind: canary.value for kind, canary in self.canaries.items()}


@contextlib.contextmanager
def own_broker() -> Iterator[Broker]:
    """One whose files can be searched where there can be one, else any."""
    with contextlib.ExitStack() as stack:
        try:
            broker = stack.enter_context(start_broker(local=True))
        except BrokerUnavailable:
            broker = stack.enter_context(start_broker())
        yield broker


@contextlib.contextmanager
def everything_said(file: Path) -> Iterator[None]:
    """What this process prints and logs, arguments formatted in, as a service with a careless set-up would keep it."""
    root = logging.getLogger()
    level = root.level
    with file.open("w") as out, contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        handler = logging.StreamHandler(out)
        root.addHandler(handler)
        root.setLevel(logging.DEBUG)
        try:
            yield
        finally:
            root.removeHandler(handler)
            root.setLevel(level)


def broker_files(broker: Broker) -> Iterator[Path]:
    """Every file of the broker; of plain jobs too nothing may be left by now."""
    top = broker.data_dir if broker.data_dir is not None else broker.log_dir
    if top is None or broker.log_dir is None:
        return
    for path in sorted(top.rglob("*")):
        if path.is_file():
            yield path


def write_policy(file: Path, canaries: Mapping[str, Canary]) -> None:
    """Names by exact lists; the kinds that are off by default, on."""
    lines = []
    for kind in IN_NAMES_LIST:
        lines += ["[[custom]]", f'entity = "{kind}"', f"exact = {json.dumps([canaries[kind].value])}"]
    lines += ["[entities]", 'HOSTNAME = "redact"', 'UUID = "redact"']
    lines += ["[policies.no-cards.entities]", 'CREDIT_CARD = "block"']
    file.write_text("\n".join(lines), encoding="utf-8")


class Scenario:
    """Plays every kind of job against one deployment and notes what came of it."""

    def __init__(self, broker: Broker, folder: Path, outcome: Outcome) -> None:
        self.folder = folder
        self.outcome = outcome
        everything = make_canaries(SEED)
        (folder / "policy").mkdir()
        policy_file = folder / "policy" / "policy.toml"
        write_policy(policy_file, everything)
        outcome.canaries = everything
        alone = build_detector()
        # Of the others nothing tells an id from any other: a number, say, that only its sentence makes an account's.
        self.found_alone = {
            kind for kind, canary in outcome.canaries.items() if alone.detect(RawText(canary.value), prose=False)
        }
        init_keys(folder / "keys", now=1_700_000_000)
        self.settings = Settings(
            kafka=KafkaSettings(
                bootstrap_servers=broker.bootstrap_servers,
                topic_prefix=PREFIX,
                partitions=2,
                session_timeout=6.0,
                heartbeat_interval=1.0,
            ),
            keys=KeysSettings(dir=folder / "keys"),
            state=StateSettings(dir=folder / "state"),
            policy=PolicySettings(file=policy_file, accept_plain=True),
            openai=OpenAISettings(timeout=3.0, max_attempts=2, backoff=0.05),
            delivery=DeliverySettings(drain_deadline=10.0),
            log=LogSettings(level="DEBUG", library_level="DEBUG"),
        )
        self.topics = TopicNames(PREFIX)
        self.log_dir = broker.log_dir
        self.metrics: list[str] = []

    async def play(self) -> None:
        recorded = self.folder / "stub" / "requests.jsonl"
        recorded.parent.mkdir()
        self.stub = OpenAIStub(StubConfig(mode="echo", retry_after_s=0.05), record=recorded)
        for name in FAILURES:
            getattr(self.stub.config.failures, name).marker = f"fail-{name}"
        base_url = await self.stub.start()
        workers = self.folder / "workers"
        # A careless operator's variables: none may get a payload printed.
        careless = {"OPENAI_LOG": "debug", "PYTHONFAULTHANDLER": "1", "PYTHONASYNCIODEBUG": "0"}
        try:
            async with Deployment(self.settings, workers, openai_base_url=base_url, environment=careless) as deployment:
                self.deployment = deployment
                await deployment.start()
                async with Client(self.settings) as client:
                    self.client = client
                    await self.sealed_jobs()
                    await self.unsafe_ids()
                    await self.poisoned_jobs()
                    await self.plain_records()
                    await self.crashes()
                    await self.plain_records_are_deleted()
                    self.outcome.letters = [
                        msgspec.json.decode(value, type=DeadLetter)
                        for _, value, _ in await self.consume("dead_letters")
                    ]
                await self.command_line()
                self.metrics.append(await deployment.metrics())
                consumed = await self.consume_everything()
                self.outcome.exit_codes = await deployment.terminate()
        finally:
            await self.stub.stop()
        self.outcome.places |= {
            **{f"the {role}'s folder": workers / role for role in ("redactor", "completer", "rehydrator")},
            "metrics": "\n".join(self.metrics).encode(),
            "what OpenAI received": recorded,
            "what a reader of the topics gets": consumed,
            "command line": self.folder / "commands",
        }

    # Jobs that come sealed

    async def sealed_jobs(self) -> None:
        jobs: dict[str, Job] = {}
        for kind, canary in self.outcome.canaries.items():
            labels = {"customer": canary.value}
            jobs[f"good {kind}"] = self.client.job(chat_request(canary, canary.value), labels=labels)
            self.outcome.expected[f"good {kind}"] = canary.text
            self.outcome.labels[f"good {kind}"] = labels
        for kind in list(self.outcome.canaries)[::4]:
            canary = self.outcome.canaries[kind]
            jobs[f"response {kind}"] = self.client.job(
                responses_request(canary, canary.value), endpoint=Endpoint.RESPONSES
            )
            self.outcome.expected[f"response {kind}"] = canary.text
            inputs = {"model": "text-embedding-3-small", "input": [canary.text, "x"], "user": canary.value}
            jobs[f"embedding {kind}"] = self.client.job(inputs, endpoint=Endpoint.EMBEDDINGS)
        everything = "\n".join(canary.text for canary in self.outcome.canaries.values())
        for failure in FAILURES:
            jobs[f"failing {failure}"] = self.client.job(
                chat(everything, metadata={"case": f"fail-{failure}"}), labels={"customer": everything[:200]}
            )
        jobs |= self.refused_jobs(everything)
        names = list(jobs)
        results = await asyncio.gather(*(self.client.complete(jobs[name], timeout=TIMEOUT) for name in names))
        self.outcome.results |= dict(zip(names, results, strict=True))

    def refused_jobs(self, everything: str) -> dict[str, Job]:
        token = self.outcome.canaries["GITHUB_TOKEN"].value
        card = self.outcome.canaries["CREDIT_CARD"]
        email = self.outcome.canaries["EMAIL"].value
        image = [{"type": "image_url", "image_url": {"url": self.outcome.canaries["URL"].value}}]
        tool = {"type": "function", "function": {"name": token, "parameters": {}}}
        keyed = {"type": "function", "function": {"name": "f", "parameters": {"properties": {email: {}}}}}
        request = self.client.job
        return {
            "blocked by policy": request(chat(everything), policy="no-cards", labels={"customer": card.value}),
            "refused web_search": request(chat(everything, web_search_options={"user_location": everything})),
            "refused image": request({"model": "m", "messages": [{"role": "user", "content": image}]}),
            "refused part": request({"model": "m", "messages": [{"role": "user", "content": [{"type": email}]}]}),
            "refused role": request({"model": "m", "messages": [{"role": email, "content": everything}]}),
            "refused field": request(chat("x", **{email: everything})),
            "refused field's name": request(chat("x", **{token: 1})),
            "refused tool name": request(chat("x", tools=[tool])),
            "refused tool key": request(chat("x", tools=[keyed])),
            "refused metadata key": request(chat("x", metadata={email: "x"})),
            "refused enum": request(chat("x", service_tier=email)),
            "refused model": request({"model": token, "messages": [{"role": "user", "content": "x"}]}),
            "refused seed": request(chat("x", seed=int(card.value.replace(" ", "")))),
            "refused number": request(chat("x", temperature=email)),
            "refused reply_to": request(chat("x"), reply_to=token),
            "refused policy": request(chat("x"), policy=token),
            "refused deadline": request(chat(everything), deadline=1.0),
            "late deadline": request(chat("x"), deadline=float(card.value.replace(" ", ""))),
        }

    # Ids in the clear

    async def unsafe_ids(self) -> None:
        """The client refuses each before anything is written; what it raises shows nothing."""
        before = await self.ends("jobs", "plain")
        for kind in self.found_alone:
            canary = self.outcome.canaries[kind]
            for name in ("job_id", "tenant", "conversation"):
                try:
                    await self.client.submit(self.client.job(chat("x"), **{name: canary.value}))
                except (UnsafeJobId, msgspec.ValidationError) as exc:
                    self.outcome.refusals[f"{name} {kind}"] = f"{exc!r} {exc}"
                else:
                    self.outcome.refusals[f"{name} {kind}"] = f"{kind} was accepted"
        assert await self.ends("jobs", "plain") == before

    # Records that are no job

    async def poisoned_jobs(self) -> None:
        """Sealed bytes that are no job, envelopes that do not fit, each from somebody who has the public key."""
        good = self.client.job(chat("x"))
        envelopes = [self.client._seal(good, data) for data in poison(self.outcome.canaries)]
        envelope = msgspec.json.decode(self.client._seal(good, msgspec.json.encode(good)), type=Envelope)
        sealed = envelope.sealed
        bent = sealed.ciphertext[:-1] + bytes([sealed.ciphertext[-1] ^ 1])
        changes: list[dict[str, Any]] = [
            {"sealed": msgspec.structs.replace(sealed, ciphertext=bent)},
            {"sealed": msgspec.structs.replace(sealed, key_id="0" * 16)},
            {"tenant": "other"},
            {"job_id": "other"},
            {"binding": "0" * 64},
        ]
        envelopes += [msgspec.json.encode(msgspec.structs.replace(envelope, **changed)) for changed in changes]
        await self.produce("jobs", [(None, value, ()) for value in envelopes])
        await self.read_up_to_here("jobs")

    async def plain_records(self) -> None:
        """From a plain Kafka client: raw by its own doing, in key, value and headers."""
        values: list[bytes] = list(poison(self.outcome.canaries))
        elsewhere = itertools.cycle(["conversation", "policy", "reply_to", "reply_key", "endpoint", "schema"])
        for kind, canary in self.outcome.canaries.items():
            job = {"schema": "job/1", "job_id": f"plain-{kind}", "endpoint": "chat.completions"}
            bad = {**job, "job_id": f"bad-{kind}", "request": chat("x")}
            values.append(json.dumps({**job, "request": chat(canary.text), "labels": {"l": canary.value}}).encode())
            places = [next(elsewhere), next(elsewhere)]
            if kind in self.found_alone:
                places += ["job_id", "tenant"]
            values += [json.dumps({**bad, name: canary.value}).encode() for name in places]
            values.append(json.dumps({**bad, canary.value: 1}).encode())
        canaries = list(self.outcome.canaries.values())
        records: list[KafkaRecord] = []
        for number, value in enumerate(values):
            text = canaries[number % len(canaries)].value
            records.append((text.encode(), value, ((text, text.encode()),)))
        logging.disable(logging.CRITICAL)  # that client's own logs are not ours to keep clean
        try:
            await self.produce("plain", records)
        finally:
            logging.disable(logging.NOTSET)
        self.keep_plain_files()
        await self.read_up_to_here("plain")
        async for result in self.plain_results():
            kind = result.job_id.removeprefix("plain-")
            self.outcome.results[f"plain {kind}"] = result
            self.outcome.expected[f"plain {kind}"] = self.outcome.canaries[kind].text

    def plain_files(self) -> dict[str, bytes]:
        """What lies in the plain topic's folders now, by file name."""
        found: dict[str, bytes] = {}
        for path in self.log_dir.glob(f"{PREFIX}jobs.plain-*/*") if self.log_dir is not None else ():
            with contextlib.suppress(FileNotFoundError):  # deleted since it was listed
                found[f"{path.parent.name}-{path.name}"] = path.read_bytes()
        return found

    def keep_plain_files(self) -> None:
        """As they are while the records are still raw on the disk."""
        folder = self.folder / "plain"
        folder.mkdir()
        for name, content in self.plain_files().items():
            (folder / name).write_bytes(content)
            self.outcome.plain_place.append(folder / name)

    async def plain_results(self) -> AsyncIterator[Result]:
        """The plain jobs' completed results, once each is there."""
        waited = {f"plain-{kind}" for kind in self.outcome.canaries}
        async with asyncio.timeout(TIMEOUT):
            async for result in self.client.results(follow=True):
                if result.job_id in waited and result.status is Status.COMPLETED:
                    waited.discard(result.job_id)
                    yield result
                if not waited:
                    return

    async def plain_records_are_deleted(self) -> None:
        """DeleteRecords moves the start of each partition up to its end."""
        async with self.consumer() as consumer:
            partitions = [TopicPartition(self.topics["plain"], number) for number in range(2)]
            starts, ends = {partitions[0]: 0}, {partitions[0]: 1}
            async with asyncio.timeout(TIMEOUT):
                while starts != ends:
                    starts = await consumer.beginning_offsets(partitions)
                    ends = await consumer.end_offsets(partitions)
        self.outcome.plain_left = {tp: (starts[tp], ends[tp]) for tp in partitions}
        await eventually(
            lambda: sum(len(content) for name, content in self.plain_files().items() if ".log" in name) < 1000,
            timeout=raw_bytes_gone_after(check_interval_ms=1000, file_delete_delay_ms=1000) + 5.0,
            what="plain jobs leaving the broker's disk",
        )

    # Crashes

    async def crashes(self) -> None:
        """Each role is killed in the middle of a stream of jobs, and started again; every job ends."""
        self.metrics.append(await self.deployment.metrics())
        self.stub.config.latency_s, self.stub.config.latency_jitter_s = 0.2, 1.5
        workers = self.deployment.workers
        restored = await workers[Role.REHYDRATOR].metric(PROCESSED)
        waits: dict[str, asyncio.Future[Result]] = {}
        for number in range(2):
            for kind, canary in self.outcome.canaries.items():
                job = self.client.job(chat(canary.text))
                waits[f"crashed {kind} {number}"] = asyncio.ensure_future(self.client.complete(job, timeout=TIMEOUT))
            if number == 0:
                await eventually(lambda: self.stub.stats()["in_flight"] > 5, timeout=TIMEOUT, what="calls in flight")
        await self.kill_at_work(Role.REDACTOR, "jobs")
        async with asyncio.timeout(TIMEOUT):
            while await workers[Role.REHYDRATOR].metric(PROCESSED) <= restored:
                await asyncio.sleep(0.02)
        await self.kill_at_work(Role.REHYDRATOR, "completions")
        self.outcome.killed_at_work[Role.COMPLETER] = self.stub.stats()["in_flight"]
        workers[Role.COMPLETER].kill()
        self.stub.config.latency_s = self.stub.config.latency_jitter_s = 0.0
        await self.deployment.start()
        results = await asyncio.gather(*waits.values())
        self.outcome.results |= dict(zip(waits, results, strict=True))
        self.outcome.expected |= {name: self.outcome.canaries[name.split()[1]].text for name in waits}

    async def kill_at_work(self, role: Role, topic: str) -> None:
        """SIGKILL where records are waiting: it is stopped for as long as they are counted."""
        worker = self.deployment.workers[role]
        async with asyncio.timeout(TIMEOUT):
            while True:
                worker.signal(signal.SIGSTOP)
                waiting = sum((await self.ends(topic)).values()) - await self.settled(topic, role)
                if waiting > 0:
                    break
                worker.signal(signal.SIGCONT)
                await asyncio.sleep(0.02)
        worker.kill()
        self.outcome.killed_at_work[role] = waiting

    # The command line

    async def command_line(self) -> None:
        """`veil` as a person runs it: what it prints is kept; `--out` alone may hold results, as its help says."""
        kept = self.folder / "commands"
        kept.mkdir()
        jobs, out = self.folder / "jobs.jsonl", self.folder / "results.jsonl"
        chosen = list(self.outcome.canaries.values())[:5]
        lines = [{"endpoint": "chat.completions", "request": chat(canary.text)} for canary in chosen]
        jobs.write_text("\n".join(json.dumps(line) for line in lines))
        commands = {
            "submit": ["submit", str(jobs), "--wait", "--timeout", "60", "--out", str(out)],
            "list": ["dlq", "list"],
            "doctor": ["doctor"],
        }
        environment = {**os.environ, **environment_of(self.settings), "OPENAI_BASE_URL": self.stub.base_url}

        def run(name: str) -> int:
            with (kept / name).open("wb") as file:
                command = [sys.executable, "-m", "agents", *commands[name]]
                return subprocess.run(
                    command, env=environment, stdout=file, stderr=subprocess.STDOUT, check=False
                ).returncode

        codes = await asyncio.gather(*(asyncio.to_thread(run, name) for name in commands))
        self.outcome.command_codes = dict(zip(commands, codes, strict=True))
        self.outcome.command_codes["mode of --out"] = out.stat().st_mode & 0o777
        self.outcome.command_results = [
            msgspec.json.decode(line, type=Result) for line in out.read_bytes().splitlines()
        ]

    # Kafka

    @contextlib.asynccontextmanager
    async def consumer(self) -> AsyncIterator[AIOKafkaConsumer]:
        """Reads aborted and unfinished transactions too: they lie on the disk as well."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.settings.kafka.bootstrap_servers,
            isolation_level="read_uncommitted",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        await consumer.start()
        try:
            yield consumer
        finally:
            await consumer.stop()

    async def ends(self, *topics: Any) -> dict[TopicPartition, int]:
        async with self.consumer() as consumer:
            partitions = [TopicPartition(self.topics[topic], number) for topic in topics for number in range(2)]
            ends: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
        return ends

    async def consume(self, topic: Any) -> list[KafkaRecord]:
        """Every record of a topic."""
        found: list[KafkaRecord] = []
        async with self.consumer() as consumer:
            partitions = [TopicPartition(self.topics[topic], number) for number in range(2)]
            consumer.assign(partitions)
            ends = await consumer.end_offsets(partitions)
            while [tp for tp in partitions if await consumer.position(tp) < ends[tp]]:
                for batch in (await consumer.getmany(timeout_ms=200)).values():
                    found += [(record.key, record.value, tuple(record.headers)) for record in batch]
        return found

    async def consume_everything(self) -> bytes:
        """Every record of every topic but the plain one, as one would find them without the broker's files."""
        parts: list[bytes] = []
        for topic in ("jobs", "redacted", "completions", "finished", "results", "dead_letters", "audit"):
            for key, value, headers in await self.consume(topic):
                parts += [key or b"", value or b"", *(part for name, text in headers for part in (name.encode(), text))]
        return b"\n".join(parts)

    async def produce(self, topic: Any, records: list[KafkaRecord]) -> None:
        async with AIOKafkaProducer(bootstrap_servers=self.settings.kafka.bootstrap_servers) as producer:
            for key, value, headers in records:
                await producer.send(self.topics[topic], value, key=key, headers=list(headers))

    async def read_up_to_here(self, topic: Any) -> None:
        """Wait until the redactor has settled every record that the topic holds now."""
        ends = await self.ends(topic)
        async with asyncio.timeout(TIMEOUT):
            while await self.settled(topic, Role.REDACTOR) < sum(ends.values()):
                await asyncio.sleep(0.1)

    async def settled(self, topic: Any, role: Role) -> int:
        """How many records of a topic a role has done with, by the offsets it committed."""
        admin = await open_admin(self.settings)
        try:
            partitions = [TopicPartition(self.topics[topic], number) for number in range(2)]
            offsets = await admin.list_consumer_group_offsets(f"{PREFIX}{role}", partitions=partitions)
            return sum(max(found.offset, 0) for found in offsets.values())
        finally:
            await admin.close()


def chat(text: str, **fields: Any) -> dict[str, Any]:
    return {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}], **fields}


def chat_request(canary: Canary, alone: str) -> dict[str, Any]:
    """A request that holds the canary wherever one can stand, in its sentence or on its own."""
    text, value = canary.text, alone
    document = json.dumps({"note": text, "rows": [{"value": value}, {"value": value, "text": text}]}, indent=1)
    call = {"id": value, "type": "function", "function": {"name": "look_up", "arguments": json.dumps({"q": text})}}
    schema = {"type": "object", "properties": {"note": {"type": "string", "description": text, "default": value}}}
    return {
        "model": "gpt-4o-mini",
        "messages": [
            {"role": "system", "content": f"Help the customer. {text}"},
            {"role": "developer", "content": text},
            {
                "role": "user",
                "name": value,
                "content": [{"type": "text", "text": text}, {"type": "text", "text": value}],
            },
            {"role": "user", "content": document},
            {"role": "assistant", "content": text, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": value, "content": document},
            {"role": "user", "content": text},
        ],
        "tools": [{"type": "function", "function": {"name": "look_up", "description": text, "parameters": schema}}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "a", "description": text, "schema": schema}},
        "prediction": {"type": "content", "content": text},
        "metadata": {"note": text, "value": value},
        "user": value,
        "prompt_cache_key": value,
        "stop": [value],
    }


def responses_request(canary: Canary, alone: str) -> dict[str, Any]:
    text, value = canary.text, alone
    return {
        "model": "gpt-4o-mini",
        "instructions": text,
        "input": [
            {"type": "function_call", "call_id": value, "name": "look_up", "arguments": json.dumps({"q": text})},
            {"type": "function_call_output", "call_id": value, "output": json.dumps({"found": text, "v": value})},
            {"role": "user", "content": [{"type": "input_text", "text": text}]},
        ],
        "metadata": {"note": text},
        "user": value,
    }


def poison(canaries: Mapping[str, Canary]) -> Iterator[bytes]:
    """Bytes that are no job, each with canaries in it."""
    text = "\n".join(canary.text for canary in canaries.values())
    email = canaries["EMAIL"].value
    job: dict[str, Any] = {"schema": "job/1", "job_id": "p", "endpoint": "chat.completions", "request": chat(text)}
    whole = json.dumps(job).encode()
    yield text.encode()
    yield whole[: len(whole) // 2]
    yield whole + email.encode()
    yield whole[:-2] + b"\xff" + whole[-2:]
    yield text.encode("utf-16")
    yield json.dumps([job]).encode()
    yield json.dumps({**job, "schema": email}).encode()
    yield json.dumps({**job, "endpoint": email}).encode()
    yield json.dumps({**job, email: email}).encode()
    yield json.dumps({**job, "job_id": [text]}).encode()
    yield json.dumps({**job, "labels": {email: text}}).encode()
    yield json.dumps({**job, "labels": {"l": text * 9}}).encode()
    yield json.dumps({**job, "deadline": email}).encode()
    yield json.dumps({**job, "reply_key": email}).encode()
    yield json.dumps({**job, "request": text}).encode()
    yield json.dumps({**job, "request": chat(text + "\ud800")}).encode()
    yield json.dumps({**job, "request": chat(text)})[:-2].encode() + b',"model":"twice"}}'
    yield b'{"schema":"job/1","job_id":"p","endpoint":"chat.completions","request":' + b'{"a":' * 200 + whole
