"""The state the ledger commits: which offsets of a partition are finished."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.progress import WINDOW, Progress, UnreadableProgress, decode, encode


@given(st.integers(0, 2**40), st.sets(st.integers(0, WINDOW - 1), max_size=500))
def test_decode_inverts_encode(base: int, above: set[int]) -> None:
    done = {base + offset for offset in above}
    assert decode(base, encode(base, done)) == done


def test_a_full_window_fits_the_brokers_metadata_limit() -> None:
    # Pseudo-random bits do not compress: the worst case.
    done = {offset for offset in range(WINDOW) if (offset * 2654435761) >> 7 & 1}
    assert len(encode(0, done)) < 4096


@pytest.mark.parametrize(
    "metadata",
    ["x", "3:AAAA:", "2:AAAA", "1:%%%", "1:AAAA", "2:AAAA:0.1"],
    ids=["other", "version", "no chain", "base64", "zlib", "zlib, chained"],
)
def test_metadata_of_something_else_is_not_taken_for_progress(metadata: str) -> None:
    with pytest.raises(UnreadableProgress):
        decode(0, metadata)


def test_an_unfinished_offset_holds_the_base_back() -> None:
    progress = Progress()
    progress.load(10, set())
    assert all(progress.admit(offset) for offset in range(10, 14))
    assert progress.after([11, 12, 13]) == (10, {11, 12, 13})


def test_the_base_passes_everything_finished() -> None:
    progress = Progress()
    progress.load(10, {11})
    assert progress.admit(10)
    assert not progress.admit(11)
    assert progress.after([10]) == (12, set())


def test_an_offset_under_way_is_not_admitted_twice() -> None:
    progress = Progress()
    assert progress.admit(0)
    assert not progress.admit(0)


def test_a_first_record_above_zero_starts_the_base_there() -> None:
    progress = Progress()
    progress.load(None, set())
    assert progress.admit(7)
    assert progress.after([7]) == (8, set())


def test_offsets_that_do_not_exist_do_not_hold_the_base_back() -> None:
    progress = Progress()
    progress.load(0, set())
    assert progress.admit(0)
    assert progress.admit(2)  # 1 was a transaction's marker
    assert progress.after([2]) == (0, {1, 2})
    base, done = progress.after([0, 2])
    assert (base, done) == (3, set())


def test_a_gap_right_at_the_base_moves_it() -> None:
    progress = Progress()
    progress.load(5, set())
    assert progress.admit(8)
    assert progress.after([]) == (8, set())


@given(st.data())
def test_no_order_of_finishing_loses_or_repeats_an_offset(data: st.DataObject) -> None:
    offsets = sorted(data.draw(st.sets(st.integers(0, 60), min_size=1, max_size=30)))
    progress = Progress()
    progress.load(0, set())
    work = [offset for offset in offsets if progress.admit(offset)]
    assert work == offsets
    finished: set[int] = set()
    for offset in data.draw(st.permutations(work)):
        base, done = progress.after([offset])
        progress.commit(base, done, [offset])
        finished.add(offset)
        open_offsets = set(offsets) - finished
        assert all(base <= unfinished for unfinished in open_offsets)
        assert not done & open_offsets
        # A new owner that reads what is committed does exactly what is left.
        heir = Progress()
        heir.load(base, decode(base, encode(base, done)))
        assert {left for left in offsets if left >= base and heir.admit(left)} == open_offsets
    assert progress.base == offsets[-1] + 1


def test_an_offset_beyond_the_window_does_not_fit() -> None:
    progress = Progress()
    progress.load(0, set())
    assert progress.fits(WINDOW - 1)
    assert not progress.fits(WINDOW)
