"""What a request asks for, whichever endpoint it came by."""

from typing import Any

import msgspec

Json = dict[str, Any]


class InvalidRequest(Exception):
    """Answered with 400, in OpenAI's words."""

    def __init__(self, message: str, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message, self.param, self.code = message, param, code


class Prompt(msgspec.Struct):
    """The text of a request by who said it; a schema or tools if it has them."""

    instructions: str
    user: list[str]
    wants_json: bool
    schema: Json | None
    tools: list[Json]

    @property
    def last_user(self) -> str:
        return self.user[-1] if self.user else ""


def of_chat(body: Json) -> Prompt:
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise InvalidRequest("Missing required parameter: 'messages'.", "messages", "missing_required_parameter")
    response_format = body.get("response_format") or {}
    return Prompt(
        instructions=_said_by({"system", "developer"}, messages),
        user=[_text(m.get("content")) for m in messages if m.get("role") in {"user", "tool"}],
        wants_json=response_format.get("type") in {"json_object", "json_schema"},
        schema=(response_format.get("json_schema") or {}).get("schema"),
        tools=[tool["function"] for tool in body.get("tools") or [] if tool.get("type") == "function"],
    )


def of_responses(body: Json) -> Prompt:
    given = body.get("input")
    if not given:
        raise InvalidRequest("Missing required parameter: 'input'.", "input", "missing_required_parameter")
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given
    text_format = (body.get("text") or {}).get("format") or {}
    return Prompt(
        instructions=(body.get("instructions") or "") + _said_by({"system", "developer"}, items),
        user=[_text(i.get("content", i.get("output"))) for i in items if _is_user_item(i)],
        wants_json=text_format.get("type") in {"json_object", "json_schema"},
        schema=text_format.get("schema"),
        tools=[tool for tool in body.get("tools") or [] if tool.get("type") == "function"],
    )


def inputs_of(body: Json) -> list[str]:
    """Give the texts to embed or to moderate; a list of token numbers counts as one text."""
    given = body.get("input")
    if isinstance(given, str):
        return [given]
    if not isinstance(given, list) or not given:
        raise InvalidRequest("Missing required parameter: 'input'.", "input", "missing_required_parameter")
    if isinstance(given[0], int):
        return [" ".join(map(str, given))]
    return [_input(one) for one in given]


def _input(given: Any) -> str:
    if isinstance(given, str):
        return given
    return _text([given]) if isinstance(given, dict) else " ".join(map(str, given))


def _is_user_item(item: Json) -> bool:
    return item.get("role") == "user" or item.get("type") == "function_call_output"


def _said_by(roles: set[str], messages: list[Json]) -> str:
    return "\n".join(_text(message.get("content")) for message in messages if message.get("role") in roles)


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(part.get("text") or "" for part in content if isinstance(part, dict))
    return ""
