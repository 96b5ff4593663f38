"""Distributions over the latent space in closed form, and the posteriors that go with them.

====================  ==============================  =======================================
prior                 density                         posterior of a VAE
====================  ==============================  =======================================
`Normal` (d)          N(0, I)                         diagonal Gaussian (Kingma & Welling 2014)
`Sphere` (d)          uniform on |z| = 1 in R^d       power spherical (De Cao & Aziz 2020)
`Uniform` (d)         uniform on [-1, 1]^d            none (WAE only)
====================  ==============================  =======================================

A network's raw output h (n, d) reaches the prior's support through `Prior.project`.
Log-densities are in nats; on the sphere with respect to its surface measure.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.distributions import Beta

from .errors import LiminalError


class Posterior(ABC):
    """q(z|x) for a batch of n items."""

    mean: Tensor  # (n, d), on the prior's support

    @abstractmethod
    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """One reparametrised z (n, d) for each item."""

    @abstractmethod
    def log_prob(self, z: Tensor) -> Tensor:
        """(m, d) latents, or any shape that broadcasts against (n, d) -> log q(z|x) in nats, summed over
        d.
        """

    @abstractmethod
    def kl(self) -> Tensor:
        """KL(q || prior) in nats, (n, d) where it splits by dimension and (n, 1) where it does not."""


class Prior(nn.Module, ABC):
    """A distribution over R^d, or over a surface in it."""

    name: ClassVar[str]

    def __init__(self, dim: int) -> None:
        super().__init__()
        if dim < 1:
            raise LiminalError(f"dim {dim}: a latent space needs 1 dimension or more")
        self.dim = dim

    @abstractmethod
    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """n independent draws, (n, d)."""

    @abstractmethod
    def log_prob(self, z: Tensor) -> Tensor:
        """(n, d) -> (n,) in nats; -inf outside the support."""

    @abstractmethod
    def typicality(self, z: Tensor) -> Tensor:
        """(n, d) -> (n,) in [0, 1]: how ordinary the position of z is among draws, 1 most ordinary.

        The two-sided p-value of the radius (of the largest coordinate for `Uniform`), so that the origin of a
        Normal, which no draw comes near in high dimension, scores low.
        """

    @abstractmethod
    def mix(self, z: Tensor, weights: Tensor) -> Tensor:
        """Combine k independent draws so that the result is a draw again.

        Args:
            z: (k, n, d).
            weights: (k,) or (k, n), any real numbers, not all zero.

        Returns:
            (n, d). Source: Bodin et al. 2024, Linear combinations of latents in generative models; Agustsson
            et al. 2019.
        """

    def project(self, h: Tensor) -> Tensor:
        """Carry a network's raw output (n, d) onto the support, differentiably."""
        return h

    def nearest(self, z: Tensor) -> Tensor:
        """The point of the support nearest to each z (n, d)."""
        return z


def _unit_weights(z: Tensor, weights: Tensor) -> Tensor:
    w = torch.as_tensor(weights, dtype=z.dtype, device=z.device)
    w = w[:, None] if w.ndim == 1 else w
    norm = w.square().sum(0).sqrt()
    if (norm == 0).any():
        raise LiminalError("mix: the weights are all zero; wanted at least one that is not")
    return (w / norm)[..., None]


class Normal(Prior):
    """N(0, I) in d dimensions."""

    name = "normal"

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        return torch.randn(n, self.dim, generator=generator)

    def log_prob(self, z: Tensor) -> Tensor:
        return -0.5 * (z.square().sum(-1) + self.dim * math.log(2 * math.pi))

    def typicality(self, z: Tensor) -> Tensor:
        below = torch.special.gammainc(torch.tensor(self.dim / 2.0, device=z.device), z.square().sum(-1) / 2)
        return 2 * torch.minimum(below, 1 - below)

    def mix(self, z: Tensor, weights: Tensor) -> Tensor:
        return (_unit_weights(z, weights) * z).sum(0)


class Sphere(Prior):
    """Uniform on the unit sphere in R^d (a surface of d - 1 dimensions)."""

    name = "sphere"

    def __init__(self, dim: int) -> None:
        super().__init__(dim)
        if dim < 2:
            raise LiminalError(f"dim {dim}: a sphere needs 2 dimensions or more")

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        return self.project(torch.randn(n, self.dim, generator=generator))

    @property
    def log_area(self) -> float:
        """log of the surface of the unit sphere."""
        return math.log(2) + self.dim / 2 * math.log(math.pi) - math.lgamma(self.dim / 2)

    def log_prob(self, z: Tensor) -> Tensor:
        on = (z.norm(dim=-1) - 1).abs() < 1e-3
        return torch.where(on, -self.log_area, -math.inf)

    def typicality(self, z: Tensor) -> Tensor:
        return ((z.norm(dim=-1) - 1).abs() < 1e-3).to(z.dtype)

    def mix(self, z: Tensor, weights: Tensor) -> Tensor:
        return self.project((_unit_weights(z, weights) * z).sum(0))

    def project(self, h: Tensor) -> Tensor:
        return h / h.norm(dim=-1, keepdim=True).clamp_min(1e-8)

    def nearest(self, z: Tensor) -> Tensor:
        return self.project(z)


