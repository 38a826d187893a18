"""Undo what hides a value from a pattern, keeping the way back to the original offsets."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import NamedTuple

# Zero-width and direction controls, soft hyphen, variation of joiners: deleted.
_INVISIBLE = "\u00ad\u034f\u061c\u180e" + "".join(
    map(chr, [*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF, *range(0xE0000, 0xE0080)])
)
_SPACES = "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_HYPHENS = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63"
# Roman numerals, letters and digits in circles and brackets, ligatures, small forms, full-width
# forms, mathematical alphabets. Not the signs that the rules know as they are (º, ª, …), and not
# superscript digits: a footnote's number would join the value before it.
_COMPATIBLE = (
    *(range(0x2160, 0x2180), range(0x2460, 0x2500), range(0xFB00, 0xFB07), range(0xFE50, 0xFE6C)),
    *(range(0xFF01, 0xFF5F), range(0x1D400, 0x1D800), range(0x1F110, 0x1F16A)),
)
# Marks that ride on the character before them: accents, enclosing keycaps, variation selectors.
_MARKS = "\u0300-\u036f\u20d0-\u20f0\ufe00-\ufe0f\U000e0100-\U000e01ef"
_MARK = re.compile(f"[{_MARKS}]")

_LOOK_ALIKE = str.maketrans(
    "аАсСеЕоОрРхХуУіІјЈѕЅԁһԛԝВКМНТҮӀӏѵѴԌαΑΒΕΖΗΙιΚκΜΝοΟΡρΤΥυΧϲϹνϳ",
    "aAcCeEoOpPxXyYiIjJsSdhqwBKMHTYIlvVGaABEZHIiKkMNoOPpTYuXcCvj",
)
_LATIN_LIKE = frozenset(map(chr, _LOOK_ALIKE))
# Runs in which every letter is Latin or looks like it, so that words of other scripts stay as they are.
_MIXED = re.compile(rf"(?<![^\W_])[A-Za-z0-9\u00c0-\u024f_@.:/%+\-{''.join(sorted(_LATIN_LIKE))}]{{2,}}(?![^\W_])")
# Words of look-alikes alone, behind a word of ASCII letters: six, say, which has no other letters.
_AMONG_LATIN = re.compile(
    rf"(?<=[A-Za-z][ ,])(?:[{''.join(sorted(_LATIN_LIKE))}]{{1,12}}(?![^\W_])[ ,]{{0,2}}){{1,40}}"
)
# A code of few letters may have none that looks like no other; its digits then say that it is a code.
_EVIDENCE = re.compile(r"[A-Za-z0-9]")


def _replacements() -> dict[int, str]:
    table = {
        code: plain
        for block in _COMPATIBLE
        for code in block
        if (plain := unicodedata.normalize("NFKC", chr(code))) != chr(code)
    }
    table |= {ord(char): " " for char in _SPACES} | {ord(char): "-" for char in _HYPHENS}
    for code in range(0x660, 0x1FBFA):
        digit = unicodedata.decimal(chr(code), None)
        if digit is not None:
            table[code] = str(digit)
    return table | dict.fromkeys(map(ord, _INVISIBLE), "")


_REPLACED = _replacements()
_MARK_SET = frozenset(
    map(chr, [*range(0x300, 0x370), *range(0x20D0, 0x20F1), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)])
)
# Sets, not patterns: a class of this many ranges took 400 ns a character.
_ODD = frozenset(map(chr, _REPLACED)) | _MARK_SET
_MOVING = frozenset(chr(code) for code, plain in _REPLACED.items() if len(plain) != 1) | _MARK_SET
_HIDDEN = frozenset(_INVISIBLE)
_DELETED = dict.fromkeys(map(ord, _INVISIBLE), "")
_SEARCHED = _ODD | _LATIN_LIKE
# Up to here one replacement after another is faster than a table's look-up for each character.
_FEW = 12


class Edit(NamedTuple):
    """A piece of a text, and what to read in its place."""

    start: int
    end: int
    text: str

    def __repr__(self) -> str:
        return f"<Edit {self.start}:{self.end}>"


class Normalised(NamedTuple):
    """A text to search; if its characters moved, the original span of each: `offsets` to `ends`."""

    text: str
    offsets: Sequence[int] | None
    ends: Sequence[int] | None = None

    def __repr__(self) -> str:
        return f"<Normalised {len(self.text)} characters>"

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Map a span of the text back; characters deleted inside it are in it."""
        if self.offsets is None or self.ends is None:
            return start, end
        return self.offsets[start], self.ends[end - 1]


def rewritten(text: str, edits: Iterable[Edit], start: int = 0, end: int | None = None) -> Normalised:
    """Apply sorted, disjoint edits to a part of a text; what an edit writes stands for all it read."""
    stop = len(text) if end is None else end
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    place = start
    for edit in edits:
        pieces += (text[place : edit.start], edit.text)
        starts.extend(range(place, edit.start))
        ends.extend(range(place + 1, edit.start + 1))
        starts.extend([edit.start] * len(edit.text))
        ends.extend([edit.end] * len(edit.text))
        place = edit.end
    pieces.append(text[place:stop])
    starts.extend(range(place, stop))
    ends.extend(range(place + 1, stop + 1))
    return Normalised("".join(pieces), starts, ends)


def is_read_otherwise(char: str) -> bool:
    """Tell whether `normalise` replaces or deletes a character."""
    return char in _ODD


def normalise(text: str) -> Normalised:
    """Read compatible forms, foreign digits, odd spaces and look-alikes as ASCII; delete the invisible."""
    if text.isascii() or _SEARCHED.isdisjoint(text):
        return Normalised(text, None)
    characters = set(text)
    odd = characters & _ODD
    if not odd:
        return Normalised(_latinised(text, characters), None)
    if odd.isdisjoint(_MOVING):
        plain = text
        if len(odd) > _FEW:
            plain = text.translate(_REPLACED)
        else:
            for char in odd:
                plain = plain.replace(char, _REPLACED[ord(char)])
        return Normalised(_latinised(plain, characters), None)
    # A class of the few characters that are there is fast where that of all isn't.
    hidden = "".join(sorted(map(re.escape, odd & _HIDDEN)))
    classes = []
    if odd & _MARK_SET and hidden:
        classes.append(rf"(?s:[^{_MARKS}{hidden}]?[{hidden}]{{0,8}}[{_MARKS}][{_MARKS}{hidden}]*)")
    elif odd & _MARK_SET:
        classes.append(rf"(?s:[^{_MARKS}]?[{_MARKS}]+)")
    for group, times in ((odd & _HIDDEN, "+"), (odd - _HIDDEN - _MARK_SET, "")):
        if group:
            classes.append(f"[{''.join(sorted(map(re.escape, group)))}]{times}")
    pattern = "|".join(classes)
    moved = rewritten(text, [Edit(*found.span(), _plain(found[0])) for found in re.finditer(pattern, text)])
    return moved._replace(text=_latinised(moved.text, characters))


def _plain(piece: str) -> str:
    """Compose what composes; marks that are left over only hide what they ride on."""
    return _MARK.sub("", unicodedata.normalize("NFC", piece.translate(_DELETED))).translate(_REPLACED)


def _latinised(text: str, characters: set[str]) -> str:
    if _LATIN_LIKE.isdisjoint(characters):
        return text
    return _AMONG_LATIN.sub(lambda found: found[0].translate(_LOOK_ALIKE), _MIXED.sub(_latin, text))


def _latin(found: re.Match[str]) -> str:
    run = found[0]
    return run if run.isascii() or _EVIDENCE.search(run) is None else run.translate(_LOOK_ALIKE)
