"""Promise 7 over the whole of OpenAI's API: what an echoing model gives back is what was asked, byte for byte."""

import json
from collections.abc import Iterator
from functools import cache
from itertools import cycle
from typing import Any

import pytest

from infra.canaries import NEEDS_NAMES
from infra.openai_stub import prompt, wire
from infra.openai_stub.wire import Answer
from pipeline.detection import Detector, build_detector, catalogue
from pipeline.fields.endpoints import tables
from pipeline.json_text import read_json
from pipeline.placeholders import Scope
from pipeline.policy import Policy
from pipeline.request import INSTRUCTION, RedactedBody, redact_request, restore_answer
from pipeline.walk import Use, Walk
from schemas.job import Endpoint
from tests.property.surface import Surface, surface_of
from tests.unit.redaction.declared import REQUESTS, declared
from tests.unit.redaction.detectors import default_policy

EXAMPLES = {
    Endpoint.CHAT_COMPLETIONS: 220,
    Endpoint.RESPONSES: 220,
    Endpoint.EMBEDDINGS: 40,
    Endpoint.MODERATIONS: 40,
}


@cache
def detector() -> Detector:
    return build_detector(default_policy().entities & catalogue().keys(), names=False)


def texts_of(endpoint: Endpoint, body: bytes) -> list[str]:
    """The texts of a request, as the table finds them, without what we asked the model for."""
    tree = read_json(body, unique_keys=True)
    _without_instruction(tree)
    walk = Walk(lambda purpose, value: "0" * 40)
    tables(endpoint).request.enter(walk, tree, None)
    return [slot.text for slot in walk.slots if slot.use is Use.TEXT]


def _without_instruction(tree: dict[str, Any]) -> None:
    if "messages" in tree:
        tree["messages"] = [
            message for message in tree["messages"] if not str(message.get("content")).startswith(INSTRUCTION)
        ]
    given = tree.get("instructions")
    if given and INSTRUCTION in given:
        tree["instructions"] = given[: given.index(INSTRUCTION)].removesuffix("\n\n")


def chat_echo(texts: list[str]) -> tuple[bytes, list[tuple[Any, ...]]]:
    """A chat completion that says each text in one of the places that hold the model's words, and where."""
    tree = wire.chat_completion({"model": "gpt-4o", "n": len(texts)}, Answer(text="x"), 1)
    paths: list[tuple[Any, ...]] = []
    call = {"id": "c", "type": "function", "function": {"name": "lookup"}}
    places = cycle(("content", "refusal", "arguments", "input"))
    for choice, text, place in zip(tree["choices"], texts, places, strict=False):
        message: dict[str, Any] = {"role": "assistant", "content": None}
        choice["message"] = message
        start = ("choices", choice["index"], "message")
        if place == "arguments":
            message["tool_calls"] = [call | {"function": {"name": "lookup", "arguments": text}}]
            paths.append((*start, "tool_calls", 0, "function", "arguments"))
        elif place == "input":
            message["tool_calls"] = [{"id": "c", "type": "custom", "custom": {"name": "lookup", "input": text}}]
            paths.append((*start, "tool_calls", 0, "custom", "input"))
        else:
            message[place] = text
            paths.append((*start, place))
    return wire.encode(tree), paths


