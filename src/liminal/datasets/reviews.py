"""Short reviews drawn by code: English sentences of 3 to 12 words, each told in full by its factors.

- ``sentiment``: of the whole sentence, negative or positive;
- ``topic``: what it is about, one of `TOPICS`;
- ``tense``: past, present or future; ``number``: of the subject, singular or plural;
- ``strength``: weak (*quite good*), plain or strong (*very good*);
- ``negated``: whether it is said by *not*, so that *was not bad* is positive;
- ``form``: a statement, an exclamation, or a question with a tag (*wasn't it?*).

These are drawn independently of each other. The words are told by further numbers in [0, 1), each of which
points into the list that the factors leave open (`CHOICES`): the frame of the sentence, the noun, a pair of
words such as *clean* and *dirty*, of which the sentiment takes one, and so on. So there is one true sentence
for any mixture of factors, and a sentence with one factor changed keeps the words that it can keep.

Sentences begin in small letters, as they are typed, and a statement ends without a sign.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa

from ..errors import LiminalError
from ..modalities.text import Text
from ..modalities.tokens import Tokens
from . import Dataset
from .drawn import Numbered, Progress, provenance
from .remarks import (
    ADVERBS,
    ALIKE,
    EXTREME,
    GENERAL,
    LOVES,
    LUCK,
    PEOPLE,
    TIMES,
    TOPICS,
    Agent,
    Group,
    Topic,
)

VERSION = 1  # of the drawing: raise it when it changes
USUAL, MOST = 24_000, 1_000_000  # sentences
LENGTH, WIDTH = 14, 80  # tokens and bytes of a sentence, at most
FACTORS: dict[str, dict[str, float]] = {
    "sentiment": {"negative": 0.5, "positive": 0.5},
    "topic": dict.fromkeys(TOPICS, 1 / len(TOPICS)),
    "tense": {"past": 0.4, "present": 0.35, "future": 0.25},
    "number": {"singular": 0.5, "plural": 0.5},
    "strength": {"weak": 0.25, "plain": 0.4, "strong": 0.35},
    "form": {"statement": 0.7, "exclamation": 0.15, "question": 0.15},
}
NEGATED = 0.12  # share of the sentences
FRAMES = {"be": 0.5, "link": 0.08, "love": 0.2, "act": 0.14, "have": 0.08}
EXTRAS = {"none": 0.42, "when": 0.14, "luck": 0.22, "second": 0.22}  # what else there is, where it fits
CHOICES = ("frame", "extra", "noun", "which", "quality", "second", "adverb", "verb", "who", "several", "when")
Some = TypeVar("Some")


class Subject(NamedTuple):
    """Who or what does something: its words and pronoun, and whether verbs take the third person singular."""

    words: str
    pronoun: str
    third: bool


def drawn_factors(n: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Factors and choices of n sentences: by name, (n,) each, factors first."""
    random = np.random.default_rng([VERSION, seed])
    found = {name: random.choice(list(of), n, p=list(of.values())) for name, of in FACTORS.items()}
    found["negated"] = random.random(n) < NEGATED
    return found | {name: random.random(n) for name in CHOICES}


def draw(factors: Mapping[str, Any]) -> str:
    """The sentence of these factors and choices.

    Args:
        factors: by name, one sentence's of `drawn_factors`.
    """
    topic, frame = TOPICS[str(factors["topic"])], _weighted(FRAMES, factors["frame"])
    subject, verb, after = _SAYS[frame](factors, topic)
    adverb = _adverb(factors, "verb") if frame == "love" else ""
    words = [subject.words, _verb(factors, subject, verb, adverb), after]
    if factors["negated"] and factors["strength"] == "strong":
        words.append("at all")
    extra = _weighted(EXTRAS, factors["extra"])
    if extra == "when" and factors["form"] != "question":
        moments = _pick(TIMES, factors["when"]).split("/")
        moment = moments[list(FACTORS["tense"]).index(str(factors["tense"]))]
        words = [moment, *words] if factors["second"] < 0.4 else [*words, moment]
    elif extra == "luck" and factors["form"] != "question":
        good, bad = _pick(LUCK, factors["when"]).split("/")
        words = [good if factors["sentiment"] == "positive" else bad, *words]
    said = " ".join(word for word in words if word)
    if factors["form"] == "question":
        return f"{said}, {_tag(factors, subject, verb)}?"
    return said + ("!" if factors["form"] == "exclamation" else "")


# -- what is said: each gives the subject, the verb's base, and what follows it


