"""Values that are known beforehand: customers, code names, staff."""

import hashlib
import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import overload

import msgspec

from pipeline.detection.context import UNSPACED
from pipeline.detection.types import Finding

# Scripts that put no space between words have no such words: each character is one.
_TOKEN = re.compile(rf"[{UNSPACED}]|[^\W{UNSPACED}]+|[^\w\s]")
_WORD = re.compile(rf"(?![^\w])[{UNSPACED}]|[^\W{UNSPACED}]+")
# A byte of the filter has a bit for each of the first seven forms and one for all others.
_LAST_BIT = 7


class ExactTable(Sequence[str]):
    """A list of values in a few dozen bytes a value, for lists of a million.

    A tuple of strings and a dictionary of them take several times as much. Here the
    values lie end to end in one blob; an open hash table of numbers points into it,
    and a hit is compared with the value itself, so that no two hashes that happen
    to be equal make a finding. `firsts` says for the hash of a word whether a value
    may begin with it, and how: ordinary text costs one look into it a word.

    Hashes are those of Python's `str`, drawn anew in every process, so that nobody
    can write texts that collide; nothing of them leaves the process.
    """

    def __init__(self, values: Iterable[str], ignore_case: bool = True) -> None:
        self.ignore_case = ignore_case
        blob = bytearray()
        ends = array("Q", [0])
        hashes, first_hashes, first_bits = array("q"), array("q"), bytearray()
        # (tokens, which of them is the first word): the bit that stands for it.
        forms: dict[tuple[int, int], int] = {}
        for value in values:
            blob += value.encode("utf-8", "surrogatepass")
            ends.append(len(blob))
            tokens = self._tokens(value)
            hashes.append(hash(" ".join(tokens)))
            for place, token in enumerate(tokens):
                if _WORD.match(token):
                    bit = forms.setdefault((len(tokens), place), min(len(forms), _LAST_BIT))
                    first_hashes.append(hash(token))
                    first_bits.append(1 << bit)
                    break
        self._blob, self._ends, self._hashes = bytes(blob), ends, hashes
        # At most half full, so that a search ends after a step or two.
        self._mask = (1 << max(4, (2 * len(hashes)).bit_length())) - 1
        self._slots = array("I", bytes(4 * (self._mask + 1)))
        self._fill()
        self._first_mask = (1 << max(10, (4 * len(hashes)).bit_length())) - 1
        self._firsts = bytearray(self._first_mask + 1)
        for hashed, bits in zip(first_hashes, first_bits, strict=True):
            self._firsts[hashed & self._first_mask] |= bits
        self._forms = sorted(((length, offset, 1 << bit) for (length, offset), bit in forms.items()), reverse=True)

    def __repr__(self) -> str:
        return f"<ExactTable {len(self)} values>"

    def __len__(self) -> int:
        return len(self._hashes)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        if isinstance(place, slice):
            return [self[number] for number in range(*place.indices(len(self)))]
        number = range(len(self))[place]
        return self._blob[self._ends[number] : self._ends[number + 1]].decode("utf-8", "surrogatepass")

    @cached_property
    def fingerprint(self) -> bytes:
        """Digest of the values, the same whatever their order.

        A sum of hashes: sorting a million values would double what the table takes.
        """
        total = 0
        for number in range(len(self)):
            value = self._blob[self._ends[number] : self._ends[number + 1]]
            total += int.from_bytes(hashlib.blake2b(value).digest(), "big")
        return hashlib.sha256(repr((self.ignore_case, len(self), total)).encode()).digest()

    def holds(self, text: str) -> bool:
        """Whether the text as a whole is one of the values, spacing included."""
        return any(self._same(value, text) for value in self._with_key(" ".join(self._tokens(text))))

    def hits(self, words: Iterable[str]) -> dict[str, int]:
        """Give those of the words with which a value may begin, and the bits of its forms."""
        firsts, mask = self._firsts, self._first_mask
        if self.ignore_case:
            return {word: bits for word in words if (bits := firsts[hash(word.casefold()) & mask])}
        return {word: bits for word in words if (bits := firsts[hash(word) & mask])}

    def spans(self, hits: dict[str, int], tokens: Sequence[str]) -> Iterator[tuple[int, int]]:
        """Give the first and last token of every value, of those that begin together the longest."""
        count = len(tokens)
        for place, token in enumerate(tokens):
            if not (bits := hits.get(token)):
                continue
            for length, offset, bit in self._forms:
                begin = place - offset
                if not bits & bit or begin < 0 or begin + length > count:
                    continue
                key = " ".join(tokens[begin : begin + length])
                if next(self._with_key(self._folded(key)), None) is not None:
                    yield begin, begin + length - 1
                    break

    def _with_key(self, key: str) -> Iterator[str]:
        hashed = hash(key)
        slot = hashed & self._mask
        while number := self._slots[slot]:
            if self._hashes[number - 1] == hashed and " ".join(self._tokens(value := self[number - 1])) == key:
                yield value
            slot = (slot + 1) & self._mask

    def _fill(self) -> None:
        slots, mask, hashes = self._slots, self._mask, self._hashes
        for number, hashed in enumerate(hashes, 1):
            slot = hashed & mask
            while other := slots[slot]:
                # Without this, a value that stands in the list a thousand times makes a chain of a thousand.
                if hashes[other - 1] == hashed and self._same(self[other - 1], self[number - 1]):
                    break
                slot = (slot + 1) & mask
            else:
                slots[slot] = number

    def _tokens(self, value: str) -> list[str]:
        if value.isascii():
            return _TOKEN.findall(value.lower() if self.ignore_case else value)
        # Folding comes after cutting, as in the text: "İ" folds into two characters.
        return [self._folded(token) for token in _TOKEN.findall(value)]

    def _folded(self, text: str) -> str:
        return text.casefold() if self.ignore_case else text

    def _same(self, one: str, other: str) -> bool:
        return self._folded(one) == self._folded(other)


