"""A policy file's own examples: what it says should come of a text or a request, and what does."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from pipeline.errors import VeilError
from pipeline.placeholders import Scope
from pipeline.policy import Policies, Policy
from pipeline.policy_source import PolicyPlace
from pipeline.redaction import Detector
from pipeline.request import RedactedBody, redact_request
from schemas.job import Endpoint

_KEYS = frozenset({"text", "request", "endpoint", "tenant", "policy", "entities", "redacted", "refused"})
_HASH = re.compile(r"\[([A-Z][A-Z0-9_]*)#[0-9a-f]+\]")
_SCOPE = Scope(key=b"examples", id="examples/job/example")


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """One of `[[examples]]`.

    Attributes:
        number: Its place in the file, from 1.
        line: Where it begins.
        tenant: Whose job it is; empty: a tenant's that the file does not name.
        policy: What the job asks for.
        endpoint: Of the request.
        request: The body; a text is the one user message of a chat.
        is_text: Whether it was a text.
        entities: Counts of findings that are expected.
        redacted: The text or body that is expected, codes left out: `[EMAIL]`, `[EMAIL#]`; `[EMAIL~]` for a surrogate.
        refused: The error code that is expected instead.

    """

    number: int
    line: int | None
    tenant: str
    policy: str | None
    endpoint: Endpoint
    request: bytes
    is_text: bool
    entities: dict[str, int] | None
    redacted: Any
    refused: str | None

    def __repr__(self) -> str:
        return f"<Example {self.number}>"


def read_examples(policies: Policies) -> list[Example]:
    """The file's examples.

    Raises:
        MalformedPolicy: One is not as it must be.

    """
    return [_read(policies, table, place, number) for number, (place, table) in enumerate(policies.examples, 1)]


def run_example(example: Example, policies: Policies, detector_for: Callable[[Policy], Detector]) -> list[str]:
    """What differs from what the example expects; nothing, if it holds."""
    refused = None
    body: RedactedBody | None = None
    try:
        policy = policies.select(example.tenant, example.policy)
        # The instruction is the same in every request and no part of what is tried; a text asks for no model.
        models = None if example.is_text else policy.models
        quiet = msgspec.structs.replace(policy, instruction=False, models=models)
        body = redact_request(
            example.endpoint, example.request, policy=quiet, detector=detector_for(policy), scope=_SCOPE
        )
    except VeilError as error:
        refused = error.code.value
    if body is None or example.refused:
        return [] if refused == example.refused else [f"refused: {refused}, expected {example.refused}"]
    faults = []
    if example.entities is not None and body.entities != example.entities:
        faults.append(f"entities: {_counts(body.entities)}, expected {_counts(example.entities)}")
    if example.redacted is not None and (redacted := _without_codes(example, body)) != example.redacted:
        faults.append(f"redacted: {_spelled(redacted)}, expected {_spelled(example.redacted)}")
    return faults


def _read(policies: Policies, table: Mapping[str, Any], place: PolicyPlace, number: int) -> Example:
    source = policies.source
    source.only(table, _KEYS, place)
    text, request = table.get("text"), table.get("request")
    if (text is None) == (request is None):
        raise source.error("needs text or request", place)
    kind = str if request is None else dict
    if request is None:
        request = {
            "model": "gpt-4o",
            "messages": [{"role": "user", "content": source.typed(table, "text", str, place)}],
        }
    else:
        source.typed(table, "request", dict, place)
    endpoint = source.text(table, "endpoint", Endpoint.CHAT_COMPLETIONS.value, place)
    if endpoint not in set(Endpoint):
        raise source.error(f"endpoint must be one of {', '.join(Endpoint)}", place, "endpoint")
    if not {"entities", "redacted", "refused"} & table.keys():
        raise source.error("needs entities, redacted or refused", place)
    entities = source.typed(table, "entities", dict, place)
    if entities is not None and not all(type(count) is int for count in entities.values()):
        raise source.error("entities must hold whole numbers", place, "entities")
    return Example(
        number=number,
        line=source.line(place),
        tenant=source.text(table, "tenant", "", place),
        policy=source.text(table, "policy", "", place) or None,
        endpoint=Endpoint(endpoint),
        request=msgspec.json.encode(request),
        is_text=kind is str,
        entities=entities,
        redacted=source.typed(table, "redacted", kind, place),
        refused=source.text(table, "refused", "", place) or None,
    )


def _without_codes(example: Example, body: RedactedBody) -> Any:
    spelled = body.body.decode()
    for placeholder, entity in body.issued.items():
        spelled = spelled.replace(placeholder, f"[{entity}]").replace(placeholder[1:-1], entity)
    # What is drawn depends on the key; in JSON a surrogate is spelled as it is.
    for surrogate in sorted(body.surrogates, key=len, reverse=True):
        spelled = spelled.replace(surrogate, f"[{body.surrogates[surrogate].entity}~]")
    tree = msgspec.json.decode(_HASH.sub(r"[\1#]", spelled))
    return tree["messages"][0]["content"] if example.is_text else tree


def _counts(entities: Mapping[str, int]) -> str:
    return ", ".join(f"{entity} {count}" for entity, count in sorted(entities.items())) or "none"


def _spelled(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value, order="sorted").decode()
