"""What somebody does for a living: after a form's label, or by the noun that ends an English or other job title."""

import re
from collections.abc import Iterable

from pipeline.detection.gazetteer import listed, word_rule
from pipeline.detection.labels import labelled_rule
from pipeline.detection.rules import Rule, Span

# Nouns that say little else than an occupation; plurals are groups, not somebody's role.
_NOUNS = listed("""
accountant actuary actor actress administrator advisor adviser adjuster analyst anesthesiologist animator
anthropologist architect archivist auditor author baker banker barber barista barrister bartender biologist bookkeeper
botanist broker builder butcher buyer cameraman cardiologist caretaker carpenter cartographer cashier caterer cfo ceo
cto coo ciso chef chemist chiropractor cinematographer cleaner clerk clinician coach colonel comedian commissioner
consultant contractor controller coordinator copywriter counselor counsellor courier curator dentist dermatologist
designer detective developer dietitian director dispatcher doctor economist editor electrician engineer epidemiologist
executive farmer firefighter fisherman florist foreman gardener geologist geophysicist goldsmith guard
hairdresser headmaster housekeeper hydrologist illustrator inspector installer instructor interpreter investigator
janitor jeweler jeweller journalist judge lawyer lecturer librarian lieutenant lifeguard locksmith machinist
magistrate manager mason masseur mathematician mechanic merchandiser meteorologist microbiologist
midwife miner musician neurologist neurosurgeon notary novelist nurse nutritionist officer oncologist optician
optometrist orthodontist orthopedist painter paralegal paramedic pathologist pediatrician pharmacist
photographer physician physicist physiologist physiotherapist pilot plumber policeman policewoman politician postman
principal producer programmer professor prosecutor psychiatrist psychologist psychotherapist publisher radiographer
radiologist realtor receptionist recruiter researcher roofer sailor salesman saleswoman scientist secretary sergeant
shepherd singer sociologist solicitor sommelier statistician stewardess stockbroker strategist superintendent
supervisor surgeon surveyor tailor teacher technician technologist telemarketer therapist toxicologist trainer
translator treasurer tutor typist undertaker underwriter upholsterer usher veterinarian videographer waiter waitress
welder woodworker zoologist arzt ärztin lehrer lehrerin ingenieur ingenieurin rechtsanwalt rechtsanwältin
steuerberater geschäftsführer geschäftsführerin krankenschwester krankenpfleger buchhalter buchhalterin verkäufer
verkäuferin sachbearbeiter sachbearbeiterin médecin infirmier infirmière avocat avocate ingénieur comptable enseignant
enseignante vendeur vendeuse directeur directrice abogado abogada médico_de_cabecera enfermero enfermera ingeniero
ingeniera contable profesora maestra albañil camionero electricista avvocato infermiere infermiera ingegnere
commercialista insegnante operaio impiegato impiegata advogado advogada enfermeiro enfermeira engenheiro engenheira
contabilista professora advocaat verpleegkundige boekhouder leraar lerares timmerman lekarz lekarka nauczyciel
nauczycielka prawnik inżynier księgowa księgowy pielęgniarka kierowca
""")
_MODIFIER = re.compile(
    r"(?:(?:[Ss]enior|[Jj]unior|[Ll]ead|[Cc]hief|[Hh]ead|[Aa]ssistant|[Aa]ssociate|[Dd]eputy|[Vv]ice|[Pp]"
    r"rincipal|[Ss]taff|[Ee]xecutive|"
    r"[Gg]eneral|[Rr]egional|[Nn]ational|[Gg]raphic|[Ss]oftware|[Hh]ardware|[Dd]ata|[Ss]ystems?|[Nn]etwork"
    r"|[Ss]ecurity|[Pp]roject|"
    r"[Pp]roduct|[Pp]rogram(?:me)?|[Oo]perations|[Ss]ales|[Mm]arketing|[Ff]inanc(?:e|ial)|[Bb]usiness|[Tt]"
    r"echnical|[Ll]egal|HR|[Hh]uman [Rr]esources|IT|"
    r"[Cc]ivil|[Mm]echanical|[Ee]lectrical|[Bb]iomedical|[Cc]hemical|[Ii]nterior|[Ff]ashion|[Vv]isual|[Rr]"
    r"egistered|[Cc]linical|"
    r"[Ss]ocial|[Ss]chool|[Hh]igh [Ss]chool|[Bb]ank|[Ii]nsurance|[Cc]laims?|[Ll]oan|[Cc]redit|[Rr]eal [Ee]"
    r"state|[Oo]ffice|[Cc]ustomer|[Ss]ervice|[Ss]upport|"
    r"[Ff]ile|[Pp]ayroll|[Bb]illing|"
    r"[Tt]ruck|"
    r"[Pp]olice|[Ff]light|[Nn]ursing|[Dd]ental|[Mm]edical|[Rr]esearch|[Pp]ublic|[Aa]ccounts?|[Tt]ax|[Ii]"
    r"nvestment|[Pp]ortfolio|[Rr]isk|[Cc]ompliance|[Qq]uality|"
    r"[Ee]nvironmental|[Aa]gricultural|[Ii]ndustrial|[Tt]raining|[Aa]dministrative|[Mm]achine|[Mm]anaging)[ ]){1,4}\Z"
)
# Said of a thing, too, or of a part of a program.
_AMBIGUOUS = listed("""
author builder buyer controller coordinator coach designer developer director dispatcher doctor editor engineer
executive guard inspector installer interpreter judge manager mechanic miner nurse officer painter pilot
principal producer programmer publisher recruiter scheduler secretary supervisor teacher trainer translator tutor
waiter analyst administrator advisor actor technician usher professor architect baker butcher mason tailor shepherd
""")
_ROLE_BEFORE = re.compile(
    r"(?i)(?:\b(?:as|is|was|am|be|become|became|the|an?|our|your|his|her|their|for|als|comme|como|come|"
    r"jako)\s(?:an?\s|the\s|eine?\s|une?\s|una?\s|um[a]?\s|een\s)?|,\s|^|\n\s*|\b(?:by|with)\s)\Z"
)
_ROLE_AFTER = re.compile(
    r"(?:\s(?:at|in|for|of|with|from|bei|chez|en|presso|na|bij|w)\s[A-Z]|\s[A-Z][a-z]+\s[A-Z]|\s?[,.\n(]|\s?$)"
)


