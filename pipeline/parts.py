"""Parts of a composite value that are sensitive by themselves, wherever else they stand.

A connection string is one finding; its password, repeated alone two messages later,
is the same secret.
"""

import re
from collections.abc import Iterator

_IN_URL = r"(?:^|://)[^\s:/@]{0,128}:([^\s@/]{4,256})(?:@|$)"
"""The password of `user:password`, with or without the address around it."""
_LONG_LINE = r"(?m)^\s{0,64}([A-Za-z0-9+/=_-]{16,})\s{0,8}$"
_PARTS = {
    entity: re.compile(pattern)
    for entity, pattern in {
        "DB_CONNECTION_STRING": rf"{_IN_URL}|(?i:password|pwd)\s{{0,4}}=\s{{0,4}}[\"']?([^;&\s\"']{{4,256}})",
        "URL": rf"{_IN_URL}|[?&](?i:token|key|secret|password|sig|signature|access_token|api_key)=([^&#\s]{{6,}})",
        "COOKIE_ID": r"=\s{0,4}\"?([^;\s\",]{6,})",
        "PASSPORT_MRZ": r"(?m)^([A-Z0-9<]{28,44})\s{0,8}$|^([A-Z0-9]{6,9})(?=<{0,3}[0-9][A-Z<]{3}\d{6})",
        "CARD_TRACK_DATA": r"(\d{13,19})",
        "PRIVATE_KEY_BLOCK": _LONG_LINE,
        "GCP_KEY": r"([A-Za-z0-9+/=]{32,})",
        "JWT": r"([A-Za-z0-9_-]{20,})",
    }.items()
}


def parts(entity: str, text: str) -> Iterator[str]:
    """The parts of a value of this entity; none for values that are one thing."""
    pattern = _PARTS.get(entity)
    if pattern is not None:
        for found in pattern.finditer(text):
            yield from (part for part in found.groups() if part)
