"""Completer processes with redacted requests to work on, and the stub as a process of its own."""

import asyncio
import contextlib
import sys
import time
import uuid
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from aiokafka import AIOKafkaProducer

from pipeline.adapters.kafka import create_topics, producer_options
from pipeline.adapters.keyring import init_keys, load_keyring
from pipeline.attestation import Claims, attest
from pipeline.keys import KeyName, Keyring, Role
from pipeline.ports import TopicNames
from pipeline.sealing import SealContext, seal
from pipeline.settings import DeliverySettings, KafkaSettings, KeysSettings, OpenAISettings, Settings
from schemas.envelope import Purpose, Sealed
from schemas.job import Endpoint
from schemas.redacted import JobDigest, RedactedRequest
from tests.integration.deployment import ROOT


def settings_of(servers: str, folder: Path, openai: OpenAISettings, *, partitions: int) -> Settings:
    """A deployment of its own on a running broker, with a keyring."""
    init_keys(folder / "keys", now=time.time())
    return Settings(
        kafka=KafkaSettings(
            bootstrap_servers=servers,
            topic_prefix=f"c{uuid.uuid4().hex[:6]}.",
            partitions=partitions,
            session_timeout=10.0,
        ),
        keys=KeysSettings(dir=folder / "keys"),
        openai=openai,
        delivery=DeliverySettings(drain_deadline=10.0),
    )


def requests(keyring: Keyring, sizes: Iterable[int]) -> Iterator[RedactedRequest]:
    """Signed requests as the redactor makes them, each of about so many bytes."""
    key_id, key = keyring.signing_key(KeyName.ATTESTATION)
    now = time.time()
    for number, size in enumerate(sizes):
        job_id = f"bench-{number}"
        text = "The parcel has not arrived yet. " * (size // 32)
        body = msgspec.json.encode({"model": "m", "messages": [{"role": "user", "content": text}], "store": False})
        vault = _sealed(keyring, KeyName.VAULT, "vault", job_id)
        claims = Claims(
            body=body,
            job_id=job_id,
            tenant="default",
            endpoint=Endpoint.CHAT_COMPLETIONS,
            job_digest=JobDigest(key_id=key_id, value=f"{number:032x}"),
            policy_version="bench",
            detector_version="bench",
            vault=vault,
            key_id=key_id,
            expires_at=now + 3600,
        )
        yield RedactedRequest(
            job_id=job_id,
            tenant=claims.tenant,
            endpoint=claims.endpoint,
            body=body,
            job_digest=claims.job_digest,
            policy_version=claims.policy_version,
            detector_version=claims.detector_version,
            attestation=attest(key, claims),
            vault=vault,
            replay=_sealed(keyring, KeyName.REPLAY, "replay", job_id),
            received_at=now,
            redacted_at=now,
        )


def _sealed(keyring: Keyring, name: KeyName, purpose: Purpose, job_id: str) -> Sealed:
    key_id, key = keyring.sealing_key(name)
    context = SealContext(purpose=purpose, key_id=key_id, tenant="default", job_id=job_id, schema=f"{purpose}/1")
    return seal(b"x" * 500, key, context)


async def produce(settings: Settings, sizes: Iterable[int]) -> None:
    """Make the topics and put signed requests on `llm.redacted`."""
    await create_topics(settings)
    topic = TopicNames(settings.kafka.topic_prefix)["redacted"]
    producer = AIOKafkaProducer(**producer_options(settings))
    await producer.start()
    try:
        for request in requests(load_keyring(settings.keys.dir, Role.REDACTOR), sizes):
            await producer.send(topic, msgspec.json.encode(request), key=request.job_id.encode())
        await producer.flush()
    finally:
        await producer.stop()


class StubProcess:
    """`python -m infra.openai_stub`, apart from whoever measures."""

    def __init__(self, base_url: str, session: aiohttp.ClientSession) -> None:
        self.base_url = base_url
        self._session = session

    async def stats(self) -> dict[str, Any]:
        """What the stub has counted so far."""
        async with self._session.get(self.base_url.removesuffix("/v1") + "/_stub/stats") as answer:
            stats: dict[str, Any] = await answer.json()
            return stats


@contextlib.asynccontextmanager
async def stub_process(config: dict[str, object]) -> AsyncIterator[StubProcess]:
    """The stub, until the block ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "infra.openai_stub", "--config", msgspec.json.encode(config).decode(),
        stdout=asyncio.subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
    try:
        if process.stdout is None:
            raise SystemExit("the stub has no output")
        base_url = (await process.stdout.readline()).decode().strip()
        async with aiohttp.ClientSession() as session:
            yield StubProcess(base_url, session)
    finally:
        process.terminate()
        await process.wait()
