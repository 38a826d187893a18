"""Passwords and keys that no vendor's form gives away: a word, a sign, and a value that looks drawn at random."""

import math
import re
from collections import Counter

from pipeline.detection.rules import Rule

_PLACEHOLDER = re.compile(
    r"(?i)your|example|change.?me|replace|insert|placeholder|dummy|redacted|sample|fake|secret.?here|todo|undefined|"
    r"environ|getenv|process\.env|config\[|settings\.|x{4}|\*{3}|\.{3}|^\W+$|^<.*>$|^\$[\w({]|^\{\{|\$\{|^%\(?\w*\)?s?$|%\w+%|^#\{|12345678901234"
)
_NOT_A_PASSWORD = frozenset(
    ["none", "null", "true", "false", "nil", "undefined", "password", "passwort", "pass", "passwd", "pwd", "secret", "string", "str", "text", "bytes", "int", "bool", "char", "varchar", "required", "optional", "admin", "root", "user", "test", "foo", "bar", "baz", "qux", "empty", "hidden", "masked", "encrypted", "hash", "hashed", "default", "reset", "field", "input", "type", "value", "prompt", "env", "var", "the", "and", "must", "for", "was", "has", "have", "with", "new", "old", "this", "that", "your", "my", "his", "her", "its", "are", "not", "from", "can", "will", "should", "when", "which", "and/or", "policy", "policies", "manager", "hunter"]
)
_CODE = re.compile(
    r"[\w.]+\(|[A-Za-z_]+\[|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+$|\w+::|[a-z_]+$|[A-Z_]+$|[A-Z]?[a-z]+(?:[A-Z][a-z]+)+$|[A-Z][a-z]+$|/[\w/.-]+$|\.{1,2}/|@\w+$|[a-z]+(?:[-_ ][a-z]+)+$"
)
_HEX_DUMP = re.compile(r"0x[0-9a-fA-F]{1,8}$")


def entropy(value: str) -> float:
    """Shannon entropy in bits for each character."""
    size = len(value)
    return -sum(n / size * math.log2(n / size) for n in Counter(value).values())


def looks_random(value: str) -> bool:
    """Tell a key from an identifier, a path, a placeholder or a word."""
    if _PLACEHOLDER.search(value) or _HEX_DUMP.match(value):
        return False
    has_digit = any(map(str.isdigit, value))
    has_letter = any(map(str.isalpha, value))
    if has_digit and has_letter:
        bits = entropy(value)
        if len(value) < 16:
            return bits >= 2.9 and _CODE.match(value) is None
        return bits >= 3.0 and re.match(r"[a-z]+(?:[-_./][a-z]+)*[-_./]?\d{1,4}$", value, re.I) is None
    if has_digit:
        return len(value) >= 16 and entropy(value) >= 2.5
    mixed = value != value.lower() and value != value.upper()
    return len(value) >= 20 and entropy(value) >= 3.8 and _CODE.match(value) is None and (mixed or len(set(value)) > 12)


def is_password(value: str) -> bool:
    """Refuse placeholders, code and words; short passwords are too plain for entropy."""
    if len(value) < 4 or value.lower() in _NOT_A_PASSWORD or _PLACEHOLDER.search(value):
        return False
    return _CODE.match(value) is None and len(set(value)) > 2


def is_quoted_password(value: str) -> bool:
    """Refuse only what cannot be a password: in quotes a plain word may be one."""
    if len(value) < 4 or value.lower() in _NOT_A_PASSWORD or _PLACEHOLDER.search(value) or " " in value:
        return False
    return (
        len(set(value)) > 2
        and (len(value) < 24 or entropy(value) > 2.5)
        and re.match(r"[a-z]+(?:[_.-][a-z]+)+$|[A-Z]+(?:_[A-Z]+)+$|\w+\.\w+\(", value) is None
    )


_KEY_WORD = (
    r"(?:api|secret|access|private|auth|client|account|master|encryption|signing|shared|storage|service|consumer|license|subscription)[_\-. ]{0,2}(?:key|id|secret|token)|"
    r"token|secret|apikey|credential|auth|bearer|passphrase|signature|(?:^|[^a-z])key|[_a-z]key|_pat\b"
)
_SIGN = r"[\"'`\])}]{0,3}\s{0,3}(?::=|=>|->|\?=|\|\|:|=|:|,|>)\s{0,3}"
# A word, what may follow it up to the sign, and the sign itself, as one match of bounded width.
_AFTER_KEY = re.compile(
    rf"(?i)(?:{_KEY_WORD})s?[\w.\-]{{0,24}}(?:\s(?:string|str))?[\"'`\])}}]{{0,3}}\s{{0,4}}(?:(?::=|=>|->|\?=|\.=|!=|==?|:|,|>|\bis\b|\s-\s|\|)\s{{0,4}}(?:string\s?=\s?|str\s?=\s?|\w{{2,8}}\()?)"
    r"(?:\$?[\"'`{(\[]{0,2})(?:(?i:bearer|basic|token|oauth2)[ :])?(?P<v>[A-Za-z0-9_+/=.~\-%@!$^&*:|]{10,512})"
)

