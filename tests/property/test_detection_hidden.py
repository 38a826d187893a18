import base64
from itertools import pairwise
from urllib.parse import quote

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.detection import build_detector
from pipeline.detection.decode import encoded_runs, escaped_excerpts
from pipeline.detection.normalise import Edit, normalise, rewritten
from pipeline.detection.spoken import SpokenNumbers
from pipeline.text import RawText

DETECTOR = build_detector(names=False)
SPOKEN = SpokenNumbers()
ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
PIECES = st.sampled_from(
    [
        *(
            "jane@example.org",
            "jane%40example.org",
            "jane&#64;example.org",
            "jane\\u0040example.org",
            "%25",
            "%",
            "&amp;",
        ),
        *(
            "\u200b",
            "\u202e",
            "\u00ad",
            "e\u0301",
            "\u0301",
            "4\ufe0f\u20e3",
            "ﬁ",
            "⑽",
            "а",
            "Ж",
            "𝐣",
            "é",
            "😀",
            "％",
            "＆",
        ),
        *("one ", "two ", "double ", "plus ", "1 ", " - ", "sieben ", "zéro ", " at ", " dot ", "[at]", "org", "\r\n"),
        *("password: Tr1cky!pass", "\\ud83d\\ude00", "\\ud83d", "%F0%9F%98%80", "%F0", "\\/", "&commat;", "&#0;"),
        base64.b64encode(b"mail jane@example.org now").decode(),
        base64.b64encode(base64.b64encode(b"mail jane@example.org now")).decode(),
        b"mail jane@example.org now".hex(),
        base64.encodebytes(b"mail jane@example.org now. " * 5).decode(),
    ]
)
TEXTS = st.one_of(ANY, st.lists(PIECES, max_size=25).map("".join))
HIDDEN_AT = st.sampled_from(
    ["@", "＠", "﹫", "%40", "%2540", "&#64;", "&#x40;", "&commat;", "\\u0040", "\\x40", "\u200b@\u202e"]
)


@given(TEXTS)
@settings(max_examples=300, deadline=None)
def test_findings_in_disguised_text_are_sorted_disjoint_and_inside(text: str) -> None:
    found = DETECTOR.detect(RawText(text))
    assert found == sorted(found)
    assert all(0 <= one.start < one.end <= len(text) for one in found)
    assert all(one.end <= two.start for one, two in pairwise(found))


@given(TEXTS)
@settings(max_examples=300, deadline=None)
def test_the_map_of_a_normalised_text_is_exact(text: str) -> None:
    normalised = normalise(text)
    spans = [normalised.original(place, place + 1) for place in range(len(normalised.text))]
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert spans == sorted(spans)
    for char, (start, end) in zip(normalised.text, spans, strict=True):
        assert char in normalise(text[start:end]).text or text[start:end].isascii() or char.isascii()


@given(TEXTS)
@settings(max_examples=200, deadline=None)
def test_excerpts_differ_from_the_text_only_where_they_say(text: str) -> None:
    for excerpt in [*escaped_excerpts(text), *SPOKEN.excerpts(text)]:
        assert all(one.end <= two.start for one, two in pairwise(excerpt.edits))
        inside = {place for edit in excerpt.edits for place in range(edit.start, edit.end)}
        for place, char in enumerate(excerpt.view.text):
            start, end = excerpt.view.original(place, place + 1)
            assert start in inside or text[start:end] == char


@given(TEXTS)
@settings(max_examples=200, deadline=None)
def test_encoded_runs_lie_inside_the_text(text: str) -> None:
    assert all(0 <= run.start < run.end <= len(text) for run in encoded_runs(text))


@given(ANY, st.lists(st.tuples(st.integers(0, 60), st.integers(1, 5), st.text(max_size=3)), max_size=6))
def test_rewriting_keeps_every_character_outside_the_edits(text: str, wanted: list[tuple[int, int, str]]) -> None:
    edits: list[Edit] = []
    for start, length, said in sorted(wanted):
        if start + length <= len(text) and (not edits or edits[-1].end <= start):
            edits.append(Edit(start, start + length, said))
    view = rewritten(text, edits)
    spans = [view.original(place, place + 1) for place in range(len(view.text))]
    edited = {(edit.start, edit.end): edit.text for edit in edits}
    kept = [text[start:end] for start, end in spans if (start, end) not in edited]
    outside = [char for place, char in enumerate(text) if not any(e.start <= place < e.end for e in edits)]
    assert len(view.text) == len(outside) + sum(len(edit.text) for edit in edits)
    assert [char for char in kept if char in outside] == kept


@given(HIDDEN_AT)
@settings(deadline=None)
def test_an_address_is_covered_however_its_sign_is_written(sign: str) -> None:
    text = f"x jane.roe{sign}example.org y"
    found = DETECTOR.detect(RawText(text))
    assert [(one.start, one.end, one.entity) for one in found] == [(2, len(text) - 2, "EMAIL")]


@given(ANY, st.integers(0, 2))
@settings(max_examples=100, deadline=None)
def test_a_run_is_covered_whole_whatever_else_it_says(other: str, levels: int) -> None:
    run = f"{other} jane.roe@example.org "
    for _ in range(levels):
        run = base64.b64encode(run.encode()).decode()
    text = f"x {quote(run) if levels == 0 else run} y"
    end = len(text.rstrip(" y").rstrip("="))
    covered = {place for one in DETECTOR.detect(RawText(text)) for place in range(one.start, one.end)}
    if levels and other.isprintable():
        assert covered >= set(range(2, end))


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_is_not_copied(text: str) -> None:
    assert normalise(text).text is text
