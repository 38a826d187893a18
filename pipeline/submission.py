"""What everybody who submits a job does to it first: check its ids, seal it, hash its record key."""

from collections.abc import Iterable

import msgspec

from pipeline.errors import VeilError
from pipeline.keys import KeyName, Keys
from pipeline.redaction import Detector
from pipeline.sealing import SealContext, fingerprint, length_prefixed, public_bytes, seal
from pipeline.text import RawText
from schemas.codes import ErrorCode
from schemas.envelope import Envelope
from schemas.job import Job


class UnsafeJobId(VeilError):
    """The id would lie on the broker in the clear, and it holds something sensitive."""

    code = ErrorCode.UNSAFE_ID


def check_ids(ids: Iterable[str | None], detector: Detector) -> None:
    """Refuse ids in which detection finds something.

    Raises:
        UnsafeJobId: it does; the id is not shown.
    """
    for name in ids:
        if name is not None and detector.detect(RawText(name), prose=False):
            raise UnsafeJobId("a job, tenant or conversation id looks like sensitive data; use random ones")


def seal_job(job: Job, data: bytes, keys: Keys) -> bytes:
    """The job's bytes in an envelope to the active *jobs* key."""
    key_id, key = keys.sealing_key(KeyName.JOBS)
    context = SealContext(purpose="job", key_id=key_id, tenant=job.tenant, job_id=job.job_id, schema="job/1")
    envelope = Envelope(
        purpose="job",
        job_id=job.job_id,
        content="job/1",
        sealed=seal(data, key, context),
        binding=context.binding(),
        tenant=job.tenant,
    )
    return msgspec.json.encode(envelope)


def record_key(tenant: str, conversation_or_job_id: str, keys: Keys) -> bytes:
    """A hash, since a conversation id may tell something; equal ids meet in one partition."""
    _, key = keys.sealing_key(KeyName.JOBS)
    fields = (tenant.encode(), conversation_or_job_id.encode())
    return fingerprint(length_prefixed(public_bytes(key), *fields)).encode()
