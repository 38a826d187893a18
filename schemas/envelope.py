"""The sealed envelope: how anything raw travels through the broker.

Sealing is HPKE (RFC 9180). `binding` is the SHA-256 of the HPKE `info` that was
used, so that an envelope whose clear fields were changed is told apart from one
whose ciphertext was.
"""

from typing import Literal

import msgspec

from schemas.base import DEFAULT_TENANT, Id, KeyId, Sha256, Wire

Purpose = Literal["job", "vault", "replay", "result"]


class Sealed(Wire, frozen=True, kw_only=True):
    """Ciphertext and the id of the key that opens it: `enc || ct` as RFC 9180 names them."""

    key_id: KeyId
    ciphertext: bytes


class Envelope(Wire, frozen=True, kw_only=True, tag_field="schema", tag="envelope/1"):
    """A job on its way in, or a result on its way out."""

    purpose: Literal["job", "result"]
    job_id: Id
    content: Literal["job/1", "result/1"]
    sealed: Sealed
    binding: Sha256
    tenant: Id = DEFAULT_TENANT


class ReplayContent(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What only the operator's replay key opens: the bytes that came in, and from where."""

    topic: str
    value: bytes
    key: bytes | None = None

    def __repr__(self) -> str:
        return "<ReplayContent>"
