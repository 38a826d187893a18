"""Who waits for whom, what is remembered, and what is done again."""

import asyncio
from typing import Any

import msgspec
import pytest

from pipeline.ports import Answer, CallFailed, Inbound, TopicNames
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
    inbound = Inbound(topic="t.redacted", partition=0, offset=0, key=None, value=None, timestamp=0.0)
    async with rig.once.turn(REQUEST, Case(inbound, lambda: rig.now)) as turn:
        turn.made = Answer(body=b"answer", attempts=1)
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
    inbound = Inbound(topic="t.redacted", partition=0, offset=0, key=None, value=None, timestamp=0.0)
    async with rig.once.turn(REQUEST, Case(inbound, lambda: rig.now)) as turn:
        turn.made = Answer(body=b"answer", attempts=1)
    rig.store.write(rig.once.record(REQUEST, turn.made, turn, 0, rig.now), at=rig.now)
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
