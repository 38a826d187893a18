"""The attestation: the redactor's Ed25519 signature (RFC 8032) over exactly what may be sent."""

import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from pipeline.errors import VeilError
from pipeline.sealing import length_prefixed
from schemas.codes import ErrorCode
from schemas.envelope import Sealed
from schemas.job import Endpoint
from schemas.redacted import Attestation, RedactedRequest

_VERSION = b"veilstream/attestation/1"


class AttestationInvalid(VeilError):
    """The request is not what a redactor signed; it is not sent."""

    code = ErrorCode.ATTESTATION_INVALID


class AttestationExpired(VeilError):
    """The signature is good but too old."""

    code = ErrorCode.ATTESTATION_EXPIRED


def statement(
    *,
    body: bytes,
    job_id: str,
    tenant: str,
    endpoint: Endpoint,
    policy_version: str,
    detector_version: str,
    vault: Sealed,
    key_id: str,
    expires_at: float,
) -> bytes:
    """The bytes that are signed: every field that decides what is sent and how it is restored."""
    return length_prefixed(
        _VERSION,
        hashlib.sha256(body).digest(),
        job_id.encode(),
        tenant.encode(),
        endpoint.encode(),
        policy_version.encode(),
        detector_version.encode(),
        hashlib.sha256(length_prefixed(vault.key_id.encode(), vault.ciphertext)).digest(),
        key_id.encode(),
        repr(expires_at).encode(),
    )


def attest(
    key: Ed25519PrivateKey,
    *,
    key_id: str,
    expires_at: float,
    body: bytes,
    job_id: str,
    tenant: str,
    endpoint: Endpoint,
    policy_version: str,
    detector_version: str,
    vault: Sealed,
) -> Attestation:
    """Sign a redacted request; only what the last check has passed comes here."""
    signed = statement(
        body=body,
        job_id=job_id,
        tenant=tenant,
        endpoint=endpoint,
        policy_version=policy_version,
        detector_version=detector_version,
        vault=vault,
        key_id=key_id,
        expires_at=expires_at,
    )
    return Attestation(key_id=key_id, expires_at=expires_at, signature=key.sign(signed))


def verify(request: RedactedRequest, key: Ed25519PublicKey, *, now: float) -> None:
    """Refuse a request that the holder of `key` did not sign as it stands.

    Raises:
        AttestationInvalid: the signature does not fit.
        AttestationExpired: it fits, but `now` is past its end.
    """
    attestation = request.attestation
    signed = statement(
        body=request.body,
        job_id=request.job_id,
        tenant=request.tenant,
        endpoint=request.endpoint,
        policy_version=request.policy_version,
        detector_version=request.detector_version,
        vault=request.vault,
        key_id=attestation.key_id,
        expires_at=attestation.expires_at,
    )
    try:
        key.verify(attestation.signature, signed)
    except InvalidSignature:
        raise AttestationInvalid from None
    if now > attestation.expires_at:
        raise AttestationExpired
