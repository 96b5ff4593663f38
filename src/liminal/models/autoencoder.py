r"""Deterministic autoencoders: plain, denoising, regularised.

.. math:: \mathcal L = \lVert x - f(g(\tilde x)) \rVert^2 + \tfrac{\lambda}{2}\lVert g(\tilde x)\rVert^2 +
\lambda\,\lVert\theta_f\rVert^2

with :math:`\tilde x = x + \text{noise}\cdot\epsilon` (denoising: Vincent et al. 2008) and :math:`\lambda` =
`rae` (RAE-L2: Ghosh et al. 2020, From variational to deterministic autoencoders). Such a model has no prior
of its own: a Gaussian mixture is fitted to its latents after training and then is its prior. The first term
is the likelihood's distortion: for symbols, their cross-entropy.
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
from ..priors import Delta, Posterior
from .latent import Mixture


class AE(Trainable, Autoencoder):
    """A deterministic autoencoder.

    Args:
        data: the likelihood of the data, or the shape of numbers in [0, 1].
        dim: d, latent dimensions.
        prior: ``"fitted"``, the only one this model can have.
        noise: on the inputs in training (0: plain): a standard deviation, or the share of symbols that is
            garbled or left out, see `Likelihood.corrupted`.
        rae: weight of the penalties on latents and decoder weights (0: none; 1e-3 is a fair start).
        width: channels at the finest resolution.
        network: family of the networks, a file of ``nn/``.

    Raises:
        LiminalError: an argument is out of range.
    """

    name = "ae"

    def __init__(
        self,
        data: Likelihood | Sequence[int],
        dim: int = 16,
        prior: str = "fitted",
        noise: float = 0.0,
        rae: float = 0.0,
        width: int = 24,
        network: str = "conv",
    ) -> None:
        super().__init__()
        if prior != "fitted":
            raise LiminalError(
                f"model ae has no {prior} prior: its prior is fitted after training; leave --prior out, or "
                "take vae or wae"
            )
        if noise < 0 or rae < 0:
            raise LiminalError(f"model ae: noise {noise} and rae {rae} must be 0 or more")
        self.likelihood = likelihoods.of(data)
        self.shape, self.noise, self.rae = self.likelihood.soft_shape, noise, rae
        self.width, self.network = width, network
        self.prior = Mixture(dim)
        self.encoder, self.decoder = networks(network, self.likelihood, dim, dim, width)

    def config(self) -> dict[str, Any]:
        return {
            "dim": self.dim,
            "prior": "fitted",
            "noise": self.noise,
            "rae": self.rae,
            "width": self.width,
            "network": self.network,
        }

    def posterior(self, x: Tensor) -> Posterior:
        return Delta(self.encoder(x))

    def loss(self, x: Tensor, progress: float, player: str = "all") -> dict[str, Tensor]:
        z = self.encoder(self.seen(x)).float()
        terms = {"reconstruction": self.likelihood.distortion(x, taught(self.decoder, z, x))}
        if self.rae:
            terms["latent"] = self.rae * 0.5 * z.square().sum(1).mean()
            terms["decoder"] = (
                self.rae * torch.stack([p.float().square().sum() for p in self.decoder.parameters()]).sum()
            )
        return terms
