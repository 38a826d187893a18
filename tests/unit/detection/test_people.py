import pytest

from pipeline.detection import Detector
from pipeline.text import RawText
from tests.unit.detection.tables import assert_marked, assert_nothing

NAMES = [
    "Name: ⟦Ottilie Marsh⟧\nOrder: 7",
    '{"first_name": "⟦Ottilie⟧", "age_group": "B"}',
    '{"last_name": "⟦marsh⟧"}',
    "Patient: ⟦Ottilie Q. Marsh⟧, seen today",
    "Dear ⟦Ottilie⟧,\nthank you",
    "Kind regards,\n⟦Ottilie Marsh⟧",
    "Mit freundlichen Grüßen\n⟦Jost Grünwald⟧",
    "seen by Dr. ⟦Marsh⟧ today",
    "seen by Dra. ⟦Nuria de la Quiroga⟧ today",
    "Médico: ⟦Leandro Quiroga⟧ Nº",
    "氏名：⟦山本花⟧",
]
NO_NAMES = [
    "Dear Customer,\nthank you",
    "Hi Team,\nthank you",
    "Kind regards,\nThe Support Team",
    "name: Release Notes for everything we did",
    "12 Maple dr south of it",
    "the patient: a study of waiting",
    "Name: string",
    "def name(self) -> str: ...",
    "Mr. and Mrs. in the form's list",
]
ORGANIZATIONS = [
    "signed with ⟦Orchard Gravel Ltd.⟧ today",
    "bei der ⟦Grünwald Kies GmbH & Co. KG⟧ bestellt",
    "umowa z ⟦Żwir Polny Sp. z o.o.⟧ dziś",
    "admitted to ⟦Hospital Santa Ottilia⟧ at night",
    "studied at the ⟦University of Gravelton⟧ then",
    "Employer: ⟦Orchard Gravel⟧\n",
]
PLACES = [
    "she grew up in ⟦Harrogate⟧.",
    "moved to ⟦Portugal⟧ last year",
    "Localidad/ Provincia: ⟦Cáceres⟧.",
    "mieszka w ⟦Łomży⟧ od lat",
    "the ⟦United States⟧ and ⟦Côte d'Ivoire⟧ signed",
]


@pytest.mark.parametrize("text", NAMES)
def test_a_name_that_its_surroundings_announce_is_found(detector: Detector, text: str) -> None:
    assert_marked(detector, "PERSON", text)


@pytest.mark.parametrize("text", NO_NAMES)
def test_the_same_surroundings_without_a_name_are_left(detector: Detector, text: str) -> None:
    assert_nothing(detector, text)


@pytest.mark.parametrize("text", ORGANIZATIONS)
def test_an_organization_is_found_by_its_legal_form_or_kind(detector: Detector, text: str) -> None:
    assert_marked(detector, "ORGANIZATION", text)


@pytest.mark.parametrize("text", PLACES)
def test_a_place_is_found_by_its_label_or_name(detector: Detector, text: str) -> None:
    assert_marked(detector, "CITY", text)


def test_with_roles_wanted_the_form_of_address_is_one(full_detector: Detector) -> None:
    findings = full_detector.detect(RawText("seen by Dr. Marsh today"))
    assert [(one.start, one.end, one.entity) for one in findings] == [(8, 11, "JOB_TITLE"), (12, 17, "PERSON")]
