"""The port to OpenAI: sends attested bytes unchanged, retries by its own rules, translates every fault.

The SDK's own retries are off. Redirects are not followed: a redirect would carry a
request to a host nobody allowed. No message or body of an SDK exception is kept;
both echo the request.
"""

import asyncio
import math
import random
import re
import time
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

from pipeline.adapters.answer_limit import UNENCODED, limit_answers
from pipeline.ports import Answer, CallFailed
from pipeline.settings import OpenAISettings, WrongSettings
from schemas.codes import ErrorCode
from schemas.completion import Usage
from schemas.job import Endpoint

log = structlog.get_logger()

DEFAULT_BASE_URL = "https://api.openai.com/v1"
PATHS: Mapping[Endpoint, str] = {
    Endpoint.CHAT_COMPLETIONS: "/chat/completions",
    Endpoint.RESPONSES: "/responses",
    Endpoint.EMBEDDINGS: "/embeddings",
}

_SAFE_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class Rejected(CallFailed):
    """OpenAI refused the request as such; sending it again cannot succeed."""

    code = ErrorCode.OPENAI_REJECTED


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
    """An answer that is not the endpoint's JSON."""

    code = ErrorCode.OPENAI_MALFORMED_ANSWER
    retryable = True


class CallDeadlinePassed(CallFailed):
    """The job's deadline came before an answer did."""

    code = ErrorCode.DEADLINE_PASSED


_Tokens = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class _UsageBody(msgspec.Struct):
    prompt_tokens: _Tokens = 0
    completion_tokens: _Tokens = 0
    input_tokens: _Tokens = 0
    output_tokens: _Tokens = 0
    total_tokens: _Tokens = 0


class _AnswerBody(msgspec.Struct):
    """What is read of an answer here; its content is the rehydrator's."""

    object: str
    usage: _UsageBody | None = None


_answers = msgspec.json.Decoder(_AnswerBody)


class OpenAILLM:
    """`LLM` over the `openai` package and aiohttp; use it as an async context manager."""

    def __init__(self, settings: OpenAISettings, *, api_key: str, base_url: str) -> None:
        check_base_url(base_url, settings.allowed_hosts)
        self._settings = settings
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
                trust_env=not _is_loopback(urlsplit(base_url).hostname or ""),
            ),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        await self._client.close()

    async def complete(self, endpoint: Endpoint, body: bytes, *, deadline: float | None) -> Answer:
        """Send `body` as it is; retry what may succeed, until the attempts or the deadline are spent."""
        attempt = 0
        while True:
            attempt += 1
            try:
                return await self._call(endpoint, body, attempt, deadline)
            except _Retry as retry:
                wait = retry.wait if retry.wait is not None else self._backoff(attempt)
                if attempt >= self._settings.max_attempts:
                    raise retry.failure from None
                if deadline is not None and time.time() + wait > deadline:
                    raise CallDeadlinePassed(attempts=attempt, status=retry.failure.status) from None
                log.info(
                    "call.retried",
                    code=retry.failure.code.value,
                    status=retry.failure.status,
                    attempts=attempt,
                    wait_s=round(wait, 3),
                )
            await asyncio.sleep(wait)

    async def _call(self, endpoint: Endpoint, body: bytes, attempt: int, deadline: float | None) -> Answer:
        timeout = self._settings.timeout
        if deadline is not None:
            timeout = min(timeout, deadline - time.time())
            if timeout <= 0:
                raise CallDeadlinePassed(attempts=attempt - 1)
        try:
            # httpx2's timeout is for each read: an answer that drips in would never end.
            async with asyncio.timeout(timeout):
                response = await self._client.post(
                    PATHS[endpoint],
                    content=body,
                    cast_to=httpx2.Response,
                    options={"headers": {"content-type": "application/json"}, "timeout": timeout},
                )
            content = response.content
        except openai.APIStatusError as exc:
            raise _translate_status(exc, attempt) from None
        except (openai.APITimeoutError, TimeoutError):
            raise _Retry(TimedOut(attempts=attempt)) from None
        except (openai.APIConnectionError, httpx2.HTTPError, aiohttp.ClientError):
            raise _Retry(Unavailable("connection", attempts=attempt)) from None
        try:
            parsed = _answers.decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise _Retry(MalformedAnswer(attempts=attempt, status=response.status_code)) from None
        request_id = response.headers.get("x-request-id", "")
        return Answer(
            body=content,
            attempts=attempt,
            request_id=request_id if _SAFE_ID.fullmatch(request_id) else None,
            usage=_usage(parsed.usage),
        )

    def _backoff(self, attempt: int) -> float:
        """Exponential with full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter")."""
        ceiling = min(self._settings.backoff * 2 ** (attempt - 1), self._settings.backoff_max)
        return random.uniform(ceiling / 2, ceiling)  # noqa: S311 - jitter, no secret


class _Retry(Exception):
    """A call that may succeed if it is made again, after `wait` seconds if OpenAI named them."""

    def __init__(self, failure: CallFailed, wait: float | None = None) -> None:
        super().__init__()
        self.failure = failure
        self.wait = wait


def _translate_status(exc: openai.APIStatusError, attempt: int) -> Exception:
    """OpenAI's status and error code (API reference, "Error codes") as one of ours."""
    status = exc.status_code
    if status in {401, 403}:
        return Unauthorized(f"HTTP {status}", attempts=attempt, status=status)
    if status == 429:
        if exc.code == "insufficient_quota":
            return QuotaExhausted(attempts=attempt, status=status)
        return _Retry(RateLimited(attempts=attempt, status=status), _retry_after(exc.response.headers))
    if status in {408, 409} or status >= 500:
        return _Retry(
            Unavailable(f"HTTP {status}", attempts=attempt, status=status), _retry_after(exc.response.headers)
        )
    return Rejected(f"HTTP {status}", attempts=attempt, status=status)


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


def check_base_url(base_url: str, allowed_hosts: tuple[str, ...]) -> None:
    """Refuse a host that is neither OpenAI's (any region) nor loopback nor allowed by the settings.

    Raises:
        WrongSettings: it is another.
    """
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    if host in allowed_hosts or _is_loopback(host):
        return
    if host == "api.openai.com" or host.endswith(".api.openai.com"):
        if parts.scheme == "https":
            return
        raise WrongSettings("OPENAI_BASE_URL: OpenAI is called over https only")
    raise WrongSettings(
        f"OPENAI_BASE_URL names the host {host or '(none)'}, which is neither OpenAI's nor this machine; "
        "if that is meant, list it in openai.allowed_hosts"
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
