"""The placeholders of one person's names, or of one value, begin alike; the rest of the code is each spelling's own."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.placeholders import Issuer, Scope, Taken, code_of, is_code
from pipeline.request import RELATED
from tests.unit.redaction.detectors import SCOPE, Patterns, answer, chat, content_of, redact_chat, restore_chat, sent

CONVERSATION = Scope(SCOPE.key, "acme/conversation/one")


def _codes(*texts: str, scope: Scope = SCOPE, found: str = "Ann Q?[.]? ?Leeman|Bob Leeman|Jürgen Müller") -> list[str]:
    """The codes of messages that are one name each."""
    contents = sent(redact_chat(chat(*texts), Patterns(PERSON=found), scope=scope))
    assert all(content[0] == "[" and content[-1] == "]" for content in contents)
    return [code_of(content) for content in contents]


@pytest.mark.parametrize("scope", [SCOPE, CONVERSATION])
@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Ann Leeman", "ANN LEEMAN"),
        ("Ann Leeman", "Leeman, Ann"),
        ("Jürgen Müller", "Jurgen Muller"),
        ("Jürgen Müller", "JÜRGEN MÜLLER"),
    ],
)
def test_spellings_of_a_full_name_begin_alike_in_every_scope(scope: Scope, name: str, other: str) -> None:
    first, second = _codes(name, other, scope=scope)
    assert (first[:4] == second[:4], first == second) == (True, False)


@pytest.mark.parametrize("alias", ["Leeman", "LEEMAN", "Ann", "A. Leeman", "aleeman", "ann.leeman", "Ann Q. Leeman"])
def test_other_names_begin_like_the_full_name_within_a_job(alias: str) -> None:
    first, second = _codes("Ann Leeman", alias)
    assert first[:4] == second[:4]


def test_a_surname_of_two_persons_is_neithers() -> None:
    ann, bob, surname = (code[:4] for code in _codes("Ann Leeman", "Bob Leeman", "Leeman"))
    assert len({ann, bob, surname}) == 3


def test_a_name_keeps_its_placeholder_whatever_other_names_stand_in_a_job_of_a_conversation() -> None:
    found = "Ann Leeman|Leeman"
    assert (
        _codes("Leeman", scope=CONVERSATION, found=found)
        == _codes("Leeman", "Ann Leeman", scope=CONVERSATION, found=found)[:1]
    )


def test_a_name_inside_json_begins_like_the_one_outside() -> None:
    text = json.dumps({"name": "Jürgen Müller"})
    redacted = redact_chat(chat("Jürgen Müller", text), Patterns(PERSON="Jürgen Müller"))
    plain, inside = (code_of(placeholder) for placeholder in redacted.issued)
    assert plain[:4] == inside[:4]
    assert content_of(restore_chat(answer(sent(redacted)[1]), redacted).body) == text


@pytest.mark.parametrize(("text", "told"), [("ANN LEEMAN", True), ("Jürgen Müller", False)])
def test_the_model_is_told_only_where_two_tokens_are_one_persons(text: str, told: bool) -> None:
    redacted = redact_chat(chat("Ann Leeman", text), Patterns(PERSON="Ann Leeman|Jürgen Müller"))
    assert (RELATED.encode() in redacted.body) is told


names = st.text(st.characters(categories=["Lu", "Ll", "Mn", "Zs", "Po", "Nd"]), min_size=1, max_size=20)


@given(st.lists(names, min_size=1, max_size=20))
def test_codes_are_unique_and_stable_for_any_names(texts: list[str]) -> None:
    spelled = [spelling for text in texts for spelling in (text, text.upper(), f"{text}'s")]

    def issue() -> list[str]:
        issuer = Issuer(SCOPE, Taken(), lambda _: True)
        return [issuer.issue("PERSON", text) for text in spelled]

    issued = issue()
    assert len(set(issued)) == len(set(spelled))
    assert all(is_code(code_of(placeholder)) for placeholder in issued)
    assert issue() == issued


def test_two_families_with_one_beginning_break_nothing() -> None:
    """Every person has one family here: the rest of the code still tells all names apart."""

    class Issued(Issuer):
        def _start(self, entity: str, text: str) -> str:
            return "abcd"

    issuer = Issued(SCOPE, Taken(), lambda _: True)
    issued = [issuer.issue("PERSON", f"name {number}") for number in range(2_000)]
    assert len({code_of(placeholder) for placeholder in issued}) == 2_000
    assert all(is_code(code_of(placeholder)) for placeholder in issued)


@pytest.mark.parametrize("scope", [SCOPE, CONVERSATION])
@pytest.mark.parametrize(
    ("entity", "text", "other", "another"),
    [
        ("EMAIL", "Ann.Lee@Example.org", "ann.lee@example.org", "annlee@example.org"),
        ("IBAN", "FI21 1234 5600 0007 85", "fi2112345600000785", "FI21 1234 5600 0007 86"),
        ("CREDIT_CARD", "4111-1111 1111-1111", "4111111111111111", "4111111111111112"),
        ("PHONE", "+358 (40) 123-4567", "+358401234567", "+358401234568"),
        ("US_SSN", "123-45-6789", "123 45 6789", "123-45-6780"),
        ("ORGANIZATION", "Tre Kronor AB", "TRE KRONOR", "Tre Kronor Sport AB"),
        ("STREET_ADDRESS", "Åvägen 3, B", "AVAGEN 3 B", "Åvägen 33 B"),
        ("IPV4", "11.1.1.1", "１1.1.1.1", "1.11.1.1"),
    ],
)
def test_spellings_of_a_value_begin_alike_and_another_value_does_not(
    scope: Scope, entity: str, text: str, other: str, another: str
) -> None:
    issuer = Issuer(scope, Taken(), lambda _: True)
    first, second, third = (code_of(issuer.issue(entity, one)) for one in (text, other, another))
    assert first[:4] == second[:4] != third[:4]
    assert len({first, second, third}) == 3
    assert issuer.related
    assert [original.text for original in issuer.originals.values()] == [text, other, another]


@pytest.mark.parametrize("entity", ["MONEY_AMOUNT", "DATE_TIME", "CRYPTO_WALLET"])
def test_where_case_and_separators_are_the_values_own_nothing_is_told(entity: str) -> None:
    issuer = Issuer(SCOPE, Taken(), lambda _: True)
    first, second = (code_of(issuer.issue(entity, one)) for one in ("1.5a", "15A"))
    assert first[:4] != second[:4]
    assert not issuer.related
