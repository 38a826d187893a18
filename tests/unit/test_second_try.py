"""The second try: asked when too much is lost, once, of what the redactor signed, and counted."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from infra.openai_stub import OpenAIStub, StubConfig
from infra.openai_stub.config import Failures, Mangling, Trigger
from pipeline.second_try import lost_share, restyled
from schemas.audit import AuditEvent
from schemas.codes import ErrorCode
from schemas.completion import Completion
from schemas.deadletter import DeadLetter
from tests.opened_stages import Stages

TEXT = "Write to ann.lee@example.org and to bob.ray@example.org."
BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": TEXT}]}
DROPPING = StubConfig(mode="echo", mangling=Mangling(drop=Trigger(every=1)))

Open = Callable[..., AbstractAsyncContextManager[Stages]]


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    @asynccontextmanager
    async def opening(policy: str, config: StubConfig) -> AsyncIterator[Stages]:
        stub = OpenAIStub(config)
        monkeypatch.setenv("OPENAI_BASE_URL", await stub.start())
        monkeypatch.setenv("OPENAI_API_KEY", "test")
        try:
            async with Stages(tmp_path, policy=policy) as stages:
                stages.stub = stub
                yield stages
        finally:
            await stub.stop()

    return opening


async def test_a_job_that_loses_too_much_is_asked_once_more_and_restored(opened: Open) -> None:
    async with opened("second_try = 0.4", DROPPING) as stages:
        records = await stages.complete(await stages.redact(BODY))
        event = msgspec.json.decode(records["audit"], type=AuditEvent)
        result = await stages.restore(records["completions"])
        assert len(stages.stub.requests) == event.attempts == 2
    assert msgspec.json.decode(result.response)["choices"][0]["message"]["content"] == TEXT
    assert result.receipt.second_try
    assert (result.receipt.issued, result.receipt.lost) == (2, 0)


async def test_both_calls_tokens_are_counted(opened: Open) -> None:
    totals = []
    for policy in ("", "second_try = 0.4"):
        async with opened(policy, DROPPING) as stages:
            records = await stages.complete(await stages.redact(BODY))
        usage = msgspec.json.decode(records["completions"], type=Completion).usage
        assert usage is not None
        totals.append(usage.total_tokens)
    assert totals[1] > 2 * totals[0] * 0.9


async def test_a_job_that_loses_no_more_than_allowed_is_asked_once(opened: Open) -> None:
    async with opened("second_try = 0.5", DROPPING) as stages:
        records = await stages.complete(await stages.redact(BODY))
        result = await stages.restore(records["completions"])
        assert len(stages.stub.requests) == 1
    assert not result.receipt.second_try
    assert result.receipt.lost == 1


async def test_without_the_policys_word_there_is_no_second_request(opened: Open) -> None:
    async with opened("", DROPPING) as stages:
        request = await stages.redact(BODY)
        assert request.second_try is None
        await stages.complete(request)
        assert len(stages.stub.requests) == 1


async def test_a_second_try_that_fails_leaves_the_first_answer(opened: Open) -> None:
    async with opened("second_try = 0.4", DROPPING) as stages:
        request = await stages.redact(BODY)
        failing = Failures(bad_request=Trigger(marker="template variables"))
        stages.stub.config = msgspec.structs.replace(DROPPING, failures=failing)
        records = await stages.complete(request)
        result = await stages.restore(records["completions"])
        assert msgspec.json.decode(records["audit"], type=AuditEvent).attempts == 2
    assert (result.receipt.lost, result.receipt.second_try) == (1, False)


async def test_a_second_request_that_nobody_signed_is_not_sent(opened: Open) -> None:
    async with opened("second_try = 0.4", DROPPING) as stages:
        request = await stages.redact(BODY)
        assert request.second_try is not None
        forged = msgspec.structs.replace(request.second_try, body=request.second_try.body.replace(b"gpt-4o", b"gpt-5x"))
        records = await stages.complete(msgspec.structs.replace(request, second_try=forged))
        assert stages.stub.requests == []
    assert msgspec.json.decode(records["dead-letters"], type=DeadLetter).code is ErrorCode.ATTESTATION_INVALID


async def test_the_second_request_holds_no_value_either(opened: Open) -> None:
    async with opened("second_try = 0.4", DROPPING) as stages:
        request = await stages.redact(BODY)
    assert request.second_try is not None
    assert b"example.org" not in request.second_try.body
    assert b"[EMAIL_" not in request.second_try.body
    assert request.second_try.body.count(b"{{EMAIL_") == 2


def test_only_what_was_issued_changes_its_style() -> None:
    body = b"[PERSON_k3m9x2ab] [PERSON_00aa11bb] PERSON_k3m9x2ab"
    assert restyled(body, {"[PERSON_k3m9x2ab]"}) == b"{{PERSON_k3m9x2ab}} [PERSON_00aa11bb] PERSON_k3m9x2ab"


def test_what_is_lost_is_counted_by_code_in_any_case() -> None:
    second = b"{{PERSON_k3m9x2ab}} {{PERSON_k3m9x2ab}} {{EMAIL_00aa11bb}}"
    assert lost_share(second, b"[PERSON_K3M9X2AB]") == 0.5
    assert lost_share(second, b"none") == 1.0
    assert lost_share(b"no placeholders", b"none") == 0.0
