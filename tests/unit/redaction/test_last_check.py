"""The last check: catches what redaction left, in any usual encoding, and little else."""

import base64
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from pipeline import redaction, replacements
from pipeline.fields.endpoints import api_words
from pipeline.last_check import LastCheckFailed, last_check
from pipeline.occurrences import value
from pipeline.request import INSTRUCTION
from tests.unit.redaction.detectors import CHAT, Patterns, chat, encode, redact_chat


def check(request: dict[str, Any], values: dict[str, str], issued: tuple[str, ...] = ()) -> None:
    sought = [item for text, entity in values.items() if (item := value(text, entity))]
    last_check(encode(request), sought, issued=issued, words=api_words(CHAT), instruction=INSTRUCTION)


SECRET = "Ann-Sophie Lee"
CARD = "4111 1111 1111 1111"
KINDS = {SECRET: "PERSON", CARD: "CREDIT_CARD", "ann.lee@x.org": "EMAIL"}


@pytest.mark.parametrize(
    "text",
    [
        f"hello {SECRET}!",
        f"hello {SECRET.upper()}!",
        f"https://x.org/?q={quote(SECRET)}",
        f"https://x.org/?q={quote_plus('ann.lee@x.org')}",
        "card 4111111111111111",
        "card 4111-1111-1111-1111",
        base64.b64encode(SECRET.encode()).decode(),
        base64.b64encode(b"x" + SECRET.encode() + b"yz").decode(),
        base64.urlsafe_b64encode(b"xy" + SECRET.encode() + b"z").decode(),
        "prefixann.lee@x.org",
        'print("hi\\nAnn-Sophie Lee")',
        '{"a": "Ann\\u002dSophie Lee"}',
    ],
)
def test_value_that_is_left_refuses(text: str) -> None:
    with pytest.raises(LastCheckFailed) as caught:
        check(chat(text), KINDS)
    assert "Ann" not in caught.value.detail
    assert any(entity in caught.value.detail for entity in KINDS.values())


@pytest.mark.parametrize("spot", ["key", "number", "deep"])
def test_every_key_and_leaf_is_looked_at(spot: str) -> None:
    trees = {
        "key": chat("x", metadata={SECRET: "y"}),
        "number": chat("x", seed=4111111111111111),
        "deep": chat("x", anything=[{"deep": [SECRET]}]),
    }
    with pytest.raises(LastCheckFailed):
        check(trees[spot], KINDS)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("may I ask about the mayor in Maybury", {"May": "PERSON"}),
        ("will this mark the end", {"Will": "PERSON", "Mark": "PERSON"}),
        ("a hannah in annapolis", {"Anna": "PERSON"}),
        ("the 42nd of 1420", {"42": "AGE"}),
        ("1 2 3", {"2": "AGE"}),
        ("hello", {"content": "PERSON", "role": "PERSON", "user": "USERNAME"}),
        ('{"a": null}', {"Null": "PERSON"}),
    ],
)
def test_likeness_does_not_refuse(text: str, values: dict[str, str]) -> None:
    check(chat(text), values)


def test_settings_and_model_names_are_no_users_text() -> None:
    request = chat("x", max_tokens=123, temperature=0.42) | {"model": "gpt-4o-2024-08-06"}
    check(request | {"model": "o3"}, {"123": "CARD_CVV", "42": "AGE"})
    text = "born 2024-08-06, aged 42, cvv 123"
    detector = Patterns(DATE_OF_BIRTH="2024-08-06", AGE=r"\b42\b", CARD_CVV=r"\b123\b")
    assert redact_chat(request | chat(text) | {"model": request["model"]}, detector).entities["AGE"] == 1


def test_placeholders_and_instruction_are_no_users_text() -> None:
    check(
        chat("[PERSON_k3m9x2ab] wrote", metadata={"a": INSTRUCTION}),
        {"person": "USERNAME", "k3m9x2ab": "USERNAME", "brackets": "PERSON"},
        ("[PERSON_k3m9x2ab]",),
    )
    with pytest.raises(LastCheckFailed):
        check(chat("[PERSON_k3m9x2ab] wrote"), {"k3m9x2ab": "USERNAME"})


def test_redaction_that_skips_an_occurrence_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def skipping(decisions: redaction.Decisions, given: Any) -> None:
        decisions.passages[-1].spans.pop()
        planted(decisions, given)

    planted = replacements.fill
    monkeypatch.setattr("pipeline.request.fill", skipping)
    with pytest.raises(LastCheckFailed, match="PERSON"):
        redact_chat(chat("Ann Lee", "and Ann Lee"), Patterns(PERSON="Ann Lee"))


def test_very_many_values_are_searched_all_the_same() -> None:
    values = {f"person number {number:05}": "PERSON" for number in range(3000)}
    filler = "nothing to see here, move along please. " * 6000
    check(chat(filler), values)
    with pytest.raises(LastCheckFailed):
        check(chat(filler + "Person Number 02999"), values)
