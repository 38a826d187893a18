"""The forms in which a value may lie on a disk."""

import base64
import html
import json
import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import quote, quote_plus

# Shorter and a random match in ciphertext or a timestamp becomes likely.
MIN_VALUE_BYTES = 6
MIN_DIGITS = 9

ENCODINGS = (
    "raw",
    "json",
    "json-ascii",
    "url",
    "html",
    "repr",
    "base64",
    "hex",
    "utf-16le",
    "utf-16be",
    "digits",
)


class Form(NamedTuple):
    """One byte pattern of a value: a regular expression both Hyperscan and `re` read alike.

    `bounded` says that a digit right before or after makes it another number.
    """

    encoding: str
    pattern: bytes
    caseless: bool
    bounded: bool


def forms(value: str) -> Iterator[Form]:
    """Give every form of `value`; one that equals an earlier form is left out.

    Letters match in either case, except in base64, where case is the content.
    """
    seen: set[bytes] = set()
    for encoding, literal in literals(value):
        if literal not in seen:
            seen.add(literal)
            short_number = literal.isdigit() and len(literal) < 12
            yield Form(encoding, _escaped(literal), encoding != "base64", short_number)
    digits = re.sub(r"\D", "", value, flags=re.ASCII)
    if len(digits) >= MIN_DIGITS:
        pattern = "[ ./-]?".join(digits).encode()
        yield Form("digits", pattern, caseless=False, bounded=len(digits) < 12)


def encoded(value: str, encoding: str) -> bytes:
    """Write `value` in one encoding, as a leak would; the controls plant this."""
    if encoding == "digits":
        return re.sub(r"\D", "", value, flags=re.ASCII).encode()
    if encoding == "base64":
        return base64.b64encode(value.encode())
    return [literal for name, literal in literals(value) if name == encoding][-1]


def literals(value: str) -> Iterator[tuple[str, bytes]]:
    """Give every literal form with its encoding's name; of base64, the part that no neighbour changes."""
    raw = value.encode()
    yield "raw", raw
    yield "json", json.dumps(value, ensure_ascii=False)[1:-1].encode()
    in_json_ascii = json.dumps(value)[1:-1]
    yield "json-ascii", in_json_ascii.encode()
    yield "json-ascii", in_json_ascii.replace("/", "\\/").encode()
    for quoted in (quote(value, safe=""), quote(value), quote_plus(value)):
        yield "url", quoted.encode()
    yield "html", html.escape(value).encode()
    yield "repr", repr(value)[1:-1].encode()
    yield "repr", ascii(value)[1:-1].encode()
    yield "repr", repr(raw)[2:-1].encode()
    yield "hex", raw.hex().encode()
    yield "utf-16le", value.encode("utf-16-le")
    yield "utf-16be", value.encode("utf-16-be")
    for text in dict.fromkeys((raw, in_json_ascii.encode())):
        for offset in range(3):
            inner = _inner_base64(text, offset)
            yield "base64", inner
            yield "base64", inner.replace(b"+", b"-").replace(b"/", b"_")


def _inner_base64(text: bytes, offset: int) -> bytes:
    """The characters that depend on `text` alone when it starts `offset` bytes into a group of three."""
    first = -(-offset * 8 // 6)
    last = (offset + len(text)) * 8 // 6
    return base64.b64encode(b"\0" * offset + text)[first:last]


def _escaped(literal: bytes) -> bytes:
    return b"".join(b"\\x%02x" % byte for byte in literal)
