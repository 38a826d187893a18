"""A streamed answer is the answer that would have come whole; half a stream is no answer."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.openai_stub import OpenAIStub, StubConfig
from pipeline.adapters.answer_stream import MalformedStream, StreamCut, StreamFailed, read_stream
from pipeline.adapters.openai_failures import AnswerTooLarge
from pipeline.errors import VeilError
from pipeline.settings import MIB, OpenAISettings
from schemas.codes import ErrorCode
from schemas.job import Endpoint
from tests.integration.odd_server import OddServer
from tests.stages import Stages, open_llm
from tests.unit.redaction.detectors import chat, encode

CHAT, RESPONSES = Endpoint.CHAT_COMPLETIONS, Endpoint.RESPONSES
DONE = b"data: [DONE]\n\n"
SETTINGS = OpenAISettings(timeout=2.0, max_attempts=2, backoff=0.01, stream=True)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
tool_calls = st.builds(
    lambda name, arguments: {
        "id": f"call_{name}",
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    },
    st.sampled_from(["look", "find"]),
    st.dictionaries(texts, texts, max_size=3).map(json.dumps) | texts,
)
tokens = st.lists(
    st.builds(
        lambda token, logprob: {"token": token, "logprob": logprob, "bytes": list(token.encode()), "top_logprobs": []},
        texts,
        st.floats(-20, 0),
    ),
    max_size=4,
)
messages: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "role": st.just("assistant"),
        "content": st.none() | texts,
        "refusal": st.none() | texts,
        "annotations": st.just([]),
    },
    optional={"tool_calls": st.lists(tool_calls, min_size=1, max_size=3)},
)
choices = st.fixed_dictionaries(
    {
        "message": messages,
        "logprobs": st.none() | st.fixed_dictionaries({"content": st.none() | tokens, "refusal": st.none()}),
        "finish_reason": st.sampled_from(["stop", "length", "tool_calls", "content_filter"]),
    }
)
answers = st.builds(
    lambda choices, usage: {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": "gpt-4o",
        "choices": [{"index": index} | choice for index, choice in enumerate(choices)],
        "usage": usage,
        "service_tier": "default",
        "system_fingerprint": "fp_1",
    },
    st.lists(choices, min_size=1, max_size=3),
    st.none() | st.just({"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}),
)


def pieces(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)] or [""]


def deltas(choice: dict[str, Any], size: int) -> Iterator[dict[str, Any]]:
    """What OpenAI would send of one choice, a few characters at a time."""
    message, logprobs = choice["message"], choice["logprobs"]
    spelled: list[Any] = (
        [] if logprobs is None else [{"content": None if logprobs["content"] is None else [], "refusal": None}]
    )
    if logprobs is not None:
        spelled += [{"content": [token], "refusal": None} for token in logprobs["content"] or ()]
    parts: list[dict[str, Any]] = [{"role": "assistant", "content": None, "refusal": None}]
    for name in ("content", "refusal"):
        parts += [] if message[name] is None else [{name: piece} for piece in pieces(message[name], size)]
    for index, call in enumerate(message.get("tool_calls", ())):
        begun = call | {"function": call["function"] | {"arguments": ""}}
        parts.append({"tool_calls": [{"index": index} | begun]})
        parts += [
            {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}
            for piece in pieces(call["function"]["arguments"], size)
        ]
    while len(parts) < len(spelled):
        parts.append({})
    for number, part in enumerate(parts):
        yield {
            "index": choice["index"],
            "delta": part,
            "logprobs": spelled[number] if number < len(spelled) else None,
            "finish_reason": None,
        }
    yield {"index": choice["index"], "delta": {}, "logprobs": None, "finish_reason": choice["finish_reason"]}


def chunks_of(answer: dict[str, Any], size: int) -> list[dict[str, Any]]:
    head = {name: value for name, value in answer.items() if name not in ("choices", "usage")}
    head |= {"object": "chat.completion.chunk"}
    lists = [list(deltas(choice, size)) for choice in answer["choices"]]
    # The choices take turns, as they do with n > 1.
    turns = [item[at] for at in range(max(map(len, lists))) for item in lists if at < len(item)]
    chunks = [head | {"choices": [piece], "usage": None, "obfuscation": "xyz"} for piece in turns]
    return [*chunks, head | {"choices": [], "usage": answer["usage"]}]


def stream_of(chunks: list[dict[str, Any]]) -> bytes:
    return b"".join(b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\n\n" for chunk in chunks) + DONE


async def read(endpoint: Endpoint, data: bytes, *, size: int = 1000, limit: int = MIB) -> bytes:
    async def body() -> AsyncIterator[bytes]:
        for at in range(0, len(data), size):
            yield data[at : at + size]

    return await read_stream(endpoint, httpx2.Response(200, content=body()), limit=limit)


@settings(max_examples=150, deadline=None)
@given(answers, st.integers(1, 9), st.integers(1, 200))
def test_a_streamed_completion_is_the_whole_one(answer: dict[str, Any], size: int, at_once: int) -> None:
    body = asyncio.run(read(CHAT, stream_of(chunks_of(answer, size)), size=at_once))
    assert json.loads(body) == answer


@settings(deadline=None)
@given(
    st.dictionaries(texts, texts, max_size=5),
    st.integers(1, 60),
    st.sampled_from(["completed", "incomplete", "failed"]),
)
def test_a_streamed_response_is_the_whole_one_byte_for_byte(more: dict[str, str], at_once: int, status: str) -> None:
    whole = json.dumps(
        {"object": "response", "status": status, "output": [], "metadata": more}, ensure_ascii=False
    ).encode()
    data = b'event: response.created\ndata: {"type":"response.created","response":{"output":[]}}\n\n'
    data += b'event: response.%b\ndata: {"type":"response.%b","response":%b}\n\n' % (
        status.encode(),
        status.encode(),
        whole,
    )
    assert asyncio.run(read(RESPONSES, data, size=at_once)) == whole


async def test_numbers_stay_as_they_were_spelled() -> None:
    logprobs = b'{"content":[{"logprob":-0.10}]}'
    chunk = b'{"choices":[{"index":0,"delta":{},"finish_reason":"stop","logprobs":%b}]}' % logprobs
    assert b'"logprob":-0.10}' in await read(CHAT, b"data: " + chunk + b"\n\n" + DONE)


WHOLE = stream_of(
    chunks_of(
        {
            "id": "c",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": "one two three", "refusal": None},
                    "logprobs": None,
                    "finish_reason": "stop",
                }
            ],
            "usage": None,
        },
        3,
    )
)


def test_a_stream_that_ends_anywhere_before_its_end_is_no_answer() -> None:
    for end in range(len(WHOLE) - 1):
        with pytest.raises(StreamCut):
            asyncio.run(read(CHAT, WHOLE[:end]))
    assert asyncio.run(read(CHAT, WHOLE))


async def test_a_server_may_say_with_each_piece_whose_it_is() -> None:
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "look", "arguments": "ab"}}
    piece = {"choices": [{"index": 0, "delta": {"role": "assistant", "tool_calls": [call]}}]}
    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}
    message = json.loads(await read(CHAT, stream_of([piece, piece, end])))["choices"][0]["message"]
    assert message["role"] == "assistant"
    assert message["tool_calls"] == [
        {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "abab"}}
    ]


async def test_lines_may_end_as_on_windows_and_comments_are_passed_over() -> None:
    assert await read(CHAT, b": hello\r\n\r\n" + WHOLE.replace(b"\n", b"\r\n"), size=1) == await read(CHAT, WHOLE)


async def test_a_choice_that_was_never_finished_is_no_answer() -> None:
    with pytest.raises(StreamCut):
        await read(CHAT, b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n' + DONE)


@pytest.mark.parametrize(
    "data",
    [
        b"nope",
        b"[]",
        b'{"choices":5}',
        b'{"choices":[5]}',
        b'{"choices":[{"index":"a"}]}',
        b'{"choices":[{"index":0,"delta":5}]}',
        b'{"choices":[{"index":0,"delta":{"tool_calls":[{"index":7}]}}]}',
        b'{"choices":[{"index":0,"delta":{"tool_calls":[{"index":-1}]}}]}',
        b"[" * 100_000,
        b"\xff",
    ],
)
@pytest.mark.parametrize("endpoint", [CHAT, RESPONSES])
async def test_what_is_no_stream_of_the_endpoint_is_told(endpoint: Endpoint, data: bytes) -> None:
    with pytest.raises((MalformedStream, StreamCut)):
        await read(endpoint, b"data: " + data + b"\n\n")


@pytest.mark.parametrize("endpoint", [CHAT, RESPONSES])
async def test_an_error_inside_the_stream_is_told_without_its_message(endpoint: Endpoint) -> None:
    error = b'{"type":"error","error":{"code":"rate_limit_exceeded","type":"tokens","message":"canary"}}'
    with pytest.raises(StreamFailed) as caught:
        await read(endpoint, b"event: error\ndata: " + error + b"\n\n")
    assert (caught.value.code, caught.value.kind) == ("rate_limit_exceeded", "tokens")
    assert "canary" not in f"{caught.value!r}{caught.value}"


async def test_an_answer_without_end_is_cut_at_the_limit() -> None:
    piece = b'data: {"choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n' % (b"a" * 1000)
    with pytest.raises(AnswerTooLarge):
        await read(CHAT, piece * 200, limit=100_000)


async def test_a_long_answer_in_small_pieces_is_put_together_in_linear_time() -> None:
    piece = b'data: {"choices":[{"index":0,"delta":{"content":"word "}}]}\n\n'
    end = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n' + DONE
    async with asyncio.timeout(60):
        body = json.loads(await read(CHAT, piece * 100_000 + end, size=65_536, limit=16 * MIB))
    assert body["choices"][0]["message"]["content"] == "word " * 100_000


@pytest.fixture
async def stub() -> AsyncIterator[OpenAIStub]:
    server = OpenAIStub(StubConfig(mode="echo", retry_after_s=0.01))
    await server.start()
    yield server
    await server.stop()


def responses(text: str, **more: Any) -> dict[str, Any]:
    return {"model": "gpt-4o", "input": text, **more}


def asked(request: dict[str, Any], *, stream: bool) -> bytes:
    more: dict[str, Any] = {"stream": True} if stream else {}
    if stream and "messages" in request:
        more["stream_options"] = {"include_usage": True}
    return encode(request | more)


def comparable(body: bytes) -> Any:
    """An answer without what is drawn anew for each, and without what the stub counts of the request's bytes."""
    return _without_ids(json.loads(body))


