"""The job: one OpenAI request that must not reach OpenAI as it is."""

from enum import StrEnum
from typing import Annotated

import msgspec

from schemas.base import DEFAULT_TENANT, Id, Label, TopicName, UnixTime, Wire


class Endpoint(StrEnum):
    """The OpenAI endpoint a job is for."""

    CHAT_COMPLETIONS = "chat.completions"
    RESPONSES = "responses"
    EMBEDDINGS = "embeddings"
    MODERATIONS = "moderations"


class Job(Wire, frozen=True, kw_only=True, tag_field="schema", tag="job/1"):
    """One job, raw: it exists sealed, or in the memory of producer and redactor.

    `request` is the body of the OpenAI request, as raw JSON. `reply_key` is the
    requester's public key in base64 (X25519: 32 bytes); without it the tenant's
    `results` key is used. `deadline`: after it the job is refused, not sent.
    """

    job_id: Id
    endpoint: Endpoint
    request: msgspec.Raw
    tenant: Id = DEFAULT_TENANT
    conversation: Id | None = None
    policy: Label | None = None
    reply_key: Annotated[str, msgspec.Meta(max_length=4096)] | None = None
    reply_to: TopicName | None = None
    labels: dict[Label, Annotated[str, msgspec.Meta(max_length=256)]] = {}
    deadline: UnixTime | None = None

    def __repr__(self) -> str:
        return f"<Job {self.job_id}>"
