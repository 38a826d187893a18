"""`veil demo`, `worker`, `topics`, `doctor`: running the thing."""

import asyncio
import importlib
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from agents.cli.options import CONFIG, open_output, open_settings
from pipeline.adapters.kafka import check_topics, create_topics
from pipeline.errors import VeilError
from pipeline.keys import Role


@click.command()
@click.option("--keep", is_flag=True, help="Keep the broker's data and the logs, and say where they are.")
def demo(keep: bool) -> int:
    """Raw jobs in, what OpenAI was sent, restored answers out, and a search of every byte written."""
    try:
        module = importlib.import_module("infra.demo")
    except ModuleNotFoundError:
        raise VeilError("the demo needs the project's checkout (its infra/ folder): run `make demo` there") from None
    code: int = module.run_demo(keep=keep)
    return code


@click.command()
@click.option(
    "--role",
    type=click.Choice(["all", "redactor", "completer", "rehydrator"]),
    default="all",
    show_default=True,
    help="What this process does. One role a process keeps OpenAI's caller apart from the keys.",
)
@CONFIG
def worker(role: str, config: Path | None) -> int:
    """Run the agents until SIGTERM or Ctrl-C; work in flight is finished first.

    With --role all the process that calls OpenAI also holds the keys: good on a laptop, not in
    production, where each role runs on its own with its own keys folder.
    """
    settings = open_settings(config)
    from agents.worker import ROLES, run_worker

    return run_worker(settings, list(ROLES) if role == "all" else [Role(role)])


@click.group()
def topics() -> None:
    """The topics on the broker."""


@topics.command("create")
@CONFIG
def create(config: Path | None) -> int:
    """Make the topics that do not exist yet; those that do are left as they are."""
    settings = open_settings(config)
    made = asyncio.run(create_topics(settings))
    for name in made:
        click.echo(name)
    click.echo(f"{len(made)} topics made", err=True)
    return 0


@topics.command("check")
@CONFIG
def check(config: Path | None) -> int:
    """Compare each topic's existence, partitions and configuration with what the agents need."""
    settings = open_settings(config)
    faults = asyncio.run(check_topics(settings))
    for fault in faults:
        click.echo(fault)
    click.echo("all topics are as they should be" if not faults else f"{len(faults)} differences", err=True)
    return 1 if faults else 0


@click.command()
@CONFIG
def doctor(config: Path | None) -> int:
    """Check broker, topics, keys, OpenAI's address and versions; say what is raw on disk, and for how long."""
    settings = open_settings(config)
    from agents.doctor import examine

    checks = asyncio.run(examine(settings))
    console = Console()
    if console.is_terminal:
        table = Table("", "check", "finding")
        marks = {"ok": "[green]ok[/]", "warn": "[yellow]warn[/]", "fail": "[red]FAIL[/]"}
        for item in checks:
            table.add_row(marks[item.verdict], item.name, item.finding)
        console.print(table)
    else:
        with open_output(None) as write:
            for item in checks:
                write(item)
    return 1 if any(item.verdict == "fail" for item in checks) else 0
