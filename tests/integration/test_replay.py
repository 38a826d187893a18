"""Dead letters on a real broker: replayed once, through crashes and two operators, and purged."""

import asyncio
import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from agents.dead_letters import Wanted
from agents.replay import ReplayTakenOver, replay
from agents.worker import ROLES, Worker
from infra.openai_stub import OpenAIStub
from pipeline.adapters.kafka import create_topics, open_admin, producer_options
from pipeline.adapters.keyring import init_keys, load_keyring
from pipeline.adapters.reader import TopicReader
from pipeline.adapters.shredding import retired_epochs, shred
from pipeline.client import Client
from pipeline.errors import VeilError
from pipeline.keys import KeyName, Role
from pipeline.ports import TopicNames
from pipeline.settings import KeysSettings, Settings
from pipeline.stages.boundary import seal_for_replay
from pipeline.submission import seal_job
from schemas.audit import Origin
from schemas.codes import ErrorCode
from schemas.deadletter import DeadLetter, Replayed
from schemas.envelope import Envelope, ReplayContent
from schemas.job import Endpoint, Job
from schemas.result import Status
from schemas.topics import TopicId
from tests.integration.deployment import ROOT, environment_of, run_veil

TIMEOUT = 30.0
EVERYTHING = Wanted()


def chat(text: str, **fields: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": text}], **fields}


def job(number: int, **fields: Any) -> Job:
    request = msgspec.Raw(msgspec.json.encode(chat(f"mail canary{number}@example.org")))
    return Job(job_id=f"job-{number}", endpoint=Endpoint.CHAT_COMPLETIONS, request=request, **fields)


async def read(settings: Settings, topic: TopicId) -> list[bytes]:
    name = TopicNames(settings.kafka.topic_prefix)[topic]
    async with TopicReader(settings, [name], start="beginning", whole=True) as reader:
        return [record.value async for record in reader.records()]


async def jobs_submitted(settings: Settings) -> Counter[str]:
    return Counter(msgspec.json.decode(value, type=Envelope).job_id for value in await read(settings, "jobs"))


async def write_letters(settings: Settings, numbers: Sequence[int], *, code: ErrorCode, at: float) -> None:
    """Letters of jobs that came plain, as the redactor writes them; all in partition 0."""
    keys = load_keyring(settings.keys.dir, Role.REDACTOR)
    topics = TopicNames(settings.kafka.topic_prefix)
    await create_topics(settings)
    producer = AIOKafkaProducer(**producer_options(settings))
    await producer.start()
    try:
        for number in numbers:
            content = ReplayContent(topic=topics["plain"], value=msgspec.json.encode(job(number)))
            letter = DeadLetter(
                code=code,
                stage="redactor",
                origin=Origin(topic=topics["plain"], partition=0, offset=number),
                at=at,
                job_id=f"job-{number}",
                tenant="default",
                original=seal_for_replay(content, keys, tenant="default", job_id=f"job-{number}"),
                length=len(content.value),
            )
            await producer.send(topics["dead_letters"], msgspec.json.encode(letter), partition=0)
    finally:
        await producer.stop()


async def outcomes(settings: Settings, wanted: Wanted = EVERYTHING, *, dry_run: bool = False) -> Counter[str]:
    found: Counter[str] = Counter()
    async for outcome in replay(settings, wanted, dry_run=dry_run):
        found[outcome.error.code if outcome.error else outcome.skipped or "again"] += 1
    return found


async def veil(settings: Settings, *arguments: str) -> tuple[int, list[dict[str, Any]], str]:
    """A command's exit code, the rows it gave, and what it said."""
    code, out, said = await run_veil(settings, *arguments)
    return code, [json.loads(line) for line in out.splitlines()], said


async def letters_there(settings: Settings, count: int) -> list[DeadLetter]:
    for _ in range(200):
        found = [value for value in await read(settings, "dead_letters") if b'"deadletter/1"' in value]
        if len(found) >= count:
            return [msgspec.json.decode(value, type=DeadLetter) for value in found]
        await asyncio.sleep(0.1)
    raise AssertionError("no dead letter came")


async def test_a_job_that_openai_refused_is_done_again_once_and_the_list_says_when(
    client: Client, settings: Settings, stub: OpenAIStub
) -> None:
    stub.config.failures.bad_request.next = 1
    first = await client.complete(client.job(chat("mail jane@example.org"), job_id="refused-1"), timeout=TIMEOUT)
    assert first.error is not None
    assert first.error.code is ErrorCode.OPENAI_REJECTED
    code, rows, said = await veil(settings, "dlq", "replay", "--code", "openai_rejected", "--dry-run")
    assert (code, [row["outcome"] for row in rows]) == (0, ["would be replayed"]), said
    assert await jobs_submitted(settings) == Counter({"refused-1": 1})
    code, rows, said = await veil(settings, "dlq", "replay", "--code", "openai_rejected")
    assert (code, [(row["job"], row["outcome"]) for row in rows]) == (0, [("refused-1", "replayed")]), said
    results = client.results(follow=True)
    again = [result async for result in results_until(results, Status.COMPLETED)]
    assert "jane@example.org" in bytes(again[-1].response).decode()
    code, rows, _ = await veil(settings, "dlq", "replay", "--all")
    assert (code, [row["outcome"] for row in rows]) == (0, ["skipped"])
    assert await jobs_submitted(settings) == Counter({"refused-1": 2})
    _, rows, _ = await veil(settings, "dlq", "list")
    assert [row["replayed_at"] is not None for row in rows] == [True]


async def results_until(results: AsyncIterator[Any], status: Status) -> AsyncIterator[Any]:
    """Up to the first result of that status: the failed one of the first try comes before it."""
    async for result in results:
        yield result
        if result.status is status:
            return


async def test_a_malformed_record_is_refused_with_its_reason_and_the_others_go_on(
    client: Client, settings: Settings
) -> None:
    topics = TopicNames(settings.kafka.topic_prefix)
    producer = AIOKafkaProducer(**producer_options(settings))
    await producer.start()
    await producer.send_and_wait(topics["plain"], b'{"canary": "raw', partition=0)
    await producer.stop()
    await client.complete(client.job(chat("x", web_search_options={})), timeout=TIMEOUT)
    await letters_there(settings, 2)
    code, rows, said = await veil(settings, "dlq", "replay", "--all")
    assert code == 1
    assert {row["code"]: row["outcome"] for row in rows} == {"malformed_json": "failed", "feature_refused": "replayed"}
    assert "not a job [not_a_job]" in next(row["why"] for row in rows if row["outcome"] == "failed")
    assert "1 failed, 1 replayed" in said
    assert "canary" not in json.dumps(rows) + said


async def test_filters_choose_and_nothing_is_replayed_without_one(settings: Settings) -> None:
    now = time.time()
    await write_letters(settings, [1, 2], code=ErrorCode.PLAIN_NOT_ACCEPTED, at=now - 7200)
    await write_letters(settings, [3], code=ErrorCode.DETECTION_FAILED, at=now)
    place = f"{settings.kafka.topic_prefix}jobs.plain/0/2"
    for wanted, count in (
        (Wanted(code="detection_failed"), 1),
        (Wanted(since=now - 60), 1),
        (Wanted(until=now - 60), 2),
        (Wanted(job_id="job-2"), 1),
        (Wanted(tenant="another"), 0),
        (Wanted(places=frozenset({place})), 1),
    ):
        assert (await outcomes(settings, wanted, dry_run=True)).total() == count
    code, _, said = await veil(settings, "dlq", "replay")
    assert code == 2
    assert "--all" in said
    assert await jobs_submitted(settings) == Counter()


async def test_of_two_letters_of_one_job_one_is_replayed_and_neither_a_second_time(settings: Settings) -> None:
    now = time.time()
    await write_letters(settings, [1, 2], code=ErrorCode.PLAIN_NOT_ACCEPTED, at=now - 60)
    await write_letters(settings, [1, 1], code=ErrorCode.OPENAI_UNAVAILABLE, at=now)
    code, _, said = await veil(settings, "dlq", "replay", "--all", "--dry-run")
    assert code == 0
    assert "2 skipped: another letter of the job is replayed, 2 would be replayed" in said
    assert await outcomes(settings) == Counter({"again": 2, "another letter of the job is replayed": 2})
    assert await jobs_submitted(settings) == Counter({"job-1": 1, "job-2": 1})
    assert await outcomes(settings) == Counter({"replayed already": 4})
    assert await jobs_submitted(settings) == Counter({"job-1": 1, "job-2": 1})
    _, rows, _ = await veil(settings, "dlq", "list")
    assert all(row["replayed_at"] is not None for row in rows)


async def test_a_job_that_completed_since_is_not_done_again(
    client: Client, settings: Settings, stub: OpenAIStub
) -> None:
    await write_letters(settings, [1], code=ErrorCode.OPENAI_UNAVAILABLE, at=time.time() - 60)
    await client.complete(job(1), timeout=TIMEOUT)
    assert await outcomes(settings) == Counter({"the job has completed since": 1})
    assert len(stub.requests) == 1


async def test_a_replay_that_is_killed_and_begun_again_submits_each_job_once(settings: Settings) -> None:
    await write_letters(settings, range(350), code=ErrorCode.PLAIN_NOT_ACCEPTED, at=time.time())
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "agents", "dlq", "replay", "--all"),
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)} | environment_of(settings),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    await asyncio.wait_for(process.stdout.readline(), 60)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    second = await outcomes(settings)
    assert second["replayed already"] >= 100
    assert second.total() == 350
    assert await jobs_submitted(settings) == Counter(f"job-{number}" for number in range(350))
    assert b"canary" not in b"".join(await read(settings, "jobs"))


