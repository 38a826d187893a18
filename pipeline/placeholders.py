"""Placeholders: `[KIND_code]`, the code derived with a keyed hash in a scope, so that nothing is stored."""

import hmac
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from pipeline.detection.types import catalogue
from pipeline.families import Families
from pipeline.json_text import from_json
from pipeline.readings import layers_of, runs
from schemas.redacted import Original

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Base32 without i, l, o and u, which are read as other characters or make words."""
CODE_LENGTH = 8
_FAMILY = 4
"""So many of a code's characters are the same for all spellings of a value, and all names of one person."""
_PAIRS = [first + second for first in ALPHABET for second in ALPHABET]

CODE = re.compile(r"(?<![0-9A-Za-z])[0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{8}(?=(?:e?s)?(?![0-9A-Za-z]))")
"""Where a code may stand: a token of its own, a plural ending allowed."""

_CODE_SHAPE = re.compile(rf"(?=(?:[a-z]*[0-9]){{2}})(?=(?:[0-9]*[a-z]){{2}})[{ALPHABET}]{{{CODE_LENGTH}}}")
_LOOKALIKE = re.compile(
    # The look behind stands second, so that the scan jumps from capital to capital.
    r"([A-Z](?<![0-9A-Za-z].)[A-Z0-9]*(?:\\?[_ -][A-Z0-9]+)*)\\?[_ -]([0-9A-Za-z]{1,16})(?![0-9A-Za-z])"
)
_LONG = 65_536
_FOLD = bytes(range(256)).lower()
_NOT_IN_CODES = bytes(set(range(256)) - set(ALPHABET.encode()) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZilou"))


@dataclass(frozen=True)
class Scope:
    """In what a placeholder is stable: a keyed hash of the same text in one scope gives the same code.

    `id` is a path whose first part is the tenant (`tenant/job/…`, `tenant/conversation/…`, `tenant`).
    """

    key: bytes = field(repr=False)
    id: str

    @property
    def of_one_job(self) -> bool:
        """Whether nothing but this job has placeholders of the scope."""
        return self.id.split("/")[1:2] == ["job"]

    def hash_identity(self, purpose: str, value: str) -> str:
        """A keyed hash of an identifier, the same in every job of the tenant; 40 hex digits."""
        tenant = self.id.split("/", 1)[0]
        return _keyed(self.key, "identity", purpose, tenant, value).hex()[:40]

    def hash_value(self, purpose: str, entity: str, text: str) -> str:
        """A keyed hash of a value, the same wherever a placeholder of the scope would be; 64 hex digits."""
        return _keyed(self.key, purpose, self.id, entity, text).hex()


def _keyed(key: bytes, *parts: str) -> bytes:
    return hmac.digest(key, b"".join(map(_prefixed, parts)), "sha256")


def _prefixed(part: str) -> bytes:
    encoded = part.encode()
    return len(encoded).to_bytes(4, "big") + encoded


def code_from(digest: bytes) -> str:
    """The first forty bits of a digest in the alphabet of codes."""
    bits = int.from_bytes(digest[:5], "big")
    return _PAIRS[bits >> 30] + _PAIRS[bits >> 20 & 1023] + _PAIRS[bits >> 10 & 1023] + _PAIRS[bits & 1023]


def is_code(text: str) -> bool:
    """Whether a text has the shape of a code: enough digits and letters to be no word and no number."""
    return bool(_CODE_SHAPE.fullmatch(text))


def code_of(placeholder: str) -> str:
    """The code of a placeholder that `Issuer` made."""
    return placeholder[-CODE_LENGTH - 1 : -1]


def bare(placeholder: str) -> str:
    """The form without brackets, for fields that take an identifier only."""
    return placeholder[1:-1]


def _all_readings(text: str) -> bytes:
    """A text with what its escapes and its base64 say."""
    says = (*(pieces.text for _, pieces in layers_of(text)), *(run.text for run in runs(text)))
    return "\n".join((text, *says)).encode()


class Taken:
    """The request's own text as far as codes go: a code that stands in it, escaped or not, is not issued."""

    def __init__(self, texts: Iterable[str | bytes] = ()) -> None:
        joined = b"\n".join(_all_readings(text.decode() if isinstance(text, bytes) else text) for text in texts)
        # Of a long text only what restoring would take for a code is kept; a short one is
        # searched in every way to write it, with its separators removed.
        self._short = joined.translate(_FOLD, _NOT_IN_CODES) if len(joined) < _LONG else b""
        found = CODE.findall(joined.decode().lower()) if len(joined) >= _LONG else ()
        self._tokens = frozenset(filter(is_code, found))

    def __repr__(self) -> str:
        return "<Taken>"

    def __contains__(self, code: str) -> bool:
        return code in self._tokens or code.encode() in self._short


class Issuer:
    """Issues the placeholders of one job: equal originals share one, and none occurs in the request.

    `issued` maps each placeholder to its entity, `originals` the reversible ones to what they stand for;
    `related` is whether two of them are one person's or one value's, by the start of their codes.
    """

    def __init__(
        self, scope: Scope, taken: Taken, reversible: Callable[[str], bool], families: Families | None = None
    ) -> None:
        self._scope = scope
        self._taken = taken
        self._reversible = reversible
        self._families = families or Families()
        self._starts: set[str] = set()
        self.related = False
        self._by_original: dict[tuple[str, str, bool], str] = {}
        self._codes: set[str] = set()
        self.issued: dict[str, str] = {}
        self.originals: dict[str, Original] = {}

    def __repr__(self) -> str:
        return f"<Issuer {len(self.issued)}>"

    def issue(self, entity: str, text: str, *, in_json: bool = False) -> str:
        """Give the placeholder of a text; one spelled as in JSON differs from the same text plain."""
        identity = (entity, text, in_json)
        if placeholder := self._by_original.get(identity):
            return placeholder
        code = self._code(entity, text, "json" if in_json else "text")
        placeholder = f"[{entity}_{code}]"
        self._by_original[identity] = placeholder
        self._codes.add(code)
        self.issued[placeholder] = entity
        if self._reversible(entity):
            self.originals[placeholder] = Original(text, entity, in_json)
        return placeholder

    def owns(self, shape: str) -> bool:
        """Whether a token that `lookalikes` gave has a code of this job."""
        return shape[-CODE_LENGTH:] in self._codes

    def _code(self, entity: str, text: str, spelling: str) -> str:
        counter = 0
        start = self._start(entity, (from_json(text) or text) if spelling == "json" else text)
        while True:
            digest = _keyed(self._scope.key, self._scope.id, entity, text, spelling, str(counter))
            code = start + code_from(digest)[len(start) :]
            if is_code(code) and code not in self._codes and code not in self._taken:
                return code
            counter += 1

    def _start(self, entity: str, text: str) -> str:
        """What the codes of all spellings of a value begin with; empty for what has but one."""
        family = self._families.of(entity, text)
        if family is None:
            return ""
        start = code_from(_keyed(self._scope.key, "family", self._scope.id, entity, family))[:_FAMILY]
        self.related |= start in self._starts
        self._starts.add(start)
        return start


def lookalikes(text: str, kinds: Iterable[str] = ()) -> set[str]:
    """Tokens of a text that have the shape of a placeholder, as `kind_code` in lower case.

    A known kind with any short code counts (`[PERSON_1]`), and any kind with a code of ours.
    """
    found: set[str] = set()
    known = catalogue()
    for match in _LOOKALIKE.finditer(text):
        kind = re.sub(r"\\?[_ -]", "_", match[1])
        code = match[2].lower()
        if is_code(code) or ((kind in known or kind in kinds) and any(c.isdigit() for c in code)):
            found.add(f"{kind}_{code}".lower())
    return found
