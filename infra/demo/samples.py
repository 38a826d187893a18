"""The sample jobs of `jobs.jsonl`, filled with values that are drawn for this run alone.

A line is a job as `veil submit` takes it, with markers where values go:
`{{canary:EMAIL}}` is a fresh value of that kind (`{{canary:EMAIL:2}}` another one), and
`{{text:PRIVATE_KEY_BLOCK}}` a whole sentence or block that holds one. Its labels say what to expect.
"""

import json
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from infra.canaries import Canary, make_canaries
from pipeline.detection.types import catalogue
from pipeline.policy import Policies, load_policies
from schemas.job import Endpoint, Job

HERE = Path(__file__).parent
JOBS_FILE = HERE / "jobs.jsonl"
POLICY_FILE = HERE / "policy.toml"
COMPLETED = "completed"

_MARKER = re.compile(r"\{\{(?P<part>canary|text):(?P<entity>[A-Z0-9_]+)(?::(?P<number>\d))?\}\}")


class Planted(msgspec.Struct, frozen=True):
    """A sensitive value of one job; `restored` says whether the requester may see it again."""

    entity: str
    value: str
    restored: bool

    def __repr__(self) -> str:
        return f"<Planted {self.entity}>"


class Sample(msgspec.Struct, frozen=True):
    """A job and what should become of it: `ends` is `completed` or an error's code."""

    job: Job
    planted: tuple[Planted, ...]
    title: str
    ends: str
    lost: int | None = None
    invented: int = 0
    note: str = ""

    def __repr__(self) -> str:
        return f"<Sample {self.job.job_id}>"


def load_samples() -> list[Sample]:
    """Read the file and fill it; every call draws other values."""
    policies = load_policies(POLICY_FILE)
    lines = JOBS_FILE.read_text(encoding="utf-8").splitlines()
    return [_sample(json.loads(line), policies) for line in lines]


def canaries(samples: list[Sample]) -> dict[str, str]:
    """What a sweep looks for, by a name that may be shown."""
    return {
        f"{sample.job.job_id} {planted.entity} {number}": planted.value
        for sample in samples
        for number, planted in enumerate(sample.planted, 1)
    }


def _sample(line: dict[str, Any], policies: Policies) -> Sample:
    filling = _Filling()
    request = filling.fill(line.pop("request"))
    labels = line["labels"]
    line["endpoint"] = Endpoint(line["endpoint"])
    job = Job(**line, request=msgspec.Raw(msgspec.json.encode(request)))
    policy = policies.select(job.tenant, job.policy)
    entities = dict(filling.planted)
    for listed in policy.exact_lists:
        for name in listed.values:
            for text in _strings(request):
                entities |= dict.fromkeys(re.findall(re.escape(name), text, re.IGNORECASE), listed.entity)
    planted = tuple(Planted(entity, value, policy.reversible(entity)) for value, entity in entities.items())
    lost, invented = labels.get("lost"), labels.get("invented", "0")
    return Sample(
        job=job,
        planted=planted,
        title=labels["title"],
        ends=labels["ends"],
        lost=None if lost is None else int(lost),
        invented=int(invented),
        note=labels.get("note", ""),
    )


class _Filling:
    """Fills the markers of one job; equal markers get equal values."""

    def __init__(self) -> None:
        self.planted: dict[str, str] = {}
        self._draws: dict[str, dict[str, Canary]] = {}

    def fill(self, node: Any) -> Any:
        if isinstance(node, str):
            return _MARKER.sub(self._value, node)
        if isinstance(node, list):
            return [self.fill(item) for item in node]
        if isinstance(node, dict):
            return {key: self.fill(item) for key, item in node.items()}
        return node

    def _value(self, marker: re.Match[str]) -> str:
        number = marker["number"] or "1"
        if number not in self._draws:
            self._draws[number] = make_canaries(secrets.randbits(64))
        canary = self._draws[number][marker["entity"]]
        self.planted[canary.value] = canary.entity
        return canary.value if marker["part"] == "canary" else canary.text


def _strings(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, list | dict):
        for item in node.values() if isinstance(node, dict) else node:
            yield from _strings(item)


def strings(node: Any) -> Iterator[str]:
    """Every text of a JSON value, and the texts of JSON that stands in a text."""
    for text in _strings(node):
        yield text
        if text.lstrip().startswith(("{", "[")):
            try:
                yield from _strings(json.loads(text))
            except ValueError:
                continue


__all__ = ["COMPLETED", "POLICY_FILE", "Planted", "Sample", "canaries", "catalogue", "load_samples", "strings"]
