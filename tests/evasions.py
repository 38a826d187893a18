"""Disguises of a value, one function each, nested by applying one after another; for tests and `make bench`."""

import base64
import json
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from html.entities import codepoint2name
from random import Random
from typing import NamedTuple, TypeAlias
from urllib.parse import quote, quote_plus

from infra.canaries import NEEDS_NAMES, make_canaries
from pipeline.detection import Detector, build_detector
from pipeline.detection.types import catalogue
from pipeline.text import RawText

# Rewrites a value, or gives None where it would change nothing.
Disguise: TypeAlias = Callable[[str, Random], str | None]


class Sentence(NamedTuple):
    """A value and what stands around it."""

    before: str
    value: str
    after: str

    def __repr__(self) -> str:
        return f"<Sentence of {len(self.value)} characters>"

    @property
    def text(self) -> str:
        """The whole of it."""
        return self.before + self.value + self.after


def plain_sentences(seed: int) -> list[tuple[str, Sentence]]:
    """Give sentences for every kind of value that rules find; names need a model, which has tests of its own.

    Numbers with signs in them come once more without, as one would type them in a hurry.
    """
    made = []
    for entity, canary in make_canaries(seed).items():
        if entity in NEEDS_NAMES:
            continue
        before, _, after = canary.text.partition(canary.value)
        made.append((entity, Sentence(before, canary.value, after)))
        digits = "".join(filter(str.isdigit, canary.value))
        if is_number(canary.value) and digits != canary.value and canary.value.count(".") != 3:
            made.append((entity, Sentence(before, digits, after)))
    return made


def rules_detector() -> Detector:
    """Build a detector of every kind that `plain_sentences` has."""
    return build_detector(sorted(set(catalogue()) - NEEDS_NAMES - {"DATE_TIME", "MONEY_AMOUNT"}), names=False)


def family(entity: str) -> str:
    """Give the catalogue's name of the group an entity belongs to."""
    return catalogue()[entity].family


def leaks(detector: Detector, sentence: Sentence) -> bool:
    """Tell whether any character of the value is outside all findings."""
    covered = set[int]()
    for finding in detector.detect(RawText(sentence.text)):
        covered.update(range(finding.start, finding.end))
    return not covered.issuperset(range(len(sentence.before), len(sentence.before) + len(sentence.value)))


def disguised(sentence: Sentence, names: tuple[str, ...], random: Random) -> Sentence | None:
    """Apply disguises in order, the innermost first; None where one of them changes nothing."""
    for name in names:
        before, value, after = sentence
        said: str | None
        if name in THROUGHOUT:
            before, said, after = (THROUGHOUT[name](part, random) or "" for part in sentence)
        elif name in WHOLES:
            before, said, after = "Note: ", WHOLES[name](sentence.text, random), " (end)"
        else:
            said = PARTS[name](value, random)
        if said is None:
            return None
        sentence = Sentence(before, said, after)
    return sentence


def pairs() -> Iterator[tuple[str, str]]:
    """Give every two disguises that may be nested, the inner first."""
    for inner in ALL:
        for outer in ALL:
            # Twice the same is a case of its own only for encodings.
            if inner == outer and inner not in TWICE:
                continue
            # What's read aloud is letters and digits, and nobody spells out an encoded run.
            if outer in ALOUD and (inner in ALOUD or inner not in PARTS):
                continue
            yield inner, outer


def _mapped(table: Mapping[str, str]) -> Disguise:
    def apply(value: str, _: Random) -> str | None:
        changed = "".join(table.get(char, char) for char in value)
        return None if changed == value else changed

    return apply


def _between(sign: str, every: int = 1) -> Disguise:
    def apply(value: str, _: Random) -> str | None:
        changed = sign.join(value[at : at + every] for at in range(0, len(value), every))
        return None if changed == value else changed

    return apply


def _each(write: Callable[[str], str]) -> Disguise:
    return lambda value, _: "".join(map(write, value))


def _signs(write: Callable[[str], str]) -> Disguise:
    """Write only signs and spaces otherwise, as encoders do."""

    def apply(value: str, _: Random) -> str | None:
        changed = "".join(char if char.isalnum() else write(char) for char in value)
        return None if changed == value else changed

    return apply


