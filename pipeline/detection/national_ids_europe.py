"""Numbers by which the states of Europe know people and companies, checked by python-stdnum.

A number that is only digits needs its name in front of it; one with letters or a
form of its own stands alone. Where the name is a word that means nothing else, a
number whose check digit fails counts as well, with a lower score: people mistype.
"""

from stdnum.at import vnr
from stdnum.be import nn
from stdnum.bg import egn
from stdnum.ch import ssn as ch_ssn
from stdnum.cz import rc
from stdnum.de import idnr
from stdnum.dk import cpr
from stdnum.es import dni as es_dni
from stdnum.es import nie
from stdnum.eu import vat
from stdnum.fi import hetu
from stdnum.fr import nir
from stdnum.gb import nhs, utr
from stdnum.ie import pps
from stdnum.it import codicefiscale
from stdnum.nl import bsn
from stdnum.no import fodselsnummer
from stdnum.pl import nip, pesel
from stdnum.pt import nif
from stdnum.ro import cnp
from stdnum.se import personnummer

from pipeline.detection.national_checks import (
    british_nino,
    german_id_card,
    polish_regon,
    valid,
)
from pipeline.detection.national_forms import named, shaped
from pipeline.detection.rules import Rule

_EU_VAT = (
    r"ATU\d{8}|BE[01]\d{9}|BG\d{9,10}|CY\d{8}[A-Z]|CZ\d{8,10}|DE\d{9}|DK\d{8}|E[EL]\d{9}|"
    r"ES[A-Z0-9]\d{7}[A-Z0-9]|FI\d{8}|"
    r"FR[A-Z0-9]{2}\d{9}|HR\d{11}|HU\d{8}|IE\d[A-Z0-9+]\d{5}[A-Z]{1,2}|IT\d{11}|LT\d{9}|LT\d{12}|"
    r"LU\d{8}|LV\d{11}|MT\d{8}|"
    r"NL\d{9}B\d{2}|PL\d{10}|PT\d{9}|RO\d{6,10}|S[EI]\d{8}|SE\d{12}|SK\d{10}"
)


def _digits(count: int) -> str:
    """Digits with single separators anywhere, also wrapped, and O and l for 0 and 1 as OCR has them."""
    return rf"\d(?:[ .\-/\n]?[0-9OolI]){{{count - 1}}}"


