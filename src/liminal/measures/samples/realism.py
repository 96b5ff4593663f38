"""Whether a decoded item looks like a real one: how much of what is special about it some real item explains.

In a feature map phi, with mu the mean and R the features of real items:

    far(x) = min_{r in R} |phi(x) - r|,      bland(x) = far(x) / |phi(x) - mu|,

and x looks real where neither is above the 97.5th percentile of held-out real items' own, so that 95 % of
these or a little more do.

The nearest-real distance `far` alone is not enough: an average lies near everything. By it (random features,
Fashion-MNIST) the mean of all items passes as real, as do .99 of the blends of two items, beside .95 of
held-out items and .97 of reconstructions; by both these are 0, .47, .95 and .97 (drawn faces: 1 to 0, .93 to
.22, .95 and .94). `bland` alone is not enough either: whatever is far from everything has a nearest real item
that is hardly farther than the mean.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ...distances import nearest
from ...errors import LiminalError

LEVEL = 0.975  # percentile of held-out real items' own values, for each of the two


class Realism:
    """Decides which decoded items look real.

    Args:
        features: x (n, *shape) -> (n, f).
        real: features (m, f) of real items.
        held: features (h, f) of other real items, 20 or more.

    Attributes:
        limits: of `far` and of `bland`.

    Raises:
        LiminalError: too few items.
    """

    def __init__(self, features: Callable[[Tensor], Tensor], real: Tensor, held: Tensor) -> None:
        if len(real) < 20 or len(held) < 20:
            raise LiminalError(
                f"realism: {len(real)} real and {len(held)} held-out items; wanted 20 or more of each"
            )
        self.features, self.real = features, real.double()
        self.centre = self.real.mean(0)
        self.limits = torch.quantile(self.scores(held), LEVEL, dim=0)

    def scores(self, features: Tensor) -> Tensor:
        """`far` and `bland` (n, 2) of items by their features (n, f); bland is infinite at the very mean."""
        f = features.to(self.real)
        far = nearest(self.real, f, 1)[0][:, 0]
        return torch.stack([far, far / (f - self.centre).norm(dim=1)], 1)

    def __call__(self, x: Tensor) -> Tensor:
        """x (n, *shape) -> (n,) bool, whether each looks real."""
        return (self.scores(self.features(x)) <= self.limits).all(1).cpu()
