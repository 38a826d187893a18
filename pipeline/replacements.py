"""What takes a value's place in a request: the policy's action on its entity decides."""

from collections.abc import Sequence

from pipeline.json_text import View, from_json, json_regions, to_json
from pipeline.occurrences import Occurrence
from pipeline.one_way import hash_name, hash_token, mask
from pipeline.placeholders import Issuer, Scope, bare
from pipeline.policy import ONE_WAY, Action, Policy
from pipeline.redaction import Decisions
from pipeline.surrogates import SurrogateFinder, Surrogates
from pipeline.text import RedactedText


class Replacements:
    """Gives a job's values their replacements; `one_way` are those that nothing brings back.

    Without `surrogates`, or where there is none for a value, a placeholder stands for it.
    """

    def __init__(self, policy: Policy, scope: Scope, issuer: Issuer, surrogates: Surrogates | None = None) -> None:
        self._policy = policy
        self._scope = scope
        self._issuer = issuer
        self._surrogates = surrogates
        self._texts: list[tuple[str, list[str]]] = []
        self._placed: list[str] = []
        self.one_way: set[str] = set()

    def __repr__(self) -> str:
        return f"<Replacements {len(self.one_way)} one way>"

    def issue(self, entity: str, text: str, *, in_json: bool = False) -> str:
        """What stands for a text; one spelled as in JSON is meant by what it says there."""
        match self._policy.action(entity):
            case Action.MASK:
                replacement = mask(entity, _meaning(text, in_json), self._policy.shown(entity))
            case Action.HASH:
                replacement = hash_token(entity, _meaning(text, in_json), self._scope)
            case Action.SURROGATE if not in_json and (surrogate := self._surrogate(entity, text)):
                self._placed.append(surrogate)
                return surrogate
            case _:
                return self._issuer.issue(entity, text, in_json=in_json)
        self.one_way.add(replacement)
        return replacement

    def _surrogate(self, entity: str, text: str) -> str | None:
        # What goes one way is none: nothing could tell that it stands for something.
        if self._surrogates is None or not self._policy.reversible(entity):
            return None
        return self._surrogates.issue(entity, text)

    def written(self, text: str) -> None:
        """A text is whole, with all that was issued since the last one."""
        self._texts.append((text, self._placed))
        self._placed = []

    def all_found(self) -> bool:
        """Whether restoring would find each surrogate where it was put, and no other."""
        finder = SurrogateFinder(self._surrogates.originals if self._surrogates else ())
        return all(
            [(hit.surrogate, text[hit.start : hit.end]) for hit in finder.find(text)] == [(one, one) for one in placed]
            for text, placed in self._texts
        )

    def issue_name(self, entity: str, text: str) -> str:
        """What stands for a participant's name: an identifier, and another one for another participant."""
        if self._policy.action(entity) in ONE_WAY:
            replacement = hash_name(entity, text, self._scope)
            self.one_way.add(replacement)
            return replacement
        return bare(self._issuer.issue(entity, text))


def _meaning(text: str, in_json: bool) -> str:
    return (from_json(text) or text) if in_json else text


def fill(decisions: Decisions, replacements: Replacements) -> None:
    """Put the replacements into the request's texts."""
    for passage in decisions.passages:
        if passage.spans:
            text = redact(passage.view, passage.spans, replacements)
            passage.slot.fill(text)
            replacements.written(text)
    for name in decisions.names:
        if name.entity:
            # `Ann_Lee` and `Ann Lee` are one person to the model.
            name.slot.fill(replacements.issue_name(name.entity, name.spaced))


def redact(seen: View, spans: Sequence[Occurrence], replacements: Replacements) -> RedactedText:
    """Replace each span; the original of a placeholder brings back the text exactly as it was spelled.

    What a placeholder stands for depends on where it lands: restoring escapes a
    value that lands inside a JSON string. So the text is laid out first, and each
    original is kept as it has to be inserted there.
    """
    raw = seen.raw
    parts = [(seen.to_raw(span.start), seen.to_raw(span.end), span.entity) for span in spans]
    quoted = [bool(seen.regions) and seen.is_number(span.start, span.end) for span in spans]
    landings = _landings(raw, parts, quoted)
    if any(number and not inside for number, inside in zip(quoted, landings, strict=True)):
        quoted = [False] * len(parts)
        landings = _landings(raw, parts, quoted)
    pieces: list[str] = []
    done = 0
    for (start, end, entity), number, inside in zip(parts, quoted, landings, strict=True):
        spelled = raw[start:end]
        if number:
            replacement = f'"{replacements.issue(entity, spelled, in_json=True)}"'
        elif inside and (plain := _canonical(spelled)) is None:
            replacement = replacements.issue(entity, spelled, in_json=True)
        else:
            replacement = replacements.issue(entity, plain if inside and plain is not None else spelled)
        pieces += raw[done:start], replacement
        done = end
    pieces.append(raw[done:])
    return RedactedText("".join(pieces))


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
