import gc
import time

import pytest

from pipeline.detection import Detector
from pipeline.text import RawText
from tests.unit.detection.tables import assert_marked, assert_nothing

ADDRESSES = [
    "write to ⟦jane dot doe at example dot org⟧ please",
    "write to ⟦jane underscore doe at mail dot example dot org⟧ please",
    "write to ⟦jane[dot]doe[at]example[dot]org⟧",
    "write to ⟦jane (at) example (dot) org⟧.",
    "write to ⟦jane at example [dot] org⟧.",
    "write to ⟦jane@example dot org⟧",
    "schreib an ⟦jane punkt doe at example punkt org⟧ bitte",
    "schreib an ⟦jane punkt doe ät example minus firma punkt de⟧ bitte",
    "schreib an ⟦jane klammeraffe example punkt de⟧ bitte",
    "écrivez à ⟦jane point doe arobase example point fr⟧ svp",
    "escribe a ⟦jane punto doe arroba example punto es⟧ por favor",
    "escribe a ⟦jane guion bajo doe arroba example.es⟧ por favor",
    "pisz na ⟦jane kropka doe małpa example kropka pl⟧ dziś",
]

NUMBERS = [
    ("CREDIT_CARD", "it is ⟦four zero zero zero one two three four five six seven eight zero zero zero eight⟧ ok"),
    ("CREDIT_CARD", "it is ⟦4 0 0 0 1 2 3 4 5 6 7 8 0 0 0 8⟧ ok"),
    ("CREDIT_CARD", "⟦4-0-0-0-1-2-3-4-5-6-7-8-0-0-0-8⟧"),
    ("CREDIT_CARD", "it is ⟦vier null null null, eins zwei drei vier, fünf sechs sieben acht, null null null acht⟧ ja"),
    ("CREDIT_CARD", "⟦QUATRE ZÉRO ZÉRO ZÉRO UN DEUX TROIS QUATRE CINQ SIX SEPT HUIT ZÉRO ZÉRO ZÉRO HUIT⟧"),
    ("CREDIT_CARD", "es ⟦cuatro cero cero cero uno dos tres cuatro cinco seis siete ocho cero cero cero ocho⟧ sí"),
    ("CREDIT_CARD", "it is ⟦four triple zero 1234 five six seven eight double zero oh eight⟧ ok"),
    ("PHONE", "my phone is ⟦double five 01234567⟧ ok"),
    ("PHONE", "call me, ⟦four one five five five five oh one two three⟧ is mine"),
    ("PHONE", "it is ⟦plus four nine three zero nine oh one eight two oh⟧ then"),
    ("PHONE", "telefon ⟦null drei null neun null eins acht zwei null⟧ bitte"),
    ("US_SSN", "my social security number is ⟦one two three dash four five dash six seven eight eight⟧ ok"),
    ("US_SSN", "SSN: ⟦1 2 3 - 4 5 - 6 7 8 8⟧."),
    ("US_SSN", "SSN: ⟦1  2  3  -  4  5  -  6  7  8  8⟧."),
    ("PHONE", "phone ⟦+ 4 9 3 0 9 0 1 8 2 0⟧ now"),
    ("PHONE", "my number is ⟦double five 01234567⟧ ok"),
    ("PHONE", "mon téléphone ⟦zéro six douze trente-quatre cinquante-six soixante-dix-huit⟧ voilà"),
    ("PHONE", "mein Telefon ⟦null dreißig einundzwanzig fünfundvierzig siebzehn⟧ bitte"),
    ("PHONE", "mi teléfono ⟦seis doce treinta y cuatro cincuenta y seis setenta y ocho⟧"),
    ("PHONE", "call me at ⟦one eight hundred five five five twenty three forty seven⟧"),
    ("IPV4", "from IP address ⟦nine one dot one seven four dot two four zero dot one seven oh⟧ at night"),
    ("DATE_OF_BIRTH", "date of birth is ⟦1 3 / 1 1 / 1 9 4 3⟧"),
    ("DATE_OF_BIRTH", "date of birth is ⟦jeden trzy ukośnik jeden jeden ukośnik jeden dziewięć cztery trzy⟧"),
    ("CREDIT_CARD", "é ⟦quatro zero zero zero um dois três quatro cinco seis sete oito zero zero zero oito⟧ sim"),
    ("CREDIT_CARD", "um ⟦four zero zero zero one two um three four five six seven eight zero zero zero eight⟧ um ok"),
]

HARMLESS = [
    "one two three four five six seven eight nine ten",
    "zero one two three four five six seven eight nine",
    "one or two of the three, four at most",
    "vector 1 2 3 4 5 6 7 8 9 and 0 0 0 0 0 0 0 0",
    "1.3.6.1.4.1.3.1.1 is an object identifier",
    "look at this point de vue",
    "I was at home, punkt.",
    "she is at work dot dot dot",
    "um one um two um three um four um five",
    "ten, twenty, thirty, forty, fifty",
    "one two three four five six seven eight nine ten eleven twelve",
    "three point one four one five nine two six five",
    "decorate with @ property dot notation",
    "one at a time",
]


@pytest.mark.parametrize("text", ADDRESSES)
def test_dictated_addresses_are_found(detector: Detector, text: str) -> None:
    assert_marked(detector, "EMAIL", text)


@pytest.mark.parametrize(("entity", "text"), NUMBERS)
def test_dictated_numbers_are_found_from_the_first_word_to_the_last(detector: Detector, entity: str, text: str) -> None:
    assert_marked(detector, entity, text)


@pytest.mark.parametrize("text", HARMLESS)
def test_words_for_digits_alone_are_nothing(detector: Detector, text: str) -> None:
    assert_nothing(detector, text)


@pytest.mark.parametrize(
    "unit", ["one ", "one two ", "1 ", "1 - ", "plus ", "double ", "o ", "a at b dot ", "[at]", "dot ", "a dot "]
)
def test_time_grows_no_faster_than_what_is_dictated(detector: Detector, unit: str) -> None:
    def seconds(size: int) -> float:
        text = RawText((unit * (size // len(unit) + 1))[:size])
        times = []
        # What other tests have left to collect is not this text's time.
        gc.disable()
        for _ in range(5):
            start = time.process_time()
            detector.detect(text)
            times.append(time.process_time() - start)
        gc.enable()
        return min(times)

    assert seconds(80_000) < 7 * seconds(20_000) + 0.05
