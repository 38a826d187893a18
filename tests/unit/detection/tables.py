"""How the tables of examples are written: the value between ⟦ and ⟧."""

from collections.abc import Callable
from itertools import product

from pipeline.detection import Detector
from pipeline.text import RawText


def unmarked(text: str) -> tuple[RawText, list[tuple[int, int]]]:
    """Give the text without the brackets, and the spans they stood around."""
    plain, spans, start = "", [], 0
    for char in text:
        if char == "⟦":
            start = len(plain)
        elif char == "⟧":
            spans.append((start, len(plain)))
        else:
            plain += char
    return RawText(plain), spans


def found(detector: Detector, text: str, entity: str) -> list[tuple[int, int]]:
    return [(finding.start, finding.end) for finding in detector.detect(RawText(text)) if finding.entity == entity]


def assert_marked(detector: Detector, entity: str, text: str) -> None:
    plain, spans = unmarked(text)
    assert [(f.start, f.end, f.entity) for f in detector.detect(plain)] == [(*span, entity) for span in spans]


def assert_nothing(detector: Detector, text: str) -> None:
    assert detector.detect(RawText(text)) == []


def completed(pattern: str, is_valid: Callable[[str], object], alphabet: str = "0123456789") -> str:
    """Replace each ? so that the check passes: no number stands in these files that is somebody's."""
    for chars in product(alphabet, repeat=pattern.count("?")):
        rest = iter(chars)
        value = "".join(next(rest) if char == "?" else char for char in pattern)
        if is_valid(value):
            return value
    raise AssertionError(pattern)
