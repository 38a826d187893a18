"""Patterns of somebody's own, from a policy file: found by RE2, so that none can hang.

A pattern of ours is confirmed by Python's `re`, whose time is bounded because every
repetition in it is, and none lies in another. Nobody can promise that of a pattern
in a file; RE2 takes time linear in the text for any. What it can't do (look-around,
back-references) is refused when the file is read, and so is a repetition without a
bound: a search reads on to the end for each, so that all matches together would take
the square of the text. (Hyperscan isn't used here: asked for the starts of matches,
5.4.12 crashes on some patterns, such as `x+y` in a text of a thousand x.)
"""

import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import re2

from pipeline.detection.checksums import CHECKSUMS
from pipeline.detection.context import joins, words_pattern
from pipeline.detection.types import Finding
from pipeline.errors import VeilError
from schemas.codes import ErrorCode

CONTEXT_BEFORE, CONTEXT_AFTER = 64, 32
CONTEXT_RAISES = 0.35
LONGEST_PATTERN = 2000
# An escape, a class, or a repetition without a bound.
_REPEAT = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|(?P<endless>[+*]|\{\d*,\})", re.DOTALL)
# The parts of Python's messages that quote nothing of the pattern.
_SAYABLE = (
    "missing ), unterminated subpattern",
    "unbalanced parenthesis",
    "unterminated character set",
    "nothing to repeat",
    "multiple repeat",
    "min repeat greater than max repeat",
    "bad escape",
    "bad character range",
    "incomplete escape",
    "unknown extension",
    "look-behind requires fixed-width pattern",
    "global flags not at the start of the expression",
)


class WrongPattern(VeilError):
    """The pattern cannot be used; `detail` says why and where in it, never what it is."""

    code = ErrorCode.CONFIGURATION


class CustomPattern(msgspec.Struct, frozen=True, kw_only=True):
    r"""An entity by its form.

    Attributes:
        entity: A name of the catalogue, or a new one.
        pattern: Regular expression in RE2's dialect: no look-around, no back-references; and every
            repetition with a bound. `\d`, `\w` and `\b` are ASCII's.
        ignore_case: Whether case counts in it.
        whole_words: Whether a match must not touch other letters or digits.
        context: Words near a match, in any case; a space also matches `_` and `-`.
        context_required: Whether a match without such a word is none; otherwise the
            word raises the score by 0.35.
        checksum: A name of `CHECKSUMS`, or empty.
        score: Score of a match, 0 to 1.

    """

    entity: str
    pattern: str
    ignore_case: bool = False
    whole_words: bool = True
    context: tuple[str, ...] = ()
    context_required: bool = False
    checksum: str = ""
    score: float = 0.85

    def __repr__(self) -> str:
        return f"<CustomPattern {self.entity}>"


def check_pattern(pattern: str, ignore_case: bool = False) -> None:
    """Compile a pattern.

    Raises:
        WrongPattern: It isn't a regular expression, or one that takes more than linear time.

    """
    if len(pattern) > LONGEST_PATTERN:
        raise WrongPattern(f"is longer than {LONGEST_PATTERN} characters")
    fault = ""
    try:
        compiled = _compiled(pattern, ignore_case)
    except WrongPattern as refused:
        fault = _placed(pattern) or refused.detail
    if fault:
        # Outside the handler: Python's own message quotes the pattern.
        raise WrongPattern(fault)
    endless = next((found for found in _REPEAT.finditer(pattern) if found["endless"]), None)
    if endless:
        raise WrongPattern(f"repeats without a bound at character {endless.start() + 1}; give one, as {{1,40}}")
    if compiled.fullmatch(""):
        raise WrongPattern("matches the empty text")


