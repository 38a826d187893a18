"""What models do to placeholders: manglings by name, alone and two after another."""

from collections.abc import Iterator

from tests.mangler.draft import Draft, Mangling, Token, apply, is_determined, read
from tests.mangler.texts import OF_TEXTS
from tests.mangler.tokens import OF_TOKENS

ALL = (*OF_TOKENS, *OF_TEXTS)


def pairs() -> Iterator[tuple[Mangling, Mangling]]:
    """Every two manglings, in the order in which they are done; what is done to a token comes first.

    What damages a code comes first, too: done to what another one made of it, it might damage nothing.
    """
    for inner in ALL:
        for outer in ALL:
            if inner.ends or (inner.of_text and (outer.ends or not outer.of_text)) or not outer.keeps:
                continue
            yield inner, outer


__all__ = ["ALL", "OF_TEXTS", "OF_TOKENS", "Draft", "Mangling", "Token", "apply", "is_determined", "pairs", "read"]
