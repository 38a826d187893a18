"""Dates moved by whole weeks: intervals and weekdays stay what they were."""

import re
from calendar import monthrange
from typing import NamedTuple

_LONG = "january february march april may june july august september october november december"
_MONTHS = (_LONG.split(), [month[:3] for month in _LONG.split()])
_WORDS = "|".join(sorted({word for words in _MONTHS for word in words}, key=len, reverse=True))
_TIME = (
    r"(?P<time>(?:T|,? (?:at )?)\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?: ?[AaPp]\.?[Mm]\.?)?(?:Z|[+-]\d{2}:?\d{2})?)?"
)
_FORMS = tuple(
    re.compile(form + _TIME, re.IGNORECASE)
    for form in (
        r"(?P<year>\d{4})(?P<a>[-/.])(?P<month>\d{1,2})(?P=a)(?P<day>\d{1,2})",
        r"(?P<day>\d{1,2})(?P<a>\.)(?P<month>\d{1,2})(?P=a)(?P<year>\d{4})",
        r"(?P<month>\d{1,2})(?P<a>[-/])(?P<day>\d{1,2})(?P=a)(?P<year>\d{4})",
        r"(?P<day>\d{1,2})(?P<a>[-/])(?P<month>\d{1,2})(?P=a)(?P<year>\d{4})",
        rf"(?P<word>{_WORDS})\.? (?P<day>\d{{1,2}}),? (?P<year>\d{{4}})",
        rf"(?P<day>\d{{1,2}})[ -](?P<word>{_WORDS})\.?,?[ -](?P<year>\d{{4}})",
    )
)
_FIRST_YEAR, _LAST_YEAR = 1800, 2200


class _Date(NamedTuple):
    year: int
    month: int
    day: int


def shifted(text: str, weeks: int) -> str | None:
    """A date so many weeks later, written in the same form; None for a form that isn't known.

    Where day and month could be either, the month is taken to come first (`3/4/2024`).
    """
    for form in _FORMS:
        found = form.fullmatch(text)
        date = _date(found) if found else None
        if found and date and (moved := _add(date, weeks * 7)):
            return _written(text, found, moved)
    return None


def _date(found: re.Match[str]) -> _Date | None:
    groups = found.groupdict()
    month = int(groups["month"]) if groups.get("month") else _month(groups["word"])
    year, day = int(groups["year"]), int(groups["day"])
    if not (_FIRST_YEAR <= year < _LAST_YEAR and 1 <= month <= 12 and 1 <= day <= monthrange(year, month)[1]):
        return None
    return _Date(year, month, day)


def _month(word: str) -> int:
    return next(words.index(word.lower()) + 1 for words in _MONTHS if word.lower() in words)


def _add(date: _Date, days: int) -> _Date | None:
    """The proleptic Gregorian calendar, counted in days."""
    year, month, day = date.year, date.month, date.day + days
    while day < 1 or day > monthrange(year, month)[1]:
        if day < 1:
            year, month = (year, month - 1) if month > 1 else (year - 1, 12)
            day += monthrange(year, month)[1]
        else:
            day -= monthrange(year, month)[1]
            year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    return _Date(year, month, day) if _FIRST_YEAR <= year < _LAST_YEAR else None


def _written(text: str, found: re.Match[str], date: _Date) -> str:
    """The text with its numbers and its month's name replaced, with leading zeros where it has or may have some."""
    spans = []
    short = [given for name in ("month", "day") if (given := found.groupdict().get(name))]
    padded = any(given[0] == "0" for given in short) or (len(short) == 2 and all(len(given) == 2 for given in short))
    for name in ("year", "month", "day", "word"):
        given = found.groupdict().get(name)
        if given is None:
            continue
        number = date.month if name == "word" else getattr(date, name)
        spans.append((found.start(name), found.end(name), _like(given, number, padded)))
    spelled, done = "", 0
    for start, end, new in sorted(spans):
        spelled, done = spelled + text[done:start] + new, end
    return spelled + text[done:]


def _like(given: str, number: int, padded: bool) -> str:
    if given.isdigit():
        return f"{number:02}" if padded else str(number)
    word = _MONTHS[given.lower() not in _MONTHS[0]][number - 1]
    return word.upper() if given.isupper() and len(given) > 1 else word if given.islower() else word.title()
