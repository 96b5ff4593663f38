"""What the bench of melodies counts: an n-gram model of steps, mixtures of tunes step by step, histograms,
and how near a phrase is to real ones. Functions of arrays of symbols; see `liminal.modalities.windows`.
"""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np

from liminal.modalities.windows import FIRST, HOLD, SYMBOLS, settled

START = SYMBOLS  # what stands before the first step
ORDER = 5
DOWN, UP = -5, 6  # semitones that tunes are moved by
OCTAVE = 12
LONG = 17  # lengths of notes that are told apart: 1 to 16 steps, and longer


class Ngram:
    """How likely a step is after the four before it: Witten and Bell's interpolation of orders 1 to 5 (1991).

    Args:
        rows: symbols (n, steps); each is learned in twelve keys.
    """

    def __init__(self, rows: np.ndarray) -> None:
        self.tables: list[dict[bytes, Counter[int]]] = [defaultdict(Counter) for _ in range(ORDER)]
        for by in range(DOWN, UP + 1):
            for row in moved(rows, by):
                padded = _padded(row)
                for t, symbol in enumerate(row.tolist()):
                    for k in range(ORDER):
                        self.tables[k][padded[t + ORDER - 1 - k : t + ORDER - 1]][symbol] += 1
        self.totals = [{c: sum(seen.values()) for c, seen in table.items()} for table in self.tables]

    def chance(self, context: bytes, symbol: int) -> float:
        """Of a symbol after the four before it."""
        p = 1 / SYMBOLS
        for k in range(ORDER):
            seen = self.tables[k].get(context[len(context) - k :])
            if seen is None:
                break
            n = self.totals[k][context[len(context) - k :]]
            p = (seen[symbol] + len(seen) * p) / (n + len(seen))
        return p

    def nll(self, rows: np.ndarray) -> np.ndarray:
        """Nats a step of symbols (n, steps): (n,)."""
        found = []
        for row in rows:
            padded = _padded(row)
            each = [self.chance(padded[t : t + ORDER - 1], s) for t, s in enumerate(row.tolist())]
            found.append(-np.log(each).mean())
        return np.array(found)


def _padded(row: np.ndarray) -> bytes:
    return bytes([START] * (ORDER - 1)) + row.astype(np.uint8).tobytes()


def moved(rows: np.ndarray, by: int) -> np.ndarray:
    """Rows in another key; notes that would leave the range of a piano stay."""
    up = rows.astype(int) + by
    return np.where((rows >= FIRST) & (up >= FIRST) & (up < SYMBOLS), up, rows).astype(np.uint8)


def mixed(a: np.ndarray, b: np.ndarray, t: float, draw: np.random.Generator) -> np.ndarray:
    """Rows (n, steps) that have each step of b with the chance t, else that of a."""
    return settled(np.where(draw.random(a.shape) < t, b, a))


def differing(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The share of steps (n,) that differ: Hamming's distance, over the number of steps."""
    return (a != b).reshape(len(a), -1).mean(1)


def sounding(items: np.ndarray) -> np.ndarray:
    """What sounds at each step (..., steps): the symbol that began last."""
    last = np.maximum.accumulate(np.where(items != HOLD, np.arange(items.shape[-1]), 0), axis=-1)
    return np.take_along_axis(items, last, -1)


def first_of_beats(items: np.ndarray, beat: int) -> np.ndarray:
    """What would sound if each beat were its first step, held."""
    return np.repeat(sounding(items)[..., ::beat], beat, axis=-1)[..., : items.shape[-1]]


def histograms(rows: np.ndarray) -> dict[str, np.ndarray]:
    """Shares of the pitch classes, from each row's most frequent one up, and of the lengths of notes, in
    steps.
    """
    classes, lengths = np.zeros(OCTAVE), np.zeros(LONG)
    for row in rows:
        at = np.flatnonzero(row != HOLD)
        long = np.diff(np.append(at, len(row)))
        begun = row[at] >= FIRST
        own = np.bincount((row[at][begun].astype(int) - FIRST) % OCTAVE, minlength=OCTAVE)
        classes += np.roll(own, -own.argmax())
        lengths += np.bincount(np.minimum(long[begun], LONG) - 1, minlength=LONG)
    return {"pitch class": classes / classes.sum(), "duration": lengths / lengths.sum()}


def apart(a: np.ndarray, b: np.ndarray) -> float:
    """Total variation distance of two histograms, in [0, 1]."""
    return float(np.abs(a - b).sum() / 2)


def nearest(rows: np.ndarray, real: np.ndarray) -> np.ndarray:
    """For each of the rows (n, steps) the share of steps in which the nearest real one (m, steps) differs,
    moved by up to an octave either way.
    """
    best = np.full(len(rows), np.inf)
    for i, row in enumerate(rows):
        for by in range(-OCTAVE, OCTAVE + 1):
            best[i] = min(best[i], (moved(row[None], by) != real).mean(1).min())
    return best
