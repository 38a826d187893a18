import time

import pytest

from pipeline.detection import Detector, ExactList, build_detector
from pipeline.text import RawText
from tests.unit.detection.tables import found, unmarked


def with_list(*values: str, entity: str = "PERSON", ignore_case: bool = True) -> Detector:
    return build_detector((), exact_lists=[ExactList(entity, values, ignore_case)])


@pytest.mark.parametrize(
    "text",
    [
        "ask ⟦Jane Roe⟧.",
        "ask ⟦JANE  ROE⟧'s sister",
        "ask ⟦jane\nroe⟧",
        "(⟦Jane Roe⟧)",
        "⟦Jane Roe⟧⟦Jane Roe⟧".replace("⟧⟦", "⟧ ⟦"),
        "Jane, Jane Rower and Mary-Jane",
        "Jane_Roe",
    ],
)
def test_values_are_found_as_whole_words_in_any_case_and_spacing(text: str) -> None:
    plain, spans = unmarked(text)
    assert found(with_list("Jane Roe"), plain, "PERSON") == spans


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Weiß", "Frau ⟦WEISS⟧ kommt"),
        ("İpek", "bay ⟦İpek⟧ geldi"),
        ("C-4/x", "the ⟦c-4/X⟧ plan"),
        ("O'Hara", "dear ⟦o'hara⟧,"),
        ("#blue", "call it ⟦#blue⟧ now"),
        ("Project Blue", "𝔘 ⟦project blue⟧ 😀"),
    ],
)
def test_offsets_hold_when_folding_changes_lengths(value: str, text: str) -> None:
    plain, spans = unmarked(text)
    assert found(with_list(value), plain, "PERSON") == spans


def test_case_counts_when_asked_for() -> None:
    detector = with_list("Blue", ignore_case=False)
    plain, spans = unmarked("a blue car of ⟦Blue⟧ Ltd")
    assert found(detector, plain, "PERSON") == spans


def test_the_longest_value_wins_where_several_begin() -> None:
    plain, spans = unmarked("at ⟦Acme Robotics Holding⟧ and ⟦Acme⟧")
    assert found(with_list("Acme", "Acme Robotics Holding", "Acme Robotics"), plain, "PERSON") == spans


def test_a_list_may_have_a_name_of_its_own() -> None:
    detector = with_list("Bluebird", entity="CODE_NAME")
    assert [finding.entity for finding in detector.detect(RawText("on bluebird"))] == ["CODE_NAME"]


def test_a_long_list_costs_no_more_than_a_short_one() -> None:
    text = RawText("the quick brown fox jumps over the lazy dog " * 2000)
    short, long = with_list("Jane Roe"), with_list(*(f"Name{n} Family{n}" for n in range(50_000)))

    def seconds(detector: Detector) -> float:
        best = 9.0
        for _ in range(5):
            start = time.process_time()
            detector.detect(text)
            best = min(best, time.process_time() - start)
        return best

    assert seconds(long) < 5 * seconds(short) + 0.05


def test_a_list_shows_its_size_and_no_value() -> None:
    assert "Roe" not in repr(ExactList("PERSON", ("Jane Roe",)))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("东京分公司", "我在⟦东京分公司⟧工作。"),
        ("山田太郎", "担当は⟦山田太郎⟧さんです"),
        ("สมชาย", "คุณ⟦สมชาย⟧มาแล้ว"),
        ("김민수", "⟦김민수⟧가 왔다"),
    ],
)
def test_values_in_scripts_without_spaces_are_found_inside_a_sentence(value: str, text: str) -> None:
    plain, wanted = unmarked(text)
    assert [(one.start, one.end) for one in with_list(value).detect(plain)] == wanted
