import pytest

from pipeline.detection import Detector
from tests.unit.detection.tables import assert_marked, assert_nothing

FOUND = [
    "paid on ⟦2021-03-04⟧ in full",
    "paid on ⟦2021-03-04 17:05:09⟧ in full",
    "paid on ⟦2021-03-04T17:05:09Z⟧ in full",
    "paid on ⟦04/03/2021⟧ in full",
    "seen on ⟦4/3/21⟧, again",
    "due ⟦March 4, 2021⟧.",
    "due ⟦4th of March 2021⟧.",
    "due ⟦Mar 2021⟧.",
    "fällig am ⟦4. März 2021⟧.",
    "payé le ⟦4 mars 2021⟧.",
    "pagado el ⟦4 de marzo de 2021⟧.",
    "ingresó en ⟦febrero de 2003⟧ por",
    "pagato il ⟦4 marzo 2021⟧.",
    "pago em ⟦4 de março de 2021⟧.",
    "betaald op ⟦4 maart 2021⟧.",
    "zapłacono ⟦4 marca 2021⟧.",
    "検査日 ⟦令和3年3月4日⟧ です",
    "built in ⟦1977⟧ and sold",
    "the doors open at ⟦17:05⟧ sharp",
    "the doors open ⟦7:05 pm⟧ sharp",
    "it ended ⟦17:05:09⟧ sharp",
]
NOTHING = [
    "version 2021.3.4 of it",
    "release 10.12.11.20.7 is out",
    "a ratio of 16:9 or 4:3",
    "in 2000 ms or at 1980 px",
    "it may 2 or 3 times fail",
    "the path /2021/03/04/index",
    "call 555-01-2021-99",
    "31/31/2021 is none",
    "the march of 40 people",
]


@pytest.mark.parametrize("text", FOUND)
def test_dates_and_times_are_found(full_detector: Detector, text: str) -> None:
    assert_marked(full_detector, "DATE_TIME", text)


@pytest.mark.parametrize("text", NOTHING)
def test_versions_ratios_and_measures_are_no_dates(full_detector: Detector, text: str) -> None:
    assert_nothing(full_detector, text)
