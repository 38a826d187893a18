"""One audit event a decision: counts, versions and codes, never a value."""

from enum import StrEnum

from schemas.base import Id, Label, Sha256, UnixTime, Wire
from schemas.codes import ErrorCode
from schemas.job import Endpoint
from schemas.result import Receipt


class Decision(StrEnum):
    """What a stage decided; `repeated` and `reused` answers were stored ones, and no call was made."""

    REDACTED = "redacted"
    BLOCKED = "blocked"
    REFUSED = "refused"
    COMPLETED = "completed"
    REPEATED = "repeated"
    REUSED = "reused"
    FAILED = "failed"
    RESTORED = "restored"


class Origin(Wire, frozen=True, kw_only=True):
    """The record a decision was about."""

    topic: str
    partition: int
    offset: int


class AuditEvent(Wire, frozen=True, kw_only=True, tag_field="schema", tag="audit/1"):
    """A decision of one stage about one record.

    `entities` counts findings per entity, `actions` per policy action. A record
    whose id could not be trusted has `job_hash` instead of `job_id`.
    """

    at: UnixTime
    stage: str
    decision: Decision
    origin: Origin
    job_id: Id | None = None
    job_hash: Label | None = None
    tenant: Id | None = None
    endpoint: Endpoint | None = None
    code: ErrorCode | None = None
    entities: dict[str, int] = {}
    actions: dict[str, int] = {}
    policy_version: Label | None = None
    detector_version: Label | None = None
    request_sha256: Sha256 | None = None
    receipt: Receipt | None = None
    attempts: int | None = None
