"""Rules for what stands behind a label and its sign: forms, JSON, YAML, column heads."""

import re
from collections.abc import Iterable

from pipeline.detection.context import words_expression, words_pattern
from pipeline.detection.rules import Check, Rule, Span

SIGN = r"[\"'`)*| \t]{0,3}[:=|：]"
"""Of the label: a colon, an equals sign or a table's bar, after quotes, stars or a bracket."""
# Short, since Hyperscan repeats it for each label.
_SIGN_IN_BYTES = r"[\"'`)*| \t]{0,3}[:=|\xef]"
SAME_LINE = r"[ \t]{0,6}[\"'`(*|]{0,4}[ ]{0,2}"


def labelled_rule(
    entity: str, words: Iterable[str], pattern: str, *, score: float, check: Check | None = None, gap: str = SAME_LINE
) -> Rule:
    """Give the rule that finds the value of a label; without the sign the words are no candidate.

    Args:
        entity: A name of the catalogue.
        words: The labels, lower case; a space also matches `_` and `-`.
        pattern: Regex of the value.
        score: Score of a value that passes the check.
        check: Validator of the value.
        gap: Regex of what may stand between the sign and the value.

    """
    # Python takes the first alternative that fits, so the longer ones come first.
    listed = sorted(set(words), key=lambda word: (-len(word), word))
    whole = re.compile(f"{words_pattern(listed)[4:]}{SIGN}{gap}(?-i:(?P<v>{pattern}))(?![^\\W_])", re.IGNORECASE)

    def find(text: str, start: int, _end: int) -> Iterable[Span]:
        found = whole.match(text, start)
        if found is None or (check is not None and not check(found["v"])):
            return ()
        return ((*found.span("v"), score),)

    find.__qualname__ = f"labelled.{whole.pattern}"
    return Rule(entity=entity, anchor=f"{words_expression(listed)}{_SIGN_IN_BYTES}", find=find)
