"""What says something about a person by its context: birth date, age, user name, handle.

Names come from exact lists and, later, from a model behind the same `Recognizer`.
"""

from pipeline.detection.rules import Rule

_MONTH = (
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|januar|februar|märz|mai|juni|juli|okt|"
    r"dez|janv|févr|mars|avr|juin|juil|"
    r"août|déc|ene|abr|ago|dic|gen|mag|giu|lug|set|ott|fev|out|maa|mei|sty|lut|kwi|maj|cze|lip|"
    r"sie|wrz|paź|paz|lis|gru)[^\W\d_]{0,8}\.?"
)
_D = r"[0-9OoIl]"
_DATE = (
    rf"(?i:{_D}{{1,2}}\s?[./\-]\s?{_D}{{1,2}}\s?[./\-]\s?{_D}{{4}}|"
    rf"{_D}{{4}}\s?[./\-]\s?{_D}{{1,2}}\s?[./\-]\s?{_D}{{1,2}}|\d{{1,2}}[./-]\d{{1,2}}[./-]\d{{2}}|"
    rf"\d{{1,2}}(?:st|nd|rd|th|\.|º|er)?\s?(?:of\s|de\s)?{_MONTH},?\s?(?:de\s|of\s|del\s)"
    rf"?\'?{_D}{{2,4}}|{_MONTH}\s\d{{1,2}}(?:st|nd|rd|th)?,?\s{{1,2}}\d{{4}}|"
    r"\d{8}|\d{4}\s?年\s?\d{1,2}\s?月\s?\d{1,2}\s?日|(?:昭和|平成|令和|大正)\s?(?:\d{1,2}|元)年\d{1,2}月\d{1,2}日)"
)

_NOT_A_NAME = frozenset(
    [
        "none",
        "null",
        "true",
        "false",
        "name",
        "self",
        "string",
        "text",
        "varchar",
        "default",
        "admin",
        "root",
        "user",
        "users",
        "username",
        "guest",
        "anonymous",
        "system",
        "test",
        "required",
        "optional",
        "undefined",
        "unknown",
        "example",
        "your_username",
        "your-username",
        "login",
        "password",
        "email",
        "postgres",
        "optional",
    ]
)


