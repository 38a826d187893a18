"""Wallets of cryptocurrencies: checksummed where the coin has a checksum."""

import hashlib

from pipeline.detection.context import NEAR
from pipeline.detection.rules import Rule

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BECH32_STEPS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_BECH32M = 0x2BC830A3
_WALLET_WORDS = (
    "wallet",
    "crypto wallet",
    "bitcoin",
    "btc",
    "ethereum",
    "eth",
    "wallet address",
    "solana",
    "monero",
    "litecoin",
    "dogecoin",
    "ripple",
    "xrp",
    "tron",
    "usdt",
)


def base58check(value: str) -> bool:
    """Check the four bytes of double SHA-256 that end a base58 address."""
    number = 0
    for char in value:
        digit = _BASE58.find(char)
        if digit < 0:
            return False
        number = number * 58 + digit
    zeros = len(value) - len(value.lstrip("1"))
    raw = b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")
    body, check = raw[:-4], raw[-4:]
    return len(raw) >= 21 and hashlib.sha256(hashlib.sha256(body).digest()).digest()[:4] == check


def bech32(value: str) -> bool:
    """Check the polynomial checksum of BIP 173 or BIP 350."""
    if value.lower() != value and value.upper() != value:
        return False
    prefix, _, data = value.lower().rpartition("1")
    try:
        values = [_BECH32.index(char) for char in data]
    except ValueError:
        return False
    check = 1
    for digit in [ord(char) >> 5 for char in prefix] + [0] + [ord(char) & 31 for char in prefix] + values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ digit
        for bit, step in enumerate(_BECH32_STEPS):
            check ^= step if top >> bit & 1 else 0
    return bool(prefix) and check in (1, _BECH32M)


def _looks_random(value: str) -> bool:
    return len(set(value[2:].lower())) >= 8


RULES = (
    Rule(
        entity="CRYPTO_WALLET",
        anchor=r"\b[13LMDX][1-9A-HJ-NP-Za-km-z]{25}",
        pattern=r"(?<![\w/+=])[13LMDX][1-9A-HJ-NP-Za-km-z]{25,34}(?![\w/+=])",
        check=base58check,
        score=0.98,
    ),
    Rule(
        entity="CRYPTO_WALLET",
        anchor=r"\bT[1-9A-HJ-NP-Za-km-z]{33}\b",
        pattern=r"T[1-9A-HJ-NP-Za-km-z]{33}",
        check=base58check,
        score=0.98,
    ),
    Rule(
        entity="CRYPTO_WALLET",
        anchor=r"(?i)\b(?:bc1|ltc1|tb1|addr1)[02-9ac-hj-np-z]{20}",
        pattern=r"(?i)(?:bc1|ltc1|tb1|addr1)[02-9ac-hj-np-z]{20,110}",
        check=bech32,
        score=0.98,
        unchecked=0.6,
    ),
    Rule(
        entity="CRYPTO_WALLET",
        anchor=r"\b0x[0-9a-fA-F]{40}\b",
        pattern=r"0x[0-9a-fA-F]{40}",
        check=_looks_random,
        score=0.85,
    ),
    Rule(  # coins whose checksum needs Keccak or Blake2, or that have none
        entity="CRYPTO_WALLET",
        context=_WALLET_WORDS,
        link=NEAR,
        pattern=r"(?=[A-Za-z]{0,24}\d)(?:[48][0-9AB][1-9A-HJ-NP-Za-km-z]{93}|r[1-9A-HJ-NP-Za-km-z]{24,34}|[13][1-9A-HJ-NP-Za-km-z]{25,34}|[1-9A-HJ-NP-Za-km-z]{43,44})",
        check=_looks_random,
        score=0.75,
    ),
)
