"""Whether a word that is a name, too, may be just a word in its place: at a sentence's start, among capitals."""

import re

_TITLES = "mr mrs ms miss mx dr prof professor sir dame herr frau mme mlle monsieur madame pan pani sr sra sig dhr mevr"
TITLES = frozenset(_TITLES.split())
_SAYING = """
said says called calls asked asks told wrote writes replied agreed signed paid confirmed wants wanted thinks lives
sagte sagt schrieb wohnt hat dit habite dijo dice vive detto disse zegt zei woont heeft disse mora mieszka
"""
_SAID = frozenset(_SAYING.split())
"""What follows a person's name rather than the word."""
_OPENING = re.compile(r"""(?:^|(?P<stop>[.!?…:;\n"“„«‘]))[\s"“„«‘'(\[*_>#-]*$""")
_BEFORE = re.compile(r"([^\W\d_]+)\.?[ \t]*$")
_AFTER = re.compile(r"[ \t]+([^\W\d_]+)")
_NEAR = 24
"""How many characters to each side decide; more than any title and any of `_SAID` with its spaces."""


def may_be_word(text: str, start: int, end: int) -> bool:
    """Whether a name that is a common word, in the case of a name, may be the word itself in this place."""
    before = text[max(0, start - _NEAR) : start]
    neighbour, following = _BEFORE.search(before), _AFTER.match(text, end, end + _NEAR)
    if neighbour and neighbour[1].lower() in TITLES:
        return False
    if text[start:end].isupper():
        return any(found is not None and len(found[1]) > 1 and found[1].isupper() for found in (neighbour, following))
    if following is None or not following[1].islower() or following[1] in _SAID:
        return False
    opening = _OPENING.search(before)
    return opening is not None and not (opening["stop"] == "." and neighbour is not None and len(neighbour[1]) == 1)
