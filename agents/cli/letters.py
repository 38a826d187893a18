"""`veil dlq`: look at dead letters; what is raw in them stays sealed."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table

from agents.cli.options import CONFIG, open_output, open_settings
from pipeline.adapters.reader import TopicReader
from pipeline.decoding import decode
from pipeline.errors import VeilError
from pipeline.ports import TopicNames
from pipeline.settings import Settings
from schemas.deadletter import DeadLetter


@click.group()
def dlq() -> None:
    """Dead letters: jobs that were refused, blocked or failed."""


@dlq.command("list")
@click.option("--code", help="Only letters with this code.")
@click.option("--tenant", help="Only this tenant's.")
@CONFIG
def list_letters(code: str | None, tenant: str | None, config: Path | None) -> int:
    """One line a letter: when, code, stage, job, where its record lies."""
    settings = open_settings(config)
    rows = asyncio.run(_collect(settings, code, tenant))
    console = Console()
    if console.is_terminal:
        table = Table("at", "code", "stage", "job", "record", "bytes", "detail")
        for row in rows:
            table.add_row(*(str(row[name]) for name in ("at", "code", "stage", "job", "record", "length", "detail")))
        console.print(table)
    else:
        with open_output(None) as write:
            for row in rows:
                write(row)
    click.echo(f"{len(rows)} dead letters", err=True)
    return 0


@dlq.command("show")
@click.argument("which", metavar="JOB_ID|TOPIC/PARTITION/OFFSET")
@CONFIG
def show(which: str, config: Path | None) -> int:
    """One letter whole, with the redacted request if there is one; the original stays sealed."""
    settings = open_settings(config)

    async def find() -> list[DeadLetter]:
        return [letter async for letter in _letters(settings) if which in {letter.job_id, _place(letter)}]

    found = asyncio.run(find())
    if not found:
        raise VeilError(f"no dead letter of {which}; `veil dlq list` shows what there is")
    with open_output(None) as write:
        for letter in found:
            write(_full(letter))
    return 0


async def _letters(settings: Settings) -> AsyncIterator[DeadLetter]:
    topic = TopicNames(settings.kafka.topic_prefix)["dead_letters"]
    async with TopicReader(settings, [topic], start="beginning") as reader:
        async for record in reader.records():
            yield decode(record.value, DeadLetter)


async def _collect(settings: Settings, code: str | None, tenant: str | None) -> list[dict[str, Any]]:
    return [
        _row(letter)
        async for letter in _letters(settings)
        if (code is None or letter.code == code) and (tenant is None or letter.tenant == tenant)
    ]


def _row(letter: DeadLetter) -> dict[str, Any]:
    return {
        "at": datetime.fromtimestamp(letter.at, UTC).isoformat(timespec="milliseconds"),
        "code": letter.code,
        "stage": letter.stage,
        "job": letter.job_id or f"#{letter.job_hash or '-'}",
        "record": _place(letter),
        "length": letter.length,
        "detail": letter.detail,
    }


def _full(letter: DeadLetter) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(letter, redacted=None, original=None))
    shown["redacted"] = msgspec.Raw(letter.redacted) if letter.redacted is not None else None
    shown["original"] = (
        f"sealed to replay key {letter.original.key_id}, {len(letter.original.ciphertext)} bytes"
        if letter.original is not None
        else None
    )
    return shown


def _place(letter: DeadLetter) -> str:
    origin = letter.origin
    return f"{origin.topic}/{origin.partition}/{origin.offset}"
