"""The policy: per entity an action, and what a tenant's jobs may ask for; read from a TOML file."""

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import msgspec

from pipeline.detection.custom import CustomPattern
from pipeline.detection.exact import ExactTable
from pipeline.detection.types import catalogue
from pipeline.errors import VeilError
from pipeline.policy_custom import (
    LIST_KEYS,
    PATTERN_KEYS,
    AllowList,
    PluginUse,
    allow_list,
    custom_pattern,
    entity_name,
    exact_table,
    joined,
    plugin_use,
)
from pipeline.policy_source import MalformedPolicy, PolicySource
from schemas.codes import ErrorCode
from schemas.job import Endpoint
from schemas.redacted import OutputAction

ScopeKind = Literal["job", "conversation", "tenant"]

_LEVEL_KEYS = frozenset(
    {
        "scope",
        "instruction",
        "second_try",
        "models",
        "threshold",
        "entities",
        "custom",
        "recognizers",
        "hygiene",
        "output",
    }
    | {"allow", "allow_file", "allow_patterns"}
)


class Action(StrEnum):
    """What is done with a finding."""

    ALLOW = "allow"
    REDACT = "redact"
    BLOCK = "block"


class UnknownPolicy(VeilError):
    """The job names a policy that the file doesn't have, or that its tenant may not use."""

    code = ErrorCode.UNKNOWN_POLICY


class EntityRule(msgspec.Struct, frozen=True):
    """What the policy says about one entity."""

    action: Action
    threshold: float
    reversible: bool


class ExactList(msgspec.Struct, frozen=True):
    """Texts that are an entity wherever they stand."""

    entity: str
    values: ExactTable
    reversible: bool

    def __repr__(self) -> str:
        return f"<ExactList {self.entity} {len(self.values)}>"


