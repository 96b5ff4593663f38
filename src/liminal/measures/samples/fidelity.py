"""Frechet distance: how far the samples' features are from the real ones', each taken as one Gaussian.

    FD = |m1 - m2|^2 + tr(S1 + S2 - 2 (S1^1/2 S2 S1^1/2)^1/2)

0 for the same mean m and covariance S. Estimated from n items it is biased upwards by about c / n even when
nothing differs: `frechet` must be compared at equal n only, and beside the value for real items against other
real ones; `frechet_infinity` takes the bias away.

Source: Heusel et al. 2017, GANs trained by a two time-scale update rule; Chong and Forsyth 2020, Effectively
unbiased FID and Inception Score.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ...errors import LiminalError

SPLITS = 2  # ways to halve the sets that are averaged
HALF = 2  # items a feature that either half needs


def frechet(real: Tensor, samples: Tensor) -> float:
    """The squared Frechet distance between Gaussians fitted to two sets of features.

    Args:
        real: (n, d) features.
        samples: (m, d) features; n and m of 2 or more, better well above d.

    Returns:
        A number >= 0, in the features' squared units.

    Raises:
        LiminalError: widths differ, a set has fewer than 2 rows, or holds NaN or infinity.
    """
    check_features("Frechet distance", real, samples)
    (m1, s1), (m2, s2) = moments(real), moments(samples)
    return frechet_gaussians(m1, s1, m2, s2)


def frechet_infinity(real: Tensor, samples: Tensor, rng: np.random.Generator) -> float:
    """The Frechet distance that infinitely many items would give, by extrapolation along its bias c / n.

    Both sets are cut into halves at random; the line through the mean distance of the halves (at 2 / n) and
    that of the whole (at 1 / n) is followed to 0:  2 FD(n) - FD(n / 2). Halves that share no item hold all
    that more sizes would tell. On Gaussians in 32 dimensions the mean of 12 estimates was within .05 of the
    truth from n = 8 d on, where the plain distance was 2 too large.

    Args:
        real: (n, d) features, n of 4 d or more.
        samples: (m, d) features, m likewise; n and m may differ.
        rng: numpy generator, for the halves.

    Returns:
        A number in the features' squared units; it may come out a little below 0 where nothing differs, as an
        unbiased estimate must.

    Raises:
        LiminalError: as `frechet`, or a set has fewer than 4 d items.
    """
    check_features("Frechet distance at infinity", real, samples)
    least = 2 * HALF * real.shape[1]
    if min(len(real), len(samples)) < least:
        raise LiminalError(
            f"Frechet distance at infinity: {len(real)} real items and {len(samples)} samples of "
            f"{real.shape[1]} features; "
            f"wanted {least} or more of each, or fewer features"
        )
    halves = []
    for _ in range(SPLITS):
        a, b = (x[torch.from_numpy(rng.permutation(len(x)))].tensor_split(2) for x in (real, samples))
        halves += [frechet(a[i], b[i]) for i in (0, 1)]
    return 2 * frechet(real, samples) - float(np.mean(halves))


def moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (d,) and unbiased covariance (d, d) of features (n, d), float64."""
    x = features.double()
    mean = x.mean(0)
    x = x - mean
    return mean, x.T @ x / (len(x) - 1)


def frechet_gaussians(m1: Tensor, s1: Tensor, m2: Tensor, s2: Tensor) -> float:
    """The squared Frechet (2-Wasserstein) distance between N(m1, s1) and N(m2, s2); covariances may be
    singular.

    The trace of the root is taken from eigenvalues of the symmetric S1^1/2 S2 S1^1/2, with those that
    rounding made negative set to 0.

    Args:
        m1: (d,), float64, as all.
        s1: (d, d), symmetric and positive semidefinite.
        m2: (d,).
        s2: (d, d).
    """
    values, vectors = torch.linalg.eigh(s1)
    root = (vectors * values.clamp_min(0).sqrt()) @ vectors.T
    inner = root @ s2 @ root
    cross = torch.linalg.eigvalsh((inner + inner.T) / 2).clamp_min(0).sqrt().sum()
    return max(float((m1 - m2).square().sum() + s1.trace() + s2.trace() - 2 * cross), 0.0)


def frechet_statistic(real: Tensor, samples: Tensor) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """`frechet` as a function of rows of both sets, as an array of one number: for `subsample_spread`."""

    def of_rows(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.array([frechet(real[torch.from_numpy(a)], samples[torch.from_numpy(b)])])

    return of_rows


def frechet_infinity_statistic(
    real: Tensor, samples: Tensor, rng: np.random.Generator
) -> Callable[[np.ndarray, np.ndarray], float]:
    """`frechet_infinity` as a function of rows of both sets: for `subsample_spread`, which halves them, so
    that it wants n of 8 d.
    """

    def of_rows(a: np.ndarray, b: np.ndarray) -> float:
        return frechet_infinity(real[torch.from_numpy(a)], samples[torch.from_numpy(b)], rng)

    return of_rows


def check_features(what: str, real: Tensor, samples: Tensor, least: int = 2) -> None:
    """Two sets of features that can be compared.

    Raises:
        LiminalError: one is not (n, d) with n of `least` or more, holds NaN or infinity, or the widths
        differ.
    """
    for name, set_ in (("real items", real), ("samples", samples)):
        if set_.ndim != 2 or len(set_) < least or not torch.isfinite(set_).all():
            raise LiminalError(
                f"{what}: the features of the {name} must be finite and (n, d) with n >= {least}, got "
                f"{tuple(set_.shape)}" + ("" if torch.isfinite(set_).all() else " with NaN or infinity in it")
            )
    if real.shape[1] != samples.shape[1]:
        raise LiminalError(
            f"{what}: real items have {real.shape[1]} features, samples {samples.shape[1]}; use one feature "
            "map"
        )
