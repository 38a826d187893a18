"""Requests that no honest caller sends, and answers that OpenAI does not give: each ends in its code, in time."""

import json
import time
from typing import Any

import pytest

from pipeline.detection import build_detector
from pipeline.errors import VeilError
from pipeline.redaction import Detector
from pipeline.request import MalformedAnswer, redact_request
from schemas.codes import ErrorCode
from schemas.job import Endpoint
from tests.unit.redaction.detectors import (
    CHAT,
    SCOPE,
    Patterns,
    answer,
    chat,
    default_policy,
    encode,
    redact_chat,
    restore_chat,
)

NAME = Patterns(PERSON=r"Ann Lee")
MESSAGES = [{"role": "user", "content": "hi"}]


def code_of(request: dict[str, Any], endpoint: Endpoint, **options: Any) -> ErrorCode:
    with pytest.raises(VeilError) as caught:
        redact_chat(request, NAME, endpoint=endpoint, **options)
    return caught.value.code


@pytest.mark.parametrize("endpoint", [Endpoint.CHAT_COMPLETIONS, Endpoint.RESPONSES])
def test_messages_and_input_together_are_refused(endpoint: Endpoint) -> None:
    request = {"model": "gpt-4o", "messages": MESSAGES, "input": "hi"}
    assert code_of(request, endpoint) is ErrorCode.UNKNOWN_REQUEST_FIELD


@pytest.mark.parametrize("endpoint", Endpoint)
def test_another_endpoints_request_is_refused(endpoint: Endpoint) -> None:
    foreign = {"model": "gpt-4o"} | (
        {"input": "x"} if endpoint is Endpoint.CHAT_COMPLETIONS else {"messages": MESSAGES}
    )
    assert code_of(foreign, endpoint) in (ErrorCode.INVALID_REQUEST, ErrorCode.UNKNOWN_REQUEST_FIELD)


CYCLE = {
    "$ref": "#/$defs/node",
    "$defs": {
        "node": {
            "type": "object",
            "description": "a note about Ann Lee",
            "properties": {"next": {"$ref": "#/$defs/node"}, "all": {"type": "array", "items": {"$ref": "#"}}},
        }
    },
}


def tool(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "description": "for Ann Lee", "parameters": schema}}


def test_a_schema_that_refers_to_itself_is_redacted_as_any_other() -> None:
    account = Patterns(PERSON=r"Ann Lee", BANK_ACCOUNT=r"\d{8,}")
    redacted = redact_chat(chat('{"account": 1234567890}', tools=[tool("f", CYCLE)]), account)
    assert redacted.entities == {"PERSON": 2, "BANK_ACCOUNT": 1}
    assert b"Ann Lee" not in redacted.body


def seconds(request: dict[str, Any], detector: Detector) -> float:
    """CPU seconds of the quickest of three runs."""
    body = encode(request)
    spent = []
    for _ in range(3):
        began = time.process_time()
        redact_request(CHAT, body, policy=default_policy(), detector=detector, scope=SCOPE)
        spent.append(time.process_time() - began)
    return min(spent)


def test_a_thousand_tools_take_time_by_their_number_and_no_more() -> None:
    detector = build_detector(names=False)
    tools = [
        tool(
            f"lookup_{tool_number}",
            {
                "type": "object",
                "properties": {
                    f"field_{number}": {
                        "type": "string",
                        "description": f"where to write, jane.x{tool_number}y{number}@example.org",
                    }
                    for number in range(5)
                },
            },
        )
        for tool_number in range(1000)
    ]
    content = '{"card": 4111111111111111}'
    seconds(chat(content), detector)
    few, many = seconds(chat(content, tools=tools[:100]), detector), seconds(chat(content, tools=tools), detector)
    assert many < 25 * few
    assert many < 5


@pytest.mark.parametrize(
    "arguments", ['{"who": "Ann Lee"', "Ann Lee", '["Ann Lee"] and {', '{"who": "Ann Lee",}', "", "{'who': 'Ann Lee'}"]
)
def test_arguments_that_are_no_json_are_redacted_and_restored_as_text(arguments: str) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}
    redacted = redact_chat(chat("x") | {"messages": [{"role": "assistant", "tool_calls": [call]}]}, NAME)
    assert b"Ann Lee" not in redacted.body
    calls = json.loads(redacted.body)["messages"][-1]["tool_calls"]
    back = json.loads(restore_chat(answer(None, tool_calls=calls), redacted).body)
    assert back["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"] == arguments


def test_each_of_several_choices_is_restored() -> None:
    redacted = redact_chat(chat("Ann Lee", n=3), NAME)
    said = json.loads(redacted.body)["messages"][-1]["content"]
    tree = answer(said)
    tree["choices"] = [tree["choices"][0] | {"index": index, "logprobs": None} for index in range(3)]
    back = json.loads(restore_chat(tree, redacted).body)
    assert [choice["message"]["content"] for choice in back["choices"]] == ["Ann Lee"] * 3


@pytest.mark.parametrize("endpoint", [Endpoint.CHAT_COMPLETIONS, Endpoint.RESPONSES])
@pytest.mark.parametrize("tree", [[], "text", 5, None, {"choices": {"a": 1}, "output": {"a": 1}}])
def test_an_answer_of_another_shape_is_malformed_and_says_no_text(endpoint: Endpoint, tree: Any) -> None:
    redacted = redact_chat(chat("Ann Lee"), NAME)
    with pytest.raises(MalformedAnswer) as caught:
        restore_chat(tree, redacted, endpoint)
    assert caught.value.code is ErrorCode.OPENAI_MALFORMED_ANSWER
    assert "Ann" not in str(caught.value)


@pytest.mark.parametrize("endpoint", Endpoint)
def test_an_answer_without_any_of_the_endpoints_fields_passes_as_it_is(endpoint: Endpoint) -> None:
    redacted = redact_chat(chat("Ann Lee"), NAME)
    assert json.loads(restore_chat({"id": "x"}, redacted, endpoint).body) == {"id": "x"}
