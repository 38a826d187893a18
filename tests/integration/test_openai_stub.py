"""The stub as the real `openai` client sees it, and its failures as the wire shows them."""

import asyncio
import base64
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import openai
import pytest
from openai import AsyncOpenAI, DefaultAioHttpClient

from infra.openai_stub import Failures, Mangling, OpenAIStub, StubConfig, Trigger
from infra.openai_stub.limits import Limits, spell_duration

PERSON, EMAIL, IBAN = "[PERSON_abcdefgh]", "[EMAIL_a2b3c4d5]", "[IBAN_zzzzzzzz]"
MAIL = f"Hello, this is {PERSON} ({EMAIL}). My account {IBAN} was charged twice."
AUTHORIZED = {"Authorization": "Bearer test"}
ASK = {"model": "gpt-4o", "messages": [{"role": "user", "content": MAIL}]}


@pytest.fixture
async def stub() -> AsyncIterator[OpenAIStub]:
    server = OpenAIStub(seed=1)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def client(stub: OpenAIStub) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(
        base_url=stub.base_url, api_key="test", max_retries=0, http_client=DefaultAioHttpClient()
    ) as opened:
        yield opened


@pytest.fixture
async def http(stub: OpenAIStub) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(headers=AUTHORIZED) as session:
        yield session


async def ask(client: AsyncOpenAI, text: str = MAIL, **more: Any) -> str:
    messages: Any = [
        {"role": "system", "content": "Keep tokens like [PERSON_qqqqqqqq]."},
        {"role": "user", "content": text},
    ]
    completion = await client.chat.completions.create(model="gpt-4o", messages=messages, **more)
    content = completion.choices[0].message.content
    assert isinstance(content, str)
    return content


async def test_a_helpful_answer_uses_the_users_placeholders(client: AsyncOpenAI) -> None:
    text = await ask(client)
    assert text.startswith(f"Dear {PERSON}")
    assert EMAIL in text
    assert IBAN in text
    assert "qqqqqqqq" not in text


@pytest.mark.parametrize(
    ("question", "beginning"),
    [
        pytest.param(f"Guten Tag, ich bin {PERSON} und meine Karte ist weg.", "Guten Tag", id="german"),
        pytest.param(f"Bonjour, je suis {PERSON} et je ne peux pas payer.", "Bonjour", id="french"),
        pytest.param("Summarise this: it rained.", "In short", id="summary"),
    ],
)
async def test_a_helpful_answer_fits_the_question(client: AsyncOpenAI, question: str, beginning: str) -> None:
    assert (await ask(client, question)).startswith(beginning)


@pytest.mark.parametrize(
    "text", ["", "a\u2028b\x00\t\\\" 'é' 🧑‍🚀 \ufeff", "x" * 100_000], ids=["empty", "odd", "long"]
)
async def test_echo_is_exact(stub: OpenAIStub, client: AsyncOpenAI, text: str) -> None:
    stub.config.mode = "echo"
    assert await ask(client, text) == text


async def test_json_answers_fit_the_schema_that_was_asked_for(client: AsyncOpenAI) -> None:
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "contact": {"$ref": "#/$defs/contact"},
            "urgency": {"enum": ["low", "high"]},
            "count": {"type": "integer"},
        },
        "$defs": {"contact": {"type": "object", "properties": {"email": {"type": "string"}}}},
    }
    text = await ask(
        client,
        response_format={"type": "json_schema", "json_schema": {"name": "ticket", "schema": schema}},
    )
    assert json.loads(text) == {"name": PERSON, "contact": {"email": EMAIL}, "urgency": "low", "count": 1}


async def test_json_without_a_schema_is_an_object(client: AsyncOpenAI) -> None:
    answer = json.loads(await ask(client, response_format={"type": "json_object"}))
    assert answer["details"] == [PERSON, EMAIL, IBAN]


async def test_tool_calls_carry_placeholders_in_their_arguments(stub: OpenAIStub, client: AsyncOpenAI) -> None:
    stub.config.mode = "tool_calls"
    parameters: dict[str, object] = {"type": "object", "properties": {"email": {"type": "string"}}}
    completion = await client.chat.completions.create(
        model="gpt-4o",
        messages=[{"role": "user", "content": MAIL}],
        tools=[{"type": "function", "function": {"name": "look_up", "parameters": parameters}}],
    )
    assert completion.choices[0].finish_reason == "tool_calls"
    (call,) = completion.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert (call.function.name, json.loads(call.function.arguments)) == ("look_up", {"email": EMAIL})


