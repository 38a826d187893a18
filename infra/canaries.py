"""Unique values of every kind the catalogue knows, made at run time, in sentences that carry them."""

import base64
import string
import zlib
from collections.abc import Callable
from importlib import import_module
from random import Random

import msgspec

from pipeline.detection.types import catalogue

_COMMON = "its few possible values occur by chance in any log"
NOT_SWEEPABLE: dict[str, str] = {
    "AGE": _COMMON,
    "JOB_TITLE": "a common word, and allowed by default",
    "NATIONALITY_ETHNICITY": "a common word",
    "RELIGION": "a common word",
    "POLITICAL_VIEW": "a common word",
    "SEXUAL_ORIENTATION": "a common word",
    "DATE_TIME": _COMMON,
    "CARD_CVV": _COMMON,
    "CARD_EXPIRY": _COMMON,
    "PIN": _COMMON,
    "MONEY_AMOUNT": _COMMON,
    "DIAGNOSIS_MEDICATION": "a common word",
    "CUSTOM": "defined by a policy, so whoever writes the policy plants it",
}
NEEDS_NAMES = frozenset({"PERSON", "ORGANIZATION", "CITY", "LOCATION"})
"""Kinds found by a model rather than a rule; made-up names are harder for it than real ones."""


class Canary(msgspec.Struct, frozen=True):
    """`value` is what a sweep looks for, `text` a sentence that holds it where one would meet it."""

    entity: str
    value: str = msgspec.field(default="")
    text: str = msgspec.field(default="")

    def __repr__(self) -> str:
        return f"<Canary {self.entity}>"


def make_canaries(seed: int | None = None) -> dict[str, Canary]:
    """Give one canary for each sweepable kind, by kind; the same for the same seed."""
    random = Random(seed)
    made = {}
    for entity in catalogue():
        if entity in _SHAPES:
            shape, check, sentence = _SHAPES[entity]
            value = _valid(shape, check, random)
        elif entity in _MAKERS:
            value, sentence = _MAKERS[entity](random)
        else:
            continue
        made[entity] = Canary(entity, value, sentence.replace("{}", value))
    return made


def _valid(shape: str, check: str, random: Random) -> str:
    """Draw until the check digits fit: a hundred draws or so, for any scheme, with no code of its own."""
    is_valid = _CHECKS.get(check) or (import_module(f"stdnum.{check}").is_valid if check else None)
    while True:
        value = fill(shape, random)
        if is_valid is None or is_valid(value):
            return value


_CLASSES = {
    "#": string.digits,
    "@": string.ascii_uppercase,
    "&": "BCDFGHJKLMNPQRSTVWXYZ",
    "!": "ACDEFGHJKMNPQRTUVWXY",  # Medicare's letters
    "~": "ACDEFGHJKMNPQRTUVWXY" + string.digits,
    "?": string.ascii_uppercase + string.digits,
    "^": string.ascii_lowercase,
    "*": string.ascii_letters + string.digits,
    "%": "0123456789abcdef",
}


def fill(shape: str, random: Random) -> str:
    """Draw a value: `#` a digit, `@` a letter and so on, `{dd}` and the like a date of the last century."""
    born = {
        "dd": f"{random.randint(1, 28):02}",
        "mm": f"{random.randint(1, 12):02}",
        "yyyy": str(random.randint(1930, 1969)),
    }
    born["yy"] = born["yyyy"][2:]
    for name, digits in born.items():
        shape = shape.replace("{" + name + "}", digits)
    return "".join(random.choice(_CLASSES[mark]) if mark in _CLASSES else mark for mark in shape)


def _luhn(value: str) -> bool:
    digits = [int(digit) for digit in reversed(value) if digit.isdigit()]
    return sum(d if i % 2 == 0 else sum(divmod(2 * d, 10)) for i, d in enumerate(digits)) % 10 == 0


def _npi(value: str) -> bool:
    return _luhn("80840" + value)


def _dea(value: str) -> bool:
    d = [int(digit) for digit in value[2:]]
    return (d[0] + d[2] + d[4] + 2 * (d[1] + d[3] + d[5])) % 10 == d[6]


