import pytest

from pipeline.detection import Detector
from tests.unit.detection.tables import assert_marked, assert_nothing, found, unmarked

STREETS = [
    "she lives at ⟦12 Fourth Street⟧ now",
    "ship to ⟦4521 N. Maple Grove Ave, Apt 5B⟧",
    "ship to ⟦P.O. Box 1234⟧",
    "wohnt in der ⟦Lindenstraße 12a⟧, Berlin",
    "wohnt in der ⟦Alten Gasse 7⟧, Ulm",
    "habite au ⟦5 bis, rue de la Paix⟧, Paris",
    "vive en ⟦Calle Mayor 15, 3º B⟧.",
    "abita in ⟦Via Garibaldi, 12⟧, Torino",
    "mora na ⟦Rua das Flores, 120⟧ - Porto",
    "woont op ⟦Prinsengracht 263⟧ te Amsterdam",
    "mieszka przy ⟦ul. Polnej 12/4⟧ w Radomiu",
]
POSTCODES = [
    "ZIP code: ⟦62704⟧",
    "PLZ ⟦10115⟧",
    "London ⟦SW1A 1AA⟧ office",
    "Ottawa ⟦K1A 0B1⟧",
    "Springfield, IL ⟦62704-1234⟧",
    "⟦00-950⟧ Warszawa",
    "⟦1012 AB⟧ Amsterdam",
]
NOTHING = [
    "in 2019 the street was closed",
    "5 days on the road",
    "chapter 12 Main ideas",
    "he scored 12 Points",
    "rows 10 to 20 of place",
    "build 12345 failed on Tuesday",
    "part SW1A failed",
]


@pytest.mark.parametrize("text", STREETS)
def test_streets_of_several_languages_are_found(detector: Detector, text: str) -> None:
    assert_marked(detector, "STREET_ADDRESS", text)


@pytest.mark.parametrize("text", POSTCODES)
def test_postcodes_are_found_by_form_or_context(detector: Detector, text: str) -> None:
    plain, spans = unmarked(text)
    assert found(detector, plain, "POSTCODE") == spans


@pytest.mark.parametrize("text", NOTHING)
def test_numbers_beside_words_are_no_address(detector: Detector, text: str) -> None:
    assert_nothing(detector, text)
