import base64
import binascii
import json
import random
import re
import string
from re import _parser  # type: ignore[attr-defined]
from typing import Any

import pytest

from pipeline.detection import Detector, build_detector, named_vendors
from pipeline.detection.vendors import _TOKENS, VENDORS, _Token
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


def test_a_run_of_random_characters_holds_no_passwords_or_keys(detector: Detector) -> None:
    run = base64.b64encode(random.Random(5).randbytes(900_000)).decode()
    assert [f.entity for f in detector.detect(RawText(run)) if f.entity in ("PASSWORD", "AZURE_KEY")] == []


def test_a_github_token_with_its_checksum_scores_higher_than_one_without(detector: Detector) -> None:
    good = github("gh" + "s")
    bad = good[:-1] + ("0" if good[-1] != "0" else "1")
    (right,) = detector.detect(RawText(good))
    (wrong,) = detector.detect(RawText(bad))
    assert wrong.score < right.score


def finding_of(detector: Detector, value: str) -> tuple[str, float]:
    (finding,) = detector.detect(RawText(f"use {value} here"))
    assert (finding.start, finding.end) == (4, 4 + len(value))
    return finding.entity, finding.score


def written(number: int, alphabet: str, digits: int) -> str:
    text = ""
    for _ in range(digits):
        number, digit = divmod(number, len(alphabet))
        text = alphabet[digit] + text
    return text


def gitlab(prefix: str) -> str:
    body = prefix + "-" + mixed(40) + ".01." + "14"
    return body + written(binascii.crc32(body.encode()), string.digits + string.ascii_lowercase, 7)


def npm() -> str:
    body = mixed(30)
    return "np" + "m_" + body + written(binascii.crc32(body.encode()), BASE62, 6)


def grafana() -> str:
    body = "gl" + "sa_" + mixed(32)
    return body + "_" + binascii.crc32(body.encode()).to_bytes(4, "little").hex()


@pytest.mark.parametrize("value", [gitlab("gl" + "pat"), gitlab("gl" + "rt"), npm(), grafana()], ids=range(4))
def test_a_built_in_checksum_raises_the_score_and_its_lack_drops_nothing(detector: Detector, value: str) -> None:
    last = "1" if value[-1] != "1" else "2"
    entity, score = finding_of(detector, value)
    assert score == 0.99
    assert finding_of(detector, value[:-1] + last) == (
        entity,
        min(score, 0.95 if "lpat" in value or "lrt" in value else 0.9),
    )


def sample(token: _Token, *, size: int | None = None) -> str:
    """A value of this shape, drawn anew; its tail from the tail's own pattern."""
    alphabet = [char for char in map(chr, range(33, 127)) if re.match(f"[{token.chars}]", char)]
    letters = [char for char in alphabet if char.isalnum()]
    body = "".join(RANDOM.choice(alphabet) for _ in range((size or token.least) - 1))
    return token.prefix + body + RANDOM.choice(letters) + drawn_from(token.tail)


def drawn_from(pattern: str) -> str:
    """A text that a pattern of literals, classes, groups and counts matches."""
    out = ""
    for code, value in _parser.parse(pattern):
        out += _drawn(str(code), value)
    return out


def _drawn(code: str, value: Any) -> str:
    if code == "LITERAL":
        return chr(value)
    if code == "IN":
        allowed = [c for c in map(chr, range(33, 127)) if any(_allows(str(op), arg, c) for op, arg in value)]
        return RANDOM.choice([c for c in allowed if c.isalnum()] or allowed)
    if code == "MAX_REPEAT":
        return "".join(_drawn(str(op), arg) for _ in range(value[0]) for op, arg in value[2])
    assert code == "SUBPATTERN", code
    return "".join(_drawn(str(op), arg) for op, arg in value[3])


def _allows(op: str, arg: Any, char: str) -> bool:
    if op == "RANGE":
        return bool(arg[0] <= ord(char) <= arg[1])
    return char.isdigit() if op == "CATEGORY" else ord(char) == arg


SHAPES = pytest.mark.parametrize("token", _TOKENS, ids=[f"{n}-{token.vendor}" for n, token in enumerate(_TOKENS)])


@SHAPES
def test_every_vendors_shape_is_covered_whole(detector: Detector, token: _Token) -> None:
    value = sample(token)
    assert re.fullmatch(re.escape(token.prefix) + f"[{token.chars}]+" + token.tail, value)
    finding_of(detector, value)


@SHAPES
def test_a_shape_is_not_found_inside_a_word_or_cut_short(tokens_only: Detector, token: _Token) -> None:
    value = sample(token)
    assert [f for f in tokens_only.detect(RawText("Q" + value)) if f.start == 1] == []
    short = token.prefix + value[len(token.prefix) :][: token.least // 2]
    assert tokens_only.detect(RawText(f"use {short} here")) == []


@pytest.fixture(scope="module")
def tokens_only() -> Detector:
    return build_detector({"VENDOR_TOKEN"})


def test_at_least_150_vendors_tokens_are_known() -> None:
    named = {"OPENAI", "ANTHROPIC", "AWS", "GCP", "AZURE", "GITHUB", "GITLAB", "SLACK", "STRIPE"}
    assert named == {rule.entity.split("_")[0] for rule in named_vendors.RULES}
    assert len(VENDORS) + len(named) >= 150
    assert not {vendor.upper() for vendor in VENDORS} & named
