"""Sentences looked at: parts that may be known alone, what can be read from them, and the simplest way to
make some."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..errors import LiminalError
from .forms import Read

if TYPE_CHECKING:
    from torch import Tensor

    from .words import Words

EDGE = 3  # words at the beginning and at the end
ORDER = 3  # of the simplest generator
PARTS = {"begin": "the words that there are, as a beginning", "words:1-3": "words from one to another"}
ASKED, EXCLAIMED = "?？؟", "!！"


def open_words(x: Tensor, name: str) -> Tensor:
    """Places of sentences x (n, t) about which a part says nothing, bool (n, t): of ``begin`` what follows,
    of ``words:2`` and ``words:2-4``, counted from 1, all others.

    Raises:
        LiminalError: there is no such part, or no such words.
    """
    import torch

    long = (x > 0).sum(1, keepdim=True)
    place = torch.arange(x.shape[1])[None]
    if name == "begin":
        return place >= long
    if told := re.fullmatch(r"words?:(\d+)(?:-(\d+))?", name):
        first, last = int(told[1]), int(told[2] or told[1])
        if not 1 <= first <= last <= int(long.min()):
            raise LiminalError(f"part {name!r}: wanted words from 1 to {int(long.min())}")
        return ((place < first - 1) | (place >= last)).expand(len(x), -1)
    raise LiminalError(f"{name!r} is no part of a sentence; wanted one such as {', '.join(PARTS)}")


def features(y: Tensor) -> Tensor:
    """y (n, m + 1, t) -> (n, 4 m + 1): mean vectors of all words, the first and the last ones, the largest
    numbers of all, and how long."""
    import torch

    words, on = y[:, :-1], 1 - y[:, -1:]
    long = on.sum(2)
    mean = words.sum(2) / long.clamp_min(1)
    first = words[..., :EDGE].sum(2) / EDGE
    place = torch.arange(y.shape[2], device=y.device)[None, None]
    last = (words * (place >= long[..., None].round() - EDGE)).sum(2) / EDGE
    return torch.cat([mean, first, last, words.amax(2), long / y.shape[2]], 1)


def readings(likelihood: Words, tokens: Sequence[str]) -> Read:
    """What anybody can read from a sentence: how many tokens, how rare they are (mean -log frequency, nats),
    how long (letters), how many are signs, whether it asks or exclaims, and the share said before."""
    import torch

    letters = torch.tensor([0.0, *(float(sum(map(str.isalnum, token))) for token in tokens)])
    spoken = letters > 0
    marks = {
        name: torch.tensor([False, *(token.strip() in signs and token.strip() != "" for token in tokens)])
        for name, signs in (("question", set(ASKED)), ("exclamation", set(EXCLAIMED)))
    }

    def read(y: Tensor) -> dict[str, Tensor]:
        x = likelihood.words(y).cpu()
        told = x > 0
        count = told.sum(1).clamp_min(1).float()
        told_words = spoken[x] & told
        words = told_words.sum(1).clamp_min(1).float()
        rare = -(likelihood.offset.cpu()[x] * told_words).sum(1) / words
        ordered = x.masked_fill(~told_words, 0).sort(1).values
        again = ((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] > 0)).sum(1)
        found = {
            "words": told.sum(1).float(),
            "rarity": rare,
            "letters": (letters[x] * told_words).sum(1) / words,
            "signs": (told & ~spoken[x]).sum(1) / count,
            "repetition": again / words,
        }
        found |= {name: (mark[x] & told).any(1).float() for name, mark in marks.items()}
        return {name: value.to(y.device) for name, value in found.items()}

    return read


def trigrams(x: np.ndarray, n: int, seed: int) -> np.ndarray:
    """n sentences (n, t), each word drawn from those that follow the two before it in x (m, t)."""
    draw = np.random.default_rng(seed)
    after: dict[tuple[int, ...], list[int]] = {}
    for row in x.tolist():
        before = (-1,) * (ORDER - 1)
        for word in row:
            after.setdefault(before, []).append(word)
            before = (*before[1:], word)
            if word == 0:
                break
    made = np.zeros((n, x.shape[1]), np.int64)
    for row in made:
        before = (-1,) * (ORDER - 1)
        for t in range(len(row) - 1):
            follow = after.get(before, [0])
            row[t] = follow[draw.integers(len(follow))]
            if row[t] == 0:
                break
            before = (*before[1:], int(row[t]))
    return made
