"""Embeddings: texts in, vectors out; token numbers cannot be inspected."""

from pipeline.fields.model_names import Model
from pipeline.fields.rules import ByType, Fields, Hash, Many, Pass
from pipeline.fields.shared import NUMBER, TEXT, word
from pipeline.walk import UnsupportedContentPart

_ITEM = ByType(text=TEXT, otherwise=UnsupportedContentPart)

REQUEST = Fields(
    {
        "input": ByType(text=TEXT, many=Many(_ITEM, least=1)),
        "model": Model(),
        "dimensions": NUMBER,
        "encoding_format": word("float", "base64"),
        "user": Hash("user", prefix="veil-"),
    },
    required=("input", "model"),
)

ANSWER = Fields({}, other=Pass())
