"""Words in front of a value: how they are looked for, and what may stand between."""

import re
from collections.abc import Iterable

# Any short text without a digit on the same line: "number of the account is ".
NEAR = r"[^\d\n;!?|]{0,32}?"
# As NEAR, for values that may begin on the next line (forms, OCR).
NEAR_OR_NEXT_LINE = r"[^\d;!?]{0,32}?"
# Only punctuation and the words that join a label to its value.
NEXT = (
    r"(?i:[\s\"'`*_)\]>|]{0,4}(?:(?:number|num|nbr|no\.?|nr\.?|n[°º]\.?|nº|#|id|code|is|are|was|of|for|ist|lautet|est|es|"
    r"è|é|jest|to|numer|numero|número|numéro|nummer|:=|=>|->|=|:|-)[\s\"'`*(\[<|]{0,4}){0,4})"
)

# Shorter words than these are too common inside others: for Hyperscan to report each,
# and to be continued (passport → passportNumber, passports) at all.
_BOUNDED_BELOW = 5
_CLOSED_BELOW = 7
# Every alternative costs compile time: 0.9 s for all words with any gap up to two, 0.3 s so.
_GAP = r"[\s_.\-]?"
# From here on (CJK radicals) scripts put no space between words, so any place may begin one.
_SPACELESS = "\u2e80"


# Thai, Lao, Burmese; from the CJK radicals on.
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u2e80-\U0010ffff"
UNSPACED_LETTER = re.compile(f"[{UNSPACED}]")


def joins(left: str, right: str) -> bool:
    """Whether two neighbouring characters are in one word; scripts without spaces have no such words."""
    return left.isalnum() and right.isalnum() and not (UNSPACED_LETTER.match(left) or UNSPACED_LETTER.match(right))


def words_expression(words: Iterable[str]) -> str:
    """Give the Hyperscan expression that finds any of the words, whatever their case.

    Hyperscan works on bytes here, which makes it several times faster than its
    UTF-8 mode; so cases of letters outside ASCII are spelled out. Boundaries of
    longer words are left to `stands_alone`.
    """
    return "(?i)(?:" + "|".join(_one_word(word) for word in words) + ")"


def words_pattern(words: Iterable[str]) -> str:
    """Give the Python pattern for the same words."""
    parts = []
    for word in words:
        body = _GAP.join(re.escape(part) for part in word.split(" "))
        left = "" if word[0] >= _SPACELESS else r"(?<![^\W_])"
        parts.append(left + (body if len(word) >= _CLOSED_BELOW else body + r"(?![^\W_])"))
    return r"(?i)(?:" + "|".join(parts) + ")"


def stands_alone(text: str, start: int, end: int) -> bool:
    """Tell a word from a part of a longer one; camelCase begins a word as a space does."""
    if text[start] >= _SPACELESS:
        return True
    if (
        start
        and text[start - 1].isalnum()
        and text[start].isalnum()
        and not (text[start].isupper() and text[start - 1].islower())
    ):
        return False
    if end - start < _CLOSED_BELOW and end < len(text) and text[end].isalnum() and text[end - 1].isalnum():
        return text[end].isupper() and text[end - 1].islower()
    return True


def _one_word(word: str) -> str:
    body = _GAP.join("".join(_letter(char) for char in part) for part in word.split(" "))
    if len(word) >= _BOUNDED_BELOW:
        return body
    # \b knows ASCII letters only: beside another letter it says nothing useful.
    left = r"(?:\b|_)" if word[0].isascii() and word[0].isalnum() else ""
    right = r"(?:\b|_)" if word[-1].isascii() and word[-1].isalnum() else ""
    return left + body + right


def _letter(char: str) -> str:
    if char.isascii():
        return re.escape(char)
    forms = {char, char.upper(), char.lower()}
    return "(?:" + "|".join("".join(f"\\x{byte:02x}" for byte in form.encode()) for form in sorted(forms)) + ")"
