"""A job of each endpoint through all three roles on a real broker."""

import json
from typing import Any

import pytest

from infra.openai_stub import OpenAIStub
from pipeline.client import Client
from pipeline.settings import Settings
from schemas.codes import ErrorCode
from schemas.job import Endpoint
from schemas.result import Result, Status
from tests.integration.test_pipeline import TIMEOUT, letter_from, produce, read

EMAIL, CARD = "jane.roe@example.org", "4111 1111 1111 1111"
TEXT = f'I could kill for it: {{"to": "{EMAIL}", "note": "„ä“ \\"x\\"\\n"}} 🙂, card {CARD}\n'
REQUESTS: dict[Endpoint, dict[str, Any]] = {
    Endpoint.CHAT_COMPLETIONS: {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": TEXT}], "n": 2},
    Endpoint.RESPONSES: {
        "model": "gpt-4o-mini",
        "instructions": f"answer {EMAIL}",
        "input": [{"role": "user", "content": [{"type": "input_text", "text": TEXT}]}],
    },
    Endpoint.EMBEDDINGS: {"model": "text-embedding-3-small", "input": [TEXT, "x", TEXT], "dimensions": 16},
    Endpoint.MODERATIONS: {"input": [{"type": "text", "text": TEXT}, {"type": "text", "text": "x"}]},
}
PATHS = {
    Endpoint.CHAT_COMPLETIONS: "/v1/chat/completions",
    Endpoint.RESPONSES: "/v1/responses",
    Endpoint.EMBEDDINGS: "/v1/embeddings",
    Endpoint.MODERATIONS: "/v1/moderations",
}


def check(endpoint: Endpoint, result: Result) -> None:
    """What the endpoint answers, of the text as it was asked."""
    tree = json.loads(bytes(result.response))
    match endpoint:
        case Endpoint.CHAT_COMPLETIONS:
            assert [choice["message"]["content"] for choice in tree["choices"]] == [TEXT, TEXT]
        case Endpoint.RESPONSES:
            assert tree["output"][0]["content"][0]["text"] == TEXT
            assert tree["instructions"].startswith(f"answer {EMAIL}")
        case Endpoint.EMBEDDINGS:
            one, other, same = (item["embedding"] for item in tree["data"])
            assert one == same != other
        case Endpoint.MODERATIONS:
            assert [item["flagged"] for item in tree["results"]] == [True, False]


@pytest.mark.parametrize("endpoint", Endpoint)
async def test_a_job_is_completed_and_openai_saw_none_of_it(
    client: Client, settings: Settings, stub: OpenAIStub, endpoint: Endpoint
) -> None:
    result = await client.complete(client.job(REQUESTS[endpoint], endpoint=endpoint), timeout=TIMEOUT)
    assert result.status is Status.COMPLETED
    check(endpoint, result)
    (request,) = stub.requests
    assert request.path == PATHS[endpoint]
    assert not [value for value in (EMAIL, CARD, "jane.roe", "4111") if value.encode() in request.body]
    audited = await read(settings, "audit")
    assert {json.loads(value).get("endpoint") for value in audited if b'"stage"' in value} >= {endpoint.value}


IMAGE = {"type": "image_url", "image_url": {"url": "https://a.example/x.png"}}
BAD: dict[str, tuple[Endpoint, dict[str, Any], ErrorCode]] = {
    "image": (Endpoint.MODERATIONS, {"input": [IMAGE]}, ErrorCode.UNSUPPORTED_CONTENT_PART),
    "both": (
        Endpoint.CHAT_COMPLETIONS,
        REQUESTS[Endpoint.CHAT_COMPLETIONS] | {"input": "x"},
        ErrorCode.UNKNOWN_REQUEST_FIELD,
    ),
    "reference": (
        Endpoint.RESPONSES,
        {"model": "o3", "input": [{"type": "item_reference", "id": "msg_1"}]},
        ErrorCode.UNSUPPORTED_CONTENT_PART,
    ),
    "numbers": (
        Endpoint.EMBEDDINGS,
        {"model": "text-embedding-3-small", "input": [1, 2]},
        ErrorCode.UNSUPPORTED_CONTENT_PART,
    ),
}


@pytest.mark.parametrize(("endpoint", "request_", "code"), BAD.values(), ids=BAD.keys())
async def test_what_cannot_be_inspected_is_refused_and_not_sent(
    client: Client, stub: OpenAIStub, endpoint: Endpoint, request_: dict[str, Any], code: ErrorCode
) -> None:
    result = await client.complete(client.job(request_, endpoint=endpoint), timeout=TIMEOUT)
    assert result.error is not None
    assert result.error.code is code
    assert stub.requests == []


async def test_an_unknown_endpoint_is_a_dead_letter(client: Client, settings: Settings, stub: OpenAIStub) -> None:
    job = {"schema": "job/1", "job_id": "j1", "endpoint": "completions", "request": {"prompt": TEXT}}
    offset = await produce(settings, "plain", json.dumps(job).encode())
    letter = await letter_from(settings, "plain", offset)
    assert letter.code is ErrorCode.UNKNOWN_ENDPOINT
    assert EMAIL not in letter.detail
    assert stub.requests == []


async def test_a_number_comes_back_as_the_tools_schema_asks(client: Client, stub: OpenAIStub) -> None:
    schema = {"type": "object", "properties": {"card": {"type": "string"}}}
    request = {
        "model": "gpt-4o-mini",
        "messages": [{"role": "user", "content": '{"card": 4111111111111111}'}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": schema}},
    }
    result = await client.complete(client.job(request), timeout=TIMEOUT)
    assert json.loads(bytes(result.response))["choices"][0]["message"]["content"] == '{"card": "4111111111111111"}'
