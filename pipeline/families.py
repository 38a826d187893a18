"""Which values are one, written differently: what the first half of a placeholder's code tells the model.

It is a hint only: restoring never looks at it, and two values may share it by chance.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping

from pipeline.aliases import LONGEST, NAME, canonical
from pipeline.detection.types import catalogue
from pipeline.legal_forms import without_legal_form

_COMPANY = "ORGANIZATION"
_LONGEST_VALUE = 500
_SEPARATED = frozenset({"national_id", "payment", "health", "vehicle_document", "device"})
"""Families of entities whose values are letters and digits, however they are grouped."""
_NUMBERS = frozenset({"PHONE", "FAX"})
_IN_WORDS = frozenset({_COMPANY, "STREET_ADDRESS", "CITY", "LOCATION", "POSTCODE"})
# Here a separator tells values apart (`1.11.1.1`, `11.1.1.1`), or nothing but the case may differ.
_CASED = frozenset({"EMAIL", "URL", "USERNAME", "SOCIAL_HANDLE", "HOSTNAME", "IPV4", "IPV6", "JOB_TITLE"})
# In these case or separators are the value's own.
_AS_WRITTEN = frozenset({"CRYPTO_WALLET", "MONEY_AMOUNT", "CARD_EXPIRY", "DIAGNOSIS_MEDICATION"})
_SIGNS = re.compile(r"[\W_]+")


class Families:
    """What a value stands for: a person by the name alone or by the other names of the job, else one form of the value.

    By itself a name is one with its other cases, and without its diacritics, title and possessive
    ending. With `forms`, full names and their aliases, an alias is one with the only name that has it.
    """

    def __init__(self, forms: Mapping[str, Iterable[str]] | None = None) -> None:
        self._family: dict[str, str] = {}
        owners: dict[str, set[str]] = {}
        by_name: dict[str, set[str]] = {}
        for text, others in (forms or {}).items():
            by_name.setdefault(canonical(text), set()).update(map(canonical, others))
        # The fullest form of a name gives the family: `Ann Q. Lee` before `Ann Lee`.
        for name in sorted(by_name, key=lambda name: (-name.count(" "), -len(name), name)):
            known = owners.get(name, set())
            family = next(iter(known)) if len(known) == 1 else name
            self._family[name] = family
            for other in by_name[name]:
                owners.setdefault(other, set()).add(family)
        for other, persons in owners.items():
            if other not in self._family and len(persons) == 1:
                self._family[other] = next(iter(persons))

    def __repr__(self) -> str:
        return f"<Families {len(self._family)}>"

    def of(self, entity: str, text: str) -> str | None:
        """The value in its one form; None for entities without one and for what is too long for one."""
        if entity != NAME:
            return _one_form(entity, text) if len(text) <= _LONGEST_VALUE else None
        if len(text) > LONGEST:
            return None
        name = canonical(text)
        return self._family.get(name, name)


def _one_form(entity: str, text: str) -> str | None:
    if entity in _AS_WRITTEN or entity not in catalogue():
        return None
    folded = unicodedata.normalize("NFKC", text).casefold()
    if entity in _CASED:
        return folded.strip()
    if entity in _IN_WORDS:
        name = without_legal_form(text) if entity == _COMPANY else ""
        return canonical(_SIGNS.sub(" ", name or text)).strip()
    if entity in _NUMBERS or catalogue()[entity].family in _SEPARATED:
        return _SIGNS.sub("", folded)
    return None
