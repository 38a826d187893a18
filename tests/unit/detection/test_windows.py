import base64

import pytest

from pipeline.detection import Detector, Finding, LoneSurrogate, build_detector, resolve_conflicts
from pipeline.detection.windows import LONGEST_WHOLE, windows
from pipeline.text import RawText

FILLER = "the worker finished another shard and went on\n"
KEY = "-----BEGIN " + "PRIVATE KEY-----\n" + "Qm9vayBvZiBrZXlz\n" * 200 + "-----END " + "PRIVATE KEY-----"
RUN = base64.b64encode(b"mail jane.roe@example.org and nobody else. " * 60).decode()
WRAPPED = "\n".join(RUN[place : place + 76] for place in range(0, len(RUN), 76))
VALUES = {
    "address": "jane.roe@example.org",
    "context": "account number of the customer is DE89 3704 0044 0532 0130 00",
    "key": KEY,
    "encoded": RUN,
    "encoded over lines": WRAPPED,
    "escaped": "jane.roe\\u0040example.org",
    "spoken": "four one five five five five two six seven one",
    "not ascii": "Grüße, jane.roe\u200b@example.org 😀",
}


def filled(size: int) -> str:
    return (FILLER * (size // len(FILLER) + 1))[:size]


def in_one_piece(detector: Detector, text: str) -> list[Finding]:
    return resolve_conflicts(detector._search_window(text, 2, detector._recognizers))


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
@pytest.mark.parametrize("part", [0.0, 0.3, 1.0], ids=["before", "inside", "after"])
def test_a_value_at_a_border_is_found_as_in_one_piece(detector: Detector, value: str, part: float) -> None:
    head = filled(LONGEST_WHOLE - int(part * len(value)) - 1)
    text = f"{head} {value} {filled(70_000)}"
    expected = in_one_piece(detector, text)
    assert expected
    assert detector.detect(RawText(text)) == expected


def test_a_word_before_a_border_counts_for_the_value_behind_it(detector: Detector) -> None:
    head = filled(LONGEST_WHOLE).replace("\n", " ")
    text = head[: LONGEST_WHOLE - len("password")] + "password: Tr1cky!pass " + filled(9_000).replace("\n", " ")
    value = text.index("Tr1cky")
    assert next(windows(text)).stop == value
    assert [(f.start, f.end) for f in detector.detect(RawText(text))] == [(value, value + 11)]


def test_every_border_is_crossed_without_loss(detector: Detector) -> None:
    unit = "".join(f"{value} is here\n{filled(1_700 + 7 * n)}" for n, value in enumerate(VALUES.values()))
    text = unit * (2_000_000 // len(unit))
    assert len(list(windows(text))) > 3
    assert detector.detect(RawText(text)) == in_one_piece(detector, text)


@pytest.mark.parametrize("break_every", [None, 76], ids=["one line", "wrapped"])
def test_a_run_longer_than_a_window_is_redacted_whole(detector: Detector, break_every: int | None) -> None:
    run = base64.b64encode(b"no value here, " * 60_000 + b"but jane.roe@example.org").decode().rstrip("=")
    if break_every:
        run = "\n".join(run[place : place + break_every] for place in range(0, len(run), break_every))
    text = f"{filled(200_000)} {run} end"
    start = text.index(run)
    assert [(f.start, f.end) for f in detector.detect(RawText(text))] == [(start, start + len(run))]


@pytest.mark.parametrize("text", ["", "x" * 1_500_000, "a b\n" * 400_000, "é" * 1_500_000, "A1\r\n" * 400_000])
def test_windows_cover_a_text_once(text: str) -> None:
    parts = list(windows(text))
    assert "".join(text[part.start : part.stop] for part in parts) == text
    assert all(part.begin <= part.start < part.stop <= part.end for part in parts)


def test_windows_stay_small_where_a_text_has_breaks() -> None:
    for text in (FILLER * 60_000, FILLER.replace("\n", " ") * 60_000, "jane\n" * 500_000, "ж" * 2_000_000):
        assert max(part.end - part.begin for part in windows(text)) < LONGEST_WHOLE + 80_000


def test_nul_characters_are_text_like_any_other(detector: Detector) -> None:
    text = "\0" * 700_000 + " jane.roe@example.org\0"
    assert [(f.start, f.end) for f in detector.detect(RawText(text))] == [(700_001, 700_021)]


@pytest.mark.parametrize("place", [0, LONGEST_WHOLE - 1, LONGEST_WHOLE, 1_100_000])
def test_half_a_pair_is_refused_wherever_it_stands(detector: Detector, place: int) -> None:
    text = "é" * place + "\udfff" + "é" * 10
    with pytest.raises(LoneSurrogate):
        detector.detect(RawText(text))


class Whole:
    """Says of every text that all of it is one thing."""

    name = "whole"
    reads = False
    entities = frozenset(("PERSON",))

    def find(self, text: str) -> list[Finding]:
        return [Finding(0, len(text), "PERSON", 1.0)]


def test_a_finding_longer_than_a_window_covers_all_of_it() -> None:
    text = filled(3 * LONGEST_WHOLE)
    found = build_detector((), recognizers=[Whole()]).detect(RawText(text))
    assert [(one.start, one.end) for one in found] == [(0, len(text))]
