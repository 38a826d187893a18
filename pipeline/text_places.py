"""Where the JSON of an answer must have a text, by its schema: a number restored there stays a text.

A place is the keys that lead to a value, each after a `/` and escaped as in a JSON Pointer
(RFC 6901), with `*` for any item of a list or any key. Places are found in the request's
schemas when it is redacted and travel in the vault, since the rehydrator has no schema.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from pipeline.json_text import from_json

_MOST = 2_000
"""So many places are kept of a request, the shallow ones first; elsewhere a number stays one."""
_MOST_SCHEMAS = 20_000
_DEPTH = 16
"""So many schemas are looked at, and keys of a place: schemas that refer to one another could be walked for ever."""
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]:]')
_ONE_OF = ("anyOf", "oneOf", "allOf")


class _Node(NamedTuple):
    """A schema inside the one called `name`, and the place that it describes."""

    name: str
    place: str
    schema: Any


def places_of(shapes: Mapping[str, Any]) -> dict[str, list[str]]:
    """The places at which JSON Schemas take a text and no number, by the schema's name."""
    texts: dict[tuple[str, str], None] = {}
    numbers: set[tuple[str, str]] = set()
    nodes = [_Node(name, "", schema) for name, schema in shapes.items()]
    for node in nodes:  # grows as it goes, level by level
        if isinstance(node.schema, dict) and node.place.count("/") <= _DEPTH:
            types = node.schema.get("type")
            for kind in types if isinstance(types, list) else [types]:
                if kind == "string":
                    texts[node.name, node.place] = None
                elif kind in ("number", "integer"):
                    numbers.add((node.name, node.place))
            nodes += islice(_inside(node, shapes[node.name]), _MOST_SCHEMAS - len(nodes))
    kept: dict[str, list[str]] = {}
    for name, place in islice((item for item in texts if item not in numbers), _MOST):
        kept.setdefault(name, []).append(place)
    return kept


def _inside(node: _Node, root: Any) -> Iterator[_Node]:
    """The schemas that a schema is made of."""
    schema, place = node.schema, node.place
    if isinstance(reference := schema.get("$ref"), str):
        yield node._replace(schema=_resolved(root, reference))
    for choice in _ONE_OF:
        for member in _items(schema.get(choice)):
            yield node._replace(schema=member)
    properties = schema.get("properties")
    for name, member in properties.items() if isinstance(properties, dict) else ():
        yield node._replace(schema=member, place=f"{place}/{_escaped(name)}")
    for member in (schema.get("additionalProperties"), schema.get("items"), *_items(schema.get("prefixItems"))):
        yield node._replace(schema=member, place=f"{place}/*")


def _items(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _resolved(root: Any, reference: str) -> Any:
    target = root
    for step in reference.removeprefix("#").split("/")[1:]:
        target = target.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(target, dict) else None
    return target if reference.startswith("#") else None


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


class TextPlaces:
    """Says of offsets in a text, asked in order, whether a text must stand there."""

    def __init__(self, text: str, regions: Sequence[tuple[int, int]], places: Collection[str]) -> None:
        self._places = frozenset(places)
        self._of_any_key = [place.split("/")[1:] for place in places if "*" in place]
        self._text = text
        self._regions = iter(regions)
        self._region_end = 0
        self._tokens: Iterator[re.Match[str]] = iter(())
        self._next: re.Match[str] | None = None
        self._keys: list[str] = []
        self._key = ""

    def __repr__(self) -> str:
        return f"<TextPlaces {len(self._places)}>"

    def __call__(self, offset: int) -> bool:
        """Whether the value at an offset inside the JSON is at one of the places."""
        if not self._places:
            return False
        while offset >= self._region_end:
            start, self._region_end = next(self._regions)
            self._tokens = _TOKEN.finditer(self._text, start, self._region_end)
            self._next = next(self._tokens, None)
            self._keys = []
        while self._next and self._next.end() <= offset:
            self._pass(self._next[0])
            self._next = next(self._tokens, None)
        if "".join(f"/{key}" for key in self._keys) in self._places:
            return True
        return any(len(place) == len(self._keys) and all(map(_fits, place, self._keys)) for place in self._of_any_key)

    def _pass(self, token: str) -> None:
        match token:
            case "{" | "[":
                self._keys.append("*")
            case "}" | "]":
                self._keys.pop()
            case ":":
                self._keys[-1] = self._key
            case _:
                self._key = _escaped(from_json(token[1:-1]) or "")


def _fits(step: str, key: str) -> bool:
    return step in ("*", key)
