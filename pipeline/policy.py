"""The policy: per entity an action, and what a tenant's jobs may ask for; read from a TOML file."""

import hashlib
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import msgspec

from pipeline.detection.custom import CustomPattern
from pipeline.detection.exact import ExactTable
from pipeline.detection.types import catalogue
from pipeline.errors import VeilError
from pipeline.policy_custom import AllowList, PluginUse, allow_list, joined
from pipeline.policy_fields import FieldAction, FieldRule
from pipeline.policy_levels import Level, LevelReader
from pipeline.policy_rules import ONE_WAY, Action, EntityRule, Shown
from pipeline.policy_source import TOP, MalformedPolicy, PolicyPlace, PolicySource
from schemas.codes import ErrorCode
from schemas.job import Endpoint
from schemas.redacted import OutputAction

ScopeKind = Literal["job", "conversation", "tenant"]

_LEVEL_KEYS = frozenset(
    {"preset", "scope", "instruction", "second_try", "models", "threshold", "entities", "custom", "recognizers"}
    | {"fields", "hygiene", "output", "allow", "allow_file", "allow_patterns"}
)


class UnknownPolicy(VeilError):
    """The job names a policy that the file doesn't have, or that its tenant may not use."""

    code = ErrorCode.UNKNOWN_POLICY


class ExactList(msgspec.Struct, frozen=True):
    """Texts that are an entity wherever they stand."""

    entity: str
    values: ExactTable
    reversible: bool

    def __repr__(self) -> str:
        return f"<ExactList {self.entity} {len(self.values)}>"


