"""Countries and the people of them, in eight languages (names as CLDR and ISO 3166 have them)."""

import re

from pipeline.detection.gazetteer import listed, word_rule
from pipeline.detection.labels import labelled_rule
from pipeline.detection.rules import Rule

_COUNTRIES = listed("""
afghanistan albania algeria andorra angola argentina armenia australia austria azerbaijan bahamas bahrain bangladesh
barbados belarus belgium belize benin bermuda bhutan bolivia bosnia bosnia_and_herzegovina botswana brazil brunei
bulgaria burkina_faso burundi cambodia cameroon canada cape_verde chile china colombia comoros costa_rica croatia cuba
curaçao cyprus czechia czech_republic denmark djibouti dominica dominican_republic ecuador egypt el_salvador eritrea
estonia eswatini ethiopia faroe_islands fiji finland france gabon gambia germany ghana gibraltar greece greenland
grenada guadeloupe guam guatemala guinea-bissau guyana haiti honduras hong_kong hungary iceland india indonesia iran
iraq ireland israel italy ivory_coast jamaica japan kazakhstan kenya kiribati kosovo kuwait kyrgyzstan laos latvia
lebanon lesotho liberia libya liechtenstein lithuania luxembourg macau madagascar malawi malaysia maldives malta
martinique mauritania mauritius mexico micronesia moldova monaco mongolia montenegro morocco mozambique myanmar
namibia nauru nepal netherlands new_caledonia new_zealand nicaragua nigeria north_korea north_macedonia
northern_ireland norway oman pakistan palau palestine panama papua_new_guinea paraguay peru philippines poland
portugal puerto_rico qatar romania russia russian_federation rwanda saint_lucia samoa san_marino saudi_arabia scotland
senegal serbia seychelles sierra_leone singapore slovakia slovenia solomon_islands somalia south_africa south_korea
south_sudan spain sri_lanka sudan suriname svalbard sweden switzerland syria taiwan tajikistan tanzania thailand togo
tonga trinidad_and_tobago tunisia türkiye turkmenistan tuvalu uganda ukraine united_arab_emirates united_kingdom
great_britain united_states united_states_of_america uruguay uzbekistan vanuatu vatican venezuela vietnam viet_nam
zambia zimbabwe deutschland österreich schweiz frankreich spanien italien polen niederlande belgien dänemark schweden
norwegen finnland russland türkei griechenland ungarn rumänien bulgarien kroatien serbien slowenien slowakei
tschechien irland großbritannien vereinigtes_königreich vereinigte_staaten brasilien argentinien mexiko kolumbien
ägypten marokko tunesien algerien libanon syrien irak indien südafrika südkorea neuseeland australien kanada litauen
lettland estland ukraine georgien armenien aserbaidschan bosnien albanien nordmazedonien moldau äthiopien kenia
kamerun elfenbeinküste philippinen allemagne autriche suisse espagne italie pologne pays-bas belgique danemark suède
norvège finlande russie turquie grèce hongrie roumanie bulgarie croatie serbie slovénie slovaquie tchéquie irlande
royaume-uni états-unis brésil argentine mexique colombie égypte maroc tunisie algérie liban syrie inde afrique_du_sud
corée_du_sud nouvelle-zélande australie lituanie lettonie estonie arménie sénégal cameroun côte_d'ivoire madagascar
chine japon alemania suiza francia españa italia polonia países_bajos bélgica dinamarca suecia noruega finlandia rusia
turquía grecia hungría rumanía croacia eslovenia eslovaquia irlanda reino_unido estados_unidos brasil méxico panamá
perú egipto marruecos túnez argelia líbano siria sudáfrica nueva_zelanda canadá lituania letonia ucrania japón
corea_del_sur república_dominicana filipinas haití república_checa costa_de_marfil guinea_ecuatorial arabia_saudí
germania svizzera spagna paesi_bassi belgio danimarca svezia norvegia grecia ungheria romania croazia slovenia
slovacchia irlanda regno_unito stati_uniti brasile messico egitto marocco tunisia algeria libano siria sudafrica
nuova_zelanda giappone cina lettonia ucraina filippine alemanha áustria suíça frança espanha itália polónia polônia
países_baixos holanda bélgica suécia noruega finlândia rússia turquia grécia hungria roménia romênia croácia irlanda
colômbia egito marrocos tunísia argélia síria índia áfrica_do_sul nova_zelândia austrália japão moçambique cabo_verde
ucrânia duitsland oostenrijk zwitserland frankrijk spanje italië nederland denemarken zweden noorwegen rusland
griekenland hongarije roemenië bulgarije kroatië ierland verenigd_koninkrijk verenigde_staten brazilië argentinië
marokko tunesië turkije zuid-afrika nieuw-zeeland oekraïne niemcy niemczech niemiec austria szwajcaria szwajcarii
francja francji hiszpania hiszpanii włochy włoszech polska polsce holandia holandii belgia belgii dania szwecja
szwecji norwegia norwegii finlandia rosja rosji turcja turcji grecja grecji węgry węgrzech rumunia rumunii chorwacja
chorwacji słowacja słowacji czechy czechach irlandia irlandii wielka_brytania wielkiej_brytanii stany_zjednoczone
stanach_zjednoczonych brazylia meksyk ukraina ukrainie ukrainy litwa litwie białoruś japonia chiny
""")

