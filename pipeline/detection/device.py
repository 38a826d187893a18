"""Addresses and identifiers of devices and sessions."""

import ipaddress
import re

from pipeline.detection.cards import luhn
from pipeline.detection.context import NEAR, NEXT
from pipeline.detection.rules import Rule

_HEX = "[0-9A-Fa-f]"
# Constants of every network: they tell nothing about anyone. Below the default threshold, not unknown.
_CONSTANT_V4 = re.compile(r"0\.|127\.|255\.|224\.0\.0\.|169\.254\.169\.254$|(?:1\.1\.1\.1|8\.8\.8\.8|8\.8\.4\.4)$")
_UUID = rf"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}"


def _personal_v4(value: str) -> bool:
    return _CONSTANT_V4.match(value) is None


def _personal_v6(value: str) -> bool:
    try:
        address = ipaddress.IPv6Address(value.split("%", maxsplit=1)[0])
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified) and value.count(":") >= 2 and len(value) > 4


def _is_mac(value: str) -> bool:
    digits = re.sub(r"[^0-9A-Fa-f]", "", value).lower()
    return len(set(digits)) > 1


def _is_imei(value: str) -> bool:
    digits = re.sub(r"\D", "", value)
    return len(digits) in (14, 16) or luhn(digits)


_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"

_IPV6_CHARS = re.compile(r"[0-9A-Fa-f:]{3,39}(?:(?<=:)\d{1,3}(?:\.\d{1,3}){3})?(?:%\w{1,15})?")
_HOST_BACKWARDS = re.compile(r"[A-Za-z0-9.-]{1,120}")


def _ipv6(text: str, start: int, _end: int) -> list[tuple[int, int, float]]:
    while text[start] in " \t\n\r[(\"'=,":
        start += 1
    if start and (text[start - 1].isalnum() or text[start - 1] in "_:.-"):
        return []
    found = _IPV6_CHARS.match(text, start)
    if found is None:
        return []
    value = found[0]
    if value.endswith(":") and not value.endswith("::"):
        value = value[:-1]
    following = text[start + len(value) : start + len(value) + 1]
    if following.isalnum() or following in ("_", "-") or not _personal_v6(value):
        return []
    # C++ and Rust paths such as `a::b` and `dead::beef` are letters only.
    if value.count(":") < 4 and not any(map(str.isdigit, value)):
        return []
    return [(start, start + len(value), 0.9)]


def _hostname(text: str, start: int, end: int) -> list[tuple[int, int, float]]:
    host = _HOST_BACKWARDS.match(text[max(0, start - 119) : start + 1][::-1])
    return [(start + 1 - len(host[0].rstrip(".-")), end, 0.6)] if host else []


RULES = (
    Rule(
        entity="IPV4",
        anchor=r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b",
        # Four numbers are a version as often as an address, when a word says so.
        pattern=(
            rf"(?<![\w.])(?<![vV]ersion )(?<![vV]ersion: )(?<!§ )(?<![sS]ection )(?<![cC]hapter )"
            rf"(?:{_OCTET}\.){{3}}{_OCTET}(?![.-]?\d|-?[A-Za-z_])"
        ),
        check=_personal_v4,
        score=0.8,
        unchecked=0.3,
    ),
    Rule(
        entity="IPV6",
        anchor=rf"{_HEX}{{1,4}}:{_HEX}{{1,4}}:{_HEX}{{0,4}}:|{_HEX}{{1,4}}::|[\s\[(\"'=,]::{_HEX}{{1,4}}",
        find=_ipv6,
    ),
    Rule(
        entity="MAC_ADDRESS",
        anchor=rf"\b{_HEX}{{2}}(?:[:-]{_HEX}{{2}}){{5}}\b|\b{_HEX}{{4}}\.{_HEX}{{4}}\.{_HEX}{{4}}\b",
        pattern=(
            rf"(?<![:-])(?:{_HEX}{{2}}(?:(?::{_HEX}{{2}}){{7}}|(?::{_HEX}{{2}}){{5}}|(?:-{_HEX}{{2}}){{7}}|"
            rf"(?:-{_HEX}{{2}}){{5}})|{_HEX}{{4}}\.{_HEX}{{4}}\.{_HEX}{{4}})(?![:-]?{_HEX})"
        ),
        check=_is_mac,
        score=0.9,
    ),
    Rule(
        entity="IMEI",
        context=("imei", "imeisv", "meid"),
        link=NEAR,
        pattern=r"\d{2}[ -]?\d{6}[ -]?\d{6}[ -]?\d{1,2}",
        check=_is_imei,
        score=0.95,
        unchecked=0.65,
    ),
    Rule(
        entity="DEVICE_ID",
        context=(
            *(
                "device id",
                "deviceid",
                "advertising id",
                "idfa",
                "idfv",
                "gaid",
                "aaid",
                "android id",
                "device identifier",
                "udid",
                "ad id",
            ),
            *(
                "serial number",
                "serial no",
                "seriennummer",
                "numéro de série",
                "número de serie",
                "numer seryjny",
                "device serial",
                "gerätenummer",
            ),
        ),
        link=r"(?i:[\"'`)s]{0,2}\s{0,2}(?:is|ist|est|es|:|=|#|-){0,2}\s{0,2}[\"'(]{0,2})",
        pattern=rf"{_UUID}|(?=[A-Za-z-]{{0,20}}\d)[A-Za-z0-9][A-Za-z0-9-]{{5,40}}",
        score=0.7,
    ),
    Rule(
        entity="COOKIE_ID",
        context=(
            *(
                "jsessionid",
                "phpsessid",
                "asp.net_sessionid",
                "connect.sid",
                "sessionid",
                "session id",
                "session_id",
                "sessid",
                "sid",
            ),
            *(
                "session token",
                "session cookie",
                "csrftoken",
                "xsrf-token",
                "laravel_session",
                "_ga",
                "_fbp",
                "auth cookie",
            ),
        ),
        link=r"[\"']?\s?[=:]\s?[\"']?",
        pattern=r"(?=[^\s;,\"']{0,60}\d)[A-Za-z0-9%._\-]{16,256}",
        score=0.8,
        bounded=False,
    ),
    Rule(
        entity="COOKIE_ID",
        anchor=r"(?i)\b(?:set-)?cookie['\"]?\s?:\s?",
        pattern=(
            r"(?i:(?:set-)?cookie['\"]?\s?:\s?['\"]?)(?P<v>[\w.\-]{1,40}=[^\s;\"',]{8,400}(?:;\s[\w.\-]"
            r"{1,40}=[^\s;\"',]{1,400}){0,20})"
        ),
        score=0.85,
        bounded=False,
    ),
    Rule(entity="UUID", anchor=rf"\b{_UUID}\b", pattern=_UUID, score=0.9),
    Rule(
        entity="HOSTNAME",
        anchor=r"(?i)[a-z0-9]\.(?:internal|local|corp|lan|intranet|localdomain|home)\b",
        find=_hostname,
    ),
    Rule(
        entity="HOSTNAME",
        context=("hostname", "host name", "server name", "rechnername", "nom d'hôte"),
        link=NEXT,
        pattern=r"(?=[A-Za-z0-9.-]{0,40}[\d.-])[A-Za-z][A-Za-z0-9-]{2,40}(?:\.[A-Za-z0-9-]{1,40}){0,4}",
        score=0.6,
    ),
)
