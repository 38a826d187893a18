"""Whose a record is, for scheduling only: nothing that decides about data may be read here."""

import msgspec

from schemas.base import DEFAULT_TENANT

UNKNOWN = ""
"""The tenant of what cannot be read; no real one has this name."""

_NAME_MAX = 64


class _Clear(msgspec.Struct):
    """The one field that is read; all else is skipped."""

    tenant: str = DEFAULT_TENANT


_decoder = msgspec.json.Decoder(_Clear)


def tenant_of(value: bytes | None) -> str:
    """The tenant that the clear field of a job, envelope, request or completion names; unverified."""
    try:
        tenant = _decoder.decode(value or b"").tenant
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return UNKNOWN
    return tenant if len(tenant) <= _NAME_MAX else UNKNOWN