def _job(text: str, start: int, end: int) -> Iterable[Span]:
    before = _MODIFIER.search(text, max(0, start - 64), start)
    word = text[start:end].lower()
    role = _ROLE_BEFORE.search(text, max(0, start - 16), start) and _ROLE_AFTER.match(text, end)
    if before is None and word in _AMBIGUOUS and not role:
        return ()
    begin = before.start() if before else start
    if begin and (text[begin - 1].isalnum() or text[begin - 1] in "_./-"):
        begin = start
    return ((begin, end, 0.6),)


def _nothing(_text: str, _start: int, _end: int) -> Iterable[Span]:
    return ()


def _title_rule() -> Rule:
    noun = word_rule("JOB_TITLE", _NOUNS, lambda _text, _start, _end: 0.6)
    bare = noun.find or _nothing

    def find(text: str, start: int, end: int) -> Iterable[Span]:
        return [span for begin, stop, _ in bare(text, start, end) for span in _job(text, begin, stop)]

    return Rule(entity="JOB_TITLE", anchor=noun.anchor, find=find)


RULES = (
    _title_rule(),
    labelled_rule(
        "JOB_TITLE",
        (
            *("job title", "jobtitle", "occupation", "profession", "position", "job", "role", "title", "designation"),
            *(
                "beruf",
                "berufsbezeichnung",
                "stellenbezeichnung",
                "position",
                "profession",
                "poste",
                "métier",
                "fonction",
            ),
            *(
                "profesión",
                "ocupación",
                "puesto",
                "cargo",
                "professione",
                "mansione",
                "qualifica",
                "profissão",
                "função",
            ),
            *("beroep", "functie", "functietitel", "zawód", "stanowisko", "職業", "職種"),
        ),
        r"[^\W\d_]{2,24}(?:[ /&-]{1,3}[^\W\d_]{2,24}){0,4}(?=\s{0,3}(?:[\n,;|\"'<)*]|\.?$))",
        score=0.6,
    ),
    Rule(  # "worked for Acme as a Gravel sorter"
        entity="JOB_TITLE",
        anchor=(
            r"\b(?:work(?:ed|s|ing)?|employed|position|role|hired|job|promoted|appointed)\b[^\n.;]{0,60}\b(?:as|"
            r"of)[ ](?:an? |the )?[A-Za-z]"
        ),
        pattern=(
            r"[^\n.;]{4,70}?\b(?:as|position of|role of)[ ](?:an? |the )?(?P<v>[A-Z][a-z]{2,20}(?:[ ,/&-]"
            r"{1,2}[a-z]{2,20}){0,4})(?=[,.;\n(]|$)"
        ),
        score=0.55,
        bounded=False,
    ),
)
