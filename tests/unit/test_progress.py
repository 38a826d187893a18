"""The state the ledger commits: which offsets of a partition are finished."""

from collections import Counter

import pytest
from hypothesis import given, settings
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
    assert progress.admit(0)
    assert progress.fits(WINDOW - 1)
    assert not progress.fits(WINDOW)


def test_an_offset_below_the_base_is_no_bit() -> None:
    with pytest.raises(ValueError, match="below the base"):
        encode(10, {9, 12})


def test_gaps_that_another_owner_has_passed_are_forgotten() -> None:
    ours = Progress()
    for offset in (0, 1, 5):  # 2 to 4 are no records
        ours.admit(offset)
    ours.load(20, {22})
    assert ours.after([]) == (20, {22})


def test_a_gap_wider_than_the_window_holds_nothing_up_where_nothing_is_unfinished() -> None:
    progress = Progress()
    progress.load(11, set())
    assert progress.fits(11 + 10 * WINDOW)
    assert progress.admit(11 + 10 * WINDOW)
    assert not progress.fits(11 + 20 * WINDOW)


def test_a_gap_behind_what_another_owner_finished_holds_nothing_up() -> None:
    progress = Progress()
    progress.load(10, {12, 13})
    assert not progress.admit(12)  # 10 and 11 are gone from the broker, and 13 by the time that it is read
    assert progress.fits(14 + 2 * WINDOW)
    assert progress.admit(14 + 2 * WINDOW)
    assert progress.after([14 + 2 * WINDOW]) == (15 + 2 * WINDOW, set())


def test_a_gap_at_the_base_takes_the_bits_below_it_along_and_is_known_after_a_reopening() -> None:
    progress = Progress()
    progress.load(10, {12, 13})
    assert progress.admit(15)  # 10 to 14 are gone from the broker
    progress.load(10, {12, 13})
    assert progress.after([15]) == (16, set())


def test_nothing_is_committed_before_it_is_known_where_the_partition_begins() -> None:
    with pytest.raises(ValueError, match="no base"):
        Progress().after([1])


@settings(max_examples=500)
@given(st.data())
def test_owners_that_fence_each_other_finish_every_record_once(data: st.DataObject) -> None:
    """Two owners of a partition, each in the belief that it is its own, as after a pause of a whole process."""
    existing = sorted(data.draw(st.sets(st.integers(0, 40), min_size=8, max_size=16)))
    committed: tuple[int | None, set[int]] = (None, set())
    published: Counter[int] = Counter()
    owners = [Progress(), Progress()]
    unread = [list(existing), list(existing)]
    working: list[set[int]] = [set(), set()]
    pending: list[set[int]] = [set(), set()]
    holder: int | None = None

    def take_over(number: int) -> None:
        base, done = committed
        owners[number].load(base, set(done))
        pending[number] = {offset for offset in pending[number] if not owners[number].finished(offset)}

    def finish(number: int, offsets: set[int]) -> None:
        working[number] -= offsets
        pending[number] |= {offset for offset in offsets if not owners[number].finished(offset)}
        owners[number].admitted -= offsets - pending[number]

    def step(number: int, action: str) -> None:
        nonlocal committed, holder
        owner = owners[number]
        if holder != number:
            holder = number
            take_over(number)
        if action == "read":
            read, unread[number] = unread[number][:3], unread[number][3:]
            working[number].update(offset for offset in read if owner.admit(offset))
        elif action == "finish":
            some = data.draw(st.sets(st.sampled_from(sorted(working[number])))) if working[number] else set()
            finish(number, some)
        elif action == "finish all":
            finish(number, set(working[number]))
        elif action == "commit" and pending[number]:
            base, done = owner.after(pending[number])
            committed = (base, decode(base, encode(base, done)))
            published.update(pending[number])
            owner.commit(base, done, pending[number])
            pending[number] = set()

    for number, action in data.draw(
        st.lists(st.tuples(st.integers(0, 1), st.sampled_from(["read", "finish", "finish all", "commit"])), max_size=40)
    ):
        step(number, action)
    for action in ("read",) * len(existing) + ("finish all", "commit"):
        step(0, action)
    assert published == Counter(existing)
