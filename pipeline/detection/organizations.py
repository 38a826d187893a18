"""Organisations by their legal form or kind, towns and regions by their label or post code."""

import re
from collections.abc import Iterable

from pipeline.detection.labels import labelled_rule
from pipeline.detection.rules import Rule, Span

_LEGAL = (
    r"Inc|LLC|L\.L\.C|LLP|Ltd|Limited|Corp|Corporation|PLC|plc|GmbH|mbH|AG|KG|KGaA|OHG|e\.V|UG|SE|SA|S\.A|"
    r"SAS|SARL|S\.à r\.l|"
    r"SRL|S\.r\.l|SpA|S\.p\.A|S\.L|S\.L\.U|SL|Lda|Ltda|B\.V|BV|N\.V|NV|VOF|AB|ASA|ApS|Oy|Oyj|"
    r"[Ss]p\. z o\.o|[Ss]p\.[ ]?[jk]|S\.K\.A|Sp\.j|Pty Ltd|Pvt Ltd|Co"
)
_LEGAL_ANCHOR = re.sub(r"[^\x00-\x7f]", lambda m: "".join(f"\\x{byte:02x}" for byte in m[0].encode()), _LEGAL)
_BEFORE = re.compile(
    r"(?:(?<=[\s\"'(«„>:/|*-])|(?<![\w.]))(?:[^\W\d_a-zß-öø-ÿ][\w.'’-]{0,24}(?:,?[ ](?:&|and|und|et|y|e|i|"
    r"of|de|del|di|für|the)[ ]|,?[ ]{1,2}))"
    r"(?:[^\W\d_a-zß-öø-ÿ][\w.'’-]{0,24}(?:,?[ ](?:&|and|und|et|y|e|i|of|de|del|di|für|the)[ ]|,?[ ]{1,2})){0,4}\Z"
)
_FORM = re.compile(rf"(?:{_LEGAL})(?![\w])\.?(?:[ ]&[ ](?:Co\.?(?:[ ](?:KG|KGaA|OHG))?))?")


def _company(text: str, start: int, _end: int) -> Iterable[Span]:
    form = _FORM.match(text, start)
    begin = max(0, start - 80, text.rfind("\n", max(0, start - 80), start) + 1)
    before = _BEFORE.search(text, begin, start)
    if form is None or before is None:
        return ()
    end = (
        form.end() - 1
        if text[form.end() - 1] == "." and "." not in form[0][:-1] and form[0][:-1] in {"AG", "SE", "SA"}
        else form.end()
    )
    return ((before.start(), end, 0.7),)


_KINDS = (
    "Hospital|Complejo Hospitalario|Clínica|Centro de Salud|Centro Médico|Instituto|Fundación|Fundació|Facultad de|"
    "Universidad|"
    "Universitat|Universidade|Università|Università degli Studi|Universität|Universitätsklinikum|Klinikum|Université|"
    "Centre Hospitalier|Hôpital|Clinique|Ospedale|Policlinico|Universiteit|Ziekenhuis|Uniwersytet|Szpital|Politechnika|"
    "University of|Bank of|Institute of|College of|Department of|Ministry of|Colegio|Consejería de"
)
_KIND_ANCHOR = re.sub(r"[^\x00-\x7f]", lambda m: "".join(f"\\x{byte:02x}" for byte in m[0].encode()), _KINDS)
_REST = (
    r"[^\W\d_a-zß-öø-ÿ][^\W\d_]{1,20}(?:['’-][^\W\d_]{1,20})?(?:[ ](?:(?:de|del|de la|de los|y|e|i|la|di|"
    r"da|do|du|des|of|the|for|and|für|in)[ ])?"
    r"[^\W\d_a-zß-öø-ÿ][^\W\d_]{1,20}(?:['’-][^\W\d_]{1,20})?){0,4}"
)
_PLACE = (
    r"[^\W\d_a-zß-öø-ÿ][^\W\d_]{1,24}(?:[ '’-](?:(?:de|del|de la|la|las|los|di|do|da|sur|am|an der|upon|"
    r"the|of)[ ])?[^\W\d_]{2,24}){0,3}"
)


def _company_at(text: str, start: int, end: int) -> Iterable[Span]:
    """The anchor begins with the last letter before the form."""
    gap = text.index(" ", start, end + 1)
    return _company(text, gap + 1, end)


_TOWN = re.compile(r"(?:(?:St\.|[^\W\d_a-zß-öø-ÿ][^\W\d_]{1,20}) ){0,2}[^\W\d_a-zß-öø-ÿ][^\W\d_]{1,20}\Z")


def _town_before_state(text: str, start: int, end: int) -> Iterable[Span]:
    before = _TOWN.search(text, max(0, start - 40), start + 1)
    return ((before.start(), end, 0.6),) if before else ()


_PLACE_NAME = (
    r"[^\W\d_a-zß-öø-ÿ][^\W\d_]{1,24}(?:[ -](?:(?:de|del|de la|la|am|upon|the|of)[ ])?[^\W\d_a-zß-öø-ÿ]"
    r"[^\W\d_]{1,24}){0,2}"
)
_NOT_PLACES = frozenset(
    [
        "The",
        "A",
        "An",
        "My",
        "Our",
        "Python",
        "Java",
        "God",
        "Chapter",
        "Section",
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ]
)

