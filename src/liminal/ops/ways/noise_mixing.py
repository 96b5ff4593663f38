"""Mixtures in the noise of a latent space.

An encoder's means are not draws of its prior; where they lie is told by a flow fitted to them. A `Mixer`
carries latents to the flow's noise, where every direction is as good as any other, mixes there, and brings
the mixture back:

    z = from_noise(average_i(to_noise(z_i), w_i)) + sum_i w_i (z_i - from_noise(to_noise(z_i)))

The last term is what the integration of the flow loses on the way; with it an item alone is exactly itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from ...errors import LiminalError
from ...priors import Normal, Prior, Sphere, Uniform
from ...tensors import in_chunks
from .mixing import arc, average_of, ends, fractions, only_one, spread, weights_of


@runtime_checkable
class Noise(Protocol):
    """What carries latents (n, d) to standard normal noise (n, d) and back, such as a flow fitted to them."""

    def to_noise(self, z: Tensor) -> Tensor: ...

    def from_noise(self, e: Tensor) -> Tensor: ...


class Mixer:
    """Mixtures of chosen latents that are as typical as the latents themselves.

    A way for a path, ``mixer(a, b, t)``: the arc between the noises of a and b, brought back. Where no flow
    was fitted, the prior says where latents lie: directions and norms of a `Normal`'s, arcs of a `Sphere`'s,
    and a `Uniform`'s through its distribution function.

    Args:
        noise: a flow fitted to the latents, or the prior of a generator that has none.

    Attributes:
        how: where mixtures are made, in words.

    Raises:
        LiminalError: a prior that has no noise.

    Source: Agustsson et al. 2019 and Bodin et al. 2024, for independent draws; here for chosen items.
    """

    name = "mix"

    def __init__(self, noise: Noise | Prior) -> None:
        self._at = noise
        self._nearest: Callable[[Tensor], Tensor] = getattr(noise, "nearest", lambda z: z)
        self._to: Callable[[Tensor], Tensor] = lambda z: z
        self._from: Callable[[Tensor], Tensor] = lambda e: e
        if isinstance(noise, Noise):
            self._to, self._from, self.how = (
                noise.to_noise,
                noise.from_noise,
                "arcs in the noise of the latent flow",
            )
        elif isinstance(noise, Uniform):
            self._to, self._from, self.how = (
                _to_normal,
                _to_uniform,
                "arcs in the normal noise behind the uniform prior",
            )
        elif isinstance(noise, Normal):
            self.how = (
                "arcs of the latents themselves, direction and norm apart (no latent flow; normal prior)"
            )
        elif isinstance(noise, Sphere):
            self.how = "arcs on the sphere of the prior (no latent flow)"
        else:
            kind = getattr(noise, "name", type(noise).__name__)
            raise LiminalError(
                f"mix: wanted a latent flow or a normal, sphere or uniform prior, got {kind}; go along "
                "linear or slerp"
            )

    def __call__(self, a: Tensor, b: Tensor, t: float | Tensor) -> Tensor:
        """The way from a to b; shapes as for `slerp`."""
        t = fractions(a, t)
        keys = torch.stack([a, b])
        e, lost = self.carry(keys)
        return ends(a, b, t, self.back(arc(e[0], e[1], t), (1 - t) * lost[0] + t * lost[1]))

    def blend(self, z: Tensor, weights: Tensor | None = None) -> Tensor:
        """A mixture of any number of latents; arguments, result and errors as of `average`, which is what
        happens to their noises.
        """
        w = weights_of("blend", z, weights)
        (e, lost), (_, w_) = (self.carry(z), spread(z, w))
        e, lost, z = (spread(part, w)[0] for part in (e, lost, z))
        return only_one(z, w_, self.back(average_of(e, w_), (w_ * lost).sum(0)))

    def carry(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Latents (..., d) -> their noises (..., d), and what of the latents is lost on the way there and
        back (..., d).
        """
        e = self._through(self._to, z)
        return e, z - self._through(self._from, e)

    def back(self, e: Tensor, lost: Tensor) -> Tensor:
        """Noises (..., d) -> latents (..., d) on the support, with a share of what was lost added."""
        return self._through(self._nearest, self._through(self._from, e) + lost)

    def _through(self, f: Callable[[Tensor], Tensor], z: Tensor) -> Tensor:
        home = next(self._at.parameters(), z) if isinstance(self._at, nn.Module) else z
        with torch.no_grad():
            return in_chunks(f, z.reshape(-1, z.shape[-1]).to(home), 4096).to(z).reshape(z.shape)


def _to_normal(z: Tensor) -> Tensor:
    return torch.special.ndtri(((z.double().clamp(-1, 1) + 1) / 2).clamp(1e-6, 1 - 1e-6)).to(z)


def _to_uniform(e: Tensor) -> Tensor:
    return (2 * torch.special.ndtr(e.double()) - 1).to(e)
