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
        own: words in place of the article, beside ``the`` and ``this``.
        link: a verb beside *be* that a quality follows.
    """

    groups: tuple[Group, ...]
    agents: tuple[Agent, ...]
    ways: str
    holders: str
    own: str
    link: str = "seem"


GENERAL = "good/bad decent/poor lovely/awful excellent/terrible wonderful/horrible"
EXTREME = {  # words that *very* does not go with
    "lovely", "awful", "excellent", "terrible", "wonderful", "horrible", "delicious", "disgusting",
}  # fmt: skip
TOPICS = {
    "food": Topic(
        (
            Group("soup curry steak", "tasty/bland delicious/disgusting hot/cold rich/greasy"),
            Group("cake sandwich pizza", "tasty/bland delicious/disgusting fresh/stale soft/dry"),
        ),
        (Agent("chef", "she", "cook"), Agent("baker", "he", "bake")),
        "well/badly carefully/carelessly",
        "restaurant pub",
        "our",
        "taste",
    ),
    "drinks": Topic(
        (
            Group("coffee tea", "tasty/bland delicious/disgusting hot/cold strong/weak"),
            Group("beer wine juice", "tasty/bland delicious/disgusting smooth/bitter fresh/stale"),
        ),
        (Agent("barista", "she", "make coffee"), Agent("bartender", "he", "mix drinks")),
        "well/badly carefully/carelessly",
        "bar pub",
        "our",
        "taste",
    ),
    "staff": Topic(
        (
            Group(
                "waiter clerk guard", "friendly/rude helpful/unhelpful polite/impolite patient/grumpy", "he"
            ),
            Group(
                "waitress manager nurse", "friendly/rude helpful/unhelpful polite/impolite kind/unkind", "she"
            ),
        ),
        (
            Agent("waiter", "he", "serve us"),
            Agent("waitress", "she", "serve us"),
            Agent("clerk", "he", "greet us"),
            Agent("manager", "she", "treat us"),
        ),
        "well/badly politely/rudely kindly/coldly",
        "hotel restaurant shop",
        "our",
        "look",
    ),
    "room": Topic(
        (
            Group("room bathroom apartment", "clean/dirty spacious/cramped quiet/noisy tidy/messy"),
            Group("bed sofa chair", "clean/dirty soft/hard comfortable/uncomfortable solid/wobbly"),
        ),
        (Agent("cleaner", "he", "work"), Agent("maid", "she", "work")),
        "well/badly carefully/carelessly quickly/slowly",
        "hotel inn",
        "our",
        "look",
    ),
    "price": Topic(
        (Group("price fee rate fare", "fair/unfair reasonable/unreasonable low/high modest/excessive"),),
        (Agent("seller", "he", "charge us"), Agent("landlady", "she", "charge us")),
        "fairly/unfairly honestly/dishonestly",
        "shop hotel market",
        "their",
        "look",
    ),
    "film": Topic(
        (
            Group("film movie comedy", "funny/boring clever/stupid exciting/dull original/predictable"),
            Group("plot scene ending", "funny/boring clever/stupid moving/silly original/predictable"),
        ),
        (Agent("actor", "he", "act"), Agent("actress", "she", "act")),
        "well/badly convincingly/unconvincingly skilfully/clumsily",
        "cinema festival",
        "her",
    ),
    "music": Topic(
        (
            Group("song album tune", "catchy/dull moving/boring lively/tedious original/predictable"),
            Group("concert show", "exciting/dull moving/boring lively/tedious loud/faint"),
        ),
        (Agent("singer", "she", "sing"), Agent("pianist", "he", "play"), Agent("drummer", "she", "play")),
        "well/badly beautifully/poorly skilfully/clumsily",
        "band club",
        "his",
        "sound",
    ),
    "travel": Topic(
        (
            Group("trip journey tour", "relaxing/stressful exciting/boring safe/dangerous cheap/expensive"),
            Group("flight ride cruise", "smooth/bumpy safe/dangerous comfortable/uncomfortable fast/slow"),
        ),
        (Agent("driver", "he", "drive"), Agent("pilot", "she", "fly"), Agent("captain", "he", "steer")),
        "well/badly safely/dangerously carefully/recklessly",
        "agency company",
        "our",
    ),
}
LOVES = "love/hate like/dislike adore/detest enjoy/despise praise/criticize"
PEOPLE = (
    "I/we/I",
    "he/they/he",
    "she/they/she",
    "my friend/my friends/he",
    "my sister/my sisters/she",
    "the guest/the guests/he",
)
TIMES = ("yesterday/today/tomorrow", "last week/this week/next week")
LUCK = ("luckily/sadly", "fortunately/unfortunately")
ADVERBS = {  # good and bad ones, before an adjective, one that a noun follows, one that is strong, and a verb
    "word": {"weak": "quite fairly/rather somewhat", "strong": "really so/very terribly"},
    "noun": {"weak": "fairly/rather", "strong": "really/very"},
    "extreme": {"weak": "quite/rather", "strong": "truly/absolutely"},
    "verb": {"weak": "quite/rather", "strong": "truly/really"},
}
ALIKE = {  # past tenses that have no rule
    "make": "made",
    "have": "had",
    "sing": "sang",
    "drive": "drove",
    "fly": "flew",
}
