"""The result: what the requester gets back, sealed to the requester's key."""

from enum import StrEnum

import msgspec

from schemas.base import Id, Label, Wire
from schemas.completion import Failure, Usage


class Status(StrEnum):
    """How a job ended."""

    COMPLETED = "completed"
    BLOCKED = "blocked"
    FAILED = "failed"


class Counts(Wire, frozen=True, kw_only=True, omit_defaults=False):
    """Distinct placeholders.

    `issued` were put into the request; `returned` of them came back at least once;
    `lost` did not; `invented` look like placeholders and are none of this job's.
    """

    issued: int = 0
    returned: int = 0
    lost: int = 0
    invented: int = 0


class Receipt(Counts, frozen=True, kw_only=True, omit_defaults=False):
    """What happened to the placeholders of one job, in all and by kind.

    `kinds` has an entity each; `OTHER` are invented ones of a kind that is no entity of the job or the catalogue.
    `second_try`: the job was asked twice, in two styles of placeholder, and this is the answer that lost fewer.
    """

    kinds: dict[str, Counts] = {}
    second_try: bool = False


class Timing(Wire, frozen=True, kw_only=True, omit_defaults=False):
    """Seconds from the job's arrival to each stage's end."""

    redacted: float = 0.0
    completed: float = 0.0
    rehydrated: float = 0.0


class Result(Wire, frozen=True, kw_only=True, tag_field="schema", tag="result/1", omit_defaults=False):
    """One job's end; `response` is OpenAI's body with the originals put back, or null.

    `entities` counts what was found in the request, `new_entities` what else was found in the
    answer; null if no answer was looked at.
    """

    job_id: Id
    status: Status
    response: msgspec.Raw = msgspec.field(default_factory=lambda: msgspec.Raw(b"null"))
    error: Failure | None = None
    receipt: Receipt = Receipt()
    entities: dict[str, int] = {}
    new_entities: dict[str, int] | None = None
    usage: Usage | None = None
    policy_version: Label | None = None
    timing: Timing = Timing()
    labels: dict[Label, str] = {}

    def __repr__(self) -> str:
        return f"<Result {self.job_id} {self.status}>"
