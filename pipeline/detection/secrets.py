"""Passwords and keys that no vendor's form gives away: a word, a sign, and a value."""

import re
from collections.abc import Iterable

from pipeline.detection.randomness import is_password, is_placeholder, is_quoted_password, looks_random
from pipeline.detection.rules import Rule, Span

# What ends the name of a variable that holds a key, then the sign that gives it its value.
_KEY_SIGN = (
    r"(?i)(?:key|token|secret|auth|credentials?|bearer|signature|_pat|access.?id|client.?id)s?[A-Za-z0-9_.\-]{0,24}"
    r"(?: string| str)?[\"'`\])}]{0,3}\s{0,4}(?:[:=,>|]|->|- |is )"
)
_KEY_VALUE = re.compile(
    r"[=>:\s]{0,8}(?:(?:string|str)\s?=\s?|\w{2,8}\()?\$?[\"'`{(\[]{0,2}(?:(?i:bearer|basic|token|oauth2)[ :])?"
    r"(?P<v>[A-Za-z0-9_+/=.~\-%@!$^&*:|]{10,512})"
)

# The same words for Hyperscan's bytes and for Python.
_PLAIN_WORDS = r"pwd|p(?:a|s)?sswrd|pswd|psswd|kennwort|clave|mot de passe|senha|wachtwoord|parola|identified by"
_PASSWORD_ANCHOR = (
    rf"(?i)(?:pass(?:w(?:or)?d|wort|phrase|code)?|contrase\xc3\xb1a|has\xc5\x82o|[_-]pw\b|\bpw\b|{_PLAIN_WORDS})"
)
_ASSIGNED_PASSWORD = re.compile(
    r"(?i)(?:(?<!reise)(?<!by)(?<!com)(?<!tres)(?<!sur)pass(?!e?port|aport|ag|ing|eng|ed\b|ion|iv)(?:w(?:or)?d|wort|phrase|code)?|"
    rf"contraseña|hasło|[_-]pw|\bpw|{_PLAIN_WORDS})"
    r"[_\-.\w]{0,16}[\"'`\])}]{0,3}(?:\s?:\s?(?:string|str)\b)?\s{0,4}"
    r"(?P<sign>:=|=>|->|\?=|!==?|==?=?|:=?|\bis\b|\bwas\b|\bist\b|\best\b|\bes\b|,)?\s{0,4}"
    r"(?:\"(?P<q>[^\"\n\\]{4,128})\"|'(?P<s>[^'\n\\]{4,128})'|`(?P<b>[^`\n]{4,128})`|"
    r"(?P<u>[^\s\"'`,;<>(){}\[\]][^\s\"'`;<>{}]{3,127}))"
)
_SPECIMEN = re.compile(r"(?i)(?:pass|password|passwd|pwd|secret|token|api_?key|(.)\1+|\[.*\])$")
_SIGN_INSIDE = re.compile(r"\w[!@#$%^&*+]\w")
_CURL = re.compile(
    r"(?<!\S)(?:-u|--user|--proxy-user)[ =]{1,2}(?:\"(?P<q>[^\s:\"]{0,64}:[^\"\n]{3,128})\"|"
    r"'(?P<s>[^\s:']{0,64}:[^'\n]{3,128})'|(?P<u>[^\s:\"']{0,64}:[^\s\"']{3,128}))"
)

_REPEATED_WITHIN = 400


def _api_key(text: str, _start: int, end: int) -> Iterable[Span]:
    found = _KEY_VALUE.match(text, end)
    if found is None:
        return ()
    value = found["v"].rstrip(".:,")
    if not looks_random(value):
        return ()
    place = found.start("v")
    spans = [(place, place + len(value), 0.7)]
    # The same key again a line further, without the word that told it.
    again = text.find(value, place + len(value), place + 3 * len(value) + _REPEATED_WITHIN)
    if again >= 0:
        spans.append((again, again + len(value), 0.7))
    return spans


def _password(text: str, start: int, _end: int) -> Iterable[Span]:
    found = _ASSIGNED_PASSWORD.match(text, start)
    if found is None:
        return ()
    for group in ("q", "s", "b"):
        if found[group] is not None:
            value = found[group]
            # "we pass `Thing`": without a sign, letters alone are a word in quotes.
            plain = found["sign"] is None and value.isalpha()
            return ((*found.span(group), 0.75),) if not plain and is_quoted_password(value) else ()
    sign = found["sign"]
    if sign is None and text[found.start("u") - 1].isalnum():
        # The word and the value are one run, such as base64.
        return ()
    value = found["u"].rstrip(".,:!?)" if sign is None else ".,:")
    if sign is None or sign.isalpha() or sign == ",":
        # In prose only what no word looks like: letters with digits or signs among them.
        strong = any(map(str.isdigit, value)) and any(map(str.isalpha, value))
        if not strong and not _SIGN_INSIDE.search(value):
            return ()
        if sign is None and len(value) < 6:
            return ()
    return ((found.start("u"), found.start("u") + len(value), 0.7),) if is_password(value) else ()


def _real_password(value: str) -> bool:
    """Refuse what documentation writes for a password."""
    return not is_placeholder(value) and _SPECIMEN.match(value) is None


def _curl_credentials(text: str, start: int, _end: int) -> Iterable[Span]:
    found = _CURL.match(text, start)
    if found is None:
        return ()
    group = found.lastgroup or "u"
    value = found[group]
    user, _, password = value.partition(":")
    if "$" in user or is_placeholder(value) or not _real_password(password):
        return ()
    return ((*found.span(group), 0.8),)


RULES = (
    Rule(entity="PASSWORD", anchor=_PASSWORD_ANCHOR, find=_password),
    Rule(
        entity="PASSWORD",  # https://user:password@host
        anchor=r"(?i)[a-z]://[^\s/:@\"'<>]{0,64}:[^\s/@\"'<>]{1,128}@[a-z0-9\[]",
        pattern=r"[A-Za-z]://[^\s/:@\"'<>]{0,64}:(?P<v>(?![$%{<])[^\s/@\"'<>]{1,128})@[A-Za-z0-9\[]",
        check=_real_password,
        score=0.9,
        unchecked=0.3,
        bounded=False,
    ),
    Rule(
        entity="PASSWORD",  # curl -u user:password
        anchor=r"(?:-u|--user|--proxy-user)[ =]{1,2}[\"']?[^\s:\"']{0,64}:[^\s\"']",
        find=_curl_credentials,
    ),
    Rule(entity="API_KEY", anchor=_KEY_SIGN, find=_api_key),
    Rule(
        entity="API_KEY",
        anchor=r"(?i)\b(?:bearer|basic|apikey|token) [A-Za-z0-9+/_=-]{16}",
        pattern=r"(?i:bearer|basic|apikey|token) (?P<v>[A-Za-z0-9+/_=.~\-]{16,1024})",
        check=looks_random,
        score=0.8,
        bounded=False,
    ),
    Rule(
        entity="API_KEY",
        anchor=r"(?i)[?&](?:api_?key|key|token|access_token|auth|sig|signature|secret|client_secret|code)=[a-z0-9%_.-]{10}",
        pattern=r"[?&][A-Za-z_]{3,20}=(?P<v>[A-Za-z0-9%_.\-~+/]{10,512})",
        check=looks_random,
        score=0.75,
        bounded=False,
    ),
)
