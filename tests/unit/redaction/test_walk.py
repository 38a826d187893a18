"""The table of fields: everything that can hold text is walked, everything unknown is refused."""

import json
from typing import Any

import pytest
from openai.types import embedding_create_params
from openai.types.chat import (
    chat_completion_assistant_message_param,
    chat_completion_content_part_text_param,
    chat_completion_developer_message_param,
    chat_completion_function_message_param,
    chat_completion_system_message_param,
    chat_completion_tool_message_param,
    chat_completion_user_message_param,
    completion_create_params,
)
from openai.types.responses import response_create_params

from pipeline.errors import VeilError
from pipeline.fields import chat as chat_fields
from pipeline.fields.endpoints import tables
from pipeline.policy import Policies, load_policies
from pipeline.redaction import UnsafeName
from pipeline.request import redact_request
from schemas.codes import ErrorCode
from schemas.job import Endpoint
from tests.unit.redaction.detectors import CHAT, SCOPE, Patterns, chat, default_policy, encode, redact_chat

NAME = Patterns(PERSON=r"Ann[ _]Lee")
PLACEHOLDER = r"[PERSON_"
MESSAGE = {"role": "user", "content": "hi"}
FUNCTION = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


def fields_of(params: Any) -> set[str]:
    return set(params.__annotations__)


def test_every_parameter_of_chat_completions_is_in_the_table() -> None:
    declared = fields_of(completion_create_params.CompletionCreateParamsBase) | {"stream"}
    assert declared == set(chat_fields.REQUEST.fields)


def test_every_parameter_of_responses_is_in_the_table() -> None:
    declared = fields_of(response_create_params.ResponseCreateParamsBase) | {"stream"}
    assert declared == set(tables(Endpoint.RESPONSES).request.fields)


def test_every_parameter_of_embeddings_is_in_the_table() -> None:
    declared = fields_of(embedding_create_params.EmbeddingCreateParams)
    assert declared == set(tables(Endpoint.EMBEDDINGS).request.fields)


@pytest.mark.parametrize(
    ("role", "params"),
    [
        ("system", chat_completion_system_message_param.ChatCompletionSystemMessageParam),
        ("developer", chat_completion_developer_message_param.ChatCompletionDeveloperMessageParam),
        ("user", chat_completion_user_message_param.ChatCompletionUserMessageParam),
        ("assistant", chat_completion_assistant_message_param.ChatCompletionAssistantMessageParam),
        ("tool", chat_completion_tool_message_param.ChatCompletionToolMessageParam),
        ("function", chat_completion_function_message_param.ChatCompletionFunctionMessageParam),
    ],
)
def test_every_field_of_a_message_is_in_the_table(role: str, params: Any) -> None:
    assert fields_of(params) <= set(chat_fields.MESSAGES[role].fields)


def test_every_field_of_a_text_part_is_in_the_table() -> None:
    declared = fields_of(chat_completion_content_part_text_param.ChatCompletionContentPartTextParam)
    assert declared == set(chat_fields.TEXT_PART.fields)


def call(arguments: str) -> dict[str, Any]:
    return {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": arguments}}


WALKED: dict[str, dict[str, Any]] = {
    "system": chat() | {"messages": [{"role": "system", "content": "Ann Lee"}]},
    "developer": chat() | {"messages": [{"role": "developer", "content": "Ann Lee"}]},
    "user": chat("Ann Lee"),
    "parts": chat() | {"messages": [{"role": "user", "content": [{"type": "text", "text": "Ann Lee"}]}]},
    "assistant": chat() | {"messages": [{"role": "assistant", "content": "Ann Lee", "refusal": None}]},
    "refusal": chat() | {"messages": [{"role": "assistant", "content": None, "refusal": "no Ann Lee"}]},
    "refusal part": chat()
    | {"messages": [{"role": "assistant", "content": [{"type": "refusal", "refusal": "no Ann Lee"}]}]},
    "tool": chat() | {"messages": [{"role": "tool", "tool_call_id": "c", "content": "Ann Lee"}]},
    "function": chat() | {"messages": [{"role": "function", "name": "f", "content": "Ann Lee"}]},
    "arguments": chat()
    | {"messages": [{"role": "assistant", "content": None, "tool_calls": [call('{"who":"Ann Lee"}')]}]},
    "arguments, not JSON": chat()
    | {"messages": [{"role": "assistant", "content": None, "tool_calls": [call("who=Ann Lee")]}]},
    "function call": chat()
    | {"messages": [{"role": "assistant", "function_call": {"name": "f", "arguments": '{"who":"Ann Lee"}'}}]},
    "custom call": chat()
    | {
        "messages": [
            {
                "role": "assistant",
                "tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "f", "input": "Ann Lee"}}],
            }
        ]
    },
    "tool description": chat("x", tools=[{"type": "function", "function": {"name": "f", "description": "of Ann Lee"}}]),
    "tool schema": chat(
        "x",
        tools=[
            {
                "type": "function",
                "function": {"name": "f", "parameters": {"properties": {"who": {"enum": ["Ann Lee"]}}}},
            }
        ],
    ),
    "custom tool": chat("x", tools=[{"type": "custom", "custom": {"name": "f", "description": "Ann Lee"}}]),
    "functions": chat("x", functions=[{"name": "f", "description": "Ann Lee"}]),
    "schema": chat(
        "x",
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "s", "schema": {"type": "object", "description": "Ann Lee"}},
        },
    ),
    "prediction": chat("x", prediction={"type": "content", "content": "Ann Lee"}),
    "prediction parts": chat("x", prediction={"type": "content", "content": [{"type": "text", "text": "Ann Lee"}]}),
    "stop": chat("x", stop="Ann Lee"),
    "stops": chat("x", stop=["a", "Ann Lee"]),
    "metadata": chat("x", metadata={"who": "Ann Lee"}),
}


