"""The producer's and the result reader's side: seal a job, send it, wait, open the result.

async with Client(settings) as client:
    result = await client.complete(job)
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Any, Self

import msgspec
import structlog
from aiokafka import AIOKafkaProducer, ConsumerRecord
from aiokafka.errors import KafkaError

from pipeline.adapters.database_cache import cached_engine
from pipeline.adapters.kafka import producer_options, unreachable
from pipeline.adapters.live_keyring import LiveKeyring
from pipeline.adapters.reader import TopicReader
from pipeline.awaited import Awaited, JobKey
from pipeline.decoding import TooLarge, decode
from pipeline.detection import Detector, build_detector
from pipeline.errors import VeilError
from pipeline.keys import KeyName, Role, UnknownKey
from pipeline.ports import TopicNames
from pipeline.results import failed_result, open_result, spell_reply_key
from pipeline.settings import Settings
from pipeline.submission import check_ids, record_key, seal_job
from schemas.codes import ErrorCode
from schemas.completion import Failure
from schemas.deadletter import DeadLetter
from schemas.envelope import Envelope
from schemas.job import Endpoint, Job
from schemas.result import Result, Status

log = structlog.get_logger()

_UNCLAIMED_MAX = 10_000


class ResultTimeout(VeilError):
    """No result in time; the job may still end, `results` will show it."""

    code = ErrorCode.NO_RESULT
    retryable = True


class _Place(msgspec.Struct, frozen=True):
    """Where a record of ours lies; a dead letter that cannot name its job names this."""

    topic: str
    partition: int
    offset: int


class Client:
    """Submits jobs and opens their results; holds the `client` keyring.

    Raises on entering:
        KeyUnavailable: the keyring lacks a key of this role.
        BrokerUnreachable: no broker answers.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._topics = TopicNames(settings.kafka.topic_prefix)
        self._keyring = LiveKeyring(settings.keys, Role.CLIENT, time.time)
        self._detector: Detector | None = None
        self._producer: AIOKafkaProducer | None = None
        self._listener: asyncio.Task[None] | None = None
        self._opened: asyncio.Future[None]
        self._awaited = Awaited()
        self._sent: dict[_Place, JobKey] = {}
        self._unclaimed: dict[_Place, DeadLetter] = {}

    async def __aenter__(self) -> Self:
        producer = AIOKafkaProducer(**producer_options(self._settings), enable_idempotence=True)
        try:
            await producer.start()
        except (KafkaError, OSError):
            await producer.stop()
            raise unreachable(self._settings) from None
        self._producer = producer
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.gather(self._listener, return_exceptions=True)
        self._awaited.cancel()
        if self._producer is not None:
            await self._producer.stop()

    @property
    def reply_key(self) -> str:
        """What others are to seal results for us to now; a job without one gets it."""
        return spell_reply_key(self._keyring.receiving_key(KeyName.RESULTS).public_key())

    def job(self, request: dict[str, Any], **fields: Any) -> Job:
        """A job around an OpenAI request body; its id is drawn here unless given.

        Args:
            request: The body as OpenAI's API reference has it.
            **fields: Any other field of `schemas.job.Job`.
        """
        fields.setdefault("job_id", secrets.token_hex(16))
        fields.setdefault("endpoint", Endpoint.CHAT_COMPLETIONS)
        return msgspec.convert({**fields, "request": msgspec.Raw(msgspec.json.encode(request))}, Job, strict=False)

    async def submit(self, job: Job, *, plain: bool = False) -> str:
        """Send a job, sealed unless `plain`; returns its id once the broker has it.

        Raises:
            UnsafeJobId: an id holds something that detection finds.
            TooLarge: the job is over `limits.job_bytes`.
        """
        await self._send(job, plain=plain)
        return job.job_id

    async def complete(self, job: Job, *, plain: bool = False, timeout: float | None = None) -> Result:
        """Submit a job and wait for its end.

        When nothing has come after `client.resubmit_after` seconds the same job is
        submitted again, and again after twice as long: whatever was lost on the way
        is made good, and a job that was not lost is paid once all the same.

        Raises:
            ResultTimeout: nothing came within `timeout` seconds.
        """
        await self._listen()
        places: list[_Place] = []
        try:
            with self._awaited.outcome((job.tenant, job.job_id)) as future:
                async with asyncio.timeout(timeout):
                    return await self._outcome(job, future, places, plain=plain)
        except TimeoutError:
            raise ResultTimeout(f"no result after {timeout:g} s") from None
        finally:
            for place in places:
                self._sent.pop(place, None)

    async def complete_all(
        self,
        jobs: Sequence[Job],
        *,
        plain: bool = False,
        max_in_flight: int = 1000,
        timeout: float | None = None,
    ) -> AsyncIterator[Result]:
        """Submit many jobs and give each one's end as it comes, in no particular order.

        A job without a result within `timeout` seconds is given as failed, `no_result`.

        Raises:
            UnsafeJobId: before anything is sent.
        """
        for job in jobs:
            self._check_ids(job)
        await self._listen()
        slots = asyncio.Semaphore(max_in_flight)

        async def one(job: Job) -> Result:
            async with slots:
                try:
                    return await self.complete(job, plain=plain, timeout=timeout)
                except ResultTimeout as late:
                    failure = Failure(code=late.code, stage="client", detail=late.detail)
                    return failed_result(job.job_id, failure, labels={}, policy_version=None)

        tasks = [asyncio.create_task(one(job)) for job in jobs]
        try:
            for done in asyncio.as_completed(tasks):
                yield await done
        finally:
            for task in tasks:
                task.cancel()

    async def results(self, *, follow: bool = False) -> AsyncIterator[Result]:
        """Each result on the broker that is sealed to one of our keys, once; with `follow`, new ones too.

        A job that failed, was replayed and then completed has a result of each.
        """
        seen: set[tuple[JobKey, Status]] = set()
        async with TopicReader(self._settings, [self._topics["results"]], start="beginning") as reader:
            async for record in reader.records(follow=follow):
                opened = self._open(record)
                if opened is not None and (opened[0], opened[1].status) not in seen:
                    seen.add((opened[0], opened[1].status))
                    yield opened[1]

    async def _outcome(self, job: Job, future: asyncio.Future[Result], places: list[_Place], *, plain: bool) -> Result:
        wait = self._settings.client.resubmit_after or None
        while True:
            place = await self._send(job, plain=plain)
            places.append(place)
            self._sent[place] = (job.tenant, job.job_id)
            early = self._unclaimed.pop(place, None)
            if early is not None:
                self._settle_dead_letter(place, early)
            done, _ = await asyncio.wait([future], timeout=wait)
            # A copy past the job's deadline would be refused, although the first one may have been answered in time.
            if done or wait is None or (job.deadline is not None and time.time() > job.deadline):
                return await future
            wait *= 2
            log.info("job.resubmitted", job_id=job.job_id, attempts=len(places) + 1)

    async def _send(self, job: Job, *, plain: bool) -> _Place:
        if self._producer is None:
            raise RuntimeError("use Client as an async context manager")
        if job.reply_key is None:
            job = msgspec.structs.replace(job, reply_key=self.reply_key)
        data = msgspec.json.encode(job)
        limit = self._settings.limits.job_bytes
        if len(data) > limit:
            raise TooLarge(f"the job has {len(data)} bytes; limits.job_bytes allows {limit}")
        self._check_ids(job)
        topic, value = (self._topics["plain"], data) if plain else (self._topics["jobs"], self._seal(job, data))
        key = record_key(job.tenant, job.conversation or job.job_id, self._keyring)
        sent = await self._producer.send_and_wait(topic, value, key=key)
        return _Place(sent.topic, sent.partition, sent.offset)

    def _seal(self, job: Job, data: bytes) -> bytes:
        return seal_job(job, data, self._keyring)

    def _check_ids(self, job: Job) -> None:
        if self._detector is None:
            self._detector = build_detector(names=False, engine=cached_engine())
        check_ids((job.job_id, job.tenant, job.conversation), self._detector)

    async def _listen(self) -> None:
        """Read results from now on in the background; returns to every caller once that is so."""
        if self._listener is None or self._listener.done():
            self._opened = asyncio.get_running_loop().create_future()
            self._listener = asyncio.create_task(self._read_outcomes(self._opened))
            self._listener.add_done_callback(self._fail_waiting)
        listener, opened = self._listener, self._opened
        await asyncio.wait((listener, opened), return_when=asyncio.FIRST_COMPLETED)
        if not opened.done():
            listener.result()

    def _fail_waiting(self, listener: asyncio.Task[None]) -> None:
        """Nobody may wait for a listener that has died."""
        fault = None if listener.cancelled() else listener.exception()
        if fault is not None:
            self._awaited.fail(fault)

    async def _read_outcomes(self, opened: asyncio.Future[None]) -> None:
        topics = [self._topics["results"], self._topics["dead_letters"]]
        async with TopicReader(self._settings, topics, start="end") as reader:
            opened.set_result(None)
            async for record in reader.records(follow=True):
                self._dispatch(record)

    def _dispatch(self, record: ConsumerRecord) -> None:
        if record.topic == self._topics["results"]:
            opened = self._open(record)
            if opened is not None:
                self._awaited.settle(*opened)
            return
        try:
            letter = decode(record.value, DeadLetter)
        except VeilError:
            return
        # A letter that names its job is followed by a sealed result; one that cannot, is not.
        if letter.job_id is None:
            place = _Place(letter.origin.topic, letter.origin.partition, letter.origin.offset)
            if place in self._sent:
                self._settle_dead_letter(place, letter)
            else:
                # Kept for a job whose place is not known here yet; most are other producers', so the oldest go.
                self._unclaimed[place] = letter
                if len(self._unclaimed) > _UNCLAIMED_MAX:
                    del self._unclaimed[next(iter(self._unclaimed))]

    def _settle_dead_letter(self, place: _Place, letter: DeadLetter) -> None:
        tenant, job_id = self._sent.pop(place)
        failure = Failure(code=letter.code, stage=letter.stage, detail=letter.detail)
        self._awaited.settle((tenant, job_id), failed_result(job_id, failure, labels={}, policy_version=None))

    def _open(self, record: ConsumerRecord) -> tuple[JobKey, Result] | None:
        """A result for one of our keys; others' are not ours to read."""
        try:
            envelope = decode(record.value, Envelope)
            key = self._keyring.opening_key(KeyName.RESULTS, envelope.sealed.key_id)
            return (envelope.tenant, envelope.job_id), open_result(envelope, key)
        except UnknownKey:
            return None
        except VeilError as error:
            log.warning(
                "result.unreadable",
                code=error.code.value,
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
            )
            return None