RULES = (
    Rule(entity="ORGANIZATION", anchor=rf"[\w\x80-\xff.],?[ ](?:{_LEGAL_ANCHOR})\b", find=_company_at),
    Rule(
        entity="ORGANIZATION",
        anchor=rf"\b(?:{_KIND_ANCHOR})[ ](?:de |del |de la |degli |di |d')?[A-Z\xc3\xc5]",
        pattern=(
            rf"(?:{_KINDS})[ ](?:(?:de|del|de la|de los|degli Studi di|di|d['’]|Studi di|do|da)[ ]?)?{_REST}(?:[ ]"
            rf"?\([A-Z]{{2,8}}\))?"
        ),
        score=0.7,
    ),
    labelled_rule(
        "ORGANIZATION",
        (
            *(
                "company",
                "company name",
                "employer",
                "employer name",
                "organization",
                "organisation",
                "bank name",
                "hospital",
            ),
            *(
                "firma",
                "arbeitgeber",
                "unternehmen",
                "société",
                "entreprise",
                "employeur",
                "empresa",
                "empleador",
                "razón social",
            ),
            *(
                "azienda",
                "datore di lavoro",
                "ragione sociale",
                "werkgever",
                "bedrijf",
                "pracodawca",
                "nazwa firmy",
                "bank",
            ),
        ),
        rf"{_REST}(?=\s{{0,3}}(?:[\n,;|\"'<(\[)*]|\.?$))",
        score=0.6,
    ),
    labelled_rule(
        "CITY",
        (
            *(
                "city",
                "town",
                "city of birth",
                "place of birth",
                "birthplace",
                "state",
                "country",
                "county",
                "province",
                "region",
            ),
            *(
                "ort",
                "wohnort",
                "stadt",
                "geburtsort",
                "land",
                "bundesland",
                "ville",
                "lieu de naissance",
                "pays",
                "commune",
            ),
            *(
                "ciudad",
                "localidad",
                "localidad/ provincia",
                "localidad/provincia",
                "provincia",
                "lugar de nacimiento",
                "país",
            ),
            *(
                "país de nacimiento",
                "municipio",
                "città",
                "comune",
                "luogo di nascita",
                "paese",
                "cidade",
                "localidade",
            ),
            *(
                "naturalidade",
                "concelho",
                "woonplaats",
                "plaats",
                "geboorteplaats",
                "provincie",
                "miasto",
                "miejscowość",
            ),
            *("miejsce urodzenia", "kraj", "województwo"),
        ),
        rf"{_PLACE}(?=\s{{0,3}}(?:[\n,;|\"'<(\[)*.]|$))",
        score=0.65,
    ),
    Rule(  # 28013 Madrid, 69120 Heidelberg: the town behind a post code
        entity="CITY",
        anchor=r"\b(?:[A-Z]{1,2}-)?\d{5}\.?[ ][A-Z\xc3]",
        pattern=(
            r"(?:[A-Z]{1,2}-)?\d{5}\.?[ ](?P<v>[^\W\d_a-zß-öø-ÿ][^\W\d_A-Z]{2,20}(?:[ -](?:(?:de|del|de la|la|am|"
            r"an der|in|sur|di)[ ])?"
            r"[^\W\d_a-zß-öø-ÿ][^\W\d_A-Z]{1,20}){0,2})(?=\s{0,2}(?:[\n,;.|(]|$|[-–]|España|E-?mail|Tel))"
        ),
        score=0.55,
    ),
    Rule(  # Springfield, IL 62704
        entity="CITY",
        anchor=(
            r"[a-z],[ ](?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|P[AR]|RI|"
            r"S[CD]|T[NX]|UT|V[AT]|W[AIVY])\b"
        ),
        find=_town_before_state,
    ),
    Rule(
        entity="CITY",
        context=(
            *(
                "originally from",
                "grew up in",
                "born in",
                "live in",
                "lives in",
                "living in",
                "moved to",
                "based in",
                "residing in",
            ),
            *(
                "resident of",
                "relocated to",
                "headquartered in",
                "travel to",
                "flight to",
                "i'm from",
                "i am from",
                "office in",
            ),
            *(
                "geboren in",
                "wohnhaft in",
                "wohne in",
                "wohnt in",
                "lebt in",
                "né à",
                "née à",
                "habite à",
                "vit à",
                "demeurant à",
            ),
            *(
                "natural de",
                "nacido en",
                "nacida en",
                "vive en",
                "vivo en",
                "reside en",
                "nato a",
                "nata a",
                "residente a",
                "abita a",
            ),
            *(
                "nascido em",
                "nascida em",
                "moro em",
                "mora em",
                "residente em",
                "woont in",
                "woonachtig in",
                "afkomstig uit",
            ),
            *("urodzony w", "urodzona w", "mieszka w", "zamieszkały w", "zamieszkała w"),
        ),
        link=r"[ ](?:the )?",
        pattern=rf"{_PLACE_NAME}(?:, {_PLACE_NAME})?(?!['’]s\b)",
        check=lambda value: value.split(" ")[0] not in _NOT_PLACES,
        score=0.6,
    ),
)
