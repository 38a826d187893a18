"""Dates as people say them: the day an ordinal, the month's name, the year in words; or figures with spoken signs."""

import re
from collections.abc import Iterable

from pipeline.detection.rules import Rule, Span

# Month, day's and year's words of English, German, Dutch, French, Spanish, Portuguese, Italian, Polish. Days and
# the ends of years are loose where a language makes one word of them: month and century say that it's a date.
_MONTHS = (
    r"january|february|march|april|may|june|july|august|september|october|november|december|januar|jänner|februar|märz|mai|"
    r"juni|juli|oktober|dezember|januari|februari|maart|mei|augustus|janvier|février|mars|avril|juin|juillet|août|septembre|"
    r"octobre|novembre|décembre|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|setiembre|octubre|noviembre|"
    r"diciembre|janeiro|fevereiro|março|maio|junho|julho|setembro|outubro|novembro|dezembro|gennaio|febbraio|aprile|maggio|"
    r"giugno|luglio|settembre|ottobre|dicembre|stycznia|lutego|marca|kwietnia|maja|czerwca|lipca|sierpnia|września|"
    r"października|listopada|grudnia"
)
_UNITS = "one|two|three|four|five|six|seven|eight|nine"
_TEENS = "ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen"
_TENS = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
_BELOW_HUNDRED = rf"(?:(?:{_TENS})(?:[ -](?:{_UNITS}))?|{_TEENS}|(?:oh?|and)[ -](?:{_UNITS})|hundred|{_UNITS})"
_ORDINAL = (
    r"(?:(?:twenty|thirty)[ -])?(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth)|tenth|eleventh|twelfth|"
    r"thirteenth|fourteenth|fifteenth|sixteenth|seventeenth|eighteenth|nineteenth|twentieth|thirtieth"
)
_FIGURES = r"\d{1,2}(?:st|nd|rd|th|er|º|ª|\.)?"
_DAY_WORD = (
    r"(?:erst|zweit|dritt|viert|fünft|sechst|siebt|siebent|acht|neunt|zehnt|elft|zwölft|[^\W\d_]{3,9}zehnt|"
    r"[^\W\d_]{0,14}(?:zwanzig|dreißig|dreissig)st)e[rn]?|"
    r"een|twee|drie|vier|vijf|zes|zeven|acht|negen|tien|elf|twaalf|[^\W\d_]{3,6}tien|[^\W\d_]{0,12}(?:twintig|dertig)|eerste|"
    r"premier|(?:vingt|trente)(?:-et-un|[ -]et un|[ -](?:deux|trois|quatre|cinq|six|sept|huit|neuf))?|"
    r"deux|trois|quatre|cinq|six|sept|huit|neuf|dix(?:-sept|-huit|-neuf)?|onze|douze|treize|quatorze|quinze|seize|"
    r"primero|uno|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|once|doce|trece|catorce|quince|dieci[a-zé]{4,6}|"
    r"veint[a-zéóú]{1,9}|treinta(?: y uno)?|primeiro|dois|três|quatro|sete|oito|nove|dez|doze|dez[a-z]{4,6}|"
    r"(?:vinte|trinta)(?: e [^\W\d_]{2,6})?|primo|due|tre|quattro|cinque|sei|sette|otto|dieci|undici|"
    r"dodici|tredici|quattordici|quindici|sedici|"
    r"dici[a-z]{5,8}|vent[a-zé]{1,9}|trent[a-z]{1,4}|(?:dwudziestego |trzydziestego )?[^\W\d_]{4,14}ego"
)
_OF = r"(?:of |de |do |del |d['’])?(?:the )?(?:year )?"

