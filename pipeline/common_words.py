"""Words that are names as well as ordinary words: found once, they say little about the next one."""

_WORDS = """
able about above access account action actor address admin after again agent alert alpha amber angel answer
anyone apple april archer assistant august author autumn back baker bank banks base bath beach bear bell
best bill bird black block blue board body book boots boss bowl box branch bread bridge bright brook brooks
brown bush business butcher butler buyer call card care carter case cash center chamber chance chase chat
chief child christian church city clark class clay clerk client close cloud coach coal code cold cole
college come company contact content cook cooper copper corporal cost country county court crane cream
credit crew cross crystal customer daily daisy dale data date dawn day deal dean dear december delta destiny
developer device diamond direct director district doctor doe dollar door dove down drake draw drew drive
driver duke dusk each earl east easy echo edge elder email ember error even ever every fair faith falcon
false family farmer father february field file find finger fire first fish fisher flint flower force ford
forest form forward foster fox frank free french friday friend frost function future gable game garden
gardener gene general gift ginger give glass global gold good grace grant grass gray green grey ground group
grove guard guest guide hall hand happy harbor hard harmony harper have haven hawk hazel head heart heath
heaven help here hill hills home honey honor hood hook hope hotel house hunt hunter iris iron item january
jasper jewel john journey joy judge july june junior just justice keen keep kelvin king kite knight know
lady lake lamb lance land lane large lark last laurel lead leader legal less level liberty life light like
lily line list little local long lord love made mail main major make manager many march mark market marsh
martin mason master matter max maximum may mean melody member mercy message meta metal miles mill miller
mint mobile model monday money month moon more morning moss most mother much murphy music must myrtle name
near need never new news nice night noble none noon north note nova november object ocean october office
olive only opal open oracle orange order other over owner page paid palm paris parish park parker parson
part pass password patience patient payment peace peak pearl penny people person phone pierce pike place
plain plan point poll pond pool pope porter post potter power present price priest prince print product
profile prompt purple quick quill rain rainbow ranger raven reading real record reed refund region rich
river rivers road robin rock role roman rose royal ruby rush rusty sage sailor sale sales same sandy
saturday savage scarlet school scott sea seal season secret self senior september sergeant serial service
sharp shell shepherd sheriff shipping shop short silver simple singer skinner sky skye slack small smart
smith snow solid some song south spring square stack staff stage star start state steel stein sterling stone
store storm street string strong subject sugar summer summit sunday support swan sweet swift system table
tailor take talent tanner target task taylor teacher team temple test text thank thanks that them then there
they thing this thomas thursday ticket time title today token tomorrow tool total tower town trace travel
tree trinity true trust tuesday turner type under unique unit upper user valley value veil very victor
victory view violet virginia virgo visa walker wall ward warden warm water waters weaver web wednesday week
well wells west wheeler when white will willow wind winter wise wolf woman wood woods word work world worth
wren write year yellow york young your zone zoom
"""

_IN_OTHER_LANGUAGES = """
klein groß gross lang kurz schwarz weiß weiss braun rot roth grün jung alt neu stark stolz ernst fuchs hahn vogel
busch berg bach wald see hof haus horn kraft licht sommer herbst sonntag montag kaiser könig graf herzog richter
schäfer bauer koch jäger engel herz heide blume kern sauer lieb reich wild frei gut ritter keller brand sturm hammer
petit grand blanc blanche brun noir roux rose claire pierre fleur violette colombe aurore aimé désiré constant juste
reine roi comte duc marchand boucher boulanger berger fontaine rivière marais bois montagne roche loup poisson moulin
maison pont noël chevalier bon bonne léger fort gros court bel beau prudence
rosa blanca blanco luz sol mar paz cruz flor pilar dolores mercedes remedios consuelo esperanza soledad gloria victoria
concepción rocío nieves alba estrella ángel salvador león delgado moreno rubio bravo calvo rojo pardo gallo toro vaca
herrero pastor guerrero caballero conde duque rey reyes campo campos castillo torre torres prado cano bueno
bianca bianco nero grande grasso basso bello costa riva villa fontana leone lupo fiore gentile monti valle ponte
marino amato sereno serena felice vita gioia grazia stella luna viola margherita gemma perla luce fede speranza
vittoria chiara pace santo conti serra bruno
branco preto pinto ramos rocha coelho lobo leão cordeiro galo pires leite machado vale fonte fontes rios neves graça
glória esperança vitória estrela anjo santos reis rei guerra alegria bela bom valente nobre rico amado querido natal
jong groot wit zwart bruin rood groen bakker slager kok boer koning keizer graaf prins ridder meester herder schipper
timmerman vos haan leeuw beer bos dijk meer beek duin veld huis kamp brug poort molen zomer lente roos bloem linde
mooi sterk rijk vrij goed wijs hart
mróz zima lato wiosna kot lis wilk zając gołąb wróbel sroka kruk słowik szpak baran sowa żuk mucha pająk kowal krawiec
król dudek gruszka wiśnia malina róża kalina jagoda dąb sosna biały czarny mały wesoły cichy niedziela piątek sobota
kłos koza bąk wiara nadzieja góra kapusta groch
"""

COMMON_WORDS = frozenset(f"{_WORDS} {_IN_OTHER_LANGUAGES}".split())
