"""Religion, political opinion and sexual orientation (GDPR Art. 9), in eight languages."""

import re

from pipeline.detection.gazetteer import Judge, listed, word_rule
from pipeline.detection.labels import labelled_rule
from pipeline.detection.rules import Rule

_RELIGIONS = listed("""
muslim muslims moslem islam islamic christian christians christianity jew jews jewish judaism hindu hindus hinduism
sikh sikhs sikhism buddhist buddhists buddhism catholic catholics catholicism roman_catholic protestant protestants
anglican anglicans lutheran lutherans calvinist methodist methodists baptist baptists presbyterian presbyterians
pentecostal evangelical evangelicals mormon mormons quaker quakers jehovah's_witness jehovah's_witnesses
seventh-day_adventist greek_orthodox russian_orthodox eastern_orthodox orthodox_christian orthodox_jew coptic copt
copts shia shias shiite shiites sunni sunnis sufi ahmadi ismaili alevi yazidi druze zoroastrian bahai taoist
taoism confucian shinto jain jains jainism rastafarian scientologist wiccan pagan atheist atheists atheism agnostic
agnostics unitarian amish hasidic muslima muslime moslemisch muslimisch christlich christin jüdisch jüdin katholisch
katholik katholikin evangelisch protestantisch buddhistisch hinduistisch atheistin konfessionslos musulman musulmane
musulmans chrétien chrétienne juif juive juifs catholique protestante bouddhiste hindoue athée témoin_de_jéhovah
musulmán musulmana cristiano cristiana judío judía católico católica budista hinduista ateo atea testigo_de_jehová
musulmano musulmana cristiana ebreo ebrea cattolico cattolica buddista induista testimone_di_geova muçulmano muçulmana
cristão cristã judeu judia católica hindu ateu testemunha_de_jeová evangélico evangélica moslim moslima christen joods
joodse katholiek protestants boeddhist hindoeïstisch atheïst muzułmanin muzułmanka chrześcijanin chrześcijanka żyd
żydówka katolik katoliczka prawosławny protestant buddysta ateista ateistka świadek_jehowy
""")
# Words with other uses, and given names: counted only when said of a person.
_RELIGION_HOMOGRAPHS = frozenset(
    [
        "christian",
        "christen",
        "cristiano",
        "cristiana",
        "christin",
        "jain",
        "pagan",
        "evangelical",
        "agnostic",
        "baptist",
        "evangelisch",
        "quaker",
        "coptic",
        "unitarian",
        "juive",
        "copt",
        "islam",
        "islamic",
    ]
)

_POLITICS = listed("""
democrat democrats republican republicans communist communists socialist socialists conservative conservatives liberal
liberals libertarian libertarians anarchist anarchists fascist marxist trotskyist leftist far-right far-left
right-wing left-wing social_democrat social_democrats tory tories labour_voter nationalist monarchist feminist
populist kommunist kommunistin sozialdemokrat sozialdemokratin sozialist christdemokrat anarchistin rechtsextrem
linksextrem communiste socialiste conservateur conservatrice anarchiste gaulliste monarchiste comunista comunistas
socialista socialistas conservador conservadora anarquista independentista peronista conservatore leghista anarchico
monarchico socialdemocratico sociaal-democraat liberaal communistisch socialistisch komunista komunistka socjalista
socjaldemokrata konserwatysta anarchista narodowiec liberał
""")
_POLITICS_HOMOGRAPHS = frozenset(
    [
        "conservative",
        "conservatives",
        "liberal",
        "liberals",
        "republican",
        "republicans",
        "democrat",
        "democrats",
        "far-right",
        "far-left",
        "right-wing",
        "left-wing",
        "feminist",
        "tory",
        "liberaal",
        "conservador",
        "conservadora",
        "conservatore",
        "conservateur",
        "conservatrice",
        "populist",
        "nationalist",
        "fascist",
        "leftist",
        "socialist",
        "communist",
        "socialista",
        "comunista",
    ]
)

