"""Masks and hashes: what they show, and that nothing brings the value back."""

import json
import re
from pathlib import Path

import pytest

from pipeline.last_check import LastCheckFailed, last_check
from pipeline.occurrences import value
from pipeline.one_way import hash_token, mask
from pipeline.placeholders import Scope, lookalikes
from pipeline.policy import Policy, Shown, load_policies
from pipeline.rehydration import Codes, rehydrate
from tests.unit.redaction.detectors import (
    SCOPE,
    Patterns,
    answer,
    chat,
    content_of,
    encode,
    redact_chat,
    restore_chat,
    sent,
)

CARD = "4111-1111-1111-1234"
CARDS = Patterns(CREDIT_CARD=r"\d{4}-\d{4}-\d{4}-\d{4}", PERSON="Ann Lee", EMAIL=r"(?i)ann@x\.org", PIN=r"\b1234\b")


def policy_of(tmp_path: Path, **actions: str) -> Policy:
    path = tmp_path / "policy.toml"
    rules = "".join(f'{entity} = "{action}"\n' for entity, action in actions.items())
    path.write_text(f"[entities]\n{rules}", encoding="utf-8")
    return load_policies(path).select("acme", None)


@pytest.mark.parametrize(
    ("entity", "text", "shown", "masked"),
    [
        ("CREDIT_CARD", CARD, None, "****-****-****-1234"),
        ("CREDIT_CARD", CARD, Shown(6, 4), "4111-11**-****-1234"),
        ("IBAN", "DE89 3704 0044 0532 0130 00", None, "**** **** **** **** **30 00"),
        ("PHONE", "+1 (415) 555-2671", None, "+* (***) ***-2671"),
        ("UK_SORT_CODE", "12-34-56", None, "**-**-**"),
        ("PERSON", "Ann-Sophie Lee", None, "***-****** ***"),
        ("PERSON", "Ann-Sophie Lee", Shown(1, 0), "A**-****** ***"),
        ("EMAIL", "ann99999999@x.org", None, "***********@*.***"),
        ("CASE_NUMBER", "C-2024-000123", None, "*-****-**0123"),
        ("US_SSN", "123-45-6789", Shown(4, 4), "***-**-****"),
        ("PASSWORD", "hunter2", None, "********"),
        ("PRIVATE_KEY_BLOCK", "-----BEGIN\nabc", None, "********"),
        ("PERSON", '"Ann"\n{Lee}', None, "***********"),
        ("PERSON", "--", None, "**"),
    ],
)
def test_a_mask_keeps_the_format_and_shows_the_end_of_numbers_only(
    entity: str, text: str, shown: Shown | None, masked: str
) -> None:
    assert mask(entity, text, shown) == masked


def test_masked_values_are_counted_and_never_come_back(tmp_path: Path) -> None:
    policy = policy_of(tmp_path, CREDIT_CARD="mask")
    redacted = redact_chat(chat(f"card {CARD} of Ann Lee", f"again {CARD}"), CARDS, policy=policy)
    first, second = sent(redacted)
    assert first.startswith("card ****-****-****-1234 of [PERSON_")
    assert second == "again ****-****-****-1234"
    assert redacted.actions == {"mask": 2, "redact": 1}
    assert set(redacted.issued.values()) == {"PERSON"}
    assert CARD not in {original.text for original in redacted.originals.values()}
    assert content_of(restore_chat(answer(first), redacted).body) == "card ****-****-****-1234 of Ann Lee"


def test_a_masked_value_is_counted_where_detection_missed_it(tmp_path: Path) -> None:
    policy = policy_of(tmp_path, CREDIT_CARD="mask")
    once = Patterns(CREDIT_CARD=r"(?<=card )[\d-]{19}")
    redacted = redact_chat(chat(f"card {CARD}", f"and {CARD}"), once, policy=policy)
    assert sent(redacted)[1] == "and ****-****-****-1234"
    assert redacted.actions == {"mask": 2}


def test_a_masked_number_in_json_leaves_json(tmp_path: Path) -> None:
    policy = policy_of(tmp_path, CREDIT_CARD="mask")
    document = json.dumps({"card": 4111111111111234, "note": f'say "{CARD}"'})
    redacted = redact_chat(chat(document), Patterns(CREDIT_CARD=r"[\d-]{16,}"), policy=policy)
    assert json.loads(sent(redacted)[0]) == {"card": "************1234", "note": 'say "****-****-****-1234"'}


def test_equal_values_hash_alike_in_their_scope_only(tmp_path: Path) -> None:
    policy = policy_of(tmp_path, EMAIL="hash")
    redacted = redact_chat(chat("ann@x.org", "ANN@X.ORG"), CARDS, policy=policy)
    first, second = sent(redacted)
    assert re.fullmatch(r"\[EMAIL#[0-9a-f]{20}\]", first)
    assert first == second
    assert redacted.actions == {"hash": 2}
    assert redacted.originals == {} == redacted.issued
    other = redact_chat(chat("ann@x.org"), CARDS, policy=policy, scope=Scope(SCOPE.key, "acme/job/two"))
    assert sent(other) != [first]


def test_credentials_hash_by_their_case() -> None:
    assert hash_token("PASSWORD", "Secret", SCOPE) != hash_token("PASSWORD", "secret", SCOPE)
    assert hash_token("PHONE", "+1 415 555", SCOPE) == hash_token("PHONE", "+1415555", SCOPE)


def test_a_hash_is_no_placeholder() -> None:
    token = hash_token("EMAIL", "ann@x.org", SCOPE)
    for form in (token, token.replace("#", "_"), token.replace("#", " "), token.strip("[]").replace("#", "-")):
        assert lookalikes(form) == set()
        code = token[7:15]
        assert rehydrate(form, Codes.of({}, {f"[EMAIL_{code}]": "EMAIL"})) == form


@pytest.mark.parametrize("action", ["mask", "hash"])
def test_a_participants_name_is_hashed_to_an_identifier(tmp_path: Path, action: str) -> None:
    request = chat("hello")
    request["messages"][0]["name"] = "Ann_Lee"
    redacted = redact_chat(request, CARDS, policy=policy_of(tmp_path, PERSON=action))
    assert re.fullmatch(r"PERSON-[0-9a-f]{20}", json.loads(redacted.body)["messages"][0]["name"])


def test_digits_that_a_mask_shows_are_no_leak_though_found_by_themselves(tmp_path: Path) -> None:
    policy = policy_of(tmp_path, CREDIT_CARD="mask")
    redacted = redact_chat(chat(f"{CARD} with pin 1234"), CARDS, policy=policy)
    assert sent(redacted)[0].startswith("****-****-****-1234 with pin [PIN_")


@pytest.mark.parametrize("text", [f"is {CARD}", "is 4111111111111234", "****-****-****-1234 is 4111 1111 1111 1234"])
def test_the_last_check_still_refuses_a_masked_value_elsewhere(text: str) -> None:
    found = value(CARD, "CREDIT_CARD")
    assert found
    with pytest.raises(LastCheckFailed):
        last_check(encode(chat(text)), [found], issued=(), known={"****-****-****-1234"}, words=(), instruction="none")


def test_what_a_mask_shows_hides_no_value_that_holds_it() -> None:
    secret = value("pw****1234", "PASSWORD")
    assert secret
    with pytest.raises(LastCheckFailed):
        last_check(encode(chat("pw****1234")), [secret], issued=(), known={"****1234"}, words=(), instruction="none")
