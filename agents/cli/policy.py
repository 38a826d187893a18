"""`veil policy`: what a policy file says, whether it loads, and whether its own examples hold."""

from pathlib import Path
from typing import Any

import click

from agents.cli.options import Row, show_rows
from pipeline.adapters.database_cache import cached_engine
from pipeline.adapters.recognizers.running import RunningPlugins
from pipeline.policy import MalformedPolicy, Policies, Policy, load_policies
from pipeline.policy_detector import PolicyDetectors
from pipeline.policy_examples import read_examples, run_example
from pipeline.policy_remarks import remarks

_RULES = ("rule", "action", "threshold", "reversible", "more")
_FILE = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))


@click.group()
def policy() -> None:
    """Policy files: check them, show what they come to, run their examples (docs/policies.md)."""


@policy.command()
@_FILE
def check(file: Path) -> int:
    """Say what is wrong in FILE, and what in it does nothing, by line; exit code 1 if it does not load."""
    rows: list[dict[str, Any]] = []
    failed = 0
    try:
        policies = load_policies(file)
        _build_detectors(policies)
        read_examples(policies)
        rows += [{"level": "warning", "line": line, "message": text} for line, text in remarks(policies)]
        loaded = f"{file.name}: loads; policies: {', '.join(sorted(policies.names))}"
        rows.append({"level": "ok", "line": None, "message": loaded})
    except MalformedPolicy as error:
        failed = 1
        rows.append({"level": "error", "line": error.line, "message": error.detail})
    show_rows(rows, ("level", "line", "message"))
    return failed


@policy.command()
@_FILE
@click.option("--tenant", default="", help="Whose jobs (default: a tenant's that the file does not name).")
@click.option("--policy", "name", help="What the job asks for (default: what the tenant's jobs get).")
def show(file: Path, tenant: str, name: str | None) -> int:
    """Show what FILE comes to for a job: first the policy as a whole, then every entity and field rule."""
    chosen = load_policies(file).select(tenant, name)
    rows = [_whole(chosen), *_entities(chosen), *_fields(chosen)]
    show_rows(rows, _RULES, _rule_cell)
    return 0


@policy.command()
@_FILE
def test(file: Path) -> int:
    """Run the [[examples]] of FILE; exit code 1 if one does not hold, or there is none."""
    policies = load_policies(file)
    examples = read_examples(policies)
    detectors = _build_detectors(policies)
    if not examples:
        click.echo(f"veil: {file.name} has no [[examples]]", err=True)
        return 1
    rows = []
    for example in examples:
        faults = run_example(example, policies, detectors)
        state = "failed" if faults else "passed"
        rows.append({"example": example.number, "line": example.line, "state": state, "faults": faults})
    show_rows(rows, ("example", "line", "state", "faults"), _cell)
    return 1 if any(row["state"] == "failed" for row in rows) else 0


def _build_detectors(policies: Policies) -> PolicyDetectors:
    return PolicyDetectors(policies, RunningPlugins(), cached_engine())


def _whole(policy: Policy) -> dict[str, Any]:
    return {
        "rule": "policy",
        "name": policy.name,
        "version": policy.version,
        "scope": policy.scope,
        "instruction": policy.instruction,
        "second_try": policy.second_try,
        "output": policy.output.value,
        "models": None if policy.models is None else sorted(policy.models),
        "allow_store": policy.allow_store,
        "allow_extended_cache": policy.allow_extended_cache,
    }


def _entities(policy: Policy) -> list[dict[str, Any]]:
    rows = []
    for entity, rule in policy.rules.items():
        row: dict[str, Any] = {"rule": entity, "action": rule.action.value, "threshold": rule.threshold}
        row["reversible"] = policy.restores(entity)
        if rule.shown:
            row |= {"show_first": rule.shown.first, "show_last": rule.shown.last}
        rows.append(row)
    return rows


def _fields(policy: Policy) -> list[dict[str, Any]]:
    return [
        {"rule": rule.path, "action": rule.action.value} | ({"entity": rule.entity} if rule.entity else {})
        for rule in policy.fields
    ]


def _rule_cell(row: Row, column: str) -> str:
    """What has no column of its own stands in the last."""
    if column != _RULES[-1]:
        return _cell(row, column)
    return ", ".join(f"{key} {_cell(row, key)}" for key in row if key not in _RULES)


def _cell(row: Row, column: str) -> str:
    value = row.get(column)
    if isinstance(value, list):
        return "\n".join(map(str, value))
    return "" if value is None else str(value)
