"""Every row of the table of OpenAI's failures, by HTTP against the stub: what becomes of the call, and of the rest."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from infra.openai_stub import OpenAIStub, StubConfig
from pipeline.adapters.openai_failures import RULES, Policy, rule_for
from pipeline.adapters.openai_llm import OpenAILLM
from pipeline.ports import Answer, CallFailed
from pipeline.settings import OpenAISettings
from schemas.codes import ErrorCode
from schemas.job import Endpoint
from tests.integration.deployment import eventually

CHAT = b'{"model":"m","messages":[{"role":"user","content":"hello"}]}'
RESPONSE = b'{"model":"m","input":"hello"}'
SETTINGS = OpenAISettings(timeout=0.5, backoff=0.01, backoff_max=0.02, max_attempts=3, breaker_probe=0.1)


@pytest.fixture
async def stub() -> AsyncIterator[OpenAIStub]:
    server = OpenAIStub(StubConfig(mode="echo", retry_after_s=0.02))
    await server.start()
    yield server
    await server.stop()


@asynccontextmanager
async def calling(stub: OpenAIStub, settings: OpenAISettings = SETTINGS) -> AsyncIterator[OpenAILLM]:
    async with OpenAILLM(settings, api_key="test", base_url=stub.base_url) as llm:
        yield llm


def chat(marker: str) -> bytes:
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": marker}]}).encode()


DEAD_LETTERS = {
    "bad_request": (ErrorCode.OPENAI_REJECTED, 400),
    "context_length": (ErrorCode.OPENAI_CONTEXT_LENGTH, 400),
    "not_found": (ErrorCode.OPENAI_REJECTED, 404),
    "unprocessable": (ErrorCode.OPENAI_REJECTED, 422),
    "model_forbidden": (ErrorCode.OPENAI_REJECTED, 403),
}


@pytest.mark.parametrize("failure", DEAD_LETTERS)
async def test_a_request_that_can_never_succeed_fails_at_once(stub: OpenAIStub, failure: str) -> None:
    getattr(stub.config.failures, failure).next = 1
    async with calling(stub) as llm:
        with pytest.raises(CallFailed) as caught:
            await llm.complete(Endpoint.CHAT_COMPLETIONS, CHAT, deadline=None)
        assert not llm.breaker.is_open
    assert (caught.value.code, caught.value.status, caught.value.attempts) == (*DEAD_LETTERS[failure], 1)
    assert "hello" not in str(caught.value)


async def test_a_request_over_the_organisations_tokens_a_minute_fails_at_once(stub: OpenAIStub) -> None:
    stub.config = stub.config.updated({"enforce_limits": True, "tokens_per_minute": 10})
    async with calling(stub) as llm:
        with pytest.raises(CallFailed) as caught:
            await llm.complete(Endpoint.CHAT_COMPLETIONS, CHAT, deadline=None)
    assert (caught.value.code, caught.value.attempts) == (ErrorCode.OPENAI_CONTEXT_LENGTH, 1)


RETRIED = {
    "server_error": ErrorCode.OPENAI_UNAVAILABLE,
    "bad_gateway": ErrorCode.OPENAI_UNAVAILABLE,
    "unavailable": ErrorCode.OPENAI_UNAVAILABLE,
    "conflict": ErrorCode.OPENAI_UNAVAILABLE,
    "hang": ErrorCode.OPENAI_TIMEOUT,
    "down": ErrorCode.OPENAI_UNAVAILABLE,
    "cut": ErrorCode.OPENAI_UNAVAILABLE,
    "malformed_json": ErrorCode.OPENAI_MALFORMED_ANSWER,
    "empty_choices": ErrorCode.OPENAI_MALFORMED_ANSWER,
    "rate_limit": ErrorCode.OPENAI_RATE_LIMITED,
    "slow_down": ErrorCode.OPENAI_RATE_LIMITED,
}


@pytest.mark.parametrize("failure", RETRIED)
async def test_a_passing_failure_is_tried_again(stub: OpenAIStub, failure: str) -> None:
    getattr(stub.config.failures, failure).next = 2
    async with calling(stub) as llm:
        answer = await llm.complete(Endpoint.CHAT_COMPLETIONS, CHAT, deadline=None)
        assert answer.attempts == 3
        assert llm.outcomes == {RETRIED[failure]: 2, "completed": 1}


@pytest.mark.parametrize("failure", RETRIED)
async def test_a_request_that_fails_while_others_succeed_runs_out_of_attempts(stub: OpenAIStub, failure: str) -> None:
    getattr(stub.config.failures, failure).marker = "poison"
    async with calling(stub) as llm:
        failing = asyncio.create_task(llm.complete(Endpoint.CHAT_COMPLETIONS, chat("poison"), deadline=None))
        while not failing.done():
            await llm.complete(Endpoint.CHAT_COMPLETIONS, CHAT, deadline=None)
            await asyncio.sleep(0.005)
        with pytest.raises(CallFailed) as caught:
            await failing
    assert caught.value.code is RETRIED[failure]
    waits = RETRIED[failure] is ErrorCode.OPENAI_RATE_LIMITED
    assert caught.value.attempts in ({12} if waits else {3, 4})  # one more, where nobody was answered meanwhile


async def test_a_failed_response_is_tried_again(stub: OpenAIStub) -> None:
    stub.config.failures.failed.next = 1
    async with calling(stub) as llm:
        answer = await llm.complete(Endpoint.RESPONSES, RESPONSE, deadline=None)
    assert answer.attempts == 2


@pytest.mark.parametrize("endpoint", [Endpoint.CHAT_COMPLETIONS, Endpoint.RESPONSES])
@pytest.mark.parametrize("reason", ["length", "content_filter"])
async def test_an_answer_cut_short_is_paid_and_passed_on_and_counted(
    stub: OpenAIStub, endpoint: Endpoint, reason: str
) -> None:
    getattr(stub.config.failures, reason).next = 1
    body = CHAT if endpoint is Endpoint.CHAT_COMPLETIONS else RESPONSE
    async with calling(stub) as llm:
        answer = await llm.complete(endpoint, body, deadline=None)
        assert llm.outcomes == {reason: 1}
    assert answer.attempts == 1
    assert reason.encode() in answer.body or b"max_output_tokens" in answer.body


STOPPING = {
    "invalid_key": ErrorCode.OPENAI_UNAUTHORIZED,
    "forbidden": ErrorCode.OPENAI_UNAUTHORIZED,
    "quota": ErrorCode.OPENAI_QUOTA_EXHAUSTED,
}


@pytest.mark.parametrize("failure", STOPPING)
async def test_a_void_key_or_quota_stops_all_calls_and_fails_no_job(stub: OpenAIStub, failure: str) -> None:
    getattr(stub.config.failures, failure).probability = 1.0
    async with calling(stub) as llm:
        jobs = [asyncio.create_task(llm.complete(Endpoint.CHAT_COMPLETIONS, CHAT, deadline=None)) for _ in range(10)]
        await eventually(lambda: llm.outcomes[STOPPING[failure]] >= 13, timeout=5, what="three probes")
        # All at first, then one a tenth of a second.
        assert not [job for job in jobs if job.done()]
        getattr(stub.config.failures, failure).probability = 0.0
        answers = await asyncio.wait_for(asyncio.gather(*jobs), 5)
        assert not llm.breaker.is_open
    assert all(isinstance(answer, Answer) for answer in answers)


async def test_a_job_that_alone_is_forbidden_does_not_stop_the_others_for_ever(stub: OpenAIStub) -> None:
    stub.config.failures.forbidden.marker = "poison"
    async with calling(stub) as llm:
        failing = asyncio.create_task(llm.complete(Endpoint.CHAT_COMPLETIONS, chat("poison"), deadline=None))
        async with asyncio.timeout(10):
            while not failing.done():
                await llm.complete(Endpoint.CHAT_COMPLETIONS, CHAT, deadline=None)
        with pytest.raises(CallFailed) as caught:
            await failing
    assert caught.value.code is ErrorCode.OPENAI_UNAUTHORIZED


@pytest.mark.parametrize("failure", ["down", "server_error"])
async def test_an_outage_uses_up_no_attempts_and_is_probed_by_one_call_at_a_time(
    stub: OpenAIStub, failure: str
) -> None:
    stub.config = stub.config.updated({"failures": {failure: {"probability": 1.0}}, "latency_s": 0.01})
    async with calling(stub) as llm:
        jobs = [asyncio.create_task(llm.complete(Endpoint.CHAT_COMPLETIONS, CHAT, deadline=None)) for _ in range(40)]
        await eventually(lambda: llm.breaker.is_open, timeout=5, what="the breaker opening")
        await eventually(lambda: not llm.in_flight, timeout=5, what="the calls that were out")
        before = llm.outcomes.total()
        most = 0
        until = time.monotonic() + 1.0
        while time.monotonic() < until:
            most = max(most, llm.in_flight)
            await asyncio.sleep(0.002)
        assert most == 1
        assert 5 <= llm.outcomes.total() - before <= 20
        assert not [job for job in jobs if job.done()]
        stub.config = StubConfig(mode="echo")
        answers = await asyncio.wait_for(asyncio.gather(*jobs), 5)
    assert len(answers) == 40


async def test_the_service_being_unreachable_is_an_outage(stub: OpenAIStub) -> None:
    port = int(stub.base_url.rpartition(":")[2].removesuffix("/v1"))
    await stub.stop()
    async with calling(stub) as llm:
        jobs = [asyncio.create_task(llm.complete(Endpoint.CHAT_COMPLETIONS, CHAT, deadline=None)) for _ in range(3)]
        await eventually(lambda: llm.outcomes.total() >= 15, timeout=10, what="more failures than attempts")
        assert llm.breaker.is_open
        again = OpenAIStub(StubConfig(mode="echo"))
        await again.start(port=port)
        try:
            await asyncio.wait_for(asyncio.gather(*jobs), 5)
        finally:
            await again.stop()


async def test_a_deadline_ends_a_job_that_waits_for_the_breaker(stub: OpenAIStub) -> None:
    stub.config.failures.invalid_key.probability = 1.0
    settings = OpenAISettings(timeout=0.5, breaker_probe=60)
    async with calling(stub, settings) as llm:
        first = asyncio.create_task(llm.complete(Endpoint.CHAT_COMPLETIONS, CHAT, deadline=None))
        await eventually(lambda: llm.breaker.is_open, timeout=5, what="the breaker opening")
        with pytest.raises(CallFailed) as caught:
            await llm.complete(Endpoint.CHAT_COMPLETIONS, CHAT, deadline=time.time() + 0.2)
        first.cancel()
    assert (caught.value.code, caught.value.attempts) == (ErrorCode.DEADLINE_PASSED, 0)
    assert len(stub.requests) == 1


async def test_a_deadline_ends_a_job_that_waits_for_its_turn(stub: OpenAIStub) -> None:
    stub.config = stub.config.updated({"enforce_limits": True, "requests_per_minute": 2})
    async with calling(stub) as llm:
        ended = await asyncio.gather(
            *(llm.complete(Endpoint.CHAT_COMPLETIONS, CHAT, deadline=time.time() + 1.0) for _ in range(30)),
            return_exceptions=True,
        )
    failed = [one for one in ended if isinstance(one, CallFailed)]
    assert len(ended) - len(failed) == 2
    assert {one.code for one in failed} == {ErrorCode.DEADLINE_PASSED}
    assert [one for one in failed if one.attempts == 0]


async def test_calls_that_their_jobs_deadlines_end_hold_up_no_others(stub: OpenAIStub) -> None:
    stub.config.failures.hang.next = 30
    async with calling(stub, OpenAISettings(timeout=60)) as llm:
        hung = [llm.complete(Endpoint.CHAT_COMPLETIONS, CHAT, deadline=time.time() + 0.3) for _ in range(30)]
        ended = await asyncio.gather(*hung, return_exceptions=True)
        assert {one.code for one in ended if isinstance(one, CallFailed)} == {ErrorCode.DEADLINE_PASSED}
        stub.config.failures.hang.next = 0
        answer = await asyncio.wait_for(llm.complete(Endpoint.CHAT_COMPLETIONS, CHAT, deadline=None), 10)
    assert answer.attempts == 1


def test_the_last_rows_of_the_table_catch_whatever_comes() -> None:
    assert rule_for(418).policy is Policy.DEAD_LETTER
    assert rule_for(529, "overloaded_error").policy is Policy.RETRY
    assert rule_for(200, "something new").failure.code is ErrorCode.OPENAI_MALFORMED_ANSWER
    assert {rule.failure.code for rule in RULES} <= set(ErrorCode)


async def test_moderations_are_answered_though_they_do_not_say_what_they_are(stub: OpenAIStub) -> None:
    body = b'{"model":"omni-moderation-latest","input":["hello","kill"]}'
    stub.config.failures.empty_choices.next = 1
    async with calling(stub) as llm:
        answer = await llm.complete(Endpoint.MODERATIONS, body, deadline=None)
    assert [item["flagged"] for item in json.loads(answer.body)["results"]] == [False, True]
    assert answer.attempts == 2
    assert stub.requests[-1].path == "/v1/moderations"
