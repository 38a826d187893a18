import pytest

from pipeline.detection import Detector
from tests.unit.detection.tables import assert_marked, assert_nothing

FOUND = [
    ("NATIONALITY_ETHNICITY", "the ⟦Nigerian⟧ applicant"),
    ("NATIONALITY_ETHNICITY", "i am ⟦namibian⟧ myself"),
    ("NATIONALITY_ETHNICITY", "two ⟦South Africans⟧ came"),
    ("NATIONALITY_ETHNICITY", "ethnicity: ⟦Hakka⟧"),
    ("NATIONALITY_ETHNICITY", "a ⟦black⟧ woman of forty"),
    ("RELIGION", "a ⟦Roman Catholic⟧ by birth"),
    ("RELIGION", "she is a devout ⟦Christian⟧"),
    ("POLITICAL_VIEW", "he is a ⟦conservative⟧ politician"),
    ("POLITICAL_VIEW", "an old ⟦communist⟧ party member"),
    ("SEXUAL_ORIENTATION", "their ⟦gay⟧ son"),
]
NOTHING = [
    "translate the text into French",
    "the Spanish version of the page",
    "she speaks Polish",
    "polish the silver, pole by pole",
    "Christian called twice",
    "a liberal amount of salt",
    "conservative garbage collection",
    "the german_market table",
    "see docs/french/index",
    "gayle is a surname",
]


@pytest.mark.parametrize(("entity", "text"), FOUND)
def test_what_the_law_protects_about_a_person_is_found(detector: Detector, entity: str, text: str) -> None:
    assert_marked(detector, entity, text)


@pytest.mark.parametrize("text", NOTHING)
def test_languages_things_and_code_are_left(detector: Detector, text: str) -> None:
    assert_nothing(detector, text)
