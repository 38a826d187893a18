"""The attestation: the redactor's Ed25519 signature (RFC 8032) over exactly what may be sent."""

import hashlib

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from pipeline.errors import VeilError
from pipeline.sealing import length_prefixed
from schemas.codes import ErrorCode
from schemas.envelope import Sealed
from schemas.job import Endpoint
from schemas.redacted import Attestation, JobDigest, RedactedRequest

_VERSION = b"veilstream/attestation/1"


class AttestationInvalid(VeilError):
    """The request is not what a redactor signed; it is not sent."""

    code = ErrorCode.ATTESTATION_INVALID


class AttestationExpired(VeilError):
    """The signature is good but too old."""

    code = ErrorCode.ATTESTATION_EXPIRED


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What is signed: every field that decides what is sent, whether it was sent before, and how it is restored."""

    body: bytes
    job_id: str
    tenant: str
    endpoint: Endpoint
    job_digest: JobDigest
    policy_version: str
    detector_version: str
    vault: Sealed
    key_id: str
    expires_at: float

    def __repr__(self) -> str:
        return f"<Claims {self.job_id}>"

    def statement(self) -> bytes:
        """The bytes under the signature: every field, length-prefixed; body and vault by their SHA-256."""
        vault = length_prefixed(self.vault.key_id.encode(), self.vault.ciphertext)
        return length_prefixed(
            _VERSION,
            hashlib.sha256(self.body).digest(),
            self.job_id.encode(),
            self.tenant.encode(),
            self.endpoint.encode(),
            self.job_digest.key_id.encode(),
            self.job_digest.value.encode(),
            self.policy_version.encode(),
            self.detector_version.encode(),
            hashlib.sha256(vault).digest(),
            self.key_id.encode(),
            repr(self.expires_at).encode(),
        )


def attest(key: Ed25519PrivateKey, claims: Claims) -> Attestation:
    """Sign a redacted request; only what the last check has passed comes here."""
    signature = key.sign(claims.statement())
    return Attestation(key_id=claims.key_id, expires_at=claims.expires_at, signature=signature)


def verify(request: RedactedRequest, key: Ed25519PublicKey, *, now: float) -> None:
    """Refuse a request that the holder of `key` did not sign as it stands, its second try with it.

    Raises:
        AttestationInvalid: the signature does not fit.
        AttestationExpired: it fits, but `now` is past its end.
    """
    _verify(request, request.body, request.attestation, key)
    if request.second_try is not None:
        _verify(request, request.second_try.body, request.second_try.attestation, key)
    if now > request.attestation.expires_at:
        raise AttestationExpired


def _verify(request: RedactedRequest, body: bytes, attestation: Attestation, key: Ed25519PublicKey) -> None:
    claims = Claims(
        body=body,
        job_id=request.job_id,
        tenant=request.tenant,
        endpoint=request.endpoint,
        job_digest=request.job_digest,
        policy_version=request.policy_version,
        detector_version=request.detector_version,
        vault=request.vault,
        key_id=request.attestation.key_id,
        expires_at=request.attestation.expires_at,
    )
    try:
        key.verify(attestation.signature, claims.statement())
    except InvalidSignature:
        raise AttestationInvalid from None
