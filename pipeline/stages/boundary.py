"""The job boundary: whatever goes wrong with one record ends here, as a dead letter.

A stage fills a `Case` with what it has learnt of the job and raises; the boundary
turns the fault into the records that tell the operator (dead letter), the auditor
(audit event) and, where the reply key is known, the requester (failed result).
"""

import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec
import structlog

from pipeline.errors import VeilError
from pipeline.keys import KeyName, Keys
from pipeline.ports import OVERSIZED_HEADER, Inbound, Outbound, PartitionState, TopicNames
from pipeline.sealing import SealContext, length_prefixed, seal
from schemas.audit import AuditEvent, Decision, Disclosure, Head, Origin
from schemas.base import Wire
from schemas.codes import BLOCKED, ErrorCode
from schemas.deadletter import DeadLetter
from schemas.envelope import ReplayContent, Sealed
from schemas.job import Endpoint
from schemas.redacted import RedactedRequest
from schemas.topics import RECORD_MAX_BYTES

log = structlog.get_logger()

Clock = Callable[[], float]

VALUE_MAX_BYTES = RECORD_MAX_BYTES - 64 * 1024
"""A record's value at most; the rest is the batch's and the record's own framing."""


class RecordTooLarge(VeilError):
    """What a stage made of a record exceeds its topic's limit."""

    code = ErrorCode.RECORD_TOO_LARGE


class DeadlinePassed(VeilError):
    """The job's own deadline came first."""

    code = ErrorCode.DEADLINE_PASSED


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """Where a job's result goes: the key it is sealed to, the topic, the requester's labels."""

    key: str
    topic: str | None
    labels: dict[str, str]

    def __repr__(self) -> str:
        return "<Reply>"


class Case:
    """What one stage knows so far of the job in one record. `trusted`: its ids may be shown.

    `key` is what is published under: never the key of a producer's own record,
    which may be anything. `beside` is published whatever becomes of the job.
    """

    def __init__(self, inbound: Inbound, clock: Clock) -> None:
        self.inbound = inbound
        self.clock = clock
        self.now = clock()
        self.trusted = False
        self.key: bytes | None = None
        self.job_id: str | None = None
        self.tenant: str | None = None
        self.endpoint: Endpoint | None = None
        self.reply: Reply | None = None
        self.replay: Sealed | None = None
        self.request: RedactedRequest | None = None
        self.upstream: Head | None = None
        self.attempts = 1
        self.disclosed: Disclosure | None = None
        self.entities: dict[str, int] = {}
        self.new_entities: dict[str, int] | None = None
        self.policy_version: str | None = None
        self.detector_version: str | None = None
        self.beside: list[Outbound] = []

    def __repr__(self) -> str:
        return f"<Case {self.inbound!r}>"

    @property
    def shown_id(self) -> str | None:
        """The job id, once it may appear in the clear."""
        return self.job_id if self.trusted else None

    @property
    def origin(self) -> Origin:
        """Where the record lies."""
        return Origin(topic=self.inbound.topic, partition=self.inbound.partition, offset=self.inbound.offset)


class Work(Protocol):
    """What one role does with one record; it raises `VeilError` for every fault it knows."""

    stage: str

    async def work(self, inbound: Inbound, case: Case) -> Sequence[Outbound]: ...

    def answer_failure(self, case: Case, error: VeilError) -> Sequence[Outbound]:
        """The records that tell the requester, where that can be done from here."""
        ...


