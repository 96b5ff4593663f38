"""How close a decoded item is to the one that was encoded.

    MSE  = mean of (x - y)^2 over an item's numbers
    PSNR = 10 log10(1 / MSE) in dB, for data in [0, 1]
    SSIM = mean over windows of (2 mx my + c1)(2 sxy + c2) / ((mx^2 + my^2 + c1)(sx^2 + sy^2 + c2)), c1 = 0.01^2, c2 = 0.03^2

Means mx, my, variances and covariance sxy are weighted by a Gaussian window.

Source: Wang et al. 2004, Image quality assessment: from error visibility to structural similarity.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..errors import LiminalError


def mse(x: Tensor, y: Tensor) -> Tensor:
    """Mean squared error of each item: (n, *shape) twice -> (n,), float64."""
    _same(x, y)
    return (x.float() - y.float()).square().flatten(1).mean(1).double()


def explained(x: Tensor, y: Tensor, mean: Tensor) -> float:
    """Share of what differs between items that reconstructions restore: 1 - MSE / MSE of the mean item.

    Args:
        x: (n, *shape), items that the model never saw.
        y: their reconstructions.
        mean: (*shape), the mean of items that it was trained on.

    Returns:
        1 for copies, 0 for what is as good as the mean item, less for worse; NaN where items do not differ.
    """
    plain = float(mse(x, mean.expand_as(x)).mean())
    return 1 - float(mse(x, y).mean()) / plain if plain > 0 else math.nan


def psnr(x: Tensor, y: Tensor) -> Tensor:
    """Peak signal-to-noise ratio of each item in dB, for data in [0, 1]: (n, *shape) twice -> (n,); at most 100 (a copy)."""
    return -10 * mse(x, y).clamp_min(1e-10).log10()


def ssim(x: Tensor, y: Tensor, sigma: float = 1.5) -> Tensor:
    """Structural similarity of pictures in [0, 1]: (n, c, h, w) twice -> (n,) in [-1, 1], 1 for the same picture; to about 1e-5.

    The Gaussian window has 11 x 11 pixels (fewer in a smaller picture) and stays inside the picture; channels are averaged.

    Args:
        x: (n, c, h, w).
        y: the same shape.
        sigma: of the window, in pixels.

    Raises:
        LiminalError: the shapes differ or are not those of pictures.
    """
    _same(x, y)
    if x.ndim != 4:
        raise LiminalError(f"SSIM: wanted pictures (n, c, h, w), got {tuple(x.shape)}")
    a, b = x.float(), y.float()
    down, across = (_windows(side, sigma) for side in x.shape[2:])

    def smooth(v: Tensor) -> Tensor:
        return down @ v @ across.T

    ma, mb = smooth(a), smooth(b)
    va, vb, vab = smooth(a * a) - ma * ma, smooth(b * b) - mb * mb, smooth(a * b) - ma * mb
    c1, c2 = 0.01**2, 0.03**2
    score = (2 * ma * mb + c1) * (2 * vab + c2) / ((ma * ma + mb * mb + c1) * (va + vb + c2))
    return score.double().flatten(1).mean(1)


def _windows(side: int, sigma: float) -> Tensor:
    """Every position of the Gaussian window along one side, as the rows of a matrix: products with it are faster than convolutions."""
    size = min(11, side - 1 + side % 2)
    at = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
    weight = torch.exp(-0.5 * (at / sigma) ** 2)
    rows = torch.zeros(side - size + 1, side, dtype=torch.float64)
    for i in range(len(rows)):
        rows[i, i : i + size] = weight / weight.sum()
    return rows.float()


def _same(x: Tensor, y: Tensor) -> None:
    if x.shape != y.shape or x.ndim < 2:
        raise LiminalError(
            f"reconstruction: originals are {tuple(x.shape)} and reconstructions {tuple(y.shape)}; wanted the same shape (n, ...)"
        )
