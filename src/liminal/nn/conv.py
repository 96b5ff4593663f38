"""Convolutional networks for pictures (c, h, w), sized from the picture: encoder, decoder, and the body of a
reader.

The encoder halves the picture until it is 4 pixels or less, the decoder starts at 8 pixels or less and
doubles. Wide layers stand where the picture is small (`channels_at`), as does the one residual block (He et
al. 2016, pre-activation) on either side: there they cost little. Group normalisation and SiLU throughout.

Beside the decoder's convolutions a linear layer draws a coarse picture from the same hidden units, which is
added to theirs before the sigmoid. It learns in few steps what is alike at a place in many pictures, and
leaves flat areas flat, which transposed convolutions
speckle: after 3 epochs the squared error is 2 % lower on Fashion-MNIST and 13 % on drawn faces, at 2 to 10 %
more time.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import LiminalError
from . import mlp

HIDDEN = 256  # units between the picture-shaped part and the latent
COARSE = 16  # pixels of the coarse picture's longer side, at most (32 is no better)


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


class Grow(nn.ConvTranspose2d):
    """(n, a, h, w) -> (n, b, 2 h, 2 w): a transposed convolution, 4 x 4 of stride 2.

    Where b is 1 it is computed as the 3 x 3 convolution that gives the four pixels of each place as channels,
    with the same weights (Shi et al. 2016, sub-pixel convolution): twice as fast on a CPU, where transposed
    convolutions are kept for many channels.
    """

    def __init__(self, a: int, b: int) -> None:
        super().__init__(a, b, 4, stride=2, padding=1)

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        if self.out_channels > 1 or self.bias is None:
            return super().forward(x, output_size)
        # (a, row, odd row, column, odd column)
        turned = self.weight[:, 0].flip(1, 2).unflatten(2, (2, 2)).unflatten(1, (2, 2))
        pixels = [F.pad(turned[:, :, i, :, j], (j, 1 - j, i, 1 - i)) for i in (0, 1) for j in (0, 1)]
        return F.pixel_shuffle(F.conv2d(x, torch.stack(pixels), self.bias.expand(4), padding=1), 2)


def check(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """`shape` as (c, h, w).

    Raises:
        LiminalError: a side is below 8 or above 256 pixels.
    """
    if len(shape) != 3:
        raise LiminalError(
            f"convolutions: items of shape {tuple(shape)}; wanted pictures (channels, height, width)"
        )
    c, h, w = shape
    if max(h, w) > 256 or min(h, w) < 8:
        raise LiminalError(
            f"pictures of {h} x {w} pixels: wanted 8 to 256 on each side; choose another --size"
        )
    return c, h, w


def channels_at(side: int, width: int) -> int:
    """Channels where the longer side is `side` pixels: twice `width` up to 8 pixels, `width` up to 16, half
    of it above.
    """
    return 2 * width if side <= 8 else width if side <= 16 else max(4, width // 2)


class Encoder(nn.Module):
    """x (n, c, h, w) in [0, 1] -> h (n, out)."""

    def __init__(self, shape: tuple[int, ...], out: int, width: int) -> None:
        super().__init__()
        channels, h, w = check(shape)
        layers: list[nn.Module] = []
        while max(h, w) > 4:
            h, w = max(1, h // 2), max(1, w // 2)
            wide = channels_at(max(h, w), width)
            layers += [_norm(channels), nn.SiLU()] if layers else []
            layers.append(nn.Conv2d(channels, wide, 4, stride=2, padding=1))
            layers += [Residual(wide)] if 4 < max(h, w) <= 8 else []
            channels = wide
        self.trunk = nn.Sequential(*layers, _norm(channels), nn.SiLU(), nn.Flatten())
        self.head = nn.Sequential(nn.Linear(channels * h * w, HIDDEN), nn.SiLU(), nn.Linear(HIDDEN, out))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.trunk(_last(2 * x - 1)))


class Decoder(nn.Module):
    """z (n, d) -> (n, c, h, w), to go through a sigmoid."""

    def __init__(self, shape: tuple[int, ...], dim: int, width: int) -> None:
        super().__init__()
        out, h, w = check(shape)
        self.sizes = [(h, w)]
        while max(self.sizes[0]) > 8 or len(self.sizes) == 1:
            h, w = self.sizes[0]
            self.sizes.insert(0, ((h + 1) // 2, (w + 1) // 2))
        h, w = self.sizes[0]
        channels = [*(channels_at(max(size), width) for size in self.sizes[:-1]), out]
        self.enter = nn.Sequential(nn.Linear(dim, HIDDEN), nn.SiLU())
        self.head = nn.Sequential(
            nn.Linear(HIDDEN, channels[0] * h * w), nn.Unflatten(1, (channels[0], h, w))
        )
        self.start = Residual(channels[0])
        self.ups = nn.ModuleList(
            nn.Sequential(_norm(a), nn.SiLU(), Grow(a, b)) for a, b in itertools.pairwise(channels)
        )
        h, w = next(size for size in reversed(self.sizes) if max(size) <= COARSE)
        flat = nn.Linear(HIDDEN, out * h * w)
        with torch.no_grad():
            flat.weight.mul_(0.1)  # the convolutions' picture is not drowned at the start
        self.coarse = nn.Sequential(flat, nn.Unflatten(1, (out, h, w)))

    def forward(self, z: Tensor) -> Tensor:
        hidden = self.enter(z)
        x = self.start(_last(self.head(hidden)))
        for up, (h, w) in zip(self.ups, self.sizes[1:], strict=True):
            x = up(x)[..., :h, :w]
        coarse = self.coarse(hidden)
        if coarse.shape != x.shape:
            coarse = F.interpolate(coarse, size=x.shape[-2:], mode="bilinear", align_corners=False)
        return x + coarse


class _Read(nn.Module):
    """x + two 3 x 3 convolutions of it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.inner(x)


class _Centred(nn.Sequential):
    """Layers that see pictures in [-1, 1]."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(2 * x - 1)


def trunk(shape: tuple[int, ...], width: int, out: int) -> nn.Module:
    """Pictures (n, c, h, w) in [0, 1] -> (n, out): strided convolutions that keep places; below 8 pixels
    dense layers.
    """
    if min(shape[1:]) < 8:
        return _Centred(*mlp.trunk(shape, width, out))
    c, h, w = shape
    layers: list[nn.Module] = []
    channels = width
    while max(h, w) > 7:
        size = 3 if layers else 5
        layers += [
            nn.Conv2d(c, channels, size, stride=2, padding=size // 2, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
        ]
        c, channels = channels, 3 * width // 2
        h, w = (h + 1) // 2, (w + 1) // 2
    layers += [
        _Read(c),
        nn.BatchNorm2d(c),
        nn.ReLU(),
        nn.Conv2d(c, 16, 1),
        nn.Flatten(),
        nn.Linear(16 * h * w, out),
    ]
    return _Centred(*layers)
