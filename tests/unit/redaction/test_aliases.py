"""A person's name in its other forms, by culture; and what must stay."""

import json
from pathlib import Path

import pytest

from pipeline.aliases import aliases
from pipeline.occurrences import Sought, find_all
from pipeline.policy import load_policies
from tests.unit.redaction.detectors import (
    CLEAN_NAME,
    Patterns,
    answer,
    chat,
    content_of,
    redact_chat,
    restore_chat,
    sent,
)


def _found(name: str, text: str) -> list[str]:
    return [text[hit.start : hit.end] for hit in find_all(text, Sought(aliases("PERSON", name)), ())]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("John Smithson", "Then Smithson's car, SMITHSON, smithson", ["Smithson", "SMITHSON", "smithson"]),
        ("John Smithson", "J. Smithson; Smithson, John; jsmithson", ["J. Smithson", "Smithson, John", "jsmithson"]),
        ("Dr. Ann Q. Leeman, PhD", "ANN LEEMAN and Ann", ["ANN LEEMAN", "Ann"]),
        ("Smithson, John", "john smithson", ["john smithson"]),
        ("Jürgen Müller", "Mueller, Muller und Müller", ["Mueller", "Muller", "Müller"]),
        ("Pieter van der Berg", "mr van der Berg; Berg", ["van der Berg", "Berg"]),
        ("Sean O'Neill", "O'Neill called", ["O'Neill"]),
        ("Łukasz Żółkowski", "Zolkowski", ["Zolkowski"]),
        ("Anna Brown", "a brown bag; Ms Brown", ["Brown"]),
        ("Anna Brown", "Yes. Brown said so. Brown's car. Brown", ["Brown"] * 3),
        ("Anna Brown", "Mr. Brown called, T. Brown left, ask Brown today", ["Brown"] * 3),
        ("Anna Brown", "SURNAME: BROWN, DR BROWN CALLED", ["BROWN"] * 2),
        ("Will Smithson", "we saw Will yesterday", ["Will"]),
        ("Rosa Quintanar", "hola Rosa, gracias", ["Rosa"]),
        ("John Smithson", "agreed, J.S.; J. S. signed", ["J.S.", "J. S."]),
        ("Ann Q. Leeman", "A.Q.L. and A.L.", ["A.Q.L.", "A.L."]),
        (
            "María García López",
            "Sra. García; Maria Garcia, M. García y López",
            ["García", "Maria Garcia", "M. García", "López"],
        ),
    ],
)
def test_other_forms_of_a_name_are_found(name: str, text: str, expected: list[str]) -> None:
    assert _found(name, text) == expected


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Will Smithson", "I will; Will it rain?"),
        ("Rosa Quintanar", "una flor rosa. Rosa es un color"),
        ("Anna Brown", 'Brown bags are here. Brown sugar\nBrown rice; "Brown bread" - Note: Brown shoes'),
        ("Anna Brown", "ALL BROWN BAGS"),
        ("Will Smithson", "YOU WILL PAY"),
        ("May Smithson", "in May, MAY"),
        ("Uwe Steinert", "the U.S., U. S. and u.s."),
        ("John Smithson", "j.s. JS.x"),
        ("Jonas Klein", "Ein klein wenig. Klein ist das Haus."),
        ("Marta Zima", "Zima jest tu; zima"),
        ("Bo Li", "li bo"),
        ("Pieter van der Berg", "der van"),
        ("Smithson", "smithson"),
    ],
)
def test_ordinary_words_and_single_names_give_no_alias(name: str, text: str) -> None:
    assert [hit for hit in _found(name, text) if " " not in hit] == []


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("Zentrix GmbH", "Zentrix"),
        ("Zentrix GmbH & Co. KG", "Zentrix"),
        ("Zentrix Co., Ltd.", "Zentrix"),
        ("Zentrix Labs, Inc.", "Zentrix Labs"),
        ("Zentrix S.p.A.", "Zentrix"),
        ("Zentrix Sp. z o.o.", "Zentrix"),
        ("Zentrix SA", "Zentrix"),
        ("Zentrix B.V.", "Zentrix"),
        ("Zentrix", None),
        ("Zen AG", None),
        ("Orange SA", None),
        ("Zentrix Bank", None),
        ("Limited", None),
        ("Zentrix as", None),
    ],
)
def test_a_company_is_found_without_its_legal_form(name: str, short: str | None) -> None:
    found = [item.text for item in aliases("ORGANIZATION", name)]
    assert found == ([short, short.upper()] if short else [])


def test_a_company_in_small_letters_is_no_alias() -> None:
    redacted = redact_chat(chat("Zentrix GmbH", "Zentrix; zentrix"), Patterns(ORGANIZATION="Zentrix GmbH"))
    assert sent(redacted)[1].endswith("]; zentrix")


