"""How every Kafka client of this project is set up, and the topics it makes."""

import asyncio
import contextlib
import ssl
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code
from aiokafka.structs import OffsetAndMetadata

from pipeline.errors import VeilError
from pipeline.settings import KafkaSettings, Settings, WrongSettings
from schemas.codes import ErrorCode
from schemas.topics import HOUR_MS, RECORD_MAX_BYTES, TOPICS, Topic

_STOP_TIMEOUT = 5.0


class BrokerUnreachable(VeilError):
    """No broker answers at the configured address."""

    code = ErrorCode.BROKER_UNREACHABLE


def unreachable(settings: Settings) -> BrokerUnreachable:
    """The fault of a client that could not start, with the address that was tried."""
    return BrokerUnreachable(
        f"no Kafka broker answers at {settings.kafka.bootstrap_servers}; set VEIL__KAFKA__BOOTSTRAP_SERVERS, "
        "or start one in the project's checkout with `python -m infra.broker`"
    )


class OffsetsUnknown(VeilError):
    """The group's coordinator did not say what is committed: it is reading that, or has moved."""

    code = ErrorCode.BROKER_UNREACHABLE
    retryable = True


def client_options(settings: Settings) -> dict[str, Any]:
    """Address and security, for any aiokafka client."""
    kafka = settings.kafka
    options: dict[str, Any] = {
        "bootstrap_servers": kafka.bootstrap_servers,
        "security_protocol": kafka.security_protocol,
        "request_timeout_ms": 10_000,
    }
    if kafka.security_protocol.startswith("SASL"):
        options |= {
            "sasl_mechanism": kafka.sasl_mechanism,
            "sasl_plain_username": kafka.sasl_username,
            "sasl_plain_password": kafka.sasl_password,
        }
    context = ssl_context(kafka)
    if context is not None:
        options["ssl_context"] = context
    return options


def producer_options(settings: Settings) -> dict[str, Any]:
    """For a producer.

    The short backoff is for Kafka 4, which answers a transaction's first produce
    with a retriable error while it verifies the transaction. The large batch is
    because aiokafka has one batch a partition under way: at its default of 16 KiB
    three records would wait for each round trip.
    """
    return client_options(settings) | {
        "acks": "all",
        "linger_ms": 0,
        "retry_backoff_ms": 5,
        "max_batch_size": 1024 * 1024,
        "max_request_size": RECORD_MAX_BYTES,
    }


async def stop_producer(producer: AIOKafkaProducer) -> Exception | None:
    """Stop a transactional producer; gives what went wrong, after which nothing of it is left either.

    A fenced one waits for ever for batches that nobody takes; its task and connections must not stay.
    """
    try:
        await asyncio.wait_for(producer.stop(), _STOP_TIMEOUT)
    except (KafkaError, TimeoutError, OSError) as exc:
        with contextlib.suppress(KafkaError, OSError):
            await producer._sender.close()
            await producer.client.close()
        return exc
    return None


def ssl_context(kafka: KafkaSettings) -> ssl.SSLContext | None:
    """A TLS context where the security protocol asks for one."""
    if not kafka.security_protocol.endswith("SSL"):
        return None
    context = ssl.create_default_context(cafile=kafka.ssl_cafile or None)
    if kafka.ssl_certfile:
        context.load_cert_chain(kafka.ssl_certfile, kafka.ssl_keyfile or None)
    return context


async def open_admin(settings: Settings) -> AIOKafkaAdminClient:
    """A started admin client.

    Raises:
        BrokerUnreachable: with the address that was tried.
    """
    admin = AIOKafkaAdminClient(**client_options(settings))
    try:
        await admin.start()
    except (KafkaError, OSError):
        await admin.close()
        raise unreachable(settings) from None
    return admin


async def committed_offsets(
    admin: AIOKafkaAdminClient, group: str, partitions: Sequence[TopicPartition]
) -> dict[TopicPartition, OffsetAndMetadata | None]:
    """What a group has committed for each of the partitions; None where it has committed nothing.

    Raises:
        OffsetsUnknown: the coordinator gave no answer.
        KafkaError: nor did the broker.
    """
    found = await admin.list_consumer_group_offsets(group, partitions=list(partitions))
    # aiokafka overlooks an error that concerns the whole group, of which the answer has no partitions; one
    # that was asked for and is missing must not pass for one of which nothing was committed.
    if not found.keys() >= set(partitions):
        raise OffsetsUnknown
    return {tp: found[tp] if found[tp].offset >= 0 else None for tp in partitions}


