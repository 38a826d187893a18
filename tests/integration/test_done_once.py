"""A job id that is submitted twice: one call, both askers answered."""

import asyncio
import json
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from agents.worker import ROLES, Worker
from infra.openai_stub import OpenAIStub
from pipeline.adapters.kafka import create_topics
from pipeline.adapters.keyring import init_keys
from pipeline.adapters.reader import TopicReader
from pipeline.client import Client, ResultTimeout
from pipeline.keys import Role
from pipeline.ports import TopicNames
from pipeline.settings import ClientSettings, Settings
from schemas.audit import AuditEvent, AuditRecord, Decision
from schemas.codes import ErrorCode
from schemas.deadletter import DeadLetter
from schemas.job import Job
from schemas.redacted import JobDigest, RedactedRequest
from schemas.result import Result, Status
from tests.integration.deployment import Deployment, eventually

TIMEOUT = 30.0
TEXT = "Write to jane.roe@example.org or call +49 30 901820."


def chat(text: str) -> dict[str, Any]:
    return {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}]}


def content(result: Result) -> str:
    text: str = json.loads(bytes(result.response))["choices"][0]["message"]["content"]
    return text


@pytest.fixture
def other_settings(settings: Settings, tmp_path: Path) -> Settings:
    """A second requester's: the same deployment, a results key of its own."""
    own = tmp_path / "other"
    init_keys(own, now=time.time())
    for path in (own / "client").glob("jobs.*"):
        path.unlink()
    for path in (settings.keys.dir / "client").glob("jobs.*"):
        shutil.copy(path, own / "client")
    return msgspec.structs.replace(settings, keys=msgspec.structs.replace(settings.keys, dir=own))


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[None]:
    """All three roles with these settings."""
    worker = Worker(settings, list(ROLES))
    await worker.start()
    try:
        yield
    finally:
        await worker.stop()


async def read(settings: Settings, topic: Any) -> list[bytes]:
    name = TopicNames(settings.kafka.topic_prefix)[topic]
    async with TopicReader(settings, [name], start="beginning") as reader:
        return [record.value async for record in reader.records()]


async def completer_decisions(settings: Settings) -> list[tuple[Decision, int | None]]:
    audit: list[AuditRecord] = [msgspec.json.decode(value, type=AuditRecord) for value in await read(settings, "audit")]
    events = [record for record in audit if isinstance(record, AuditEvent)]
    return [(event.decision, event.attempts) for event in events if event.stage == "completer"]


COPIES: dict[str, tuple[dict[str, Any], bool]] = {
    "as it was": ({}, False),
    "of another conversation": ({"conversation": "c1"}, False),
    "with other labels and a deadline": ({"labels": {"try": "2"}, "deadline": 4e9}, False),
    "unsealed": ({}, True),
}


@pytest.mark.parametrize(("fields", "plain"), COPIES.values(), ids=COPIES.keys())
async def test_a_job_id_that_comes_again_is_answered_without_a_call_to_its_own_reply_key(
    client: Client,
    settings: Settings,
    other_settings: Settings,
    stub: OpenAIStub,
    fields: dict[str, Any],
    plain: bool,
) -> None:
    first = client.job(chat(TEXT), job_id="job-1")
    result = await client.complete(first, timeout=TIMEOUT)
    async with Client(other_settings) as other:
        again = await other.complete(msgspec.structs.replace(first, **fields), plain=plain, timeout=TIMEOUT)
    assert content(result) == content(again) == TEXT
    assert again.labels == fields.get("labels", {})
    assert len(stub.requests) == 1
    assert await completer_decisions(settings) == [(Decision.COMPLETED, 1), (Decision.REPEATED, 0)]


async def test_copies_meet_in_one_partition_and_equal_requests_of_two_jobs_do_not_show_as_equal(
    client: Client, settings: Settings
) -> None:
    copies = [client.job(chat(TEXT), job_id="job-1", **fields) for fields, _ in COPIES.values()]
    for job in (*copies, client.job(chat(TEXT), job_id="job-2"), client.job(chat(TEXT), job_id="job-1", tenant="acme")):
        await client.complete(job, timeout=TIMEOUT)
    keys: dict[tuple[str, str], set[tuple[bytes, JobDigest]]] = {}
    name = TopicNames(settings.kafka.topic_prefix)["redacted"]
    async with TopicReader(settings, [name], start="beginning") as reader:
        async for record in reader.records():
            request = msgspec.json.decode(record.value, type=RedactedRequest)
            keys.setdefault((request.tenant, request.job_id), set()).add((record.key, request.job_digest))
    assert [len(found) for found in keys.values()] == [1, 1, 1]
    assert len({key for found in keys.values() for key, _ in found}) == 3
    assert len({digest.value for found in keys.values() for _, digest in found}) == 3


