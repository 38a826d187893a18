"""Canaries: one for every kind that can have one, valid, unique and in context."""

import pytest
from stdnum import iban, luhn

from infra.canaries import NOT_SWEEPABLE, make_canaries
from infra.sweep import sweep
from pipeline.detection.types import catalogue

SEEDS = range(5)


def test_every_kind_has_a_canary_or_a_reason() -> None:
    made = set(make_canaries(1))
    assert made | set(NOT_SWEEPABLE) == set(catalogue())
    assert not made & set(NOT_SWEEPABLE)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_sentence_holds_its_value_once(seed: int) -> None:
    assert all(canary.text.count(canary.value) == 1 for canary in make_canaries(seed).values())


def test_the_same_seed_gives_the_same_and_another_gives_others() -> None:
    first, again, other = make_canaries(7), make_canaries(7), make_canaries(8)
    assert first == again
    assert {c.value for c in first.values()}.isdisjoint(c.value for c in other.values())


@pytest.mark.parametrize("seed", SEEDS)
def test_no_canary_is_found_in_anothers_sentence(seed: int) -> None:
    canaries = make_canaries(seed)
    values = {name: canary.value for name, canary in canaries.items()}
    report = sweep(values, {name: canary.text.encode() for name, canary in canaries.items()})
    assert {(hit.canary, hit.place) for hit in report.hits} == {(name, name) for name in canaries}


def test_cards_and_accounts_have_their_check_digits() -> None:
    canaries = make_canaries(3)
    assert luhn.is_valid(canaries["CREDIT_CARD"].value.replace(" ", ""))
    assert iban.is_valid(canaries["IBAN"].value)


def test_a_canary_does_not_print_its_value() -> None:
    assert all(canary.value not in repr(canary) for canary in make_canaries(3).values())
