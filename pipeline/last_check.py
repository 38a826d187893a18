"""The last check before signing: the bytes to be sent are searched once more for every value.

It shares no work with redaction: it reads the body anew and looks at every text
in it, whatever the table of fields said about it.
"""

import base64
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

import msgspec

from pipeline.errors import VeilError
from pipeline.json_text import read_json
from pipeline.occurrences import Strength, Value, stands_alone
from schemas.codes import ErrorCode

_PLACEHOLDER = re.compile(r"[A-Z][A-Z0-9_]*_([0-9a-z]{8})")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))")
_DIGIT_RUN = re.compile(r"\d(?:[ \u00a0.,/()\-]{0,2}\d){6,}")
_NOT_DIGITS = re.compile(r"\D")
DIGITS_SOUGHT = 7
_PLACES_AND_COMPANIES = frozenset(("ORGANIZATION", "LOCATION", "CITY", "STREET_ADDRESS"))
_BASE64_SOUGHT = 6
_BASE64_RUN = re.compile(r"[A-Za-z0-9+/_-]{7,}")
_GRAM = 6
_MANY = 300
"""From so many needles on, one look at every position is faster than one search a needle."""


class LastCheckFailed(VeilError):
    """A value is still in the body; `detail` says in which form, and its entity."""

    code = ErrorCode.LAST_CHECK_FAILED


def last_check(
    body: bytes,
    values: Collection[Value],
    *,
    issued: Collection[str],
    known: Collection[str] = (),
    words: Collection[str],
    instruction: str,
    identifiers: Collection[str] = (),
) -> None:
    """Search a body for values that must not be in it.

    Args:
        body: The exact bytes to be sent.
        values: Each value that was redacted; it is sought as surely as redaction sought it.
        issued: The placeholders; they are no user's text.
        known: Masks, hashes and surrogates that took the place of values. A mask may show the end of a number,
            which is no leak where the same digits were found by themselves.
        words: The API's own words; a key or text that is just one is no user's either.
        instruction: The text that was added to the request.
        identifiers: Names of tools, properties and the like, in which redaction has found nothing. A word that
            prose takes for a company or a place may be a part of one (`search_wikipedia`).

    Raises:
        LastCheckFailed: A value is in the body, as it is or encoded.

    """
    guessed = [value for value in values if _may_name_a_tool(value)]
    if identifiers and guessed:
        rest = [value for value in values if not _may_name_a_tool(value)]
        last_check(body, rest, issued=issued, known=known, words=words, instruction=instruction)
        values, words = guessed, {*words, *identifiers}
    if not values:
        return
    codes = {placeholder[-9:-1] for placeholder in issued}
    texts = [text for text in _texts(read_json(body, unique_keys=False)) if text not in words]
    text = _PLACEHOLDER.sub(lambda match: "\0" if match[1] in codes else match[0], "\n".join(texts))
    text = text.replace(instruction, "\0")
    for replacement in sorted(_without_values(known, values), key=len, reverse=True):
        text = text.replace(replacement, "\0")
    if "\\" in text:
        # Texts may be JSON or source code: look at what their escapes mean, too.
        text += "\n" + _ESCAPE.sub(_unescape, text)
    forms = {name: build(text) for name, build in _HAYSTACKS.items()}
    for form, needles in _needles(values, urls="%" in text or "+" in text, base64s=bool(forms["base64"])).items():
        haystack = forms[_HAYSTACK_OF[form]]
        for needle in _candidates(haystack, needles):
            if form in ("word", "folded word"):
                if not _alone(haystack, needle):
                    continue
            elif needle not in haystack:
                continue
            raise LastCheckFailed(f"{needles[needle]} ({form})")


def _without_values(known: Iterable[str], values: Collection[Value]) -> Iterator[str]:
    """Those that cannot be a part of a value; the others stay to be searched, and refuse if they must."""
    for replacement in known:
        if any(map(str.isalnum, replacement)) and not any(replacement in value.text for value in values):
            yield replacement


