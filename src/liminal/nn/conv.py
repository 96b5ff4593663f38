"""Convolutional encoder and decoder for pictures (c, h, w), sized from the picture.

The encoder halves the picture until it is 4 pixels or less, the decoder starts at 8 pixels or less and doubles. Channels go
from `width` at half resolution to twice that below. Residual blocks (He et al. 2016, pre-activation) with group
normalisation and SiLU stand only where the picture is 16 pixels or less: there they cost little.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import LiminalError

HIDDEN = 256  # units between the picture-shaped part and the latent


def _norm(channels: int) -> nn.GroupNorm:
    groups = max(1, channels // 16)
    return nn.GroupNorm(groups if channels % groups == 0 else 1, channels)


def _last(x: Tensor) -> Tensor:
    """channels_last, which convolutions on the CPU prefer."""
    return x.contiguous(memory_format=torch.channels_last)


class Residual(nn.Module):
    """x + conv(act(norm(conv(act(norm(x)))))), both convolutions 3 x 3."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = _norm(channels), _norm(channels)
        self.conv1, self.conv2 = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(F.silu(self.norm2(self.conv1(F.silu(self.norm1(x))))))


def check(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """`shape` as (c, h, w).

    Raises:
        LiminalError: a side is below 8 or above 256 pixels.
    """
    c, h, w = shape
    if max(h, w) > 256 or min(h, w) < 8:
        raise LiminalError(f"pictures of {h} x {w} pixels: wanted 8 to 256 on each side; choose another --size")
    return c, h, w


class Encoder(nn.Module):
    """x (n, c, h, w) in [0, 1] -> h (n, out)."""

    def __init__(self, shape: tuple[int, ...], out: int, width: int) -> None:
        super().__init__()
        channels, h, w = check(shape)
        layers: list[nn.Module] = []
        while max(h, w) > 4:
            wide = 2 * width if layers else width
            layers += [_norm(channels), nn.SiLU()] if layers else []
            layers.append(nn.Conv2d(channels, wide, 4, stride=2, padding=1))
            channels, h, w = wide, max(1, h // 2), max(1, w // 2)
            layers += [Residual(channels)] if 4 < max(h, w) <= 8 else []
        self.trunk = nn.Sequential(*layers, _norm(channels), nn.SiLU(), nn.Flatten())
        self.head = nn.Sequential(nn.Linear(channels * h * w, HIDDEN), nn.SiLU(), nn.Linear(HIDDEN, out))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.trunk(_last(2 * x - 1)))


class Decoder(nn.Module):
    """z (n, d) -> x (n, c, h, w) in (0, 1)."""

    def __init__(self, shape: tuple[int, ...], dim: int, width: int) -> None:
        super().__init__()
        out, h, w = check(shape)
        self.sizes = [(h, w)]
        while max(self.sizes[0]) > 8 or len(self.sizes) == 1:
            h, w = self.sizes[0]
            self.sizes.insert(0, ((h + 1) // 2, (w + 1) // 2))
        (h, w), ups = self.sizes[0], len(self.sizes) - 1
        channels = [2 * width, *([2 * width] * (ups - 2)), *([width] * (ups > 1)), out]
        self.head = nn.Sequential(
            nn.Linear(dim, HIDDEN), nn.SiLU(), nn.Linear(HIDDEN, channels[0] * h * w), nn.Unflatten(1, (channels[0], h, w))
        )
        self.start = Residual(channels[0])
        self.ups = nn.ModuleList(
            nn.Sequential(_norm(a), nn.SiLU(), nn.ConvTranspose2d(a, b, 4, stride=2, padding=1))
            for a, b in itertools.pairwise(channels)
        )

    def forward(self, z: Tensor) -> Tensor:
        x = self.start(_last(self.head(z)))
        for up, (h, w) in zip(self.ups, self.sizes[1:], strict=True):
            x = up(x)[..., :h, :w]
        return x.sigmoid()
