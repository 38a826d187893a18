"""Street addresses and postal codes of the main European and American forms."""

import re
from collections.abc import Iterable

from pipeline.detection.rules import Finder, Rule, Span

_CAPITAL = r"[A-ZÀ-ÖØ-ÞĀ-ŽА-Я]"
_WORD = rf"{_CAPITAL}[\w.'’-]{{0,24}}"

_EN_SUFFIX = (
    "Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Square|Sq|"
    "Terrace|Ter|Way|Parkway|Pkwy|"
    "Circle|Cir|Highway|Hwy|Trail|Trl|Close|Crescent|Grove|Row|Mews|Plaza|Alley|Bypass|Causeway|"
    "Common|Corner|Cove|Crossing|"
    "Expressway|Extension|Flats|Forges?|Gardens?|Gateway|Glens?|Greens?|Harbors?|Haven|Heights|"
    "Hills?|Hollow|Island|Isle|"
    "Junctions?|Keys?|Knolls?|Lakes?|Landing|Light|Loop|Manors?|Meadows?|Mills?|Mission|Motorway|"
    "Mountain|Oval|Overpass|Parks?|"
    "Parkways|Pass|Path|Pike|Pines?|Plains?|Points?|Ports?|Prairie|Radial|Ranch|Rapids?|Ridges?|"
    "River|Route|Run|Shoals?|Shores?|"
    "Springs?|Spurs?|Station|Stravenue|Stream|Summit|Throughway|Trace|Track|Trafficway|Tunnel|"
    "Turnpike|Underpass|Unions?|"
    "Valleys?|Via|Viaduct|Views?|Villages?|Ville|Vista|Walks?|Wells?|Quay"
)
_EN_SHORT = "St|Ave|Rd|Blvd|Ln|Dr|Ct|Pl|Sq|Ter|Pkwy|Cir|Hwy|Trl"
"""Abbreviations: a full stop after one belongs to it, after a whole word it ends the sentence."""
_US_STATE = (
    "A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|P[AR]|RI|"
    "S[CD]|T[NX]|UT|V[AIT]|W[AIVY]|A[AEP]|GU"
)
_UNIT = (
    r"(?:,?\s{1,2}(?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|Fl|Bldg|Room|Rm)"
    r"\.?\s?#?\s?[A-Za-z]?\d{0,5}[A-Za-z]?|,?\s?#\s?\d{1,5})?"
)
_CITY_STATE_ZIP = rf"(?:,?\s{{1,3}}{_WORD}(?:\s{_WORD}){{0,3}},\s{{0,3}}(?:{_US_STATE})\s{{1,3}}\d{{5}}(?:-\d{{4}})?)?"

_ES_KIND = (
    r"[Cc]alle|C/|C\\|Avda\.?|Avenida|Avinguda|Av\.|Paseo|P\.º|Pº|Pza\.?|Plaza|Plaça|Carrer|Ronda|"
    r"Camino|Carretera|Ctra\.?|"
    r"Travesía|Glorieta|Urbanización|Urb\.|Rúa|Vía|Passeig|Rambla|Calzada|Bulevar|Callejón"
)
_FR_KIND = r"rue|avenue|av\.|boulevard|bd|bld|place|chemin|allée|impasse|quai|cours|route|square|passage|villa|sentier"
_IT_KIND = r"Via|Viale|Piazza|P\.zza|Corso|C\.so|Largo|Vicolo|Piazzale|Strada|Contrada|Lungomare|Borgo"
_PT_KIND = r"Rua|R\.|Avenida|Travessa|Praça|Largo|Alameda|Estrada|Rodovia"
_PL_KIND = r"ul\.|ulica|ulicy|al\.|aleja|alei|Aleje|pl\.|plac|placu|os\.|osiedle|skwer|rondo"
_DE_SUFFIX = r"straße|strasse|str\.|weg|platz|allee|gasse|ring|ufer|damm|chaussee|steig|pfad|markt|promenade"
_NL_SUFFIX = r"straat|laan|weg|plein|gracht|kade|dijk|singel|hof|dreef|steeg|markt"
_HOUSE = r"\d{1,4}(?:[ ]?[a-zA-Z])?(?:[ ]?[-/][ ]?\d{1,4}[a-zA-Z]?)?"


def _bytes(alternatives: str) -> str:
    """Spell letters outside ASCII as a Hyperscan expression on bytes understands them."""
    return re.sub(r"[^\x00-\x7f]", lambda m: "".join(f"\\x{byte:02x}" for byte in m[0].encode()), alternatives)


