import pytest

from pipeline.detection import Detector
from tests.unit.detection.tables import assert_marked, assert_nothing

FOUND = [
    ("EMAIL", "write to ⟦jane.doe+list@mail.example.org⟧."),
    ("EMAIL", "mailto:⟦j@example.com⟧?subject=x"),
    ("EMAIL", '{"user_email": "⟦o_neil@sub.example.co.uk⟧"}'),
    ("EMAIL", "name=Ann&mail=⟦ann@example.net⟧&x=1"),
    ("EMAIL", "an ⟦jürgen@müller.example.de⟧, bitte"),
    ("EMAIL", "⟦info@xn--mller-kva.example.de⟧"),
    ("EMAIL", "ask ⟦jane at example dot com⟧ about it"),
    ("EMAIL", "ask ⟦jane (at) example (dot) org⟧ about it"),
    ("EMAIL", "<b>⟦a@example.org⟧</b>, ⟦b@example.org⟧;⟦c@example.org⟧"),
    ("PHONE", "ring ⟦+44 20 7946 0958⟧ now"),
    ("PHONE", "(⟦+49 30 901820⟧)"),
    ("PHONE", "ring ⟦+1-415-555-2671⟧, please"),
    ("PHONE", "or ⟦(415) 555-2671⟧."),
    ("PHONE", "or ⟦415-555-2671 ext. 12⟧."),
    ("PHONE", "or ⟦415.555.2671⟧."),
    ("PHONE", "rufen Sie ⟦030 901820-0⟧ an"),
    ("PHONE", "appelez le ⟦01 42 68 53 00⟧ demain"),
    ("PHONE", "Teléfono: ⟦963 862 500⟧"),
    ("PHONE", "numer telefonu kontaktowego: ⟦510 070 905⟧."),
    ("PHONE", '"phone_number": "⟦4155552671⟧"'),
    ("FAX", "Fax: ⟦+49 30 901821⟧"),
    ("URL", "see ⟦https://example.org/u/jane?tab=1⟧."),
    ("URL", "(⟦http://www.example.org/a_(b)⟧)"),
    ("URL", "see ⟦www.example.org/jane⟧, or not"),
    ("GEO_COORDINATE", "at ⟦52.520008, 13.404954⟧."),
    ("GEO_COORDINATE", '"lat": ⟦52.5200⟧, "lng": ⟦-13.4049⟧'),
    ("GEO_COORDINATE", "at ⟦52°31'12\"N 13°24'18\"E⟧"),
]

NOTHING = [
    "git@github.com:org/repo.git",
    "the @decorator and a @ b",
    "user@localhost",
    "price 3+4 5678 9012",
    "x = 12 + 34567890",
    "on 01.02.2024 and 02/03/2023 and 2024-01-02",
    "ISBN 978-3-16-148410-0",
    "http://localhost:8080/health and http://127.0.0.1/x",
    "box (10.5, 20.25), size 1.23, 4.56",
    "versions 1.2345, 2.3456, 3.4567",
    "look at the board dot every i",
    "order 0123456789012 was late",
]


@pytest.mark.parametrize(("entity", "text"), FOUND)
def test_contact_values_are_found_exactly(detector: Detector, entity: str, text: str) -> None:
    assert_marked(detector, entity, text)


@pytest.mark.parametrize("text", NOTHING)
def test_what_only_looks_like_contact_is_left(detector: Detector, text: str) -> None:
    assert_nothing(detector, text)
