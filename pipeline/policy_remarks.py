"""What does nothing in a policy file: it is left out for a trial, and no job would be treated otherwise."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any, NamedTuple

import msgspec

from pipeline.errors import VeilError
from pipeline.fields.endpoints import tables
from pipeline.json_path import parse
from pipeline.policy import MalformedPolicy, Policies
from pipeline.policy_source import PolicyPlace
from pipeline.toml_lines import KeyPath
from schemas.job import Endpoint

_SWITCHES = frozenset({"preset", "scope", "instruction", "second_try", "models", "threshold", "policy", "policies"})
_TABLES = ("entities", "hygiene", "output")

_Effect = Mapping[tuple[str, str | None], str | None]


class Remark(NamedTuple):
    """A place in the file and what there is to say of it."""

    line: int | None
    message: str


def remarks(policies: Policies) -> list[Remark]:
    """Everything in a file that does nothing, in the file's order."""
    whole = _effect(policies)
    source = policies.source
    found = []
    for place, key in _removable(policies):
        if _effect_without(policies, (*place.path, key)) == whole:
            what = f"{source.shown(place, key)}: {key} changes nothing, it holds already"
            found.append(Remark(source.line(place, key), what))
    found += _fields_of_no_endpoint(policies)
    return sorted(found, key=lambda remark: remark.line or 0)


def _removable(policies: Policies) -> Iterator[tuple[PolicyPlace, str]]:
    """Keys that can be left out by themselves; lists are not tried, which may be long and always add something."""
    for place, table in policies.levels():
        for key, value in table.items():
            if key in _SWITCHES:
                yield place, key
            for name, inner in value.items() if key in _TABLES else ():
                yield place.at(key), name
                more = inner if isinstance(inner, dict) and len(inner) > 1 else ()
                yield from ((place.at(key, name), each) for each in more)


def _effect(policies: Policies) -> _Effect:
    """For each job that could come, the version of its policy, or that there is none."""
    effect: dict[tuple[str, str | None], str | None] = {}
    for tenant in ("", *policies.tenants):
        for name in (None, *policies.names):
            try:
                policy = policies.select(tenant, name)
            except VeilError:
                effect[tenant, name] = None
                continue
            effect[tenant, name] = msgspec.structs.replace(policy, named={}).version
    return effect


def _effect_without(policies: Policies, path: KeyPath) -> _Effect | None:
    changed: Any = deepcopy(policies.tree)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    try:
        return _effect(Policies(policies.source, changed))
    except MalformedPolicy:
        return None


def _fields_of_no_endpoint(policies: Policies) -> Iterator[Remark]:
    known = frozenset().union(*(tables(endpoint).request.fields for endpoint in _endpoints()))
    for level in policies.levels():
        for place, table in policies.source.items(level.table, "fields", level.place):
            first = parse(table["path"])[0]
            if isinstance(first.key, int) or (isinstance(first.key, str) and not first.deep and first.key not in known):
                shown = policies.source.shown(place, "path")
                yield Remark(policies.source.line(place, "path"), f"{shown}: no endpoint has a field of that name")


def _endpoints() -> Iterator[Endpoint]:
    for endpoint in Endpoint:
        try:
            tables(endpoint)
        except VeilError:
            continue
        yield endpoint