def _has_digit(value: str) -> bool:
    return any(map(str.isdigit, value))


_GERMAN = re.compile(
    rf"(?:(?:{_CAPITAL}[\w.-]{{1,20}}[ -]){{0,3}}{_CAPITAL}[\w.-]{{0,24}}(?:{_DE_SUFFIX})|"
    rf"(?:{_CAPITAL}[\w.-]{{1,20}}[ -]){{1,3}}(?:Straße|Strasse|Str\.|Weg|Platz|Allee|Gasse|Ring|"
    rf"Damm|Markt)) {_HOUSE}(?!\w|[.:,]\d)"
)
_DUTCH = re.compile(
    rf"{_CAPITAL}[\w.'-]{{1,24}}(?: [\w.'-]{{1,20}}){{0,2}}?(?:{_NL_SUFFIX}) {_HOUSE}(?!\w|[.:,]\d)"
    rf"|{_CAPITAL}[\w.'-]{{1,24}}(?:{_NL_SUFFIX}) {_HOUSE}(?!\w|[.:,]\d)"
)


def _look_back(pattern: re.Pattern[str]) -> Finder:
    """Give a finder of streets whose last word the anchor hits, up to 60 characters back."""

    def find(text: str, start: int, end: int) -> Iterable[Span]:
        begin = max(0, start - 60, text.rfind("\n", max(0, start - 60), start) + 1)
        while 0 < begin < start and text[begin - 1].isalnum():
            begin += 1
        found = pattern.finditer(text, begin, end + 12)
        return [(*one.span(), 0.7) for one in found if one.start() <= start and one.end() >= end]

    find.__qualname__ = f"look_back.{pattern.pattern}"
    return find


_UNIT_WORD = r"(?:Apt|Apartment|Suite|Ste|Unit|Flat|apt|suite)"
_BEFORE_UNIT = re.compile(
    rf"(?:\d{{1,6}}[ ]{{1,2}}){{0,2}}(?:{_WORD}[ ,]{{1,2}}){{0,4}}{_WORD}(?:[ ]{{1,2}}\d{{1,5}}[A-Za-z]?)"
    rf"?,?(?:[ ]{{1,2}}|\n[ >]{{0,6}})\Z"
)
_UNIT_AND_MORE = re.compile(
    rf"{_UNIT_WORD}\.?\s?#?\s?[A-Za-z]?\d{{1,5}}[A-Za-z]?(?![\w.]\w)(?:,?[ ]{_UNIT_WORD}\.?[ ]\d{{1,5}})?"
    rf"(?:[ ]\d{{2,6}}(?:[ ]{_WORD}){{1,4}}(?:[ ]\d{{1,5}}[A-Za-z]?)?|(?:,[ ]{{1,2}}{_WORD}(?:[ ]{_WORD})"
    rf"{{0,2}}){{1,2}}(?:[ ]\d{{4,6}})?)?"
)


def _with_unit(text: str, start: int, _end: int) -> Iterable[Span]:
    """What an apartment's or suite's number belongs to: the street before it or behind it."""
    unit = _UNIT_AND_MORE.match(text, start)
    if unit is None:
        return ()
    before = _BEFORE_UNIT.search(text, max(0, start - 80), start)
    street = before is not None and any(map(str.isdigit, before[0]))
    return ((before.start() if before is not None and street else start, unit.end(), 0.6),)


_TOWN_BEHIND = re.compile(
    rf"(?:E-|D-|F-|I-)?(?P<v>\d{{5}})\.?[ ](?={_CAPITAL}[^\W\d_]{{2,20}}(?:[ -](?:(?:de|del|la|am|di|sur)"
    rf"[ ])?{_CAPITAL}[^\W\d_]{{1,20}}){{0,3}}"
    r"\s{0,2}(?:[\n,;.(]|$|[-–]|[Ee]-?mail|Tel|Tfno|España))"
)
_ADDRESS_BEFORE = re.compile(
    rf"(?i:\d|s/n|km|\b(?:{_ES_KIND}|{_FR_KIND}|{_IT_KIND}|apartado|postfach|hospital|edificio)\b)[^\n]{{0,40}}\Z"
)


def _post_code_and_town(text: str, start: int, _end: int) -> Iterable[Span]:
    found = _TOWN_BEHIND.match(text, start)
    line = max(0, start - 64, text.rfind("\n", max(0, start - 64), start) + 1)
    if found is None or _ADDRESS_BEFORE.search(text, line, start) is None:
        return ()
    return ((*found.span("v"), 0.6),)


