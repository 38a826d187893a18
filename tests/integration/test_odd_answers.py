"""What OpenAI's host, or somebody who plays it, can send: nothing of it takes memory, time or the job without end."""

import asyncio
import gzip
import json
import time
import tracemalloc
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from pipeline.adapters.openai_llm import OpenAILLM
from pipeline.errors import VeilError
from pipeline.ports import Answer
from pipeline.settings import MIB, OpenAISettings
from schemas.codes import ErrorCode
from schemas.job import Endpoint
from tests.integration.odd_server import OddServer, response

GOOD: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hello"}}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
}
SETTINGS = OpenAISettings(timeout=2.0, max_attempts=3, backoff=0.01, max_answer_bytes=MIB)
REQUEST = b'{"model":"m","messages":[]}'


def encoded(**changes: Any) -> bytes:
    return json.dumps({**GOOD, **changes}).encode()


@pytest.fixture
async def server() -> AsyncIterator[OddServer]:
    async with OddServer() as started:
        yield started


async def call(server: OddServer, *, deadline: float | None = None) -> Answer:
    async with OpenAILLM(SETTINGS, api_key="test", base_url=server.base_url) as llm, asyncio.timeout(20):
        return await llm.complete(Endpoint.CHAT_COMPLETIONS, REQUEST, deadline=deadline)


async def refused(server: OddServer) -> VeilError:
    with pytest.raises(VeilError) as caught:
        await call(server)
    return caught.value


@pytest.mark.parametrize("status", ["200 OK", "500 Internal Server Error", "400 Bad Request"])
async def test_a_decompression_bomb_is_refused_unopened(server: OddServer, status: str) -> None:
    bomb = gzip.compress(bytes(64 * MIB))
    server.say(bomb, status=status, headers=[b"content-encoding: gzip"])
    tracemalloc.start()
    try:
        error = await refused(server)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert error.code is ErrorCode.OPENAI_ANSWER_TOO_LARGE
    assert peak < 8 * MIB
    assert b"accept-encoding: identity" in server.requests[0].lower()


@pytest.mark.parametrize("status", ["200 OK", "500 Internal Server Error"])
async def test_an_answer_without_end_is_cut_at_the_limit_and_not_asked_for_again(
    server: OddServer, status: str
) -> None:
    server.answers = [f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\n\r\n".encode()]
    server.endless = b" " * 65_536
    assert (await refused(server)).code is ErrorCode.OPENAI_ANSWER_TOO_LARGE
    assert len(server.requests) == 1
    # The rest is what lay in the two sockets' buffers.
    assert server.written < 32 * MIB


async def test_an_answer_of_exactly_the_limit_is_taken(server: OddServer) -> None:
    body = encoded()
    server.say(body + b" " * (MIB - len(body)))
    assert len((await call(server)).body) == MIB


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nx-odd: "], ids=["body", "header"])
async def test_an_answer_that_drips_in_ends_with_the_jobs_deadline(server: OddServer, head: bytes) -> None:
    server.answers = [head]
    server.endless, server.pause = b" ", 0.05
    started = time.monotonic()
    with pytest.raises(VeilError) as caught:
        await call(server, deadline=time.time() + 0.5)
    assert caught.value.code in {ErrorCode.DEADLINE_PASSED, ErrorCode.OPENAI_TIMEOUT}
    assert time.monotonic() - started < 5


async def test_an_answer_that_drips_in_ends_with_the_timeout_and_is_asked_for_again(server: OddServer) -> None:
    server.answers = [b"HTTP/1.1 200 OK\r\n\r\n"]
    server.endless, server.pause = b" ", 0.05
    async with OpenAILLM(SETTINGS, api_key="test", base_url=server.base_url) as llm:
        calling = asyncio.create_task(llm.complete(Endpoint.CHAT_COMPLETIONS, REQUEST, deadline=None))
        async with asyncio.timeout(10):
            while len(server.requests) < 2:
                await asyncio.sleep(0.05)
        server.endless = b""
        server.say(encoded())
        assert (await calling).body == encoded()


GARBLED: dict[str, bytes] = {
    "no http": b"garbage\r\n\r\n",
    "a chunk without a size": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n",
    "a header that never ends": response(b"{}", headers=[b"x-odd: " + b"a" * 100_000]),
    "a header without a colon": response(b"{}", headers=[b"odd"]),
    "a header's name that is no text": response(b"{}", headers=[b"\xff\xfe: v"]),
    "a NUL in a header": response(b"{}", headers=[b"x-request-id: re\x00q"]),
    "a CR in a header": response(b"{}", headers=[b"x-request-id: re\rq"]),
}
ODD_BODIES: dict[str, bytes] = {
    "nothing": b"",
    "a list": b"[]",
    "deeper than any reader goes": b'{"object":"x","choices":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep where numbers belong": b'{"object":"x","usage":' + b"[" * 100_000 + b"}",
    "NaN": b'{"object":"x","created":NaN}',
    "Infinity": b'{"object":"x","created":-Infinity}',
    "a byte order mark": b"\xef\xbb\xbf" + encoded(),
    "a lone surrogate": b'{"object":"\\ud800"}',
    "invalid UTF-8": b'{"object":"\xff"}',
    "a field twice, once of a wrong type": b'{"object":"x","object":[]}',
    "tokens beyond any count": encoded(usage={"total_tokens": 10**30}),
    "fewer than no tokens": encoded(usage={"prompt_tokens": -5}),
    "half tokens": encoded(usage={"prompt_tokens": 1.5}),
}


@pytest.mark.parametrize(
    "odd",
    [*GARBLED.values(), *(response(body) for body in ODD_BODIES.values())],
    ids=[*GARBLED.keys(), *ODD_BODIES.keys()],
)
async def test_what_is_no_answer_is_asked_for_again(server: OddServer, odd: bytes) -> None:
    server.say_once(odd, encoded())
    answer = await call(server)
    assert (answer.body, answer.attempts) == (encoded(), 2)


@pytest.mark.parametrize("value", [b"nan", b"inf", b"-inf", b"1e400", b"\xb2", b"", b"-5"])
async def test_a_wait_that_is_no_number_of_seconds_is_not_waited_for(server: OddServer, value: bytes) -> None:
    server.say_once(
        response(b"{}", status="503 Service Unavailable", headers=[b"retry-after: " + value]), then=encoded()
    )
    started = time.monotonic()
    assert (await call(server)).body == encoded()
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    "value",
    [b"req\xff\xfe", b"re q", b"a" * 65, "réq".encode(), b'{"a":"b"}', b"../../etc", b"%0d%0aset-cookie"],
)
async def test_an_odd_request_id_is_left_out(server: OddServer, value: bytes) -> None:
    server.say(encoded(), headers=[b"x-request-id: " + value])
    assert (await call(server)).request_id is None


async def test_a_request_id_of_openais_shape_is_kept(server: OddServer) -> None:
    server.say(encoded(), headers=[b"x-request-id: req_0123abcd"])
    answer = await call(server)
    assert answer.request_id == "req_0123abcd"
    assert msgspec.json.encode(answer)


async def test_a_redirect_is_not_followed(server: OddServer) -> None:
    async with OddServer() as elsewhere:
        elsewhere.say(encoded())
        server.say(b"", status="307 Temporary Redirect", headers=[f"location: {elsewhere.base_url}".encode()])
        with pytest.raises(VeilError):
            await call(server, deadline=time.time() + 2)
        assert elsewhere.requests == []
