"""Whatever is done to one record before a chain's last signature, verification finds it."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.audit import read_head
from pipeline.keys import Role
from tests.audit_trails import NOW, TOPICS, Owner, Record, checkpoints, events, verify


@st.composite
def trails(draw: st.DrawFn) -> list[Record]:
    """A signed chain of some transactions, whose last one is signed."""
    owner = Owner(Role.REDACTOR, every=draw(st.integers(1, 6)))
    records: list[Record] = []
    for size in draw(st.lists(st.integers(1, 4), min_size=1, max_size=6)):
        records += owner.publish(size, tenant=draw(st.sampled_from([None, "acme"])))
    return records + owner.publish(draw(st.integers(1, 3)), sign=True)


def is_whole(records: list[Record]) -> bool:
    return all(report.whole for report in verify(records, now=NOW))


@given(trails())
def test_what_nobody_touched_is_whole(records: list[Record]) -> None:
    assert is_whole(records)


@given(trails(), st.data())
def test_any_event_removed_is_found(records: list[Record], data: st.DataObject) -> None:
    position = data.draw(st.sampled_from(events(records)))
    assert not is_whole(records[:position] + records[position + 1 :])


@given(trails(), st.data())
def test_any_stretch_removed_before_the_last_checkpoint_is_found(records: list[Record], data: st.DataObject) -> None:
    start = data.draw(st.integers(0, checkpoints(records)[-1] - 1))
    end = data.draw(st.integers(start + 1, checkpoints(records)[-1]))
    gone = records[start:end]
    if events(gone):
        assert not is_whole(records[:start] + records[end:])


@given(trails(), st.data())
def test_any_two_records_swapped_are_found(records: list[Record], data: st.DataObject) -> None:
    one, other = sorted(data.draw(st.sets(st.sampled_from(range(len(records))), min_size=2, max_size=2)))
    swapped = [*records]
    swapped[one], swapped[other] = records[other], records[one]
    assert not is_whole(swapped)


@given(trails(), st.data())
def test_any_byte_changed_is_found(records: list[Record], data: st.DataObject) -> None:
    position = data.draw(st.sampled_from(range(len(records))))
    value = bytearray(records[position].value)
    value[data.draw(st.integers(0, len(value) - 1))] ^= data.draw(st.integers(1, 255))
    assert not is_whole([*records[:position], Record(bytes(value)), *records[position + 1 :]])


@given(trails(), st.data())
def test_any_record_repeated_anywhere_after_is_found(records: list[Record], data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(records) - 1))
    place = data.draw(st.integers(position + 1, len(records)))
    assert not is_whole([*records[:place], records[position], *records[place:]])


@given(st.lists(st.integers(1, 3), min_size=1, max_size=5), st.data())
def test_partitions_may_be_read_in_any_mixture(sizes: list[int], data: st.DataObject) -> None:
    completer, rehydrator = Owner(Role.COMPLETER), Owner(Role.REHYDRATOR)
    made: list[Record] = []
    vouching: list[Record] = []
    for size in sizes:
        made += completer.publish(size)
        vouching += rehydrator.publish(size, upstream=read_head(completer.handed_on[-1].headers, TOPICS), sign=True)
    picks = data.draw(st.permutations([0] * len(made) + [1] * len(vouching)))
    streams = (iter(made), iter(vouching))
    reports = verify([next(streams[pick]) for pick in picks], now=NOW)
    assert [(report.whole, report.unsigned) for report in reports] == [(True, 0), (True, 0)]
