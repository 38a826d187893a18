"""Telephone and fax numbers: international ones of every region, national ones by form or context."""

import re
from collections.abc import Iterable

import phonenumbers

from pipeline.detection.rules import Rule, Span

_RUN = re.compile(r"\+?[\s.]?\(?\d(?:[\d()/]|[ .\-]{1,2}(?=[\d(])){4,26}\d")
_EXTENSION = re.compile(r"(?i)[\s,;]{0,2}(?:ext(?:ension)?\.?|x|durchwahl|poste|int\.?)\s?[:.]?\s?\d{1,6}(?!\w)")
_DATE = re.compile(r"\d{1,2}[./-]\d{1,2}[./-](?:19|20)?\d\d$|(?:19|20)\d\d[./-]\d{1,2}[./-]\d{1,2}")
_SPACING = re.compile(r"[ .\-/()]+")

# Tried in this order for a number with a trunk prefix and no context.
_TRUNK_REGIONS = ("GB", "DE", "FR", "NL", "IT", "BE", "CH", "AT", "SE", "AU", "IE", "IN", "JP", "ZA", "TR")

_PHONE_WORDS = (
    *(
        "phone",
        "telephone",
        "tel",
        "tele",
        "mobile",
        "cell",
        "cellphone",
        "cell phone",
        "whatsapp",
        "phone number",
        "hotline",
    ),
    *(
        "contact number",
        "contact no",
        "main line",
        "direct line",
        "call me",
        "reach me",
        "text me",
        "call us",
        "reached at",
    ),
    *("telefon", "telefonnummer", "handy", "mobil", "mobilnummer", "rufnummer", "tél", "téléphone", "portable"),
    *("teléfono", "telefono", "móvil", "movil", "celular", "tfno", "tlf", "tlfn", "cellulare", "telefone", "telemóvel"),
    *("telefoon", "telefoonnummer", "mobiel", "komórka", "numer telefonu", "nr tel", "kom", "desk", "landline"),
)
_FAX_WORDS = ("fax", "telefax", "faxnummer", "facsimile", "télécopie", "faks")


def _digits(value: str) -> int:
    return sum(map(str.isdigit, value))


def _with_extension(text: str, end: int) -> int:
    extension = _EXTENSION.match(text, end)
    return extension.end() if extension else end


def _shortened(run: str) -> Iterable[str]:
    """Give the run, then the run without its last groups: a following number may have joined it."""
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


def _balanced(run: str) -> str:
    """Drop a closing bracket that belongs to the sentence."""
    while run.endswith((")", "(")) and run.count("(") != run.count(")"):
        run = run[:-1].rstrip(" .-/")
    return run


def _international(text: str, start: int, end: int) -> Iterable[Span]:
    if start and (text[start - 1].isalnum() or text[start - 1] in "+_^"):
        return ()
    run = _RUN.match(text, start)
    if run is None:
        return ()
    possible = 0
    for value in _shortened(_balanced(run[0])):
        number = _parsed(value, None)
        if number is None:
            continue
        if phonenumbers.is_valid_number(number):
            return ((start, _with_extension(text, start + len(value)), 0.95),)
        if not possible and phonenumbers.is_possible_number(number):
            possible = len(value)
    if possible and _digits(text[start : start + possible]) >= 9:
        return ((start, _with_extension(text, start + possible), 0.6),)
    return ()


def _national(text: str, start: int, end: int) -> Iterable[Span]:
    """Confirm a number with a trunk zero and visible grouping in one of the main regions."""
    if start and (text[start - 1].isalnum() or text[start - 1] in ".,-/+_:#$€£=("):
        if not (text[start - 1] == "(" or text[start - 1] in ":="):
            return ()
    run = _RUN.match(text, start)
    if run is None or _DATE.match(run[0]):
        return ()
    for value in _shortened(_balanced(run[0])):
        if not 9 <= _digits(value) <= 12 or not _SPACING.search(value):
            continue
        for region in _TRUNK_REGIONS:
            number = _parsed(value, region)
            if number is not None and phonenumbers.is_valid_number(number):
                return ((start, _with_extension(text, start + len(value)), 0.7),)
    return ()


def _after_word(text: str, start: int, end: int) -> Iterable[Span]:
    """Take the first run of 6 to 15 digits behind a word for telephone."""
    gap = _GAP.match(text, end)
    if gap is None:
        return ()
    run = _RUN.match(text, gap.end())
    if run is None:
        return ()
    value = run[0]
    for candidate in _shortened(_balanced(value)):
        if 6 <= _digits(candidate) <= 15:
            value = candidate
            break
    else:
        return ()
    stop = gap.end() + len(value)
    if _DATE.match(value) or (text[stop : stop + 1].isalpha() and text[stop : stop + 1].lower() != "x"):
        return ()
    return ((gap.end(), _with_extension(text, stop), 0.75),)


_GAP = re.compile(r"[^\d\n;!?+(]{0,40}?\n?[ \t]{0,4}(?=[+(]{0,2}\d)")

RULES = (
    Rule(entity="PHONE", anchor=r"\+[ ]?\(?[1-9]", find=_international),
    Rule(
        entity="PHONE",
        anchor=r"\d{3}\)?[-. /]{0,2}\d{3}[-.]\d{4}",
        find=lambda text, start, end: _north_american(text, start),
    ),
    Rule(entity="PHONE", anchor=r"\b0\d{1,4}\)?[ ./\-]{1,2}\d{2,8}", find=_national),
    Rule(
        entity="PHONE", anchor=r"\b00[1-9]\d{0,2}[ .\-]\(?\d", find=lambda text, start, end: _double_zero(text, start)
    ),
    Rule(entity="PHONE", context=_PHONE_WORDS, find=_after_word),
    Rule(entity="FAX", context=_FAX_WORDS, find=lambda text, start, end: _fax(text, start, end)),
)

_NORTH_AMERICAN = re.compile(
    r"(?:(?<![\w+.-])(?:\+?1|001)[-. ]{0,2})?(?:\((?P<a>\d{3})\)|(?<![\d.-])(?P<b>\d{3}))[-. /]{0,2}\d{3}[-.]\d{4}(?![\w-]|\.\d)"
)


def _north_american(text: str, start: int) -> Iterable[Span]:
    begin = max(0, start - 6)
    for found in _NORTH_AMERICAN.finditer(text, begin, start + 24):
        if found.start() <= start < found.end():
            previous = text[found.start() - 1 : found.start()]
            if previous.isalnum() or previous in ("-", ".", "_", "/"):
                return ()
            return ((found.start(), _with_extension(text, found.end()), 0.7),)
    ending = _NORTH_AMERICAN.match(text, start)
    return ((start, _with_extension(text, ending.end()), 0.7),) if ending and not begin else ()


def _double_zero(text: str, start: int) -> Iterable[Span]:
    if start and (text[start - 1].isalnum() or text[start - 1] in ".,-/_"):
        return ()
    run = _RUN.match(text, start)
    if run is None:
        return ()
    for value in _shortened(_balanced(run[0])):
        number = _parsed("+" + value[2:], None)
        if number is not None and phonenumbers.is_valid_number(number):
            return ((start, start + len(value), 0.85),)
    return ()


def _fax(text: str, start: int, end: int) -> Iterable[Span]:
    return [(begin, stop, 0.9) for begin, stop, _ in _after_word(text, start, end)]
