"""The port to OpenAI: sends attested bytes unchanged, paced, retried by its own rules, every fault translated.

The SDK's own retries are off. Redirects are not followed: a redirect would carry a
request to a host nobody allowed. No message or body of an SDK exception is kept;
both echo the request.
"""

import asyncio
import math
import random
import re
import time
from collections import Counter
from collections.abc import Mapping
from ipaddress import ip_address
from types import TracebackType
from typing import Annotated, Self
from urllib.parse import urlsplit

import aiohttp
import httpx2
import msgspec
import openai
import structlog
from openai import AsyncOpenAI, DefaultAioHttpClient
from openai._constants import RAW_RESPONSE_HEADER

from pipeline.adapters.answer_limit import UNENCODED, is_stream, limit_answers
from pipeline.adapters.answer_stream import MalformedStream, StreamCut, StreamFailed, asks_for_stream, read_stream
from pipeline.adapters.breaker import Breaker
from pipeline.adapters.openai_failures import (
    AnswerTooLarge,
    CallDeadlinePassed,
    Policy,
    Rule,
    TimedOut,
    Unauthorized,
    rule_for,
)
from pipeline.adapters.pacing import Lane, Lanes, Ticket, model_and_tokens
from pipeline.disclosure import Service
from pipeline.ports import Answer
from pipeline.settings import OpenAISettings, WrongSettings
from schemas.audit import Retention
from schemas.completion import Usage
from schemas.job import Endpoint

log = structlog.get_logger()

DEFAULT_BASE_URL = "https://api.openai.com/v1"
PATHS: Mapping[Endpoint, str] = {
    Endpoint.CHAT_COMPLETIONS: "/chat/completions",
    Endpoint.RESPONSES: "/responses",
    Endpoint.EMBEDDINGS: "/embeddings",
    Endpoint.MODERATIONS: "/moderations",
}

_CONNECT_TIMEOUT = 10.0
_UNREAD = {RAW_RESPONSE_HEADER: "stream"}
"""The SDK's own way to give a response before its body is read."""
_LIMITS = ("rate_limit_exceeded", "insufficient_quota")
_SAFE_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")


_Tokens = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class _UsageBody(msgspec.Struct):
    prompt_tokens: _Tokens = 0
    completion_tokens: _Tokens = 0
    input_tokens: _Tokens = 0
    output_tokens: _Tokens = 0
    total_tokens: _Tokens = 0


class _Choice(msgspec.Struct):
    finish_reason: str | None = None


class _Incomplete(msgspec.Struct):
    reason: str = ""


class _AnswerBody(msgspec.Struct):
    """What is read of an answer here; its content is the rehydrator's."""

    object: str | None = None
    usage: _UsageBody | None = None
    status: str | None = None
    incomplete_details: _Incomplete | None = None
    choices: list[_Choice] | None = None
    output: list[msgspec.Raw] | None = None
    data: list[msgspec.Raw] | None = None
    results: list[msgspec.Raw] | None = None

    def __repr__(self) -> str:
        return "<_AnswerBody>"


_answers = msgspec.json.Decoder(_AnswerBody)