# What a year begins with, and what may follow.
_ROMANCE_REST = (
    r"(?:[ -](?:e|y|et|un|uno|une|um|deux|trois|quatre|cinq|six|sept|huit|neuf|dix|onze|douze|treize|quatorze|quinze|"
    r"seize|vingts?|trente|quarante|cinquante|soixante|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|once|doce|trece|catorce|quince|"
    r"dieci[a-zé]{4,6}|veint[a-zéó]{1,9}|treinta|cuarenta|cincuenta|sesenta|setenta|ochenta|noventa|dois|duas|três|"
    r"sete|oito|nove|dez|doze|treze|quatorze|dez[a-z]{4,6}|vinte|trinta|quarenta|cinquenta|sessenta|oitenta)){0,6}"
)
_YEAR = (
    rf"(?:(?:seventeen|eighteen|nineteen|twenty)[ -]{_BELOW_HUNDRED}|two thousand(?:(?: and)? {_BELOW_HUNDRED})?"
    r"|(?:neunzehnhundert|achtzehnhundert|zweitausend)[^\W\d_]{0,24}"
    r"|(?:negentienhonderd|tweeduizend)(?:[ ]?[^\W\d_]{3,20})?"
    rf"|(?:mille neuf cents?|dix-neuf cents?|deux mille){_ROMANCE_REST}"
    rf"|(?:mil novecientos|mil novecentos|dos mil|dois mil){_ROMANCE_REST}"
    r"|(?:mille ?novecento|duemila)[^\W\d_]{0,16}"
    r"|(?:tysiąc dziewięćset|dwa tysiące)(?: (?:dw|trz|cz|pi|sz|si|os|dz|je|pier|dru|czw|ro)[^\W\d_]{2,16}){0,3})"
)
_STARTS = (
    *(
        "seventeen",
        "eighteen",
        "nineteen",
        "twenty",
        "two thousand",
        "neunzehnhundert",
        "achtzehnhundert",
        "zweitausend",
    ),
    *("negentienhonderd", "tweeduizend", "mille neuf cent", "dix-neuf cent", "deux mille", "mil novecientos"),
    *("mil novecentos", "dos mil", "dois mil", "millenovecento", "mille novecento", "duemila"),
    *("tysi.{1,2}c dziewi.{4}set", "dwa tysi.{1,2}ce"),
)
_BEFORE_YEAR = re.compile(
    rf"(?i)(?<![^\W_])(?:(?:{_ORDINAL}|{_FIGURES}|{_DAY_WORD})(?: day)? {_OF}(?:{_MONTHS})"
    rf"|(?:{_MONTHS}) (?:the )?(?:{_ORDINAL}|{_FIGURES}|{_UNITS}|{_TEENS}|(?:{_TENS})(?:[ -](?:{_UNITS}))?))"
    rf"[, ] ?{_OF}\Z"
)
_YEAR_HERE = re.compile(rf"(?i){_YEAR}(?![^\W_])")
_DAY_OF_MONTH = re.compile(rf"(?i)(?:{_ORDINAL}) (?:day )?of (?:{_MONTHS})(?![^\W_])(?: (?:1[89]|20)\d\d(?![^\W_]))?")
# A day or month in words or figures.
_PART = rf"(?:\d{{1,2}}|{_UNITS}|{_TEENS}|(?:twenty|thirty)(?:[ -](?:{_UNITS}))?)"
_SIGN = r"(?:slash|dash|dot|schrägstrich|punkt|barra|barre|ukośnik)"
_WITH_SIGNS = re.compile(
    rf"(?i)(?<![^\W_])(?P<a>{_PART}) (?P<s>{_SIGN}) (?P<b>{_PART}) (?P=s) (?:(?:1[89]|20)?\d\d|{_YEAR})(?![^\W_])"
)
_BORN = re.compile(
    r"(?i)(?<![^\W_])(?:born(?: on)?|birth ?da(?:y|te)(?: is)?|date of birth(?: is)?|dob(?: is)?|"
    r"geboren(?: am| op)?|née? le|naci(?:do|da|ó) el|nat[oa] il|nascid[oa] em|urodzon[ya])[ :,]{1,2}(?:the |el )?\Z"
)


def _dates(text: str, start: int, _end: int) -> Iterable[tuple[int, int]]:
    year = _YEAR_HERE.match(text, start)
    if year is not None:
        before = _BEFORE_YEAR.search(text, max(0, start - 60), start)
        if before is not None:
            yield before.start(), year.end()
            return
    for form in (_DAY_OF_MONTH, _WITH_SIGNS):
        found = form.match(text, start)
        if found is not None and (form is _DAY_OF_MONTH or _is_day_and_month(found["a"], found["b"])):
            yield found.span()
            return


def _is_day_and_month(first: str, second: str) -> bool:
    figures = [int(part) for part in (first, second) if part.isdigit()]
    return all(1 <= figure <= 31 for figure in figures) and (len(figures) < 2 or min(figures) <= 12)


def _date_of_birth(text: str, start: int, end: int) -> Iterable[Span]:
    for begin, stop in _dates(text, start, end):
        if _BORN.search(text, max(0, begin - 40), begin):
            yield (begin, stop, 0.9)


def _date(text: str, start: int, end: int) -> Iterable[Span]:
    for begin, stop in _dates(text, start, end):
        yield (begin, stop, 0.7)


_ANCHORS = (
    rf"(?i)\b(?:{'|'.join(_STARTS)})",
    rf"(?i)\b(?:{_ORDINAL}) (?:day )?of [adfjmnos]",
    r"(?i)\b[a-z0-9]{1,9} (?:slash|dash|dot|schr\xc3\xa4gstrich|punkt|barr[ae]|uko\xc5\x9bnik) [a-z0-9]{1,9} [sdpbu]",
)
RULES = tuple(
    Rule(entity=entity, anchor=anchor, find=find)
    for entity, find in (("DATE_TIME", _date), ("DATE_OF_BIRTH", _date_of_birth))
    for anchor in _ANCHORS
)