async def test_copies_that_come_while_the_first_is_under_way_share_its_answer(
    client: Client, other_settings: Settings, stub: OpenAIStub
) -> None:
    stub.config = stub.config.updated({"latency_s": 1.0})
    job = client.job(chat(TEXT), job_id="job-1")
    async with Client(other_settings) as other:
        await other._listen()
        mine = asyncio.create_task(client.complete(job, timeout=TIMEOUT))
        await eventually(lambda: stub.requests, timeout=TIMEOUT, what="the call")
        theirs = await other.complete(msgspec.structs.replace(job, conversation="c1"), plain=True, timeout=TIMEOUT)
        assert content(await mine) == content(theirs) == TEXT
    assert len(stub.requests) == 1


async def test_a_job_id_with_another_request_is_a_conflict(
    client: Client, other_settings: Settings, settings: Settings, stub: OpenAIStub
) -> None:
    await client.complete(client.job(chat(TEXT), job_id="job-1"), timeout=TIMEOUT)
    async with Client(other_settings) as other:
        refused = await other.complete(other.job(chat("Another text."), job_id="job-1"), timeout=TIMEOUT)
        same_id_of_another_tenant = await other.complete(
            other.job(chat("Another text."), job_id="job-1", tenant="acme"), timeout=TIMEOUT
        )
    assert refused.status is Status.FAILED
    assert refused.error is not None
    assert refused.error.code is ErrorCode.JOB_ID_CONFLICT
    assert same_id_of_another_tenant.status is Status.COMPLETED
    (letter,) = [msgspec.json.decode(value, type=DeadLetter) for value in await read(settings, "dead_letters")]
    assert (letter.code, letter.attempts) == (ErrorCode.JOB_ID_CONFLICT, 0)
    assert len(stub.requests) == 2
    again = await client.complete(client.job(chat(TEXT), job_id="job-1"), timeout=TIMEOUT)
    assert content(again) == TEXT
    assert len(stub.requests) == 2


async def test_a_failed_job_is_done_again_when_it_is_submitted_again(client: Client, stub: OpenAIStub) -> None:
    stub.config.failures.bad_request.next = 1
    job = client.job(chat(TEXT), job_id="job-1")
    assert (await client.complete(job, timeout=TIMEOUT)).status is Status.FAILED
    assert content(await client.complete(job, timeout=TIMEOUT)) == TEXT
    assert len(stub.requests) == 2


async def test_a_job_that_was_finished_longer_ago_than_the_window_is_done_again(
    settings: Settings, stub: OpenAIStub
) -> None:
    short = msgspec.structs.replace(settings, delivery=msgspec.structs.replace(settings.delivery, job_window=2.0))
    async with running(short), Client(short) as client:
        job = client.job(chat(TEXT), job_id="job-1")
        started = time.monotonic()
        async with asyncio.timeout(TIMEOUT):
            while len(stub.requests) < 2:
                assert content(await client.complete(job, timeout=TIMEOUT)) == TEXT
    assert time.monotonic() - started > 2.0


async def test_an_answer_that_is_gone_from_the_topic_is_asked_for_again(
    client: Client, settings: Settings, stub: OpenAIStub
) -> None:
    job = client.job(chat(TEXT), job_id="job-1")
    await client.complete(job, timeout=TIMEOUT)
    name = TopicNames(settings.kafka.topic_prefix)["finished"]
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka.bootstrap_servers)
    await admin.start()
    await admin.delete_records({TopicPartition(name, number): RecordsToDelete(-1) for number in range(2)})
    await admin.close()
    assert content(await client.complete(job, timeout=TIMEOUT)) == TEXT
    assert len(stub.requests) == 2


@pytest.mark.parametrize(("reuse", "calls"), [(False, 2), (True, 1)], ids=["off", "on"])
async def test_an_identical_request_of_another_job_is_answered_from_the_first_only_where_that_is_set(
    settings: Settings, stub: OpenAIStub, reuse: bool, calls: int
) -> None:
    kafka = msgspec.structs.replace(settings.kafka, partitions=1)
    openai = msgspec.structs.replace(settings.openai, reuse_identical=reuse)
    one_partition = msgspec.structs.replace(settings, kafka=kafka, openai=openai)
    async with running(one_partition), Client(one_partition) as client:
        for number in range(2):
            result = await client.complete(
                client.job(chat("Nothing to hide."), job_id=f"job-{number}"), timeout=TIMEOUT
            )
            assert content(result) == "Nothing to hide."
        assert len(stub.requests) == calls
        other = await client.complete(client.job(chat("Nothing to hide."), tenant="acme"), timeout=TIMEOUT)
        assert other.status is Status.COMPLETED
        assert len(stub.requests) == calls + 1
    second = (await completer_decisions(one_partition))[1]
    assert second == ((Decision.REUSED, 0) if reuse else (Decision.COMPLETED, 1))


