"""Chat completions: every field of a request, and what an answer may hold."""

from pipeline.fields.answers import Cited, Shape, Spelled
from pipeline.fields.model_names import Model
from pipeline.fields.rules import ByType, Deep, Fields, Hash, Many, Numeric, Pass, Refuse, Tagged
from pipeline.fields.shared import (
    CACHE_BREAKPOINT,
    CACHE_RETENTION,
    CLEAN,
    CUSTOM_FORMAT_TEXT,
    DROP,
    EFFORT,
    FLAG,
    GRAMMAR,
    IDENTITY,
    METADATA,
    MODERATION,
    NAME,
    NUMBER,
    REFUSED,
    SAMPLING,
    SCHEMA,
    SERVICE_TIER,
    STORE,
    STREAM,
    TEXT,
    TEXT_FORMATS,
    VERBOSITY,
    content_parts,
    word,
)
from pipeline.walk import FeatureRefused, InvalidRequest

TEXT_PART = Fields(
    {"type": word("text"), "text": TEXT, "prompt_cache_breakpoint": CACHE_BREAKPOINT}, required=("text",)
)
_REFUSAL_PART = Fields({"type": word("refusal"), "refusal": TEXT})
_TEXT_CONTENT = ByType(text=TEXT, many=content_parts(text=TEXT_PART))
_USER_CONTENT = ByType(text=TEXT, many=content_parts("image_url", "input_audio", "file", text=TEXT_PART))

_FUNCTION_CALL = Fields({"name": CLEAN, "arguments": TEXT})
# Ids tie a call to its result; hashed, they still do, and carry nothing.
_CALL_ID = Hash("call", prefix="call_", digits=24)
_TOOL_CALL = Tagged(
    "type",
    {
        "function": Fields({"id": _CALL_ID, "type": word("function"), "function": _FUNCTION_CALL}),
        "custom": Fields({"id": _CALL_ID, "type": word("custom"), "custom": Fields({"name": CLEAN, "input": TEXT})}),
    },
    FeatureRefused,
)

MESSAGES = {
    "system": Fields({"role": word("system"), "content": _TEXT_CONTENT, "name": NAME}),
    "developer": Fields({"role": word("developer"), "content": _TEXT_CONTENT, "name": NAME}),
    "user": Fields({"role": word("user"), "content": _USER_CONTENT, "name": NAME}),
    "assistant": Fields(
        {
            "role": word("assistant"),
            "content": ByType(text=TEXT, many=content_parts(text=TEXT_PART, refusal=_REFUSAL_PART)),
            "refusal": TEXT,
            "name": NAME,
            "tool_calls": Many(_TOOL_CALL),
            "function_call": _FUNCTION_CALL,
            # Callers send back an answer's message as it came; citations are not read by the model.
            "annotations": DROP,
            "audio": REFUSED,
        }
    ),
    "tool": Fields({"role": word("tool"), "content": _TEXT_CONTENT, "tool_call_id": _CALL_ID}),
    "function": Fields({"role": word("function"), "content": TEXT, "name": CLEAN}),
}

_FUNCTION = Fields(
    {"name": CLEAN, "description": TEXT, "parameters": Shape(SCHEMA), "strict": FLAG}, required=("name",)
)
_CUSTOM_FORMAT = Tagged(
    "type",
    {"text": CUSTOM_FORMAT_TEXT, "grammar": Fields({"type": word("grammar"), "grammar": GRAMMAR})},
    InvalidRequest,
)
_CUSTOM = Fields({"name": CLEAN, "description": TEXT, "format": _CUSTOM_FORMAT}, required=("name",))
# A tool of another type runs at OpenAI or a third party (web search, remote MCP).
_TOOL = Tagged(
    "type",
    {
        "function": Fields({"type": word("function"), "function": _FUNCTION}),
        "custom": Fields({"type": word("custom"), "custom": _CUSTOM}),
    },
    FeatureRefused,
)
_NAMED = Fields({"name": CLEAN})
_NAMED_TOOLS = {
    "function": Fields({"type": word("function"), "function": _NAMED}),
    "custom": Fields({"type": word("custom"), "custom": _NAMED}),
}
_ALLOWED_TOOLS = Fields({"mode": word("auto", "required"), "tools": Many(Tagged("type", _NAMED_TOOLS, FeatureRefused))})
_TOOL_CHOICE = ByType(
    text=word("none", "auto", "required"),
    fields=Tagged(
        "type",
        _NAMED_TOOLS | {"allowed_tools": Fields({"type": word("allowed_tools"), "allowed_tools": _ALLOWED_TOOLS})},
        FeatureRefused,
    ),
)
_JSON_SCHEMA = Fields({"name": CLEAN, "description": TEXT, "schema": Shape(SCHEMA, named=False), "strict": FLAG})
_RESPONSE_FORMAT = Tagged(
    "type",
    TEXT_FORMATS | {"json_schema": Fields({"type": word("json_schema"), "json_schema": _JSON_SCHEMA})},
    InvalidRequest,
)

REQUEST = Fields(
    IDENTITY
    | SAMPLING
    | {
        "messages": Many(Tagged("role", MESSAGES, InvalidRequest), least=1),
        "model": Model(),
        "audio": REFUSED,
        "frequency_penalty": NUMBER,
        "function_call": ByType(text=word("none", "auto"), fields=_NAMED),
        "functions": Many(Fields({"name": CLEAN, "description": TEXT, "parameters": Shape(SCHEMA)})),
        "logit_bias": Numeric(),
        "logprobs": FLAG,
        "max_completion_tokens": NUMBER,
        "max_tokens": NUMBER,
        "metadata": METADATA,
        "modalities": Refuse(harmless=(["text"],)),
        "moderation": MODERATION,
        "n": NUMBER,
        "parallel_tool_calls": FLAG,
        "prediction": Fields({"type": word("content"), "content": _TEXT_CONTENT}),
        "presence_penalty": NUMBER,
        "prompt_cache_options": Fields({"mode": word("implicit", "explicit"), "ttl": word("30m")}),
        "prompt_cache_retention": CACHE_RETENTION,
        "reasoning_effort": EFFORT,
        "response_format": _RESPONSE_FORMAT,
        "seed": NUMBER,
        "service_tier": SERVICE_TIER,
        "stop": ByType(text=TEXT, many=Many(TEXT)),
        "store": STORE,
        "stream": STREAM,
        "stream_options": DROP,
        "tool_choice": _TOOL_CHOICE,
        "tools": Many(_TOOL),
        "verbosity": VERBOSITY,
        "web_search_options": REFUSED,
    },
    required=("messages", "model"),
    always={"store": False, "stream": False},
)

_ANY = Deep(keys=False)
_MESSAGE = Cited("content", Fields({"role": Pass(), "audio": Pass()}, other=_ANY))
_CHOICE = Spelled(Fields({"message": _MESSAGE, "logprobs": Pass()}, other=Pass()))
ANSWER = Fields({"choices": Many(_CHOICE)}, other=Pass())
