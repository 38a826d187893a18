"""Who waits for whom, what is remembered, and what is done again."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import msgspec
import pytest

from pipeline.ports import Answer, CallFailed, FinishedEntry, Inbound, Outbound, TopicNames
from pipeline.stages.boundary import Case, DeadlinePassed
from pipeline.stages.once import JobIdConflict, Once
from schemas.audit import Decision
from schemas.envelope import Sealed
from schemas.job import Endpoint
from schemas.redacted import Attestation, JobDigest, RedactedRequest
from tests.fakes import MemoryFinished

ASKED = JobDigest(key_id="a" * 16, value="0" * 32)
OTHER_REQUEST = JobDigest(key_id="a" * 16, value="1" * 32)
OTHER_KEY = JobDigest(key_id="b" * 16, value="1" * 32)
SEALED = Sealed(key_id="c" * 16, ciphertext=b"")
REQUEST = RedactedRequest(
    job_id="job-1",
    tenant="default",
    endpoint=Endpoint.CHAT_COMPLETIONS,
    body=b"{}",
    job_digest=ASKED,
    policy_version="p",
    detector_version="d",
    attestation=Attestation(key_id="d" * 16, expires_at=1e6, signature=b""),
    vault=SEALED,
    replay=SEALED,
    received_at=0.0,
    redacted_at=0.0,
)


def like(**fields: Any) -> RedactedRequest:
    return msgspec.structs.replace(REQUEST, **fields)


class Rig:
    """One partition of one worker: jobs are done by a model whose answers are let go one by one."""

    def __init__(self, store: MemoryFinished | None = None, *, reuse_identical: bool = False) -> None:
        self.now = 1000.0
        self.store = store or MemoryFinished()
        self.once = Once(
            self.store, TopicNames("t."), window=60.0, reuse_identical=reuse_identical, clock=lambda: self.now
        )
        self.calls: list[asyncio.Future[Answer]] = []

    async def do(self, request: RedactedRequest = REQUEST) -> tuple[Decision, bytes]:
        """What the completer does with a request, its records committed at once."""
        inbound = Inbound(topic="t.redacted", partition=0, offset=0, key=None, value=None, timestamp=0.0)
        async with self.once.turn(request, Case(inbound, lambda: self.now)) as turn:
            answer = turn.answer or await self.call()
            records = self.once.record(request, answer, turn, 0, self.now)
            turn.made = answer
        self.once.committed(0, self.store.write(records, at=self.now))
        return turn.decision, answer.body

    async def make(self, request: RedactedRequest = REQUEST, body: bytes = b"answer") -> list[Outbound]:
        """A job's records, which are not committed."""
        inbound = Inbound(topic="t.redacted", partition=0, offset=0, key=None, value=None, timestamp=0.0)
        async with self.once.turn(request, Case(inbound, lambda: self.now)) as turn:
            turn.made = Answer(body=body, attempts=1)
        return self.once.record(request, turn.made, turn, 0, self.now)

    async def call(self) -> Answer:
        call: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.calls.append(call)
        return await call

    async def start(self, request: RedactedRequest = REQUEST) -> asyncio.Task[tuple[Decision, bytes]]:
        """Do a request until it waits for something."""
        task = asyncio.create_task(self.do(request))
        for _ in range(10):
            await asyncio.sleep(0)
        return task

    def answer(self, number: int, body: bytes = b"answer") -> None:
        self.calls[number].set_result(Answer(body=body, attempts=1))


@pytest.fixture
async def rig() -> Rig:
    opened = Rig()
    await opened.once.load(0)
    return opened


async def finish(rig: Rig, request: RedactedRequest = REQUEST) -> None:
    task = await rig.start(request)
    rig.answer(-1)
    assert await task == (Decision.COMPLETED, b"answer")


async def test_a_copy_waits_and_shares_the_answer(rig: Rig) -> None:
    first, copy = await rig.start(), await rig.start()
    rig.answer(0)
    assert await first == (Decision.COMPLETED, b"answer")
    assert await copy == (Decision.REPEATED, b"answer")
    assert len(rig.calls) == 1


async def test_a_copy_waits_and_shares_the_failure_which_is_not_remembered(rig: Rig) -> None:
    first, copy = await rig.start(), await rig.start()
    rig.calls[0].set_exception(CallFailed(attempts=3))
    for task in (first, copy):
        with pytest.raises(CallFailed):
            await task
    await finish(rig)
    assert len(rig.calls) == 2


async def test_the_firsts_own_deadline_does_not_end_its_copy(rig: Rig) -> None:
    first, copy = await rig.start(like(deadline=2000.0)), await rig.start()
    rig.calls[0].set_exception(DeadlinePassed())
    with pytest.raises(DeadlinePassed):
        await first
    await asyncio.sleep(0)
    rig.answer(1)
    assert await copy == (Decision.COMPLETED, b"answer")


