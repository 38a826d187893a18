"""Which names are one person's: what the first half of a placeholder's code tells the model.

It is a hint only: restoring never looks at it, and two persons may share it by chance.
"""

from collections.abc import Iterable, Mapping

from pipeline.aliases import LONGEST, NAME, canonical


class Families:
    """The person that a name stands for, by the name alone or by the other names of the job.

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
        """The person's name in its one form; None for other entities and for what is too long for a name."""
        if entity != NAME or len(text) > LONGEST:
            return None
        name = canonical(text)
        return self._family.get(name, name)
