"""Dense networks for rows of numbers (n, k), and for anything else once it is flattened.

Two residual blocks of hidden layers on either side (pre-activation, as He et al. 2016 have it for pictures),
SiLU throughout.
"""

from __future__ import annotations

import math

from torch import Tensor, nn

HIDDEN = 4  # hidden units for each of `width`


class Residual(nn.Module):
    """x + linear(act(norm(linear(act(norm(x))))))."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            nn.LayerNorm(units),
            nn.SiLU(),
            nn.Linear(units, units),
            nn.LayerNorm(units),
            nn.SiLU(),
            nn.Linear(units, units),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.inner(x)


def _dense(inputs: int, outputs: int, units: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, units),
        Residual(units),
        Residual(units),
        nn.LayerNorm(units),
        nn.SiLU(),
        nn.Linear(units, outputs),
    )


class Encoder(nn.Module):
    """x (n, *shape) -> (n, out)."""

    def __init__(self, shape: tuple[int, ...], out: int, width: int) -> None:
        super().__init__()
        self.body = _dense(math.prod(shape), out, HIDDEN * width)

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x.flatten(1))


class Decoder(nn.Module):
    """z (n, d) -> (n, *shape), unbounded."""

    def __init__(self, shape: tuple[int, ...], dim: int, width: int) -> None:
        super().__init__()
        self.shape = tuple(shape)
        self.body = _dense(dim, math.prod(shape), HIDDEN * width)

    def forward(self, z: Tensor) -> Tensor:
        return self.body(z).unflatten(1, self.shape)


def trunk(shape: tuple[int, ...], width: int, out: int) -> nn.Sequential:
    """y (n, *shape) -> (n, out): two dense layers."""
    return nn.Sequential(
        nn.Flatten(), nn.Linear(math.prod(shape), 2 * out), nn.ReLU(), nn.Linear(2 * out, out)
    )
