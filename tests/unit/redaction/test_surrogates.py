"""Surrogates: what stands for a value of each kind, that it is nobody's in the request, and how it comes back."""

import json
import re
from datetime import date
from pathlib import Path

import phonenumbers
import pytest
from stdnum import luhn

from pipeline.placeholders import Scope
from pipeline.policy import Policy, load_policies
from pipeline.rehydration import Codes, rehydrate
from pipeline.surrogate_dates import shifted
from pipeline.surrogate_kinds import Draw, draw_surrogate
from pipeline.surrogate_names import names_like
from pipeline.surrogates import Surrogates
from schemas.redacted import Original
from tests.unit.redaction.detectors import SCOPE, Patterns, answer, chat, content_of, redact_chat, restore_chat, sent

KINDS = "PERSON ORGANIZATION CITY EMAIL PHONE CREDIT_CARD US_SSN DATE_TIME DATE_OF_BIRTH URL IPV4 PASSWORD AGE IBAN"
PEOPLE = Patterns(
    PERSON="Angela Lee|Robert Ray",
    EMAIL=r"\w+@\w+\.\w+",
    DATE_TIME=r"\d{4}-\d\d-\d\d",
    PASSWORD="hunter2",
    AGE=r"\b\d\d years",
    CREDIT_CARD=r"\d{16}",
)


@pytest.fixture
def policy(tmp_path: Path) -> Policy:
    path = tmp_path / "policy.toml"
    path.write_text("[entities]\n" + "".join(f'{kind} = "surrogate"\n' for kind in KINDS.split()), encoding="utf-8")
    return load_policies(path).select("acme", None)


def drawn(entity: str, text: str) -> set[str]:
    """What many draws give."""
    draws = [draw_surrogate(entity, text, Draw(SCOPE.hash_value("x", entity, str(n))), -52) for n in range(40)]
    assert None not in draws
    return {one for one in draws if one}


@pytest.mark.parametrize(
    ("entity", "text", "form"),
    [
        ("EMAIL", "Ann.Lee@corp.de", r"[a-z]+\.[a-z]+@example\.(com|org|net)"),
        ("EMAIL", "ann@corp.org", r"[a-z]+\.[a-z]+@example\.org"),
        ("URL", "http://intra.corp.de/x?y", r"http://www\.example\.(com|org|net)/[0-9a-f]{10}"),
        ("PHONE", "+1 (415) 555-2671", r"\+1 \(\d{3}\) 555-01\d\d"),
        ("PHONE", "415.867.2671", r"\d{3}\.555\.01\d\d"),
        ("PHONE", "+44 20 7946 1234", r"\+44 77 0090 0\d{3}"),
        ("PHONE", "020 7183 8750", r"077 0090 0\d{3}"),
        ("PHONE", "+33 1 42 68 53 00", r"\+33 6 39 98 \d\d \d\d"),
        ("US_SSN", "536-22-8726", r"666-\d\d-\d{4}"),
        ("IPV4", "10.2.3.4", r"(192\.0\.2|198\.51\.100|203\.0\.113)\.\d{1,3}"),
        ("IPV6", "fe80::1", r"2001:db8::[0-9a-f]{1,4}:[0-9a-f]{1,4}"),
        ("MAC_ADDRESS", "AC:DE:48:00:11:22", r"00:00:5e:00:53:[0-9a-f]{2}"),
        ("CREDIT_CARD", "4539 1488 0343 6467", r"4000 00\d\d \d{4} \d{4}"),
        ("CREDIT_CARD", "5425233430109903", r"555555\d{10}"),
        ("CREDIT_CARD", "374245455400126", r"(378282|371449)\d{9}"),
        ("VIN", "1HGCM82633A004352", r"\d[A-Z]{4}\d{5}[A-Z]\d{6}"),
        ("CASE_NUMBER", "c-2024/0815", r"[a-z]-\d{4}/\d{4}"),
        ("DEVICE_ID", "3f2a-99bc", r"\d[a-f]\d[a-f]-\d\d[a-f]{2}"),
        ("USERNAME", "@annlee", r"@[a-z]+\d\d"),
        ("ORGANIZATION", "Kestrel Optics GmbH", r"[A-Z][a-zA-Z]+ GmbH"),
        ("PERSON", "ANGELA LEE", r"[A-Z]+ [A-Z]+"),
        ("PERSON", "Lee, Angela", r"[A-Z]\w+, [A-Z]\w+"),
        ("PERSON", "Дмитрий Иванов", r"[А-Яа-яё]+ [А-Яа-яё]+"),
    ],
)  # fmt: skip
def test_a_surrogate_keeps_the_format_and_is_from_a_reserved_range(entity: str, text: str, form: str) -> None:
    for surrogate in drawn(entity, text):
        assert re.fullmatch(form, surrogate), surrogate
        assert json.dumps(surrogate, ensure_ascii=False) == f'"{surrogate}"'


