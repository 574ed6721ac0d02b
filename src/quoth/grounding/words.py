"""Words that locating treats in a way of their own: units, what carries a claim, what carries none, and look-alikes."""


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


SUSPENDED = _set("and or to nor versus vs but through as")
"""What may follow a hyphen that hangs in the air, as in 'pre- and post-training'."""

UNITS = _set("""
    m mm cm dm km nm μm pm fm um g mg kg ng pg μg ug t s ms ns ps μs us min h hr hrs d ha l ml dl cl μl ul
    b kb mb gb tb pb kib mib gib tib bit bits bps kbps mbps gbps hz khz mhz ghz thz w kw mw gw tw wh kwh mwh gwh
    j kj mj gj v mv kv ma μa ω kω mω pa kpa mpa gpa hpa bar mbar k c f n kn mol mmol μmol nmol
    px dpi ppi ppm ppb fps rpm db ev kev mev gev tev cal kcal lx sv msv gy bp kbp mbp ci
    """)
"""Units in lower case: white space between a number and its unit means nothing."""

AMBIGUOUS_UNITS = _set("""
    m mm pm g mg pg t s ms ps h b kb mb gb tb pb kbps mbps gbps mhz w mw mwh mj mv ma mω pa mpa k c f mev msv mbp
    """)
"""Units of which the case makes another one (mW and MW, Mb and MB): these keep their case."""

NEGATIONS = _set("""
    not no nor neither never none nothing nobody nowhere without cannot cant dont doesnt didnt isnt arent wasnt werent
    wont wouldnt couldnt shouldnt hardly scarcely barely unless except
    """)

_DENIALS = _set("""
    seldom rarely excluding fail fails failed failing failure lack lacks lacked lacking absent absence unable instead
    neglect neglects neglected non
    """)

COMPARISONS = _set("""
    more less fewer higher lower greater smaller larger bigger better worse longer shorter above below under over
    than least most best worst highest lowest largest smallest greatest fewest lesser
    faster slower stronger weaker
    """)

_COMPARING = _set("""
    beyond exceed exceeds exceeded exceeding outperform outperforms outperformed outperforming surpass surpasses
    surpassed surpassing underperform underperforms underperformed superior inferior versus vs compared unlike equal
    equals earlier later deeper
    """)

NUMBER_WORDS = _set("""
    two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
    nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred hundreds thousand thousands million millions
    billion billions trillion
    zero
    """)

_QUANTIFIERS = "all some any every each both either only few several many much almost nearly about always "
_MODALS = "may might could can should would must shall will likely unlikely possibly probably perhaps "
_ORDER = "half third quarter twice double triple one once first second before after until if whether often entire"

STRICT_WORDS = NEGATIONS | COMPARISONS | NUMBER_WORDS
"""Words that match to the letter or not at all."""

CLAIM_WORDS = STRICT_WORDS | _DENIALS | _COMPARING | _set(_QUANTIFIERS + _MODALS + _ORDER)
"""Words that make another claim of a sentence when they come, go or change places with another word."""

WEIGHTY_WORDS = (STRICT_WORDS | _DENIALS | _COMPARING) - {"over", "under", "later"}
"""What an ellipsis may not leave out; 'over', 'under' and 'later' are far more often mere prepositions and adverbs."""

ARTICLES = frozenset(("a", "an", "the"))

WEIGHED_BY_ARTICLE = _set("few little most least lot number majority half same only first second one")
"""Words before which an article counts: 'few' and 'a few', 'most' and 'the most', 'a number' and 'the number'."""

IDLE = ARTICLES | _set("that also thus hence therefore moreover furthermore additionally however indeed herein")
"""Words that a careless copy drops or adds without a change of meaning."""

PREFIXES = _set("non dis mis anti over under counter semi hyper hypo intra inter pre post sub super")
"""Beginnings that make another word of the rest, so that a space after them is no slip."""

INTERVAL_WORDS = _set("range ranges interval intervals between to from in of or and by at scale values")
"""Words before which a bracket of numbers may be an interval or a noun of the sentence, rather than a citation."""

