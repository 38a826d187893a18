"""The redactor: opens a job, redacts its request, attests to it, seals the originals away."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence

import msgspec

from pipeline.attestation import Claims, attest
from pipeline.decoding import EmptyMessage, decode
from pipeline.errors import VeilError
from pipeline.keys import KeyName, Keys, KeyUnavailable
from pipeline.placeholders import Scope
from pipeline.policy import Policy
from pipeline.policy_detector import LoadedPolicies
from pipeline.ports import Inbound, Outbound, TopicNames
from pipeline.request import RedactedBody, redact_request
from pipeline.results import EnvelopeMoved, failed_result, parse_reply_key, seal_result, spell_reply_key
from pipeline.sealing import SealContext, open_sealed, seal
from pipeline.settings import LimitSettings, TenantSettings
from pipeline.stages.boundary import Case, DeadlinePassed, Reply, keyed_hash, publish, seal_for_replay
from pipeline.stages.shadow import Shadow
from pipeline.text import RawText
from schemas.audit import AuditEvent, Decision
from schemas.codes import ErrorCode
from schemas.completion import Failure
from schemas.envelope import Envelope, ReplayContent, Sealed
from schemas.job import Job
from schemas.redacted import JobDigest, OutputRule, RedactedRequest, SecondTry, VaultContent
from schemas.topics import ROLL_HEADER

_ENVELOPE_OVERHEAD = 16 * 1024


class PlainNotAccepted(VeilError):
    """An unsealed job where the settings take none (`policy.accept_plain`)."""

    code = ErrorCode.PLAIN_NOT_ACCEPTED


class UnsafeId(VeilError):
    """An id that holds something sensitive, by detection."""

    code = ErrorCode.UNSAFE_ID


class NoReplyKey(VeilError):
    """Nobody to seal the result to."""

    code = ErrorCode.NO_REPLY_KEY


class ReplyTopicNotAllowed(VeilError):
    """`reply_to` is not in the tenant's list."""

    code = ErrorCode.REPLY_TOPIC_NOT_ALLOWED


