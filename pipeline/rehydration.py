"""Rehydration: put the originals back into an answer in one pass, by the identity of the code alone.

A model may change a placeholder's case, brackets, separators and emphasis, and
translate or leave out its kind; the code must stand as it was, if broken over a line or
escaped (`readings.py`). There is no edit distance, so that no placeholder can be taken for another.
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import NamedTuple, TypeAlias

from pipeline.detection.types import catalogue
from pipeline.json_text import NUMBER, from_json, json_regions, to_json
from pipeline.placeholders import code_of, lookalikes
from pipeline.readings import INVISIBLE, JSON, Run, Written, layers_of, runs, written_codes
from pipeline.surrogates import Hit, SurrogateFinder
from pipeline.text_places import TextPlaces
from schemas.redacted import Original
from schemas.result import Counts, Receipt

OTHER_KIND = "OTHER"
"""Where a receipt counts what the model invented under a name that is no kind: the name may be anything."""

_REACH = 160
"""How far before a code its kind and bracket are looked for."""

_DEPTH = 2
"""So many escapes one inside the other are read (`%255B`)."""

_EMPHASIS = "*~`"
_BETWEEN = rf"(?:[\s_\-*~`:.#\u2010\u2011\u2013\uff3f{INVISIBLE}]|\\{{1,8}}[_\-*n]|\n[ \t]*>|<wbr/?>|<br\s?/?>)"
_VISIBLE = re.compile(rf"[^{INVISIBLE}]")
_EDGE = rf"[\s*_~`{INVISIBLE}]*"
_BRACKETS = (
    (r"\{\[\}", r"\{\]\}"),
    (r"\\{0,8}\[", r"\\{0,8}\]"),
    (r"\{\{", r"\}\}"),
    (r"\\{0,8}\{", r"\\{0,8}\}"),
    ("<", ">"),
    ("「", "」"),
    ("【", "】"),
    ("［", "］"),
    ("〔", "〕"),
    ("⟦", "⟧"),
    ("⟨", "⟩"),
    ("〈", "〉"),
    ("《", "》"),
)
_OPENS = "|".join(f"(?P<s{index}>{opens})" for index, (opens, _) in enumerate(_BRACKETS))
_CLOSES = [re.compile(rf"{_EDGE}(?:{closes})", re.IGNORECASE) for _, closes in _BRACKETS]
# Where a kind was translated: a word, or words in capitals, between the bracket and the code.
_OTHER_KIND = re.compile(rf"(?:{_OPENS}){_EDGE}(?P<kind>(?:[^\W\d_][\w \-]{{0,40}}?)?){_BETWEEN}*\Z", re.IGNORECASE)
_BARE_OTHER_KIND = re.compile(r"(?<!\w)[^\W\d_]+(?:_[^\W\d_]+)*_\Z")


# At a word's beginning, after an escape, or at a hump of camel case.
_WORD_BEGINS = r"(?:(?<![^\W_])|(?<=\\[nrtbf])|(?-i:(?<=[a-z])(?=[A-Z])))"


@cache
def _known_kind(entity: str) -> re.Pattern[str]:
    words = rf"{_BETWEEN}*".join(re.escape(part) for part in entity.split("_"))
    return re.compile(rf"(?:(?:{_OPENS}){_EDGE})?(?P<kind>{_WORD_BEGINS}{words}){_BETWEEN}*\Z", re.IGNORECASE)


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


_Found: TypeAlias = Written | Run | Hit


class _Token(NamedTuple):
    """How far a placeholder reaches in an answer."""

    start: int
    end: int


class Replacement(NamedTuple):
    """What takes the place of `text[start:end]` in an answer."""

    start: int
    end: int
    text: str

    def __repr__(self) -> str:
        return f"<Replacement {self.start}-{self.end}>"


class _Place(NamedTuple):
    """Where something of the job stands in an answer, and what is to be put there; None for what goes one way."""

    start: int
    end: int
    value: str | None


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
    found = _Reader(codes, places).read(text)
    return [Replacement(start, end, value) for start, end, value in found if value is not None]


def placeholder_spans(text: str, codes: Codes) -> list[tuple[int, int]]:
    """Where placeholders of the job stand in a text, in any spelling that is restored."""
    return [(start, end) for start, end, _ in _Reader(codes).read(text)]


class _Text:
    """A text, and where its JSON is; looked for once something of it is to be replaced."""

    def __init__(self, raw: str, flat: bool) -> None:
        self.raw = raw
        self._flat = flat
        self._texts: TextPlaces | None = None

    def __repr__(self) -> str:
        return f"<Text {len(self.raw)}>"

    @cached_property
    def regions(self) -> list[tuple[int, int]]:
        return [] if self._flat else json_regions(self.raw)

    def is_json_at(self, offset: int) -> bool:
        at = bisect_right(self.regions, offset, key=lambda region: region[0]) - 1
        return at >= 0 and offset < self.regions[at][1]

    def is_text(self, offset: int, places: Collection[str]) -> bool:
        """Whether the JSON has a text at one of the places there; to be asked from left to right."""
        if self._texts is None:
            self._texts = TextPlaces(self.raw, self.regions, places)
        return self._texts(offset)


class _Reader:
    """Finds what is a job's in a text, also in the text that its escapes and its base64 say."""

    def __init__(self, codes: Codes, places: Collection[str] = ()) -> None:
        self._codes = codes
        self._places = places
        self._kinds = set(codes.entities.values())

    def read(self, raw: str, depth: int = 0, *, flat: bool = False) -> list[_Place]:
        """Places in order, disjoint; with `flat` the text is taken for no JSON, since what is around it is."""
        text = _Text(raw, flat)
        plain = self._plain(text, depth)
        if depth == _DEPTH or not self._codes.placeholders:
            return plain
        escaped: list[_Place] = []
        for layer, pieces in layers_of(raw):
            is_json = layer is JSON
            for start, end, value in self.read(pieces.text, depth + 1, flat=is_json or bool(text.regions)):
                begin, stop, _ = pieces.back(start, end)
                if value is not None:
                    value = layer.write(value)
                    if not is_json and text.is_json_at(begin):
                        value = to_json(value)
                escaped.append(_Place(begin, stop, value))
        return _longest([*plain, *escaped]) if escaped else plain

    def _plain(self, text: _Text, depth: int) -> list[_Place]:
        codes = self._codes
        places: list[_Place] = []
        done = 0
        for found in self._found(text.raw, depth):
            if found.start < done:
                continue
            if isinstance(found, Run):
                inner = self.read(found.text, depth + 1)
                if inner:
                    value = replace(
                        found.text, [Replacement(start, end, value) for start, end, value in inner if value is not None]
                    )
                    places.append(_Place(found.start, found.end, found.write(value)))
                    done = found.end
                continue
            token = self._token(text.raw, found, done)
            if token is None:
                continue
            if isinstance(found, Hit):
                name, original = found.surrogate, codes.surrogates.get(found.surrogate)
            else:
                name = codes.placeholders[found.code]
                original = codes.originals.get(name)
            codes.returned.add(name)
            places.append(self._place(text, token, original, done))
            done = places[-1].end
        return places

    def _place(self, text: _Text, token: _Token, original: Original | None, done: int) -> _Place:
        start, end = token
        if original is None:
            return _Place(start, end, None)
        if not text.is_json_at(start):
            return _Place(start, end, _for_text(original))
        if is_number(original) and _is_whole_literal(text.raw, token, done) and not text.is_text(start, self._places):
            start, end = start - 1, end + 1
        return _Place(start, end, original.text if original.in_json else to_json(original.text))

    def _found(self, text: str, depth: int) -> list[_Found]:
        """Codes, surrogates and, unless too deep, base64; in order."""
        codes = self._codes
        found: list[_Found] = [*codes.finder.find(text)]
        if codes.placeholders:
            found += written_codes(text, codes.placeholders, self._kinds)
            if depth < _DEPTH:
                found += runs(text)
        return sorted(found, key=lambda place: place.start)

    def _token(self, text: str, found: Written | Hit, done: int) -> _Token | None:
        if isinstance(found, Hit):
            return _Token(found.start, found.end)
        placeholder = self._codes.placeholders[found.code]
        return _token(text, found, placeholder, self._codes.entities[placeholder], done)


