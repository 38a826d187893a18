import hashlib

import pytest

from pipeline.detection import Detector, Finding
from pipeline.detection.cards import luhn
from pipeline.detection.crypto import base58check, bech32
from pipeline.text import RawText
from tests.unit.detection.tables import assert_marked, assert_nothing, completed

BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
VISA = completed("400012345678901?", luhn)
AMEX = completed("37001234567890?", luhn)
SPACED = f"{VISA[:4]} {VISA[4:8]} {VISA[8:12]} {VISA[12:]}"


def iban_of(country: str, bban: str) -> str:
    number = int("".join(str(int(char, 36)) for char in f"{bban}{country}00"))
    return f"{country}{98 - number % 97:02d}{bban}"


def base58_of(payload: bytes) -> str:
    raw = payload + hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
    number, text = int.from_bytes(raw, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = BASE58[digit] + text
    return "1" * (len(raw) - len(raw.lstrip(b"\0"))) + text


GERMAN = iban_of("DE", "370400440532013000")
BITCOIN = base58_of(b"\0" + bytes(range(40, 60)))


def is_routing(value: str) -> bool:
    return sum(int(digit) * weight for digit, weight in zip(value, (3, 7, 1) * 3, strict=True)) % 10 == 0


ROUTING = completed("12100035?", is_routing)

FOUND = [
    ("CREDIT_CARD", f"paid with ⟦{VISA}⟧."),
    ("CREDIT_CARD", f"paid with ⟦{SPACED}⟧ today"),
    ("CREDIT_CARD", f"⟦{AMEX[:4]}-{AMEX[4:10]}-{AMEX[10:]}⟧"),
    ("CREDIT_CARD", "card number ⟦4000 1234 5678 0000⟧ was mistyped"),
    ("CARD_CVV", "CVV: ⟦123⟧"),
    ("CARD_CVV", "the security code is ⟦4321⟧"),
    ("CARD_EXPIRY", "valid thru ⟦09/27⟧"),
    ("CARD_TRACK_DATA", f"⟦%B{VISA}^DOE/JANE^27091010000000000000?⟧"),
    ("PIN", "my PIN is ⟦4821⟧"),
    ("IBAN", f"to ⟦{GERMAN}⟧."),
    ("IBAN", f"to ⟦{' '.join(GERMAN[i : i + 4] for i in range(0, 22, 4))}⟧ by Friday"),
    ("IBAN", f"to ⟦{iban_of('GB', 'WEST12345698765432').lower()}⟧"),
    ("BIC_SWIFT", "SWIFT code: ⟦DEUTDEFF500⟧"),
    ("BIC_SWIFT", "via ⟦DEUTDEFFXXX⟧ today"),
    ("BANK_ACCOUNT", "account number: ⟦3847283911⟧"),
    ("BANK_ACCOUNT", '"accountNumber": "⟦12345678⟧"'),
    ("BANK_ACCOUNT", "Kontonummer ⟦0532013000⟧"),
    (
        "ABA_ROUTING",
        f"routing number ⟦{ROUTING}⟧",
    ),
    ("UK_SORT_CODE", "sort code ⟦12-34-56⟧"),
    ("CRYPTO_WALLET", f"send to ⟦{BITCOIN}⟧"),
    ("CRYPTO_WALLET", "send to ⟦0x52908400098527886E0F7030069857D2E4169EE7⟧"),
]
NOTHING = [
    f"order {VISA[:-1]}{(int(VISA[-1]) + 1) % 10} shipped",
    "at 1718000000000 ms, then 1718000000123 ms",
    "order 640486844318 was split into parcels 12433253 and 75936877",
    "GB00 WEST 1234 5698 7654 32 is a specimen",
    "FUNCTION INTERNAL PROCESS",
    "a discount of 123 and 4821 points",
    BITCOIN[:-1] + ("a" if BITCOIN[-1] != "a" else "b"),
    "0x0000000000000000000000000000000000000000",
    "what are the requirements for opening an account in 2024?",
    "pin the version, 12 of them",
]


@pytest.mark.parametrize(("entity", "text"), FOUND)
def test_payment_values_are_found_exactly(detector: Detector, entity: str, text: str) -> None:
    assert_marked(detector, entity, text)


@pytest.mark.parametrize("text", NOTHING)
def test_numbers_that_fail_their_check_are_left(detector: Detector, text: str) -> None:
    assert_nothing(detector, text)


def test_a_card_that_fails_luhn_scores_less_than_one_that_passes(detector: Detector) -> None:
    (wrong,) = detector.detect(RawText("card 4000 1234 5678 0000"))
    (right,) = detector.detect(RawText(f"card {SPACED}"))
    assert isinstance(wrong, Finding)
    assert wrong.score < right.score


def test_base58check_and_bech32_know_their_checksums() -> None:
    assert base58check(BITCOIN)
    assert not base58check(BITCOIN[:-1] + ("2" if BITCOIN[-1] != "2" else "3"))
    # The example address of BIP 173, in parts.
    assert bech32("bc1qw508d6qe" + "jxtdg4y5r3zarvary0c5xw7kv8f3t4")
    assert not bech32("bc1qw508d6qe" + "jxtdg4y5r3zarvary0c5xw7kv8f3t5")
