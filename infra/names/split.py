"""Which records of a set the names model is never trained on."""

import hashlib
from collections.abc import Mapping
from typing import Any

SHARE = 0.2


def held_out(record: Mapping[str, Any]) -> bool:
    """Whether a record belongs to the fifth that measures, by a hash of its set and its group (or else its id).

    Records of one group are of one document, template or persona, so they stay together.
    """
    key = f"{record['source']} {record.get('group') or record['id']}"
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") < SHARE * 2**32