class Policy(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One resolved policy: the file's base, then the named policy, then the tenant's overrides.

    `named` are the entities that the file itself speaks of, and where it does.
    `second_try` is the share of a job's placeholders that may be lost before it is asked once more, in another
    style of placeholder. `output` is what is done with sensitive data of an answer that the request did not hold.
    """

    name: str
    scope: ScopeKind
    instruction: bool
    second_try: float | None
    models: frozenset[str] | None
    threshold: float
    rules: dict[str, EntityRule]
    named: dict[str, str]
    exact_lists: tuple[ExactList, ...]
    patterns: tuple[CustomPattern, ...]
    plugins: tuple[PluginUse, ...]
    fields: tuple[FieldRule, ...]
    allow: AllowList
    allow_store: bool
    allow_extended_cache: bool
    output: OutputAction

    def __repr__(self) -> str:
        return f"<Policy {self.name}>"

    @cached_property
    def version(self) -> str:
        """Sixteen hex digits that change whenever anything in the policy does."""
        plugins = [msgspec.structs.replace(use, place="") for use in self.plugins]
        # Where something stands in the file is no part of what it says.
        saying = msgspec.structs.asdict(self) | {"named": sorted(self.named), "plugins": plugins}
        content = msgspec.json.encode(saying, order="sorted", enc_hook=_fingerprint)
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

    def replacing(self, entity: str) -> Action:
        """The action on an entity where something is to be done: where it is allowed elsewhere, a placeholder."""
        action = self.action(entity)
        return Action.REDACT if action is Action.ALLOW else action

    def shown(self, entity: str) -> Shown | None:
        """What stays readable of a masked value; None: as its kind has it."""
        rule = self.rules.get(entity)
        return rule.shown if rule else None

    def reversible(self, entity: str) -> bool:
        """Whether an entity's values may be put in the vault and restored."""
        if rule := self.rules.get(entity):
            return rule.reversible
        known = catalogue().get(entity)
        return known.reversible if known else True

    def uses(self, action: Action) -> bool:
        """Whether any entity has the action."""
        return any(rule.action is action for rule in self.rules.values())

    def restores(self, entity: str) -> bool:
        """Whether what is sent for an entity's values is put back in the answer."""
        return self.reversible(entity) and self.action(entity) not in (Action.ALLOW, Action.BLOCK, *ONE_WAY)

    def allows(self, text: str) -> bool:
        """Whether the text is on the list of texts that are never redacted."""
        return self.allow.holds(text)

    def scope_for(self, endpoint: Endpoint) -> ScopeKind:
        """The scope of placeholders; embeddings need one per tenant, or equal texts get unequal vectors."""
        return "tenant" if endpoint is Endpoint.EMBEDDINGS else self.scope


class Policies:
    """Every policy of a file; `select` resolves one for a job."""

    def __init__(self, source: PolicySource, tree: Mapping[str, Any]) -> None:
        self.source = source
        self.tree = tree
        self.examples = tuple(source.items(tree, "examples", TOP))
        source.only(tree, _LEVEL_KEYS | {"policies", "tenants", "examples"}, TOP)
        self._base = Level(TOP, {key: value for key, value in tree.items() if key in _LEVEL_KEYS})
        self._named = _levels(source, tree, "policies", _LEVEL_KEYS)
        self._tenants = _levels(source, tree, "tenants", _LEVEL_KEYS | {"policy", "policies"})
        self._resolved: dict[tuple[str, str], Policy] = {}
        for name in ("default", *self._named):
            self._resolve("", name)
        for tenant, (place, table) in self._tenants.items():
            asked = [("policies", name) for name in source.texts(table, "policies", place)]
            for key, name in [("policy", source.text(table, "policy", "default", place)), *asked]:
                if name not in self.names:
                    raise source.error("names a policy that the file does not have", place, key)
                self._resolve(tenant, name)

    def __repr__(self) -> str:
        return f"<Policies {sorted(self.names)}>"

    @property
    def names(self) -> frozenset[str]:
        """The names that a job may give."""
        return frozenset({"default", *self._named})

    @property
    def tenants(self) -> tuple[str, ...]:
        """The tenants that the file speaks of."""
        return tuple(self._tenants)

    def levels(self) -> Iterator[Level]:
        """The file's parts, in its order of precedence."""
        yield from (self._base, *self._named.values(), *self._tenants.values())

    def select(self, tenant: str, name: str | None) -> Policy:
        """The policy for a tenant's job; `name` is what the job asks for."""
        table = self._tenants[tenant].table if tenant in self._tenants else {}
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
        levels = [self._base]
        levels += [self._named[name]] if name in self._named else []
        levels += [self._tenants[tenant]] if tenant else []
        policy = _build(self.source, name, levels)
        self._resolved[(tenant, name)] = policy
        return policy


def load_policies(path: Path | None) -> Policies:
    """Read a policy file; None gives the built-in default: every entity as the catalogue says."""
    if path is None:
        return Policies(PolicySource(Path("built-in")), {})
    source = PolicySource(path)
    return Policies(source, source.tree())


_SCOPES: tuple[ScopeKind, ...] = ("job", "conversation", "tenant")


def _levels(source: PolicySource, tree: Mapping[str, Any], key: str, keys: frozenset[str]) -> dict[str, Level]:
    levels = {name: Level(PolicyPlace((key, name)), table) for name, table in source.tables(tree, key).items()}
    for place, table in levels.values():
        source.only(table, keys, place)
    return levels


def _build(source: PolicySource, name: str, levels: list[Level]) -> Policy:
    scope: ScopeKind = "job"
    instruction, threshold = True, 0.0
    models: frozenset[str] | None = None
    second_try: float | None = None
    allow: list[AllowList] = []
    output = OutputAction.ALLOW
    hygiene = {"allow_store": False, "allow_extended_cache": False}
    for place, level in levels:
        if (asked := source.text(level, "scope", scope, place)) not in _SCOPES:
            raise source.error(f"scope must be one of {', '.join(_SCOPES)}", place, "scope")
        scope = next(kind for kind in _SCOPES if kind == asked)
        instruction = source.flag(level, "instruction", instruction, place)
        threshold = source.score(level, threshold, place)
        if "second_try" in level:
            second_try = source.score(level, 0.0, place, "second_try")
        if "models" in level:
            models = frozenset(source.texts(level, "models", place))
        allow.append(allow_list(source, level, place))
        answers = source.typed(level, "output", dict, place) or {}
        source.only(answers, frozenset({"action"}), place.at("output"))
        if (chosen := source.text(answers, "action", output, place.at("output"))) not in set(OutputAction):
            raise source.error(f"action must be one of {', '.join(OutputAction)}", place.at("output"), "action")
        output = OutputAction(chosen)
        switches = source.typed(level, "hygiene", dict, place) or {}
        source.only(switches, frozenset(hygiene), place.at("hygiene"))
        hygiene |= {key: source.flag(switches, key, False, place.at("hygiene")) for key in switches}
    reading = LevelReader(source, threshold)
    for part in levels:
        reading.read(part)
    rules = reading.rules
    return Policy(
        name=name,
        scope=scope,
        instruction=instruction,
        second_try=second_try,
        models=models,
        threshold=threshold,
        rules=rules,
        named=reading.named,
        exact_lists=tuple(ExactList(entity, values, rules[entity].reversible) for entity, values in reading.lists),
        patterns=tuple(reading.patterns),
        plugins=tuple(reading.plugins),
        fields=tuple(reading.fields),
        allow=joined(allow),
        output=output,
        **hygiene,
    )


def _fingerprint(part: object) -> object:
    """What a list says in the policy's version."""
    if isinstance(part, ExactTable):
        return part.fingerprint.hex()
    if isinstance(part, AllowList):
        return part.fingerprint()
    raise NotImplementedError(type(part).__name__)


__all__ = [
    "ONE_WAY",
    "Action",
    "EntityRule",
    "ExactList",
    "FieldAction",
    "FieldRule",
    "MalformedPolicy",
    "PluginUse",
    "Policies",
    "Policy",
    "Shown",
    "UnknownPolicy",
    "load_policies",
]
