"""The audit trail on a real broker: whole through crashes, fencing and aborts; broken by whoever tampers with it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.structs import OffsetAndMetadata

from agents.ledger import Ledger
from agents.progress import decode
from agents.worker import ROLES, Worker
from infra.openai_stub import OpenAIStub
from pipeline.adapters.kafka import create_topics, open_admin
from pipeline.adapters.keyring import load_keyring
from pipeline.audit import AuditTrail
from pipeline.chain_check import FRESH, BreakKind, ChainReport
from pipeline.client import Client
from pipeline.keys import Role
from pipeline.ports import Outbound, PartitionState, TopicNames
from pipeline.settings import AuditSettings, Settings
from schemas.audit import AuditEvent, AuditRecord, Decision, Origin
from schemas.codes import ErrorCode
from tests.integration.audit_topic import LONG, audit_records, reports, settled
from tests.integration.test_cli_live import Shell
from tests.integration.test_ledger import Rig, published, until

TIMEOUT = 30.0


@asynccontextmanager
async def _admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = await open_admin(settings)
    try:
        yield admin
    finally:
        await admin.close()


class AuditRig(Rig):
    """A ledger whose work leaves one audit event a record, on a deployment's own audit topic."""

    async def make_topics(self) -> None:
        await super().make_topics()
        await create_topics(self.settings)

    def ledger(
        self,
        carry: dict[int, list[Outbound]] | None = None,
        state: PartitionState | None = None,
        *,
        interval: float = LONG,
    ) -> Ledger:
        self.trail = AuditTrail(
            Role.REDACTOR,
            keyring=load_keyring(self.settings.keys.dir, Role.REDACTOR),
            topics=TopicNames(self.settings.kafka.topic_prefix),
            settings=AuditSettings(checkpoint_interval=interval),
        )
        return super().ledger(carry, state)

    def records(self, offset: int) -> list[Outbound]:
        event = AuditEvent(
            at=time.time(),
            stage="redactor",
            decision=Decision.REDACTED,
            origin=Origin(topic=self.tp.topic, partition=0, offset=offset),
        )
        audit = TopicNames(self.settings.kafka.topic_prefix)["audit"]
        return [Outbound(topic=audit, value=msgspec.json.encode(event)), *super().records(offset)]

    async def do(self, ledger: Ledger, *offsets: int) -> None:
        for offset in offsets:
            assert await ledger.admit(offset)
            ledger.finish(offset, self.records(offset))
        await published(ledger)

    async def only_chain(self, *, events: int, unsigned: int = 0) -> ChainReport:
        (report,) = await settled(self.settings, events=events, unsigned=unsigned)
        return report


@pytest.fixture
async def rig(settings: Settings) -> AuditRig:
    rig = AuditRig(settings)
    await rig.make_topics()
    return rig


async def test_a_ledger_that_is_closed_leaves_its_chain_signed_and_the_next_goes_on(rig: AuditRig) -> None:
    for offsets in ((0, 1, 2), (3, 4), (5,)):
        ledger = rig.ledger()
        await rig.do(ledger, *offsets)
        await ledger.close(5.0)
        report = await rig.only_chain(events=offsets[-1] + 1)
        assert report.whole, report
        assert report.last_seq == offsets[-1]


async def test_a_chain_stays_whole_when_its_owner_crashes_and_comes_back_as_a_zombie(rig: AuditRig) -> None:
    first = rig.ledger()
    await rig.do(first, 0, 1)
    assert await first.admit(2)
    heir = rig.ledger()  # as after a crash: nobody closed the first
    await rig.do(heir, 2, 3)
    first.finish(2, rig.records(2))
    await published(first)
    assert await first.admit(4)
    first.finish(4, rig.records(4))
    await published(first)
    await asyncio.gather(first.close(5.0), heir.close(5.0))
    report = await rig.only_chain(events=5)
    assert report.whole, report
    assert report.last_seq == 4


