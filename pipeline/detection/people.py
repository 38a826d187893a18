"""Names that their surroundings announce: a form's label, a title, a greeting, a signature.

Names in running text are for a model; these hold in forms, letters, JSON and chat,
in eight languages, whatever the name is.
"""

import re
from collections.abc import Iterable

from pipeline.detection.labels import labelled_rule
from pipeline.detection.name_labels import FAREWELLS, FIRST_OR_LAST, GREETINGS, INTRODUCTIONS, WHOLE
from pipeline.detection.rules import Rule, Span

_UPPER = r"[A-ZÀ-ÖØ-ÞĀĂĄĆĈĊČĎĐĒĖĘĚĜĞĠĢĤĪĮİĶĹĻĽŁŃŅŇŌŐŒŔŘŚŜŞŠŢŤŪŮŰŲŴŶŹŻŽȘȚΑ-ΩА-Я]"
_PART = rf"{_UPPER}(?:[^\W\d_ºª]|['’](?=[^\W\d_])|-(?=[^\W\d_])){{1,24}}"
_INITIAL = rf"{_UPPER}\.(?:-?{_UPPER}\.)?|{_UPPER}(?=\s{_UPPER}[^\W\d_])"
_PARTICLE = (
    r"(?:de|da|do|dos|das|del|della|di|du|des|la|las|los|le|van|von|vom|zu|zum|der|den|ten|ter|y|e|i|al|"
    r"bin|ibn|el|af|av|st\.)"
)
_GAP = r"[ \u00a0]{1,2}"
_NEXT_PART = rf"(?:{_GAP}(?:{_PARTICLE}{_GAP}){{0,2}}(?:{_PART}|{_INITIAL}|(?:d|l|D|L|O)['’]{_PART}))"
NAME = rf"(?:{_PART}|{_INITIAL}){_NEXT_PART}{{0,4}}"
_FULL_NAME = rf"(?:{_PART}|{_INITIAL}){_NEXT_PART}{{1,4}}"
_CJK_NAME = r"[\u3040-\u30ff\u3400-\u9fff々]{1,6}(?:[ \u3000][\u3040-\u30ff\u3400-\u9fff々]{1,6})?"

