"""How well known factors can be read from latents, and from which dimensions: DCI by trees, explicitness by
linear probes.

**DCI.** Each factor is learnt from ranked latents by 20 extremely randomised trees of depth 8 (Geurts et al.
2006) that see every dimension at every split, so that dimensions that tell the same share the credit. With R
(d, K) each factor's importances, which sum to 1:

    D = sum over j of w_j (1 - entropy of R_j. in base K)    each dimension serves one factor
    C = mean over k of (1 - entropy of R_.k in base d)       each factor is served by one dimension
    I = mean over k of the held-out score                    w_j = sum_k R_jk / K

A factor that the trees cannot read (score below .05) has importances of nothing and is left out of D and C,
unless fewer than two can be read.

**Explicitness.** Linear probes on standardised latents, logistic for classes and ridge for numbers: InfoE is
the share of a factor's uncertainty that they remove on held-out items, 1 - cross-entropy / entropy, of a
number R2; `explicitness` counts right answers instead.

Scores are R2 for numbers and (accuracy - commonest) / (1 - commonest) for classes: 0 is what an answer blind
to the latents gets.

Source: Eastwood and Williams 2018, A framework for the quantitative evaluation of disentangled
representations; Hsu et al. 2023, Disentanglement via latent quantization.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .factors import Factor

TREES, DEPTH, LEAF = 20, 8, 5
READ = 0.05  # score from which on a factor counts as read
PROBED = 4_000  # items that a probe is fitted on
TEST = 1 / 3  # of the items


@dataclass(frozen=True)
class Dci:
    """What trees found.

    Attributes:
        disentanglement: D in [0, 1]; NaN where there is one factor only.
        completeness: C in [0, 1]; NaN where there is one dimension only.
        informativeness: I, at most 1.
        importances: (d, K), R.
        scores: (K,), of held-out items.
    """

    disentanglement: float
    completeness: float
    informativeness: float
    importances: np.ndarray
    scores: np.ndarray

    @property
    def values(self) -> np.ndarray:
        """(D, C, I)."""
        return np.array([self.disentanglement, self.completeness, self.informativeness])


def dci(z: np.ndarray, factors: Sequence[Factor], rng: np.random.Generator, trees: int = TREES) -> Dci:
    """D, C and I of latents.

    Args:
        z: (n, d), ranked.
        factors: of n values each.
        rng: of the split into training and test items, new for each factor, and of the trees.
        trees: for each factor.
    """
    from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

    importances, scores = np.zeros((z.shape[1], len(factors))), np.zeros(len(factors))
    for k, factor in enumerate(factors):
        train, test = split(factor, rng)
        kind = ExtraTreesRegressor if factor.kind == "number" else ExtraTreesClassifier
        seed = int(rng.integers(2**31))
        forest = kind(trees, max_depth=DEPTH, min_samples_leaf=LEAF, max_features=1.0, random_state=seed)
        forest.fit(z[train], factor.values[train])
        importances[:, k] = forest.feature_importances_
        scores[k] = score(factor, factor.values[train], factor.values[test], forest.predict(z[test]))
    d, c = shared(importances, scores)
    return Dci(d, c, float(scores.clip(0, 1).mean()), importances, scores)


def shared(importances: np.ndarray, scores: np.ndarray) -> tuple[float, float]:
    """D and C from importances R (d, K) and the factors' scores (K,)."""
    counts = np.flatnonzero(scores >= READ)
    r = importances[:, counts] if len(counts) >= min(2, len(scores)) else importances
    weights = r.sum(1)
    if weights.sum() <= 0:  # no tree found anything to split by
        return 0.0, 0.0
    d, k = r.shape
    # entropy over the factors that count, relative to as many
    rows = _certainty(r / np.maximum(weights, 1e-300)[:, None], 1) if k > 1 else np.full(d, math.nan)
    columns = _certainty(r / np.maximum(r.sum(0), 1e-300), 0) if d > 1 else np.full(k, math.nan)
    told = weights > 0
    return float(rows[told] @ weights[told] / weights.sum()), float(columns.mean())


def _certainty(p: np.ndarray, axis: int) -> np.ndarray:
    """1 - entropy along an axis, in the base of its length; 0 where p is 0 all along."""
    from scipy.special import xlogy

    entropy = -xlogy(p, p).sum(axis) / math.log(p.shape[axis])
    return np.where(p.sum(axis) > 0, 1 - entropy, 0.0)


