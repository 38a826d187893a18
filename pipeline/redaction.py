"""Redaction: detect, and decide what the policy does not let through (`replacements` puts something in its place)."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import quote

from pipeline.aliases import ADDRESS, NAME, aliases, handles
from pipeline.detection.types import Finding
from pipeline.errors import DetectionFailed, VeilError
from pipeline.field_rules import Marks
from pipeline.json_text import View, plain_view, view
from pipeline.last_check import DIGITS_SOUGHT
from pipeline.occurrences import Occurrence, Sought, Value, find_all, value
from pipeline.parts import parts
from pipeline.policy import Action, FieldAction, FieldRule, Policy
from pipeline.text import RawText
from pipeline.walk import Place, Slot, Use
from schemas.codes import ErrorCode

_NOT_DIGITS = re.compile(r"\D")
_SEPARATORS = re.compile(r"[_-]")
_NAMES = frozenset(("PERSON", "ORGANIZATION", "LOCATION", "CITY"))


class Detector(Protocol):
    """Finds entities in a text; findings are sorted and disjoint."""

    version: str

    def detect(self, text: RawText, *, prose: bool = True) -> list[Finding]:
        """Give the findings of one text; raise if it could not be looked at entirely.

        Identifiers are no prose: what only reading finds is not looked for in them.
        """
        ...


class BlockedByPolicy(VeilError):
    """The policy blocks an entity that the request holds; `entities` counts the blocked findings."""

    code = ErrorCode.BLOCKED_BY_POLICY

    def __init__(self, entities: dict[str, int]) -> None:
        super().__init__(", ".join(f"{entity} {count}" for entity, count in sorted(entities.items())))
        self.entities = entities


class UnsafeName(VeilError):
    """A finding in an identifier that cannot be replaced: a tool's or schema's name, a key."""

    code = ErrorCode.UNSAFE_ID


@dataclass
class Passage:
    """A text of the request with what is to be redacted in it, in the offsets of its view."""

    slot: Slot
    view: View = field(repr=False)
    spans: list[Occurrence] = field(default_factory=list)


@dataclass
class Name:
    """A participant's name in the request; with an entity, it is replaced whole."""

    slot: Slot
    spaced: str = field(repr=False)
    entity: str | None = None


@dataclass(repr=False)
class Decisions:
    """What was found in a request and what is done with it; counts are of findings.

    `forms` are the other forms of each full name that was found; `in_clear` counts what is left as it is.
    """

    passages: list[Passage] = field(default_factory=list)
    names: list[Name] = field(default_factory=list)
    values: dict[str, Value] = field(default_factory=dict)
    forms: dict[str, list[str]] = field(default_factory=dict)
    entities: Counter[str] = field(default_factory=Counter)
    actions: Counter[str] = field(default_factory=Counter)
    in_clear: Counter[str] = field(default_factory=Counter)

    def count(self, entity: str, action: Action) -> None:
        """Count a finding."""
        self.entities[entity] += 1
        self.actions[action.value] += 1

    def seek(self, text: str, entity: str) -> None:
        """Have a value redacted wherever else it stands."""
        if text not in self.values and (item := value(text, entity)):
            self.values[text] = item


