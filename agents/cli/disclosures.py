"""`veil disclosures`: what OpenAI has been given, and what it may still keep."""

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from agents.cli.audit import SINCE, trail_events
from agents.cli.options import CONFIG, TIME, Row, open_settings, show_rows
from pipeline.disclosure import DAY, Disclosed, DisclosedGroup
from pipeline.settings import Settings

_SHOWN = ("day", "endpoint", "model", "host", "jobs", "calls", "placeholders", "in_clear", "kept_until")


@click.command()
@SINCE
@click.option("--until", type=TIME, help="Only what was given before this time (UTC).")
@click.option("--tenant", help="Only this tenant's.")
@click.option("--json", "as_json", is_flag=True, help="A JSON line each on a terminal, too.")
@CONFIG
def disclosures(
    since: datetime | None, until: datetime | None, tenant: str | None, as_json: bool, config: Path | None
) -> int:
    """What has OpenAI been given, and what does it still keep?

    \b
    One line a day (UTC), endpoint, model and host, from the audit trail (`veil audit verify` says whether it is whole):
      calls         every call, answered or not; a job that was answered without one counts for nothing
      placeholders  distinct placeholders in the requests, by kind: what they stand for was not given
      in_clear      findings that the policy allows: these values were given as they are
      kept_until    by when OpenAI must have deleted it, by openai.retention as it was then

    What detection did not find is counted nowhere.
    """
    settings = open_settings(config)
    disclosed = asyncio.run(_collect(settings, since, until, tenant))
    now = time.time()
    groups = list(disclosed.groups())
    show_rows([_row(group, now) for group in groups], _SHOWN, _cell, as_json=as_json)
    click.echo(_summary(groups, now), err=True)
    return 0


async def _collect(settings: Settings, since: datetime | None, until: datetime | None, tenant: str | None) -> Disclosed:
    first = since.replace(tzinfo=UTC).timestamp() if since is not None else 0.0
    end = until.replace(tzinfo=UTC).timestamp() if until is not None else float("inf")
    disclosed = Disclosed()
    async for event, _ in trail_events(settings, since):
        if first <= event.at < end and tenant in (None, event.tenant):
            disclosed.add(event)
    return disclosed


def _row(group: DisclosedGroup, now: float) -> dict[str, Any]:
    return {
        "day": _date(group.day * DAY),
        "endpoint": group.endpoint,
        "model": group.model,
        "host": group.host,
        "retention": group.retention,
        "jobs": group.jobs,
        "calls": group.calls,
        "placeholders": dict(group.placeholders.most_common()),
        "in_clear": dict(group.in_clear.most_common()),
        "kept_until": None if group.kept_until is None else _minute(group.kept_until),
        "kept": group.is_kept(now),
    }


def _cell(row: Row, column: str) -> str:
    value = row[column]
    if isinstance(value, Mapping):
        return ", ".join(f"{entity} {count}" for entity, count in value.items())
    return "until deleted" if value is None else str(value)


def _summary(groups: list[DisclosedGroup], now: float) -> str:
    """What it comes to, in a sentence."""
    if not groups:
        return "nothing was given"
    calls = sum(group.calls for group in groups)
    hidden = sum(group.placeholders.total() for group in groups)
    clear = sum(group.in_clear.total() for group in groups)
    kept = [group for group in groups if group.is_kept(now)]
    told = f"{calls} calls with {hidden} placeholders and {clear} allowed values in the clear; "
    if not kept:
        return told + "nothing of it is kept any more"
    still = sum(group.calls for group in kept)
    ends = [group.kept_until for group in kept]
    forever = sum(group.calls for group in kept if group.kept_until is None)
    last = max((end for end in ends if end is not None), default=None)
    told += f"{still} of the calls may still be kept"
    told += f", until {_minute(last)} at the latest" if last is not None else ""
    return told + (f"; {forever} until somebody deletes them" if forever else "")


def _date(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).date().isoformat()


def _minute(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="minutes")
