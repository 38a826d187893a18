"""What the levels of a policy file say of entities and fields, read one over the other."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from pipeline.detection.custom import CustomPattern
from pipeline.detection.exact import ExactTable
from pipeline.detection.types import catalogue
from pipeline.policy_custom import (
    LIST_KEYS,
    PATTERN_KEYS,
    PluginUse,
    custom_pattern,
    entity_name,
    exact_table,
    plugin_use,
)
from pipeline.policy_fields import FieldRule, field_rule
from pipeline.policy_presets import PRESETS, preset_rules
from pipeline.policy_rules import RULE_KEYS, EntityRule, new_rule, read_rule
from pipeline.policy_source import PolicyPlace, PolicySource


class Level(NamedTuple):
    """A part of the file that has the keys of a policy: its top, a named policy's or a tenant's table."""

    place: PolicyPlace
    table: Mapping[str, Any]


class LevelReader:
    """Reads level after level; `rules` and the lists are what they say together."""

    def __init__(self, source: PolicySource, threshold: float) -> None:
        self._source = source
        self._threshold = threshold
        self._own: set[str] = set()
        self.rules = preset_rules("default", threshold)
        self.named: dict[str, str] = {}
        self.lists: list[tuple[str, ExactTable]] = []
        self.patterns: list[CustomPattern] = []
        self.plugins: list[PluginUse] = []
        self.fields: list[FieldRule] = []

    def read(self, level: Level) -> None:
        """A preset is what the rest of its level, and later levels, start from."""
        source, (place, table) = self._source, level
        if preset := source.text(table, "preset", "", place):
            if preset not in PRESETS:
                raise source.error(f"preset must be one of {', '.join(PRESETS)}", place, "preset")
            kept = {entity: rule for entity, rule in self.rules.items() if entity in self._own}
            self.rules = preset_rules(preset, self._threshold) | kept
            self.named = {entity: where for entity, where in self.named.items() if entity in kept}
        for inner, item in source.items(table, "custom", place):
            self._custom(item, inner)
        for inner, item in source.items(table, "recognizers", place):
            self.plugins.append(plugin := plugin_use(source, item, inner))
            for entity in plugin.entities:
                self._declare(entity)
        for entity, given in (source.typed(table, "entities", dict, place) or {}).items():
            self._entity(entity, given, place.at("entities", entity))
        known = self.rules.keys() | catalogue().keys()
        self.fields += [field_rule(source, item, known, inner) for inner, item in source.items(table, "fields", place)]

    def _declare(self, entity: str) -> EntityRule:
        self._own.add(entity)
        return self.rules.setdefault(entity, new_rule(entity, self._threshold))

    def _entity(self, entity: str, given: object, place: PolicyPlace) -> None:
        table = {"action": given} if isinstance(given, str) else given
        if not isinstance(table, dict):
            raise self._source.error("must be a table or the name of an action", place)
        self._source.only(table, RULE_KEYS, place)
        before = self.rules.get(entity)
        if before is None:
            if entity not in catalogue():
                raise self._source.error("not in the catalogue and not a custom entity", place)
            before = new_rule(entity, self._threshold)
        self.rules[entity] = read_rule(self._source, table, entity, before, place)
        self.named[entity] = self._source.shown(place)

    def _custom(self, table: Mapping[str, Any], place: PolicyPlace) -> None:
        self._source.only(table, LIST_KEYS | PATTERN_KEYS | RULE_KEYS | {"entity"}, place)
        entity = entity_name(self._source, table, place)
        place = place.labelled(entity)
        values = exact_table(self._source, table, place)
        pattern = custom_pattern(self._source, table, entity, place)
        if values is None and pattern is None:
            raise self._source.error("needs pattern, exact or exact_file", place)
        self.rules[entity] = read_rule(self._source, table, entity, self._declare(entity), place)
        self.lists += [(entity, values)] if values is not None else []
        self.patterns += [pattern] if pattern is not None else []