class Uniform(Prior):
    """Uniform on the cube [-1, 1]^d."""

    name = "uniform"

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        return torch.rand(n, self.dim, generator=generator) * 2 - 1

    def log_prob(self, z: Tensor) -> Tensor:
        return torch.where((z.abs() <= 1).all(-1), -self.dim * math.log(2), -math.inf)

    def typicality(self, z: Tensor) -> Tensor:
        largest = z.abs().amax(-1)
        below = largest.clamp(max=1) ** self.dim
        return torch.where(largest <= 1, 2 * torch.minimum(below, 1 - below), torch.zeros_like(below))

    def mix(self, z: Tensor, weights: Tensor) -> Tensor:
        normal = torch.special.ndtri(((z.clamp(-1, 1) + 1) / 2).clamp(1e-6, 1 - 1e-6))
        return 2 * torch.special.ndtr((_unit_weights(z, weights) * normal).sum(0)) - 1

    def project(self, h: Tensor) -> Tensor:
        return torch.tanh(h)

    def nearest(self, z: Tensor) -> Tensor:
        return z.clamp(-1, 1)


PRIORS: dict[str, type[Prior]] = {p.name: p for p in (Normal, Sphere, Uniform)}


@dataclass
class Delta(Posterior):
    """All mass on one z: the posterior of a deterministic encoder. Its KL is infinite and not asked for."""

    mean: Tensor

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        return self.mean

    def log_prob(self, z: Tensor) -> Tensor:
        raise LiminalError("this model's encoder is deterministic: its posterior has no density")

    def kl(self) -> Tensor:
        raise LiminalError("this model's encoder is deterministic: its KL to the prior is infinite")


@dataclass
class Gaussian(Posterior):
    """N(mean, diag(exp(log_var))) against a standard normal prior (Kingma & Welling 2014)."""

    mean: Tensor
    log_var: Tensor

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        noise = torch.randn(self.mean.shape, generator=generator).to(self.mean)
        return self.mean + (0.5 * self.log_var).exp() * noise

    def log_prob(self, z: Tensor) -> Tensor:
        return self.log_prob_each(z).sum(-1)

    def log_prob_each(self, z: Tensor) -> Tensor:
        """As `log_prob`, before the sum over dimensions: the total-correlation estimate needs each."""
        return -0.5 * (math.log(2 * math.pi) + self.log_var + (z - self.mean).square() / self.log_var.exp())

    def kl(self) -> Tensor:
        return 0.5 * (self.mean.square() + self.log_var.exp() - 1 - self.log_var)


@dataclass
class PowerSpherical(Posterior):
    """Power spherical distribution on the unit sphere against the uniform one (De Cao & Aziz 2020, The power
    spherical distribution).

    q(z) is proportional to (1 + <mean, z>)^kappa; t = <mean, z> follows (t + 1)/2 ~ Beta((d-1)/2 + kappa,
    (d-1)/2).
    """

    mean: Tensor  # (n, d), unit length
    kappa: Tensor  # (n, 1), positive

    def _ab(self) -> tuple[Tensor, Tensor]:
        b = torch.full_like(self.kappa, (self.mean.shape[-1] - 1) / 2)
        return b + self.kappa, b

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        a, b = self._ab()
        if (
            generator is not None
        ):  # torch's Beta takes no generator: seed the global one from it, inside a fork
            seed = int(torch.randint(2**62, (1,), generator=generator))
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                return self._draw(a, b)
        return self._draw(a, b)

    def _draw(self, a: Tensor, b: Tensor) -> Tensor:
        t = 2 * Beta(a, b).rsample() - 1
        side = torch.randn_like(self.mean)[:, 1:]
        side = side / side.norm(dim=-1, keepdim=True).clamp_min(1e-8)
        z = torch.cat([t, (1 - t.square()).clamp_min(1e-10).sqrt() * side], -1)
        first = torch.zeros_like(self.mean)
        first[:, 0] = 1
        u = first - self.mean  # Householder reflection that carries the first axis onto the mean
        u = u / u.norm(dim=-1, keepdim=True).clamp_min(1e-8)
        return z - 2 * (z * u).sum(-1, keepdim=True) * u

    def _log_normaliser(self) -> Tensor:
        a, b = self._ab()
        return -((a + b) * math.log(2) + b * math.log(math.pi) + torch.lgamma(a) - torch.lgamma(a + b))

    def log_prob(self, z: Tensor) -> Tensor:
        dot = (self.mean * z).sum(-1, keepdim=True)
        return (self._log_normaliser() + self.kappa * torch.log1p(dot.clamp(-1 + 1e-6, 1)))[..., 0]

    def kl(self) -> Tensor:
        a, b = self._ab()
        entropy = -(
            self._log_normaliser() + self.kappa * (math.log(2) + torch.digamma(a) - torch.digamma(a + b))
        )
        return Sphere(self.mean.shape[-1]).log_area - entropy
