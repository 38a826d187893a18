"""Check digits that python-stdnum has no module for, and one way to call those it has."""

import re
from types import ModuleType

from pipeline.detection.rules import Check

_NINO_NOT_ISSUED = frozenset(("BG", "GB", "NK", "KN", "TN", "NT", "ZZ"))
_OCR = str.maketrans({"O": "0", "o": "0", "l": "1", "I": "1"})


def valid(module: ModuleType) -> Check:
    """Give a module's check of a value, named after the module for the detector's version."""

    def check(value: str) -> bool:
        return bool(module.is_valid(re.sub(r"\s", "", value)))

    check.__qualname__ = f"valid.{module.__name__}"
    return check


def british_nino(value: str) -> bool:
    """Refuse the prefixes that are never issued; there is no check digit."""
    return value[:2].upper() not in _NINO_NOT_ISSUED


def german_id_card(value: str) -> bool:
    """Check the digit by the weights 7, 3, 1, where it is written."""
    if len(value) != 10:
        return any(map(str.isdigit, value))
    total = sum(int(char, 36) * (7, 3, 1)[place % 3] for place, char in enumerate(value[:9]))
    return str(total % 10) == value[9]


def australian_medicare(value: str) -> bool:
    """Check the ninth digit; a tenth is the issue number."""
    digits = [int(char) for char in value if char.isdigit()]
    weights = (1, 3, 7, 9, 1, 3, 7, 9)
    return len(digits) >= 9 and sum(d * w for d, w in zip(digits, weights, strict=False)) % 10 == digits[8]


def singapore_nric(value: str) -> bool:
    """Check the letter that ends an identity card or foreigner's number."""
    value = value.upper()
    total = sum(int(char) * weight for char, weight in zip(value[1:8], (2, 7, 6, 5, 4, 3, 2), strict=True))
    total += {"S": 0, "F": 0, "T": 4, "G": 4, "M": 3}[value[0]]
    if value[0] in "ST":
        return "JZIHGFEDCBA"[total % 11] == value[8]
    return ("XWUTRQPNMLK" if value[0] in "FG" else "XWUTRQPNJLK")[
        total % 11 if value[0] in "FG" else 10 - total % 11
    ] == value[8]


def polish_regon(value: str) -> bool:
    """Check the last digit of the short form; the long form contains the short one."""
    digits = [int(char) for char in re.sub(r"\D", "", value.translate(_OCR))][:9]
    total = sum(digit * weight for digit, weight in zip(digits, (8, 9, 2, 3, 4, 5, 6, 7), strict=False))
    return len(digits) == 9 and total % 11 % 10 == digits[8]


def ohip_or_bc(bc_phn: ModuleType) -> Check:
    """Give the check of Ontario's number (Luhn) or British Columbia's."""

    def check(value: str) -> bool:
        digits = re.sub(r"\D", "", value)
        doubled = [int(d) if place % 2 else sum(divmod(2 * int(d), 10)) for place, d in enumerate(digits[:10])]
        return sum(doubled) % 10 == 0 or bool(bc_phn.is_valid(digits))

    return check
