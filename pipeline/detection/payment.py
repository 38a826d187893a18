"""Cards and bank accounts."""

import re

from stdnum import bic
from stdnum.us import rtn

from pipeline.detection.context import NEAR, NEAR_OR_NEXT_LINE, NEXT
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
    return _brand_fits(digits) and luhn(digits) and len(set(digits)) > 2


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
    return digits.startswith(("5", "6", "2200", "2201", "2202", "2203", "2204")) and 12 <= length <= 19


def _is_iban(value: str) -> bool:
    """Check length and ISO 7064 mod 97; python-stdnum's own check takes twenty times as long."""
    compact = value.replace(" ", "").replace("-", "").upper()
    if _IBAN_LENGTHS.get(compact[:2]) != len(compact) or not compact.isalnum() or not compact.isascii():
        return False
    return int("".join(str(int(char, 36)) for char in compact[4:] + compact[:4])) % 97 == 1


def _is_bic(value: str) -> bool:
    return bool(bic.is_valid(value)) and value[4:6] in _COUNTRIES


def _is_routing(value: str) -> bool:
    return bool(rtn.is_valid(value.replace(" ", "").replace("-", "")))


_IBAN_LENGTHS = {
    country: length
    for length, countries in {
        15: "NO", 16: "BE", 18: "DK FO FI GL NL SD FK", 19: "MK SI", 20: "AT BA EE KZ XK LT LU MN",
        21: "CH HR LI LV", 22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM TL SO",
        24: "AD CZ ES MD PK RO SA SE SK TN VG DZ", 25: "LY PT ST", 26: "IS TR BF BI CI CM CG DJ GA GQ IR KM MG MZ",
        27: "FR GR IT MC MR SM CF TD TG ML NE SN", 28: "AL AZ BY CY DO GT HN HU LB NI PL SV BJ MA",
        29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC", 32: "LC", 33: "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip
_COUNTRIES = frozenset(
    ["AD", "AE", "AL", "AM", "AO", "AR", "AT", "AU", "AZ", "BA", "BB", "BD", "BE", "BF", "BG", "BH", "BI", "BJ", "BM", "BN", "BO", "BR", "BS", "BW", "BY", "BZ", "CA", "CD", "CG", "CH", "CI", "CL", "CM", "CN", "CO", "CR", "CU", "CV", "CY", "CZ", "DE", "DK", "DM", "DO", "DZ", "EC", "EE", "EG", "ES", "ET", "FI", "FJ", "FR", "GA", "GB", "GE", "GG", "GH", "GI", "GM", "GR", "GT", "GY", "HK", "HN", "HR", "HT", "HU", "ID", "IE", "IL", "IM", "IN", "IQ", "IR", "IS", "IT", "JE", "JM", "JO", "JP", "KE", "KG", "KH", "KR", "KW", "KY", "KZ", "LA", "LB", "LI", "LK", "LR", "LS", "LT", "LU", "LV", "LY", "MA", "MC", "MD", "ME", "MG", "MK", "ML", "MM", "MN", "MO", "MT", "MU", "MV", "MW", "MX", "MY", "MZ", "NA", "NE", "NG", "NI", "NL", "NO", "NP", "NZ", "OM", "PA", "PE", "PG", "PH", "PK", "PL", "PT", "PY", "QA", "RO", "RS", "RU", "RW", "SA", "SC", "SD", "SE", "SG", "SI", "SK", "SL", "SM", "SN", "SO", "SR", "SV", "SY", "SZ", "TD", "TG", "TH", "TJ", "TM", "TN", "TR", "TT", "TW", "TZ", "UA", "UG", "US", "UY", "UZ", "VC", "VE", "VG", "VN", "VU", "WS", "XK", "YE", "ZA", "ZM", "ZW"]
)

RULES = (
    Rule(
        entity="CREDIT_CARD",
        anchor=r"\b(?:[3-6]\d{3}|2[2-7]\d{2}|2131|1800)(?:[ -]?\d{4}){2,3}(?:[ -]?\d{1,4})?\b|\b3\d{3}[ -]?\d{6}[ -]?\d{4,5}\b|\b4\d{12}\b",
        pattern=r"(?<![\d.,][.,-])(?<![\w-])(?:\d{4}[ -]?\d{6}[ -]?\d{4,5}|\d{4}(?:[ -]?\d{4}){2,3}(?:[ -]?\d{1,4})?|\d{13,19}|5\d{11})(?![.,]?\d)(?!-\w)",
        check=_is_card,
        score=0.95,
    ),
    Rule(
        entity="CREDIT_CARD",
        context=_CARD_WORDS,
        link=NEAR,
        pattern=r"\d{4}(?:[ .\-]{0,3}\d{4}){2,3}(?:[ -]?\d{1,3})?|\d{4}[ -]?\d{6}[ -]?\d{4,5}|\d{12,19}",
        check=lambda value: luhn(value),
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
        link=r"(?i:[\"'`)]{0,2}\s{0,2}(?:number|code|is|was|nr|no\.?|value|=|:|-|es|est|ist|to){0,2}\s{0,2}(?:is|:|=)?\s{0,2}[\"'(]{0,2})",
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
        link=r"(?i:[\"'`)]{0,2}\s{0,2}(?:number|code|is|was|nr|no\.?|es|est|ist|to|,|=|:|-){0,2}\s{0,2}(?:is|:|=)?\s{0,2}[\"'(]{0,2})",
        pattern=r"\d{4,6}",
        score=0.8,
    ),
    Rule(
        entity="IBAN",
        anchor=r"(?i)\b[A-Z]{2}\d{2}[ \-]?[A-Z0-9]{4}[ \-]?[A-Z0-9]{4}[ \-]?[A-Z0-9]{2}",
        pattern=r"[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]{4}){2,7}(?:[ -]?[A-Za-z0-9]{1,4})?",
        find=lambda text, start, end: _iban_spans(text, start),
    ),
    Rule(
        entity="IBAN",
        context=("iban",),
        link=r"(?i:[\"'`)]{0,2}\s{0,2}(?:number|no\.?|nr\.?|is|ist|:|=|-){0,3}\s{0,3}[\"'(]{0,2})",
        pattern=r"[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3})?",
        score=0.8,
    ),
    Rule(
        entity="BIC_SWIFT",
        context=("bic", "swift", "swift code", "bic code", "swiftcode", "swift/bic", "bic/swift"),
        link=r"(?i:[\"'`)]{0,2}\s{0,2}(?:/?(?:bic|swift)|code|number|address|is|ist|:|=|-|\s){0,5}[\"'(]{0,2})",
        pattern=r"[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?",
        check=_is_bic,
        score=0.9,
        unchecked=0.6,
    ),
    Rule(
        entity="BIC_SWIFT",
        anchor=r"\b[A-Z]{6}[A-Z0-9]{5}\b",
        pattern=r"[A-Z]{6}[A-Z0-9]{2}(?:XXX|\d{3})",
        check=_is_bic,
        score=0.6,
    ),
    Rule(
        entity="BANK_ACCOUNT",
        context=(
            *(
                "account number",
                "account no",
                "account nr",
                "account num",
                "acct",
                "acct no",
                "a/c",
                "bank account",
                "account #",
                "accnum",
            ),
            *(
                "checking account",
                "savings account",
                "full account",
                "kontonummer",
                "kontonr",
                "konto nr",
                "numéro de compte",
                "número de cuenta",
            ),
            *(
                "cuenta bancaria",
                "numero di conto",
                "conto corrente",
                "número da conta",
                "conta bancária",
                "rekeningnummer",
                "numer konta",
                "nr konta",
            ),
            *("rachunek bankowy", "numer rachunku", "accounts like", "account details"),
        ),
        link=NEAR_OR_NEXT_LINE,
        pattern=r"(?:[A-Z]{2,12})?\d(?:[ \-]{0,2}\d){5,25}[A-Z]?",
        score=0.7,
    ),
    Rule(
        entity="ABA_ROUTING",
        context=("routing", "routing number", "routing no", "aba", "aba number", "rtn", "transit number"),
        link=NEAR_OR_NEXT_LINE,
        pattern=r"\d{4}[ -]?\d{4}[ -]?\d",
        check=_is_routing,
        score=0.9,
        unchecked=0.6,
    ),
    Rule(
        entity="UK_SORT_CODE",
        context=("sort code", "sortcode", "sort-code"),
        link=NEXT,
        pattern=r"\d{2}[- ]?\d{2}[- ]?\d{2}",
        score=0.85,
    ),
)


def _iban_spans(text: str, start: int) -> list[tuple[int, int, float]]:
    """Try every length: a following word may look like one more group."""
    found = _IBAN.match(text, start)
    if found is None:
        return []
    value = found[0]
    ends = [place for place in range(len(value), 14, -1) if place == len(value) or not value[place].isalnum()]
    for end in ends[:6]:
        if _is_iban(value[:end]):
            return [(start, start + end, 0.98)]
    return []


_IBAN = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ \-]?[A-Za-z0-9]{4}){2,7}(?:[ \-]?[A-Za-z0-9]{1,4})?(?![A-Za-z0-9])"
)
