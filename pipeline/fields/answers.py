"""Rules for what a request and its answer have in common, and for what an answer tells of its own texts."""

from dataclasses import dataclass

from pipeline.fields.rules import Rule
from pipeline.walk import Citation, Spelling, Spot


@dataclass(frozen=True)
class Shape:
    """A schema that the answer will follow: `named`, that of a call's arguments; else that of its text."""

    rule: Rule
    named: bool = True

    def visit(self, spot: Spot) -> None:
        name = spot.container.get("name") if self.named else ""
        if isinstance(name, str):
            spot.walk.shapes[name] = spot.value
        self.rule.visit(spot)


@dataclass(frozen=True)
class Cited:
    """An object with a text in its field `text` and, in `annotations`, offsets into it."""

    text: str
    rule: Rule

    def visit(self, spot: Spot) -> None:
        self.rule.visit(spot)
        if isinstance(spot.value, dict) and isinstance(annotations := spot.value.get("annotations"), list):
            spot.walk.citations.append(Citation(spot.value, self.text, annotations))


@dataclass(frozen=True)
class Spelled:
    """An object whose texts are spelled again, token by token, in its field `logprobs`."""

    rule: Rule

    def visit(self, spot: Spot) -> None:
        first = len(spot.walk.slots)
        self.rule.visit(spot)
        if isinstance(spot.value, dict) and spot.value.get("logprobs"):
            spot.walk.spellings.append(Spelling(spot.value, "logprobs", range(first, len(spot.walk.slots))))