async def test_a_second_operator_takes_over_and_no_job_is_done_twice(settings: Settings) -> None:
    await write_letters(settings, range(250), code=ErrorCode.PLAIN_NOT_ACCEPTED, at=time.time())
    first = replay(settings, EVERYTHING, dry_run=False)
    assert (await anext(first)).again is not None
    assert (await outcomes(settings))["again"] == 150
    with pytest.raises(ReplayTakenOver):
        async for _ in first:
            pass
    assert await jobs_submitted(settings) == Counter(f"job-{number}" for number in range(250))


async def test_a_note_that_cannot_be_written_takes_its_job_back(settings: Settings) -> None:
    await write_letters(settings, range(3), code=ErrorCode.PLAIN_NOT_ACCEPTED, at=time.time())
    topic = TopicNames(settings.kafka.topic_prefix)["dead_letters"]
    admin = await open_admin(settings)
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs={"max.message.bytes": "64"})])
    await admin.close()
    with pytest.raises(VeilError, match="replaying stopped"):
        await outcomes(settings)
    assert await jobs_submitted(settings) == Counter()


async def test_notes_behind_a_workers_open_transaction_are_waited_for(settings: Settings) -> None:
    """A reader of committed records ends at the first open transaction, whatever was committed behind it."""
    await write_letters(settings, range(150), code=ErrorCode.PLAIN_NOT_ACCEPTED, at=time.time())
    topic = TopicNames(settings.kafka.topic_prefix)["dead_letters"]
    worker = AIOKafkaProducer(**producer_options(settings), transactional_id=f"{topic}.worker")
    await worker.start()
    first = replay(settings, EVERYTHING, dry_run=False)
    await anext(first)
    await worker.begin_transaction()
    await worker.send_and_wait(topic, b"{}", partition=0)
    left = [outcome async for outcome in first]
    assert len(left) == 149
    second = asyncio.create_task(outcomes(settings))
    await asyncio.wait([second], timeout=2)
    await worker.abort_transaction()
    await worker.stop()
    assert await second == Counter({"replayed already": 150})


