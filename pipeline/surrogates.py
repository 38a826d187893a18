"""Surrogates: realistic values in the place of a job's own, and where they stand in an answer.

A surrogate is drawn by a keyed hash of its value, so that the value has the same one
everywhere in the scope. One that could be taken for something else is drawn again: it
stands in the request, it is a part of another, or another is a part of it.
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pipeline.occurrences import fold
from pipeline.placeholders import Scope
from pipeline.surrogate_kinds import Draw, draw_surrogate
from schemas.redacted import Original

_DRAWS = 20
_WORD = re.compile(r"[^\W_]+")
_NAMES = frozenset({"PERSON", "ORGANIZATION", "CITY", "LOCATION"})
_ADDRESS = "EMAIL"
_DIGITS_SOUGHT = 7
_NOT_DIGITS = re.compile(r"\D")
_LEAST_WEEKS, _MOST_WEEKS = 26, 520


class Surrogates:
    """The surrogates of one job; `originals` are what they stand for."""

    def __init__(self, scope: Scope, texts: Iterable[str]) -> None:
        self._scope = scope
        joined = "\n".join(texts)
        self._request = _normal(joined)
        self._digits = _NOT_DIGITS.sub("", joined)
        self._words = frozenset(_WORD.findall(self._request))
        self._by_value: dict[tuple[str, str], str | None] = {}
        self._taken: list[str] = []
        distance = Draw(scope.hash_value("surrogate", "DATE_TIME", "weeks")).below(_MOST_WEEKS - _LEAST_WEEKS)
        # Into the past: a birth that lies ahead would be no likely one.
        self._weeks = -_LEAST_WEEKS - distance
        self.originals: dict[str, Original] = {}

    def __repr__(self) -> str:
        return f"<Surrogates {len(self.originals)}>"

    def issue(self, entity: str, text: str) -> str | None:
        """The surrogate of a text; None where none can be found."""
        if (entity, text) in self._by_value:
            return self._by_value[entity, text]
        surrogate = self._draw(entity, text)
        self._by_value[entity, text] = surrogate
        if surrogate is not None:
            self._taken.append(_normal(surrogate))
            self.originals[surrogate] = Original(text, entity)
        return surrogate

    def _draw(self, entity: str, text: str) -> str | None:
        for number in range(_DRAWS):
            draw = Draw(self._scope.hash_value("surrogate", entity, f"{number}:{text}"))
            surrogate = draw_surrogate(entity, text, draw, self._weeks)
            if surrogate is None:
                return None
            if self._is_free(entity, _normal(surrogate)):
                return surrogate
        return None

    def _is_free(self, entity: str, surrogate: str) -> bool:
        if surrogate in self._request or any(surrogate in other or other in surrogate for other in self._taken):
            return False
        if not surrogate[-1].isalnum():
            # It could not be told where it ends.
            return False
        digits = _NOT_DIGITS.sub("", surrogate)
        if len(digits) >= _DIGITS_SOUGHT and digits in self._digits:
            return False
        # A half of somebody's name is a name of theirs.
        names = surrogate.partition("@")[0] if entity == _ADDRESS else surrogate if entity in _NAMES else ""
        return self._words.isdisjoint(_WORD.findall(names))


class Hit(NamedTuple):
    """Where a surrogate stands in an answer."""

    start: int
    end: int
    surrogate: str


class SurrogateFinder:
    """Finds the surrogates of one job: in any case and spacing, as words of their own, the longest first.

    A surrogate is looked up by the words that stand at a place, so that thousands cost no more than a few.
    """

    def __init__(self, surrogates: Iterable[str]) -> None:
        self._by_form: Mapping[str, str] = {_normal(surrogate): surrogate for surrogate in surrogates}
        # By its first word, how a surrogate may stand there: so many words, after such characters.
        self._shapes: dict[str, list[tuple[int, str]]] = {}
        for form in self._by_form:
            words = list(_WORD.finditer(form))
            shapes = self._shapes.setdefault(words[0][0], [])
            shape = (len(words), form[: words[0].start()])
            if shape not in shapes:
                shapes.append(shape)
        for shapes in self._shapes.values():
            shapes.sort(reverse=True)

    def __repr__(self) -> str:
        return f"<SurrogateFinder {len(self._by_form)}>"

    def find(self, text: str) -> list[Hit]:
        """Where they stand in a text, in order."""
        if not self._by_form:
            return []
        # Folding keeps every offset.
        folded = fold(text)
        words = [word.span() for word in _WORD.finditer(folded)]
        hits: list[Hit] = []
        at = 0
        while at < len(words):
            length = 1
            for count, lead in self._shapes.get(folded[slice(*words[at])], ()):
                start = words[at][0] - len(lead)
                if at + count > len(words) or not _begins(folded, start, lead):
                    continue
                end = words[at + count - 1][1]
                if surrogate := self._by_form.get(_normal(folded[start:end])):
                    hits.append(Hit(start, end, surrogate))
                    length = count
                    break
            at += length
        return hits


def _begins(text: str, start: int, lead: str) -> bool:
    """Whether a surrogate may begin with these characters here, and no word reaches into it."""
    if start < 0 or not text.startswith(lead, start):
        return False
    return start == 0 or not lead or not text[start - 1].isalnum()


def _normal(text: str) -> str:
    return " ".join(fold(text).split())
