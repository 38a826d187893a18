"""The chaos suite's checker fails a round for each promise that is broken in it, and for nothing else."""

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from infra.canaries import make_canaries
from infra.sweep.self_check import record_batch
from tests.chaos.search import BROKER, MODEL, WORKERS, search
from tests.chaos.verdict import Evidence, Row, judge, unplayed

JOBS = frozenset(f"job-{number}" for number in range(10))
ALL_ONCE = Counter(JOBS)


def evidence(**changed: Any) -> Evidence:
    """A round in which every job ended once, was called once, and nothing is left."""
    return msgspec.structs.replace(Evidence(jobs=JOBS, results=Counter(JOBS), calls=Counter(JOBS)), **changed)


def judged(seen: Evidence, *, allowed: int = 0) -> Row:
    return judge(seen, fault="none", number=1, allowed=allowed, seconds=1.0)


def test_a_round_in_which_every_job_ends_once_breaks_nothing() -> None:
    row = judged(evidence(exit_codes={"completer": 0}))
    assert row.broken == ()
    assert (row.jobs, row.results, row.lost, row.duplicates, row.repeated) == (10, 10, 0, 0, 0)


@pytest.mark.parametrize(
    ("changed", "broken"),
    [
        ({"results": ALL_ONCE - Counter(["job-3"])}, "1 lost"),
        ({"results": ALL_ONCE + Counter(["job-3"])}, "1 seen twice"),
        ({"letters": Counter(["job-3", "job-3"])}, "1 seen twice"),
        ({"results": ALL_ONCE + Counter(["job-x"])}, "1 that nobody submitted"),
        ({"wrong": frozenset(["job-3"])}, "1 ended wrongly"),
        ({"calls": ALL_ONCE + Counter(["job-3", "job-4"])}, "2 calls repeated, 1 allowed"),
        ({"calls": ALL_ONCE - Counter(["job-3"])}, "1 never called"),
        ({"lag": 2}, "2 records unfinished"),
        ({"canaries": 1}, "1 canaries found"),
        ({"unsearched": 1}, "1 places not searched"),
        ({"exit_codes": {"completer": 1}}, "exit codes {'completer': 1}"),
    ],
    ids=["lost", "twice", "letter-twice", "foreign", "wrong", "repeated", "uncalled", "lag", "canary", "blind", "hung"],
)
def test_a_broken_promise_is_named(changed: dict[str, Any], broken: str) -> None:
    assert judged(evidence(**changed), allowed=1).broken == (broken,)


def test_calls_repeated_up_to_the_bound_are_allowed() -> None:
    row = judged(evidence(calls=ALL_ONCE + Counter(["job-3", "job-4"])), allowed=2)
    assert (row.repeated, row.broken) == (2, ())


def test_a_dead_letter_without_a_result_is_a_jobs_end() -> None:
    row = judged(evidence(results=ALL_ONCE - Counter(["job-3"]), letters=Counter(["job-3"])))
    assert (row.results, row.dead_letters, row.lost, row.broken) == (9, 1, 0, ())


def test_a_failed_job_has_a_letter_beside_its_result_and_ended_once() -> None:
    row = judged(evidence(letters=Counter(["job-3"])))
    assert (row.results, row.dead_letters, row.broken) == (10, 0, ())


def test_poison_that_has_its_letter_is_settled_and_poison_without_one_is_lost() -> None:
    poison = frozenset(["jobs/0@5", "jobs/1@7"])
    settled = judged(evidence(poison=poison, poison_letters=Counter(poison)))
    assert (settled.jobs, settled.dead_letters, settled.broken) == (12, 2, ())
    assert judged(evidence(poison=poison, poison_letters=Counter(["jobs/0@5"]))).broken == ("1 lost",)


def test_a_round_that_ended_early_proves_nothing() -> None:
    assert unplayed("none", 1, jobs=10, reason="TimeoutError").broken == ("ended early: TimeoutError",)


@pytest.mark.parametrize("planted", ["core.17", "output.log", "tmp/left-over"])
def test_a_canary_in_whatever_a_worker_left_is_found(tmp_path: Path, planted: str) -> None:
    """A core dump lies in the working folder, a traceback in the output."""
    values = {kind: canary.value for kind, canary in make_canaries(1).items()}
    segment = tmp_path / BROKER / "chaos.jobs-0" / f"{0:020}.log"
    file = tmp_path / WORKERS / "completer" / planted
    recording = tmp_path / MODEL / "requests.jsonl"
    for path in (segment, file, recording):
        path.parent.mkdir(parents=True)
    segment.write_bytes(record_batch("none", 0, [{"key": b"k", "value": b"sealed", "headers": []}]))
    recording.write_text("{}\n")
    file.write_bytes(b"\0" * 100 + b"nothing yet")
    assert search(tmp_path, values).clean
    file.write_bytes(b"\0" * 100 + values["EMAIL"].encode())
    assert {hit.canary for hit in search(tmp_path, values).hits} == {"EMAIL"}
