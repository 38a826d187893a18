"""What an answer tells of its own text follows the text; a restored number has the type that a schema asks for."""

import json
from typing import Any

import pytest

from pipeline.request import MalformedAnswer, restore_answer
from pipeline.text_places import places_of
from schemas.job import Endpoint
from schemas.redacted import Original
from tests.unit.redaction.detectors import CHAT, Patterns, answer, chat, encode, redact_chat, restore_chat

PERSON = "[PERSON_k3m9x2ab]"
ONE_WAY = "[PASSWORD_5t6y7z8x]"
ISSUED = {PERSON: "PERSON", ONE_WAY: "PASSWORD"}
ORIGINALS = {PERSON: Original("Ann-Sophie Bartholomew-Lee", "PERSON")}


def restored(tree: dict[str, Any], endpoint: Endpoint = CHAT) -> dict[str, Any]:
    body = restore_answer(endpoint, encode(tree), originals=ORIGINALS, issued=ISSUED).body
    back: dict[str, Any] = json.loads(body)
    return back


def message_of(tree: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = tree["choices"][0]["message"]
    return found


def response(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "resp_1", "object": "response", "output": list(items), **more}


def output_text(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text, **more}]}


def first_part(tree: dict[str, Any]) -> dict[str, Any]:
    part: dict[str, Any] = tree["output"][0]["content"][0]
    return part


TEXTS = {
    "refusal": response({"type": "message", "content": [{"type": "refusal", "refusal": PERSON}]}),
    "reasoning summary": response({"type": "reasoning", "summary": [{"type": "summary_text", "text": PERSON}]}),
    "reasoning": response({"type": "reasoning", "content": [{"type": "reasoning_text", "text": PERSON}]}),
    "custom tool": response({"type": "custom_tool_call", "name": "f", "input": PERSON}),
    "arguments": response({"type": "function_call", "name": "f", "arguments": json.dumps({"who": PERSON})}),
    "output": response({"type": "function_call_output", "output": PERSON}),
    "output parts": response({"type": "function_call_output", "output": [{"type": "input_text", "text": PERSON}]}),
    "content as text": response({"type": "message", "content": PERSON}),
    "instructions": response(instructions=PERSON),
    "instruction items": response(instructions=[{"role": "user", "content": PERSON}]),
    "schema": response(text={"format": {"type": "json_schema", "schema": {"description": PERSON}}}),
    "tools": response(tools=[{"type": "function", "description": PERSON}]),
    "metadata": response(metadata={"who": PERSON}),
    "error": response(error={"code": "server_error", "message": PERSON}),
    "whole text": response(output_text=PERSON),
    "url": response(
        output_text("x", annotations=[{"type": "url_citation", "url": f"https://a/{PERSON}", "title": "y"}])
    ),
}


@pytest.mark.parametrize("tree", TEXTS.values(), ids=TEXTS.keys())
def test_every_text_of_a_response_is_restored(tree: dict[str, Any]) -> None:
    body = json.dumps(restored(tree, Endpoint.RESPONSES))
    assert "k3m9x2ab" not in body
    assert ORIGINALS[PERSON].text in body


MESSAGES = {
    "refusal": {"refusal": PERSON},
    "custom tool": {"tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "f", "input": PERSON}}]},
    "old call": {"function_call": {"name": "f", "arguments": json.dumps({"who": PERSON})}},
    "parsed": {"parsed": {"who": [PERSON]}},
    "url": {"annotations": [{"type": "url_citation", "url_citation": {"url": f"https://a/{PERSON}", "title": PERSON}}]},
}


@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES.keys())
def test_every_text_of_a_message_is_restored(message: dict[str, Any]) -> None:
    body = json.dumps(restored(answer(None, **message)))
    assert "k3m9x2ab" not in body
    assert ORIGINALS[PERSON].text in body


CITED = f"🙂 {PERSON} wrote (source) of {PERSON}."
POINTED = {"after": "(source)", "around": f"{PERSON} wrote", "the value": PERSON, "before": "🙂", "last": "."}


