"""Payment cards: numbers, what is printed beside them, and what their stripe holds."""

import re

from pipeline.detection.context import NEAR
from pipeline.detection.rules import Rule

_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_CARD_WORDS = (
    *(
        "card",
        "credit card",
        "debit card",
        "creditcard",
        "card number",
        "visa",
        "mastercard",
        "amex",
        "american express",
    ),
    *(
        "kreditkarte",
        "kartennummer",
        "carte",
        "carte bancaire",
        "tarjeta",
        "carta di credito",
        "cartão",
        "karta",
        "numer karty",
        "pan",
        "cc",
    ),
)


def luhn(value: str) -> bool:
    """Check the last digit of a number by ISO/IEC 7812; other characters are skipped."""
    digits = [int(char) for char in value if char.isdigit()]
    digits.reverse()
    return bool(digits) and (sum(digits[::2]) + sum(_DOUBLED[digit] for digit in digits[1::2])) % 10 == 0


def _is_card(value: str) -> bool:
    digits = re.sub(r"\D", "", value)
    return _brand_fits(digits) and luhn(digits) and len(set(digits)) > 1


def _brand_fits(digits: str) -> bool:
    length = len(digits)
    if digits.startswith(("34", "37")):
        return length == 15
    if digits.startswith(("36", "38", "39", "300", "301", "302", "303", "304", "305")):
        return length in (14, 16, 19)
    if digits.startswith("4"):
        return length in (13, 16, 19)
    if digits[:2] in ("51", "52", "53", "54", "55") or 2221 <= int(digits[:4]) <= 2720:
        return length == 16
    if digits.startswith(("35", "1800", "2131")):
        return length in (15, 16)
    return digits.startswith(("5", "6", "2200", "2201", "2202", "2203", "2204")) and 13 <= length <= 19


RULES = (
    Rule(
        entity="CREDIT_CARD",
        anchor=(
            r"\b(?:[3-6]\d{3}|2[2-7]\d{2}|2131|1800)(?:[ -]?\d{4}){2,3}(?:[ -]?\d{1,4})?\b|\b3\d{3}[ "
            r"-]?\d{6}[ -]?\d{4,5}\b|\b4\d{12}\b"
        ),
        pattern=(
            r"(?<![\d.,][.,-])(?<![\w-])(?:\d{4}[ -]?\d{6}[ -]?\d{4,5}|\d{4}(?:[ -]?\d{4}){2,3}(?:[ "
            r"-]?\d{1,4})?|\d{13,19})(?![.,]?\d)(?!-\w)"
        ),
        check=_is_card,
        score=0.95,
    ),
    Rule(
        entity="CREDIT_CARD",
        context=_CARD_WORDS,
        link=NEAR,
        pattern=r"\d{4}(?:[ .\-]{0,3}\d{4}){2,3}(?:[ -]?\d{1,3})?|\d{4}[ -]?\d{6}[ -]?\d{4,5}|\d{12,19}",
        check=luhn,
        score=0.9,
        unchecked=0.7,
    ),
    Rule(
        entity="CARD_CVV",
        context=(
            "cvv",
            "cvc",
            "cvv2",
            "cvc2",
            "csc",
            "security code",
            "card verification",
            "prüfziffer",
            "cryptogramme",
            "código de seguridad",
            "kod cvv",
        ),
        link=(
            r"(?i:[\"'`)]{0,2}\s{0,2}(?:number|code|is|was|nr|no\.?|value|=|:|-|es|est|ist|to)"
            r"{0,2}\s{0,2}(?:is|:|=)?\s{0,2}[\"'(]{0,2})"
        ),
        pattern=r"\d{3,4}",
        score=0.85,
    ),
    Rule(
        entity="CARD_EXPIRY",
        context=(
            "expiry",
            "expiration",
            "expires",
            "exp date",
            "exp",
            "valid thru",
            "valid until",
            "gültig bis",
            "expire fin",
            "caducidad",
            "scadenza",
            "validade",
            "ważna do",
        ),
        link=r"(?i:[\"'`)]{0,2}\s{0,2}(?:date|on|is|datum|:|=|-){0,3}\s{0,2}(?:is|:|=)?\s{0,2}[\"'(]{0,2})",
        pattern=r"(?:0[1-9]|1[0-2])\s?[/-]\s?(?:20)?[2-4]\d(?![/-]\d)",
        score=0.75,
    ),
    Rule(
        entity="CARD_TRACK_DATA",
        anchor=r"%B\d{12}",
        pattern=r"%B\d{12,19}\^[^\^\n]{2,26}\^\d{7}[^?\n]{0,60}\??",
        score=0.98,
        bounded=False,
    ),
    Rule(
        entity="CARD_TRACK_DATA",
        anchor=r";\d{12,19}=\d{7}",
        pattern=r";\d{12,19}=\d{7}\d{0,30}\??",
        score=0.95,
        bounded=False,
    ),
    Rule(
        entity="PIN",
        context=(
            "pin",
            "pin code",
            "pin number",
            "pincode",
            "pin-code",
            "passcode",
            "atm pin",
            "geheimzahl",
            "código pin",
            "kod pin",
        ),
        link=(
            r"(?i:[\"'`)]{0,2}\s{0,2}(?:number|code|is|was|nr|no\.?|es|est|ist|to|,|=|:|-)"
            r"{0,2}\s{0,2}(?:is|:|=)?\s{0,2}[\"'(]{0,2})"
        ),
        pattern=r"\d{4,6}",
        score=0.8,
    ),
)
