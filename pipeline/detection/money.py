"""Amounts of money: a figure beside a currency's sign, code (ISO 4217) or name."""

import re
from collections.abc import Iterable

from pipeline.detection.rules import Rule, Span

_SIGN = r"(?:[A-Z]{1,3}\$|[$€£¥₹₽₩₪₺₫฿₴₦₱]|R\$|zł|Kč|Fr\.|kr\.?)"
_CODES = (
    "AED|ARS|AUD|BGN|BRL|CAD|CHF|CLP|CNY|COP|CZK|DKK|EGP|EUR|GBP|HKD|HUF|IDR|ILS|INR|JPY|KES|KRW|KWD|MAD|MXN|MYR|NGN|NOK|NZD|"
    "PEN|PHP|PKR|PLN|QAR|RON|RUB|SAR|SEK|SGD|THB|TND|TRY|TWD|UAH|USD|VND|XAF|XOF|ZAR|BTC|ETH"
)
_NAMES = (
    r"euros?|dollars?|dólares|dollari|dolarów|dolary|pounds?|livres sterling|libras|sterline|yen|yuan|"
    r"rupees?|rubles?|francs?|franken|"
    r"pesos?|reais|real|złotych|złote|zlotych|zł|kroner|kronor|bucks|cents|euro"
)
_FIGURE = r"(?:\d{1,3}(?:[.,' \u00a0]\d{3}){1,5}(?:[.,]\d{1,2})?|\d{1,15}(?:[.,]\d{1,4})?)"
_SCALE = (
    r"(?:\s?(?:k|K|M|m|bn|B|mn|mln|mio|Mio\.?|million(?:en|s)?|billion|thousand|trillion|Millionen|"
    r"Milliarden|milliards?|millones|milioni|milhões|miljoen|tys\.|mld))?"
)

_UNIT_AFTER = re.compile(rf"{_SCALE}\s?(?:(?:{_CODES})\b|[$€£¥₹₽₩₪₺]|(?i:{_NAMES})\b)")


def _amount_before(text: str, start: int, _end: int) -> Iterable[Span]:
    """A figure whose last digit is at `start`, and what it counts."""
    unit = _UNIT_AFTER.match(text, start + 1)
    if unit is None:
        return ()
    begin = start
    while (
        begin
        and start - begin < 20
        and (text[begin - 1].isdigit() or (text[begin - 1] in ".,'" and text[begin - 2 : begin - 1].isdigit()))
    ):
        begin -= 1
    if begin and (text[begin - 1].isalnum() or text[begin - 1] in "_-"):
        return ()
    return ((begin, unit.end(), 0.7),)


RULES = (
    Rule(
        entity="MONEY_AMOUNT",
        anchor=r"(?:[$]|\xe2\x82[\x80-\xbf]|\xc2[\xa3\xa5]|\xe0\xb8\xbf)[ ]?\d",
        pattern=rf"[$€£¥₹₽₩₪₺₫฿₴₦₱]\s?{_FIGURE}{_SCALE}(?![\w{{])",
        score=0.75,
        bounded=False,
    ),
    Rule(
        entity="MONEY_AMOUNT",
        anchor=rf"\b(?:{_CODES})[ ]?\d",
        pattern=rf"(?:{_CODES})\s?{_FIGURE}{_SCALE}",
        score=0.7,
    ),
    Rule(
        entity="MONEY_AMOUNT",
        anchor=(
            rf"\d[ ]?(?:(?:{_CODES})\b|[$]|\xe2\x82[\x80-\xbf]|\xc2[\xa3\xa5]|z\xc5\x82|(?i:"
            r"(?:(?:thousand|million(?:en|s)?|billion|k|mln|mio|millones|milioni) )?(?:euros?|dollars?|"
            r"d\xc3\xb3lares|dollari|pounds?|franken|francs?|"
            r"rupees?|pesos?|reais|z\xc5\x82otych|zlotych|yen|bucks))\b)"
        ),
        find=_amount_before,
    ),
    Rule(
        entity="MONEY_AMOUNT",
        context=(
            *(
                "salary",
                "annual salary",
                "net worth",
                "income",
                "wage",
                "gross pay",
                "net pay",
                "loan amount",
                "total amount",
            ),
            *(
                "gehalt",
                "bruttogehalt",
                "nettogehalt",
                "einkommen",
                "salaire",
                "revenu",
                "salario",
                "sueldo",
                "ingresos",
            ),
            *(
                "stipendio",
                "reddito",
                "salário",
                "rendimento",
                "salaris",
                "inkomen",
                "wynagrodzenie",
                "pensja",
                "dochód",
            ),
        ),
        link=r"(?i:[\"'`)*]{0,3}\s{0,2}(?:is|of|ist|von|est de|es de|è di|:|=){0,2}\s{0,2}[\"'`(*]{0,3})",
        pattern=rf"(?:\d{{1,3}}(?:[.,' ]\d{{3}}){{1,3}}(?:[.,]\d{{2}})?|\d{{4,9}}(?:[.,]\d{{2}})?){_SCALE}",
        score=0.6,
    ),
)