class Policy(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One resolved policy: the file's base, then the named policy, then the tenant's overrides.

    `named` are the entities that the file itself speaks of. `second_try` is the share of a job's
    placeholders that may be lost before it is asked once more, in another style of placeholder.
    `output` is what is done with sensitive data of an answer that the request did not hold.
    """

    name: str
    scope: ScopeKind
    instruction: bool
    second_try: float | None
    models: frozenset[str] | None
    threshold: float
    rules: dict[str, EntityRule]
    named: frozenset[str]
    exact_lists: tuple[ExactList, ...]
    patterns: tuple[CustomPattern, ...]
    plugins: tuple[PluginUse, ...]
    allow: AllowList
    allow_store: bool
    allow_extended_cache: bool
    output: OutputAction

    def __repr__(self) -> str:
        return f"<Policy {self.name}>"

    @cached_property
    def version(self) -> str:
        """Sixteen hex digits that change whenever anything in the policy does."""
        content = msgspec.json.encode(msgspec.structs.asdict(self), order="sorted", enc_hook=_fingerprint)
        return hashlib.sha256(content).hexdigest()[:16]

    @property
    def entities(self) -> frozenset[str]:
        """The entities that detection is to look for."""
        return frozenset(self.rules)

    @cached_property
    def thresholds(self) -> dict[str, float]:
        """The least score at which a finding of an entity counts."""
        return {entity: rule.threshold for entity, rule in self.rules.items()}

    def action(self, entity: str) -> Action:
        """The action on an entity; one that the policy doesn't know is redacted."""
        rule = self.rules.get(entity)
        return rule.action if rule else Action.REDACT

    def reversible(self, entity: str) -> bool:
        """Whether an entity's values may be put in the vault and restored."""
        if rule := self.rules.get(entity):
            return rule.reversible
        known = catalogue().get(entity)
        return known.reversible if known else True

    def allows(self, text: str) -> bool:
        """Whether the text is on the list of texts that are never redacted."""
        return self.allow.holds(text)

    def scope_for(self, endpoint: Endpoint) -> ScopeKind:
        """The scope of placeholders; embeddings need one per tenant, or equal texts get unequal vectors."""
        return "tenant" if endpoint is Endpoint.EMBEDDINGS else self.scope


class Policies:
    """Every policy of a file; `select` resolves one for a job."""

    def __init__(self, source: PolicySource, tree: Mapping[str, Any]) -> None:
        self._base = {key: value for key, value in tree.items() if key in _LEVEL_KEYS}
        self._named = source.tables(tree, "policies")
        self._tenants = source.tables(tree, "tenants")
        self._source = source
        source.only(tree, _LEVEL_KEYS | {"policies", "tenants"}, "")
        self._resolved: dict[tuple[str, str], Policy] = {}
        for name in ("default", *self._named):
            self._resolve("", name)
        for tenant, table in self._tenants.items():
            place = f"[tenants.{source.shown(tenant)}]"
            source.only(table, _LEVEL_KEYS | {"policy", "policies"}, place)
            for name in (source.text(table, "policy", "default", place), *source.texts(table, "policies", place)):
                if name != "default" and name not in self._named:
                    raise source.error(f"{place} names a policy that the file does not have")
                self._resolve(tenant, name)

    def __repr__(self) -> str:
        return f"<Policies {sorted(self.names)}>"

    @property
    def names(self) -> frozenset[str]:
        """The names that a job may give."""
        return frozenset({"default", *self._named})

    def select(self, tenant: str, name: str | None) -> Policy:
        """The policy for a tenant's job; `name` is what the job asks for."""
        table = self._tenants.get(tenant, {})
        chosen = name or table.get("policy", "default")
        if chosen not in self.names:
            raise UnknownPolicy
        allowed = table.get("policies")
        if allowed is not None and chosen not in allowed and chosen != table.get("policy", "default"):
            raise UnknownPolicy
        return self._resolve(tenant if tenant in self._tenants else "", chosen)

    def all(self) -> list[Policy]:
        """Every policy that `select` gave or will give without a tenant; for building detectors ahead."""
        return list(self._resolved.values())

    def _resolve(self, tenant: str, name: str) -> Policy:
        if policy := self._resolved.get((tenant, name)):
            return policy
        levels: list[tuple[str, Mapping[str, Any]]] = [("", self._base)]
        if name in self._named:
            place = f"[policies.{self._source.shown(name)}]"
            self._source.only(self._named[name], _LEVEL_KEYS, place)
            levels.append((place, self._named[name]))
        if tenant:
            levels.append((f"[tenants.{self._source.shown(tenant)}]", self._tenants[tenant]))
        policy = _build(self._source, name, levels)
        self._resolved[(tenant, name)] = policy
        return policy


def load_policies(path: Path | None) -> Policies:
    """Read a policy file; None gives the built-in default: every entity as the catalogue says."""
    if path is None:
        return Policies(PolicySource(Path("built-in")), {})
    source = PolicySource(path)
    return Policies(source, source.tree())


_SCOPES: tuple[ScopeKind, ...] = ("job", "conversation", "tenant")


def _build(source: PolicySource, name: str, levels: list[tuple[str, Mapping[str, Any]]]) -> Policy:
    scope: ScopeKind = "job"
    instruction, threshold = True, 0.0
    models: frozenset[str] | None = None
    second_try: float | None = None
    allow: list[AllowList] = []
    output = OutputAction.ALLOW
    hygiene = {"allow_store": False, "allow_extended_cache": False}
    for place, level in levels:
        if (asked := source.text(level, "scope", scope, place)) not in _SCOPES:
            raise source.error(f"{place or 'top level'}: scope must be one of {', '.join(_SCOPES)}")
        scope = next(kind for kind in _SCOPES if kind == asked)
        instruction = source.flag(level, "instruction", instruction, place)
        threshold = source.score(level, threshold, place)
        if "second_try" in level:
            second_try = source.score(level, 0.0, place, "second_try")
        if "models" in level:
            models = frozenset(source.texts(level, "models", place))
        allow.append(allow_list(source, level, place))
        answers = source.typed(level, "output", dict, place) or {}
        source.only(answers, frozenset({"action"}), f"{place}[output]")
        if (asked := source.text(answers, "action", output, f"{place}[output]")) not in set(OutputAction):
            raise source.error(f"{place}[output]: action must be one of {', '.join(OutputAction)}")
        output = OutputAction(asked)
        switches = source.typed(level, "hygiene", dict, place) or {}
        source.only(switches, frozenset(hygiene), f"{place}[hygiene]")
        hygiene |= {key: source.flag(switches, key, False, f"{place}[hygiene]") for key in switches}
    rules = {
        entity.name: EntityRule(Action(entity.default_action), threshold, entity.reversible)
        for entity in catalogue().values()
        if entity.on_by_default
    }
    lists: list[tuple[str, ExactTable]] = []
    patterns: list[CustomPattern] = []
    plugins: list[PluginUse] = []
    named: set[str] = set()
    # Custom entities of every level come first, so that `[entities]` may speak of them.
    for place, level in levels:
        for number, table in enumerate(source.typed(level, "custom", list, place) or []):
            entity, values, pattern = _custom(source, table, f"{place}[[custom]] #{number + 1}", rules, threshold)
            lists += [(entity, values)] if values is not None else []
            patterns += [pattern] if pattern is not None else []
        for number, table in enumerate(source.typed(level, "recognizers", list, place) or []):
            plugins.append(plugin := plugin_use(source, table, f"{place}[[recognizers]] #{number + 1}"))
            for entity in plugin.entities:
                known = catalogue().get(entity)
                rules.setdefault(entity, EntityRule(Action.REDACT, threshold, known.reversible if known else True))
    for place, level in levels:
        for entity, given in (source.typed(level, "entities", dict, place) or {}).items():
            _entity(source, entity, given, f"{place}[entities.{source.shown(entity)}]", rules, threshold)
            named.add(entity)
    return Policy(
        name=name,
        scope=scope,
        instruction=instruction,
        second_try=second_try,
        models=models,
        threshold=threshold,
        rules=rules,
        named=frozenset(named),
        exact_lists=tuple(ExactList(entity, values, rules[entity].reversible) for entity, values in lists),
        patterns=tuple(patterns),
        plugins=tuple(plugins),
        allow=joined(allow),
        output=output,
        **hygiene,
    )


def _entity(
    source: PolicySource, entity: str, given: object, place: str, rules: dict[str, EntityRule], threshold: float
) -> None:
    table = {"action": given} if isinstance(given, str) else given
    if not isinstance(table, dict):
        raise source.error(f"{place} must be a table or the name of an action")
    source.only(table, frozenset({"action", "threshold", "reversible"}), place)
    known = catalogue().get(entity)
    rule = rules.get(entity)
    if rule is None:
        if known is None:
            raise source.error(f"{place}: not in the catalogue and not a custom entity")
        # Naming an entity that is off by default switches it on.
        rule = EntityRule(Action.REDACT, threshold, known.reversible)
    rules[entity] = EntityRule(
        _action(source, table, rule.action, place),
        source.score(table, rule.threshold, place),
        _reversible(source, table, entity, rule.reversible, place),
    )


def _custom(
    source: PolicySource, table: object, place: str, rules: dict[str, EntityRule], threshold: float
) -> tuple[str, ExactTable | None, CustomPattern | None]:
    if not isinstance(table, dict):
        raise source.error(f"{place} must be a table")
    source.only(table, LIST_KEYS | PATTERN_KEYS | {"entity", "reversible", "action", "threshold"}, place)
    entity = entity_name(source, table, place)
    known = catalogue().get(entity)
    place = f"{place} ({entity})"
    values = exact_table(source, table, place)
    pattern = custom_pattern(source, table, entity, place)
    if values is None and pattern is None:
        raise source.error(f"{place}: needs pattern, exact or exact_file")
    rule = rules.get(entity) or EntityRule(Action.REDACT, threshold, known.reversible if known else True)
    rules[entity] = EntityRule(
        _action(source, table, rule.action, place),
        source.score(table, rule.threshold, place),
        _reversible(source, table, entity, rule.reversible, place),
    )
    return entity, values, pattern


def _fingerprint(part: object) -> object:
    """What a list says in the policy's version."""
    if isinstance(part, ExactTable):
        return part.fingerprint.hex()
    if isinstance(part, AllowList):
        return part.fingerprint()
    raise NotImplementedError(type(part).__name__)


def _action(source: PolicySource, table: Mapping[str, Any], default: Action, place: str) -> Action:
    given = source.text(table, "action", default.value, place)
    if given not in set(Action):
        raise source.error(f"{place}: action must be one of {', '.join(Action)}")
    return Action(given)


def _reversible(source: PolicySource, table: Mapping[str, Any], entity: str, default: bool, place: str) -> bool:
    given = source.flag(table, "reversible", default, place)
    known = catalogue().get(entity)
    if given and known and not known.reversible:
        raise source.error(f"{place}: this entity goes one way and cannot be made reversible")
    return given


__all__ = [
    "Action",
    "EntityRule",
    "ExactList",
    "MalformedPolicy",
    "PluginUse",
    "Policies",
    "Policy",
    "UnknownPolicy",
    "load_policies",
]
