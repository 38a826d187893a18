"""A request or an answer as a few labelled texts, as a person would read it."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from pipeline.request import INSTRUCTION, RELATED


class Row(NamedTuple):
    """One text and who says it, or which field holds it."""

    label: str
    text: str


# Who speaks is told in rows of their own; tools and schemas would be long, and hold no value here.
_NOT_SHOWN = frozenset({"messages", "input", "instructions", "stream", "tools", "response_format"})


def request_rows(body: dict[str, Any]) -> list[Row]:
    """The texts of a request, without the note about tokens that every redacted request carries."""
    rows: list[Row] = []
    if instructions := body.get("instructions", "").removesuffix(f" {RELATED}").removesuffix(INSTRUCTION).strip():
        rows.append(Row("instructions", instructions))
    if isinstance(given := body.get("input"), str):
        rows.append(Row("input", given))
    for message in body.get("messages", []):
        if message.get("content") not in (INSTRUCTION, f"{INSTRUCTION} {RELATED}"):
            rows += _message(message)
    rows.append(Row("also", ", ".join(f"{name} {_shown(body[name])}" for name in body if name not in _NOT_SHOWN)))
    return rows


def answer_rows(response: dict[str, Any]) -> list[Row]:
    """The texts of an answer of either endpoint."""
    rows: list[Row] = []
    for choice in response.get("choices", []):
        rows += _message(choice["message"])
    for item in response.get("output", []):
        rows += [Row(item["role"], _spaced(part["text"])) for part in item.get("content", [])]
    return rows


def _message(message: dict[str, Any]) -> Iterator[Row]:
    role = message["role"]
    if content := message.get("content"):
        yield Row(role, _spaced(content))
    for call in message.get("tool_calls") or []:
        function = call["function"]
        yield Row(role, f"calls {function['name']}({_spaced(function['arguments'])})")


def _spaced(text: str) -> str:
    """JSON with spaces in it, so that it can be wrapped; any other text as it is."""
    if not text.startswith("{"):
        return text
    try:
        return _shown(json.loads(text))
    except ValueError:
        return text


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
