import pytest

from pipeline.detection import Detector
from tests.unit.detection.tables import assert_marked, assert_nothing

SAID = [
    ("DATE_OF_BIRTH", "born on ⟦july third two thousand twenty two⟧ ok"),
    ("DATE_OF_BIRTH", "I was born on the ⟦twenty first of may nineteen eighty five⟧ in Rome"),
    ("DATE_OF_BIRTH", "geboren am ⟦fünfzehnten august neunzehnhundertachtzig⟧"),
    ("DATE_OF_BIRTH", "née le ⟦trois mai mille neuf cent quatre-vingt-deux⟧"),
    ("DATE_OF_BIRTH", "nacido el ⟦tres de mayo de mil novecientos ochenta y cinco⟧"),
    ("DATE_OF_BIRTH", "nato il ⟦tre maggio millenovecentottanta⟧"),
    ("DATE_OF_BIRTH", "nascido em ⟦três de maio de mil novecentos e oitenta e cinco⟧"),
    ("DATE_OF_BIRTH", "geboren op ⟦drie mei negentienhonderd tachtig⟧"),
    ("DATE_OF_BIRTH", "urodzona ⟦trzeciego maja tysiąc dziewięćset osiemdziesiątego roku⟧"),
    ("DATE_TIME", "we met on the ⟦third of february twenty oh five⟧"),
    ("DATE_TIME", "we met on ⟦16th of february two thousand and twenty three⟧"),
    ("DATE_TIME", "we met on ⟦may 20th, nineteen eighty⟧"),
    ("DATE_TIME", "we met on the ⟦second of march⟧ again"),
    ("DATE_TIME", "we met on ⟦5 slash 7 slash 2020⟧ again"),
    ("DATE_TIME", "we met on ⟦five slash seven slash nineteen eighty⟧ again"),
]

HARMLESS = [
    "you may first want to look at twenty of them",
    "in may two thousand people came, and nineteen eighty-fours",
    "the march of two thousand people",
    "chapter 5 dash 7 dash the end",
    "45 slash 77 slash 2020",
    "twenty twenty vision",
]


@pytest.mark.parametrize(("entity", "text"), SAID)
def test_dates_in_words_are_found_from_the_day_to_the_year(full_detector: Detector, entity: str, text: str) -> None:
    assert_marked(full_detector, entity, text)


@pytest.mark.parametrize("text", HARMLESS)
def test_months_and_numbers_that_are_no_date_are_left_alone(full_detector: Detector, text: str) -> None:
    assert_nothing(full_detector, text)
