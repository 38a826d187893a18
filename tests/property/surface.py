"""Requests over the whole surface: drawn from the `openai` package's types, as far as our tables let them pass.

Values of many kinds stand in every text; a text may be prose, JSON, or JSON in prose. All is made at run
time from a seed.
"""

import base64
import json
from collections.abc import Collection
from functools import cache
from random import Random
from typing import Any

from infra.canaries import Canary, make_canaries
from pipeline.fields.answers import Shape
from pipeline.fields.endpoints import tables
from pipeline.fields.model_names import Model
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
from pipeline.walk import Use
from schemas.job import Endpoint
from tests.unit.redaction.declared import REQUESTS, Declared, declared, fields_of, required_of, tag_of

_ANYTHING = Declared(frozenset(), False, False, False, False, True, (), ())
_CLEAN_NAMES = ("lookup", "book_table", "send-mail", "weather_v2")
_AROUND = ("", "🙂 ", "„So“ – ", "a\tb\n", 'He said "yes" \\ no. ', "{not json} ", "[1] ")
_NOT_ASCII = "Ünï “q” 日本 🙂🏽\u2028"


@cache
def _canaries(seed: int) -> dict[str, Canary]:
    return make_canaries(seed)


class Surface:
    """Draws requests of one endpoint; `drawn` is every place that has been written, `planted` what stands in them."""

    def __init__(self, endpoint: Endpoint, seed: int, kinds: Collection[str]) -> None:
        self._endpoint = endpoint
        self._random = Random(seed)
        self._canaries = [canary for canary in _canaries(seed % 10).values() if canary.entity in kinds]
        self.planted: list[Canary] = []
        self.drawn: set[str] = set()

    def request(self) -> dict[str, Any]:
        """One request, which is to pass whole."""
        table, types = tables(self._endpoint).request, declared(REQUESTS[self._endpoint])
        drawn: dict[str, Any] = self._draw(table, types, self._endpoint.value)
        return drawn

    def _draw(self, rule: Rule, types: Declared, path: str) -> Any:
        self.drawn.add(path)
        random = self._random
        match rule:
            case Permitted() | Shape():
                while (value := self._draw(rule.rule, types, path)) == getattr(rule, "value", None):
                    pass
                return value
            case ByType():
                return self._by_type(rule, types, path)
            case Many():
                # Longer where more can differ: the items of a conversation, the parts of a message.
                longest = 4 if types.items and declared(*types.items).objects else 2
                count = random.randint(max(rule.least, 1), longest)
                inner = declared(*types.items) if types.items else _ANYTHING
                return [self._draw(rule.rule, inner, f"{path}[]") for _ in range(count)]
            case Tagged():
                return self._tagged(rule, types, path)
            case Fields():
                return self._fields(rule, types.objects, path)
            case Refuse():
                return random.choice(rule.harmless)
            case Drop() | SetTo():
                return self._free(types, 4)
            case Word():
                return random.choice(sorted(rule.words & types.literals if types.literals else rule.words))
            case Model():
                return random.choice(sorted(types.literals))
            case Text(use=Use.CLEAN):
                return random.choice(_CLEAN_NAMES)
            case Text(use=Use.NAME):
                return random.choice([*_CLEAN_NAMES, self._canary("EMAIL").value])
            case Text():
                return self._text()
            case Hash():
                return self._canary("EMAIL").value
            case Opaque():
                return base64.b64encode(b"\x80" + random.randbytes(random.randint(63, 200))).decode()
            case Number():
                return random.choice([0.25, 1e-3, 2] if types.fraction else [1, 2, 3])
            case Flag():
                return random.random() < 0.5
            case Numeric():
                return {str(random.randint(0, 99_999)): random.randint(-100, 100) for _ in range(3)}
            case Deep(words=words):
                return self._schema() if words else {"ref": self._sentence(), "sub": self._text()}
            case _:
                raise NotImplementedError(type(rule).__name__)

    def _by_type(self, rule: ByType, types: Declared, path: str) -> Any:
        given = {
            "text": rule.text if types.text or types.literals else None,
            "items": rule.many if types.items else None,
            "objects": rule.fields if types.objects or types.any_object else None,
        }
        kind = self._random.choice([kind for kind, inner in given.items() if inner is not None])
        inner = given[kind]
        assert inner is not None
        return self._draw(inner, types, path)

    def _tagged(self, rule: Tagged, types: Declared, path: str) -> Any:
        tag = self._random.choice(sorted(rule.rules))
        objects = [params for params in types.objects if tag in tag_of(params, rule.tag)]
        chosen = [self._random.choice(objects)] if objects else []
        made = self._fields(rule.rules[tag], tuple(chosen), f"{path}[{tag}]")
        if rule.untagged is None or not chosen or rule.tag in required_of(chosen[0]):
            made[rule.tag] = tag
        return made

    def _fields(self, rule: Fields, objects: tuple[Any, ...], path: str) -> dict[str, Any]:
        made: dict[str, Any] = {}
        params = self._random.choice(objects) if objects else None
        hints = fields_of(params) if params else dict.fromkeys(rule.fields, object)
        required = {*rule.required, *(required_of(params) if params else rule.fields)}
        for name, hint in hints.items():
            inner = rule.fields[name]
            if isinstance(inner, Refuse) and not inner.harmless:
                continue
            if name in required or self._random.random() < 0.4:
                made[name] = self._draw(inner, declared(hint), f"{path}.{name}")
        return made

    def _free(self, types: Declared, depth: int) -> Any:
        """Anything that the types allow, for what never leaves."""
        if types.objects and depth:
            hints = fields_of(self._random.choice(types.objects))
            return {name: self._free(declared(hint), depth - 1) for name, hint in hints.items()}
        if types.items and depth:
            return [self._free(declared(*types.items), depth - 1)]
        if types.literals and not types.text:
            return self._random.choice(sorted(types.literals))
        return self._sentence() if types.text else 1 if types.number else False

    def _canary(self, kind: str = "") -> Canary:
        canary = self._random.choice([item for item in self._canaries if kind in ("", item.entity)])
        self.planted.append(canary)
        return canary

    def _sentence(self) -> str:
        return self._canary().text

    def _text(self) -> str:
        random = self._random
        shape = random.random()
        if shape < 0.45:
            return random.choice(_AROUND) + self._sentence() + random.choice(("", "\r\n", " 🙂", '"'))
        document = json.dumps(
            self._document(), ensure_ascii=random.random() < 0.5, indent=random.choice((None, None, 2))
        )
        if shape < 0.8:
            return document
        return f"{self._sentence()}\n```json\n{document}\n```\n{self._sentence()}"

    def _document(self) -> dict[str, Any]:
        card = self._canary("CREDIT_CARD")
        document: dict[str, Any] = {
            "note": self._sentence(),
            "quoted": f'"{self._sentence()}" {_NOT_ASCII}\\',
            "list": [self._sentence(), None, 1.50, {"deep": self._sentence()}],
        }
        if self._random.random() < 0.5:
            document["card_number"] = int(card.value.replace(" ", ""))
        if self._random.random() < 0.3:
            document["inner"] = json.dumps({"note": f'"{self._sentence()}"\n{_NOT_ASCII}'})
        return document

    def _schema(self) -> dict[str, Any]:
        properties: dict[str, Any] = {
            "note": {"type": "string", "description": self._sentence()},
            "card_number": {"type": "integer"},
            "kind": {"enum": ["a", self._sentence()]},
        }
        return {"type": "object", "properties": properties, "required": ["note"], "description": self._sentence()}


