"""The contract of everything that has a latent space.

A `Generator` is a prior p(z) and a decoder f: z -> x. An `Autoencoder` adds an encoder, a posterior q(z|x)
whose mean is the code of x. A subclass writes the differentiable halves (`decode_soft`, `posterior`); the
exact, lean ones (`decode`, `encode`) are here once: float32, evaluation mode, no autograd, bounded memory.

Letters: x data as an encoder takes it, y what a decoder answers (n, *shape), z latents (n, d). For numbers
the two have one form; for symbols x is ids and y probabilities: see `modalities.likelihoods`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple, Self

import torch
from torch import Tensor, nn

from .errors import LiminalError
from .foreign import Foreign
from .modalities.likelihoods import Likelihood
from .nn import told
from .priors import Delta, Posterior, Prior
from .tensors import CHUNK, in_chunks, inference

FAR = 1e6  # numbers in a latent from which float32 no longer tells near from far; items have a few units
BOUND = 0.2  # standard deviation of an attribute around the dimension that is bound to it


class Generator(nn.Module, ABC):
    """A prior and a decoder.

    Attributes:
        name: the class's name in cards and on the command line.
        prior: the distribution over z that the model was trained towards, or was given.
        shape: of one decoded y, without the batch.
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
        """z (n, d) -> the differentiable y (n, *shape): pixels, log-mel, probabilities, occupancy."""

    def decode(self, z: Tensor, chunk: int = CHUNK) -> Tensor:
        """z (n, d) -> y (n, *shape), exact and without autograd, `chunk` rows at a time.

        Raises:
            LiminalError: z has another width than the space, holds NaN or infinity, or lies `FAR` out.
        """
        z = self.check(z)
        with inference(self):
            return in_chunks(self.decode_soft, z, chunk)

    def decode_told(self, z: Tensor, x: Tensor, lacking: Tensor) -> Tensor:
        """y (n, *shape) as `decode` gives it, of items of which a part is known: a decoder that writes one
        symbol after the other is told the known ones, so that the others follow from them.

        Args:
            z: (n, d).
            x: (n, *takes).
            lacking: bool (n, *shape), the places of y about which x says nothing.
        """
        return self.decode(z)

    def check(self, z: Tensor) -> Tensor:
        """z as float32 (n, d) on the model's device; a single (d,) becomes (1, d)."""
        z = torch.as_tensor(z, dtype=torch.float32)
        if z.ndim == 1:
            z = z[None]
        if z.ndim != 2 or z.shape[1] != self.dim:
            raise LiminalError(
                f"decode: wanted latents of shape (n, {self.dim}), got {tuple(z.shape)}; this space has "
                f"{self.dim} dimensions"
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
    """A generator with an encoder.

    Attributes:
        takes: shape of one x; that of y unless it is another.
    """

    @property
    def takes(self) -> tuple[int, ...]:
        """Shape of one x, without the batch."""
        return self.shape

    @abstractmethod
    def posterior(self, x: Tensor) -> Posterior:
        """x (n, *takes) -> q(z|x), differentiable. Its `mean` is the code of x."""

    def encode(self, x: Tensor, chunk: int = CHUNK) -> Tensor:
        """x (n, *takes) -> z (n, d), the posterior mean: deterministic, exact, without autograd.

        Raises:
            LiminalError: x has another shape than the model's items, or holds NaN or infinity.
        """
        if tuple(x.shape[1:]) != tuple(self.takes):
            raise LiminalError(
                f"encode: wanted items of shape (n, {', '.join(map(str, self.takes))}), got {tuple(x.shape)}"
            )

        def mean(part: Tensor) -> Tensor:
            numbers = part.is_floating_point()
            part = part.to(self.device, torch.float32 if numbers else part.dtype)
            # a sum is ten times as fast, and NaN never leaves it
            if numbers and not part.sum().isfinite() and not part.isfinite().all():
                raise LiminalError("encode: the items hold NaN or infinity; wanted finite numbers")
            return self.posterior(part).mean

        with inference(self):
            return in_chunks(mean, x, chunk)


class Mixed(NamedTuple):
    """Items of a batch mixed half and half, see `Modality.mixed`.

    Attributes:
        a, b: (m,) their places in the batch.
        items: (m, *takes), what they make together.
    """

    a: Tensor
    b: Tensor
    items: Tensor


class Trainable(Generator):
    """A generator that the training loop can fit; most are autoencoders too.

    Its constructor takes the data's likelihood first (a bare shape is numbers in [0, 1]), then d, then what
    `config` gives.

    Attributes:
        likelihood: p(x | z), what the decoder's raw output says about x; scales that it learns are part of
            the model.
        decoder: `within` (n, d) -> raw output (n, *shape).
        network: family of its networks.
        players: who is trained in turn in each step, each on its own loss, parameters and optimisers. One,
            unless they play against each other: a GAN has ``("critic", "generator")``.
        mixing: above 0, `loss` takes ``mixed``, too: items that the mean of two latents shall decode to.
        noise: what the encoder's inputs are corrupted by in training, see `Likelihood.corrupted`.
    """

    likelihood: Likelihood
    decoder: nn.Module
    network: str
    players: ClassVar[tuple[str, ...]] = ("all",)
    mixing: float = 0.0
    noise: float = 0.0

    def untrained(self) -> Trainable:
        """The same architecture with weights of its own, drawn from torch's generator."""
        likelihood = type(self.likelihood)(**self.likelihood.config())
        return type(self)(likelihood, **self.config())  # type: ignore[call-arg]

    @property
    def takes(self) -> tuple[int, ...]:
        """Shape of one x that it is trained on, without the batch."""
        return self.likelihood.shape

    def within(self, z: Tensor) -> Tensor:
        """z (n, d) as the decoder takes it."""
        return z

    def decode_soft(self, z: Tensor) -> Tensor:
        return self.likelihood.soft(self.decoder(self.within(z)))

    def decode_told(self, z: Tensor, x: Tensor, lacking: Tensor) -> Tensor:
        z, known = self.check(z), ~lacking.flatten(1, -2).any(1)
        with inference(self):
            parts = zip(*(part.to(self.device).split(CHUNK) for part in (z, x, known)), strict=True)
            found = [self.likelihood.soft(told(self.decoder, self.within(z), x, on)) for z, x, on in parts]
        return torch.cat(found)

    def seen(self, x: Tensor) -> Tensor:
        """x (n, *takes) as the encoder sees it in training: with `noise`, of which it finds the way back
        (denoising: Vincent et al. 2008; for sentences, Shen et al. 2020).

        Raises:
            LiminalError: `noise` is below 0, or a share of symbols that is 1 or more.
        """
        if not self.noise:
            return x
        if not 0 < self.noise < (math.inf if x.is_floating_point() else 1):
            kind = "0 or more" if x.is_floating_point() else "a share of the symbols, from 0 to below 1"
            raise LiminalError(f"model {self.name}: noise {self.noise}; wanted {kind}")
        return self.likelihood.corrupted(x, self.noise)

    def parameters_of(self, player: str) -> list[nn.Parameter]:
        """The parameters that a player moves. Every parameter belongs to one player."""
        return list(self.parameters())

    @abstractmethod
    def loss(self, x: Tensor, progress: float, player: str = "all") -> dict[str, Tensor]:
        """The terms of a player's objective on a batch; their sum, where the key has no leading underscore,
        is minimised.

        Args:
            x: (n, *takes).
            progress: fraction of the training done, 0 to 1, for warm-ups.
            player: one of `players`.

        Returns:
            Scalars by name. Keys that start with ``_`` are only shown.
        """

    def forward(
        self,
        x: Tensor,
        progress: float,
        known: Tensor | None = None,
        player: str = "all",
        mixed: Mixed | None = None,
    ) -> dict[str, Tensor]:
        """`loss`, under the name that wrappers for several processes call; with `known` also what binds
        dimensions to attributes.

        The first b dimensions of the posterior mean are held to b standardised attributes, as observations
        with a standard deviation of `BOUND`: -log N(known | mean, BOUND^2) up to a constant, in nats. (Pati &
        Lerch 2021 regularise the order of the values; the value itself also fixes the unit of the dimension.)

        Args:
            x: (n, *takes).
            progress: fraction of the training done.
            known: (n, b), NaN where unknown; for autoencoders.
            player: one of `players`.
            mixed: what `loss` takes where there is `mixing`.
        """
        given: dict[str, Any] = {} if self.players == ("all",) else {"player": player}
        given |= {} if mixed is None else {"mixed": mixed}
        terms = self.loss(x, progress, **given)
        if known is not None:
            assert isinstance(self, Autoencoder)
            miss = (self.posterior(x).mean[:, : known.shape[1]].float() - known).nan_to_num(0.0)
            terms["bind"] = 0.5 * (miss / BOUND).square().sum(1).mean()
        return terms


class Wrapped(Autoencoder):
    """A model that somebody already has, as a generator: any torch callables, which stay as they are.

    It runs in evaluation mode and without gradients of its parameters, and each of its modules gets its own
    state back; so neither `train` nor `requires_grad_` reach it. Codes of more than one axis are flattened
    here.

    Args:
        decode: z (n, *code) -> x (n, *shape), differentiable if geometry is wanted.
        encode: x -> z (n, *code), or None; `encode` then raises.
        prior: the distribution over z the decoder was trained with; d is how many numbers a code has.
        shape: of one x. None: found by decoding one prior sample.
        code: shape of one code, as the callables know it; None: (d,).
        takes: of one x that the encoder takes, where it is another than that of a decoded one.

    Raises:
        LiminalError: a callable is none, or `code` and the prior differ in size.
    """

    name = "wrapped"

    def __init__(
        self,
        decode: Callable[[Tensor], Any],
        encode: Callable[[Tensor], Any] | None,
        prior: Prior,
        shape: tuple[int, ...] | None = None,
        code: Sequence[int] | None = None,
        takes: tuple[int, ...] | None = None,
    ) -> None:
        super().__init__()
        self.prior = prior
        self.code = (prior.dim,) if code is None else tuple(code)
        if math.prod(self.code) != prior.dim:
            raise LiminalError(
                f"wrap: codes of shape {self.code} hold {math.prod(self.code)} numbers, "
                f"and the prior has {prior.dim} dimensions"
            )
        self._decode = Foreign(decode, "decoder")
        self._encode = None if encode is None else Foreign(encode, "encoder")
        for label, f in (("decoder", decode), ("encoder", encode)):
            if isinstance(f, nn.Module):
                self.add_module(label, f)
        if shape is None:
            with torch.inference_mode():
                z = prior.sample(1).to(self.device)
                shape = tuple(self._decode(z.reshape(1, *self.code)).shape[1:])
        self.shape, self._takes = shape, takes or shape

    @property
    def takes(self) -> tuple[int, ...]:
        return self._takes

    def config(self) -> dict[str, Any]:
        return {} if len(self.code) == 1 else {"code": list(self.code)}

    def train(self, mode: bool = True) -> Self:
        self.training = mode
        return self

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        return self

    @property
    def device(self) -> torch.device:
        """Where the parameters are that the decoder, else the encoder, can reach (the CPU if there are
        none).
        """
        known = [*self._decode.parameters, *(self._encode.parameters if self._encode else ())]
        return known[0].device if known else torch.device("cpu")

    def try_decoder(self, z: Tensor) -> Tensor:
        """What some latents (n, d) decode to, once the decoder has shown that it can be trusted with more.

        Raises:
            LiminalError: as `Foreign.tried`, or decoded items have another shape than the model's.
        """
        return self._formed(self._decode.tried(z.to(self.device).reshape(len(z), *self.code)), len(z))

    def decode_soft(self, z: Tensor) -> Tensor:
        return self._formed(self._decode(z.reshape(len(z), *self.code)), len(z))

    def posterior(self, x: Tensor) -> Posterior:
        if self._encode is None:
            raise LiminalError(
                "encode: this model was wrapped without an encoder; give encode= to liminal.wrap"
            )
        z = self._encode(x)
        if tuple(z.shape) != (len(x), *self.code):
            raise LiminalError(
                f"the encoder gave codes of shape {tuple(z.shape)} for a batch of {len(x)}: "
                f"wanted {(len(x), *self.code)}"
            )
        if not z.isfinite().all():
            raise LiminalError("the encoder gave NaN or infinity: wanted finite numbers for every item")
        return Delta(z.reshape(len(x), self.dim))

    def _formed(self, x: Tensor, count: int) -> Tensor:
        """Decoded items, if they have the form that they must have."""
        wanted = (count, *self.shape)
        if tuple(x.shape) == wanted:
            return x
        first = len(self.shape) == 3 and tuple(x.shape) == (count, *self.shape[1:], self.shape[0])
        hint = "; it has the channels last: permute(0, 3, 1, 2)" if first else ""
        raise LiminalError(
            f"the decoder gave items of shape {tuple(x.shape)} for a batch of {count}: wanted {wanted}{hint}"
        )
