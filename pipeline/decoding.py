"""From bytes to wire messages; every fault has its own code and shows no byte of the input.

msgspec's messages echo offending values and keys ("Invalid enum value '...'"), so
none is kept: a fault is told by its kind and by the field's place where that place
is a field of ours.
"""

import re
from typing import TypeVar

import msgspec

from pipeline.errors import VeilError
from schemas.base import Wire
from schemas.codes import ErrorCode

T = TypeVar("T", bound=Wire)

MAX_DEPTH = 64
"""Nesting of objects and arrays at most; deeper JSON is refused before it is decoded."""


class EmptyMessage(VeilError):
    """A record without a value."""

    code = ErrorCode.EMPTY_MESSAGE


class InvalidUtf8(VeilError):
    """The bytes are no UTF-8 (RFC 8259 asks for it)."""

    code = ErrorCode.INVALID_UTF8


class MalformedJson(VeilError):
    """The text is no JSON."""

    code = ErrorCode.MALFORMED_JSON


class TooDeep(VeilError):
    """More nesting than `MAX_DEPTH`."""

    code = ErrorCode.TOO_DEEP


class WrongSchema(VeilError):
    """JSON, but not the message expected here: `schema` names another or is missing."""

    code = ErrorCode.WRONG_SCHEMA


class UnknownField(VeilError):
    """The right message with a field that its schema does not have."""

    code = ErrorCode.UNKNOWN_FIELD


class InvalidField(VeilError):
    """A field is missing or its value is not what the schema asks for."""

    code = ErrorCode.INVALID_FIELD


class UnknownEndpoint(VeilError):
    """An endpoint that no walk exists for."""

    code = ErrorCode.UNKNOWN_ENDPOINT


class TooLarge(VeilError):
    """More bytes than the limit."""

    code = ErrorCode.JOB_TOO_LARGE


class _Peek(msgspec.Struct):
    """The one field that tells what a message is."""

    schema: object = None


_peek = msgspec.json.Decoder(_Peek)
_decoders: dict[type[Wire], msgspec.json.Decoder[Wire]] = {}


def decode(data: bytes | None, expected: type[T], *, limit: int | None = None) -> T:
    """Decode one message strictly.

    Args:
        data: The record's value.
        expected: The message that must be in it.
        limit: Bytes at most.

    Raises:
        VeilError: one of this module's, by the first fault found.
    """
    if not data:
        raise EmptyMessage
    if limit is not None and len(data) > limit:
        raise TooLarge(f"{len(data)} bytes, {limit} allowed")
    try:
        data.decode("utf-8", "strict")
    except UnicodeDecodeError:
        raise InvalidUtf8 from None
    check_depth(data)
    try:
        peek = _peek.decode(data)
    except msgspec.ValidationError:
        raise WrongSchema from None
    except (msgspec.DecodeError, RecursionError):
        raise MalformedJson from None
    if peek.schema != expected.__struct_config__.tag:
        raise WrongSchema
    try:
        decoder = _decoders.get(expected)
        if decoder is None:
            decoder = _decoders[expected] = msgspec.json.Decoder(expected)
        message = decoder.decode(data)
    except msgspec.ValidationError as exc:
        raise _validation_fault(str(exc), expected) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise MalformedJson from None
    assert isinstance(message, expected)  # noqa: S101 - what Decoder(expected) promises, for mypy
    return message


def _validation_fault(message: str, expected: type[Wire]) -> VeilError:
    if message.startswith("Object contains unknown field"):
        return UnknownField()
    place = re.search(r"at `\$\.([a-z_]+)", message)
    field = place[1] if place else ""
    if field not in expected.__struct_fields__:
        missing = re.search(r"missing required field `([a-z_]+)`", message)
        field = missing[1] if missing else ""
    if field == "endpoint" and message.startswith("Invalid enum value"):
        return UnknownEndpoint()
    return InvalidField(field if field in expected.__struct_fields__ else "")


_STRUCTURE = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\Z)|[\[{]|[\]}]', re.DOTALL)
"""A string (an unclosed one runs to the end, so that no byte is scanned twice) or a bracket."""


def check_depth(data: bytes, limit: int = MAX_DEPTH) -> None:
    """Refuse JSON nested deeper than `limit`, without recursion and in linear time.

    Raises:
        TooDeep: it is.
    """
    if data.count(b"[") + data.count(b"{") <= limit:
        return
    depth = 0
    for token in _STRUCTURE.finditer(data):
        first = data[token.start()]
        if first in b"[{":
            depth += 1
            if depth > limit:
                raise TooDeep(f"more than {limit} levels")
        elif first in b"]}":
            depth -= 1