def surface_of(rule: Rule | None, types: Declared, path: str, *, refused: bool = False) -> set[str]:
    """Every place of a request that may be written at all; what is only dropped counts, what is refused does not."""
    match rule:
        case Permitted() | Shape():
            return surface_of(rule.rule, types, path)
        case ByType():
            inner = (rule.text if types.text or types.literals else None, rule.many if types.items else None)
            given = (*inner, rule.fields if types.objects or types.any_object else None)
            return {path}.union(*(surface_of(item, types, path) for item in given if item))
        case Many():
            hints = declared(*types.items) if types.items else _ANYTHING
            return {path} | surface_of(rule.rule, hints, f"{path}[]")
        case Tagged():
            found = {path}
            for tag, fields in rule.rules.items():
                objects = tuple(params for params in types.objects if tag in tag_of(params, rule.tag))
                found |= _surface_of_fields(fields, objects, f"{path}[{tag}]")
            return found
        case Fields():
            return {path} | _surface_of_fields(rule, types.objects, path)
        case Refuse(harmless=()) | None:
            return set()
        case _:
            return {path}


def _surface_of_fields(rule: Fields, objects: tuple[Any, ...], path: str) -> set[str]:
    given = [item for params in objects for item in fields_of(params).items()]
    hints = given or [(name, object) for name in rule.fields]
    return set().union(*(surface_of(rule.fields.get(name), declared(hint), f"{path}.{name}") for name, hint in hints))