_DEMONYMS = listed("""
afghan afghans albanian albanians algerian algerians american americans andorran angolan angolans antiguan argentinian
argentinians argentine argentinean armenian armenians australian australians austrian austrians azerbaijani azeri
bahamian bahraini bangladeshi bangladeshis barbadian basque belarusian belarusians belgian belgians belizean
beninese bermudian bhutanese bolivian bolivians bosnian bosnians brazilian brazilians british briton britons bruneian
bulgarian bulgarians burkinabe burmese burundian cambodian cambodians cameroonian canadian canadians catalan chadian
chilean chileans chinese colombian colombians comoran congolese corsican croatian croatians cuban cubans cypriot
cypriots czech czechs dane danes danish djiboutian dominican dominicans dutch dutchman ecuadorian ecuadorians egyptian
egyptians emirati emiratis english englishman englishmen englishwoman eritrean estonian estonians ethiopian ethiopians
fijian filipino filipinos filipina finnish finns flemish french frenchman frenchwoman gabonese gambian georgian
georgians german germans ghanaian ghanaians gibraltarian greek greeks greenlander greenlandic grenadian guatemalan
guatemalans guinean guyanese haitian haitians honduran hondurans hungarian hungarians icelander icelanders icelandic
indian indians indonesian indonesians iranian iranians iraqi iraqis irish irishman irishwoman israeli israelis italian
italians ivorian jamaican jamaicans japanese jordanian jordanians kazakh kazakhs kenyan kenyans korean koreans kosovar
kurd kurds kurdish kuwaiti kuwaitis kyrgyz lao laotian latvian latvians lebanese liberian liberians libyan libyans
lithuanian lithuanians luxembourger luxembourgish macedonian macedonians malagasy malawian malaysian malaysians
maldivian malian maltese maori mauritanian mauritian mexican mexicans moldovan moldovans mongolian mongolians
montenegrin moroccan moroccans mozambican namibian nauruan nepalese nepali nicaraguan nigerian nigerians nigerien
norwegian norwegians omani omanis pakistani pakistanis palestinian palestinians panamanian panamanians paraguayan
paraguayans peruvian peruvians pole poles polish polynesian portuguese puerto_rican qatari qataris romanian romanians
russian russians rwandan rwandans salvadoran salvadoran salvadorean samoan saudi saudis scot scots scottish scotsman
senegalese serb serbs serbian serbians seychellois singaporean singaporeans slovak slovaks slovakian slovene slovenes
slovenian slovenians somali somalis spaniard spaniards spanish sri_lankan sudanese surinamese swazi swede swedes
swedish swiss syrian syrians taiwanese tajik tanzanian tanzanians thai thais tibetan togolese tongan trinidadian
tunisian tunisians turk turks turkish turkmen tuvaluan ugandan ugandans ukrainian ukrainians uruguayan uruguayans
uzbek uzbeks venezuelan venezuelans vietnamese welsh welshman yemeni yemenis zambian zambians zimbabwean zimbabweans
south_african south_africans new_zealander new_zealanders african african_american african-american afro-american
afro-caribbean hispanic hispanics latino latinos latina latinas latinx caucasian arab arabs arabic aboriginal inuit
romani gypsy native_american alaska_native pacific_islander south_asian east_asian asian-american mestizo bedouin
berber uyghur rohingya hausa yoruba igbo zulu xhosa tamil punjabi bengali pashtun hmong sami deutsche deutscher
deutschen türke türken türkin türkisch türkische türkischer polnisch polnische polnischer russisch russische
russischer französin franzose französisch französische spanier spanierin spanische italiener italienerin italienisch
italienische grieche griechin griechisch griechische syrer syrerin syrische syrischer ukrainisch ukrainische ukrainer
ukrainerin österreicher österreicherin österreichisch österreichische schweizer schweizerin rumänisch rumänische
rumäne rumänin kroatisch kroatische kroate kroatin serbisch serbische serbe serbin niederländisch niederländische
britisch britische engländer engländerin amerikaner amerikanerin amerikanisch chinesisch chinesin japanisch
vietnamesisch afghanisch irakisch iranisch kurdisch kurdische marokkanisch tunesisch nigerianisch ungarisch ungarische
bulgarisch albanisch albanische portugiesisch portugiesische indisch français française françaises allemand allemande
allemands espagnol espagnole espagnols italien italienne italiens polonais polonaise portugais portugaise anglais
anglaise anglaises belge belges suisse marocain marocaine marocains algérien algérienne algériens tunisien tunisienne
tunisiens sénégalais sénégalaise camerounais camerounaise ivoirien ivoirienne malien malienne congolais congolaise
roumain roumaine bulgare russe russes ukrainien ukrainienne turc turque libanais libanaise syrien syrienne chinois
chinoise japonais japonaise vietnamien vietnamienne américain américaine canadien canadienne brésilien brésilienne
mexicain haïtien haïtienne español española españoles españolas alemán alemana francés francesa inglés inglesa
italiano italiana italianos portugués portuguesa rumano rumana polaco polaca ruso rusa ucraniano ucraniana búlgaro
búlgara marroquí marroquíes argelino argelina senegalés senegalesa chino japonés japonesa colombiano colombiana
ecuatoriano ecuatoriana peruano peruana boliviano boliviana venezolano venezolana argentino chileno chilena mexicano
mexicana cubano cubana dominicano dominicana hondureño hondureña salvadoreño guatemalteco nicaragüense paraguayo
paraguaya uruguayo uruguaya brasileño brasileña estadounidense estadounidenses filipino pakistaní nigeriano nigeriana
gitano gitana subsahariano subsahariana tedesco tedesca francese inglese spagnolo spagnola rumeno rumena albanese
polacco polacca ucraino ucraina russo russa marocchino marocchina tunisino tunisina egiziano egiziana cinese
giapponese brasiliano brasiliana peruviano senegalese indiano português alemão alemã francês inglesa espanhol
espanhola italiano brasileiro brasileira angolano angolana moçambicano cabo-verdiano ucraniano romeno chinês
nederlandse nederlander duitse duitser franse fransman belgische belg turkse marokkaanse marokkaan surinaamse poolse
pool engelse spaanse italiaanse griekse russische oekraïense syrische polak polka polaka polki polacy niemka ukrainiec
ukrainka ukrainiec ukraińca ukraińskie ukraińskiego białorusin białorusinka rosjanin rosjanka litwin litwinka czech
czeszka słowak słowaczka niemieckie niemieckiego polskie polskiego rosyjskie wietnamczyk romska
""")

