"""Other ways to write a person's or a company's name, sought in the whole job once the full name is found.

An alias has the name's entity. Where it would be an ordinary word it is left out, or sought in
its own case only.
"""

import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator

from pipeline.common_words import COMMON_WORDS
from pipeline.legal_forms import without_legal_form
from pipeline.occurrences import Strength, Value, fold
from pipeline.sentences import TITLES

NAME = "PERSON"
ADDRESS = "EMAIL"
_COMPANY = "ORGANIZATION"
LONGEST = 100
_MOST_WORDS = 6
_ALONE = 3
_COMPANY_ALONE = 4
_HANDLE = 5
_POSSESSIVE = re.compile(r"['’](?:[sS])?$")
_SUFFIXES_LISTED = "jr sr ii iii iv phd md esq"
_SUFFIXES = frozenset(_SUFFIXES_LISTED.split())
_PARTICLES_LISTED = (
    "van der den de la le las los del della di da do dos das du von zu zur ter ten af av al el bin ibn bint y e"
)
_PARTICLES = frozenset(_PARTICLES_LISTED.split())
_ABBREVIATIONS_LISTED = (
    "AD AG AI AM AR BA BC BS CA CC CD CEO CO CV DC DJ EG ES EU EV FC HQ HR ID IE IP IQ IT JD JP LA LP MA MD MS NA NB "
    "NO NV NY OK PA PC PI PM PO PR PS QA RN SA SF SL SR ST TV UK UN US USA VAT VP ZB DH UA BV SE"
)
_ABBREVIATIONS = frozenset(_ABBREVIATIONS_LISTED.split())
_MONTHS = frozenset({"april", "may", "june", "august", "january", "mai", "maj", "mei", "abril", "avril", "aprile"})
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"})
_STROKES = str.maketrans({"ß": "ss", "ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D"})


def aliases(entity: str, text: str) -> Iterator[Value]:
    """The other forms of a full name; none for a single word and for entities that are no names."""
    if entity == _COMPANY and len(text) <= LONGEST:
        yield from _of_company(text)
    elif entity == NAME and (words := _full(text)):
        yield from _of_person(words)


def handles(names: Iterable[str], addresses: Iterable[str]) -> Iterator[tuple[str, Value]]:
    """User names that are the first part of an address of one of the names, each with that name.

    `leeman.ann` is a word of the text only a person's address makes a name.
    """
    spelled: dict[str, str] = {}
    for name in names:
        words = _full(name)
        if words:
            family = words[_family_at(words) :]
            for first, last in itertools.product(_spellings(words[0]), _spellings(words[-1], " ".join(family))):
                one, other = _bare(first), _bare(last)
                for letters in (one + other, other + one, one[:1] + other, other + one[:1], one + other[:1]):
                    spelled.setdefault(letters, name)
    for address in addresses if spelled else ():
        handle = address.partition("@")[0].partition("+")[0]
        letters = _bare(handle)
        if len(letters) >= _HANDLE and letters not in COMMON_WORDS and letters in spelled:
            yield spelled[letters], Value(handle, fold(handle), NAME, Strength.FAIR)


def _of_person(words: list[str]) -> Iterator[Value]:
    at = _family_at(words)
    first, family, last = words[0], " ".join(words[at:]), words[-1]
    between = [word for word in words[1:at] if _bare(word) not in _PARTICLES]
    for form in _spellings(f"{first} {family}", f"{family}, {first}", f"{family} {first}", " ".join(words)):
        yield Value(form, fold(form), NAME, Strength.FAIR)
    for form in _spellings(f"{first[0]}. {family}", f"{first[0]}.{family}", f"{family}, {first[0]}."):
        yield Value(form, fold(form), NAME, Strength.WEAK)
    letters = [word[0].upper() for word in (first, *between, last)]
    for initials in {"".join(letters), letters[0] + letters[-1]} - _ABBREVIATIONS:
        for form in (".".join([*initials, ""]), ". ".join([*initials, ""]).rstrip()):
            yield Value(form, fold(form), NAME, Strength.WEAK)
    for handle in _spellings(f"{_bare(first)}.{_bare(last)}", f"{_bare(first)}_{_bare(last)}"):
        yield Value(handle, fold(handle), NAME, Strength.FAIR)
    short = _bare(first)[:1] + _bare(last)
    if len(short) >= _HANDLE and short not in COMMON_WORDS:
        yield Value(short, short, NAME, Strength.FAIR)
    for form in _spellings(family, last):
        yield from _alone(form, Strength.FAIR)
    # Of two surnames (`María García López`) the first is used alone; a second first name may be, too.
    for middle in between:
        for form in _spellings(f"{first} {middle}", f"{first[0]}. {middle}") if len(_bare(middle)) > _ALONE else ():
            yield Value(form, fold(form), NAME, Strength.WEAK)
    # Many first names are words of some language: only in the case of a name.
    for form in _spellings(first, *(middle for middle in between if len(_bare(middle)) > _ALONE)):
        if fold(form) not in _MONTHS:
            yield from _alone(form, Strength.WEAK)


def _of_company(text: str) -> Iterator[Value]:
    short = without_legal_form(text)
    if len(_bare(short)) >= _COMPANY_ALONE and fold(short) not in COMMON_WORDS:
        for form in dict.fromkeys((short, short.upper())):
            yield Value(form, fold(form), _COMPANY, Strength.WEAK)


def _full(text: str) -> list[str]:
    """The words of a full name, first name first; empty for a single word and for what is no name."""
    words = _words(text) if len(text) <= LONGEST else []
    return words if 2 <= len(words) <= _MOST_WORDS and all(map(_is_name, words)) else []


def _family_at(words: list[str]) -> int:
    """Where the surname begins, with its particles."""
    at = len(words) - 1
    while at > 1 and _bare(words[at - 1]) in _PARTICLES:
        at -= 1
    return at


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
    return word.lower() if word.isalpha() else "".join(filter(str.isalpha, word)).lower()


def _is_name(word: str) -> bool:
    return word[0].isalpha() and all(
        letter.isalpha() or letter in ".-'’" or unicodedata.combining(letter) for letter in word
    )


def _alone(form: str, strength: Strength) -> Iterator[Value]:
    if len(_bare(form)) < _ALONE or _bare(form) in _PARTICLES:
        return
    common = fold(form) in COMMON_WORDS
    if strength is Strength.FAIR and not common:
        yield Value(form, fold(form), NAME, strength)
        return
    for cased in dict.fromkeys((form.title() if form.islower() or form.isupper() else form, form.upper())):
        yield Value(cased, fold(cased), NAME, Strength.NAME if common else Strength.WEAK)


def _spellings(*forms: str) -> Iterator[str]:
    """Each form, without its diacritics, and with umlauts written out."""
    for form in forms:
        if form.isascii():
            yield form
            continue
        yield from dict.fromkeys((form, _plain(form), form.translate(_UMLAUTS)))


def _plain(text: str) -> str:
    if text.isascii():
        return text
    marks = unicodedata.normalize("NFKD", text.translate(_STROKES))
    return "".join(letter for letter in marks if not unicodedata.combining(letter))