_EN = "Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor|Doctor|Sir|Madam|Mister|Rev|Reverend|Hon|Capt|Sgt"
_DE = "Herr|Herrn|Frau|Fräulein|Prof\\. Dr|Dr\\. med"
_FR = "Monsieur|Madame|Mademoiselle|Mme|Mlle|Maître|Docteur"
_ES = "Señor|Señora|Señorita|Sr|Sra|Srta|Don|Doña|Dra|Doctora|Sres"
_IT = "Signor|Signora|Signorina|Sig|Sig\\.ra|Dott|Dott\\.ssa|Avv|Ing"
_PT = "Senhor|Senhora|Sr\\.ª|Doutor|Doutora|Dona"
_NL = "Dhr|Mevr|Mevrouw|Meneer|Mw|De heer"
_PL = "Pan|Pani|Pana|Panu|Panem|Panią|Państwo"
_HONORIFIC = "|".join((_EN, _DE, _FR, _ES, _IT, _PT, _NL, _PL))
_TITLE = re.compile(
    rf"(?P<title>(?i:{_HONORIFIC})\.?(?:{_GAP}(?:Dr|Prof|med|h\.c|Ing|Dott|mgr|inż)\.){{0,3}})(?:{_GAP}|"
    rf"(?<=\.)){{1,2}}(?P<name>{NAME})"
)
# Capitalised words that begin a name nowhere, but sentences, headings and other names.
_NOT_NAMES = frozenset(
    [
        "The",
        "A",
        "An",
        "This",
        "That",
        "These",
        "Those",
        "And",
        "Or",
        "But",
        "If",
        "In",
        "On",
        "At",
        "To",
        "For",
        "Of",
        "By",
        "With",
        "From",
        "As",
        "It",
        "Its",
        "I",
        "You",
        "We",
        "They",
        "He",
        "She",
        "Is",
        "Are",
        "Was",
        "Were",
        "Be",
        "Not",
        "No",
        "Yes",
        "Please",
        "Thank",
        "Thanks",
        "Team",
        "All",
        "Everyone",
        "Everybody",
        "Sir",
        "Madam",
        "Customer",
        "Client",
        "Customers",
        "User",
        "Users",
        "Admin",
        "Hiring",
        "Manager",
        "Support",
        "Service",
        "Sales",
        "Human",
        "Resources",
        "Department",
        "Committee",
        "Colleagues",
        "Colleague",
        "Friends",
        "Friend",
        "Folks",
        "Name",
        "Date",
        "Address",
        "Phone",
        "Email",
        "Number",
        "Code",
        "Title",
        "Type",
        "Status",
        "Description",
        "Value",
        "Key",
        "Id",
        "Customer's",
        "American",
        "Damen",
        "Herren",
        "Sehr",
        "Der",
        "Die",
        "Das",
        "Ein",
        "Eine",
        "Und",
        "Oder",
        "Les",
        "Le",
        "La",
        "El",
        "Los",
        "Las",
        "Una",
        "Un",
        "Il",
        "Lo",
        "Gli",
        "Todos",
        "Todas",
        "Equipo",
        "Equipe",
        "Kunde",
        "Kundin",
        "Monsieur",
        "Madame",
        "Señor",
        "Señora",
        "None",
        "Null",
        "True",
        "False",
        "Unknown",
        "Test",
        "Example",
        "Default",
        "String",
        "Text",
        "Apt",
        "Suite",
        "Unit",
        "Recipient",
        "There",
        "Valued",
        "Members",
        "Member",
        "Students",
        "Student",
        "Parents",
        "Sirs",
        "Ladies",
        "Gentlemen",
        "World",
        "Server",
        "Claude",
        "Assistant",
        "Universe",
        "Mr",
        "Mrs",
        "Ms",
        "Miss",
        "Mx",
        "Dr",
        "Prof",
        "Sr",
        "Sra",
        "Herr",
        "Frau",
        "Master",
        "Paciente",
        "Se",
        "Dirección",
        "Varón",
        "Mujer",
        "Niño",
        "Niña",
        "Patient",
        "Patientin",
        "Paziente",
        "Pacjent",
        "Account",
        "Card",
        "Policy",
        "Money",
        "Savings",
        "Checking",
        "Credit",
        "Certificate",
        "Birth",
        "Company",
        "Customer's",
        "Inc",
        "Address:",
        "Adresse",
        "Anschrift",
        "Correo",
        "Email:",
        "Hospital",
        "Servicio",
    ]
)


def _is_name(value: str) -> bool:
    words = re.split(r"[\s.]+", value)
    return words[0] not in _NOT_NAMES and not all(
        word.isascii() and word.isupper() and len(word) < 4 for word in words if word
    )


def _trimmed(value: str) -> int:
    """How much of a run of capitalised words is the name: what follows a word of no name is not."""
    end = len(value)
    for word in re.finditer(r"\S+", value):
        if word.start() and word[0] in _NOT_NAMES - {"La", "Las", "Los", "Le", "Les", "El", "Il", "Lo", "Das"}:
            end = len(value[: word.start()].rstrip())
            break
    return end


def _titled(text: str, start: int, _end: int) -> Iterable[Span]:
    found = _match_title(text, start)
    if found is None:
        return ()
    return ((found.start("name"), found.start("name") + _trimmed(found["name"]), 0.8),)


def _title(text: str, start: int, _end: int) -> Iterable[Span]:
    found = _match_title(text, start)
    return ((found.start("title"), found.end("title"), 0.7),) if found else ()


_STREET_BEFORE = re.compile(rf"(?:\d|\b{_UPPER}[^\W\d_]{{1,20}}) \Z")


def _match_title(text: str, start: int) -> re.Match[str] | None:
    if start and (text[start - 1].isalnum() or text[start - 1] in "_-/'"):
        return None
    found = _TITLE.match(text, start)
    if found is None or (not found["title"][0].isupper() and found["title"].lower() not in _LOWER_TITLES):
        return None
    # "12 Maple Dr Springfield", "Peter Pan Returns"
    if found["title"].lower() in {"dr", "pan", "don", "miss"} and _STREET_BEFORE.search(
        text, max(0, start - 24), start
    ):
        return None
    return found if _is_name(found["name"]) else None


