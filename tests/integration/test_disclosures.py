"""`veil disclosures` on a real broker: it counts every call that the service has seen, and no other."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from infra.openai_stub import OpenAIStub
from pipeline.client import Client
from pipeline.settings import Settings
from schemas.job import Endpoint, Job
from tests.integration.test_cli_live import Shell
from tests.unit.redaction.detectors import chat, encode

FORMAT = "%Y-%m-%dT%H:%M:%S"


def job(number: int, *, tenant: str = "default") -> Job:
    text = f"Write to user{number}@mail-server.com."
    return Job(
        job_id=f"job-{number}",
        tenant=tenant,
        endpoint=Endpoint.CHAT_COMPLETIONS,
        request=msgspec.Raw(encode(chat(text))),
    )


async def test_every_call_is_told_and_no_repeated_job(
    settings: Settings, stub: OpenAIStub, client: Client, tmp_path: Path
) -> None:
    stub.config = stub.config.updated({"failures": {"server_error": {"next": 3}, "bad_request": {"every": 6}}})
    await asyncio.gather(*(client.complete(job(number)) for number in range(20)))
    await client.complete(job(20, tenant="other"))
    calls = len(stub.requests)
    await client.complete(job(20, tenant="other"))
    assert len(stub.requests) == calls
    shell = Shell(settings, tmp_path)
    code, rows, said = await shell.veil("disclosures")
    assert code == 0
    assert sum(row["calls"] for row in rows) == calls
    assert sum(row["jobs"] for row in rows) == 21
    assert {(row["host"], row["model"], row["endpoint"], row["kept"]) for row in rows} == {
        ("127.0.0.1", "gpt-4o", "chat.completions", True)
    }
    assert sum(row["placeholders"]["EMAIL"] for row in rows) == 21
    assert f"{calls} calls with 21 placeholders" in said
    assert "mail-server" not in str(rows) + said
    _, rows, _ = await shell.veil("disclosures", "--tenant", "other", "--json")
    assert sum(row["jobs"] for row in rows) == 1


@pytest.mark.parametrize(("option", "there"), [("--since", False), ("--until", True)])
async def test_only_what_was_given_in_that_time_is_told(
    settings: Settings, client: Client, tmp_path: Path, option: str, there: bool
) -> None:
    await client.complete(job(1))
    later = datetime.now(UTC) + timedelta(hours=1)
    _, rows, said = await Shell(settings, tmp_path).veil("disclosures", option, later.strftime(FORMAT))
    assert bool(rows) is there
    assert ("nothing was given" in said) is not there
