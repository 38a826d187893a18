"""The walk: applies a table of field rules to a body and collects every text that it holds.

A table is made of the rules below; `pipeline.fields` has one a direction and
endpoint. The walk works on a tree that the caller has just read, checks what may
pass, drops and sets what must be, and gives a `Slot` for each text, to be
filled by redacting or restoring.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple, Protocol

import msgspec

from pipeline.errors import VeilError
from schemas.codes import ErrorCode

DEPTH_LIMIT = 64
LONG_NUMBER = 7
"""A number of so many digits may be somebody's, and is looked at as text is."""


class UnknownRequestField(VeilError):
    """A field that the table doesn't have; `detail` is its parent, the name may hold anything."""

    code = ErrorCode.UNKNOWN_REQUEST_FIELD


class FeatureRefused(VeilError):
    """The request asks for something that would leave data behind or that cannot be inspected."""

    code = ErrorCode.FEATURE_REFUSED


class UnsupportedContentPart(VeilError):
    """A content part that cannot be inspected: image, audio, file, or one unknown here."""

    code = ErrorCode.UNSUPPORTED_CONTENT_PART


class InvalidRequest(VeilError):
    """The request is not what its endpoint takes."""

    code = ErrorCode.INVALID_REQUEST


class TooDeep(VeilError):
    """The body is nested deeper than `DEPTH_LIMIT`."""

    code = ErrorCode.TOO_DEEP


class Place(NamedTuple):
    """Where in a body; `name` is a field of the table or an index, or `*` for a key of the user's."""

    parent: "Place | None"
    name: str | int
    depth: int

    def __str__(self) -> str:
        if isinstance(self.name, int):
            return f"{self.parent or ''}[{self.name}]"
        return f"{self.parent}.{self.name}" if self.parent else self.name


class Use(Enum):
    """How a collected text is to be treated."""

    TEXT = "text"
    """Any text: redacted, restored; JSON inside it is looked into."""
    NAME = "name"
    """A participant's name: replaced whole, by a placeholder without brackets."""
    CLEAN = "clean"
    """An identifier that cannot be replaced: it passes only if nothing is found in it."""


class Slot(NamedTuple):
    """A text of a body and where it stands; a `CLEAN` one is never filled."""

    container: Any
    key: Any
    text: str
    use: Use
    place: Place

    def __repr__(self) -> str:
        return f"<Slot {self.place}>"

    def fill(self, text: str) -> None:
        self.container[self.key] = text


@dataclass
class Walk:
    """One pass over one body: what the rules need, and the slots they found."""

    hash_identity: Callable[[str, str], str] = field(repr=False)
    permits: frozenset[str] = frozenset()
    slots: list[Slot] = field(default_factory=list, repr=False)

    def add(self, container: Any, key: Any, text: str, use: Use, place: Place) -> None:
        self.slots.append(Slot(container, key, text, use, place))


class Rule(Protocol):
    """What is done with one value; `container[key]` is where it stands."""

    def visit(self, walk: Walk, container: Any, key: Any, value: Any, place: Place) -> None:
        """Check, change or collect the value, which is never null."""
        ...


@dataclass(frozen=True)
class Text:
    """A text that may hold anything."""

    use: Use = Use.TEXT

    def visit(self, walk: Walk, container: Any, key: Any, value: Any, place: Place) -> None:
        if not isinstance(value, str):
            raise InvalidRequest(str(place))
        if value:
            walk.add(container, key, value, self.use, place)


@dataclass(frozen=True)
class Word:
    """One of the words that the API knows; nothing else can stand there."""

    words: frozenset[str]

    def visit(self, walk: Walk, container: Any, key: Any, value: Any, place: Place) -> None:
        if not isinstance(value, str) or value not in self.words:
            raise InvalidRequest(str(place))


@dataclass(frozen=True)
class Number:
    """A number, passed as it was spelled."""

    def visit(self, walk: Walk, container: Any, key: Any, value: Any, place: Place) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float | msgspec.Raw):
            raise InvalidRequest(str(place))
        spelled = bytes(value).decode() if isinstance(value, msgspec.Raw) else str(value)
        if sum(character.isdigit() for character in spelled) >= LONG_NUMBER:
            walk.add(None, None, spelled, Use.CLEAN, place)


