"""Real parts for every test that asks: a broker, a stub of OpenAI, a keyring, a worker."""

import time
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings

from agents.worker import ROLES, Worker
from infra.broker import Broker, start_broker
from infra.openai_stub import OpenAIStub, StubConfig
from pipeline.adapters.keyring import init_keys
from pipeline.client import Client
from pipeline.settings import (
    DeliverySettings,
    KafkaSettings,
    KeysSettings,
    OpenAISettings,
    PolicySettings,
    Settings,
    StateSettings,
)

# No deadline: how long an example takes on a shared machine says nothing.
hypothesis_settings.register_profile("steady", deadline=None)
hypothesis_settings.register_profile("fuzz", deadline=None, max_examples=20_000)
hypothesis_settings.load_profile("steady")


@pytest.fixture(scope="session")
def broker() -> Iterator[Broker]:
    """One broker for the whole run; tests keep apart by topic prefix."""
    with start_broker() as started:
        yield started


@pytest.fixture(scope="session")
def keys_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A keyring of every role."""
    folder = tmp_path_factory.mktemp("keyring")
    init_keys(folder, now=time.time())
    return folder


@pytest.fixture
def settings(broker: Broker, keys_dir: Path, tmp_path: Path) -> Settings:
    """Settings of a deployment of its own on the shared broker."""
    return Settings(
        kafka=KafkaSettings(
            bootstrap_servers=broker.bootstrap_servers,
            topic_prefix=f"t{uuid.uuid4().hex[:8]}.",
            partitions=2,
            session_timeout=6.0,
            heartbeat_interval=1.0,
        ),
        keys=KeysSettings(dir=keys_dir),
        state=StateSettings(dir=tmp_path / "state"),
        policy=PolicySettings(accept_plain=True),
        openai=OpenAISettings(timeout=10.0, backoff=0.05, max_in_flight=200),
        delivery=DeliverySettings(drain_deadline=10.0),
    )


@pytest.fixture
async def stub(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OpenAIStub]:
    """An echoing stub of OpenAI, which the environment names as the service."""
    server = OpenAIStub(StubConfig(mode="echo"))
    monkeypatch.setenv("OPENAI_BASE_URL", await server.start())
    monkeypatch.setenv("OPENAI_API_KEY", "test")
    yield server
    await server.stop()


@pytest.fixture
async def worker(settings: Settings, stub: OpenAIStub) -> AsyncIterator[Worker]:
    """All three roles, in the test's own event loop, on topics of the test's own."""
    running = Worker(settings, list(ROLES))
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def client(settings: Settings, worker: Worker) -> AsyncIterator[Client]:
    """A client of that worker."""
    async with Client(settings) as opened:
        yield opened
