"""Patterns from a policy file: where they match, what they refuse, and that none hangs."""

import time

import pytest

from pipeline.detection import build_detector
from pipeline.detection.checksums import CHECKSUMS
from pipeline.detection.custom import CustomPattern, PatternRecognizer, WholePatterns, WrongPattern, check_pattern
from pipeline.text import RawText
from tests.unit.detection.tables import unmarked


def spans(text: str, pattern: str, **options: object) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    plain, wanted = unmarked(text)
    one = CustomPattern(entity="CASE", pattern=pattern, **options)  # type: ignore[arg-type]
    found = PatternRecognizer([one], {}, 0.5).find(plain)
    return [(finding.start, finding.end) for finding in found], wanted


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"C-\d{4}-\d{2,6}", "see ⟦C-2031-123456⟧, ⟦C-2031-12⟧."),
        (r"C-\d{4}-\d{2,6}", "XC-2031-12, C-2031-1, C-2031-1234567"),
        (r"(?:ab){1,9}", "⟦ababab⟧ and ⟦ab⟧, not aba"),
        (r"ab|abc|abcd", "⟦abcd⟧"),
        (r"(?i)ref#\w{1,9}", "😀 Ünïcode ⟦REF#x9⟧ 😀"),
        (r"[äöü]{2,}-\d", "eins ⟦äö-1⟧ zwei"),
        (r"#\d{1,9}", "a⟦#1⟧ ⟦#22⟧ "),
        (r"\d{1,9}\s{1,3}\d{1,9}", "⟦1 \n 2⟧"),
    ],
)
def test_the_leftmost_longest_whole_words_are_found(pattern: str, text: str) -> None:
    found, wanted = spans(text, pattern)
    assert found == wanted


def test_a_part_of_a_word_counts_where_the_policy_says_so() -> None:
    found, wanted = spans("x⟦C-12⟧3", r"C-\d{2}", whole_words=False)
    assert found == wanted


def test_case_is_ignored_where_the_policy_says_so() -> None:
    found, wanted = spans("⟦STRAßÉ⟧ ⟦straßé⟧", "straßé", ignore_case=True)
    assert found == wanted


@pytest.mark.parametrize(
    "text", ["docket 123456", "DOCKET no: ⟦123456⟧", "123456 (docket)", "docket" + "." * 70 + "123456", "123456"]
)
def test_required_context_stands_shortly_before_or_after(text: str) -> None:
    near = "docket" in text.lower() and "." * 70 not in text
    found, _ = spans(text, r"\d{6}", context=("docket",), context_required=True)
    assert bool(found) == near


def test_context_raises_the_score_where_it_is_not_required() -> None:
    recognizer = PatternRecognizer([CustomPattern(entity="A", pattern=r"\d{6}", context=("file",), score=0.6)], {}, 0.5)
    first, second = recognizer.find("file 123456" + " ." * 60 + " 654321")
    assert [first.score, second.score] == pytest.approx([0.95, 0.6])


def test_a_threshold_above_the_score_drops_the_match() -> None:
    recognizer = PatternRecognizer([CustomPattern(entity="A", pattern=r"\d{6}", score=0.6)], {"A": 0.7}, 0.5)
    assert list(recognizer.find("123456")) == []


@pytest.mark.parametrize(
    ("checksum", "good", "bad"),
    [
        ("luhn", "7992 7398 713", "7992 7398 714"),
        ("verhoeff", "2363", "2364"),
        ("damm", "5724", "5725"),
        ("mod11", "0365327", "0365328"),
        ("mod11_2", "079X", "0794"),
        ("mod11_10", "79469", "79462"),
        ("mod37_2", "G123489654321Y", "G123489654321Z"),
        ("mod37_36", "A12425GABC1234002M", "A12425GABC1234002N"),
        ("mod97", "4354111611551125", "4354111611551114"),
    ],
)
def test_a_checksum_tells_numbers_from_others(checksum: str, good: str, bad: str) -> None:
    pattern = r"[A-Z0-9](?:[A-Z0-9 ]{0,40}[A-Z0-9])?"
    assert spans(f"⟦{good}⟧", pattern, checksum=checksum)[0] == [(0, len(good))]
    assert not CHECKSUMS[checksum](bad)
    assert not CHECKSUMS[checksum]("")
    assert not CHECKSUMS[checksum]("٣٤")


def test_every_checksum_is_tried_above() -> None:
    assert len(CHECKSUMS) == 9


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("hush(", "missing ), unterminated subpattern at character 5"),
        ("hush[z-a]", "bad character range at character 6"),
        (r"hush\q", "bad escape at character 5"),
        ("*hush", "nothing to repeat at character 1"),
        (r"[+*\]]\*hush+", "repeats without a bound at character 13; give one"),
        ("hush.*", "repeats without a bound at character 6"),
        ("hush{2,}", "repeats without a bound at character 5"),
        ("(?=hush)x", "uses look-ahead, look-behind"),
        (r"(hush)\1", "uses a back-reference"),
        ("(hush)?", "matches the empty text"),
        ("(?>hush)x", "uses look-ahead, look-behind"),
        (".{1,5000}hush", "is too large"),
        ("hush" * 501, "is longer than 2000 characters"),
    ],
)
def test_a_wrong_pattern_is_told_by_place_and_never_quoted(pattern: str, said: str) -> None:
    with pytest.raises(WrongPattern) as caught:
        check_pattern(pattern)
    assert said in caught.value.detail
    assert "hush" not in caught.value.detail
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "pattern", [r"(x{1,9}x{1,5}){1,5}y", r"(a|a){1,40}b", r"(?:a@?){1,20}!", r"(\w{1,9}\s?){1,9}#"]
)
@pytest.mark.parametrize("unit", ["x", "a", "a@", "a "])
def test_no_pattern_hangs(pattern: str, unit: str) -> None:
    recognizer = PatternRecognizer([CustomPattern(entity="A", pattern=pattern)], {}, 0.5)
    start = time.process_time()
    list(recognizer.find(unit * 100_000))
    assert time.process_time() - start < 5


def test_whole_patterns_match_from_end_to_end() -> None:
    whole = WholePatterns([r"C-\d{1,9}", "x|yy"])
    assert [whole.match(text) for text in ("C-12", "c-12", "yy", "C-12 ", "aC-12", "yyx", "x\n", "")] == [
        *(True, True, True),
        *(False,) * 5,
    ]


def test_patterns_are_part_of_the_detectors_version_and_found_behind_encodings() -> None:
    one = CustomPattern(entity="CASE", pattern=r"C-\d{4}")
    detector = build_detector((), patterns=[one])
    assert detector.detect(RawText("C&#45;2031"))
    others = [
        CustomPattern(entity="CASE", pattern=r"C-\d{5}"),
        CustomPattern(entity="CASE", pattern=r"C-\d{4}", score=0.7),
        CustomPattern(entity="CASE", pattern=r"C-\d{4}", checksum="luhn"),
        CustomPattern(entity="CASE", pattern=r"C-\d{4}", context=("case",)),
    ]
    versions = {build_detector((), patterns=[other]).version for other in [*others, one]}
    assert len(versions) == 5
    assert detector.version in versions


def test_a_pattern_is_not_in_a_repr() -> None:
    assert "hush" not in repr(CustomPattern(entity="A", pattern="hush"))


def test_classes_of_unicode_are_patterns_too() -> None:
    detector = build_detector((), patterns=[CustomPattern(entity="CASE", pattern=r"\p{Lu}{2,5}-\d{4}")])
    assert [(one.start, one.end) for one in detector.detect(RawText("siehe ÄÖ-2031."))] == [(6, 13)]
