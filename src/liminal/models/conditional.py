"""Distributions over a part of the latents: those of the items that pass a filter, of a cluster, or around
one latent.

Each is a `Mixture`: of many latents the one that `latent.fit_mixture` finds; of few a single Gaussian whose
covariance is shrunk towards a multiple of the identity by as much as its own error asks for (Ledoit & Wolf
2004), so that directions in which few items happen not to differ are not closed.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ..errors import LiminalError
from ..priors import Prior
from ..tensors import rng
from . import latent
from .latent import Mixture, fit_mixture

FEWEST = 3  # latents that a distribution can be fitted to
MANY = 10  # latents a dimension from which a mixture can be fitted
NEAR = 0.5  # of the neighbours' covariance, around one latent
ROUNDS = 50  # draws of n each that `accepted` makes, at most


def conditional(z: Tensor, seed: int = 0, support: str = "normal") -> Mixture:
    """The distribution of some latents (n, d).

    Args:
        z: (n, d), n >= 3.
        seed: of the fit.
        support: name of the prior on whose support the latents live.

    Raises:
        LiminalError: fewer than 3 latents.
    """
    n, d = z.shape
    if n < FEWEST:
        raise LiminalError(
            f"sample: {n} item{'' if n == 1 else 's'} to draw from; wanted {FEWEST} or more (or draw near "
            "one item)"
        )
    if n < MANY * d:
        return gaussian(z.double().mean(0), shrunk(z), support)
    order = torch.randperm(n, generator=rng(seed))
    held = max(FEWEST, n // 5)
    return fit_mixture(z[order[held:]], z[order[:held]], seed, support)


def near(z: Tensor, neighbours: Tensor, support: str = "normal") -> Mixture:
    """A Gaussian around one latent (d,), half as wide as its neighbours (k, d) lie around their own mean.

    Raises:
        LiminalError: fewer than 3 neighbours.
    """
    if len(neighbours) < FEWEST:
        raise LiminalError(
            f"sample: {len(neighbours)} neighbours to learn the spread from; wanted {FEWEST} or more"
        )
    return gaussian(z, NEAR * shrunk(neighbours), support)


def shrunk(z: Tensor) -> Tensor:
    """The covariance (d, d) of latents (n, d), shrunk towards a multiple of the identity (Ledoit & Wolf
    2004).
    """
    latent.check_width(z.shape[1])
    from sklearn.covariance import ledoit_wolf

    return torch.from_numpy(ledoit_wolf(z.double().cpu().numpy())[0])


def gaussian(mean: Tensor, covariance: Tensor, support: str = "normal") -> Mixture:
    """One Gaussian with mean (d,) and covariance (d, d) as a `Mixture`."""
    found = Mixture(len(mean), 1, support)
    found.means.copy_(mean[None])
    floor = 1e-6 * covariance.diagonal().mean().clamp_min(1e-12)
    found.cholesky.copy_(
        torch.linalg.cholesky(covariance + floor * torch.eye(len(mean), dtype=covariance.dtype))[None]
    )
    return found


def accepted(
    sampler: Prior, n: int, accept: Callable[[Tensor], Tensor], seed: int = 0
) -> tuple[Tensor, float]:
    """n draws (n, d) that pass, and the share of all draws that did.

    Args:
        sampler: draws.
        n: how many are wanted.
        accept: z (m, d) -> bool (m,).
        seed: the same seed gives the same draws.

    Raises:
        LiminalError: too few pass.
    """
    generator, found, drawn = rng(seed), [], 0
    for _ in range(ROUNDS):
        z = sampler.sample(n, generator).cpu()
        found.append(z[accept(z).cpu()])
        drawn += len(z)
        if sum(map(len, found)) >= n:
            break
    kept = torch.cat(found)
    if len(kept) < n:
        raise LiminalError(
            f"sample: only {len(kept)} of {drawn:,} draws pass, {n} were wanted; ask for less support, or "
            "for fewer"
        )
    return kept[:n], len(kept) / drawn
