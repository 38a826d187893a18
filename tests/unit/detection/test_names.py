from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from pipeline.detection import build_detector
from pipeline.detection.names import NamesRecognizer
from pipeline.detection.names.features import SHAPES, fingerprint, glued, rows, shape, sights, tokens
from pipeline.detection.names.network import Network
from pipeline.detection.names.recognizer import load
from pipeline.detection.names.spans import spans
from pipeline.text import RawText
from tests.unit.detection.tables import unmarked

ALL = ("PERSON", "ORGANIZATION", "LOCATION", "STREET_ADDRESS")


@pytest.fixture(scope="module")
def names() -> NamesRecognizer:
    return NamesRecognizer(ALL, {})


@pytest.mark.parametrize(
    ("entity", "text"),
    [
        ("PERSON", "Please forward this to ⟦Margaret Holloway⟧ before the meeting."),
        ("PERSON", "my name is ⟦tobias fenwick⟧ and i need help with my order"),
        ("PERSON", "PLEASE CONTACT ⟦MARGARET HOLLOWAY⟧ ABOUT THE CONTRACT."),
        ("PERSON", "Sehr geehrte Frau ⟦Brinkmann⟧, wir haben Ihre Nachricht erhalten."),
        ("PERSON", "Je m'appelle ⟦Amélie Rousselot⟧ et je cherche un emploi."),
        ("PERSON", "Me llamo ⟦Íñigo Echevarría⟧ y tengo una pregunta."),
        ("PERSON", "Il pacco di ⟦Giulia Bernardini⟧ non è arrivato."),
        ("PERSON", "Meu nome é ⟦Thiago Nascimento⟧ e preciso de ajuda."),
        ("PERSON", "Mijn naam is ⟦Joost Hendriksen⟧ en ik heb een vraag."),
        ("PERSON", "Nazywam się ⟦Agnieszka Wilczek⟧ i mam pytanie."),
        ("PERSON", "The results were reviewed by Dr. ⟦Ngozi Adebayo⟧ yesterday."),
        ("LOCATION", "She moved to ⟦Ljubljana⟧ three years ago."),
        ("LOCATION", "Wie komme ich am besten nach ⟦Göttingen⟧?"),
        ("ORGANIZATION", "He resigned from ⟦Brackwater Holdings Ltd⟧ last month."),
        ("STREET_ADDRESS", "Ship it to ⟦482 Larkspur Avenue⟧, please."),
    ],
)
def test_names_are_found_in_many_languages_and_cases(names: NamesRecognizer, entity: str, text: str) -> None:
    plain, wanted = unmarked(text)
    found = {(item.start, item.end) for item in names.find(plain) if item.entity == entity}
    assert set(wanted) <= found


@pytest.mark.parametrize(
    "text",
    [
        "The deployment finished without errors and all tests passed.",
        "def normalise(value: float) -> float:\n    return max(0.0, min(value, 1.0))",
        "Die Datei konnte nicht gespeichert werden.",
        "La página solicitada no existe.",
        "Error 404: the requested page does not exist.",
        "2026-11-24T06:00:00Z INFO worker[3] handled path=/api/v1/items status=200",
        "",
        "\n\n \t\n",
    ],
)
def test_texts_without_names_are_left_alone(names: NamesRecognizer, text: str) -> None:
    assert not list(names.find(text))