class Decider:
    """Detects and decides, text by text of one request; equal texts are detected once."""

    def __init__(self, policy: Policy, detector: Detector) -> None:
        self._policy = policy
        self._detector = detector
        self._seen: dict[tuple[str, bool], list[Finding]] = {}

    def decide(self, slots: Iterable[Slot], marks: Marks | None = None) -> Decisions:
        """Find what is to be redacted in the texts of a request; `marks` are those of the policy's field rules.

        Raises:
            BlockedByPolicy: The policy blocks an entity that was found.
            UnsafeName: An identifier that cannot be replaced has a finding.

        """
        decisions = Decisions()
        blocked: Counter[str] = Counter()
        clean: list[Slot] = []
        if marks and marks.dropped:
            decisions.actions[FieldAction.DROP.value] = marks.dropped
        for slot in slots:
            if marks and (rule := marks.of(slot)):
                self._obey(slot, rule, decisions, blocked)
                continue
            match slot.use:
                case Use.TEXT:
                    passage = Passage(slot, view(slot.text))
                    for finding in self._count(passage.view.text, decisions, blocked, prose=slot.prose):
                        self._claim(passage, finding, decisions)
                    decisions.passages.append(passage)
                case Use.NAME:
                    self._name(slot, decisions, blocked)
                case Use.CLEAN:
                    clean.append(slot)
        if blocked:
            raise BlockedByPolicy(dict(blocked))
        self._check_clean(clean)
        spread(decisions, self._policy)
        return decisions

    def findings(self, text: str, *, prose: bool = True) -> list[Finding]:
        """The findings of a text that reach the policy's threshold, checked for shape."""
        findings = self._seen.get((text, prose))
        if findings is None:
            findings = self._detector.detect(RawText(text), prose=prose)
            end = 0
            for finding in findings:
                if not end <= finding.start < finding.end <= len(text):
                    raise DetectionFailed("findings are not sorted and disjoint")
                end = finding.end
            thresholds = self._policy.thresholds
            findings = [item for item in findings if item.score >= thresholds.get(item.entity, 0.0)]
            self._seen[text, prose] = findings
        return findings

    def _obey(self, slot: Slot, rule: FieldRule, decisions: Decisions, blocked: Counter[str]) -> None:
        """Do as a field rule says; what is found elsewhere is sought in an allowed field, too."""
        entity = rule.entity if rule.action is FieldAction.REDACT else None
        if entity:
            action = self._policy.replacing(entity)
            decisions.count(entity, action)
            decisions.seek(slot.text, entity)
            if action is Action.BLOCK:
                blocked[entity] += 1
        match slot.use:
            case Use.TEXT if entity:
                # JSON inside it is not looked into: the text is one value.
                spans = [Occurrence(0, len(slot.text), entity)]
                decisions.passages.append(Passage(slot, plain_view(slot.text), spans))
            case Use.TEXT:
                decisions.passages.append(Passage(slot, view(slot.text)))
            case Use.NAME:
                decisions.names.append(Name(slot, _SEPARATORS.sub(" ", slot.text), entity))
            case Use.CLEAN if entity:
                raise UnsafeName(str(slot.place))

    def _action(self, text: str, finding: Finding) -> Action:
        if self._policy.allows(text[finding.start : finding.end]):
            return Action.ALLOW
        return self._policy.action(finding.entity)

    def _count(
        self, text: str, decisions: Decisions, blocked: Counter[str], *, prose: bool = True
    ) -> Iterable[Finding]:
        """The findings to replace; every finding is counted."""
        for finding in self.findings(text, prose=prose):
            action = self._action(text, finding)
            decisions.count(finding.entity, action)
            if action is Action.ALLOW:
                decisions.in_clear[finding.entity] += 1
            elif action is Action.BLOCK:
                blocked[finding.entity] += 1
            else:
                yield finding

    def _claim(self, passage: Passage, finding: Finding, decisions: Decisions) -> None:
        for piece in passage.view.pieces(finding.start, finding.end):
            if passage.spans and passage.spans[-1].end > piece.start:
                continue  # two findings in one number of a JSON text
            text = passage.view.text[piece.start : piece.end]
            entity = finding.entity
            # One name is one thing to the model, whatever each place says it is.
            if entity in _NAMES and text in decisions.values and decisions.values[text].entity in _NAMES:
                entity = decisions.values[text].entity
            passage.spans.append(Occurrence(piece.start, piece.end, entity))
            decisions.seek(text, entity)

    def _name(self, slot: Slot, decisions: Decisions, blocked: Counter[str]) -> None:
        """A name is one identifier: with anything in it, it is replaced whole."""
        name = Name(slot, _SEPARATORS.sub(" ", slot.text))
        decisions.names.append(name)
        for text in dict.fromkeys((slot.text, name.spaced)):
            found = list(self._count(text, decisions, blocked))
            for finding in found:
                decisions.seek(text[finding.start : finding.end], finding.entity)
            if found:
                name.entity = found[0].entity
                return

    def _check_clean(self, slots: list[Slot]) -> None:
        """Look at all identifiers in one text; a finding refuses the request, whatever its action, but allow."""
        if not slots:
            return
        starts: list[tuple[int, Place]] = []
        parts: list[str] = []
        length = 0
        for slot in slots:
            for form in dict.fromkeys((slot.text, _SEPARATORS.sub(" ", slot.text))):
                starts.append((length, slot.place))
                parts.append(form)
                length += len(form) + 1
        text = "\n".join(parts)
        for finding in self.findings(text, prose=False):
            if self._action(text, finding) is not Action.ALLOW:
                raise UnsafeName(str(max(item for item in starts if item[0] < finding.end)[1]))


def spread(decisions: Decisions, policy: Policy) -> None:
    """Replace each value at every occurrence in every text of the request."""
    if not decisions.values:
        return
    _seek_parts(decisions)
    _seek_aliases(decisions, policy.allows)
    _seek_encoded(decisions)
    values = Sought(decisions.values.values())
    for passage in decisions.passages:
        text = passage.view.text
        settled = find_all(text, values, passage.spans)
        if passage.view.cells and settled != passage.spans:
            settled = _within_cells(passage.view, settled)
        for added in set(settled).difference(passage.spans):
            decisions.count(added.entity, policy.replacing(added.entity))
        passage.spans = settled
    for name in decisions.names:
        for text in (name.slot.text, name.spaced) if name.entity is None else ():
            if found := find_all(text, values, ()):
                name.entity = found[0].entity
                decisions.count(name.entity, policy.replacing(name.entity))
                break


def _seek_parts(decisions: Decisions) -> None:
    """Seek what a composite value is made of, too: a connection string's password by itself."""
    for text, item in list(decisions.values.items()):
        for part in parts(item.entity, text):
            decisions.seek(part, item.entity)


def _seek_aliases(decisions: Decisions, allowed: Callable[[str], bool]) -> None:
    """Seek a name in its other forms, too; a form that was found itself is sought as it is."""
    found = [(text, item.entity) for text, item in decisions.values.items()]
    forms = [(text, alias) for text, entity in found for alias in aliases(entity, text)]
    names = (text for text, entity in found if entity == NAME)
    forms += handles(names, (text for text, entity in found if entity == ADDRESS))
    for text, alias in forms:
        decisions.forms.setdefault(text, []).append(alias.text)
        if not allowed(alias.text):
            decisions.values.setdefault(alias.text, alias)


def _seek_encoded(decisions: Decisions) -> None:
    """Seek a number without its separators, too, and a text as it stands in a URL."""
    in_urls = any("%" in passage.slot.text for passage in decisions.passages)
    for text, item in list(decisions.values.items()):
        digits = _NOT_DIGITS.sub("", text)
        if len(digits) >= DIGITS_SOUGHT and digits != text:
            decisions.seek(digits, item.entity)
        if in_urls and (encoded := quote(text, safe="")) != text:
            decisions.seek(encoded, item.entity)


def _within_cells(seen: View, spans: Sequence[Occurrence]) -> list[Occurrence]:
    """Cut spans to the parts of a JSON text that hold values; a number is taken whole."""
    kept: list[Occurrence] = []
    for span in spans:
        for piece in seen.pieces(span.start, span.end):
            if not kept or kept[-1].end <= piece.start:
                kept.append(Occurrence(piece.start, piece.end, span.entity))
    return kept
