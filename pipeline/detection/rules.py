"""The shape of a rule: what marks a candidate, what confirms it, what it is called.

To add an entity, add a `Rule` to the `RULES` of its family's module. Three ways to
say where a candidate is:

- `anchor` alone: a Hyperscan expression that starts where the value starts, for
  values that are recognisable by themselves (an IBAN, a vendor's token).
- `context` alone: words in front of the value ("passport no."), for values that
  are only digits or letters. `link` is what may stand between word and value.
- both: the value is looked for, and counts only with a word shortly before it.
"""

import re
from collections.abc import Callable, Iterable
from typing import TypeAlias

import msgspec

from pipeline.detection.context import NEAR, stands_alone, words_expression, words_pattern

Check: TypeAlias = Callable[[str], bool]
Span: TypeAlias = tuple[int, int, float]
# Gets the text and the span that the anchor or the context word matched.
Finder: TypeAlias = Callable[[str, int, int], Iterable[Span]]

CONTEXT_BEFORE = 64
_LEFT = r"(?<![A-Za-z0-9])"
_RIGHT = r"(?![A-Za-z0-9])"


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    r"""One way to recognise one entity.

    Attributes:
        entity: A name of the catalogue.
        pattern: Python regex of the value; a group named `v` narrows the finding
            to that group. Every repetition must be bounded: it is the only thing
            that keeps confirmation linear.
        anchor: Hyperscan expression (bytes, no look-around). Give it a fixed width
            where possible: Hyperscan reports every end of a variable one.
        context: Words of any language, lower case; a space also matches `_` and `-`.
        link: Regex between a context word and the value.
        check: Validator of the value.
        score: Score of a value that passes `check` (or needs none).
        unchecked: Score of a value that fails `check`; 0 drops it.
        bounded: Whether the value must not touch other letters or digits.
        find: Replaces `pattern` for values that no single regex describes.

    """

    entity: str
    pattern: str = ""
    anchor: str = ""
    context: tuple[str, ...] = ()
    link: str = NEAR
    check: Check | None = None
    score: float = 0.85
    unchecked: float = 0.0
    bounded: bool = True
    find: Finder | None = None

    def fingerprint(self) -> bytes:
        """Everything declared here, as bytes that are the same in every process."""
        names = [f"{f.__module__}.{f.__qualname__}" if f else "" for f in (self.check, self.find)]
        return repr(
            (self.entity, self.pattern, self.anchor, self.context, self.link, self.score, self.unchecked, names)
        ).encode()


class CompiledRule:
    """A rule ready to confirm a candidate."""

    __slots__ = (
        "_before",
        "_check",
        "_finder",
        "_from_end",
        "_group",
        "_match",
        "_score",
        "_unchecked",
        "entity",
        "expression",
        "find",
    )

    def __init__(self, rule: Rule) -> None:
        self.entity = rule.entity
        self._from_end = not rule.anchor
        self.expression = rule.anchor or words_expression(rule.context)
        self._check = rule.check
        self._score = rule.score
        self._unchecked = rule.unchecked
        self._before = re.compile(words_pattern(rule.context)) if rule.anchor and rule.context else None
        pattern = f"(?i:{rule.pattern[4:]})" if rule.pattern.startswith("(?i)") else rule.pattern
        value = f"{_LEFT}(?:{pattern}){_RIGHT}" if rule.bounded else pattern
        if self._from_end and rule.find is None:
            value = f"{rule.link}(?:{value})" if "(?P<v>" in value else f"{rule.link}(?P<v>{value})"
        regex = re.compile(value)
        self._match = regex.match
        self._group = regex.groupindex.get("v", 0)
        self._finder = rule.find
        self.find: Finder = self._after_word if self._from_end else rule.find or self._find

    def _after_word(self, text: str, start: int, end: int) -> Iterable[Span]:
        if not stands_alone(text, start, end):
            return ()
        return self._finder(text, start, end) if self._finder else self._find(text, start, end)

    def _find(self, text: str, start: int, end: int) -> Iterable[Span]:
        found = self._match(text, end if self._from_end else start)
        if found is None:
            return ()
        if self._before is not None and not self._before.search(text, max(0, start - CONTEXT_BEFORE), start):
            return ()
        begin, stop = found.span(self._group)
        if self._check is None or self._check(found[self._group]):
            return ((begin, stop, self._score),)
        return ((begin, stop, self._unchecked),) if self._unchecked else ()