def test_cards_have_a_check_digit() -> None:
    assert all(luhn.is_valid(card.replace(" ", "")) for card in drawn("CREDIT_CARD", "4539 1488 0343 6467"))


def test_north_american_numbers_are_possible_ones() -> None:
    assert all(phonenumbers.is_possible_number(phonenumbers.parse(one)) for one in drawn("PHONE", "+1 415 867 2671"))


@pytest.mark.parametrize(
    ("first", "other", "not_like"), [("Angela", "Jessica", "Michael"), ("Wolfgang", "Jürgen", "Angela")]
)
def test_first_names_keep_locale_and_gender(first: str, other: str, not_like: str) -> None:
    names, likewise, unlike = names_like(first), names_like(other), names_like(not_like)
    assert names == likewise != unlike
    assert names
    assert {name.split()[0] for name in drawn("PERSON", f"{first} Unheard")} <= set(names.first)


@pytest.mark.parametrize(
    ("text", "weeks", "moved"),
    [
        ("2024-03-05", 1, "2024-03-12"),
        ("2024-02-26", 1, "2024-03-04"),
        ("2024-03-05T10:00:00Z", -1, "2024-02-27T10:00:00Z"),
        ("31.12.2023", 1, "07.01.2024"),
        ("5.3.2024", 1, "12.3.2024"),
        ("05/03/2024", 1, "05/10/2024"),
        ("25/03/2024", 1, "01/04/2024"),
        ("March 5, 2024", 4, "April 2, 2024"),
        ("5 mar 2024", 1, "12 mar 2024"),
        ("5 MAY 2024", -1, "28 APRIL 2024"),
        ("05.03.2024 10:30", 52, "04.03.2025 10:30"),
        ("2024-02-30", 1, None),
        ("spring 2024", 1, None),
        ("3/4/24", 1, None),
    ],
)
def test_a_date_is_moved_in_its_own_form(text: str, weeks: int, moved: str | None) -> None:
    assert shifted(text, weeks) == moved


def test_moved_dates_keep_intervals_and_weekdays() -> None:
    dates = [date(1999, 12, 31), date(2000, 2, 29), date(2024, 3, 5), date(2024, 12, 30)]
    for weeks in (-520, -26, 1, 300):
        moved = [date.fromisoformat(str(shifted(one.isoformat(), weeks))) for one in dates]
        assert {(after - before).days for before, after in zip(dates, moved, strict=True)} == {weeks * 7}


def test_a_conversation_reads_naturally_and_comes_back(policy: Policy) -> None:
    text = "Angela Lee (angela@corp.org) wrote on 2024-03-05 to Robert Ray; Angela Lee wrote again on 2024-03-19."
    redacted = redact_chat(chat(text), PEOPLE, policy=policy)
    seen = sent(redacted)[0]
    assert "[" not in seen
    for original in ("Angela", "Lee", "Robert", "Ray", "corp", "2024-03"):
        assert original not in seen
    first, second = (date.fromisoformat(one) for one in re.findall(r"\d{4}-\d\d-\d\d", seen))
    assert (second - first).days == 14
    assert len(redacted.surrogates) == 5
    assert redacted.actions == {"surrogate": 6}
    assert not redacted.issued
    # Nothing asks the model to keep tokens where there are none.
    assert len(json.loads(redacted.body)["messages"]) == 1
    restored = restore_chat(answer(seen), redacted)
    assert content_of(restored.body) == text
    assert (restored.receipt.issued, restored.receipt.returned, restored.receipt.lost) == (5, 5, 0)


def test_the_same_value_has_the_same_surrogate_in_its_scope_only(policy: Policy) -> None:
    def surrogate(scope: Scope) -> str:
        return str(sent(redact_chat(chat("Angela Lee"), PEOPLE, policy=policy, scope=scope))[0])

    assert surrogate(SCOPE) == surrogate(SCOPE)
    others = {surrogate(Scope(SCOPE.key, f"acme/job/{n}")) for n in range(10)}
    assert len(others) > 5


def test_what_goes_one_way_or_has_no_surrogate_has_a_placeholder(policy: Policy) -> None:
    redacted = redact_chat(chat("hunter2 is 41 years"), PEOPLE, policy=policy)
    assert re.fullmatch(r"\[PASSWORD_\w+\] is \[AGE_\w+\]", sent(redacted)[0])
    assert redacted.surrogates == {}
    assert {original.text for original in redacted.originals.values()} == {"41 years"}


def test_surrogates_and_placeholders_come_back_in_one_pass(policy: Policy) -> None:
    document = json.dumps({"card": 4539148803436467, "who": "Angela Lee", "mail": 'a "b" angela@corp.org'})
    redacted = redact_chat(chat(document), PEOPLE, policy=policy)
    echo = json.loads(sent(redacted)[0])
    assert echo["card"].startswith("[CREDIT_CARD_")
    assert content_of(restore_chat(answer(sent(redacted)[0]), redacted).body) == document


