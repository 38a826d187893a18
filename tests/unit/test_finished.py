"""The index of finished jobs: the newest record of a key, for a window of time."""

from pipeline.finished import FinishedIndex, body_key, job_key


def test_the_newest_record_of_a_key_is_found() -> None:
    index = FinishedIndex(24.0)
    index.add(b"a", 1, at=100.0)
    index.add(b"b", 2, at=110.0)
    index.add(b"a", 3, at=115.0)
    assert (index.find(b"a"), index.find(b"b"), index.find(b"c")) == (3, 2, None)


def test_the_newest_record_is_the_one_that_lies_last_whatever_clock_its_time_is_of() -> None:
    index = FinishedIndex(24.0)
    index.add(b"a", 1, at=105.0)
    index.add(b"a", 2, at=100.0)
    assert index.find(b"a") == 2


def test_what_is_older_than_the_window_leaves_the_memory() -> None:
    index = FinishedIndex(24.0)
    for second in range(1000):
        index.add(b"%d" % second, second, at=float(second))
        assert len(index) <= 26
    assert index.find(b"974") is None
    assert [second for second in range(976, 1000) if index.find(b"%d" % second) != second] == []


def test_keys_of_jobs_and_requests_are_apart_by_every_field() -> None:
    keys = {
        job_key("t", "j"),
        job_key("tj", ""),
        job_key("t", "k"),
        body_key("t", "responses", b"{}"),
        body_key("u", "responses", b"{}"),
        body_key("t", "embeddings", b"{}"),
        body_key("t", "responses", b"[]"),
    }
    assert len(keys) == 7
    assert {len(key) for key in keys} == {16}
