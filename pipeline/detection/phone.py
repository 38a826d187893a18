"""Telephone and fax numbers: international ones of every region, national ones by form or context."""

import re
from collections.abc import Iterable

import phonenumbers

from pipeline.detection.context import NEXT
from pipeline.detection.rules import Rule, Span

_RUN = re.compile(r"\+?[\s.]?\(?\d(?:[\d()/]|[ .\-]{1,2}(?=[\d(])){4,26}\d")
_EXTENSION = re.compile(r"(?i)[\s,;]{0,2}(?:ext(?:ension)?\.?|x|durchwahl|poste|int\.?)\s?[:.]?\s?\d{1,6}(?!\w)")
_DATE = re.compile(r"\d{1,2}[./-]\d{1,2}[./-](?:19|20)?\d\d$|(?:19|20)\d\d[./-]\d{1,2}[./-]\d{1,2}")
# From the word to the number: the rest of its line, or the start of the next.
_GAP = re.compile(r"[^\d\n;!?+(]{0,40}?\n?[ \t]{0,4}(?=[+(]{0,2}\d)")
_NORTH_AMERICAN = re.compile(
    r"(?:(?<![\w+.\-/])(?:\+?1|001)[-. ]{0,2})?(?:(?<![\w\-./])\((?P<a>\d{3})\)|(?<![\d.\-])(?P<b>\d{3}))"
    r"[-. /]{0,2}\d{3}[-.]\d{4}(?![\w-]|\.\d)"
)

# How numbers with a trunk zero are written, and by whom: phonenumbers is asked about
# these regions only, since asking costs 25 µs each.
_SEP = r"[ .\-/]{1,2}"
_TRUNK_FORMS = tuple(
    (re.compile(pattern), regions.split())
    for pattern, regions in (
        (r"0[1-9](?:[ .\-]\d{2}){4}$", "FR"),
        (rf"\(?0\d{{2,4}}\)?{_SEP}\d{{3,4}}{_SEP}\d{{3,4}}$", "GB DE IE ZA TR AU"),
        (rf"\(?0\d{{3,5}}\)?{_SEP}\d{{5,8}}$", "GB DE AT"),
        (rf"\(?0\d\)?{_SEP}\d{{4}}{_SEP}\d{{4}}$", "AU DE IT"),
        (rf"\(?0\d{{1,3}}\)?{_SEP}\d{{6,8}}$", "NL DE IT BE"),
        (rf"\(?0\d{{1,4}}\)?{_SEP}\d{{2,4}}{_SEP}\d{{2}}{_SEP}\d{{2,3}}$", "CH BE NL DE SE TR"),
        (rf"\(?0\d{{2,4}}\)?{_SEP}\d{{4,8}}-\d{{1,4}}$", "DE AT"),
        (rf"\(?0\d{{1,4}}\)?{_SEP}\d{{1,4}}{_SEP}\d{{4}}$", "JP DE NL"),
    )
)

_PHONE_WORDS = (
    *("phone", "telephone", "tel", "tele", "mobile", "cell", "cellphone", "cell phone", "whatsapp", "hotline"),
    *("contact number", "contact no", "main line", "direct line", "call me", "reach me", "text me", "call us"),
    *(
        "reached at",
        "landline",
        "toll free",
        "support line",
        "desk",
        "telefon",
        "handy",
        "mobil",
        "rufnummer",
        "tél",
        "téléphone",
        "portable",
    ),
    *("teléfono", "telefono", "móvil", "movil", "celular", "tfno", "tlf", "tlfn", "cellulare", "telefone"),
    *("telemóvel", "telefoon", "mobiel", "komórka", "numer telefonu", "kom"),
)
_FAX_WORDS = ("fax", "telefax", "facsimile", "télécopie", "faks")


def _digits(value: str) -> int:
    return sum(map(str.isdigit, value))


def _with_extension(text: str, end: int) -> int:
    extension = _EXTENSION.match(text, end)
    return extension.end() if extension else end


def _lengths(run: str) -> Iterable[str]:
    """Give the run, then the run without its last groups: a following number may have joined it."""
    # A closing bracket that was never opened belongs to the sentence.
    while run.endswith((")", "(")) and run.count("(") != run.count(")"):
        run = run[:-1].rstrip(" .-/")
    yield run
    for _ in range(3):
        cut = max(run.rfind(" "), run.rfind("/"), run.rfind("("))
        if cut < 6:
            return
        run = run[:cut].rstrip(" .-/(")
        yield run