class FailsOnce(tuple[tuple[str, bytes], ...]):
    """Headers that cannot be read the first time: the transaction is under way by then."""

    failed: list[bool] = []

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        if not self.failed:
            self.failed.append(True)
            raise RuntimeError
        return super().__iter__()


async def test_events_of_an_aborted_transaction_are_linked_anew(rig: AuditRig) -> None:
    ledger = rig.ledger()
    await rig.do(ledger, 0)
    assert await ledger.admit(1)
    ledger.finish(1, [*rig.records(1), Outbound(topic=rig.out, value=b"1", headers=FailsOnce())])
    await until(ledger, 2)
    assert FailsOnce.failed
    await ledger.close(5.0)
    report = await rig.only_chain(events=2)
    assert report.whole, report
    assert report.last_seq == 1


async def test_a_chain_that_rests_is_signed_after_the_interval(rig: AuditRig) -> None:
    ledger = rig.ledger(interval=0.5)
    await rig.do(ledger, 0)
    await rig.do(ledger, 1)  # the first transaction is signed at once, this one is not
    await rig.only_chain(events=2)
    await ledger.close(5.0)


async def test_what_a_crashed_owner_left_unsigned_is_signed_by_the_next_without_new_work(rig: AuditRig) -> None:
    first = rig.ledger()
    await rig.do(first, 0)
    await rig.do(first, 1)
    assert (await rig.only_chain(events=2, unsigned=1)).signed_seq == 0
    heir = rig.ledger(interval=0.5)
    await rig.only_chain(events=2)
    await heir.close(5.0)
    await first.close(0.1)


async def commit(rig: AuditRig, offset: int, metadata: str) -> None:
    """Set the group's offset from outside, as Kafka's own tools do."""
    consumer = AIOKafkaConsumer(bootstrap_servers=rig.settings.kafka.bootstrap_servers, group_id=rig.group)
    await consumer.start()
    try:
        consumer.assign([rig.tp])
        await consumer.commit({rig.tp: OffsetAndMetadata(offset, metadata)})
    finally:
        await consumer.stop()
    await rig.is_committed(offset, set(decode(offset, metadata)))


async def test_a_group_whose_offset_was_reset_starts_a_new_chain_that_is_told_apart(rig: AuditRig) -> None:
    ledger = rig.ledger()
    await rig.do(ledger, 0, 1, 2)
    await ledger.close(5.0)
    await commit(rig, 0, "")
    again = rig.ledger()
    await rig.do(again, 0, 1)
    await again.close(5.0)
    old, new = await settled(rig.settings, events=5)
    assert old.whole
    assert new.whole
    assert (old.events, old.restarted, new.events, new.restarted) == (3, False, 2, True)


async def test_progress_committed_before_there_were_chains_is_gone_on_with(rig: AuditRig) -> None:
    await commit(rig, 2, "1:eAFjAQAABQAF")  # offset 4 is done as well: bit 2 above the base
    ledger = rig.ledger()
    assert [offset for offset in range(6) if await ledger.admit(offset)] == [2, 3, 5]
    for offset in (2, 3, 5):
        ledger.finish(offset, rig.records(offset))
    await until(ledger, 6)
    await ledger.close(5.0)
    report = await rig.only_chain(events=3)
    assert report.whole
    assert report.first_seq == 0


async def test_what_retention_took_is_not_missed(rig: AuditRig) -> None:
    ledger = rig.ledger()
    for offset in range(6):
        await rig.do(ledger, offset)
    await ledger.close(5.0)
    await rig.only_chain(events=6)
    third = (await audit_records(rig.settings))[3]
    async with _admin(rig.settings) as admin:
        gone = RecordsToDelete(before_offset=third.offset)
        await admin.delete_records({TopicPartition(third.topic, third.partition): gone})
    report = await rig.only_chain(events=4)
    assert report.whole, report
    assert (report.first_seq, report.last_seq) == (2, 5)


# A whole deployment


