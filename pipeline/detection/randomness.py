"""Tell a value that was drawn at random, or chosen as a password, from words, code and placeholders."""

import math
import re

_PLACEHOLDER = re.compile(
    r"(?i)your|example|change.?me|replace|insert|placeholder|dummy|redacted|sample|fake|secret.?here|todo|"
    r"undefined|environ|getenv|process\.env|config\[|settings\.|x{4}|\*{3}|\.{3}|^\W+$|^<.*>$|^\$[\w({]|^\{\{|\$\{|"
    r"^%\(?\w*\)?s?$|%\w+%|^#\{|12345678901234"
)
_NOT_A_PASSWORD = re.compile(
    r"(?i)(?:"
    r"none|null|true|false|nil|undefined|password|passwort|pass|passwd|pwd|secret|string|str|text|"
    r"bytes|int|bool|char|varchar|required|optional|admin|root|user|test|foo|bar|baz|qux|empty|hidden|"
    r"masked|encrypted|hash|hashed|default|reset|field|input|type|value|prompt|env|var|the|and|must|"
    r"for|was|has|have|with|new|old|this|that|your|my|his|her|its|are|not|from|can|will|should|when|"
    r"which|policy|policies|manager)$"
)
_CODE = re.compile(
    r"[\w.]+\(|[A-Za-z_]+\[|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+$|\w+::|[a-z_]+$|[A-Z_]+$|[A-Z]?[a-z]+(?:[A-Z][a-z]+)+$|"
    r"[A-Z][a-z]+$|/[\w/.-]+$|\.{1,2}/|@\w+$|[a-z]+(?:[-_ ][a-z]+)+$"
)
_NUMBERED_WORDS = re.compile(r"(?i)[a-z]+(?:[-_./][a-z]+)*[-_./]?\d{1,4}$")
_QUOTED_CODE = re.compile(r"[a-z]+(?:[_.-][a-z]+)+$|[A-Z]+(?:_[A-Z]+)+$|\w+\.\w+\(")
_HEX_NUMBER = re.compile(r"0x[0-9a-fA-F]{1,8}$")
_TIMES_LOG = tuple(count * math.log2(count) if count else 0.0 for count in range(1025))


def entropy(value: str) -> float:
    """Shannon entropy in bits for each character of a value of at most 1,024."""
    repeated = sum(_TIMES_LOG[value.count(char)] for char in set(value))
    return math.log2(len(value)) - repeated / len(value)


def is_placeholder(value: str) -> bool:
    """Tell what stands for a value: a variable, a mask, a word such as "example"."""
    return _PLACEHOLDER.search(value) is not None


def is_masked(value: str) -> bool:
    """Tell a form filled with one character, as documentation shows it, from a value."""
    return len(set(value[-16:].lower())) < 4


def looks_random(value: str) -> bool:
    """Tell a key from an identifier, a path, a placeholder or a word."""
    value = value[:1024]
    if is_placeholder(value) or _HEX_NUMBER.match(value):
        return False
    has_digit = any(map(str.isdigit, value))
    has_letter = any(map(str.isalpha, value))
    if has_digit and has_letter:
        if len(value) < 16:
            return entropy(value) >= 2.9 and _CODE.match(value) is None
        return entropy(value) >= 3.0 and _NUMBERED_WORDS.match(value) is None
    if has_digit:
        return len(value) >= 16 and entropy(value) >= 2.5
    mixed = value != value.lower() and value != value.upper()
    if len(value) < 20 or entropy(value) < 3.8 or _CODE.match(value):
        return False
    return mixed or len(set(value)) > 12


def is_password(value: str) -> bool:
    """Refuse placeholders, code and words; passwords are too short and plain for entropy."""
    if len(value) < 4 or _NOT_A_PASSWORD.match(value) or is_placeholder(value):
        return False
    return _CODE.match(value) is None and len(set(value)) > 2


def is_quoted_password(value: str) -> bool:
    """Refuse only what cannot be a password: in quotes a plain word may be one."""
    if len(value) < 4 or _NOT_A_PASSWORD.match(value) or is_placeholder(value) or " " in value:
        return False
    if len(set(value)) <= 2 or (len(value) >= 24 and entropy(value[:1024]) <= 2.5):
        return False
    return _QUOTED_CODE.match(value) is None
