import pytest

from pipeline.detection import Detector
from pipeline.detection.normalise import normalise
from tests.unit.detection.tables import assert_marked

HIDDEN = [
    ("EMAIL", "to ⟦jane\u200b@exam\u200dple.org⟧ now"),
    ("EMAIL", "to ⟦jane＠example．org⟧ now"),
    ("CREDIT_CARD", "card ⟦４０００ 1234 5678 0000⟧"),
    ("CREDIT_CARD", "card ⟦4000\u00a01234\u00a05678\u00a00000⟧"),
    ("US_SSN", "SSN ⟦123\u201145\u20116788⟧"),
    ("US_SSN", "\u200b\u200bSSN ⟦123-45\u00ad-6788⟧\u200b!"),
]


@pytest.mark.parametrize(("entity", "text"), HIDDEN)
def test_values_hidden_by_odd_characters_are_found_where_they_are(detector: Detector, entity: str, text: str) -> None:
    assert_marked(detector, entity, text)


def test_ordinary_text_is_not_copied() -> None:
    text = "Größe 5 für François"
    assert normalise(text).text is text
    assert normalise(text).offsets is None