class OpenAILLM:
    """`LLM` over the `openai` package and aiohttp; use it as an async context manager.

    What is done about each failure is `openai_failures.RULES`. How fast is `pacing`'s, whether at all
    is the `breaker`'s; a job that waits for either makes no call and uses up no attempt.
    """

    def __init__(self, settings: OpenAISettings, *, api_key: str, base_url: str) -> None:
        check_base_url(base_url, settings)
        self._settings = settings
        self._lanes = Lanes()
        self.breaker = Breaker(after=settings.breaker_failures, first=settings.backoff, longest=settings.breaker_probe)
        self.in_flight = 0
        """Calls sent and not yet answered."""
        self.outcomes: Counter[str] = Counter()
        """Calls that ended, by `completed`, the finish reason of an answer cut short, or our code."""
        limits = httpx2.Limits(max_connections=settings.max_in_flight, max_keepalive_connections=settings.max_in_flight)
        self._client = AsyncOpenAI(
            api_key=api_key,
            base_url=base_url,
            max_retries=0,
            timeout=settings.timeout,
            default_headers=UNENCODED,
            http_client=DefaultAioHttpClient(
                event_hooks={"response": [limit_answers(settings.max_answer_bytes)]},
                limits=limits,
                timeout=settings.timeout,
                follow_redirects=False,
                # A proxy of the environment is for the way out, never for a service on this machine.
                trust_env=not is_loopback(urlsplit(base_url).hostname or ""),
            ),
        )

    @property
    def held(self) -> bool:
        """Whether calls wait until OpenAI works again."""
        return self.breaker.is_open

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        await self._client.close()

    async def complete(self, endpoint: Endpoint, body: bytes, *, deadline: float | None) -> Answer:
        """Send `body` as it is, until it is answered, refused for good, or out of attempts or time."""
        model, tokens = model_and_tokens(body)
        call = _Call(endpoint, body, self._lanes[endpoint, model], tokens, asks_for_stream(body))
        spent, answers = 0.0, self.breaker.answers
        while True:
            try:
                async with asyncio.timeout(None if deadline is None else max(deadline - time.time(), 0)):
                    outcome = await self._make(call)
            except TimeoutError:
                raise CallDeadlinePassed(attempts=call.made) from None
            if isinstance(outcome, Answer):
                return outcome
            rule = outcome.rule
            failure = rule.failure(rule.what, attempts=call.made, status=outcome.status or None)
            spent += _cost(rule, others_answered=self.breaker.answers > answers)
            answers = self.breaker.answers
            if rule.policy is Policy.DEAD_LETTER or spent >= self._settings.max_attempts:
                raise failure
            if rule.policy is Policy.STOP:
                # The breaker holds the next call.
                continue
            wait = outcome.wait if outcome.wait is not None else self._backoff(call.made)
            if deadline is not None and time.time() + wait > deadline:
                raise CallDeadlinePassed(attempts=call.made, status=failure.status)
            log.info(
                "call.retried",
                code=failure.code.value,
                status=failure.status,
                attempts=call.made,
                wait_s=round(wait, 3),
            )
            await asyncio.sleep(wait)

    async def _make(self, call: "_Call") -> "Answer | _Fault":
        """One call, when breaker and pace let it through; both are told how it ended."""
        while True:
            async with self.breaker.call() as probing:
                ticket = await call.lane.turn(call.tokens)
                if probing or not self.breaker.is_open:
                    return await self._make_now(call, ticket)

    async def _make_now(self, call: "_Call", ticket: Ticket) -> "Answer | _Fault":
        call.made += 1
        self.in_flight += 1
        try:
            outcome, headers = await self._send(call)
        except asyncio.CancelledError:
            # Its job's deadline, or a drain: the lane must not wait for this answer before it sends more.
            call.lane.answered(ticket, {}, time.monotonic())
            raise
        finally:
            self.in_flight -= 1
        rule = outcome.rule if isinstance(outcome, _Fault) else None
        limited = rule is not None and rule.policy is Policy.WAIT
        call.lane.answered(ticket, headers, time.monotonic(), refused=limited)
        if rule is not None:
            self.outcomes[rule.failure.code] += 1
        if rule is not None and rule.policy is Policy.STOP:
            self.breaker.stop(rule.failure.code)
        elif rule is not None and rule.outage:
            self.breaker.failed(rule.failure.code)
        else:
            self.breaker.answered()
        return outcome

    async def _send(self, call: "_Call") -> "tuple[Answer | _Fault, Mapping[str, str]]":
        timeout = httpx2.Timeout(self._settings.timeout, connect=min(self._settings.timeout, _CONNECT_TIMEOUT))
        asked = {"content-type": "application/json"} | (_UNREAD if call.streams else {})
        try:
            # httpx2's timeout is for each read: an answer that drips in would never end.
            async with asyncio.timeout(self._settings.stream_timeout if call.streams else self._settings.timeout):
                response = await self._client.post(
                    PATHS[call.endpoint],
                    content=call.body,
                    cast_to=httpx2.Response,
                    options={"headers": asked, "timeout": timeout},
                )
                content = await self._content(call, response)
        except StreamFailed as told:
            return _Fault(_told(told), 200), {}
        except MalformedStream:
            return _Fault(rule_for(200, "malformed_json"), 200), {}
        except AnswerTooLarge:
            return _Fault(rule_for(200, "too_large"), 200), {}
        except openai.APIStatusError as exc:
            rule = rule_for(exc.status_code, exc.code, exc.type, _said(exc))
            headers = exc.response.headers
            return _Fault(rule, exc.status_code, _retry_after(headers)), headers
        except openai.APITimeoutError as exc:
            unsent = isinstance(exc.__cause__, httpx2.ConnectTimeout | httpx2.PoolTimeout)
            return _Fault(rule_for(0, "connection" if unsent else "timeout")), {}
        except (TimeoutError, httpx2.TimeoutException):
            return _Fault(rule_for(0, "timeout")), {}
        except (StreamCut, openai.APIConnectionError, httpx2.HTTPError, aiohttp.ClientError):
            return _Fault(rule_for(0, "connection")), {}
        return self._read(content, response.headers, call.made), response.headers

    async def _content(self, call: "_Call", response: httpx2.Response) -> bytes:
        """The answer's body; a streamed one is read here, and put together."""
        if not call.streams:
            return response.content
        try:
            if is_stream(response):
                return await read_stream(call.endpoint, response, limit=self._settings.max_answer_bytes)
            return await response.aread()
        finally:
            await response.aclose()

    def _read(self, content: bytes, headers: Mapping[str, str], made: int) -> "Answer | _Fault":
        try:
            parsed = _answers.decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return _Fault(rule_for(200, "malformed_json"), 200)
        shape = _shape(parsed)
        if shape is not None:
            rule = rule_for(200, shape)
            if rule.policy is not Policy.ANSWER:
                return _Fault(rule, 200)
        self.outcomes[shape or "completed"] += 1
        request_id = headers.get("x-request-id", "")
        return Answer(
            body=content,
            attempts=made,
            request_id=request_id if _SAFE_ID.fullmatch(request_id) else None,
            usage=_usage(parsed.usage),
        )

    def _backoff(self, calls: int) -> float:
        """Exponential with jitter (AWS Architecture Blog, "Exponential Backoff And Jitter")."""
        ceiling = min(self._settings.backoff * 2 ** min(calls - 1, 16), self._settings.backoff_max)
        return random.uniform(ceiling / 2, ceiling)  # noqa: S311 - jitter, no secret