LOOK_ALIKES = _set("""
    absorb absorption accede accept access adapt adapted adaption adaptive addition adopt adopted adoption adoptive
    adsorb adsorption adverse affect affected affects afferent affluent allocation allude allusion alternate
    alternative analog analogy anion anterior approve approved ascent ascribe aspect assent assess assure averse
    aversion avert baited bated batter better biannual biennial bitter board boarder bonded border bounded brained
    bread breadth breath broad broader butane butene butter cardinal casual casually cation causal causally caution
    cellular censor centimeters central chlorate chloride chlorite cite cites click clock clone cloned close closed
    cluster clutter coarse collision collusion command commence commend comment commute commuted commuter compact
    comparable compatible competence compile compiled complement complementary complied compliment complimentary
    comply compute computed computer concave conduct conductive conduit confidant confident confine confined confirm
    confirmed confirms conform conformed conforms consent conservation conserve consist contact contacts content
    contest context contract contracts contrast contrasts conversation converse conversion convex copulation council
    counsel country county course crash crated crater create creator crush data date dates decade decease decent
    decided decision decline decode decoded dedicated deduce deduced deduction deductive defend defended deference
    define defined defuse delay delayed depend depended deploy deployed deported deprave deprive derive derived
    descent describe desert deserved dessert detect detected detest detested device devices devise devised
    devolution difference diffuse dilution discreet discrete disease dissent distal distance distant distinct
    divided dominant dominate dorsal downsampling dragged drained draining draw drawn drive driver edition effect
    effected effects efferent effluent effusion elevation elicit elude emerge emerged emigrate eminent emission
    employ employed employs enable encode encoded ensure envelop envelope equality equity estimate eternal ethane
    ethene evaluation evolution except exert expand expanded expect expected expend expended expert explicit export
    extant extend extended extensive extent exterior external extinct extrinsic facility faculty failing falling
    farmed farmer fatal feeling felling field fielded filing filling firing fitting fixture flaw flitting flow
    formal formally format former formerly founded framed friable fusion genera general generate generator generic
    genetic genotype genre germinal gradient gradual grained grater ground grounded grow growing grown growth health
    hear heard heated heath herd hole hoping hopping human humane hyperthermia hypothermia iconic illicit illusion
    immigrate imminent impact implicit imply improve improved incidence incident incidents incite induced induction
    inductive infect infected inference inferior inflect inhabit inhabited inhibit inhibited inject injected input
    inscribe insight inspect inspected install instance instant instill instinct insulin insure intact intake intend
    intended intensive intent interclass interior internal interspecific interval intimate intraclass intraspecific
    intrinsic inulin invent invented invert inverted ionic judge kilometers label labels labor later lather latter
    layer layers lead leased least leave lessen lesson letter level liable lifted limited linked location loose lose
    loss lower lowered making marine marital marked marker market marking martial martin masked masking material
    maternal matter mature maximal maximum medial median mediated mediation medical medication mental merge merged
    metal meter metered methane method mettle micrometers microseconds millimeters milliseconds miner minimal
    minimum minor mission mixture modal mode model moral morale mortal mutual nanoseconds natal nation natural
    nature negative nested neural neutral nitrate nitride nitrite normal normally novel numeral object objective
    omission ordinal organ origin original output overfitting oversampling pacific pair pairs parity parking partial
    passed past pasted patent patents patient patients perform performed personal personnel perspective phenotype
    phosphate phosphite pixel place plane planed planned plaque plate polar poor poplar popular population pore
    portion position posterior potion pounded pour power powered practice practise pray precede precision preform
    preposition prescribe presence present presented preserved prevalent prevent prevented prey primate principal
    principle private probe probed proceed productive propane propene proposition proscribe prospect prospective
    prostate prostrate protect prove proved purity quality quiet quite quota quote radial radian radiant radical
    raining random ransom rating ratio ration rational rations ratios real receive recent reduce reduced reduction
    reel reference refine refined reform reformed regent region regional register relation relative relay relayed
    relevant reliable relieve religion remote remoted remove removed report reported research resent reserved
    resister resort resorted resource respect respected respective rested restrain restrained results retrain
    retrained reversal reverse revise revised revolt revolution risible ritual river root rot round rounded rout
    route sample sampled sampler samples scale scaled scare scared scene score scored scores search seed seen
    semisupervised sensible sensitive sensor series serious server sever several severe shield signal signed simple
    simpler simply singed single singled site sites sitting slate slated slice sliced slide slides social solar
    solution sounded source spacial spatial special species specific speed stable stables staged stages starch
    staring starring state stated static stationary stationery statistic statue stature status statute steam store
    stored stores straight strain strained straining strait stream strength stricture string strong structure
    subject subjective sulfate sulfide sulfite sulphate sulphide sulphite summary summery superior supervised
    surface surfeit survey survive suspected table tables team teams tempered temporal temporary tended tender
    tensor term terminal terms terrain territory tested texted texture tired tower trail trails train trained
    training transaction transcend transect transfer transferred transform transformed transition translation
    traversal traverse treated trial trials unable underfitting undersampling united unity unsure untied upsampling
    uptake usual utility vacation valuable variable variables variance variant variation variety ventral verity
    version vested viable virtual visible visual vocation wander wandered weather weighed weighing weighted
    weighting wetted whether whole widow window windows wired wonder wondered worked world yield
    """)
"""English words that one letter turns into another word: what a reader wrote is none of them by a slip of the pen."""
