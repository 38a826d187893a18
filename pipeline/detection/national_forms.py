"""The two ways in which a national number is recognised: behind its name, or by its form."""

from pipeline.detection.rules import Check, Rule

# Up to 32 characters without a digit, over a line's end: forms and wrapped text.
LINK = r"[^\d;!?]{0,32}?"


def named(
    entity: str, words: str, pattern: str, check: Check | None, *, unchecked: float = 0.65, link: str = LINK
) -> Rule:
    """A number behind its name; the names are separated by commas."""
    names = tuple(word.strip() for word in words.split(","))
    return Rule(entity=entity, context=names, link=link, pattern=pattern, check=check, score=0.95, unchecked=unchecked)


def shaped(entity: str, anchor: str, pattern: str, check: Check | None, score: float = 0.9) -> Rule:
    """A number that its form gives away."""
    return Rule(entity=entity, anchor=anchor, pattern=pattern, check=check, score=score)
