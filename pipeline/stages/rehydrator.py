"""The rehydrator: opens the vault, puts the originals back, seals the result to the requester.

Where raw text goes is read from inside the vault alone; the completion's clear
fields only have to agree with it.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import msgspec
import structlog

from pipeline.audit import read_head
from pipeline.decoding import decode
from pipeline.errors import DetectionFailed, VeilError
from pipeline.keys import KeyName, Keys
from pipeline.output import OutputBlocked, OutputNotChecked, check_answer
from pipeline.policy import Policies, Policy, UnknownPolicy
from pipeline.policy_detector import LoadedPolicies
from pipeline.ports import Inbound, Outbound, TopicNames
from pipeline.request import Restored, restore_answer
from pipeline.results import failed_result, parse_reply_key, seal_result
from pipeline.sealing import SealContext, open_sealed
from pipeline.stages.boundary import Case, Reply, publish
from schemas.audit import AuditEvent, Decision
from schemas.codes import ErrorCode
from schemas.completion import Completion, Failure
from schemas.redacted import OutputAction, OutputRule, VaultContent
from schemas.result import Result, Status, Timing

log = structlog.get_logger()


class BindingMismatch(VeilError):
    """The completion's clear fields are not those its vault was sealed with."""

    code = ErrorCode.BINDING_MISMATCH


