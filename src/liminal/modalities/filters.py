"""Random convolutions: features of pictures that need no download and no labels and are the same on every
machine.

A picture is read at three scales, each half the one before. At each scale: 24 random 5 x 5 filters without a
constant part, positive and negative half kept apart, averaged over 2 x 2; 32 random 3 x 3 filters over those,
rectified; averaged over a 4 x 4 grid. The filters are drawn from PCG64 with a fixed seed. Pictures longer
than 64 pixels are first reduced to 64.

Source: Saxe et al. 2011, On random weights and unsupervised feature learning.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

SEED = 20_240_501
FIRST, SECOND, SCALES, GRID, LONGEST = 24, 32, 3, 4, 64


class RandomFilters:
    """x (n, c, h, w) -> (n, 1536). Stateless: the weights depend on the number of channels only."""

    def __init__(self, channels: int) -> None:
        self.channels = channels

    @cached_property
    def weights(self) -> list[tuple[Tensor, Tensor]]:
        """For each scale, the filters of both layers: (24, c, 5, 5) and (32, 48, 3, 3), each of length 1."""
        rng = np.random.Generator(np.random.PCG64(SEED))
        return [
            (_filters(rng, FIRST, self.channels, 5, True), _filters(rng, SECOND, 2 * FIRST, 3, False))
            for _ in range(SCALES)
        ]

    def __call__(self, x: Tensor) -> Tensor:
        longest = max(x.shape[2:])
        if longest > LONGEST:
            size = [max(1, round(s * LONGEST / longest)) for s in x.shape[2:]]
            x = F.interpolate(x, size=size, mode="area")
        stride = 2 if max(x.shape[2:]) > 40 else 1
        out = []
        for first, second in self.weights:
            y = F.conv2d(x, first, padding=2, stride=stride)
            y = F.avg_pool2d(torch.cat([F.relu(y), F.relu(-y)], 1), 2, ceil_mode=True)
            out.append(F.adaptive_avg_pool2d(F.relu(F.conv2d(y, second, padding=1)), GRID).flatten(1))
            x = F.avg_pool2d(x, 2, ceil_mode=True)
        return torch.cat(out, 1)


def _filters(rng: np.random.Generator, out: int, channels: int, size: int, centred: bool) -> Tensor:
    w = rng.standard_normal((out, channels, size * size))
    if centred:
        w -= w.mean(-1, keepdims=True)
    w /= np.sqrt(np.square(w).sum((1, 2), keepdims=True))
    return torch.from_numpy(w.reshape(out, channels, size, size).astype(np.float32))
