"""`veil dlq`: look at dead letters, do their jobs again, remove them; what is raw in them stays sealed."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from agents.cli.options import CODE, CONFIG, TIME, confirm, open_output, open_settings, show_rows
from agents.dead_letters import Found, Overview, Wanted, open_letters, place_of, read_letters, survey
from agents.purge import plan_purge, purge
from agents.replay import Outcome, replay
from pipeline.errors import VeilError
from pipeline.settings import Settings
from schemas.deadletter import DeadLetter

F = TypeVar("F", bound=Callable[..., Any])


def filters(command: F) -> F:
    """The options by which letters are chosen."""
    for option in (
        CODE,
        click.option("--tenant", help="Only this tenant's."),
        click.option("--job", "job_id", help="Only this job's."),
        click.option("--since", type=TIME, help="Only letters from this time on (UTC)."),
        click.option("--until", "--before", type=TIME, help="Only letters before this time (UTC)."),
    ):
        command = option(command)
    return command


def _wanted(places: tuple[str, ...] = (), **chosen: Any) -> Wanted:
    since, until = (at.replace(tzinfo=UTC).timestamp() if at else None for at in (chosen["since"], chosen["until"]))
    return Wanted(
        code=chosen["code"],
        tenant=chosen["tenant"],
        job_id=chosen["job_id"],
        since=since,
        until=until,
        places=frozenset(places),
    )


def _chosen(wanted: Wanted, *, all_letters: bool) -> Wanted:
    """Nobody replays or removes everything by leaving out an option."""
    if wanted.everything and not all_letters:
        raise click.UsageError("say which letters: --code, --tenant, --job, --since, --until, a place, or --all")
    return wanted


@click.group()
def dlq() -> None:
    """Dead letters: jobs that were refused, blocked or failed."""


@dlq.command("list")
@filters
@CONFIG
def list_letters(config: Path | None, **chosen: Any) -> int:
    """One line a letter: when, code, stage, job, where its record lies, and when it was replayed."""
    overview = asyncio.run(survey(open_settings(config), _wanted(**chosen)))
    rows = [_row(found, overview) for found in overview.letters]
    show_rows(rows, ("at", "code", "stage", "job", "record", "length", "detail", "replayed_at"))
    click.echo(f"{len(rows)} dead letters", err=True)
    return 0


@dlq.command("show")
@click.argument("which", metavar="JOB_ID|TOPIC/PARTITION/OFFSET")
@CONFIG
def show(which: str, config: Path | None) -> int:
    """One letter whole, with the redacted request if there is one; the original stays sealed."""
    settings = open_settings(config)

    async def find() -> list[DeadLetter]:
        async with open_letters(settings) as reader:
            return [
                found.letter
                async for found in read_letters(reader)
                if isinstance(found, Found) and which in {found.letter.job_id, place_of(found.letter.origin)}
            ]

    letters = asyncio.run(find())
    if not letters:
        raise VeilError(f"no dead letter of {which}; `veil dlq list` shows what there is")
    with open_output(None) as write:
        for letter in letters:
            write(_full(letter))
    return 0


@dlq.command("replay")
@click.argument("places", nargs=-1, metavar="[TOPIC/PARTITION/OFFSET]...")
@filters
@click.option("--all", "all_letters", is_flag=True, help="Every letter.")
@click.option("--dry-run", is_flag=True, help="Say what would be replayed; publish nothing.")
@CONFIG
def replay_letters(
    places: tuple[str, ...], all_letters: bool, dry_run: bool, config: Path | None, **chosen: Any
) -> int:
    """Do the jobs of dead letters again, from their beginning, after what stopped them is mended.

    Needs the operator's keys folder: it opens the sealed original, seals the job to the newest jobs
    key (a job that came plain, too) and submits it with the same job id, tenant and reply key. Places
    are those of `veil dlq list`.

    A letter is replayed once: it is passed over when it was replayed before (`list` says when) or
    when its job has completed since. A job that fails again has a new letter, which can be replayed.
    Of several letters of one job only the newest is replayed, and the others count as replayed with it.
    Two replays at once: the later one takes over, the earlier one stops.

    \b
      veil dlq replay --code openai_unavailable --since 2026-03-01 --dry-run
      veil dlq replay --job order-17
      veil dlq replay llm.jobs/2/1041

    One line a letter: place, code, tenant, job, bytes, and what became of it; nothing raw. Exit code 1
    when a letter could not be replayed: it came without its original (too large), its replay key is
    lost or destroyed, or it is not a job at all.
    """
    wanted = _chosen(_wanted(places, **chosen), all_letters=all_letters)
    counts: Counter[str] = Counter()

    async def run(settings: Settings) -> None:
        async for outcome in replay(settings, wanted, dry_run=dry_run):
            row = _replayed_row(outcome, dry_run=dry_run)
            counts[f"{row['outcome']}: {row['why']}" if outcome.skipped else row["outcome"]] += 1
            write(row)

    with open_output(None) as write:
        asyncio.run(run(open_settings(config)))
    click.echo(", ".join(f"{count} {what}" for what, count in sorted(counts.items())) or "no letter matches", err=True)
    return 1 if counts["failed"] else 0


@dlq.command("purge")
@filters
@click.option("--all", "all_letters", is_flag=True, help="Every letter.")
@click.option("--dry-run", is_flag=True, help="Say what would go; delete nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@CONFIG
def purge_letters(all_letters: bool, dry_run: bool, yes: bool, config: Path | None, **chosen: Any) -> int:
    """Remove dead letters from the broker before their 30 days are over; they cannot be replayed then.

    Kafka deletes a partition's records from its beginning up to an offset, never one out of the middle.
    So in each partition the letters that match go up to the first one that does not; matching letters
    behind it stay and are counted. `--before DATE` alone leaves none behind.

    First one line a partition: the letters to remove, the offset below which everything goes, how many that
    match are held back, and by the letter at which offset; then asks.

    Nobody can read a removed letter any more, but the broker's files hold its bytes (redacted or sealed)
    until it drops the segment they lie in: the one being written stays until it is full (1 GiB) or, at the
    next letter, a week old (`segment.bytes`, `segment.ms`); a closed one goes within the broker's
    `log.retention.check.interval.ms` (5 minutes) and `file.delete.delay.ms` (1 minute). To make
    originals unreadable at once, destroy their replay key: `veil keys shred`.
    """
    settings = open_settings(config)
    wanted = _chosen(_wanted(**chosen), all_letters=all_letters)
    cuts = asyncio.run(plan_purge(settings, wanted))
    rows = [
        {
            "partition": f"{tp.topic}/{tp.partition}",
            "letters": cut.gone,
            "below": cut.offset,
            "held": cut.held,
            "blocked_by": cut.blocked_by,
        }
        for tp, cut in sorted(cuts.items())
        if cut.gone or cut.held
    ]
    show_rows(rows, ("partition", "letters", "below", "held", "blocked_by"))
    gone, held = sum(cut.gone for cut in cuts.values()), sum(cut.held for cut in cuts.values())
    if gone and not dry_run:
        if not yes:
            confirm(f"remove {gone} dead letters for good?")
        asyncio.run(purge(settings, cuts))
    click.echo(f"{gone} {'would go' if dry_run else 'removed'}, {held} that match stay", err=True)
    return 0


def _row(found: Found, overview: Overview) -> dict[str, Any]:
    letter = found.letter
    replayed_at = overview.replayed.get(found.at)
    return {
        "at": _spelled(letter.at),
        "code": letter.code,
        "stage": letter.stage,
        "job": letter.job_id or f"#{letter.job_hash or '-'}",
        "record": place_of(letter.origin),
        "length": letter.length,
        "detail": letter.detail,
        "replayed_at": None if replayed_at is None else _spelled(replayed_at),
    }


def _replayed_row(outcome: Outcome, *, dry_run: bool) -> dict[str, Any]:
    letter = outcome.found.letter
    row = {
        "record": place_of(letter.origin),
        "code": letter.code,
        "tenant": letter.tenant,
        "job": letter.job_id or f"#{letter.job_hash or '-'}",
        "length": letter.length,
    }
    if outcome.error is not None:
        return row | {"outcome": "failed", "why": f"{outcome.error.detail or ''} [{outcome.error.code}]".strip()}
    if outcome.skipped is not None:
        return row | {"outcome": "skipped", "why": outcome.skipped}
    return row | {"outcome": "would be replayed" if dry_run else "replayed"}


def _spelled(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def _full(letter: DeadLetter) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(letter, redacted=None, original=None))
    shown["redacted"] = msgspec.Raw(letter.redacted) if letter.redacted is not None else None
    shown["original"] = (
        f"sealed to replay key {letter.original.key_id}, {len(letter.original.ciphertext)} bytes"
        if letter.original is not None
        else None
    )
    return shown
