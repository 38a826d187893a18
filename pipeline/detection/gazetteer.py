"""Rules for the words of a closed list: a cheap prefix finds the place, a set decides.

An alternation of a thousand whole words with boundaries takes Hyperscan ten seconds to
compile; one of their unbounded prefixes takes a fraction of one.
"""

import re
from collections.abc import Callable, Iterable
from typing import TypeAlias

from pipeline.detection.context import words_expression
from pipeline.detection.rules import Rule, Span

# Gets the text and a word's span; gives the score that its surroundings deserve.
Judge: TypeAlias = Callable[[str, int, int], float]

_PREFIX = 6
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
# A name in code, a path or an address on the net is no word of a text.
_CODE_BEFORE = "_@/\\.$<"
_CODE_AFTER = re.compile(r"[_=(@\\/\d]|\.\w")


def listed(text: str) -> frozenset[str]:
    """Read a list of words: white space parts them, `_` stands for a space inside one."""
    return frozenset(word.replace("_", " ") for word in text.split())


def word_rule(entity: str, words: Iterable[str], judge: Judge) -> Rule:
    """Give the rule that finds any of the words, in any case, as whole words.

    Args:
        entity: A name of the catalogue.
        words: One to four words each, lower case, joined by one space.
        judge: Decides what an occurrence is worth; 0 drops it.

    """
    known = frozenset(words)
    # By the first word, the rests that make it one of the list, longest first.
    rests: dict[str, list[str]] = {}
    for word in sorted(known, key=len, reverse=True):
        first, _, rest = word.partition(" ")
        rests.setdefault(first, []).append(rest)

    def find(text: str, start: int, _end: int) -> Iterable[Span]:
        if start and (text[start - 1].isalnum() or text[start - 1] in _CODE_BEFORE):
            return ()
        found = _WORD.match(text, start)
        if found is None:
            return ()
        end, first = found.end(), found[0].lower()
        if first not in rests:
            first, hyphen, _ = first.partition("-")
            if not hyphen or first not in rests:
                return ()
            end = start + len(first)
        for rest in rests[first]:
            stop = _rest_ends(text, end, rest)
            if stop and not _CODE_AFTER.match(text, stop):
                score = judge(text, start, stop)
                return ((start, stop, score),) if score else ()
        return ()

    return Rule(entity=entity, anchor=words_expression(sorted({_prefix(word) for word in known})), find=find)


def _prefix(word: str) -> str:
    """Cut a word to what is worth a literal; short words stay whole, with their boundaries."""
    cut = word.split(" ", maxsplit=1)[0] if len(word.split(" ", maxsplit=1)[0]) >= _PREFIX else word
    return cut[:_PREFIX]


def _rest_ends(text: str, end: int, rest: str) -> int:
    """Where the rest of a phrase ends behind its first word; 0 if it doesn't stand there."""
    if not rest:
        return end
    stop = end + 1 + len(rest)
    if text[end : end + 1] not in {" ", "\n", "-", "\u00a0"} or text[end + 1 : stop].lower() != rest:
        return 0
    return 0 if text[stop : stop + 1].isalnum() else stop