class RehydratorWork:
    """One completion in, one sealed result out."""

    stage = "rehydrator"

    def __init__(self, *, keyring: Keys, topics: TopicNames, policies: Callable[[], LoadedPolicies]) -> None:
        self._keyring = keyring
        self._topics = topics
        self._policies = policies
        self._unknown: set[str] = set()

    async def work(self, inbound: Inbound, case: Case) -> Sequence[Outbound]:
        """Open, compare, restore, seal."""
        completion = decode(inbound.value, Completion)
        case.job_id, case.tenant, case.endpoint = completion.job_id, completion.tenant, completion.endpoint
        vault = self._open_vault(completion)
        case.trusted = True
        case.upstream = read_head(inbound.headers, self._topics)
        case.key = inbound.key
        case.replay = completion.replay
        case.reply = Reply(key=vault.reply_key, topic=vault.reply_to, labels=vault.labels)
        case.attempts = completion.attempts
        case.policy_version, case.detector_version = completion.policy_version, completion.detector_version
        if completion.error is not None:
            return self._pass_on_failure(completion, completion.error, case)
        if completion.response is None:
            raise BindingMismatch("response")
        restored = restore_answer(
            vault.endpoint,
            self._check(completion.response, vault, case),
            originals=vault.originals,
            issued=vault.issued,
            lookalikes=vault.lookalikes,
            text_places=vault.text_places,
            surrogates=vault.surrogates,
        )
        receipt = msgspec.structs.replace(restored.receipt, second_try=completion.second_try)
        restored = replace(restored, receipt=receipt)
        result = _result(completion, restored, vault, case)
        audit = AuditEvent(
            at=case.now,
            stage=self.stage,
            decision=Decision.RESTORED,
            origin=case.origin,
            job_id=vault.job_id,
            tenant=vault.tenant,
            endpoint=vault.endpoint,
            entities=completion.entities,
            policy_version=completion.policy_version,
            detector_version=completion.detector_version,
            request_sha256=vault.request_sha256,
            new_entities=case.new_entities,
            receipt=restored.receipt,
            upstream=case.upstream,
        )
        return [self._seal(result, case), publish(self._topics["audit"], case.key, audit)]

    def answer_failure(self, case: Case, error: VeilError) -> Sequence[Outbound]:
        """A sealed failed result, once the vault was open."""
        if case.reply is None or case.job_id is None:
            return []
        failure = Failure(code=error.code, stage=self.stage, detail=error.detail)
        result = failed_result(case.job_id, failure, labels=case.reply.labels, policy_version=case.policy_version)
        return [self._seal(result, case)]

    def _check(self, answer: bytes, vault: VaultContent, case: Case) -> bytes:
        """The answer with new sensitive data handled as the redactor's policy has it.

        Raises:
            OutputBlocked: there is some, and the policy blocks it.
            OutputNotChecked: the policy is another one here, and the redactor's asks for more than to count.
            DetectionFailed: the same of an answer that could not be looked at entirely.
        """
        rule = vault.output
        if rule is None or rule.action is OutputAction.IGNORE:
            return answer
        policies, detector_for = self._policies()
        policy = self._policy(policies, vault.tenant, rule)
        if policy is None:
            if rule.action is not OutputAction.ALLOW:
                raise OutputNotChecked
            return answer
        try:
            checked = check_answer(
                vault.endpoint,
                answer,
                action=rule.action,
                policy=policy,
                detector=detector_for(policy),
                originals=vault.originals,
                issued=vault.issued,
                lookalikes=vault.lookalikes,
                surrogates=vault.surrogates,
            )
        except OutputBlocked as blocked:
            case.new_entities = blocked.entities
            raise
        except DetectionFailed:
            if rule.action is not OutputAction.ALLOW:
                raise
            return answer  # it was only to be counted
        case.new_entities = checked.entities
        return checked.body

    def _policy(self, policies: Policies, tenant: str, rule: OutputRule) -> Policy | None:
        """The policy that redacted the request, if it is the same here."""
        try:
            policy = policies.select(tenant, rule.policy)
        except UnknownPolicy:
            policy = None
        if policy is not None and policy.version == rule.version:
            return policy
        if rule.version not in self._unknown:
            self._unknown.add(rule.version)
            log.warning("output.unchecked", stage=self.stage, policy_version=rule.version)
        return None

    def _open_vault(self, completion: Completion) -> VaultContent:
        context = SealContext(
            purpose="vault",
            key_id=completion.vault.key_id,
            tenant=completion.tenant,
            job_id=completion.job_id,
            schema="vault/1",
        )
        key = self._keyring.opening_key(KeyName.VAULT, completion.vault.key_id)
        content = open_sealed(completion.vault, key, context)
        try:
            vault = msgspec.json.decode(content, type=VaultContent)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            # Whoever holds the public half may seal anything at all.
            raise BindingMismatch("vault") from None
        for field in ("job_id", "tenant", "endpoint", "request_sha256"):
            if getattr(vault, field) != getattr(completion, field):
                raise BindingMismatch(field)
        return vault

    def _pass_on_failure(self, completion: Completion, failure: Failure, case: Case) -> Sequence[Outbound]:
        """The dead letter was written where it failed; the requester is told here."""
        labels = case.reply.labels if case.reply else {}
        result = failed_result(completion.job_id, failure, labels=labels, policy_version=completion.policy_version)
        audit = AuditEvent(
            at=case.now,
            stage=self.stage,
            decision=Decision.FAILED,
            origin=case.origin,
            job_id=completion.job_id,
            tenant=completion.tenant,
            endpoint=completion.endpoint,
            code=failure.code,
            attempts=completion.attempts,
            upstream=case.upstream,
        )
        return [self._seal(result, case), publish(self._topics["audit"], case.key, audit)]

    def _seal(self, result: Result, case: Case) -> Outbound:
        if case.reply is None or case.tenant is None:
            raise BindingMismatch("reply_key")
        envelope = seal_result(result, tenant=case.tenant, reply_key=parse_reply_key(case.reply.key))
        return publish(case.reply.topic or self._topics["results"], case.key, envelope)


def _result(completion: Completion, restored: Restored, vault: VaultContent, case: Case) -> Result:
    start = vault.received_at
    return Result(
        job_id=vault.job_id,
        status=Status.COMPLETED,
        response=msgspec.Raw(restored.body),
        receipt=restored.receipt,
        entities=completion.entities,
        new_entities=case.new_entities,
        usage=completion.usage,
        policy_version=completion.policy_version,
        timing=Timing(
            redacted=max(completion.redacted_at - start, 0.0),
            completed=max(completion.completed_at - start, 0.0),
            rehydrated=max(case.clock() - start, 0.0),
        ),
        labels=vault.labels,
    )
