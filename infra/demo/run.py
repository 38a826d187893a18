"""The demo's five steps: broker, workers, jobs, stop, search."""

import asyncio
import hashlib
import json
import os
import secrets
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Self

import msgspec
from rich.console import Console

from infra.broker import BOOTSTRAP_VARIABLE, Broker, BrokerUnavailable, start_broker
from infra.demo import outcome, verdict
from infra.demo.errors import DemoFailed
from infra.demo.folder import DemoFolder
from infra.demo.samples import POLICY_FILE, load_samples
from infra.demo.screen import Screen
from infra.demo.workers import ROLES, Workers, private_keys
from infra.openai_stub import Mangling, OpenAIStub, StubConfig, Trigger
from infra.sweep import SweepIsBlind
from pipeline.adapters.kafka import open_admin
from pipeline.adapters.keyring import init_keys
from pipeline.adapters.reader import TopicReader
from pipeline.client import Client
from pipeline.errors import VeilError
from pipeline.ports import TopicNames
from pipeline.settings import ENV_PREFIX, Settings, load_settings
from schemas.audit import AuditEvent, AuditRecord, Decision
from schemas.result import Result, Status

JOB_TIMEOUT_S = 60.0
# All that the workers call is on this machine, but a given broker, which no proxy leads to.
_PROXIES = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"})
_KAFKA_PREFIX = f"{ENV_PREFIX}KAFKA__"
_OURS = frozenset({f"{_KAFKA_PREFIX}TOPIC_PREFIX", f"{_KAFKA_PREFIX}PARTITIONS"})
# What the stub does to the answers of jobs whose metadata ask for it.
_MANGLING = Mangling(
    drop=Trigger(marker='"stub":"drop"'),
    lower_case=Trigger(marker='"stub":"mangle"'),
    no_brackets=Trigger(marker='"stub":"mangle"'),
    spaces=Trigger(marker='"stub":"mangle"'),
    invent=Trigger(marker='"stub":"invent"'),
)


def run_demo(keep: bool = False) -> int:
    """Run all five steps; 0 only if every job ended as it should and the search found nothing."""
    console = Console(highlight=False)
    screen = Screen(console)
    try:
        with _end_on_signals(), Demo(screen, keep=keep) as demo:
            demo.start_broker()
            asyncio.run(demo.run_jobs())
            return demo.judge()
    except KeyboardInterrupt:
        screen.end_line()
        print("veil demo: interrupted; everything it started was stopped", file=sys.stderr)
        raise
    except (DemoFailed, BrokerUnavailable) as exc:
        reason = str(exc)
    except VeilError as error:
        reason = f"{error.detail or error.code} [{error.code}]"
    except SweepIsBlind as exc:
        reason = f"the search missed what was planted for it, so it proves nothing: {exc}"
    screen.end_line()
    print(f"veil demo: {reason}", file=sys.stderr)
    return 1


