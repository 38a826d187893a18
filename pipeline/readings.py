"""Where codes stand in a text however they are written: plain, broken by a line's end, in escapes, in base64.

A code is always read whole and exactly: what is read over is nothing that a code could hold.
Everything here takes time in proportion to the text, whatever stands in it.
"""

import binascii
import html
import re
from base64 import b64encode, urlsafe_b64encode
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator
from itertools import accumulate
from typing import NamedTuple
from urllib.parse import quote, unquote

from pipeline.json_text import to_json
from pipeline.occurrences import fold

CODE_LENGTH = 8
INVISIBLE = "\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff"
"""Characters that break a word without being seen; for a class of a regular expression."""

_NEXT_LINE = r"[ \t]*(?:(?:>|#|//)[ \t]?)*"
_BREAK = re.compile(
    # The first character alone leads the search; what it must be follows as looks behind.
    rf"[-\u2010\n\r\\<{INVISIBLE}](?:"
    rf"(?<=[{INVISIBLE}])|(?<=<)wbr ?/?>"
    rf"|(?:(?<=[-\u2010])(?:\r?\n|\\{{1,8}}n|<br ?/?>)|(?<=\n)|(?<=\r)\n|(?<=\\)\\{{0,7}}(?:n|\r?\n)|(?<=<)br ?/?>)"
    rf"{_NEXT_LINE})",
    re.IGNORECASE,
)
# A word begins where no letter or digit is before it but the end of an escape that stands for neither.
_BEGINS = re.compile(r"(?<![0-9A-Za-z])|(?<=\\[nrtbf])")
ENDINGS = "e?s|n|en|er?|in|na|a|ä|an|än|ta|tä|[ls]ta|[ls]tä|l?lle|lla|llä|ssa|ssä|ksi|nä|kin"
"""Endings that English, German and Finnish join to a name; no code is longer than another by two of them."""
_ENDS = re.compile(rf"(?:{ENDINGS}){{0,2}}(?![0-9A-Za-z])", re.IGNORECASE)
_HUMP = re.compile(r"[A-Z][a-z]")
# A broken code goes on, or has begun before, where a letter is broken off likewise.
_GOES_ON = re.compile(rf"[{INVISIBLE}]{{1,8}}[0-9A-Za-z]")
_HAS_BEGUN = re.compile(rf"[0-9A-Za-z][{INVISIBLE}]{{1,8}}\Z")
_REACH_BACK = 9
_WORD = re.compile(r"[0-9a-z]{8,}")
_RUN = re.compile(r"[A-Za-z0-9+/_-]{16,}")
_FEW_CODES = 40
"""Up to so many codes are each searched on their own, which is faster than looking at every word."""


class Written(NamedTuple):
    """A code as it stands in a text.

    `joined`: what is before it is a letter or digit, so that only its kind tells where it begins.
    """

    start: int
    end: int
    code: str
    joined: bool = False


class Run(NamedTuple):
    """A run of base64 and the text that it says."""

    start: int
    end: int
    text: str
    urlsafe: bool
    padded: bool

    def write(self, text: str) -> str:
        """Another text in the same kind of base64."""
        encoded = (urlsafe_b64encode if self.urlsafe else b64encode)(text.encode()).decode()
        return encoded if self.padded else encoded.rstrip("=")


class Layer(NamedTuple):
    """A way to escape characters; `escapes` leads to its pieces, `given` tells quickly whether there are any."""

    given: re.Pattern[str]
    escapes: re.Pattern[str]
    read: Callable[[str], str]
    write: Callable[[str], str]


def _from_json_escape(escape: str) -> str:
    if escape[1] not in "uxUX":
        return {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}.get(escape[1], escape[1])
    number = int(escape[2:], 16)
    return "\ufffd" if 0xD800 <= number <= 0xDFFF else chr(number)


def _as_html(text: str) -> str:
    return html.escape(text, quote=False)


def _as_url(text: str) -> str:
    return quote(text, safe="")


_PERCENT = re.compile(r"%[0-7][0-9A-Fa-f]|(?:%[89A-Fa-f][0-9A-Fa-f])+")
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_HIDDEN = re.compile(f"[{INVISIBLE}]+")
_WIDE = re.compile("[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]+")
JSON = Layer(
    re.compile(r"\\[uxUX][0-9A-Fa-f]{2}"),
    re.compile(r"\\(?:[uU][0-9A-Fa-f]{4}|[xX][0-9A-Fa-f]{2}|[\\nrtbf\"/])"),
    _from_json_escape,
    to_json,
)
LAYERS = (
    Layer(_PERCENT, _PERCENT, unquote, _as_url),
    Layer(_ENTITY, _ENTITY, html.unescape, _as_html),
    JSON,
    Layer(_HIDDEN, _HIDDEN, lambda _: "", str),
    Layer(_WIDE, _WIDE, lambda wide: "".join(chr(ord(letter) - 0xFEE0) for letter in wide), str),
)
"""Percent-encoding (RFC 3986), HTML's character references, JSON's escapes (RFC 8259), full-width forms (Unicode)."""