def _mrz_digit(text: str) -> str:
    values = [int(c, 36) if c != "<" else 0 for c in text]
    return str(sum(value * (7, 3, 1)[i % 3] for i, value in enumerate(values)) % 10)


def _personalausweis(value: str) -> bool:
    return _mrz_digit(value[:9]) == value[9]


def _medicare_au(value: str) -> bool:
    d = [int(digit) for digit in value if digit.isdigit()]
    return sum(w * x for w, x in zip((1, 3, 7, 9, 1, 3, 7, 9), d, strict=False)) % 10 == d[8]


def _nric(value: str) -> bool:
    total = sum(w * int(x) for w, x in zip((2, 7, 6, 5, 4, 3, 2), value[1:8], strict=True))
    return "JZIHGFEDCBA"[total % 11] == value[8]


def _vin(value: str) -> bool:
    if set(value) & set("IOQ"):
        return False
    letters = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", "12345678123457923456789", strict=True))
    weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
    total = sum(w * int(letters.get(c, c)) for w, c in zip(weights, value, strict=True))
    return "0123456789X"[total % 11] == value[8]


_CHECKS: dict[str, Callable[[str], bool]] = {
    "luhn": _luhn,
    "npi": _npi,
    "dea": _dea,
    "personalausweis": _personalausweis,
    "medicare_au": _medicare_au,
    "nric": _nric,
    "vin": _vin,
}

