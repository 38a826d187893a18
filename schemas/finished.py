"""What is remembered of a finished job: enough to answer a second submission of its id without a call."""

from schemas.base import Label, Sha256, UnixTime, Wire
from schemas.completion import Usage
from schemas.redacted import JobDigest


class Finished(Wire, frozen=True, kw_only=True, tag_field="schema", tag="finished/1"):
    """OpenAI's answer to one job's redacted request, and what was asked.

    The record's key is a hash of tenant and job id. `job_digest` says whether a
    later job of that id asks for the same, `request_sha256` whether it is also
    redacted to the same bytes.
    """

    job_digest: JobDigest
    request_sha256: Sha256
    response: bytes
    completed_at: UnixTime
    usage: Usage | None = None
    openai_request_id: Label | None = None
