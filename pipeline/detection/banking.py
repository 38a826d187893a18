"""Bank accounts: international and domestic numbers, and the codes of banks."""

import re
from collections.abc import Iterable

from stdnum import bic
from stdnum.us import rtn

from pipeline.detection.context import NEAR_OR_NEXT_LINE, NEXT
from pipeline.detection.rules import Rule, Span

_IBAN_LENGTHS = {
    country: length
    for length, countries in (
        *((15, "NO"), (16, "BE"), (18, "DK FO FI GL NL SD FK"), (19, "MK SI"), (20, "AT BA EE KZ XK LT LU MN")),
        *((21, "CH HR LI LV"), (22, "BG BH CR DE GB GE IE ME RS VA"), (23, "AE GI IL IQ OM TL SO")),
        *((24, "AD CZ ES MD PK RO SA SE SK TN VG DZ"), (25, "LY PT ST"), (29, "BR EG PS QA UA")),
        *((26, "IS TR BF BI CI CM CG DJ GA GQ IR KM MG MZ"), (27, "FR GR IT MC MR SM CF TD TG ML NE SN")),
        *(
            (28, "AL AZ BY CY DO GT HN HU LB NI PL SV BJ MA"),
            (30, "JO KW MU YE"),
            (31, "MT SC"),
            (32, "LC"),
            (33, "RU"),
        ),
    )
    for country in countries.split()
}
_COUNTRY = re.compile(
    r"A[DELMORTUZ]|B[ABDEFGHIJMNORSWYZ]|C[ADGHILMNORUVYZ]|D[EKMOZ]|E[CEGST]|F[IJR]|G[ABEGHIMRTY]|"
    r"H[KNRTU]|I[DELMNQRST]|J[EMOP]|K[EGHRWYZ]|L[ABCIKRSTUVY]|M[ACDEGKLMNOTUVWXYZ]|N[AEGILOPZ]|OM|"
    r"P[AEGHKLTY]|QA|R[OSUW]|S[ACDEGIKLMNORVYZ]|T[DGHJMNRTWZ]|U[AGSYZ]|V[CEGNU]|WS|XK|YE|Z[AMW]"
)
_IBAN = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ \-]?[A-Za-z0-9]{4}){2,7}(?:[ \-]?[A-Za-z0-9]{1,4})?(?![A-Za-z0-9])"
)


def _is_iban(value: str) -> bool:
    """Check length and ISO 7064 mod 97; python-stdnum's own check takes twenty times as long."""
    compact = value.replace(" ", "").replace("-", "").upper()
    if _IBAN_LENGTHS.get(compact[:2]) != len(compact) or not compact.isalnum() or not compact.isascii():
        return False
    return int("".join(str(int(char, 36)) for char in compact[4:] + compact[:4])) % 97 == 1


def _iban_spans(text: str, start: int, _end: int) -> Iterable[Span]:
    """Try every length: a following word may look like one more group."""
    found = _IBAN.match(text, start)
    if found is None:
        return ()
    value = found[0]
    ends = [place for place in range(len(value), 14, -1) if place == len(value) or not value[place].isalnum()]
    end = next((end for end in ends[:6] if _is_iban(value[:end])), None)
    return ((start, start + end, 0.98),) if end else ()


def _is_bic(value: str) -> bool:
    return bool(bic.is_valid(value)) and _COUNTRY.match(value, 4) is not None


def _is_routing(value: str) -> bool:
    return bool(rtn.is_valid(value.replace(" ", "").replace("-", "")))


RULES = (
    Rule(
        entity="IBAN",
        anchor=r"(?i)\b[A-Z]{2}\d{2}[ \-]?[A-Z0-9]{4}[ \-]?[A-Z0-9]{4}[ \-]?[A-Z0-9]{2}",
        find=_iban_spans,
    ),
    Rule(
        entity="IBAN",
        context=("iban",),
        link=r"(?i:[\"'`)]{0,2}\s{0,2}(?:number|no\.?|nr\.?|is|ist|:|=|-){0,3}\s{0,3}[\"'(]{0,2})",
        pattern=r"[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3})?",
        score=0.8,
    ),
    Rule(  # however the digits are spaced, wrapped or read by OCR
        entity="IBAN",
        context=("iban", "numer rachunku", "nr rachunku", "nr konta", "numer konta", "rachunek", "rachunku", "konto"),
        link=r"[\"'`)]{0,2}\s?:?\s{0,3}",
        pattern=r"PL(?:[ .\-\n]?[0-9OolI]){26}",
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
