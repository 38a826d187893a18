"""Vehicles and identity documents."""

import re

from pipeline.detection.rules import Rule

_VIN_VALUES = {
    char: value
    for value, chars in enumerate(("", "AJ", "BKS", "CLT", "DMU", "ENV", "FW", "GPX", "HY", "RZ"))
    for char in chars
}
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_MRZ_WEIGHTS = (7, 3, 1)
_HAS_DIGIT = r"(?=[A-Za-z -]{0,12}\d)"


def _is_vin(value: str) -> bool:
    """Check the ninth character, which North America prescribes."""
    value = re.sub(r"[^A-Z0-9]", "", value.upper())
    if len(value) != 17 or len(set(value)) < 5:
        return False
    total = sum(
        weight * (int(char) if char.isdigit() else _VIN_VALUES.get(char, 0))
        for char, weight in zip(value, _VIN_WEIGHTS, strict=True)
    )
    return "0123456789X"[total % 11] == value[8]


def mrz_digit(field: str) -> str:
    """Give the check digit of a field by ICAO 9303."""
    total = 0
    for place, char in enumerate(field):
        value = 0 if char == "<" else int(char, 36)
        total += value * _MRZ_WEIGHTS[place % 3]
    return str(total % 10)


def _is_mrz(value: str) -> bool:
    """Check document number and birth date of whichever form the lines have."""
    lines = value.split()
    if len(lines) == 3:
        return mrz_digit(lines[0][5:14]) == lines[0][14] and mrz_digit(lines[1][:6]) == lines[1][6]
    second = lines[-1]
    return mrz_digit(second[:9]) == second[9] and mrz_digit(second[13:19]) == second[19]


RULES = (
    Rule(
        entity="VIN",
        anchor=r"\b[A-HJ-NPR-Z0-9]{17}\b",
        pattern=r"(?=[A-Z0-9]{0,14}[A-Z])(?=[A-Z0-9]{0,16}\d)[A-HJ-NPR-Z0-9]{13}\d{4}",
        check=_is_vin,
        score=0.85,
    ),
    Rule(
        entity="VIN",
        context=(
            "vin",
            "vehicle identification number",
            "vin number",
            "fahrgestellnummer",
            "fin",
            "numéro de châssis",
            "número de bastidor",
            "bastidor",
            "numero di telaio",
            "chassisnummer",
            "numer vin",
            "chassis",
        ),
        link=r"[^\n;!?]{0,32}?",
        pattern=r"(?=[A-Za-z \-]{0,20}\d)(?i:[A-HJ-NPR-Z0-9](?:[ \-]?[A-HJ-NPR-Z0-9]){16})",
        check=_is_vin,
        score=0.95,
        unchecked=0.75,
    ),
    Rule(
        entity="LICENSE_PLATE",
        context=(
            *(
                "license plate",
                "licence plate",
                "number plate",
                "plate number",
                "plate no",
                "plate",
                "registration mark",
                "registration plate",
                "vehicle registration",
                "vrm",
                "registration",
            ),
            *(
                "kennzeichen",
                "amtliches kennzeichen",
                "immatriculation",
                "plaque",
                "matrícula",
                "matricula",
                "targa",
                "kenteken",
                "numer rejestracyjny",
                "nr rej",
                "rejestracyjny pojazdu",
                "tablica",
            ),
        ),
        link=(
            r"(?i:[\"'`)]{0,2}\s{0,2}(?:number|mark|no\.?|nr\.?|pojazdu|is|ist|est|es|jest|of|:|=|-|#|\|)"
            r"{0,3}\s{0,3}[\"'(]{0,2})"
        ),
        pattern=(
            r"(?=[A-Za-zÄÖÜ -]{0,8}\d)(?=[\d -]{0,8}[A-ZÄÖÜ])[A-ZÄÖÜ0-9]{1,4}[ \-·]?[A-Z0-9]{1,5}(?:[ "
            r"\-·]?[A-Z0-9]{1,4})?"
        ),
        check=lambda value: 4 <= sum(map(str.isalnum, value)) <= 9,
        score=0.75,
    ),
    Rule(
        entity="PASSPORT",
        context=(
            *(
                "passport",
                "passport number",
                "passport no",
                "reisepass",
                "reisepassnummer",
                "passeport",
                "pasaporte",
                "passaporto",
                "passaporte",
            ),
            *("paspoort", "paspoortnummer", "paszport", "paszportu", "numer paszportu", "pasport"),
        ),
        link=r"(?i:[^\n;!?\d]{0,32}?)",
        pattern=(
            rf"{_HAS_DIGIT}(?:[A-Z]{{1,3}}[ -]?)?\d(?:[ -]?\d){{5,10}}[A-Z]?|"
            rf"[CFGHJKLMNPRTVWXYZ](?=[A-Z]{{0,6}}\d)[CFGHJKLMNPRTVWXYZ0-9]{{8}}|\d{{2}}[A-Z]{{2}}\d{{5}}"
        ),
        score=0.8,
    ),
    Rule(
        entity="PASSPORT_MRZ",
        anchor=r"\bP[A-Z<][A-Z]{3}[A-Z<]{20}",
        pattern=r"P[A-Z<][A-Z]{3}[A-Z0-9<]{39}\s{1,3}[A-Z0-9<]{28}[A-Z0-9<]{14}\d\d",
        check=_is_mrz,
        score=0.99,
        unchecked=0.8,
        bounded=False,
    ),
    Rule(
        entity="PASSPORT_MRZ",
        anchor=r"\b[ACI][A-Z<][A-Z]{3}[A-Z0-9<]{9}[0-9<]",
        pattern=(
            r"[ACI][A-Z<][A-Z]{3}[A-Z0-9<]{9}\d[A-Z0-9<]{15}\s{1,3}\d{7}[MFX<]\d{7}[A-Z]{3}[A-Z0-9<]{11}\d"
            r"\s{1,3}[A-Z<]{30}"
        ),
        check=_is_mrz,
        score=0.99,
        bounded=False,
    ),
    Rule(
        entity="DRIVER_LICENSE",
        context=(
            *(
                "driver license",
                "driver's license",
                "drivers license",
                "driver’s license",
                "driving licence",
                "driver licence",
                "driving license",
                "dl number",
                "dl no",
                "license number",
                "licence number",
                "dl",
            ),
            *(
                "führerschein",
                "führerscheinnummer",
                "permis de conduire",
                "permiso de conducir",
                "carnet de conducir",
                "patente di guida",
                "patente",
                "carta de condução",
                "cnh",
                "rijbewijs",
                "rijbewijsnummer",
                "prawo jazdy",
                "prawa jazdy",
            ),
        ),
        link=r"(?i:[^\n;!?\d]{0,28}?)",
        pattern=(
            rf"{_HAS_DIGIT}(?:[A-Z]{{1,5}}\d{{6}}[A-Z0-9]{{5}}|(?:[A-Z]{{1,3}}[ -]?)?\d(?:[ \-/.]?\d)"
            rf"{{4,15}}[A-Z]{{0,2}}|[A-Z]{{2}}\d{{2}}-\d{{2}}[A-Z]{{2}}-\d{{2}}[A-Z]{{2}}|"
            rf"[A-Z]\d{{3}}-\d{{4}}-\d{{4}}|(?=[A-Z]{{0,12}}\d{{4}})[A-Z0-9]{{8,16}})"
        ),
        score=0.75,
    ),
)
