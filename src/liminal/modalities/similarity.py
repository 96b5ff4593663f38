"""How close one picture is to another, and what a decoder's softness does to one.

    MSE  = mean of (x - y)^2 over an item's numbers
    PSNR = 10 log10(1 / MSE) in dB, for data in [0, 1]
    SSIM = mean over windows of (2 mx my + c1)(2 sxy + c2) / ((mx^2 + my^2 + c1)(sx^2 + sy^2 + c2))
    c1 = 0.01^2, c2 = 0.03^2

Means mx, my, variances and covariance sxy are weighted by a Gaussian window.

Source: Wang et al. 2004, Image quality assessment: from error visibility to structural similarity.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ..errors import LiminalError
from .likelihoods import mse


def psnr(x: Tensor, y: Tensor) -> Tensor:
    """Peak signal-to-noise ratio of each item in dB, for data in [0, 1]: (n, *shape) twice -> (n,); at most
    100 (a copy).
    """
    _same(x, y)
    return -10 * mse(x, y).clamp_min(1e-10).log10()


def ssim(x: Tensor, y: Tensor, sigma: float = 1.5) -> Tensor:
    """Structural similarity of pictures in [0, 1]: (n, c, h, w) twice -> (n,) in [-1, 1], 1 for the same
    picture; to about 1e-5.

    The Gaussian window has 11 x 11 pixels (fewer in a smaller picture) and stays inside the picture; channels
    are averaged.

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
    """Every position of the Gaussian window along one side, as the rows of a matrix: products with it are
    faster than convolutions.
    """
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
            f"reconstruction: originals are {tuple(x.shape)} and reconstructions {tuple(y.shape)}; wanted "
            "the same shape (n, ...)"
        )


def softened(x: Tensor, draw: torch.Generator) -> Tensor:
    """Pictures (n, c, h, w) with a blur (3 x 3 binomial) and white noise, each of a strength drawn for each
    picture.
    """
    shape = (len(x), 1, 1, 1)
    k = torch.tensor([0.25, 0.5, 0.25])
    kernel = (k[:, None] * k[None]).expand(x.shape[1], 1, 3, 3).to(x)
    blurred = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), kernel, groups=x.shape[1])
    x = torch.lerp(x, blurred, torch.rand(shape, generator=draw).to(x))
    return x + 0.05 * torch.rand(shape, generator=draw).to(x) * torch.randn(x.shape, generator=draw).to(x)