# They are words of their own, or places, when nothing says that a person is meant.
_HOMOGRAPHS = frozenset(
    [
        "pole",
        "poles",
        "pool",
        "polish",
        "dane",
        "scot",
        "belg",
        "turk",
        "turque",
        "turc",
        "malian",
        "sami",
        "lao",
        "georgian",
        "polka",
        "polski",
        "dominicana",
        "indian",
        "arabic",
        "italien",
        "suisse",
        "senegalese",
        "chino",
        "romani",
        "corsican",
        "dominican",
        "panama",
        "turkey",
        "ukraina",
        "togo",
        "cuba",
        "fiji",
        "oman",
        "jordan",
        "polaco",
        "polacco",
        "belge",
        "ruso",
        "russe",
        "russa",
    ]
)
_COUNTRY_HOMOGRAPHS = frozenset(
    [
        "palau",
        "guam",
        "samoa",
        "tonga",
        "nauru",
        "dominica",
        "grenada",
        "ukraine",
        "romania",
        "argentine",
        "liban",
        "maroc",
        "chine",
        "dania",
        "polska",
        "polonia",
        "moldau",
        "polen",
    ]
)

_LANGUAGE_BEFORE = re.compile(
    r"(?i)(?:\b(?:in|into|to|from|speaks?|spoken|speaking|fluent|translate|translated|learn|learning|study"
    r"|studying|teach(?:es|ing)?|write|written|"
    r"auf|ins|aus dem|en|al|del|in het|po|na|z|język\w{0,3}|langue|lengua|idioma|lingua|taal|sprache)\s{1,2}"
    r"(?:both |simple |plain |proper )?(?:[^\W\d_]{4,12}(?:,| and| or| und| et| y| e| i|/)\s?)?)\Z"
)
_LANGUAGE_AFTER = re.compile(
    r"(?i)\s{1,2}(?:language|version|translations?|grammar|words?|text|speakers?|speaking|subtitles|"
    r"dictionary|lessons?|"
    r"alphabet|keyboard|locale|ids?|tax|phone|accent|letters?|numerals|vocabulary|fries|toast|sprache|"
    r"übersetzung)\b|[\s-]to[\s-][A-Z]"
)


