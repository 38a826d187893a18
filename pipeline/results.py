"""Results: sealed to the requester, by the stage that knows the reply key."""

import base64
import binascii

import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from pipeline.decoding import decode
from pipeline.errors import VeilError
from pipeline.sealing import SealContext, fingerprint, open_sealed, public_bytes, seal
from schemas.codes import BLOCKED, ErrorCode
from schemas.completion import Failure
from schemas.envelope import Envelope
from schemas.result import Result, Status


class InvalidReplyKey(VeilError):
    """`reply_key` is not a public key in base64."""

    code = ErrorCode.INVALID_FIELD


class EnvelopeMoved(VeilError):
    """The envelope's clear fields are not those it was sealed with."""

    code = ErrorCode.ENVELOPE_MOVED


def parse_reply_key(text: str) -> X25519PublicKey:
    """A reply key as it travels: the 32 bytes of an X25519 public key in base64.

    Raises:
        InvalidReplyKey: it is anything else, or a point of small order (RFC 7748 §6.1), to which nothing
            can be sealed: better told now than after the call has been paid for.
    """
    try:
        key = X25519PublicKey.from_public_bytes(base64.b64decode(text, validate=True))
        X25519PrivateKey.from_private_bytes(bytes(32)).exchange(key)
    except (ValueError, binascii.Error):
        raise InvalidReplyKey("reply_key") from None
    return key


def spell_reply_key(key: X25519PublicKey) -> str:
    """The reverse of `parse_reply_key`."""
    return base64.b64encode(public_bytes(key)).decode()


def seal_result(result: Result, *, tenant: str, reply_key: X25519PublicKey) -> Envelope:
    """Only the holder of the reply key's private half can open it."""
    context = SealContext(
        purpose="result",
        key_id=fingerprint(public_bytes(reply_key)),
        tenant=tenant,
        job_id=result.job_id,
        schema="result/1",
    )
    return Envelope(
        purpose="result",
        job_id=result.job_id,
        content="result/1",
        sealed=seal(msgspec.json.encode(result), reply_key, context),
        binding=context.binding(),
        tenant=tenant,
    )


def open_result(envelope: Envelope, key: X25519PrivateKey) -> Result:
    """Open a result addressed to `key`.

    Raises:
        SealBroken: it was sealed to another key, or was changed.
        EnvelopeMoved: its clear fields were changed.
    """
    context = SealContext(
        purpose="result",
        key_id=envelope.sealed.key_id,
        tenant=envelope.tenant,
        job_id=envelope.job_id,
        schema=envelope.content,
    )
    if envelope.purpose != "result" or context.binding() != envelope.binding:
        raise EnvelopeMoved
    return decode(open_sealed(envelope.sealed, key, context), Result)


def failed_result(job_id: str, failure: Failure, *, labels: dict[str, str], policy_version: str | None) -> Result:
    """What the requester gets for a job that was refused, blocked or that failed."""
    return Result(
        job_id=job_id,
        status=Status.BLOCKED if failure.code in BLOCKED else Status.FAILED,
        error=failure,
        labels=labels,
        policy_version=policy_version,
    )
