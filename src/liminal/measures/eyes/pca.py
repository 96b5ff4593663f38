"""Principal components of sets that are read piece by piece: the trivial latent space that a learned one must
beat.

    x ~ mean + z V,  z = (x - mean) V^T

by randomised subspace iteration, which touches the data only through products with blocks of it.

Source: Halko, Martinsson and Tropp 2011, Finding structure with randomness.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...errors import LiminalError


@dataclass(frozen=True)
class Pca:
    """Fitted principal components.

    Attributes:
        mean: (D,).
        axes: (d, D), orthonormal rows, largest variance first.
        variances: (d,) of the coordinates.
    """

    mean: Tensor
    axes: Tensor
    variances: Tensor

    def encode(self, x: Tensor) -> Tensor:
        """(n, D) -> coordinates (n, d)."""
        return (x - self.mean) @ self.axes.T

    def decode(self, z: Tensor) -> Tensor:
        """Coordinates (n, d) -> (n, D)."""
        return torch.addmm(self.mean, z, self.axes)

    def sample(self, n: int, rng: np.random.Generator) -> Tensor:
        """Coordinates (n, d) of n draws of the Gaussian with the fitted variances: the trivial generator."""
        return (
            torch.from_numpy(rng.standard_normal((n, len(self.variances))).astype(np.float32))
            * self.variances.sqrt()
        )


def fit_pca(parts: Callable[[], Iterable[Tensor]], dim: int, seed: int = 0, passes: int = 4) -> Pca:
    """The first `dim` principal components.

    Args:
        parts: gives the data again on every call, in pieces (m, D) float32; only one piece is in memory at
            once.
        dim: d; fewer are kept where there are fewer items or columns.
        seed: of the random start.
        passes: over the data beyond the two that always happen; the error falls geometrically with them.

    Raises:
        LiminalError: there are fewer than 2 items.
    """
    n, total = 0, None
    for part in parts():
        part_sum = part.double().sum(0)
        n, total = n + len(part), part_sum if total is None else total + part_sum
    if n < 2 or total is None:
        raise LiminalError(f"PCA: wanted 2 items or more, got {n}")
    mean = (total / n).float()
    width = min(dim + 16, len(mean), n)
    start = np.random.Generator(np.random.PCG64(seed)).standard_normal((len(mean), width)).astype(np.float32)
    basis = torch.linalg.qr(torch.from_numpy(start)).Q
    for _ in range(passes):
        basis = torch.linalg.qr(_scatter(parts, mean, basis)).Q
    image = _scatter(parts, mean, basis)
    small = (basis.T @ image).double() / (n - 1)
    variances, turn = torch.linalg.eigh((small + small.T) / 2)
    keep = min(dim, len(mean), n - 1)
    order = torch.arange(width - 1, width - 1 - keep, -1)
    axes = (basis @ turn[:, order].float()).T.contiguous()
    sign = torch.sign(axes.gather(1, axes.abs().argmax(1, keepdim=True)))
    return Pca(mean, axes * sign, variances[order].clamp_min(0).float())


def _scatter(parts: Callable[[], Iterable[Tensor]], mean: Tensor, basis: Tensor) -> Tensor:
    """(X - mean)^T (X - mean) basis, summed over the pieces."""
    out = torch.zeros_like(basis)
    for part in parts():
        centred = part - mean
        out += centred.T @ (centred @ basis)
    return out
