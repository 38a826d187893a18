"""Raw and redacted text as different types, so that mypy stops one being used as the other."""

from typing import NewType

RawText = NewType("RawText", str)
RedactedText = NewType("RedactedText", str)
