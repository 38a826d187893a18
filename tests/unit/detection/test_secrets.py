import base64
import binascii
import json
import random
import re
import string

import pytest

from pipeline.detection import Detector
from pipeline.detection.vendors import _TOKENS
from pipeline.text import RawText
from tests.unit.detection.tables import assert_marked, assert_nothing

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
RANDOM = random.Random(7)


def drawn(alphabet: str, size: int) -> str:
    return "".join(RANDOM.choice(alphabet) for _ in range(size))


def mixed(size: int) -> str:
    """Draw letters and digits, some of each."""
    return "a1B" + drawn(string.ascii_letters + string.digits, size - 3)


def github(prefix: str) -> str:
    body = mixed(30)
    number, check = binascii.crc32(body.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        check = BASE62[digit] + check
    return prefix + "_" + body + check


def part(data: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")


JWT = ".".join((part({"alg": "HS256", "typ": "JWT"}), part({"sub": "1234567890"}), mixed(43)))
PEM = "-----BEGIN " + "PRIVATE KEY-----\n" + mixed(64) + "\n" + mixed(40) + "\n-----END " + "PRIVATE KEY-----"

FOUND = [
    ("OPENAI_KEY", "use ⟦" + "sk-" + "proj-" + mixed(60) + "⟧ here"),
    ("OPENAI_KEY", "use ⟦" + "sk-" + mixed(20) + "T3Blbk" + "FJ" + mixed(20) + "⟧ here"),
    ("ANTHROPIC_KEY", "use ⟦" + "sk-" + "ant-api03-" + mixed(80) + "⟧ here"),
    ("AWS_ACCESS_KEY", "id ⟦" + "AK" + "IA" + "Q3EG" + drawn(string.ascii_uppercase + "234567", 12) + "⟧ here"),
    ("AWS_SECRET_KEY", "aws_secret_access_key = ⟦" + mixed(36) + "/x+Z" + "⟧"),
    ("GCP_KEY", "use ⟦" + "AI" + "za" + mixed(35) + "⟧ here"),
    ("AZURE_KEY", "AccountKey=⟦" + mixed(86) + "==⟧;"),
    ("GITHUB_TOKEN", "use ⟦" + github("gh" + "p") + "⟧ here"),
    ("GITLAB_TOKEN", "use ⟦" + "gl" + "pat-" + mixed(20) + "⟧ here"),
    ("SLACK_TOKEN", "use ⟦" + "xo" + "xb-" + "123456789012-1234567890123-" + mixed(24) + "⟧ here"),
    ("STRIPE_KEY", "use ⟦" + "sk_" + "live_" + mixed(24) + "⟧ here"),
    ("JWT", "use ⟦" + JWT + "⟧ here"),
    ("PRIVATE_KEY_BLOCK", "\n⟦" + PEM + "⟧\n"),
    ("DB_CONNECTION_STRING", "postgres://⟦svc:" + "s3cr" + "3tX9" + "⟧@db.example.org:5432/app"),
    ("PASSWORD", "https://svc:⟦" + "s3cr" + "3tX9" + "⟧@api.example.org/v1"),
    ("PASSWORD", "password: ⟦Winter" + "2031!x⟧"),
    ("PASSWORD", 'PASSWORD="⟦corr' + "3ct horse".replace(" ", "-") + '⟧"'),
    ("PASSWORD", "Passwort ist ⟦Winter" + "2031!x⟧"),
    ("API_KEY", "service_api_key = '⟦" + mixed(32) + "⟧'"),
    ("API_KEY", '{"client_secret": "⟦' + mixed(40) + '⟧"}'),
    ("API_KEY", "Authorization: Bearer ⟦" + mixed(40) + "⟧"),
]
NOTHING = [
    "sk-learn and task-" + "a" * 30,
    "AKIA is a prefix, AKIAEXAMPLE another",
    "eyJub3QiOiJhIGp3dCJ9.eyJub3QiOiJhIGp3dCJ9.abc",
    "-----BEGIN PRIVATE KEY----- is how the file begins",
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    'api_key = os.environ["API_KEY"]',
    "password: ${DB_PASSWORD}  # injected",
    'Set password="changeme" in the tutorial.',
    '"token": "********"',
    "export API_KEY=<YOUR_API_KEY>",
    "def login(password: str, token: Token) -> None:",
    "the password must have 12 characters",
    "https://user:${PASS}@host.example.org",
    "public_key_path = /etc/ssl/certs/server.pem",
    "token = next_token(state)",
    "primary key: (tenant_id, job_id)",
]


@pytest.mark.parametrize(("entity", "text"), FOUND, ids=[f"{n}-{entity}" for n, (entity, _) in enumerate(FOUND)])
def test_secrets_are_found_exactly(detector: Detector, entity: str, text: str) -> None:
    assert_marked(detector, entity, text)


@pytest.mark.parametrize("text", NOTHING)
def test_placeholders_and_code_are_no_secrets(detector: Detector, text: str) -> None:
    assert_nothing(detector, text)


def test_a_github_token_with_its_checksum_scores_higher_than_one_without(detector: Detector) -> None:
    good = github("gh" + "s")
    bad = good[:-1] + ("0" if good[-1] != "0" else "1")
    (right,) = detector.detect(RawText(good))
    (wrong,) = detector.detect(RawText(bad))
    assert wrong.score < right.score


PLAIN_TOKENS = [token for token in _TOKENS if not token.tail]


@pytest.mark.parametrize("token", PLAIN_TOKENS, ids=[f"{n}-{t.vendor}" for n, t in enumerate(PLAIN_TOKENS)])
def test_every_vendors_shape_is_covered_whole(detector: Detector, token: object) -> None:
    assert isinstance(token, type(PLAIN_TOKENS[0]))
    alphabet = [char for char in map(chr, range(33, 127)) if re.match(f"[{token.chars}]", char)]
    value = (
        token.prefix
        + "".join(RANDOM.choice(alphabet) for _ in range(token.least - 1))
        + next(c for c in alphabet[::-1] if c.isalnum())
    )
    (finding,) = detector.detect(RawText(f"use {value} here"))
    assert (finding.start, finding.end) == (4, 4 + len(value))
