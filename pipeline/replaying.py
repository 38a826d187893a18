"""From a dead letter back to a job: open what the operator's key opens, seal it as a job again.

Every replay is the job from its beginning, whichever stage it failed at. What a letter
holds depends on how far its record got (`pipeline.stages.boundary`): the job's own bytes
once the redactor had opened it, else the record as it came.
"""

from typing import TypeVar

import msgspec

from pipeline.decoding import decode
from pipeline.errors import VeilError
from pipeline.keys import KeyDestroyed, KeyName, Keys
from pipeline.redaction import Detector
from pipeline.sealing import SealContext, open_sealed
from pipeline.stages.boundary import DeadlinePassed
from pipeline.submission import check_ids, record_key, seal_job
from schemas.base import Wire
from schemas.codes import ErrorCode
from schemas.completion import Completion
from schemas.deadletter import DeadLetter
from schemas.envelope import Envelope, ReplayContent, Sealed
from schemas.job import Job
from schemas.redacted import RedactedRequest

M = TypeVar("M", bound=Wire)


class NotAJob(VeilError):
    """The original is nothing that could ever have become a job."""

    code = ErrorCode.NOT_A_JOB


class NoOriginal(VeilError):
    """The letter came without the original, which was too large for it."""

    code = ErrorCode.NO_ORIGINAL


class Again(msgspec.Struct, frozen=True, kw_only=True):
    """A job to submit once more: its ids, and the sealed record; `length` is the original's in bytes."""

    tenant: str
    job_id: str
    key: bytes
    value: bytes
    length: int

    def __repr__(self) -> str:
        return f"<Again {self.job_id}>"


def open_original(letter: DeadLetter, keys: Keys) -> ReplayContent:
    """The bytes that came in, exactly, and the topic they came on.

    Raises:
        NoOriginal: the letter has none.
        UnknownKey, KeyDestroyed, SealBroken: it cannot be opened.
    """
    if letter.original is None:
        origin = letter.origin
        raise NoOriginal(
            f"too large to be kept: {letter.length} bytes at {origin.topic}/{origin.partition}/{origin.offset}, "
            f"SHA-256 {letter.sha256}"
        )
    return _open(letter.original, keys, tenant=letter.tenant or "", job_id=letter.job_id or "")


def submit_again(letter: DeadLetter, keys: Keys, *, detector: Detector, now: float) -> Again:
    """The letter's job as a record for the *jobs* topic, sealed whether it came sealed or plain.

    Raises:
        NotAJob: malformed bytes, or anything else that no stage would take for a job.
        DeadlinePassed: it would be refused again at once.
        UnsafeJobId: its ids would lie on the broker in the clear.
        VeilError: it cannot be opened; see `open_original`.
    """
    content = open_original(letter, keys)
    job = _decoded(content.value, Job)
    if job is None:
        inner = _inner_original(content.value)
        if inner is not None:
            sealed, tenant, job_id = inner
            content = _open(sealed, keys, tenant=tenant, job_id=job_id)
            job = _decoded(content.value, Job)
    if job is not None:
        if job.deadline is not None and now > job.deadline:
            raise DeadlinePassed
        check_ids((job.job_id, job.tenant, job.conversation), detector)
        return Again(
            tenant=job.tenant,
            job_id=job.job_id,
            key=record_key(job.tenant, job.conversation or job.job_id, keys),
            value=seal_job(job, content.value, keys),
            length=len(content.value),
        )
    envelope = _decoded(content.value, Envelope)
    if envelope is None or envelope.purpose != "job":
        raise NotAJob("cannot be replayed: not a job")
    # Sealed to a key that was not to be had: only the redactor can open it, with that key restored.
    if envelope.sealed.key_id in keys.destroyed:
        raise KeyDestroyed(f"{KeyName.JOBS} key destroyed on {keys.destroyed[envelope.sealed.key_id]}")
    check_ids((envelope.job_id, envelope.tenant), detector)
    return Again(
        tenant=envelope.tenant,
        job_id=envelope.job_id,
        # Never the record's own key, which a producer may have made of anything.
        key=record_key(envelope.tenant, envelope.job_id, keys),
        value=content.value,
        length=len(content.value),
    )


def _open(sealed: Sealed, keys: Keys, *, tenant: str, job_id: str) -> ReplayContent:
    context = SealContext(purpose="replay", key_id=sealed.key_id, tenant=tenant, job_id=job_id, schema="replay/1")
    opened = open_sealed(sealed, keys.opening_key(KeyName.REPLAY, sealed.key_id), context)
    try:
        return msgspec.json.decode(opened, type=ReplayContent)
    except msgspec.DecodeError:
        raise NotAJob("the seal holds no original") from None


def _inner_original(value: bytes) -> tuple[Sealed, str, str] | None:
    """A later hop's record carries the job's own original, sealed for replay too."""
    record = _decoded(value, RedactedRequest) or _decoded(value, Completion)
    return None if record is None else (record.replay, record.tenant, record.job_id)


def _decoded(value: bytes, expected: type[M]) -> M | None:
    try:
        return decode(value, expected)
    except VeilError:
        return None