def _nationality(text: str, start: int, end: int) -> float:
    """A demonym counts, unless it names a language or is in lower case another word."""
    word = text[start:end].lower()
    if word in _HOMOGRAPHS and not text[start].isupper():
        return 0
    if _LANGUAGE_AFTER.match(text, end) or _LANGUAGE_BEFORE.search(text, max(0, start - 40), start):
        return 0
    return 0.6


def _country(text: str, start: int, end: int) -> float:
    word = text[start:end].lower()
    if len(word) < 5 or word in _COUNTRY_HOMOGRAPHS:
        return 0.6 if text[start].isupper() else 0
    return 0.6


_LABELS = (
    *(
        "nationality",
        "citizenship",
        "ethnicity",
        "ethnic origin",
        "ethnic group",
        "race",
        "citizen of",
        "country of origin",
    ),
    *("nationalität", "staatsangehörigkeit", "staatsbürgerschaft", "ethnie", "ethnische herkunft"),
    *("nationalité", "citoyenneté", "origine ethnique", "ethnicité", "nacionalidad", "ciudadanía", "etnia", "raza"),
    *("nazionalità", "cittadinanza", "origine etnica", "nacionalidade", "cidadania", "raça", "etnicidade"),
    *("nationaliteit", "staatsburgerschap", "etniciteit", "narodowość", "obywatelstwo", "pochodzenie etniczne"),
)

RULES = (
    word_rule("NATIONALITY_ETHNICITY", _DEMONYMS, _nationality),
    word_rule("CITY", _COUNTRIES, _country),
    labelled_rule(
        "NATIONALITY_ETHNICITY",
        _LABELS,
        r"[^\W\d_]{3,24}(?:[ /-][^\W\d_]{3,20}){0,2}",
        check=lambda value: (
            value.lower() not in {"none", "null", "true", "false", "str", "string", "unknown", "optional"}
        ),
        score=0.75,
    ),
    Rule(  # "paciente de raza negra", "black male"
        entity="NATIONALITY_ETHNICITY",
        context=("raza", "etnia", "raça", "of ethnic", "de race", "razza"),
        link=r"\s",
        pattern=(
            r"(?:negra|blanca|asiática|mestiza|gitana|amerindia|branca|parda|noire|blanche|bianca|nera|árabe|"
            r"caucásica)"
        ),
        score=0.75,
    ),
    Rule(
        entity="NATIONALITY_ETHNICITY",
        anchor=(
            r"(?i)\b(?:black|white|asian)\s(?:man|woman|male|female|men|women|people|person|patient|applicant|"
            r"employee|boy|girl)\b"
        ),
        pattern=(
            r"(?i)(?P<v>black|white|asian) (?:man|woman|male|female|men|women|people|person|patient|applicant|"
            r"employee|boy|girl)"
        ),
        score=0.6,
    ),
)
