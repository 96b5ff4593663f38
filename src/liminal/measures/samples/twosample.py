"""Are samples and real items two sets or one? The kernel distance between them, and how often a classifier
can tell which is which.

    KID = mean k(r, r') + mean k(s, s') - 2 mean k(r, s),   k(x, y) = (<x, y> / d + 1)^3

over pairs of different items: the squared maximum mean discrepancy without bias. It is 0 on average where the
distributions are the same, and then as often below 0 as above. It depends on the features' scale and origin:
use features of mean 0 and variance 1 (`fit_features`).

`told_apart` trains a classifier on one half of the items and counts how often it is right on the other: one
half of the time where there is nothing to see, and how improbable a higher accuracy would then be is exact
(binomial).

Source: Binkowski et al. 2018, Demystifying MMD GANs; Lopez-Paz and Oquab 2017, Revisiting classifier
two-sample tests.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from ...distances import BLOCK, nearest
from ...errors import LiminalError
from ..value import Interval, around
from .fidelity import check_features

Classifier = Literal["mlp", "knn"]
LEAST = 20  # items of either kind in a test
HIDDEN, EPOCHS, BATCH, RATE, DECAY = 64, 20, 128, 3e-3, 0.1  # of the network that tells sets apart


def kid(real: Tensor, samples: Tensor) -> float:
    """The kernel distance (KID) between two sets of features, over all pairs, in blocks.

    Args:
        real: (n, d) features, scaled (see above).
        samples: (m, d) features; n and m of 2 or more.

    Returns:
        A number, 0 on average for the same distribution whatever n and m are. Often printed times 1,000.

    Raises:
        LiminalError: widths differ, a set has fewer than 2 rows, or holds NaN or infinity.
    """
    check_features("KID", real, samples)
    n, m = len(real), len(samples)
    own = sum(_kernel_sum(x, x) / (len(x) * (len(x) - 1)) for x in (real, samples))
    return own - 2 * _kernel_sum(real, samples) / (n * m)


def _kernel_sum(a: Tensor, b: Tensor) -> float:
    """The sum of k over all pairs, those of an item with itself left out where `a` is `b`."""
    right, d, total = b.double().T, a.shape[1], 0.0
    size = max(BLOCK // max(len(b), 1) // 2, 1)
    for i in range(0, len(a), size):
        table = (a[i : i + size].double() @ right).div_(d).add_(1)
        total += float((table.square() * table).sum())
    if a is b:
        total -= float((b.double().square().sum(1) / d + 1).pow(3).sum())
    return total


def kid_statistic(real: Tensor, samples: Tensor) -> Callable[[np.ndarray, np.ndarray], float]:
    """`kid` as a function of rows of both sets: for `subsample_spread`.

    Where the distributions are the same KID's variance falls as 1 / n^2, faster than the spread assumes: the
    interval is then too wide.
    """
    return lambda a, b: kid(real[torch.from_numpy(a)], samples[torch.from_numpy(b)])


@dataclass(frozen=True)
class Told:
    """How well a classifier tells samples from real items that it has not seen.

    Attributes:
        accuracy: share told rightly, 0.5 to be expected of guessing, 1 where every item gives itself away.
        interval: 95 % of the accuracy's sampling error (binomial).
        p: the chance of this accuracy or a higher one if both sets had one distribution; below 0.05 they are
            said to differ.
        n: items judged, one half of them real.
        classifier: what judged.
    """

    accuracy: float
    interval: Interval
    p: float
    n: int
    classifier: str


def told_apart(
    real: Tensor, samples: Tensor, rng: np.random.Generator, classifier: Classifier = "mlp"
) -> Told:
    """The classifier two-sample test: samples and real items in equal numbers, half of each to learn from,
    the other half to judge.

    Almost any generator is found out with enough items, so read the accuracy, and p only where the accuracy
    is near 0.5.

    Args:
        real: (n, d) features. Items that the generator was not trained on, or memory of the training set
            looks like likeness.
        samples: (m, d) features.
        rng: numpy generator, for the choice of rows and the network's first weights.
        classifier: ``"mlp"``: a network with one layer of 64 (sees what is off in any direction); ``"knn"``:
            the majority of the floor(sqrt(n)) nearest, made odd (sees where one of the sets is missing).

    Raises:
        LiminalError: a set has fewer than 20 rows, holds NaN or infinity, or the widths differ; or no such
        classifier.

    Source: Lopez-Paz and Oquab 2017.
    """
    from scipy.stats import binom

    check_features("classifier test", real, samples, LEAST)
    if classifier not in ("mlp", "knn"):
        raise LiminalError(f"classifier test: there is no classifier {classifier!r}; wanted mlp or knn")
    n = min(len(real), len(samples))
    learn, judge = [], []
    for x in (real, samples):
        x = x[torch.from_numpy(rng.permutation(len(x))[:n])].float()
        learn.append(x[: n // 2])
        judge.append(x[n // 2 :])
    x, y, of = torch.cat(learn), _labels(learn), torch.cat(judge)
    mean, spread = x.mean(0), x.std(0)
    scale = lambda v: (v - mean) / torch.where(spread > 1e-6 * spread.max(), spread, 1)
    said = (
        _network(scale(x), y, scale(of), int(rng.integers(2**31)))
        if classifier == "mlp"
        else _neighbours(x, y, of)
    )
    right, total = int((said == (_labels(judge) > 0.5)).sum()), len(of)
    accuracy = right / total
    error = (accuracy * (1 - accuracy) / total) ** 0.5
    return Told(
        accuracy, around(accuracy, error, (0, 1)), float(binom.sf(right - 1, total, 0.5)), total, classifier
    )


def _labels(parts: list[Tensor]) -> Tensor:
    return torch.cat([torch.full((len(part),), float(i)) for i, part in enumerate(parts)])


def _neighbours(x: Tensor, y: Tensor, of: Tensor) -> Tensor:
    """Whether most of the nearest items of x (n, d) to each of `of` have label 1."""
    k = (int(len(x) ** 0.5) - 1) | 1
    return y[nearest(x, of, k)[1]].mean(1) > 0.5


def _network(x: Tensor, y: Tensor, of: Tensor, seed: int) -> Tensor:
    """Whether a small network fitted to x (n, d) with labels y gives each of `of` label 1."""
    with torch.random.fork_rng(devices=[]), torch.inference_mode(False), torch.enable_grad():
        torch.manual_seed(seed)
        net = nn.Sequential(nn.Linear(x.shape[1], HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 1))
        optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=DECAY)
        for _ in range(EPOCHS):
            for rows in torch.randperm(len(x)).split(BATCH):
                loss = nn.functional.binary_cross_entropy_with_logits(net(x[rows])[:, 0], y[rows])
                optimiser.zero_grad(set_to_none=True)
                loss.backward()
                optimiser.step()
    with torch.no_grad():
        return net(of)[:, 0] > 0
