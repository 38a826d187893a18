"""What the names model sees of a text: tokens, and of each token its spelling, shape and lexicon marks.

Training and detection share this module, so that the model is asked in the form in which it was taught.
"""

import re
from collections.abc import Sequence
from zlib import crc32

WORD_ROWS = 1 << 15
PIECE_ROWS = 1 << 16
ROWS = WORD_ROWS + PIECE_ROWS
"""Rows of the embedding table: hashed words first, then hashed pieces of words."""

# A run of letters, one of digits, or one sign; a line's end is a token, since it ends a phrase.
TOKEN = re.compile(r"[^\W\d_]+|\d+|\n|[^\w\s]|_")

SHAPES = (
    *("lower", "title", "upper", "one upper", "camel", "no case"),
    *("digit", "2 digits", "3 digits", "4 digits", "more digits"),
    *("line", "stop", "comma", "dash", "bracket", "quote", "other sign"),
)
_SIGNS = {
    **dict.fromkeys(".!?", "stop"),
    **dict.fromkeys(",;:", "comma"),
    **dict.fromkeys("-–—/", "dash"),
    **dict.fromkeys("()[]{}<>", "bracket"),
    **dict.fromkeys("'\"`’‘“”„«»", "quote"),
    "\n": "line",
}
_INDEX = {name: number for number, name in enumerate(SHAPES)}
_LONGEST = 20


def shape(token: str) -> int:
    """Number of the token's shape in `SHAPES`."""
    if token.isalpha():
        if token.islower():
            name = "lower"
        elif len(token) == 1:
            name = "one upper" if token.isupper() else "no case"
        elif token.isupper():
            name = "upper"
        elif token[0].isupper() and token[1:].islower():
            name = "title"
        else:
            name = "camel" if token.lower() != token else "no case"
    elif token.isdigit():
        name = ("digit", "2 digits", "3 digits", "4 digits", "more digits")[min(len(token), 5) - 1]
    else:
        name = _SIGNS.get(token, "other sign")
    return _INDEX[name]


def rows(token: str) -> list[int]:
    """Rows of the embedding table for a token: the word, its ends, and its runs of three and four letters.

    Hashed pieces give a word that training never saw the sound of those it saw (Bojanowski et
    al., "Enriching Word Vectors with Subword Information", 2017).
    """
    if token.isdigit():
        return [crc32(b"0" * min(len(token), 8)) % WORD_ROWS]
    folded = token.lower()
    found = [crc32(folded.encode()) % WORD_ROWS]
    if not token.isalpha():
        return found
    marked = f"<{folded[:_LONGEST]}>"
    pieces = dict.fromkeys((marked[:3], marked[-3:], marked[-4:], marked[-5:]))
    for size in (3, 4):
        pieces.update(dict.fromkeys(marked[at : at + size] for at in range(len(marked) - size + 1)))
    found += [WORD_ROWS + crc32(piece.encode()) % PIECE_ROWS for piece in pieces]
    return found


def fingerprint(word: str) -> int:
    """The number under which a lexicon holds a word, whatever its case; 32 bits."""
    return crc32(b"lexicon " + word.lower().encode())


def tokens(text: str) -> tuple[list[tuple[int, int]], list[str]]:
    """Spans and texts of the tokens."""
    spans = [found.span() for found in TOKEN.finditer(text)]
    return spans, [text[start:end] for start, end in spans]


SIGHTS = 3
"""What is seen of a token's place, a bit each: it touches the one before it; no capital in its line; only capitals."""


def sights(words: Sequence[str], touching: Sequence[bool]) -> list[int]:
    """For each token what is seen of its place; `touching` says which touch the one before them."""
    found: list[int] = []
    start = 0
    for end in [*(number for number, word in enumerate(words) if word == "\n"), len(words)]:
        letters = "".join(words[start:end])
        line = 2 * letters.islower() + 4 * letters.isupper()
        found += [touches + line for touches in touching[start : end + 1]]
        start = end + 1
    return found


def glued(spans: Sequence[tuple[int, int]]) -> list[bool]:
    """For each token, whether it touches the one before it."""
    flags = [False] * len(spans)
    for place in range(1, len(spans)):
        flags[place] = spans[place][0] == spans[place - 1][1]
    return flags