@pytest.mark.parametrize("request_", WALKED.values(), ids=WALKED.keys())
def test_text_is_redacted_wherever_it_can_stand(request_: dict[str, Any]) -> None:
    redacted = redact_chat(request_, NAME)
    assert b"Ann Lee" not in redacted.body
    assert PLACEHOLDER.encode() in redacted.body
    assert redacted.entities == {"PERSON": 1}


REFUSED: dict[str, tuple[dict[str, Any], ErrorCode, str]] = {
    "unknown field": (chat("x", colour="Ann Lee"), ErrorCode.UNKNOWN_REQUEST_FIELD, "request"),
    "unknown field of a message": (
        chat() | {"messages": [MESSAGE | {"Ann Lee": 1}]},
        ErrorCode.UNKNOWN_REQUEST_FIELD,
        "messages[0]",
    ),
    "image": (
        chat() | {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
        ErrorCode.UNSUPPORTED_CONTENT_PART,
        "messages[0].content[0]",
    ),
    "audio part": (
        chat() | {"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]},
        ErrorCode.UNSUPPORTED_CONTENT_PART,
        "messages[0].content[0]",
    ),
    "file": (
        chat() | {"messages": [{"role": "user", "content": [{"type": "file", "file": {}}]}]},
        ErrorCode.UNSUPPORTED_CONTENT_PART,
        "messages[0].content[0]",
    ),
    "store": (chat("x", store=True), ErrorCode.FEATURE_REFUSED, "store"),
    "extended cache": (chat("x", prompt_cache_retention="24h"), ErrorCode.FEATURE_REFUSED, "prompt_cache_retention"),
    "web search": (chat("x", web_search_options={}), ErrorCode.FEATURE_REFUSED, "web_search_options"),
    "audio": (chat("x", audio={"voice": "x"}), ErrorCode.FEATURE_REFUSED, "audio"),
    "modalities": (chat("x", modalities=["text", "audio"]), ErrorCode.FEATURE_REFUSED, "modalities"),
    "built-in tool": (chat("x", tools=[{"type": "web_search"}]), ErrorCode.FEATURE_REFUSED, "tools[0]"),
    "remote tool": (
        chat("x", tools=[FUNCTION, {"type": "mcp", "server_url": "x"}]),
        ErrorCode.FEATURE_REFUSED,
        "tools[1]",
    ),
    "old audio": (
        chat() | {"messages": [{"role": "assistant", "audio": {"id": "x"}}]},
        ErrorCode.FEATURE_REFUSED,
        "messages[0].audio",
    ),
    "no messages": ({"model": "o3"}, ErrorCode.INVALID_REQUEST, "messages"),
    "empty messages": (chat(), ErrorCode.INVALID_REQUEST, "messages"),
    "no model": ({"messages": [MESSAGE]}, ErrorCode.INVALID_REQUEST, "model"),
    "unknown role": (chat() | {"messages": [{"role": "Ann Lee"}]}, ErrorCode.INVALID_REQUEST, "messages[0]"),
    "wrong type": (chat("x", temperature="Ann Lee"), ErrorCode.INVALID_REQUEST, "temperature"),
    "flag as number": (chat("x", n=True), ErrorCode.INVALID_REQUEST, "n"),
    "word": (chat("x", service_tier="Ann Lee"), ErrorCode.INVALID_REQUEST, "service_tier"),
    "logit bias": (chat("x", logit_bias={"Ann Lee": 1}), ErrorCode.INVALID_REQUEST, "logit_bias"),
    "content": (
        chat() | {"messages": [{"role": "user", "content": 5}]},
        ErrorCode.INVALID_REQUEST,
        "messages[0].content",
    ),
    "model": (chat("x") | {"model": "Ann Lee"}, ErrorCode.INVALID_REQUEST, "model"),
    "tuned model": (chat("x") | {"model": "ft:gpt-4o:acme:Ann_Lee"}, ErrorCode.UNSAFE_ID, "model"),
    "tool name": (
        chat("x", tools=[FUNCTION, {"type": "function", "function": {"name": "Ann_Lee"}}]),
        ErrorCode.UNSAFE_ID,
        "tools[1].function.name",
    ),
    "schema key": (
        chat(
            "x", tools=[{"type": "function", "function": {"name": "f", "parameters": {"properties": {"Ann Lee": {}}}}}]
        ),
        ErrorCode.UNSAFE_ID,
        "tools[0].function.parameters.*.*",
    ),
    "metadata key": (chat("x", metadata={"Ann Lee": "x"}), ErrorCode.UNSAFE_ID, "metadata.*"),
    "schema name": (
        chat("x", response_format={"type": "json_schema", "json_schema": {"name": "Ann_Lee"}}),
        ErrorCode.UNSAFE_ID,
        "response_format.json_schema.name",
    ),
}


@pytest.mark.parametrize(("request_", "code", "detail"), REFUSED.values(), ids=REFUSED.keys())
def test_request_is_refused_with_a_code_and_a_place(request_: dict[str, Any], code: ErrorCode, detail: str) -> None:
    with pytest.raises(VeilError) as caught:
        redact_chat(request_, NAME)
    assert caught.value.code is code
    assert caught.value.detail == detail


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", ErrorCode.INVALID_REQUEST),
        (b"nope", ErrorCode.INVALID_REQUEST),
        (b"[]", ErrorCode.INVALID_REQUEST),
        (b"\xff", ErrorCode.INVALID_REQUEST),
        (b'{"model": NaN}', ErrorCode.INVALID_REQUEST),
        (b'{"model": "o3", "model": "o3"}', ErrorCode.INVALID_REQUEST),
        (encode(chat("x")).replace(b'"x"', b'"\\ud83d"'), ErrorCode.LONE_SURROGATE),
        (encode(chat("x", metadata={"a": "b"})).replace(b'"a"', b'"\\uDE00"'), ErrorCode.LONE_SURROGATE),
        (encode(chat("x"))[:-1] + b', "metadata": ' + b'{"a":' * 70 + b"1" + b"}" * 71, ErrorCode.TOO_DEEP),
        (encode(chat("x"))[:-1] + b', "metadata": ' + b"[" * 90000 + b"]" * 90000 + b"}", ErrorCode.TOO_DEEP),
    ],
)
def test_body_that_is_no_request_is_refused(body: bytes, code: ErrorCode) -> None:
    with pytest.raises(VeilError) as caught:
        redact_request(CHAT, body, policy=default_policy(), detector=NAME, scope=SCOPE)
    assert caught.value.code is code


