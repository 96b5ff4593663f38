"""Precision, recall, density and coverage: whether samples look real, and whether they are as varied as real items.

Around every item lies a ball that just reaches its k-th nearest other item of its own set. With real balls B(r) and sample balls B(s):

    precision = share of samples in some B(r)             recall   = share of real items in some B(s)
    density   = mean number of B(r) a sample is in, / k   coverage = share of real items whose B(r) holds some sample

Precision and density fall when samples look unlike anything real, recall and coverage when something real is missing. Recall is fooled by
outlying samples (their balls are large) and precision by outlying real items; density and coverage are not. Density may exceed 1.

Source: Kynkaanniemi et al. 2019, Improved precision and recall metric; Naeem et al. 2020, Reliable fidelity and diversity metrics.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..distances import blocks, nearest
from ..errors import LiminalError

NAMES = ("precision", "recall", "density", "coverage")


@dataclass(frozen=True)
class Prdc:
    """The four numbers; all are shares in [0, 1] but density, which is 0 or more and near 1 for real against real."""

    precision: float
    recall: float
    density: float
    coverage: float


def prdc(real: Tensor, samples: Tensor, k: int = 5) -> Prdc:
    """Precision, recall, density and coverage of samples against real items, both as features.

    The definitions of the package `prdc` 0.2: strictly inside, Euclidean, k-th neighbour not counting the item itself.
    Memory is bounded at any n.

    Args:
        real: (n, d) features of real items.
        samples: (m, d) features of generated ones; m = n is usual, and density and coverage depend on it.
        k: the neighbour that sets the balls' radius; 5 is customary.

    Raises:
        LiminalError: a set has k items or fewer or holds NaN or infinity, the widths differ, or all real items are the same.
    """
    _check(real, samples, k)
    real_radii, sample_radii = _radii(real, k), _radii(samples, k)
    inside_real, covered, recalled = torch.zeros(len(samples), dtype=torch.int64), 0, 0
    for rows, table in blocks(real, samples):
        radii = real_radii[rows]
        inside_real += (table < radii[:, None]).view(torch.uint8).sum(0, dtype=torch.int64)
        covered += int((table.amin(1) < radii).sum())
        recalled += int((table < sample_radii[None]).any(1).sum())
    n, m = len(real), len(samples)
    return Prdc(float((inside_real > 0).sum()) / m, recalled / n, float(inside_real.sum()) / (k * m), covered / n)


def _radii(x: Tensor, k: int) -> Tensor:
    """Squared distance to the k-th nearest other row; where that is a copy, -inf: nothing is strictly inside, whatever rounding says."""
    squared = nearest(x, x, k)[0][:, -1].square()
    return torch.where(squared > 1e-12 * x.double().var(0).sum(), squared, -torch.inf)


def prdc_statistic(real: Tensor, samples: Tensor, k: int = 5) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """`prdc` as a function of rows of both sets, giving the four numbers in the order of `NAMES`: for `subsample_spread`."""

    def of_rows(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        p = prdc(real[torch.from_numpy(a)], samples[torch.from_numpy(b)], k)
        return np.array([p.precision, p.recall, p.density, p.coverage])

    return of_rows


def _check(real: Tensor, samples: Tensor, k: int) -> None:
    for name, set_ in (("real items", real), ("samples", samples)):
        if set_.ndim != 2 or not torch.isfinite(set_).all():
            raise LiminalError(
                f"precision and recall: the features of the {name} must be (n, d) and finite, got shape {tuple(set_.shape)} or NaN in it"
            )
        if len(set_) <= k:
            raise LiminalError(f"precision and recall: {len(set_)} {name} with k = {k}; wanted more than k of them")
    if real.shape[1] != samples.shape[1]:
        raise LiminalError(
            f"precision and recall: real items have {real.shape[1]} features, samples {samples.shape[1]}; use one feature map"
        )
    if (real == real[:1]).all():
        raise LiminalError("precision and recall: all real items have the same features, so there is nothing to cover; give varied items")
