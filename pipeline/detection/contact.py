"""Electronic addresses, places on a map, URLs. Phones and street addresses have modules of their own."""

import re
from collections.abc import Iterable

from pipeline.detection.rules import Rule, Span

_LABEL = r"[^\W_](?:[\w-]{0,62}[^\W_])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.){{1,8}}(?:[^\W\d_]{{2,24}}|xn--[a-z0-9-]{{2,59}})(?![\w-]|\.[^\W_])", re.I)
# Read backwards from the @: RFC 5322's dot-atom and letters of any script.
_LOCAL_BACKWARDS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}")
# A URL's user and password are for the rules of secrets.
_USER_INFO = re.compile(r"://[^\s/?#@]{0,80}\Z")
# What may stand unescaped before an address in prose, markup and query strings.
_NOT_FIRST = "./'`{|}=?&*!#$^~-"

_SPOKEN_LOCAL = re.compile(r"(?i)(?:(?:[a-z0-9]+(?: dot | underscore | dash |[._-])){0,4}[a-z0-9]{2,40})$")
_SPOKEN_TAIL = re.compile(
    r"(?i)\s?[\[({]?\s?at\s?[\])}]?\s?((?:[a-z0-9-]{1,40}\s?(?:[\[({]\s?(?:dot|\.)\s?[\])}]|\sdot\s|\.)\s?){1,3}[a-z]{2,12})(?![a-z0-9])"
)
_SPOKEN_TLD = frozenset(
    [
        "com",
        "org",
        "net",
        "edu",
        "gov",
        "io",
        "co",
        "uk",
        "de",
        "fr",
        "es",
        "it",
        "pl",
        "nl",
        "pt",
        "eu",
        "us",
        "ca",
        "au",
        "in",
        "info",
        "biz",
        "dev",
        "app",
        "me",
        "ch",
        "at",
        "be",
        "se",
        "no",
        "dk",
        "fi",
        "ie",
        "br",
        "mx",
        "jp",
        "cn",
        "ru",
    ]
)


# "at home. It" ends a sentence; nobody writes the dot of a domain so.
_SENTENCE_END = re.compile(r"[^\W_]\.\s")


def _email(text: str, start: int, end: int) -> Iterable[Span]:
    at = text.index("@", start, end)
    local = _LOCAL_BACKWARDS.match(text[max(0, at - 64) : at][::-1])
    domain = _DOMAIN.match(text, at + 1, at + 255)
    if local is None or domain is None:
        return ()
    begin = at - local.end()
    while begin < at and text[begin] in _NOT_FIRST:
        begin += 1
    # In key=value and path/name, the address is what follows the last sign.
    for sign in "=/&|'`{}":
        begin = max(begin, text.rfind(sign, begin, at) + 1)
    if begin == at or text[begin:at] == "git" or text[at - 1] == ".":
        return ()
    if _USER_INFO.search(text, max(0, begin - 96), begin):
        return ()
    return ((begin, domain.end(), 0.95),)


def _spoken_email(text: str, start: int, end: int) -> Iterable[Span]:
    tail = _SPOKEN_TAIL.match(text, start + 1, end + 64) if start + 1 < end else None
    local = _SPOKEN_LOCAL.search(text, max(0, start - 80), start + 1)
    if tail is None or local is None:
        return ()
    if re.split(r"[^a-z]+", tail[1].lower())[-1] not in _SPOKEN_TLD or _SENTENCE_END.search(tail[0]):
        return ()
    return ((local.start(), tail.end(), 0.7),)


def _is_public_url(value: str) -> bool:
    host = re.split(r"[/?#:]", value.rsplit("://", maxsplit=1)[-1], maxsplit=1)[0].lower()
    return "." in host and not host.startswith(("127.", "0.0.")) and not host.endswith(".")


_COORDINATE = r"[-+]?\d{1,3}\.\d{3,12}"

