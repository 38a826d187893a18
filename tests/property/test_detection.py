from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.detection import ExactList, Finding, build_detector, resolve_conflicts
from pipeline.text import RawText

DETECTOR = build_detector(exact_lists=[ExactList("PERSON", ("Jane Roe", "Weiß", "İ"))])

PIECES = st.sampled_from(
    [
        "jane@example.org",
        "+49 30 901820",
        "192.0.2.1",
        "password: Tr1cky!pass",
        "SSN 123-45-6788",
        "Jane Roe",
        "\u200b",
        "é",
        "😀",
        " ",
        "\n",
        "@",
        "0",
        "https://a.example/x",
        "WEISS",
        "İ",
        "＠",
    ]
)
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=300), st.lists(PIECES, max_size=20).map("".join)
)


@st.composite
def findings(draw: st.DrawFn) -> list[Finding]:
    result = []
    for _ in range(draw(st.integers(0, 12))):
        start = draw(st.integers(0, 60))
        entity = draw(st.sampled_from(["EMAIL", "URL", "PASSWORD", "PHONE", "MADE_UP"]))
        result.append(Finding(start, start + draw(st.integers(1, 20)), entity, draw(st.floats(0.1, 1.0))))
    return result


def covered(items: list[Finding]) -> set[int]:
    return {place for item in items for place in range(item.start, item.end)}


@given(TEXTS)
@settings(max_examples=300, deadline=None)
def test_findings_are_sorted_disjoint_and_inside_any_text(text: str) -> None:
    found = DETECTOR.detect(RawText(text))
    assert found == sorted(found)
    assert all(0 <= one.start < one.end <= len(text) for one in found)
    assert all(one.end <= two.start for one, two in pairwise(found))


@given(findings())
def test_resolved_findings_are_disjoint_and_cover_the_union(items: list[Finding]) -> None:
    resolved = resolve_conflicts(items)
    assert covered(resolved) == covered(items)
    assert all(one.end <= two.start for one, two in pairwise(resolved))


@given(findings())
def test_resolving_is_done_after_one_pass_and_ignores_order(items: list[Finding]) -> None:
    resolved = resolve_conflicts(items)
    assert resolve_conflicts(resolved) == resolved
    assert resolve_conflicts(items[::-1]) == resolved


@given(TEXTS, st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
@settings(max_examples=100, deadline=None)
def test_a_value_is_found_whatever_surrounds_it(before: str, after: str) -> None:
    text = f"{before}\n jane.roe@example.org \n{after}"
    start = len(before) + 2
    found = DETECTOR.detect(RawText(text))
    assert any(one.start <= start and start + 20 <= one.end for one in found)
