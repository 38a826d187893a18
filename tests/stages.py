"""The three roles' stages, one after the other in memory: real keys, a real policy, real calls, no broker."""

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from pipeline.adapters.keyring import load_keyring
from pipeline.adapters.openai_llm import OpenAILLM, service_at
from pipeline.keys import KeyName, Role
from pipeline.policy import Policies, load_policies
from pipeline.policy_detector import LoadedPolicies, PolicyDetectors
from pipeline.ports import LLM, Inbound, Outbound, TopicNames
from pipeline.redaction import Detector
from pipeline.results import open_result
from pipeline.settings import LimitSettings, OpenAISettings
from pipeline.stages.boundary import Boundary, Work
from pipeline.stages.completer import CompleterWork
from pipeline.stages.once import Once
from pipeline.stages.redactor import RedactorWork
from pipeline.stages.rehydrator import RehydratorWork
from schemas.audit import AuditEvent
from schemas.completion import Completion
from schemas.deadletter import DeadLetter
from schemas.envelope import Envelope
from schemas.job import Endpoint, Job
from schemas.redacted import RedactedRequest
from schemas.result import Result
from tests.fakes import MemoryFinished

TOPICS = TopicNames("t.")


class Played:
    """What the stages have published, by topic."""

    def __init__(self, keys_dir: Path) -> None:
        self._keyring = load_keyring(keys_dir, Role.CLIENT)
        self.records: defaultdict[str, list[Outbound]] = defaultdict(list)

    def add(self, records: Sequence[Outbound]) -> None:
        for record in records:
            self.records[record.topic].append(record)

    def events(self, stage: str | None = None) -> list[AuditEvent]:
        """The audit events, or those of one stage."""
        events = [msgspec.json.decode(record.value, type=AuditEvent) for record in self.records[TOPICS["audit"]]]
        return [event for event in events if stage in (None, event.stage)]

    def results(self) -> list[Result]:
        """The results, opened."""
        opened = []
        for record in self.records[TOPICS["results"]]:
            envelope = msgspec.json.decode(record.value, type=Envelope)
            opened.append(open_result(envelope, self._keyring.opening_key(KeyName.RESULTS, envelope.sealed.key_id)))
        return opened

    def requests(self) -> list[RedactedRequest]:
        """The redacted requests."""
        return [msgspec.json.decode(record.value, type=RedactedRequest) for record in self.records[TOPICS["redacted"]]]

    def completions(self) -> list[Completion]:
        """What the completer has handed on."""
        return [msgspec.json.decode(record.value, type=Completion) for record in self.records[TOPICS["completions"]]]

    def letters(self) -> list[DeadLetter]:
        """The dead letters."""
        return [msgspec.json.decode(record.value, type=DeadLetter) for record in self.records[TOPICS["dead_letters"]]]


class Stages:
    """One redactor, completer and rehydrator."""

    def __init__(
        self,
        keys_dir: Path,
        llm: LLM,
        *,
        base_url: str,
        openai: OpenAISettings,
        policies: Policies | None = None,
        restoring: Policies | None = None,
        restoring_detector: Detector | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        policies = policies or load_policies(None)
        self._keys_dir = keys_dir
        self._clock = clock
        self.store = MemoryFinished()
        self.once = Once(self.store, TOPICS, window=3600.0, reuse_identical=openai.reuse_identical, clock=clock)
        redactor = RedactorWork(
            keyring=load_keyring(keys_dir, Role.REDACTOR),
            topics=TOPICS,
            policies=_loaded(policies),
            limits=LimitSettings(),
            tenants={},
            accept_plain=True,
            stream=openai.stream,
        )
        completer = CompleterWork(
            keyring=load_keyring(keys_dir, Role.COMPLETER),
            topics=TOPICS,
            llm=llm,
            once=self.once,
            service=service_at(base_url, openai),
        )
        restoring = restoring or policies
        rehydrator = RehydratorWork(
            keyring=load_keyring(keys_dir, Role.REHYDRATOR),
            topics=TOPICS,
            policies=_loaded(restoring, restoring_detector),
        )
        self.redactor = self._boundary(Role.REDACTOR, redactor)
        self.completer = self._boundary(Role.COMPLETER, completer)
        self.rehydrator = self._boundary(Role.REHYDRATOR, rehydrator)

    async def play(
        self,
        request: dict[str, Any],
        *,
        job_id: str = "job-1",
        tampered: Callable[[RedactedRequest], RedactedRequest] | None = None,
        **fields: Any,
    ) -> Played:
        """A job through all three; the redacted request may be tampered with on its way."""
        job = Job(
            **{"job_id": job_id, "endpoint": Endpoint.CHAT_COMPLETIONS, "tenant": "default"}
            | fields
            | {"request": msgspec.Raw(msgspec.json.encode(request))}
        )
        await self.once.load(0)
        played = Played(self._keys_dir)
        played.add(await self.redactor.process(self._inbound("plain", msgspec.json.encode(job))))
        for request_sent in played.requests():
            handed_on = tampered(request_sent) if tampered is not None else request_sent
            records = await self.completer.process(self._inbound("redacted", msgspec.json.encode(handed_on)))
            finished = [item for item in records if item.topic == TOPICS["finished"]]
            self.once.committed(0, self.store.write(finished, at=self._clock()))
            played.add(records)
        for record in played.records[TOPICS["completions"]]:
            played.add(await self.rehydrator.process(self._inbound("completions", record.value)))
        return played

    def _inbound(self, topic: Any, value: bytes) -> Inbound:
        return Inbound(topic=TOPICS[topic], partition=0, offset=0, key=b"k", value=value, timestamp=self._clock())

    def _boundary(self, role: Role, work: Work) -> Boundary:
        keyring = load_keyring(self._keys_dir, role)
        return Boundary(work, keyring=keyring, topics=TOPICS, clock=self._clock, hash_key=b"k" * 32)


def _loaded(policies: Policies, detector: Detector | None = None) -> Callable[[], LoadedPolicies]:
    loaded = LoadedPolicies(policies, (lambda _: detector) if detector else PolicyDetectors(policies))
    return lambda: loaded


def open_llm(base_url: str, settings: OpenAISettings) -> OpenAILLM:
    """The port to a stub of OpenAI."""
    return OpenAILLM(settings, api_key="test", base_url=base_url)
