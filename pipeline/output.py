"""Output control: sensitive data in an answer that the request did not hold.

Its placeholders are somebody's known values, and are left for restoring. Whatever else
detection finds in the answer's texts, by the job's own policy, is new: made up by the
model, remembered from its training, or brought in by what the caller let it read.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from pipeline.detection.types import Finding
from pipeline.errors import VeilError
from pipeline.json_text import View, view
from pipeline.occurrences import Occurrence, fold
from pipeline.placeholders import lookalikes as shapes_in
from pipeline.policy import Action, Policy
from pipeline.redaction import Decider, Decisions, Detector, Passage, spread
from pipeline.rehydration import Codes, Replacement, placeholder_spans, replace
from pipeline.request import read_answer, write_answer
from pipeline.walk import Place
from schemas.codes import ErrorCode
from schemas.job import Endpoint
from schemas.redacted import Original, OutputAction

_MASK = "■"
"""Stands for each character of a placeholder while detection looks: no letter, digit, space or punctuation."""
_ECHOED = frozenset({"instructions", "metadata", "text", "tools"})
"""Fields of a response that repeat the request."""


class OutputBlocked(VeilError):
    """The answer holds new sensitive data, and the policy blocks that; `detail` counts it by kind."""

    code = ErrorCode.OUTPUT_BLOCKED

    def __init__(self, entities: dict[str, int]) -> None:
        self.entities = entities
        super().__init__(", ".join(f"{entity} {count}" for entity, count in sorted(entities.items())))


class OutputNotChecked(VeilError):
    """The policy asks for a look at the answer, and its version is not to be had here."""

    code = ErrorCode.OUTPUT_NOT_CHECKED


@dataclass(frozen=True)
class CheckedAnswer:
    """An answer as it may be restored, and what is new in it, counted by kind."""

    body: bytes = field(repr=False)
    entities: dict[str, int]


def check_answer(
    endpoint: Endpoint,
    answer: bytes,
    *,
    action: OutputAction,
    policy: Policy,
    detector: Detector,
    originals: Mapping[str, Original],
    issued: Mapping[str, str],
    lookalikes: Collection[str] = (),
    surrogates: Mapping[str, Original] = MappingProxyType({}),
) -> CheckedAnswer:
    """Look for new sensitive data in an answer that is not restored yet.

    With `redact` it is replaced by its kind, one way, at every place where it stands; the bytes of an answer
    with nothing new stay as they came. Kinds and texts that the policy allows are nothing to look for.

    Raises:
        OutputBlocked: there is some, and the action is `block`.
        MalformedAnswer: it is no answer of the endpoint.
        DetectionFailed: it could not be looked at entirely.
    """
    tree, walk = read_answer(endpoint, answer)
    codes = Codes.of(originals, issued, frozenset(lookalikes), surrogates)
    known = frozenset(fold(original.text) for original in (*originals.values(), *surrogates.values()))
    decider = Decider(policy, detector)
    decisions = Decisions()
    for slot in walk.slots:
        if _root(slot.place) in _ECHOED:
            continue
        masked = _mask(slot.text, codes)
        passage = Passage(slot, view(masked))
        for finding in decider.findings(passage.view.text, prose=slot.prose):
            text = passage.view.text[finding.start : finding.end]
            if _is_new(text, finding, policy, known):
                _claim(passage, finding, decisions)
        decisions.passages.append(passage)
    spread(decisions, policy)
    found = Counter(span.entity for passage in decisions.passages for span in passage.spans)
    if not found or action is OutputAction.ALLOW:
        return CheckedAnswer(answer, dict(found))
    if action is OutputAction.BLOCK:
        raise OutputBlocked(dict(found))
    for passage in decisions.passages:
        if passage.spans:
            found_here = (_kind_in_place(span, passage.view) for span in passage.spans)
            passage.slot.fill(replace(passage.slot.text, found_here))
    _drop_logprobs(tree)
    return CheckedAnswer(write_answer(tree), dict(found))


def _root(place: Place) -> str | int:
    while place.parent is not None:
        place = place.parent
    return place.name


def _mask(text: str, codes: Codes) -> str:
    """The text without its placeholders, every offset unchanged: a code looks like a secret."""
    spans = placeholder_spans(text, codes)
    return replace(text, (Replacement(start, end, _MASK * (end - start)) for start, end in spans))


def _is_new(text: str, finding: Finding, policy: Policy, known: Collection[str]) -> bool:
    if policy.action(finding.entity) is Action.ALLOW or policy.allows(text):
        return False
    # What only looks like a placeholder is the receipt's.
    return _MASK not in text and fold(text) not in known and not shapes_in(text)


def _claim(passage: Passage, finding: Finding, decisions: Decisions) -> None:
    for piece in passage.view.pieces(finding.start, finding.end):
        if not passage.spans or passage.spans[-1].end <= piece.start:
            passage.spans.append(Occurrence(piece.start, piece.end, finding.entity))
            decisions.seek(passage.view.text[piece.start : piece.end], finding.entity)


def _kind_in_place(span: Occurrence, seen: View) -> Replacement:
    """A span's kind, where it stands in the text as the model wrote it; in JSON a number's is a string."""
    kind = f'"[{span.entity}]"' if seen.is_number(span.start, span.end) else f"[{span.entity}]"
    return Replacement(seen.to_raw(span.start), seen.to_raw(span.end), kind)


def _drop_logprobs(value: Any) -> None:
    """Log probabilities spell the texts that were replaced, token by token."""
    if isinstance(value, dict):
        for name, item in value.items():
            if name == "logprobs" and item is not None:
                value[name] = [] if isinstance(item, list) else None
            else:
                _drop_logprobs(item)
    elif isinstance(value, list):
        for item in value:
            _drop_logprobs(item)
