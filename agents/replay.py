"""`veil dlq replay`: submits the jobs of dead letters again, each job once.

A job and the note that its letter was replayed (`schemas.deadletter.Replayed`) are
published in one transaction, so that a crash leaves both or neither. Of several letters
of one job the newest is replayed, and the same transaction notes the others. The transactional
id is one for the deployment: who begins a replay fences whoever was at it, and only
then reads which letters have been replayed.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import asynccontextmanager

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import InvalidProducerEpoch, KafkaError, ProducerFenced

from agents.dead_letters import Found, Wanted, newest_of_each_job, open_letters, read_letters, survey
from pipeline.adapters.database_cache import cached_engine
from pipeline.adapters.kafka import BrokerUnreachable, producer_options, stop_producer, unreachable
from pipeline.adapters.live_keyring import LiveKeyring
from pipeline.adapters.reader import TopicReader
from pipeline.decoding import decode
from pipeline.detection import build_detector
from pipeline.errors import VeilError
from pipeline.keys import Role
from pipeline.ports import TopicNames
from pipeline.replaying import Again, submit_again
from pipeline.settings import Settings
from schemas.audit import AuditEvent, Decision, Origin
from schemas.deadletter import Replayed

_BATCH_LETTERS, _BATCH_BYTES = 100, 4 * 1024 * 1024
"""Of one transaction."""


class ReplayTakenOver(VeilError):
    """Somebody else has begun a replay; what was not published by then is theirs to do."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one letter: submitted again (`again`), passed over (`skipped`), or not possible (`error`).

    `others`: the job's other letters, which count as replayed with this one.
    """

    found: Found
    again: Again | None = None
    others: Sequence[Found] = ()
    skipped: str | None = None
    error: VeilError | None = None


async def replay(settings: Settings, wanted: Wanted, *, dry_run: bool) -> AsyncIterator[Outcome]:
    """Replay the letters that are meant and tell of each; with `dry_run` nothing is published.

    Raises:
        ReplayTakenOver: another replay has begun meanwhile.
        BrokerUnreachable: no broker answers.
    """
    keys = LiveKeyring(settings.keys, Role.OPERATOR, time.time)
    detector = build_detector(names=False, engine=cached_engine())
    async with _publisher(settings, dry_run=dry_run) as publish:
        overview = await survey(settings, wanted)
        left = {found.at: found for found in overview.letters if found.at not in overview.replayed}
        for found in overview.letters:
            if found.at in overview.replayed:
                yield Outcome(found=found, skipped="replayed already")
        done = await _completed_since(settings, list(left.values()))
        for at in done:
            yield Outcome(found=left.pop(at), skipped="the job has completed since")
        newest = newest_of_each_job(left.values())
        batch: list[Outcome] = []
        async for found in _contents(settings, newest):
            bare, others = left[found.at], newest[found.at]
            try:
                again = submit_again(found.letter, keys, detector=detector, now=time.time())
            except VeilError as error:
                yield Outcome(found=bare, error=error)
                for twin in others:
                    yield Outcome(found=twin, skipped="another letter of the job cannot be replayed")
                continue
            batch.append(Outcome(found=bare, again=again, others=others))
            if len(batch) >= _BATCH_LETTERS or sum(_size(outcome) for outcome in batch) >= _BATCH_BYTES:
                await publish(batch)
                for outcome in _told(batch):
                    yield outcome
                batch.clear()
        if batch:
            await publish(batch)
            for outcome in _told(batch):
                yield outcome


def _told(batch: Sequence[Outcome]) -> Iterator[Outcome]:
    """What was published, letter by letter."""
    for outcome in batch:
        yield outcome
        for twin in outcome.others:
            yield Outcome(found=twin, skipped="another letter of the job is replayed")


async def _contents(settings: Settings, wanted: Collection[Origin]) -> AsyncIterator[Found]:
    """The letters once more, whole."""
    if not wanted:
        return
    async with open_letters(settings) as reader:
        async for found in read_letters(reader):
            if isinstance(found, Found) and found.at in wanted:
                yield found


async def _completed_since(settings: Settings, letters: Sequence[Found]) -> set[Origin]:
    """Letters whose job, submitted again by somebody, was restored after the letter was written."""
    jobs = {_job(found) for found in letters if found.letter.job_id is not None}
    if not jobs:
        return set()
    restored: dict[tuple[str | None, str | None], float] = {}
    earliest = min(found.letter.at for found in letters)
    topic = TopicNames(settings.kafka.topic_prefix)["audit"]
    async with TopicReader(settings, [topic], start=earliest, whole=True) as reader:
        async for record in reader.records():
            try:
                event = decode(record.value, AuditEvent)
            except VeilError:
                continue
            job = (event.tenant, event.job_id)
            if event.decision is Decision.RESTORED and job in jobs:
                restored[job] = max(event.at, restored.get(job, 0.0))
    return {found.at for found in letters if restored.get(_job(found), 0.0) > found.letter.at}


def _job(found: Found) -> tuple[str | None, str | None]:
    return found.letter.tenant, found.letter.job_id


@asynccontextmanager
async def _publisher(
    settings: Settings, *, dry_run: bool
) -> AsyncIterator[Callable[[Sequence[Outcome]], Awaitable[None]]]:
    """Publishes jobs and their notes in one transaction; a dry run publishes nothing and fences nobody."""
    if dry_run:
        yield _publish_nothing
        return
    topics = TopicNames(settings.kafka.topic_prefix)
    producer = AIOKafkaProducer(**producer_options(settings), transactional_id=f"{topics.prefix}replay")

    async def publish(batch: Sequence[Outcome]) -> None:
        now = time.time()
        async with producer.transaction():
            sends = []
            for outcome in batch:
                if outcome.again is None:
                    continue
                sends.append(await producer.send(topics["jobs"], outcome.again.value, key=outcome.again.key))
                for found in (outcome.found, *outcome.others):
                    note = msgspec.json.encode(Replayed(letter=found.at, at=now))
                    sends.append(await producer.send(found.at.topic, note, partition=found.at.partition))
            # aiokafka would commit although one of them was refused.
            await asyncio.gather(*sends)

    try:
        await producer.start()
    except (KafkaError, OSError):
        await stop_producer(producer)
        raise unreachable(settings) from None
    try:
        yield publish
    except (ProducerFenced, InvalidProducerEpoch):
        raise ReplayTakenOver("another replay has begun; this one has stopped, what it had published stays") from None
    except (KafkaError, OSError) as exc:
        raise BrokerUnreachable(
            f"replaying stopped ({type(exc).__name__}); run it again: what was replayed is not replayed twice"
        ) from None
    finally:
        await stop_producer(producer)


async def _publish_nothing(_: Sequence[Outcome]) -> None:
    pass


def _size(outcome: Outcome) -> int:
    return len(outcome.again.value) if outcome.again is not None else 0