@dataclass(frozen=True)
class Flag:
    """True or false."""

    def visit(self, walk: Walk, container: Any, key: Any, value: Any, place: Place) -> None:
        if not isinstance(value, bool):
            raise InvalidRequest(str(place))


@dataclass(frozen=True)
class Pass:
    """Anything, unseen: for what OpenAI itself wrote and no text of the user's stands in."""

    def visit(self, walk: Walk, container: Any, key: Any, value: Any, place: Place) -> None:
        pass


@dataclass(frozen=True)
class Drop:
    """Removed before sending."""

    def visit(self, walk: Walk, container: Any, key: Any, value: Any, place: Place) -> None:
        del container[key]


@dataclass(frozen=True)
class Refuse:
    """Refused, unless it has a value that asks for nothing."""

    error: type[VeilError] = FeatureRefused
    harmless: tuple[Any, ...] = ()

    def visit(self, walk: Walk, container: Any, key: Any, value: Any, place: Place) -> None:
        if not any(value is item or (isinstance(value, str | list) and value == item) for item in self.harmless):
            raise self.error(str(place))


@dataclass(frozen=True)
class Permitted:
    """A value that only a permit of the policy lets through; any other value goes to `rule`."""

    value: Any
    permit: str
    rule: Rule

    def visit(self, walk: Walk, container: Any, key: Any, value: Any, place: Place) -> None:
        self.rule.visit(walk, container, key, value, place)
        if value == self.value and self.permit not in walk.permits:
            raise FeatureRefused(str(place))


@dataclass(frozen=True)
class SetTo:
    """Replaced by a fixed value, whatever was asked for."""

    value: Any

    def visit(self, walk: Walk, container: Any, key: Any, value: Any, place: Place) -> None:
        container[key] = self.value


@dataclass(frozen=True)
class Hash:
    """Replaced by a keyed hash under another or the same name; a value already there stays."""

    purpose: str
    prefix: str = ""
    name: str | None = None
    digits: int = 40

    def visit(self, walk: Walk, container: Any, key: Any, value: Any, place: Place) -> None:
        if not isinstance(value, str):
            raise InvalidRequest(str(place))
        hashed = self.prefix + walk.hash_identity(self.purpose, value)[: self.digits]
        if self.name is None:
            container[key] = hashed
            return
        del container[key]
        container.setdefault(self.name, hashed)


@dataclass(frozen=True)
class Many:
    """A list, each item by the same rule."""

    rule: Rule
    least: int = 0

    def visit(self, walk: Walk, container: Any, key: Any, value: Any, place: Place) -> None:
        if not isinstance(value, list) or len(value) < self.least:
            raise InvalidRequest(str(place))
        for index, item in enumerate(value):
            at = Place(place, index, place.depth + 1)
            if item is None:
                raise InvalidRequest(str(at))
            self.rule.visit(walk, value, index, item, at)


@dataclass(frozen=True)
class Fields:
    """An object with known fields; a null field passes. `other` None refuses an unknown field."""

    fields: Mapping[str, Rule]
    required: tuple[str, ...] = ()
    always: Mapping[str, Any] = field(default_factory=dict)
    other: Rule | None = None

    def visit(self, walk: Walk, container: Any, key: Any, value: Any, place: Place) -> None:
        self.enter(walk, value, place)

    def enter(self, walk: Walk, value: Any, place: Place | None) -> None:
        """Visit an object; `place` None is the body itself."""
        if not isinstance(value, dict):
            raise InvalidRequest(str(place or "request"))
        depth = place.depth + 1 if place else 1
        for name in self.required:
            if value.get(name) is None:
                raise InvalidRequest(str(Place(place, name, depth)))
        for name, item in list(value.items()):
            rule = self.fields.get(name, self.other)
            if rule is None:
                raise UnknownRequestField(str(place or "request"))
            if item is not None:
                shown = name if name in self.fields else "*"
                rule.visit(walk, value, name, item, Place(place, shown, depth))
        for name, item in self.always.items():
            if value.get(name) is None:
                value[name] = item


