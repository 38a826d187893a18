"""Check-digit methods that a policy file may name."""

import re
from collections.abc import Callable, Mapping

from stdnum import damm, luhn, verhoeff
from stdnum.iso7064 import mod_11_2, mod_11_10, mod_37_2, mod_37_36, mod_97_10

_NOT_DIGITS = re.compile(r"[^0-9]")
_NOT_ALPHANUMERIC = re.compile(r"[^0-9A-Z]")


def _mod_11(digits: str) -> bool:
    """The weighted sum of bank and registration numbers: weights 2 to 7 from the right, check digit last."""
    if len(digits) < 2:
        return False
    total = sum(int(digit) * (2 + place % 6) for place, digit in enumerate(reversed(digits[:-1])))
    return (11 - total % 11) % 11 == int(digits[-1])


def _over(clean: re.Pattern[str], valid: Callable[[str], bool]) -> Callable[[str], bool]:
    def check(value: str) -> bool:
        # isdigit() and int() know other scripts' digits; after cleaning there are only ours.
        number = clean.sub("", value.upper())
        return bool(number) and valid(number)

    return check


# Of a value's digits, or of its digits and letters where the method knows letters; separators never count.
CHECKSUMS: Mapping[str, Callable[[str], bool]] = {
    "luhn": _over(_NOT_DIGITS, luhn.is_valid),
    "verhoeff": _over(_NOT_DIGITS, verhoeff.is_valid),
    "damm": _over(_NOT_DIGITS, damm.is_valid),
    "mod11": _over(_NOT_DIGITS, _mod_11),
    "mod11_2": _over(re.compile(r"[^0-9X]"), mod_11_2.is_valid),
    "mod11_10": _over(_NOT_DIGITS, mod_11_10.is_valid),
    "mod37_2": _over(re.compile(r"[^0-9A-Z*]"), mod_37_2.is_valid),
    "mod37_36": _over(_NOT_ALPHANUMERIC, mod_37_36.is_valid),
    "mod97": _over(_NOT_ALPHANUMERIC, mod_97_10.is_valid),
}