Said = tuple[Subject, str, str]


def _thing(f: Mapping[str, Any], topic: Topic) -> tuple[Group, Subject]:
    """The thing that a sentence is about, and the group of words that it belongs to."""
    names = [(group, noun) for group in topic.groups for noun in group.nouns.split()]
    group, noun = _pick(names, f["noun"])
    plural = f["number"] == "plural"
    words = f"{_which(f, topic, plural)} {_many(noun, plural)}"
    return group, Subject(words, "they" if plural else group.pronoun, not plural)


def _be(f: Mapping[str, Any], topic: Topic) -> Said:
    group, subject = _thing(f, topic)
    return subject, "be", _described(f, group, _weighted(EXTRAS, f["extra"]) == "second")


def _link(f: Mapping[str, Any], topic: Topic) -> Said:
    group, subject = _thing(f, topic)
    return subject, topic.link, _described(f, group)


def _love(f: Mapping[str, Any], topic: Topic) -> Said:
    verb = _side(_pick(LOVES.split(), f["verb"]), f)
    return _person(f), verb, _object(f, topic)


def _act(f: Mapping[str, Any], topic: Topic) -> Said:
    agent: Agent = _pick(topic.agents, f["noun"])
    plural = f["number"] == "plural"
    words = f"{_which(f, topic, plural)} {_many(agent.noun, plural)}"
    subject = Subject(words, "they" if plural else agent.pronoun, not plural)
    way = _side(_pick(topic.ways.split(), f["quality"]), f)
    verb, _, rest = agent.does.partition(" ")
    return subject, verb, f"{rest} {_graded(f, way, 'noun')}".strip()


def _have(f: Mapping[str, Any], topic: Topic) -> Said:
    plural = f["number"] == "plural"
    words = f"{_which(f, topic, plural)} {_many(_pick(topic.holders.split(), f['who']), plural)}"
    names = [(group, noun) for group in topic.groups for noun in group.nouns.split()]
    group, noun = _pick(names, f["noun"])
    quality = _side(_pick(_qualities(group), f["quality"]), f)
    said = f"{_graded(f, quality, 'noun')} {_many(noun, True)}"
    return Subject(words, "they" if plural else "it", not plural), "have", said


_SAYS = {"be": _be, "link": _link, "love": _love, "act": _act, "have": _have}


def _person(f: Mapping[str, Any]) -> Subject:
    """Who has an opinion."""
    one, many, pronoun = _pick(PEOPLE, f["who"]).split("/")
    if f["number"] == "plural":
        return Subject(many, "we" if many == "we" else "they", False)
    return Subject(one, pronoun, one != "I")


def _object(f: Mapping[str, Any], topic: Topic) -> str:
    """What somebody has an opinion on."""
    return _thing({**f, "number": "plural" if f["several"] < 0.35 else "singular"}, topic)[1].words


# -- grammar


def _verb(f: Mapping[str, Any], subject: Subject, verb: str, adverb: str = "") -> str:
    """A verb, given as its base, in tense and number; an adverb stands right before its last word."""
    now, does = f["tense"] == "present", f"{adverb} {verb}".strip()
    if f["tense"] == "future":
        return f"will not {does}" if f["negated"] else f"will {does}"
    if verb == "be":
        form = _be_form(now, subject.third)
        return f"{form} not" if f["negated"] else form
    if f["negated"]:
        return f"{_do(now, subject.third)} not {does}"
    if not now:
        verb = past(verb)
    elif subject.third:
        verb = third(verb)
    return f"{adverb} {verb}".strip()


def _be_form(now: bool, one: bool) -> str:
    return ("is" if one else "are") if now else ("was" if one else "were")


def _do(now: bool, one: bool) -> str:
    return ("does" if one else "do") if now else "did"


def _tag(f: Mapping[str, Any], subject: Subject, verb: str) -> str:
    """``wasn't it``, ``do they``: with *not* where the sentence has none."""
    now, no = f["tense"] == "present", bool(f["negated"])
    if f["tense"] == "future":
        word = "will" if no else "won't"
    else:
        word = (_be_form if verb == "be" else _do)(now, subject.third) + ("" if no else "n't")
    return f"{word} {subject.pronoun}"


def third(verb: str) -> str:
    """The third person singular of a verb, in the present."""
    return "has" if verb == "have" else _s(verb)


def past(verb: str) -> str:
    """The past tense of a verb but *be*."""
    if verb in ALIKE:
        return ALIKE[verb]
    return verb + "d" if verb.endswith("e") else verb + "ed"


