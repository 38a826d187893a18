"""What the redactor hands on: the redacted request, its attestation, the sealed vault."""

from enum import StrEnum
from typing import Annotated

import msgspec

from schemas.base import Id, KeyId, Label, Sha256, TopicName, UnixTime, Wire
from schemas.envelope import Sealed
from schemas.job import Endpoint

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Attestation(Wire, frozen=True, kw_only=True):
    """An Ed25519 signature (RFC 8032) over what was redacted, by whom and under which policy.

    The signed bytes are the length-prefixed fields that
    `pipeline.attestation.Claims` lists.
    """

    key_id: KeyId
    expires_at: UnixTime
    signature: bytes


class JobDigest(Wire, frozen=True, kw_only=True):
    """A keyed hash of what a job asks for: its endpoint and its request's bytes as the producer spelled them.

    Keyed with the scope secret `key_id`, so that nobody else can test a guess at
    the raw request; job id and tenant are hashed too, so that equal requests of
    two jobs have unequal digests. Only digests of one key can be compared.
    """

    key_id: KeyId
    value: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}$")]


class SecondTry(Wire, frozen=True, kw_only=True):
    """The same request with its placeholders in another style, attested by itself.

    It is sent if more than `lost_over`, a share of the placeholders, did not come back.
    """

    body: bytes
    attestation: Attestation
    lost_over: Share

    def __repr__(self) -> str:
        return "<SecondTry>"


class RedactedRequest(Wire, frozen=True, kw_only=True, tag_field="schema", tag="redacted/1"):
    """A request fit to be sent: `body` is the exact bytes that OpenAI will get.

    `entities` counts findings, `placeholders` the distinct placeholders that stand for them,
    `in_clear` the findings that the policy allows.
    """

    job_id: Id
    tenant: Id
    endpoint: Endpoint
    body: bytes
    job_digest: JobDigest
    policy_version: Label
    detector_version: Label
    attestation: Attestation
    vault: Sealed
    replay: Sealed
    entities: dict[str, int] = {}
    placeholders: dict[str, int] = {}
    in_clear: dict[str, int] = {}
    received_at: UnixTime
    redacted_at: UnixTime
    deadline: UnixTime | None = None
    second_try: SecondTry | None = None

    def __repr__(self) -> str:
        return f"<RedactedRequest {self.job_id}>"


class Original(msgspec.Struct, frozen=True, array_like=True):
    """One vault entry: the text a placeholder or surrogate stands for and its entity."""

    text: str
    entity: str
    in_json: bool = False
    """The text was found inside a JSON document and is spelled as it was there; a number's
    spelling marks a bare number, whose placeholder's quotes go when it is restored."""

    def __repr__(self) -> str:
        return f"<Original {self.entity}>"


class OutputAction(StrEnum):
    """What is done with sensitive data of an answer that the request did not hold.

    `ignore` does not look for it, `allow` counts it, `redact` replaces it by its kind, one way,
    `block` ends the job.
    """

    IGNORE = "ignore"
    ALLOW = "allow"
    REDACT = "redact"
    BLOCK = "block"


class OutputRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is done with new data of an answer, and by which policy it is found."""

    action: OutputAction
    policy: str
    version: Label

    def __repr__(self) -> str:
        return f"<OutputRule {self.action}>"


class VaultContent(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What only the rehydrator opens: the originals, and where raw text may go.

    Nothing that decides where raw text goes is read from outside this seal.
    `issued` lists every placeholder in the request, the one-way ones too, which
    have no original. `surrogates` are realistic values in the request and what they
    stand for. `lookalikes` are tokens of the prompt that only look like placeholders: an
    answer that repeats them has not invented them. `text_places` says where the JSON of
    an answer must have texts: by the name of the tool called, or the empty one for the
    answer itself, keys as in a JSON Pointer (RFC 6901), `*` for any.
    """

    job_id: Id
    tenant: Id
    endpoint: Endpoint
    request_sha256: Sha256
    reply_key: Annotated[str, msgspec.Meta(max_length=4096)]
    originals: dict[str, Original]
    issued: dict[str, str]
    surrogates: dict[str, Original] = {}
    received_at: UnixTime
    reply_to: TopicName | None = None
    labels: dict[Label, str] = {}
    lookalikes: list[str] = []
    text_places: dict[str, list[str]] = {}
    output: OutputRule | None = None

    def __repr__(self) -> str:
        return f"<VaultContent {self.job_id}>"
