"""Every call to OpenAI leaves a record of what was given and until when it may be kept; no call leaves none."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from infra.openai_stub import OpenAIStub, StubConfig
from pipeline.disclosure import DAY, Disclosed
from pipeline.policy import load_policies
from pipeline.ports import Answer
from pipeline.settings import MIB, OpenAISettings
from schemas.audit import AuditEvent, Decision, Disclosure, Origin, Retention
from schemas.codes import ErrorCode
from schemas.job import Endpoint
from tests.stages import Stages, open_llm
from tests.unit.redaction.detectors import chat

MAIL = "Write to ann.lee@mail-server.com and to bob.ray@mail-server.com, then to ann.lee@mail-server.com again."
SETTINGS = OpenAISettings(timeout=0.5, max_attempts=3, backoff=0.01, backoff_max=0.02, breaker_failures=100)


@pytest.fixture
async def stub() -> AsyncIterator[OpenAIStub]:
    server = OpenAIStub(StubConfig(mode="echo", retry_after_s=0.01))
    await server.start()
    yield server
    await server.stop()


class Rig:
    """Stages that call a stub, and what it has seen of them."""

    def __init__(self, keys_dir: Path, stub: OpenAIStub) -> None:
        self.keys_dir = keys_dir
        self.stub = stub

    async def disclosed(
        self, request: dict[str, Any] | None = None, *, policy: Path | None = None, **changes: Any
    ) -> Disclosure | None:
        """What the completer's one event about a job tells of its calls."""
        settings = msgspec.structs.replace(SETTINGS, **changes)
        policies = load_policies(policy)
        async with open_llm(self.stub.base_url, settings) as llm:
            stages = Stages(self.keys_dir, llm, base_url=self.stub.base_url, openai=settings, policies=policies)
            played = await stages.play(request or chat(MAIL))
        self.played = played
        (event,) = played.events("completer")
        return event.disclosed


@pytest.fixture
def rig(keys_dir: Path, stub: OpenAIStub) -> Rig:
    return Rig(keys_dir, stub)


async def test_a_call_leaves_what_was_given_to_whom_and_until_when(rig: Rig) -> None:
    before = time.time()
    given = await rig.disclosed()
    assert given is not None
    assert given.kept_until is not None
    assert before + 30 * DAY <= given.kept_until <= time.time() + 30 * DAY
    assert msgspec.structs.replace(given, kept_until=None) == Disclosure(
        host="127.0.0.1", model="gpt-4o", calls=1, retention=Retention.DEFAULT, placeholders={"EMAIL": 2}
    )


