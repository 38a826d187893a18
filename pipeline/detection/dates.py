"""Dates and times of day as eight languages, ISO 8601, logs and Japan write them."""

import re
from collections.abc import Iterable

from pipeline.detection.rules import Rule, Span

# The first letters of each month, which both scripts of the search can share.
_MONTHS = (
    r"jan(?:uary?|uar|vier|eiro|uari)?|jänner|janv|feb(?:ruary?|ruar|rero|braio|ruari)?|févr(?:ier)?|fevereiro|fev|"
    r"mar(?:ch|s|zo|ço|zec|ca|iec)?|märz|maart|mrt|apr(?:il|ile)?|avr(?:il)?|abr(?:il)?|may|mai|mayo|"
    r"maggio|maio|mei|maja|maj|mag|"
    r"jun[ei]?|juin|junio|junho|giu(?:gno)?|czerwca|czerwiec|jul[iy]?|juil(?:let)?|julio|julho|lug(?:lio)?"
    r"|lipca|lipiec|"
    r"aug(?:ust|ustus)?|août|ago(?:sto)?|sierpnia|sierpień|sept?(?:ember|embre|iembre)?|setembro|"
    r"set(?:tembre)?|setiembre|"
    r"września|wrzesień|oct(?:ober|obre|ubre)?|okt(?:ober)?|out(?:ubro)?|ott(?:obre)?|października|październik|"
    r"nov(?:ember|embre|iembre|embro)?|listopada|listopad|dec(?:ember)?|dez(?:ember|embro)?|déc(?:embre)?|"
    r"dic(?:iembre|embre)?|"
    r"grudnia|grudzień|stycznia|styczeń|lutego|luty|kwietnia|kwiecień|enero|ene|gennaio|gen"
)
_MONTH = rf"(?:{_MONTHS})(?![^\W\d_])\.?"
_YEAR = r"(?:1[89]|20)\d\d"
_DAY = r"(?:[012]?\d|3[01])"
_OF = r"(?:of |de |del |di |d['’])"
_CLOCK = (
    r"(?:[01]?\d|2[0-4])(?::[0-5]\d){1,2}(?:[.,]\d{1,6})?(?:\s?[ap]\.?m\b\.?)?(?:\s?(?:Z\b|UTC|GMT|CES?T|"
    r"[-+]\d\d:?\d\d))?"
)
_DAYS_OF_WEEK = (
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)day|montag|dienstag|mittwoch|donnerstag|freitag|samstag|"
    r"sonntag|lundi|mardi|"
    r"mercredi|jeudi|vendredi|samedi|dimanche|lunes|martes|miércoles|jueves|viernes|sábado|domingo|lunedì|martedì|"
    r"mercoledì|giovedì|venerdì|sabato|domenica|segunda-feira|terça-feira|quarta-feira|quinta-feira|"
    r"sexta-feira|maandag|"
    r"dinsdag|woensdag|donderdag|vrijdag|zaterdag|zondag|poniedziałek|wtorek|środa|czwartek|piątek|sobota|niedziela"
)
_NUMERIC = (
    rf"(?P<y>{_YEAR})(?P<p>[-/.])(?P<m>0?\d|1[0-2])[-/.](?P<d>{_DAY})|(?P<a>{_DAY})(?P<s>[-/.])"
    rf"(?P<b>{_DAY})(?P=s)(?:{_YEAR}|\d\d)"
)

