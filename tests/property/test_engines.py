"""The engine without Hyperscan reports what Hyperscan does, whatever the text; so do windows what one piece does."""

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.detection import build_detector, catalogue, resolve_conflicts
from pipeline.detection.families import all_rules
from pipeline.detection.hyperscan_engine import HyperscanEngine
from pipeline.detection.plain_engine import PlainEngine
from pipeline.detection.rules import CompiledRule
from pipeline.detection.scan import Scanner
from pipeline.detection.windows import LONGEST_WHOLE
from pipeline.text import RawText

RULES = all_rules()
EXPRESSIONS = [CompiledRule(rule).expression for rule in RULES]
FAST, SLOW = Scanner(EXPRESSIONS, HyperscanEngine()), Scanner(EXPRESSIONS, PlainEngine())
DETECTOR = build_detector(frozenset(catalogue()), names=False)
WORDS = sorted({word for rule in RULES for word in rule.context})

PIECES = st.one_of(
    st.sampled_from(WORDS),
    st.sampled_from(WORDS).map(str.upper),
    st.text(st.characters(max_codepoint=0x17F), max_size=12),
    st.from_regex(r"\A[A-Z]{1,6}[0-9]{1,9}\Z"),
    st.from_regex(r"\A[0-9]{1,4}([-. /][0-9]{1,4}){1,5}\Z"),
    st.sampled_from(
        ["jane@example.org", "https://a:b@c.example/", "-----BEGIN PRIVATE KEY-----", "password=", "sk_live_"]
    ),
    st.sampled_from([" ", "_", "-", ": ", "\n", "=", "\0", "'", "é", "漢", "\x0b"]),
)
TEXTS = st.lists(PIECES, max_size=12).map("".join)


@given(TEXTS)
@settings(max_examples=300, deadline=None)
def test_the_engines_report_the_same_candidates_in_any_text(text: str) -> None:
    assert SLOW.scan(text) == FAST.scan(text)


@given(st.lists(TEXTS, min_size=1, max_size=4), st.integers(-120, 120))
@settings(max_examples=15, deadline=None)
def test_windows_find_what_one_piece_does_in_any_text(parts: list[str], shift: int) -> None:
    filler = "nothing here\n" * (LONGEST_WHOLE // 13)
    text = filler[: LONGEST_WHOLE - 200 + shift] + "\n".join(parts) + filler[:80_000]
    assert DETECTOR.detect(RawText(text)) == resolve_conflicts(DETECTOR._search_window(text, 2, DETECTOR._recognizers))