@pytest.mark.parametrize("pointed", POINTED.values(), ids=POINTED.keys())
@pytest.mark.parametrize("inclusive", [0, 1], ids=["end after", "end is the last character"])
def test_offsets_point_at_the_same_text_afterwards(pointed: str, inclusive: int) -> None:
    start = CITED.index(pointed)
    place = {"start_index": start, "end_index": start + len(pointed) - inclusive}
    expected = pointed.replace(PERSON, ORIGINALS[PERSON].text)
    flat = {"type": "url_citation", "url": "https://a/", "title": "t", **place}
    part = first_part(restored(response(output_text(CITED, annotations=[flat])), Endpoint.RESPONSES))
    moved = part["annotations"][0]
    assert part["text"][moved["start_index"] : moved["end_index"] + inclusive] == expected
    nested = {"type": "url_citation", "url_citation": {"url": "https://a/", "title": "t", **place}}
    message = message_of(restored(answer(CITED, annotations=[nested])))
    moved = message["annotations"][0]["url_citation"]
    assert message["content"][moved["start_index"] : moved["end_index"] + inclusive] == expected


def test_an_offset_inside_a_placeholder_covers_the_value() -> None:
    inside = {"type": "url_citation", "start_index": CITED.index(PERSON) + 3, "end_index": CITED.index(PERSON) + 9}
    part = first_part(restored(response(output_text(CITED, annotations=[inside])), Endpoint.RESPONSES))
    moved = part["annotations"][0]
    assert moved["start_index"] == part["text"].index(ORIGINALS[PERSON].text)
    assert moved["start_index"] <= moved["end_index"] <= len(part["text"])


def test_a_file_citation_moves_and_a_files_number_stays() -> None:
    cites = [{"type": "file_citation", "index": CITED.index("(")}, {"type": "file_path", "index": 40}, "odd", {}]
    part = first_part(restored(response(output_text(CITED, annotations=cites)), Endpoint.RESPONSES))
    assert part["text"][part["annotations"][0]["index"]] == "("
    assert part["annotations"][1:] == cites[1:]


TOKENS = {"content": [{"token": "[PERS", "bytes": [91], "logprob": -0.1, "top_logprobs": []}]}


@pytest.mark.parametrize(
    ("text", "kept"), [(PERSON, False), ("hello", True), (ONE_WAY, True)], ids=["restored", "untouched", "one way"]
)
def test_log_probabilities_are_kept_where_they_spell_the_text(text: str, kept: bool) -> None:
    tree = answer(text)
    tree["choices"][0]["logprobs"] = TOKENS
    tree["choices"].append({"index": 1, "message": {"content": PERSON}, "logprobs": TOKENS})
    choices = restored(tree)["choices"]
    assert choices[0]["logprobs"] == (TOKENS if kept else None)
    assert choices[1]["logprobs"] is None
    part = first_part(
        restored(response(output_text(text, logprobs=TOKENS["content"]), output_text(PERSON)), Endpoint.RESPONSES)
    )
    assert part["logprobs"] == (TOKENS["content"] if kept else None)


@pytest.mark.parametrize(
    "tree",
    [
        {"output": 1},
        {"output": [1]},
        {"output": [{"type": "message", "content": 5}]},
        {"output": [{"type": "message", "content": [None]}]},
        {"output": [None]},
    ],
)
def test_a_response_of_another_shape_is_malformed(tree: dict[str, Any]) -> None:
    with pytest.raises(MalformedAnswer):
        restored(tree, Endpoint.RESPONSES)


# Typed restore: the account number was a bare number in the tool's result.
ACCOUNT = Patterns(BANK_ACCOUNT=r"\d{8,}")
RESULT = '{"account": 1234567890, "owner": "x"}'


def typed(kind: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "account": {"type": kind},
            "list/of": {"type": "array", "items": {"$ref": "#/$defs/row"}},
        },
        "$defs": {"row": {"type": "object", "properties": {"id": {"type": kind}, "more": {"$ref": "#/$defs/row"}}}},
    }


def echoed(request: dict[str, Any], shape: str, *, arguments: bool = False) -> Any:
    """What the caller gets when the model writes the account's placeholder as a text into `shape`."""
    redacted = redact_chat(request, ACCOUNT)
    placeholder = next(iter(redacted.issued))
    text = shape.replace("$", f'"{placeholder}"')
    call = {"id": "c", "type": "function", "function": {"name": "book", "arguments": text}}
    tree = answer(None, tool_calls=[call]) if arguments else answer(text)
    back = restore_answer(
        CHAT,
        encode(tree),
        originals=redacted.originals,
        issued=redacted.issued,
        text_places=redacted.text_places,
    )
    message = json.loads(back.body)["choices"][0]["message"]
    return json.loads(message["tool_calls"][0]["function"]["arguments"] if arguments else message["content"])


