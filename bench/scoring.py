"""Scores of reconstructions and samples, alike for every library: functions of arrays only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from liminal.measures.eyes.features import Features, fit_features
from liminal.measures.eyes.pca import Pca, fit_pca
from liminal.measures.samples import coverage, fidelity
from liminal.measures.structure import neighbourhoods
from liminal.measures.value import subsample_spread
from liminal.modalities import Modality
from liminal.modalities.likelihoods import mse

PART = 1000  # items that become tensors at once
K = 5


@dataclass(frozen=True)
class Likeness:
    """Samples compared with real items in one feature space; `frechet` is in squared units of the features,
    the rest are ratios.
    """

    precision: float
    recall: float
    density: float
    coverage: float
    frechet: float


def likeness(real: Tensor, samples: Tensor) -> Likeness:
    """Precision, recall, density, coverage (k = 5) and Frechet distance of samples (m, d) against real items
    (n, d), both as features.
    """
    p = coverage.prdc(real, samples, K)
    return Likeness(p.precision, p.recall, p.density, p.coverage, fidelity.frechet(real, samples))


def errors(real: Tensor, samples: Tensor, rounds: int = 10, seed: int = 0) -> dict[str, float]:
    """Standard errors of the first four of `likeness`, by subsampling without replacement."""
    sizes = (len(real), len(samples))
    found = subsample_spread(
        coverage.prdc_statistic(real, samples, K), sizes, np.random.default_rng(seed), rounds
    )
    return dict(zip(coverage.NAMES, found.tolist(), strict=True))


def embedded(feature_map: Callable[[Tensor], Tensor], modality: Modality, items: np.ndarray) -> Tensor:
    """Features (n, d) of stored items."""
    return torch.cat([feature_map(modality.tensor(items[i : i + PART])) for i in range(0, len(items), PART)])


def squared_error(modality: Modality, items: np.ndarray, restored: Callable[[Tensor], Tensor]) -> float:
    """Mean squared error over stored items (n, ...) of ``restored(x)``, x and the result in [0, 1]."""
    total = 0.0
    for i in range(0, len(items), PART):
        x = modality.tensor(items[i : i + PART])
        total += float(mse(x, restored(x)).sum())
    return total / len(items)


def principal(modality: Modality, items: np.ndarray, dim: int) -> Callable[[Tensor], Tensor]:
    """Reconstruction through the first `dim` principal components of stored items, cut to [0, 1]: x (n,
    *shape) -> the same shape.
    """
    pca: Pca = fit_pca(
        lambda: (modality.tensor(items[i : i + PART]).flatten(1) for i in range(0, len(items), PART)), dim
    )
    return lambda x: pca.decode(pca.encode(x.flatten(1))).clamp(0, 1).view_as(x)


def random_features(modality: Modality, items: np.ndarray, most: int = 5000, seed: int = 0) -> Features:
    """The library's fixed random-feature map, its components fitted to at most `most` of the stored items."""
    rows = np.sort(np.random.default_rng(seed).permutation(len(items))[:most])
    return fit_features(
        lambda: (modality.tensor(items[rows[i : i + PART]]) for i in range(0, len(rows), PART)),
        modality.features or modality.chart,
    )


def neighbours(
    index: Tensor, labels: Sequence[str], queries: Tensor, wanted: Sequence[str], k: int = 10
) -> float:
    """Share of the queries (m, d) whose label the majority of their k nearest among index (n, d) has."""
    return float(neighbourhoods.knn_accuracy(index, labels, queries, wanted, k).mean())


def halves(count: int, size: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two sets of `size` rows out of `count`, chosen at random, with nothing in common; smaller ones where
    there are too few rows.
    """
    size = min(size, count // 2)
    order = np.random.default_rng(seed).permutation(count)
    return np.sort(order[:size]), np.sort(order[size : 2 * size])