def test_a_long_text_gives_what_its_parts_give(names: NamesRecognizer) -> None:
    sentence = "Then Margaret Holloway met Tobias Fenwick in Ljubljana.\n"
    one = [(item.start, item.end, item.entity) for item in names.find(sentence * 3)]
    many = [(item.start, item.end, item.entity) for item in names.find(sentence * 1000)]
    middle = [(s % len(sentence), e % len(sentence), n) for s, e, n in one if s // len(sentence) == 1]
    repeated = {
        place: [(s % len(sentence), e % len(sentence), n) for s, e, n in many if s // len(sentence) == place]
        for place in range(1, 999)
    }
    assert middle
    assert all(found == middle for found in repeated.values())


def test_blocks_are_scored_as_one_piece_is() -> None:
    network, _ = load()
    places, words = tokens("Then Margaret Holloway met Tobias Fenwick in Ljubljana, and " * 700)
    touching = glued(places)
    assert len(words) > 6000
    assert np.allclose(network.scores(words, touching), network._scores(words, sights(words, touching)), atol=1e-3)


def test_threads_share_one_model() -> None:
    texts = [f"Then Margaret Holloway met Tobias{n} Fenwick{n} in Ljubljana." for n in range(64)]
    alone = [list(NamesRecognizer(ALL, {}).find(text)) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        shared = list(pool.map(lambda text: list(NamesRecognizer(ALL, {}).find(text)), texts * 4))
    assert shared == alone * 4


def test_the_model_keeps_no_word(names: NamesRecognizer) -> None:
    list(names.find("Margaret Holloway met Zebediah Quillfeather."))
    network, _ = load()
    kept = [value for value in vars(network).values() if isinstance(value, (dict, list, set))]
    assert not [item for part in kept for item in part if isinstance(item, (str, bytes))]


def test_words_beyond_the_kept_ones_are_made_anew() -> None:
    network, _ = load()
    words = [f"w{number}x" for number in range(40_000)]
    text = " ".join(words)
    places, cut = tokens(text)
    first = network.scores(cut[:500], glued(places[:500]))
    network.scores(cut, glued(places))
    assert np.allclose(first, network.scores(cut[:500], glued(places[:500])), atol=1e-5)


def test_only_wanted_entities_are_given() -> None:
    text = "Margaret Holloway said that she moved to Ljubljana three years ago."
    assert {item.entity for item in NamesRecognizer(ALL, {}).find(text)} == {"PERSON", "LOCATION"}
    assert {item.entity for item in NamesRecognizer({"LOCATION"}, {}).find(text)} == {"LOCATION"}


def test_a_threshold_above_certainty_gives_nothing() -> None:
    assert not list(NamesRecognizer(ALL, dict.fromkeys(ALL, 1.1)).find("Margaret Holloway moved to Ljubljana."))


def test_identifiers_are_not_read() -> None:
    detector = build_detector({"PERSON"})
    assert detector.detect(RawText("Margaret Holloway"))
    assert not detector.detect(RawText("Margaret Holloway"), prose=False)


def test_a_line_tells_its_case() -> None:
    text = "all low here\nALL HIGH\nOne Mixed"
    places, words = tokens(text)
    seen = sights(words, glued(places))
    by_word = dict(zip(words, seen, strict=True))
    assert (by_word["low"], by_word["HIGH"], by_word["Mixed"]) == (2, 4, 0)


def test_pieces_of_a_word_do_not_depend_on_its_case() -> None:
    assert rows("Holloway") == rows("HOLLOWAY") == rows("holloway")


def test_spans_end_where_the_label_changes() -> None:
    scores = np.full((5, 9), -5.0, np.float32)
    for token, tag in enumerate((1, 2, 5, 0, 1)):
        scores[token, tag] = 5.0
    places = [(n, n + 1) for n in range(5)]
    found = [(s, e, label) for s, e, label, _ in spans(scores, places, {})]
    assert found == [(0, 2, "PER"), (2, 3, "LOC"), (4, 5, "PER")]


def test_an_empty_network_input_is_no_error() -> None:
    network: Network = load()[0]
    assert network.scores([], []).shape == (0, 9)


def test_vectors_made_together_are_those_made_word_by_word() -> None:
    network, _ = load()
    words = ["a", "7", "Holloway", ".", "é", "Ng", "2026", "straße"]
    together = network._made(words)
    for word, vector in zip(words, together, strict=True):
        first, *pieces = rows(word)
        summed = network._table[pieces].astype(np.float32).sum(0) / max(len(pieces), 1) ** 0.5
        own = network._table[first].astype(np.float32) + network._features[shape(word)]
        bits = network._marks.get(fingerprint(word), 0) if word.isalpha() else 0
        own += sum((network._features[len(SHAPES) + bit] for bit in range(13) if bits >> bit & 1), np.float32(0))
        expected = np.concatenate([own, summed]) @ network._into + network._into_bias
        assert np.allclose(vector, expected, atol=1e-4), word
