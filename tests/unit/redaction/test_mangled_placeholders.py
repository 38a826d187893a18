"""What models do to placeholders is read again, and never as another's value (docs/placeholders.md)."""

from random import Random

import pytest

from pipeline.placeholders import Issuer, Scope, Taken, code_of
from pipeline.rehydration import Codes, rehydrate
from schemas.redacted import Original
from tests.mangler import ALL, Mangling, pairs
from tests.mangler.__main__ import CASES, alone
from tests.mangler.draft import Draft, apply
from tests.mangler.grammars import GRAMMARS, Value
from tests.mangler.trial import Count, decoys, try_out

OURS = next(grammar for grammar in GRAMMARS if grammar.ours)


@pytest.mark.parametrize("mangling", ALL, ids=lambda mangling: mangling.name)
def test_a_mangled_placeholder_is_restored_where_it_can_be_told_and_never_as_anothers(mangling: Mangling) -> None:
    count = alone(OURS, mangling)
    assert count.wrong == 0
    assert count.restored == count.told


def test_two_manglings_after_each_other_never_bring_back_anothers_value() -> None:
    total = Count()
    for number, pair in enumerate(pairs()):
        if number % 7 == 0:
            total = total.plus(try_out(CASES[number // 7 % len(CASES)], OURS, pair, Random(number)))
    assert total.told > 10_000
    assert total.wrong == 0
    assert total.rate > 0.995


def test_what_only_looks_like_a_placeholder_stays_as_it_is() -> None:
    for seed, one in enumerate(CASES):
        originals = {OURS.write(value).text: Original(value.text, value.kind) for value in one.values}
        issued = {OURS.write(value).text: value.kind for value in one.values}
        text = " / ".join(decoys(one, Random(seed), 300))
        assert rehydrate(text, Codes.of(originals, issued)) == text


def test_every_mangling_has_a_name_of_its_own() -> None:
    assert len({mangling.name for mangling in ALL}) == len(ALL) > 40


@pytest.mark.parametrize(
    ("written", "restored"),
    [
        ("?q=%5BPERSON_{code}%5D&x", "?q=Zo%C3%AB%20O%27Brien&x"),
        ("%255BPERSON_{code}%255D", "Zo%25C3%25AB%2520O%2527Brien"),
        ('{{"to": "\\u005bPERSON_{code}\\u005d"}}', '{{"to": "Zoë O\'Brien"}}'),
        ("&#91;PERSON&#95;{code}&#93; &amp; co", "Zoë O'Brien &amp; co"),
        ("a\u200bb [PER\u200bSON_{code}]", "a\u200bb Zoë O'Brien"),
    ],
)
def test_a_value_is_written_as_what_is_around_it_and_nothing_else_changes(written: str, restored: str) -> None:
    issuer = Issuer(Scope(b"\x05" * 32, "acme/job/1"), Taken(), lambda _: True)
    code = code_of(issuer.issue("PERSON", "Zoë O'Brien"))
    codes = Codes.of(issuer.originals, issuer.issued)
    assert rehydrate(written.format(code=code), codes) == restored.format()
    assert codes.receipt().returned == 1


def test_escapes_without_a_placeholder_stay_as_they_are() -> None:
    issuer = Issuer(Scope(b"\x05" * 32, "acme/job/1"), Taken(), lambda _: True)
    issuer.issue("PERSON", "Zoë O'Brien")
    text = "%41%c3%28 &nbsp;&bogus; \\ud83d\\x4 \\u00 \uff21 YWJjZGVmZ2hpamtsbW5vcA== \u200b"
    assert rehydrate(text, Codes.of(issuer.originals, issuer.issued)) == text


@pytest.mark.parametrize("sign", ["\\", "%25", "&amp;", "\u200b", "-\n", "A", "[PERSON_", "{code}\u200b", "\\u005b"])
def test_a_long_text_of_one_sign_is_read_to_its_end(sign: str) -> None:
    issuer = Issuer(Scope(b"\x05" * 32, "acme/job/1"), Taken(), lambda _: True)
    placeholder = issuer.issue("PERSON", "Zoë O'Brien")
    text = sign.format(code=code_of(placeholder)) * 50_000
    codes = Codes.of(issuer.originals, issuer.issued)
    assert rehydrate(f"{text} {placeholder}", codes).endswith("Zoë O'Brien")


@pytest.mark.parametrize("name", ["all percent-encoded", "base64", "full width"])
def test_a_code_that_the_request_itself_spells_somehow_is_not_issued(name: str) -> None:
    (mangling,) = (one for one in ALL if one.name == name)
    scope = Scope(b"\x05" * 32, "acme/job/1")
    once = OURS.write(Value("Zoë", "PERSON", 1, code_of(Issuer(scope, Taken(), lambda _: True).issue("PERSON", "Zoë"))))
    spelled = apply([mangling], Draft([once], [0]), Random(1)).text
    again = Issuer(scope, Taken([spelled]), lambda _: True).issue("PERSON", "Zoë")
    assert again != once.text