def _many(noun: str, plural: bool) -> str:
    return _s(noun) if plural else noun


def _s(word: str) -> str:
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "ch", "sh")) else "s")


def _which(f: Mapping[str, Any], topic: Topic, plural: bool) -> str:
    """The article, or what stands in its place."""
    return _pick([*["the"] * 5, "these" if plural else "this", topic.own], f["which"])


# -- how it is


def _described(f: Mapping[str, Any], group: Group, second: bool = False) -> str:
    """``very clean``, or with a second word ``clean and quiet``."""
    pairs = _qualities(group)
    first = _pick(pairs, f["quality"])
    word = _side(first, f)
    if not second:
        return _graded(f, word)
    alike = lambda told: [p for p in told.split() if p != first and _extreme(p) == _extreme(first)]
    others = alike(group.qualities) or alike(GENERAL)
    return f"{_graded(f, word)} {'or' if f['negated'] else 'and'} {_side(_pick(others, f['second']), f)}"


def _qualities(group: Group) -> list[str]:
    """Pairs of words that may describe its things, its own ones twice as often as the others."""
    own = group.qualities.split()
    return [*own, *own, *GENERAL.split()]


def _extreme(pair: str) -> bool:
    return pair.partition("/")[0] in EXTREME


def _side(pair: str, f: Mapping[str, Any]) -> str:
    """Which word of a pair says it: the good one for what is good, and for what is not bad."""
    good, bad = pair.split("/")
    return good if (f["sentiment"] == "positive") != bool(f["negated"]) else bad


def _graded(f: Mapping[str, Any], word: str, where: str = "word") -> str:
    """An adjective or adverb with the adverb before it that makes it as strong as wanted."""
    return f"{_adverb(f, 'extreme' if word in EXTREME else where)} {word}".strip()


def _adverb(f: Mapping[str, Any], where: str) -> str:
    """What is put before a word to make it as strong as wanted: good and bad words have their own."""
    if f["strength"] == "plain":
        return ""
    if f["negated"]:
        return "particularly" if f["strength"] == "weak" else ""  # else *at all* is said in the end
    return _pick(_side(ADVERBS[where][str(f["strength"])], f).split(), f["adverb"])


def _pick(options: Sequence[Some], u: float) -> Some:
    return options[int(u * len(options))]


def _weighted(options: Mapping[str, float], u: float) -> str:
    ends = np.cumsum(list(options.values()))
    return list(options)[min(int(np.searchsorted(ends, u, side="right")), len(options) - 1)]


# -- the dataset


def sentences(n: int, seed: int) -> tuple[list[str], dict[str, np.ndarray]]:
    """The first n different sentences of a seed, and their factors and choices as `drawn_factors` gives
    them.
    """
    many = n
    while True:
        many += many // 4 + 100
        known = drawn_factors(many, seed)
        rows = zip(*(values.tolist() for values in known.values()), strict=True)
        found: dict[str, int] = {}
        for i, row in enumerate(rows):
            found.setdefault(draw(dict(zip(known, row, strict=True))), i)
            if len(found) == n:
                at = np.array(list(found.values()))
                return list(found), {name: values[at] for name, values in known.items()}


@lru_cache(1)
def modality() -> Text:
    """How sentences look, whatever their number and seed: all words that they are made of, the commonest
    first.
    """
    tokens = Tokens.learned(sentences(USUAL, 0)[0], MOST, "words")
    return Text(LENGTH, WIDTH, tokens.tokens)


def reviews(n: int = USUAL, seed: int = 0, progress: Progress | None = None) -> Dataset:
    """The dataset: sentences, no two alike, with their true factors as attributes.

    Args:
        n: how many, 1 to 1,000,000.
        seed: the same seed gives the same sentences.
        progress: called with (sentences done, n).

    Raises:
        LiminalError: n or seed is out of range.
    """
    if not 1 <= n <= MOST or seed < 0:
        raise LiminalError(
            f"reviews: n {n}, seed {seed}: wanted 1 to {MOST:,} sentences and a seed of 0 or more"
        )
    texts, known = sentences(n, seed)
    kind = modality()
    items = np.stack([kind.item(text) for text in texts])
    attributes = pa.table({name: pa.array(known[name].tolist()) for name in [*FACTORS, "negated"]})
    if progress:
        progress(n, n)
    about = provenance(__name__, VERSION, n=n, seed=seed)
    return Dataset("reviews", kind, items, Numbered("reviews", n), attributes, provenance=about)
