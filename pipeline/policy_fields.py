"""Field rules: what a policy says of a field of the request, by its JSON path."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any

import msgspec

from pipeline.json_path import WrongPath, parse
from pipeline.policy_source import PolicyPlace, PolicySource


class FieldAction(StrEnum):
    """What is done with a field."""

    ALLOW = "allow"
    """Not searched; a value that is found elsewhere in the request is replaced here, too."""
    REDACT = "redact"
    """Replaced whole, as a value of the rule's entity."""
    DROP = "drop"
    """Removed before anything else."""
    BLOCK = "block"
    """Refuses the job where the field is there and not null."""


class FieldRule(msgspec.Struct, frozen=True):
    """What is done with the fields that a path leads to; `entity` is what `redact` takes them for."""

    path: str
    action: FieldAction
    entity: str = ""


def field_rule(source: PolicySource, table: Mapping[str, Any], known: Collection[str], place: PolicyPlace) -> FieldRule:
    """One table of `[[fields]]`; `known` are the entities that it may name."""
    source.only(table, frozenset({"path", "action", "entity"}), place)
    path = source.text(table, "path", "", place)
    position = 0
    try:
        parse(path)
    except WrongPath as exc:
        position = exc.position
    if position:
        raise source.error(
            f"path is not understood at character {position} (known: $.name, [0], ['name'], *, ..)", place, "path"
        )
    action = source.text(table, "action", "", place)
    if action not in set(FieldAction):
        raise source.error(f"action must be one of {', '.join(FieldAction)}", place, "action")
    entity = source.text(table, "entity", "", place)
    if (action == FieldAction.REDACT) != bool(entity):
        raise source.error("entity goes with action redact, and only with it", place, "entity" if entity else None)
    if entity and entity not in known:
        raise source.error("entity is not in the catalogue and not a custom entity", place, "entity")
    return FieldRule(path, FieldAction(action), entity)