def _longest(places: list[_Place]) -> list[_Place]:
    """Of places that overlap the longest ones, in order."""
    kept: list[_Place] = []
    for place in sorted(places, key=lambda place: (place.start, -place.end)):
        while kept and place.start < kept[-1].end and place.end - place.start > kept[-1].end - kept[-1].start:
            kept.pop()
        if not kept or place.start >= kept[-1].end:
            kept.append(place)
    return kept


def is_number(original: Original) -> bool:
    """Whether it stood in JSON as a bare number."""
    return original.in_json and NUMBER.fullmatch(original.text) is not None


def _for_text(original: Original) -> str:
    if not original.in_json:
        return original.text
    meaning = from_json(original.text)
    return original.text if meaning is None else meaning


def _is_whole_literal(text: str, token: _Token, done: int) -> bool:
    start, end = token.start - 1, token.end
    return done <= start and text[start] == '"' == text[end] and text[start - 1 : start] != "\\"


def _token(text: str, code: Written, placeholder: str, entity: str, done: int) -> _Token | None:
    """How far the placeholder around a code reaches; its own brackets are taken exactly once.

    None where a letter is joined to the code that is not its kind's: that is another word.
    """
    start, end = code.start, code.end
    ours = start - len(placeholder) + 9
    if ours >= done and text.startswith(placeholder, ours):
        return _Token(ours, end + 1)
    low = max(done, start - _REACH)
    before = text[low:start]
    match = _known_kind(entity).search(before)
    if code.joined and (match is None or _VISIBLE.search(before, match.end("kind"))):
        return None
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
    for index in range(len(_BRACKETS)):
        if match[f"s{index}"]:
            close = _CLOSES[index].match(text, end)
            return _Token(low + match.start(), close.end()) if close else None
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