# Kind: shape, check (one of the above, or a module of python-stdnum), sentence.
_SHAPES: dict[str, tuple[str, str, str]] = {
    "DATE_OF_BIRTH": ("{dd}/{mm}/{yyyy}", "", "Her date of birth is {}."),
    "BIOMETRIC_ID": ("FP-%%%%%%%%%%%%", "", "His fingerprint template ID is {}."),
    "PHONE": ("+49 1512 #######", "", "Please call me at {} tomorrow."),
    "FAX": ("+49 30 9#######", "", "Send it by fax to {}."),
    "POSTCODE": ("9####-####", "", "The ZIP code is {}."),
    "GEO_COORDINATE": ("48.######, 11.######", "", "Last seen at coordinates {}."),
    "CREDIT_CARD": ("4### #### #### ####", "luhn", "My credit card number is {}."),
    "IBAN": ("DE####################", "iban", "Please refund to IBAN {}."),
    "BIC_SWIFT": ("&&&&DE&&XXX", "", "The BIC of my bank is {}."),
    "BANK_ACCOUNT": ("############", "", "My bank account number is {}."),
    "ABA_ROUTING": ("#########", "us.rtn", "The routing number is {}."),
    "UK_SORT_CODE": ("9#-8#-7#", "", "The sort code is {}."),
    "CRYPTO_WALLET": ("0x" + "%" * 40, "", "Send the ether to wallet {}."),
    "MAC_ADDRESS": ("3c:%%:%%:%%:%%:%%", "", "The laptop's MAC address is {}."),
    "IPV6": ("2a02:8108:%%%%:%%%%:%%%%:%%%%:%%%%:%%%%", "", "The request came from {}."),
    "HOSTNAME": ("db-%%%%%%%%.corp.internal", "", "It runs on host {}."),
    "IMEI": ("35#############", "luhn", "The phone's IMEI is {}."),
    "DEVICE_ID": ("%%%%%%%%-%%%%-4%%%-a%%%-%%%%%%%%%%%%", "", "The advertising device ID (IDFA) is {}."),
    "UUID": ("%%%%%%%%-%%%%-4%%%-b%%%-%%%%%%%%%%%%", "", "The record's UUID is {}."),
    "COOKIE_ID": ("%" * 40, "", "The header was Set-Cookie: sessionid={}; Path=/"),
    "VIN": ("1HG?????#########", "vin", "The car's VIN is {}."),
    "LICENSE_PLATE": ("&&&-####", "", "The car's license plate is {}."),
    "PASSPORT": ("@########", "", "My US passport number is {}."),
    "DRIVER_LICENSE": ("@#######", "", "My California driver's license number is {}."),
    "PASSWORD": ("*******-***-#*", "", "I logged in with password: {}"),
    "API_KEY": ("*" * 40, "", 'The config says api_key = "{}".'),
    "OPENAI_KEY": ("sk" + "-proj-" + "*" * 64, "", "It says OPENAI_API_KEY={}"),
    "ANTHROPIC_KEY": ("sk" + "-ant-api03-" + "*" * 93 + "AA", "", "It says ANTHROPIC_API_KEY={}"),
    "AWS_ACCESS_KEY": ("AK" + "IA" + "@" * 16, "", "It says AWS_ACCESS_KEY_ID={}"),
    "AWS_SECRET_KEY": ("*" * 40, "", "It says AWS_SECRET_ACCESS_KEY={}"),
    "GCP_KEY": ("AI" + "za" + "*" * 35, "", "It says GOOGLE_API_KEY={}"),
    "AZURE_KEY": ("*" * 86 + "==", "", "DefaultEndpointsProtocol=https;AccountName=acme;AccountKey={};"),
    "GITLAB_TOKEN": ("gl" + "pat-" + "*" * 20, "", "It says GITLAB_TOKEN={}"),
    "SLACK_TOKEN": ("xo" + "xb-1###########-1###########-" + "*" * 24, "", "It says SLACK_TOKEN={}"),
    "STRIPE_KEY": ("sk" + "_live_" + "*" * 24, "", "It says STRIPE_KEY={}"),
    "VENDOR_TOKEN": ("SG." + "*" * 22 + "." + "*" * 43, "", "It says SENDGRID_API_KEY={}"),
    "MEDICAL_RECORD_NUMBER": ("##########", "", "The patient's medical record number is MRN {}."),
    "HEALTH_PLAN_ID": ("XQH#########", "", "Her health plan member ID is {}."),
    "US_MBI": ("1!~#-!~#-!!##", "", "My Medicare number (MBI) is {}."),
    "US_NPI": ("1#########", "npi", "The doctor's NPI is {}."),
    "US_DEA": ("B@#######", "dea", "The prescriber's DEA number is {}."),
    "US_SSN": ("###-##-####", "us.ssn", "My SSN is {}."),
    "US_ITIN": ("9##-7#-####", "us.itin", "My ITIN is {}."),
    "US_EIN": ("12-#######", "us.ein", "The company's EIN is {}."),
    "CA_SIN": ("###-###-###", "ca.sin", "My Canadian social insurance number (SIN) is {}."),
    "CA_HEALTH_NUMBER": ("9#########", "ca.bc_phn", "My BC personal health number (PHN) is {}."),
    "MX_CURP": ("&A&&{yy}{mm}{dd}HDF&&&0#", "mx.curp", "Mi CURP es {}."),
    "MX_RFC": ("&A&&{yy}{mm}{dd}???", "mx.rfc", "Mi RFC es {}."),
    "UK_NINO": ("AB######C", "", "My National Insurance number is {}."),
    "UK_NHS": ("### ### ####", "gb.nhs", "My NHS number is {}."),
    "UK_UTR": ("##########", "gb.utr", "My Unique Taxpayer Reference (UTR) is {}."),
    "IE_PPS": ("#######@", "ie.pps", "My Irish PPS number is {}."),
    "DE_STEUER_ID": ("###########", "de.idnr", "Meine Steuer-ID ist {}."),
    "DE_PERSONALAUSWEIS": ("L########" + "#", "personalausweis", "Meine Personalausweisnummer ist {}."),
    "FR_NIR": ("1{yy}{mm}75########", "fr.nir", "Mon numéro de sécurité sociale (NIR) est {}."),
    "ES_DNI_NIE": ("########@", "es.dni", "Mi DNI es {}."),
    "IT_CODICE_FISCALE": ("&&&&&&{yy}A{dd}H501@", "it.codicefiscale", "Il mio codice fiscale è {}."),
    "NL_BSN": ("#########", "nl.bsn", "Mijn burgerservicenummer (BSN) is {}."),
    "BE_NRN": ("{yy}.{mm}.{dd}-###.##", "be.nn", "Mijn rijksregisternummer is {}."),
    "PL_PESEL": ("{yy}{mm}{dd}#####", "pl.pesel", "Mój numer PESEL to {}."),
    "PL_NIP": ("###-###-##-##", "pl.nip", "Mój NIP to {}."),
    "PT_NIF": ("2########", "pt.nif", "O meu NIF é {}."),
    "SE_PERSONNUMMER": ("{yyyy}{mm}{dd}-####", "se.personnummer", "Mitt personnummer är {}."),
    "NO_FNR": ("{dd}{mm}{yy}#####", "no.fodselsnummer", "Mitt fødselsnummer er {}."),
    "DK_CPR": ("{dd}{mm}{yy}-####", "dk.cpr", "Mit CPR-nummer er {}."),
    "FI_HETU": ("{dd}{mm}{yy}-###?", "fi.hetu", "Henkilötunnukseni on {}."),
    "CZ_RC": ("{yy}{mm}{dd}/####", "cz.rc", "Moje rodné číslo je {}."),
    "RO_CNP": ("1{yy}{mm}{dd}40####", "ro.cnp", "CNP-ul meu este {}."),
    "BG_EGN": ("{yy}{mm}{dd}####", "bg.egn", "Моето ЕГН е {}."),
    "CH_AHV": ("756.####.####.##", "ch.ssn", "Meine AHV-Nummer ist {}."),
    "AT_SVNR": ("#### {dd}{mm}{yy}", "at.vnr", "Meine Sozialversicherungsnummer ist {}."),
    "EU_VAT": ("DE#########", "eu.vat", "Our VAT number is {}."),
    "IN_AADHAAR": ("#### #### ####", "in_.aadhaar", "My Aadhaar number is {}."),
    "IN_PAN": ("@@@P@####@", "in_.pan", "My Indian PAN card number is {}."),
    "AU_TFN": ("### ### ###", "au.tfn", "My Australian tax file number (TFN) is {}."),
    "AU_ABN": ("## ### ### ###", "au.abn", "Our ABN is {}."),
    "AU_MEDICARE": ("2### ##### #", "medicare_au", "My Australian Medicare card number is {}."),
    "NZ_IRD": ("###-###-###", "nz.ird", "My IRD number is {}."),
    "SG_NRIC": ("S#######@", "nric", "My NRIC is {}."),
    "KR_RRN": ("{yy}{mm}{dd}-1######", "kr.rrn", "My Korean resident registration number (RRN) is {}."),
    "JP_MY_NUMBER": ("############", "jp.in_", "私のマイナンバーは {} です。"),
    "CN_RIC": ("110101{yyyy}{mm}{dd}####", "cn.ric", "我的身份证号码是 {} 。"),
    "BR_CPF": ("###.###.###-##", "br.cpf", "Meu CPF é {}."),
    "BR_CNPJ": ("##.###.###/0001-##", "br.cnpj", "O CNPJ da empresa é {}."),
    "AR_DNI_CUIT": ("20-########-#", "ar.cuit", "Mi CUIT es {}."),
    "CL_RUT": ("1#.###.###-#", "cl.rut", "Mi RUT es {}."),
    "CO_NIT": ("9########-#", "co.nit", "Nuestro NIT es {}."),
    "ZA_ID": ("{yy}{mm}{dd}####08#", "za.idnr", "My South African ID number is {}."),
    "TR_TCKN": ("###########", "tr.tckimlik", "TC kimlik numaram {}."),
    "IL_ID": ("#########", "il.idnr", "My Israeli ID number (teudat zehut) is {}."),
    "TH_PIN": ("1-####-#####-##-#", "th.pin", "My Thai national ID number is {}."),
}


