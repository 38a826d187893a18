"""Everyone who waits for a job gets its end, whatever becomes of the others who wait for it."""

import asyncio

import pytest

from pipeline.awaited import Awaited, JobKey
from schemas.result import Result, Status

KEY: JobKey = ("default", "job-1")
RESULT = Result(job_id="job-1", status=Status.COMPLETED)


async def wait(awaited: Awaited, key: JobKey = KEY, *, seconds: float | None = None) -> Result:
    with awaited.outcome(key) as future:
        async with asyncio.timeout(seconds):
            return await future


async def test_one_that_gives_up_does_not_cut_off_another() -> None:
    awaited = Awaited()
    patient = asyncio.create_task(wait(awaited))
    with pytest.raises(TimeoutError):
        await wait(awaited, seconds=0.01)
    awaited.settle(KEY, RESULT)
    assert await asyncio.wait_for(patient, 1) is RESULT


async def test_all_who_wait_for_a_job_get_its_end_and_no_one_else_does() -> None:
    awaited = Awaited()
    waits = [asyncio.create_task(wait(awaited)) for _ in range(3)]
    other = asyncio.create_task(wait(awaited, ("another", "job-1")))
    await asyncio.sleep(0)
    awaited.settle(KEY, RESULT)
    assert await asyncio.gather(*waits) == [RESULT] * 3
    assert not other.done()
    awaited.cancel()
    with pytest.raises(asyncio.CancelledError):
        await other


async def test_a_fault_of_the_listener_reaches_all() -> None:
    awaited = Awaited()
    waits = [asyncio.create_task(wait(awaited)), asyncio.create_task(wait(awaited, ("default", "job-2")))]
    await asyncio.sleep(0)
    awaited.fail(ConnectionError())
    outcomes = await asyncio.gather(*waits, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ConnectionError] * 2


async def test_nothing_is_kept_of_a_job_that_nobody_waits_for() -> None:
    awaited = Awaited()
    awaited.settle(KEY, RESULT)
    with pytest.raises(TimeoutError):
        await wait(awaited, seconds=0.01)
    assert not awaited._waiting