def _without_ids(value: Any) -> Any:
    if isinstance(value, dict):
        drawn = {"id", "call_id", "created", "created_at"} | {"prompt_tokens", "input_tokens", "total_tokens"}
        return {name: _without_ids(item) for name, item in value.items() if name not in drawn}
    return [_without_ids(item) for item in value] if isinstance(value, list) else value


TOOL = {"type": "object", "properties": {"who": {"type": "string"}}}
REQUESTS: dict[str, tuple[Endpoint, dict[str, Any], str]] = {
    "text": (CHAT, chat('Grüße 🙂 "quoted"\n\\'), "echo"),
    "empty": (CHAT, chat(""), "echo"),
    "three choices": (CHAT, chat("one two three", n=3), "echo"),
    "tool": (
        CHAT,
        chat("call", tools=[{"type": "function", "function": {"name": "f", "parameters": TOOL}}]),
        "tool_calls",
    ),
    "response": (RESPONSES, responses("Grüße 🙂"), "echo"),
    "response's tool": (
        RESPONSES,
        responses("call", tools=[{"type": "function", "name": "f", "parameters": TOOL}]),
        "tool_calls",
    ),
}


@pytest.mark.parametrize(("endpoint", "request_", "mode"), REQUESTS.values(), ids=REQUESTS.keys())
@pytest.mark.parametrize("failure", [None, "length", "content_filter"])
async def test_a_call_is_answered_alike_in_pieces_and_whole(
    stub: OpenAIStub, endpoint: Endpoint, request_: dict[str, Any], mode: str, failure: str | None
) -> None:
    stub.config = stub.config.updated({"mode": mode, "failures": {failure: {"next": 2}} if failure else {}})
    async with open_llm(stub.base_url, SETTINGS) as llm:
        whole = await llm.complete(endpoint, asked(request_, stream=False), deadline=None)
        streamed = await llm.complete(endpoint, asked(request_, stream=True), deadline=None)
    assert comparable(streamed.body) == comparable(whole.body)
    assert streamed.usage is not None
    assert llm.outcomes[failure or "completed"] == 2


