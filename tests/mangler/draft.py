"""A text with placeholders in it, as a model may write it down: what a mangling takes and gives."""

from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple, TypeAlias


class Token(NamedTuple):
    """A placeholder by its parts, with what was put right before and after it."""

    before: str
    opens: str
    kind: str
    joint: str
    code: str
    closes: str
    after: str

    @property
    def text(self) -> str:
        """All of it as it is written."""
        return "".join(self)

    def around(self, before: str, after: str) -> "Token":
        """The token between two more pieces of text."""
        return self._replace(before=before + self.before, after=self.after + after)

    def each(self, write: Callable[[str], str]) -> "Token":
        """Every part written otherwise."""
        return Token(*map(write, self))


class Draft(NamedTuple):
    """Pieces of a text in order; `told` are the tokens, by number, that a reader could still tell."""

    pieces: Sequence[str | Token]
    told: Sequence[int]

    @property
    def text(self) -> str:
        """All of it as it is written."""
        return "".join(piece if isinstance(piece, str) else piece.text for piece in self.pieces)


Change: TypeAlias = Callable[[Draft, Random], Draft]


class Mangling(NamedTuple):
    """One thing that models do.

    `keeps`: whether a token's identity is still determined. `needs` and `loses` name what only
    combinations are undetermined by: one that loses what the other one needs. `of_text`: it is done to
    the whole text, and `read` brings the text back from it; `ends`: nothing can be done to the text after it.
    """

    name: str
    change: Change
    keeps: bool = True
    needs: frozenset[str] = frozenset()
    loses: frozenset[str] = frozenset()
    of_text: bool = False
    read: Callable[[str], str] = str
    ends: bool = False


def apply(manglings: Sequence[Mangling], draft: Draft, random: Random) -> Draft:
    """Do one after the other to a text."""
    for mangling in manglings:
        draft = mangling.change(draft, random)
        if not mangling.keeps:
            draft = draft._replace(told=())
    return draft


def read(manglings: Sequence[Mangling], text: str) -> str:
    """Read a mangled text as the program or person would that it is written for."""
    for mangling in reversed(manglings):
        try:
            text = mangling.read(text)
        except (ValueError, LookupError):  # it is no longer what it should be: taken as it stands
            return text
    return text


def is_determined(manglings: Sequence[Mangling]) -> bool:
    """Whether tokens can still be told after all of the manglings."""
    needed = frozenset[str]().union(*(one.needs for one in manglings))
    lost = frozenset[str]().union(*(one.loses for one in manglings))
    return all(one.keeps for one in manglings) and not needed & lost