def _word(random: Random, syllables: int) -> str:
    return "".join(random.choice("bdfgklmnprstvz") + random.choice("aeiou") for _ in range(syllables))


def _name(random: Random, syllables: int = 4) -> str:
    return (_word(random, syllables) + random.choice("nrstk")).capitalize()


def _email(random: Random) -> tuple[str, str]:
    return f"{_word(random, 3)}.{_word(random, 4)}@{_word(random, 4)}.com", "Write to me at {} please."


def _url(random: Random) -> tuple[str, str]:
    return f"https://www.{_word(random, 5)}.com/users/{fill('%%%%%%%%', random)}", "See {} for my profile."


def _ipv4(random: Random) -> tuple[str, str]:
    octets = (random.choice((81, 84, 91)), *(random.randint(100, 254) for _ in range(3)))
    return ".".join(map(str, octets)), "The login came from IP address {} at night."


def _track(random: Random) -> tuple[str, str]:
    number = _valid("4###############", "luhn", random)
    return f";{number}=2912101{fill('##########', random)}?", "The reader gave the track data {} today."


def _github(random: Random) -> tuple[str, str]:
    entropy = fill("*" * 30, random)
    digits, check = string.digits + string.ascii_uppercase + string.ascii_lowercase, ""
    rest = zlib.crc32(entropy.encode())
    for _ in range(6):
        rest, digit = divmod(rest, 62)
        check = digits[digit] + check
    return "gh" + "p_" + entropy + check, "It says GITHUB_TOKEN={}"


