"""What a surrogate of each kind looks like: in the value's format, from ranges that are nobody's if there are any."""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from pipeline.detection.types import catalogue
from pipeline.legal_forms import without_legal_form
from pipeline.surrogate_dates import shifted
from pipeline.surrogate_names import Names, is_first_name, names_like

T = TypeVar("T")

_RESERVED_DOMAINS = ("example.com", "example.org", "example.net")
"""RFC 2606."""
_TEST_CARDS = ("400000", "555555", "222300", "378282", "371449", "601111", "353011", "305693", "620000")
"""Where the card schemes' published test numbers lie, by what each brand's numbers begin with."""
_AREA_CODES = ("202", "213", "303", "312", "404", "415", "512", "617", "713", "808")
_SAFE = re.compile(r"[A-Za-z0-9 ./:,+()_@#-]+")
"""A scrambled value has no character that could end a JSON string or a tag."""
_SCRAMBLED = frozenset({"payment", "device", "vehicle_document", "health", "national_id", "custom"})
_SCRAMBLED_BESIDE = frozenset({"POSTCODE"})
_FEWEST_SCRAMBLED = 5
_HEX = "0123456789abcdef"
_ENDINGS = ("ville", "burg", "ford", "stead", "bury")


class Draw:
    """A stream of choices from a seed; the same seed gives the same choices."""

    def __init__(self, seed: str) -> None:
        self._seed = seed.encode()
        self._blocks = 0
        self._rest = self._size = 1

    def below(self, limit: int) -> int:
        if self._size < limit << 32:
            self._blocks += 1
            block = hashlib.sha256(self._blocks.to_bytes(4, "big") + self._seed).digest()
            self._rest, self._size = int.from_bytes(block, "big"), 1 << 256
        self._size //= limit
        self._rest, chosen = divmod(self._rest, limit)
        return chosen

    def pick(self, items: Sequence[T]) -> T:
        return items[self.below(len(items))]


def draw_surrogate(entity: str, text: str, draw: Draw, weeks: int) -> str | None:
    """A surrogate for a value; None where its kind or its format has none.

    Args:
        entity: The value's kind.
        text: The value.
        draw: What decides among the possible ones.
        weeks: By how many weeks the scope's dates are moved.

    """
    if entity in _DATES:
        return shifted(text, weeks)
    make = _MAKERS.get(entity)
    if make is not None:
        return make(text, draw)
    known = catalogue().get(entity)
    scrambled = known is None or known.family in _SCRAMBLED or entity in _SCRAMBLED_BESIDE
    return _scramble(text, draw) if scrambled else None


def _person(text: str, draw: Draw) -> str | None:
    words = text.replace(",", " ").split()
    if not words or not words[0][:1].isalpha():
        return None
    turned = "," in text
    names = names_like(words[-1] if turned and len(words) > 1 else words[0])
    if names is None:
        return None
    if len(words) == 1:
        return _cased(text, draw.pick(names.first if is_first_name(text) else names.last))
    first, last = draw.pick(names.first), draw.pick(names.last)
    return _cased(text, f"{last}, {first}" if turned else f"{first} {last}")


def _organization(text: str, draw: Draw) -> str | None:
    short = without_legal_form(text)
    form = text.strip()[len(short) :] if short else ""
    return _cased(text, draw.pick(_any_names().last)) + form if _SAFE.fullmatch(form or "x") else None


def _place(text: str, draw: Draw) -> str:
    return _cased(text, draw.pick(_any_names().last) + draw.pick(_ENDINGS))


def _email(text: str, draw: Draw) -> str:
    names = _any_names()
    domain = next((each for each in _RESERVED_DOMAINS if each.endswith(text.rpartition(".")[2].lower())), None)
    local = f"{draw.pick(names.first)}.{draw.pick(names.last)}".lower()
    return f"{local}@{domain or draw.pick(_RESERVED_DOMAINS)}"


def _handle(text: str, draw: Draw) -> str:
    names = _any_names()
    at = "@" if text.startswith("@") else ""
    return f"{at}{draw.pick(names.first)}{draw.pick(names.last)}{draw.below(90) + 10}".lower()


def _url(text: str, draw: Draw) -> str:
    scheme = "http://" if text.lower().startswith("http://") else "https://"
    path = "".join(draw.pick(_HEX) for _ in range(10))
    return f"{scheme}www.{draw.pick(_RESERVED_DOMAINS)}/{path}"


def _hostname(_: str, draw: Draw) -> str:
    return f"host-{draw.below(90_000) + 10_000}.{draw.pick(_RESERVED_DOMAINS)}"


