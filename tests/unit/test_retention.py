"""The doctor asks OpenAI how long it keeps what it is sent, and compares; the admin key is shown to nobody else."""

from collections.abc import AsyncIterator

import pytest

from agents.doctor import Check, check_retention
from infra.openai_stub import OpenAIStub, StubConfig
from pipeline.settings import OpenAISettings, Settings
from tests.integration.odd_server import OddServer

KEY = "admin-7f3a"


@pytest.fixture
async def stub(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OpenAIStub]:
    server = OpenAIStub(StubConfig())
    monkeypatch.setenv("OPENAI_BASE_URL", await server.start())
    monkeypatch.setenv("OPENAI_ADMIN_KEY", KEY)
    yield server
    await server.stop()


async def checked(agreed: str = "default-30-days", **openai: object) -> Check:
    check = await check_retention(Settings(openai=OpenAISettings(retention=agreed, **openai)))  # type: ignore[arg-type]
    assert "7f3a" not in repr(check)
    return check


@pytest.mark.parametrize(
    ("told", "agreed", "verdict", "says"),
    [
        ("none", "default-30-days", "warn", "30 days"),
        ("none", "modified", "fail", "more is kept"),
        ("none", "zdr", "fail", "more is kept"),
        ("modified_abuse_monitoring", "default-30-days", "warn", "less is kept"),
        ("modified_abuse_monitoring", "modified", "ok", "OpenAI says so"),
        ("modified_abuse_monitoring", "zdr", "fail", "more is kept"),
        ("zero_data_retention", "modified", "warn", "less is kept"),
        ("zero_data_retention", "zdr", "ok", "OpenAI says so"),
        ("enhanced_zero_data_retention", "zdr", "warn", "enhanced_zero_data_retention"),
    ],
)
async def test_the_setting_is_compared_with_what_openai_says(
    stub: OpenAIStub, told: str, agreed: str, verdict: str, says: str
) -> None:
    stub.config.retention = told
    check = await checked(agreed)
    assert check.verdict == verdict
    assert says in check.finding


async def test_without_an_admin_key_nobody_is_asked(stub: OpenAIStub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_ADMIN_KEY")
    assert (await checked("zdr")).verdict == "warn"
    assert stub.requests == []


async def test_a_key_that_is_no_admins_is_told(stub: OpenAIStub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "plain-7f3a")
    check = await checked("zdr")
    assert check.verdict == "warn"
    assert "could not be read: HTTP status 403" in check.finding


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"type":7}', b'{"type":"7f3a and more"}', b'{"type":"\xff"}', b"{" * 9000]
)
async def test_an_odd_answer_is_not_read(monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    monkeypatch.setenv("OPENAI_ADMIN_KEY", KEY)
    async with OddServer() as server:
        server.say(body)
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        check = await checked("zdr")
    assert check.verdict == "warn"
    assert "could not be read" in check.finding


async def test_nobody_answers(monkeypatch: pytest.MonkeyPatch, stub: OpenAIStub) -> None:
    await stub.stop()
    check = await checked("zdr")
    assert check.verdict == "warn"
    assert "could not be read" in check.finding


async def test_the_admin_key_goes_to_no_other_host(stub: OpenAIStub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "https://gateway.example/v1")
    check = await checked("zdr", allowed_hosts=("gateway.example",))
    assert check.verdict == "warn"
    assert "not shown the admin key" in check.finding