async def test_a_copy_waits_no_longer_than_its_own_deadline(rig: Rig) -> None:
    first, copy = await rig.start(), await rig.start(like(deadline=rig.now))
    with pytest.raises(DeadlinePassed):
        await copy
    rig.answer(0)
    assert await first == (Decision.COMPLETED, b"answer")


@pytest.mark.parametrize("fault", ["cut off", "broken"])
async def test_one_of_the_copies_takes_over_when_the_first_ends_without_an_outcome(rig: Rig, fault: str) -> None:
    first, *copies = [await rig.start() for _ in range(3)]
    if fault == "broken":
        rig.calls[0].set_exception(RuntimeError())
    else:
        first.cancel()
    await asyncio.wait([first])
    await rig.start(like(job_id="another"))
    assert len(rig.calls) == 3
    rig.answer(1)
    assert sorted(await asyncio.gather(*copies)) == [(Decision.COMPLETED, b"answer"), (Decision.REPEATED, b"answer")]
    assert first.cancelled() or first.exception()


async def test_another_request_under_the_id_waits_and_is_refused_once_the_first_has_an_answer(rig: Rig) -> None:
    first, other = await rig.start(), await rig.start(like(job_digest=OTHER_REQUEST))
    assert not other.done()
    rig.answer(0)
    await first
    with pytest.raises(JobIdConflict):
        await other
    with pytest.raises(JobIdConflict):
        await rig.do(like(job_digest=OTHER_REQUEST))
    assert await rig.do() == (Decision.REPEATED, b"answer")


async def test_another_request_under_the_id_is_done_when_the_first_fails(rig: Rig) -> None:
    first, other = await rig.start(), await rig.start(like(job_digest=OTHER_REQUEST))
    rig.calls[0].set_exception(CallFailed(attempts=1))
    with pytest.raises(CallFailed):
        await first
    await asyncio.sleep(0)
    rig.answer(1)
    assert await other == (Decision.COMPLETED, b"answer")


@pytest.mark.parametrize(
    "change", [{"job_digest": OTHER_KEY}, {"body": b"[]"}], ids=["scope key rotated", "redacted otherwise"]
)
async def test_what_cannot_be_compared_or_is_redacted_otherwise_is_done_again_and_then_remembered(
    rig: Rig, change: dict[str, Any]
) -> None:
    await finish(rig)
    await finish(rig, like(**change))
    assert await rig.do(like(**change)) == (Decision.REPEATED, b"answer")
    assert len(rig.calls) == 2


async def test_an_answer_is_remembered_for_the_window_and_no_longer(rig: Rig) -> None:
    await finish(rig)
    rig.now += 59.0
    assert (await rig.do())[0] is Decision.REPEATED
    rig.now += 2.0
    await finish(rig)
    assert len(rig.calls) == 2


async def test_an_heir_remembers_what_was_committed(rig: Rig) -> None:
    await finish(rig)
    heir = Rig(rig.store)
    await heir.once.load(0)
    assert await heir.do() == (Decision.REPEATED, b"answer")


async def test_an_answer_is_shared_before_its_transaction_has_ended_but_not_remembered(rig: Rig) -> None:
    await rig.make()
    assert await rig.do() == (Decision.REPEATED, b"answer")
    rig.once.drop(0)
    await rig.once.load(0)
    await finish(rig)


async def test_an_answer_that_the_topic_has_lost_is_asked_for_again_and_not_kept_in_memory(rig: Rig) -> None:
    await finish(rig)
    rig.store.forget()
    await finish(rig)


async def test_an_answer_whose_commit_was_thought_to_have_failed_is_held_no_longer_than_until_the_next_load(
    rig: Rig,
) -> None:
    rig.store.write(await rig.make(), at=rig.now)
    await rig.once.load(0)
    assert await rig.do() == (Decision.REPEATED, b"answer")
    rig.store.forget()
    await finish(rig)


async def test_an_identical_request_of_another_job_is_reused_but_its_answer_does_not_get_younger() -> None:
    rig = Rig(reuse_identical=True)
    await rig.once.load(0)
    await finish(rig)
    rig.now += 50.0
    assert (await rig.do(like(job_id="job-2")))[0] is Decision.REUSED
    rig.now += 15.0
    await finish(rig, like(job_id="job-3"))
    assert (await rig.do(like(job_id="job-2")))[0] is Decision.REPEATED


OTHER_ENDS: dict[str, tuple[bytes | None, tuple[Decision, bytes]]] = {
    "answer, which is the one remembered": (b"theirs", (Decision.REPEATED, b"theirs")),
    "failure, after which it may be done again": (None, (Decision.COMPLETED, b"answer")),
}