class Demo:
    """One run; its steps are called in order, and leaving it stops and removes whatever there is."""

    def __init__(self, screen: Screen, *, keep: bool = False) -> None:
        self.screen = screen
        self.samples = load_samples()
        self.folder = DemoFolder(keep=keep)
        self._stack = ExitStack()
        self._broker = Broker("")
        self._sent: dict[str, bytes] = {}
        self.results: dict[str, Result] = {}
        self._records: list[bytes] | None = None

    def __enter__(self) -> Self:
        self._stack.enter_context(self.folder)
        self.screen.line("Veilstream: raw jobs in, redacted requests to OpenAI, restored answers out.")
        self.screen.line()
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._stack.close()
        if self.folder.keep:
            self.screen.line()
            self.screen.line(
                f"Kept, with every private key of this run: {self.folder.path} (remove it when you are done).",
                style="yellow",
            )

    def start_broker(self) -> None:
        """Step 1."""
        given = os.environ.get(BOOTSTRAP_VARIABLE, "").strip()
        with self.screen.stage("using the Kafka broker you gave" if given else "starting a Kafka broker"):
            self._broker = self._stack.enter_context(start_broker(data_dir=self.folder.broker))

    async def run_jobs(self) -> None:
        """Steps 2 to 4: everything between a running broker and everything stopped."""
        stub = OpenAIStub(
            StubConfig(mode="tool_calls", mangling=_MANGLING), record=self.folder.openai / "requests.jsonl"
        )
        environment = self._environment()
        with self.screen.stage("starting a stub of OpenAI and three workers, one a role"):
            settings = self._write_settings(environment)
            init_keys(self.folder.keys, now=time.time())
            workers = Workers(self.folder, environment, await stub.start())
            self._stack.callback(workers.kill)
            workers.separate_completer()
            workers.start()
            await workers.ready()
        self._tell_users(workers)
        try:
            with self.screen.stage(f"sending {len(self.samples)} jobs, each sealed to the redactor"):
                self.results = await self._complete(settings, workers)
                self._sent = await self._match(settings, stub)
            self._tell_jobs()
            with self.screen.stage("stopping everything"):
                await workers.save_metrics()
                await workers.stop()
                if self._broker.data_dir is None:
                    self._records = await _all_records(settings)
                    if not self.folder.keep:
                        await _delete_topics(settings)
                self._broker.stop()
        finally:
            await stub.stop()

    def judge(self) -> int:
        """Step 5; the exit code."""
        with self.screen.stage("searching every byte that was written"):
            found = verdict.search(self.folder, self.samples, self._records)
        self.screen.line()
        verdict.show(self.screen, found)
        if self._records is not None:
            self.screen.line(
                "Not looked at: the disk of the broker you gave. Without "
                f"{BOOTSTRAP_VARIABLE} the demo starts its own broker and searches its disk.",
                style="yellow",
                indent=2,
            )
        faults = self._faults()
        self.screen.line()
        self._tell_ends(faults)
        if faults or not found.clean:
            reason = "not every job ended as it should" if found.clean else "the search did not come out clean"
            self.screen.line(f"FAILED: {reason}.", style="bold red")
            return 1
        self.screen.line(
            f"None of the {found.report.canaries} values is in anything that was written or sent to OpenAI.",
            style="bold green",
        )
        self.screen.line()
        self.screen.line("Next: `make test` (all promises), `veil --help` (your own jobs), docs/architecture.md")
        return 0

    def _environment(self) -> dict[str, str]:
        """Ours without the settings of another deployment, but with how to reach a given broker."""
        given = bool(os.environ.get(BOOTSTRAP_VARIABLE, "").strip())
        return {
            name: value
            for name, value in os.environ.items()
            if not (name.startswith((ENV_PREFIX, "OPENAI_")) or name.upper() in _PROXIES)
            or (given and name.startswith(_KAFKA_PREFIX) and name not in _OURS)
        }

    def _write_settings(self, environment: dict[str, str]) -> Settings:
        sections: dict[str, dict[str, str | int]] = {
            "kafka": {
                "bootstrap_servers": self._broker.bootstrap_servers,
                "topic_prefix": f"veil-demo-{secrets.token_hex(4)}.",
                "partitions": 2,
            },
            "keys": {"dir": str(self.folder.keys)},
            "state": {"dir": str(self.folder.state)},
            "policy": {"file": str(POLICY_FILE)},
        }
        lines = [
            line
            for section, values in sections.items()
            for line in (f"[{section}]", *(f"{name} = {json.dumps(value)}" for name, value in values.items()))
        ]
        self.folder.settings.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return load_settings(self.folder.settings, environment)

    async def _complete(self, settings: Settings, workers: Workers) -> dict[str, Result]:
        async def submit() -> dict[str, Result]:
            jobs = [sample.job for sample in self.samples]
            async with Client(settings) as client:
                return {result.job_id: result async for result in client.complete_all(jobs, timeout=JOB_TIMEOUT_S)}

        submitting, watching = asyncio.create_task(submit()), asyncio.create_task(workers.watch())
        try:
            await asyncio.wait([submitting, watching], return_when=asyncio.FIRST_COMPLETED)
            if watching.done():
                watching.result()
            return await submitting
        finally:
            for task in (submitting, watching):
                task.cancel()
            await asyncio.gather(submitting, watching, return_exceptions=True)

    async def _match(self, settings: Settings, stub: OpenAIStub) -> dict[str, bytes]:
        """What OpenAI received for each job: the audit trail has the hash of every request that was let out."""
        audit = TopicNames(settings.kafka.topic_prefix)["audit"]
        owners: dict[str, str] = {}
        async with TopicReader(settings, [audit], start="beginning") as reader:
            async for record in reader.records():
                event = msgspec.json.decode(record.value, type=AuditRecord)
                if not isinstance(event, AuditEvent):
                    continue
                if event.decision is Decision.REDACTED and event.request_sha256 and event.job_id:
                    owners[event.request_sha256] = event.job_id
        sent = {}
        for request in stub.requests:
            owner = owners.get(hashlib.sha256(request.body).hexdigest())
            if owner is None:
                raise DemoFailed("OpenAI received a request that the audit trail does not know")
            sent[owner] = request.body
        return sent

    def _tell_users(self, workers: Workers) -> None:
        for role in ROLES:
            user = f"user {workers.users[role]}, " if role in workers.users else ""
            self.screen.line(f"{role + ':':<12}{user}private keys: {private_keys(role)}", style="dim", indent=4)
        if workers.users:
            told = (
                f"The completer's user tried to read the other roles' {workers.denied_keys} private keys: all refused."
            )
        else:
            told = f"All three run as one user here: {workers.shared_user}."
        self.screen.line(told, style="dim", indent=4)

    def _tell_jobs(self) -> None:
        self.screen.line()
        marks = "Marked: what is sensitive" if self.screen.coloured else "«Marked»: what is sensitive"
        self.screen.line(
            f"{marks}. [KIND_code]: the token that stands for it. Left out below: the short note in every "
            "request that asks the model to copy tokens as they are.",
            style="dim",
            indent=2,
        )
        for number, sample in enumerate(self.samples, 1):
            job_id = sample.job.job_id
            title = f"{number}/{len(self.samples)} {sample.title}"
            outcome.show(self.screen, title, sample, self.results[job_id], self._sent.get(job_id))
        self.screen.line()

    def _tell_ends(self, faults: list[str]) -> None:
        ends = Counter(result.status for result in self.results.values())
        failed = "refused or failed" if faults else "refused"
        words = {Status.COMPLETED: "completed", Status.BLOCKED: "blocked by the policy", Status.FAILED: failed}
        told = ", ".join(f"{ends[status]} {word}" for status, word in words.items() if ends[status])
        self.screen.line(f"{len(self.samples)} jobs: {told}{'' if faults else ', each as it should be'}.", style="bold")
        for fault in faults:
            self.screen.line(fault, style="red", indent=4)

    def _faults(self) -> list[str]:
        faults = []
        for sample in self.samples:
            job_id = sample.job.job_id
            fault = outcome.fault(sample, self.results[job_id], self._sent.get(job_id))
            if fault is not None:
                faults.append(f"{job_id}: {fault}")
        return faults


async def _all_records(settings: Settings) -> list[bytes]:
    """Keys, values and headers of every record that a reader is given."""
    topics = TopicNames(settings.kafka.topic_prefix).all()
    found = []
    async with TopicReader(settings, topics, start="beginning") as reader:
        async for record in reader.records():
            headers = [part for name, value in record.headers for part in (name.encode(), value or b"")]
            found.append(b"\0".join([record.key or b"", record.value or b"", *headers]))
    return found


async def _delete_topics(settings: Settings) -> None:
    admin = await open_admin(settings)
    try:
        await admin.delete_topics(TopicNames(settings.kafka.topic_prefix).all())
    finally:
        await admin.close()


@contextmanager
def _end_on_signals() -> Iterator[None]:
    """SIGTERM and a closed terminal end the demo as Ctrl-C does: in order."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    for number in before:
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
