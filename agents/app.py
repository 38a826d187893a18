"""One Faust app a role: it reads and hands out events; acknowledging is the ledger's alone.

Every setting here was measured (docs/decisions/0001-offset-ledger.md): Faust's own
tracker loses events that finish out of order, so no event is ever acknowledged to it.
"""

import asyncio
from collections.abc import Iterable
from typing import Any, cast

import faust
from aiokafka import AIOKafkaConsumer, TopicPartition
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from agents.batches import guard_consumers
from agents.continuity import NothingRead, read_to, trace_consumers
from agents.ledgers import Ledgers
from pipeline.adapters.kafka import client_options, ssl_context
from pipeline.ports import Headers, Inbound
from pipeline.settings import KafkaSettings, Settings

_FETCH_BYTES = 1024 * 1024
_FETCH_RECORDS = 500
_LONG_POLL = 7 * 24 * 3600.0
"""Seconds without a fetch after which a consumer counts as stuck: back-pressure may last long."""

_LOOK_BACK = 5.0
"""Seconds between two looks for records that were read and never came."""

_LONG = 1e9
"""Seconds; switches off a Faust warning about commits, which it never makes here."""


class _ConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust reads uncommitted records unless it is in its exactly-once mode."""

    def _create_worker_consumer(self, transport: Any) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"
        return consumer


class _Consumer(driver.Consumer):
    """Fetches only while the ledgers have room.

    Faust's own `pause_partitions` drops records that were fetched and not yet handed out, and its
    stream buffer counts events, however large. Heartbeats go on meanwhile, from a thread of their own.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._read_offset = NothingRead()

    async def _getmany(self, active_partitions: Any, timeout: float) -> Any:
        ledgers = cast(RoleApp, self.app).ledgers
        if not await ledgers.has_room(timeout):
            return {}
        records = await super()._getmany(active_partitions, timeout)
        ledgers.arriving(sum(map(len, records.values())))
        return records

    def _new_consumer_thread(self) -> _ConsumerThread:
        return _ConsumerThread(self, loop=self.loop, beacon=self.beacon)


class _Transport(driver.Transport):
    Consumer = _Consumer


class _Source:
    """The app's consumer, as the ledgers see it; first offsets are asked for past its thread, which may be waiting."""

    def __init__(self, app: "RoleApp", settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._asking = asyncio.Lock()
        self._asker: AIOKafkaConsumer | None = None

    async def earliest(self, tp: TopicPartition) -> int:
        async with self._asking:
            if self._asker is None:
                asker = AIOKafkaConsumer(**client_options(self._settings))
                try:
                    await asker.start()
                except BaseException:
                    await asker.stop()
                    raise
                self._asker = asker
            return int((await self._asker.beginning_offsets([tp]))[tp])

    async def rewind(self, tp: TopicPartition, offset: int) -> None:
        await self._app.consumer.seek_wait({TP(*tp): offset})

    def read_to(self, tp: TopicPartition) -> int | None:
        consumer = cast(Any, self._app.consumer)._thread._consumer
        return None if consumer is None else read_to(consumer, tp)

    async def close(self) -> None:
        if self._asker is not None:
            await self._asker.stop()


class RoleApp(faust.App):
    """A Faust app that drains its ledgers before it stops.

    The drain is in `stop`, not `on_stop`: there `should_stop` is already set, and a
    rebalance during the drain would skip the revoke hooks and move partitions away.
    """

    ledgers: Ledgers
    source: _Source

    def _new_transport(self) -> _Transport:
        return _Transport(self.conf.broker_consumer, self, loop=self.loop)

    async def stop(self) -> None:
        if not self.should_stop:
            await self.ledgers.drain(None)
            await self.source.close()
        await super().stop()


def build_app(name: str, topics: list[str], settings: Settings, ledgers: Ledgers) -> RoleApp:
    """An app that admits every record of `topics` to `ledgers`.

    Args:
        name: The consumer group: one a role, so that roles scale apart.
        topics: What it reads; the topics must exist.
        settings: Broker, security and timeouts.
        ledgers: Where the work is done and acknowledged.
    """
    guard_consumers()
    trace_consumers()
    kafka = settings.kafka
    app = RoleApp(
        name,
        broker=[f"kafka://{server.strip()}" for server in kafka.bootstrap_servers.split(",")],
        broker_credentials=_credentials(kafka),
        datadir=str(settings.state.dir / name),
        store="memory://",
        key_serializer="raw",
        value_serializer="raw",
        autodiscover=False,
        loop=asyncio.get_running_loop(),
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        stream_wait_empty=False,
        consumer_auto_offset_reset="earliest",
        # A larger record comes alone (KIP-74).
        consumer_max_fetch_size=_FETCH_BYTES,
        broker_max_poll_records=_FETCH_RECORDS,
        broker_max_poll_interval=_LONG_POLL,
        consumer_metadata_max_age_ms=5000,
        broker_session_timeout=kafka.session_timeout,
        broker_heartbeat_interval=min(kafka.heartbeat_interval, kafka.session_timeout / 3),
        broker_rebalance_timeout=max(kafka.request_timeout, settings.delivery.drain_deadline * 2),
        broker_request_timeout=max(kafka.request_timeout, kafka.session_timeout + 5),
        broker_commit_livelock_soft_timeout=_LONG,
    )
    app.ledgers = ledgers
    app.source = _Source(app, settings)
    ledgers.read_from(app.source)
    source = app.topic(*topics, key_type=bytes, value_type=bytes)

    @app.agent(source, name=name)
    async def on_record(stream: Any) -> None:
        async for event in cast("faust.Stream[bytes]", stream).noack().events():
            message = event.message
            if message.generation_id == app.consumer_generation_id:
                # Where records come from, they are marked with what was given before them.
                await ledgers.admit(_inbound(message), since=message.checksum)

    app.timer(interval=_LOOK_BACK)(ledgers.look_back)

    @app.on_partitions_assigned.connect
    async def on_assigned(*args: Any, **_: Any) -> None:
        ledgers.assign(_partitions(args[-1]))

    @app.on_partitions_revoked.connect
    async def on_revoked(*args: Any, **_: Any) -> None:
        await ledgers.drain(_partitions(args[-1]))

    return app


def _partitions(tps: Iterable[Any]) -> list[TopicPartition]:
    """Faust's partitions (the hooks' last argument) as aiokafka's."""
    return [TopicPartition(tp.topic, tp.partition) for tp in tps]


def _inbound(message: Any) -> Inbound:
    return Inbound(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        key=message.key,
        value=message.value,
        # A producer may write any timestamp, also one before 1970, which no schema downstream takes.
        timestamp=max(message.timestamp or 0.0, 0.0),
        headers=_headers(message.headers),
    )


def _headers(found: Any) -> Headers:
    """Faust gives a mapping, a list of pairs, or nothing."""
    pairs = found.items() if isinstance(found, dict) else found or ()
    return tuple((name, value) for name, value in pairs if isinstance(value, bytes))


def _credentials(kafka: KafkaSettings) -> Any:
    """Faust's spelling of the broker's security."""
    context = ssl_context(kafka)
    if kafka.security_protocol.startswith("SASL"):
        return faust.SASLCredentials(
            username=kafka.sasl_username,
            password=kafka.sasl_password,
            mechanism=kafka.sasl_mechanism,
            ssl_context=context,
        )
    return faust.SSLCredentials(context=context) if context is not None else None