@pytest.mark.parametrize("failure", ["cut", "malformed_json", "empty_choices", "server_error", "rate_limit"])
@pytest.mark.parametrize("endpoint", [CHAT, RESPONSES])
async def test_a_stream_that_fails_is_asked_for_again(stub: OpenAIStub, endpoint: Endpoint, failure: str) -> None:
    stub.config = stub.config.updated({"failures": {failure: {"next": 1}}})
    request = chat("some words") if endpoint is CHAT else responses("some words")
    async with open_llm(stub.base_url, SETTINGS) as llm:
        answer = await llm.complete(endpoint, asked(request, stream=True), deadline=None)
    assert answer.attempts == 2
    assert b"some words" in answer.body


def server_says(server: OddServer, data: bytes) -> None:
    server.answers = [b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n\r\n" + data]


@pytest.mark.parametrize(
    ("code", "kind", "ours"),
    [
        ("context_length_exceeded", "invalid_request_error", ErrorCode.OPENAI_CONTEXT_LENGTH),
        ("invalid_prompt", "invalid_request_error", ErrorCode.OPENAI_REJECTED),
        ("rate_limit_exceeded", "tokens", ErrorCode.OPENAI_RATE_LIMITED),
        ("insufficient_quota", "insufficient_quota", ErrorCode.OPENAI_QUOTA_EXHAUSTED),
        ("server_error", "server_error", ErrorCode.OPENAI_UNAVAILABLE),
    ],
)
async def test_an_error_inside_a_stream_counts_as_the_calls(code: str, kind: str, ours: ErrorCode) -> None:
    async with OddServer() as server:
        server_says(server, b'data: {"error":{"code":"%b","type":"%b"}}\n\n' % (code.encode(), kind.encode()))
        async with open_llm(server.base_url, SETTINGS) as llm:
            with pytest.raises(VeilError):
                await llm.complete(CHAT, asked(chat("x"), stream=True), deadline=time.time() + 1)
    assert set(llm.outcomes) == {ours}


async def test_a_silence_ends_a_stream_and_slowness_does_not() -> None:
    quick = msgspec.structs.replace(SETTINGS, timeout=0.4, max_attempts=1, stream_timeout=20.0)
    async with OddServer() as server:
        server_says(server, b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n')
        server.endless, server.pause = b": still here\n\n", 0.1
        async with open_llm(server.base_url, quick) as llm:
            call = asyncio.create_task(llm.complete(CHAT, asked(chat("x"), stream=True), deadline=None))
            done, _ = await asyncio.wait([call], timeout=1.5)
            assert not done
            server.pause = 30.0
            with pytest.raises(VeilError) as caught:
                await call
    assert caught.value.code is ErrorCode.OPENAI_TIMEOUT


async def test_a_stream_ends_with_the_time_for_all_of_it() -> None:
    quick = msgspec.structs.replace(SETTINGS, max_attempts=1, stream_timeout=0.5)
    async with OddServer() as server:
        server_says(server, b"")
        server.endless, server.pause = b": still here\n\n", 0.05
        async with open_llm(server.base_url, quick) as llm, asyncio.timeout(10):
            with pytest.raises(VeilError) as caught:
                await llm.complete(CHAT, asked(chat("x"), stream=True), deadline=None)
    assert caught.value.code is ErrorCode.OPENAI_TIMEOUT


async def test_a_server_that_does_not_stream_is_understood(stub: OpenAIStub) -> None:
    async with OddServer() as server:
        server.say(b'{"object":"chat.completion","choices":[{"finish_reason":"stop"}]}')
        async with open_llm(server.base_url, SETTINGS) as llm:
            answer = await llm.complete(CHAT, asked(chat("x"), stream=True), deadline=None)
    assert json.loads(answer.body)["object"] == "chat.completion"


async def test_jobs_have_the_same_results_streamed_and_whole(stub: OpenAIStub, keys_dir: Path) -> None:
    text = 'Write to ann.lee@mail-server.com, "quoted" 🙂, and call +49 30 901820.'
    found = []
    for stream in (False, True):
        settings_ = msgspec.structs.replace(SETTINGS, stream=stream)
        async with open_llm(stub.base_url, settings_) as llm:
            stages = Stages(keys_dir, llm, base_url=stub.base_url, openai=settings_)
            for endpoint, request in ((CHAT, chat(text)), (RESPONSES, responses(text))):
                played = await stages.play(request, endpoint=endpoint, job_id=f"{stream}-{endpoint.name}")
                (result,) = played.results()
                found.append((comparable(bytes(result.response)), result.receipt, result.new_entities))
            assert json.loads(stub.requests[-1].body)["stream"] is stream
    (whole, streamed) = (found[:2], found[2:])
    assert [item[1:] for item in whole] == [item[1:] for item in streamed]
    assert text in json.dumps(streamed[0][0], ensure_ascii=False).replace('\\"', '"')
    assert [_texts(item[0]) for item in whole] == [_texts(item[0]) for item in streamed]


def _texts(answer: Any) -> Any:
    """What an answer says."""
    return answer.get("choices") or answer["output"]
