"""Moderations: texts in, categories and scores out; images cannot be inspected."""

from pipeline.fields.model_names import Model
from pipeline.fields.rules import ByType, Fields, Many, Pass, Tagged
from pipeline.fields.shared import TEXT, word
from pipeline.walk import UnsupportedContentPart

_PART = Tagged(
    "type",
    {"text": Fields({"type": word("text"), "text": TEXT}, required=("text",))},
    UnsupportedContentPart,
    refused=frozenset(("image_url",)),
)

REQUEST = Fields(
    {"input": ByType(text=TEXT, many=Many(ByType(text=TEXT, fields=_PART), least=1)), "model": Model()},
    required=("input",),
    # OpenAI's own default (API reference, "Create moderation"), spelled out for a policy that lists models.
    always={"model": "omni-moderation-latest"},
)

ANSWER = Fields({}, other=Pass())