_LOWER_TITLES = frozenset(
    [
        "senhor",
        "senhora",
        "mevrouw",
        "meneer",
        "señorita",
        "signorina",
        "madame",
        "mademoiselle",
        "doña",
        "dhr.",
        "mevr.",
        "sr.",
        "sra.",
        "sig.",
        "pan",
        "pani",
        "pana",
        "panem",
        "panią",
        "mr.",
        "mrs.",
        "ms.",
        "dr.",
        "don",
        "doña",
        "señor",
        "señora",
        "monsieur",
        "madame",
        "signor",
        "signora",
    ]
)

_BESIDE = (
    r"(?i:[ \t]{0,4}\n?[ \t>]{0,6}[\"'`(*|]{0,4}[ ]{0,2}(?:(?:Dra?|Prof|Mr|Mrs|Ms|Sr|Sra|D|Dª|lek|"
    r"lek\. med)[.:][ ]?){0,2})"
)

_GREETED = re.compile(rf"[ ](?P<v>{NAME})(?=\s?[,!:]|\s?\n|\.?$)")


def _after_farewell(text: str, _start: int, end: int) -> Iterable[Span]:
    found = _SIGNATURE.match(text, end)
    if found is None or not _is_name(found["v"]):
        return ()
    return ((*found.span("v"), 0.7),)


_SIGNATURE = re.compile(
    rf"[,.!]{{0,2}}[ \t]{{0,3}}(?:\r?\n[ \t>*_-]{{0,6}}){{1,3}}(?P<v>{NAME})[*_]{{0,2}}[ \t]{{0,3}}(?=[\n,|]|$)"
)


def _greeted(text: str, _start: int, end: int) -> Iterable[Span]:
    found = _GREETED.match(text, end)
    return (
        ((*found.span("v"), 0.6),) if found and _is_name(found["v"]) and _trimmed(found["v"]) == len(found["v"]) else ()
    )


def _hs(words: str) -> str:
    return re.sub(r"[^\x00-\x7f]", lambda m: "".join(f"\\x{byte:02x}" for byte in m[0].encode()), words)


_TITLE_ANCHOR = rf"(?i)\b(?:{_hs(_HONORIFIC)})\.?(?:[ ]{{1,2}}|\xc2\xa0)[A-Z\xc3-\xd0]"

RULES = (
    Rule(entity="PERSON", anchor=_TITLE_ANCHOR, find=_titled),
    Rule(entity="PERSON", anchor=r"\b(?:Dr|Dra|Mr|Mrs|Ms|Sr|Sra|Prof)\.[A-Z\xc3]", find=_titled),
    # Where the role is wanted too, so is the form of address.
    Rule(entity="JOB_TITLE", anchor=_TITLE_ANCHOR, find=_title),
    labelled_rule(
        "PERSON",
        FIRST_OR_LAST,
        rf"(?:(?:van|von|de|di|da|del|ter|ten|el|al)(?: (?:den|der|de|la|het))? )?{NAME}|(?-i:[a-zà-ÿ]{{2,20}})"
        rf"(?=[\"'])",
        check=_is_name,
        score=0.8,
        gap=_BESIDE,
    ),
    *(
        labelled_rule("PERSON", group, rf"{NAME}|{_CJK_NAME}", check=_is_name, score=0.7, gap=_BESIDE)
        for group in WHOLE
    ),
    labelled_rule(  # "name" labels much else: only what looks like a whole name counts
        "PERSON",
        ("name", "nom", "nome", "from", "to", "client", "customer", "contact", "agent", "cc", "author", "owner", "by"),
        rf"{_FULL_NAME}(?=\s{{0,3}}(?:[\n,;|\"'<(\[)*]|$))",
        check=lambda value: _is_name(value) and _trimmed(value) == len(value),
        score=0.6,
        gap=_BESIDE,
    ),
    Rule(entity="PERSON", context=tuple(sorted(INTRODUCTIONS)), link=r"[ ]", pattern=NAME, check=_is_name, score=0.8),
    Rule(entity="PERSON", context=tuple(sorted(GREETINGS)), find=_greeted),
    Rule(entity="PERSON", context=tuple(sorted(FAREWELLS)), find=_after_farewell),
)