_ORIENTATIONS = listed("""
gay gays lesbian lesbians bisexual bisexuals homosexual homosexuals homosexuality heterosexual heterosexuals
transgender transsexual transsexuals asexual pansexual demisexual queer lgbt lgbtq lgbtqia non-binary nonbinary
genderqueer genderfluid intersex transwoman transman trans_woman trans_man cisgender same-sex schwul schwuler lesbisch
lesbe bisexuell homosexuell heterosexuell transsexuell asexuell nichtbinär lesbienne bisexuel bisexuelle homosexuel
homosexuelle hétérosexuel hétérosexuelle transgenre asexuel lesbiana homosexuales heterosexual transexual bisexuales
gais lesbica bisessuale omosessuale omosessuali eterosessuale transessuale transgender lésbica homossexual
homossexuais heterossexual bissexual transexual homoseksueel heteroseksueel biseksueel lesbiennes transgenderpersoon
gej homoseksualny homoseksualista heteroseksualny biseksualny lesbijka transpłciowy
""")

_OF_A_PERSON_BEFORE = re.compile(
    r"(?i)(?:\b(?:i am|i'm|we are|he is|he's|she is|she's|they are|is|are|was|as|were|being|raised|"
    r"practi[cs]ing|devout|"
    r"proud(?:ly)?|identif(?:y|ies) as|openly|registered|lifelong|converted to|voted?|votes|ich bin|ist|je suis|est|"
    r"soy|es|sono|è|sou|é|ik ben|jestem|jest|religion|faith|party|affiliation)\b[\s:]{1,3}"
    r"(?:an?\s|the\s|eine?\s|une?\s|una?\s|um[a]?\s|een\s|very\s|not\s|both\s|for\s|a\spracti[cs]ing\s|"
    r"a\sdevout\s|a\sregistered\s){0,2})\Z"
)
_OF_A_PERSON_AFTER = re.compile(
    r"(?i)\s(?:man|woman|men|women|people|person|couple|famil\w{1,3}|community|faith|church|voters?|"
    r"part(?:y|ei)|politician|"
    r"activist|senator|congress\w{0,6}|candidate|supporter|member|background|beliefs?|views?|household|"
    r"girl|boy|patient|"
    r"religion|minority|student|employees?)\b"
)


def _said_of_a_person(homographs: frozenset[str], score: float) -> Judge:
    def judge(text: str, start: int, end: int) -> float:
        if text[start:end].lower() not in homographs:
            return score
        near = _OF_A_PERSON_AFTER.match(text, end) or _OF_A_PERSON_BEFORE.search(text, max(0, start - 40), start)
        return score if near else 0

    return judge


_VALUE = r"[^\W\d_]{3,24}(?:[ '’-][^\W\d_]{2,20}){0,2}"
_NOTHING = frozenset(
    ["none", "null", "true", "false", "str", "string", "unknown", "optional", "required", "and", "the", "not", "for"]
)


def _says_something(value: str) -> bool:
    return value.lower() not in _NOTHING


RULES = (
    word_rule("RELIGION", _RELIGIONS, _said_of_a_person(_RELIGION_HOMOGRAPHS, 0.65)),
    word_rule("POLITICAL_VIEW", _POLITICS, _said_of_a_person(_POLITICS_HOMOGRAPHS, 0.65)),
    word_rule("SEXUAL_ORIENTATION", _ORIENTATIONS, _said_of_a_person(frozenset({"same-sex", "queer", "asexual"}), 0.7)),
    labelled_rule(
        "RELIGION",
        (
            *(
                "religion",
                "religious affiliation",
                "denomination",
                "konfession",
                "religionszugehörigkeit",
                "confession",
            ),
            *(
                "confesión religiosa",
                "religión",
                "religione",
                "religião",
                "geloof",
                "godsdienst",
                "wyznanie",
                "religia",
            ),
        ),
        _VALUE,
        check=_says_something,
        score=0.75,
    ),
    labelled_rule(
        "POLITICAL_VIEW",
        (
            *("political affiliation", "political party", "party affiliation", "political views", "politische meinung"),
            *("parteizugehörigkeit", "opinion politique", "parti politique", "afiliación política", "ideología"),
            *(
                "partido político",
                "partito politico",
                "orientamento politico",
                "politieke voorkeur",
                "poglądy polityczne",
            ),
        ),
        _VALUE,
        check=_says_something,
        score=0.75,
    ),
    Rule(
        entity="SEXUAL_ORIENTATION",
        context=(
            *("sexual orientation", "sexuality", "sexuelle orientierung", "orientation sexuelle", "orientación sexual"),
            *("orientamento sessuale", "orientação sexual", "seksuele geaardheid", "orientacja seksualna"),
        ),
        link=r"[\"'`)*]{0,3}\s{0,2}(?:[:=]|is|ist|est|es|è|é)\s{0,2}[\"'`(*]{0,3}",
        pattern=_VALUE,
        check=_says_something,
        score=0.75,
    ),
)
