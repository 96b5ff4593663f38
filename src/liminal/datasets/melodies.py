r"""Melodies of two bars in 4/4, drawn by code: every one is told by seven factors, and tells them.

A melody has 2 d notes, d a bar; with u = k / (2 d - 1) for the k-th of them:

- ``tonic``: C to B; ``octave``: 3, 4 or 5, of the tonic that degree 0 is.
- ``mode``: major, minor, pentatonic or blues: semitones of the degrees of one octave.
- ``density``: d, 3 to 6 notes a bar.
- ``rhythm_1``, ``rhythm_2``: where the notes of each bar begin: the first d places of a list (`RHYTHMS`).
- ``contour``: the degree of the k-th note, rounded: ``rising`` 7 u, ``falling`` 7 (1 - u), ``arch`` 7 (1 - v)
  with v = \|2 u - 1\|, ``valley`` 8 v, ``wave`` 3.5 (1 + sin 2 pi u), ``turning`` 0 3 1 4 2 5 over and over.

A note lasts until the next one. The factors are drawn independently and evenly, and no two sets of them give
one melody.

The idea is dMelodies' (Pati, Gururani and Lerch 2020); nothing of its data or code is used.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from ..errors import LiminalError
from ..modalities.melody import Melody
from ..modalities.pitches import NAMES
from ..modalities.windows import FIRST, LOWEST
from . import Dataset
from .drawn import Numbered, Progress, provenance

VERSION = 1  # of the drawing: raise it when it changes
BAR = 16  # steps
DEGREES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "pentatonic": (0, 2, 4, 7, 9),
    "blues": (0, 3, 5, 6, 7, 10),
}
RHYTHMS = {
    "even": (0, 8, 4, 12, 2, 6),
    "early": (0, 2, 4, 6, 3, 1),
    "late": (0, 14, 12, 10, 13, 11),
    "dotted": (0, 6, 8, 14, 3, 11),
    "offbeat": (0, 10, 6, 14, 2, 12),
    "tresillo": (0, 6, 12, 3, 9, 14),
}
CONTOURS = ("rising", "falling", "arch", "valley", "wave", "turning")
TURNS = (0, 3, 1, 4, 2, 5)
DENSITIES = (3, 4, 5, 6)
FACTORS: dict[str, tuple[str, ...] | tuple[int, ...]] = {
    "tonic": NAMES,
    "octave": (3, 4, 5),
    "mode": tuple(DEGREES),
    "density": DENSITIES,
    "rhythm_1": tuple(RHYTHMS),
    "rhythm_2": tuple(RHYTHMS),
    "contour": CONTOURS,
}


def draw(factors: Mapping[str, np.ndarray]) -> np.ndarray:
    """Melodies from the places (n,) of their factors' values in `FACTORS`: uint8 (n, 1, 32)."""
    density = np.array(DENSITIES)[factors["density"]]
    begins = np.zeros((len(RHYTHMS), len(DENSITIES), BAR), bool)
    for r, places in enumerate(RHYTHMS.values()):
        for d, count in enumerate(DENSITIES):
            begins[r, d, list(places[:count])] = True
    bars = [begins[factors[name], factors["density"]] for name in ("rhythm_1", "rhythm_2")]
    begun = np.concatenate(bars, 1)
    k = begun.cumsum(1) - 1
    degree = _degrees(k, factors["contour"], 2 * density[:, None] - 1)
    semitones = np.zeros_like(degree)
    for m, scale in enumerate(DEGREES.values()):
        own = (factors["mode"] == m)[:, None]
        octaves, step = np.divmod(degree, len(scale))
        semitones = np.where(own, np.array(scale)[step] + 12 * octaves, semitones)
    octave = np.array(FACTORS["octave"])[factors["octave"]]
    base = 12 * (octave + 1) + factors["tonic"] - LOWEST + FIRST
    return np.where(begun, base[:, None] + semitones, 0).astype(np.uint8)[:, None]


def _degrees(k: np.ndarray, contour: np.ndarray, last: np.ndarray) -> np.ndarray:
    """The degrees of the k-th notes (n, steps) of melodies whose last note is number `last` (n, 1)."""
    u = k / last
    heights = (
        7 * u,
        7 * (1 - u),
        7 * (1 - np.abs(2 * u - 1)),
        8 * np.abs(2 * u - 1),
        3.5 * (1 + np.sin(2 * np.pi * u)),
        np.array(TURNS)[k % len(TURNS)],
    )
    return np.floor(np.choose(contour[:, None], heights) + 0.5 - 1e-9).astype(int)


def melodies(n: int = 8000, seed: int = 0, progress: Progress | None = None) -> Dataset:
    """The dataset: melodies with their true factors as attributes.

    Args:
        n: how many, 1 or more.
        seed: the same seed gives the same melodies.
        progress: called with (melodies done, n).

    Raises:
        LiminalError: n or seed is out of range.
    """
    if n < 1 or seed < 0:
        raise LiminalError(f"melodies: n {n}, seed {seed}: wanted 1 melody or more and a seed of 0 or more")
    random = np.random.default_rng([VERSION, seed])
    factors = {name: random.integers(len(values), size=n) for name, values in FACTORS.items()}
    known = {}
    for name, values in FACTORS.items():
        told = np.array(values)[factors[name]]
        known[name] = pa.array(told.astype(np.float64) if told.dtype.kind == "i" else told.tolist())
    if progress:
        progress(n, n)
    about = provenance(__name__, VERSION, n=n, seed=seed)
    sources = Numbered("melodies", n)
    return Dataset("melodies", Melody(), draw(factors), sources, pa.table(known), provenance=about)
