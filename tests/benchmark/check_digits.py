"""Whether gold that should carry a check digit fails it: such numbers were made up, and rules may pass them by."""

from collections.abc import Callable, Mapping
from typing import Any

from stdnum import iban, imei, luhn
from stdnum.de import vat
from stdnum.in_ import aadhaar
from stdnum.pl import nip, pesel, regon
from stdnum.us import rtn, ssn

_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_SPOKEN = {word: str(digit) for digit, word in enumerate(_WORDS)} | {"oh": "0", "o": "0"}
_TIMES = {"double": 2, "triple": 3}


def _digits(text: str) -> str:
    """Digits as they stand or as they are spoken."""
    found, times = "", 1
    for word in text.lower().replace("-", " ").split():
        if word in _TIMES:
            times = _TIMES[word]
            continue
        found += _SPOKEN.get(word, "".join(filter(str.isdigit, word))) * times
        times = 1
    return found


def _card(text: str) -> bool:
    digits = _digits(text)
    return 12 <= len(digits) <= 19 and bool(luhn.is_valid(digits))


def _npi(text: str) -> bool:
    # The standard puts the prefix of US health cards in front of the ten digits.
    digits = _digits(text)
    return len(digits) == 10 and bool(luhn.is_valid("80840" + digits))


def _iban(text: str) -> bool:
    # Within Poland the country is left out.
    digits = "".join(filter(str.isalnum, text))
    return bool(iban.is_valid("PL" + digits if digits.isdigit() and len(digits) == 26 else digits))


_BY_COMMON: dict[str, Callable[[str], bool]] = {
    "CREDIT_CARD": _card,
    "IBAN": _iban,
    "US_SSN": lambda text: bool(ssn.is_valid(_digits(text))),
}
_BY_LABEL: dict[str, Callable[[str], bool]] = {
    "NIP": lambda text: bool(nip.is_valid(text.upper().removeprefix("PL"))),
    "PESEL": pesel.is_valid,
    "REGON": regon.is_valid,
    "DE_VAT_ID": vat.is_valid,
    "NPI": _npi,
    "routing_number": rtn.is_valid,
    "ROUTING_NUMBER": rtn.is_valid,
    "AADHAR": aadhaar.is_valid,
    "PHONEIMEI": lambda text: bool(imei.is_valid(_digits(text))),
}


def fails_check(span: Mapping[str, Any]) -> bool:
    """Whether a gold span is of a kind with a check (digits or, for US SSNs, ranges) and fails it."""
    check = _BY_LABEL.get(span["label"]) or _BY_COMMON.get(span["common"])
    return check is not None and not check(span["text"])
