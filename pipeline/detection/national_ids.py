"""Numbers by which states know people and companies, checked by python-stdnum.

A number that is only digits needs its name in front of it; one with letters or a
form of its own stands alone. Where the name is a word that means nothing else, a
number whose check digit fails counts as well, with a lower score: people mistype.
"""

from stdnum.ar import cuit, dni
from stdnum.at import vnr
from stdnum.au import abn, tfn
from stdnum.be import nn
from stdnum.bg import egn
from stdnum.br import cnpj, cpf
from stdnum.ca import bc_phn, sin
from stdnum.ch import ssn as ch_ssn
from stdnum.cl import rut
from stdnum.cn import ric
from stdnum.co import nit
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
from stdnum.il import idnr as il_idnr
from stdnum.in_ import aadhaar, pan
from stdnum.it import codicefiscale
from stdnum.jp import in_ as jp_in
from stdnum.kr import rrn
from stdnum.mx import curp, rfc
from stdnum.nl import bsn
from stdnum.no import fodselsnummer
from stdnum.nz import ird
from stdnum.pl import nip, pesel
from stdnum.pt import nif
from stdnum.ro import cnp
from stdnum.se import personnummer
from stdnum.th import pin as th_pin
from stdnum.tr import tckimlik
from stdnum.us import ein, itin, ssn
from stdnum.za import idnr as za_idnr

from pipeline.detection.national_checks import (
    australian_medicare,
    british_nino,
    german_id_card,
    ohip_or_bc,
    polish_regon,
    singapore_nric,
    valid,
)
from pipeline.detection.rules import Check, Rule

# Up to 32 characters without a digit, over a line's end: forms and wrapped text.
_LINK = r"[^\d;!?]{0,32}?"
_EU_VAT = (
    r"ATU\d{8}|BE[01]\d{9}|BG\d{9,10}|CY\d{8}[A-Z]|CZ\d{8,10}|DE\d{9}|DK\d{8}|E[EL]\d{9}|ES[A-Z0-9]\d{7}[A-Z0-9]|FI\d{8}|"
    r"FR[A-Z0-9]{2}\d{9}|HR\d{11}|HU\d{8}|IE\d[A-Z0-9+]\d{5}[A-Z]{1,2}|IT\d{11}|LT\d{9}|LT\d{12}|LU\d{8}|LV\d{11}|MT\d{8}|"
    r"NL\d{9}B\d{2}|PL\d{10}|PT\d{9}|RO\d{6,10}|S[EI]\d{8}|SE\d{12}|SK\d{10}"
)
_SEP = r"[ .\-/]?"


def _digits(count: int) -> str:
    """Digits with single separators anywhere, also wrapped, and O and l for 0 and 1 as OCR has them."""
    return rf"\d(?:[ .\-/\n]?[0-9OolI]){{{count - 1}}}"


def _named(
    entity: str, words: str, pattern: str, check: Check | None, *, unchecked: float = 0.65, link: str = _LINK
) -> Rule:
    """A number behind its name; the names are separated by commas."""
    names = tuple(word.strip() for word in words.split(","))
    return Rule(entity=entity, context=names, link=link, pattern=pattern, check=check, score=0.95, unchecked=unchecked)


def _shaped(entity: str, anchor: str, pattern: str, check: Check | None, score: float = 0.9) -> Rule:
    """A number that its form gives away."""
    return Rule(entity=entity, anchor=anchor, pattern=pattern, check=check, score=score)


