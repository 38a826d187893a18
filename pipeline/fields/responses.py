"""Responses: the stateless part of the endpoint, with function and custom tools only."""

from pipeline.fields.answers import Cited, Shape, Spelled
from pipeline.fields.model_names import Model
from pipeline.fields.responses_tools import CALLER, TOOL_CHOICE, TOOLS
from pipeline.fields.rules import ByType, Deep, Fields, Hash, Many, Opaque, Pass, Refuse, SetTo, Tagged
from pipeline.fields.shared import (
    CACHE_BREAKPOINT,
    CACHE_RETENTION,
    CACHE_TTL,
    CLEAN,
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
from pipeline.walk import InvalidRequest, UnsupportedContentPart

_STATUS = word("in_progress", "completed", "incomplete")
_CALL_ID = Hash("call", prefix="call_", digits=24)

_INPUT_TEXT = Fields(
    {"type": word("input_text"), "text": TEXT, "prompt_cache_breakpoint": CACHE_BREAKPOINT}, required=("text",)
)
_OUTPUT_TEXT = Fields({"type": word("output_text"), "text": TEXT, "annotations": SetTo([]), "logprobs": DROP})
_REFUSAL = Fields({"type": word("refusal"), "refusal": TEXT})
_CONTENT = ByType(
    text=TEXT,
    many=content_parts("input_image", "input_file", input_text=_INPUT_TEXT, output_text=_OUTPUT_TEXT, refusal=_REFUSAL),
)
_OUTPUT = ByType(text=TEXT, many=content_parts("input_image", "input_file", input_text=_INPUT_TEXT))
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
            "async": FLAG,
            "caller": CALLER,
            "namespace": CLEAN,
        }
    ),
    "function_call_output": Fields(
        {
            "type": word("function_call_output"),
            "output": _OUTPUT,
            "name": CLEAN,
            "call_id": _CALL_ID,
            "id": DROP,
            "status": _STATUS,
            "caller": CALLER,
            "namespace": CLEAN,
        }
    ),
    "custom_tool_call": Fields(
        {
            "type": word("custom_tool_call"),
            "name": CLEAN,
            "input": TEXT,
            "call_id": _CALL_ID,
            "id": DROP,
            "async": FLAG,
            "caller": CALLER,
            "namespace": CLEAN,
        }
    ),
    "custom_tool_call_output": Fields(
        {
            "type": word("custom_tool_call_output"),
            "output": _OUTPUT,
            "call_id": _CALL_ID,
            "id": DROP,
            "caller": CALLER,
        }
    ),
    # What the model thought of redacted text: nothing is stored, so callers send it back for the next turn.
    "reasoning": Fields(
        {
            "type": word("reasoning"),
            "summary": Many(
                Tagged("type", {"summary_text": Fields({"type": word("summary_text"), "text": TEXT})}, InvalidRequest)
            ),
            "content": Many(
                Tagged(
                    "type", {"reasoning_text": Fields({"type": word("reasoning_text"), "text": TEXT})}, InvalidRequest
                )
            ),
            "encrypted_content": Opaque(),
            "id": DROP,
            "status": _STATUS,
        }
    ),
}
# State kept at OpenAI, what cannot be inspected, and calls of tools that are refused.
_REFUSED_ITEMS = """
item_reference compaction compaction_trigger configuration_update additional_tools
computer_call computer_call_output image_generation_call
file_search_call web_search_call code_interpreter_call program program_output tool_search_call tool_search_output
mcp_list_tools mcp_call mcp_approval_request mcp_approval_response
local_shell_call local_shell_call_output shell_call shell_call_output apply_patch_call apply_patch_call_output
"""

_FORMAT = Tagged(
    "type",
    TEXT_FORMATS
    | {
        "json_schema": Fields(
            {
                "type": word("json_schema"),
                "name": CLEAN,
                "description": TEXT,
                "schema": Shape(SCHEMA, named=False),
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
        "input": ByType(
            text=TEXT,
            many=Many(
                Tagged(
                    "type",
                    _ITEMS,
                    UnsupportedContentPart,
                    untagged=_MESSAGE,
                    refused=frozenset(_REFUSED_ITEMS.split()),
                )
            ),
        ),
        "include": Many(
            word(
                "reasoning.encrypted_content",
                "message.output_text.logprobs",
                refused=(
                    "file_search_call.results",
                    "web_search_call.results",
                    "web_search_call.action.sources",
                    "message.input_image.image_url",
                    "computer_call_output.output.image_url",
                    "code_interpreter_call.outputs",
                ),
            )
        ),
        "instructions": TEXT,
        "model": Model(),
        "max_output_tokens": NUMBER,
        "max_tool_calls": NUMBER,
        "metadata": METADATA,
        "moderation": MODERATION,
        "parallel_tool_calls": FLAG,
        "prompt_cache_options": Fields(
            {
                "mode": word("implicit", "explicit"),
                "ttl": CACHE_TTL,
                "prewarm": FLAG,
                "comparison_response_id": REFUSED,
            }
        ),
        "prompt_cache_retention": CACHE_RETENTION,
        "reasoning": Fields(
            {
                "effort": EFFORT,
                "summary": word("auto", "concise", "detailed"),
                "generate_summary": word("auto", "concise", "detailed"),
                "context": word("auto", "current_turn", "all_turns"),
                "mode": word("standard", "pro"),
            }
        ),
        "service_tier": SERVICE_TIER,
        "store": STORE,
        "stream": STREAM,
        "stream_options": DROP,
        "text": Fields({"format": _FORMAT, "verbosity": VERBOSITY}),
        "tool_choice": TOOL_CHOICE,
        "tools": TOOLS,
        "truncation": word("auto", "disabled"),
        # State kept at OpenAI, or content that never passes here.
        "access_programs": REFUSED,
        "background": Refuse(harmless=(False,)),
        "background_options": REFUSED,
        "context_management": REFUSED,
        "conversation": REFUSED,
        "image": REFUSED,
        "previous_response_id": REFUSED,
        "prompt": REFUSED,
    },
    required=("input", "model"),
    always={"store": False, "stream": False},
)

_ANY = Deep(keys=False)
_PART = Cited("text", Spelled(Fields({"type": Pass(), "logprobs": Pass()}, other=_ANY)))
_ITEM = Fields(
    {
        "id": Pass(),
        "call_id": Pass(),
        "type": Pass(),
        "status": Pass(),
        "encrypted_content": Pass(),
        "content": ByType(text=_ANY, many=Many(ByType(text=_ANY, fields=_PART))),
    },
    other=_ANY,
)
ANSWER = Fields(
    {
        "output": Many(_ITEM),
        # Not OpenAI's, but some compatible servers'.
        "output_text": _ANY,
        "error": _ANY,
        "instructions": _ANY,
        "metadata": _ANY,
        "tools": _ANY,
        "text": _ANY,
    },
    other=Pass(),
)
