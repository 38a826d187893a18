"""Which of a job's dead letters is the one to replay."""

from agents.dead_letters import Found, newest_of_each_job
from schemas.audit import Origin
from schemas.codes import ErrorCode
from schemas.deadletter import DeadLetter

NOW = 1_790_000_000.0


def found(
    offset: int,
    job_id: str | None = "job-1",
    *,
    tenant: str = "acme",
    at: float = NOW,
    code: ErrorCode = ErrorCode.OPENAI_UNAVAILABLE,
    partition: int = 0,
    sha256: str | None = None,
) -> Found:
    """A letter at this offset."""
    origin = Origin(topic="llm.redacted", partition=0, offset=offset)
    letter = DeadLetter(code=code, stage="completer", origin=origin, at=at, job_id=job_id, tenant=tenant, sha256=sha256)
    return Found(at=Origin(topic="llm.dead-letters", partition=partition, offset=offset), letter=letter)


def test_the_newest_letter_of_a_job_stands_for_the_older_ones_in_whatever_partition() -> None:
    oldest, newest, between = found(7, at=NOW - 60), found(0, at=NOW, partition=1), found(8, at=NOW - 30)
    assert newest_of_each_job([newest, oldest, between]) == {newest.at: [oldest, between]}


def test_of_two_letters_of_one_time_the_later_record_is_the_newest() -> None:
    first, second = found(1), found(2)
    assert newest_of_each_job([second, first]) == {second.at: [first]}


def test_a_letter_that_lost_its_original_does_not_stand_for_one_that_has_it() -> None:
    whole, bare = found(1, at=NOW - 60), found(2, at=NOW, sha256="0" * 64)
    assert newest_of_each_job([whole, bare]) == {whole.at: [bare]}


def test_letters_of_different_jobs_and_tenants_stand_alone() -> None:
    letters = [found(1), found(2, "job-2"), found(3, tenant="other")]
    assert newest_of_each_job(letters) == {letter.at: [] for letter in letters}


def test_letters_that_name_no_job_stand_alone() -> None:
    letters = [found(1, None), found(2, None)]
    assert newest_of_each_job(letters) == {letter.at: [] for letter in letters}


def test_a_conflict_is_no_letter_of_the_job_that_has_the_id() -> None:
    taken, conflict = found(1), found(2, code=ErrorCode.JOB_ID_CONFLICT, at=NOW + 1)
    assert newest_of_each_job([taken, conflict]) == {taken.at: [], conflict.at: []}
