"""Read what was dictated: numbers digit by digit, addresses with their signs as words."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pipeline.detection import spoken_dates
from pipeline.detection.decode import Excerpt, excerpts
from pipeline.detection.normalise import Edit
from pipeline.detection.rules import Rule, Span
from pipeline.detection.scan import Engine, Scanner, default_engine

# English, German, French, Spanish, Italian, Portuguese, Dutch, Polish. Not the Portuguese "um",
# which is what speakers of English say between digits.
_WORDS = {
    "0": "zero zéro oh o nought null nul cero",
    "1": "one eins un une uno één een jeden",
    "2": "two zwei zwo deux dos due dois duas twee dwa",
    "3": "three drei trois tres tre três drie trzy",
    "4": "four vier quatre cuatro quattro quatro cztery",
    "5": "five fünf fuenf cinq cinco cinque vijf pięć",
    "6": "six sechs seis sei zes sześć",
    "7": "seven sieben sept siete sette sete zeven siedem",
    "8": "eight acht huit ocho otto oito osiem",
    "9": "nine niner neun neuf nueve nove negen dziewięć",
}
_DIGIT = {word: digit for digit, words in _WORDS.items() for word in words.split()}
_REPEATED = {
    word: count
    for count, words in ((2, "double doppel doble doppio duplo dubbel"), (3, "triple dreifach triplo"))
    for word in words.split()
}
_PLUS = ("plus", "más", "mas", "più", "mais")
_DASHES = "dash|hyphen|minus|strich|bindestrich|tiret|guion|guión|trattino|traço|hífen|streepje|myślnik"
_DOTS = "dot|punkt|point|punto|ponto|punt|kropka"
_SLASHES = "slash|schrägstrich|barre|barra|ukośnik"
_JOINING = f"{_DASHES}|space|espace|espacio"
_SIGNS = {name: sign for names, sign in ((_DASHES, "-"), (_DOTS, "."), (_SLASHES, "/")) for name in names.split("|")}
# "um" is the Portuguese one among words that only Portuguese has, and else a pause.
_PAUSE = "um"
_PORTUGUESE = frozenset(["dois", "duas", "três", "quatro", "sete", "oito"])

# Numbers below a hundred, as telephone numbers are read in pairs: tens, what may join the units, and numbers that stand
# alone. German and Dutch put the units first, in one word.
_TENS = {
    20: "twenty vingt veinte vinte venti dwadzieścia zwanzig twintig",
    30: "thirty trente treinta trinta trenta trzydzieści dreißig dreissig dertig",
    40: "forty quarante cuarenta quarenta quaranta czterdzieści vierzig veertig",
    50: "fifty cinquante cincuenta cinquenta cinquanta pięćdziesiąt fünfzig vijftig",
    60: "sixty soixante sesenta sessenta sessanta sześćdziesiąt sechzig zestig",
    70: "seventy septante setenta settanta siedemdziesiąt siebzig zeventig",
    80: "eighty huitante ochenta oitenta ottanta osiemdziesiąt achtzig tachtig",
    90: "ninety nonante noventa novanta dziewięćdziesiąt neunzig negentig",
}
_TEENS = {
    10: "ten dix diez dez dieci dziesięć zehn tien",
    11: "eleven onze once undici jedenaście elf",
    12: "twelve douze doce doze dodici dwanaście zwölf twaalf",
    13: "thirteen treize trece treze tredici trzynaście dreizehn dertien",
    14: "fourteen quatorze catorce catorze quattordici czternaście vierzehn veertien",
    15: "fifteen quinze quince quindici piętnaście fünfzehn vijftien",
    16: "sixteen seize dieciséis dezesseis sedici szesnaście sechzehn zestien",
    17: "seventeen diecisiete dezessete diciassette siedemnaście siebzehn zeventien",
    18: "eighteen dieciocho dezoito diciotto osiemnaście achtzehn achttien",
    19: "nineteen diecinueve dezenove diciannove dziewiętnaście neunzehn negentien",
}
_VALUE = {word: number for numbers in (_TENS, _TEENS) for number, words in numbers.items() for word in words.split()}
# Common in English for something else; the other words of a number call for it to be read.
_ENGLISH = frozenset({"once"})
_TEN = "|".join(sorted((word for words in _TENS.values() for word in words.split()), key=len, reverse=True))
_TEEN = "|".join(sorted((word for words in _TEENS.values() for word in words.split()), key=len, reverse=True))
_ONE = "|".join(sorted(_DIGIT, key=len, reverse=True))
_TIMES = "|".join(_REPEATED)
_BELOW_TEN = "|".join(sorted((word for word in _DIGIT if word not in {"o", "oh"}), key=len, reverse=True))
_PAIR = (
    rf"(?:ein|één|{_BELOW_TEN})(?:und|en|ën)(?:{_TEN})|(?:{_TEN})(?:uno|due|tre|tré|quattro|cinque|sei|sette)"
    rf"|(?:quatre[ -]vingts?|{_TEN})"
    rf"(?:[ -](?:(?:et|e|y)[ -])?(?:dix[ -](?:sept|huit|neuf)|{_TEEN}|{_BELOW_TEN})(?![^\W_]))?"
    rf"|dix[ -](?:sept|huit|neuf)|{_TEEN}|hundred|thousand"
)
_SAID = f"{_PAIR}|{_ONE}|{_PAUSE}"
# "Eight hundred" is a prefix like any other.
_ZEROS = {"hundred": "00", "thousand": "000"}
_PART = re.compile("|".join(sorted((*_VALUE, *_DIGIT), key=len, reverse=True)))
_ITEM = re.compile(
    rf"(?i)(?P<plus>\b(?:{'|'.join(_PLUS)})\b)"
    rf"|\b(?:(?P<times>{_TIMES})[ -]{{0,3}})?(?:(?P<word>{_SAID})(?![^\W_])|(?P<digits>\d{{1,16}}))"
)
_UNIT = rf"(?:(?:{_TIMES})[ -]{{0,3}})?(?:(?:{_SAID})(?![^\W_])|\d{{1,16}}(?![^\W_]))"
_BETWEEN = rf"[ \t\r\n,.\-/]{{1,4}}(?:(?:{'|'.join(_SIGNS)}|space|espace|espacio)[ ,]{{1,3}})?"
_SIGN = re.compile(r"(?i)[^\W\d_]+|[-./]")
_RUN = re.compile(rf"(?i)(?<![^\W_])(?:(?:{'|'.join(_PLUS)})[ ]{{1,3}})?{_UNIT}(?:{_BETWEEN}{_UNIT}){{1,59}}")
_LEADING = re.compile(
    rf"(?i)(?<![^\W_])(?:(?:{'|'.join(_PLUS)}|{_TIMES}|{_ONE}|{_PAUSE}|\d{{1,16}})[ ]{{1,3}}"
    rf"(?:(?:{'|'.join(_SIGNS)})[ ]{{1,3}})?){{1,3}}\Z"
)
_SPACED = re.compile(r"(?<![\w.,-])\d(?:(?:[ ]{1,3}|[ ]{0,2}[._/-][ ]{0,2})\d){6,39}(?![^\W_]|[.,]\d)")
_SPACED_PLUS = re.compile(r"\+[ ]{1,3}\Z")

# What a run must come to before anything is made of it: the shortest telephone number.
_LEAST_DIGITS = 7
_LEAST_WORDS = 2
# Fewer words than these among digits may be a count before a date.
_LEAST_WORDS_ALONE = 4


_SINGLE_DIGITS = rb"\d(?:[ ._/\-]{1,5}\d){4}"


def _bytewise(pattern: str) -> str:
    """Spell out for Hyperscan's bytes what isn't ASCII, in both cases."""
    return "".join(char if char.isascii() else f"(?:{_bytes(char)}|{_bytes(char.upper())})" for char in pattern)


def _bytes(char: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in char.encode())


# Signs of an address as words. "at", "dot" and the German "punkt" mean an address only together;
# the other names of the @ mean nothing else, so that "point" and "punto" may follow those.
_AT_NAMES = "klammeraffe|arobase|arrobase|arroba|chiocciola|małpa|apenstaartje"
_DOT_NAMES = _DOTS
_OPEN, _CLOSE = r"\s?[\[({<]\s?", r"\s?[\])}>]\s?"
_AT_SURE = rf"(?:\s(?:{_AT_NAMES})\s|{_OPEN}(?:at|ät|a|@|{_AT_NAMES}){_CLOSE})"
_DOT_SURE = rf"(?:\s(?:{_DOT_NAMES})\s|{_OPEN}(?:\.|{_DOT_NAMES}){_CLOSE}|\.)"
_AT_UNSURE = r"(?:\s(?:at|ät)\s|\s?@\s?)"
_DOT_UNSURE = rf"(?:\s(?:dot|punkt)\s|{_OPEN}(?:\.|{_DOT_NAMES}){_CLOSE})"
_SIGN_NAMES = "underscore|unterstrich|underline|tiret bas|guion bajo|guión bajo|podkreślnik"
_LOCAL = re.compile(
    rf"(?i)(?<![^\W_])[a-z0-9]{{1,40}}(?:(?:\s(?:{_DOT_NAMES}|{_SIGN_NAMES}|{_JOINING})\s"
    rf"|{_OPEN}(?:\.|{_DOT_NAMES}|{_SIGN_NAMES}){_CLOSE}|[._+-])[a-z0-9]{{1,40}}){{0,5}}\Z"
)
_LABEL = rf"[a-z0-9-]{{1,40}}(?:\s(?:{_JOINING})\s[a-z0-9-]{{1,40}}){{0,2}}"
_HOSTS = [
    re.compile(rf"(?i){at}{_LABEL}(?:{dot}{_LABEL}){{0,3}}{dot}(?P<top>[a-z]{{2,12}})(?![^\W_])")
    for at, dot in ((_AT_SURE, _DOT_SURE), (_AT_UNSURE, _DOT_UNSURE))
]
# Ends of addresses that people dictate: any two letters would take in "dot it" and "punto de".
_TOP = re.compile(
    r"(?i)(?:com|org|net|edu|gov|io|co|uk|de|fr|es|it|pl|nl|pt|eu|us|ca|au|in|info|biz|dev|app|me|ch|at|be|se|no|dk|"
    r"fi|ie|br|mx|ar|cl|cz|lu|li|jp|cn|ru|example)$"
)


def _spoken_address(text: str, start: int, _end: int) -> Iterable[Span]:
    local = _LOCAL.search(text, max(0, start - 100), start + 1)
    if local is None:
        return
    for host in _HOSTS:
        found = host.match(text, start + 1)
        if found is not None and _TOP.match(found["top"]):
            yield (local.start(), found.end(), 0.75)
            return


RULES = (
    *(
        Rule(
            entity="EMAIL",
            anchor=rf"(?i)[a-z0-9]{_bytewise(at)}[a-z0-9-]{{1,40}}(?:{_bytewise(dot)}|\s(?:{_bytewise(_JOINING)})\s)[a-z0-9]",
            find=_spoken_address,
        )
        for at, dot in ((_AT_SURE, _DOT_SURE), (_AT_UNSURE, _DOT_UNSURE))
    ),
    *spoken_dates.RULES,
)


class SpokenNumbers:
    """Finds numbers dictated digit by digit; shared by threads.

    Whether there is anything to look for is asked first, of an automaton that stops
    reporting after one match: it reads 2 GB/s, and the full question 0.3 GB/s.
    """

    def __init__(self, engine: Engine | None = None) -> None:
        engine = engine or default_engine()
        words = "|".join(
            sorted(_bytewise(word) for word in (*_DIGIT, *_REPEATED, *_VALUE) if len(word) > 1 and word not in _ENGLISH)
        )
        # All words twice over would be too large a pattern.
        seconds = {word[:3] + r"\b" * (len(word) < 3) for word in (*_DIGIT, *_VALUE, *_REPEATED, _PAUSE, "hundred")}
        beginnings = "|".join(sorted(map(_bytewise, seconds)))
        self._any = engine.probe([rf"(?i)\b(?:{words})[ \t\r\n,.\-/]".encode(), _SINGLE_DIGITS])
        self._scanner = Scanner(
            [
                # Two in a row; what they come to is for the pattern to say.
                rf"(?i)\b(?:{words})[ \t\r\n,.\-/]{{1,4}}(?:{beginnings}|\d)",
                r"\d(?:[ ._/\-]{1,5}\d){6}",
            ],
            engine,
        )

    def excerpts(self, text: str) -> Iterator[Excerpt]:
        """Give the parts of a text around such numbers, with these in digits."""
        if len(text) < _LEAST_DIGITS or not self._any(text.encode()):
            return
        joined: list[Edit] = []
        signed: list[Edit] = []
        grouped: list[Edit] = []
        done = 0
        for start, _, number in self._scanner.scan(text):
            if start < done:
                continue
            if number:
                found = _SPACED.match(text, start)
            else:
                before = _LEADING.search(text, max(done, start - 40), start)
                found = _RUN.match(text, before.start() if before else start)
            if found is None:
                continue
            done = found.end()
            run = _spaced_run(text, *found.span()) if number else _word_run(text, *found.span())
            joined += run.joined
            signed += run.signed
            grouped += run.joined if number else _grouped(text, run.joined)
        yield from excerpts(text, joined)
        if signed != joined:
            yield from excerpts(text, signed)
        if grouped != joined:
            yield from excerpts(text, grouped)


class _Run(NamedTuple):
    """One dictated number: its digits alone, and with the signs that were dictated between them."""

    joined: list[Edit]
    signed: list[Edit]


_NOTHING = _Run([], [])


def _word_run(text: str, start: int, end: int) -> _Run:
    items = list(_ITEM.finditer(text, start, end))
    spoken = {(item["word"] or "").lower() for item in items}
    pause = "" if spoken.isdisjoint(_PORTUGUESE) else "1"
    while items and not pause and (items[-1]["word"] or "").lower() == _PAUSE:
        items.pop()
    joined: list[Edit] = []
    signed: list[Edit] = []
    digits = words = 0
    for item in items:
        if item["plus"]:
            said = "+"
        else:
            said = _figures(item["word"].lower(), pause) if item["word"] else item["digits"]
            if item["times"] and said:
                said = said[0] * _REPEATED[item["times"].lower()] + said[1:]
            words += (item["word"] is not None) + (item["times"] is not None)
            digits += len(said)
        # What joins two digits goes with the second.
        if joined and joined[-1].end < item.start():
            gap = (joined[-1].end, item.start())
            joined.append(Edit(*gap, ""))
            signed.append(Edit(*gap, _sign(text, *gap)))
        joined.append(Edit(*item.span(), said))
        signed.append(joined[-1])
    return _Run(joined, signed) if digits >= _LEAST_DIGITS and words >= _LEAST_WORDS else _NOTHING


def _figures(word: str, pause: str) -> str:
    """Write a spoken digit or number in figures."""
    if word in _DIGIT:
        return _DIGIT[word]
    if word in _ZEROS:
        return _ZEROS[word]
    if word == _PAUSE:
        return pause
    word = re.sub(r"quatre[ -]vingts?", "huitante", word)
    return str(sum(_VALUE[part] if part in _VALUE else int(_DIGIT.get(part, "0")) for part in _PART.findall(word)))


def _sign(text: str, start: int, end: int) -> str:
    signs = [_SIGNS.get(sign.lower(), sign if sign in "-./" else "") for sign in _SIGN.findall(text, start, end)]
    return signs[-1] if signs else ""


def _spaced_run(text: str, start: int, end: int) -> _Run:
    """Delete what stands between single digits."""
    joined: list[Edit] = []
    signed: list[Edit] = []
    place = start + 1
    plus = _SPACED_PLUS.search(text, max(0, start - 4), start)
    if plus is not None:
        joined.append(Edit(plus.start() + 1, start, ""))
    while place < end:
        after = place
        while after < end and not text[after].isdigit():
            after += 1
        if after > place:
            joined.append(Edit(place, after, ""))
            signed.append(Edit(place, after, _sign(text, place, after)))
        place = after + 1
    return _Run(joined, joined[: plus is not None] + signed)


def _grouped(text: str, run: list[Edit]) -> list[Edit]:
    """Write ten dictated digits as a telephone number: hardly anything else is that long."""
    said = "".join(edit.text for edit in run)
    if len(said) != 10 or not said.isdigit() or said in "01234567890" or len(set(said)) < 3:
        return run
    if any(
        len(edit.text) > 1 and text[edit.start].isalpha() and " " not in text[edit.start : edit.end] for edit in run
    ):
        return run
    words = [text[edit.start : edit.end] for edit in run if edit.text and text[edit.start].isalpha()]
    # Nobody counts in doubles.
    if len(words) < _LEAST_WORDS_ALONE and not any(" " in word for word in words):
        return run
    edits: list[Edit] = []
    count = 0
    for edit in run:
        plain = ""
        for char in edit.text:
            plain += "-" * (count in (3, 6)) + char
            count += 1
        edits.append(edit._replace(text=plain))
    return edits