def responses_echo(texts: list[str]) -> tuple[bytes, list[tuple[Any, ...]]]:
    """A response that says each text in one of the places that hold the model's words, and where."""
    tree = wire.response({"model": "gpt-4o"}, Answer(text="x"), 1)
    tree["output"] = []
    paths: list[tuple[Any, ...]] = []
    for at, (text, place) in enumerate(zip(texts, cycle(range(5)), strict=False)):
        item: dict[str, Any]
        path: tuple[Any, ...]
        match place:
            case 0:
                item, path = wire.response({"model": "x"}, Answer(text=text), 1)["output"][0], ("content", 0, "text")
            case 1:
                call = Answer(tool_call=("lookup", text))
                item, path = wire.response({"model": "x"}, call, 1)["output"][0], ("arguments",)
            case 2:
                item, path = {"type": "custom_tool_call", "name": "lookup", "input": text}, ("input",)
            case 3:
                item = {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": text}]}
                path = ("summary", 0, "text")
            case _:
                item = {"type": "message", "content": [{"type": "refusal", "refusal": text}]}
                path = ("content", 0, "refusal")
        tree["output"].append(item)
        paths.append(("output", at, *path))
    return wire.encode(tree), paths


def at(tree: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        tree = tree[step]
    return tree


def restored(endpoint: Endpoint, answer: bytes, redacted: RedactedBody) -> Any:
    back = restore_answer(
        endpoint,
        answer,
        originals=redacted.originals,
        issued=redacted.issued,
        lookalikes=redacted.lookalikes,
        text_places=redacted.text_places,
    )
    assert back.receipt.invented == 0
    return json.loads(back.body)


def examples(endpoint: Endpoint) -> Iterator[tuple[int, Surface, dict[str, Any]]]:
    kinds = detector().entities - NEEDS_NAMES
    for seed in range(EXAMPLES[endpoint]):
        # What goes one way only cannot be compared, so most requests have none.
        surface = Surface(endpoint, seed, kinds if seed % 4 == 0 else kinds - one_way(default_policy()))
        yield seed, surface, surface.request()


def one_way(policy: Policy) -> set[str]:
    return {kind for kind in catalogue() if not policy.reversible(kind)}


@pytest.mark.parametrize("endpoint", Endpoint)
def test_no_original_is_sent_and_an_echo_is_what_was_asked(endpoint: Endpoint) -> None:
    policy = default_policy()
    lost = one_way(policy)
    for seed, surface, request in examples(endpoint):
        where = f"{endpoint.value}, seed {seed}"
        body = json.dumps(request, ensure_ascii=bool(seed % 2)).encode()
        scope = Scope(b"\x07" * 32, f"acme/job/{seed}")
        redacted = redact_request(endpoint, body, policy=policy, detector=detector(), scope=scope)
        seen = redacted.body.decode() + json.dumps(json.loads(redacted.body), ensure_ascii=False).replace("\\", "")
        for canary in surface.planted:
            assert canary.value not in seen, f"{canary.entity} ({where})"
        asked = texts_of(endpoint, body)
        sent = texts_of(endpoint, redacted.body)
        assert len(asked) == len(sent), where
        irreversible = [canary.value for canary in surface.planted if canary.entity in lost]
        if endpoint in (Endpoint.EMBEDDINGS, Endpoint.MODERATIONS):
            write = wire.embeddings if endpoint is Endpoint.EMBEDDINGS else wire.moderations
            answer = wire.encode(write({"model": "x", "dimensions": 4}, sent))
            assert restored(endpoint, answer, redacted) == json.loads(answer), where
            continue
        answer, paths = chat_echo(sent) if endpoint is Endpoint.CHAT_COMPLETIONS else responses_echo(sent)
        tree = restored(endpoint, answer, redacted)
        for text, path in zip(asked, paths, strict=True):
            if any(value in text for value in irreversible):
                assert not any(value in at(tree, path) for value in irreversible), where
            else:
                assert at(tree, path) == text, where


@pytest.mark.parametrize("endpoint", [Endpoint.CHAT_COMPLETIONS, Endpoint.RESPONSES])
def test_the_stubs_own_echo_is_the_last_thing_that_was_said(endpoint: Endpoint) -> None:
    policy = default_policy()
    read = prompt.of_chat if endpoint is Endpoint.CHAT_COMPLETIONS else prompt.of_responses
    write = wire.chat_completion if endpoint is Endpoint.CHAT_COMPLETIONS else wire.response
    for seed, surface, request in examples(endpoint):
        if seed % 5:
            continue
        body = json.dumps(request).encode()
        scope = Scope(b"\x07" * 32, f"acme/job/{seed}")
        redacted = redact_request(endpoint, body, policy=policy, detector=detector(), scope=scope)
        tree = json.loads(redacted.body)
        back = restored(endpoint, wire.encode(write(tree, Answer(text=read(tree).last_user), 1)), redacted)
        said = read(json.loads(body)).last_user
        if not any(canary.value in said for canary in surface.planted if canary.entity in one_way(policy)):
            path = ("choices", 0, "message", "content") if "choices" in back else ("output", 0, "content", 0, "text")
            assert at(back, path) == said, seed


@pytest.mark.parametrize("endpoint", Endpoint)
def test_the_examples_reach_every_place_that_may_be_written(endpoint: Endpoint) -> None:
    drawn = set().union(*(surface.drawn for _, surface, _ in examples(endpoint)))
    expected = surface_of(tables(endpoint).request, declared(REQUESTS[endpoint]), endpoint.value)
    assert expected - drawn == set()
    planted = {canary.entity for _, surface, _ in examples(endpoint) for canary in surface.planted}
    assert len(planted) > 60
