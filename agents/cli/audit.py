"""`veil audit`: is the audit trail whole, and what is in it."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import click
import msgspec
from aiokafka import ConsumerRecord
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from agents.cli.options import CODE, CONFIG, TIME, Row, open_settings, plain_cell, show_rows
from pipeline.adapters.keyring import load_keyring
from pipeline.adapters.reader import TopicReader
from pipeline.audit_check import TrailCheck
from pipeline.chain_check import ChainReport
from pipeline.keys import Role
from pipeline.ports import TopicNames
from pipeline.settings import Settings
from schemas.audit import AuditEvent, AuditRecord, Decision, Origin

SINCE = click.option("--since", type=TIME, help="Only what was published from this time (UTC) on.")
_SHOWN_OF_CHAINS = ("chain", "events", "first_seq", "last_seq", "signed_seq", "unsigned", "verdict")
_SHOWN_OF_SHADOWS = ("shadow", "what", "jobs", "more", "fewer")
_SHOWN = ("at", "stage", "decision", "code", "tenant", "job", "entities", "record")


@click.group()
def audit() -> None:
    """The audit trail: one event a decision, counts only, in chains that are signed."""


@audit.command("verify")
@click.option("--tenant", help="Count this tenant's events alone, in the chains that have some; all are verified.")
@SINCE
@CONFIG
def verify(tenant: str | None, since: datetime | None, config: Path | None) -> int:
    """Verify every chain: order, hashes, signatures, and what one chain says of another.

    \b
    Needs the operator's keys. One line a chain, with its first break and the record where it shows:
      changed        this event, the one before it or the checkpoint is not what it was
      removed        events are missing here
      reordered      an event does not stand where it stood
      duplicated     a record is there twice
      forked         two events in one place, or a start that nobody signed
      unsigned_tail  the end has not been signed for too long: no worker runs, or somebody added it
      unanchored     the same of the completer's chain, for which the rehydrator's vouches; but for refusals of
                     records that no redactor signed, which are counted as unsigned only
      bad_signature  a checkpoint that its role did not sign, or whose public key is not in the keyring
      unlinked       an event of no chain: written before there were chains, or by no worker
      unreadable     not a record of the audit trail

    Exit code 0: all whole; 1: something is broken.
    """
    settings = open_settings(config)
    reports = asyncio.run(_verify(settings, tenant, since))
    show_rows([_report_row(report) for report in reports], _SHOWN_OF_CHAINS, _cell)
    broken = [report for report in reports if not report.whole]
    restarted = sum(report.restarted for report in reports)
    told = (
        f"{sum(bool(report.chain) for report in reports)} chains, {sum(report.events for report in reports)} events: "
    )
    told += f"{len(broken)} broken" if broken else "whole"
    click.echo(told + (f"; {restarted} started anew, with a lost offset" if restarted else ""), err=True)
    return 1 if broken else 0


@audit.command("list")
@click.option("--tenant", help="Only this tenant's.")
@click.option("--job", help="Only this job's.")
@CODE
@click.option("--decision", type=click.Choice([decision.value for decision in Decision]), help="Only this decision.")
@SINCE
@CONFIG
def list_events(
    tenant: str | None,
    job: str | None,
    code: str | None,
    decision: str | None,
    since: datetime | None,
    config: Path | None,
) -> int:
    """One line an event, in each chain's order, unverified."""
    settings = open_settings(config)

    def wanted(event: AuditEvent) -> bool:
        given = ((tenant, event.tenant), (job, event.job_id), (code, event.code), (decision, event.decision))
        return all(asked is None or asked == found for asked, found in given)

    async def rows_of() -> list[dict[str, Any]]:
        return [_event_row(event, place) async for event, place in trail_events(settings, since) if wanted(event)]

    rows = asyncio.run(rows_of())
    show_rows(rows, _SHOWN, _cell)
    click.echo(f"{len(rows)} audit events", err=True)
    return 0


@audit.command("shadow")
@click.option("--tenant", help="Only this tenant's jobs.")
@SINCE
@CONFIG
def shadow(tenant: str | None, since: datetime | None, config: Path | None) -> int:
    """What a shadow policy (`policy.shadow_file`) would have done otherwise, summed over jobs.

    \b
    One line for each entity that it finds more or less often, and for each reason for which it
    refuses what the live policy lets pass (or the reverse: passes):
      jobs    jobs in which it differs
      more    findings that the live policy does not have
      fewer   findings that it alone does not have
    """
    settings = open_settings(config)

    async def compared() -> list[AuditEvent]:
        events = trail_events(settings, since)
        return [one async for one, _ in events if one.decision is Decision.COMPARED and tenant in (None, one.tenant)]

    found = asyncio.run(compared())
    show_rows(_shadow_rows(found), _SHOWN_OF_SHADOWS)
    versions = sorted({event.policy_version or "none" for event in found})
    click.echo(f"{len(found)} jobs differ; shadow policies: {', '.join(versions) or 'none'}", err=True)
    return 0


