"""Synthetic text: templates in eight languages, filled with names of all cultures, places, organisations, addresses."""

import random
import re
from collections.abc import Callable
from functools import cache
from itertools import accumulate
from pathlib import Path

from infra.names import wordlists
from infra.names.wordlists import LANGUAGES, TEMPLATES, latin

_SLOT = re.compile(r"\{([a-z]+)\}")

_CAPITALISED = re.compile(r"(?<=[^\W\d_] )[A-ZÀ-Ý]\w+")
UNCLAIMED = "?"
"""Label of a piece about which nothing is said."""

# A piece of text and the label of what it names; None for text without a name.
Piece = tuple[str, str | None]

_CULTURES = {
    "en": ("en_US", "en_GB", "en_US", "en_IN", "en_IE", "en_NZ", "en_NG"),
    "de": ("de_DE", "de_AT", "de_CH"),
    "fr": ("fr_FR", "fr_CH", "fr_CA", "fr_BE"),
    "es": ("es_ES", "es_MX", "es_AR", "es_CO"),
    "it": ("it_IT",),
    "pt": ("pt_BR", "pt_PT"),
    "nl": ("nl_NL", "nl_BE"),
    "pl": ("pl_PL",),
}
_PARTICLES = ("van", "van der", "de", "von", "di", "da", "del", "de la", "al-", "el", "bin", "dos", "le", "ter")
_SPOKEN = ("oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "double five", "triple zero")
_HOSTS = ("gmail.com", "example.org", "outlook.com", "web.de", "mail.net", "corp.example", "yahoo.com")


@cache
def _lines(language: str, kind: str) -> list[str]:
    """The templates of a language; `\\n` in one stands for a line's end."""
    return [
        line.replace("\\n", "\n") for line in (TEMPLATES / language / f"{kind}.txt").read_text("utf-8").splitlines()
    ]


def _drawable(cities: list[tuple[str, float, str]]) -> tuple[list[str], list[float]]:
    return [name for name, _, _ in cities], list(accumulate(weight for _, weight, _ in cities))


class Writer:
    """Writes labelled text; the same seed writes the same text.

    `unknown` is the share of names that are made up of parts of real ones, which no list holds;
    `decoys` that of names in whose place ordinary words stand, so that a place alone makes no name.
    """

    def __init__(self, seed: int, unknown: float = 0.2, decoys: float = 0.25) -> None:
        self._random = random.Random(seed)
        self._decoys = decoys
        self._unknown = unknown
        people = wordlists.people()
        self._latin = [name for name, (first, _) in people.items() if sum(map(latin, first[:50])) > 40]
        self._other = [name for name in people if name not in self._latin]
        self._people = people
        # By language; "" holds those of the whole world.
        self._cities = {language: _drawable(wordlists.cities_of(language)) for language in LANGUAGES}
        self._cities[""] = _drawable(wordlists.cities())
        self._towns = [name for name in wordlists.towns() if latin(name)]
        self._regions = [name for name in wordlists.regions() if latin(name)]
        self._streets = [name for name in wordlists.streets() if latin(name)]
        self._templates = {language: _lines(language, "texts") for language in LANGUAGES}
        self._language = "en"

    def text(self, language: str | None = None) -> list[Piece]:
        """One text as pieces."""
        self._language = language or self._random.choices(LANGUAGES, (5, 2.5, 2.5, 2.5, 1.5, 1.5, 1.5, 1.5))[0]
        return self._fill(self._random.choice(self._templates[self._language]))

    def name(self, label: str) -> list[str]:
        """Another name of the label, in some language's manner, for the place of one in a real text."""
        self._language = self._random.choices(LANGUAGES, (8, 1, 1, 1, 1, 1, 1, 1))[0]
        slot = {"PER": "per", "ORG": "org", "LOC": "loc", "ADR": "adr"}[label]
        decoys, self._decoys = self._decoys, 0.0
        found = [text for text, _ in self._slot(slot)]
        self._decoys = decoys
        return found

    def plain(self) -> list[Piece]:
        """Sentences without names, of one language.

        What is written with a capital inside a sentence may be a product's name; about that nothing is said,
        but in German, where nouns are.
        """
        self._language = self._random.choice((*LANGUAGES * 3, *wordlists.OTHER_SCRIPTS))
        text = " ".join(self._plain("sent") for _ in range(self._random.randint(1, 4)))
        if self._language == "de" or self._language in wordlists.OTHER_SCRIPTS:
            return [(text, None)]
        pieces: list[Piece] = []
        place = 0
        for found in _CAPITALISED.finditer(text):
            pieces += [(text[place : found.start()], None), (found[0], UNCLAIMED)]
            place = found.end()
        return [*pieces, (text[place:], None)]

    def form(self) -> list[Piece]:
        """Lines of labels and values, as in documents, records and exports."""
        self._language = self._random.choice(LANGUAGES)
        joint = self._random.choice((": ", ": ", ":\t", " - ", " = ", " | ", ":"))
        upper = self._random.random() < 0.2
        pieces: list[Piece] = []
        for _ in range(self._random.randint(3, 8)):
            label = self._decoy()
            label = label.upper() if upper or self._random.random() < 0.1 else label[:1].upper() + label[1:]
            slots = (
                "n",
                "n",
                "date",
                "word",
                "word",
                "phone",
                "per",
                "org",
                "loc",
                "adr",
                "first",
                "last",
                "sent",
                "code",
            )
            slot = self._random.choice(slots)
            pieces += [
                (f"{label}{joint}", None),
                *self._slot(slot),
                ("\n" if self._random.random() < 0.9 else ", ", None),
            ]
        return pieces

    def _decoy(self) -> str:
        words = self._random.choices(wordlists.common_words(self._language), k=self._random.choice((1, 1, 1, 2, 2, 3)))
        text = " ".join(words)
        draw = self._random.random()
        if draw < 0.2:
            return text.capitalize()
        return text.title() if draw < 0.25 else text

    def _fill(self, template: str) -> list[Piece]:
        pieces: list[Piece] = []
        place = 0
        for found in _SLOT.finditer(template):
            pieces.append((template[place : found.start()], None))
            pieces += self._slot(found[1])
            place = found.end()
        pieces.append((template[place:], None))
        return pieces

    def _slot(self, slot: str) -> list[Piece]:
        labelled: dict[str, tuple[Callable[[], str], str]] = {
            "per": (self._person, "PER"),
            "first": (lambda: self._part(0), "PER"),
            "last": (lambda: self._part(1), "PER"),
            "org": (self._organisation, "ORG"),
            "loc": (self._place, "LOC"),
            "country": (lambda: self._random.choice(wordlists.countries(self._language)), "LOC"),
            "street": (self._street, "ADR"),
        }
        if slot in labelled:
            if self._random.random() < self._decoys:
                return [(self._decoy(), None)]
            write, label = labelled[slot]
            return [(write(), label)]
        if slot == "adr":
            return self._address()
        if slot == "club":
            # In reports of matches a place stands for its club.
            return [(self._city() if self._random.random() < 0.7 else self._organisation(), "ORG")]
        return [(self._plain(slot), None)]

    def _plain(self, slot: str) -> str:
        pick = self._random.choice
        number = self._random.randint
        match slot:
            case "sent":
                return pick(wordlists.plain_text(self._language)) if number(0, 5) else self._filler()
            case "word":
                return pick(wordlists.common_words(self._language)).capitalize()
            case "job":
                job = pick(wordlists.jobs(self._language))
                return job if self._language == "de" or number(0, 3) == 0 else job.lower()
            case "nat":
                return pick(wordlists.nationalities(self._language))
            case "title":
                return pick(_lines(self._language, "titles"))
            case "year":
                return str(number(1700, 2030))
            case "date":
                return self._date()
            case "phone":
                return self._digits(pick(("+dd ddd ddddddd", "(ddd) ddd-dddd", "0ddddddddd", "dd dd dd dd dd")))
            case "user":
                return pick((self._part(0), self._part(1))).lower().replace(" ", ".") + str(number(1, 99))
            case "host":
                return pick(_HOSTS)
            case "code":
                signs = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789" + "0123456789" * 2 + "-"
                return "".join(pick(signs) for _ in range(number(3, 14)))
            case "spoken":
                return " ".join(pick(_SPOKEN) for _ in range(number(7, 11)))
            case _:
                return (
                    "".join(str(number(0, 9)) for _ in range(len(slot)))
                    if set(slot) == {"d"}
                    else str(number(2, 99999))
                )

    def _filler(self) -> str:
        """A sentence without grammar, of common words."""
        words = wordlists.lorem(self._language) or wordlists.common_words(self._language)
        return " ".join(self._random.choices(words, k=self._random.randint(4, 12))).capitalize() + "."

    def _date(self) -> str:
        day, month, year = self._random.randint(1, 31), self._random.randint(1, 12), self._random.randint(1800, 2030)
        name = self._random.choice(wordlists.months(self._language))
        forms = (
            f"{day}.{month}.{year}",
            f"{year}-{month:02d}-{day:02d}",
            f"{day} {name} {year}",
            f"{month}/{day}/{year % 100}",
        )
        return self._random.choice(forms)

    def _digits(self, form: str) -> str:
        """A form with a digit in the place of each `d` and a capital in that of each `A`."""
        text = re.sub("d", lambda _: str(self._random.randint(0, 9)), form)
        return re.sub("A", lambda _: self._random.choice("ABCDEFGHJKLMNPRSTUVWXY"), text)

    def _locale(self) -> str:
        draw = self._random.random()
        if draw < 0.55:
            return self._random.choice([name for name in _CULTURES[self._language] if name in self._people])
        return self._random.choice(self._latin if draw < 0.97 else self._other)

    def _part(self, which: int, locale: str | None = None) -> str:
        names = self._people[locale or self._locale()][which]
        name = self._random.choice(names)
        if self._random.random() < self._unknown:
            name = self._invented(name, self._random.choice(names))
        return name

    def _invented(self, name: str, other: str) -> str:
        """The head of one name and the tail of another, which sounds like both and is neither."""
        if min(len(name), len(other)) < 4 or " " in name + other:
            return name
        return name[: self._random.randint(2, len(name) - 1)] + other[self._random.randint(1, len(other) - 2) :].lower()

    def _person(self) -> str:
        name = self._nominative()
        if self._language == "pl" and self._random.random() < 0.35:
            name = " ".join(self._declined(word) for word in name.split(" "))
        return name.replace(" ", "") if self._random.random() < 0.01 else name

    def _declined(self, name: str) -> str:
        """A Polish name in one of the other cases, by its ending."""
        pick = self._random.choice
        if len(name) < 3 or not name.isalpha():
            return name
        for ending, others in (
            *(("ska", ("skiej", "ską")), ("cka", ("ckiej", "cką")), ("ski", ("skiego", "skiemu", "skim"))),
            *(("cki", ("ckiego", "ckiemu", "ckim")), ("ek", ("ka", "kowi", "kiem")), ("eł", ("ła", "łowi", "łem"))),
            *(
                ("ia", ("ii", "ię", "ią")),
                ("a", ("y", "ę", "ą", "ie", "i")),
                ("y", ("ego", "emu", "ym")),
                ("o", ("a", "owi", "em")),
            ),
        ):
            if name.endswith(ending):
                return name[: -len(ending)] + pick(others)
        return name + pick(("a", "owi", "em")) if name[-1] not in "aeiouyąę" else name

    def _nominative(self) -> str:
        locale = self._locale()
        first, last = self._part(0, locale), self._part(1, locale)
        pick = self._random.random()
        if pick < 0.6:
            return f"{first} {last}"
        if pick < 0.68:
            return f"{first} {self._part(0, locale)} {last}"
        if pick < 0.73:
            return f"{first} {last[:1]}. {last}"
        if pick < 0.77:
            return f"{first[:1]}. {last}"
        if pick < 0.80:
            return f"{last}, {first}"
        if pick < 0.85:
            return f"{first} {last}{self._random.choice(('-', ' '))}{self._part(1, locale)}"
        if pick < 0.88:
            particle = self._random.choice(_PARTICLES)
            return f"{first} {particle}{'' if particle.endswith('-') else ' '}{last}"
        if pick < 0.90:
            return f"{first}-{self._part(0, locale)} {last}"
        if pick < 0.92:
            return f"{first[:1]}.{last[:1]}. {last}"
        if pick < 0.94:
            return f"{first} {last} {self._random.choice(('Jr.', 'Sr.', 'III', 'PhD', 'MD'))}"
        return first if pick < 0.97 else last

    def _city(self) -> str:
        names, cumulative = self._cities[self._language if self._random.random() < 0.5 else ""]
        return self._random.choices(names, cum_weights=cumulative)[0]

    def _place(self) -> str:
        pick = self._random.random()
        if pick < 0.55:
            return self._city()
        if pick < 0.75:
            return self._random.choice(self._towns)
        if pick < 0.83:
            return self._random.choice(self._regions)
        if pick < 0.92:
            return self._random.choice(wordlists.countries(self._language))
        return self._invented(self._random.choice(self._towns), self._city())

    def _organisation(self) -> str:
        pick = self._random.random()
        word = self._random.choice(wordlists.common_words(self._language)).capitalize
        if pick < 0.12:
            return self._random.choice(wordlists.organisations())
        if pick < 0.44:
            pattern = self._random.choice(_lines(self._language, "organisations"))
            return "".join(text for text, _ in self._fill(pattern))
        if pick < 0.62:
            return f"{self._part(1)} {self._random.choice(wordlists.suffixes())}"
        if pick < 0.74:
            second = self._random.choice(wordlists.common_words(self._language)).capitalize()
            return f"{word()} {second} {self._random.choice(wordlists.suffixes())}"
        if pick < 0.82:
            return "".join(self._random.choice("ABCDEFGHIKLMNOPRSTUVW") for _ in range(self._random.randint(2, 5)))
        if pick < 0.88:
            return self._invented(word(), self._part(1)).capitalize()
        if pick < 0.93:
            return word() + self._random.choice(
                ("soft", "tech", "corp", "media", "net", "ware", "pay", "bank", "Labs", "Works")
            )
        if pick < 0.98:
            return f"{self._part(1)}, {self._part(1)} {self._random.choice(('and', '&'))} {self._part(1)}"
        return self._place()

    def _street(self) -> str:
        pattern = self._random.choice(_lines(self._language, "streets"))
        name = self._part(1) if self._random.random() < 0.5 else self._random.choice(self._streets)
        text = re.sub(
            r"\{n\}",
            lambda _: str(self._random.choice((self._random.randint(1, 199), self._random.randint(1, 9999)))),
            pattern,
        )
        return text.replace("{name}", name)

    def _address(self) -> list[Piece]:
        code = self._digits(self._random.choice(_lines(self._language, "postcodes")))
        city, street = self._place(), self._street()
        joint = self._random.choice((", ", ", ", "\n", " "))
        if self._language == "en":
            return [
                (street, "ADR"),
                (joint, None),
                (city, "LOC"),
                (
                    f", {self._random.choice(('CA', 'NY', 'TX', 'WA', 'FL', 'ON'))} {code}"
                    if self._random.random() < 0.5
                    else f" {code}",
                    None,
                ),
            ]
        if self._random.random() < 0.2:
            return [(street, "ADR"), (joint, None), (city, "LOC")]
        return [(street, "ADR"), (f"{joint}{code} ", None), (city, "LOC")]


@cache
def code_lines() -> list[str]:
    """Lines of the standard library's source, none of which names a person on purpose."""
    found = []
    for path in sorted(Path(re.__file__).parent.parent.glob("*.py")):
        lines = path.read_text(encoding="utf-8").splitlines()
        for at in range(0, len(lines) - 4, 5):
            block = "\n".join(lines[at : at + 5])
            if (
                not re.search(r"(?i)author|copyright|written by|@|contributed|thanks|\bby [A-Z]|Inc\b", block)
                and len(block) > 60
            ):
                found.append(block)
    return found