class ExactList(msgspec.Struct, frozen=True):
    """Values of one entity, to be found as whole words, however they are spaced.

    Give a long list as an `ExactTable`: it is shared by all detectors that use it.
    """

    entity: str
    values: Sequence[str] = msgspec.field(default=())
    ignore_case: bool = True

    def __repr__(self) -> str:
        return f"<ExactList {self.entity}: {len(self.values)} values>"

    def table(self) -> ExactTable:
        """The values as a table; the one given, if it is one and treats case alike."""
        if isinstance(self.values, ExactTable) and self.values.ignore_case == self.ignore_case:
            return self.values
        return ExactTable(self.values, self.ignore_case)

    def fingerprint(self) -> bytes:
        """Digest of the entity and its values, the same whatever their order."""
        return hashlib.sha256(self.entity.encode() + b"\0" + self.table().fingerprint).digest()


class ExactRecognizer:
    """Looks up runs of tokens in hash tables, one a list.

    Not Hyperscan literals: a list may hold a million names and change often, and
    compiling those would take minutes; a lookup costs the same for any length.
    """

    name = "exact"
    reads = False

    def __init__(self, lists: Iterable[ExactList]) -> None:
        self._lists = [(one.entity, one.table()) for one in lists]
        self.entities = frozenset(entity for entity, _ in self._lists)

    def find(self, text: str) -> Iterable[Finding]:
        """Give every value at every place, the longest of those of a list that begin together."""
        words = set(_WORD.findall(text))
        wanted = [(entity, table, hits) for entity, table in self._lists if (hits := table.hits(words))]
        if not wanted:
            return ()
        spans = [found.span() for found in _TOKEN.finditer(text)]
        tokens = [text[start:end] for start, end in spans]
        return [
            Finding(spans[first][0], spans[last][1], entity, 1.0)
            for entity, table, hits in wanted
            for first, last in table.spans(hits, tokens)
        ]
