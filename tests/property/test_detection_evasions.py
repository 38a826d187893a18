"""Values are found in disguise, next to anything harmless, for work that grows as the text does."""

from collections import Counter
from collections.abc import Iterable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.detection import Detector, Finding
from pipeline.detection.decode import encoded_runs, escaped_excerpts
from pipeline.detection.spoken import SpokenNumbers
from pipeline.text import RawText
from tests import evasions
from tests.evasions import Sentence
from tests.pathological import INPUTS

SEED = 11
HARMLESS = st.sampled_from(
    [
        "The weather stayed mild over the weekend.",
        "Please review the attached draft and tell us what you think.",
        "Wir haben gestern lange darüber gesprochen.",
        "def add(left, right):\n    return left + right",
        "Погода сегодня хорошая.",
        "天気がいいですね。",
        "100 % of nothing &amp; more",
        "C:\\new\\table",
        "one or two of them, at most three",
        "a + b + c = d",
        "\u200b",
        "😀 é ﬁ",
        "",
    ]
)


@pytest.fixture(scope="module")
def detector() -> Detector:
    return evasions.rules_detector()


@pytest.fixture(scope="module")
def sentences(detector: Detector) -> list[tuple[str, Sentence]]:
    """What is found without a disguise."""
    return [pair for pair in evasions.plain_sentences(SEED) if not evasions.leaks(detector, pair[1])]


def recall(detector: Detector, cases: Iterable[tuple[tuple[str, ...], Sentence]]) -> tuple[float, Counter[str]]:
    """Share of the cases found, and the names of the disguises of those that weren't."""
    tried = 0
    missed: Counter[str] = Counter()
    for names, sentence in cases:
        hidden = evasions.disguised(sentence, names, Random(f"{SEED} {names} {sentence.value}"))
        if hidden is not None:
            tried += 1
            missed[" in ".join(names)] += evasions.leaks(detector, hidden)
    return 1 - missed.total() / tried, +missed


def test_nearly_every_kind_of_value_is_found_undisguised(sentences: list[tuple[str, Sentence]]) -> None:
    assert len({entity for entity, _ in sentences}) >= 98


@pytest.mark.parametrize("name", evasions.ALL)
def test_values_are_found_in_each_disguise(
    detector: Detector, sentences: list[tuple[str, Sentence]], name: str
) -> None:
    if name == "decomposed":
        sentences = [("PASSWORD", Sentence("My password: ", "Größe-4711-Ärger", " ok"))]
    found, _ = recall(detector, (((name,), sentence) for _, sentence in sentences))
    assert found >= 0.98


def test_values_are_found_in_one_disguise_inside_another(
    detector: Detector, sentences: list[tuple[str, Sentence]]
) -> None:
    random = Random(SEED)
    cases = [(names, sentence) for names in evasions.pairs() for _, sentence in random.sample(sentences, 6)]
    found, missed = recall(detector, cases)
    assert found >= 0.98, missed.most_common(5)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_harmless_text_before_and_after_changes_no_finding(
    detector: Detector, sentences: list[tuple[str, Sentence]], data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(evasions.ALL))
    _, sentence = data.draw(st.sampled_from(sentences))
    hidden = evasions.disguised(sentence, (name,), Random(0)) or sentence
    before, after = data.draw(HARMLESS), data.draw(HARMLESS)
    # Far enough for no word of one to say what a number of the other is.
    gap = f"\n\n\n{'. ' * 90}\n\n\n"
    start = f"{before}{gap}"
    alone = detector.detect(RawText(hidden.text))
    # A number that is spoken goes on in number words that follow (`… nine\n\none or two of them`).
    behind = gap if name == "spoken digits" else "\n\n\n"
    within = detector.detect(RawText(f"{start}{hidden.text}{behind}{after}"))
    assert within == [Finding(one.start + len(start), one.end + len(start), one.entity, one.score) for one in alone]


def searched(text: str, levels: int = 2) -> int:
    """Count the characters that a detector hands to its recognizers."""
    total = len(text)
    if levels:
        views = [excerpt.view.text for excerpt in [*escaped_excerpts(text), *SPOKEN.excerpts(text)]]
        total += sum(searched(view, levels - 1) for view in views + [run.text for run in encoded_runs(text)])
    return total


SPOKEN = SpokenNumbers()


@pytest.mark.parametrize("name", INPUTS)
def test_what_is_searched_grows_no_faster_than_the_text(name: str) -> None:
    small, large = (searched(INPUTS[name](size)) / size for size in (20_000, 80_000))
    assert large < 1.5 * small + 0.5
    assert large < 12


@pytest.mark.parametrize("name", INPUTS)
def test_hostile_text_gives_sorted_disjoint_findings_inside(detector: Detector, name: str) -> None:
    text = INPUTS[name](30_000)
    end = 0
    for finding in detector.detect(RawText(text)):
        assert end <= finding.start < finding.end <= len(text)
        end = finding.end
