"""A job id is done once: a copy of a job is answered by what became of the first one.

A copy that comes while the first is under way waits for it; one that comes later,
within the window, gets the stored answer. What is remembered is what was committed,
and it is rebuilt from the topic of finished jobs, so that no worker or disk is
needed for it.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import aclosing, asynccontextmanager

import msgspec
import structlog

from pipeline.errors import VeilError
from pipeline.finished import FinishedIndex, body_key, job_key
from pipeline.ports import Answer, FinishedStore, Headers, Outbound, TopicNames
from pipeline.stages.boundary import Case, DeadlinePassed, publish
from schemas.audit import Decision
from schemas.codes import ErrorCode
from schemas.finished import Finished
from schemas.redacted import JobDigest, RedactedRequest

log = structlog.get_logger()

BODY_HEADER = "body"


class JobIdConflict(VeilError):
    """The tenant's job id is taken by a job that asks for something else."""

    code = ErrorCode.JOB_ID_CONFLICT


class _Asked(msgspec.Struct, frozen=True):
    """What a job asks for, as far as the completer can tell."""

    job_digest: JobDigest
    request_sha256: str


class _Claim:
    """One job under way, and afterwards its outcome: until its record is committed where there is an answer.

    An outcome of `None` says nothing of the job: its worker was told to stop, or has a fault.
    """

    def __init__(self, asked: _Asked) -> None:
        self.asked = asked
        self.outcome: asyncio.Future[Answer | VeilError | None] = asyncio.get_running_loop().create_future()


class Turn:
    """One job's turn. `answer` is an earlier one's where there is one; else the caller makes it and says so."""

    def __init__(self, asked: _Asked, decision: Decision = Decision.COMPLETED, answer: Answer | None = None) -> None:
        self.asked = asked
        self.decision = decision
        self.answer = answer
        self.made: Answer | None = None


