"""Frechet distance: how far the samples' features are from the real ones', each taken as one Gaussian.

    FD = |m1 - m2|^2 + tr(S1 + S2 - 2 (S1^1/2 S2 S1^1/2)^1/2)

0 for the same mean m and covariance S. Estimated from n items it is biased upwards by about c / n even when nothing differs, so compare it
only at equal n, and beside the value for real items against other real ones.

Source: Heusel et al. 2017, GANs trained by a two time-scale update rule; Chong and Forsyth 2020, Effectively unbiased FID (the bias).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ..errors import LiminalError


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
    for name, set_ in (("real items", real), ("samples", samples)):
        if set_.ndim != 2 or len(set_) < 2 or not torch.isfinite(set_).all():
            raise LiminalError(
                f"Frechet distance: the features of the {name} must be finite and (n, d) with n >= 2, got {tuple(set_.shape)}"
            )
    if real.shape[1] != samples.shape[1]:
        raise LiminalError(f"Frechet distance: real items have {real.shape[1]} features, samples {samples.shape[1]}; use one feature map")
    (m1, s1), (m2, s2) = moments(real), moments(samples)
    return frechet_gaussians(m1, s1, m2, s2)


def moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (d,) and unbiased covariance (d, d) of features (n, d), float64."""
    x = features.double()
    mean = x.mean(0)
    x = x - mean
    return mean, x.T @ x / (len(x) - 1)


def frechet_gaussians(m1: Tensor, s1: Tensor, m2: Tensor, s2: Tensor) -> float:
    """The squared Frechet (2-Wasserstein) distance between N(m1, s1) and N(m2, s2); covariances may be singular.

    The trace of the root is taken from eigenvalues of the symmetric S1^1/2 S2 S1^1/2, with those that rounding made negative set to 0.

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