async def test_a_stream_says_the_same_in_pieces(stub: OpenAIStub, client: AsyncOpenAI) -> None:
    stub.config.mode = "echo"
    stream = await client.chat.completions.create(
        model="gpt-4o",
        messages=[{"role": "user", "content": MAIL}],
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = [chunk async for chunk in stream]
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == MAIL
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage is not None


async def test_responses_answer_and_repeat_what_was_given(client: AsyncOpenAI) -> None:
    answer = await client.responses.create(
        model="gpt-4o", input=MAIL, instructions="Be short.", store=False, metadata={"job": "1"}
    )
    assert PERSON in answer.output_text
    assert answer.instructions == "Be short."
    assert answer.metadata == {"job": "1"}
    assert answer.usage is not None
    assert answer.usage.total_tokens > 0


async def test_responses_take_message_items(stub: OpenAIStub, client: AsyncOpenAI) -> None:
    stub.config.mode = "echo"
    item: Any = {
        "role": "user",
        "content": [{"type": "input_text", "text": "one"}, {"type": "input_text", "text": "two"}],
    }
    assert (await client.responses.create(model="gpt-4o", input=[item])).output_text == "onetwo"


@pytest.mark.parametrize("encoding", ["float", openai.omit], ids=["float", "base64"])
async def test_equal_texts_have_equal_unit_vectors(client: AsyncOpenAI, encoding: Any) -> None:
    answer = await client.embeddings.create(
        model="text-embedding-3-small",
        input=["the cat sat", "the cat sat", "the cat ran"],
        dimensions=64,
        encoding_format=encoding,
    )
    one, same, near = (item.embedding for item in answer.data)
    assert len(one) == 64
    assert one == same
    assert one != near
    assert sum(x * x for x in one) == pytest.approx(1, abs=1e-5)


async def test_each_input_is_moderated_by_itself(client: AsyncOpenAI) -> None:
    texts = await client.moderations.create(model="omni-moderation-latest", input=["hello", "kill it"])
    assert [result.flagged for result in texts.results] == [False, True]
    part: Any = {"type": "text", "text": "kill it"}
    parts = await client.moderations.create(model="omni-moderation-latest", input=[part])
    assert [result.flagged for result in parts.results] == [True]


async def test_models_are_listed(client: AsyncOpenAI) -> None:
    assert "gpt-4o" in [model.id async for model in client.models.list()]


async def test_without_a_key_it_is_401_in_openais_format(stub: OpenAIStub) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{stub.base_url}/chat/completions", json=ASK) as answer,
    ):
        assert answer.status == 401
        assert set((await answer.json())["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        pytest.param(b"{", None, id="not-json"),
        pytest.param(b'{"messages":[]}', "model", id="no-model"),
        pytest.param(b'{"model":"gpt-4o"}', "messages", id="no-messages"),
    ],
)
async def test_a_bad_request_is_400(
    stub: OpenAIStub, http: aiohttp.ClientSession, body: bytes, param: str | None
) -> None:
    async with http.post(f"{stub.base_url}/chat/completions", data=body) as answer:
        assert answer.status == 400
        assert (await answer.json())["error"]["param"] == param


async def test_every_answer_has_openais_headers(stub: OpenAIStub, http: aiohttp.ClientSession) -> None:
    async with http.post(f"{stub.base_url}/chat/completions", json=ASK) as answer:
        assert answer.headers["x-request-id"].startswith("req_")
        assert float(answer.headers["openai-processing-ms"]) >= 0
        assert not [name for name in answer.headers if name.startswith("x-ratelimit")]
    stub.config.enforce_limits = True
    async with http.post(f"{stub.base_url}/chat/completions", json=ASK) as answer:
        for what in ("requests", "tokens"):
            assert int(answer.headers[f"x-ratelimit-limit-{what}"]) > int(
                answer.headers[f"x-ratelimit-remaining-{what}"]
            )
            assert answer.headers[f"x-ratelimit-reset-{what}"].endswith("s")


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        ("rate_limit", openai.RateLimitError),
        ("server_error", openai.InternalServerError),
        ("unavailable", openai.InternalServerError),
        ("bad_request", openai.BadRequestError),
        ("cut", openai.APIConnectionError),
    ],
)
async def test_the_next_calls_fail_and_then_it_works_again(
    stub: OpenAIStub, client: AsyncOpenAI, failure: str, error: type[openai.APIError]
) -> None:
    setattr(stub.config.failures, failure, Trigger(next=2))
    for _ in range(2):
        with pytest.raises(error):
            await ask(client)
    assert PERSON in await ask(client)
    assert stub.stats()["fired"] == {failure: 2}


