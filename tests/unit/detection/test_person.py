import pytest

from pipeline.detection import Detector
from tests.unit.detection.tables import assert_marked, assert_nothing

FOUND = [
    ("DATE_OF_BIRTH", "date of birth: ⟦12/03/1985⟧"),
    ("DATE_OF_BIRTH", "DOB ⟦1985-03-12⟧"),
    ("DATE_OF_BIRTH", "she was born on ⟦March 12, 1985⟧ in Ulm"),
    ("DATE_OF_BIRTH", "geboren am ⟦12. März 1985⟧"),
    ("DATE_OF_BIRTH", "né le ⟦12 mars 1985⟧"),
    ("DATE_OF_BIRTH", "fecha de nacimiento: ⟦12/03/1985⟧"),
    ("DATE_OF_BIRTH", "nato il ⟦12 marzo 1985⟧"),
    ("DATE_OF_BIRTH", "data urodzenia: ⟦8 marca 1979⟧"),
    ("BIOMETRIC_ID", "fingerprint template ID is ⟦FP-8102c0fa7a26⟧."),
    ("BIOMETRIC_ID", "biometric id: ⟦b7741920ac⟧"),
    ("AGE", "a ⟦34⟧-year-old woman"),
    ("AGE", "Age: ⟦34⟧"),
    ("AGE", "mujer de ⟦26 años⟧ sin antecedentes"),
    ("USERNAME", "username: ⟦jane_doe85⟧"),
    ("USERNAME", '"login": "⟦jdoe42⟧"'),
    ("SOCIAL_HANDLE", "on Twitter as ⟦@jane_doe⟧."),
]
NOTHING = [
    "the fingerprint template of the certificate was renewed",
    "the invoice of 12/03/1985",
    "updated on March 12, 1985",
    "page: 34",
    "user: None",
    "def login(user: str) -> None: ...",
    "@property and @dataclass",
]


@pytest.mark.parametrize(("entity", "text"), FOUND)
def test_what_context_says_about_a_person_is_found(detector: Detector, entity: str, text: str) -> None:
    assert_marked(detector, entity, text)


@pytest.mark.parametrize("text", NOTHING)
def test_the_same_values_without_context_are_left(detector: Detector, text: str) -> None:
    assert_nothing(detector, text)
