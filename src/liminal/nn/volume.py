"""Convolutional networks for volumes (1, d, h, w): encoder, decoder, and the body of a reader.

Convolutions over all cells are slow on a CPU: at 32^3 one of 16 channels takes as long as three of 64 at 8^3.
So the first layer turns blocks of 4^3 cells into channels, the last one turns channels into blocks (Shi et
al. 2016, sub-pixel convolution), and all others see an eighth of the side or a quarter of it. As in `conv`, a
linear layer draws a coarse volume from the same hidden units beside the decoder's convolutions.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import LiminalError

HIDDEN = 8  # units between the convolutions and the latent, for each of `width`
BLOCK = 4  # cells along a side of a block
STEP = 2 * BLOCK  # sides are multiples of it
EMPTY = -2.0  # logit of a cell before anything is learned: most are empty
MOST = 64


def _norm(channels: int) -> nn.GroupNorm:
    groups = max(1, channels // 16)
    return nn.GroupNorm(groups if channels % groups == 0 else 1, channels)


class Residual(nn.Module):
    """x + conv(act(norm(conv(act(norm(x)))))), both convolutions 3^3."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = _norm(channels), _norm(channels)
        self.conv1, self.conv2 = (nn.Conv3d(channels, channels, 3, padding=1) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(F.silu(self.norm2(self.conv1(F.silu(self.norm1(x))))))


def check(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """`shape` (1, d, h, w) as (d, h, w).

    Raises:
        LiminalError: it is none of a volume, or a side is no multiple of 8 up to 64.
    """
    if len(shape) != 4 or shape[0] != 1:
        raise LiminalError(
            f"volumes: items of shape {tuple(shape)}; wanted one channel (1, depth, height, width)"
        )
    if any(side % STEP or not 0 < side <= MOST for side in shape[1:]):
        raise LiminalError(
            f"volumes of {' x '.join(map(str, shape[1:]))} cells: wanted sides of {STEP}, {2 * STEP}, ... "
            f"{MOST}"
        )
    return shape[1], shape[2], shape[3]


class Encoder(nn.Module):
    """x (n, 1, d, h, w) in [0, 1] -> h (n, out)."""

    def __init__(self, shape: tuple[int, ...], out: int, width: int) -> None:
        super().__init__()
        count = math.prod(side // STEP for side in check(shape))
        wide, hidden = 4 * width, HIDDEN * width
        self.trunk = nn.Sequential(
            nn.Conv3d(1, 2 * width, BLOCK, stride=BLOCK),
            nn.SiLU(),
            nn.Conv3d(2 * width, wide, 4, stride=2, padding=1),
            Residual(wide),
            _norm(wide),
            nn.SiLU(),
            nn.Flatten(),
        )
        self.head = nn.Sequential(nn.Linear(wide * count, hidden), nn.SiLU(), nn.Linear(hidden, out))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.trunk(2 * x - 1))


class Decoder(nn.Module):
    """z (n, d) -> (n, 1, d, h, w), to go through a sigmoid."""

    def __init__(self, shape: tuple[int, ...], dim: int, width: int) -> None:
        super().__init__()
        self.blocks = [side // BLOCK for side in check(shape)]
        small, wide, hidden = [side // 2 for side in self.blocks], 4 * width, HIDDEN * width
        self.enter = nn.Sequential(nn.Linear(dim, hidden), nn.SiLU())
        self.head = nn.Sequential(nn.Linear(hidden, wide * math.prod(small)), nn.Unflatten(1, (wide, *small)))
        self.body = nn.Sequential(
            Residual(wide),
            _norm(wide),
            nn.SiLU(),
            nn.ConvTranspose3d(wide, 2 * width, 4, stride=2, padding=1),
            _norm(2 * width),
            nn.SiLU(),
            nn.Conv3d(2 * width, BLOCK**3, 3, padding=1),
        )
        flat = nn.Linear(hidden, 8 * math.prod(self.blocks))
        with torch.no_grad():
            flat.weight.mul_(0.1)  # the convolutions' volume is not drowned at the start
            flat.bias.fill_(EMPTY)
        self.coarse = nn.Sequential(flat, nn.Unflatten(1, (1, *(2 * side for side in self.blocks))))

    def forward(self, z: Tensor) -> Tensor:
        hidden = self.enter(z)
        x = _unblocked(self.body(self.head(hidden)))
        coarse = self.coarse(hidden)
        return x + F.interpolate(coarse, size=x.shape[-3:], mode="trilinear", align_corners=False)


def _unblocked(x: Tensor) -> Tensor:
    """(n, 64, d, h, w) -> (n, 1, 4 d, 4 h, 4 w): channels are the cells of a block."""
    n, _, d, h, w = x.shape
    x = x.view(n, BLOCK, BLOCK, BLOCK, d, h, w).permute(0, 4, 1, 5, 2, 6, 3)
    return x.reshape(n, 1, BLOCK * d, BLOCK * h, BLOCK * w)


class _Centred(nn.Sequential):
    """Layers that see volumes in [-1, 1]."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(2 * x - 1)


def trunk(shape: tuple[int, ...], width: int, out: int) -> nn.Module:
    """Volumes (n, 1, d, h, w) in [0, 1] -> (n, out): blocks, then convolutions that keep places."""
    count = math.prod(side // STEP for side in check(shape))
    return _Centred(
        nn.Conv3d(1, width, BLOCK, stride=BLOCK, bias=False),
        nn.BatchNorm3d(width),
        nn.ReLU(),
        nn.Conv3d(width, 2 * width, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm3d(2 * width),
        nn.ReLU(),
        nn.Conv3d(2 * width, 16, 1),
        nn.Flatten(),
        nn.Linear(16 * count, out),
    )
