"""The HTTP server: records, decides, answers."""

import asyncio
import re
import secrets
import time
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from infra.openai_stub import answers, prompt, wire
from infra.openai_stub.config import StubConfig
from infra.openai_stub.failures import Dice, mangle, refusal, shaped
from infra.openai_stub.limits import Limits
from infra.openai_stub.prompt import InvalidRequest, Json, Prompt
from infra.openai_stub.recording import RecordedRequest, Recording
from infra.openai_stub.wire import Answer

MAX_BODY_BYTES = 256 * 1024 * 1024
PATHS = {"/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/v1/moderations"}


class _Arrival(msgspec.Struct):
    """When a request came, and what its answer is to tell of the limits as they were then."""

    at: float
    limits: dict[str, str] = {}


class OpenAIStub:
    """Serves `/v1` as OpenAI does, and `/_stub` for whoever runs it.

    `config` may be changed or replaced while it runs.
    """

    def __init__(
        self, config: StubConfig | None = None, *, record: Path | None = None, seed: int | None = None
    ) -> None:
        self.config = config or StubConfig()
        self.base_url = ""
        self._dice = Dice(seed)
        self._recording = Recording(record)
        self._runner: web.AppRunner | None = None
        self._statuses: Counter[str] = Counter()
        self._received = self._in_flight = self._max_in_flight = 0
        self._limits = Limits()

    @property
    def requests(self) -> list[RecordedRequest]:
        return self._recording.requests

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Serve, and give the base URL (with `/v1`, as `OPENAI_BASE_URL` wants it)."""
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        app.router.add_get("/_stub/requests", self._list_requests)
        app.router.add_delete("/_stub/requests", self._forget_requests)
        app.router.add_get("/_stub/config", self._show_config)
        app.router.add_put("/_stub/config", self._change_config)
        app.router.add_get("/_stub/stats", self._show_stats)
        app.router.add_route("*", "/{path:.*}", self._serve)
        # A handler ends with its client, or `hang` would count as in flight for ever.
        self._runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1, handle_signals=False
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port, backlog=4096)
        await site.start()
        self.base_url = f"http://{host}:{self._runner.addresses[0][1]}/v1"
        return self.base_url

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        self._recording.close()

    def stats(self) -> Json:
        return {
            "requests": self._received,
            "in_flight": self._in_flight,
            "max_in_flight": self._max_in_flight,
            "statuses": dict(self._statuses),
            "fired": dict(self._dice.fired),
            "limits": self._limits.stats(),
        }

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self._received += 1
        headers = tuple((n.decode("latin-1"), v.decode("latin-1")) for n, v in request.raw_headers)
        recorded = RecordedRequest(self._received, request.method, request.path_qs, headers, body)
        self._recording.add(recorded, keep=self.config.keep_requests)
        self._in_flight += 1
        self._max_in_flight = max(self._max_in_flight, self._in_flight)
        status = "disconnected"
        try:
            answer = await self._respond(request, body)
            status = str(answer.status)
            return answer
        except _Cut:
            status = "cut"
            raise
        finally:
            self._in_flight -= 1
            self._statuses[status] += 1

    async def _respond(self, request: web.Request, body: bytes) -> web.StreamResponse:
        arrived = _Arrival(time.monotonic())
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not key:
            text = "You didn't provide an API key. Provide it in an Authorization header using Bearer auth."
            return self._json(401, wire.error(text, "invalid_request_error"), arrived)
        endpoint = f"{request.method} {request.path}"
        if endpoint == "GET /v1/models":
            return self._json(200, wire.models(), arrived)
        if endpoint == "GET /v1/organization/data_retention":
            if not key.startswith("admin"):
                text = "You have insufficient permissions for this operation."
                return self._json(403, wire.error(text, "invalid_request_error"), arrived)
            return self._json(200, wire.data_retention(self.config.retention), arrived)
        if request.method != "POST" or request.path not in PATHS:
            text = f"Invalid URL ({endpoint})"
            return self._json(404, wire.error(text, "invalid_request_error"), arrived)
        try:
            fields = _decode(body)
            asked = None
            inputs: list[str] = []
            if request.path == "/v1/chat/completions":
                asked = prompt.of_chat(fields)
            elif request.path == "/v1/responses":
                asked = prompt.of_responses(fields)
            else:
                inputs = prompt.inputs_of(fields)
        except InvalidRequest as exc:
            problem = wire.error(exc.message, "invalid_request_error", param=exc.param, code=exc.code)
            return self._json(400, problem, arrived)
        prompt_tokens = wire.tokens(body.decode(errors="replace"))
        failure = self._dice.failure(self.config.failures, body)
        limited = None
        if self.config.enforce_limits:
            limited = self._limits.admit(self.config, max(prompt_tokens, _most_tokens(fields)))
            arrived.limits = self._limits.headers(self.config)
        if failure is None and limited is not None:
            failure = "too_large" if limited.too_large else "rate_limit"
        else:
            await self._wait(failure)
        if failure == "down":
            if request.transport is not None:
                request.transport.close()
            raise _Cut
        if failure == "bad_gateway":
            return web.Response(status=502, text="<html><h1>502 Bad Gateway</h1></html>", content_type="text/html")
        refused = refusal(failure, model=fields["model"], prompt_text=asked.last_user if asked else "")
        if refused is not None:
            answered = self._json(*refused, arrived)
            if limited is not None:
                answered.headers.update(limited.headers())
            elif failure == "rate_limit":
                answered.headers["retry-after"] = f"{self.config.retry_after_s:g}"
                answered.headers["retry-after-ms"] = f"{self.config.retry_after_s * 1000:.0f}"
            return answered
        if asked is None:
            write = wire.moderations if request.path == "/v1/moderations" else wire.embeddings
            return await self._send(request, write(fields, inputs), failure, arrived)
        answer = self._compose(asked, body)
        if request.path == "/v1/responses":
            response = wire.response(fields, answer, prompt_tokens)
            if fields.get("stream"):
                return await self._stream(request, wire.response_events(shaped(response, failure)), failure, arrived)
            return await self._send(request, response, failure, arrived)
        if fields.get("stream"):
            chunks = wire.chat_chunks(fields, answer, prompt_tokens)
            return await self._stream(request, [_ending(chunk, failure) for chunk in chunks], failure, arrived)
        return await self._send(request, wire.chat_completion(fields, answer, prompt_tokens), failure, arrived)

    def _compose(self, asked: Prompt, body: bytes) -> Answer:
        pattern = re.compile(self.config.placeholder)
        known = answers.placeholders_in("\n".join(asked.user), pattern)
        mangled = mangle(known, self._dice.manglings(self.config.mangling, body), self._dice.random)
        if self.config.mode == "echo":
            text = "\n".join([asked.last_user, *mangled.invented])
            return Answer(text=mangled.apply(text, pattern))
        usable = known + mangled.invented
        if self.config.mode == "tool_calls" and asked.tools:
            name, arguments = answers.tool_call(asked, usable)
            return Answer(tool_call=(name, mangled.apply(arguments, pattern)))
        return Answer(text=mangled.apply(answers.helpful(asked, usable), pattern))

    async def _wait(self, failure: str | None) -> None:
        seconds = self.config.latency_s + self._dice.random.random() * self.config.latency_jitter_s
        if failure == "hang":
            seconds = self.config.hang_s
        if seconds:
            await asyncio.sleep(seconds)

    async def _send(
        self, request: web.Request, value: Json, failure: str | None, arrived: _Arrival
    ) -> web.StreamResponse:
        data = wire.encode(shaped(value, failure))
        if failure == "malformed_json":
            data = data[: len(data) // 2]
        if failure != "cut":
            return web.Response(body=data, content_type="application/json", headers=self._headers(arrived))
        headers = self._headers(arrived) | {
            "content-type": "application/json",
            "content-length": str(len(data)),
        }
        await self._cut(request, web.StreamResponse(headers=headers), data[: len(data) // 2])
        raise _Cut

    async def _stream(
        self, request: web.Request, chunks: list[Json], failure: str | None, arrived: _Arrival
    ) -> web.StreamResponse:
        events = [_event(chunk) for chunk in chunks]
        if "type" not in chunks[0]:
            events.append(b"data: [DONE]\n\n")
        response = web.StreamResponse(headers=self._headers(arrived) | {"content-type": "text/event-stream"})
        if failure == "cut":
            await self._cut(request, response, b"".join(events[: len(events) // 2]))
            raise _Cut
        if failure == "malformed_json":
            events[1] = events[1][: len(events[1]) // 2] + b"\n\n"
        if failure == "empty_choices":
            events = events[-1:]
        await response.prepare(request)
        for event in events:
            await response.write(event)
        await response.write_eof()
        return response

    async def _cut(self, request: web.Request, response: web.StreamResponse, part: bytes) -> None:
        await response.prepare(request)
        await response.write(part)
        if request.transport is not None:
            request.transport.close()

    def _json(self, status: int, value: Json, arrived: _Arrival) -> web.Response:
        return web.Response(
            status=status,
            body=wire.encode(value),
            content_type="application/json",
            headers=self._headers(arrived),
        )

    def _headers(self, arrived: _Arrival) -> dict[str, str]:
        return {
            "x-request-id": f"req_{secrets.token_hex(16)}",
            "openai-version": "2020-10-01",
            "openai-processing-ms": f"{(time.monotonic() - arrived.at) * 1000:.0f}",
        } | arrived.limits

    async def _list_requests(self, _: web.Request) -> web.Response:
        return _plain([recorded.as_json() for recorded in self.requests])

    async def _forget_requests(self, _: web.Request) -> web.Response:
        self.requests.clear()
        return web.Response(status=204)

    async def _show_config(self, _: web.Request) -> web.Response:
        return _plain(self.config)

    async def _change_config(self, request: web.Request) -> web.Response:
        try:
            changed = self.config.updated(msgspec.json.decode(await request.read(), type=dict[str, Any]))
            re.compile(changed.placeholder)
        except (msgspec.DecodeError, re.error) as exc:
            return web.Response(status=400, text=str(exc))
        self.config = changed
        return _plain(self.config)

    async def _show_stats(self, _: web.Request) -> web.Response:
        return _plain(self.stats())


class _Cut(ConnectionResetError):
    """The connection was closed on purpose; nothing more can be sent."""


def _event(data: Json) -> bytes:
    """A response's events have their type as a name, too."""
    name = b"event: " + data["type"].encode() + b"\n" if "type" in data else b""
    return name + b"data: " + wire.encode(data) + b"\n\n"


def _ending(chunk: Json, failure: str | None) -> Json:
    """A chunk of an answer that was cut short."""
    if failure not in {"length", "content_filter"}:
        return chunk
    ends = [choice | {"finish_reason": failure} if choice["finish_reason"] else choice for choice in chunk["choices"]]
    return chunk | {"choices": ends}


def _decode(body: bytes) -> Json:
    try:
        fields: Json = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise InvalidRequest("We could not parse the JSON body of your request.") from None
    if not isinstance(fields.get("model"), str):
        raise InvalidRequest("you must provide a model parameter", "model")
    return fields


def _most_tokens(fields: Json) -> int:
    """What the request allows for its answer, which counts as used."""
    given = (fields.get(name) for name in ("max_completion_tokens", "max_output_tokens", "max_tokens"))
    return next((most for most in given if isinstance(most, int)), 0)


def _plain(value: Any) -> web.Response:
    return web.Response(body=wire.encode(value), content_type="application/json")
