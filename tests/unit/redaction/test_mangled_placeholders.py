"""What models do to placeholders is read again, and never as another's value (docs/placeholders.md)."""

from random import Random

import pytest

from pipeline.rehydration import Codes, rehydrate
from schemas.redacted import Original
from tests.mangler import ALL, Mangling, pairs
from tests.mangler.__main__ import CASES, alone
from tests.mangler.grammars import GRAMMARS
from tests.mangler.trial import Count, decoys, try_out

OURS = next(grammar for grammar in GRAMMARS if grammar.ours)
NOT_YET = frozenset(
    {
        "brackets dropped", "brackets dropped, ending joined", "kebab case", "camel case", "joint: none",
        "zero-width space in the code", "soft hyphen in the code", "word joiner in the code",
        "zero-width joiner in the code", "zero-width space everywhere",
        "line wrap in the code", "hyphenation in the code", "quoted line wrap in the code",
        "all as HTML entities", "signs as JSON escapes", "all as JSON escapes", "all percent-encoded", "full width",
        "wrapped at 24", "cut into lines, hyphenated", "base64", "base64 for URLs", "base64 in a header",
    }
)  # fmt: skip
"""What a careful reader could undo and restoring does not, or not where two placeholders touch."""


@pytest.mark.parametrize("mangling", ALL, ids=lambda mangling: mangling.name)
def test_a_mangled_placeholder_is_restored_where_it_can_be_told_and_never_as_anothers(mangling: Mangling) -> None:
    count = alone(OURS, mangling)
    assert count.wrong == 0
    assert (count.restored == count.told) is (mangling.name not in NOT_YET)


def test_two_manglings_after_each_other_never_bring_back_anothers_value() -> None:
    total = Count()
    for number, pair in enumerate(pairs()):
        if number % 7 == 0:
            total = total.plus(try_out(CASES[number // 7 % len(CASES)], OURS, pair, Random(number)))
    assert total.told > 10_000
    assert total.wrong == 0
    assert total.rate > 0.75


def test_what_only_looks_like_a_placeholder_stays_as_it_is() -> None:
    for seed, one in enumerate(CASES):
        originals = {OURS.write(value).text: Original(value.text, value.kind) for value in one.values}
        issued = {OURS.write(value).text: value.kind for value in one.values}
        text = " / ".join(decoys(one, Random(seed), 300))
        assert rehydrate(text, Codes.of(originals, issued)) == text


def test_every_mangling_has_a_name_of_its_own() -> None:
    assert len({mangling.name for mangling in ALL}) == len(ALL) > 40
    assert {mangling.name for mangling in ALL} >= NOT_YET
