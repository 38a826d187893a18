"""The completer: verifies the attestation and sends exactly the attested bytes to OpenAI.

It holds no private key, sees no raw text and no vault. What it cannot verify it
does not send.
"""

import hashlib
from collections.abc import Sequence

import msgspec

from pipeline.attestation import AttestationExpired, verify
from pipeline.decoding import decode
from pipeline.disclosure import Disclosing, Service
from pipeline.errors import VeilError
from pipeline.keys import KeyName, Keys
from pipeline.ports import LLM, Answer, CallFailed, Inbound, Outbound, TopicNames
from pipeline.second_try import lost_share
from pipeline.stages.boundary import Case, DeadlinePassed, check_sizes, publish
from pipeline.stages.once import Once, Turn
from schemas.audit import AuditEvent
from schemas.completion import Completion, Failure, Usage
from schemas.redacted import RedactedRequest, SecondTry


class CompleterWork:
    """One redacted request in, one completion out."""

    stage = "completer"

    def __init__(self, *, keyring: Keys, topics: TopicNames, llm: LLM, once: Once, service: Service) -> None:
        self._keyring = keyring
        self._topics = topics
        self._llm = llm
        self._service = service
        self._once = once

    async def work(self, inbound: Inbound, case: Case) -> Sequence[Outbound]:
        """Verify, send unless there is an answer already, hand on."""
        request = decode(inbound.value, RedactedRequest)
        case.job_id, case.tenant, case.endpoint = request.job_id, request.tenant, request.endpoint
        key = self._keyring.verifying_key(KeyName.ATTESTATION, request.attestation.key_id)
        try:
            verify(request, key, now=case.now)
        except AttestationExpired:
            self._trust(request, case)
            raise
        self._trust(request, case)
        if request.deadline is not None and case.now > request.deadline:
            raise DeadlinePassed
        case.attempts = 0
        async with self._once.turn(request, case) as turn:
            answer = turn.answer or await self._call(request, case)
            records = self._records(request, answer, turn, case)
            # Refused here, the job also ends for those that wait for its answer.
            check_sizes(records)
            turn.made = answer
        return records

    async def _call(self, request: RedactedRequest, case: Case) -> Answer:
        """Call OpenAI, and note that it was called, however that ends: what it has got it may keep."""
        disclosing = Disclosing(request, self._service)
        calls = 1  # for an end that nobody foresaw
        try:
            answer = await self._llm.complete(request.endpoint, request.body, deadline=request.deadline)
            calls = answer.attempts
            if request.second_try is not None:
                calls += 1
                answer = await self._second_call(request, request.second_try, answer)
                calls = answer.attempts
        except CallFailed as failed:
            calls = failed.attempts
            raise
        finally:
            case.attempts = calls
            if calls:
                case.disclosed = disclosing.record(calls=calls, at=case.clock())
        return answer

    async def _second_call(self, request: RedactedRequest, second: SecondTry, answer: Answer) -> Answer:
        """Ask again if too much was lost; the answer that has more of the codes is kept."""
        lost = lost_share(second.body, answer.body)
        if lost <= second.lost_over:
            return answer
        try:
            again = await self._llm.complete(request.endpoint, second.body, deadline=request.deadline)
        except CallFailed as failed:
            return msgspec.structs.replace(answer, attempts=answer.attempts + failed.attempts)
        better = again if lost_share(second.body, again.body) < lost else answer
        return msgspec.structs.replace(
            better,
            attempts=answer.attempts + again.attempts,
            usage=_sum(answer.usage, again.usage),
            second_try=True,
        )

    def _records(self, request: RedactedRequest, answer: Answer, turn: Turn, case: Case) -> list[Outbound]:
        completion = _completion(request, completed_at=case.clock(), attempts=answer.attempts)
        completion = msgspec.structs.replace(
            completion,
            response=answer.body,
            usage=answer.usage,
            openai_request_id=answer.request_id,
            second_try=answer.second_try,
        )
        audit = AuditEvent(
            at=completion.completed_at,
            stage=self.stage,
            decision=turn.decision,
            origin=case.origin,
            job_id=request.job_id,
            tenant=request.tenant,
            endpoint=request.endpoint,
            policy_version=request.policy_version,
            detector_version=request.detector_version,
            request_sha256=completion.request_sha256,
            attempts=answer.attempts,
            disclosed=case.disclosed,
        )
        return [
            publish(self._topics["completions"], case.key, completion),
            *self._once.record(request, answer, turn, case.inbound.partition, completion.completed_at),
            publish(self._topics["audit"], case.key, audit),
        ]

    def answer_failure(self, case: Case, error: VeilError) -> Sequence[Outbound]:
        """A completion that carries the failure: only the rehydrator can seal a result to the requester."""
        request = case.request
        if request is None:
            return []
        failure = Failure(
            code=error.code,
            stage=self.stage,
            detail=error.detail,
            status=error.status if isinstance(error, CallFailed) else None,
        )
        completion = _completion(request, completed_at=case.clock(), attempts=case.attempts)
        completion = msgspec.structs.replace(completion, error=failure)
        return [publish(self._topics["completions"], case.key, completion)]

    def _trust(self, request: RedactedRequest, case: Case) -> None:
        case.trusted = True
        case.key = case.inbound.key
        case.request = request
        case.replay = request.replay
        case.entities = request.entities
        case.policy_version, case.detector_version = request.policy_version, request.detector_version


def _sum(first: Usage | None, second: Usage | None) -> Usage | None:
    if first is None or second is None:
        return first or second
    return Usage(**{name: getattr(first, name) + getattr(second, name) for name in Usage.__struct_fields__})


def _completion(request: RedactedRequest, *, completed_at: float, attempts: int) -> Completion:
    return Completion(
        job_id=request.job_id,
        tenant=request.tenant,
        endpoint=request.endpoint,
        request_sha256=hashlib.sha256(request.body).hexdigest(),
        policy_version=request.policy_version,
        detector_version=request.detector_version,
        vault=request.vault,
        replay=request.replay,
        received_at=request.received_at,
        redacted_at=request.redacted_at,
        completed_at=completed_at,
        attempts=attempts,
        entities=request.entities,
    )