RULES = (
    Rule(entity="STREET_ADDRESS", anchor=rf"\b{_UNIT_WORD}\.?[ ]#?[A-Z]?\d", find=_with_unit),
    Rule(  # 742 Evergreen 12, Springfield: a number and names behind the words for being somewhere
        entity="STREET_ADDRESS",
        context=(
            *(
                "located at",
                "live at",
                "lives at",
                "living at",
                "resides at",
                "residing at",
                "reside at",
                "moved to",
                "sent to",
            ),
            *(
                "shipped to",
                "deliver to",
                "delivered to",
                "taxi to",
                "meet me at",
                "return to",
                "arrived at",
                "visit us at",
            ),
            *(
                "pick me up at",
                "stay at",
                "staying at",
                "home at",
                "office at",
                "my address is",
                "wohnhaft in",
                "wohne in",
            ),
            *("j'habite au", "demeurant", "domicilié", "domiciliado en", "con domicilio en", "vivo en", "residente in"),
            *("residente en", "morador na", "woonachtig te", "zamieszkały", "zamieszkała", "zam", "mieszka przy"),
        ),
        link=r"[ :,]{1,3}",
        pattern=(
            rf"(?:\d{{1,6}}[ ]){{1,2}}(?i:{_WORD})"
            rf"(?:(?:[ ,]{{1,3}}|,?[ ]?\n[ ]{{0,3}})(?:{_WORD}|\d{{1,6}}|[A-Z]{{2}}\b)){{0,9}}|"
            rf"{_WORD}(?:[ ]{_WORD}){{0,3}}[ ]\d{{1,5}}[A-Za-z]?(?:/\d{{1,4}})?"
            rf"(?:,?(?:[ ]{{1,2}}|[ ]?\n[ ]{{0,3}})(?:{_WORD}|"
            rf"\d{{2,6}}(?:-\d{{3}})?)){{0,5}}"
        ),
        score=0.6,
    ),
    Rule(
        entity="STREET_ADDRESS",
        anchor=r"(?i)\bcorner of [A-Z0-9\xc3-\xc5]",
        pattern=(
            rf"(?i:(?:the )?corner of )(?:{_WORD}[ ]){{1,4}}(?:\d{{1,4}}[ ])?and(?:[ ]{_WORD}){{1,4}}(?:[ ]"
            rf"\d{{1,4}})?"
        ),
        score=0.7,
    ),
    Rule(entity="POSTCODE", anchor=r"\b(?:[A-Z]-)?\d{5}\.?[ ][A-Z\xc3]", find=_post_code_and_town),
    Rule(  # 〒100-0001
        entity="POSTCODE",
        anchor=r"\xe3\x80\x92[ ]?\d{3}",
        pattern=r"〒\s?(?P<v>\d{3}-?\d{4})",
        score=0.8,
        bounded=False,
    ),
    Rule(
        entity="STREET_ADDRESS",
        context=("住所", "所在地", "施設住所"),
        link=r"\s{0,2}[:：]\s{0,2}",
        pattern=r"(?:〒\s?\d{3}-?\d{4}\s?)?[^\n、。;|]{4,60}",
        check=_has_digit,
        score=0.8,
        bounded=False,
    ),
    Rule(  # 12 Fourth Street, Apt 5, Springfield, IL 62704
        entity="STREET_ADDRESS",
        anchor=r"\b\d{1,6}[A-Za-z]?[ ]{1,2}(?:[NSEW]\.? )?[A-Z0-9][A-Za-z0-9.'\x80-\xff]",
        pattern=(
            rf"(?<![.,-])\d{{1,6}}[A-Za-z]? {{1,2}}(?:[NSEW]\.? )?(?:(?:{_WORD}|\d{{1,3}}(?:st|nd|rd|th)) "
            rf"{{1,2}}){{1,4}}(?:(?:{_EN_SHORT})\b\.?|(?:{_EN_SUFFIX})\b)"
            rf"(?: (?:N|S|E|W|NE|NW|SE|SW)\b)?{_UNIT}{_CITY_STATE_ZIP}"
        ),
    ),
    Rule(
        entity="STREET_ADDRESS",
        anchor=r"(?i)\bP\.?\s?O\.?\s?Box\s{1,2}\d",
        pattern=rf"(?i:P\.?\s?O\.?\s?Box\s{{1,2}}\d{{1,7}}){_CITY_STATE_ZIP}",
        score=0.8,
    ),
    Rule(  # military mail
        entity="STREET_ADDRESS",
        anchor=r"\b(?:PSC|Unit|CMR|USNS|USNV|USCGC|USS) [A-Z0-9]",
        pattern=(
            r"(?:PSC|Unit|CMR|USNS|USNV|USCGC|USS) \w{1,20},?\s(?:Box \d{1,5},?\s)?(?:[AFD]PO),? A[AEP] "
            r"\d{5}(?:-\d{4})?"
        ),
    ),
    Rule(  # Hauptstraße 12a, Lange Gasse 7
        entity="STREET_ADDRESS",
        anchor=rf"(?:{_bytes(_DE_SUFFIX)}|Stra\xc3\x9fe|Strasse|Str\.|Weg|Platz|Allee|Gasse|Ring|Damm|Markt)[ ]\d",
        find=_look_back(_GERMAN),
    ),
    Rule(  # Keizersgracht 5-2
        entity="STREET_ADDRESS",
        anchor=rf"[a-z](?:{_NL_SUFFIX})[ ]\d",
        find=_look_back(_DUTCH),
    ),
    Rule(  # 5 bis, rue de la Paix
        entity="STREET_ADDRESS",
        anchor=rf"(?i)\b\d{{1,4}}[ ]?(?:bis|ter|[a-d])?,?[ ](?:{_bytes(_FR_KIND)})[ ]",
        pattern=(
            rf"(?i:\d{{1,4}}\s?(?:bis|ter|[a-d])?,?\s(?:{_FR_KIND})\s)(?:(?:de|du|des|la|le|les|l'|d'|l’|"
            rf"d’|et|en|sur|aux?)\s?){{0,3}}{_WORD}(?:[ '’-][\w'’.-]{{1,24}}){{0,4}}(?<![.])"
        ),
        score=0.7,
    ),
    Rule(
        entity="STREET_ADDRESS",
        anchor=rf"(?:\b(?:{_bytes(_ES_KIND)})|\bP\xc2\xba)[ ]?[A-Za-z\xc3]",
        pattern=(
            rf"(?:{_ES_KIND})\s?(?:[^\W\d_][\w.'’ªº/-]{{0,24}}[ ])"
            rf"{{0,7}}[^\W\d_][\w.'’ªº-]{{0,24}},?\s{{0,2}}(?:n[°ºo]?\.?\s?|núm\.?\s?|número\s)?"
            r"(?:\d{1,4}|s/n)(?:\s?[-–]\s?\d{1,4})?(?:(?:,\s?|\s|\s?-\s?)"
            r"(?:\d{1,2}\s?[ºª°]?(?:\s?[A-Za-z]\b|\s?(?:izq|dcha|dcho|er)\w{0,6}\.?)?|[A-Z]\b|bajo|piso|"
            r"portal|esc)){0,4}"
        ),
        score=0.7,
    ),
    Rule(
        entity="STREET_ADDRESS",
        anchor=rf"\b(?:{_IT_KIND})[ ][A-Za-z]",
        pattern=(
            rf"(?:{_IT_KIND})\s(?:(?:del|della|dei|delle|degli|di|da|dell'|san|santa|d'|al|alla)\s?)"
            rf"?(?:{_WORD}\s?){{1,4}},?\s?(?:n\.?\s?)?\d{{1,4}}(?:\s?/?\s?[a-zA-Z]\b)?"
        ),
        score=0.7,
    ),
    Rule(
        entity="STREET_ADDRESS",
        anchor=rf"\b(?:{_bytes(_PT_KIND)})[ ][A-Za-z]",
        pattern=(
            rf"(?:{_PT_KIND})\s(?:(?:da|do|das|dos|de)\s)?(?:{_WORD}\s?(?:(?:da|do|das|dos|de|e)\s)?)"
            rf"{{1,5}},?\s?(?:n[.°º]{{1,2}}\s?)?\d{{1,5}}(?:\s?-?\s?\d{{1,2}}[ºª°][^\W\d]{{0,3}})?"
        ),
        score=0.7,
    ),
    Rule(
        entity="STREET_ADDRESS",
        anchor=rf"\b(?:{_PL_KIND})[ ]?[A-Z0-9\xc3\xc4\xc5]",
        pattern=(
            rf"(?:{_PL_KIND})\s?(?:\d{{1,2}}\s)?(?:(?:{_WORD}|i)\s)"
            rf"{{1,5}}\d{{1,4}}\s?[A-Za-z]?\b(?:\s?/\s?\d{{1,4}}|,?\s(?:m|lok|mieszk)\.?\s?\w{{1,4}})?"
        ),
        score=0.75,
    ),
    Rule(
        entity="STREET_ADDRESS",
        context=(
            *(
                "address",
                "street address",
                "home address",
                "mailing address",
                "residence",
                "adresse",
                "anschrift",
                "domicilio",
            ),
            *(
                "dirección",
                "direccion",
                "indirizzo",
                "residenza",
                "morada",
                "endereço",
                "adres",
                "adres zamieszkania",
                "woonadres",
            ),
        ),
        link=r"[\"']?\s?:\s{0,3}[\"']?",
        pattern=r"[^\W_][^\n;:\"{}@|]{4,80}?(?=[\n;\"|]|\.\s|\.?$)",
        check=_has_digit,
        score=0.55,
        bounded=False,
    ),
    Rule(
        entity="POSTCODE",
        context=(
            *(
                "zip",
                "zip code",
                "zipcode",
                "postcode",
                "postal code",
                "post code",
                "postal_code",
                "plz",
                "postleitzahl",
                "cp",
                "c.p",
            ),
            *("code postal", "código postal", "codigo postal", "cap", "cep", "kod pocztowy", "postnummer"),
        ),
        link=r"(?i:[\"'`)]{0,2}\s{0,2}(?:is|ist|est|es|è|é|jest)?\s?[:=]{0,2}\s{0,2}[\"'(]{0,2})",
        pattern=(
            r"\d{5}-\d{4}|\d{2}-\d{3}|\d{5}-?\d{3}|\d{4}-\d{3}|\d{4}\s?[A-Z]{2}|\d{4,6}|\d{3}\s\d{2}|"
            r"[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2}|[A-Z]\d[A-Z][ -]?\d[A-Z]\d"
        ),
        score=0.75,
    ),
    Rule(  # Great Britain
        entity="POSTCODE",
        anchor=r"\b[A-Z]{1,2}\d[A-Z\d]?[ ]\d[ABD-HJLNP-UW-Z]{2}\b",
        pattern=(
            r"(?:A[BL]|B[ABDHLNRSTX]?|C[ABFHMORTVW]|D[ADEGHLNTY]|E[HNX]?|F[KY]|G[LUY]?|H[ADGPRSUX]|"
            r"I[GMPV]|JE|K[ATWY]|L[ADELNSU]?|M[EKL]?|N[EGNPRW]?|O[LX]|P[AEHLOR]|R[GHM]|S[AEGKLMNOPRSTWY]?|"
            r"T[ADFNQRSW]|UB|W[ACDFNRSV]?|YO|ZE)\d[A-Z\d]? \d[ABD-HJLNP-UW-Z]{2}"
        ),
        score=0.65,
    ),
    Rule(  # Canada
        entity="POSTCODE",
        anchor=r"\b[A-Z]\d[A-Z][ ]\d[A-Z]\d\b",
        pattern=r"[ABCEGHJ-NPR-TVXY]\d[ABCEGHJ-NPR-TV-Z] \d[ABCEGHJ-NPR-TV-Z]\d",
        score=0.6,
    ),
    Rule(  # a US state and its ZIP
        entity="POSTCODE",
        anchor=rf"\b(?:{_US_STATE}),?[ ]{{1,2}}\d{{5}}\b",
        pattern=rf"(?:{_US_STATE}),? {{1,2}}(?P<v>\d{{5}}(?:-\d{{4}})?)",
        score=0.6,
    ),
    Rule(  # 00-001 Warszawa
        entity="POSTCODE",
        anchor=r"\b\d{2}-\d{3}[ ][A-Z\xc3\xc4\xc5]",
        pattern=rf"(?<![\d-])(?P<v>\d{{2}}-\d{{3}}) {_CAPITAL}[^\W\d_A-Z]{{2}}",
        score=0.6,
        bounded=False,
    ),
    Rule(  # 1012 AB Amsterdam
        entity="POSTCODE",
        anchor=r"\b[1-9]\d{3}[ ]?[A-Z]{2}[ ]{1,2}[A-Z]",
        pattern=rf"(?<![\w-])(?P<v>[1-9]\d{{3}} ?[A-Z]{{2}})\s{{1,2}}{_CAPITAL}[a-z]",
        score=0.55,
        bounded=False,
    ),
    Rule(  # five digits that follow a house number and precede a town
        entity="POSTCODE",
        anchor=r"\d[^\n]{0,12}[,.;\-][ ]{1,2}(?:[A-Z]{1,2}-)?\d{5}[ ][A-Z\xc3]",
        pattern=rf"\d[^\n]{{0,14}}?[,.;\-] {{1,2}}(?:[A-Z]{{1,2}}-)?(?P<v>\d{{5}}) {_CAPITAL}[^\W\d_A-Z]{{2}}",
        score=0.55,
        bounded=False,
    ),
)
