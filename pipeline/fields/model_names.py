"""Names of models: which are OpenAI's own, and so nobody's text."""

import re
from dataclasses import dataclass

from pipeline.walk import InvalidRequest, Spot, Use

_MODEL_NAME = re.compile(r"[A-Za-z0-9._:/-]{1,128}")
# Version numbers, sizes and dates as OpenAI names its models: `gpt-4o-mini-2024-07-18`, `o3`, `text-embedding-3-large`.
_BASE_MODEL = re.compile(
    r"(?:chatgpt|gpt|o\d|codex|computer-use|text-embedding|(?:omni|text)-moderation)(?:-(?:[0-9][0-9.]{0,3}[a-z]?|20\d\d|[a-z]{2,8}))*"
)


@dataclass(frozen=True)
class Model:
    """A model's name: OpenAI's own pass, any other (a fine-tuned one's) is looked at as a name."""

    def visit(self, spot: Spot) -> None:
        if not isinstance(spot.value, str) or not _MODEL_NAME.fullmatch(spot.value):
            raise InvalidRequest(str(spot.place))
        if not is_base_model(spot.value):
            spot.collect(Use.CLEAN)


def is_base_model(name: str) -> bool:
    """Whether a model's name is one of OpenAI's own making."""
    return _BASE_MODEL.fullmatch(name) is not None
