"""Read what was dictated: numbers digit by digit, addresses with their signs as words."""

import re
from collections.abc import Iterable, Iterator

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
_JOINING = "dash|hyphen|minus|space|strich|bindestrich|tiret|espace|guion|guión|espacio|trattino|streepje|myślnik"

_ONE = "|".join(sorted(_DIGIT, key=len, reverse=True))
_TIMES = "|".join(_REPEATED)
_ITEM = re.compile(
    rf"(?i)(?P<plus>\b(?:{'|'.join(_PLUS)})\b)"
    rf"|\b(?:(?P<times>{_TIMES})[ -]{{0,3}})?(?:(?P<word>{_ONE})\b|(?P<digits>\d{{1,16}}))"
)
_UNIT = rf"(?:(?:{_TIMES})[ -]{{0,3}})?(?:(?:{_ONE})(?![^\W_])|\d{{1,16}}(?![^\W_]))"
_BETWEEN = rf"[ \t\r\n,.\-/]{{1,4}}(?:(?:{_JOINING})[ ,]{{1,3}})?"
_RUN = re.compile(rf"(?i)(?<![^\W_])(?:(?:{'|'.join(_PLUS)})[ ]{{1,3}})?{_UNIT}(?:{_BETWEEN}{_UNIT}){{1,59}}")
_LEADING = re.compile(rf"(?i)(?<![^\W_])(?:{'|'.join(_PLUS)}|{_TIMES}|o|\d{{1,16}})[ ]{{1,3}}\Z")
_SPACED = re.compile(r"(?<![\w.,-])\d(?:(?:[ ._-]| - )\d){6,39}(?![^\W_]|[.,]\d)")

# What a run must come to before anything is made of it: the shortest telephone number.
_LEAST_DIGITS = 7
_LEAST_WORDS = 2
# Fewer words than these among digits may be a count before a date.
_LEAST_WORDS_ALONE = 4


def _bytewise(pattern: str) -> str:
    """Spell out for Hyperscan's bytes what isn't ASCII, in both cases."""
    return "".join(char if char.isascii() else f"(?:{_bytes(char)}|{_bytes(char.upper())})" for char in pattern)


def _bytes(char: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in char.encode())


# Signs of an address as words. "at", "dot" and the German "punkt" mean an address only together;
# the other names of the @ mean nothing else, so that "point" and "punto" may follow those.
_AT_NAMES = "klammeraffe|arobase|arrobase|arroba|chiocciola|małpa|apenstaartje"
_DOT_NAMES = "dot|punkt|point|punto|ponto|punt|kropka"
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


RULES = tuple(
    Rule(
        entity="EMAIL",
        anchor=rf"(?i)[a-z0-9]{_bytewise(at)}[a-z0-9-]{{1,40}}(?:{_bytewise(dot)}|\s(?:{_bytewise(_JOINING)})\s)[a-z0-9]",
        find=_spoken_address,
    )
    for at, dot in ((_AT_SURE, _DOT_SURE), (_AT_UNSURE, _DOT_UNSURE))
)


class SpokenNumbers:
    """Finds numbers dictated digit by digit; shared by threads.

    Whether there is anything to look for is asked first, of an automaton that stops
    reporting after one match: it reads 2 GB/s, and the full question 0.3 GB/s.
    """

    def __init__(self, engine: Engine | None = None) -> None:
        engine = engine or default_engine()
        words = "|".join(sorted(_bytewise(word) for word in (*_DIGIT, *_REPEATED) if len(word) > 1))
        self._any = engine.probe(
            [rf"(?i)\b(?:{words})[ \t\r\n,.\-/]".encode(), *(_single_digits(sign) for sign in " _-.")]
        )
        self._scanner = Scanner(
            [
                # Two in a row; what they come to is for the pattern to say.
                rf"(?i)\b(?:{words})[ \t\r\n,.\-/]{{1,4}}(?:{words}|\d)",
                r"\d(?:[ ._\-]{1,3}\d){6}",
            ],
            engine,
        )

    def excerpts(self, text: str) -> Iterator[Excerpt]:
        """Give the parts of a text around such numbers, with these in digits."""
        if len(text) < _LEAST_DIGITS or not self._any(text.encode()):
            return
        edits: list[Edit] = []
        grouped: list[Edit] = []
        done = 0
        for start, _, number in self._scanner.scan(text):
            if start < done:
                continue
            if number:
                found = _SPACED.match(text, start)
            else:
                before = _LEADING.search(text, max(done, start - 24), start)
                found = _RUN.match(text, before.start() if before else start)
            if found is None:
                continue
            done = found.end()
            run = _spaced_edits(text, *found.span()) if number else _word_edits(text, *found.span())
            edits += run
            grouped += run if number else _grouped(text, run)
        yield from excerpts(text, edits)
        if grouped != edits:
            yield from excerpts(text, grouped)


def _single_digits(sign: str) -> bytes:
    return (rf"\x{ord(sign):02x}\d" * 4).encode()


def _word_edits(text: str, start: int, end: int) -> list[Edit]:
    edits: list[Edit] = []
    digits = words = 0
    for item in _ITEM.finditer(text, start, end):
        if item["plus"]:
            said = "+"
        else:
            said = _DIGIT[item["word"].lower()] if item["word"] else item["digits"]
            if item["times"]:
                said = said[0] * _REPEATED[item["times"].lower()] + said[1:]
            words += (item["word"] is not None) + (item["times"] is not None)
            digits += len(said)
        # What joins two digits goes with the second.
        if edits and edits[-1].end < item.start():
            edits.append(Edit(edits[-1].end, item.start(), ""))
        edits.append(Edit(*item.span(), said))
    return edits if digits >= _LEAST_DIGITS and words >= _LEAST_WORDS else []


def _spaced_edits(text: str, start: int, end: int) -> list[Edit]:
    """Delete what stands between single digits."""
    edits: list[Edit] = []
    place = start
    while place < end:
        after = place
        while after < end and not text[after].isdigit():
            after += 1
        if after > place:
            edits.append(Edit(place, after, ""))
        place = after + 1
    return edits


def _grouped(text: str, run: list[Edit]) -> list[Edit]:
    """Write ten dictated digits as a telephone number: hardly anything else is that long."""
    said = "".join(edit.text for edit in run)
    if len(said) != 10 or not said.isdigit() or said in "01234567890" or len(set(said)) < 3:
        return run
    if sum(text[edit.start].isalpha() for edit in run if edit.text) < _LEAST_WORDS_ALONE:
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