class Once:
    """The finished jobs of the partitions held now, and those under way. A `PartitionState`.

    What is known of a partition stays through a rebalance until that has given it to another worker,
    so that whoever gets it back reads only what was written meanwhile.

    Args:
        store: Where the records of finished jobs lie.
        topics: The topics' names.
        window: Seconds for which a finished job is remembered.
        reuse_identical: Also answer a job from another job's equal request.
        clock: Unix time.
    """

    def __init__(
        self,
        store: FinishedStore,
        topics: TopicNames,
        *,
        window: float,
        reuse_identical: bool,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._topic = topics["finished"]
        self._window = window
        self._reuse_identical = reuse_identical
        self._clock = clock
        self._indexes: dict[int, FinishedIndex] = {}
        self._claims: dict[int, dict[bytes, _Claim]] = {}

    async def load(self, partition: int) -> None:
        """Read what is committed and not known yet; nothing else writes to the partition any more."""
        start = self._clock()
        index = self._indexes.get(partition, FinishedIndex(self._window))
        count = await self._read_on(partition, index)
        if count is None:
            index = FinishedIndex(self._window)
            count = await self._read_on(partition, index)
        self._indexes[partition] = index
        claims = self._claims.get(partition, {})
        for key in [key for key, claim in claims.items() if claim.outcome.done() and index.find(key) is not None]:
            # Its commit was thought to have failed, or another owner was faster.
            del claims[key]
        log.info(
            "finished.loaded",
            topic=self._topic,
            partition=partition,
            count=count,
            total=len(index),
            duration_s=round(self._clock() - start, 3),
        )

    async def _read_on(self, partition: int, index: FinishedIndex) -> int | None:
        """Add what follows the newest record that the index knows; gives how many records that is.

        None: that record is not where it was. Retention or compaction took it, or the topic was cut short or
        made anew, and then no offset means anything.
        """
        newest, count = index.newest, 0
        first = 0 if newest is None else newest[1]
        async with aclosing(self._store.entries(partition, self._clock() - self._window, first)) as entries:
            async for entry in entries:
                if newest is None:
                    self._remember(index, entry.key, entry.headers, entry.offset, entry.at)
                    count += 1
                elif newest == (entry.key, entry.offset):
                    newest = None
                else:
                    return None
        return count if newest is None else None

    def committed(self, partition: int, records: Sequence[tuple[Outbound, int]]) -> None:
        """Remember the jobs whose records are committed, at these offsets."""
        index, claims = self._indexes.get(partition), self._claims.get(partition, {})
        if index is None:
            return
        for record, offset in records:
            if record.topic != self._topic or record.key is None:
                continue
            self._remember(index, record.key, record.headers, offset, self._clock())
            _let_go(claims, record.key)

    def discarded(self, partition: int, records: Sequence[Outbound]) -> None:
        """Let go of jobs that ended here but were committed otherwise: what is remembered is what was committed."""
        claims = self._claims.get(partition, {})
        for record in records:
            if record.topic == self._topic and record.key is not None:
                _let_go(claims, record.key)

    def drop(self, partition: int) -> None:
        """Forget what is under way; what is committed would be read again if the partition came back."""
        self._claims.pop(partition, None)

    def keep_only(self, partitions: Collection[int]) -> None:
        """Forget the partitions that are another worker's now."""
        for partition in self._indexes.keys() - set(partitions):
            del self._indexes[partition]

    def record(
        self, request: RedactedRequest, answer: Answer, turn: Turn, partition: int, completed_at: float
    ) -> list[Outbound]:
        """The state record of a job that ends with this answer; a repeated one has it already."""
        if turn.decision is Decision.REPEATED:
            return []
        finished = Finished(
            job_digest=turn.asked.job_digest,
            request_sha256=turn.asked.request_sha256,
            response=answer.body,
            completed_at=completed_at,
            usage=answer.usage,
            openai_request_id=answer.request_id,
        )
        outbound = publish(self._topic, job_key(request.tenant, request.job_id), finished)
        headers: Headers = ()
        if turn.decision is Decision.COMPLETED:
            # A reused answer is not offered again as the newest: it would live for ever.
            headers = ((BODY_HEADER, body_key(request.tenant, request.endpoint, request.body)),)
        return [msgspec.structs.replace(outbound, partition=partition, headers=headers)]

    @asynccontextmanager
    async def turn(self, request: RedactedRequest, case: Case) -> AsyncIterator[Turn]:
        """Wait for an earlier copy under way, then say whether there is an answer already.

        Raises:
            JobIdConflict: the id has an answer, to another request.
            VeilError: what an earlier copy, which this one waited for, failed with.
        """
        partition, key, asked = case.inbound.partition, job_key(request.tenant, request.job_id), _asked(request)
        claims = self._claims.setdefault(partition, {})
        earlier = await self._earlier(claims, key, asked, request.deadline, case)
        if earlier is not None:
            yield Turn(asked, Decision.REPEATED, earlier)
            return
        claim = claims[key] = _Claim(asked)
        outcome: Answer | VeilError | None = None
        made = False
        try:
            turn = await self._stored(partition, key, asked, request)
            yield turn
            outcome, made = turn.made, turn.decision is not Decision.REPEATED
        except VeilError as error:
            # Its own deadline is nobody else's.
            outcome = None if error.code is ErrorCode.DEADLINE_PASSED else error
            raise
        finally:
            if not made and claims.get(key) is claim:
                del claims[key]
            claim.outcome.set_result(outcome)

    async def _earlier(
        self, claims: dict[bytes, _Claim], key: bytes, asked: _Asked, deadline: float | None, case: Case
    ) -> Answer | None:
        """An earlier copy's answer; waits while one is under way.

        No deadlock: the copy waited for has its slot already, and itself waits for none.
        """
        while (claim := claims.get(key)) is not None:
            try:
                async with asyncio.timeout(None if deadline is None else max(deadline - case.clock(), 0.0)):
                    outcome = await asyncio.shield(claim.outcome)
            except TimeoutError:
                raise DeadlinePassed from None
            if isinstance(outcome, Answer):
                return msgspec.structs.replace(outcome, attempts=0) if _repeats(asked, claim.asked) else None
            if outcome is not None and claim.asked == asked:
                raise outcome
        return None

    async def _stored(self, partition: int, key: bytes, asked: _Asked, request: RedactedRequest) -> Turn:
        found = await self._fetch(partition, key)
        if found is not None and _repeats(asked, _Asked(found.job_digest, found.request_sha256)):
            return Turn(asked, Decision.REPEATED, _answer(found))
        if self._reuse_identical:
            found = await self._fetch(partition, body_key(request.tenant, request.endpoint, request.body))
            if found is not None and found.request_sha256 == asked.request_sha256:
                return Turn(asked, Decision.REUSED, _answer(found))
        return Turn(asked)

    async def _fetch(self, partition: int, key: bytes) -> Finished | None:
        index = self._indexes.get(partition)
        offset = index.find(key) if index is not None else None
        if offset is None:
            return None
        found = await self._store.fetch(partition, offset)
        if found is None or found.completed_at < self._clock() - self._window:
            return None
        return found

    def _remember(self, index: FinishedIndex, key: bytes, headers: Headers, offset: int, at: float) -> None:
        index.add(key, offset, at)
        index.newest = (key, offset)
        if self._reuse_identical:
            for name, value in headers:
                if name == BODY_HEADER:
                    index.add(value, offset, at)


def _let_go(claims: dict[bytes, _Claim], key: bytes) -> None:
    """Drop the claim of a job that has ended; a copy of it may be under way again."""
    claim = claims.get(key)
    if claim is not None and claim.outcome.done():
        del claims[key]


def _asked(request: RedactedRequest) -> _Asked:
    return _Asked(request.job_digest, hashlib.sha256(request.body).hexdigest())


def _repeats(asked: _Asked, known: _Asked) -> bool:
    """Whether the known answer is this job's too; if the job was only redacted otherwise, it is not.

    Digests under different scope keys say nothing: the job is done again.

    Raises:
        JobIdConflict: they are of different requests.
    """
    if asked.job_digest.key_id != known.job_digest.key_id:
        return False
    if asked.job_digest != known.job_digest:
        raise JobIdConflict
    return asked.request_sha256 == known.request_sha256


def _answer(found: Finished) -> Answer:
    return Answer(body=found.response, attempts=0, request_id=found.openai_request_id, usage=found.usage)