def split(factor: Factor, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Shuffled training and test rows among those whose value is known."""
    known = rng.permutation(np.flatnonzero(factor.codes >= 0))
    held = max(1, round(TEST * len(known)))
    return known[held:], known[:held]


def score(factor: Factor, trained: np.ndarray, wanted: np.ndarray, got: np.ndarray) -> float:
    """R2, or accuracy over that of always answering with the commonest training value: 1 is perfect, 0
    blind.
    """
    if factor.kind == "number":
        return 1 - float(np.square(wanted - got).sum() / max(np.square(wanted - trained.mean()).sum(), 1e-12))
    values, counts = np.unique(trained, return_counts=True)
    blind = float((wanted == values[counts.argmax()]).mean())
    return (float((wanted == got).mean()) - blind) / (1 - blind) if blind < 1 else 0.0


@dataclass(frozen=True)
class Probe:
    """What a linear reader of one factor made of held-out items.

    Attributes:
        factor: that was read.
        answers: (m,) whether it was right, or the squared error of a number.
        blind: (m,) the same of an answer blind to the latents.
        nats: (m,) the log-loss, or the squared error of a number.
        blind_nats: (m,) the same of an answer blind to the latents.
    """

    factor: Factor
    answers: np.ndarray
    blind: np.ndarray
    nats: np.ndarray
    blind_nats: np.ndarray

    def values(self, rows: np.ndarray) -> tuple[float, float]:
        """(explicitness, InfoE) on some of the held-out items."""
        a, b = float(self.answers[rows].mean()), float(self.blind[rows].mean())
        e, h = float(self.nats[rows].mean()), float(self.blind_nats[rows].mean())
        if self.factor.kind == "number":
            return 1 - a / max(b, 1e-12), 1 - e / max(h, 1e-12)
        return ((a - b) / (1 - b) if b < 1 else 0.0), (1 - e / h if h > 1e-12 else 0.0)


def probes(z: np.ndarray, factors: Sequence[Factor], rng: np.random.Generator) -> list[Probe]:
    """A linear probe of every factor, fitted on at most 4,000 of the training items.

    Args:
        z: (n, d), in any unit; standardised here.
        factors: of n values each.
        rng: of the split, new for each factor.
    """
    spread = z.std(0)
    z = (z - z.mean(0)) / np.where(spread > 0, spread, 1.0)
    found = []
    for factor in factors:
        train, test = split(factor, rng)
        fit = _ridge if factor.kind == "number" else _logistic
        found.append(
            fit(factor, z[train[:PROBED]], z[test], factor.values[train[:PROBED]], factor.values[test])
        )
    return found


def explicitness(found: Sequence[Probe]) -> Callable[..., np.ndarray]:
    """(explicitness, InfoE), means over factors cut to [0, 1], as a function of rows of each factor's
    held-out items.
    """
    return lambda *rows: np.array(
        [np.clip(p.values(r), 0, 1) for p, r in zip(found, rows, strict=True)]
    ).mean(0)


def _ridge(factor: Factor, a: np.ndarray, b: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> Probe:
    mean, centre = values.mean(), a.mean(0)
    weights = np.linalg.solve(
        (a - centre).T @ (a - centre) + 1e-3 * len(a) * np.eye(a.shape[1]), (a - centre).T @ (values - mean)
    )
    error, blind = np.square(wanted - mean - (b - centre) @ weights), np.square(wanted - mean)
    return Probe(factor, error, blind, error, blind)


def _logistic(factor: Factor, a: np.ndarray, b: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> Probe:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    classes, counts = np.unique(values, return_counts=True)
    shares = np.full(factor.size, 0.5) / (
        len(values) + factor.size
    )  # a class that only the test rows have keeps a small probability
    shares[classes.astype(int)] += counts / len(values)
    shares /= shares.sum()
    guesses = np.tile(shares, (len(b), 1))
    if len(classes) > 1:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", ConvergenceWarning
            )  # classes without overlap never settle, and need not
            model = LogisticRegression(C=10.0, max_iter=200).fit(a, values)
        guesses[:, classes.astype(int)] = model.predict_proba(b) * shares[classes.astype(int)].sum()
    rows, at = np.arange(len(b)), wanted.astype(int)
    right, blind = guesses.argmax(1) == at, np.full(len(b), shares.argmax()) == at
    loss, least = (-np.log(np.maximum(p, 1e-12)) for p in (guesses[rows, at], shares[at]))
    return Probe(factor, right.astype(float), blind.astype(float), loss, least)
