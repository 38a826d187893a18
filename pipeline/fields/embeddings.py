"""Embeddings: texts in, vectors out; token numbers cannot be inspected."""

from pipeline.fields.shared import CLEAN, NUMBER, TEXT, word
from pipeline.walk import ByType, Fields, Hash, Many, Pass, UnsupportedContentPart

_ITEM = ByType(text=TEXT, otherwise=UnsupportedContentPart)

REQUEST = Fields(
    {
        "input": ByType(text=TEXT, many=Many(_ITEM, least=1)),
        "model": CLEAN,
        "dimensions": NUMBER,
        "encoding_format": word("float", "base64"),
        "user": Hash("user", prefix="veil-"),
    },
    required=("input", "model"),
)

ANSWER = Fields({}, other=Pass())
