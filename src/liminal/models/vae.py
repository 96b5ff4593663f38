r"""Variational autoencoder (Kingma & Welling 2014) with the field's usual knobs.

.. math:: \mathcal L = -\log p(x|z) + \beta\,\mathrm{KL}(q(z|x)\,\|\,p(z)) + \gamma\,\mathrm{TC}(z)

- beta-VAE: Higgins et al. 2017. Free bits, a floor on the KL of each dimension: Kingma et al. 2016.
- gamma = `tc` weighs the total correlation, estimated over the batch (beta-TCVAE: Chen et al. 2018).
- `mixing` asks that latents mix as the data do. (For audio: Torres et al. 2025, Learning linearity in audio
  consistency autoencoders via implicit regularization, who train on sums and gains.)
- The likelihood p(x|z) is the data's own: see `modalities.likelihoods`.
- Prior `Normal` with a diagonal Gaussian posterior, or `Sphere` with the power spherical one (De Cao & Aziz
  2020).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from torch import Tensor
from torch.nn import functional as F

from ..errors import LiminalError
from ..generator import Autoencoder, Mixed, Trainable
from ..modalities import likelihoods
from ..modalities.likelihoods import Likelihood
from ..nn import networks, taught
from ..priors import PRIORS, Gaussian, PowerSpherical

WARMUP = 0.05  # of the training, over which the weight of the KL rises from 0


def total_correlation(posterior: Gaussian, z: Tensor) -> Tensor:
    """KL(q(z) || prod_j q(z_j)) in nats, estimated with the batch as the whole data set (Chen et al.

    2018, up to their constant).
    """
    each = Gaussian(posterior.mean[None], posterior.log_var[None]).log_prob_each(z[:, None])  # (n, n, d)
    n = math.log(len(z))
    joint = each.sum(-1).logsumexp(1) - n
    product = (each.logsumexp(1) - n).sum(-1)
    return (joint - product).mean()


class VAE(Trainable, Autoencoder):
    """A variational autoencoder.

    Args:
        data: the likelihood of the data, or the shape of numbers in [0, 1].
        dim: d, latent dimensions.
        prior: ``"normal"`` or ``"sphere"``.
        beta: weight of the KL. 1 is the evidence bound; the default, 0.5, is sharper (the samplers do not
            need Gaussian codes); above 1 smoother and more disentangled.
        free_bits: nats below which the KL of a dimension (averaged over the batch) is not pressed further.
            Normal prior only.
        tc: extra weight of the total correlation, beside the one that the KL holds already. Normal prior
            only.
        mixing: weight of a term that lets the mean of two latents decode to the two items mixed half and
            half, for data that can be mixed (`Modality.mixed`): -log p(mix | (mean_a + mean_b) / 2) over
            pairs of the batch. 0: none.
        noise: on the inputs of the encoder in training, see `Likelihood.corrupted` (denoising variational
            autoencoder: Im et al. 2017). 0: none.
        likelihood: ``"gaussian"``, ``"laplace"`` or ``"bernoulli"`` for numbers; None: the data's own.
        width: channels at the finest resolution.
        network: family of the networks, a file of ``nn/``.

    Raises:
        LiminalError: an argument is out of range, or the two do not go together.
    """

    name = "vae"

    def __init__(
        self,
        data: Likelihood | Sequence[int],
        dim: int = 16,
        prior: str = "normal",
        beta: float = 0.5,
        free_bits: float = 0.0,
        tc: float = 0.0,
        mixing: float = 0.0,
        noise: float = 0.0,
        likelihood: str | None = None,
        width: int = 24,
        network: str = "conv",
    ) -> None:
        super().__init__()
        if prior not in ("normal", "sphere"):
            raise LiminalError(
                f"model vae has no {prior} prior: choose normal or sphere (wae has uniform, too)"
            )
        weights = beta, free_bits, tc, mixing, noise
        if not all(0 <= weight < math.inf for weight in weights):
            told = "beta {}, free_bits {}, tc {}, mixing {} and noise {}".format(*weights)
            raise LiminalError(f"model vae: {told} must be 0 or more")
        if prior == "sphere" and (free_bits or tc):
            raise LiminalError(
                "model vae: free_bits and tc need the normal prior; leave them out, or leave --prior sphere "
                "out"
            )
        self.likelihood = likelihoods.of(data).swapped(likelihood)
        self.shape, self.beta, self.free_bits, self.tc = self.likelihood.soft_shape, beta, free_bits, tc
        self.mixing, self.noise, self.width, self.network = mixing, noise, width, network
        self.prior = PRIORS[prior](dim)
        spread = dim if prior == "normal" else 1
        self.encoder, self.decoder = networks(network, self.likelihood, dim + spread, dim, width)

    def config(self) -> dict[str, Any]:
        return {
            "dim": self.dim,
            "prior": self.prior.name,
            "beta": self.beta,
            "free_bits": self.free_bits,
            "tc": self.tc,
            "mixing": self.mixing,
            "noise": self.noise,
            "likelihood": self.likelihood.name,
            "width": self.width,
            "network": self.network,
        }

    def posterior(self, x: Tensor) -> Gaussian | PowerSpherical:
        h = self.encoder(x).float()
        mean, spread = h[:, : self.dim], h[:, self.dim :]
        if self.prior.name == "normal":
            return Gaussian(mean, spread.clamp(-12, 6))
        return PowerSpherical(self.prior.project(mean), F.softplus(spread) + 1)

    def loss(
        self, x: Tensor, progress: float, player: str = "all", mixed: Mixed | None = None
    ) -> dict[str, Tensor]:
        posterior = self.posterior(self.seen(x))
        z = posterior.sample()
        kl = posterior.kl().mean(0)
        weight = self.beta * min(1.0, progress / WARMUP)
        terms = {
            "reconstruction": self.likelihood.nll(x, taught(self.decoder, z, x)),
            "kl": weight * kl.clamp_min(self.free_bits).sum(),
            "_kl_nats": kl.sum().detach(),
        }
        if self.tc and len(x) > 1 and isinstance(posterior, Gaussian):
            terms["tc"] = self.tc * total_correlation(posterior, z)
        if mixed is not None:
            between = self.prior.nearest((posterior.mean[mixed.a] + posterior.mean[mixed.b]) / 2)
            terms["mixing"] = self.mixing * self.likelihood.nll(
                mixed.items, taught(self.decoder, between, mixed.items)
            )
        return terms