@pytest.mark.parametrize(
    ("address", "handle", "taken"),
    [
        ("leeman.ann@x.org", "leeman.ann", True),
        ("ann-leeman+shop@x.org", "ann-leeman", True),
        ("leemana84@x.org", "leemana84", True),
        ("annl@x.org", "annl", False),
        ("office@x.org", "office", False),
        ("bob.jones@x.org", "bob.jones", False),
    ],
)
def test_a_user_name_is_known_by_the_address_of_a_found_person(address: str, handle: str, taken: bool) -> None:
    detector = Patterns(PERSON="Ann Leeman", EMAIL=r"\S+@x\.org")
    redacted = redact_chat(chat("Ann Leeman", address, f"by ({handle})"), detector)
    assert (handle not in sent(redacted)[2]) is taken


def test_other_entities_have_no_aliases() -> None:
    assert list(aliases("ORGANIZATION", "John Smithson")) == []


def test_a_job_with_aliases_is_restored_exactly() -> None:
    texts = ("it is Ann Leeman.", "Leeman's, ANN LEEMAN, aleeman")
    redacted = redact_chat(chat(*texts), Patterns(PERSON="Ann Leeman"))
    assert "leeman" not in "".join(sent(redacted)).lower()
    echoed = sent(redacted)[1]
    assert content_of(restore_chat(answer(echoed), redacted).body) == texts[1]


def test_an_alias_that_the_policy_allows_stays(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text('allow = ["leeman"]')
    policy = load_policies(path).select("acme", None)
    redacted = redact_chat(chat("Ann Leeman", "Leeman? A. Leeman"), Patterns(PERSON="Ann Leeman"), policy=policy)
    assert sent(redacted)[1].startswith("Leeman? [PERSON_")


def test_a_form_that_is_left_in_another_case_does_not_refuse_the_job() -> None:
    redacted = redact_chat(chat("Johanna Smithson", "johanna, Johanna"), Patterns(PERSON="Johanna Smithson"))
    assert sent(redacted)[1].startswith("johanna, [PERSON_")


@pytest.mark.parametrize("name", ["Anna Brown", "Will Price", "May Mark", "Rosa Klein", "Uwe Steinert", "Van Long"])
@pytest.mark.parametrize(
    "text",
    [
        "Price is what you pay. Brown sugar costs more.",
        "Will you mark the day in May? It may take long.",
        "Eine klein wenig lange Reise; una flor rosa.",
        "The U.S. office, a van and 3 long brown roads.",
        "PLEASE MARK THE PRICE LIST. YOU WILL SEE BROWN BOXES.",
        "Long ago, anna was a coin.",
        "- Price list\n- Brown rice\n- May 2024",
    ],
)
def test_ordinary_sentences_stay(name: str, text: str) -> None:
    assert _found(name, text) == []


ALIASES = ("Leeman", "A. Leeman", "LEEMAN, ANN", "ann.leeman")


@pytest.mark.parametrize("alias", ALIASES)
def test_an_alias_in_a_json_value_is_redacted_and_restored(alias: str) -> None:
    text = json.dumps({"owner": {"names": [alias, 7]}, "note": f"by {alias}"})
    redacted = redact_chat(chat("Ann Leeman", text), Patterns(PERSON="Ann Leeman"))
    tree = json.loads(sent(redacted)[1])
    assert [tree["owner"]["names"][0][:8], tree["note"][:11]] == ["[PERSON_", "by [PERSON_"]
    assert content_of(restore_chat(answer(sent(redacted)[1]), redacted).body) == text


@pytest.mark.parametrize("alias", ALIASES)
def test_an_alias_in_a_tool_calls_arguments_is_redacted_and_restored(alias: str) -> None:
    arguments = json.dumps({"customer": alias})
    call = {"id": "call_1", "type": "function", "function": {"name": CLEAN_NAME, "arguments": arguments}}
    request = chat("Ann Leeman")
    request["messages"].append({"role": "assistant", "content": None, "tool_calls": [call]})
    redacted = redact_chat(request, Patterns(PERSON="Ann Leeman"))
    calls = json.loads(redacted.body)["messages"][-1]["tool_calls"]
    assert json.loads(calls[0]["function"]["arguments"])["customer"].startswith("[PERSON_")
    restored = json.loads(restore_chat(answer(None, tool_calls=calls), redacted).body)
    assert restored["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"] == arguments


@pytest.mark.parametrize("name", ["Leeman", "Leeman_Ann", "aleeman", "ann-leeman", "Ann"])
def test_an_alias_as_a_participants_name_is_replaced(name: str) -> None:
    request = chat("Ann Leeman")
    request["messages"][0]["name"] = name
    redacted = redact_chat(request, Patterns(PERSON="Ann Leeman"))
    (message,) = (item for item in json.loads(redacted.body)["messages"] if "name" in item)
    assert message["name"].startswith("PERSON_")