def _entity(char: str) -> str:
    name = {"@": "commat", ".": "period", ":": "colon", "/": "sol", "_": "lowbar", "+": "plus", "=": "equals"}.get(char)
    name = name or codepoint2name.get(ord(char))
    return f"&{name};" if name else f"&#{ord(char)};"


def _percent(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode())


def _units(char: str) -> list[int]:
    data = char.encode("utf-16-be")
    return [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)]


def is_number(value: str) -> bool:
    """Tell whether a value can be read aloud digit by digit."""
    return value.isascii() and sum(map(str.isdigit, value)) >= 7 and not set(value) - set("0123456789 -./+")


def _spaced(value: str, random: Random) -> str | None:
    if not is_number(value):
        return None
    return random.choice((" ", "  ")).join(value.replace(" ", ""))


DIGIT_WORDS = {
    "en": "zero one two three four five six seven eight nine",
    "de": "null eins zwei drei vier fünf sechs sieben acht neun",
    "fr": "zéro un deux trois quatre cinq six sept huit neuf",
    "es": "cero uno dos tres cuatro cinco seis siete ocho nueve",
    "it": "zero uno due tre quattro cinque sei sette otto nove",
    "pt": "zero um dois três quatro cinco seis sete oito nove",
    "nl": "nul een twee drie vier vijf zes zeven acht negen",
    "pl": "zero jeden dwa trzy cztery pięć sześć siedem osiem dziewięć",
}


SIGN_WORDS = {
    "en": ("dash", "dot", "slash", "plus"),
    "de": ("strich", "punkt", "schrägstrich", "plus"),
    "fr": ("tiret", "point", "slash", "plus"),
    "es": ("guion", "punto", "barra", "más"),
    "it": ("trattino", "punto", "barra", "più"),
    "pt": ("traço", "ponto", "barra", "mais"),
    "nl": ("streepje", "punt", "slash", "plus"),
    "pl": ("myślnik", "kropka", "ukośnik", "plus"),
}


def _spoken(value: str, random: Random) -> str | None:
    if not is_number(value):
        return None
    language = random.choice(list(DIGIT_WORDS))
    words = dict(zip("0123456789", DIGIT_WORDS[language].split(), strict=True))
    words |= dict(zip("-./+", SIGN_WORDS[language], strict=True))
    said = [words[char] for char in value if char != " "]
    if language == "en":
        said = ["oh" if word == "zero" and random.random() < 0.3 else word for word in said]
        for at in range(len(said) - 1, 0, -1):
            if said[at] == said[at - 1] and random.random() < 0.5:
                said[at - 1 : at + 1] = [f"double {said[at]}"]
    return " ".join(said)


_ALOUD_SIGNS = {"@": ("at", "arroba", "arobase", "klammeraffe"), ".": ("dot",), "_": ("underscore",), "-": ("dash",)}


def _address_aloud(value: str, random: Random) -> str | None:
    if value.count("@") != 1 or value.startswith("@") or not value.isascii() or " " in value:
        return None
    return "".join(f" {random.choice(_ALOUD_SIGNS[char])} " if char in _ALOUD_SIGNS else char for char in value)


def _address_bracketed(value: str, random: Random) -> str | None:
    if value.count("@") != 1 or value.startswith("@") or not value.isascii() or " " in value:
        return None
    sides = random.choice(("[]", "()", "{}", "<>"))
    return value.replace("@", f"{sides[0]}at{sides[1]}").replace(".", f"{sides[0]}dot{sides[1]}")


def _mathematical(char: str) -> str:
    if char.isascii() and char.isdigit():
        return chr(0x1D7CE + int(char))
    if char.isascii() and char.isalpha():
        return chr((0x1D400 if char.isupper() else 0x1D41A) + ord(char) - (65 if char.isupper() else 97))
    return char


def _circled(char: str) -> str:
    if char.isascii() and char.isalpha():
        return chr((0x24B6 if char.isupper() else 0x24D0) + ord(char) - (65 if char.isupper() else 97))
    return ("⓪" if char == "0" else chr(0x245F + int(char))) if char.isascii() and char.isdigit() else char


