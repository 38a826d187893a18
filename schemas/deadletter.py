"""The dead letter: the operator's copy of a job that did not complete."""

from schemas.audit import Origin
from schemas.base import Id, Label, Sha256, UnixTime, Wire
from schemas.codes import ErrorCode
from schemas.envelope import Sealed
from schemas.job import Endpoint


class DeadLetter(Wire, frozen=True, kw_only=True, tag_field="schema", tag="deadletter/1"):
    """Why and where a job ended, the redacted request if there is one, the original sealed.

    `original` opens to `ReplayContent` with the operator's replay key alone. It
    is missing where the record would be too large; then `sha256` and `length`
    tell which bytes it was.
    """

    code: ErrorCode
    stage: str
    origin: Origin
    at: UnixTime
    detail: str = ""
    job_id: Id | None = None
    job_hash: Label | None = None
    tenant: Id | None = None
    endpoint: Endpoint | None = None
    attempts: int = 1
    redacted: bytes | None = None
    original: Sealed | None = None
    length: int = 0
    sha256: Sha256 | None = None

    def __repr__(self) -> str:
        return f"<DeadLetter {self.job_id or self.job_hash} {self.code}>"


class Replayed(Wire, frozen=True, kw_only=True, tag_field="schema", tag="replayed/1"):
    """A dead letter's job was submitted again: published in the transaction that submitted it.

    It lies in the letter's own partition and after it, so that neither retention nor a
    purge can take it away while the letter is still there.
    """

    letter: Origin
    at: UnixTime