_ANOTHER_NUMBER = re.compile(r"\s?[,;.]\s?[-+]?\d")
_NUMBER_BEFORE = re.compile(r"\d[,;]\s?\Z")
_PAIR = re.compile(rf"({_COORDINATE})°?\s?[NSns]?[,;]\s?({_COORDINATE})°?(?:\s?[EWew]\b)?")


def _coordinates(text: str, start: int, _end: int) -> Iterable[Span]:
    """Two decimal degrees; plain numbers in a list are not (too few decimals or out of range)."""
    begin = start
    while begin > max(0, start - 4) and (text[begin - 1].isdigit() or text[begin - 1] in "+-"):
        begin -= 1
    pair = _PAIR.match(text, begin)
    if pair is None or (begin > 0 and (text[begin - 1].isalnum() or text[begin - 1] in ".,_")):
        return ()
    # Three numbers in a row are a list, whatever the first two would be on a map.
    listed = _ANOTHER_NUMBER.match(text, pair.end()) or _NUMBER_BEFORE.search(text, max(0, begin - 3), begin)
    if listed or abs(float(pair[1])) > 90 or abs(float(pair[2])) > 180:
        return ()
    return ((begin, pair.end(), 0.7),)


RULES = (
    Rule(entity="EMAIL", anchor=r"[^\s@<>\"(),:;\[\]]@[A-Za-z0-9\x80-\xff]", find=_email),
    Rule(
        entity="EMAIL",
        anchor=r"(?i)[a-z0-9](?:\s?[\[({]\s?at\s?[\])}]\s?|\sat\s)[a-z0-9-]{1,40}\s?(?:[\[({]\s?dot\s?[\])}]|\sdot\s|\.)\s?[a-z]{2}",
        find=_spoken_email,
    ),
    Rule(
        entity="URL",
        anchor=r"(?i)\b(?:https?|ftps?|wss?)://[a-z0-9\x80-\xff]",
        # No userinfo: a URL with credentials is cut up by the rules for secrets.
        pattern=r"(?i)[a-z]{2,5}://[^\s/?#@\"'<>`\\{}|]{3,253}(?:[/?#](?:[^\s\"'<>`\\{}|()]|\([^\s\"'<>`()]{0,80}\)){0,2000})?(?<![.,;:!?*\]])",
        check=_is_public_url,
        score=0.8,
        bounded=False,
    ),
    Rule(
        entity="URL",
        anchor=r"(?i)\bwww\.[a-z0-9]",
        pattern=r"(?i)(?<![\w/.@])www\.(?:[a-z0-9-]{1,63}\.){1,5}[a-z]{2,24}(?:[/?#][^\s\"'<>`\\{}|()]{0,2000})?(?<![.,;:!?*\]])",
        score=0.75,
        bounded=False,
    ),
    Rule(
        entity="GEO_COORDINATE",
        anchor=r"\d\.\d{4,12}(?:°)?[ ]?[NnSs]?[,;][ ]?[-+]?\d{1,3}\.\d{4}",
        find=_coordinates,
    ),
    Rule(
        entity="GEO_COORDINATE",
        anchor=r"\d{1,2}°[ ]?\d{1,2}['′]",
        pattern=r"\d{1,3}°\s?\d{1,2}['′]\s?(?:\d{1,2}(?:\.\d{1,6})?(?:[\"″]|'')\s?)?[NSEWO](?:[,\s]{0,3}\d{1,3}°\s?\d{1,2}['′]\s?(?:\d{1,2}(?:\.\d{1,6})?(?:[\"″]|'')\s?)?[NSEWO])?",
    ),
    Rule(
        entity="GEO_COORDINATE",
        context=("latitude", "longitude", "lat", "lng", "lon", "breitengrad", "längengrad", "latitud", "longitud"),
        link=r"[\"'`]?\s{0,3}[=:]?\s{0,3}[\"']?",
        pattern=r"[-+]?\d{1,3}\.\d{3,15}",
        bounded=False,
    ),
)