async def _verify(settings: Settings, tenant: str | None, since: datetime | None) -> list[ChainReport]:
    keyring = load_keyring(settings.keys.dir, Role.OPERATOR)
    async with _open_trail(settings, since) as reader:
        check = TrailCheck(keyring, cut=frozenset(tp.partition for tp in reader.begun_late), tenant=tenant)
        async for record in _read_trail(reader):
            check.add(record.value, _place(record), record.timestamp / 1000)
    return list(check.reports(now=time.time()))


async def trail_events(settings: Settings, since: datetime | None) -> AsyncIterator[tuple[AuditEvent, Origin]]:
    """Every event that can be read, and where it lies, from the topic's start or from a time (UTC) on."""
    decoder = msgspec.json.Decoder(AuditRecord)
    async with _open_trail(settings, since) as reader:
        async for record in _read_trail(reader):
            try:
                event = decoder.decode(record.value or b"")
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue  # anybody's; `verify` tells where it is
            if isinstance(event, AuditEvent):
                yield event, _place(record)


def _open_trail(settings: Settings, since: datetime | None) -> TopicReader:
    start: Literal["beginning"] | float = since.replace(tzinfo=UTC).timestamp() if since is not None else "beginning"
    return TopicReader(settings, [TopicNames(settings.kafka.topic_prefix)["audit"]], start=start)


async def _read_trail(reader: TopicReader) -> AsyncIterator[ConsumerRecord]:
    """The records, with a bar on a terminal: a year's audit events are many."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.completed} records"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=reader.unread)
        async for record in reader.records():
            yield record
            progress.advance(task)


def _cell(row: Row, column: str) -> str:
    if column == "verdict" and row["break"]:
        more = f" and {row['breaks'] - 1} more" if row["breaks"] > 1 else ""
        return f"{row['verdict']} at {row['break']['record']}{more}"
    if column == "entities":
        return ", ".join(f"{entity} {count}" for entity, count in row[column].items())
    return plain_cell(row, column)


def _report_row(report: ChainReport) -> dict[str, Any]:
    broken = report.first_break
    return {
        "chain": report.chain or "(none)",
        "events": report.events,
        "first_seq": report.first_seq,
        "last_seq": report.last_seq,
        "signed_seq": report.signed_seq,
        "unsigned": report.unsigned,
        "restarted": report.restarted,
        "verdict": broken.kind if broken is not None else "whole",
        "break": {"record": _spelled(broken.place), "seq": broken.seq} if broken is not None else None,
        "breaks": report.breaks,
    }


def _event_row(event: AuditEvent, place: Origin) -> dict[str, Any]:
    return {
        "at": datetime.fromtimestamp(event.at, UTC).isoformat(timespec="milliseconds"),
        "stage": event.stage,
        "decision": event.decision,
        "code": event.code,
        "tenant": event.tenant,
        "job": event.job_id or f"#{event.job_hash or '-'}",
        "endpoint": event.endpoint,
        "entities": event.entities,
        "actions": event.actions,
        "policy_version": event.policy_version,
        "detector_version": event.detector_version,
        "attempts": event.attempts,
        "about": _spelled(event.origin),
        "record": _spelled(place),
        "chain": event.link.chain if event.link is not None else None,
        "seq": event.link.seq if event.link is not None else None,
    }


def _shadow_rows(events: Iterable[AuditEvent]) -> list[dict[str, Any]]:
    sums: dict[tuple[str, str], list[int]] = {}
    for event in events:
        differences = [("finds", entity, difference) for entity, difference in event.entities.items()]
        if event.code is not None:
            differences.append(("refuses", event.code, 1))
        elif event.actions.get("refused", 0) < 0:
            differences.append(("passes", "refused", -1))
        for did, what, difference in differences:
            jobs, more, fewer = sums.get((did, what), (0, 0, 0))
            sums[did, what] = [jobs + 1, more + max(difference, 0), fewer + max(-difference, 0)]
    return [dict(zip(_SHOWN_OF_SHADOWS, (*key, *row), strict=True)) for key, row in sorted(sums.items())]


def _place(record: ConsumerRecord) -> Origin:
    return Origin(topic=record.topic, partition=record.partition, offset=record.offset)


def _spelled(place: Origin) -> str:
    return f"{place.topic}/{place.partition}/{place.offset}"
