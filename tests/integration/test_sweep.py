"""The sweep on the files of a real broker: every codec, transactions, internal topics."""

from collections.abc import Iterator

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.structs import OffsetAndMetadata

from infra.broker import Broker, start_broker
from infra.canaries import make_canaries
from infra.sweep import SweepReport, sweep
from infra.sweep.encodings import ENCODINGS, encoded
from infra.sweep.self_check import control_value

CODECS = (None, "gzip", "snappy", "lz4", "zstd")


@pytest.fixture
def local_broker() -> Iterator[Broker]:
    """A broker of the test's own, as a sweep needs it stopped."""
    with start_broker(local=True) as broker:
        yield broker


async def publish(broker: Broker, canary: str) -> None:
    servers = broker.bootstrap_servers
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        recompressed = NewTopic("by-broker", 1, 1, topic_configs={"compression.type": "zstd"})
        await admin.create_topics([recompressed, *(NewTopic(f"{codec}-codec", 1, 1) for codec in CODECS)])
    finally:
        await admin.close()
    for codec in CODECS:
        producer = AIOKafkaProducer(bootstrap_servers=servers, compression_type=codec, transactional_id=f"t-{codec}")
        async with producer, producer.transaction():
            for encoding in ENCODINGS:
                content = encoded(canary, encoding)
                await producer.send(f"{codec}-codec", content, key=b"k" + content, headers=[("h", content)])
                await producer.send("by-broker", content)
            offset = OffsetAndMetadata(1, encoded(canary, "url").decode())
            await producer.send_offsets_to_transaction({TopicPartition("by-broker", 0): offset}, "group")


def look(broker: Broker, canaries: dict[str, str]) -> SweepReport:
    broker.stop()
    assert broker.log_dir is not None
    return sweep(canaries, {"broker": broker.log_dir}, expect_records=True)


async def test_a_real_brokers_files_are_read_record_by_record(local_broker: Broker) -> None:
    canary = control_value()
    await publish(local_broker, canary)
    others = {name: other.value for name, other in make_canaries(1).items()}
    report = look(local_broker, {"planted": canary} | others)
    assert not report.problems
    assert {hit.canary for hit in report.hits} == {"planted"}
    found = {(hit.encoding, hit.where.split("/")[0], hit.where.rpartition(" ")[2]) for hit in report.hits}
    for codec in CODECS:
        for part in ("key", "value"):
            assert {(encoding, f"{codec}-codec", part) for encoding in ENCODINGS} <= found
    assert {(encoding, "by-broker", "value") for encoding in ENCODINGS} <= found
    assert any(hit.where.startswith("__consumer_offsets") and hit.encoding == "url" for hit in report.hits)
    assert report.records == 2 * len(ENCODINGS) * len(CODECS)
    assert set(report.records_by_codec) == {codec or "none" for codec in CODECS}


async def test_a_broker_without_records_proves_nothing(local_broker: Broker) -> None:
    report = look(local_broker, {"planted": control_value()})
    assert report.problems
    assert not report.hits