async def test_a_letter_whose_replay_key_is_destroyed_fails_alone(settings: Settings, tmp_path: Path) -> None:
    settings = with_keys(settings, tmp_path, age=1000)
    await write_letters(settings, [1], code=ErrorCode.OPENAI_UNAVAILABLE, at=time.time())
    init_keys(settings.keys.dir, now=time.time() - 500, rotate=frozenset({KeyName.REPLAY}))
    destroy(settings, KeyName.REPLAY)
    await write_letters(settings, [2], code=ErrorCode.OPENAI_UNAVAILABLE, at=time.time())
    assert await outcomes(settings) == Counter({"key_destroyed": 1, "again": 1})


async def test_a_job_for_a_lost_key_is_a_dead_letter_and_is_done_once_the_key_is_restored(
    settings: Settings, stub: OpenAIStub, tmp_path: Path
) -> None:
    settings = with_keys(settings, tmp_path, age=1000)
    init_keys(settings.keys.dir, now=time.time() - 500, rotate=frozenset({KeyName.JOBS}))
    newest = max((settings.keys.dir / "redactor").glob("jobs.*.key"), key=lambda path: path.name)
    content = newest.read_bytes()
    newest.unlink()
    worker = Worker(settings, list(ROLES))
    await worker.start()
    try:
        async with Client(settings) as client:
            lost = await client.complete(client.job(chat("x"), job_id="lost-1"), timeout=TIMEOUT)
            assert lost.error is not None
            assert lost.error.code is ErrorCode.UNKNOWN_KEY
            assert stub.requests == []
            newest.touch(mode=0o600)
            newest.write_bytes(content)
            assert await outcomes(settings) == Counter({"again": 1})
            async for result in results_until(client.results(follow=True), Status.COMPLETED):
                assert result.job_id == "lost-1"
    finally:
        await worker.stop()