_NUMERIC_DATE = re.compile(rf"(?:{_NUMERIC})(?:[T ,]{{1,3}}{_CLOCK})?(?![\w-]|[.:]\d)")
_NAMED_DATE = re.compile(
    rf"(?i)(?:(?:{_DAYS_OF_WEEK}),?\s(?:the )?)?"
    rf"(?:{_DAY}(?:st|nd|rd|th|er|\.|º|ª)?[ -]{{1,2}}{_OF}?{_MONTH}(?:[ ,/'’-]{{1,3}}{_OF}?(?:{_YEAR}|['’]"
    rf"?\d\d(?![\d:%])))?"
    rf"|{_MONTH}\s{{1,2}}{_DAY}(?:st|nd|rd|th)?\b(?!\s?[%:])(?:\s{{0,2}},?\s{{1,2}}{_YEAR})?"
    rf"|{_MONTH}(?:[ ,/'’-]{{1,3}}{_OF}?{_YEAR}|[ ]?['’/-]\d\d(?![\d:%]))"
    rf")(?:(?:,| at|T)?\s{{1,2}}{_CLOCK})?(?!\w)"
)
_JAPANESE = re.compile(
    r"(?:(?:昭和|平成|令和|大正)\s?(?:\d{1,2}|元)|\d{4})\s?年(?:\s?\d{1,2}\s?月(?:\s?\d{1,2}\s?日)?)?(?:\s?\d{1,2}[:時]\d{0,2}分?)?"
)

# In lower case these are words, too, unless a year follows.
_ALSO_A_WORD = re.compile(r"(?:may|march|mar|mars|mai|set|out|ago|gen|dec|mag|jun|sept)\b")
_WITH_YEAR = re.compile(r"\d{4}\b")


def _numeric_date(text: str, start: int, _end: int) -> Iterable[Span]:
    """A date in figures; versions, addresses and fractions have other neighbours."""
    before = text[start - 1 : start]
    if before and (before.isalnum() or before in "/.-_$+"):
        return ()
    found = _NUMERIC_DATE.match(text, start)
    if found is None:
        return ()
    if found["a"]:
        first, second = int(found["a"]), int(found["b"])
        if not (1 <= first <= 31 and 1 <= second <= 31 and min(first, second) <= 12):
            return ()
        short = found.end("b") + 3 == found.end() and not text[found.end() - 4].isdigit()
        return ((start, found.end(), 0.55 if short and found["s"] != "/" else 0.75),)
    if found["p"] == "." and min(len(found["m"]), len(found["d"])) < 2:
        return ()  # a version
    return ((start, found.end(), 0.8),) if int(found["d"]) and int(found["m"]) else ()


def _named_date(text: str, start: int, end: int) -> Iterable[Span]:
    """A month's name with a day or a year; the search found the month."""
    # Digits before the month, and a day of the week before these.
    for begin in _beginnings(text, start):
        found = _NAMED_DATE.match(text, begin)
        if found is None or found.end() < end - 1 or found.end() <= start:
            continue
        if begin == start and _ALSO_A_WORD.match(text, start) and not _WITH_YEAR.search(found[0]):
            continue
        return ((begin, found.end(), 0.75),)
    return ()


_BEFORE_MONTH = re.compile(
    rf"(?i)(?:(?:{_DAYS_OF_WEEK}),?\s(?:the )?)?(?<![\w.,])\d{{1,2}}(?:st|nd|rd|th|er|\.|º|ª)?[ -]{{1,2}}{_OF}?\Z"
)


def _beginnings(text: str, start: int) -> Iterable[int]:
    before = _BEFORE_MONTH.search(text, max(0, start - 36), start)
    if before is not None:
        yield before.start()
    if start == 0 or not text[start - 1].isalnum():
        yield start


_MONTH_ANCHOR = "|".join(
    "".join(rf"\x{byte:02x}" if byte > 127 else chr(byte) for byte in prefix.encode())
    for prefix in (
        *(
            "jan",
            "jän",
            "feb",
            "fév",
            "fev",
            "mar",
            "mär",
            "maa",
            "mrt",
            "apr",
            "avr",
            "abr",
            "may",
            "mai",
            "mag",
            "mei",
        ),
        *(
            "maj",
            "jun",
            "jui",
            "giu",
            "cze",
            "jul",
            "lug",
            "lip",
            "aug",
            "aoû",
            "ago",
            "sie",
            "sep",
            "set",
            "wrz",
            "oct",
        ),
        *(
            "okt",
            "out",
            "ott",
            "paź",
            "nov",
            "lis",
            "dec",
            "dez",
            "déc",
            "dic",
            "gru",
            "sty",
            "lut",
            "kwi",
            "ene",
            "gen",
        ),
    )
)


