"""Tools of responses: functions and custom tools of the caller's own; all others run elsewhere and are refused."""

from pipeline.fields.answers import Shape
from pipeline.fields.rules import ByType, Fields, Many, Tagged
from pipeline.fields.shared import CLEAN, CUSTOM_FORMAT_TEXT, FLAG, SCHEMA, TEXT, word
from pipeline.walk import FeatureRefused, InvalidRequest

# Programs of the model run at OpenAI, so their calls are not ours to see.
CALLER = Tagged("type", {"direct": Fields({"type": word("direct")})}, FeatureRefused, refused=frozenset(("program",)))
_ALLOWED_CALLERS = Many(word("direct", refused=("programmatic",)))

_TOOLS = {
    "function": Fields(
        {
            "type": word("function"),
            "name": CLEAN,
            "description": TEXT,
            "parameters": Shape(SCHEMA),
            "output_schema": SCHEMA,
            "strict": FLAG,
            "async": FLAG,
            "allowed_callers": _ALLOWED_CALLERS,
            "defer_loading": FLAG,
        },
        required=("name",),
    ),
    "custom": Fields(
        {
            "type": word("custom"),
            "name": CLEAN,
            "description": TEXT,
            "async": FLAG,
            "allowed_callers": _ALLOWED_CALLERS,
            "defer_loading": FLAG,
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
# They run at OpenAI or at a third party, or on a machine that nobody here has asked.
_REFUSED_TOOLS = """
file_search web_search web_search_2025_08_26 web_search_preview web_search_preview_2025_03_11 mcp
code_interpreter programmatic_tool_calling image_generation computer computer_use_preview
local_shell shell apply_patch namespace tool_search
"""
_REFUSED_CHOICES = """
file_search web_search_preview web_search_preview_2025_03_11 mcp code_interpreter programmatic_tool_calling
image_generation computer computer_use computer_use_preview shell apply_patch
"""
_NAMED = {
    "function": Fields({"type": word("function"), "name": CLEAN}),
    "custom": Fields({"type": word("custom"), "name": CLEAN}),
}
TOOL_CHOICE = ByType(
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
        refused=frozenset(_REFUSED_CHOICES.split()),
    ),
)
TOOLS = Many(Tagged("type", _TOOLS, FeatureRefused, refused=frozenset(_REFUSED_TOOLS.split())))
