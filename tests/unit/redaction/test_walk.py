"""The table of fields: everything that can hold text is walked, everything unknown is refused.

That each declared field has a rule at all is `test_field_coverage`'s.
"""

import base64
import json
from typing import Any

import pytest

from pipeline.errors import VeilError
from pipeline.policy import Policies, load_policies
from pipeline.redaction import UnsafeName
from pipeline.request import redact_request
from pipeline.walk import InvalidRequest
from schemas.codes import ErrorCode
from schemas.job import Endpoint
from tests.unit.redaction.detectors import CHAT, SCOPE, Patterns, chat, default_policy, encode, redact_chat

NAME = Patterns(PERSON=r"Ann[ _]Lee")
PLACEHOLDER = r"[PERSON_"
MESSAGE = {"role": "user", "content": "hi"}
FUNCTION = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


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
        "messages[0].content[0]: image_url",
    ),
    "audio part": (
        chat() | {"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]},
        ErrorCode.UNSUPPORTED_CONTENT_PART,
        "messages[0].content[0]: input_audio",
    ),
    "file": (
        chat() | {"messages": [{"role": "user", "content": [{"type": "file", "file": {}}]}]},
        ErrorCode.UNSUPPORTED_CONTENT_PART,
        "messages[0].content[0]: file",
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


def responses_request(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"model": "o3", "input": [{"role": "user", "content": "hi"}, *items], **more}


CIPHERTEXT = base64.urlsafe_b64encode(bytes(range(128, 256)) * 2).decode()


def test_reasoning_comes_back_redacted_and_its_ciphertext_as_it_was() -> None:
    reasoning = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "Ann Lee asks"}],
        "content": [{"type": "reasoning_text", "text": "who is Ann Lee"}],
        "encrypted_content": CIPHERTEXT,
        "status": "completed",
    }
    request = responses_request(reasoning, include=["reasoning.encrypted_content"])
    body = sent_body(request, endpoint=Endpoint.RESPONSES)
    sent = body["input"][1]
    assert "Ann Lee" not in json.dumps(body)
    assert sent["summary"][0]["text"].startswith("[PERSON_")
    assert sent["content"][0]["text"].startswith("who is [PERSON_")
    assert sent["encrypted_content"] == CIPHERTEXT
    assert "id" not in sent


@pytest.mark.parametrize(
    "content",
    [
        "Ann Lee",
        "too-short-1",
        "",
        "nospaceswhatever" * 6,
        base64.b64encode(b"Ann Lee has been seen by a doctor here. " * 3).decode(),
        CIPHERTEXT + "!",
        CIPHERTEXT[:65],
    ],
    ids=["text", "short", "empty", "words", "text in base64", "no base64", "no whole bytes"],
)
def test_what_is_no_ciphertext_is_refused_in_its_place(content: str) -> None:
    item = {"type": "reasoning", "summary": [], "encrypted_content": content}
    with pytest.raises(InvalidRequest, match=r"input\[1\].encrypted_content$"):
        redact_chat(responses_request(item), NAME, endpoint=Endpoint.RESPONSES)


@pytest.mark.parametrize(
    ("item", "detail"),
    [
        ({"type": "item_reference", "id": "x"}, "input[1]: item_reference"),
        ({"type": "web_search_call", "id": "x"}, "input[1]: web_search_call"),
        ({"type": "Ann Lee"}, "input[1]"),
    ],
)
def test_a_refusal_names_what_the_api_knows_and_nothing_else(item: dict[str, Any], detail: str) -> None:
    with pytest.raises(VeilError) as caught:
        redact_chat(responses_request(item), NAME, endpoint=Endpoint.RESPONSES)
    assert caught.value.code is ErrorCode.UNSUPPORTED_CONTENT_PART
    assert caught.value.detail == detail


@pytest.mark.parametrize(
    ("more", "detail"),
    [
        ({"tools": [{"type": "web_search"}]}, "tools[0]: web_search"),
        ({"tool_choice": {"type": "mcp", "server_label": "x"}}, "tool_choice: mcp"),
        ({"include": ["web_search_call.results"]}, "include[0]: web_search_call.results"),
        ({"tools": [{"type": "function", "name": "f", "allowed_callers": ["programmatic"]}]}, None),
        ({"prompt_cache_options": {"comparison_response_id": "resp_1"}}, None),
    ],
)
def test_what_runs_or_is_kept_at_openai_is_refused(more: dict[str, Any], detail: str | None) -> None:
    with pytest.raises(VeilError) as caught:
        redact_chat(responses_request(**more), NAME, endpoint=Endpoint.RESPONSES)
    assert caught.value.code is ErrorCode.FEATURE_REFUSED
    assert detail is None or caught.value.detail == detail


@pytest.mark.parametrize("content", ["Ann Lee", ["x", "Ann Lee"], [{"type": "text", "text": "Ann Lee"}]])
def test_moderations_request_is_walked_in_each_of_its_forms(content: Any) -> None:
    redacted = redact_chat({"input": content}, NAME, endpoint=Endpoint.MODERATIONS)
    assert json.loads(redacted.body)["model"] == "omni-moderation-latest"
    assert redacted.entities == {"PERSON": 1}
    assert b"Ann Lee" not in redacted.body


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ([{"type": "image_url", "image_url": {"url": "x"}}], ErrorCode.UNSUPPORTED_CONTENT_PART),
        ([], ErrorCode.INVALID_REQUEST),
        (None, ErrorCode.INVALID_REQUEST),
        ([5], ErrorCode.INVALID_REQUEST),
    ],
)
def test_moderations_request_that_cannot_be_inspected_is_refused(content: Any, code: ErrorCode) -> None:
    with pytest.raises(VeilError) as caught:
        redact_chat({"input": content}, NAME, endpoint=Endpoint.MODERATIONS)
    assert caught.value.code is code


def test_a_list_of_models_holds_for_moderations_without_a_model(tmp_path: Any) -> None:
    policy = policies(tmp_path, 'models = ["gpt-4o"]').select("acme", None)
    with pytest.raises(VeilError, match="model"):
        redact_chat({"input": "x"}, NAME, endpoint=Endpoint.MODERATIONS, policy=policy)
