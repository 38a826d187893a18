"""The rules that tables of fields are made of: what is done with one value of a body."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from pipeline.errors import VeilError
from pipeline.walk import (
    DEPTH_LIMIT,
    FeatureRefused,
    InvalidRequest,
    Place,
    Spot,
    TooDeep,
    UnknownRequestField,
    Use,
    Walk,
)

LONG_NUMBER = 7
"""A number of so many digits may be somebody's, and is looked at as text is."""

_TOKEN_ID = re.compile(r"[0-9]{1,6}")
# A long word would pass for base64; ciphertext of this length has a digit in it.
_CIPHERTEXT = re.compile(r"(?=[A-Za-z+/_-]*[0-9])[A-Za-z0-9+/_-]{64,}={0,2}")


class Rule(Protocol):
    """What is done with one value."""

    def visit(self, spot: Spot) -> None:
        """Check, change or collect the value."""
        ...


@dataclass(frozen=True)
class Text:
    """A text that may hold anything."""

    use: Use = Use.TEXT

    def visit(self, spot: Spot) -> None:
        if not isinstance(spot.value, str):
            raise InvalidRequest(str(spot.place))
        if spot.value:
            spot.collect(self.use)


@dataclass(frozen=True)
class Word:
    """One of the words that the API knows; those `refused` ask for what is not allowed, others are none."""

    words: frozenset[str]
    refused: frozenset[str] = frozenset()

    def visit(self, spot: Spot) -> None:
        if isinstance(spot.value, str) and spot.value in self.words:
            return
        if isinstance(spot.value, str) and spot.value in self.refused:
            raise FeatureRefused(f"{spot.place}: {spot.value}")
        raise InvalidRequest(str(spot.place))


@dataclass(frozen=True)
class Opaque:
    """Ciphertext of OpenAI's own making, in base64: it can be told from text in base64, and from nothing else."""

    def visit(self, spot: Spot) -> None:
        if not isinstance(spot.value, str) or not _CIPHERTEXT.fullmatch(spot.value):
            raise InvalidRequest(str(spot.place))
        data = spot.value.rstrip("=").replace("-", "+").replace("_", "/")
        try:
            base64.b64decode(data + "=" * (-len(data) % 4)).decode()
        except UnicodeDecodeError:
            return
        except ValueError:
            pass
        raise InvalidRequest(str(spot.place))


@dataclass(frozen=True)
class Number:
    """A number, passed as it was spelled."""

    def visit(self, spot: Spot) -> None:
        value = spot.value
        if isinstance(value, bool) or not isinstance(value, int | msgspec.Raw):
            raise InvalidRequest(str(spot.place))
        spelled = bytes(value).decode() if isinstance(value, msgspec.Raw) else str(value)
        if sum(character.isdigit() for character in spelled) >= LONG_NUMBER:
            spot.collect_clean(spelled, spot.place)


@dataclass(frozen=True)
class Flag:
    """True or false."""

    def visit(self, spot: Spot) -> None:
        if not isinstance(spot.value, bool):
            raise InvalidRequest(str(spot.place))


@dataclass(frozen=True)
class Pass:
    """Anything, unseen: for what OpenAI itself wrote and no text of the user's stands in."""

    def visit(self, spot: Spot) -> None:
        del spot


@dataclass(frozen=True)
class Drop:
    """Removed before sending."""

    def visit(self, spot: Spot) -> None:
        del spot.container[spot.key]


@dataclass(frozen=True)
class Refuse:
    """Refused, unless it has a value that asks for nothing."""

    error: type[VeilError] = FeatureRefused
    harmless: tuple[Any, ...] = ()

    def visit(self, spot: Spot) -> None:
        if not any(spot.value == item and type(spot.value) is type(item) for item in self.harmless):
            raise self.error(str(spot.place))


@dataclass(frozen=True)
class Permitted:
    """A value that only a permit of the policy lets through; `rule` checks any value."""

    value: Any
    permit: str
    rule: Rule

    def visit(self, spot: Spot) -> None:
        self.rule.visit(spot)
        if spot.value == self.value and self.permit not in spot.walk.permits:
            raise FeatureRefused(str(spot.place))


@dataclass(frozen=True)
class SetTo:
    """Replaced by a fixed value, whatever was asked for."""

    value: Any

    def visit(self, spot: Spot) -> None:
        spot.container[spot.key] = self.value


@dataclass(frozen=True)
class Hash:
    """Replaced by a keyed hash under another or the same name; a value already there stays."""

    purpose: str
    prefix: str = ""
    name: str | None = None
    digits: int = 40

    def visit(self, spot: Spot) -> None:
        if not isinstance(spot.value, str):
            raise InvalidRequest(str(spot.place))
        hashed = self.prefix + spot.walk.hash_identity(self.purpose, spot.value)[: self.digits]
        if self.name is None:
            spot.container[spot.key] = hashed
            return
        del spot.container[spot.key]
        spot.container.setdefault(self.name, hashed)