def _placed(pattern: str) -> str:
    """The fault and its place as Python sees it, since RE2 tells no place; empty where Python sees none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(pattern)
    except re.error as exc:
        said = next((text for text in _SAYABLE if str(exc.msg).startswith(text)), "is no regular expression")
        return f"{said} at character {exc.pos + 1}" if exc.pos is not None else said
    except (RecursionError, OverflowError):
        return "is too large"
    return ""


class PatternRecognizer:
    """All custom patterns of a policy."""

    name = "patterns"
    reads = False

    def __init__(self, patterns: Sequence[CustomPattern], thresholds: Mapping[str, float], default: float) -> None:
        self._patterns = tuple(patterns)
        self._compiled = [_compiled(one.pattern, one.ignore_case) for one in patterns]
        self._near = [re.compile(words_pattern(one.context)) if one.context else None for one in patterns]
        self._thresholds = [thresholds.get(one.entity, default) for one in patterns]
        self.entities = frozenset(one.entity for one in patterns)

    @property
    def version(self) -> str:
        """Everything declared, so that it is part of the detector's version."""
        return repr([msgspec.structs.astuple(one) for one in self._patterns] + self._thresholds)

    def find(self, text: str) -> Iterable[Finding]:
        """Give of each pattern the matches, leftmost and longest first, those that count."""
        for number, one in enumerate(self._patterns):
            for start, end in _matches(self._compiled[number], text):
                if one.whole_words and _touches(text, start, end):
                    continue
                if one.checksum and not CHECKSUMS[one.checksum](text[start:end]):
                    continue
                score = self._score(number, text, start, end)
                if score >= self._thresholds[number]:
                    yield Finding(start, end, one.entity, score)

    def _score(self, number: int, text: str, start: int, end: int) -> float:
        one, near = self._patterns[number], self._near[number]
        if near is None:
            return one.score
        if near.search(text, max(0, start - CONTEXT_BEFORE), start) or near.search(text, end, end + CONTEXT_AFTER):
            return one.score if one.context_required else min(1.0, one.score + CONTEXT_RAISES)
        return 0.0 if one.context_required else one.score


class WholePatterns:
    """Tells whether a text as a whole is of one of some forms; linear, as above."""

    def __init__(self, patterns: Sequence[str], ignore_case: bool = True) -> None:
        self.patterns = tuple(patterns)
        self._compiled = [_compiled(pattern, ignore_case) for pattern in patterns]

    def __repr__(self) -> str:
        return f"<WholePatterns {len(self.patterns)}>"

    def match(self, text: str) -> bool:
        """Whether any pattern matches the text from its first character to its last."""
        return any(pattern.fullmatch(text) for pattern in self._compiled)


def _touches(text: str, start: int, end: int) -> bool:
    """Whether the span is a part of a longer word."""
    return (start > 0 and joins(text[start - 1], text[start])) or (end < len(text) and joins(text[end - 1], text[end]))


def _matches(pattern: Any, text: str) -> Iterator[tuple[int, int]]:
    """The leftmost longest matches that are not empty."""
    return (found.span() for found in pattern.finditer(text) if found.end() > found.start())


def _compiled(pattern: str, ignore_case: bool) -> Any:
    options = re2.Options()
    options.case_sensitive = not ignore_case
    options.longest_match = True
    options.log_errors = False  # the message quotes the pattern
    fault = ""
    try:
        return re2.compile(pattern, options)
    except re2.error as exc:
        fault = _explained(str(exc))
    except UnicodeEncodeError:
        fault = "is no text"
    raise WrongPattern(fault)


def _explained(message: str) -> str:
    """Why RE2 refuses a pattern, in words that quote nothing of it."""
    for sign, reason in (
        ("invalid perl operator", "uses look-ahead, look-behind or a condition, which no linear search can do"),
        ("invalid escape sequence", "uses a back-reference or an escape that no linear search has"),
        ("invalid repetition size", "is too large: a repetition has at most 1000 rounds, nested ones together, too"),
        ("pattern too large", "is too large"),
    ):
        if sign in message:
            return reason
    return "is not in RE2's dialect (no look-around, back-references, conditions)"
