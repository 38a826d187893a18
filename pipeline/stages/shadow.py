"""Shadow mode: what a second policy would do with live jobs, told in counts that differ, and nothing else.

The live job is never touched: nothing of the second policy's redaction leaves
this module, and whatever fails in it is one more difference.
"""

from collections import Counter
from collections.abc import Callable, Mapping

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
        versions: list[str] = []
        shadow = self._redact(job, scope, versions)
        entities, actions = Counter[str](), Counter[str]()
        code: ErrorCode | None = None
        if isinstance(shadow, VeilError):
            if isinstance(live, VeilError) and live.code is shadow.code:
                return None
            code = shadow.code
        if isinstance(shadow, RedactedBody) and isinstance(live, RedactedBody):
            entities = _difference(shadow.entities, live.entities)
            actions = _difference(shadow.actions, live.actions)
        elif isinstance(shadow, VeilError) != isinstance(live, VeilError):
            actions["refused"] = 1 if code is not None else -1
        if not entities and not actions and code is None:
            return None
        policy_version, detector_version = (*versions, None, None)[:2]
        return AuditEvent(
            at=case.now,
            stage="redactor",
            decision=Decision.COMPARED,
            origin=case.origin,
            job_id=job.job_id,
            tenant=job.tenant,
            endpoint=job.endpoint,
            code=code,
            entities=dict(entities),
            actions=dict(actions),
            policy_version=policy_version,
            detector_version=detector_version,
        )

    def _redact(self, job: Job, scope: Scope, versions: list[str]) -> RedactedBody | VeilError:
        try:
            policies, detector_for = self._policies()
            policy = policies.select(job.tenant, job.policy)
            detector = detector_for(policy)
            versions += policy.version, detector.version
            return redact_request(job.endpoint, bytes(job.request), policy=policy, detector=detector, scope=scope)
        except VeilError as error:
            return error
        except Exception as exc:
            log.error("shadow.crashed", stage="redactor", job_id=job.job_id, exc_info=exc)
            return VeilError(type(exc).__name__)


def _difference(shadow: Mapping[str, int], live: Mapping[str, int]) -> Counter[str]:
    counted = Counter(shadow)
    counted.subtract(live)
    return Counter({name: count for name, count in counted.items() if count})
