"""Every key rotated twice under load, with the three roles as processes of their own: no job fails."""

import asyncio
import json
import time
from collections import Counter
from pathlib import Path

import msgspec

from infra.openai_stub import OpenAIStub
from pipeline.adapters.kafka import create_topics
from pipeline.adapters.keyring import init_keys
from pipeline.adapters.reader import TopicReader
from pipeline.client import Client
from pipeline.keys import KeyName
from pipeline.ports import TopicNames
from pipeline.settings import KeysSettings, Settings
from schemas.envelope import Envelope
from schemas.redacted import RedactedRequest
from schemas.result import Result, Status
from schemas.topics import TopicId
from tests.integration.deployment import Deployment, eventually, run_veil

ACTIVATION = 3.0
AT_ONCE = 20


async def read(settings: Settings, topic: TopicId) -> list[bytes]:
    name = TopicNames(settings.kafka.topic_prefix)[topic]
    async with TopicReader(settings, [name], start="beginning", whole=True) as reader:
        return [record.value async for record in reader.records()]


async def test_rotating_every_key_twice_under_load_fails_no_job(
    settings: Settings, stub: OpenAIStub, tmp_path: Path
) -> None:
    keys = tmp_path / "keyring"
    init_keys(keys, now=time.time())
    settings = msgspec.structs.replace(settings, keys=KeysSettings(dir=keys, activation_delay=ACTIVATION))
    results: list[Result] = []
    sealed_before: set[str] = set()
    stop = asyncio.Event()

    async with Deployment(settings, tmp_path, openai_base_url=stub.base_url) as deployment:
        await deployment.start()
        async with Client(settings) as client:

            async def keep_busy() -> None:
                while not stop.is_set():
                    job = client.job({"model": "m", "messages": [{"role": "user", "content": "mail jane@example.org"}]})
                    results.append(await client.complete(job, timeout=30))

            async def rotate_and_wait() -> None:
                init_keys(keys, now=time.time(), rotate=frozenset(KeyName))
                active = time.time() + ACTIVATION
                await eventually(lambda: time.time() > active, timeout=30, what="the new keys' activation")
                enough = len(results) + 100
                await eventually(lambda: len(results) >= enough, timeout=60, what="load on the new keys")

            load = [asyncio.create_task(keep_busy()) for _ in range(AT_ONCE)]
            await eventually(lambda: len(results) >= 50, timeout=30, what="the load")
            sealed_before = {result.job_id for result in results}
            await rotate_and_wait()
            await rotate_and_wait()
            stop.set()
            await asyncio.gather(*load)
        assert set((await deployment.terminate()).values()) == {0}
        async with Client(settings) as reader:
            readable = {result.job_id async for result in reader.results()}

    assert Counter(result.status for result in results) == Counter({Status.COMPLETED: len(results)})
    assert await read(settings, "dead_letters") == []
    assert sealed_before <= readable
    assert readable == {result.job_id for result in results}
    jobs = [msgspec.json.decode(value, type=Envelope) for value in await read(settings, "jobs")]
    redacted = [msgspec.json.decode(value, type=RedactedRequest) for value in await read(settings, "redacted")]
    used = {
        KeyName.JOBS: {job.sealed.key_id for job in jobs},
        KeyName.VAULT: {request.vault.key_id for request in redacted},
        KeyName.REPLAY: {request.replay.key_id for request in redacted},
        KeyName.ATTESTATION: {request.attestation.key_id for request in redacted},
        KeyName.RESULTS: {
            msgspec.json.decode(value, type=Envelope).sealed.key_id for value in await read(settings, "results")
        },
    }
    assert {name: len(ids) for name, ids in used.items()} == dict.fromkeys(used, 3)


async def test_shredding_says_what_dies_asks_and_leaves_what_is_in_use(settings: Settings, tmp_path: Path) -> None:
    keys = tmp_path / "keyring"
    now = time.time()
    init_keys(keys, now=now - 1000)
    settings = msgspec.structs.replace(settings, keys=KeysSettings(dir=keys, activation_delay=ACTIVATION))
    assert (await run_veil(settings, "keys", "shred", "--before", "2100-01-01"))[:2] == (0, "")
    await create_topics(settings)
    async with Client(settings) as client:
        await client.submit(client.job({"model": "m", "messages": []}))
    (key_id,) = {msgspec.json.decode(value, type=Envelope).sealed.key_id for value in await read(settings, "jobs")}
    init_keys(keys, now=now - 500, rotate=frozenset({KeyName.JOBS}))
    held = {path.name for path in keys.glob("*/*")}
    command = ("keys", "shred", "jobs", "--before", "2100-01-01")

    code, out, _ = await run_veil(settings, *command, "--dry-run")
    assert code == 0
    (row,) = (json.loads(line) for line in out.splitlines())
    assert (row["name"], row["key_id"]) == ("jobs", key_id)
    assert "jobs sealed to it" in row["ends"]
    assert row["sealed"] == {f"{settings.kafka.topic_prefix}jobs": {"stored": 1, "waiting": 1}}
    assert (await run_veil(settings, *command))[0] == 130, "nobody said yes"
    assert {path.name for path in keys.glob("*/*")} == held

    code, _, said = await run_veil(settings, *command, "--yes")
    assert (code, "1 keys destroyed" in said) == (0, True)
    left = {path.name for path in keys.glob("*/*")}
    assert {name.rpartition(".")[2] for name in left if key_id in name} == {"shredded"}
    assert {name for name in held if key_id not in name} == {name for name in left if key_id not in name}
