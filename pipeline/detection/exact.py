"""Values that are known beforehand: customers, code names, staff."""

import hashlib
import re
from collections.abc import Iterable, Sequence

import msgspec

from pipeline.detection.types import Finding

_TOKEN = re.compile(r"\w+|[^\w\s]")
_WORD = re.compile(r"\w+")


class ExactList(msgspec.Struct, frozen=True):
    """Values of one entity, to be found as whole words, however they are spaced."""

    entity: str
    values: Sequence[str] = msgspec.field(default=())
    ignore_case: bool = True

    def __repr__(self) -> str:
        return f"<ExactList {self.entity}: {len(self.values)} values>"

    def fingerprint(self) -> bytes:
        """Digest of the values, the same whatever their order."""
        digest = hashlib.sha256(repr((self.entity, self.ignore_case)).encode())
        for value in sorted(set(self.values)):
            digest.update(len(value.encode()).to_bytes(4, "big") + value.encode())
        return digest.digest()


class ExactRecognizer:
    """Looks up runs of tokens in a hash table.

    Not Hyperscan literals: a list may hold a million names and change often, and
    compiling those would take minutes; a lookup costs the same for any length.
    The table is keyed by a value's first word, so that ordinary text costs one
    failed lookup a word.
    """

    name = "exact"
    reads = False

    def __init__(self, lists: Iterable[ExactList]) -> None:
        self._folded: dict[str, dict[tuple[str, ...], str]] = {}
        self._cased: dict[str, dict[tuple[str, ...], str]] = {}
        names = set()
        for one in lists:
            names.add(one.entity)
            table = self._folded if one.ignore_case else self._cased
            for value in one.values:
                # Folding comes after cutting, as in the text: "İ" folds into two characters.
                tokens = tuple(token.casefold() if one.ignore_case else token for token in _TOKEN.findall(value))
                first = next((token for token in tokens if _WORD.match(token)), None)
                if first is not None:
                    table.setdefault(first, {}).setdefault(tokens, one.entity)
        self.entities = frozenset(names)
        self._lengths = {
            id(table): {
                first: sorted({(len(tokens), tokens.index(first)) for tokens in group}, reverse=True)
                for first, group in table.items()
            }
            for table in (self._folded, self._cased)
        }

    def find(self, text: str) -> Iterable[Finding]:
        """Give every value at every place, the longest of those that begin together."""
        spans = [found.span() for found in _TOKEN.finditer(text)]
        tokens = [text[start:end] for start, end in spans]
        found: list[Finding] = []
        if self._cased:
            self._look_up(self._cased, tokens, spans, found)
        if self._folded:
            self._look_up(self._folded, [token.casefold() for token in tokens], spans, found)
        return found

    def _look_up(
        self,
        table: dict[str, dict[tuple[str, ...], str]],
        tokens: list[str],
        spans: list[tuple[int, int]],
        found: list[Finding],
    ) -> None:
        lengths = self._lengths[id(table)]
        for place, token in enumerate(tokens):
            group = table.get(token)
            if group is None:
                continue
            for length, offset in lengths[token]:
                begin = place - offset
                if begin < 0 or begin + length > len(tokens):
                    continue
                entity = group.get(tuple(tokens[begin : begin + length]))
                if entity is not None:
                    found.append(Finding(spans[begin][0], spans[begin + length - 1][1], entity, 1.0))
                    break
