"""What the ledgers of a role do while no broker answers: whom they tell, and that none dies unnoticed."""

import asyncio
from collections.abc import Collection, Iterator, Sequence

import pytest
from aiokafka import TopicPartition
from structlog.testing import capture_logs

from agents.ledger import Ledger
from agents.ledgers import Ledgers
from agents.metrics import Metrics
from pipeline.audit import AuditTrail
from pipeline.keys import Keyring, Role
from pipeline.ports import Inbound, Outbound, PartitionState, TopicNames
from pipeline.settings import DeliverySettings, KafkaSettings, Settings

SETTINGS = Settings(kafka=KafkaSettings(bootstrap_servers="127.0.0.1:1"), delivery=DeliverySettings(drain_deadline=0.1))
TRAIL = AuditTrail(Role.COMPLETER, keyring=Keyring(), topics=TopicNames("t."), settings=SETTINGS.audit)
PARTITIONS = [TopicPartition("t.redacted", number) for number in range(3)]


class Told:
    """A state that writes down what it is told of partitions that come and go."""

    def __init__(self) -> None:
        self.events: list[tuple[str, object]] = []

    async def load(self, partition: int) -> None:
        raise AssertionError("no broker has fenced anybody")

    def committed(self, partition: int, records: Sequence[tuple[Outbound, int]]) -> None:
        raise AssertionError("nothing can be committed")

    def discarded(self, partition: int, records: Sequence[Outbound]) -> None:
        self.events.append(("discarded", partition))

    def drop(self, partition: int) -> None:
        self.events.append(("drop", partition))

    def keep_only(self, partitions: Collection[int]) -> None:
        self.events.append(("keep_only", sorted(partitions)))


class Remembering:
    """A stage that has a state."""

    def __init__(self) -> None:
        self.told = Told()
        self.state: PartitionState | None = self.told

    async def process(self, inbound: Inbound) -> Sequence[Outbound]:
        return []


async def test_a_state_is_told_which_partitions_are_left_only_once_a_rebalance_has_ended() -> None:
    stage = Remembering()
    ledgers = Ledgers("t.completer", stage, SETTINGS, trail=TRAIL, max_in_flight=1, metrics=Metrics().of("completer"))
    ledgers.assign(PARTITIONS)
    await ledgers.drain(PARTITIONS)
    assert sorted(stage.told.events) == [("drop", 0), ("drop", 1), ("drop", 2), ("keep_only", [0, 1, 2])]
    ledgers.assign(PARTITIONS[1:])
    assert stage.told.events[-1] == ("keep_only", [1, 2])
    await ledgers.drain(PARTITIONS[1:])
    ledgers.assign([])
    assert stage.told.events[-1] == ("keep_only", [])
    await ledgers.drain(None)


class Fault(Exception):
    """A fault of our own code."""


class Unreadable(list[Outbound]):
    """Records at which the ledger's own handling of a fault fails as well."""

    def __iter__(self) -> Iterator[Outbound]:
        raise Fault


@pytest.mark.parametrize("closing", [False, True], ids=["at work", "while it closes"])
async def test_a_ledger_that_dies_says_so_and_breaks_the_worker(closing: bool) -> None:
    broken = asyncio.Event()
    ledger = Ledger(PARTITIONS[0], "t.completer", SETTINGS, TRAIL, carry={0: Unreadable()}, broken=broken)
    with capture_logs() as logs:
        ledger.start()
        if closing:
            await ledger.close(0.1)
        await asyncio.wait_for(broken.wait(), 10)
    (said,) = [line for line in logs if line["event"] == "ledger.broken"]
    assert isinstance(said["exc_info"], Fault)
    if not closing:
        await ledger.close(0.1)
