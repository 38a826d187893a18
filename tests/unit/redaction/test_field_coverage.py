"""Every field of the installed `openai` package's request types has a rule, so that an upgrade cannot open a hole."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from pipeline.fields import chat, responses
from pipeline.fields.answers import Shape
from pipeline.fields.endpoints import tables
from pipeline.fields.model_names import Model, is_base_model
from pipeline.fields.rules import (
    ByType,
    Deep,
    Drop,
    Fields,
    Flag,
    Hash,
    Many,
    Number,
    Numeric,
    Opaque,
    Permitted,
    Refuse,
    Rule,
    SetTo,
    Tagged,
    Text,
    Word,
)
from pipeline.walk import InvalidRequest
from schemas.job import Endpoint
from tests.unit.redaction.declared import REQUESTS, Declared, declared, fields_of, tag_of

BEYOND_THE_TYPES = {
    # Callers send an answer's message back as it came; that is more than the request's own types have.
    "chat.completions.messages[][assistant].annotations",
}


def holes(rule: Rule | None, types: Declared, path: str) -> Iterator[str]:
    """Where a table has no rule for what a type declares, or has one for what no type declares."""
    match rule:
        case Refuse() | Drop() | SetTo() | Deep():
            return
        case None:
            yield f"{path}: no rule"
        case Permitted() | Shape():
            yield from holes(rule.rule, types, path)
        case ByType():
            yield from _by_type(rule, types, path)
        case Fields() | Tagged():
            yield from _not_only(path, types, "objects")
            yield from _objects(rule, types, path)
        case Numeric():
            yield from _not_only(path, types, "objects")
        case Many():
            yield from _not_only(path, types, "items")
            if types.items:
                yield from holes(rule.rule, declared(*types.items), f"{path}[]")
        case Word():
            yield from _not_only(path, types, "text")
            yield from (f"{path}: the word {word}" for word in types.literals - rule.words - rule.refused)
        case Text() | Model() | Hash() | Opaque():
            yield from _not_only(path, types, "text")
        case Number():
            yield from _not_only(path, types, "number")
        case Flag():
            yield from _not_only(path, types, "flag")
        case _:
            raise NotImplementedError(type(rule).__name__)


def _kinds(types: Declared) -> dict[str, bool]:
    return {
        "text": types.text or bool(types.literals),
        "number": types.number,
        "flag": types.flag,
        "items": bool(types.items),
        "objects": bool(types.objects) or types.any_object,
    }


def _not_only(path: str, types: Declared, kind: str) -> Iterator[str]:
    yield from (f"{path}: {name}" for name, stands in _kinds(types).items() if stands and name != kind)


def _by_type(rule: ByType, types: Declared, path: str) -> Iterator[str]:
    rules = {"text": rule.text, "items": rule.many, "objects": rule.fields, "number": None, "flag": None}
    for kind, stands in _kinds(types).items():
        inner = rules[kind]
        # A kind without a rule is refused; that is a decision where the table says with what error.
        if stands and inner is not None:
            yield from holes(inner, _only(types, kind), path)
        elif stands and rule.otherwise is InvalidRequest:
            yield f"{path}: {kind}"


def _only(types: Declared, kind: str) -> Declared:
    empty = Declared(frozenset(), False, False, False, False, False, (), ())
    match kind:
        case "text":
            return empty._replace(text=types.text, literals=types.literals)
        case "items":
            return empty._replace(items=types.items)
        case _:
            return empty._replace(objects=types.objects, any_object=types.any_object)


def _objects(rule: Fields | Tagged, types: Declared, path: str) -> Iterator[str]:
    if isinstance(rule, Fields):
        if types.objects:
            yield from _fields(rule, types.objects, path)
        return
    by_tag: dict[str, list[Any]] = defaultdict(list)
    for params in types.objects:
        tags = tag_of(params, rule.tag)
        if not tags:
            yield f"{path}: {params.__name__} has no {rule.tag}"
        for tag in tags:
            by_tag[tag].append(params)
    for tag, objects in by_tag.items():
        if tag in rule.rules:
            yield from _fields(rule.rules[tag], objects, f"{path}[{tag}]")
        elif tag not in rule.refused:
            yield f"{path}[{tag}]: no decision"
    if types.objects:
        known = {*rule.rules, *rule.refused}
        yield from (f"{path}[{tag}]: not declared" for tag in known - by_tag.keys())


def _fields(rule: Fields, objects: Any, path: str) -> Iterator[str]:
    hints: dict[str, list[Any]] = defaultdict(list)
    for params in objects:
        for name, hint in fields_of(params).items():
            hints[name].append(hint)
    for name, given in hints.items():
        yield from holes(rule.fields.get(name, rule.other), declared(*given), f"{path}.{name}")
    unknown = {f"{path}.{name}" for name in rule.fields.keys() - hints} - BEYOND_THE_TYPES
    yield from (f"{name}: not declared" for name in unknown)


def holes_of(endpoint: Endpoint, table: Fields) -> list[str]:
    return sorted(set(_fields(table, declared(REQUESTS[endpoint]).objects, endpoint.value)))


@pytest.mark.parametrize("endpoint", Endpoint)
def test_every_declared_field_has_a_rule_and_every_tag_a_decision(endpoint: Endpoint) -> None:
    assert holes_of(endpoint, tables(endpoint).request) == []


def _without(rule: Any, path: tuple[str, ...]) -> Any:
    """A copy of a table that lacks what stands at a path of fields and tags."""
    name, *rest = path
    match rule:
        case ByType():
            return replace(rule, many=_without(rule.many, path)) if rule.many else rule
        case Many():
            return replace(rule, rule=_without(rule.rule, path))
        case Fields():
            return replace(rule, fields=_less(rule.fields, name, tuple(rest)))
        case Tagged():
            if name in rule.refused:
                return replace(rule, refused=rule.refused - {name})
            return replace(rule, rules=_less(rule.rules, name, tuple(rest)))
        case _:
            raise NotImplementedError(type(rule).__name__)


def _less(rules: Mapping[str, Any], name: str, rest: tuple[str, ...]) -> dict[str, Any]:
    inner = {} if not rest else {name: _without(rules[name], rest)}
    return {key: item for key, item in rules.items() if key != name} | inner


@pytest.mark.parametrize(
    ("endpoint", "table", "path", "hole"),
    [
        (Endpoint.CHAT_COMPLETIONS, chat.REQUEST, ("metadata",), "chat.completions.metadata: no rule"),
        (
            Endpoint.CHAT_COMPLETIONS,
            chat.REQUEST,
            ("messages", "user", "content", "text", "text"),
            "chat.completions.messages[][user].content[][text].text: no rule",
        ),
        (
            Endpoint.CHAT_COMPLETIONS,
            chat.REQUEST,
            ("messages", "user", "content", "image_url"),
            "chat.completions.messages[][user].content[][image_url]: no decision",
        ),
        (
            Endpoint.RESPONSES,
            responses.REQUEST,
            ("input", "function_call", "namespace"),
            "responses.input[][function_call].namespace: no rule",
        ),
        (
            Endpoint.RESPONSES,
            responses.REQUEST,
            ("input", "reasoning"),
            "responses.input[][reasoning]: no decision",
        ),
        (Endpoint.RESPONSES, responses.REQUEST, ("tools", "mcp"), "responses.tools[][mcp]: no decision"),
    ],
)
def test_a_rule_that_is_missing_is_named(endpoint: Endpoint, table: Fields, path: tuple[str, ...], hole: str) -> None:
    assert hole in holes_of(endpoint, _without(table, path))


def test_a_rule_for_what_the_package_no_longer_has_is_named() -> None:
    table = replace(chat.REQUEST, fields={**chat.REQUEST.fields, "colour": Drop()})
    assert holes_of(Endpoint.CHAT_COMPLETIONS, table) == ["chat.completions.colour: not declared"]


@pytest.mark.parametrize("endpoint", Endpoint)
def test_every_model_that_the_package_names_passes_as_openais_own(endpoint: Endpoint) -> None:
    models = {
        model
        for params in declared(REQUESTS[endpoint]).objects
        for model in declared(fields_of(params)["model"]).literals
    }
    assert models
    assert {model for model in models if not is_base_model(model)} == set()