@dataclass(frozen=True)
class Tagged:
    """An object whose rule is told by one of its fields; an unknown one is refused by `unknown`."""

    tag: str
    rules: Mapping[str, Fields]
    unknown: type[VeilError]
    untagged: Rule | None = None

    def visit(self, walk: Walk, container: Any, key: Any, value: Any, place: Place) -> None:
        tag = value.get(self.tag) if isinstance(value, dict) else None
        if tag is None and self.untagged:
            self.untagged.visit(walk, container, key, value, place)
            return
        if not isinstance(tag, str):
            raise InvalidRequest(str(place))
        rule = self.rules.get(tag)
        if rule is None:
            raise self.unknown(str(place))
        rule.visit(walk, container, key, value, place)


@dataclass(frozen=True)
class ByType:
    """A field that may be a text, a list or an object."""

    text: Rule | None = None
    many: Rule | None = None
    fields: Rule | None = None
    otherwise: type[VeilError] = InvalidRequest

    def visit(self, walk: Walk, container: Any, key: Any, value: Any, place: Place) -> None:
        rule = (
            self.text
            if isinstance(value, str)
            else self.many
            if isinstance(value, list)
            else self.fields
            if isinstance(value, dict)
            else None
        )
        if rule is None:
            raise self.otherwise(str(place))
        rule.visit(walk, container, key, value, place)


@dataclass(frozen=True)
class Deep:
    """Any JSON: each string is a text, each key a `CLEAN` one where `keys` says so.

    `words` pass unseen (a schema's own vocabulary); texts that are one are no one's.
    """

    keys: bool = True
    words: frozenset[str] = frozenset()

    def visit(self, walk: Walk, container: Any, key: Any, value: Any, place: Place) -> None:
        if place.depth > DEPTH_LIMIT:
            raise TooDeep(str(DEPTH_LIMIT))
        if isinstance(value, str):
            if value and value not in self.words:
                walk.add(container, key, value, Use.TEXT, place)
        elif isinstance(value, dict):
            at = Place(place, "*", place.depth + 1)
            for name, item in value.items():
                if self.keys and name and name not in self.words:
                    walk.add(None, None, name, Use.CLEAN, at)
                self.visit(walk, value, name, item, at)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                self.visit(walk, value, index, item, Place(place, index, place.depth + 1))
        elif value is not None and not isinstance(value, bool) and self.keys:
            _NUMBER.visit(walk, container, key, value, place)


@dataclass(frozen=True)
class Numeric:
    """An object from short numeric keys to numbers (`logit_bias`)."""

    def visit(self, walk: Walk, container: Any, key: Any, value: Any, place: Place) -> None:
        if not isinstance(value, dict):
            raise InvalidRequest(str(place))
        for name, item in value.items():
            if not _TOKEN_ID.fullmatch(name):
                raise InvalidRequest(str(place))
            _NUMBER.visit(walk, value, name, item, Place(place, "*", place.depth + 1))


_NUMBER = Number()
_TOKEN_ID = re.compile(r"[0-9]{1,6}")


def words_of(rule: object, *, found: set[str] | None = None) -> set[str]:
    """Every word that a table itself brings: field names, tags, API words."""
    found = set() if found is None else found
    match rule:
        case Word():
            found |= rule.words
        case Deep():
            found |= rule.words
        case Fields():
            found |= rule.fields.keys()
            for inner in rule.fields.values():
                words_of(inner, found=found)
        case Tagged():
            found |= {rule.tag, *rule.rules}
            for branch in (*rule.rules.values(), rule.untagged):
                words_of(branch, found=found)
        case Many() | Permitted():
            words_of(rule.rule, found=found)
        case ByType():
            for branch in (rule.text, rule.many, rule.fields):
                words_of(branch, found=found)
    return found
