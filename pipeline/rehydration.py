"""Rehydration: put the originals back into an answer in one pass, by the identity of the code alone.

A model may change a placeholder's case, brackets, separators and emphasis, and
translate or leave out its kind; the code must stand as it was. There is no edit
distance, so that no placeholder can be taken for another.
"""

import html
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from heapq import merge
from typing import NamedTuple, TypeAlias
from urllib.parse import quote

from pipeline.detection.types import catalogue
from pipeline.json_text import NUMBER, from_json, json_regions, to_json
from pipeline.occurrences import fold
from pipeline.placeholders import CODE, code_of, lookalikes
from pipeline.surrogates import Hit, SurrogateFinder
from pipeline.text_places import TextPlaces
from schemas.redacted import Original
from schemas.result import Counts, Receipt

OTHER_KIND = "OTHER"
"""Where a receipt counts what the model invented under a name that is no kind: the name may be anything."""

_REACH = 160
"""How far before a code its kind and bracket are looked for."""

_FEW_CODES = 40
"""Up to so many codes are each searched on their own, which is faster than looking at every token."""

_EMPHASIS = "*~`"
_BETWEEN = (
    r"(?:[\s_\-*~`:.#\u00ad\u200b-\u200d\u2060\ufeff\u2010\u2011]|\\+[_\-*]|\\+u005f|\\+u00ad|\\+n|%5f|%20"
    r"|&#0*95;|&#x0*5f;|&lowbar;|&shy;|&nbsp;|<wbr/?>|<br\s*/?>)"
)
_EDGE = r"[\s*_~`\u00ad\u200b-\u200d\u2060\ufeff]*"


class _Style(NamedTuple):
    """A way to write brackets, and how text beside them is written."""

    opens: str
    closes: str
    encode: Callable[[str], str] = str


def _as_html(text: str) -> str:
    return html.escape(text, quote=False)


def _as_url(text: str) -> str:
    return quote(text, safe="")


_STYLES = (
    _Style(r"&#0*91;|&#x0*5b;|&lsqb;|&lbrack;", r"&#0*93;|&#x0*5d;|&rsqb;|&rbrack;", _as_html),
    _Style(r"\\+u005b", r"\\+u005d", to_json),
    _Style(r"%5b", r"%5d", _as_url),
    _Style(r"\\*\[", r"\\*\]"),
    _Style(r"\{\{", r"\}\}"),
    _Style(r"\\*\{", r"\\*\}"),
    _Style(r"<", r">"),
    _Style(r"&lt;", r"&gt;", _as_html),
    _Style("【", "】"),
    _Style("［", "］"),
    _Style("〔", "〕"),
    _Style("⟦", "⟧"),
    _Style("⟨", "⟩"),
    _Style("〈", "〉"),
    _Style("《", "》"),
)
_OPENS = "|".join(f"(?P<s{index}>{style.opens})" for index, style in enumerate(_STYLES))
_CLOSES = [re.compile(rf"{_EDGE}(?:{style.closes})", re.IGNORECASE) for style in _STYLES]
# Where a kind was translated: a word, or words in capitals, between the bracket and the code.
_OTHER_KIND = re.compile(rf"(?:{_OPENS}){_EDGE}(?P<kind>(?:[^\W\d_][\w \-]{{0,40}}?)?){_BETWEEN}*\Z", re.IGNORECASE)
_BARE_OTHER_KIND = re.compile(r"(?<!\w)[^\W\d_]+(?:_[^\W\d_]+)*_\Z")


@cache
def _known_kind(entity: str) -> re.Pattern[str]:
    words = rf"{_BETWEEN}*".join(re.escape(part) for part in entity.split("_"))
    return re.compile(rf"(?:(?:{_OPENS}){_EDGE})?(?P<kind>(?<![^\W_]){words}){_BETWEEN}*\Z", re.IGNORECASE)


