"""What detection takes and gives: findings, recognizers, the entity catalogue."""

from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Protocol

import msgspec


class Entity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of sensitive value. `reversible` false: it is never restored.

    `eval` is the common label under which evaluation sets score this kind.
    """

    name: str
    family: str
    eval: str
    reversible: bool
    default_action: str
    on_by_default: bool
    what: str


class Finding(msgspec.Struct, frozen=True, order=True):
    """A half-open span of code points that holds an entity; never the value itself."""

    start: int
    end: int
    entity: str
    score: float


class Recognizer(Protocol):
    """Finds entities in one text.

    A recognizer that cannot do its work raises; the caller refuses the job. One that
    `reads` judges a word by the text around it, so identifiers are not given to it.
    """

    name: str
    entities: frozenset[str]
    reads: bool

    def find(self, text: str) -> Iterable[Finding]:
        """Give findings in any order; they may overlap each other."""
        ...


@cache
def catalogue() -> dict[str, Entity]:
    """Every entity this project knows, by name, in the catalogue's order."""
    raw = files("pipeline.detection").joinpath("catalogue.json").read_bytes()
    return {entity.name: entity for entity in msgspec.json.decode(raw, type=list[Entity])}