RULES: tuple[Rule, ...] = (
    # Great Britain and Ireland
    shaped(
        "UK_NINO",
        r"(?i)\b[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][ ]?\d{2}[ ]?\d{2}[ ]?\d{2}[ ]?[A-D]\b",
        r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]",
        british_nino,
        0.8,
    ),
    named(
        "UK_NINO",
        "nino,national insurance,ni number,national insurance number,ni no",
        r"[A-Za-z]{2}[ -]?\d{2}[ -]?\d{2}[ -]?\d{2}[ -]?[A-Da-d]",
        british_nino,
    ),
    named("UK_NHS", "nhs,nhs number,nhs no", r"\d{3}[ -]?\d{3}[ -]?\d{4}", valid(nhs)),
    named("UK_UTR", "utr,unique taxpayer reference,unique tax reference", r"\d{5}[ -]?\d{5}K?", valid(utr)),
    named("IE_PPS", "pps,ppsn,pps number,pps no,personal public service", r"\d{7}[A-Wa-w][A-IWa-iw]?", valid(pps)),
    shaped("IE_PPS", r"\b\d{7}[A-W][A-IW]\b", r"\d{7}[A-W][A-IW]", valid(pps), 0.7),
    # German-speaking countries
    named(
        "DE_STEUER_ID",
        "steuer-id,steuerid,steueridentifikationsnummer,steuerliche "
        "identifikationsnummer,idnr,tin,steuer id,steuernummer,steuer-idnr,tax id",
        r"\d{2}[ ]?\d{3}[ ]?\d{3}[ ]?\d{3}",
        valid(idnr),
        unchecked=0.6,
    ),
    named(
        "DE_PERSONALAUSWEIS",
        "personalausweis,personalausweisnummer,ausweisnummer,ausweis-nr,ausweis nr,perso",
        r"[CFGHJKLMNPRTVWXYZ](?=[A-Z]{0,7}\d)[CFGHJKLMNPRTVWXYZ0-9]{8}\d?|T\d{8}",
        german_id_card,
        unchecked=0.65,
    ),
    shaped("CH_AHV", r"\b756[. ]?\d{4}[. ]?\d{4}[. ]?\d{2}\b", r"756([. ]?)\d{4}\1\d{4}\1\d{2}", valid(ch_ssn)),
    named("CH_AHV", "ahv,ahv-nr,avs,oasi,ahv nummer,numéro avs", r"756[. ]?\d{4}[. ]?\d{4}[. ]?\d{2}", valid(ch_ssn)),
    named(
        "AT_SVNR", "svnr,sv-nummer,sozialversicherungsnummer,sv nr,versicherungsnummer", r"\d{4}[ -]?\d{6}", valid(vnr)
    ),
    # France, Benelux
    shaped(
        "FR_NIR",
        r"\b[12][ ]?\d{2}[ ]?(?:0[1-9]|1[0-2]|[2-9]\d)[ ]?(?:\d{2}|2[AB])[ ]?\d{3}[ ]?\d{3}[ ]?\d{2}\b",
        r"[12] ?\d{2} ?\d{2} ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}",
        valid(nir),
        0.85,
    ),
    named(
        "FR_NIR",
        "nir,sécurité sociale,securite sociale,numéro de sécu,insee,n° ss,carte vitale",
        r"[12][ ]?\d{2}[ ]?\d{2}[ ]?(?:\d{2}|2[AB])[ ]?\d{3}[ ]?\d{3}(?:[ ]?\d{2})?",
        valid(nir),
    ),
    named(
        "NL_BSN",
        "bsn,burgerservicenummer,sofinummer,burger service nummer",
        r"\d{4}[ .]?\d{2}[ .]?\d{3}|\d{3}[ .]\d{3}[ .]\d{3}",
        valid(bsn),
    ),
    named(
        "BE_NRN",
        "rijksregisternummer,numéro national,registre national,rijksregister,nrn,niss,insz,numéro de registre national",
        r"\d{2}[. ]?\d{2}[. ]?\d{2}[- ]?\d{3}[. ]?\d{2}",
        valid(nn),
    ),
    shaped("BE_NRN", r"\b\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}\b", r"\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}", valid(nn), 0.95),
    # Southern Europe
    shaped(
        "ES_DNI_NIE",
        r"(?i)\b(?:\d{8}[ -]?[A-HJ-NP-TV-Z]|[XYZ][ -]?\d{7}[ -]?[A-HJ-NP-TV-Z])\b",
        r"\d{8}[ -]?[A-HJ-NP-TV-Z]|[XYZ][ -]?\d{7}[ -]?[A-HJ-NP-TV-Z]",
        lambda value: valid(es_dni)(value) or valid(nie)(value),
        0.8,
    ),
    named(
        "ES_DNI_NIE",
        "dni,nie,nif,documento nacional,número de identidad",
        r"\d{2}\.?\d{3}\.?\d{3}[ -]?[A-Za-z]|[XYZ][ -]?\d{7}[ -]?[A-Z]",
        lambda value: valid(es_dni)(value) or valid(nie)(value),
    ),
    # Spain's social security number has no entity of its own in the catalogue.
    named(
        "ES_DNI_NIE",
        "nass,número de la seguridad social,seguridad social,naf",
        r"\d{2}[ /\-]{0,2}\d{2,10}(?:[ /\-]{0,2}\d{1,2})?(?:[ /\-]{0,2}\d{1,2})?",
        None,
    ),
    shaped(
        "IT_CODICE_FISCALE",
        r"(?i)\b[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]\b",
        r"(?i:[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z])",
        valid(codicefiscale),
        0.95,
    ),
    named(
        "IT_CODICE_FISCALE",
        "codice fiscale,cod fisc,c.f,cf",
        r"(?i:[A-Z]{6}\d{2}[A-Z]\d{2}[A-Z]\d{3}[A-Z])",
        valid(codicefiscale),
        unchecked=0.8,
    ),
    named(
        "PT_NIF",
        "nif,contribuinte,número de contribuinte,número de identificação fiscal",
        r"[1-35689]\d{2}[ .]?\d{3}[ .]?\d{3}",
        valid(nif),
        unchecked=0.0,
    ),
    # Poland, Czechia, Romania, Bulgaria
    named("PL_PESEL", "pesel,numer pesel,nr pesel", _digits(11), valid(pesel), unchecked=0.8),
    named(
        "PL_NIP", "nip,numer identyfikacji podatkowej,nr nip", rf"(?:PL ?)?{_digits(10)}", valid(nip), unchecked=0.75
    ),
    # Poland's company number has no entity of its own in the catalogue.
    named("PL_NIP", "regon,nr regon,numer regon", rf"{_digits(14)}|{_digits(9)}", polish_regon, unchecked=0.75),
    named("CZ_RC", "rodné číslo,rodne cislo,r.č,rč", r"\d{6}/?\d{3,4}", valid(rc)),
    shaped("CZ_RC", r"\b\d{6}/\d{4}\b", r"\d{2}(?:[05]\d|[1267][0-2])(?:0[1-9]|[12]\d|3[01])/\d{4}", valid(rc), 0.65),
    named("RO_CNP", "cnp,cod numeric personal", r"[1-9]\d{12}", valid(cnp)),
    named("BG_EGN", "egn,егн,единен граждански номер", r"\d{10}", valid(egn)),
    # Nordic countries
    named(
        "SE_PERSONNUMMER",
        "personnummer,personnr,pnr,samordningsnummer,svenskt personnummer",
        r"(?:\d{2})?\d{6}[-+ ]?\d{4}",
        valid(personnummer),
    ),
    shaped(
        "SE_PERSONNUMMER",
        r"\b(?:19|20)?\d{6}[-+]\d{4}\b",
        r"(?<!-)(?:19|20)?\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[-+]\d{4}(?!-)",
        valid(personnummer),
        0.6,
    ),
    named(
        "NO_FNR",
        "fødselsnummer,fodselsnummer,fnr,personnummer,norsk personnummer",
        r"\d{6}[ -]?\d{5}",
        valid(fodselsnummer),
        unchecked=0.6,
    ),
    named("DK_CPR", "cpr,cpr-nummer,cpr nummer,personnummer", r"\d{6}[- ]?\d{4}", valid(cpr), unchecked=0.6),
    shaped(
        "FI_HETU",
        r"(?i)\b\d{6}[-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y]\b",
        r"\d{6}[-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y]",
        valid(hetu),
        0.9,
    ),
    named("FI_HETU", "hetu,henkilötunnus,henkilotunnus", r"\d{6}[-+A-FU-Y]\d{3}[0-9A-Y]", valid(hetu)),
    shaped("EU_VAT", rf"\b(?:{_EU_VAT})\b", _EU_VAT, valid(vat), 0.75),
    named(
        "EU_VAT",
        "vat,vat number,vat no,vat id,ust-id,ust-idnr,umsatzsteuer,tva,partita iva,p.iva,p "
        "iva,iva,btw,btw-nummer,vat reg,numer vat",
        r"[A-Z]{2} ?[A-Z0-9]{1,3}(?:[ .]?[A-Z0-9]{1,4}){2,5}",
        valid(vat),
        unchecked=0.0,
        link=r"[^\d\n;!?]{0,24}?",
    ),
    named("EU_VAT", "partita iva,p.iva,p iva", r"\d{11}", None, link=r"[^\d\n;!?]{0,16}?"),
    # identity cards that have no entity of their own: any state's, behind their name
    named(
        "DE_PERSONALAUSWEIS",
        "dowód osobisty,dowodu osobistego,dowodem osobistym,seria i numer dowodu,dowód,id "
        "card,identity card,national id",
        r"[A-Z]{3}[ -]?[0-9OolI](?:[ \-\n]?[0-9OolI]){5}",
        None,
        link=r"[^\d\n;!?]{0,24}?",
    ),
)
