"""One hop on its own: a stage that hands each record on, through Faust and the ledger, or in bare aiokafka.

`python -m tests.benchmark.relay ledger|bare BROKER SOURCE TARGET` serves until it is killed.
"""

import asyncio
import sys
from collections.abc import Sequence

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from agents.app import build_app
from agents.ledgers import Ledgers
from agents.metrics import Metrics
from pipeline.audit import AuditTrail
from pipeline.keys import Keyring, Role
from pipeline.ports import Inbound, Outbound, PartitionState, TopicNames
from pipeline.settings import KafkaSettings, Settings


class HandOn:
    """A `Stage` that publishes what it reads."""

    state: PartitionState | None = None

    def __init__(self, target: str) -> None:
        self._target = target

    async def process(self, inbound: Inbound) -> Sequence[Outbound]:
        """The same record on the other topic."""
        return [Outbound(topic=self._target, value=inbound.value or b"", key=inbound.key)]


async def ledger(broker: str, source: str, target: str) -> None:
    """As a worker does it: read committed, publish and commit in transactions."""
    settings = Settings(kafka=KafkaSettings(bootstrap_servers=broker))
    stage = HandOn(target)
    trail = AuditTrail(Role.COMPLETER, keyring=Keyring(), topics=TopicNames(""), settings=settings.audit)
    ledgers = Ledgers(f"{source}.relay", stage, settings, trail=trail, max_in_flight=500, metrics=Metrics().of("relay"))
    app = build_app(ledgers.group, [source], settings, ledgers)

    @app.on_rebalance_complete.connect
    async def on_joined(*_: object, **__: object) -> None:
        print("ready", flush=True)

    app.finalize()
    await app.start()
    await asyncio.Event().wait()


async def bare(broker: str, source: str, target: str) -> None:
    """As it is done where nothing must be exact: the consumer commits by itself."""
    consumer = AIOKafkaConsumer(
        source, bootstrap_servers=broker, group_id=f"{source}.bare", auto_offset_reset="earliest"
    )
    producer = AIOKafkaProducer(bootstrap_servers=broker, linger_ms=5, max_batch_size=64 * 1024)
    await consumer.start()
    await producer.start()
    print("ready", flush=True)
    async for record in consumer:
        await producer.send(target, record.value, key=record.key)


if __name__ == "__main__":
    uvloop.run({"ledger": ledger, "bare": bare}[sys.argv[1]](*sys.argv[2:5]))
