"""What a policy file says of one entity: its action, and how far that goes."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from pipeline.detection.types import catalogue
from pipeline.policy_source import PolicyPlace, PolicySource

RULE_KEYS = frozenset({"action", "threshold", "reversible", "show_first", "show_last"})
_CARD = "CREDIT_CARD"
_CARD_FIRST, _CARD_LAST = 8, 4
"""What PCI DSS 4.0.1 (3.4.1) lets be shown of a card number at most: the bank's digits and the last four."""
_MOST_SHOWN = 8


class Action(StrEnum):
    """What is done with a finding."""

    ALLOW = "allow"
    REDACT = "redact"
    MASK = "mask"
    HASH = "hash"
    SURROGATE = "surrogate"
    BLOCK = "block"


ONE_WAY = frozenset({Action.MASK, Action.HASH})
"""Actions whose results are never restored: their values stay out of the vault."""


class Shown(msgspec.Struct, frozen=True):
    """How many of a masked value's letters and digits stay readable, at its two ends."""

    first: int
    last: int


class EntityRule(msgspec.Struct, frozen=True):
    """What the policy says about one entity; without `shown`, masking goes by the kind."""

    action: Action
    threshold: float
    reversible: bool
    shown: Shown | None = None


def new_rule(entity: str, threshold: float) -> EntityRule:
    """The rule of an entity that is only declared or named: naming one that is off by default switches it on."""
    known = catalogue().get(entity)
    return EntityRule(Action.REDACT, threshold, known.reversible if known else True)


def read_rule(
    source: PolicySource, table: Mapping[str, Any], entity: str, before: EntityRule, place: PolicyPlace
) -> EntityRule:
    """The rule that a table makes of the one before it."""
    given = source.text(table, "action", before.action.value, place)
    if given not in set(Action):
        raise source.error(f"action must be one of {', '.join(Action)}", place, "action")
    action = Action(given)
    return EntityRule(
        action,
        source.score(table, before.threshold, place),
        _reversible(source, table, entity, before.reversible, place),
        _shown(source, table, entity, action, before.shown, place),
    )


def _reversible(source: PolicySource, table: Mapping[str, Any], entity: str, default: bool, place: PolicyPlace) -> bool:
    given = source.flag(table, "reversible", default, place)
    known = catalogue().get(entity)
    if given and known and not known.reversible:
        raise source.error("this entity goes one way and cannot be made reversible", place, "reversible")
    return given


def _shown(
    source: PolicySource,
    table: Mapping[str, Any],
    entity: str,
    action: Action,
    default: Shown | None,
    place: PolicyPlace,
) -> Shown | None:
    keys = {"show_first", "show_last"} & table.keys()
    if not keys:
        return default if action is Action.MASK else None
    if action is not Action.MASK:
        raise source.error(f"{min(keys)} goes with action mask only", place, min(keys))
    known = catalogue().get(entity)
    if known and not known.reversible:
        raise source.error("nothing of this entity may be shown", place, min(keys))
    most_first, most_last = (_CARD_FIRST, _CARD_LAST) if entity == _CARD else (_MOST_SHOWN, _MOST_SHOWN)
    return Shown(
        source.number(table, "show_first", default.first if default else 0, most_first, place),
        source.number(table, "show_last", default.last if default else 0, most_last, place),
    )
