"""Sealing: HPKE (RFC 9180) with every context field bound, length-prefixed, into `info`.

The suite is DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. HPKE's base
mode does not authenticate the sender: a seal that opens says who can read it,
never who wrote it.
"""

import hashlib
import struct

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pipeline.errors import VeilError
from schemas.codes import ErrorCode
from schemas.envelope import Purpose, Sealed

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_VERSION = b"veilstream/seal/1"


class SealBroken(VeilError):
    """The ciphertext does not open: tampered with, or sealed to another key or context."""

    code = ErrorCode.SEAL_BROKEN


class SealContext(msgspec.Struct, frozen=True, kw_only=True):
    """What a seal is bound to beside the key; any difference and it does not open."""

    purpose: Purpose
    key_id: str
    tenant: str
    job_id: str
    schema: str

    def info(self) -> bytes:
        """HPKE's `info`: each field preceded by its length in four bytes, big-endian."""
        fields = (self.purpose, self.key_id, self.tenant, self.job_id, self.schema)
        return length_prefixed(_VERSION, *(field.encode() for field in fields))

    def binding(self) -> str:
        """SHA-256 of `info` in hex, to tell a moved envelope from a tampered one."""
        return hashlib.sha256(self.info()).hexdigest()


def length_prefixed(*fields: bytes) -> bytes:
    """Concatenate fields so that no two different lists give the same bytes."""
    return b"".join(struct.pack(">I", len(field)) + field for field in fields)


def public_bytes(key: X25519PublicKey) -> bytes:
    """The key's 32 bytes."""
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def fingerprint(raw_public_key: bytes) -> str:
    """A key's id: the first 16 hex digits of SHA-256 of its public bytes."""
    return hashlib.sha256(raw_public_key).hexdigest()[:16]


def seal(plaintext: bytes, key: X25519PublicKey, context: SealContext) -> Sealed:
    """Encrypt to the holder of `key`'s private half; 48 bytes longer than the plaintext."""
    return Sealed(key_id=context.key_id, ciphertext=_SUITE.encrypt(plaintext, key, context.info()))


def open_sealed(sealed: Sealed, key: X25519PrivateKey, context: SealContext) -> bytes:
    """Decrypt what `seal` made under the same context.

    Raises:
        SealBroken: another key, another context, or changed bytes.
    """
    try:
        return _SUITE.decrypt(sealed.ciphertext, key, context.info())
    except (InvalidTag, ValueError):
        raise SealBroken(context.purpose) from None