class Pieces:
    """A text in which pieces are read as something else, and the way back."""

    def __init__(self, text: str, found: Iterator[re.Match[str]], read: Callable[[str], str]) -> None:
        parts: list[str] = []
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._is_read: list[bool] = []
        done = 0
        for match in found:
            start, end = match.span()
            if done < start:
                parts.append(text[done:start])
                self._note(done, start, is_read=False)
            parts.append(read(match[0]))
            self._note(start, end, is_read=True)
            done = end
        if done < len(text):
            parts.append(text[done:])
            self._note(done, len(text), is_read=False)
        self.text = "".join(parts)
        self.at = [0, *accumulate(map(len, parts))]
        """Where each piece begins in `text`, and where the last one ends."""

    def __repr__(self) -> str:
        return f"<Pieces {len(self._starts)}>"

    def _note(self, start: int, end: int, *, is_read: bool) -> None:
        self._starts.append(start)
        self._ends.append(end)
        self._is_read.append(is_read)

    def back(self, start: int, end: int) -> tuple[int, int, bool]:
        """Where a part of `text` stands in the original, and whether anything in it was read as something else."""
        first, last = bisect_right(self.at, start) - 1, bisect_right(self.at, end - 1) - 1
        begins = self._starts[first] + (0 if self._is_read[first] else start - self.at[first])
        ends = self._ends[last] if self._is_read[last] else self._starts[last] + end - self.at[last]
        return begins, ends, any(self._is_read[first : last + 1])


def layers_of(text: str) -> Iterator[tuple[Layer, Pieces]]:
    """Each way to escape that occurs in a text, with the text as it reads then."""
    for layer in LAYERS:
        if layer.given.search(text):
            yield layer, Pieces(text, layer.escapes.finditer(text), layer.read)


def written_codes(text: str, codes: Collection[str], kinds: Collection[str] = ()) -> list[Written]:
    """Where codes of a collection stand in a text, in order; one of the kinds may begin where a code ends."""
    found = [*_plain(text, codes), *_broken(text, codes)]
    if not found:
        return []
    others = "|".join("[_ -]?".join(map(re.escape, kind.split("_"))) for kind in kinds)
    following = re.compile(f"(?:{ENDINGS})?(?:{others or '(?!)'})", re.IGNORECASE)
    return sorted(one for one in found if _ends(text, one) or following.match(text, one.end))


def runs(text: str) -> Iterator[Run]:
    """The runs of base64 (RFC 4648) in a text that say a text."""
    for match in _RUN.finditer(text):
        run = match[0]
        urlsafe = "-" in run or "_" in run
        if len(run) % 4 == 1 or (urlsafe and ("+" in run or "/" in run)) or run.islower() or run.isupper():
            continue
        end = match.end()
        missing = -len(run) % 4
        padded = text.startswith("=" * missing, end)
        try:
            data = binascii.a2b_base64(run.replace("-", "+").replace("_", "/") + "=" * missing)
            yield Run(match.start(), end + missing * padded, data.decode(), urlsafe, padded or not missing)
        except ValueError:
            continue


def _plain(text: str, codes: Collection[str]) -> Iterator[Written]:
    folded = fold(text)
    for at, code in _searched(folded, codes) if len(codes) <= _FEW_CODES else _windows(folded, codes):
        # A letter that only folds to one of the code's is no letter of the code.
        if text[at : at + CODE_LENGTH].isascii():
            yield Written(at, at + CODE_LENGTH, code, joined=not _BEGINS.match(text, at))


def _searched(folded: str, codes: Collection[str]) -> Iterator[tuple[int, str]]:
    for code in codes:
        at = folded.find(code)
        while at >= 0:
            yield at, code
            at = folded.find(code, at + 1)


def _windows(folded: str, codes: Collection[str]) -> Iterator[tuple[int, str]]:
    for word in _WORD.finditer(folded):
        for at in range(word.start(), word.end() - CODE_LENGTH + 1):
            if (code := folded[at : at + CODE_LENGTH]) in codes:
                yield at, code


def _ends(text: str, code: Written) -> bool:
    """Whether a code does not go on after its end; a hump of camel case begins a new word."""
    if _ENDS.match(text, code.end):
        return True
    return not text[code.start : code.end].isupper() and bool(_HUMP.match(text, code.end))


def _broken(text: str, codes: Collection[str]) -> Iterator[Written]:
    """Codes with breaks in them; each window over a break is looked at once."""
    if not _BREAK.search(text):
        return
    whole = Pieces(text, _BREAK.finditer(text), lambda _: "")
    letters = fold(whole.text)
    done = 0
    for place in whole.at[1:]:
        for start in range(max(place - CODE_LENGTH + 1, done), place):
            code = letters[start : start + CODE_LENGTH]
            if code in codes:
                begin, end, is_broken = whole.back(start, start + CODE_LENGTH)
                if not is_broken or _GOES_ON.match(text, end):
                    continue
                before = text[max(begin - _REACH_BACK, 0) : begin]
                joined = not _BEGINS.match(text, begin) or bool(_HAS_BEGUN.search(before))
                yield Written(begin, end, code, joined)
        done = max(done, place)
