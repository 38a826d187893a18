"""Numbers by which states outside Europe know people and companies, checked by python-stdnum."""

from stdnum.ar import cuit, dni
from stdnum.au import abn, tfn
from stdnum.br import cnpj, cpf
from stdnum.ca import bc_phn, sin
from stdnum.cl import rut
from stdnum.cn import ric
from stdnum.co import nit
from stdnum.il import idnr as il_idnr
from stdnum.in_ import aadhaar, pan
from stdnum.jp import in_ as jp_in
from stdnum.kr import rrn
from stdnum.mx import curp, rfc
from stdnum.nz import ird
from stdnum.th import pin as th_pin
from stdnum.tr import tckimlik
from stdnum.us import ein, itin, ssn
from stdnum.za import idnr as za_idnr

from pipeline.detection.national_checks import (
    australian_medicare,
    ohip_or_bc,
    singapore_nric,
    valid,
)
from pipeline.detection.national_forms import named, shaped
from pipeline.detection.rules import Rule

_SEP = r"[ .\-/]?"


RULES: tuple[Rule, ...] = (
    # North America
    named(
        "US_SSN",
        "ssn,social security,social security number,social security no,ss#,soc sec,ss number,socsec",
        r"\d{3}[ \-.]?\d{2}[ \-.]?\d{4}|(?:[Xx*]{3}-[Xx*]{2}-)\d{4}",
        valid(ssn),
        unchecked=0.7,
    ),
    shaped(
        "US_SSN",
        r"\b\d{3}-\d{2}-\d{4}\b",
        r"(?<![\d-]-)(?<!-)\d{3}-\d{2}-\d{4}(?!-)",
        lambda value: value[:3] not in ("000", "666") and value[4:6] != "00",
        0.8,
    ),
    shaped("US_ITIN", r"\b9\d{2}-[5-9]\d-\d{4}\b", r"(?<!-)9\d{2}-[5-9]\d-\d{4}(?!-)", valid(itin), 0.95),
    named("US_ITIN", "itin,individual taxpayer", r"9\d{2}[ -]?\d{2}[ -]?\d{4}", valid(itin)),
    named(
        "US_EIN",
        "ein,employer identification,employer id,federal tax id,fein,tax id,tax "
        "identification,taxpayer id,taxpayer identification,tin,tax id number",
        r"\d{2}-?\d{7}",
        valid(ein),
        unchecked=0.6,
    ),
    named(
        "CA_SIN",
        "sin,social insurance,social insurance number,numéro d'assurance sociale,nas",
        r"\d{3}[ -]?\d{3}[ -]?\d{3}",
        valid(sin),
        unchecked=0.55,
    ),
    named(
        "CA_HEALTH_NUMBER",
        "health card,health number,ohip,phn,care card,carte santé,health card number,medicare card number ontario",
        r"\d{4}[ -]?\d{3}[ -]?\d{3}(?:[ -]?[A-Z]{2})?",
        ohip_or_bc(bc_phn),
    ),
    shaped(
        "MX_CURP", r"\b[A-Z]{4}\d{6}[HMX][A-Z]{5}[A-Z0-9]\d\b", r"[A-Z]{4}\d{6}[HMX][A-Z]{5}[A-Z0-9]\d", valid(curp)
    ),
    named("MX_CURP", "curp", r"[A-Z]{4}\d{6}[HMX][A-Z]{5}[A-Z0-9]\d", valid(curp), unchecked=0.75),
    named(
        "MX_RFC",
        "rfc,registro federal",
        r"[A-ZÑ&]{3,4}[ -]?\d{6}[ -]?[A-Z0-9]{3}",
        valid(rfc),
        unchecked=0.6,
        link=r"[\"']?[\s:=#-]{0,4}(?:es\s|is\s)?[\"']?",
    ),
    shaped(
        "MX_RFC",
        r"\b[A-Z&]{4}\d{6}[A-Z0-9]{3}\b",
        r"[A-Z&]{4}\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[A-Z0-9]{2}[0-9A]",
        valid(rfc),
        0.6,
    ),
    # Asia, Oceania
    named(
        "IN_AADHAAR", "aadhaar,aadhar,adhaar,uidai", r"[2-9]\d{3}[ -]?\d{4}[ -]?\d{4}", valid(aadhaar), unchecked=0.7
    ),
    shaped(
        "IN_AADHAAR",
        r"\b[2-9]\d{3}[ -]\d{4}[ -]\d{4}\b",
        r"(?<!\d[ -])[2-9]\d{3}([ -])\d{4}\1\d{4}(?![ -]?\d)",
        valid(aadhaar),
        0.6,
    ),
    shaped(
        "IN_PAN", r"\b[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z]\b", r"[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z]", valid(pan), 0.75
    ),
    named(
        "IN_PAN",
        "pan,pan card,pan number,permanent account number,pan no",
        r"(?=[A-Za-z]{3,12}\d)[A-Za-z]{5}\d{4}[A-Za-z]|(?=[A-Z]{4,10}\d)[A-Z0-9]{10,14}",
        valid(pan),
        link=r"[^\d\n;!?]{0,28}?",
    ),
    named("AU_TFN", "tfn,tax file number,tax file", r"\d{3}[ -]?\d{3}[ -]?\d{2,3}", valid(tfn)),
    named("AU_ABN", "abn,australian business number", r"\d{2}[ -]?\d{3}[ -]?\d{3}[ -]?\d{3}", valid(abn)),
    named(
        "AU_MEDICARE",
        "medicare,medicare number,medicare no,medicare card",
        r"[2-6]\d{3}[ -]?\d{5}[ -]?\d(?:[ -/]?\d)?",
        australian_medicare,
        unchecked=0.55,
    ),
    named("NZ_IRD", "ird,ird number,inland revenue", r"\d{2,3}[ -]?\d{3}[ -]?\d{3}", valid(ird)),
    shaped("SG_NRIC", r"\b[STFGM]\d{7}[A-Z]\b", r"[STFGM]\d{7}[A-Z]", singapore_nric, 0.85),
    named("SG_NRIC", "nric,fin number,singapore id", r"[STFGMstfgm]\d{7}[A-Za-z]", singapore_nric),
    named("KR_RRN", "rrn,resident registration,주민등록번호", r"\d{6}[ -]?[1-8]\d{6}", valid(rrn)),
    shaped(
        "KR_RRN", r"\b\d{6}-[1-8]\d{6}\b", r"\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])-[1-8]\d{6}", valid(rrn), 0.85
    ),
    named(
        "JP_MY_NUMBER",
        "my number,mynumber,マイナンバー,個人番号,individual number",
        r"\d{4}[ -]?\d{4}[ -]?\d{4}",
        valid(jp_in),
    ),
    shaped(
        "CN_RIC",
        r"\b[1-9]\d{5}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[0-9Xx]\b",
        r"\d{17}[0-9Xx]",
        valid(ric),
        0.9,
    ),
    named(
        "CN_RIC",
        "身份证,身份证号,resident identity,id card number,公民身份号码",
        r"\d{17}[0-9Xx]",
        valid(ric),
        unchecked=0.7,
    ),
    named("TH_PIN", "thai id,thai national id,เลขประจำตัวประชาชน,บัตรประชาชน", r"\d(?:[ -]?\d){12}", valid(th_pin)),
    shaped("TH_PIN", r"\b\d-\d{4}-\d{5}-\d{2}-\d\b", r"\d-\d{4}-\d{5}-\d{2}-\d", valid(th_pin), 0.9),
    # Latin America
    shaped("BR_CPF", r"\b\d{3}\.\d{3}\.\d{3}-\d{2}\b", r"\d{3}\.\d{3}\.\d{3}-\d{2}", valid(cpf), 0.95),
    named("BR_CPF", "cpf", r"\d{3}\.?\d{3}\.?\d{3}-?\d{2}", valid(cpf)),
    shaped("BR_CNPJ", r"\b\d{2}\.\d{3}\.\d{3}/\d{4}-\d{2}\b", r"\d{2}\.\d{3}\.\d{3}/\d{4}-\d{2}", valid(cnpj), 0.95),
    named("BR_CNPJ", "cnpj", r"\d{2}\.?\d{3}\.?\d{3}/?\d{4}-?\d{2}", valid(cnpj)),
    shaped("AR_DNI_CUIT", r"\b(?:2[034567]|3[034])-\d{8}-\d\b", r"\d{2}-\d{8}-\d", valid(cuit), 0.9),
    named(
        "AR_DNI_CUIT",
        "cuit,cuil,dni",
        r"\d{2}-?\d{8}-?\d|\d{1,2}\.?\d{3}\.?\d{3}",
        lambda value: valid(cuit)(value) or valid(dni)(value),
        unchecked=0.0,
    ),
    shaped("CL_RUT", r"(?i)\b\d{1,2}\.\d{3}\.\d{3}-[0-9K]\b", r"\d{1,2}\.\d{3}\.\d{3}-[0-9Kk]", valid(rut), 0.95),
    named("CL_RUT", "rut,run,rol único", r"\d{1,2}\.?\d{3}\.?\d{3}-[0-9Kk]", valid(rut)),
    named(
        "CO_NIT",
        "nit,cédula,cedula,cédula de ciudadanía",
        rf"\d{{1,3}}{_SEP}\d{{3}}{_SEP}\d{{3}}(?:-\d)?",
        valid(nit),
        unchecked=0.55,
    ),
    # Africa, Near East
    named(
        "ZA_ID",
        "south african id,sa id,id number,rsa id,identity number",
        r"\d{6}[ ]?\d{4}[ ]?\d{3}",
        valid(za_idnr),
        unchecked=0.0,
    ),
    named("TR_TCKN", "tckn,tc kimlik,t.c. kimlik,kimlik no,kimlik numarası,tc no", r"[1-9]\d{10}", valid(tckimlik)),
    named("IL_ID", "teudat zehut,תעודת זהות,ת.ז,israeli id,mispar zehut,ת״ז", r"\d{8}-?\d", valid(il_idnr)),
)
