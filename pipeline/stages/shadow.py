"""Shadow mode: what a second policy would do with live jobs, told in counts that differ, and nothing else.

The live job is never touched: nothing of the second policy's redaction leaves
this module, and whatever fails in it is one more difference.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import NamedTuple

import structlog

from pipeline.errors import VeilError
from pipeline.placeholders import Scope
from pipeline.policy_detector import LoadedPolicies
from pipeline.request import RedactedBody, redact_request
from pipeline.stages.boundary import Case
from schemas.audit import AuditEvent, Decision
from schemas.codes import ErrorCode
from schemas.job import Job

log = structlog.get_logger()


class _Tried(NamedTuple):
    """What the shadow made of a job, and what it is as far as that is known."""

    outcome: RedactedBody | VeilError
    policy_version: str | None
    detector_version: str | None


class Shadow:
    """The policies that run beside the live ones, with detectors of their own."""

    def __init__(self, policies: Callable[[], LoadedPolicies]) -> None:
        self._policies = policies

    def compare(self, job: Job, live: RedactedBody | VeilError, scope: Scope, case: Case) -> AuditEvent | None:
        """The event that says what the shadow does otherwise than the live policy did; nothing if nothing.

        Counts are the shadow's less the live ones, and told only where both let the job pass;
        `code` is the shadow's refusal, with `refused` 1 among the actions; a job that the live policy
        alone refused has `refused` -1.
        """
        tried = self._try(job, scope)
        entities: dict[str, int] = {}
        actions: dict[str, int] = {}
        code: ErrorCode | None = None
        match tried.outcome, live:
            case VeilError() as refused, VeilError():
                code = refused.code if refused.code is not live.code else None
            case VeilError() as refused, _:
                code, actions = refused.code, {"refused": 1}
            case _, VeilError():
                actions = {"refused": -1}
            case RedactedBody() as shadow, _:
                entities = _difference(shadow.entities, live.entities)
                actions = _difference(shadow.actions, live.actions)
        if not entities and not actions and code is None:
            return None
        return AuditEvent(
            at=case.now,
            stage="redactor",
            decision=Decision.COMPARED,
            origin=case.origin,
            job_id=job.job_id,
            tenant=job.tenant,
            endpoint=job.endpoint,
            code=code,
            entities=entities,
            actions=actions,
            policy_version=tried.policy_version,
            detector_version=tried.detector_version,
        )

    def _try(self, job: Job, scope: Scope) -> _Tried:
        policy_version = detector_version = None
        outcome: RedactedBody | VeilError
        try:
            policies, detector_for = self._policies()
            policy = policies.select(job.tenant, job.policy)
            detector = detector_for(policy)
            policy_version, detector_version = policy.version, detector.version
            outcome = redact_request(job.endpoint, bytes(job.request), policy=policy, detector=detector, scope=scope)
        except VeilError as error:
            outcome = error
        except Exception as exc:
            log.error("shadow.crashed", stage="redactor", job_id=job.job_id, exc_info=exc)
            outcome = VeilError(type(exc).__name__)
        return _Tried(outcome, policy_version, detector_version)


def _difference(shadow: Mapping[str, int], live: Mapping[str, int]) -> dict[str, int]:
    counted = Counter(shadow)
    counted.subtract(live)
    return {name: count for name, count in counted.items() if count}
