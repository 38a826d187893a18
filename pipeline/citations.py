"""What an answer tells of its own text follows when the text gets its originals back.

Offsets are counted in code points, as OpenAI's SDKs for Python do.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from pipeline.rehydration import Replacement

_STARTS = ("start_index", "index")
# The `index` of a file path is the file's number in a list.
_NOT_IN_TEXT = ("file_path",)


def move_offsets(annotations: Iterable[Any], found: Sequence[Replacement]) -> None:
    """Have annotations point at the same text after `found` was put into it."""
    for annotation in annotations:
        if not isinstance(annotation, dict) or annotation.get("type") in _NOT_IN_TEXT:
            continue
        # Chat completions nest an annotation under its type; responses do not.
        nested = annotation.get(str(annotation.get("type")))
        for pointer in (annotation, nested) if isinstance(nested, dict) else (annotation,):
            for name in (*_STARTS, "end_index"):
                offset = pointer.get(name)
                if isinstance(offset, int) and not isinstance(offset, bool):
                    pointer[name] = _moved(offset, found, is_end=name == "end_index")


def _moved(offset: int, found: Sequence[Replacement], *, is_end: bool) -> int:
    """Where an offset lies now; one inside a placeholder goes to the same end of what stands for it."""
    moved = offset
    for start, end, text in found:
        if offset <= start:
            break
        after = moved + len(text) - (end - start)
        if offset < end:
            # The documents call an end the last character, the service gives the one after it: both are kept.
            return max(moved - (offset - start), after) if is_end else moved - (offset - start)
        moved = after
    return moved
