"""What can go wrong with a call to OpenAI, and what is done about each: one table, first match wins.

Sources: OpenAI's guides "Error codes" and "Rate limits", the API reference of chat completions
(`finish_reason`) and responses (`status`, `incomplete_details`), the `openai` package's exceptions.
"""

from collections.abc import Container
from collections.abc import Set as AbstractSet
from enum import StrEnum

import msgspec

from pipeline.ports import CallFailed
from schemas.codes import ErrorCode


class Rejected(CallFailed):
    """OpenAI refused the request as such; sending it again cannot succeed."""

    code = ErrorCode.OPENAI_REJECTED


class ContextTooLong(CallFailed):
    """The request is longer than the model's context, or than the organisation's tokens a minute."""

    code = ErrorCode.OPENAI_CONTEXT_LENGTH


class Unauthorized(CallFailed):
    """The API key is wrong or may not do this."""

    code = ErrorCode.OPENAI_UNAUTHORIZED


class QuotaExhausted(CallFailed):
    """The organisation's quota is spent."""

    code = ErrorCode.OPENAI_QUOTA_EXHAUSTED


class RateLimited(CallFailed):
    """Still rate-limited at the last attempt."""

    code = ErrorCode.OPENAI_RATE_LIMITED
    retryable = True


class Unavailable(CallFailed):
    """OpenAI failed or could not be reached."""

    code = ErrorCode.OPENAI_UNAVAILABLE
    retryable = True


class TimedOut(CallFailed):
    """No answer in time."""

    code = ErrorCode.OPENAI_TIMEOUT
    retryable = True


class MalformedAnswer(CallFailed):
    """An answer that is not the endpoint's JSON, or that holds no answer."""

    code = ErrorCode.OPENAI_MALFORMED_ANSWER
    retryable = True


class AnswerTooLarge(CallFailed):
    """More bytes than `openai.max_answer_bytes`, or encoded; the same call would be answered alike."""

    code = ErrorCode.OPENAI_ANSWER_TOO_LARGE


class CallDeadlinePassed(CallFailed):
    """The job's deadline came before an answer did."""

    code = ErrorCode.DEADLINE_PASSED


class Policy(StrEnum):
    """What is done about a failure.

    - `retry`: again after a backoff with jitter, up to `openai.max_attempts`.
    - `wait`: again when OpenAI says so; costs a quarter of an attempt.
    - `dead-letter`: this request can never succeed.
    - `stop`: no request can succeed until a person has acted. Calls stop, the jobs wait,
      one probe at a time, at most `openai.breaker_probe` after the last, finds out whether it works again.
    - `answer`: it is an answer, and paid: it is passed on as it is, and counted.
    """

    RETRY = "retry"
    WAIT = "wait"
    DEAD_LETTER = "dead-letter"
    STOP = "stop"
    ANSWER = "answer"


class Rule(msgspec.Struct, frozen=True):
    """One row. `codes`: OpenAI's error code or type, any if empty.

    `outage`: it says that the service is ill rather than the request: it counts for the circuit
    breaker, and it costs the job an attempt only when other jobs were answered meanwhile.
    """

    what: str
    statuses: Container[int]
    codes: AbstractSet[str]
    policy: Policy
    failure: type[CallFailed]
    outage: bool = False


_TOO_LONG = {"context_length_exceeded", "string_above_max_length", "request_too_large"}
_QUOTA = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"}
_CLIENT_ERRORS = range(300, 500)
_SERVER_ERRORS = range(500, 600)
_NO_HTTP = (0, 200)
_ANY: AbstractSet[str] = frozenset()

RULES: tuple[Rule, ...] = (
    # what                          status          code or type           policy              our failure
    Rule("invalid key",             {401},          _ANY,                  Policy.STOP,        Unauthorized),
    Rule("model not for this key",  {403},          {"model_not_found"},   Policy.DEAD_LETTER, Rejected),
    Rule("key not allowed, region", {403},          _ANY,                  Policy.STOP,        Unauthorized),
    Rule("quota exhausted",         {429},          _QUOTA,                Policy.STOP,        QuotaExhausted),
    Rule("too long",                {400, 413, 429}, _TOO_LONG,            Policy.DEAD_LETTER, ContextTooLong),
    Rule("rate limit",              {429},          _ANY,                  Policy.WAIT,        RateLimited),
    Rule("slow down",               {503},          {"slow_down"},         Policy.WAIT,        RateLimited),
    Rule("timeout at OpenAI",       {408},          _ANY,                  Policy.RETRY,       Unavailable, True),
    Rule("conflict",                {409},          _ANY,                  Policy.RETRY,       Unavailable),
    Rule("bad request, no such model, unprocessable, redirect",
                                    _CLIENT_ERRORS, _ANY,                  Policy.DEAD_LETTER, Rejected),
    Rule("server error, bad gateway, overloaded",
                                    _SERVER_ERRORS, _ANY,                  Policy.RETRY,       Unavailable, True),
    Rule("refused, reset or cut connection",
                                    _NO_HTTP,       {"connection"},        Policy.RETRY,       Unavailable, True),
    # It may have been answered and paid for: it always costs an attempt.
    Rule("no answer in time",       _NO_HTTP,       {"timeout"},           Policy.RETRY,       TimedOut, True),
    Rule("response failed",         _NO_HTTP,       {"failed"},            Policy.RETRY,       Unavailable),
    Rule("malformed JSON",          _NO_HTTP,       {"malformed_json"},    Policy.RETRY,       MalformedAnswer),
    Rule("answer too large, or encoded",
                                    _NO_HTTP,       {"too_large"},         Policy.DEAD_LETTER, AnswerTooLarge),
    Rule("empty choices",           _NO_HTTP,       {"empty"},             Policy.RETRY,       MalformedAnswer),
    Rule("finish_reason length",    _NO_HTTP,       {"length"},            Policy.ANSWER,      MalformedAnswer),
    Rule("finish_reason content_filter",
                                    _NO_HTTP,       {"content_filter"},    Policy.ANSWER,      MalformedAnswer),
)  # fmt: skip


def rule_for(status: int, *codes: str | None) -> Rule:
    """The first row that fits; status 0 where there was no HTTP answer."""
    for rule in RULES:
        if status in rule.statuses and (not rule.codes or not rule.codes.isdisjoint(codes)):
            return rule
    return rule_for(0, "malformed_json")
