"""Texts with several placeholders, mangled and restored: what came back, and what came back wrong."""

import html
import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from typing import NamedTuple
from urllib.parse import quote

from pipeline.json_text import to_json
from pipeline.placeholders import ALPHABET, Issuer, Scope, Taken, code_of
from tests.mangler.draft import Draft, Mangling, Token, apply, is_determined, read
from tests.mangler.grammars import Grammar, Value

_FIRST = ["Aino", "Eero", "Jürgen", "Zoë", "Łukasz", "Siobhán", "Noor", "Mehmet"]
_LAST = ["Korhonen", "Ångström", "O'Brien", "Weiß", "Lindqvist", "Yıldız", "Brontë", "Szabó"]
_COMPANIES = ("Halla & Vaara Oy", 'Gebrüder "Nord" AG', "Tre Kronor AB")
# `{}` is where a token stands; two of them touch, and one is said twice.
_TEXTS = (
    "Dear {0},\nthank you for your letter. {1} and {2} will call {0} tomorrow; the account is {3}, the contact {4}.",
    "Zusammenfassung: {0} und {1} ({5}) haben den Vertrag geprüft.\n\n{2}{3} bleibt offen. Antwort an {4}.",
    "1. {0}\n2. {1}\n3. {2}\nTotal for {5}: 42.10 EUR, card {3}, reply to {4} before 2026-01-31.",
)


class Count(NamedTuple):
    """Of the tokens that could be told: how many were restored; how many values were put where they don't belong.

    `clean` are the restored tokens of texts in which nothing of a token is left beside a value.
    """

    told: int = 0
    restored: int = 0
    wrong: int = 0
    clean: int = 0

    def plus(self, other: "Count") -> "Count":
        """Both together."""
        return Count(*map(sum, zip(self, other, strict=True)))

    @property
    def rate(self) -> float:
        """The share restored of what could be told; 1 where nothing could."""
        return self.restored / self.told if self.told else 1.0


class Case(NamedTuple):
    """The values of one job, in the order in which its tokens are numbered, and a text that names them."""

    values: Sequence[Value]
    text: str


def case(seed: int) -> Case:
    """A job with two persons of one surname, a third, a card, an address and a company."""
    random = Random(seed)
    last, other = random.sample(_LAST, 2)
    one, two, three = random.sample(_FIRST, 3)
    digits = "".join(random.choices("0123456789", k=16))
    values = [
        ("PERSON", f"{one} {last}"),
        ("PERSON", f"{two} {last}"),
        ("PERSON", f"{three} {other}"),
        ("CREDIT_CARD", " ".join(digits[at : at + 4] for at in range(0, 16, 4))),
        ("EMAIL", f"{three.lower()}+{digits[:3]}@example.org"),
        ("ORGANIZATION", random.choice(_COMPANIES)),
    ]
    issuer = Issuer(Scope(b"\x05" * 32, f"acme/job/{seed}"), Taken(), lambda _: True)
    number: Counter[str] = Counter()
    numbered = []
    for kind, text in values:
        number[kind] += 1
        numbered.append(Value(text, kind, number[kind], code_of(issuer.issue(kind, text))))
    return Case(numbered, _TEXTS[seed % len(_TEXTS)])


def draft(one: Case, grammar: Grammar) -> Draft:
    """The text with its tokens, all of which can be told."""
    pieces: list[str | Token] = []
    told = []
    for literal, number in re.findall(r"([^{]*)(?:\{(\d)\})?", one.text):
        pieces.append(literal)
        if number:
            pieces.append(grammar.write(one.values[int(number)]))
            told.append(int(number))
    return Draft(pieces, told)


def try_out(one: Case, grammar: Grammar, manglings: Sequence[Mangling], random: Random) -> Count:
    """Mangle a text, restore it, and compare the values in it with those that could be told, in order."""
    mangled = apply(manglings, draft(one, grammar), random)
    tokens = {grammar.write(value): value for value in one.values}
    restored = grammar.restore(mangled.text, tokens, partial(read, manglings))
    found = values_in(restored, one.values)
    if not is_determined(manglings):
        # What a careful reader could tell only sometimes may come back, but never as another's.
        could = apply([two for two in manglings if two.keeps], draft(one, grammar), random).told
        kept = all(two.keeps for two in manglings)
        return Count(wrong=len(found) - _common(found, could) if kept else len(found))
    right = _common(found, mangled.told)
    kinds = re.compile("|".join(value.kind.replace("_", "[_ -]?") for value in one.values), re.IGNORECASE)
    return Count(len(mangled.told), right, len(found) - right, 0 if kinds.search(restored) else right)


def values_in(text: str, values: Sequence[Value]) -> list[int]:
    """Which values stand in a text, in order, however the text around them made them be spelled."""
    spelled: dict[str, int] = {}
    ways: Sequence[Callable[[str], str]] = (
        str,
        partial(quote, safe=""),
        html.escape,
        to_json,
        partial(html.escape, quote=False),
    )
    for place, value in enumerate(values):
        for write in ways:
            spelled.setdefault(write(value.text), place)
    pattern = "|".join(map(re.escape, sorted(spelled, key=len, reverse=True)))
    return [spelled[match] for match in re.findall(pattern, text)]


def _common(found: Sequence[int], wanted: Sequence[int]) -> int:
    """The length of the longest sequence that both have in this order."""
    lengths = [0] * (len(wanted) + 1)
    for one in found:
        before = 0
        for place, other in enumerate(wanted, 1):
            before, lengths[place] = (
                lengths[place],
                before + 1 if one == other else max(lengths[place], lengths[place - 1]),
            )
    return lengths[-1]


def decoys(one: Case, random: Random, count: int) -> list[str]:
    """Pieces of text that look like tokens or codes, and are none of this job's."""
    own = [value.code for value in one.values]

    def letters(alphabet: str, length: int) -> str:
        return "".join(random.choices(alphabet, k=length))

    def near() -> str:
        code = random.choice(own)
        at = random.randrange(len(code))
        return code[:at] + random.choice(sorted(set(ALPHABET) - {code[at]})) + code[at + 1 :]

    makers: Sequence[Callable[[], str]] = (
        lambda: f"[PERSON_{letters(ALPHABET, 8)}]",
        lambda: f"[PERSON_{near()}]",
        lambda: f"PERSON {near()}",
        lambda: near(),
        lambda: f"{random.choice(own)[:7]}",
        lambda: f"[{random.choice(own)[1:]}]",
        lambda: random.choice(own) + letters("0123456789", 1),
        lambda: letters("0123456789bcdfg", 1) + random.choice(own),
        lambda: f"{random.choice(own)[:4]} {random.choice(own)[4:]}",
        lambda: letters("abcdefghijklmnopqrstuvwxyz", 8),
        lambda: letters("0123456789abcdef", 40),
        lambda: "-".join(letters("0123456789abcdef", size) for size in (8, 4, 4, 4, 12)),
        lambda: "01" + letters("0123456789ABCDEFGHJKMNPQRSTVWXYZ", 24),
        lambda: letters("0123456789", 8),
        lambda: f"<PERSON_{random.randrange(4, 99)}>",
    )
    return [random.choice(makers)() for _ in range(count)]
