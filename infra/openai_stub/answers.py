"""Short plausible answers that reuse the placeholders of the question."""

import re
from typing import Any

import msgspec

from infra.openai_stub.phrases import phrases_for
from infra.openai_stub.prompt import Json, Prompt

_SUMMARY = re.compile(r"summar|zusammenfass|résum|resum|riassum|tl;dr", re.IGNORECASE)
# Property names that ask for a kind under another name.
_ALIASES = {"name": "PERSON", "customer": "PERSON", "mail": "EMAIL", "tel": "PHONE", "card": "CREDIT_CARD"}


def placeholders_in(text: str, pattern: re.Pattern[str]) -> list[str]:
    """Placeholders in order of appearance, each once."""
    return list(dict.fromkeys(found[0] for found in pattern.finditer(text)))


def helpful(prompt: Prompt, placeholders: list[str]) -> str:
    if prompt.wants_json:
        if prompt.schema is None:
            value: Any = {"summary": _write(prompt, placeholders, summary=True), "details": placeholders}
        else:
            value = instance(prompt.schema, prompt.schema, placeholders, "", prompt.last_user)
        return msgspec.json.encode(value).decode()
    asked = prompt.instructions + "\n" + prompt.last_user
    return _write(prompt, placeholders, summary=_SUMMARY.search(asked) is not None)


def tool_call(prompt: Prompt, placeholders: list[str]) -> tuple[str, str]:
    """Name and JSON arguments of a call of the first tool."""
    tool = prompt.tools[0]
    schema = tool.get("parameters") or {"type": "object", "properties": {"text": {"type": "string"}}}
    arguments = instance(schema, schema, placeholders, "", prompt.last_user)
    return tool["name"], msgspec.json.encode(arguments).decode()


def instance(schema: Json, root: Json, placeholders: list[str], name: str, fallback: str) -> Any:
    """Make a value that fits a JSON Schema as models are given: objects, arrays, enums, `$ref`, `anyOf`."""
    if "$ref" in schema:
        target: Any = root
        for step in schema["$ref"].removeprefix("#").strip("/").split("/"):
            target = target[step] if step else target
        # A schema that refers to itself would never end: one level of it is enough here.
        return {} if target is schema or target is root else instance(target, root, placeholders, name, fallback)
    for choice in ("anyOf", "oneOf", "allOf"):
        if schema.get(choice):
            return instance(schema[choice][0], root, placeholders, name, fallback)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type", "object" if "properties" in schema else "string")
    match kind[0] if isinstance(kind, list) else kind:
        case "object":
            properties = schema.get("properties") or {}
            return {key: instance(value, root, placeholders, key, fallback) for key, value in properties.items()}
        case "array":
            return [instance(schema.get("items") or {}, root, placeholders, name, fallback)]
        case "integer" | "number":
            return 1
        case "boolean":
            return True
        case "null":
            return None
    return _fitting(name, placeholders) or fallback


def _fitting(name: str, placeholders: list[str]) -> str | None:
    wanted = next((kind for alias, kind in _ALIASES.items() if alias in name.lower()), name.upper())
    return next((p for p in placeholders if wanted in p or p.strip("[]").rpartition("_")[0] in wanted), None)


def _write(prompt: Prompt, placeholders: list[str], *, summary: bool) -> str:
    phrases = phrases_for(prompt.last_user or prompt.instructions)
    people = [p for p in placeholders if "PERSON" in p.upper()]
    rest = [p for p in placeholders if p not in people[:1]]
    form = phrases.summary if summary else phrases.letter
    return form.format(who=people[0] if people else phrases.nobody, what=", ".join(rest) or phrases.nothing)
