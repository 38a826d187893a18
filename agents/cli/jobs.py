"""`veil submit` and `veil results`: jobs in, opened results out."""

import asyncio
import secrets
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from agents.cli.options import CONFIG, open_output, open_settings, read_lines
from pipeline.client import Client
from pipeline.decoding import decode
from pipeline.errors import VeilError
from pipeline.settings import Settings
from schemas.job import Job
from schemas.result import Result, Status


@click.command()
@click.argument("source", metavar="FILE|-")
@click.option("--wait", is_flag=True, help="Wait for every job's result.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write opened results here (mode 0600) instead of stdout; with --wait.",
)
@click.option("--plain", is_flag=True, help="Do not seal: raw on the broker until the redactor deletes it.")
@click.option("--timeout", type=float, help="Seconds to wait for one job at most (default: no limit).")
@click.option("--in-flight", default=1000, show_default=True, help="Jobs awaited at once.")
@CONFIG
def submit(
    source: str,
    wait: bool,
    out: Path | None,
    plain: bool,
    timeout: float | None,
    in_flight: int,
    config: Path | None,
) -> int:
    """Submit one job a line.

    \b
    A line is a job:
      {"endpoint":"chat.completions","request":{"model":"gpt-4o-mini","messages":[…]}}
    `schema` and `job_id` may be left out; job_id is then drawn and printed.

    With --wait, one opened result a line, as they come; exit 0 when every job completed,
    1 when any was dead-lettered. Without, one {"job_id":…} a line.
    """
    settings = open_settings(config)
    if out is not None and not wait:
        raise click.UsageError("--out needs --wait")
    jobs = list(_read_jobs(source))
    if not jobs:
        raise click.UsageError(f"{source} holds no job")
    if wait:
        return asyncio.run(_submit_and_wait(settings, jobs, out, plain, timeout, in_flight))
    asyncio.run(_submit(settings, jobs, plain))
    return 0


@click.command()
@click.option("--follow", is_flag=True, help="Go on with new results as they come.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Write here (mode 0600) instead of stdout."
)
@CONFIG
def results(follow: bool, out: Path | None, config: Path | None) -> int:
    """Open every result on the broker that is sealed to a key of ours, one a line."""
    settings = open_settings(config)

    async def read() -> None:
        with open_output(out) as write:
            async with Client(settings) as client:
                async for result in client.results(follow=follow):
                    write(result)

    asyncio.run(read())
    return 0


def _read_jobs(source: str) -> Iterator[Job]:
    for number, line in read_lines(source):
        try:
            yield parse_job(line)
        except VeilError as error:
            place = f" ({error.detail})" if error.detail else ""
            raise click.UsageError(f"line {number} is not a job: {error.code}{place}; nothing was sent") from None


def parse_job(line: bytes) -> Job:
    """A job as people write it: `schema` and `job_id` may be missing.

    Raises:
        VeilError: one of `pipeline.decoding`'s faults.
    """
    try:
        fields = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return decode(line, Job)
    fields.setdefault("schema", msgspec.Raw(b'"job/1"'))
    fields.setdefault("job_id", msgspec.Raw(b'"' + secrets.token_hex(16).encode() + b'"'))
    return decode(msgspec.json.encode(fields), Job)


async def _submit(settings: Settings, jobs: list[Job], plain: bool) -> None:
    async with Client(settings) as client:
        with open_output(None) as write, _progress(len(jobs), "submitted") as advance:
            for job in jobs:
                write({"job_id": await client.submit(job, plain=plain)})
                advance(True)


async def _submit_and_wait(
    settings: Settings,
    jobs: list[Job],
    out: Path | None,
    plain: bool,
    timeout: float | None,
    in_flight: int,
) -> int:
    completed = 0
    codes: dict[str, int] = {}
    async with Client(settings) as client:
        with open_output(out) as write, _progress(len(jobs), "ended") as advance:
            async for result in client.complete_all(jobs, plain=plain, max_in_flight=in_flight, timeout=timeout):
                write(result)
                completed += result.status is Status.COMPLETED
                advance(result.status is Status.COMPLETED)
                _count(codes, result)
    summary = "".join(f", {count} {code}" for code, count in sorted(codes.items()))
    click.echo(f"{completed} of {len(jobs)} completed{summary}", err=True)
    return 0 if completed == len(jobs) else 1


def _count(codes: dict[str, int], result: Result) -> None:
    if result.error is not None:
        codes[result.error.code.value] = codes.get(result.error.code.value, 0) + 1


class _progress:
    """A bar on a terminal; nothing elsewhere."""

    def __init__(self, total: int, verb: str) -> None:
        self._bar = Progress(
            TextColumn(verb),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[failed]} failed"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
            transient=True,
        )
        self._task = self._bar.add_task(verb, total=total, failed=0)
        self._failed = 0

    def __enter__(self) -> Callable[[bool], None]:
        self._bar.start()
        return self._advance

    def __exit__(self, *_: Any) -> None:
        self._bar.stop()

    def _advance(self, good: bool) -> None:
        self._failed += not good
        self._bar.update(self._task, advance=1, failed=self._failed)
