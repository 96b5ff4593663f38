"""The words that `reviews` makes sentences of. A pair is ``good/bad``, or ``singular/plural``."""

from __future__ import annotations

from typing import NamedTuple


class Group(NamedTuple):
    """Things that the same words describe.

    Attributes:
        nouns: in the singular.
        qualities: pairs of adjectives.
        pronoun: of one of them.
    """

    nouns: str
    qualities: str
    pronoun: str = "it"


class Agent(NamedTuple):
    """Who does something well or badly: noun, pronoun, and what is done, its verb first."""

    noun: str
    pronoun: str
    does: str


class Topic(NamedTuple):
    """What a sentence may be about.

    Attributes:
        groups: of things.
        agents, ways: who does something, and pairs of adverbs for how.
        holders: what has such things.
        where: that things may be, with slashes between.
        own: words in place of the article, beside ``the``, ``this`` and ``that``.
        links: verbs beside *be* that a quality follows.
        timed: whether it makes sense to say when.
    """

    groups: tuple[Group, ...]
    agents: tuple[Agent, ...]
    ways: str
    holders: str
    where: str
    own: str = ""
    links: str = "seem look"
    timed: bool = True


GENERAL = (
    "good/bad decent/poor pleasant/unpleasant impressive/disappointing excellent/terrible lovely/awful "
    "wonderful/horrible"
)
EXTREME = {  # words that *very* does not go with
    "excellent", "terrible", "lovely", "awful", "wonderful", "horrible", "delicious", "disgusting",
    "gorgeous", "hideous", "hilarious", "brilliant", "dreadful",
}  # fmt: skip
TOPICS = {
    "food": Topic(
        (
            Group("cake sandwich pizza bagel", "fresh/stale tasty/bland delicious/disgusting soft/dry"),
            Group("soup curry steak stew", "tasty/bland delicious/disgusting hot/cold filling/greasy"),
            Group("meal dinner breakfast dish", "tasty/bland delicious/disgusting healthy/unhealthy"),
        ),
        (Agent("chef", "she", "cook"), Agent("baker", "he", "bake"), Agent("cook", "he", "work")),
        "well/badly carefully/carelessly quickly/slowly",
        "restaurant pub diner",
        "in this restaurant/at this diner",
        "my our",
    ),
    "drinks": Topic(
        (
            Group("coffee tea", "strong/weak fresh/stale tasty/bland hot/cold smooth/bitter"),
            Group("beer wine juice cocktail", "refreshing/watery tasty/bland smooth/bitter cheap/expensive"),
        ),
        (Agent("barista", "she", "make coffee"), Agent("bartender", "he", "mix drinks")),
        "well/badly carefully/carelessly quickly/slowly",
        "bar pub club",
        "in this bar/at this club",
        "my our",
    ),
    "staff": Topic(
        (
            Group(
                "waiter clerk receptionist guard",
                "friendly/rude helpful/unhelpful polite/impolite patient/impatient cheerful/grumpy",
                "he",
            ),
            Group(
                "waitress manager nurse guide",
                "friendly/rude helpful/unhelpful polite/impolite attentive/careless kind/unkind",
                "she",
            ),
        ),
        (
            Agent("waiter", "he", "serve us"),
            Agent("waitress", "she", "serve us"),
            Agent("clerk", "he", "greet us"),
            Agent("manager", "she", "treat us"),
        ),
        "well/badly politely/rudely kindly/coldly patiently/impatiently",
        "hotel restaurant shop",
        "in this hotel/at this place",
        "our their",
    ),
    "room": Topic(
        (
            Group(
                "room bathroom apartment kitchen",
                "clean/dirty spacious/cramped quiet/noisy bright/dark warm/cold tidy/messy",
            ),
            Group("bed sofa mattress chair", "clean/dirty comfortable/uncomfortable soft/hard solid/wobbly"),
        ),
        (Agent("cleaner", "he", "clean the room"), Agent("maid", "she", "make the bed")),
        "well/badly carefully/carelessly quickly/slowly neatly/poorly",
        "hotel inn hostel",
        "in this hotel/at this inn",
        "our their",
        links="seem look feel",
    ),
    "place": Topic(
        (
            Group(
                "hotel museum shop garden",
                "clean/dirty welcoming/unfriendly charming/shabby quiet/noisy gorgeous/hideous",
            ),
            Group("park beach square market", "clean/dirty safe/dangerous lively/dull gorgeous/hideous"),
        ),
        (Agent("owner", "she", "welcome us"), Agent("host", "he", "greet us")),
        "well/badly warmly/coldly politely/rudely kindly/grumpily",
        "town village island",
        "in this town/on this island",
        links="seem look feel",
    ),
    "price": Topic(
        (
            Group(
                "price fee rate fare",
                "fair/unfair reasonable/unreasonable low/high modest/excessive acceptable/unacceptable",
            ),
        ),
        (Agent("seller", "he", "charge us"), Agent("landlady", "she", "treat us")),
        "well/badly fairly/unfairly honestly/dishonestly",
        "shop store market",
        "in this shop/at this store",
        "their",
    ),
    "goods": Topic(
        (
            Group("jacket shirt bag", "cheap/expensive stylish/ugly sturdy/flimsy comfortable/uncomfortable"),
            Group("phone lamp camera watch", "cheap/expensive reliable/unreliable practical/useless"),
        ),
        (Agent("tailor", "he", "sew"), Agent("designer", "she", "work")),
        "well/badly carefully/carelessly quickly/slowly neatly/sloppily",
        "shop store market",
        "in this shop/at this store",
        "my her",
    ),
    "film": Topic(
        (
            Group(
                "film movie comedy thriller",
                "funny/boring exciting/dull clever/stupid original/predictable brilliant/dreadful",
            ),
            Group("plot scene ending", "funny/boring clever/stupid moving/silly original/predictable"),
        ),
        (
            Agent("actor", "he", "act"),
            Agent("actress", "she", "perform"),
            Agent("director", "she", "work"),
        ),
        "well/badly convincingly/unconvincingly skilfully/clumsily confidently/nervously",
        "cinema festival studio",
        "in this cinema/at this festival",
        "his her",
        timed=False,
    ),
    "book": Topic(
        (
            Group(
                "book novel story poem",
                "interesting/boring clever/stupid moving/shallow original/predictable readable/unreadable",
            ),
            Group("chapter essay joke", "funny/boring clever/stupid original/predictable hilarious/dreadful"),
        ),
        (
            Agent("author", "she", "write"),
            Agent("poet", "he", "write"),
            Agent("novelist", "she", "write"),
        ),
        "well/badly clearly/vaguely skilfully/clumsily vividly/stiffly",
        "library bookshop author",
        "in this library/on this list",
        "his her",
        timed=False,
    ),
    "music": Topic(
        (
            Group(
                "song album melody tune",
                "catchy/dull moving/boring soothing/annoying lively/tedious original/predictable",
            ),
            Group("concert show festival", "exciting/dull lively/tedious moving/boring brilliant/dreadful"),
        ),
        (
            Agent("singer", "she", "sing"),
            Agent("pianist", "he", "play"),
            Agent("drummer", "she", "play"),
        ),
        "well/badly beautifully/poorly skilfully/clumsily confidently/nervously",
        "band singer club",
        "in this club/on this stage",
        "his her",
        "seem sound",
    ),
    "travel": Topic(
        (
            Group(
                "trip journey tour holiday",
                "relaxing/stressful exciting/boring memorable/forgettable safe/dangerous cheap/expensive",
            ),
            Group("flight ride cruise", "smooth/bumpy safe/dangerous comfortable/uncomfortable fast/slow"),
        ),
        (
            Agent("driver", "he", "drive"),
            Agent("pilot", "she", "fly"),
            Agent("captain", "he", "steer"),
        ),
        "well/badly safely/dangerously carefully/recklessly smoothly/roughly",
        "agency company airline",
        "with this company/on this island",
        "my our",
        links="seem feel",
    ),
}
LOVES = "love/hate like/dislike adore/detest praise/criticize admire/despise"
MOODS = "happy/sad hopeful/worried glad/upset cheerful/miserable relaxed/nervous"
WHOM = "me us him her them everyone"
PEOPLE = (
    "I/we/I",
    "I/we/I",
    "he/they/he",
    "she/they/she",
    "my friend/my friends/he",
    "my sister/my sisters/she",
    "the guest/the guests/he",
    "the visitor/the visitors/she",
    "my colleague/my colleagues/she",
)
TIMES = ("yesterday/today/tomorrow", "last week/this week/next week", "last time/this time/next time")
ADVERBS = {  # before an adjective, one that a noun follows, one that is strong already, and a verb
    "word": {"weak": "quite rather fairly", "strong": "very really so", "negated": "that particularly"},
    "noun": {"weak": "rather fairly", "strong": "very really", "negated": "particularly"},
    "extreme": {"weak": "quite rather", "strong": "really absolutely truly"},
    "verb": {"weak": "rather mostly", "strong": "really truly", "negated": "particularly really"},
}
ALIKE = {  # past tenses that have no rule
    "make": "made",
    "find": "found",
    "have": "had",
    "feel": "felt",
    "write": "wrote",
    "sing": "sang",
    "drive": "drove",
    "fly": "flew",
}
