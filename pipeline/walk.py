"""The walk: what applying a table of field rules to a body needs, and what it gives.

A table is made of the rules in `pipeline.fields.rules`; `pipeline.fields` has one
a direction and endpoint, shared by redacting and restoring. The walk works on a
tree that the caller has just read, checks what may pass, drops and sets what must
be, and gives a `Slot` for each text, to be filled with what takes its place.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple

from pipeline.errors import VeilError
from schemas.codes import ErrorCode

DEPTH_LIMIT = 64


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
    prose: bool = True
    """Whether a word in it can be judged by the text around it; an enumeration's can't."""

    def __repr__(self) -> str:
        return f"<Slot {self.place}>"

    def fill(self, text: str) -> None:
        self.container[self.key] = text


class Citation(NamedTuple):
    """Annotations of an answer that hold offsets into the text `container[key]`."""

    container: dict[str, Any]
    key: str
    annotations: list[Any]

    def __repr__(self) -> str:
        return "<Citation>"


class Spelling(NamedTuple):
    """Tokens of an answer, at `container[key]`, that spell the texts of some slots again."""

    container: dict[str, Any]
    key: str
    slots: range

    def __repr__(self) -> str:
        return "<Spelling>"


@dataclass
class Walk:
    """One pass over one body: what the rules need, and what they found.

    `shapes` are the JSON Schemas that an answer will follow: those of calls' arguments by the
    tool's name, that of the answer's own text by the empty one.
    """

    hash_identity: Callable[[str, str], str] = field(repr=False)
    permits: frozenset[str] = frozenset()
    slots: list[Slot] = field(default_factory=list, repr=False)
    citations: list[Citation] = field(default_factory=list, repr=False)
    spellings: list[Spelling] = field(default_factory=list, repr=False)
    shapes: dict[str, Any] = field(default_factory=dict, repr=False)


class Spot(NamedTuple):
    """One value under the walk: `container[key]`, never null."""

    walk: Walk
    container: Any
    key: Any
    value: Any
    place: Place

    def __repr__(self) -> str:
        return f"<Spot {self.place}>"

    def collect(self, use: Use, *, prose: bool = True) -> None:
        """Have the text of this spot treated."""
        self.walk.slots.append(Slot(self.container, self.key, self.value, use, self.place, prose))

    def collect_clean(self, text: str, place: Place) -> None:
        """Have a text that cannot be replaced looked at."""
        self.walk.slots.append(Slot(None, None, text, Use.CLEAN, place))

    def inner(self, key: Any, value: Any, shown: str | int) -> "Spot":
        """The spot of a value inside this one's."""
        return Spot(self.walk, self.value, key, value, Place(self.place, shown, self.place.depth + 1))
