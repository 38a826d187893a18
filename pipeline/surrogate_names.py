"""Names for people who do not exist: first and last names as the libraries of `faker` list them by locale."""

import importlib
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

_LOCALES = ("en_US", "en_GB", "de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL", "pt_PT", "sv_SE", "da_DK", "no_NO")
"""In this order a first name is looked up: of a name that several have, the first is taken."""
_END_OF_LATIN = 0x0250
_BY_SCRIPT = ((0x0400, 0x04FF, "ru_RU"), (0x0370, 0x03FF, "el_GR"))


class Names(NamedTuple):
    """First names of one gender and locale, and its last names; in writing that JSON spells as it is."""

    first: tuple[str, ...]
    last: tuple[str, ...]


def names_like(first: str) -> Names | None:
    """The names of the locale and gender that a first name has; None for a script that is not known here."""
    known = _index().get(first.casefold())
    if known:
        return _lists(*known)
    code = ord(first[0])
    for low, high, locale in _BY_SCRIPT:
        if low <= code <= high:
            return _lists(locale, "_male")
    return _lists(_LOCALES[0], "") if code < _END_OF_LATIN else None


@cache
def is_first_name(word: str) -> bool:
    """Whether a word is a first name in one of the locales."""
    return word.casefold() in _index()


@cache
def _index() -> dict[str, tuple[str, str]]:
    index: dict[str, tuple[str, str]] = {}
    for locale in (*_LOCALES, *(locale for _, _, locale in _BY_SCRIPT)):
        for gender in ("_male", "_female"):
            for name in _listed(locale, f"first_names{gender}"):
                index.setdefault(name.casefold(), (locale, gender))
    return index


@cache
def _lists(locale: str, gender: str) -> Names:
    first, last = _listed(locale, f"first_names{gender}"), _listed(locale, "last_names")
    latin = locale in _LOCALES
    return Names(_single(first, latin), _single(last, latin))


def _single(names: Iterable[str], latin: bool) -> tuple[str, ...]:
    """Single words; of Latin names those without diacritics, which a model may spell in two ways."""
    return tuple(sorted({name for name in names if name.isalpha() and len(name) > 3 and (name.isascii() or not latin)}))


@cache
def _listed(locale: str, attribute: str) -> tuple[str, ...]:
    provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
    return tuple(getattr(provider, attribute, ()))
