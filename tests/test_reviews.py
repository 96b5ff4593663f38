"""Reviews: sentences of exactly the factors that are told, whose words agree in number and tense."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liminal.datasets import remarks, reviews
from liminal.errors import LiminalError
from liminal.modalities.tokens import UNKNOWN, pieces

FACTORS = {name: st.sampled_from(list(of)) for name, of in reviews.FACTORS.items()}
CHOICES = {name: st.floats(0, 1, exclude_max=True) for name in reviews.CHOICES}
TOLD = st.fixed_dictionaries({**FACTORS, **CHOICES, "negated": st.booleans()})
# nouns that can begin a sentence, and people
SINGULAR = {
    *(noun for topic in remarks.TOPICS.values() for group in topic.groups for noun in group.nouns.split()),
    *(agent.noun for topic in remarks.TOPICS.values() for agent in topic.agents),
    *(noun for topic in remarks.TOPICS.values() for noun in topic.holders.split()),
    "friend", "sister", "guest",
}  # fmt: skip
BASES = {
    "have",
    *(topic.link for topic in remarks.TOPICS.values()),
    *(verb for pair in remarks.LOVES.split() for verb in pair.split("/")),
    *(agent.does.split()[0] for topic in remarks.TOPICS.values() for agent in topic.agents),
}  # fmt: skip
PAST = {
    "seem": "seemed", "look": "looked", "taste": "tasted", "sound": "sounded", "have": "had",
    "love": "loved", "hate": "hated", "like": "liked", "dislike": "disliked", "adore": "adored",
    "detest": "detested", "enjoy": "enjoyed", "despise": "despised", "praise": "praised",
    "criticize": "criticized", "cook": "cooked", "bake": "baked", "make": "made", "mix": "mixed",
    "serve": "served", "greet": "greeted", "treat": "treated", "work": "worked", "charge": "charged",
    "act": "acted", "sing": "sang", "play": "played", "drive": "drove", "fly": "flew", "steer": "steered",
}  # fmt: skip
THIRD = {
    **{verb: verb + "s" for verb in PAST},
    "have": "has", "mix": "mixes", "fly": "flies",
}  # fmt: skip


def told(**change: Any) -> dict[str, Any]:
    """A plain sentence, the soup was tasty, with some factors changed."""
    plain = {
        "sentiment": "positive",
        "topic": "food",
        "tense": "past",
        "number": "singular",
        "strength": "plain",
        "form": "statement",
        "negated": False,
        **dict.fromkeys(reviews.CHOICES, 0.0),
        "several": 0.9,
    }
    return {**plain, **change}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({}, "the soup was tasty"),
        ({"sentiment": "negative"}, "the soup was bland"),
        ({"negated": True}, "the soup was not bland"),
        ({"sentiment": "negative", "negated": True, "strength": "strong"}, "the soup was not tasty at all"),
        ({"strength": "weak"}, "the soup was quite tasty"),
        ({"strength": "weak", "sentiment": "negative"}, "the soup was rather bland"),
        ({"strength": "strong"}, "the soup was really tasty"),
        ({"tense": "present", "number": "plural"}, "the soups are tasty"),
        ({"tense": "future", "form": "exclamation"}, "the soup will be tasty!"),
        ({"form": "question", "number": "plural"}, "the soups were tasty, weren't they?"),
        ({"form": "question", "tense": "future"}, "the soup will be tasty, won't it?"),
        ({"form": "question", "negated": True, "tense": "present"}, "the soup is not bland, is it?"),
        ({"frame": 0.55, "tense": "present"}, "the soup tastes tasty"),
        ({"frame": 0.6, "tense": "present"}, "I love the soup"),
        ({"frame": 0.6, "form": "question", "number": "plural"}, "we loved the soup, didn't we?"),
        ({"frame": 0.6, "tense": "future", "strength": "strong"}, "I will truly love the soup"),
        ({"frame": 0.6, "negated": True, "strength": "weak"}, "I did not particularly hate the soup"),
        ({"frame": 0.8, "tense": "present"}, "the chef cooks well"),
        ({"frame": 0.8, "sentiment": "negative"}, "the chef cooked badly"),
        ({"frame": 0.95, "form": "question"}, "the restaurant had tasty soups, didn't it?"),
        ({"extra": 0.5, "tense": "future"}, "tomorrow the soup will be tasty"),
        ({"extra": 0.5, "tense": "present", "second": 0.9}, "the soup is tasty today"),
        ({"extra": 0.7, "sentiment": "negative"}, "sadly the soup was bland"),
        ({"extra": 0.9, "strength": "strong", "second": 0.9}, "the soup was really tasty and rich"),
        ({"extra": 0.9, "negated": True, "second": 0.9}, "the soup was not bland or greasy"),
        ({"topic": "travel", "number": "plural", "which": 0.99}, "our trips were relaxing"),
    ],
)
def test_a_sentence_is_what_its_factors_say(change: dict[str, Any], sentence: str) -> None:
    assert reviews.draw(told(**change)) == sentence


@given(TOLD)
def test_number_and_tense_agree(factors: Mapping[str, Any]) -> None:
    words = re.sub(r"[!?,]", "", reviews.draw(factors)).split()
    plural, tense, no = factors["number"] == "plural", factors["tense"], factors["negated"]
    past, now, future = ("yesterday", "last"), ("today", "this"), ("tomorrow", "next")
    moment = ""
    if words[0] in {word for pair in remarks.LUCK for word in pair.split("/")}:
        words = words[1:]
    elif words[0] in {"yesterday", "today", "tomorrow"}:
        moment, words = words[0], words[1:]
    elif words[1] == "week":
        moment, words = words[0], words[2:]
    elif words[-1] in {"yesterday", "today", "tomorrow"}:
        moment = words[-1]
    elif words[-1] == "week":
        moment = words[-2]
    assert moment in {"past": ("", *past), "present": ("", *now), "future": ("", *future)}[tense]
    if words[0] in {"I", "he", "she"}:
        assert not plural
        third, at = words[0] != "I", 1
    elif words[0] in {"we", "they"}:
        assert plural
        third, at = False, 1
    else:
        one, noun, at = words[0], words[1], 2
        assert one != ("this" if plural else "these")
        assert (noun in SINGULAR) != plural
        assert not plural or noun in {reviews._many(word, True) for word in SINGULAR}
        third = not plural
    verb, after = words[at], words[at + 1]
    if tense == "future":
        assert verb == "will"
    elif verb in {"is", "are", "was", "were"}:
        assert verb == {("past", True): "was", ("past", False): "were", ("present", True): "is"}.get(
            (tense, third), "are"
        )
    elif no:
        assert verb == ("did" if tense == "past" else "does" if third else "do")
    else:
        verb = words[at + 1] if words[at] in {"quite", "rather", "truly", "really"} else words[at]
        known = PAST if tense == "past" else THIRD if third else {base: base for base in PAST}
        assert verb in known.values()
    assert (after == "not") == no


@given(TOLD)
def test_a_sentence_is_short_and_ends_as_its_form_says(factors: Mapping[str, Any]) -> None:
    said = reviews.draw(factors)
    assert 3 <= len(re.sub(r"[!?,]", "", said).split()) <= 12
    assert len(pieces(said)) <= reviews.LENGTH
    assert said.split().count("not") == factors["negated"]
    ends = {"exclamation": "!", "question": "?"}
    assert [sign for sign in "!?" if sign in said] == list(ends.get(factors["form"], ""))
    assert said == " ".join(said.split())


@given(TOLD, st.sampled_from(sorted(reviews.FACTORS)))
def test_one_factor_changed_is_another_sentence(factors: Mapping[str, Any], name: str) -> None:
    found = {reviews.draw({**factors, name: value}) for value in reviews.FACTORS[name]}
    if name in ("sentiment", "tense", "number"):
        assert len(found) == len(reviews.FACTORS[name]), "each value has a sentence of its own"


def test_every_verb_has_its_forms() -> None:
    assert {verb: reviews.past(verb) for verb in BASES} == {verb: PAST[verb] for verb in BASES}
    assert {verb: reviews.third(verb) for verb in BASES} == {verb: THIRD[verb] for verb in BASES}


def test_words_of_a_pair_are_alike_strong() -> None:
    groups = [group for topic in remarks.TOPICS.values() for group in topic.groups]
    for pair in [*remarks.GENERAL.split(), *(pair for group in groups for pair in group.qualities.split())]:
        good, bad = pair.split("/")
        assert (good in remarks.EXTREME) == (bad in remarks.EXTREME), pair
        assert good != bad


def test_the_dataset() -> None:
    a, b = reviews.reviews(600, seed=5), reviews.reviews(600, seed=5)
    assert np.array_equal(a.items, b.items)
    assert a.attributes.equals(b.attributes)
    texts = [a.modality.text(item) for item in a.items]
    assert len(set(texts)) == 600
    assert not np.array_equal(a.items, reviews.reviews(600, seed=6).items)
    assert set(a.attributes.column_names) == {*reviews.FACTORS, "negated"}
    known = a.attributes.to_pylist()
    asked = [text.endswith("?") for text in texts]
    assert asked == [row["form"] == "question" for row in known]
    for name, of in reviews.FACTORS.items():
        for value, share in of.items():
            assert np.mean([row[name] == value for row in known]) == pytest.approx(share, abs=0.08)
    said, choices = reviews.sentences(600, 5)
    assert said == texts
    row = {name: values[17] for name, values in choices.items()}
    assert reviews.draw(row) == texts[17]
    assert known[17] == {name: row[name] for name in known[17]}


def test_every_word_is_in_the_vocabulary() -> None:
    words = set(reviews.modality().tokens.tokens)
    assert 350 <= len(words) <= 500
    fresh = reviews.sentences(5000, 11)[0]
    assert {piece for text in fresh for piece in pieces(" " + text)} <= words - {UNKNOWN}


def test_words_of_like_places_have_vectors_that_are_apart() -> None:
    """Neighbours alone make nearly one vector of *soup* and *curry*."""
    data = reviews.reviews(3000, seed=1)
    kept = data.modality.fitted(data.items, np.arange(3000))
    table = kept.likelihood.table[1:, :-1].numpy()
    place = {token.strip(): i for i, token in enumerate(kept.tokens.tokens)}
    for one, other in (("soup", "curry"), ("tasty", "bland"), ("is", "was")):
        assert 0.1 < table[place[one]] @ table[place[other]] < 0.8


def test_what_is_out_of_range_is_refused() -> None:
    for n, seed in ((0, 0), (1_000_001, 0), (5, -1)):
        with pytest.raises(LiminalError, match="1,000,000 sentences"):
            reviews.reviews(n, seed=seed)
