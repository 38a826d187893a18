"""Rules that the endpoints share."""

from pipeline.fields.rules import (
    Deep,
    Drop,
    Fields,
    Flag,
    Hash,
    Many,
    Number,
    Permitted,
    Refuse,
    SetTo,
    Tagged,
    Text,
    Word,
)
from pipeline.walk import UnsupportedContentPart, Use

TEXT = Text()
CLEAN = Text(Use.CLEAN)
NAME = Text(Use.NAME)
NUMBER = Number()
FLAG = Flag()
DROP = Drop()
REFUSED = Refuse()

ALLOW_STORE = "allow_store"
ALLOW_EXTENDED_CACHE = "allow_extended_cache"


def word(*words: str, refused: tuple[str, ...] = ()) -> Word:
    return Word(frozenset(words), frozenset(refused))


_SCHEMA_WORDS = """
type properties required items description enum const default title format pattern additionalProperties
anyOf allOf oneOf not $ref $defs definitions minimum maximum exclusiveMinimum exclusiveMaximum multipleOf
minLength maxLength minItems maxItems uniqueItems prefixItems examples nullable strict $schema $id
string number integer boolean object array null date-time date time duration email hostname ipv4 ipv6 uuid uri
"""
# A schema's keys reach the model as they are: they cannot be replaced, so they must be clean.
SCHEMA = Deep(words=frozenset(_SCHEMA_WORDS.split()))
METADATA = Deep()

# Half a day is an extended cache by another name.
CACHE_TTL = Permitted("12h", ALLOW_EXTENDED_CACHE, word("30m", "12h"))
CACHE_BREAKPOINT = Fields({"mode": word("explicit"), "ttl": CACHE_TTL})
CACHE_RETENTION = Permitted("24h", ALLOW_EXTENDED_CACHE, word("in_memory", "24h"))
# Stored requests feed distillation and evaluations and are kept until they are deleted.
STORE = Permitted(True, ALLOW_STORE, FLAG)
# One job gives one result event: whether its answer is streamed to the completer is a setting, the content is the same.
STREAM = SetTo(False)

IDENTITY = {
    "user": Hash("user", prefix="veil-", name="safety_identifier"),
    "safety_identifier": Hash("user", prefix="veil-"),
    "prompt_cache_key": Hash("cache", prefix="veil-"),
}
SAMPLING = {"temperature": NUMBER, "top_p": NUMBER, "top_logprobs": NUMBER}
SERVICE_TIER = word("auto", "default", "flex", "scale", "priority", "fast", "ultrafast")
EFFORT = word("none", "minimal", "low", "medium", "high", "xhigh", "max")
VERBOSITY = word("low", "medium", "high")
_SWITCH = Fields({"mode": word("score", "block")})
MODERATION = Fields({"model": CLEAN, "policy": Fields({"input": _SWITCH, "output": _SWITCH})})

GRAMMAR = Fields({"definition": TEXT, "syntax": word("lark", "regex")})
TEXT_FORMATS = {"text": Fields({"type": word("text")}), "json_object": Fields({"type": word("json_object")})}
CUSTOM_FORMAT_TEXT = Fields({"type": word("text")})


def content_parts(*refused: str, **parts: Fields) -> Many:
    """A list of content parts of the kinds given; those refused, and any other, cannot be inspected."""
    return Many(Tagged("type", parts, UnsupportedContentPart, refused=frozenset(refused)))
