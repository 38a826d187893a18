"""The audit trail: one event a decision, linked into chains, and the checkpoints that sign them.

Counts, versions and codes, never a value.
"""

from enum import StrEnum
from typing import Annotated, TypeAlias

import msgspec

from schemas.base import END, Id, KeyId, Label, Sha256, UnixTime, Wire
from schemas.codes import ErrorCode
from schemas.job import Endpoint
from schemas.result import Receipt


class Decision(StrEnum):
    """What a stage decided; `repeated` and `reused` answers were stored ones, and no call was made.

    `compared` decides nothing: it tells what a shadow policy would have done otherwise, in
    counts less those of the live policy.
    """

    REDACTED = "redacted"
    BLOCKED = "blocked"
    REFUSED = "refused"
    COMPLETED = "completed"
    REPEATED = "repeated"
    REUSED = "reused"
    FAILED = "failed"
    RESTORED = "restored"
    COMPARED = "compared"


HostName = Annotated[str, msgspec.Meta(pattern=rf"^[A-Za-z0-9.:_-]{{1,253}}{END}")]
ModelName = Annotated[
    str,
    msgspec.Meta(pattern=rf"^[A-Za-z0-9._:/-]{{1,128}}{END}", description="As it stood in the redacted request."),
]


class Retention(StrEnum):
    """How long OpenAI keeps what it is sent, by what was agreed with it.

    - `zdr`: Zero Data Retention.
    - `modified`: Modified Abuse Monitoring.
    - `default-30-days`: abuse-monitoring logs.
    - `until-deleted`: the request asked OpenAI to store it.
    """

    ZDR = "zdr"
    MODIFIED = "modified"
    DEFAULT = "default-30-days"
    UNTIL_DELETED = "until-deleted"


class Disclosure(Wire, frozen=True, kw_only=True):
    """What the calls for one job gave to OpenAI, answered or not, and by when OpenAI must have deleted it.

    `placeholders` counts the distinct placeholders of the request per entity, `in_clear` the findings that the
    policy allows, which went as they are. `kept_until` is missing where nothing is deleted by itself.
    """

    host: HostName
    model: ModelName
    calls: Annotated[int, msgspec.Meta(ge=1)]
    retention: Retention
    placeholders: dict[str, int] = {}
    in_clear: dict[str, int] = {}
    kept_until: UnixTime | None = None


class Origin(Wire, frozen=True, kw_only=True):
    """The record a decision was about."""

    topic: str
    partition: int
    offset: int


ChainId = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[A-Za-z0-9._-]{1,128}/[A-Za-z0-9._-]{1,249}/[0-9]{1,10}/[0-9]{1,16}$",
        description="GROUP/TOPIC/PARTITION/STARTED: whose work on which records; when it began, in Unix milliseconds.",
    ),
]
Seq = Annotated[int, msgspec.Meta(ge=0, description="An event's number in its chain, from 0.")]


class Link(Wire, frozen=True, kw_only=True):
    """An event's place in its chain. `previous`: SHA-256 of the record value before it; zeros for the first."""

    chain: ChainId
    seq: Seq
    previous: Sha256


class Head(Wire, frozen=True, kw_only=True):
    """One event of a chain, and thereby all before it. `sha256` is that of its record value."""

    chain: ChainId
    seq: Seq
    sha256: Sha256


class AuditEvent(Wire, frozen=True, kw_only=True, tag_field="schema", tag="audit/1"):
    """A decision of one stage about one record.

    `entities` counts findings per entity, `actions` per policy action; `new_entities` those in
    the answer that the request did not hold, and is missing where no answer was looked at. A record
    whose id could not be trusted has `job_hash` instead of `job_id`. `upstream` is
    how far the chain of whoever wrote the record had come by then. `disclosed` is set
    where OpenAI was called, whatever came of it.
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
    new_entities: dict[str, int] | None = None
    policy_version: Label | None = None
    detector_version: Label | None = None
    request_sha256: Sha256 | None = None
    receipt: Receipt | None = None
    attempts: int | None = None
    disclosed: Disclosure | None = None
    upstream: Head | None = None
    link: Link | None = None


class AuditCheckpoint(Wire, frozen=True, kw_only=True, tag_field="schema", tag="checkpoint/1"):
    """A chain up to and with `head`, signed (Ed25519) by the role whose chain it is."""

    head: Head
    at: UnixTime
    key_id: KeyId
    signature: bytes


AuditRecord: TypeAlias = AuditEvent | AuditCheckpoint
"""What the audit topic carries."""