EVENTS = 12 * 3 - 2 * 2
"""Three a job; a refused one ends at the redactor."""


@pytest.fixture
async def done(settings: Settings, stub: OpenAIStub) -> Settings:
    """Jobs of two workers in turn: completed, refused, failed."""
    for round_ in range(2):
        worker = Worker(settings, list(ROLES))
        await worker.start()
        try:
            async with Client(settings) as client:
                for number in range(6):
                    extra: dict[str, Any] = {"web_search_options": {}} if number == 4 else {}
                    if number == 5:
                        stub.config.failures.bad_request.next = 1
                    text = f"Write to user{round_}{number}@example.org"
                    body = {"model": "m", "messages": [{"role": "user", "content": text}], **extra}
                    await client.complete(client.job(body), timeout=TIMEOUT)
        finally:
            await worker.stop()
    await settled(settings, events=EVENTS)
    return settings


async def test_the_trail_of_a_deployment_is_whole_and_vouched_for_to_its_end(done: Settings) -> None:
    found = await reports(done)
    assert all(report.whole for report in found.values()), found
    assert {chain.split("/")[0].rpartition(".")[2] for chain in found} == set(ROLES)
    # A chain has an order only within one partition.
    places: dict[bytes, set[int]] = {}
    for record in await audit_records(done):
        places.setdefault(record.key, set()).add(record.partition)
    assert {len(partitions) for partitions in places.values()} == {1}


Records = list[ConsumerRecord]
TAMPERINGS: dict[str, tuple[Callable[[Records], Records], set[str]]] = {
    "removed": (lambda r: r[:2] + r[3:], {BreakKind.REMOVED}),
    "changed": (lambda r: [*r[:2], _changed(r[2]), *r[3:]], {BreakKind.CHANGED}),
    "swapped": (lambda r: [*r[:2], r[3], r[2], *r[4:]], {BreakKind.REORDERED}),
    "repeated": (lambda r: [*r[:3], r[2], *r[3:]], {BreakKind.DUPLICATED}),
    "appended": (lambda r: [*r, _changed(r[2])], {BreakKind.DUPLICATED, BreakKind.FORKED}),
    "end removed": (lambda r: r[:-2] + r[-1:], {BreakKind.REMOVED}),
}


def _changed(record: ConsumerRecord) -> Any:
    """The event as somebody would like it to have been: other counts, the same link."""
    event = msgspec.json.decode(record.value, type=AuditRecord)
    assert isinstance(event, AuditEvent)
    return _Copy(record.key, msgspec.json.encode(msgspec.structs.replace(event, entities={"EMAIL": 77})), record)


class _Copy:
    """A record with another value."""

    def __init__(self, key: bytes, value: bytes, of: ConsumerRecord) -> None:
        self.key, self.value, self.partition, self.timestamp = key, value, of.partition, of.timestamp


async def copied(
    settings: Settings, prefix: str, tamper: Callable[[Records], Records], *, age: float = 0.0
) -> Settings:
    """A deployment whose audit topic holds the records of another, one chain of which somebody has tampered with."""
    other = msgspec.structs.replace(settings, kafka=msgspec.structs.replace(settings.kafka, topic_prefix=prefix))
    async with _admin(settings) as admin:
        await admin.create_topics([NewTopic(TopicNames(prefix)["audit"], settings.kafka.partitions, 1)])
    records = await audit_records(settings)
    names = sorted({record.key for record in records if b"redactor" in record.key})
    longest = max(names, key=lambda name: sum(record.key == name for record in records))
    chain = tamper([record for record in records if record.key == longest])
    rest = [record for record in records if record.key != longest]
    async with AIOKafkaProducer(bootstrap_servers=settings.kafka.bootstrap_servers) as producer:
        for record in [*rest, *chain]:
            await producer.send(
                TopicNames(prefix)["audit"],
                record.value,
                key=record.key,
                partition=record.partition,
                timestamp_ms=record.timestamp - int(age * 1000),
            )
    return other


