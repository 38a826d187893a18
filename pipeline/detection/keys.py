"""Secrets with an inner structure: private keys, JSON Web Tokens, connection strings, cloud accounts."""

import base64
import binascii
import json
import re

from pipeline.detection.rules import Rule
from pipeline.detection.secrets import looks_random

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def is_jose_header(value: str) -> bool:
    """Decode a token's first part: only JSON with an algorithm is a token."""
    part = value.split(".", 1)[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return False
    return isinstance(header, dict) and ("alg" in header or "enc" in header or "typ" in header)


def github_checksum(value: str) -> bool:
    """Check the six base62 digits of CRC32 that end a GitHub token."""
    body, check = value[4:-6], value[-6:]
    number = binascii.crc32(body.encode())
    digits = ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits = _BASE62[digit] + digits
    return digits == check


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
_DB_SCHEMES = "postgres(?:ql)?|mysql|mariadb|mongodb|redis|rediss|amqps?|mssql|sqlserver|oracle|clickhouse|cockroachdb|cassandra|neo4j|bolt|ldaps?|kafka|nats|snowflake|db2|influxdb|couchdb|elasticsearch"


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
        pattern=r"(?<![A-Za-z0-9_-])ey[IJ][A-Za-z0-9_-]{8,4096}={0,2}\.(?:ey[A-Za-z0-9_-]{4,16384}|[A-Za-z0-9_-]{0,2048})={0,2}\.[A-Za-z0-9_-]{0,8192}(?:\.[A-Za-z0-9_-]{1,16384}\.[A-Za-z0-9_-]{1,128})?={0,2}",
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
    Rule(
        entity="OPENAI_KEY",
        anchor=r"sk-(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20}",
        pattern=r"sk-(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20,200}",
        score=0.97,
    ),
    Rule(
        entity="OPENAI_KEY",
        anchor=r"sk-[A-Za-z0-9-]{0,24}[A-Za-z0-9]{20}T3BlbkFJ",
        pattern=r"sk-[A-Za-z0-9-]{0,24}[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20,80}",
        score=0.99,
    ),
    Rule(entity="OPENAI_KEY", anchor=r"\bsk-[A-Za-z0-9]{40}", pattern=r"sk-[A-Za-z0-9]{40,64}", score=0.85),
    Rule(
        entity="ANTHROPIC_KEY",
        anchor=r"sk-ant-[a-z0-9]{3,12}-[A-Za-z0-9_-]{20}",
        pattern=r"sk-ant-[a-z0-9]{3,12}-[A-Za-z0-9_-]{20,200}",
        score=0.98,
        bounded=False,
    ),
    Rule(
        entity="AWS_ACCESS_KEY",
        anchor=r"\b(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])[A-Z0-9]{16}\b",
        pattern=r"(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])[A-Z0-9]{16}",
        check=lambda value: not value.endswith("EXAMPLE"),
        score=0.95,
    ),
    Rule(
        entity="AWS_SECRET_KEY",
        context=(
            "aws",
            "secret access key",
            "secret_access_key",
            "secretaccesskey",
            "aws secret",
            "amazon",
            "aws_secret_access_key",
            "secretkey",
        ),
        link=r"[^\n]{0,48}?[\"'`\s=:>,]",
        pattern=r"(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])",
        check=lambda value: (
            looks_random(value) and not re.fullmatch(r"[0-9a-f]{40}|[^A-Z]+|[^a-z]+", value) and "EXAMPLE" not in value
        ),
        score=0.9,
        bounded=False,
    ),
    Rule(
        entity="GCP_KEY",
        anchor=r"AIza[A-Za-z0-9_-]{35}",
        pattern=r"AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])",
        score=0.95,
        bounded=False,
    ),
    Rule(
        entity="GCP_KEY",
        anchor=r"GOCSPX-[A-Za-z0-9_-]{28}",
        pattern=r"GOCSPX-[A-Za-z0-9_-]{28}",
        score=0.97,
        bounded=False,
    ),
    Rule(
        entity="GCP_KEY",
        anchor=r"ya29\.[A-Za-z0-9_-]{20}",
        pattern=r"ya29\.[A-Za-z0-9_.-]{20,400}",
        score=0.95,
        bounded=False,
    ),
    Rule(
        entity="GCP_KEY",
        anchor=r"\b1//0[A-Za-z0-9_-]{40}",
        pattern=r"1//0[A-Za-z0-9_-]{40,160}",
        score=0.9,
        bounded=False,
    ),
    Rule(
        entity="GCP_KEY",
        anchor=r"\"type\"\s{0,4}:\s{0,4}\"service_account\"",
        pattern=r"\"type\"\s{0,4}:\s{0,4}\"service_account\"[^{}]{0,8192}?(?P<v>\"private_key_id\"[^{}]{0,8192}?\"private_key\"\s{0,4}:\s{0,4}\"[^\"]{16,8192}\")",
        score=0.98,
        bounded=False,
    ),
    Rule(
        entity="AZURE_KEY",
        anchor=r"(?i)AccountKey=[A-Za-z0-9+/]{40}",
        pattern=r"(?i:AccountKey=)(?P<v>[A-Za-z0-9+/]{40,100}={0,2})",
        score=0.98,
        bounded=False,
    ),
    Rule(
        entity="AZURE_KEY",
        anchor=r"(?i)SharedAccessKey=[A-Za-z0-9+/]{30}",
        pattern=r"(?i:SharedAccessKey=)(?P<v>[A-Za-z0-9+/]{30,100}={0,2})",
        score=0.97,
        bounded=False,
    ),
    Rule(
        entity="AZURE_KEY",
        anchor=r"[?&]sig=[A-Za-z0-9%+/]{30}",
        pattern=r"[?&]sig=(?P<v>[A-Za-z0-9%+/]{30,120}=?)",
        score=0.9,
        bounded=False,
    ),
    Rule(
        entity="AZURE_KEY",
        anchor=r"[A-Za-z0-9_~.]{3}\dQ~[A-Za-z0-9_~.-]{31}",
        pattern=r"[A-Za-z0-9_~.]{3}\dQ~[A-Za-z0-9_~.-]{31,34}",
        score=0.95,
        bounded=False,
    ),
    Rule(
        entity="AZURE_KEY",
        anchor=r"[A-Za-z0-9+/]{42}(?:AzSe|AzFu|ACDb|AzCa|AIoT|AEh|ASt)",
        pattern=r"[A-Za-z0-9+/]{42}(?:AzSe|AzFu|ACDb|AzCa|AIoT|AEh|ASt)[A-Za-z0-9+/]{4,44}={0,2}",
        score=0.8,
        bounded=False,
    ),
    Rule(
        entity="GITHUB_TOKEN",
        anchor=r"gh[pousr]_[A-Za-z0-9]{36}",
        pattern=r"(?<![A-Za-z0-9_])gh[pousr]_[A-Za-z0-9]{36}",
        check=github_checksum,
        score=0.99,
        unchecked=0.8,
    ),
    Rule(
        entity="GITHUB_TOKEN",
        anchor=r"github_pat_[A-Za-z0-9_]{22}",
        pattern=r"github_pat_[A-Za-z0-9_]{22,255}",
        score=0.97,
    ),
    Rule(
        entity="GITLAB_TOKEN",
        anchor=r"\b(?:glpat|gldt|glptt|glrt|glrtr|glcbt|glft|glimt|glagent|gloas|glsoat|glffct|glwt)-[A-Za-z0-9_.-]{20}",
        pattern=r"gl[a-z]{2,6}-[A-Za-z0-9_.-]{20,300}",
        score=0.95,
        bounded=False,
    ),
    Rule(
        entity="GITLAB_TOKEN",
        anchor=r"\bGR1348941[A-Za-z0-9_-]{20}",
        pattern=r"GR1348941[A-Za-z0-9_-]{20,50}",
        score=0.95,
        bounded=False,
    ),
    Rule(
        entity="SLACK_TOKEN",
        anchor=r"xox[a-z]-[A-Za-z0-9-]{10}",
        pattern=r"xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{10,300}",
        check=lambda value: any(map(str.isdigit, value)),
        score=0.95,
    ),
    Rule(
        entity="SLACK_TOKEN", anchor=r"xoxe\.xox[bp]-\d-", pattern=r"xoxe\.xox[bp]-\d-[A-Za-z0-9]{20,300}", score=0.97
    ),
    Rule(
        entity="SLACK_TOKEN",
        anchor=r"xapp-\d-[A-Z0-9]{4}",
        pattern=r"xapp-\d-[A-Z0-9]{4,20}-\d{4,20}-[A-Za-z0-9]{10,100}",
        score=0.97,
    ),
    Rule(
        entity="SLACK_TOKEN",
        anchor=r"hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/[A-Za-z0-9]",
        pattern=r"hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/]{20,120}",
        score=0.95,
        bounded=False,
    ),
    Rule(
        entity="STRIPE_KEY",
        anchor=r"\b(?:sk|rk|pk)_(?:test|live|prod)_[A-Za-z0-9]{10}",
        pattern=r"(?:sk|rk|pk)_(?:test|live|prod)_[A-Za-z0-9]{10,250}",
        score=0.95,
    ),
    Rule(
        entity="STRIPE_KEY",
        anchor=r"\bwhsec_[A-Za-z0-9+/]{24}",
        pattern=r"whsec_[A-Za-z0-9+/=]{24,80}",
        score=0.95,
        bounded=False,
    ),
)