@dataclass(frozen=True)
class Many:
    """A list, each item by the same rule."""

    rule: Rule
    least: int = 0

    def visit(self, spot: Spot) -> None:
        if not isinstance(spot.value, list) or len(spot.value) < self.least:
            raise InvalidRequest(str(spot.place))
        for index, item in enumerate(spot.value):
            inner = spot.inner(index, item, index)
            if item is None:
                raise InvalidRequest(str(inner.place))
            self.rule.visit(inner)


@dataclass(frozen=True)
class Fields:
    """An object with known fields; a null field passes. `other` None refuses an unknown field."""

    fields: Mapping[str, Rule]
    required: tuple[str, ...] = ()
    always: Mapping[str, Any] = field(default_factory=dict)
    other: Rule | None = None

    def visit(self, spot: Spot) -> None:
        self.enter(spot.walk, spot.value, spot.place)

    def enter(self, walk: Walk, value: Any, place: Place | None = None) -> None:
        """Visit an object; without a place it is the body itself."""
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
                rule.visit(Spot(walk, value, name, item, Place(place, shown, depth)))
        for name, item in self.always.items():
            if value.get(name) is None:
                value[name] = item


@dataclass(frozen=True)
class Tagged:
    """An object whose rule is told by one of its fields; any other is refused by `unknown`.

    `refused` are the API's words that are refused on purpose, which the error may name.
    """

    tag: str
    rules: Mapping[str, Fields]
    unknown: type[VeilError]
    untagged: Rule | None = None
    refused: frozenset[str] = frozenset()

    def visit(self, spot: Spot) -> None:
        tag = spot.value.get(self.tag) if isinstance(spot.value, dict) else None
        if tag is None and self.untagged:
            self.untagged.visit(spot)
            return
        if not isinstance(tag, str):
            raise InvalidRequest(str(spot.place))
        rule = self.rules.get(tag)
        if rule is None:
            raise self.unknown(f"{spot.place}: {tag}" if tag in self.refused else str(spot.place))
        rule.visit(spot)


@dataclass(frozen=True)
class ByType:
    """A field that may be a text, a list or an object."""

    text: Rule | None = None
    many: Rule | None = None
    fields: Rule | None = None
    otherwise: type[VeilError] = InvalidRequest

    def visit(self, spot: Spot) -> None:
        rule: Rule | None
        match spot.value:
            case str():
                rule = self.text
            case list():
                rule = self.many
            case dict():
                rule = self.fields
            case _:
                rule = None
        if rule is None:
            raise self.otherwise(str(spot.place))
        rule.visit(spot)


@dataclass(frozen=True)
class Deep:
    """Any JSON: each string is a text, each key a `CLEAN` one where `keys` says so (in a schema).

    `words` pass unseen (a schema's own vocabulary); texts that are one are no one's.
    """

    keys: bool = True
    words: frozenset[str] = frozenset()

    def visit(self, spot: Spot, *, prose: bool = True) -> None:
        value, place = spot.value, spot.place
        if place.depth > DEPTH_LIMIT:
            raise TooDeep(str(DEPTH_LIMIT))
        if isinstance(value, str):
            if value and value not in self.words:
                spot.collect(Use.TEXT, prose=prose)
        elif isinstance(value, dict):
            for name, item in value.items():
                inner = spot.inner(name, item, "*")
                if self.keys and name and name not in self.words:
                    spot.collect_clean(name, inner.place)
                if self.keys and name == "required" and isinstance(item, list):
                    self._required(inner)
                else:
                    self.visit(inner, prose=not (self.keys and name in ("enum", "const")))
        elif isinstance(value, list):
            for index, item in enumerate(value):
                self.visit(spot.inner(index, item, index), prose=prose)
        elif value is not None and not isinstance(value, bool) and self.keys:
            _NUMBER.visit(spot)

    def _required(self, spot: Spot) -> None:
        """Names of properties, which must stay what the properties are called."""
        for index, name in enumerate(spot.value):
            inner = spot.inner(index, name, index)
            if not isinstance(name, str):
                self.visit(inner)
            elif name and name not in self.words:
                spot.collect_clean(name, inner.place)


@dataclass(frozen=True)
class Numeric:
    """An object from short numeric keys to numbers (`logit_bias`)."""

    def visit(self, spot: Spot) -> None:
        if not isinstance(spot.value, dict):
            raise InvalidRequest(str(spot.place))
        for name, item in spot.value.items():
            if not _TOKEN_ID.fullmatch(name):
                raise InvalidRequest(str(spot.place))
            _NUMBER.visit(spot.inner(name, item, "*"))


_NUMBER = Number()
