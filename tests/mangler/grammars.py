"""Forms that a placeholder could have, and restoring for those that are not ours, made to be as tolerant."""

import html
import re
import unicodedata
from base64 import b32encode
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import unquote

from pipeline.rehydration import Codes, rehydrate
from schemas.redacted import Original
from tests.mangler.draft import Token

_INVISIBLE = "\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff"
_ENDINGS = "e?s|n|en|er?|in|na|a|ä|an|än|ta|tä|[ls]ta|[ls]tä|l?lle|lla|llä|ssa|ssä|ksi|nä|kin"
"""What English, German and Finnish join to a name."""
_HIDDEN = re.compile(f"[{_INVISIBLE}]")
_BREAK = r"(?:[-\u2010]?\n(?:[ \t]|>|#)*)?"
_BETWEEN = r"(?:[\s_\-*~`:.#=/{\"\u2010\u2011\u2013]|\\+|<br>)*"
_OPENS = r"(?:\\*\[\**|\{\[\}|\{\{|\{|<|【|⟦|«|「)?\s?"
_CLOSES = r"\s?(?:\**\\*\]|\{\]\}|\}\}|\}|>|】|⟧|»|」)?"
_UNICODE = re.compile(r"\\+u([0-9a-fA-F]{4})")
_CONSONANTS, _VOWELS = "bdfghjklmnprstvz", "aiou"


class Value(NamedTuple):
    """A value, its kind, its number among those of its kind, and the code that it was issued."""

    text: str
    kind: str
    number: int
    code: str


class Grammar(NamedTuple):
    """A form of placeholder: how one is written, and whether its last part alone says which one it is."""

    name: str
    example: str
    write: Callable[[Value], Token]
    alone: bool = True
    ours: bool = False

    def restore(self, text: str, values: Mapping[Token, Value], read: Callable[[str], str]) -> str:
        """Put the values back into a mangled text and read it; other grammars get it read beforehand."""
        if self.ours:
            originals = {token.text: Original(value.text, value.kind) for token, value in values.items()}
            issued = {token.text: value.kind for token, value in values.items()}
            return read(rehydrate(text, Codes.of(originals, issued)))
        return _tolerantly(_plain(read(text)), values, alone=self.alone)


def _plain(text: str) -> str:
    """A text with all its escapes read, in any nesting that manglings make."""
    for _ in range(3):
        text = html.unescape(unquote(_UNICODE.sub(lambda match: chr(int(match[1], 16)), text)))
    return unicodedata.normalize("NFKC", _HIDDEN.sub("", text))


def _tolerantly(text: str, values: Mapping[Token, Value], *, alone: bool) -> str:
    """One pass for all tokens: any case, brackets, separators, line breaks and endings."""
    branches = []
    for place, token in enumerate(values):
        words = rf"{_BETWEEN}".join(_broken(word) for word in token.kind.split("_") if word)
        code = _broken(token.code)
        # With its kind, a code may be joined to it; alone it is a word.
        kind = rf"(?<![^\W_]){words}{_BETWEEN}" if words else r"(?<![^\W_])"
        form = rf"(?:{kind}{code}|(?<![^\W_]){code})" if alone else rf"{kind}{code}"
        branches.append(rf"(?P<t{place}>{_OPENS}{form}{_CLOSES}(?=(?:{_ENDINGS})?(?![0-9A-Za-z])))")
    by_name = {f"t{place}": value.text for place, value in enumerate(values.values())}
    return re.sub("|".join(branches), lambda match: by_name[match.lastgroup or ""], text, flags=re.IGNORECASE)


def _broken(word: str) -> str:
    return _BREAK.join(map(re.escape, word))


def _short(value: Value) -> str:
    """Three letters from the code."""
    return (
        b32encode(sha256(value.code.encode()).digest())
        .decode()
        .lower()
        .translate(str.maketrans("234567", "abcdef"))[:3]
    )


def _word(value: Value) -> str:
    """A word that can be said, of five syllables: thirty bits."""
    number = int.from_bytes(sha256(value.code.encode()).digest()[:4], "big")
    syllables = ((number >> shift) & 63 for shift in range(0, 30, 6))
    return "".join(_CONSONANTS[one >> 2] + _VOWELS[one & 3] for one in syllables)


GRAMMARS = (
    Grammar("ours", "[PERSON_k3f9x2ab]", lambda v: Token("", "[", v.kind, "_", v.code, "]", ""), ours=True),
    Grammar("numbered", "<PERSON_1>", lambda v: Token("", "<", v.kind, "_", str(v.number), ">", ""), alone=False),
    Grammar("short code", "{{PERSON_abc}}", lambda v: Token("", "{{", v.kind, "_", _short(v), "}}", ""), alone=False),
    Grammar("rare brackets", "⟦PERSON:k3f9x2ab⟧", lambda v: Token("", "⟦", v.kind, ":", v.code, "⟧", "")),
    Grammar("word", "Zobadirogu", lambda v: Token("", "", "", "", _word(v).capitalize(), "", "")),
)