class _Call(msgspec.Struct):
    """One job's call and how often it was made."""

    endpoint: Endpoint
    body: bytes
    lane: Lane
    tokens: int
    streams: bool
    made: int = 0

    def __repr__(self) -> str:
        return f"<_Call {self.endpoint} {self.made}>"


class _Fault(msgspec.Struct, frozen=True):
    """A call without an answer: the rule, the HTTP status if any, the seconds that OpenAI wants waited."""

    rule: Rule
    status: int = 0
    wait: float | None = None


def _cost(rule: Rule, *, others_answered: bool) -> float:
    """Attempts that a failure uses up: an outage, which is not the job's fault, none."""
    if rule.policy is Policy.WAIT:
        return 0.25
    if rule.policy is Policy.STOP:
        # A 403 may be about this request only, which shows when the same key serves others.
        return 1.0 if rule.failure is Unauthorized and others_answered else 0.0
    if rule.outage and rule.failure is not TimedOut and not others_answered:
        return 0.0
    return 1.0


def _shape(answer: _AnswerBody) -> str | None:
    """What is special about an answer, as `RULES` names it."""
    if answer.object is None and answer.results is None:
        # Moderations alone do not say what kind of object they are.
        return "malformed_json"
    if answer.status == "failed":
        return "failed"
    if answer.status == "incomplete" and answer.incomplete_details is not None:
        return "content_filter" if answer.incomplete_details.reason == "content_filter" else "length"
    if [] in (answer.choices, answer.output, answer.data, answer.results):
        return "empty"
    reasons = {choice.finish_reason for choice in answer.choices or ()}
    return next((reason for reason in ("content_filter", "length") if reason in reasons), None)


def _said(exc: openai.APIStatusError) -> str | None:
    """A request over the limit of tokens a minute has no code of its own, only this beginning of a message."""
    message = exc.body.get("message") if isinstance(exc.body, dict) else None
    return "request_too_large" if str(message).startswith("Request too large") else None


def _told(told: StreamFailed) -> Rule:
    """The rule for an error inside a stream, as if it had been the call's answer."""
    status = 429 if told.code in _LIMITS else 400 if told.kind == "invalid_request_error" else 500
    return rule_for(status, told.code, told.kind)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait by `retry-after-ms` or `retry-after` (RFC 9110 §10.2.3, seconds form)."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers[name]) * scale
        except (KeyError, ValueError):
            continue
        if math.isfinite(seconds):
            return min(max(seconds, 0.0), 600.0)
    return None


def _usage(body: _UsageBody | None) -> Usage | None:
    if body is None:
        return None
    sent, received = body.prompt_tokens or body.input_tokens, body.completion_tokens or body.output_tokens
    return Usage(input_tokens=sent, output_tokens=received, total_tokens=body.total_tokens or sent + received)


def check_base_url(base_url: str, settings: OpenAISettings) -> None:
    """Refuse a host that is neither OpenAI's (of the region, if one is set) nor loopback nor allowed by the settings.

    Raises:
        WrongSettings: it is another.
    """
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    if host in settings.allowed_hosts or is_loopback(host):
        return
    if host == "api.openai.com" or host.endswith(".api.openai.com"):
        regional = f"{settings.residency}.api.openai.com"
        if settings.residency and host != regional:
            raise WrongSettings(f"openai.residency asks for https://{regional}/v1, OPENAI_BASE_URL names {host}")
        if parts.scheme == "https":
            return
        raise WrongSettings("OPENAI_BASE_URL: OpenAI is called over https only")
    raise WrongSettings(
        f"OPENAI_BASE_URL names the host {host or '(none)'}, which is neither OpenAI's nor this machine; "
        "if that is meant, list it in openai.allowed_hosts"
    )


def service_at(base_url: str, settings: OpenAISettings) -> Service:
    """Who is called at a base URL, for the record."""
    return Service(host=urlsplit(base_url).hostname or "-", retention=Retention(settings.retention))


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
