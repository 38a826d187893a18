"""Placeholders: their form, their scope, and that none can be met in the request by chance."""

import re

import pytest

from pipeline.placeholders import Issuer, Scope, Taken, code_of, is_code, lookalikes

KEY = b"\x01" * 32


def issuer(scope: str = "acme/job/1", taken: str = "", key: bytes = KEY) -> Issuer:
    return Issuer(Scope(key, scope), Taken([taken]), lambda entity: entity != "PASSWORD")


def test_placeholder_names_its_kind_and_has_an_eight_character_code() -> None:
    assert re.fullmatch(r"\[CREDIT_CARD_[0-9abcdefghjkmnpqrstvwxyz]{8}\]", issuer().issue("CREDIT_CARD", "4111"))


def test_every_code_has_two_digits_and_two_letters() -> None:
    source = issuer()
    codes = [code_of(source.issue("PERSON", str(number))) for number in range(500)]
    assert all(is_code(code) for code in codes)
    assert len(set(codes)) == 500


def test_equal_texts_share_one_placeholder_and_others_do_not() -> None:
    source = issuer()
    first = source.issue("PERSON", "Ann")
    assert source.issue("PERSON", "Ann") == first
    assert source.issue("PERSON", "ann") != first
    assert source.issue("CITY", "Ann") != first
    assert source.issue("PERSON", "Ann", in_json=True) != first


def test_placeholder_is_stable_in_its_scope_only() -> None:
    placeholder = issuer().issue("PERSON", "Ann")
    assert issuer().issue("PERSON", "Ann") == placeholder
    assert issuer("acme/job/2").issue("PERSON", "Ann") != placeholder
    assert issuer(key=b"\x02" * 32).issue("PERSON", "Ann") != placeholder


def test_parts_of_the_hashed_message_cannot_be_shifted() -> None:
    assert code_of(issuer("acme/job/1P").issue("ERSON", "Ann")) != code_of(issuer().issue("PERSON", "Ann"))


@pytest.mark.parametrize("spelling", ["{code}", "{upper}", "x{code}y", "{first}-{second}", "{first} \n_{second}"])
def test_code_that_stands_in_the_request_is_not_issued(spelling: str) -> None:
    code = code_of(issuer().issue("PERSON", "Ann"))
    text = spelling.format(code=code, upper=code.upper(), first=code[:3], second=code[3:])
    again = code_of(issuer(taken=text).issue("PERSON", "Ann"))
    assert again != code


def test_code_that_stands_in_a_long_request_is_not_issued() -> None:
    code = code_of(issuer().issue("PERSON", "Ann"))
    filler = "nothing to see here. " * 5000
    assert code_of(issuer(taken=filler).issue("PERSON", "Ann")) == code
    assert code_of(issuer(taken=f"{filler} X_{code.upper()}.").issue("PERSON", "Ann")) != code


def test_one_way_kind_is_issued_but_has_no_original() -> None:
    source = issuer()
    placeholder = source.issue("PASSWORD", "hush")
    assert source.issued == {placeholder: "PASSWORD"}
    assert source.originals == {}


def test_identity_hash_is_the_tenants_and_depends_on_purpose_and_value() -> None:
    one = Scope(KEY, "acme/job/1").hash_identity("user", "ann@x.org")
    assert one == Scope(KEY, "acme/job/2").hash_identity("user", "ann@x.org")
    assert len(one) == 40
    others = {
        Scope(KEY, "bank/job/1").hash_identity("user", "ann@x.org"),
        Scope(KEY, "acme/job/1").hash_identity("cache", "ann@x.org"),
        Scope(KEY, "acme/job/1").hash_identity("user", "bob@x.org"),
        Scope(b"\x03" * 32, "acme/job/1").hash_identity("user", "ann@x.org"),
    }
    assert len(others | {one}) == 5


def test_scope_does_not_show_its_key() -> None:
    assert "key" not in repr(Scope(KEY, "acme/job/1"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[PERSON_1]", {"person_1"}),
        ("see PERSON_k3m9x2ab.", {"person_k3m9x2ab"}),
        ("[OTHER_k3m9x2ab]", {"other_k3m9x2ab"}),
        ("\\[CREDIT\\_CARD\\_7q2w8e4r\\]", {"credit_card_7q2w8e4r"}),
        ("[CREDIT CARD 7q2w8e4r]", {"credit_card_7q2w8e4r"}),
        ("[SECTION_2]", set()),
        ("PERSON and person", set()),
        ("MAX_SIZE_12", set()),
    ],
)
def test_shapes_of_placeholders_are_told(text: str, expected: set[str]) -> None:
    assert lookalikes(text) == expected