def _japanese(text: str, start: int, _end: int) -> Iterable[Span]:
    begin = max(0, start - 2) if text[max(0, start - 2) : start] in {"昭和", "平成", "令和", "大正"} else start
    found = _JAPANESE.match(text, begin)
    return ((begin, found.end(), 0.75),) if found else ()


RULES = (
    Rule(
        entity="DATE_TIME",
        anchor=r"\b(?:(?:1[89]|20)\d\d[\-/.]\d{1,2}[\-/.]\d|\d{1,2}[\-/.]\d{1,2}[\-/.]\d\d)",
        find=_numeric_date,
    ),
    # Of a month beside figures only: "may" and "mars" are words, too.
    Rule(
        entity="DATE_TIME",
        anchor=rf"(?i)(?:{_MONTH_ANCHOR})[^\W\d_\x00-\x40]{{0,12}}[.,]?[ ,/'\-]{{1,3}}(?:of |de |del )?'?\d",
        find=_named_date,
    ),
    Rule(
        entity="DATE_TIME",
        anchor=rf"(?i)\b\d{{1,2}}(?:st|nd|rd|th|er|[.]|\xc2\xba|\xc2\xaa)?[ \-](?:of |de |d')?(?:{_MONTH_ANCHOR})",
        pattern=_NAMED_DATE.pattern,
        score=0.75,
        bounded=True,
    ),
    Rule(entity="DATE_TIME", anchor=r"\d{1,4}\s?\xe5\xb9\xb4", find=_japanese),
    Rule(
        entity="DATE_TIME",
        anchor=(
            r"(?i)\b(?:at|by|from|until|till|to|um|ab|bis|gegen|alle|las|las |\xc3\xa0|vers|om|o|godz\.?|@)[ ]"
            r"\d{1,2}:\d\d"
        ),
        pattern=rf"(?i)[^\W\d_]{{1,6}}\.?\s(?P<v>{_CLOCK})(?![:\d])",
        score=0.6,
    ),
    Rule(
        entity="DATE_TIME",
        anchor=r"\b\d{1,2}(?::[0-5]\d){0,2}[ ]?[APap]\.?[Mm]\b",
        pattern=r"(?:0?\d|1[0-2])(?::[0-5]\d){0,2}\s?(?:[ap]\.?m\b\.?|[AP]\.?M\b\.?)",
        score=0.6,
    ),
    Rule(  # an hour with seconds stands for itself; log lines have it in their time stamp
        entity="DATE_TIME",
        anchor=r"\b[012]\d:[0-5]\d:[0-5]\d\b",
        pattern=r"(?<![\d:.T-])(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:[.,]\d{1,6})?(?![:\w-])",
        score=0.6,
    ),
    Rule(
        entity="DATE_TIME",
        anchor=(
            r"(?i)\b(?:in|since|of|until|by|during|before|after|year|im jahr|jahr|seit|en|depuis|ann\xc3\xa9e|"
            r"a\xc3\xb1o|"
            r"desde|nel|dal|anno|em|ano|a\xc3\xb1o|sinds|jaar|w|roku|od|circa|around|from|to|an?)[ ](?:1[89]|20)\d\d\b"
        ),
        pattern=(
            rf"(?i)[^\W\d_]{{1,6}}(?:\s[^\W\d_]{{4}})?\s(?P<v>{_YEAR})(?![.,:/-]?\d|\w|\s?(?:%|[km]?m\b|px|[km]?g\b"
            rf"|ms\b|hz|rpm|[mgk]b\b|euros?|dollars?|people|users|rows|items|requests|words|tokens))"
        ),
        score=0.55,
    ),
    Rule(
        entity="DATE_TIME",
        anchor=r"\((?:1[89]|20)\d\d\)",
        pattern=rf"\((?P<v>{_YEAR})\)",
        score=0.5,
        bounded=False,
    ),
)