async def test_what_a_policy_allows_is_told_as_given_in_the_clear(rig: Rig, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('[entities]\nEMAIL = "allow"')
    given = await rig.disclosed(policy=policy)
    assert given is not None
    assert (given.placeholders, given.in_clear) == ({}, {"EMAIL": 3})


FAILED: dict[str, tuple[dict[str, Any], dict[str, Any], ErrorCode, int]] = {
    "refused": ({"bad_request": {"next": 9}}, {}, ErrorCode.OPENAI_REJECTED, 1),
    "timed out": ({"hang": {"next": 9}}, {"timeout": 0.1}, ErrorCode.OPENAI_TIMEOUT, 3),
    "answer too large": ({}, {"max_answer_bytes": 10}, ErrorCode.OPENAI_ANSWER_TOO_LARGE, 1),
    "malformed": ({"malformed_json": {"next": 9}}, {}, ErrorCode.OPENAI_MALFORMED_ANSWER, 3),
}


@pytest.mark.parametrize(("failures", "changes", "code", "calls"), FAILED.values(), ids=FAILED.keys())
async def test_calls_that_failed_leave_a_record(
    rig: Rig, failures: dict[str, Any], changes: dict[str, Any], code: ErrorCode, calls: int
) -> None:
    rig.stub.config = rig.stub.config.updated({"failures": failures})
    given = await rig.disclosed(**changes)
    assert [letter.code for letter in rig.played.letters()] == [code]
    assert given is not None
    assert given.calls == calls == len(rig.stub.requests)


async def test_calls_that_were_made_again_are_all_counted(rig: Rig) -> None:
    rig.stub.config = rig.stub.config.updated({"failures": {"server_error": {"next": 2}, "rate_limit": {"next": 1}}})
    given = await rig.disclosed(max_attempts=9)
    assert given is not None
    assert given.calls == len(rig.stub.requests) == 4


class Crashing:
    """A port that has a fault of its own after it has sent the request."""

    async def complete(self, endpoint: Endpoint, body: bytes, *, deadline: float | None) -> Answer:
        raise RuntimeError


class Huge:
    """A port whose answer is larger than a record may be."""

    async def complete(self, endpoint: Endpoint, body: bytes, *, deadline: float | None) -> Answer:
        return Answer(body=b" " * 25 * MIB, attempts=1)


@pytest.mark.parametrize(
    ("llm", "code"), [(Crashing(), ErrorCode.INTERNAL), (Huge(), ErrorCode.RECORD_TOO_LARGE)], ids=["crash", "size"]
)
async def test_a_fault_of_our_own_after_the_call_leaves_a_record(
    keys_dir: Path, llm: Crashing | Huge, code: ErrorCode
) -> None:
    stages = Stages(keys_dir, llm, base_url="https://api.openai.com/v1", openai=SETTINGS)
    (event,) = (await stages.play(chat(MAIL))).events("completer")
    assert event.code is code
    assert event.disclosed is not None
    assert (event.disclosed.calls, event.disclosed.host) == (1, "api.openai.com")


async def test_a_job_that_was_answered_before_leaves_none(rig: Rig) -> None:
    async with open_llm(rig.stub.base_url, SETTINGS) as llm:
        settings = msgspec.structs.replace(SETTINGS, reuse_identical=True)
        stages = Stages(rig.keys_dir, llm, base_url=rig.stub.base_url, openai=settings)
        events = [
            (await stages.play(chat(text), job_id=job_id)).events("completer")[0]
            for job_id, text in (("a", "hello"), ("a", "hello"), ("b", "hello"), ("a", "other"))
        ]
    assert [(event.decision, event.disclosed is not None) for event in events] == [
        (Decision.COMPLETED, True),
        (Decision.REPEATED, False),
        (Decision.REUSED, False),
        (Decision.REFUSED, False),
    ]
    assert len(rig.stub.requests) == 1


async def test_a_job_whose_deadline_has_passed_leaves_none(rig: Rig) -> None:
    async with open_llm(rig.stub.base_url, SETTINGS) as llm:
        # The breaker is open: the job waits for it, and never has its call.
        llm.breaker.stop(ErrorCode.OPENAI_UNAUTHORIZED)
        stages = Stages(rig.keys_dir, llm, base_url=rig.stub.base_url, openai=SETTINGS)
        played = await stages.play(chat(MAIL), deadline=time.time() + 2)
    (event,) = played.events("completer")
    assert (event.code, event.disclosed, rig.stub.requests) == (ErrorCode.DEADLINE_PASSED, None, [])


LONG_CACHE = {"prompt_cache_retention": "24h"}
KEPT: dict[str, tuple[str, dict[str, Any], float | None, Retention]] = {
    "default": ("default-30-days", {}, 30 * DAY, Retention.DEFAULT),
    "modified": ("modified", {}, DAY, Retention.MODIFIED),
    "zero": ("zdr", {}, 0.0, Retention.ZDR),
    "zero, long cache": ("zdr", LONG_CACHE, DAY, Retention.ZDR),
    "stored": ("default-30-days", {"store": True}, None, Retention.UNTIL_DELETED),
    "modified, stored": ("modified", {"store": True}, None, Retention.UNTIL_DELETED),
    "zero, stored": ("zdr", {"store": True}, 0.0, Retention.ZDR),
}


@pytest.mark.parametrize(("agreed", "asked", "kept", "retention"), KEPT.values(), ids=KEPT.keys())
async def test_how_long_it_is_kept_is_by_agreement_and_by_request(
    rig: Rig, tmp_path: Path, agreed: str, asked: dict[str, Any], kept: float | None, retention: Retention
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("[hygiene]\nallow_store = true\nallow_extended_cache = true")
    given = await rig.disclosed(chat(MAIL) | asked, policy=policy, retention=agreed)
    assert given is not None
    assert given.retention is retention
    if kept is None:
        assert given.kept_until is None
    else:
        assert given.kept_until == pytest.approx(time.time() + kept, abs=30)


def event(at: float, given: Disclosure | None) -> AuditEvent:
    origin = Origin(topic="t", partition=0, offset=0)
    return AuditEvent(
        at=at,
        stage="completer",
        decision=Decision.COMPLETED,
        origin=origin,
        endpoint=Endpoint.RESPONSES,
        disclosed=given,
    )


def given(model: str = "o3", *, kept_until: float | None = 100.0, calls: int = 1) -> Disclosure:
    return Disclosure(
        host="h",
        model=model,
        calls=calls,
        retention=Retention.DEFAULT,
        placeholders={"EMAIL": 2},
        kept_until=kept_until,
    )


def test_disclosures_add_up_by_day_and_model() -> None:
    disclosed = Disclosed()
    for item in (
        event(5.0, given(kept_until=100.0, calls=3)),
        event(DAY - 1, given(kept_until=300.0)),
        event(DAY, given(kept_until=200.0)),
        event(6.0, given("o4")),
        event(7.0, None),
    ):
        disclosed.add(item)
    groups = list(disclosed.groups())
    assert [(group.day, group.model, group.jobs, group.calls, group.kept_until) for group in groups] == [
        (0, "o3", 2, 4, 300.0),
        (0, "o4", 1, 1, 100.0),
        (1, "o3", 1, 1, 200.0),
    ]
    assert groups[0].placeholders == {"EMAIL": 4}
    assert [group.is_kept(200.0) for group in groups] == [True, False, False]


@pytest.mark.parametrize("order", [(None, 100.0), (100.0, None)], ids=["first", "last"])
def test_what_is_never_deleted_outlasts_what_is(order: tuple[float | None, ...]) -> None:
    disclosed = Disclosed()
    for kept_until in order:
        disclosed.add(event(5.0, given(kept_until=kept_until)))
    (group,) = disclosed.groups()
    assert group.kept_until is None
    assert group.is_kept(1e12)
