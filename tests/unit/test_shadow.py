"""Shadow mode: the live job is untouched, and what a second policy would do otherwise is counted."""

import asyncio
import io
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agents import redactor
from agents.metrics import Metrics
from pipeline.adapters.keyring import init_keys
from pipeline.logs import configure
from pipeline.ports import Inbound, Outbound, TopicNames
from pipeline.settings import KeysSettings, LogSettings, PolicySettings, Settings
from schemas.audit import AuditEvent, Decision
from schemas.codes import ErrorCode
from tests.unit.test_logs import process_state

NOW = 1_790_000_000.0
TOPICS = TopicNames("llm.")
TEXT = "Write to ann.lee@example.org about code ZX-1234, please."
LIST = '[[custom]]\nentity = "PROJECT"\nexact = ["ZX-1234"]\n'


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    init_keys(folder, now=NOW)
    return folder


def job(policy: str | None = None) -> bytes:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": TEXT}]}
    named = {} if policy is None else {"policy": policy}
    return msgspec.json.encode(
        {"schema": "job/1", "job_id": "j1", "endpoint": "chat.completions", "request": body, **named}
    )


def redact(keys: Path, folder: Path, live: str, shadow: str | None, value: bytes) -> Sequence[Outbound]:
    files: dict[str, Any] = {}
    for name, content in (("file", live), ("shadow_file", shadow)):
        if content is not None:
            files[name] = folder / f"{name}.toml"
            files[name].write_text(content)
    settings = Settings(keys=KeysSettings(dir=keys), policy=PolicySettings(accept_plain=True, **files))

    async def process() -> Sequence[Outbound]:
        async with AsyncExitStack() as stack:
            opened = redactor.open_stage(settings, TOPICS, lambda: NOW, Metrics())
            stage = await stack.enter_async_context(opened)
            inbound = Inbound(topic=TOPICS["plain"], partition=0, offset=7, key=None, value=value, timestamp=NOW)
            return await stage.process(inbound)

    return asyncio.run(process())


def events(records: Sequence[Outbound]) -> list[AuditEvent]:
    found = [record.value for record in records if record.topic == TOPICS["audit"]]
    return [msgspec.json.decode(value, type=AuditEvent) for value in found]


def compared(records: Sequence[Outbound]) -> AuditEvent | None:
    return next((event for event in events(records) if event.decision is Decision.COMPARED), None)


def test_what_the_shadow_finds_more_is_counted_and_not_done(keys: Path, tmp_path: Path) -> None:
    records = redact(keys, tmp_path, "", LIST, job())
    event = compared(records)
    assert event is not None
    assert (event.entities, event.actions, event.code) == ({"PROJECT": 1}, {"redact": 1}, None)
    sent = next(record.value for record in records if record.topic == TOPICS["redacted"])
    alone = redact(keys, tmp_path, "", None, job())
    assert body(sent) == body(next(record.value for record in alone if record.topic == TOPICS["redacted"]))
    assert b"ZX-1234" in body(sent)


def test_what_the_shadow_leaves_alone_counts_below_nothing(keys: Path, tmp_path: Path) -> None:
    event = compared(redact(keys, tmp_path, LIST, "", job()))
    assert event is not None
    assert (event.entities, event.actions) == ({"PROJECT": -1}, {"redact": -1})
    assert event.policy_version != events(redact(keys, tmp_path, LIST, "", job()))[0].policy_version


def test_nothing_is_told_where_nothing_differs(keys: Path, tmp_path: Path) -> None:
    assert [event.decision for event in events(redact(keys, tmp_path, LIST, LIST, job()))] == [Decision.REDACTED]


def test_a_job_that_only_the_shadow_would_refuse_is_sent(keys: Path, tmp_path: Path) -> None:
    records = redact(keys, tmp_path, "", '[entities]\nEMAIL = "block"\n', job())
    event = compared(records)
    assert event is not None
    assert (event.code, event.actions, event.entities) == (ErrorCode.BLOCKED_BY_POLICY, {"refused": 1}, {})
    assert any(record.topic == TOPICS["redacted"] for record in records)


def test_a_job_that_the_shadow_would_let_pass_stays_refused(keys: Path, tmp_path: Path) -> None:
    records = redact(keys, tmp_path, '[entities]\nEMAIL = "block"\n', "", job())
    event = compared(records)
    assert event is not None
    assert (event.code, event.actions) == (None, {"refused": -1})
    assert not any(record.topic == TOPICS["redacted"] for record in records)


def test_a_policy_that_the_shadow_does_not_have_is_a_difference(keys: Path, tmp_path: Path) -> None:
    event = compared(redact(keys, tmp_path, '[policies.strict]\nscope = "job"\n', "", job("strict")))
    assert event is not None
    assert event.code is ErrorCode.UNKNOWN_POLICY


def test_nothing_of_the_job_is_told(keys: Path, tmp_path: Path) -> None:
    told = io.StringIO()
    with process_state():
        configure(LogSettings(level="DEBUG", library_level="DEBUG"), told)
        event = compared(redact(keys, tmp_path, "", LIST, job()))
    shown = told.getvalue() + msgspec.json.encode(event).decode()
    assert "ZX-1234" not in shown
    assert "ann.lee" not in shown


def body(redacted: bytes) -> bytes:
    sent = msgspec.json.decode(redacted)["body"]
    return msgspec.json.decode(f'"{sent}"', type=bytes)
