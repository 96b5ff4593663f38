"""Classes in a latent space: a Gaussian each, the linear erasure of what tells them apart, and rotations that
match their axes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ...errors import LiminalError
from ...tensors import rng

FLOOR = 1e-6  # of the largest variance within classes, added to all of them: dead dimensions stay dead
DRAWS = 128  # pairs of points, at least, that a class's mean Jacobian is taken from
SWEEPS = 200  # of Procrustes at most

Decode = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Gaussians:
    """One Gaussian a class: `mean` (k, d), `root` and `inverse` (k, d, d), the symmetric S^(1/2) and
    S^(-1/2).
    """

    mean: Tensor
    root: Tensor
    inverse: Tensor

    def log_prob(self, z: Tensor) -> Tensor:
        """Log-densities (n, k) of z (n, d), up to a constant that is the same for all classes."""
        spread = torch.linalg.slogdet(self.root)[1]
        return (
            torch.stack(
                [-0.5 * ((z - m) @ w).square().sum(1) for m, w in zip(self.mean, self.inverse, strict=True)],
                1,
            )
            - spread
        )


@dataclass(frozen=True)
class Erasure:
    """LEACE: `matrix` (d, d) = W^+ P W, `centre` (d,), `rank` of P: the dimensions of the content
    subspace.
    """

    matrix: Tensor
    centre: Tensor
    rank: int

    def __call__(self, z: Tensor) -> Tensor:
        """The style part (n, d) of z (n, d); the content part is z less this."""
        return z - ((z.double() - self.centre) @ self.matrix.T).to(z.dtype)


def fit_erasure(z: Tensor, rows: Tensor) -> Erasure:
    """LEACE of classes, given as numbers (n,), from latents (n, d)."""
    z = z.double()
    centre = z.mean(0)
    u, content = z - centre, F.one_hot(rows).double()
    power, axes = torch.linalg.eigh(u.T @ u / len(u))
    active = power > 1e-10 * power[-1].clamp_min(1e-300)
    power, axes = power[active].sqrt(), axes[:, active]
    crossed = (axes / power).T @ (u.T @ (content - content.mean(0))) / len(u)
    basis, size, _ = torch.linalg.svd(crossed, full_matrices=False)
    basis = basis[:, size > 1e-8]  # correlations: 0 but for rounding along what the classes do not differ in
    return Erasure((axes * power) @ basis @ basis.T @ (axes / power).T, centre, basis.shape[1])


def fit_gaussians(z: Tensor, y: Tensor, weights: Tensor) -> Gaussians:
    """Weighted mean and covariance of each class; the covariance shrunk to all classes' pooled one
    (Ledoit-Wolf).
    """
    k, d = int(y.max()) + 1, z.shape[1]
    share = torch.zeros(k, len(z), dtype=z.dtype)
    share[y, torch.arange(len(z))] = weights
    share /= share.sum(1, keepdim=True)
    mean = share @ z
    u = z - mean[y]
    pooled = (u.T * (share.sum(0) / k)) @ u
    top = float(torch.linalg.eigvalsh(pooled)[-1].clamp_min(FLOOR * float(z.var(0).max())))
    pooled += FLOOR * top * torch.eye(d, dtype=z.dtype)
    root, inverse = _roots(pooled)
    found = []
    for c in range(k):
        v, w = u[y == c] @ inverse, share[c, y == c]
        own = (v.T * w) @ v
        size = own.square().sum()
        noise = (w.square() * (v.square().sum(1).square() - 2 * ((v @ own) * v).sum(1) + size)).sum()
        middle = own.trace() / d
        apart = (own - middle * torch.eye(d, dtype=z.dtype)).square().sum()
        alpha = float((noise / apart.clamp_min(1e-300)).clamp(0, 1))
        shrunk = (1 - alpha) * own + alpha * middle * torch.eye(d, dtype=z.dtype)
        found.append(_roots(root @ shrunk @ root + FLOOR * top * torch.eye(d, dtype=z.dtype)))
    return Gaussians(mean, torch.stack([f[0] for f in found]), torch.stack([f[1] for f in found]))


def _roots(covariance: Tensor) -> tuple[Tensor, Tensor]:
    """Symmetric S^(1/2) and S^(-1/2)."""
    power, axes = torch.linalg.eigh(covariance)
    size = power.clamp_min(1e-300).sqrt()
    return (axes * size) @ axes.T, (axes / size) @ axes.T


def jacobians(gaussians: Gaussians, decode: Decode, seed: int) -> Tensor:
    """L_c = E[x e^T] (k, D, d) of each class by least squares over pairs e, -e; D is cut to at most k d by an
    orthonormal map.
    """
    k, d = gaussians.mean.shape
    generator, found = rng(seed), []
    for mean, root in zip(gaussians.mean, gaussians.root, strict=True):
        e = torch.randn(max(DRAWS, 2 * d), d, generator=generator, dtype=torch.float64)
        e = torch.cat([e, -e])
        x = decode((mean + e @ root).float()).detach().cpu().flatten(1)
        if not torch.isfinite(x).all():
            raise LiminalError(
                "fit_style: decoded data hold NaN or infinity; leave decode= out to match styles in the "
                "latents"
            )
        found.append(torch.linalg.lstsq(e, x.double() - x.double().mean(0)).solution.T)
    beside = torch.linalg.qr(torch.cat(found, 1), mode="r")[1]
    return beside.reshape(-1, k, d).permute(1, 0, 2).contiguous()


def align(maps: Tensor) -> tuple[Tensor, float, float]:
    """Rotations R_c (k, d, d) that bring L_c R_c^T (k, m, d) near their mean; the share that they have in
    common before and after.
    """
    k, _, d = maps.shape
    turns = torch.eye(d, dtype=maps.dtype).repeat(k, 1, 1)
    whole = maps.square().sum().clamp_min(1e-300)
    before = shared = float(k * maps.mean(0).square().sum() / whole)
    for _ in range(SWEEPS):
        common = (maps @ turns.mT).mean(0)
        left, _, right = torch.linalg.svd(common.T @ maps)
        turns = left @ right
        now = float(k * (maps @ turns.mT).mean(0).square().sum() / whole)
        done, shared = now - shared < 1e-7, now
        if done:
            break
    return turns, before, shared
