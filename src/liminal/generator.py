"""The contract of everything that has a latent space.

A `Generator` is a prior p(z) and a decoder f: z -> x. An `Autoencoder` adds an encoder, a posterior q(z|x) whose mean is
the code of x. A subclass writes the differentiable halves (`decode_soft`, `posterior`); the exact, lean ones
(`decode`, `encode`) are here once: float32, evaluation mode, no autograd, bounded memory.

Letters: x data (n, *shape), z latents (n, d).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from .errors import LiminalError
from .priors import Delta, Posterior, Prior
from .tensors import CHUNK, in_chunks, inference

FAR = 1e6  # numbers in a latent from which float32 no longer tells near from far; items have a few units
BOUND = 0.2  # standard deviation of an attribute around the dimension that is bound to it


class Generator(nn.Module, ABC):
    """A prior and a decoder.

    Attributes:
        name: the class's name in cards and on the command line.
        prior: the distribution over z that the model was trained towards, or was given.
        shape: of one decoded x, without the batch.
    """

    name: ClassVar[str]
    prior: Prior
    shape: tuple[int, ...]

    @property
    def dim(self) -> int:
        """d, the number of latent dimensions."""
        return self.prior.dim

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """JSON-ready arguments; ``type(g)(**g.config())`` builds the same architecture."""

    @abstractmethod
    def decode_soft(self, z: Tensor) -> Tensor:
        """z (n, d) -> the differentiable x (n, *shape): pixels, log-mel, probabilities, occupancy."""

    def decode(self, z: Tensor, chunk: int = CHUNK) -> Tensor:
        """z (n, d) -> x (n, *shape), exact and without autograd, `chunk` rows at a time.

        Raises:
            LiminalError: z has another width than the space, holds NaN or infinity, or lies `FAR` out.
        """
        z = self.check(z)
        with inference(self):
            return in_chunks(self.decode_soft, z, chunk)

    def check(self, z: Tensor) -> Tensor:
        """z as float32 (n, d) on the model's device; a single (d,) becomes (1, d)."""
        z = torch.as_tensor(z, dtype=torch.float32)
        if z.ndim == 1:
            z = z[None]
        if z.ndim != 2 or z.shape[1] != self.dim:
            raise LiminalError(
                f"decode: wanted latents of shape (n, {self.dim}), got {tuple(z.shape)}; this space has {self.dim} dimensions"
            )
        if not torch.isfinite(z).all():
            row = int((~torch.isfinite(z).all(1)).nonzero()[0])
            raise LiminalError(
                f"decode: row {row} of the latents holds NaN or infinity; wanted finite numbers"
            )
        if not (z.abs() < FAR).all():
            row = int((z.abs() >= FAR).any(1).nonzero()[0])
            raise LiminalError(
                f"decode: row {row} of the latents is too far out: it holds {float(z[row].abs().max()):.3g}; "
                f"wanted numbers below {FAR:,.0f}, as items have them"
            )
        return z.to(self.device)

    @property
    def device(self) -> torch.device:
        """Where the parameters are (the CPU if there are none)."""
        return next((p.device for p in self.parameters()), torch.device("cpu"))


class Autoencoder(Generator):
    """A generator with an encoder."""

    @abstractmethod
    def posterior(self, x: Tensor) -> Posterior:
        """x (n, *shape) -> q(z|x), differentiable. Its `mean` is the code of x."""

    def encode(self, x: Tensor, chunk: int = CHUNK) -> Tensor:
        """x (n, *shape) -> z (n, d), the posterior mean: deterministic, exact, without autograd.

        Raises:
            LiminalError: x has another shape than the model's items, or holds NaN or infinity.
        """
        if x.ndim != len(self.shape) + 1 or tuple(x.shape[1:]) != tuple(self.shape):
            raise LiminalError(
                f"encode: wanted items of shape (n, {', '.join(map(str, self.shape))}), got {tuple(x.shape)}"
            )

        def mean(part: Tensor) -> Tensor:
            part = part.to(self.device, torch.float32)
            if (
                not part.sum().isfinite() and not part.isfinite().all()
            ):  # a sum is ten times as fast, and NaN never leaves it
                raise LiminalError("encode: the items hold NaN or infinity; wanted finite numbers")
            return self.posterior(part).mean

        with inference(self):
            return in_chunks(mean, x, chunk)


class Trainable(Autoencoder):
    """An autoencoder that the training loop can fit."""

    @abstractmethod
    def loss(self, x: Tensor, progress: float) -> dict[str, Tensor]:
        """The terms of the objective on a batch; their sum, where the key has no leading underscore, is minimised.

        Args:
            x: (n, *shape).
            progress: fraction of the training done, 0 to 1, for warm-ups.

        Returns:
            Scalars by name. Keys that start with ``_`` are only shown.
        """

    def forward(self, x: Tensor, progress: float, known: Tensor | None = None) -> dict[str, Tensor]:
        """`loss`, under the name that wrappers for several processes call; with `known` also the term that binds dimensions to attributes.

        The first b dimensions of the posterior mean are held to b standardised attributes, as observations with a standard deviation of
        `BOUND`: -log N(known | mean, BOUND^2) up to a constant, in nats. (Pati & Lerch 2021 regularise the order of the values; the
        value itself also fixes the unit of the dimension.)

        Args:
            x: (n, *shape).
            progress: fraction of the training done.
            known: (n, b), NaN where unknown.
        """
        terms = self.loss(x, progress)
        if known is not None:
            miss = (self.posterior(x).mean[:, : known.shape[1]].float() - known).nan_to_num(0.0)
            terms["bind"] = 0.5 * (miss / BOUND).square().sum(1).mean()
        return terms


class Wrapped(Autoencoder):
    """A model that somebody already has, as a generator: any torch callables.

    Args:
        decode: z (n, d) -> x (n, *shape), differentiable if geometry is wanted.
        encode: x -> z (n, d), or None; `encode` then raises.
        prior: the distribution over z the decoder was trained with.
        shape: of one x. None: found by decoding one prior sample.
    """

    name = "wrapped"

    def __init__(
        self,
        decode: Callable[[Tensor], Tensor],
        encode: Callable[[Tensor], Tensor] | None,
        prior: Prior,
        shape: tuple[int, ...] | None = None,
    ) -> None:
        super().__init__()
        self.prior = prior
        self._decode, self._encode = decode, encode
        for label, f in (("decoder", decode), ("encoder", encode)):
            if isinstance(f, nn.Module):
                self.add_module(label, f)
        if shape is None:
            with inference(self):
                shape = tuple(decode(prior.sample(1).to(self.device)).shape[1:])
        self.shape = shape

    def config(self) -> dict[str, Any]:
        return {}

    def decode_soft(self, z: Tensor) -> Tensor:
        return self._decode(z)

    def posterior(self, x: Tensor) -> Posterior:
        if self._encode is None:
            raise LiminalError(
                "encode: this model was wrapped without an encoder; give encode= to liminal.wrap"
            )
        return Delta(self._encode(x))
