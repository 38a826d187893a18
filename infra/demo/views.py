"""A request or an answer as a few labelled texts, as a person would read it."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from pipeline.request import INSTRUCTION


class Row(NamedTuple):
    """One text and who says it, or which field holds it."""

    label: str
    text: str


# What is told in a line of its own, or is the same in every request.
_NOT_SHOWN = frozenset({"model", "messages", "input", "instructions", "store", "stream", "tools", "response_format"})


def request_rows(body: dict[str, Any]) -> list[Row]:
    """The texts of a request, without the note about tokens that every redacted request carries."""
    rows: list[Row] = []
    if instructions := body.get("instructions", "").removesuffix(INSTRUCTION).strip():
        rows.append(Row("instructions", instructions))
    if isinstance(given := body.get("input"), str):
        rows.append(Row("input", given))
    for message in body.get("messages", []):
        if message.get("content") != INSTRUCTION:
            rows += _message(message)
    rows += [Row(name, _shown(value)) for name, value in body.items() if name not in _NOT_SHOWN]
    return rows


def answer_rows(response: dict[str, Any]) -> list[Row]:
    """The texts of an answer of either endpoint."""
    rows: list[Row] = []
    for choice in response.get("choices", []):
        rows += _message(choice["message"])
    for item in response.get("output", []):
        rows += [Row(item["role"], part["text"]) for part in item.get("content", [])]
    return rows


def _message(message: dict[str, Any]) -> Iterator[Row]:
    role = message["role"]
    if content := message.get("content"):
        yield Row(role, content)
    for call in message.get("tool_calls") or []:
        function = call["function"]
        yield Row(role, f"calls {function['name']}({function['arguments']})")


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