async def create_topics(settings: Settings) -> list[str]:
    """Make the topics that don't exist; returns the names of those made.

    Raises:
        WrongSettings: a tenant's reply topic, which is the tenant's to make, does not exist;
            a result for it could never be published and would hold up all behind it. Or a topic
            that has its partitions in common with another has fewer of them.
    """
    admin = await open_admin(settings)
    try:
        existing = set(await admin.list_topics())
        for topic in _reply_topics(settings):
            if topic not in existing:
                raise WrongSettings(f"reply topic {topic} of tenants.*.reply_topics does not exist; make it first")
        prefix = settings.kafka.topic_prefix
        faults = await _partition_faults(admin, prefix, existing)
        if faults:
            raise WrongSettings(faults[0])
        missing = [topic for topic in TOPICS.values() if topic.name(prefix) not in existing]
        if not missing:
            return []
        counts = await _partitions(admin, [topic.name(prefix) for topic in TOPICS.values()])
        response = await admin.create_topics([_new_topic(topic, settings, counts) for topic in missing])
        made = []
        for name, code, *_ in response.topic_errors:
            error = for_code(code)
            if error is TopicAlreadyExistsError:
                continue
            if code:
                raise VeilError(f"topic {name} was not made: {error.__name__}")
            made.append(name)
        return made
    finally:
        await admin.close()


def _reply_topics(settings: Settings) -> list[str]:
    return sorted({topic for tenant in settings.tenants.values() for topic in tenant.reply_topics})


def _new_topic(topic: Topic, settings: Settings, counts: dict[str, int]) -> NewTopic:
    kafka = settings.kafka
    beside = TOPICS[topic.partitioned_as].name(kafka.topic_prefix) if topic.partitioned_as else ""
    return NewTopic(
        topic.name(kafka.topic_prefix),
        counts.get(beside, kafka.partitions),
        kafka.replication,
        topic_configs=_configs(topic, settings),
    )


def _configs(topic: Topic, settings: Settings) -> dict[str, str]:
    """The topic's configuration; a finished job is kept as long as it is remembered, in segments of an hour or less."""
    if topic.id != "finished":
        return topic.configs()
    window_ms = int(settings.delivery.job_window * 1000)
    return topic.configs() | {
        "retention.ms": str(window_ms),
        "segment.ms": str(max(min(window_ms // 24, HOUR_MS), 10_000)),
    }


async def _partitions(admin: AIOKafkaAdminClient, names: list[str]) -> dict[str, int]:
    """How many partitions the topics have that exist."""
    described = await admin.describe_topics(names)
    return {topic["topic"]: len(topic["partitions"]) for topic in described if not topic["error_code"]}


async def _partition_faults(admin: AIOKafkaAdminClient, prefix: str, existing: set[str]) -> list[str]:
    """Where records of one partition could not go to the partition of the same number of another topic."""
    pairs = [
        (topic.name(prefix), TOPICS[topic.partitioned_as].name(prefix))
        for topic in TOPICS.values()
        if topic.partitioned_as
    ]
    pairs = [pair for pair in pairs if existing.issuperset(pair)]
    counts = await _partitions(admin, [name for pair in pairs for name in pair]) if pairs else {}
    return [
        f"{name} has fewer partitions than {other}: give it as many"
        for name, other in pairs
        if counts.get(name, 0) < counts.get(other, 0)
    ]


async def retention_check_interval_ms(settings: Settings) -> int:
    """How often the brokers look for segments to delete (`log.retention.check.interval.ms`); the longest of them."""
    admin = await open_admin(settings)
    try:
        brokers = (await admin.describe_cluster())["brokers"]
        asked = {"log.retention.check.interval.ms": None}
        resources = [ConfigResource(ConfigResourceType.BROKER, str(broker["node_id"]), asked) for broker in brokers]
        found = []
        for response in await admin.describe_configs(resources):
            for code, _, _, _, entries in response.resources:
                if code:
                    raise for_code(code)
                found += [int(entry[1]) for entry in entries]
        return max(found)
    finally:
        await admin.close()


async def check_topics(settings: Settings) -> list[str]:
    """What differs from the topics the agents need, one line each; empty when nothing does."""
    admin = await open_admin(settings)
    try:
        prefix = settings.kafka.topic_prefix
        existing = set(await admin.list_topics())
        faults = [
            f"{topic.name(prefix)} does not exist: `veil topics create` makes it"
            for topic in TOPICS.values()
            if topic.name(prefix) not in existing
        ]
        faults += await _partition_faults(admin, prefix, existing)
        faults += [f"reply topic {topic} does not exist" for topic in _reply_topics(settings) if topic not in existing]
        found = [topic for topic in TOPICS.values() if topic.name(prefix) in existing]
        if not found:
            return faults
        resources = [ConfigResource(ConfigResourceType.TOPIC, topic.name(prefix)) for topic in found]
        actual: dict[str, dict[str, str]] = {}
        for response in await admin.describe_configs(resources):
            for _, _, _, name, entries in response.resources:
                actual[name] = {entry[0]: entry[1] for entry in entries}
        for topic in found:
            name = topic.name(prefix)
            faults += [
                f"{name}: {key} is {actual.get(name, {}).get(key)}, should be {value}"
                for key, value in _configs(topic, settings).items()
                if actual.get(name, {}).get(key) != value
            ]
        return faults
    finally:
        await admin.close()