class RedactorWork:
    """One job in, one redacted request out."""

    stage = "redactor"

    def __init__(
        self,
        *,
        keyring: Keys,
        topics: TopicNames,
        policies: Callable[[], LoadedPolicies],
        limits: LimitSettings,
        tenants: dict[str, TenantSettings],
        accept_plain: bool,
        shadow: Shadow | None = None,
        stream: bool = False,
    ) -> None:
        self._keyring = keyring
        self._topics = topics
        self._policies = policies
        self._limits = limits
        self._tenants = tenants
        self._accept_plain = accept_plain
        self._shadow = shadow
        self._stream = stream

    async def work(self, inbound: Inbound, case: Case) -> Sequence[Outbound]:
        """Open, identify, decide, redact, check, attest."""
        if self._only_rolls(inbound):
            return []
        data = self._open(inbound, case)
        job = decode(data, Job, limit=self._limits.job_bytes)
        self._identify(job, case)
        case.reply = self._reply(job)
        content = ReplayContent(topic=inbound.topic, value=data)
        case.replay = seal_for_replay(content, self._keyring, tenant=job.tenant, job_id=job.job_id)
        if job.reply_to is not None and not self._may_reply_to(job.tenant, job.reply_to):
            raise ReplyTopicNotAllowed
        if job.deadline is not None and case.now > job.deadline:
            raise DeadlinePassed
        policies, detector_for = self._policies()
        policy = policies.select(job.tenant, job.policy)
        detector = detector_for(policy)
        case.policy_version, case.detector_version = policy.version, detector.version
        scope = Scope(key=self._keyring.scope_epoch()[1], id=_scope_id(job, policy))
        try:
            redacted = redact_request(
                job.endpoint, bytes(job.request), policy=policy, detector=detector, scope=scope, stream=self._stream
            )
        except VeilError as refused:
            self._compare(job, refused, scope, case)
            raise
        self._compare(job, redacted, scope, case)
        case.entities = redacted.entities
        request = self._attest(job, case, redacted, case.replay, policy)
        return [
            publish(self._topics["redacted"], case.key, request),
            publish(self._topics["audit"], case.key, _audit(request, redacted, case)),
        ]

    def answer_failure(self, case: Case, error: VeilError) -> Sequence[Outbound]:
        """A sealed result, once the job was open and its reply key known."""
        if case.reply is None or case.job_id is None or case.tenant is None:
            return []
        failure = Failure(code=error.code, stage=self.stage, detail=error.detail)
        result = failed_result(case.job_id, failure, labels=case.reply.labels, policy_version=case.policy_version)
        envelope = seal_result(result, tenant=case.tenant, reply_key=parse_reply_key(case.reply.key))
        topic = case.reply.topic
        if topic is None or not self._may_reply_to(case.tenant, topic):
            topic = self._topics["results"]
        return [publish(topic, case.key, envelope)]

    def _compare(self, job: Job, live: RedactedBody | VeilError, scope: Scope, case: Case) -> None:
        if self._shadow is not None and (event := self._shadow.compare(job, live, scope, case)) is not None:
            case.beside.append(publish(self._topics["audit"], case.key, event))

    def _only_rolls(self, inbound: Inbound) -> bool:
        """Whether a record is there for its segment's sake alone; it holds nothing that could be lost."""
        plain = inbound.topic == self._topics["plain"]
        return plain and not inbound.value and any(name == ROLL_HEADER for name, _ in inbound.headers)

    def _open(self, inbound: Inbound, case: Case) -> bytes:
        """The job's bytes: as they came on the plain topic, out of their envelope on the other."""
        if inbound.topic == self._topics["plain"]:
            if not self._accept_plain:
                raise PlainNotAccepted
            if not inbound.value:
                raise EmptyMessage
            return inbound.value
        limit = self._limits.job_bytes * 4 // 3 + _ENVELOPE_OVERHEAD
        envelope = decode(inbound.value, Envelope, limit=limit)
        case.job_id, case.tenant = envelope.job_id, envelope.tenant
        context = SealContext(
            purpose="job",
            key_id=envelope.sealed.key_id,
            tenant=envelope.tenant,
            job_id=envelope.job_id,
            schema=envelope.content,
        )
        if envelope.purpose != "job" or context.binding() != envelope.binding:
            raise EnvelopeMoved
        key = self._keyring.opening_key(KeyName.JOBS, envelope.sealed.key_id)
        return open_sealed(envelope.sealed, key, context)

    def _identify(self, job: Job, case: Case) -> None:
        """Take the job's ids for its own, once they fit the envelope and hold nothing sensitive."""
        if case.job_id is not None and (case.job_id, case.tenant) != (job.job_id, job.tenant):
            raise EnvelopeMoved
        case.job_id, case.tenant, case.endpoint = job.job_id, job.tenant, job.endpoint
        policies, detector_for = self._policies()
        detector = detector_for(policies.select(job.tenant, None))
        for name in (job.job_id, job.tenant, job.conversation):
            if name is not None and detector.detect(RawText(name), prose=False):
                raise UnsafeId
        case.trusted = True
        # Not the conversation's: all copies of a job id meet in one partition, where the completer does it once.
        case.key = keyed_hash(self._keyring.scope_epoch()[1], "record-key", job.tenant, job.job_id).encode()

    def _reply(self, job: Job) -> Reply:
        if job.reply_key is not None:
            key = spell_reply_key(parse_reply_key(job.reply_key))
        else:
            try:
                key = spell_reply_key(self._keyring.sealing_key(KeyName.RESULTS)[1])
            except KeyUnavailable:
                raise NoReplyKey from None
        return Reply(key=key, topic=job.reply_to, labels=job.labels)

    def _may_reply_to(self, tenant: str, topic: str) -> bool:
        settings = self._tenants.get(tenant)
        return topic == self._topics["results"] or (settings is not None and topic in settings.reply_topics)

    def _attest(self, job: Job, case: Case, redacted: RedactedBody, replay: Sealed, policy: Policy) -> RedactedRequest:
        vault = self._seal_vault(job, case, redacted, policy)
        key_id, key = self._keyring.signing_key(KeyName.ATTESTATION)
        expires_at = case.now + self._limits.attestation_lifetime
        claims = Claims(
            body=redacted.body,
            job_id=job.job_id,
            tenant=job.tenant,
            endpoint=job.endpoint,
            job_digest=self._digest(job),
            policy_version=case.policy_version or "",
            detector_version=case.detector_version or "",
            vault=vault,
            key_id=key_id,
            expires_at=expires_at,
        )
        second_try = None
        if redacted.second is not None and policy.second_try is not None:
            signed = attest(key, msgspec.structs.replace(claims, body=redacted.second))
            second_try = SecondTry(body=redacted.second, attestation=signed, lost_over=policy.second_try)
        return RedactedRequest(
            job_id=job.job_id,
            tenant=job.tenant,
            endpoint=job.endpoint,
            body=redacted.body,
            job_digest=claims.job_digest,
            policy_version=claims.policy_version,
            detector_version=claims.detector_version,
            attestation=attest(key, claims),
            vault=vault,
            replay=replay,
            entities=redacted.entities,
            placeholders=dict(Counter(redacted.issued.values())),
            in_clear=redacted.in_clear,
            received_at=case.inbound.timestamp,
            redacted_at=case.clock(),
            # It stands in the clear: cut to what can matter, and to seconds, it holds no number of somebody's.
            deadline=None if job.deadline is None else float(round(min(job.deadline, expires_at))),
            second_try=second_try,
        )

    def _digest(self, job: Job) -> JobDigest:
        """The request's bytes as they are: a producer that retries sends the same; deadline and labels may differ."""
        key_id, key = self._keyring.scope_epoch()
        request = hashlib.sha256(job.request).hexdigest()
        value = keyed_hash(key, "job-digest", job.tenant, job.job_id, job.endpoint, request)
        return JobDigest(key_id=key_id, value=value)

    def _seal_vault(self, job: Job, case: Case, redacted: RedactedBody, policy: Policy) -> Sealed:
        reply = case.reply
        if reply is None:
            raise NoReplyKey
        content = VaultContent(
            job_id=job.job_id,
            tenant=job.tenant,
            endpoint=job.endpoint,
            request_sha256=hashlib.sha256(redacted.body).hexdigest(),
            reply_key=reply.key,
            reply_to=reply.topic,
            labels=reply.labels,
            originals=redacted.originals,
            issued=redacted.issued,
            surrogates=redacted.surrogates,
            lookalikes=redacted.lookalikes,
            text_places=redacted.text_places,
            output=OutputRule(action=policy.output, policy=policy.name, version=policy.version),
            received_at=case.inbound.timestamp,
        )
        key_id, key = self._keyring.sealing_key(KeyName.VAULT)
        context = SealContext(purpose="vault", key_id=key_id, tenant=job.tenant, job_id=job.job_id, schema="vault/1")
        return seal(msgspec.json.encode(content), key, context)


def _scope_id(job: Job, policy: Policy) -> str:
    """Where equal values share a placeholder: in the tenant, the conversation or the job, as the policy says."""
    scope = policy.scope_for(job.endpoint)
    if scope == "tenant":
        return f"{job.tenant}/tenant"
    if scope == "conversation" and job.conversation is not None:
        return f"{job.tenant}/conversation/{job.conversation}"
    return f"{job.tenant}/job/{job.job_id}"


def _audit(request: RedactedRequest, redacted: RedactedBody, case: Case) -> AuditEvent:
    return AuditEvent(
        at=case.now,
        stage=RedactorWork.stage,
        decision=Decision.REDACTED,
        origin=case.origin,
        job_id=request.job_id,
        tenant=request.tenant,
        endpoint=request.endpoint,
        entities=redacted.entities,
        actions=redacted.actions,
        policy_version=request.policy_version,
        detector_version=request.detector_version,
        request_sha256=hashlib.sha256(request.body).hexdigest(),
    )
