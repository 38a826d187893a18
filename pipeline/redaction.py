"""Redaction: detect, decide, and put placeholders in the place of what the policy redacts."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import quote

from pipeline.aliases import ADDRESS, NAME, aliases, handles
from pipeline.detection.types import Finding
from pipeline.errors import DetectionFailed, VeilError
from pipeline.json_text import View, from_json, json_regions, to_json, view
from pipeline.last_check import DIGITS_SOUGHT
from pipeline.occurrences import Occurrence, Sought, Value, find_all, value
from pipeline.parts import parts
from pipeline.placeholders import Issuer, bare
from pipeline.policy import Action, Policy
from pipeline.text import RawText, RedactedText
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

    def decide(self, slots: Iterable[Slot]) -> Decisions:
        """Find what is to be redacted in the texts of a request.

        Raises:
            BlockedByPolicy: The policy blocks an entity that was found.
            UnsafeName: An identifier that cannot be replaced has a finding.

        """
        decisions = Decisions()
        blocked: Counter[str] = Counter()
        clean: list[Slot] = []
        for slot in slots:
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
        spread(decisions, self._policy.allows)
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

    def _action(self, text: str, finding: Finding) -> Action:
        if self._policy.allows(text[finding.start : finding.end]):
            return Action.ALLOW
        return self._policy.action(finding.entity)

    def _count(
        self, text: str, decisions: Decisions, blocked: Counter[str], *, prose: bool = True
    ) -> Iterable[Finding]:
        """The findings to redact; every finding is counted."""
        for finding in self.findings(text, prose=prose):
            action = self._action(text, finding)
            decisions.entities[finding.entity] += 1
            decisions.actions[action.value] += 1
            if action is Action.ALLOW:
                decisions.in_clear[finding.entity] += 1
            elif action is Action.BLOCK:
                blocked[finding.entity] += 1
            elif action is Action.REDACT:
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


def spread(decisions: Decisions, allowed: Callable[[str], bool]) -> None:
    """Redact each value at every occurrence in every text of the request.

    `allowed` says of another form of a name whether the policy leaves it as it is.
    """
    if not decisions.values:
        return
    _seek_parts(decisions)
    _seek_aliases(decisions, allowed)
    _seek_encoded(decisions)
    values = Sought(decisions.values.values())
    for passage in decisions.passages:
        text = passage.view.text
        settled = find_all(text, values, passage.spans)
        if passage.view.cells and settled != passage.spans:
            settled = _within_cells(passage.view, settled)
        for added in set(settled).difference(passage.spans):
            decisions.entities[added.entity] += 1
            decisions.actions[Action.REDACT.value] += 1
        passage.spans = settled
    for name in decisions.names:
        for text in (name.slot.text, name.spaced) if name.entity is None else ():
            if found := find_all(text, values, ()):
                name.entity = found[0].entity
                decisions.entities[name.entity] += 1
                decisions.actions[Action.REDACT.value] += 1
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


def fill(decisions: Decisions, issuer: Issuer) -> None:
    """Put the placeholders into the request's texts."""
    for passage in decisions.passages:
        if passage.spans:
            passage.slot.fill(redact(passage.view, passage.spans, issuer))
    for name in decisions.names:
        if name.entity:
            # `Ann_Lee` and `Ann Lee` are one person to the model.
            name.slot.fill(bare(issuer.issue(name.entity, name.spaced)))


def redact(seen: View, spans: Sequence[Occurrence], issuer: Issuer) -> RedactedText:
    """Replace each span by a placeholder whose original brings back the text exactly as it was spelled.

    What a placeholder stands for depends on where it lands: restoring escapes a
    value that lands inside a JSON string. So the text is laid out first, and each
    original is kept as it has to be inserted there.
    """
    raw = seen.raw
    parts = [(seen.to_raw(span.start), seen.to_raw(span.end), span.entity) for span in spans]
    quoted = [bool(seen.regions) and _is_number(seen, span) for span in spans]
    landings = _landings(raw, parts, quoted)
    if any(number and not inside for number, inside in zip(quoted, landings, strict=True)):
        quoted = [False] * len(parts)
        landings = _landings(raw, parts, quoted)
    pieces: list[str] = []
    done = 0
    for (start, end, entity), number, inside in zip(parts, quoted, landings, strict=True):
        spelled = raw[start:end]
        if number:
            placeholder = f'"{issuer.issue(entity, spelled, in_json=True)}"'
        elif inside and (plain := _canonical(spelled)) is None:
            placeholder = issuer.issue(entity, spelled, in_json=True)
        else:
            placeholder = issuer.issue(entity, plain if inside and plain is not None else spelled)
        pieces += raw[done:start], placeholder
        done = end
    pieces.append(raw[done:])
    return RedactedText("".join(pieces))


def _is_number(seen: View, span: Occurrence) -> bool:
    return any(cell.number and (cell.start, cell.end) == span[:2] for cell in seen.pieces(span.start, span.end))


def _canonical(spelled: str) -> str | None:
    """What a JSON spelling means, if it is the spelling that restoring would choose."""
    text = from_json(spelled)
    return text if text is not None and to_json(text) == spelled else None


def _landings(raw: str, parts: Sequence[tuple[int, int, str]], quoted: Sequence[bool]) -> list[bool]:
    """For each placeholder, whether it will stand inside JSON."""
    if "{" not in raw and "[" not in raw:
        return [False] * len(parts)
    laid: list[str] = []
    at: list[int] = []
    done = length = 0
    for (start, end, _), number in zip(parts, quoted, strict=True):
        placeholder = '"[X]"' if number else "[X]"
        laid += raw[done:start], placeholder
        length += start - done
        at.append(length)
        length += len(placeholder)
        done = end
    laid.append(raw[done:])
    regions = json_regions("".join(laid))
    return [any(start <= offset < end for start, end in regions) for offset in at]
