"""What retrying cannot mend ends the worker: refused records are neither dropped nor tried for ever."""

import asyncio
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from agents.ledger import Ledger
from infra.broker import start_broker
from pipeline.adapters.kafka import create_topics, open_admin
from pipeline.adapters.reader import TopicReader
from pipeline.audit import AuditTrail
from pipeline.keys import Keyring, Role
from pipeline.ports import Outbound, TopicNames
from pipeline.settings import Settings
from schemas.codes import ErrorCode
from schemas.deadletter import DeadLetter
from tests.integration.deployment import Deployment, eventually


async def make_topic(settings: Settings, name: str, **configs: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka.bootstrap_servers)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, 1, 1, topic_configs=configs)])
    finally:
        await admin.close()


def make_ledger(settings: Settings) -> Ledger:
    prefix = settings.kafka.topic_prefix
    trail = AuditTrail(Role.COMPLETER, keyring=Keyring(), topics=TopicNames(prefix), settings=settings.audit)
    return Ledger(TopicPartition(f"{prefix}in", 0), f"{prefix}group", settings, trail)


@pytest.fixture
async def ledger(settings: Settings) -> Ledger:
    prefix = settings.kafka.topic_prefix
    await make_topic(settings, f"{prefix}in")
    return make_ledger(settings)


async def committed(settings: Settings, topic: str = "in", group: str = "group") -> int | None:
    prefix = settings.kafka.topic_prefix
    tp = TopicPartition(f"{prefix}{topic}", 0)
    admin = await open_admin(settings)
    try:
        found = (await admin.list_consumer_group_offsets(f"{prefix}{group}", partitions=[tp])).get(tp)
    finally:
        await admin.close()
    return None if found is None or found.offset < 0 else found.offset


async def visible(settings: Settings, topic: str) -> Counter[bytes]:
    async with TopicReader(settings, [topic], start="beginning") as reader:
        return Counter([record.value async for record in reader.records()])


async def test_a_record_that_its_topic_refuses_breaks_the_ledger_and_commits_nothing(
    settings: Settings, ledger: Ledger
) -> None:
    out = f"{settings.kafka.topic_prefix}small"
    await make_topic(settings, out, **{"max.message.bytes": "1000"})
    ledger.start()
    for offset, value in enumerate((b"good", b"x" * 10_000)):
        assert await ledger.admit(offset)
        ledger.finish(offset, [Outbound(topic=out, value=value)])
    await asyncio.wait_for(ledger.broken.wait(), 30)
    await ledger.close(1.0)
    assert await committed(settings) in {None, 1}
    assert set(await visible(settings, out)) <= {b"good"}
    assert 1 in ledger.pending


async def test_a_broker_that_is_away_longer_than_a_transaction_may_last_breaks_nothing(
    settings: Settings, tmp_path: Path
) -> None:
    with start_broker(local=True, data_dir=tmp_path / "kafka") as broker:
        settings = msgspec.structs.replace(
            settings,
            kafka=msgspec.structs.replace(settings.kafka, bootstrap_servers=broker.bootstrap_servers),
            delivery=msgspec.structs.replace(settings.delivery, transaction_timeout=2.0),
        )
        prefix = settings.kafka.topic_prefix
        await make_topic(settings, f"{prefix}in")
        await make_topic(settings, f"{prefix}out")
        ledger = make_ledger(settings)
        ledger.start()
        assert await ledger.admit(0)
        broker.kill()
        ledger.finish(0, [Outbound(topic=f"{prefix}out", value=b"good")])
        broken = asyncio.create_task(ledger.broken.wait())
        assert not (await asyncio.wait([broken], timeout=10))[0], "the outage, and it is not over before"
        await asyncio.to_thread(broker.restart)
        await eventually(lambda: ledger.committed_offset == 1, timeout=60, what="the record published")
        assert await visible(settings, f"{prefix}out") == Counter({b"good": 1})
        broken.cancel()
        await ledger.close(1.0)


async def test_without_its_dead_letter_topic_the_worker_ends_with_nothing_committed_and_later_makes_good(
    settings: Settings, tmp_path: Path
) -> None:
    topics = TopicNames(settings.kafka.topic_prefix)
    delivery = msgspec.structs.replace(settings.delivery, transaction_timeout=5.0, drain_deadline=2.0)
    settings = msgspec.structs.replace(settings, delivery=delivery)
    await create_topics(settings)
    async with Deployment(settings, tmp_path, openai_base_url="http://127.0.0.1:1") as deployment:
        await deployment.start(Role.REDACTOR)
        redactor = deployment.workers[Role.REDACTOR]
        admin = await open_admin(settings)
        await admin.delete_topics([topics["dead_letters"]])
        await admin.close()
        producer = AIOKafkaProducer(bootstrap_servers=settings.kafka.bootstrap_servers)
        await producer.start()
        await producer.send_and_wait(topics["jobs"], b"no job", partition=0)
        await producer.stop()
        await eventually(lambda: not redactor.running, timeout=60, what="the redactor ending")
        assert redactor.exit_code == 1
        (said,) = redactor.events("ledger.broken")
        assert topics["dead_letters"] in said["detail"]
        assert await committed(settings, "jobs", "redactor") is None
        await create_topics(settings)
        await deployment.start(Role.REDACTOR)
        await eventually(lambda: any(redactor.events("job.refused")), timeout=30, what="the job done again")
        await deployment.terminate()
    letters = await visible(settings, topics["dead_letters"])
    assert [msgspec.json.decode(letter, type=DeadLetter).code for letter in letters.elements()] == [
        ErrorCode.MALFORMED_JSON
    ]
    assert await committed(settings, "jobs", "redactor") == 1
