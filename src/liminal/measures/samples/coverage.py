"""Precision, recall, density and coverage: whether samples look real, and whether they are as varied as real
items.

Around every item lies a ball that just reaches its k-th nearest other item of its own set. With real balls
B(r) and sample balls B(s):

    precision = share of samples in some B(r)
    recall    = share of real items in some B(s)
    density   = mean number of B(r) a sample is in, / k
    coverage  = share of real items whose B(r) holds some sample

Precision and density fall when samples look unlike anything real, recall and coverage when something real is
missing. Recall is fooled by outlying samples (their balls are large) and precision by outlying real items;
density and coverage are not.

Two traps, of the definitions and not of any code:

- A ball of radius 0 holds nothing, since its inside is strict: an item with k exact copies in its own set
  counts as not covered, and sets of few different items score 0 everywhere, even against themselves. (Items
  that are all the same are refused.)
- For samples from the real distribution density is 1 on average, in any number of dimensions. Samples nearer
  to the middle than real items are lie in very many balls at once, the more the higher the dimension: 768-d
  Gaussians of 0.9 times the spread reach 170 at n = 5,000 (and recall 0). Far above 1 is no merit but a lack
  of spread; `Prdc.note` says so.

Source: Kynkaanniemi et al. 2019, Improved precision and recall metric; Naeem et al. 2020, Reliable fidelity
and diversity metrics.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...distances import ball_counts, nearest
from ...errors import LiminalError
from .fidelity import check_features

NAMES = ("precision", "recall", "density", "coverage")
DENSE = 2.0  # density from which on it is remarked on
WIDTH = 128  # features from which on the balls of few items tell little
EACH = 10  # items a feature that are not few


@dataclass(frozen=True)
class Prdc:
    """The four numbers; all are shares in [0, 1] but density, which is 0 or more and near 1 for real against
    real.

    Attributes:
        note: what keeps these numbers from meaning what they say, in sentences; "" where nothing is known to.
    """

    precision: float
    recall: float
    density: float
    coverage: float
    note: str = ""


def prdc(real: Tensor, samples: Tensor, k: int = 5) -> Prdc:
    """Precision, recall, density and coverage of samples against real items, both as features.

    The definitions of the package `prdc` 0.2: strictly inside, Euclidean, k-th neighbour not counting the
    item itself. Decisions are those of float64, so that the shares are exact to the count; memory is bounded
    at any n.

    Args:
        real: (n, d) features of real items.
        samples: (m, d) features of generated ones; m = n is usual, and density and coverage depend on it.
        k: the neighbour that sets the balls' radius; 5 is customary.

    Raises:
        LiminalError: a set has k items or fewer or holds NaN or infinity, the widths differ, or all real
        items are the same.
    """
    for name, set_ in (("real items", real), ("samples", samples)):
        if len(set_) <= k:
            raise LiminalError(
                f"precision and recall: {len(set_)} {name} with k = {k}; wanted more than k of them"
            )
    check_features("precision and recall", real, samples)
    if (real == real[:1]).all():
        raise LiminalError(
            "precision and recall: all real items have the same features, so there is nothing to cover; "
            "give varied items"
        )
    n, m = len(real), len(samples)
    real_radii, sample_radii = nearest(real, real, k)[0][:, -1], nearest(samples, samples, k)[0][:, -1]
    held, inside = ball_counts(real, real_radii, samples)
    recalled = ball_counts(samples, sample_radii, real)[1]
    share = lambda yes: float(yes.double().mean())
    density = float(inside.sum()) / (k * m)
    note = _note(share(real_radii == 0), share(sample_radii == 0), density, real.shape[1], min(n, m), k)
    return Prdc(share(inside > 0), share(recalled > 0), density, share(held > 0), note)


def _note(real_copies: float, sample_copies: float, density: float, width: int, n: int, k: int) -> str:
    """What is special about the two sets, from the shares of balls without extent, the density and the
    sizes.
    """
    found = []
    if real_copies:
        found.append(
            f"{real_copies:.1%} of the real items have {k} exact copies or more: their balls are empty, "
            f"and coverage cannot exceed {1 - real_copies:.3f}."
        )
    if sample_copies:
        found.append(
            f"{sample_copies:.1%} of the samples have {k} exact copies or more: they recall nothing."
        )
    if density > DENSE:
        found.append(
            f"Density {density:.3g} is no merit: samples crowd where real balls overlap, nearer to the "
            "middle than real items."
        )
    if width > WIDTH and n < EACH * width:
        found.append(
            f"{n:,} items in {width} features: nearest items are hardly nearer than others; fewer features "
            "tell more."
        )
    return " ".join(found)


def prdc_statistic(
    real: Tensor, samples: Tensor, k: int = 5
) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """`prdc` as a function of rows of both sets, giving the four numbers in the order of `NAMES`: for
    `subsample_spread`.
    """

    def of_rows(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        p = prdc(real[torch.from_numpy(a)], samples[torch.from_numpy(b)], k)
        return np.array([p.precision, p.recall, p.density, p.coverage])

    return of_rows
