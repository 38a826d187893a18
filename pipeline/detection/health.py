"""Identifiers of patients, insured persons and prescribers."""

from pipeline.detection.cards import luhn
from pipeline.detection.context import NEAR_OR_NEXT_LINE
from pipeline.detection.rules import Rule

_LABEL = (
    r"(?i:[\"'`)]{0,2}\s{0,2}(?:number|num|no\.?|nr\.?|n[°º]\.?|id|code|is|was|es|est|ist|jest|de|"
    r"of|:|=|#|-|\|){0,4}\s{0,24}[\"'(]{0,2})"
)
_ID = r"(?=[A-Za-z-]{0,10}\d)(?:[A-Za-z]{1,5}[ -]?)?\d[A-Za-z0-9]{2,14}(?:-\d{2,8}){0,2}"


def _is_npi(value: str) -> bool:
    return luhn("80840" + value)


def _is_dea(value: str) -> bool:
    digits = [int(char) for char in value[2:9]]
    return (sum(digits[0:6:2]) + 2 * sum(digits[1:6:2])) % 10 == digits[6]


RULES = (
    Rule(  # a doctor's number in the register: Spain's repeats the province
        entity="MEDICAL_RECORD_NUMBER",
        context=(
            *(
                "ncol",
                "nºcol",
                "nº col",
                "núm col",
                "número de colegiado",
                "nº colegiado",
                "colegiado",
                "medical license",
            ),
            *(
                "medical license number",
                "gmc number",
                "gmc no",
                "arztnummer",
                "lanr",
                "rpps",
                "adeli",
                "big-nummer",
                "npwz",
            ),
            *("numero ordine dei medici", "cédula profissional", "numer prawa wykonywania zawodu", "pwz", "nr pwz"),
        ),
        link=_LABEL,
        pattern=r"\d{2} \d{2} ?\d{5}|\d{2}[ /-]\d{4,7}|\d{5,11}|\d{2} \d{2}(?!\d)",
        score=0.7,
    ),
    Rule(
        entity="MEDICAL_RECORD_NUMBER",
        context=(
            *(
                "mrn",
                "med rec",
                "medical rec",
                "medical record",
                "medical record number",
                "medical record no",
                "patient id",
                "patient number",
                "patient no",
                "chart number",
                "hospital number",
            ),
            *(
                "patientennummer",
                "patienten-id",
                "fallnummer",
                "numéro de dossier",
                "numéro de dossier médical",
                "dossier médical",
                "numéro de patient",
                "krankenaktennummer",
                "número de processo",
                "nr pacjenta",
                "dossiernummer",
                "identificativo paziente",
                "ipp",
                "historia clínica",
                "nhc",
                "número de historia",
                "n historia",
            ),
            *(
                "episodio",
                "cartella clinica",
                "numero paziente",
                "processo clínico",
                "patiëntnummer",
                "numer pacjenta",
                "患者id",
                "id episodio",
            ),
        ),
        link=_LABEL,
        pattern=_ID,
        score=0.8,
    ),
    Rule(entity="MEDICAL_RECORD_NUMBER", anchor=r"\bMRN[-#]?\d{4}", pattern=r"MRN[-#]?\d{4,12}", score=0.85),
    Rule(
        entity="HEALTH_PLAN_ID",
        context=(
            *(
                "health plan",
                "health plan id",
                "member id",
                "member number",
                "subscriber id",
                "insurance id",
                "policy number",
                "policy no",
                "group number",
                "beneficiary",
                "medicaid id",
            ),
            *(
                "versichertennummer",
                "krankenversichertennummer",
                "numéro de sécurité sociale",
                "número de afiliación",
                "nass",
                "tarjeta sanitaria",
                "cip",
                "cipa",
                "tessera sanitaria",
                "número de utente",
                "numer ubezpieczenia",
            ),
        ),
        link=_LABEL,
        pattern=r"(?=[A-Za-z -]{0,10}\d)(?:nhc-)?(?:[A-Z]{1,5}[ -]?)?\d{1,12}(?:[ \-/]{0,2}[A-Z0-9]{2,12}){0,4}",
        check=lambda value: sum(map(str.isdigit, value)) >= 5,
        score=0.7,
    ),
    Rule(
        entity="US_MBI",
        anchor=(
            r"\b[1-9][AC-HJKMNP-RT-Yac-hjkmnp-rt-y][AC-HJKMNP-RT-Y0-9]\d-?[AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0"
            r"-9]\d-?[AC-HJKMNP-RT-Y]{2}\d{2}\b"
        ),
        pattern=(
            r"[1-9][AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\d-?[AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\d-?[AC-HJKMN"
            r"P-RT-Y]{2}\d{2}"
        ),
        score=0.85,
    ),
    Rule(
        entity="US_NPI",
        context=("npi", "national provider", "provider identifier", "provider id", "npi number"),
        link=NEAR_OR_NEXT_LINE,
        pattern=r"[12]\d{9}|\d{10}",
        check=_is_npi,
        score=0.95,
        unchecked=0.65,
    ),
    Rule(
        entity="US_DEA",
        context=("dea", "dea number", "dea no", "dea #", "dea registration"),
        link=r"[\"'`)]{0,2}[^\n;!?\d]{0,24}?",
        pattern=r"[A-Z][A-Z9]\d{7}",
        check=_is_dea,
        score=0.95,
        unchecked=0.7,
    ),
    Rule(
        entity="US_DEA",
        anchor=r"\b[ABFGMPR][A-Z9]\d{7}\b",
        context=("dea", "prescriber", "registration", "controlled", "dr.", "doctor", "physician"),
        pattern=r"[ABFGMPR][A-Z9]\d{7}",
        check=_is_dea,
        score=0.85,
    ),
)