_PASSWORD_WORD = r"(?:pass(?:w(?:or)?d|wort|phrase|code)?|pwd|p(?:a|s)?sswrd|pswd|psswd|passwort|kennwort|contrase\xc3\xb1a|clave|mot de passe|senha|wachtwoord|has\xc5\x82o|parola|[_-]pw\b|\bpw\b|identified by)"
_PASSWORD_WORD_RE = r"(?:pass(?:w(?:or)?d|wort|phrase|code)?|pwd|p(?:a|s)?sswrd|pswd|psswd|kennwort|contraseña|clave|mot de passe|senha|wachtwoord|hasło|parola|[_-]pw|\bpw|identified by)"
_QUOTED = r"(?:\"(?P<q>[^\"\n\\]{4,128})\"|'(?P<s>[^'\n\\]{4,128})'|`(?P<b>[^`\n]{4,128})`)"
_AFTER_PASSWORD = re.compile(
    rf"(?i){_PASSWORD_WORD_RE}(?:[_\-.\w]{{0,16}})[\"'`\])}}]{{0,3}}(?:\s?:\s?(?:string|str)\b)?\s{{0,4}}(?P<sign>:=|=>|->|\?=|!==?|==?=?|:=?|\bis\b|\bwas\b|\bist\b|\best\b|\bes\b|,)?\s{{0,4}}"
    rf"(?:{_QUOTED}|(?P<u>[^\s\"'`,;<>(){{}}\[\]][^\s\"'`;<>{{}}]{{3,127}}))"
)


def _api_key(text: str, start: int, end: int) -> list[tuple[int, int, float]]:
    found = _AFTER_KEY.match(text, start)
    if found is None:
        return []
    begin, stop = found.span("v")
    value = found["v"].rstrip(".:,")
    if not looks_random(value):
        return []
    return [(begin, begin + len(value), 0.7)]


def _password(text: str, start: int, end: int) -> list[tuple[int, int, float]]:
    found = _AFTER_PASSWORD.match(text, start)
    if found is None:
        return []
    for group in ("q", "s", "b"):
        if found[group] is not None:
            return [(*found.span(group), 0.75)] if is_quoted_password(found[group]) else []
    value = found["u"].rstrip(".,:!?)" if found["sign"] is None else ".,:")
    # In prose only what no word looks like: a digit or sign among letters.
    strong = (any(map(str.isdigit, value)) and any(map(str.isalpha, value))) or re.search(r"\w[!@#$%^&*+]\w", value)
    if not strong and (found["sign"] is None or found["sign"].isalpha() or found["sign"] == ","):
        return []
    if not is_password(value) or (found["sign"] is None and len(value) < 6):
        return []
    return [(found.start("u"), found.start("u") + len(value), 0.7)]


RULES = (
    Rule(entity="PASSWORD", anchor=rf"(?i){_PASSWORD_WORD}", find=_password),
    Rule(
        entity="PASSWORD",  # https://user:password@host
        anchor=r"(?i)[a-z]://[^\s/:@\"'<>]{0,64}:[^\s/@\"'<>]{1,128}@[a-z0-9\[]",
        pattern=r"[A-Za-z]://[^\s/:@\"'<>]{0,64}:(?P<v>(?![$%{<])[^\s/@\"'<>]{1,128})@[A-Za-z0-9\[]",
        check=lambda value: (
            not _PLACEHOLDER.search(value) and value.lower() not in ("pass", "password", "pwd", "secret", "token")
        ),
        score=0.9,
        unchecked=0.3,
        bounded=False,
    ),
    Rule(
        entity="PASSWORD",
        anchor=r"(?:-u|--user|--proxy-user)[ =]{1,2}[\"']?[^\s:\"']{0,64}:[^\s\"']",
        pattern=r"(?:-u|--user|--proxy-user)[ =]{1,2}(?:\"(?P<v>[^\s:\"]{0,64}:[^\"\n]{3,128})\"|'[^\s:']{0,64}:[^'\n]{3,128}'|[^\s:\"']{0,64}:[^\s\"']{3,128})",
        find=lambda text, start, end: _curl(text, start),
    ),
    Rule(
        entity="API_KEY",
        anchor=(
            r"(?i)(?:key|token|secret|auth|credentials?|bearer|signature|_pat|access.?id|client.?id)s?[A-Za-z0-9_.\-]{0,24}(?: string| str)?[\"'`\])}]{0,3}\s{0,4}(?:[:=,>|]|->|- |is )"
        ),
        find=lambda text, start, end: _api_key(text, start, end),
    ),
    Rule(
        entity="API_KEY",
        anchor=r"(?i)\b(?:bearer|basic|apikey|token) [A-Za-z0-9+/_=-]{16}",
        pattern=r"(?i:bearer|basic|apikey|token) (?P<v>[A-Za-z0-9+/_=.~\-]{16,1024})",
        check=looks_random,
        score=0.8,
    ),
    Rule(
        entity="API_KEY",
        anchor=r"(?i)[?&](?:api_?key|key|token|access_token|auth|sig|signature|secret|client_secret|code)=[A-Za-z0-9%_.-]{10}",
        pattern=r"[?&][A-Za-z_]{3,20}=(?P<v>[A-Za-z0-9%_.\-~+/]{10,512})",
        check=looks_random,
        score=0.75,
        bounded=False,
    ),
)

_CURL = re.compile(
    r"(?:-u|--user|--proxy-user)[ =]{1,2}(?:\"(?P<q>[^\s:\"]{0,64}:[^\"\n]{3,128})\"|'(?P<s>[^\s:']{0,64}:[^'\n]{3,128})'|(?P<u>[^\s:\"']{0,64}:[^\s\"']{3,128}))"
)


def _curl(text: str, start: int) -> list[tuple[int, int, float]]:
    found = _CURL.match(text, start)
    if found is None or (start and not text[start - 1].isspace()):
        return []
    group = found.lastgroup or "u"
    value = found[group]
    if _PLACEHOLDER.search(value) or "$" in value.split(":")[0]:
        return []
    return [(*found.span(group), 0.8)]
