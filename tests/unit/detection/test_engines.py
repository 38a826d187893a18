import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest

from pipeline.detection import build_detector, catalogue
from pipeline.detection.families import all_rules
from pipeline.detection.hyperscan_engine import HyperscanEngine
from pipeline.detection.plain_engine import PlainEngine
from pipeline.detection.rules import CompiledRule
from pipeline.detection.scan import Engine, Scanner, default_engine
from pipeline.text import RawText
from tests.unit.detection import test_contact, test_device, test_national_ids, test_payment, test_secrets, test_spoken

EXPRESSIONS = [CompiledRule(rule).expression for rule in all_rules()]
ENGINES: dict[str, Engine] = {"hyperscan": HyperscanEngine(), "re": PlainEngine()}


def every_table() -> list[str]:
    """All texts that the recognizers' tables hold, found and near-miss."""
    modules = (test_contact, test_device, test_national_ids, test_payment, test_secrets, test_spoken)
    rows = [row for module in modules for name in dir(module) if name.isupper() for row in _rows(getattr(module, name))]
    return [text.replace("⟦", "").replace("⟧", "") for text in rows if len(text) > 4]


def _rows(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, list | tuple):
        return [text for item in value for text in _rows(item)]
    return []


def shuffled_pieces() -> list[str]:
    """Texts that no table holds: pieces of the tables' texts, cut anywhere and joined by anything."""
    random = Random(11)
    texts = every_table()
    pieces = [text[random.randrange(len(text)) :][: random.randrange(1, 40)] for text in texts for _ in range(3)]
    signs = ["", " ", "\n", "_", "-", ":", "= ", "\0", "é", "ß", "漢", "\u200b", '"', "1", "Z", "\x0b"]
    return ["".join(random.choice(pieces) + random.choice(signs) for _ in range(12)) for _ in range(400)]


TEXTS = [*every_table(), *shuffled_pieces()]


def test_the_engines_report_the_same_candidates() -> None:
    one, other = (Scanner(EXPRESSIONS, engine) for engine in ENGINES.values())
    assert len(TEXTS) > 700
    for number, text in enumerate(TEXTS):
        assert one.scan(text) == other.scan(text), number
        assert one.scan(text.upper()) == other.scan(text.upper()), number


def test_the_engines_make_the_same_findings() -> None:
    one, other = (build_detector(frozenset(catalogue()), names=False, engine=engine) for engine in ENGINES.values())
    assert (one.engine, other.engine) == ("hyperscan", "re")
    found = 0
    for number, text in enumerate(TEXTS):
        expected = one.detect(RawText(text))
        found += len(expected)
        assert other.detect(RawText(text)) == expected, number
    assert found > 150


@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
@pytest.mark.parametrize(
    ("expression", "text", "expected"),
    [
        ("ab{1,3}", "abbbb", [(0, 2), (0, 3), (0, 4)]),
        ("[a-c]{1,2}x", "abcx", [(1, 4)]),
        (r"(?i)pass(?:port)?", "PassPort", [(0, 4), (0, 8)]),
        (r"\bid\b", "id grid id_ id", [(0, 2), (12, 14)]),
        (r"(?:\b|_)id(?:\b|_)", "an_id_, id", [(2, 6), (8, 10)]),
        ("aa", "aaaa", [(0, 2), (1, 3), (2, 4)]),
        (r"a[^\n]{0,3}z", "az bz a\nz", [(0, 2), (0, 5)]),
        (r"\d{2,3}\b", "1234", [(1, 4)]),
        (r"(?i)a\xc3\xb1o", "AÑO año Año", [(4, 7), (8, 11)]),
        (r"\s\d", "\x0b1\t2\0 3", [(0, 2), (2, 4), (5, 7)]),
        ("foo|o", "foo", [(0, 3), (1, 2)]),
        ("x", "", []),
    ],
)
def test_each_end_is_reported_with_its_leftmost_start(
    engine: Engine, expression: str, text: str, expected: list[tuple[int, int]]
) -> None:
    assert [(start, end) for start, end, _ in Scanner([expression], engine).scan(text)] == expected


@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
def test_a_probe_tells_whether_anything_matches(engine: Engine) -> None:
    matches = engine.probe([rb"(?i)\bone\b", rb"\d\d"])
    assert [matches(data) for data in (b"ONE", b"x 12", b"none 1", b"")] == [True, True, False, False]


@pytest.fixture
def engine_anew() -> Iterator[None]:
    default_engine.cache_clear()
    yield
    default_engine.cache_clear()


@pytest.mark.usefixtures("engine_anew")
def test_without_hyperscan_the_slower_engine_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hyperscan", None)
    monkeypatch.delitem(sys.modules, "pipeline.detection.hyperscan_engine")
    assert default_engine().name == "re"
    detector = build_detector(names=False)
    assert detector.engine == "re"
    assert [finding.entity for finding in detector.detect(RawText("mail jane.roe@example.org"))] == ["EMAIL"]


def test_threads_share_the_slower_engine() -> None:
    scanner = Scanner(EXPRESSIONS, ENGINES["re"])
    texts = TEXTS[:60]
    expected = [scanner.scan(text) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(scanner.scan, texts)) == expected


@pytest.mark.parametrize("unit", ["a@", "1.", "1-", "a.", "key=", "password ", "http://a", "-", "é@", "A1"])
def test_the_slower_engines_time_grows_no_faster_than_the_text(unit: str) -> None:
    scanner = Scanner(EXPRESSIONS, ENGINES["re"])

    def seconds(size: int) -> float:
        text = (unit * size)[:size]
        tries = []
        for _ in range(3):
            start = time.process_time()
            scanner.scan(text)
            tries.append(time.process_time() - start)
        return min(tries)

    assert seconds(20_000) < 7 * seconds(5_000) + 0.05
