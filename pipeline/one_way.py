"""What takes a value's place for good: a mask that keeps its format, a keyed hash that links equal values."""

from pipeline.detection.types import catalogue
from pipeline.placeholders import Scope
from pipeline.policy_rules import Shown

_NUMBERED = frozenset({"payment", "national_id", "vehicle_document", "health", "custom"})
_NUMBERED_BESIDE = frozenset({"PHONE", "FAX", "IMEI"})
_KEPT = frozenset(" -./:,+()_@")
"""Characters of a value's format; any other could end a string or a tag that the value stands in."""
_LEAST_HIDDEN = 4
_LAST = Shown(0, 4)
_NOTHING = Shown(0, 0)
_WITHOUT_LENGTH = "*" * 8
_HASH_DIGITS = 20
"""Longer than any code, so that restoring cannot take a part of it for one."""


def mask(entity: str, text: str, shown: Shown | None = None) -> str:
    """Hide a value's letters and digits and keep its format.

    Without `shown` the last four of a number stay (PCI DSS 4.0.1, 3.4.1, allows them), and nothing of any
    other value. What goes one way in the catalogue loses its length and format as well.
    """
    known = catalogue().get(entity)
    if known and not known.reversible:
        return _WITHOUT_LENGTH
    solid = [at for at, character in enumerate(text) if character.isalnum()]
    limits = shown or _usual(entity, text, len(solid))
    first, last = limits.first, limits.last
    if len(solid) < first + last + _LEAST_HIDDEN:
        first = last = 0
    readable = {*solid[:first], *solid[len(solid) - last :]}
    kept = [character if at in readable or character in _KEPT else "*" for at, character in enumerate(text)]
    return "".join(kept) if "*" in kept else "*" * len(text)


def hash_token(entity: str, text: str, scope: Scope) -> str:
    """A token that is the same for the same value in the scope, whatever its case, spacing and separators."""
    return f"[{entity}#{_digest(entity, text, scope)}]"


def hash_name(entity: str, text: str, scope: Scope) -> str:
    """As `hash_token`, for fields that take an identifier only."""
    return f"{entity}-{_digest(entity, text, scope)}"


def _digest(entity: str, text: str, scope: Scope) -> str:
    known = catalogue().get(entity)
    # A credential in another case is another one.
    same = text if known and not known.reversible else "".join(filter(str.isalnum, text.casefold())) or text
    return scope.hash_value("hash", entity, same)[:_HASH_DIGITS]


def _usual(entity: str, text: str, solid: int) -> Shown:
    known = catalogue().get(entity)
    numbered = known is None or known.family in _NUMBERED or entity in _NUMBERED_BESIDE
    return _LAST if numbered and 2 * sum(map(str.isdigit, text)) >= solid else _NOTHING
