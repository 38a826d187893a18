"""A second try in another style of placeholder, for a model that loses too many of the first.

The codes stay the same, so both answers are restored from one vault. Both
requests are made, checked and signed by the redactor; the completer counts
codes, and needs to know nothing of what they stand for.
"""

import re
from collections.abc import Collection

from pipeline.placeholders import ALPHABET, CODE_LENGTH

INSTRUCTION = (
    "Some values in this conversation are template variables: a kind in capitals and a code, in double curly brackets. "
    "They are filled in after your answer. Wherever your answer mentions such a value, write its variable exactly as "
    "it stands here, brackets included; never leave it out, shorten it, translate it or make up another."
)
_FIRST = re.compile(rb"\[([A-Z][A-Z0-9_]*_[0-9a-z]{8})\]")
_SECOND = re.compile(rb"\{\{[A-Z][A-Z0-9_]*_([%b]{%d})\}\}" % (ALPHABET.encode(), CODE_LENGTH))


def restyled(body: bytes, issued: Collection[str]) -> bytes:
    """A redacted request with the issued placeholders written `{{KIND_code}}`."""

    def other(match: re.Match[bytes]) -> bytes:
        return b"{{%b}}" % match[1] if match[0].decode() in issued else match[0]

    return _FIRST.sub(other, body)


def lost_share(second: bytes, answer: bytes) -> float:
    """The share of a restyled request's placeholders whose code is nowhere in an answer, whoever's style it is in."""
    codes = set(_SECOND.findall(second))
    folded = answer.lower()
    return sum(code not in folded for code in codes) / len(codes) if codes else 0.0