ORIGINALS = {
    "Maria Kovac": Original('Ann "A" Lee', "PERSON"),
    "kim@example.com": Original("ann@corp.de", "EMAIL"),
    "2021-05-04": Original("2024-03-05", "DATE_TIME"),
}


@pytest.mark.parametrize(
    ("text", "restored"),
    [
        ("Maria Kovac's mail", 'Ann "A" Lee\'s mail'),
        ("MARIA  KOVAC and maria\nkovac", 'Ann "A" Lee and Ann "A" Lee'),
        ("**Maria Kovac**", '**Ann "A" Lee**'),
        ("Maria Kovacs, AnnaMaria Kovac", "Maria Kovacs, AnnaMaria Kovac"),
        ('{"who": "Maria Kovac"}', '{"who": "Ann \\"A\\" Lee"}'),
        ("on 2021-05-04, not 12021-05-045", "on 2024-03-05, not 12021-05-045"),
        ("<kim@example.com>", "<ann@corp.de>"),
        ("Maria wrote", "Maria wrote"),
    ],
)
def test_a_surrogate_is_found_in_any_case_and_spacing_as_a_word(text: str, restored: str) -> None:
    assert rehydrate(text, Codes.of({}, {}, (), ORIGINALS)) == restored


def test_nothing_of_the_request_is_drawn() -> None:
    names = names_like("Angela")
    assert names
    free = set(names.last[:5])
    surrogates = Surrogates(SCOPE, [" ".join({*names.first, *names.last} - free - set(names.first[:5]))])
    drawn = [surrogates.issue("PERSON", f"Angela Number{n}") for n in range(30)]
    for surrogate in filter(None, drawn):
        assert set(surrogate.split()) <= free | set(names.first[:5])
    # Four names in five are taken, so most give up: a placeholder takes their place.
    assert drawn.count(None) > 10


def test_no_address_of_the_request_is_drawn() -> None:
    surrogates = Surrogates(SCOPE, [f"{net}.{n}" for net in ("192.0.2", "198.51.100") for n in range(256)])
    drawn = [one for n in range(60) if (one := surrogates.issue("IPV4", f"10.0.0.{n}"))]
    assert drawn
    assert all(one.startswith("203.0.113.") for one in drawn)


def test_what_the_policy_makes_one_way_comes_back_from_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text('[entities]\nEMAIL = { action = "surrogate", reversible = false }', encoding="utf-8")
    policy = load_policies(path).select("acme", None)
    redacted = redact_chat(chat("angela@corp.org"), PEOPLE, policy=policy)
    assert sent(redacted)[0].startswith("[EMAIL_")
    assert (redacted.surrogates, redacted.originals) == ({}, {})


def test_the_longest_surrogate_stands_and_nothing_inside_it_is_restored_again() -> None:
    surrogates = {
        "Maria": Original("Ann", "PERSON"),
        "Maria Kovac": Original("Ann Lee", "PERSON"),
        "case k3m9x2ab": Original("case 1", "CASE"),
    }
    codes = Codes.of({"[PERSON_k3m9x2ab]": Original("Bob", "PERSON")}, {"[PERSON_k3m9x2ab]": "PERSON"}, (), surrogates)
    assert rehydrate("Maria Kovac, Maria, case k3m9x2ab, k3m9x2ab", codes) == "Ann Lee, Ann, case 1, Bob"


def test_no_surrogate_is_a_part_of_another() -> None:
    surrogates = Surrogates(SCOPE, ["none"])
    drawn = [surrogates.issue("IPV4", f"10.0.0.{n}") for n in range(256)]
    taken = [one for one in drawn if one]
    assert len(taken) > 100
    assert not [(one, other) for one in taken for other in taken if one != other and one in other]


def test_a_mail_address_is_not_made_of_somebodys_name() -> None:
    names = names_like("x")
    assert names
    people = [f"{first} {last}" for first, last in zip(names.first[::2], names.last[::2], strict=False)]
    surrogates = Surrogates(SCOPE, people)
    drawn = [one for n in range(200) if (one := surrogates.issue("EMAIL", f"user{n}@corp.de"))]
    words = {word.lower() for person in people for word in person.split()}
    assert drawn
    assert not [one for one in drawn if words & set(one.partition("@")[0].split("."))]


def test_a_long_value_is_scrambled_to_its_end() -> None:
    (surrogate,) = {draw_surrogate("CASE_NUMBER", "1" * 300, Draw(SCOPE.hash_value("x", "y", "z")), 1)}
    assert surrogate
    assert len(set(surrogate[-40:])) > 4


def test_thousands_of_surrogates_are_each_found_where_they_stand() -> None:
    cards = {f"4000 00{n // 10_000:02} {n % 10_000:04} 0000": Original(str(n), "CREDIT_CARD") for n in range(5000)}
    text = " / ".join(cards)
    assert rehydrate(text, Codes.of({}, {}, (), cards)) == " / ".join(str(n) for n in range(5000))
