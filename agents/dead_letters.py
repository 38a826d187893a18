"""Finding dead letters on their topic: by code, tenant, time, job or place, and whether they were replayed."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence

import msgspec
import structlog

from pipeline.adapters.reader import TopicReader
from pipeline.decoding import WrongSchema, decode
from pipeline.errors import VeilError
from pipeline.ports import TopicNames
from pipeline.settings import Settings
from schemas.audit import Origin
from schemas.codes import ErrorCode
from schemas.deadletter import DeadLetter, Replayed

log = structlog.get_logger()


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which letters somebody means; what is None is not asked for. Times in Unix seconds, `until` exclusive."""

    code: str | None = None
    tenant: str | None = None
    job_id: str | None = None
    since: float | None = None
    until: float | None = None
    places: frozenset[str] = frozenset()

    @property
    def everything(self) -> bool:
        """Nothing is asked for, so that every letter is meant."""
        return self == Wanted()

    def matches(self, letter: DeadLetter) -> bool:
        """Whether the letter is meant."""
        return (
            self.code in {None, letter.code}
            and self.tenant in {None, letter.tenant}
            and self.job_id in {None, letter.job_id}
            and (self.since is None or letter.at >= self.since)
            and (self.until is None or letter.at < self.until)
            and (not self.places or place_of(letter.origin) in self.places)
        )


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A letter and where it lies itself."""

    at: Origin
    letter: DeadLetter


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """The letters that were meant, without their contents, and when which letter was replayed."""

    letters: Sequence[Found]
    replayed: dict[Origin, float]


def open_letters(settings: Settings) -> TopicReader:
    """A reader of the dead-letter topic as it is now."""
    topic = TopicNames(settings.kafka.topic_prefix)["dead_letters"]
    return TopicReader(settings, [topic], start="beginning", whole=True)


async def read_letters(reader: TopicReader) -> AsyncIterator[Found | Replayed]:
    """Everything on the dead-letter topic, in each partition's order; what is neither is logged and skipped."""
    async for record in reader.records():
        at = Origin(topic=record.topic, partition=record.partition, offset=record.offset)
        try:
            yield _decode(record.value, at)
        except VeilError as error:
            log.warning(
                "letter.unreadable",
                code=error.code.value,
                topic=at.topic,
                partition=at.partition,
                offset=at.offset,
            )


async def survey(settings: Settings, wanted: Wanted) -> Overview:
    """Find the letters that are meant; their contents are left out, for there may be many."""
    letters: list[Found] = []
    replayed: dict[Origin, float] = {}
    async with open_letters(settings) as reader:
        async for found in read_letters(reader):
            if isinstance(found, Replayed):
                replayed[found.letter] = found.at
            elif wanted.matches(found.letter):
                bare = msgspec.structs.replace(found.letter, redacted=None, original=None)
                letters.append(Found(at=found.at, letter=bare))
    return Overview(letters=letters, replayed=replayed)


def newest_of_each_job(letters: Iterable[Found]) -> dict[Origin, list[Found]]:
    """Where the newest letter of each job lies, and the job's other letters, oldest first.

    A job has several when copies of it were submitted, or when it was replayed in vain. The newest is
    the one to replay: it has the requester's latest reply key and deadline, and its original is sealed
    to the latest replay key. One that came without its original is the newest only where all are
    like that. A letter that names no job is by itself; a `job_id_conflict` is not
    about the job that has the id but about another, under the same id.
    """
    jobs: dict[tuple[str | None, str | None, bool, Origin | None], list[Found]] = defaultdict(list)
    for found in letters:
        letter = found.letter
        alone = found.at if letter.job_id is None else None
        jobs[letter.tenant, letter.job_id, letter.code is ErrorCode.JOB_ID_CONFLICT, alone].append(found)
    newest = {}
    for twins in jobs.values():
        *others, last = sorted(twins, key=_rank)
        newest[last.at] = others
    return newest


def _rank(found: Found) -> tuple[bool, float, int, int]:
    # The digest stands in a letter in the original's place, and a survey's letters have lost their originals.
    return found.letter.sha256 is None, found.letter.at, found.at.partition, found.at.offset


def place_of(origin: Origin) -> str:
    """A record's place as it is shown and asked for: TOPIC/PARTITION/OFFSET."""
    return f"{origin.topic}/{origin.partition}/{origin.offset}"


def _decode(value: bytes | None, at: Origin) -> Found | Replayed:
    try:
        return Found(at=at, letter=decode(value, DeadLetter))
    except WrongSchema:
        return decode(value, Replayed)
