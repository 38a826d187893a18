"""What a policy file declares of its own: lists, patterns, texts that stay, plug-ins."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from pipeline.detection.checksums import CHECKSUMS
from pipeline.detection.custom import CustomPattern, WholePatterns, WrongPattern, check_pattern
from pipeline.detection.exact import ExactTable
from pipeline.policy_source import PolicyPlace, PolicySource

_ENTITY_NAME = re.compile(r"[A-Z][A-Z0-9_]{1,39}")
_PLUGIN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
LIST_KEYS = frozenset({"exact", "exact_file", "exact_column"})
PATTERN_KEYS = frozenset({"pattern", "ignore_case", "whole_words", "context", "context_required", "checksum", "score"})
_CONTEXT_WORD = re.compile(r"\w+(?: \w+){0,4}")
_DEFAULT_TIME_LIMIT = 5.0


class PluginUse(msgspec.Struct, frozen=True, kw_only=True):
    """A plug-in detector that a policy uses.

    Attributes:
        name: Of its entry point in the group `veilstream.recognizers`.
        options: Handed to the plug-in as they stand; JSON.
        entities: Kinds that the catalogue doesn't have and that it may find.
        time_limit: Seconds that it may take for one text.
        place: Where in the file it stands.

    """

    name: str
    options: msgspec.Raw
    entities: frozenset[str]
    time_limit: float
    place: str

    def __repr__(self) -> str:
        return f"<PluginUse {self.name}>"


class AllowList:
    """Texts and forms of text that are never redacted."""

    def __init__(self, tables: tuple[ExactTable, ...] = (), patterns: tuple[WholePatterns, ...] = ()) -> None:
        self._tables = tuple(table for table in tables if len(table))
        self._patterns = patterns

    def __repr__(self) -> str:
        return (
            f"<AllowList {sum(map(len, self._tables))} texts, {sum(len(one.patterns) for one in self._patterns)} forms>"
        )

    def holds(self, text: str) -> bool:
        """Whether the text as a whole is on the list."""
        return any(table.holds(text) for table in self._tables) or any(one.match(text) for one in self._patterns)

    def fingerprint(self) -> list[object]:
        """Everything that decides, for the policy's version."""
        return [[table.fingerprint.hex() for table in self._tables], [one.patterns for one in self._patterns]]


def exact_table(source: PolicySource, table: Mapping[str, Any], place: PolicyPlace) -> ExactTable | None:
    """The values of `exact` and `exact_file`; one table however many policies share it."""
    values = source.texts(table, "exact", place)
    file = source.text(table, "exact_file", "", place)
    column = source.text(table, "exact_column", "", place)
    if column and not file:
        raise source.error("exact_column needs exact_file", place, "exact_column")
    if not values and not file:
        return None
    built = source.shared(
        (place, "exact"), lambda: ExactTable(source.values(values, file, column, place, "exact_file"))
    )
    if not len(built):
        raise source.error("needs exact or exact_file with at least one text", place)
    return built


def allow_list(source: PolicySource, level: Mapping[str, Any], place: PolicyPlace) -> AllowList:
    """`allow`, `allow_file` and `allow_patterns` of one level."""
    texts, file = source.texts(level, "allow", place), source.text(level, "allow_file", "", place)
    patterns = source.texts(level, "allow_patterns", place)
    for number, pattern in enumerate(patterns):
        _checked(source, pattern, True, place, "allow_patterns", f"allow_patterns #{number + 1}")

    def build() -> AllowList:
        table = ExactTable(source.values(texts, file, "", place, "allow_file"))
        return AllowList((table,), (WholePatterns(patterns),) if patterns else ())

    return source.shared((place, "allow"), build)


def joined(lists: list[AllowList]) -> AllowList:
    """What any of the lists allows."""
    return AllowList(
        tuple(table for one in lists for table in one._tables), tuple(form for one in lists for form in one._patterns)
    )


def entity_name(source: PolicySource, table: Mapping[str, Any], place: PolicyPlace) -> str:
    """The entity that a table of its own speaks of."""
    entity = source.text(table, "entity", "", place)
    if not _ENTITY_NAME.fullmatch(entity):
        raise source.error("entity must be an UPPER_CASE name of 2 to 40 characters", place, "entity")
    return entity


def custom_pattern(
    source: PolicySource, table: Mapping[str, Any], entity: str, place: PolicyPlace
) -> CustomPattern | None:
    """The pattern of a table, compiled once to see that it can be."""
    pattern = source.text(table, "pattern", "", place)
    if not pattern:
        if given := sorted(PATTERN_KEYS & table.keys() - {"pattern"}):
            raise source.error(f"{given[0]} needs a pattern", place, given[0])
        return None
    ignore_case = source.flag(table, "ignore_case", False, place)
    source.shared((place, "pattern"), lambda: _checked(source, pattern, ignore_case, place, "pattern", "pattern"))
    context = source.texts(table, "context", place)
    for number, word in enumerate(context):
        if not _CONTEXT_WORD.fullmatch(word):
            raise source.error(f"context #{number + 1} must be one to five words with single spaces", place, "context")
    required = source.flag(table, "context_required", False, place)
    if required and not context:
        raise source.error("context_required needs context", place, "context_required")
    checksum = source.text(table, "checksum", "", place)
    if checksum and checksum not in CHECKSUMS:
        raise source.error(f"checksum must be one of {', '.join(CHECKSUMS)}", place, "checksum")
    return CustomPattern(
        entity=entity,
        pattern=pattern,
        ignore_case=ignore_case,
        whole_words=source.flag(table, "whole_words", True, place),
        context=tuple(word.lower() for word in context),
        context_required=required,
        checksum=checksum,
        score=source.score(table, 0.6 if context and not required else 0.85, place, "score"),
    )


def plugin_use(source: PolicySource, table: Mapping[str, Any], place: PolicyPlace) -> PluginUse:
    """One table of `[[recognizers]]`."""
    source.only(table, frozenset({"use", "options", "entities", "time_limit"}), place)
    name = source.text(table, "use", "", place)
    if not _PLUGIN_NAME.fullmatch(name):
        raise source.error("use must name a plug-in", place, "use")
    entities = source.texts(table, "entities", place)
    if not all(_ENTITY_NAME.fullmatch(entity) for entity in entities):
        raise source.error("entities must hold UPPER_CASE names of 2 to 40 characters", place, "entities")
    limit = table.get("time_limit", _DEFAULT_TIME_LIMIT)
    if isinstance(limit, bool) or not isinstance(limit, int | float) or not 0 < limit <= 60:
        raise source.error("time_limit must be a number of seconds, at most 60", place, "time_limit")
    options = source.typed(table, "options", dict, place) or {}
    return PluginUse(
        name=name,
        options=msgspec.Raw(msgspec.json.encode(options, order="deterministic")),
        entities=frozenset(entities),
        time_limit=float(limit),
        place=source.shown(place),
    )


def _checked(source: PolicySource, pattern: str, ignore_case: bool, place: PolicyPlace, key: str, what: str) -> None:
    fault = ""
    try:
        check_pattern(pattern, ignore_case)
    except WrongPattern as exc:
        fault = exc.detail
    if fault:
        raise source.error(f"{what} {fault}", place, key)