@dataclass
class Codes:
    """The placeholders of one job by their codes, and what was seen of them."""

    placeholders: Mapping[str, str] = field(repr=False)
    entities: Mapping[str, str] = field(repr=False)
    originals: Mapping[str, Original] = field(repr=False)
    in_prompt: Collection[str] = field(default=(), repr=False)
    surrogates: Mapping[str, Original] = field(default_factory=dict, repr=False)
    returned: set[str] = field(default_factory=set, repr=False)
    invented: set[str] = field(default_factory=set, repr=False)

    @classmethod
    def of(
        cls,
        originals: Mapping[str, Original],
        issued: Mapping[str, str],
        in_prompt: Collection[str] = (),
        surrogates: Mapping[str, Original] | None = None,
    ) -> "Codes":
        return cls({code_of(item): item for item in issued}, issued, originals, in_prompt, surrogates or {})

    @cached_property
    def finder(self) -> SurrogateFinder:
        """Finds the job's surrogates, which stand beside its placeholders."""
        return SurrogateFinder(self.surrogates)

    def receipt(self) -> Receipt:
        """Every placeholder counted; what a model calls a kind is shown only where it is one."""
        entities = {**self.entities, **{item: original.entity for item, original in self.surrogates.items()}}
        issued = Counter(entities.values())
        returned = Counter(entities[placeholder] for placeholder in self.returned)
        known = {kind.lower(): kind for kind in {*issued, *catalogue()}}
        invented = Counter(known.get(shape.rpartition("_")[0], OTHER_KIND) for shape in self.invented)
        kinds = {
            kind: Counts(
                issued=issued[kind],
                returned=returned[kind],
                lost=issued[kind] - returned[kind],
                invented=invented[kind],
            )
            for kind in sorted({*issued, *invented})
        }
        return Receipt(
            issued=issued.total(),
            returned=returned.total(),
            lost=issued.total() - returned.total(),
            invented=invented.total(),
            kinds=kinds,
        )


_Found: TypeAlias = re.Match[str] | Hit


class _Token(NamedTuple):
    """A placeholder as it stands in an answer."""

    start: int
    end: int
    encode: Callable[[str], str] = str


class Replacement(NamedTuple):
    """What takes the place of `text[start:end]` in an answer."""

    start: int
    end: int
    text: str

    def __repr__(self) -> str:
        return f"<Replacement {self.start}-{self.end}>"


def rehydrate(text: str, codes: Codes) -> str:
    """Put the originals back into one text; restored text is never looked at again."""
    return replace(text, replacements(text, codes))


def replace(text: str, found: Iterable[Replacement]) -> str:
    """Put replacements, in order and disjoint, into a text."""
    pieces: list[str] = []
    done = 0
    for start, end, value in found:
        pieces += text[done:start], value
        done = end
    if not done:
        return text
    pieces.append(text[done:])
    return "".join(pieces)


def replacements(text: str, codes: Codes, places: Collection[str] = ()) -> list[Replacement]:
    """What is to be put where; at `places` of its JSON (`pipeline.text_places`) a number is put as a text."""
    for shape in lookalikes(text, set(codes.entities.values())):
        if shape[-8:] not in codes.placeholders and shape not in codes.in_prompt:
            codes.invented.add(shape)
    regions: list[tuple[int, int]] | None = None
    found: list[Replacement] = []
    done = 0
    for match in _found(text, codes):
        if _start(match) < done:
            continue
        if isinstance(match, Hit):
            placeholder, original = match.surrogate, codes.surrogates.get(match.surrogate)
        else:
            placeholder = codes.placeholders[match[0].lower()]
            original = codes.originals.get(placeholder)
        codes.returned.add(placeholder)
        if original is None:
            continue
        if regions is None:
            regions = json_regions(text)
            is_text = TextPlaces(text, regions, places)
        token = _token_at(text, match, codes, done)
        start, end = token.start, token.end
        if _inside(regions, start):
            value = _for_json(original, token)
            if is_number(original) and _is_whole_literal(text, token, done) and not is_text(start):
                start, end = start - 1, end + 1
        else:
            value = token.encode(_for_text(original))
        found.append(Replacement(start, end, value))
        done = end
    return found


def placeholder_spans(text: str, codes: Codes) -> list[tuple[int, int]]:
    """Where placeholders of the job stand in a text, in any spelling that is restored."""
    spans: list[tuple[int, int]] = []
    done = 0
    for match in _found(text, codes):
        if _start(match) < done:
            continue
        token = _token_at(text, match, codes, done)
        spans.append((token.start, token.end))
        done = token.end
    return spans


def _found(text: str, codes: Codes) -> Iterable[_Found]:
    """Placeholders and surrogates, in order."""
    placeholders: Iterable[_Found] = _matches(text, codes.placeholders)
    surrogates: Iterable[_Found] = codes.finder.find(text)
    return merge(placeholders, surrogates, key=_start)