async def test_a_completer_that_is_killed_with_its_disk_gone_is_not_needed_to_remember(
    settings: Settings, other_settings: Settings, stub: OpenAIStub, tmp_path: Path
) -> None:
    async with Deployment(settings, tmp_path / "workers", openai_base_url=stub.base_url) as deployment:
        await deployment.start()
        async with Client(settings) as client, Client(other_settings) as other:
            jobs = [client.job(chat(f"{TEXT} {number}"), job_id=f"job-{number}") for number in range(20)]
            first = {result.job_id: content(result) async for result in client.complete_all(jobs)}
            completer = deployment.workers[Role.COMPLETER]
            completer.kill()
            shutil.rmtree(completer.folder)
            await deployment.start(Role.COMPLETER)
            again = {result.job_id: content(result) async for result in other.complete_all(jobs)}
        assert again == first
        assert len(stub.requests) == 20
        loaded = list(completer.events("finished.loaded"))
        assert sum(event["count"] for event in loaded) == 20


async def test_a_job_that_was_lost_on_the_way_is_submitted_again_by_the_client(
    settings: Settings, stub: OpenAIStub
) -> None:
    eager = msgspec.structs.replace(settings, client=ClientSettings(resubmit_after=1.0))
    await create_topics(settings)
    jobs = TopicNames(settings.kafka.topic_prefix)["jobs"]
    async with Client(eager) as client:
        waiting = asyncio.create_task(client.complete(client.job(chat(TEXT)), timeout=TIMEOUT))
        async with asyncio.timeout(TIMEOUT):
            while not await read(settings, "jobs"):
                await asyncio.sleep(0.05)
        admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka.bootstrap_servers)
        await admin.start()
        await admin.delete_records({TopicPartition(jobs, number): RecordsToDelete(-1) for number in range(2)})
        await admin.close()
        async with running(eager):
            assert content(await waiting) == TEXT
    assert len(stub.requests) == 1


async def test_a_client_that_submits_again_too_early_gets_each_outcome_once_and_pays_once(
    settings: Settings, stub: OpenAIStub, worker: Worker
) -> None:
    stub.config = stub.config.updated({"latency_s": 2.0})
    eager = msgspec.structs.replace(settings, client=ClientSettings(resubmit_after=0.5))
    async with Client(eager) as client:
        jobs: list[Job] = [client.job(chat(f"{TEXT} {number}")) for number in range(5)]
        ended = [result.job_id async for result in client.complete_all(jobs, timeout=TIMEOUT)]
    assert sorted(ended) == sorted(job.job_id for job in jobs)
    assert len(await read(settings, "jobs")) > 5
    assert len(stub.requests) == 5


async def test_one_asker_that_gives_up_does_not_cut_off_another_of_the_same_job(
    settings: Settings, stub: OpenAIStub
) -> None:
    await create_topics(settings)
    async with Client(settings) as client:
        job = client.job(chat(TEXT))
        patient = asyncio.create_task(client.complete(job, timeout=TIMEOUT))
        with pytest.raises(ResultTimeout):
            await client.complete(job, timeout=1.0)
        async with running(settings):
            assert content(await patient) == TEXT
    assert len(stub.requests) == 1


UNANSWERED: dict[str, tuple[float, float | None, int]] = {
    "again and again, each time after twice as long": (0.5, None, 3),
    "never, where that is set": (0.0, None, 1),
    "not after its deadline": (0.5, 0.1, 1),
}


@pytest.mark.parametrize(("after", "deadline", "copies"), UNANSWERED.values(), ids=UNANSWERED.keys())
async def test_a_job_without_an_outcome_is_submitted(
    settings: Settings, after: float, deadline: float | None, copies: int
) -> None:
    await create_topics(settings)
    eager = msgspec.structs.replace(settings, client=ClientSettings(resubmit_after=after))
    async with Client(eager) as client:
        job = client.job(chat(TEXT), deadline=None if deadline is None else time.time() + deadline)
        with pytest.raises(ResultTimeout):
            await client.complete(job, timeout=2.5)
    assert len(await read(settings, "jobs")) == copies
