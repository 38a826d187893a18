"""`veil detect` and `veil redact`: look at text without sending anything."""

from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.text import Text

from agents.cli.jobs import parse_job
from agents.cli.options import CONFIG, line_progress, open_output, open_settings, read_lines
from pipeline.adapters.database_cache import cached_engine
from pipeline.adapters.recognizers.running import RunningPlugins
from pipeline.decoding import InvalidUtf8, MalformedJson, WrongSchema
from pipeline.detection import Finding, build_detector, catalogue
from pipeline.errors import VeilError
from pipeline.placeholders import Scope
from pipeline.policy import load_policies
from pipeline.policy_detector import PolicyDetectors
from pipeline.request import redact_request
from pipeline.text import RawText
from schemas.job import Endpoint, Job


class _TextLine(msgspec.Struct):
    """A line as `detect` reads it; other fields are ignored."""

    id: str | int
    text: str

    def __repr__(self) -> str:
        return "<_TextLine>"


@click.command()
@click.argument("source", metavar="[FILE|-]", default="-")
@click.option(
    "--entities",
    default="default",
    show_default=True,
    help="`default` (on by default), `all`, or names of the catalogue separated by commas.",
)
def detect(source: str, entities: str) -> int:
    """Show what detection finds, one text a line.

    \b
    Reads   {"id":"1","text":"Mail jane@example.org"}      (other fields are ignored)
    Writes  {"id":"1","text":"…","spans":[{"start":5,"end":21,"label":"EMAIL","score":0.9}]}

    Offsets count code points; spans are sorted and disjoint; lines come in input order.
    """
    detector = build_detector(_entities(entities), engine=cached_engine())
    console = Console()
    # Beside results on the same screen a progress line would only be in their way.
    with open_output(None) as write, line_progress(source, shown=not console.is_terminal) as progress:
        for number, line in progress(read_lines(source)):
            item = _text_line(number, line)
            findings = detector.detect(RawText(item.text))
            if console.is_terminal:
                console.print(_coloured(item.text, findings))
            else:
                write({"id": item.id, "text": item.text, "spans": [_span(finding) for finding in findings]})
    return 0


@click.command()
@click.argument("source", metavar="[FILE|-]", default="-")
@click.option("--policy", type=click.Path(path_type=Path, dir_okay=False), help="Policy file (default: policy.file).")
@CONFIG
def redact(source: str, policy: Path | None, config: Path | None) -> int:
    """Dry run: show what OpenAI would be sent for each job, or each {"id","text"} line.

    Nothing is sent or written elsewhere. Placeholders are those of a throw-away key, so a
    worker's differ; where a job would be refused, its code is shown instead.
    """
    settings = open_settings(config)
    policies = load_policies(policy or settings.policy.file)
    detectors = PolicyDetectors(policies, RunningPlugins(), cached_engine())
    with open_output(None) as write:
        refused = 0
        for _, line in read_lines(source):
            job_id: str | int | None = None
            try:
                job = _as_job(line)
                job_id = job.job_id
                chosen = policies.select(job.tenant, job.policy)
                scope = Scope(key=b"dry run", id=f"{job.tenant}/job/{job.job_id}")
                body = redact_request(
                    job.endpoint, bytes(job.request), policy=chosen, detector=detectors(chosen), scope=scope
                )
            except VeilError as error:
                refused += 1
                write({"job_id": job_id, "refused": error.code, "detail": error.detail})
                continue
            write(
                {
                    "job_id": job_id,
                    "request": msgspec.Raw(body.body),
                    "entities": body.entities,
                    "actions": body.actions,
                }
            )
    return 1 if refused else 0


def _entities(text: str) -> frozenset[str] | None:
    if text == "default":
        return None
    if text == "all":
        return frozenset(catalogue())
    names = frozenset(name.strip() for name in text.split(",") if name.strip())
    unknown = sorted(names - catalogue().keys())
    if unknown:
        raise click.UsageError(f"not in the catalogue: {', '.join(unknown)}")
    return names


def _text_line(number: int, line: bytes) -> _TextLine:
    """Decode a line; a fault says which line, and nothing of what is in it."""
    try:
        return msgspec.json.decode(line, type=_TextLine)
    except msgspec.ValidationError:
        raise WrongSchema(f'line {number} is not {{"id":…,"text":…}}') from None
    except UnicodeDecodeError:
        raise InvalidUtf8(f"line {number} is not UTF-8") from None
    except msgspec.DecodeError:
        # Half of a surrogate pair, too: JSON can spell it, but no text can hold it.
        raise MalformedJson(f"line {number} is not JSON, or holds half of a surrogate pair") from None


def _as_job(line: bytes) -> Job:
    """A job line, or a text line as the one user message of a chat."""
    try:
        item = msgspec.json.decode(line, type=_TextLine)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return parse_job(line)
    request = {"model": "any", "messages": [{"role": "user", "content": item.text}]}
    return Job(
        job_id=str(item.id), endpoint=Endpoint.CHAT_COMPLETIONS, request=msgspec.Raw(msgspec.json.encode(request))
    )


def _span(finding: Finding) -> dict[str, Any]:
    return {
        "start": finding.start,
        "end": finding.end,
        "label": finding.entity,
        "score": round(finding.score, 4),
    }


def _coloured(text: str, findings: list[Finding]) -> Text:
    shown = Text()
    position = 0
    for finding in findings:
        shown.append(text[position : finding.start])
        shown.append(text[finding.start : finding.end], style="black on yellow")
        shown.append(f" {finding.entity} ", style="bold red")
        position = finding.end
    shown.append(text[position:])
    return shown
