r"""An encoder for whatever has none: the latent whose answer lies nearest to an item.

.. math:: z(x) = \arg\min_z \lVert c(f(z)) - c(x) \rVert^2 / m + \lambda \bigl(\ell - \log p(z)\bigr)_+ / d

f decodes, c is the modality's chart of m numbers, l the log-density that nine in ten draws of the prior
reach: latents that are as typical as that cost nothing. The search starts at the best of many draws and goes
some steps of Adam downhill; draws and steps are fixed, so that an item has one code. (Optimisation-based
inversion: Zhu et al. 2016, Creswell & Bharath 2018.)
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..generator import Autoencoder, Generator, Trainable
from ..modalities import Modality
from ..priors import Delta, Posterior
from ..tensors import CHUNK, in_chunks, inference, rng

DRAWS = 4096  # latents that the search may start from
STEPS, RATE = 80, 0.05  # of Adam; the rate in units of the prior's deviations
TYPICAL = 0.1  # quantile of the prior's log-density from which on a latent is typical
WEIGHT = 0.01  # lambda
PART = 128  # items that are searched for at once


class Inverted(Autoencoder):
    """A generator, with a search for its encoder.

    Args:
        inner: decodes.
        modality: of the data: its x, and the chart in which answers are compared.
    """

    def __init__(self, inner: Generator, modality: Modality) -> None:
        super().__init__()
        self.inner, self.modality = inner, modality
        self.name, self.prior, self.shape = inner.name, inner.prior, tuple(inner.shape)  # type: ignore[misc]
        self._start: tuple[Tensor, Tensor, float] | None = None

    @property
    def takes(self) -> tuple[int, ...]:
        return self.modality.shape

    def config(self) -> dict[str, Any]:
        return self.inner.config()

    def decode_soft(self, z: Tensor) -> Tensor:
        return self.inner.decode_soft(z)

    def untrained(self) -> Inverted:
        """See `Trainable.untrained`."""
        assert isinstance(self.inner, Trainable)
        return Inverted(self.inner.untrained(), self.modality)

    def posterior(self, x: Tensor) -> Posterior:
        with torch.inference_mode(False):  # a search needs gradients, whoever asks
            x = x.clone()
            return Delta(in_chunks(self._search, x, PART) if len(x) else x.new_zeros((0, self.dim)))

    def starts(self) -> tuple[Tensor, Tensor, float]:
        """Draws of the prior (k, d), how they look (k, m), and the log-density that typical ones reach; made
        once.
        """
        if self._start is None:
            z = self.prior.nearest(self.prior.sample(DRAWS, rng(0))).to(self.device)
            with inference(self):
                looks = in_chunks(
                    lambda part: self.modality.chart(self.inner.decode_soft(part)).float(), z, CHUNK
                )
            floor = float(self.prior.log_prob(z.cpu()).float().quantile(TYPICAL))
            self._start = z, looks.clone(), floor
        return self._start

    def _search(self, x: Tensor) -> Tensor:
        training = [module for module in self.modules() if module.training]
        frozen = [p for p in self.parameters() if p.requires_grad]
        self.eval()
        try:
            for p in frozen:
                p.requires_grad_(False)
            return self._downhill(self.modality.chart(self.modality.likelihood.target(x)).detach().float())
        finally:
            for module in training:
                module.training = True
            for p in frozen:
                p.requires_grad_(True)

    def _downhill(self, goal: Tensor) -> Tensor:
        """Latents (n, d) whose answers lie near goals (n, m)."""
        draws, looks, floor = self.starts()
        nearest = torch.cdist(goal, looks.to(goal)).argmin(1)
        scale = draws.std(0).clamp_min(1e-6)
        z = (draws[nearest].clone() / scale).requires_grad_()
        optimizer = torch.optim.Adam([z], RATE)
        best, least = draws[nearest].clone(), torch.full((len(goal),), torch.inf, device=goal.device)
        with torch.enable_grad():
            for _ in range(STEPS + 1):
                at = self.prior.nearest(z * scale)
                error = (self.modality.chart(self.inner.decode_soft(at)).float() - goal).square().mean(1)
                rare = (floor - self.prior.log_prob(at)).clamp_min(0) / self.dim
                cost = error + WEIGHT * rare.nan_to_num(posinf=0.0)
                better = cost.detach() < least
                best[better], least[better] = at.detach()[better], cost.detach()[better]
                optimizer.zero_grad()
                cost.sum().backward()
                optimizer.step()
        return best


def encoded(generator: Generator, modality: Modality) -> Autoencoder:
    """A generator that encodes: itself where it can, else with a search."""
    return generator if isinstance(generator, Autoencoder) else Inverted(generator, modality)
