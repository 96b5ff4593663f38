r"""A decoder for codes that items have already, such as a language model's embeddings of sentences, and an
encoder that learns to give them.

.. math:: \mathcal L = -\log p(x | c) + \tfrac12 \lVert g(x) - c \rVert^2

for an item x and its code c, in units of each dimension's standard deviation over the training items. The
latent space is the one that the codes span; nothing about it is changed. Turning embeddings back into text
is Morris et al. 2023, Text embeddings reveal (almost) as much as text, who search for a text that has the
embedding with large models; here a small decoder gives it at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ..errors import LiminalError
from ..generator import Autoencoder, Mixed, Trainable
from ..modalities import likelihoods
from ..modalities.likelihoods import Likelihood
from ..nn import networks, taught
from ..priors import Delta, Posterior
from .latent import Mixture

LEAST = 1e-6  # standard deviation, below which a dimension tells nothing


class Given(Trainable, Autoencoder):
    """A decoder of given codes, and an encoder that has learned from them.

    Args:
        data: the likelihood of the data, or the shape of numbers in [0, 1].
        dim: d, numbers of a code.
        prior: ``"fitted"``, the only one this model can have.
        noise: standard deviation of the noise that is added to codes in training, in units of their own: what
            lies between codes decodes, too.
        width: channels at the finest resolution.
        network: family of the networks, a file of ``nn/``.

    Raises:
        LiminalError: an argument is out of range.
    """

    name = "given"
    centre: Tensor
    scale: Tensor

    def __init__(
        self,
        data: Likelihood | Sequence[int],
        dim: int = 16,
        prior: str = "fitted",
        noise: float = 0.2,
        width: int = 24,
        network: str = "conv",
    ) -> None:
        super().__init__()
        if prior != "fitted":
            raise LiminalError(
                f"model given has no {prior} prior: its prior is fitted to the codes; leave --prior out"
            )
        if not 0 <= noise < math.inf:
            raise LiminalError(f"model given: noise {noise} must be a number, 0 or more")
        self.likelihood = likelihoods.of(data)
        self.shape, self.noise = self.likelihood.soft_shape, noise
        self.width, self.network = width, network
        self.prior = Mixture(dim)
        self.register_buffer("centre", torch.zeros(dim))
        self.register_buffer("scale", torch.ones(dim))
        self.encoder, self.decoder = networks(network, self.likelihood, dim, dim, width)

    def config(self) -> dict[str, Any]:
        return {
            "dim": self.dim,
            "prior": "fitted",
            "noise": self.noise,
            "width": self.width,
            "network": self.network,
        }

    def measured(self, codes: Tensor) -> None:
        """Take the units of its dimensions from codes (n, d): their mean and standard deviation."""
        self.centre.copy_(codes.mean(0))
        self.scale.copy_(codes.std(0).clamp_min(LEAST))

    def posterior(self, x: Tensor) -> Posterior:
        return Delta(self.encoder(x).float() * self.scale + self.centre)

    def within(self, z: Tensor) -> Tensor:
        return (z - self.centre) / self.scale

    def forward(
        self,
        x: Tensor,
        progress: float,
        known: Tensor | None = None,
        player: str = "all",
        mixed: Mixed | None = None,
    ) -> dict[str, Tensor]:
        """The terms of `loss`; `known` (n, d) are the items' codes. Without them they are the encoder's."""
        found = self.encoder(x).float()
        code = found.detach() if known is None else self.within(known)
        near = code + self.noise * torch.randn_like(code)
        return {
            "reconstruction": self.likelihood.distortion(x, taught(self.decoder, near, x)),
            "codes": 0.5 * (found - code).square().sum(1).mean(),
        }

    def loss(self, x: Tensor, progress: float, player: str = "all") -> dict[str, Tensor]:
        return self.forward(x, progress)
