"""A model of language that is simple enough to judge others: words after the two before them."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

ORDER = 3


class Ngrams:
    """Trigrams, interpolated with what is known of shorter histories (Witten & Bell 1991).

    p(w | h) = (c(h w) + t(h) p(w | h')) / (c(h) + t(h)), t(h) the different words after h, h' the history
    without its first word; the shortest is uniform over `vocabulary` words and the end.

    Args:
        sentences: lists of words.
        vocabulary: how many different words there are.
    """

    def __init__(self, sentences: Iterable[Sequence[str]], vocabulary: int) -> None:
        self.after: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
        self.vocabulary = vocabulary
        for words in sentences:
            padded = [*["<"] * (ORDER - 1), *words, ">"]
            for i in range(ORDER - 1, len(padded)):
                for k in range(ORDER):
                    self.after[tuple(padded[i - k : i])][padded[i]] += 1
        self.total = {history: sum(counts.values()) for history, counts in self.after.items()}

    def chance(self, history: tuple[str, ...], word: str) -> float:
        """p(word | history)."""
        below = self.chance(history[1:], word) if history else 1 / (self.vocabulary + 1)
        counts = self.after.get(history)
        if counts is None:
            return below
        return (counts[word] + len(counts) * below) / (self.total[history] + len(counts))

    def nats(self, words: Sequence[str]) -> tuple[float, int]:
        """-log p of a sentence and its end, and how many words these are."""
        padded = [*["<"] * (ORDER - 1), *words, ">"]
        places = range(ORDER - 1, len(padded))
        return -sum(math.log(self.chance(tuple(padded[i - ORDER + 1 : i]), padded[i])) for i in places), len(
            places
        )

    def perplexity(self, sentences: Iterable[Sequence[str]]) -> float:
        """exp of the mean -log p of a word."""
        told = [self.nats(words) for words in sentences]
        return math.exp(sum(nats for nats, _ in told) / max(sum(count for _, count in told), 1))
