"""The sample jobs of `jobs.jsonl`, filled with values that are drawn for this run alone.

A line is a job as `veil submit` takes it, with markers where values go:
`{{canary:EMAIL}}` is a fresh value of that kind (`{{canary:EMAIL:2}}` another one), and
`{{text:PRIVATE_KEY_BLOCK}}` a whole block that holds one. The labels say what to expect.
"""

import json
import re
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from infra.canaries import Canary, make_canaries
from pipeline.policy import Policies, load_policies
from schemas.job import Endpoint, Job

HERE = Path(__file__).parent
JOBS_FILE = HERE / "jobs.jsonl"
POLICY_FILE = HERE / "policy.toml"

_MARKER = re.compile(r"\{\{(?P<part>canary|text):(?P<entity>[A-Z0-9_]+)(?::(?P<draw>\d))?\}\}")


class Planted(msgspec.Struct, frozen=True):
    """A sensitive value of one job; `reversible` says whether the requester may see it again."""

    entity: str
    value: str
    reversible: bool

    def __repr__(self) -> str:
        return f"<Planted {self.entity}>"


class Sample(msgspec.Struct, frozen=True):
    """A job and what should become of it: `ends` is `completed` or an error's code."""

    job: Job
    planted: tuple[Planted, ...]
    title: str
    ends: str
    lost: int | None
    invented: int
    note: str

    def __repr__(self) -> str:
        return f"<Sample {self.job.job_id}>"

    @property
    def values(self) -> list[str]:
        return [planted.value for planted in self.planted]


def load_samples() -> list[Sample]:
    """Read the file and fill it; every call draws other values."""
    policies = load_policies(POLICY_FILE)
    lines = JOBS_FILE.read_text(encoding="utf-8").splitlines()
    return [_sample(json.loads(line), policies) for line in lines]


def canaries(samples: Sequence[Sample]) -> dict[str, str]:
    """What a sweep looks for, by a name that may be shown."""
    return {
        f"{planted.entity} {number} of {sample.job.job_id}": planted.value
        for sample in samples
        for number, planted in enumerate(sample.planted, 1)
    }


def strings(node: Any) -> Iterator[str]:
    """Every text of a JSON value, keys left out."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, list | dict):
        for item in node.values() if isinstance(node, dict) else node:
            yield from strings(item)


def _sample(line: dict[str, Any], policies: Policies) -> Sample:
    filling = _Filling()
    request = filling.fill(line.pop("request"))
    line["endpoint"] = Endpoint(line["endpoint"])
    job = Job(**line, request=msgspec.Raw(msgspec.json.encode(request)))
    policy = policies.select(job.tenant, job.policy)
    entities = dict(filling.entities)
    text = "\n".join(strings(request))
    for listed in policy.exact_lists:
        for name in listed.values:
            entities |= dict.fromkeys(re.findall(re.escape(name), text, re.IGNORECASE), listed.entity)
    labels = job.labels
    return Sample(
        job=job,
        planted=tuple(Planted(entity, value, policy.reversible(entity)) for value, entity in entities.items()),
        title=labels["title"],
        ends=labels["ends"],
        lost=int(labels["lost"]) if "lost" in labels else None,
        invented=int(labels.get("invented", "0")),
        note=labels.get("note", ""),
    )


class _Filling:
    """Fills the markers of one job; equal markers get equal values."""

    def __init__(self) -> None:
        self.entities: dict[str, str] = {}
        self._draws: dict[str, dict[str, Canary]] = {}

    def fill(self, node: Any) -> Any:
        if isinstance(node, str):
            return _MARKER.sub(self._text, node)
        if isinstance(node, list):
            return [self.fill(item) for item in node]
        if isinstance(node, dict):
            return {key: self.fill(item) for key, item in node.items()}
        return node

    def _text(self, marker: re.Match[str]) -> str:
        draw = marker["draw"] or "1"
        if draw not in self._draws:
            self._draws[draw] = make_canaries(secrets.randbits(64))
        canary = self._draws[draw][marker["entity"]]
        self.entities[canary.value] = canary.entity
        return canary.value if marker["part"] == "canary" else canary.text
