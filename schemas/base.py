"""The common shape of everything on the wire."""

from typing import Annotated

import msgspec

END = r"$(?!\n)"
"""The end of a text. In Python `$` alone also matches before a line feed at the end, and msgspec uses Python's."""
ID_PATTERN = rf"^[A-Za-z0-9_-]{{1,64}}{END}"

Id = Annotated[str, msgspec.Meta(pattern=ID_PATTERN, description="A job, tenant or conversation id.")]
KeyId = Annotated[
    str,
    msgspec.Meta(pattern=rf"^[0-9a-f]{{16}}{END}", description="First 16 hex digits of SHA-256 of the public key."),
]
Label = Annotated[str, msgspec.Meta(pattern=rf"^[A-Za-z0-9_.-]{{1,64}}{END}")]
Sha256 = Annotated[str, msgspec.Meta(pattern=rf"^[0-9a-f]{{64}}{END}", description="SHA-256 in lower-case hex.")]
TopicName = Annotated[str, msgspec.Meta(pattern=rf"^[A-Za-z0-9._-]{{1,249}}{END}")]
UnixTime = Annotated[float, msgspec.Meta(ge=0, description="Seconds since 1970-01-01 UTC.")]

DEFAULT_TENANT = "default"


class Wire(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A message on the wire: JSON, unknown fields refused, no payload in its repr."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"
