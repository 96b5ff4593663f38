r"""Deterministic autoencoders: plain, denoising, regularised.

.. math:: \mathcal L = \lVert x - f(g(\tilde x)) \rVert^2 + \tfrac{\lambda}{2}\lVert g(\tilde x)\rVert^2 + \lambda\,\lVert\theta_f\rVert^2

with :math:`\tilde x = x + \text{noise}\cdot\epsilon` (denoising: Vincent et al. 2008) and :math:`\lambda` = `rae`
(RAE-L2: Ghosh et al. 2020, From variational to deterministic autoencoders). Such a model has no prior of its own: a Gaussian
mixture is fitted to its latents after training (`Trainable.prior_from`) and then is its prior.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..errors import LiminalError
from ..generator import Trainable
from ..nn import networks
from ..priors import Delta, Posterior
from .latent import Mixture


def squared_error(x: Tensor, y: Tensor) -> Tensor:
    """Squared error summed over an item, averaged over the batch; computed in float32 whatever the precision."""
    return (x.float() - y.float()).square().flatten(1).sum(1).mean()


class AE(Trainable):
    """A deterministic autoencoder.

    Args:
        shape: of one x.
        dim: d, latent dimensions.
        prior: ``"fitted"``, the only one this model can have.
        noise: standard deviation of the noise added to inputs in training, in units of x (0: plain).
        rae: weight of the penalties on latents and decoder weights (0: none; 1e-3 is a fair start).
        width: channels at the finest resolution.

    Raises:
        LiminalError: an argument is out of range.
    """

    name = "ae"

    def __init__(
        self,
        shape: tuple[int, ...],
        dim: int = 16,
        prior: str = "fitted",
        noise: float = 0.0,
        rae: float = 0.0,
        width: int = 24,
    ) -> None:
        super().__init__()
        if prior != "fitted":
            raise LiminalError(
                f"model ae has no {prior} prior: its prior is fitted after training; leave --prior out, or take vae or wae"
            )
        if noise < 0 or rae < 0:
            raise LiminalError(f"model ae: noise {noise} and rae {rae} must be 0 or more")
        self.shape, self.noise, self.rae, self.width = tuple(shape), noise, rae, width
        self.prior = Mixture(dim)
        self.encoder, self.decoder = networks(self.shape, dim, dim, width)

    def config(self) -> dict[str, Any]:
        return {
            "shape": list(self.shape),
            "dim": self.dim,
            "prior": "fitted",
            "noise": self.noise,
            "rae": self.rae,
            "width": self.width,
        }

    def posterior(self, x: Tensor) -> Posterior:
        return Delta(self.encoder(x))

    def decode_soft(self, z: Tensor) -> Tensor:
        return self.decoder(z)

    def loss(self, x: Tensor, progress: float) -> dict[str, Tensor]:
        noisy = x + self.noise * torch.randn_like(x) if self.noise else x
        z = self.encoder(noisy).float()
        terms = {"reconstruction": squared_error(self.decode_soft(z), x)}
        if self.rae:
            terms["latent"] = self.rae * 0.5 * z.square().sum(1).mean()
            terms["decoder"] = (
                self.rae * torch.stack([p.float().square().sum() for p in self.decoder.parameters()]).sum()
            )
        return terms
