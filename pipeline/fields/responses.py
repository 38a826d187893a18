"""Responses: the stateless part of the endpoint, with function and custom tools only."""

from pipeline.fields.rules import ByType, Deep, Fields, Hash, Many, Model, Pass, Refuse, Tagged
from pipeline.fields.shared import (
    CACHE_BREAKPOINT,
    CACHE_RETENTION,
    CACHE_TTL,
    CLEAN,
    CUSTOM_FORMAT_TEXT,
    DROP,
    EFFORT,
    FLAG,
    IDENTITY,
    METADATA,
    MODERATION,
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
from pipeline.walk import FeatureRefused, InvalidRequest, UnsupportedContentPart

_STATUS = word("in_progress", "completed", "incomplete")
_CALL_ID = Hash("call", prefix="call_", digits=24)

_PARTS = content_parts(
    input_text=Fields(
        {"type": word("input_text"), "text": TEXT, "prompt_cache_breakpoint": CACHE_BREAKPOINT},
        required=("text",),
    ),
    output_text=Fields(
        {"type": word("output_text"), "text": TEXT, "annotations": Refuse(harmless=([],)), "logprobs": DROP}
    ),
    refusal=Fields({"type": word("refusal"), "refusal": TEXT}),
)
_CONTENT = ByType(text=TEXT, many=_PARTS)
_MESSAGE = Fields(
    {
        "type": word("message"),
        "role": word("user", "assistant", "system", "developer"),
        "content": _CONTENT,
        "id": DROP,
        "status": _STATUS,
        "phase": word("commentary", "final_answer"),
    },
    required=("role", "content"),
)
_ITEMS = {
    "message": _MESSAGE,
    "function_call": Fields(
        {
            "type": word("function_call"),
            "name": CLEAN,
            "arguments": TEXT,
            "call_id": _CALL_ID,
            "id": DROP,
            "status": _STATUS,
        }
    ),
    "function_call_output": Fields(
        {
            "type": word("function_call_output"),
            "output": _CONTENT,
            "name": CLEAN,
            "call_id": _CALL_ID,
            "id": DROP,
            "status": _STATUS,
        }
    ),
    "custom_tool_call": Fields(
        {"type": word("custom_tool_call"), "name": CLEAN, "input": TEXT, "call_id": _CALL_ID, "id": DROP}
    ),
    "custom_tool_call_output": Fields(
        {"type": word("custom_tool_call_output"), "output": _CONTENT, "call_id": _CALL_ID, "id": DROP}
    ),
}

_TOOLS = {
    "function": Fields(
        {
            "type": word("function"),
            "name": CLEAN,
            "description": TEXT,
            "parameters": SCHEMA,
            "output_schema": SCHEMA,
            "strict": FLAG,
        },
        required=("name",),
    ),
    "custom": Fields(
        {
            "type": word("custom"),
            "name": CLEAN,
            "description": TEXT,
            "format": Tagged(
                "type",
                {
                    "text": CUSTOM_FORMAT_TEXT,
                    "grammar": Fields({"type": word("grammar"), "definition": TEXT, "syntax": word("lark", "regex")}),
                },
                InvalidRequest,
            ),
        },
        required=("name",),
    ),
}
_NAMED = {
    "function": Fields({"type": word("function"), "name": CLEAN}),
    "custom": Fields({"type": word("custom"), "name": CLEAN}),
}
_TOOL_CHOICE = ByType(
    text=word("none", "auto", "required"),
    fields=Tagged(
        "type",
        _NAMED
        | {
            "allowed_tools": Fields(
                {
                    "type": word("allowed_tools"),
                    "mode": word("auto", "required"),
                    "tools": Many(Tagged("type", _NAMED, FeatureRefused)),
                }
            )
        },
        FeatureRefused,
    ),
)
_FORMAT = Tagged(
    "type",
    TEXT_FORMATS
    | {
        "json_schema": Fields(
            {
                "type": word("json_schema"),
                "name": CLEAN,
                "description": TEXT,
                "schema": SCHEMA,
                "strict": FLAG,
            }
        )
    },
    InvalidRequest,
)

REQUEST = Fields(
    IDENTITY
    | SAMPLING
    | {
        "input": ByType(text=TEXT, many=Many(Tagged("type", _ITEMS, UnsupportedContentPart, untagged=_MESSAGE))),
        "instructions": TEXT,
        "model": Model(),
        "max_output_tokens": NUMBER,
        "max_tool_calls": NUMBER,
        "metadata": METADATA,
        "moderation": MODERATION,
        "parallel_tool_calls": FLAG,
        "prompt_cache_options": Fields({"mode": word("implicit", "explicit"), "ttl": CACHE_TTL, "prewarm": FLAG}),
        "prompt_cache_retention": CACHE_RETENTION,
        "reasoning": Fields(
            {
                "effort": EFFORT,
                "summary": word("auto", "concise", "detailed"),
                "generate_summary": word("auto", "concise", "detailed"),
            }
        ),
        "service_tier": SERVICE_TIER,
        "store": STORE,
        "stream": STREAM,
        "stream_options": DROP,
        "text": Fields({"format": _FORMAT, "verbosity": VERBOSITY}),
        "tool_choice": _TOOL_CHOICE,
        "tools": Many(Tagged("type", _TOOLS, FeatureRefused)),
        "truncation": word("auto", "disabled"),
        # State kept at OpenAI, or content that never passes here.
        "access_programs": REFUSED,
        "background": Refuse(harmless=(False,)),
        "background_options": REFUSED,
        "context_management": REFUSED,
        "conversation": REFUSED,
        "image": REFUSED,
        "include": Refuse(harmless=([],)),
        "previous_response_id": REFUSED,
        "prompt": REFUSED,
    },
    required=("input", "model"),
    always={"store": False, "stream": False},
)

_ANY = Deep(keys=False)
_ITEM = Fields(
    {"id": Pass(), "call_id": Pass(), "type": Pass(), "status": Pass(), "encrypted_content": Pass()},
    other=_ANY,
)
ANSWER = Fields(
    {"output": Many(_ITEM), "instructions": _ANY, "metadata": _ANY, "tools": _ANY, "text": _ANY},
    other=Pass(),
)
