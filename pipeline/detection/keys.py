"""Secrets with an inner structure: private keys, JSON Web Tokens, connection strings."""

import base64
import binascii
import json
import re

from pipeline.detection.rules import Rule


def is_jose_header(value: str) -> bool:
    """Decode a token's first part: only JSON with an algorithm is a token."""
    part = value.split(".", 1)[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return False
    return isinstance(header, dict) and ("alg" in header or "enc" in header or "typ" in header)


_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_PRIVATE_KEY_END = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_KEY_BODY = re.compile(
    r"(?:\s|\\[nrt]|[\"'+,]|[A-Za-z0-9+/=:\-. ]){0,16384}?(?=-----END|[^A-Za-z0-9+/=\s\\\"'+,:\-.]|\Z)"
)
_MAX_KEY = 16_384


def _private_key(text: str, start: int, end: int) -> list[tuple[int, int, float]]:
    """Reach from the first to the last line; a key cut off reaches as far as its letters do."""
    begin = _PRIVATE_KEY.match(text, start)
    if begin is None:
        return []
    last = _PRIVATE_KEY_END.search(text, begin.end(), begin.end() + _MAX_KEY)
    if last is not None:
        body = text[begin.end() : last.start()]
        return [(start, last.end(), 0.99)] if sum(map(str.isalnum, body)) >= 16 else []
    body_match = _KEY_BODY.match(text, begin.end(), begin.end() + _MAX_KEY)
    if body_match is None or sum(map(str.isalnum, body_match[0])) < 32:
        return []
    return [(start, start + len(text[start : body_match.end()].rstrip()), 0.95)]


_USER_INFO = r"(?P<v>[^\s:/@\"'<>]{0,64}:(?![$%{<])[^\s@\"'<>]{1,128})@[A-Za-z0-9\[]"
_DB_SCHEMES = (
    "postgres(?:ql)?|mysql|mariadb|mongodb|redis|rediss|amqps?|mssql|sqlserver|oracle|clickhouse|"
    "cockroachdb|cassandra|neo4j|bolt|ldaps?|kafka|nats|snowflake|db2|influxdb|couchdb|"
    "elasticsearch"
)


def _real_credentials(value: str) -> bool:
    password = value.split(":", 1)[1]
    return password.lower() not in ("password", "pass", "pwd", "secret", "passwd") and not re.search(
        r"(?i)^x+$|^\*+$|your|example|changeme|\$\{|\{\{|<", password
    )


RULES = (
    Rule(
        entity="PRIVATE_KEY_BLOCK", anchor=r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----", find=_private_key
    ),
    Rule(
        entity="PRIVATE_KEY_BLOCK",
        anchor=r"PuTTY-User-Key-File-\d: ",
        pattern=r"PuTTY-User-Key-File-\d: [^\n]{1,80}\n(?:[^\n]{0,200}\n){1,60}?Private-MAC: [0-9a-f]{40,64}",
        score=0.99,
        bounded=False,
    ),
    Rule(
        entity="JWT",
        anchor=r"\bey[IJ][A-Za-z0-9_-]{8}",
        pattern=(
            r"(?<![A-Za-z0-9_-])ey[IJ][A-Za-z0-9_-]{8,4096}={0,2}\.(?:ey[A-Za-z0-9_-]{4,16384}|"
            r"[A-Za-z0-9_-]{0,2048})={0,2}\.[A-Za-z0-9_-]{0,8192}(?:\.[A-Za-z0-9_-]{1,16384}\.[A-Za-z0-9_-"
            r"]{1,128})?={0,2}"
        ),
        check=is_jose_header,
        score=0.97,
        bounded=False,
    ),
    Rule(
        entity="DB_CONNECTION_STRING",
        anchor=rf"(?i)\b(?:{_DB_SCHEMES})(?:\+[a-z0-9]{{1,16}})?://[^\s/:@\"'<>]{{0,64}}:[^\s@\"'<>]",
        pattern=rf"(?i:(?:{_DB_SCHEMES})(?:\+[a-z0-9]{{1,16}})?://){_USER_INFO}",
        check=_real_credentials,
        score=0.95,
        unchecked=0.3,
        bounded=False,
    ),
    Rule(
        entity="DB_CONNECTION_STRING",
        anchor=r"(?i);\s?(?:password|pwd)\s?=\s?[^\s;\"']{3}",
        pattern=r"(?i);\s?(?:password|pwd)\s?=\s?(?P<v>(?![$%{<*])[^\s;\"']{3,128})",
        score=0.85,
        bounded=False,
    ),
)