async def test_429_says_when_to_come_back(stub: OpenAIStub, client: AsyncOpenAI) -> None:
    stub.config = StubConfig(failures=Failures(rate_limit=Trigger(next=1)), retry_after_s=2.5)
    with pytest.raises(openai.RateLimitError) as caught:
        await ask(client)
    assert caught.value.response.headers["retry-after"] == "2.5"
    assert caught.value.code == "rate_limit_exceeded"


async def test_a_cut_body_ends_before_its_length(stub: OpenAIStub, http: aiohttp.ClientSession) -> None:
    stub.config.failures.cut.next = 1
    async with http.post(f"{stub.base_url}/chat/completions", json=ASK) as answer:
        assert answer.status == 200
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()
    assert stub.stats()["statuses"] == {"cut": 1}


async def test_malformed_json_is_half_an_object(stub: OpenAIStub, http: aiohttp.ClientSession) -> None:
    stub.config.failures.malformed_json.next = 1
    async with http.post(f"{stub.base_url}/chat/completions", json=ASK) as answer:
        assert answer.status == 200
        with pytest.raises(json.JSONDecodeError):
            await answer.json()


async def test_choices_can_be_empty(stub: OpenAIStub, client: AsyncOpenAI) -> None:
    stub.config.failures.empty_choices.next = 1
    completion = await client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "x"}])
    assert completion.choices == []


async def test_a_hanging_call_ends_with_its_client(stub: OpenAIStub, client: AsyncOpenAI) -> None:
    stub.config.failures.hang.next = 1
    with pytest.raises(openai.APITimeoutError):
        await ask(client, timeout=0.2)
    for _ in range(500):
        if not stub.stats()["in_flight"]:
            break
        await asyncio.sleep(0.01)
    assert stub.stats()["in_flight"] == 0


async def test_every_nth_call_fails(stub: OpenAIStub, client: AsyncOpenAI) -> None:
    stub.config.failures.server_error.every = 3
    outcomes = []
    for _ in range(6):
        try:
            await ask(client)
            outcomes.append(True)
        except openai.InternalServerError:
            outcomes.append(False)
    assert outcomes == [True, True, False, True, True, False]


async def test_a_marker_in_the_metadata_fails_that_call_only(stub: OpenAIStub, client: AsyncOpenAI) -> None:
    stub.config.failures.unavailable.marker = "please-fail"
    assert await ask(client)
    with pytest.raises(openai.InternalServerError):
        await ask(client, metadata={"note": "please-fail"})


async def test_an_empty_bucket_refuses_and_says_for_how_long(stub: OpenAIStub, client: AsyncOpenAI) -> None:
    stub.config = StubConfig(requests_per_minute=2, enforce_limits=True)
    asked = await asyncio.gather(*(ask(client) for _ in range(3)), return_exceptions=True)
    (refused,) = (one for one in asked if isinstance(one, openai.RateLimitError))
    assert refused.response.headers["retry-after"] == "30"
    assert 29_000 < int(refused.response.headers["retry-after-ms"]) <= 30_000
    assert refused.response.headers["x-ratelimit-remaining-requests"] == "0"
    assert refused.response.headers["x-ratelimit-reset-requests"] in {"1m0s", "59.99s", "59.98s"}
    limits = stub.stats()["limits"]
    assert (limits["admitted"], limits["refused"]) == (2, 1)
    assert sum(second[0] for second in limits["seconds"]) == 2


async def test_a_request_larger_than_the_bucket_is_never_admitted(stub: OpenAIStub, client: AsyncOpenAI) -> None:
    stub.config = StubConfig(tokens_per_minute=100, enforce_limits=True)
    with pytest.raises(openai.RateLimitError, match="Request too large"):
        await ask(client, max_completion_tokens=101)


def test_the_buckets_refill_continuously() -> None:
    now = 0.0
    limits = Limits(lambda: now)
    config = StubConfig(requests_per_minute=60, tokens_per_minute=6000)
    assert [limits.admit(config, 100) is None for _ in range(61)] == [True] * 60 + [False]
    now = 10.0
    assert [limits.admit(config, 100) is None for _ in range(11)] == [True] * 10 + [False]
    now = 1000.0
    assert [limits.admit(config, 200) is None for _ in range(31)] == [True] * 30 + [False]
    assert limits.headers(config)["x-ratelimit-remaining-tokens"] == "0"
    assert limits.headers(config)["x-ratelimit-reset-tokens"] == "1m0s"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0, "0ms"), (0.0123, "13ms"), (7.66, "7.66s"), (60.0, "1m0s"), (360.5, "6m0.5s")]
)
def test_durations_are_spelled_as_openai_does(seconds: float, text: str) -> None:
    assert spell_duration(seconds) == text


