"""Latent spaces and samples whose right answer is known by construction: what any implementation of a measure
can be held against.

`spaces` gives latents beside the factors that they were made from, `samples` features of generated items
beside those of real ones, each with the range that a measure must fall into and, where the literature knows
that the definition itself misses it, who does so. Everything is drawn from PCG64 with fixed seeds.

Source: Räisä, van Breugel and van der Schaar 2025, Position: all current generative fidelity and diversity
metrics are flawed (arXiv 2505.22450), for the kinds of sanity checks on samples.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

Range = tuple[float, float]
Wanted = Mapping[str, Range]

ITEMS = 2_500
LOW, HALF, HIGH = (0.0, 0.06), (0.4, 0.6), (0.85, 1.0)
PERFECT, NOTHING = (0.95, 1.001), (-0.08, 0.08)
RANKED = (
    "mig",
    "infom",
    "infoc",
    "factorvae",
    "dci_disentanglement",
    "dci_completeness",
    "dci_informativeness",
)
LINEAR = ("explicitness", "infoe")


@dataclass(frozen=True)
class Constructed:
    """A latent space whose scores are known.

    Attributes:
        name: short.
        says: what it is, and why the scores must be so.
        z: (n, d) float64.
        factors: (n,) arrays by name: float64 (NaN unknown), or objects: bool or text, None unknown.
        wanted: the range of each score, raw; ``NAME.normalised`` where the range is of the normalised one.
        like: another case whose raw scores (those in `RANKED`, which see only order) must be these exactly;
            ``""``: none.
    """

    name: str
    says: str
    z: np.ndarray
    factors: Mapping[str, np.ndarray]
    wanted: Wanted
    like: str = ""


@dataclass(frozen=True)
class Sampled:
    """Features of generated items whose fidelity and diversity are known.

    Attributes:
        name: short.
        says: what the samples are, and what that must do to the scores.
        real: (n, d) float64.
        samples: (m, d) float64.
        wanted: ranges by score: ``precision``, ``density`` (fidelity), ``recall``, ``coverage`` (diversity).
        flawed: scores whose published definition is known to miss its range here (nearest-neighbour balls, k
            = 5).
    """

    name: str
    says: str
    real: np.ndarray
    samples: np.ndarray
    wanted: Wanted
    flawed: frozenset[str] = field(default_factory=frozenset)


def within(value: float, wanted: Range) -> bool:
    """Whether a score falls into its range, ends included; NaN does not."""
    return wanted[0] <= value <= wanted[1]


def _rng(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def turned(d: int, seed: int) -> np.ndarray:
    """A rotation (d, d) drawn uniformly."""
    q, r = np.linalg.qr(_rng(seed).standard_normal((d, d)))
    return q * np.sign(np.diag(r))


def warped(z: np.ndarray) -> np.ndarray:
    """Each column through one of three steeply rising functions."""
    ways = (np.exp, lambda c: c**3 + 0.1 * c, lambda c: np.arctan(4 * c))
    return np.stack([ways[j % 3](column) for j, column in enumerate(z.T)], 1)


def spaces(n: int = ITEMS) -> Iterator[Constructed]:
    """The latent spaces, from n items each."""
    v = _rng(0).uniform(-1, 1, (n, 5))
    factors = {f"f{k}": v[:, k] for k in range(5)}
    yield from _aligned(v, factors)
    yield from _copied(v, factors)
    yield from _rotated(v, factors)
    yield from _noisy(v, factors)
    yield _paired(n)
    yield from _kinds(n)


def _aligned(v: np.ndarray, factors: Mapping[str, np.ndarray]) -> Iterator[Constructed]:
    """Each dimension is a factor, straight or through a rising function."""
    every = dict.fromkeys((*RANKED, *LINEAR), PERFECT)
    ranked = dict.fromkeys(RANKED, PERFECT)
    aligned = v[:, ::-1] * np.array([1.0, -2.0, 30.0, 0.01, 5.0])
    yield Constructed(
        "aligned",
        "Each dimension is one factor, in another order, sign and unit: perfect.",
        aligned,
        factors,
        every,
    )
    yield Constructed(
        "warped",
        "The same through rising functions, which no rank sees.",
        warped(aligned / aligned.std(0)),
        factors,
        ranked,
        "aligned",
    )


def _copied(v: np.ndarray, factors: Mapping[str, np.ndarray]) -> Iterator[Constructed]:
    """Each factor in several dimensions."""
    every = dict.fromkeys((*RANKED, *LINEAR), PERFECT)
    # C with m equal copies among d dimensions: 1 - log m / log d;  InfoC: (1 / m - 1 / d) / (1 - 1 / d)
    copies = {**every, "mig": (0.0, 0.001), "dci_completeness": (0.66, 0.74), "infoc": (0.42, 0.47)}
    yield Constructed(
        "doubled",
        "Each factor twice: no gap, C = 1 - log 2 / log 10 = .70.",
        np.repeat(v, 2, 1),
        factors,
        copies,
    )
    copies = {**copies, "dci_completeness": (0.45, 0.55), "infoc": (0.15, 0.19)}
    yield Constructed(
        "fivefold",
        "Each factor five times: C = 1 - log 5 / log 25 = .50.",
        np.repeat(v, 5, 1),
        factors,
        copies,
    )


def _rotated(v: np.ndarray, factors: Mapping[str, np.ndarray]) -> Iterator[Constructed]:
    """Each factor spread over all dimensions."""
    mixed = v @ turned(5, 0)
    apart = {
        **dict.fromkeys(LINEAR, PERFECT), "mig": (0.0, 0.3), "dci_disentanglement": (0.2, 0.65), "dci_completeness": (0.2, 0.65),  # noqa: E501
        "infom": (0.2, 0.8), "infoc": (0.2, 0.8), "dci_informativeness": (0.8, 1.0),
    }  # fmt: skip
    yield Constructed(
        "rotated",
        "A rotation drawn at random keeps all that can be read linearly; five dimensions stay partly "
        "aligned by luck.",
        mixed,
        factors,
        apart,
    )
    lost = {name: r for name, r in apart.items() if name not in LINEAR}
    yield Constructed(
        "rotated, warped",
        "Rising functions of the rotated dimensions.",
        warped(mixed / mixed.std(0)),
        factors,
        lost,
        "rotated",
    )
    nothing = dict.fromkeys(("mig", "dci_disentanglement", "dci_completeness", "infom", "infoc"), (0.0, 0.1))
    even = v[:, :4] @ np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]) / 2
    four = {name: factors[name] for name in list(factors)[:4]}
    says = (
        "The rotation that gives every dimension an equal part of every factor: nothing is aligned, all can "
        "be read."
    )
    yield Constructed("rotated evenly", says, even, four, {**dict.fromkeys(LINEAR, PERFECT), **nothing})


def _noisy(v: np.ndarray, factors: Mapping[str, np.ndarray]) -> Iterator[Constructed]:
    """Noise beside the factors, and noise alone."""
    n, every = len(v), dict.fromkeys((*RANKED, *LINEAR), PERFECT)
    padded = np.concatenate([v, _rng(1).standard_normal((n, 5))], 1)
    yield Constructed(
        "padded", "Five dimensions of noise beside perfect ones do no harm.", padded, factors, every
    )
    wanted = {f"{name}.normalised": NOTHING for name in (*RANKED, *LINEAR)}
    yield Constructed(
        "noise",
        "Latents that know nothing: chance, which is 0 once normalised.",
        _rng(2).standard_normal((n, 8)),
        factors,
        wanted,
    )


def _paired(n: int) -> Constructed:
    a = _rng(3).integers(0, 4, (n, 4))
    z = np.stack([4.0 * a[:, 0] + a[:, 1], 4.0 * a[:, 2] + a[:, 3]], 1)
    wanted = {
        "dci_disentanglement": (0.45, 0.55), "dci_completeness": PERFECT, "infoc": PERFECT, "infom": (0.25, 0.55), "factorvae": (0.4, 0.6),  # noqa: E501
        "dci_informativeness": PERFECT, "explicitness": (0.3, 0.7), "mig": (0.6, 1.0),
    }  # fmt: skip
    says = (
        "Two factors in each dimension, as tens and units: D = 1 - log 2 / log 4 = .50, though the gap "
        "(MIG) is wide."
    )
    return Constructed("paired", says, z, {f"f{k}": a[:, k].astype(float) for k in range(4)}, wanted)


def _kinds(n: int) -> Iterator[Constructed]:
    rng = _rng(4)
    number, flag, kind = rng.uniform(-1, 1, n), rng.random(n) < 0.4, rng.integers(0, 4, n)
    z = np.stack([number**3, flag + 0.1 * rng.random(n), kind * 2.0 + rng.random(n)], 1)
    factors: dict[str, np.ndarray] = {
        "number": number,
        "flag": flag.astype(object),
        "kind": np.array(list("abcd"), dtype=object)[kind],
    }
    # a bin of equal frequency that lies across the border between two classes tells neither
    wanted = dict.fromkeys(RANKED, PERFECT) | {"mig": (0.85, 1.001)}
    yield Constructed(
        "kinds", "A number, a yes/no and a category, each in its own dimension.", z, factors, wanted
    )
    unknown = rng.random((3, n)) < 0.3
    partly = {
        name: np.where(gone, np.array(np.nan if name == "number" else None, dtype=values.dtype), values)
        for (name, values), gone in zip(factors.items(), unknown, strict=True)
    }
    yield Constructed(
        "partly unknown", "The same with three tenths of each factor unknown.", z, partly, wanted
    )


def _wanted(fidelity: Range, diversity: Range, density: Range | None = None) -> dict[str, Range]:
    of = {"precision": fidelity, "density": density or fidelity}
    return {**of, "recall": diversity, "coverage": diversity}


def _normal(n: int, seed: int, d: int = 4) -> np.ndarray:
    return _rng(seed).standard_normal((n, d))


def samples(n: int = 1_000) -> Iterator[Sampled]:
    """The sets of samples, n real and n generated items each."""
    yield from _whole(n)
    yield from _modes(n)
    yield from _strays(n)
    yield from _spreads(n)


def _whole(n: int) -> Iterator[Sampled]:
    """All that is real, nothing of it, or one point."""
    draw = lambda seed, d=4: _normal(n, seed, d)
    near1 = (0.85, 1.15)
    yield Sampled(
        "identical",
        "Both from one distribution: all are high.",
        draw(10),
        draw(11),
        _wanted(HIGH, HIGH, near1),
    )
    yield Sampled(
        "apart", "Samples far from every real item: all are 0.", draw(10), draw(11) + 20, _wanted(LOW, LOW)
    )
    point = np.zeros((n, 4)) + 1e-3 * draw(12)
    yield Sampled(
        "collapsed",
        "All samples at the mean: they look real and show nothing of the variety.",
        draw(10),
        point,
        _wanted(HIGH, LOW, (0.85, np.inf)),
    )


def _modes(n: int) -> Iterator[Sampled]:
    """Some of the modes."""
    draw = lambda seed, d=4: _normal(n, seed, d)
    modes = lambda seed, count: draw(seed) + 20.0 * np.eye(4)[_rng(seed + 100).integers(0, count, n)]
    yield Sampled(
        "modes dropped",
        "Half of four modes are missing.",
        modes(10, 4),
        modes(11, 2),
        {**_wanted(HIGH, HALF), "density": (0.85, np.inf)},
    )
    yield Sampled(
        "modes invented",
        "Half of the samples lie where nothing is real.",
        modes(10, 2),
        modes(11, 4),
        {**_wanted(HALF, HIGH), "coverage": (0.7, 1.0)},
    )


def _strays(n: int) -> Iterator[Sampled]:
    """One stray item on either side."""
    draw = lambda seed, d=4: _normal(n, seed, d)
    outlier = np.concatenate([draw(10)[:-1], np.full((1, 4), 30.0)])
    between = 0.1 * draw(11) + 14.0
    yield Sampled(
        "outlier among real",
        "Samples far from all but within reach of one stray real item, which may count for 1 / k in density.",
        outlier,
        between,
        {**_wanted(LOW, LOW), "density": (0.0, 0.2)},
        frozenset({"precision"}),
    )
    stray = np.concatenate([0.1 * draw(11)[:-1] + 30.0, np.full((1, 4), -15.0)])
    yield Sampled(
        "outlier among samples", "Samples far from all, one of them a stray whose reach takes in every real "
                                 "item.", draw(10), stray,
        _wanted(LOW, LOW), frozenset({"recall"}),
    )  # fmt: skip


def _spreads(n: int) -> Iterator[Sampled]:
    """Another spread, in few and many dimensions."""
    draw = lambda seed, d=4: _normal(n, seed, d)
    yield Sampled(
        "too narrow", "A third of the spread in 16 dimensions: typical items, little "
                      "variety.", draw(10, 16), draw(11, 16) / 3,
        _wanted(HIGH, (0.0, 0.35), (0.85, np.inf)), frozenset({"coverage"}),
    )  # fmt: skip
    yield Sampled(
        "too wide", "Three times the spread in 16 dimensions: hardly a sample looks "
                    "real.", draw(10, 16), 3 * draw(11, 16),
        {"precision": LOW, "density": LOW, "recall": (0.7, 1.0)},
    )  # fmt: skip
    beside = lambda seed, at: np.concatenate([draw(seed, 63), np.full((n, 1), at)], 1)
    yield Sampled(
        "one dimension apart", "Alike in 63 dimensions, never in the last: no sample looks "
                               "real.", beside(10, 0.0), beside(11, 3.0),
        _wanted(LOW, LOW), frozenset({"precision", "density", "recall", "coverage"}),
    )  # fmt: skip
    yield Sampled(
        "many dimensions", "A little narrower in 512 dimensions: density must not grow far beyond "
                           "1.", draw(10, 512), 0.8 * draw(11, 512),
        {"precision": HIGH, "density": (0.85, 3.0)}, frozenset({"density"}),
    )  # fmt: skip
