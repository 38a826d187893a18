"""What the completer hands on: OpenAI's answer to the redacted request, or why there is none."""

from schemas.base import Id, Label, Sha256, UnixTime, Wire
from schemas.codes import ErrorCode
from schemas.envelope import Sealed
from schemas.job import Endpoint


class Usage(Wire, frozen=True, kw_only=True):
    """Tokens as OpenAI counted them."""

    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0


class Failure(Wire, frozen=True, kw_only=True):
    """Why a job did not complete: a code and the stage; `status` is OpenAI's HTTP status."""

    code: ErrorCode
    stage: str
    detail: str = ""
    status: int | None = None


class Completion(Wire, frozen=True, kw_only=True, tag_field="schema", tag="completion/1"):
    """A job at OpenAI, done: exactly one of `response` and `error` is set.

    `second_try`: it took a second call, with placeholders in another style.
    """

    job_id: Id
    tenant: Id
    endpoint: Endpoint
    request_sha256: Sha256
    policy_version: Label
    detector_version: Label
    vault: Sealed
    replay: Sealed
    received_at: UnixTime
    redacted_at: UnixTime
    completed_at: UnixTime
    attempts: int = 1
    response: bytes | None = None
    error: Failure | None = None
    usage: Usage | None = None
    openai_request_id: Label | None = None
    entities: dict[str, int] = {}
    second_try: bool = False

    def __repr__(self) -> str:
        return f"<Completion {self.job_id}>"