RULES = (
    # --- North America
    _named(
        "US_SSN",
        "ssn,social security,social security number,social security no,ss#,soc sec,ss number,socsec",
        r"\d{3}[ \-.]?\d{2}[ \-.]?\d{4}|(?:[Xx*]{3}-[Xx*]{2}-)\d{4}",
        valid(ssn),
        unchecked=0.7,
    ),
    _shaped(
        "US_SSN",
        r"\b\d{3}-\d{2}-\d{4}\b",
        r"(?<![\d-]-)(?<!-)\d{3}-\d{2}-\d{4}(?!-)",
        lambda value: value[:3] not in ("000", "666") and value[4:6] != "00",
        0.8,
    ),
    _shaped("US_ITIN", r"\b9\d{2}-[5-9]\d-\d{4}\b", r"(?<!-)9\d{2}-[5-9]\d-\d{4}(?!-)", valid(itin), 0.95),
    _named("US_ITIN", "itin,individual taxpayer", r"9\d{2}[ -]?\d{2}[ -]?\d{4}", valid(itin)),
    _named(
        "US_EIN",
        "ein,employer identification,employer id,federal tax id,fein,tax id,tax identification,taxpayer id,taxpayer identification,tin,tax id number",
        r"\d{2}-?\d{7}",
        valid(ein),
        unchecked=0.6,
    ),
    _named(
        "CA_SIN",
        "sin,social insurance,social insurance number,numéro d'assurance sociale,nas",
        r"\d{3}[ -]?\d{3}[ -]?\d{3}",
        valid(sin),
        unchecked=0.55,
    ),
    _named(
        "CA_HEALTH_NUMBER",
        "health card,health number,ohip,phn,care card,carte santé,health card number,medicare card number ontario",
        r"\d{4}[ -]?\d{3}[ -]?\d{3}(?:[ -]?[A-Z]{2})?",
        ohip_or_bc(bc_phn),
    ),
    _shaped(
        "MX_CURP", r"\b[A-Z]{4}\d{6}[HMX][A-Z]{5}[A-Z0-9]\d\b", r"[A-Z]{4}\d{6}[HMX][A-Z]{5}[A-Z0-9]\d", valid(curp)
    ),
    _named("MX_CURP", "curp", r"[A-Z]{4}\d{6}[HMX][A-Z]{5}[A-Z0-9]\d", valid(curp), unchecked=0.75),
    _named(
        "MX_RFC",
        "rfc,registro federal",
        r"[A-ZÑ&]{3,4}[ -]?\d{6}[ -]?[A-Z0-9]{3}",
        valid(rfc),
        unchecked=0.6,
        link=r"[\"']?[\s:=#-]{0,4}(?:es\s|is\s)?[\"']?",
    ),
    _shaped(
        "MX_RFC",
        r"\b[A-Z&]{4}\d{6}[A-Z0-9]{3}\b",
        r"[A-Z&]{4}\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[A-Z0-9]{2}[0-9A]",
        valid(rfc),
        0.6,
    ),
    # --- Great Britain and Ireland
    _shaped(
        "UK_NINO",
        r"(?i)\b[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][ ]?\d{2}[ ]?\d{2}[ ]?\d{2}[ ]?[A-D]\b",
        r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]",
        british_nino,
        0.8,
    ),
    _named(
        "UK_NINO",
        "nino,national insurance,ni number,national insurance number,ni no",
        r"[A-Za-z]{2}[ -]?\d{2}[ -]?\d{2}[ -]?\d{2}[ -]?[A-Da-d]",
        british_nino,
    ),
    _named("UK_NHS", "nhs,nhs number,nhs no", r"\d{3}[ -]?\d{3}[ -]?\d{4}", valid(nhs)),
    _named("UK_UTR", "utr,unique taxpayer reference,unique tax reference", r"\d{5}[ -]?\d{5}K?", valid(utr)),
    _named("IE_PPS", "pps,ppsn,pps number,pps no,personal public service", r"\d{7}[A-Wa-w][A-IWa-iw]?", valid(pps)),
    _shaped("IE_PPS", r"\b\d{7}[A-W][A-IW]\b", r"\d{7}[A-W][A-IW]", valid(pps), 0.7),
    # --- German-speaking countries
    _named(
        "DE_STEUER_ID",
        "steuer-id,steuerid,steueridentifikationsnummer,steuerliche identifikationsnummer,idnr,tin,steuer id,steuernummer,steuer-idnr,tax id",
        r"\d{2}[ ]?\d{3}[ ]?\d{3}[ ]?\d{3}",
        valid(idnr),
        unchecked=0.6,
    ),
    _named(
        "DE_PERSONALAUSWEIS",
        "personalausweis,personalausweisnummer,ausweisnummer,ausweis-nr,ausweis nr,perso",
        r"[CFGHJKLMNPRTVWXYZ](?=[A-Z]{0,7}\d)[CFGHJKLMNPRTVWXYZ0-9]{8}\d?|T\d{8}",
        german_id_card,
        unchecked=0.65,
    ),
    _shaped("CH_AHV", r"\b756[. ]?\d{4}[. ]?\d{4}[. ]?\d{2}\b", r"756([. ]?)\d{4}\1\d{4}\1\d{2}", valid(ch_ssn)),
    _named("CH_AHV", "ahv,ahv-nr,avs,oasi,ahv nummer,numéro avs", r"756[. ]?\d{4}[. ]?\d{4}[. ]?\d{2}", valid(ch_ssn)),
    _named(
        "AT_SVNR", "svnr,sv-nummer,sozialversicherungsnummer,sv nr,versicherungsnummer", r"\d{4}[ -]?\d{6}", valid(vnr)
    ),
    # --- France, Benelux
    _shaped(
        "FR_NIR",
        r"\b[12][ ]?\d{2}[ ]?(?:0[1-9]|1[0-2]|[2-9]\d)[ ]?(?:\d{2}|2[AB])[ ]?\d{3}[ ]?\d{3}[ ]?\d{2}\b",
        r"[12] ?\d{2} ?\d{2} ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}",
        valid(nir),
        0.85,
    ),
    _named(
        "FR_NIR",
        "nir,sécurité sociale,securite sociale,numéro de sécu,insee,n° ss,carte vitale",
        r"[12][ ]?\d{2}[ ]?\d{2}[ ]?(?:\d{2}|2[AB])[ ]?\d{3}[ ]?\d{3}(?:[ ]?\d{2})?",
        valid(nir),
    ),
    _named(
        "NL_BSN",
        "bsn,burgerservicenummer,sofinummer,burger service nummer",
        r"\d{4}[ .]?\d{2}[ .]?\d{3}|\d{3}[ .]\d{3}[ .]\d{3}",
        valid(bsn),
    ),
    _named(
        "BE_NRN",
        "rijksregisternummer,numéro national,registre national,rijksregister,nrn,niss,insz,numéro de registre national",
        r"\d{2}[. ]?\d{2}[. ]?\d{2}[- ]?\d{3}[. ]?\d{2}",
        valid(nn),
    ),
    _shaped("BE_NRN", r"\b\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}\b", r"\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}", valid(nn), 0.95),
    # --- Southern Europe
    _shaped(
        "ES_DNI_NIE",
        r"(?i)\b(?:\d{8}[ -]?[A-HJ-NP-TV-Z]|[XYZ][ -]?\d{7}[ -]?[A-HJ-NP-TV-Z])\b",
        r"\d{8}[ -]?[A-HJ-NP-TV-Z]|[XYZ][ -]?\d{7}[ -]?[A-HJ-NP-TV-Z]",
        lambda value: valid(es_dni)(value) or valid(nie)(value),
        0.8,
    ),
    _named(
        "ES_DNI_NIE",
        "dni,nie,nif,documento nacional,número de identidad",
        r"\d{2}\.?\d{3}\.?\d{3}[ -]?[A-Za-z]|[XYZ][ -]?\d{7}[ -]?[A-Z]",
        lambda value: valid(es_dni)(value) or valid(nie)(value),
    ),
    # Spain's social security number has no entity of its own in the catalogue.
    _named(
        "ES_DNI_NIE",
        "nass,número de la seguridad social,seguridad social,naf",
        r"\d{2}[ /\-]{0,2}\d{2,10}(?:[ /\-]{0,2}\d{1,2})?(?:[ /\-]{0,2}\d{1,2})?",
        None,
    ),
    _shaped(
        "IT_CODICE_FISCALE",
        r"(?i)\b[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]\b",
        r"(?i:[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z])",
        valid(codicefiscale),
        0.95,
    ),
    _named(
        "IT_CODICE_FISCALE",
        "codice fiscale,cod fisc,c.f,cf",
        r"(?i:[A-Z]{6}\d{2}[A-Z]\d{2}[A-Z]\d{3}[A-Z])",
        valid(codicefiscale),
        unchecked=0.8,
    ),
    _named(
        "PT_NIF",
        "nif,contribuinte,número de contribuinte,número de identificação fiscal",
        r"[1-35689]\d{2}[ .]?\d{3}[ .]?\d{3}",
        valid(nif),
        unchecked=0.0,
    ),
    # --- Poland, Czechia, Romania, Bulgaria
    _named("PL_PESEL", "pesel,numer pesel,nr pesel", _digits(11), valid(pesel), unchecked=0.8),
    _named(
        "PL_NIP", "nip,numer identyfikacji podatkowej,nr nip", rf"(?:PL ?)?{_digits(10)}", valid(nip), unchecked=0.75
    ),
    # Poland's company number has no entity of its own in the catalogue.
    _named("PL_NIP", "regon,nr regon,numer regon", rf"{_digits(14)}|{_digits(9)}", polish_regon, unchecked=0.75),
    _named("CZ_RC", "rodné číslo,rodne cislo,r.č,rč", r"\d{6}/?\d{3,4}", valid(rc)),
    _shaped("CZ_RC", r"\b\d{6}/\d{4}\b", r"\d{2}(?:[05]\d|[1267][0-2])(?:0[1-9]|[12]\d|3[01])/\d{4}", valid(rc), 0.65),
    _named("RO_CNP", "cnp,cod numeric personal", r"[1-9]\d{12}", valid(cnp)),
    _named("BG_EGN", "egn,егн,единен граждански номер", r"\d{10}", valid(egn)),
    # --- Nordic countries
    _named(
        "SE_PERSONNUMMER",
        "personnummer,personnr,pnr,samordningsnummer,svenskt personnummer",
        r"(?:\d{2})?\d{6}[-+ ]?\d{4}",
        valid(personnummer),
    ),
    _shaped(
        "SE_PERSONNUMMER",
        r"\b(?:19|20)?\d{6}[-+]\d{4}\b",
        r"(?<!-)(?:19|20)?\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[-+]\d{4}(?!-)",
        valid(personnummer),
        0.6,
    ),
    _named(
        "NO_FNR",
        "fødselsnummer,fodselsnummer,fnr,personnummer,norsk personnummer",
        r"\d{6}[ -]?\d{5}",
        valid(fodselsnummer),
        unchecked=0.6,
    ),
    _named("DK_CPR", "cpr,cpr-nummer,cpr nummer,personnummer", r"\d{6}[- ]?\d{4}", valid(cpr), unchecked=0.6),
    _shaped(
        "FI_HETU",
        r"(?i)\b\d{6}[-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y]\b",
        r"\d{6}[-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y]",
        valid(hetu),
        0.9,
    ),
    _named("FI_HETU", "hetu,henkilötunnus,henkilotunnus", r"\d{6}[-+A-FU-Y]\d{3}[0-9A-Y]", valid(hetu)),
    _shaped("EU_VAT", rf"\b(?:{_EU_VAT})\b", _EU_VAT, valid(vat), 0.75),
    _named(
        "EU_VAT",
        "vat,vat number,vat no,vat id,ust-id,ust-idnr,umsatzsteuer,tva,partita iva,p.iva,p iva,iva,btw,btw-nummer,vat reg,numer vat",
        r"[A-Z]{2} ?[A-Z0-9]{1,3}(?:[ .]?[A-Z0-9]{1,4}){2,5}",
        valid(vat),
        unchecked=0.0,
        link=r"[^\d\n;!?]{0,24}?",
    ),
    _named("EU_VAT", "partita iva,p.iva,p iva", r"\d{11}", None, link=r"[^\d\n;!?]{0,16}?"),
    # --- Asia, Oceania
    _named(
        "IN_AADHAAR", "aadhaar,aadhar,adhaar,uidai", r"[2-9]\d{3}[ -]?\d{4}[ -]?\d{4}", valid(aadhaar), unchecked=0.7
    ),
    _shaped(
        "IN_AADHAAR",
        r"\b[2-9]\d{3}[ -]\d{4}[ -]\d{4}\b",
        r"(?<!\d[ -])[2-9]\d{3}([ -])\d{4}\1\d{4}(?![ -]?\d)",
        valid(aadhaar),
        0.6,
    ),
    _shaped(
        "IN_PAN", r"\b[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z]\b", r"[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z]", valid(pan), 0.75
    ),
    _named(
        "IN_PAN",
        "pan,pan card,pan number,permanent account number,pan no",
        r"(?=[A-Za-z]{3,12}\d)[A-Za-z]{5}\d{4}[A-Za-z]|(?=[A-Z]{4,10}\d)[A-Z0-9]{10,14}",
        valid(pan),
        link=r"[^\d\n;!?]{0,28}?",
    ),
    _named("AU_TFN", "tfn,tax file number,tax file", r"\d{3}[ -]?\d{3}[ -]?\d{2,3}", valid(tfn)),
    _named("AU_ABN", "abn,australian business number", r"\d{2}[ -]?\d{3}[ -]?\d{3}[ -]?\d{3}", valid(abn)),
    _named(
        "AU_MEDICARE",
        "medicare,medicare number,medicare no,medicare card",
        r"[2-6]\d{3}[ -]?\d{5}[ -]?\d(?:[ -/]?\d)?",
        australian_medicare,
        unchecked=0.55,
    ),
    _named("NZ_IRD", "ird,ird number,inland revenue", r"\d{2,3}[ -]?\d{3}[ -]?\d{3}", valid(ird)),
    _shaped("SG_NRIC", r"\b[STFGM]\d{7}[A-Z]\b", r"[STFGM]\d{7}[A-Z]", singapore_nric, 0.85),
    _named("SG_NRIC", "nric,fin number,singapore id", r"[STFGMstfgm]\d{7}[A-Za-z]", singapore_nric),
    _named("KR_RRN", "rrn,resident registration,주민등록번호", r"\d{6}[ -]?[1-8]\d{6}", valid(rrn)),
    _shaped(
        "KR_RRN", r"\b\d{6}-[1-8]\d{6}\b", r"\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])-[1-8]\d{6}", valid(rrn), 0.85
    ),
    _named(
        "JP_MY_NUMBER",
        "my number,mynumber,マイナンバー,個人番号,individual number",
        r"\d{4}[ -]?\d{4}[ -]?\d{4}",
        valid(jp_in),
    ),
    _shaped(
        "CN_RIC",
        r"\b[1-9]\d{5}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[0-9Xx]\b",
        r"\d{17}[0-9Xx]",
        valid(ric),
        0.9,
    ),
    _named(
        "CN_RIC",
        "身份证,身份证号,resident identity,id card number,公民身份号码",
        r"\d{17}[0-9Xx]",
        valid(ric),
        unchecked=0.7,
    ),
    _named("TH_PIN", "thai id,thai national id,เลขประจำตัวประชาชน,บัตรประชาชน", r"\d(?:[ -]?\d){12}", valid(th_pin)),
    _shaped("TH_PIN", r"\b\d-\d{4}-\d{5}-\d{2}-\d\b", r"\d-\d{4}-\d{5}-\d{2}-\d", valid(th_pin), 0.9),
    # --- Latin America
    _shaped("BR_CPF", r"\b\d{3}\.\d{3}\.\d{3}-\d{2}\b", r"\d{3}\.\d{3}\.\d{3}-\d{2}", valid(cpf), 0.95),
    _named("BR_CPF", "cpf", r"\d{3}\.?\d{3}\.?\d{3}-?\d{2}", valid(cpf)),
    _shaped("BR_CNPJ", r"\b\d{2}\.\d{3}\.\d{3}/\d{4}-\d{2}\b", r"\d{2}\.\d{3}\.\d{3}/\d{4}-\d{2}", valid(cnpj), 0.95),
    _named("BR_CNPJ", "cnpj", r"\d{2}\.?\d{3}\.?\d{3}/?\d{4}-?\d{2}", valid(cnpj)),
    _shaped("AR_DNI_CUIT", r"\b(?:2[034567]|3[034])-\d{8}-\d\b", r"\d{2}-\d{8}-\d", valid(cuit), 0.9),
    _named(
        "AR_DNI_CUIT",
        "cuit,cuil,dni",
        r"\d{2}-?\d{8}-?\d|\d{1,2}\.?\d{3}\.?\d{3}",
        lambda value: valid(cuit)(value) or valid(dni)(value),
        unchecked=0.0,
    ),
    _shaped("CL_RUT", r"(?i)\b\d{1,2}\.\d{3}\.\d{3}-[0-9K]\b", r"\d{1,2}\.\d{3}\.\d{3}-[0-9Kk]", valid(rut), 0.95),
    _named("CL_RUT", "rut,run,rol único", r"\d{1,2}\.?\d{3}\.?\d{3}-[0-9Kk]", valid(rut)),
    _named(
        "CO_NIT",
        "nit,cédula,cedula,cédula de ciudadanía",
        rf"\d{{1,3}}{_SEP}\d{{3}}{_SEP}\d{{3}}(?:-\d)?",
        valid(nit),
        unchecked=0.55,
    ),
    # --- Africa, Near East
    _named(
        "ZA_ID",
        "south african id,sa id,id number,rsa id,identity number",
        r"\d{6}[ ]?\d{4}[ ]?\d{3}",
        valid(za_idnr),
        unchecked=0.0,
    ),
    _named("TR_TCKN", "tckn,tc kimlik,t.c. kimlik,kimlik no,kimlik numarası,tc no", r"[1-9]\d{10}", valid(tckimlik)),
    _named("IL_ID", "teudat zehut,תעודת זהות,ת.ז,israeli id,mispar zehut,ת״ז", r"\d{8}-?\d", valid(il_idnr)),
    # --- identity cards that have no entity of their own: any state's, behind their name
    _named(
        "DE_PERSONALAUSWEIS",
        "dowód osobisty,dowodu osobistego,dowodem osobistym,seria i numer dowodu,dowód,id card,identity card,national id",
        r"[A-Z]{3}[ -]?[0-9OolI](?:[ \-\n]?[0-9OolI]){5}",
        None,
        link=r"[^\d\n;!?]{0,24}?",
    ),
)
