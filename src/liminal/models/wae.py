r"""Wasserstein autoencoder with a maximum-mean-discrepancy penalty (WAE-MMD: Tolstikhin et al. 2018).

.. math:: \mathcal L = \lVert x - f(g(x)) \rVert^2 + \lambda\,\mathrm{MMD}_k\bigl(q(z), p(z)\bigr)

with the inverse multiquadratic kernel :math:`k(a, b) = \sum_s \tfrac{C_s}{C_s + \lVert a - b\rVert^2}` at
seven scales and the unbiased estimate over a batch. The first term is the likelihood's distortion.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ..errors import LiminalError
from ..generator import Autoencoder, Trainable
from ..modalities import likelihoods
from ..modalities.likelihoods import Likelihood
from ..nn import networks, taught
from ..priors import PRIORS, Delta, Posterior


def mmd(a: Tensor, b: Tensor, scale: float) -> Tensor:
    """Unbiased squared maximum mean discrepancy between two samples (n, d) of the same size; `scale` is the
    typical squared distance.
    """
    n = len(a)

    def kernel(u: Tensor, v: Tensor) -> Tensor:
        squared = (u.square().sum(1)[:, None] + v.square().sum(1)[None] - 2 * u @ v.T).clamp_min(0)
        return torch.stack(
            [c * scale / (c * scale + squared) for c in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)]
        ).sum(0)

    def off_diagonal(k: Tensor) -> Tensor:
        return (k.sum() - k.diagonal().sum()) / (n * (n - 1))

    return off_diagonal(kernel(a, a)) + off_diagonal(kernel(b, b)) - 2 * kernel(a, b).mean()


class WAE(Trainable, Autoencoder):
    """A deterministic encoder whose codes, taken together, follow the prior.

    Args:
        data: the likelihood of the data, or the shape of numbers in [0, 1].
        dim: d, latent dimensions.
        prior: ``"normal"``, ``"sphere"`` or ``"uniform"``.
        penalty: weight of the MMD for each squared unit of reconstruction error (lambda).
        noise: on the inputs of the encoder in training, see `Likelihood.corrupted`. 0: none.
        width: channels at the finest resolution.
        network: family of the networks, a file of ``nn/``.

    Raises:
        LiminalError: an argument is out of range, or the prior is unknown.
    """

    name = "wae"

    def __init__(
        self,
        data: Likelihood | Sequence[int],
        dim: int = 16,
        prior: str = "normal",
        penalty: float = 10.0,
        noise: float = 0.0,
        width: int = 24,
        network: str = "conv",
    ) -> None:
        super().__init__()
        if prior not in PRIORS:
            raise LiminalError(f"model wae has no {prior} prior: choose normal, sphere or uniform")
        if penalty < 0 or noise < 0:
            raise LiminalError(f"model wae: penalty {penalty} and noise {noise} must be 0 or more")
        self.likelihood = likelihoods.of(data)
        self.shape, self.penalty, self.noise = self.likelihood.soft_shape, penalty, noise
        self.width, self.network = width, network
        self.prior = PRIORS[prior](dim)
        self.encoder, self.decoder = networks(network, self.likelihood, dim, dim, width)

    def config(self) -> dict[str, Any]:
        return {
            "dim": self.dim,
            "prior": self.prior.name,
            "penalty": self.penalty,
            "noise": self.noise,
            "width": self.width,
            "network": self.network,
        }

    def posterior(self, x: Tensor) -> Posterior:
        return Delta(self.prior.project(self.encoder(x).float()))

    def loss(self, x: Tensor, progress: float, player: str = "all") -> dict[str, Tensor]:
        z = self.posterior(self.seen(x)).mean
        terms = {"reconstruction": self.likelihood.distortion(x, taught(self.decoder, z, x))}
        if len(x) > 1 and self.penalty:
            target = self.prior.sample(len(x)).to(z)
            scale = 2 * float(target.square().sum(1).mean())
            terms["mmd"] = self.penalty * mmd(z, target, scale)
        return terms
