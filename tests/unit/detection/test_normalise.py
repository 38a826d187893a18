import pytest

from pipeline.detection import Detector
from pipeline.detection.normalise import normalise
from tests.unit.detection.tables import assert_marked

HIDDEN = [
    ("EMAIL", "to ⟦jane\u200b@exam\u200dple.org⟧ now"),
    ("EMAIL", "to ⟦jane＠example．org⟧ now"),
    ("EMAIL", "to ⟦jane﹫example.org⟧ now"),
    ("EMAIL", "to ⟦ja\u202ene@exam\u2066ple.org⟧ now"),
    ("EMAIL", "to ⟦jаnе@ехаmple.оrg⟧ now"),
    ("EMAIL", "to ⟦jαne@exαmple.οrg⟧ now"),
    ("EMAIL", "to ⟦𝐣𝐚𝐧𝐞@𝓮𝔁𝓪𝓶𝓹𝓵𝓮.org⟧ now"),
    ("EMAIL", "to ⟦ⓙⓐⓝⓔ@example.org⟧ now"),
    ("EMAIL", "to ⟦ﬁona@example.org⟧ now"),
    ("EMAIL", "to ⟦j\u0336a\u0336n\u0336e\u0336@\u0336example.org⟧ now"),
    ("EMAIL", "to ⟦jose\u0301@example.org⟧ now"),
    ("EMAIL", "to ⟦j\u200b\u0336a\u200b\u0336n\u0336\u200be@example.org⟧ now"),
    ("MAC_ADDRESS", "mac ⟦3с:1е:аа:0b:22:fе⟧ up"),
    ("UK_NINO", "National Insurance number ⟦АВ123456С⟧ ok"),
    ("EMAIL", "Пишите на ⟦ivan@example.org⟧ сегодня"),
    ("CREDIT_CARD", "card ⟦４０００ 1234 5678 0000⟧"),
    ("CREDIT_CARD", "card ⟦4000\u00a01234\u00a05678\u00a00000⟧"),
    ("CREDIT_CARD", "card ⟦4️⃣0️⃣0️⃣0️⃣ 1234 5678 0000️⃣⟧"),
    ("US_SSN", "SSN ⟦123\u201145\u20116788⟧"),
    ("US_SSN", "\u200b\u200bSSN ⟦123-45\u00ad-6788⟧\u200b!"),
]


@pytest.mark.parametrize(("entity", "text"), HIDDEN)
def test_values_hidden_by_odd_characters_are_found_where_they_are(detector: Detector, entity: str, text: str) -> None:
    assert_marked(detector, entity, text)


@pytest.mark.parametrize("text", ["Größe 5 für François", "jane@example.org", "Жизнь", "漢字 😀", ""])
def test_ordinary_text_is_not_copied(text: str) -> None:
    assert normalise(text).text is text
    assert normalise(text).offsets is None


@pytest.mark.parametrize("text", ["Москва", "Анна и Оксана", "Αθήνα", "сон-трава", "COVID в Москве", "СССР"])
def test_words_of_other_scripts_stay_as_they_are(text: str) -> None:
    assert normalise(text).text == text


MAPS = [
    ("aﬁb", "afib", [(0, 1), (1, 2), (1, 2), (2, 3)]),
    ("e\u0301x", "éx", [(0, 2), (2, 3)]),
    ("4\ufe0f\u20e31", "41", [(0, 3), (3, 4)]),
    ("a\u200bb", "ab", [(0, 1), (2, 3)]),
    ("⑽x", "(10)x", [(0, 1), (0, 1), (0, 1), (0, 1), (1, 2)]),
    ("\u0301\u0301x", "x", [(2, 3)]),
    ("e\u200b\u0301\u200bx", "éx", [(0, 4), (4, 5)]),
    ("six ѕіх", "six six", [(place, place + 1) for place in range(7)]),
]


@pytest.mark.parametrize(("text", "plain", "spans"), MAPS)
def test_every_character_knows_where_it_came_from(text: str, plain: str, spans: list[tuple[int, int]]) -> None:
    normalised = normalise(text)
    assert normalised.text == plain
    assert [normalised.original(place, place + 1) for place in range(len(plain))] == spans