def _may_name_a_tool(value: Value) -> bool:
    return value.entity in _PLACES_AND_COMPANIES and value.strength is not Strength.STRONG and " " not in value.text


def _unescape(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16)) if escape[1] else "\n" if escape[2] in "nrtbf" else escape[2]


def _texts(tree: Any) -> Iterator[str]:
    """Every key and leaf of a body as text."""
    match tree:
        case str():
            yield tree
        case dict():
            yield from tree
            for item in tree.values():
                yield from _texts(item)
        case list():
            for item in tree:
                yield from _texts(item)
        case bool() | None:
            pass
        case _:
            # A short number is a setting (`max_tokens`), not somebody's.
            number = bytes(tree).decode() if isinstance(tree, msgspec.Raw) else str(tree)
            if len(number) >= DIGITS_SOUGHT:
                yield number


def _no_word(run: str) -> bool:
    """Leave words out: of six bytes or more, under one in a thousand has a base64 of small letters only."""
    rest = run[1:]
    return not (rest.isalpha() and rest.islower())


_HAYSTACKS: dict[str, Callable[[str], str]] = {
    "text": lambda text: text,
    "folded": lambda text: text.casefold(),
    "digits": lambda text: "|".join(_NOT_DIGITS.sub("", run) for run in _DIGIT_RUN.findall(text)),
    "base64": lambda text: "|".join(filter(_no_word, _BASE64_RUN.findall(text))).replace("-", "+").replace("_", "/"),
}
_HAYSTACK_OF = {
    "word": "text",
    "folded word": "folded",
    "folded": "folded",
    "url": "folded",
    "digits": "digits",
    "base64": "base64",
}


def _needles(values: Iterable[Value], *, urls: bool, base64s: bool) -> dict[str, dict[str, str]]:
    """By form, what to search for and whose entity it is; encodings only where the text can hold one."""
    needles: dict[str, dict[str, str]] = {form: {} for form in _HAYSTACK_OF}
    for value, _, entity, strength in values:
        match strength:
            case Strength.NAME:
                # What stands beside it decides, and that has been replaced since.
                continue
            case Strength.WEAK:
                needles["word"][value] = entity
                continue
            case Strength.FAIR:
                needles["folded word"][value.casefold()] = entity
            case Strength.STRONG:
                needles["folded"][value.casefold()] = entity
        for encoded in (quote(value, safe=""), quote_plus(value)) if urls else ():
            if encoded != value:
                needles["url"][encoded.casefold()] = entity
        digits = _NOT_DIGITS.sub("", value)
        if len(digits) >= DIGITS_SOUGHT and digits.isascii():
            needles["digits"][digits] = entity
        data = value.encode()
        if base64s and len(data) >= _BASE64_SOUGHT:
            for shift in range(3):
                needles["base64"][_base64_core(data, shift)] = entity
    return needles


def _base64_core(data: bytes, shift: int) -> str:
    """The characters of base64 that a value alone decides when it starts `shift` bytes into a group."""
    encoded = base64.b64encode(bytes(shift) + data).decode().rstrip("=")
    start = (shift * 8 + 5) // 6
    end = (shift + len(data)) * 8 // 6
    return encoded[start:end]


def _alone(text: str, needle: str) -> bool:
    at = text.find(needle)
    while at >= 0:
        if stands_alone(text, at, at + len(needle)):
            return True
        at = text.find(needle, at + 1)
    return False


def _candidates(haystack: str, needles: Mapping[str, str]) -> Collection[str]:
    """The needles worth a search: all, or of very many those whose beginning occurs."""
    if len(needles) < _MANY:
        return needles
    by_gram: dict[str, list[str]] = {}
    short = []
    for needle in needles:
        if len(needle) < _GRAM:
            short.append(needle)
        else:
            by_gram.setdefault(needle[:_GRAM], []).append(needle)
    present = {gram for at in range(len(haystack) - _GRAM + 1) if (gram := haystack[at : at + _GRAM]) in by_gram}
    return short + [needle for gram in present for needle in by_gram[gram]]