@pytest.mark.parametrize(
    ("mangling", "gone", "there"),
    [
        ("drop", PERSON, f"({EMAIL})"),
        ("lower_case", PERSON, PERSON.lower()),
        ("no_brackets", PERSON, "is PERSON_abcdefgh ("),
        ("spaces", PERSON, "[PERSON abcdefgh]"),
    ],
)
async def test_one_placeholder_of_the_answer_is_mangled(
    stub: OpenAIStub, client: AsyncOpenAI, mangling: str, gone: str, there: str
) -> None:
    stub.config = StubConfig(mode="echo", mangling=Mangling(**{mangling: Trigger(next=1)}))
    text = await ask(client)
    assert gone not in text
    assert there in text
    assert await ask(client) == MAIL


async def test_an_invented_placeholder_was_never_sent(stub: OpenAIStub, client: AsyncOpenAI) -> None:
    stub.config = StubConfig(mode="echo", mangling=Mangling(invent=Trigger(next=1)))
    text = await ask(client)
    assert text.startswith(f"{MAIL}\n[PERSON_")
    assert text.removeprefix(f"{MAIL}\n") != PERSON


async def test_requests_are_recorded_byte_for_byte(stub: OpenAIStub, http: aiohttp.ClientSession) -> None:
    body = b'{"model" :\t"gpt-4o","messages":[{"role":"user","content":"caf\\u00e9 \xc3\xa9"}]}'
    async with http.post(f"{stub.base_url}/chat/completions?a=b", data=body, headers={"X-Odd": "1"}):
        pass
    (recorded,) = stub.requests
    assert recorded.body == body
    assert recorded.path == "/v1/chat/completions?a=b"
    assert ("X-Odd", "1") in recorded.headers
    control = stub.base_url.removesuffix("/v1") + "/_stub/requests"
    async with http.get(control) as answer:
        (listed,) = await answer.json()
    assert base64.b64decode(listed["body_base64"]) == body
    async with http.delete(control):
        assert stub.requests == []


async def test_a_recording_file_holds_what_was_received(tmp_path: Path) -> None:
    stub = OpenAIStub(record=tmp_path / "requests.jsonl")
    await stub.start()
    async with aiohttp.ClientSession(headers=AUTHORIZED) as session:
        for body in (b"\xff\x00", b"{}"):
            async with session.post(f"{stub.base_url}/responses", data=body):
                pass
    await stub.stop()
    lines = [json.loads(line) for line in (tmp_path / "requests.jsonl").read_text().splitlines()]
    assert [base64.b64decode(line["body_base64"]) for line in lines] == [b"\xff\x00", b"{}"]


async def test_its_behaviour_changes_over_http(stub: OpenAIStub, http: aiohttp.ClientSession) -> None:
    control = stub.base_url.removesuffix("/v1") + "/_stub/config"
    async with http.put(control, json={"mode": "echo", "failures": {"cut": {"every": 7}}}) as answer:
        assert (await answer.json())["failures"]["cut"]["every"] == 7
    async with http.put(control, json={"failures": {"cut": {"every": -1}}}) as answer:
        assert answer.status == 400
    assert stub.config.mode == "echo"
    assert stub.config.failures.cut.every == 7


async def test_stats_tell_how_many_calls_were_open_at_once(stub: OpenAIStub, client: AsyncOpenAI) -> None:
    stub.config.latency_s, stub.config.latency_jitter_s = 0.2, 0.1
    await asyncio.gather(*(ask(client) for _ in range(20)))
    assert stub.stats()["max_in_flight"] == 20
    assert stub.stats()["statuses"] == {"200": 20}


def test_the_command_prints_its_base_url_first_and_stops_at_sigterm() -> None:
    command = [sys.executable, "-m", "infra.openai_stub", "--mode", "echo", "--latency", "0.1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        line = running.stdout.readline().strip()
        assert line.startswith("http://127.0.0.1:")
        assert line.endswith("/v1")
        running.send_signal(signal.SIGTERM)
        assert running.wait(10) == 0
