"""A part of a longer finding, repeated by itself, is as secret as the whole."""

import secrets

import msgspec
import pytest

from infra.canaries import make_canaries
from pipeline.parts import parts
from pipeline.placeholders import Scope
from pipeline.policy import load_policies
from pipeline.policy_detector import PolicyDetectors
from pipeline.request import redact_request
from schemas.job import Endpoint

POLICIES = load_policies(None)
POLICY = POLICIES.select("default", None)
DETECTOR = PolicyDetectors(POLICIES)(POLICY)
COMPOSITE = ["DB_CONNECTION_STRING", "COOKIE_ID", "PASSPORT_MRZ", "PRIVATE_KEY_BLOCK", "CARD_TRACK_DATA", "JWT"]


def sent(*messages: str) -> str:
    request = {"model": "m", "messages": [{"role": "user", "content": message} for message in messages]}
    body = redact_request(
        Endpoint.CHAT_COMPLETIONS,
        msgspec.json.encode(request),
        policy=POLICY,
        detector=DETECTOR,
        scope=Scope(key=b"k", id="t/job/1"),
    )
    return body.body.decode()


@pytest.mark.parametrize("entity", COMPOSITE)
def test_the_value_inside_a_finding_is_redacted_when_it_stands_alone(entity: str) -> None:
    canary = make_canaries(secrets.randbits(32))[entity]
    assert canary.value not in sent(canary.text, f"again: {canary.value} and so on")


def test_a_password_is_redacted_apart_from_its_connection_string() -> None:
    password = "pw" + secrets.token_hex(8)
    for string in (
        f"postgres://app:{password}@db.example:5432/x",
        f"Server=db;Database=x;User=sa;Password={password};",
    ):
        assert password not in sent(f"DATABASE_URL={string}", f"the password is {password}", password)


def test_a_simple_value_has_no_parts() -> None:
    assert list(parts("EMAIL", "jane@example.org")) == []