async def test_veil_audit_verify_finds_who_tampered_and_passes_who_did_not(done: Settings, tmp_path: Path) -> None:
    prefix = done.kafka.topic_prefix
    untouched = await copied(done, f"{prefix}whole.", lambda records: records)
    code, rows, said = await Shell(untouched, tmp_path).veil("audit", "verify")
    assert code == 0, said
    assert "whole" in said
    assert {row["verdict"] for row in rows} == {"whole"}
    for number, (name, (tamper, kinds)) in enumerate(TAMPERINGS.items()):
        tampered = await copied(done, f"{prefix}tampered{number}.", tamper)
        code, rows, said = await Shell(tampered, tmp_path).veil("audit", "verify")
        assert code == 1, (name, said)
        broken = [row for row in rows if row["verdict"] != "whole"]
        assert [row["verdict"] in kinds for row in broken] == [True], (name, broken)
        assert broken[0]["break"]["record"].startswith(f"{prefix}tampered{number}.audit/")
        assert "1 broken" in said
    unsigned = await copied(done, f"{prefix}old.", lambda records: records[:-1], age=FRESH + 60)
    code, rows, _ = await Shell(unsigned, tmp_path).veil("audit", "verify")
    assert code == 1
    assert [row["verdict"] for row in rows if row["verdict"] != "whole"] == [BreakKind.UNSIGNED_TAIL]


async def test_veil_audit_list_shows_what_is_asked_for_and_no_value(done: Settings, tmp_path: Path) -> None:
    shell = Shell(done, tmp_path)
    code, rows, said = await shell.veil("audit", "list")
    assert code == 0
    assert f"{len(rows)} audit events" in said
    assert "@example.org" not in str(rows)
    job = next(row["job"] for row in rows if row["decision"] == "redacted")
    _, of_job, _ = await shell.veil("audit", "list", "--job", job)
    assert {row["job"] for row in of_job} == {job}
    _, refused, _ = await shell.veil("audit", "list", "--code", "feature_refused", "--decision", "refused")
    assert [row["stage"] for row in refused] == ["redactor"] * 2
    _, of_nobody, _ = await shell.veil("audit", "list", "--tenant", "nobody")
    assert of_nobody == []
    _, of_tomorrow, _ = await shell.veil("audit", "list", "--since", "2999-01-01")
    assert of_tomorrow == []


async def test_veil_audit_shadow_sums_what_a_shadow_policy_does_otherwise(settings: Settings, tmp_path: Path) -> None:
    await create_topics(settings)
    topic = TopicNames(settings.kafka.topic_prefix)["audit"]
    told: list[dict[str, Any]] = [
        {"entities": {"EMAIL": 2, "PERSON": -1}, "actions": {"redact": 1}},
        {"entities": {"EMAIL": 1}, "actions": {"redact": 1}},
        {"code": ErrorCode.BLOCKED_BY_POLICY, "actions": {"refused": 1}},
        {"actions": {"refused": -1}},
    ]
    async with AIOKafkaProducer(bootstrap_servers=settings.kafka.bootstrap_servers) as producer:
        for offset, fields in enumerate(told):
            origin = Origin(topic=topic, partition=0, offset=offset)
            event = AuditEvent(
                at=1.0,
                stage="redactor",
                decision=Decision.COMPARED,
                origin=origin,
                tenant="t",
                policy_version="v",
                **fields,
            )
            await producer.send_and_wait(topic, msgspec.json.encode(event))
    code, rows, said = await Shell(settings, tmp_path).veil("audit", "shadow", "--tenant", "t")
    assert code == 0
    assert [tuple(row.values()) for row in rows] == [
        ("finds", "EMAIL", 2, 3, 0),
        ("finds", "PERSON", 1, 0, 1),
        ("passes", "refused", 1, 0, 1),
        ("refuses", "blocked_by_policy", 1, 1, 0),
    ]
    assert "4 jobs differ" in said
