"""Inputs on which careless detection takes quadratic time or worse; each a function of the wanted length."""

import base64
from collections.abc import Callable
from urllib.parse import quote


def _repeated(unit: str) -> Callable[[int], str]:
    return lambda size: (unit * (size // len(unit) + 1))[:size]


def _nested(encode: Callable[[str], str]) -> Callable[[int], str]:
    def make(size: int) -> str:
        text = "mail jane.roe@example.org or call +49 30 901820. "
        while len(text) * 2 < size:
            text = encode(text * 2)
        return _repeated(text)(size)

    return make


INPUTS: dict[str, Callable[[int], str]] = {
    "a@": _repeated("a@"),
    "digits": _repeated("4"),
    "digits in groups": _repeated("4000 "),
    "brackets": _repeated("["),
    "brackets with at": _repeated("[at]"),
    "nested percent": _repeated("%25"),
    "percent without end": _repeated("%"),
    "bytes that are no UTF-8": _repeated("%ff%c3"),
    "&amp;amp;": _repeated("&amp;"),
    "& without end": _repeated("&a"),
    "backslashes": _repeated("\\"),
    "backslash u": _repeated("\\u0061"),
    "pluses": _repeated("a+"),
    "combining marks": _repeated("\u0301"),
    "marks over hidden": _repeated("\u200b\u0301"),
    "hidden before marks": lambda size: "\u200b" * (size - 1) + "\u0301",
    "zero-width between all": _repeated("j\u200ba\u200bn\u200be\u200b@\u200b"),
    "look-alikes": _repeated("xа "),
    "one one one": _repeated("one "),
    "um um um": _repeated("um one "),
    "double": _repeated("double "),
    "spaced digits": _repeated("1 - "),
    "dates in words": _repeated("first of may nineteen "),
    "one long word": _repeated("a"),
    "base64": lambda size: base64.b64encode(_repeated("jane.roe@example.org ")(size).encode()).decode()[:size],
    "base64 of base64": _nested(lambda text: base64.b64encode(text.encode()).decode()),
    "hex of hex": _nested(lambda text: text.encode().hex()),
    "percent of percent": _nested(lambda text: quote(text, safe="")),
    "lines": _repeated("\n"),
    "addresses": _repeated("jane.roe@example.org "),
}