def asks(kind: Any, *, arguments: bool) -> dict[str, Any]:
    schema = typed(kind)
    if arguments:
        tool = {"type": "function", "function": {"name": "book", "parameters": schema}}
        return chat(RESULT, tools=[tool, {"type": "function", "function": {"name": "f", "parameters": typed("null")}}])
    return chat(RESULT, response_format={"type": "json_schema", "json_schema": {"name": "s", "schema": schema}})


@pytest.mark.parametrize("arguments", [False, True], ids=["structured output", "arguments"])
@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("string", "1234567890"),
        (["string", "null"], "1234567890"),
        ("integer", 1234567890),
        ("number", 1234567890),
        (["string", "number"], 1234567890),
    ],
)
def test_a_number_comes_back_as_the_schema_asks(kind: Any, value: Any, arguments: bool) -> None:
    request = asks(kind, arguments=arguments)
    assert echoed(request, '{"account": $}', arguments=arguments) == {"account": value}
    nested = '{"x": [1, "]"], "list/of": [{"id": $}, {"id": $}], "account": $}'
    assert echoed(request, nested, arguments=arguments) == {
        "x": [1, "]"],
        "list/of": [{"id": value}, {"id": value}],
        "account": value,
    }


def test_a_number_without_a_schema_comes_back_as_a_number() -> None:
    assert echoed(chat(RESULT), '{"account": $, "n": $}') == {"account": 1234567890, "n": 1234567890}
    assert echoed(asks("string", arguments=True), '{"account": $}') == {"account": 1234567890}


def test_other_keys_than_the_schemas_are_not_taken_for_its() -> None:
    request = asks("string", arguments=False)
    assert echoed(request, '{"other": $, "account": {"account": $}, "list/of": $}') == {
        "other": 1234567890,
        "account": {"account": 1234567890},
        "list/of": 1234567890,
    }


def test_json_in_prose_is_typed_as_well() -> None:
    redacted = redact_chat(asks("string", arguments=False), ACCOUNT)
    text = f'see {{"account": "{next(iter(redacted.issued))}"}} and [] {{"x": "{next(iter(redacted.issued))}"}}'
    back = restore_answer(
        CHAT,
        encode(answer(text)),
        originals=redacted.originals,
        issued=redacted.issued,
        text_places=redacted.text_places,
    )
    assert message_of(json.loads(back.body))["content"] == 'see {"account": "1234567890"} and [] {"x": 1234567890}'


def test_places_travel_only_where_a_number_was_redacted() -> None:
    assert redact_chat(asks("string", arguments=False), ACCOUNT).text_places
    text = asks("string", arguments=False) | {"messages": [{"role": "user", "content": "1234567890"}]}
    assert redact_chat(text, ACCOUNT).text_places == {}


def test_places_of_a_schema_that_refers_to_itself_end() -> None:
    row = {"type": "object", "properties": {name: {"$ref": "#/$defs/row"} for name in "abcdefgh"}}
    deep: dict[str, Any] = {"$ref": "#/$defs/0", "$defs": {"row": row}}
    for level in range(40):
        inner = {"$ref": f"#/$defs/{level + 1}"}
        deep["$defs"][str(level)] = {"properties": {"a": inner, "b": inner, "c": {"type": "string"}}}
    places = places_of({"": deep, "loop": {"$ref": "#"}, "none": {"$ref": "elsewhere#/x"}, "odd": {"anyOf": 5}})
    assert "/c" in places[""]
    assert len(places[""]) <= 2_000


def test_an_echo_of_typed_json_is_restored_byte_for_byte() -> None:
    redacted = redact_chat(asks("integer", arguments=False), ACCOUNT)
    content = json.loads(redacted.body)["messages"][-1]["content"]
    assert message_of(json.loads(restore_chat(answer(content), redacted).body))["content"] == RESULT