def _parsed(value: str, region: str | None) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        return None


def _begins_inside(text: str, start: int, signs: str) -> bool:
    return start > 0 and (text[start - 1].isalnum() or text[start - 1] in signs)


def _international(text: str, start: int, _end: int) -> Iterable[Span]:
    run = None if _begins_inside(text, start, "+_^") else _RUN.match(text, start)
    if run is None:
        return ()
    possible = 0
    for value in _lengths(run[0]):
        number = _parsed(value, None)
        if number is None:
            continue
        if phonenumbers.is_valid_number(number):
            return ((start, _with_extension(text, start + len(value)), 0.95),)
        if not possible and _digits(value) >= 9 and phonenumbers.is_possible_number(number):
            possible = len(value)
    # Numbering plans change, and people mistype: a possible number is worth covering.
    return ((start, _with_extension(text, start + possible), 0.6),) if possible else ()


def _double_zero(text: str, start: int, _end: int) -> Iterable[Span]:
    run = None if _begins_inside(text, start, ".,-/_") else _RUN.match(text, start)
    for value in _lengths(run[0]) if run else ():
        number = _parsed("+" + value[2:], None)
        if number is not None and phonenumbers.is_valid_number(number):
            return ((start, start + len(value), 0.85),)
    return ()


def _national(text: str, start: int, _end: int) -> Iterable[Span]:
    """Confirm a number with a trunk zero and visible grouping."""
    if start and text[start - 1] == "(":
        start -= 1
    if _begins_inside(text, start, ".,-/+_#$€£"):
        return ()
    run = _RUN.match(text, start)
    if run is None or _DATE.match(run[0]):
        return ()
    for value in _lengths(run[0]):
        if not 9 <= _digits(value) <= 12:
            continue
        for form, regions in _TRUNK_FORMS:
            if form.match(value) is None:
                continue
            for region in regions:
                number = _parsed(value, region)
                if number is not None and phonenumbers.is_valid_number(number):
                    return ((start, _with_extension(text, start + len(value)), 0.7),)
    return ()


def _north_american(text: str, start: int, _end: int) -> Iterable[Span]:
    """Take three, three and four digits, with the country's 1 or without."""
    for found in _NORTH_AMERICAN.finditer(text, max(0, start - 6), start + 24):
        if found.start() <= start < found.end() and not _begins_inside(text, found.start(), "-._/"):
            return ((found.start(), _with_extension(text, found.end()), 0.7),)
    return ()


def _after_word(text: str, _start: int, end: int) -> Iterable[Span]:
    """Take the first run of 6 to 15 digits behind a word for telephone."""
    gap = _GAP.match(text, end)
    run = _RUN.match(text, gap.end()) if gap else None
    if gap is None or run is None:
        return ()
    value = next((value for value in _lengths(run[0]) if 6 <= _digits(value) <= 15), None)
    if value is None or _DATE.match(value):
        return ()
    stop = gap.end() + len(value)
    if text[stop : stop + 1].isalpha() and text[stop] not in "xX":
        return ()
    return ((gap.end(), _with_extension(text, stop), 0.75),)


def _after_fax(text: str, start: int, end: int) -> Iterable[Span]:
    # More than any rule for phones gives: the word decides.
    return [(begin, stop, 0.97) for begin, stop, _ in _after_word(text, start, end)]


RULES = (
    Rule(entity="PHONE", anchor=r"\+[ ]?\(?[1-9]", find=_international),
    Rule(entity="PHONE", anchor=r"\b00[1-9]\d{0,2}[ .\-]\(?\d", find=_double_zero),
    Rule(entity="PHONE", anchor=r"\d{3}\)?[-. /]{0,2}\d{3}[-.]\d{4}", find=_north_american),
    # Two more groups at least, the first of two digits: a decimal or a month is not reported.
    Rule(entity="PHONE", anchor=r"\b0\d{1,5}\)?[ ./\-]{1,2}(?:\d{1,4}[ .\-]{1,2}\d{2}|\d{5})", find=_national),
    Rule(entity="PHONE", context=_PHONE_WORDS, find=_after_word),
    Rule(entity="PHONE", context=("call", "text", "dial"), link=NEXT, pattern=r"[2-9]\d{2}[2-9]\d{6}", score=0.7),
    Rule(entity="FAX", context=_FAX_WORDS, find=_after_fax),
)