async def test_a_job_for_a_destroyed_key_is_a_dead_letter_with_a_code_of_its_own(
    settings: Settings, stub: OpenAIStub, tmp_path: Path
) -> None:
    settings = with_keys(settings, tmp_path, age=1000)
    old = load_keyring(settings.keys.dir, Role.CLIENT)
    init_keys(settings.keys.dir, now=time.time() - 500, rotate=frozenset({KeyName.JOBS}))
    worker = Worker(settings, list(ROLES))
    await worker.start()
    try:
        destroy(settings, KeyName.JOBS)
        producer = AIOKafkaProducer(**producer_options(settings))
        await producer.start()
        value = seal_job(job(1), msgspec.json.encode(job(1)), old)
        await producer.send_and_wait(TopicNames(settings.kafka.topic_prefix)["jobs"], value)
        await producer.stop()
        (letter,) = await letters_there(settings, 1)
        assert letter.code is ErrorCode.KEY_DESTROYED
        assert stub.requests == []
        assert await outcomes(settings) == Counter({"key_destroyed": 1})
    finally:
        await worker.stop()


def with_keys(settings: Settings, folder: Path, *, age: float) -> Settings:
    """A keyring of the test's own, made some seconds ago."""
    init_keys(folder / "keys", now=time.time() - age)
    return msgspec.structs.replace(settings, keys=KeysSettings(dir=folder / "keys", activation_delay=1.0))


def destroy(settings: Settings, name: KeyName) -> None:
    now = time.time()
    for epoch in retired_epochs(settings.keys.dir, {name}, before=now, now=now, activation_delay=1.0):
        shred(epoch, now=now)


async def test_a_purge_removes_what_matches_up_to_the_first_that_does_not(settings: Settings) -> None:
    now = time.time()
    await write_letters(settings, [1, 2], code=ErrorCode.PLAIN_NOT_ACCEPTED, at=now - 7200)
    await outcomes(settings, Wanted(job_id="job-1"))
    await write_letters(settings, [3], code=ErrorCode.DETECTION_FAILED, at=now)
    await write_letters(settings, [4], code=ErrorCode.PLAIN_NOT_ACCEPTED, at=now)
    chosen = ("dlq", "purge", "--code", "plain_not_accepted")
    code, rows, said = await veil(settings, *chosen, "--dry-run")
    assert [(row["letters"], row["held"]) for row in rows] == [(2, 1)]
    assert rows[0]["partition"] == settings.kafka.topic_prefix + "dead-letters/0"
    assert (code, "2 would go, 1 that match stay" in said) == (0, True), said
    assert len(await letters_there(settings, 4)) == 4
    code, _, said = await veil(settings, *chosen)
    assert code == 130, "nobody said yes"
    code, _, said = await veil(settings, *chosen, "--yes")
    assert (code, "2 removed, 1 that match stay" in said) == (0, True), said
    assert [letter.job_id for letter in await letters_there(settings, 2)] == ["job-3", "job-4"]
    code, _, said = await veil(settings, "dlq", "purge", "--all", "--yes")
    assert "2 removed, 0 that match stay" in said
    assert [value for value in await read(settings, "dead_letters") if b'"deadletter/1"' in value] == []


async def test_the_note_of_a_replay_never_goes_before_its_letter(settings: Settings) -> None:
    await write_letters(settings, [1, 2], code=ErrorCode.PLAIN_NOT_ACCEPTED, at=time.time())
    await outcomes(settings, Wanted(job_id="job-1"))
    topic = TopicNames(settings.kafka.topic_prefix)["dead_letters"]
    async with TopicReader(settings, [topic], start="beginning", whole=True) as reader:
        records = [record async for record in reader.records()]
    note = records[-1]
    replayed = msgspec.json.decode(note.value, type=Replayed)
    assert (replayed.letter.topic, replayed.letter.partition) == (note.topic, note.partition)
    assert replayed.letter.offset < note.offset
