"""One measured value, and how far it would move with other items of the same count."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Literal

import numpy as np

from ..errors import LiminalError

Better = Literal["higher", "lower", ""]
Interval = tuple[float, float]


@dataclass(frozen=True)
class Measure:
    """One number and what is needed to judge it.

    Attributes:
        name: short and fixed, as in JSON: ``mse``, ``coverage``; after a dot, what it was taken over:
            ``knn_accuracy.label``.
        value: the number, in `unit`.
        interval: 95 % interval of sampling error, or None where there is none (an exact count) or it was not
            asked for.
        unit: ``""`` for a plain ratio, else ``dB``, ``nats``, ``bits``, ``dimensions``, ...
        better: ``"higher"``, ``"lower"``, or ``""`` where neither is.
        baseline: the same number for something trivial, or for real data, by what it is.
        note: how it was taken (sizes, feature map, what is special this time).
        words: what it tells, where its name is not in the glossary: an error that only one kind of data has.
    """

    name: str
    value: float
    _: KW_ONLY
    interval: Interval | None = None
    unit: str = ""
    better: Better = ""
    baseline: Mapping[str, float] = field(default_factory=dict)
    note: str = ""
    words: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; numbers that are not finite become None."""
        return {
            "name": self.name,
            "value": _finite(self.value),
            "interval": None if self.interval is None else [_finite(v) for v in self.interval],
            "unit": self.unit,
            "better": self.better,
            "baseline": {k: _finite(v) for k, v in self.baseline.items()},
            "note": self.note,
        }


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def subsample_spread(
    statistic: Callable[..., np.ndarray | float],
    sizes: tuple[int, ...],
    rng: np.random.Generator,
    rounds: int = 20,
    fraction: float = 0.5,
) -> np.ndarray:
    """Standard error of statistics of one or more samples, by subsampling without replacement (the delete-d
    jackknife).

    Each round draws m = fraction * n rows of every sample without replacement and evaluates the statistic on
    them. For one whose variance falls as 1/n, a subsample's values scatter around each other with variance (1
    - m/n) sigma^2 / m, so the error of the full sample, sigma / sqrt(n), is their standard deviation times
    sqrt(m / (n - m)); at one half the factor is 1. Resampling with replacement is never used: repeated rows
    are each other's nearest neighbours and ruin every statistic of neighbours.

    Against the scatter of 24 independent draws of 500 real items and 500 VAE samples (itself known to about
    15 %), the errors of precision, recall and density came out 0.85 to 0.95 times the true ones, those of
    coverage and the Frechet distance 1.4 and 1.7 times; of real against real, 1.1 to 1.3 and about 2 times.

    Args:
        statistic: takes one array of rows (sorted integers) for each sample; gives a number or an array of
            them.
        sizes: n of each sample, 4 or more.
        rng: numpy generator.
        rounds: subsamples drawn; 20 know the error to about 16 %.
        fraction: m / n, strictly between 0 and 1.

    Returns:
        Standard errors in the shape of the statistic.

    Raises:
        LiminalError: a sample has fewer than 4 rows, or an argument is out of range.

    Source: Shao and Wu 1989, A general theory for jackknife variance estimation; Politis and Romano 1994
    (subsampling).
    """
    if min(sizes) < 4 or not 0 < fraction < 1 or rounds < 2:
        raise LiminalError(
            f"interval: wanted samples of 4 or more, 0 < fraction < 1 and 2 or more rounds, got {sizes}, "
            f"{fraction}, {rounds}"
        )
    kept = [min(max(round(fraction * n), 2), n - 1) for n in sizes]
    values = np.array(
        [
            statistic(*(np.sort(rng.permutation(n)[:m]) for n, m in zip(sizes, kept, strict=True)))
            for _ in range(rounds)
        ]
    )
    scale = float(np.mean([m / (n - m) for n, m in zip(sizes, kept, strict=True)])) ** 0.5
    return np.asarray(values.std(axis=0, ddof=1) * scale)


def subsample_interval(
    statistic: Callable[..., float],
    sizes: tuple[int, ...],
    rng: np.random.Generator,
    rounds: int = 20,
    fraction: float = 0.5,
    bounds: Interval = (-np.inf, np.inf),
) -> tuple[float, Interval]:
    """A statistic on the whole samples and its 95 % interval: value -+ 1.96 standard errors from
    `subsample_spread`, cut to `bounds`.

    The interval tells how far the number would move with other items of the same count. It does not contain
    the part of the error that depends on the count itself (a Frechet distance falls with n): compare that
    with the real-against-real floor at the same count.

    Args and Raises: as `subsample_spread`.

    Returns:
        (value, (low, high)).
    """
    value = float(statistic(*(np.arange(n) for n in sizes)))
    return value, around(value, float(subsample_spread(statistic, sizes, rng, rounds, fraction)), bounds)


def around(value: float, error: float, bounds: Interval = (-np.inf, np.inf)) -> Interval:
    """value -+ 1.96 * error, cut to `bounds`."""
    return max(value - 1.96 * error, bounds[0]), min(value + 1.96 * error, bounds[1])
