"""Records that are no job, between good ones, on every topic that a role reads."""

import itertools
from collections.abc import Iterator
from typing import Any

import msgspec
from aiokafka import AIOKafkaProducer

from pipeline.adapters.kafka import client_options
from pipeline.ports import TopicNames
from schemas.audit import Origin
from schemas.envelope import Envelope
from schemas.topics import TopicId
from tests.chaos.fault import Fault
from tests.chaos.outcomes import place
from tests.chaos.system import System
from tests.integration.sweep_scenario import poison as malformed_jobs

_TOPICS: tuple[TopicId, ...] = ("jobs", "redacted", "completions")
_RECORDS = 150


async def poison_records(system: System) -> None:
    """150 records that are malformed, sealed to an unknown key, tampered with, or of another place."""
    topics = TopicNames(system.settings.kafka.topic_prefix)
    values = itertools.islice(itertools.cycle(_poison(system)), _RECORDS)
    async with AIOKafkaProducer(**client_options(system.settings)) as producer:
        for number, value in enumerate(values):
            # What is malformed for one role is so for the next; seals are the redactor's alone to open.
            topic = _TOPICS[number % len(_TOPICS)] if value is None or value[:1] != b"{" else "jobs"
            sent = await producer.send_and_wait(topics[topic], value, key=b"poison")
            system.poison.add(place(Origin(topic=sent.topic, partition=sent.partition, offset=sent.offset)))
    system.say(f"{len(system.poison)} records of poison are out")


def _poison(system: System) -> Iterator[bytes | None]:
    good = next(iter(system.load.jobs.values()))
    yield None
    yield from (b"", b"\xff\xfe\x00", b"[" * 500, b'"' + b"x" * 1000)
    for data in malformed_jobs(system.canaries):
        yield system.client._seal(good, data)
    envelope = msgspec.json.decode(system.client._seal(good, msgspec.json.encode(good)), type=Envelope)
    sealed = envelope.sealed
    bent = sealed.ciphertext[:-1] + bytes([sealed.ciphertext[-1] ^ 1])
    changes: tuple[dict[str, Any], ...] = (
        {"sealed": msgspec.structs.replace(sealed, ciphertext=bent)},
        {"sealed": msgspec.structs.replace(sealed, key_id="0" * 16)},
        {"tenant": "other"},
        {"job_id": "other"},
        {"binding": "0" * 64},
    )
    for change in changes:
        yield msgspec.json.encode(msgspec.structs.replace(envelope, **change))


FAULTS = (Fault(name="poison", inject=poison_records, short=True),)
