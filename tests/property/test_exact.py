"""A long list finds what a search for each of its values finds."""

import re
import time

from hypothesis import given
from hypothesis import strategies as st

from pipeline.detection.exact import ExactList, ExactRecognizer, ExactTable

_WORDS = st.sampled_from(["a", "b", "B", "ab", "ß", "SS", "İ", "#", "-", "x1"])
_VALUES = st.lists(st.lists(_WORDS, min_size=1, max_size=4).map(" ".join), max_size=8)
_TOKEN = re.compile(r"\w+|[^\w\s]")


def naive(values: list[str], text: str) -> set[tuple[int, int]]:
    """Every value at every place, of those whose first words coincide the longest."""
    found = list(_TOKEN.finditer(text))
    tokens = [one[0].casefold() for one in found]
    longest: dict[int, tuple[int, int, int]] = {}
    for value in values:
        wanted = [token.casefold() for token in _TOKEN.findall(value)]
        first = next((place for place, token in enumerate(wanted) if re.match(r"\w", token)), None)
        for begin in range(len(tokens) - len(wanted) + 1):
            if first is not None and tokens[begin : begin + len(wanted)] == wanted:
                span = (len(wanted), found[begin].start(), found[begin + len(wanted) - 1].end())
                # Of equal lengths, the one that begins earlier.
                key = begin + first
                if key not in longest or (span[0], -span[1]) > (longest[key][0], -longest[key][1]):
                    longest[key] = span
    return {(start, end) for _, start, end in longest.values()}


@given(_VALUES, st.lists(_WORDS, max_size=24).map(" ".join))
def test_a_list_finds_what_searching_for_each_value_finds(values: list[str], text: str) -> None:
    recognizer = ExactRecognizer([ExactList("PERSON", ExactTable(values))])
    assert {(one.start, one.end) for one in recognizer.find(text)} == naive(values, text)


@given(_VALUES)
def test_a_table_is_the_sequence_of_its_values(values: list[str]) -> None:
    table = ExactTable(values)
    assert list(table) == values
    assert table.fingerprint == ExactTable(reversed(values)).fingerprint
    assert all(table.holds(value) for value in values)
    assert not table.holds("nothing of it")


def test_a_hundred_thousand_values_take_seconds_and_a_hundredth_of_a_gigabyte() -> None:
    start = time.process_time()
    table = ExactTable(f"Name{number % 100} Family{number}" for number in range(100_000))
    assert time.process_time() - start < 5
    held = len(table._blob) + sum(len(part) * part.itemsize for part in (table._ends, table._hashes, table._slots))
    assert held + len(table._firsts) < 10_000_000
    recognizer = ExactRecognizer([ExactList("PERSON", table)])
    assert [(one.start, one.end) for one in recognizer.find("ask name99  FAMILY4299, not Name98 Family4299")] == [
        (4, 22)
    ]