def _jwt(random: Random) -> tuple[str, str]:
    claims = b'{"sub":"' + fill("%" * 16, random).encode() + b'"}'
    parts = (b'{"alg":"HS256","typ":"JWT"}', claims, random.randbytes(32))
    return ".".join(
        base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts
    ), "It sent Authorization: Bearer {}"


def _private_key(random: Random) -> tuple[str, str]:
    text = base64.b64encode(random.randbytes(240)).decode()
    first, *rest = (text[at : at + 64] for at in range(0, len(text), 64))
    marker = "PRIVATE" + " KEY-----"
    body = "\n".join(("{}", *rest))
    return first, f"My key:\n-----BEGIN {marker}\n{body}\n-----END {marker}\n"


def _mrz(random: Random) -> tuple[str, str]:
    number, born, expires = fill("C########", random), fill("{yy}{mm}{dd}", random), "310415"
    checked = [part + _mrz_digit(part) for part in (number, born, expires)]
    optional = "<" * 14 + "0"
    final = _mrz_digit(checked[0] + checked[1] + checked[2] + optional)
    second = f"{checked[0]}UTO{checked[1]}F{checked[2]}{optional}{final}"
    first = f"P<UTO{_name(random).upper()}<<{_name(random).upper()}".ljust(44, "<")
    return second, first + "\n{}"


_MAKERS: dict[str, Callable[[Random], tuple[str, str]]] = {
    "PERSON": lambda r: (f"{_name(r, 3)} {_name(r)}", "My name is {} and I need help."),
    "USERNAME": lambda r: (f"{_word(r, 4)}{r.randint(100, 999)}", "My username is {}."),
    "SOCIAL_HANDLE": lambda r: (f"@{_word(r, 5)}_{r.randint(10, 99)}", "Follow me on Twitter: {}"),
    "EMAIL": _email,
    "STREET_ADDRESS": lambda r: (f"{r.randint(1000, 9999)} {_name(r)} Street", "I live at {}."),
    "CITY": lambda r: (f"{_name(r)}burg", "I live in the city of {}."),
    "LOCATION": lambda r: (f"Mount {_name(r)}", "We met near {} last year."),
    "ORGANIZATION": lambda r: (f"{_name(r)} Systems GmbH", "I work for {}."),
    "URL": _url,
    "CARD_TRACK_DATA": _track,
    "IPV4": _ipv4,
    "PASSPORT_MRZ": _mrz,
    "GITHUB_TOKEN": _github,
    "JWT": _jwt,
    "PRIVATE_KEY_BLOCK": _private_key,
    "DB_CONNECTION_STRING": lambda r: (
        fill("*" * 18, r),
        f"DATABASE_URL=postgres://{_word(r, 3)}:{{}}@db.example.com:5432/app",
    ),
}