class Boundary:
    """A `Stage`: runs the work and settles its faults."""

    def __init__(
        self,
        work: Work,
        *,
        keyring: Keys,
        topics: TopicNames,
        clock: Clock,
        hash_key: bytes,
        state: PartitionState | None = None,
    ) -> None:
        self.state = state
        self._work = work
        self._keyring = keyring
        self._topics = topics
        self._clock = clock
        self._hash_key = hash_key

    async def process(self, inbound: Inbound) -> Sequence[Outbound]:
        """Every record to publish for this one; never raises for what it holds."""
        case = Case(inbound, self._clock)
        try:
            if not inbound.value and any(name == OVERSIZED_HEADER for name, _ in inbound.headers):
                raise RecordTooLarge("decompressed")
            records = await self._work.work(inbound, case)
            check_sizes(records)
        except VeilError as error:
            return self._settle(case, error)
        except Exception as exc:
            log.error("job.crashed", stage=self._work.stage, job_id=case.shown_id, exc_info=exc)
            return self._settle(case, VeilError(type(exc).__name__))
        return [*records, *case.beside]

    def _settle(self, case: Case, error: VeilError) -> Sequence[Outbound]:
        blocked = error.code in BLOCKED
        log.warning(
            "job.blocked" if blocked else "job.refused",
            stage=self._work.stage,
            job_id=case.shown_id,
            job_hash=self._job_hash(case),
            code=error.code.value,
            detail=error.detail,
            topic=case.inbound.topic,
            partition=case.inbound.partition,
            offset=case.inbound.offset,
        )
        audit = AuditEvent(
            at=case.now,
            stage=self._work.stage,
            decision=Decision.BLOCKED if blocked else Decision.REFUSED,
            origin=case.origin,
            job_id=case.shown_id,
            job_hash=self._job_hash(case),
            tenant=case.tenant if case.trusted else None,
            endpoint=case.endpoint,
            code=error.code,
            entities=case.entities,
            new_entities=case.new_entities,
            policy_version=case.policy_version,
            detector_version=case.detector_version,
            attempts=case.attempts,
            disclosed=case.disclosed,
            upstream=case.upstream,
        )
        return [
            self._dead_letter(case, error),
            *self._answer(case, error),
            publish(self._topics["audit"], case.key, audit),
            *case.beside,
        ]

    def _answer(self, case: Case, error: VeilError) -> Sequence[Outbound]:
        """What the requester is told; a fault in telling must not cost the operator's dead letter."""
        try:
            return self._work.answer_failure(case, error)
        except Exception as exc:
            log.error("result.failed", stage=self._work.stage, job_id=case.shown_id, exc_info=exc)
            return []

    def _dead_letter(self, case: Case, error: VeilError) -> Outbound:
        value = case.inbound.value or b""
        letter = DeadLetter(
            code=error.code,
            stage=self._work.stage,
            origin=case.origin,
            at=case.now,
            detail=error.detail,
            job_id=case.shown_id,
            job_hash=self._job_hash(case),
            tenant=case.tenant if case.trusted else None,
            endpoint=case.endpoint,
            attempts=case.attempts,
            redacted=case.request.body if case.request else None,
            original=case.replay if case.trusted and case.replay else self._seal_record(case),
            length=len(value),
        )
        record = publish(self._topics["dead_letters"], None, letter)
        if len(record.value) > VALUE_MAX_BYTES:
            digest = hashlib.sha256(value).hexdigest()
            bare = msgspec.structs.replace(letter, original=None, redacted=None, sha256=digest)
            record = publish(self._topics["dead_letters"], None, bare)
        return record

    def _seal_record(self, case: Case) -> Sealed:
        inbound = case.inbound
        content = ReplayContent(topic=inbound.topic, value=inbound.value or b"", key=inbound.key)
        return seal_for_replay(
            content,
            self._keyring,
            tenant=(case.tenant if case.trusted else None) or "",
            job_id=case.shown_id or "",
        )

    def _job_hash(self, case: Case) -> str | None:
        if case.trusted or case.job_id is None:
            return None
        return keyed_hash(self._hash_key, "job-id", case.job_id)


def keyed_hash(key: bytes, purpose: str, *fields: str) -> str:
    """32 hex digits of HMAC-SHA256 over the length-prefixed fields."""
    message = length_prefixed(purpose.encode(), *(field.encode() for field in fields))
    return hmac.new(key, message, hashlib.sha256).hexdigest()[:32]


def seal_for_replay(content: ReplayContent, keyring: Keys, *, tenant: str, job_id: str) -> Sealed:
    """Seal what came in to the operator's replay key."""
    key_id, key = keyring.sealing_key(KeyName.REPLAY)
    context = SealContext(purpose="replay", key_id=key_id, tenant=tenant, job_id=job_id, schema="replay/1")
    return seal(msgspec.json.encode(content), key, context)


def publish(topic: str, key: bytes | None, message: Wire) -> Outbound:
    """A wire message as a record."""
    return Outbound(topic=topic, key=key, value=msgspec.json.encode(message))


def check_sizes(records: Sequence[Outbound]) -> None:
    """Refuse what the broker would refuse, while a dead letter can still be written instead.

    Raises:
        RecordTooLarge: a record's value is over `VALUE_MAX_BYTES`.
    """
    for record in records:
        if len(record.value) > VALUE_MAX_BYTES:
            raise RecordTooLarge(f"{len(record.value)} bytes for {record.topic}")