def _token_at(text: str, match: _Found, codes: Codes, done: int) -> _Token:
    if isinstance(match, Hit):
        return _Token(match.start, match.end)
    placeholder = codes.placeholders[match[0].lower()]
    return _token(text, match, placeholder, codes.entities[placeholder], done)


def _start(match: _Found) -> int:
    return match.start if isinstance(match, Hit) else match.start()


def _matches(text: str, codes: Mapping[str, str]) -> Iterable[re.Match[str]]:
    """Where codes of the job stand in a text, in order."""
    if len(codes) > _FEW_CODES:
        return (match for match in CODE.finditer(text) if match[0].lower() in codes)
    folded = fold(text)
    found: list[re.Match[str]] = []
    for code in codes:
        at = folded.find(code)
        while at >= 0:
            # A letter that only folds to one of the code's is no letter of the code.
            if (match := CODE.match(text, at)) and match[0].lower() == code:
                found.append(match)
            at = folded.find(code, at + 1)
    return sorted(found, key=re.Match.start)


def is_number(original: Original) -> bool:
    """Whether it stood in JSON as a bare number."""
    return original.in_json and NUMBER.fullmatch(original.text) is not None


def _inside(regions: list[tuple[int, int]], offset: int) -> bool:
    at = bisect_right(regions, offset, key=lambda region: region[0]) - 1
    return at >= 0 and offset < regions[at][1]


def _for_text(original: Original) -> str:
    if not original.in_json:
        return original.text
    meaning = from_json(original.text)
    return original.text if meaning is None else meaning


def _for_json(original: Original, token: _Token) -> str:
    if token.encode in (_as_html, _as_url):
        return to_json(token.encode(_for_text(original)))
    return original.text if original.in_json else to_json(original.text)


def _is_whole_literal(text: str, token: _Token, done: int) -> bool:
    start, end = token.start - 1, token.end
    return done <= start and text[start] == '"' == text[end] and text[start - 1 : start] != "\\"


def _token(text: str, code: re.Match[str], placeholder: str, entity: str, done: int) -> _Token:
    """How far the placeholder around a code reaches; its own brackets are taken exactly once."""
    start, end = code.span()
    ours = start - len(placeholder) + 9
    if ours >= done and text.startswith(placeholder, ours):
        return _Token(ours, end + 1)
    low = max(done, start - _REACH)
    before = text[low:start]
    match = _known_kind(entity).search(before)
    if match is None:
        return _other_kind(text, before, low, start, end)
    if bracketed := _bracketed(text, match, low, end):
        return bracketed
    if ":" in text[low + match.end("kind") : start]:
        return _Token(start, end)  # `Person: …` is a label
    # Emphasis that began before the kind and ended before the code would be left half.
    kind_start = low + match.start("kind")
    return _whole_emphasis(text, kind_start, low + match.end("kind"), start, end, done)


def _bracketed(text: str, match: re.Match[str], low: int, end: int) -> _Token | None:
    for index, style in enumerate(_STYLES):
        if match[f"s{index}"]:
            close = _CLOSES[index].match(text, end)
            return _Token(low + match.start(), close.end(), style.encode) if close else None
    return None


def _other_kind(text: str, before: str, low: int, start: int, end: int) -> _Token:
    """The kind was translated, changed or left out."""
    for match in _OTHER_KIND.finditer(before):
        kind = match["kind"]
        if (" " not in kind or kind == kind.upper()) and (token := _bracketed(text, match, low, end)):
            return token
    if (bare := _BARE_OTHER_KIND.search(before)) and bare[0].isupper():
        return _Token(low + bare.start(), end)
    return _Token(start, end)


def _whole_emphasis(text: str, start: int, kind_end: int, code: int, end: int, done: int) -> _Token:
    marks = "".join(character for character in text[kind_end:code] if character in _EMPHASIS)
    if not marks:
        return _Token(start, end)
    if start - len(marks) >= done and text.startswith(marks, start - len(marks)):
        return _Token(start - len(marks), end)
    if text.startswith(marks, end):
        return _Token(start, end + len(marks))
    return _Token(start, end)


__all__ = ["Codes", "lookalikes", "placeholder_spans", "rehydrate"]