def _phone(text: str, draw: Draw) -> str | None:
    """Numbers that are kept for fiction: North America 555-01xx, Ofcom's 07700 900xxx, ARCEP's 06 39 98 xx xx."""
    digits = re.sub(r"\D", "", text)
    international = text.lstrip(" (").startswith("+")
    if len(digits) == 11 and digits[0] == "1" and (international or text.startswith("1")):
        return _into(text, "1" + _north_american(draw))
    if len(digits) == 10 and digits[0] not in "01" and not international:
        return _into(text, _north_american(draw))
    if digits.startswith("44") and international and len(digits) == 12:
        return _into(text, f"447700900{draw.below(1000):03}")
    if digits.startswith("0") and not international and len(digits) == 11:
        return _into(text, f"07700900{draw.below(1000):03}")
    if digits.startswith("33") and international and len(digits) == 11:
        return _into(text, f"3363998{draw.below(10_000):04}")
    return None


def _north_american(draw: Draw) -> str:
    return f"{draw.pick(_AREA_CODES)}55501{draw.below(100):02}"


def _ssn(text: str, draw: Draw) -> str | None:
    """Area 666, which the Social Security Administration gives to nobody."""
    number = f"666{draw.below(99) + 1:02}{draw.below(9999) + 1:04}"
    return _into(text, number) if len(re.sub(r"\D", "", text)) == len(number) else None


def _card(text: str, draw: Draw) -> str | None:
    digits = re.sub(r"\D", "", text)
    start = next((test for test in _TEST_CARDS if digits[:1] == test[0] and _brand(digits) == _brand(test)), None)
    if start is None or not 13 <= len(digits) <= 19:
        return None
    body = start + "".join(str(draw.below(10)) for _ in range(len(digits) - len(start) - 1))
    return _into(text, body + _luhn(body))


def _brand(digits: str) -> str:
    return digits[:2] if digits[:1] in "36" else digits[:1]


def _luhn(body: str) -> str:
    doubled = [sum(divmod(int(digit) * 2, 10)) if at % 2 == 0 else int(digit) for at, digit in enumerate(body[::-1])]
    return str(-sum(doubled) % 10)


def _ipv4(_: str, draw: Draw) -> str:
    """RFC 5737: for documentation."""
    return f"{draw.pick(('192.0.2', '198.51.100', '203.0.113'))}.{draw.below(254) + 1}"


def _ipv6(_: str, draw: Draw) -> str:
    """RFC 3849: for documentation."""
    return f"2001:db8::{draw.below(0xFFFE) + 1:x}:{draw.below(0xFFFE) + 1:x}"


def _mac(text: str, draw: Draw) -> str | None:
    """RFC 7042: for documentation."""
    return _into(text, f"00005e0053{draw.below(256):02x}") if sum(map(str.isalnum, text)) == 12 else None


def _scramble(text: str, draw: Draw) -> str | None:
    """Another value of the same format; hexadecimal stays that."""
    if sum(map(str.isalnum, text)) < _FEWEST_SCRAMBLED or not _SAFE.fullmatch(text):
        return None
    letters = _HEX[10:] if re.fullmatch(r"(?i)[0-9a-f\W_]+", text) else "abcdefghijklmnopqrstuvwxyz"
    pieces = []
    for character in text:
        if character.isdigit():
            pieces.append(str(draw.below(10)))
        elif character.isalpha():
            letter = draw.pick(letters)
            pieces.append(letter.upper() if character.isupper() else letter)
        else:
            pieces.append(character)
    return "".join(pieces)


def _into(text: str, symbols: str) -> str | None:
    """Symbols in the places of a text's letters and digits; None where its format is no plain one."""
    if not _SAFE.fullmatch(text) or sum(map(str.isalnum, text)) != len(symbols):
        return None
    rest = iter(symbols)
    return "".join(next(rest) if character.isalnum() else character for character in text)


def _any_names() -> Names:
    names = names_like("x")
    if names is None:
        raise LookupError
    return names


def _cased(text: str, surrogate: str) -> str:
    if text.isupper():
        return surrogate.upper()
    return surrogate.lower() if text.islower() else surrogate


_DATES = frozenset({"DATE_OF_BIRTH", "DATE_TIME"})
_MAKERS: Mapping[str, Callable[[str, Draw], str | None]] = {
    "PERSON": _person,
    "ORGANIZATION": _organization,
    "CITY": _place,
    "LOCATION": _place,
    "EMAIL": _email,
    "USERNAME": _handle,
    "SOCIAL_HANDLE": _handle,
    "URL": _url,
    "HOSTNAME": _hostname,
    "PHONE": _phone,
    "FAX": _phone,
    "US_SSN": _ssn,
    "CREDIT_CARD": _card,
    "IPV4": _ipv4,
    "IPV6": _ipv6,
    "MAC_ADDRESS": _mac,
}
