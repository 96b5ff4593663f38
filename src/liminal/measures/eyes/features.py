"""A feature map that needs no labels and is the same for every model: what a modality knows to look at, then
principal components.

The modality's own features (random filters for pictures), or else its chart, become 64 principal components
of real training items, each divided by its standard deviation. How this map was chosen: docs/benchmarks.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from .pca import Pca, fit_pca

PART = 256  # items whose features are computed at once


class Features:
    """The feature map: y (n, *soft_shape) -> (n, <= 64), roughly of mean 0 and variance 1 on real items.

    Args:
        first: y -> (n, D), see `fit_features`.
        pca: of the training items after `first`.
    """

    def __init__(self, first: Callable[[Tensor], Tensor], pca: Pca) -> None:
        kept = pca.variances > 1e-8 * pca.variances[:1].clamp_min(1e-30)
        self.first, self.pca = first, Pca(pca.mean, pca.axes[kept], pca.variances[kept])

    @property
    def dim(self) -> int:
        """Number of features: 64, or fewer where the items do not vary in so many ways."""
        return len(self.pca.variances)

    @torch.inference_mode()
    def __call__(self, x: Tensor) -> Tensor:
        parts = [
            self.pca.encode(self.first(x[i : i + PART].float())) / self.pca.variances.sqrt()
            for i in range(0, len(x), PART)
        ]
        return torch.cat(parts) if parts else torch.zeros(0, self.dim)


def fit_features(
    parts: Callable[[], Iterator[Tensor]], first: Callable[[Tensor], Tensor], dim: int = 64, seed: int = 0
) -> Features:
    """The feature map with its principal components fitted to real training items.

    Args:
        parts: gives the items as y (m, *soft_shape), piece by piece, float32; called once. A few thousand are
            enough.
        first: y -> (m, D), such as `Modality.features` or `Modality.chart`.
        dim: features kept.
        seed: of the PCA's random start (it changes the features only within rounding).

    Raises:
        LiminalError: there are fewer than 2 items.
    """
    with torch.inference_mode():
        kept = [first(part[i : i + PART]) for part in parts() for i in range(0, len(part), PART)]
        return Features(first, fit_pca(lambda: kept, dim, seed))
