"""The broker helper on real Apache Kafka: starts, survives a kill, deletes, and dies with its parent."""

import asyncio
import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.records_to_delete import RecordsToDelete

from infra.broker import BOOTSTRAP_VARIABLE, Broker, BrokerUnavailable, start_broker
from infra.kafka.node import KRaftNode
from infra.kafka.settings import MAX_MESSAGE_BYTES


@pytest.fixture(scope="session")
def local_broker() -> Iterator[Broker]:
    with start_broker(local=True) as broker:
        yield broker


async def create_topic(broker: Broker, name: str, **configs: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, 1, 1, topic_configs=configs)])
    finally:
        await admin.close()


async def produce(broker: Broker, topic: str, *values: bytes) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=broker.bootstrap_servers,
        max_request_size=MAX_MESSAGE_BYTES,
        request_timeout_ms=60_000,
    )
    await producer.start()
    try:
        for value in values:
            await producer.send_and_wait(topic, value)
    finally:
        await producer.stop()


async def consume(broker: Broker, topic: str, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=broker.bootstrap_servers, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, 0)])
        await consumer.seek_to_beginning()
        return [(await asyncio.wait_for(consumer.getone(), 30)).value for _ in range(count)]
    finally:
        await consumer.stop()


async def test_a_record_goes_there_and_back(local_broker: Broker) -> None:
    await create_topic(local_broker, "there-and-back")
    await produce(local_broker, "there-and-back", b"one", b"two")
    assert await consume(local_broker, "there-and-back", 2) == [b"one", b"two"]


async def test_a_record_of_34_mib_fits(local_broker: Broker) -> None:
    await create_topic(local_broker, "large")
    await produce(local_broker, "large", os.urandom(34 * 1024 * 1024))


async def test_topics_are_not_made_by_asking(local_broker: Broker) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=local_broker.bootstrap_servers)
    await admin.start()
    try:
        await admin.describe_topics(["never-created"])
        assert "never-created" not in await admin.list_topics()
    finally:
        await admin.close()


async def test_deleted_records_leave_the_disk_within_seconds(local_broker: Broker) -> None:
    await create_topic(local_broker, "short-lived", **{"segment.bytes": "1048576", "file.delete.delay.ms": "100"})
    marker = b"marker-" + os.urandom(8).hex().encode()
    await produce(local_broker, "short-lived", marker, *[os.urandom(700_000)] * 3)
    assert local_broker.log_dir is not None
    folder = local_broker.log_dir / "short-lived-0"
    assert on_disk(folder, marker)
    admin = AIOKafkaAdminClient(bootstrap_servers=local_broker.bootstrap_servers)
    await admin.start()
    try:
        await admin.delete_records({TopicPartition("short-lived", 0): RecordsToDelete(before_offset=3)})
    finally:
        await admin.close()
    deadline = time.monotonic() + 15
    while on_disk(folder, marker):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)


def on_disk(folder: Path, marker: bytes) -> bool:
    return any(marker in contents(path) for path in folder.glob("*.log*"))


def contents(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:  # deleted since it was listed
        return b""


def test_its_data_is_for_its_owner_only(local_broker: Broker) -> None:
    assert local_broker.data_dir is not None
    assert stat.S_IMODE(local_broker.data_dir.stat().st_mode) == 0o700


async def test_a_killed_broker_comes_back_at_its_address_with_its_records() -> None:
    with start_broker(local=True) as broker:
        address, data_dir = broker.bootstrap_servers, broker.data_dir
        await create_topic(broker, "kept")
        await produce(broker, "kept", b"before")
        broker.kill()
        broker.restart()
        assert broker.bootstrap_servers == address
        assert await consume(broker, "kept", 1) == [b"before"]
    assert data_dir is not None
    assert not data_dir.exists()


def test_logs_can_be_read_after_stop() -> None:
    with start_broker(local=True) as broker:
        broker.stop()
        broker.stop()
        assert broker.log_dir is not None
        assert list(broker.log_dir.rglob("*.log"))


def test_a_broker_that_ends_while_starting_shows_why(tmp_path: Path) -> None:
    node = KRaftNode(tmp_path)
    with (tmp_path / "server.properties").open("a") as properties:
        properties.write("num.io.threads=none\n")
    with pytest.raises(BrokerUnavailable, match=r"num\.io\.threads"):
        node.start()


def test_a_broker_dies_with_a_parent_that_was_killed() -> None:
    environment = {name: value for name, value in os.environ.items() if name != BOOTSTRAP_VARIABLE}
    parent = subprocess.Popen(
        [sys.executable, "-m", "infra.broker"], stdout=subprocess.PIPE, text=True, env=environment
    )
    with parent:
        assert parent.stdout is not None
        assert re.fullmatch(r"127\.0\.0\.1:\d+", parent.stdout.readline().strip())
        children = psutil.Process(parent.pid).children()
        assert any(child.name() == "java" for child in children)
        parent.send_signal(signal.SIGKILL)
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive


def test_the_command_stops_at_sigterm() -> None:
    with subprocess.Popen([sys.executable, "-m", "infra.broker"], stdout=subprocess.PIPE, text=True) as command:
        assert command.stdout is not None
        assert command.stdout.readline()
        command.send_signal(signal.SIGTERM)
        assert command.wait(30) == 0
