"""Why a job was refused or failed: stable codes that programs may switch on."""

from enum import StrEnum


class ErrorCode(StrEnum):
    """A stable code; the value is what appears in dead letters, results, logs and metrics."""

    # the record itself
    EMPTY_MESSAGE = "empty_message"
    INVALID_UTF8 = "invalid_utf8"
    MALFORMED_JSON = "malformed_json"
    WRONG_SCHEMA = "wrong_schema"
    UNKNOWN_FIELD = "unknown_field"
    INVALID_FIELD = "invalid_field"
    JOB_TOO_LARGE = "job_too_large"
    TOO_DEEP = "too_deep"
    # seals, keys, attestations
    UNKNOWN_KEY = "unknown_key"
    KEY_DESTROYED = "key_destroyed"
    SEAL_BROKEN = "seal_broken"
    ENVELOPE_MOVED = "envelope_moved"
    BINDING_MISMATCH = "binding_mismatch"
    ATTESTATION_INVALID = "attestation_invalid"
    ATTESTATION_EXPIRED = "attestation_expired"
    # what the job asks for
    PLAIN_NOT_ACCEPTED = "plain_not_accepted"
    UNSAFE_ID = "unsafe_id"
    NO_REPLY_KEY = "no_reply_key"
    REPLY_TOPIC_NOT_ALLOWED = "reply_topic_not_allowed"
    UNKNOWN_ENDPOINT = "unknown_endpoint"
    UNKNOWN_REQUEST_FIELD = "unknown_request_field"
    FEATURE_REFUSED = "feature_refused"
    UNSUPPORTED_CONTENT_PART = "unsupported_content_part"
    INVALID_REQUEST = "invalid_request"
    LONE_SURROGATE = "lone_surrogate"
    DEADLINE_PASSED = "deadline_passed"
    NO_RESULT = "no_result"
    JOB_ID_CONFLICT = "job_id_conflict"
    # what the policy says
    UNKNOWN_POLICY = "unknown_policy"
    BLOCKED_BY_POLICY = "blocked_by_policy"
    DETECTION_FAILED = "detection_failed"
    LAST_CHECK_FAILED = "last_check_failed"
    OUTPUT_BLOCKED = "output_blocked"
    OUTPUT_NOT_CHECKED = "output_not_checked"
    # OpenAI
    OPENAI_REJECTED = "openai_rejected"
    OPENAI_CONTEXT_LENGTH = "openai_context_length"
    OPENAI_UNAUTHORIZED = "openai_unauthorized"
    OPENAI_QUOTA_EXHAUSTED = "openai_quota_exhausted"
    OPENAI_RATE_LIMITED = "openai_rate_limited"
    OPENAI_UNAVAILABLE = "openai_unavailable"
    OPENAI_TIMEOUT = "openai_timeout"
    OPENAI_MALFORMED_ANSWER = "openai_malformed_answer"
    OPENAI_ANSWER_TOO_LARGE = "openai_answer_too_large"
    # a dead letter that is to be replayed
    NOT_A_JOB = "not_a_job"
    NO_ORIGINAL = "no_original"
    # ourselves
    RECORD_TOO_LARGE = "record_too_large"
    CONFIGURATION = "configuration"
    BROKER_UNREACHABLE = "broker_unreachable"
    INTERNAL = "internal"


BLOCKED = frozenset({ErrorCode.BLOCKED_BY_POLICY, ErrorCode.OUTPUT_BLOCKED})
"""The policy has decided so: nothing has failed."""