RULES = (
    Rule(
        entity="BIOMETRIC_ID",
        context=(
            *("fingerprint id", "fingerprint template", "face template", "faceprint", "face id template"),
            *("biometric id", "biometric identifier", "biometric template", "iris scan", "iris template"),
            *("voiceprint", "voice template", "fingerabdruck-id", "biometrische kennung", "plantilla biométrica"),
            *("identifiant biométrique", "modello biometrico", "identyfikator biometryczny"),
        ),
        link=r"(?i:\s{0,2}(?:template|id|no\.?|number|is|ist|est|es|è|to|:|=|#){0,1}(?:\s{0,2}(?:id|is|:|=|#)){0,2}\s{0,2})",
        pattern=r"(?=[A-Za-z-]{0,20}\d)[A-Za-z0-9][A-Za-z0-9-]{5,63}",
        score=0.75,
    ),
    Rule(
        entity="DATE_OF_BIRTH",
        context=(
            *("date of birth", "dob", "d.o.b", "birth date", "birthdate", "birthday", "born", "born on", "bdate"),
            *(
                "geburtsdatum",
                "geboren",
                "geboren am",
                "geb",
                "date de naissance",
                "né le",
                "née le",
                "nacimiento",
                "fecha de nacimiento",
            ),
            *(
                "nacido",
                "nacida",
                "fecha nacimiento",
                "f nacimiento",
                "data di nascita",
                "nato",
                "nata",
                "nato il",
                "nata il",
                "data de nascimento",
            ),
            *(
                "nascido",
                "nascida",
                "geboortedatum",
                "geboren op",
                "data urodzenia",
                "urodzony",
                "urodzona",
                "urodzonym",
                "urodzoną",
                "ur",
                "生年月日",
            ),
        ),
        link=r"[^\d\n;!?|]{0,20}?\n?\s?",
        pattern=_DATE,
        score=0.9,
    ),
    Rule(
        entity="AGE",
        anchor=(
            r"(?i)\b\d{1,3}[ \-]?(?:years?|yrs?|y/o|yo|jahre?|ans|a\xc3\xb1os|anni|anos|jaar|lat|months?|"
            r"weeks?|meses|mesi|mois|monate?)\b"
        ),
        pattern=(
            r"(?i)(?P<v>\d{1,3})(?:[ -]?(?:years?|yrs?|months?|weeks?)[ -]old|[ -]?(?:y/o|yo)\b|[ "
            r"-]years?[ -]of[ -]age|\sjahre\salt|(?=\sjaar\soud)\sjaar|-jährig\w{0,2})"
        ),
        score=0.8,
    ),
    Rule(  # in Spanish and its neighbours the unit belongs to what is said about a person
        entity="AGE",
        anchor=r"(?i)\b\d{1,3}[ ](?:a\xc3\xb1os|meses|ans|anni|anos|lat)\b",
        pattern=r"(?i)\d{1,3}\s(?:años|meses|ans|anni|anos|lat)(?=\sde\sedad|\sd['’]âge|\sdi\set[àa]|\sde\sidade)",
        score=0.8,
    ),
    Rule(
        entity="AGE",
        context=(
            *(
                "varón de",
                "mujer de",
                "paciente de",
                "hombre de",
                "niño de",
                "niña de",
                "varón",
                "paciente varón de",
                "paciente varón",
                "mujer",
            ),
            *(
                "patient de",
                "femme de",
                "homme de",
                "âgé de",
                "âgée de",
                "edad",
                "edad de",
                "uomo di",
                "donna di",
                "paziente di",
                "idade",
            ),
        ),
        link=r"(?i:\s?[,:]?\s?(?:de|di|d'|los)?\s?)",
        pattern=r"\d{1,3}\s(?:años|meses|días|ans|mois|anni|mesi|anos)(?:\sy\s\d{1,2}\smeses)?",
        score=0.75,
    ),
    Rule(
        entity="AGE",
        context=(
            "age",
            "aged",
            "ages",
            "alter",
            "im alter von",
            "âge",
            "età",
            "leeftijd",
            "wiek",
            "w wieku",
            "i am",
            "i'm",
            "edad",
            "idade",
            "turned",
        ),
        link=r"(?i:[\"'`)]{0,2}\s{0,2}(?:is|of|ist|von|:|=|-|\(){0,2}\s{0,2}[\"'(]{0,2})",
        pattern=(
            r"\d{1,2}(?!\s?(?:%|px|ms|s\b|min|hours?|days?|hrs?|km|kg|lbs|[.,:/]\d|a\.?m|p\.?m|"
            r"and\s\w+\s(?:of|minutes)))"
        ),
        score=0.6,
        check=lambda value: 0 < int(value) < 120,
    ),
    Rule(
        entity="USERNAME",
        context=(
            *(
                "username",
                "user name",
                "user id",
                "userid",
                "login",
                "login name",
                "user",
                "logged in as",
                "benutzername",
                "benutzer",
                "nom d'utilisateur",
            ),
            *(
                "identifiant",
                "usuario",
                "nombre de usuario",
                "nome utente",
                "utente",
                "usuário",
                "gebruikersnaam",
                "nazwa użytkownika",
                "account name",
                "uid",
            ),
        ),
        link=r"[\"'`)]{0,2}\s{0,2}[:=]\s{0,2}[\"'`(]{0,2}",
        pattern=(
            r"(?=[A-Za-z._-]{2,40}[\d._-]|[a-z]{4,32}(?![\w.(\[]))[A-Za-z][A-Za-z0-9._\-]{2,39}(?<![.\-])"
            r"(?![\w(\[{]|[.][A-Za-z])"
        ),
        check=lambda value: value.lower() not in _NOT_A_NAME,
        score=0.6,
        bounded=False,
    ),
    Rule(
        entity="USERNAME",
        context=(
            "username",
            "user name",
            "login name",
            "benutzername",
            "nom d'utilisateur",
            "nome utente",
            "gebruikersnaam",
            "account name",
            "user",
            "userid",
            "user id",
            "login",
        ),
        link=r"(?i:\s(?:is|was|of|named|ist|for|id)?\s?[\"'`]?)",
        pattern=r"(?=[A-Za-z._-]{2,30}\d)[A-Za-z][A-Za-z0-9._\-]{3,39}(?<![.\-])(?![\w(\[{])",
        score=0.55,
        check=lambda value: "-" not in value,
        bounded=False,
    ),
    Rule(
        entity="SOCIAL_HANDLE",
        context=(
            "twitter",
            "instagram",
            "insta",
            "tiktok",
            "telegram",
            "github",
            "handle",
            "mastodon",
            "snapchat",
            "linkedin",
            "threads",
            "discord",
            "follow",
            "ig",
            "dm",
        ),
        link=r"[^\n@]{0,24}?(?<![\w.])",
        pattern=r"@[A-Za-z0-9_][A-Za-z0-9_.]{1,29}(?<!\.)(?!\w|/)",
        score=0.65,
        bounded=False,
    ),
)
