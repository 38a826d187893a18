"""What the completer refuses to send: anything that is not exactly what a redactor signed."""

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pipeline.attestation import AttestationExpired, AttestationInvalid, Claims, attest, verify
from schemas.envelope import Sealed
from schemas.job import Endpoint
from schemas.redacted import JobDigest, RedactedRequest

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
DIGEST = JobDigest(key_id="e" * 16, value="0" * 32)
VAULT = Sealed(key_id="a" * 16, ciphertext=b"vault")


def signed() -> RedactedRequest:
    fields = {
        "body": b'{"messages":[]}',
        "job_id": "job-1",
        "tenant": "default",
        "endpoint": Endpoint.CHAT_COMPLETIONS,
        "job_digest": DIGEST,
        "policy_version": "p1",
        "detector_version": "d1",
        "vault": VAULT,
    }
    attestation = attest(KEY, Claims(key_id="b" * 16, expires_at=100.0, **fields))  # type: ignore[arg-type]
    return RedactedRequest(
        attestation=attestation,
        replay=Sealed(key_id="c" * 16, ciphertext=b"replay"),
        received_at=0.0,
        redacted_at=1.0,
        **fields,  # type: ignore[arg-type]
    )


def test_what_was_signed_verifies() -> None:
    verify(signed(), KEY.public_key(), now=99.0)


@pytest.mark.parametrize(
    "change",
    [
        {"body": b'{"messages":[1]}'},
        {"job_id": "job-2"},
        {"tenant": "other"},
        {"endpoint": Endpoint.RESPONSES},
        {"job_digest": JobDigest(key_id="e" * 16, value="1" * 32)},
        {"job_digest": JobDigest(key_id="f" * 16, value="0" * 32)},
        {"policy_version": "p2"},
        {"detector_version": "d2"},
        {"vault": Sealed(key_id="a" * 16, ciphertext=b"other")},
        {"vault": Sealed(key_id="d" * 16, ciphertext=b"vault")},
    ],
    ids=["body", "job", "tenant", "endpoint", "digest", "digest key", "policy", "detector", "vault", "vault key"],
)
def test_a_change_of_any_signed_field_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(AttestationInvalid):
        verify(msgspec.structs.replace(signed(), **change), KEY.public_key(), now=1.0)


def test_a_longer_life_than_was_signed_is_refused() -> None:
    request = signed()
    longer = msgspec.structs.replace(request.attestation, expires_at=1000.0)
    with pytest.raises(AttestationInvalid):
        verify(msgspec.structs.replace(request, attestation=longer), KEY.public_key(), now=1.0)


def test_another_redactors_signature_is_refused() -> None:
    other = Ed25519PrivateKey.from_private_bytes(bytes(32))
    with pytest.raises(AttestationInvalid):
        verify(signed(), other.public_key(), now=1.0)


def test_an_old_signature_is_refused() -> None:
    with pytest.raises(AttestationExpired):
        verify(signed(), KEY.public_key(), now=100.5)
