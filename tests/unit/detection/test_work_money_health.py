"""Entities that no policy has by default."""

import pytest

from pipeline.detection import Detector
from tests.unit.detection.tables import assert_marked, assert_nothing

FOUND = [
    ("MONEY_AMOUNT", "it costs ⟦$1,250.50⟧ net"),
    ("MONEY_AMOUNT", "it costs ⟦€ 12⟧ net"),
    ("MONEY_AMOUNT", "kostet ⟦1.250,50 €⟧ netto"),
    ("MONEY_AMOUNT", "it costs ⟦EUR 1250⟧ net"),
    ("MONEY_AMOUNT", "it costs ⟦2 million dollars⟧ net"),
    ("MONEY_AMOUNT", "kosztuje ⟦1250 zł⟧ netto"),
    ("MONEY_AMOUNT", "annual salary: ⟦82,000⟧"),
    ("JOB_TITLE", "works as ⟦senior software engineer⟧ there"),
    ("JOB_TITLE", "she is a ⟦locksmith⟧ there"),
    ("JOB_TITLE", "Beruf: ⟦Schornsteinfeger⟧"),
    ("JOB_TITLE", "Job title: ⟦Gravel sorter⟧"),
    ("DIAGNOSIS_MEDICATION", "suffers from ⟦type 2 diabetes⟧ now"),
    ("DIAGNOSIS_MEDICATION", "leidet an ⟦Bluthochdruck⟧ seit"),
    ("DIAGNOSIS_MEDICATION", "was prescribed ⟦atorvastatin⟧ daily"),
    ("DIAGNOSIS_MEDICATION", "takes ⟦lorazepam 2 mg⟧ daily"),
    ("DIAGNOSIS_MEDICATION", "ICD-10: ⟦E11.9⟧"),
]
NOTHING = [
    "it costs nothing, $HOME says",
    "chapter 12 euphoria",
    "the controller of the engine and its manager class",
    "the build_engineer role",
    "a statin is a class of things",
    "contains 20 mg of it",
]


@pytest.mark.parametrize(("entity", "text"), FOUND)
def test_work_money_and_health_are_found_where_they_are_wanted(full_detector: Detector, entity: str, text: str) -> None:
    assert_marked(full_detector, entity, text)


@pytest.mark.parametrize(("entity", "text"), FOUND)
def test_they_are_left_where_they_are_not(detector: Detector, entity: str, text: str) -> None:
    assert_nothing(detector, text.replace("⟦", "").replace("⟧", ""))


@pytest.mark.parametrize("text", NOTHING)
def test_near_misses_are_left(full_detector: Detector, text: str) -> None:
    assert_nothing(full_detector, text)