def _bidi(value: str, random: Random) -> str:
    # Inside only: one at the edge is of no value and may stay in sight.
    at = random.randrange(1, len(value) - 1)
    return f"{value[0]}\u202a{value[1:at]}\u200e{value[at:-1]}\u202c{value[-1]}"


def _base64_lines(text: str, _: Random) -> str:
    return base64.encodebytes((text + ". " + "Nothing more to say. " * 3).encode()).decode().strip()


_ASCII = [chr(code) for code in range(0x21, 0x7F)]
_LOOK_ALIKES = dict(zip("aceopxyijsABCEHIKMOPTX", "асеорхуіјѕАВСЕНІКМОРТХ", strict=True))
_GREEK = dict(zip("ABEHIKMNOPTXYZov", "ΑΒΕΗΙΚΜΝΟΡΤΧΥΖον", strict=True))

# Change the value and leave the words around it.
PARTS: dict[str, Disguise] = {
    "full width": _mapped({char: chr(ord(char) + 0xFEE0) for char in _ASCII} | {" ": "\u3000"}),
    "mathematical": _mapped({char: _mathematical(char) for char in _ASCII}),
    "circled": _mapped({char: _circled(char) for char in _ASCII}),
    "decomposed": lambda value, _: None if (said := unicodedata.normalize("NFD", value)) == value else said,
    "zero-width space": _between("\u200b"),
    "zero-width joiner": _between("\u200d"),
    "byte order mark": _between("\ufeff", 3),
    "soft hyphen": _between("\u00ad", 4),
    "tag characters": _between("\U000e0041", 2),
    "direction controls": _bidi,
    "combining stroke": _each(lambda char: char + "\u0336"),
    "variation selector": _each(lambda char: char + "\ufe0f"),
    "cyrillic": _mapped(_LOOK_ALIKES),
    "greek": _mapped(_GREEK),
    "arabic digits": _mapped({str(n): chr(0x660 + n) for n in range(10)}),
    "devanagari digits": _mapped({str(n): chr(0x966 + n) for n in range(10)}),
    "odd spaces": _mapped({" ": "\u2007", "-": "\u2011"}),
    "entities, decimal": _each(lambda char: f"&#{ord(char)};"),
    "entities, hex": _each(lambda char: f"&#x{ord(char):x};"),
    "entities of signs": _signs(_entity),
    "entities, twice": _signs(lambda char: _entity(char).replace("&", "&amp;")),
    "percent": _each(_percent),
    "percent of signs": _signs(_percent),
    "percent, twice": _signs(lambda char: _percent(char).replace("%", "%25")),
    "backslash u": _each(lambda char: "".join(f"\\u{unit:04x}" for unit in _units(char))),
    "backslash x": _each(lambda char: "".join(f"\\x{byte:02x}" for byte in char.encode())),
    "backslash u{}": _each(lambda char: f"\\u{{{ord(char):x}}}"),
    "backslash u, twice": _signs(lambda char: "".join(f"\\\\u{unit:04X}" for unit in _units(char))),
    "spaced digits": _spaced,
    "spoken digits": _spoken,
    "address aloud": _address_aloud,
    "address in brackets": _address_bracketed,
}

# Hide the sentence with its value.
WHOLES: dict[str, Disguise] = {
    "base64": lambda text, _: base64.b64encode(text.encode()).decode(),
    "base64 for URLs": lambda text, _: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "base64 in lines": _base64_lines,
    "base64 of UTF-16": lambda text, _: base64.b64encode(text.encode("utf-16-le")).decode(),
    "hex": lambda text, _: text.encode().hex(),
    "HEX": lambda text, _: "0x" + text.encode().hex().upper(),
}

# Encode the sentence, so that the value is a part of what is written.
THROUGHOUT: dict[str, Disguise] = {
    "URL-encoded": lambda text, _: quote(text, safe=""),
    "form-encoded": lambda text, _: quote_plus(text),
    "JSON in JSON": lambda text, _: json.dumps(json.dumps(text)[1:-1])[1:-1],
}

ALL = (*PARTS, *WHOLES, *THROUGHOUT)

ALOUD = frozenset({"spaced digits", "spoken digits", "address aloud", "address in brackets"})
TWICE = frozenset({"base64", "hex", "URL-encoded", "percent", "entities, decimal"})