def sent_body(request: dict[str, Any], **options: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(redact_chat(request, NAME, **options).body)
    return body


def test_identity_fields_leave_as_keyed_hashes() -> None:
    body = sent_body(chat("x", user="ann@x.org", prompt_cache_key="Ann Lee"))
    assert "user" not in body
    assert body["safety_identifier"].startswith("veil-")
    assert body["prompt_cache_key"].startswith("veil-")
    assert len(body["safety_identifier"]) <= 64
    assert body["safety_identifier"] == sent_body(chat("x", safety_identifier="ann@x.org"))["safety_identifier"]
    both = sent_body(chat("x", user="bob", safety_identifier="ann@x.org"))
    assert both["safety_identifier"] == body["safety_identifier"]
    assert "user" not in both


def test_nothing_is_stored_or_streamed() -> None:
    body = sent_body(chat("x", stream=True, stream_options={"include_usage": True}))
    assert body["store"] is False
    assert body["stream"] is False
    assert "stream_options" not in body
    assert sent_body(chat("x", store=False))["store"] is False


def policies(tmp_path: Any, text: str) -> Policies:
    path = tmp_path / "policy.toml"
    path.write_text(text)
    return load_policies(path)


def test_policy_may_permit_what_is_kept_at_openai(tmp_path: Any) -> None:
    policy = policies(tmp_path, "[hygiene]\nallow_store = true\nallow_extended_cache = true").select("acme", None)
    body = sent_body(chat("x", store=True, prompt_cache_retention="24h"), policy=policy)
    assert body["store"] is True
    assert body["prompt_cache_retention"] == "24h"


def test_policy_may_list_models(tmp_path: Any) -> None:
    policy = policies(tmp_path, 'models = ["o3"]').select("acme", None)
    assert sent_body(chat("x") | {"model": "o3"}, policy=policy)["model"] == "o3"
    with pytest.raises(VeilError, match="model"):
        sent_body(chat("x"), policy=policy)


def test_call_and_result_keep_the_same_hashed_id() -> None:
    request = chat("x")
    request["messages"] += [
        {"role": "assistant", "content": None, "tool_calls": [call("{}")]},
        {"role": "tool", "tool_call_id": "call_1", "content": "done"},
    ]
    messages = sent_body(request)["messages"]
    assert messages[1]["tool_calls"][0]["id"] == messages[2]["tool_call_id"] != "call_1"
    assert len(messages[2]["tool_call_id"]) <= 40


@pytest.mark.parametrize(
    "number", ["0.1", "0.10", "1e400", "-0", "12345678901234567890", "1E-7", "0.30000000000000004"]
)
def test_numbers_are_sent_as_they_came(number: str) -> None:
    body = encode(chat("x", temperature=0)).replace(b'"temperature": 0', b'"temperature": ' + number.encode())
    redacted = redact_request(CHAT, body, policy=default_policy(), detector=NAME, scope=SCOPE)
    assert b'"temperature":' + number.encode() + b"," in redacted.body


def test_long_number_is_looked_at() -> None:
    with pytest.raises(UnsafeName, match="seed"):
        redact_chat(chat("x", seed=4111111111111111), Patterns(CREDIT_CARD=r"\d{16}"))


def test_everything_passable_passes() -> None:
    more: dict[str, Any] = {
        "frequency_penalty": 0.5,
        "logit_bias": {"50256": -100},
        "logprobs": True,
        "top_logprobs": 2,
        "max_completion_tokens": 100,
        "modalities": ["text"],
        "moderation": {"model": "omni-moderation-latest", "policy": {"input": {"mode": "score"}}},
        "n": 2,
        "parallel_tool_calls": False,
        "prompt_cache_options": {"mode": "implicit"},
        "prompt_cache_retention": "in_memory",
        "reasoning_effort": "low",
        "response_format": {"type": "json_object"},
        "seed": 7,
        "service_tier": "auto",
        "stop": None,
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "tools": [FUNCTION],
        "verbosity": "low",
    }
    body = sent_body(chat("x", **more))
    assert {name: body[name] for name in more} == more


def test_responses_request_is_walked() -> None:
    request = {
        "model": "gpt-4o",
        "instructions": "serve Ann Lee",
        "input": [
            {"role": "user", "content": "Ann Lee"},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Ann Lee"}]},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": '{"who": "Ann Lee"}'},
            {"type": "function_call_output", "call_id": "c", "output": "Ann Lee"},
        ],
    }
    redacted = redact_chat(request, NAME, endpoint=Endpoint.RESPONSES)
    body = json.loads(redacted.body)
    assert b"Ann Lee" not in redacted.body
    assert redacted.entities == {"PERSON": 5}
    assert body["store"] is False
    assert body["input"][2]["call_id"] == body["input"][3]["call_id"]
    assert body["instructions"].startswith("serve [PERSON_")


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"background": True}, ErrorCode.FEATURE_REFUSED),
        ({"previous_response_id": "resp_1"}, ErrorCode.FEATURE_REFUSED),
        ({"conversation": "conv_1"}, ErrorCode.FEATURE_REFUSED),
        ({"prompt": {"id": "pmpt_1"}}, ErrorCode.FEATURE_REFUSED),
        ({"tools": [{"type": "web_search"}]}, ErrorCode.FEATURE_REFUSED),
        ({"input": [{"type": "item_reference", "id": "x"}]}, ErrorCode.UNSUPPORTED_CONTENT_PART),
        ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}, ErrorCode.UNSUPPORTED_CONTENT_PART),
    ],
)
def test_responses_request_that_keeps_state_is_refused(more: dict[str, Any], code: ErrorCode) -> None:
    with pytest.raises(VeilError) as caught:
        redact_chat({"model": "gpt-4o", "input": "x"} | more, NAME, endpoint=Endpoint.RESPONSES)
    assert caught.value.code is code


def test_embeddings_request_is_walked_and_token_numbers_are_refused() -> None:
    request = {"model": "text-embedding-3-small", "input": ["Ann Lee", "x"], "user": "ann"}
    redacted = redact_chat(request, NAME, endpoint=Endpoint.EMBEDDINGS)
    assert json.loads(redacted.body)["input"][0].startswith("[PERSON_")
    assert b"stream" not in redacted.body
    with pytest.raises(VeilError) as caught:
        redact_chat(request | {"input": [[1, 2]]}, NAME, endpoint=Endpoint.EMBEDDINGS)
    assert caught.value.code is ErrorCode.UNSUPPORTED_CONTENT_PART
