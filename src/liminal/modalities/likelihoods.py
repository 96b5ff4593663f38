r"""Likelihoods p(x | z): what a decoder's numbers say about data, and how far one answer is from another.

A decoder gives raw numbers `out` (n, \*soft_shape), which a likelihood turns into

- ``soft(out)`` = y, the differentiable answer: means, probabilities;
- ``nll(x, out)`` = -log p(x | z) in nats an item, scales learned;
- ``distortion(x, out)``, the same where a scale is not learned: for autoencoders without a posterior;
- ``harden(y)``: the data that y stands for, in y's own form; ``target(x)``: the y of a perfect decoder;
- ``chart(y)`` (n, m), in which a plain distance is how far two answers lie apart: numbers as they are,
  probabilities as square roots (the Hellinger distance; the plain metric on them is a quarter of Fisher's:
  Rao 1945).

Letters: x data as an encoder takes it, (n, \*shape) of `dtype`; y (n, \*soft_shape).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import LiminalError, unknown

LEAST = 1e-8  # the smallest variance, so that a perfect fit has a finite density
SURE = 1e-6  # how near a probability may come to 0 and 1
FOLLOW = 0.01  # by how much a learned scale follows that of a batch


class Likelihood(nn.Module, ABC):
    """What a decoder's output says about data.

    Attributes:
        name: in cards and on the command line.
        shape: of one x, as an encoder takes it.
        dtype: of x.
        soft_shape: of one y, and of a decoder's raw output.
    """

    name: ClassVar[str]
    shape: tuple[int, ...]
    soft_shape: tuple[int, ...]
    dtype: torch.dtype = torch.float32

    @property
    def size(self) -> int:
        """How many numbers (or symbols) one x holds."""
        return math.prod(self.shape)

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """JSON-ready arguments; ``type(l)(**l.config())`` is the same likelihood."""

    @abstractmethod
    def soft(self, out: Tensor) -> Tensor:
        """A decoder's output (n, *soft_shape) as y (n, *soft_shape)."""

    @abstractmethod
    def nll(self, x: Tensor, out: Tensor) -> Tensor:
        """-log p(x | z), nats an item, a scalar: the mean over the batch.

        In training, learned scales follow.
        """

    @abstractmethod
    def distortion(self, x: Tensor, out: Tensor) -> Tensor:
        """-log p(x | z) at a fixed scale and up to a constant, a scalar: squared error for numbers."""

    @abstractmethod
    def errors(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """How far each answer is from the truth: (n,) float64 by name, the headline first."""

    def corrupted(self, x: Tensor, amount: float) -> Tensor:
        """x (n, *shape) with noise, of which a denoising encoder is to find the way back: normal, with a
        standard deviation of `amount`, for numbers; for symbols `amount` is the share that is garbled, below
        1.
        """
        return x + amount * torch.randn_like(x)

    def kept(self, y: Tensor, x: Tensor, lacking: Tensor) -> Tensor:
        """y (n, *soft_shape) with all that is known of x put in its place; differentiable.

        Args:
            y: what a decoder answers.
            x: (n, *shape).
            lacking: bool (n, *soft_shape), the places of y about which x says nothing.
        """
        return torch.where(lacking, y, self.target(x).to(y))

    def missed(self, y: Tensor, x: Tensor, lacking: Tensor) -> Tensor:
        """How far y is from what is known of x: squared distance in the chart, (n,); arguments as `kept`."""
        return (self.chart(y) - self.chart(self.kept(y, x, lacking))).square().sum(1)

    def missing(self, real: Tensor, x: Tensor, lacking: Tensor) -> Tensor:
        """How far each of p real items is from what is known of each of m others: `missed` of all pairs,
        (m, p).

        Args:
            real: (p, *shape).
            x: (m, *shape).
            lacking: bool (m, *soft_shape).
        """
        y = self.target(real)
        each = [
            self.missed(y, x[j : j + 1].expand_as(real), lacking[j : j + 1].expand_as(y))
            for j in range(len(x))
        ]
        return torch.stack(each)

    def partial(self, x: Tensor, lacking: Tensor, near: Tensor) -> Callable[[Tensor], Tensor]:
        """y -> -log p of what is known of each item, (n,) nats and up to a constant, for items of which a
        part is lacking.

        Args:
            x, lacking: as `kept` takes them.
            near: (n, *soft_shape), an answer whose errors tell how exactly numbers can be met.
        """
        known = (~lacking).sum().clamp_min(1)
        spread = (self.missed(near, x, lacking).sum() / known).clamp_min(LEAST)
        return lambda y: self.missed(y, x, lacking) / (2 * spread)

    def harden(self, y: Tensor) -> Tensor:
        """The data that y stands for, in y's own form (n, *soft_shape)."""
        return y

    def doubt(self, y: Tensor) -> Tensor:
        """How far y is from the data that it stands for: squared distance in the chart, (n,); differentiable.

        Near 0 it is -log p of these data in nats; of numbers, which stand for themselves, it is 0.
        """
        return (self.chart(y) - self.chart(self.harden(y.detach()))).square().sum(1)

    def draw(self, y: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Data drawn from p(x | z), in y's own form (n, *soft_shape), for kinds whose items are not told by z
        alone. y itself by default: the noise of a pixel or of a step is no part of an item.

        Args:
            y: (n, *soft_shape), what a decoder answers; on the CPU.
            generator: what is drawn from, on the CPU.
        """
        return y

    def target(self, x: Tensor) -> Tensor:
        """x (n, *shape) as a perfect decoder would give it, (n, *soft_shape)."""
        return x

    def chart(self, y: Tensor) -> Tensor:
        """y as rows (n, m) whose plain distance is how far two answers lie apart; differentiable."""
        return y.flatten(1)

    def swapped(self, name: str | None) -> Likelihood:
        """The likelihood called `name` for the same data; None: this one.

        Raises:
            LiminalError: there is none of that name for such data.
        """
        if name is None or name == self.name:
            return self
        raise LiminalError(
            f"likelihood {name!r}: these items have the likelihood {self.name}; leave --likelihood out"
        )


class Numbers(Likelihood):
    """What likelihoods of real numbers share: x and y have one shape.

    Args:
        shape: of one x.
        bounded: whether x lies in [0, 1]; the decoder's output then goes through a sigmoid.
    """

    def __init__(self, shape: Sequence[int], bounded: bool = True) -> None:
        super().__init__()
        self.shape = self.soft_shape = tuple(int(s) for s in shape)
        self.bounded = bounded

    def config(self) -> dict[str, Any]:
        return {"shape": list(self.shape), "bounded": self.bounded}

    def soft(self, out: Tensor) -> Tensor:
        return out.sigmoid() if self.bounded else out

    def distortion(self, x: Tensor, out: Tensor) -> Tensor:
        return (x.float() - self.soft(out).float()).square().flatten(1).sum(1).mean()

    def missing(self, real: Tensor, x: Tensor, lacking: Tensor) -> Tensor:
        """The square multiplied out, so that all pairs are products of matrices."""
        y, known = real.flatten(1).float(), (~lacking).flatten(1).float()
        told = x.flatten(1).float() * known
        return (known @ y.square().T - 2 * told @ y.T + told.square().sum(1)[:, None]).clamp_min(0)

    def doubt(self, y: Tensor) -> Tensor:
        return y.new_zeros(len(y))

    def errors(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        return {"mse": mse(x, y)}

    def swapped(self, name: str | None) -> Likelihood:
        if name is None or name == self.name:
            return self
        known = {kind.name: kind for kind in (Gaussian, Laplace, *((Bernoulli,) if self.bounded else ()))}
        if name not in known:
            raise unknown("likelihood", name, known)
        return known[name](self.shape) if name == "bernoulli" else known[name](self.shape, self.bounded)


class Gaussian(Numbers):
    """Gaussian with one learned sigma, at its optimum for the batch in closed form (sigma-VAE: Rybkin et al.

    2021).
    """

    name = "gaussian"
    log_sigma: Tensor

    def __init__(self, shape: Sequence[int], bounded: bool = True) -> None:
        super().__init__(shape, bounded)
        self.register_buffer("log_sigma", torch.zeros(()))

    def nll(self, x: Tensor, out: Tensor) -> Tensor:
        x, y = x.float(), self.soft(out).float()
        log_sigma = 0.5 * (x - y).square().mean().clamp_min(LEAST).log()
        if self.training:
            with torch.no_grad():
                self.log_sigma.lerp_(log_sigma, FOLLOW)
        return self.size * (log_sigma + 0.5 * (1 + math.log(2 * math.pi)))


class Laplace(Numbers):
    """Laplace with one learned scale, at its optimum for the batch: the mean absolute error.

    Kind to edges and to outliers.
    """

    name = "laplace"
    log_scale: Tensor

    def __init__(self, shape: Sequence[int], bounded: bool = True) -> None:
        super().__init__(shape, bounded)
        self.register_buffer("log_scale", torch.zeros(()))

    def nll(self, x: Tensor, out: Tensor) -> Tensor:
        log_scale = (x.float() - self.soft(out).float()).abs().mean().clamp_min(LEAST**0.5).log()
        if self.training:
            with torch.no_grad():
                self.log_scale.lerp_(log_scale, FOLLOW)
        return self.size * (log_scale + math.log(2) + 1)

    def distortion(self, x: Tensor, out: Tensor) -> Tensor:
        return (x.float() - self.soft(out).float()).abs().flatten(1).sum(1).mean()

    def errors(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        return {"mae": (x.float() - y.float()).abs().flatten(1).mean(1).double(), "mse": mse(x, y)}


class Bernoulli(Numbers):
    """Independent yes or no; x in [0, 1] is taken as a probability. Hard data are 0 and 1 only where x is."""

    name = "bernoulli"

    def __init__(self, shape: Sequence[int]) -> None:
        super().__init__(shape, True)

    def config(self) -> dict[str, Any]:
        return {"shape": list(self.shape)}

    def nll(self, x: Tensor, out: Tensor) -> Tensor:
        y = self.soft(out).float().clamp(SURE, 1 - SURE)
        return F.binary_cross_entropy(y, x.float(), reduction="sum") / len(x)

    def distortion(self, x: Tensor, out: Tensor) -> Tensor:
        return self.nll(x, out)


class Categorical(Likelihood):
    """One of several symbols at each place.

    Args:
        length: places t of one x, or the shape of the places where they lie in more than one row.
        classes: V, symbols; x is int64 (n, *places) from 0 to V - 1, y probabilities (n, V, *places).
        end: the symbol that fills what lies after the end of a shorter item, or None where all are of one
            length. Only its first place in a row is learned and judged, so that a short item is no easier
            than a long one.
    """

    name = "categorical"
    dtype = torch.int64

    def __init__(self, length: int | Sequence[int], classes: int, end: int | None = None) -> None:
        super().__init__()
        places = (length,) if isinstance(length, int) else tuple(length)
        if min(places, default=0) < 1 or classes < 2 or (end is not None and not 0 <= end < classes):
            raise LiminalError(
                f"categorical: {length} places of {classes} symbols, end {end}: wanted 1 or more of 2 or more"
            )
        self.classes, self.end = classes, end
        self.shape, self.soft_shape = places, (classes, *places)

    def config(self) -> dict[str, Any]:
        length = self.shape[0] if len(self.shape) == 1 else list(self.shape)
        return {"length": length, "classes": self.classes, "end": self.end}

    def soft(self, out: Tensor) -> Tensor:
        return out.float().softmax(1)

    def corrupted(self, x: Tensor, amount: float) -> Tensor:
        other = torch.randint_like(x, self.classes)
        return torch.where(torch.rand(x.shape, device=x.device) < amount, other, x)

    def told(self, x: Tensor) -> Tensor:
        """bool (n, *places): the places that count, up to the first end."""
        if self.end is None:
            return torch.ones_like(x, dtype=torch.bool)
        ended = (x == self.end).cumsum(-1)
        return (ended == 0) | ((ended == 1) & (x == self.end))

    def nll(self, x: Tensor, out: Tensor) -> Tensor:
        each = F.cross_entropy(out.float(), x, reduction="none")
        return (each * self.told(x)).sum() / len(x)

    def distortion(self, x: Tensor, out: Tensor) -> Tensor:
        return self.nll(x, out)

    def errors(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        x = x.to(y.device)
        told = self.told(x).flatten(1)
        p = y.gather(1, x[:, None])[:, 0].flatten(1).clamp_min(SURE)
        wrong = (y.argmax(1) != x).flatten(1) & told
        count = told.sum(1).double()
        return {"nats": -(p.double().log() * told).sum(1) / count, "wrong": wrong.sum(1).double() / count}

    def kept(self, y: Tensor, x: Tensor, lacking: Tensor) -> Tensor:
        """Symbols that are neither x's own nor lacking have no chance; the others share theirs."""
        open_to = y.clamp_min(LEAST**2) * self._may(x.to(y.device), lacking)
        return open_to / open_to.sum(1, keepdim=True)

    def missing(self, real: Tensor, x: Tensor, lacking: Tensor) -> Tensor:
        """2 for each symbol that may not be: roots of chances that share no symbol are so far apart."""
        y, may = self.target(real).flatten(1), self._may(x, lacking).flatten(1)
        return 2 * ((1 - may) @ y.T)

    def partial(self, x: Tensor, lacking: Tensor, near: Tensor) -> Callable[[Tensor], Tensor]:
        """-log of the chance that each place has x's own symbol or one of those that are lacking there."""
        may, told = self._may(x, lacking), self.told(x)
        return lambda y: -(((y * may).sum(1).clamp(SURE, 1.0).log()) * told).flatten(1).sum(1)

    def _may(self, x: Tensor, lacking: Tensor) -> Tensor:
        return (self.target(x).bool() | lacking.to(x.device)).float()

    def harden(self, y: Tensor) -> Tensor:
        found = y.argmax(1)
        if self.end is not None:
            found = torch.where(self.told(found), found, self.end)
        return self.target(found).to(y.dtype)

    def doubt(self, y: Tensor) -> Tensor:
        return 2 * (1 - y.amax(1).sqrt()).flatten(1).sum(1)

    def target(self, x: Tensor) -> Tensor:
        return F.one_hot(x, self.classes).movedim(-1, 1).float()

    def chart(self, y: Tensor) -> Tensor:
        return y.clamp_min(1e-20).sqrt().flatten(1)


def mse(x: Tensor, y: Tensor) -> Tensor:
    """Mean squared error of each item: (n, *shape) twice -> (n,), float64.

    Raises:
        LiminalError: the shapes differ.
    """
    if x.shape != y.shape:
        raise LiminalError(
            f"mean squared error: {tuple(x.shape)} and {tuple(y.shape)}; wanted one shape (n, ...)"
        )
    return (x.float() - y.float()).square().flatten(1).mean(1).double()


def explained(x: Tensor, y: Tensor, mean: Tensor) -> float:
    """Share of what differs between items that reconstructions restore: 1 - MSE / MSE of the mean item.

    Args:
        x: (n, *shape), items that the model never saw.
        y: their reconstructions.
        mean: (*shape), the mean of items that it was trained on.

    Returns:
        1 for copies, 0 for what is as good as the mean item, less for worse; NaN where items do not differ.
    """
    plain = float(mse(x, mean.expand_as(x)).mean())
    return 1 - float(mse(x, y).mean()) / plain if plain > 0 else math.nan


def of(data: Likelihood | Sequence[int]) -> Likelihood:
    """A likelihood as it is; a bare shape means numbers in [0, 1] under a Gaussian, such as the pixels of a
    picture.
    """
    return data if isinstance(data, Likelihood) else Gaussian(data)
