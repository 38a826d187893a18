"""Other ways to write a person's name, sought in the whole job once the full name is found.

An alias has the person's entity. Where it would be an ordinary word it is left out, or sought in
its own case only.
"""

import re
import unicodedata
from collections.abc import Iterator

from pipeline.common_words import COMMON_WORDS
from pipeline.occurrences import Strength, Value, fold
from pipeline.sentences import TITLES

NAME = "PERSON"
LONGEST = 100
_MOST_WORDS = 6
_ALONE = 3
_POSSESSIVE = re.compile(r"['’](?:[sS])?$")
_SUFFIXES_LISTED = "jr sr ii iii iv phd md esq"
_SUFFIXES = frozenset(_SUFFIXES_LISTED.split())
_PARTICLES_LISTED = (
    "van der den de la le las los del della di da do dos das du von zu zur ter ten af av al el bin ibn bint y e"
)
_PARTICLES = frozenset(_PARTICLES_LISTED.split())
_MONTHS = frozenset({"april", "may", "june", "august", "january", "mai", "maj", "mei", "abril", "avril", "aprile"})
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"})
_STROKES = str.maketrans({"ß": "ss", "ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D"})


def aliases(entity: str, text: str) -> Iterator[Value]:
    """The other forms of a person's full name; none for a single word and for other entities."""
    if entity != NAME or len(text) > LONGEST:
        return
    words = _words(text)
    if not 2 <= len(words) <= _MOST_WORDS or not all(_is_name(word) for word in words):
        return
    first, at = words[0], len(words) - 1
    while at > 1 and _bare(words[at - 1]) in _PARTICLES:
        at -= 1
    family, last = " ".join(words[at:]), words[-1]
    for form in _spellings(f"{first} {family}", f"{family}, {first}", f"{family} {first}", " ".join(words)):
        yield Value(form, fold(form), entity, Strength.FAIR)
    for form in _spellings(f"{first[0]}. {family}", f"{first[0]}.{family}", f"{family}, {first[0]}."):
        yield Value(form, fold(form), entity, Strength.WEAK)
    for handle in _spellings(f"{_bare(first)}.{_bare(last)}", f"{_bare(first)}_{_bare(last)}"):
        yield Value(handle, fold(handle), entity, Strength.FAIR)
    short = _bare(first)[:1] + _bare(last)
    if len(short) > 4 and short not in COMMON_WORDS:
        yield Value(short, short, entity, Strength.FAIR)
    for form in _spellings(family, last):
        yield from _alone(form, entity, Strength.FAIR)
    # Many first names are words of some language: only in the case of a name.
    for form in _spellings(first):
        if fold(form) not in _MONTHS:
            yield from _alone(form, entity, Strength.WEAK)


def canonical(text: str) -> str:
    """One form for all cases of a name, its words turned in order, without diacritics, title and possessive ending."""
    return _plain(" ".join(_words(text)) or text).casefold()


def _words(text: str) -> list[str]:
    """First name first, without titles, suffixes and a possessive ending."""
    head, comma, tail = _POSSESSIVE.sub("", text.strip()).partition(",")
    turned = comma and _bare(tail) not in _SUFFIXES
    words = f"{tail} {head}".split() if turned else head.split()
    while words and _bare(words[0]) in TITLES:
        del words[0]
    while words and _bare(words[-1]) in _SUFFIXES:
        del words[-1]
    return words


def _bare(word: str) -> str:
    return "".join(filter(str.isalpha, word)).lower()


def _is_name(word: str) -> bool:
    return word[0].isalpha() and all(
        letter.isalpha() or letter in ".-'’" or unicodedata.combining(letter) for letter in word
    )


def _alone(form: str, entity: str, strength: Strength) -> Iterator[Value]:
    if len(_bare(form)) < _ALONE or _bare(form) in _PARTICLES:
        return
    common = fold(form) in COMMON_WORDS
    if strength is Strength.FAIR and not common:
        yield Value(form, fold(form), entity, strength)
        return
    for cased in dict.fromkeys((form.title() if form.islower() or form.isupper() else form, form.upper())):
        yield Value(cased, fold(cased), entity, Strength.NAME if common else Strength.WEAK)


def _spellings(*forms: str) -> Iterator[str]:
    """Each form, without its diacritics, and with umlauts written out."""
    for form in forms:
        yield from dict.fromkeys((form, _plain(form), form.translate(_UMLAUTS)))


def _plain(text: str) -> str:
    marks = unicodedata.normalize("NFKD", text.translate(_STROKES))
    return "".join(letter for letter in marks if not unicodedata.combining(letter))