@pytest.mark.parametrize(("theirs", "then"), OTHER_ENDS.values(), ids=OTHER_ENDS.keys())
@pytest.mark.parametrize("loaded", ["during its call", "after its call"])
async def test_a_job_that_another_owner_brought_to_an_end_too_leaves_nothing_here_but_that_owners(
    rig: Rig, theirs: bytes | None, then: tuple[Decision, bytes], loaded: str
) -> None:
    inbound = Inbound(topic="t.redacted", partition=0, offset=0, key=None, value=None, timestamp=0.0)
    async with rig.once.turn(REQUEST, Case(inbound, lambda: rig.now)) as turn:
        if theirs is not None:
            rig.store.write(await Rig(rig.store).make(body=theirs), at=rig.now)
        if loaded == "during its call":
            await rig.once.load(0)
        turn.made = Answer(body=b"ours", attempts=1)
    if loaded == "after its call":
        await rig.once.load(0)
    rig.once.discarded(0, rig.once.record(REQUEST, turn.made, turn, 0, rig.now))
    assert not rig.once._claims[0]
    task = await rig.start()
    if rig.calls:
        rig.answer(0)
    assert await task == then


async def test_a_copy_that_is_under_way_again_is_not_let_go_with_the_discarded_one(rig: Rig) -> None:
    records = await rig.make()
    rig.once.discarded(0, records)
    first = await rig.start()
    rig.once.discarded(0, records)
    copy = await rig.start()
    rig.answer(0)
    assert [await first, await copy] == [(Decision.COMPLETED, b"answer"), (Decision.REPEATED, b"answer")]


class Counting(MemoryFinished):
    """Counts the records that were read."""

    read = 0
    breaks_after: int | None = None

    async def entries(self, partition: int, since: float, first: int = 0) -> AsyncGenerator[FinishedEntry, None]:
        async with aclosing(super().entries(partition, since, first)) as entries:
            async for entry in entries:
                if self.read == self.breaks_after:
                    self.breaks_after = None
                    raise ConnectionError
                self.read += 1
                yield entry

    def truncate(self) -> None:
        """As a topic that was deleted and made anew: offsets begin at 0 again."""
        self.forget()
        self._next = 0


@pytest.fixture
async def counting() -> tuple[Rig, Counting]:
    """A worker with five finished jobs, which it has read once; what it reads from here on is counted."""
    store = Counting()
    rig = Rig(store)
    for number in range(5):
        store.write(await rig.make(like(job_id=f"job-{number}")), at=rig.now)
    rig.once.drop(0)
    await rig.once.load(0)
    assert store.read == 5
    store.read = 0
    return rig, store


async def remembered(rig: Rig, *numbers: int) -> list[int]:
    """Which of the jobs are answered without a call."""
    found = []
    for number in numbers:
        task = await rig.start(like(job_id=f"job-{number}"))
        if task.done():
            found.append(number)
        else:
            task.cancel()
            await asyncio.wait([task])
    return found


@pytest.mark.parametrize("way", ["fenced", "given back"])
async def test_a_partition_that_is_opened_again_is_read_on_from_the_last_record_known(
    counting: tuple[Rig, Counting], way: str
) -> None:
    rig, store = counting
    await finish(rig, like(job_id="job-5"))
    if way == "given back":
        rig.once.drop(0)
        rig.once.keep_only({0, 1})
    store.write(await Rig(store).make(like(job_id="job-6")), at=rig.now)
    await rig.once.load(0)
    # The last one known, to see that it is still there, and the other owner's.
    assert store.read == 2
    assert await remembered(rig, *range(8)) == list(range(7))


async def test_a_partition_that_was_another_workers_is_forgotten_and_read_anew(counting: tuple[Rig, Counting]) -> None:
    rig, store = counting
    await rig.once.load(1)
    rig.once.drop(0)
    rig.once.keep_only({1})
    assert rig.once._indexes.keys() == {1}
    await rig.once.load(0)
    assert store.read == 5
    assert await remembered(rig, *range(6)) == list(range(5))


@pytest.mark.parametrize("jobs", [0, 2, 8], ids=["empty", "shorter", "longer"])
async def test_nothing_is_remembered_of_a_topic_that_was_made_anew(counting: tuple[Rig, Counting], jobs: int) -> None:
    rig, store = counting
    store.truncate()
    heir = Rig(store)
    for number in range(20, 20 + jobs):
        store.write(await heir.make(like(job_id=f"job-{number}")), at=rig.now)
    await rig.once.load(0)
    assert len(rig.once._indexes[0]) == jobs
    assert await remembered(rig, 0, 4, 20, 27) == [number for number in (20, 27) if number < 20 + jobs]


async def test_what_retention_took_of_the_known_does_not_hide_what_came_after(counting: tuple[Rig, Counting]) -> None:
    rig, store = counting
    store.forget()
    store.write(await Rig(store).make(like(job_id="job-9")), at=rig.now)
    await rig.once.load(0)
    assert await remembered(rig, 0, 4, 9) == [9]


async def test_a_load_that_broke_off_is_gone_on_with_and_misses_nothing(counting: tuple[Rig, Counting]) -> None:
    rig, store = counting
    heir = Rig(store)
    for number in (5, 6, 7):
        store.write(await heir.make(like(job_id=f"job-{number}")), at=rig.now)
    store.breaks_after = 3
    with pytest.raises(ConnectionError):
        await rig.once.load(0)
    await rig.once.load(0)
    assert await remembered(rig, *range(9)) == list(range(8))
