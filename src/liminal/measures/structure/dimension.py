"""How many dimensions latents fill, which of them carry anything, and what is lost as they are dropped.

Letters: x data (n, *shape), z latents (n, d).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from ...distances import nearest
from ...errors import LiminalError
from ...tensors import CHUNK


def two_nn(z: Tensor, discard: float = 0.1) -> float:
    """Intrinsic dimension from the ratio of each item's two nearest distances.

    With r = second / first and F its empirical distribution, -log(1 - F) rises as d log r: the slope through
    the origin, without the largest `discard` of the ratios. Copies (first distance 0) are left out. Sees the
    finest scale that n items allow, where noise counts as dimensions; above about 10 dimensions it reads too
    low.

    Args:
        z: (n, d), n at least 20.
        discard: share of the ratios, in [0, 1).

    Returns:
        The dimension; NaN where fewer than 10 distinct items are left.

    Raises:
        LiminalError: fewer than 20 items.

    Source: Facco et al. 2017, Estimating the intrinsic dimension of datasets by a minimal neighborhood
    information.
    """
    _enough(z, 20, "intrinsic dimension")
    first, second = nearest(z, z, 2)[0].numpy().T
    apart = first > 1e-9 * max(float(z.double().std()), 1e-300)  # what rounding leaves between copies is none
    ratios = np.sort(np.log(second[apart] / first[apart]))
    m = len(ratios)
    if m < 10:
        return float("nan")
    kept = max(int((1 - discard) * m), 1)
    x, y = ratios[:kept], -np.log1p(-np.arange(1, kept + 1) / (m + 1))
    total = float(x @ x)
    return float(x @ y) / total if total > 0 else float("nan")


def mle_dimension(z: Tensor, k: int = 20) -> float:
    """Intrinsic dimension by maximum likelihood from the distances T_1 .. T_k to the k nearest.

        1 / d = mean over items of (1 / (k - 1)) sum over j < k of log(T_k / T_j)

    Copies count as one item.

    Args:
        z: (n, d), n above k.
        k: neighbours, 3 or more; larger ones see a coarser scale.

    Returns:
        The dimension.

    Raises:
        LiminalError: k items or fewer that differ, or k below 3.

    Source: Levina and Bickel 2004, Maximum likelihood estimation of intrinsic dimension; averaged as MacKay
    and Ghahramani 2005 showed.
    """
    z = torch.unique(z.double(), dim=0)
    if k < 3:
        raise LiminalError(f"intrinsic dimension: k = {k}; wanted 3 or more neighbours")
    _enough(z, k + 1, "intrinsic dimension")
    distances = nearest(z, z, k)[0].clamp_min(1e-300).log()
    return 1 / max(float((distances[:, -1:] - distances[:, :-1]).mean()), 1e-12)


def _enough(z: Tensor, least: int, what: str) -> None:
    if z.ndim != 2 or len(z) < least:
        raise LiminalError(
            f"{what}: wanted latents (n, d) of {least} or more different items, got shape {tuple(z.shape)}"
        )


@dataclass(frozen=True)
class Collapse:
    """Which dimensions of the posterior carry nothing.

    Attributes:
        kl: (d,), mean over items, nats.
        collapsed: (d,) bool: at least 1 - `delta` of the items have a KL below `epsilon` there.
        effective: exp of the entropy of the dimensions' shares of the KL: d if all carry as much, 1 if one
            carries all, 0 if none.
    """

    kl: np.ndarray
    collapsed: np.ndarray
    effective: float

    @property
    def share(self) -> float:
        """Of the dimensions, those that carry nothing."""
        return float(self.collapsed.mean())


def collapse(kl: Tensor, epsilon: float = 0.01, delta: float = 0.01) -> Collapse:
    """Posterior collapse from the KL of every item and dimension.

    Args:
        kl: (n, d) nats, as of `Posterior.kl()` where it splits by dimension.
        epsilon: nats below which an item's dimension tells nothing.
        delta: share of items that may be above it.

    Raises:
        LiminalError: kl is not (n, d) or is not finite.

    Source: Lucas et al. 2019, Don't blame the ELBO! (epsilon, delta)-collapse.
    """
    from scipy.special import xlogy

    if kl.ndim != 2 or not len(kl) or not torch.isfinite(kl).all():
        raise LiminalError(
            f"collapse: wanted the KL of n items in d dimensions, finite, got shape {tuple(kl.shape)} or "
            "NaN in it"
        )
    kl = kl.detach().cpu().double()
    mean = kl.mean(0).clamp_min(0).numpy()
    gone = ((kl < epsilon).double().mean(0) >= 1 - delta).numpy()
    shares = mean / mean.sum() if mean.sum() > 0 else mean
    return Collapse(mean, gone, float(np.exp(-xlogy(shares, shares).sum())) if mean.sum() > 0 else 0.0)


@dataclass(frozen=True)
class Curve:
    """Distortion as dimensions are dropped.

    Attributes:
        kept: (m,) numbers of dimensions kept, rising from 0 to d.
        distortion: (m,), mean squared error of what is decoded from them.
        rate: (m,), nats that the kept ones carry on average; None where no KL was given.
        order: (d,), dimensions by rank of importance, or of principal components 0 .. d - 1.
    """

    kept: np.ndarray
    distortion: np.ndarray
    rate: np.ndarray | None
    order: np.ndarray

    def enough(self, tolerance: float = 0.05) -> int:
        """The least number of dimensions that comes within `tolerance` of the way from nothing kept to all
        kept.
        """
        start, end = self.distortion[0], self.distortion[-1]
        return int(self.kept[np.flatnonzero(self.distortion <= end + tolerance * max(start - end, 0.0))[0]])


def rate_distortion(
    decode: Callable[[Tensor], Tensor],
    z: Tensor,
    x: Tensor,
    by: Literal["pca", "kl"] = "pca",
    kl: Tensor | None = None,
    kept: Sequence[int] | None = None,
) -> Curve:
    """What is decoded when only the most important dimensions keep their value and the others take their mean
    over items.

    Args:
        decode: z (n, d) -> x (n, *shape), in pieces of bounded size.
        z: (n, d).
        x: (n, *shape), what is to come out: the items, or ``decode(z)`` for the loss relative to the full
            latent.
        by: ``"pca"``: principal components of z, largest variance first; ``"kl"``: single dimensions, largest
            KL first.
        kl: (d,) mean KL of each dimension in nats; wanted for ``"kl"``.
        kept: numbers of dimensions to try; None: 0, 1, 2, 4, 8, ... and d.

    Raises:
        LiminalError: lengths that differ, no KL for ``"kl"``, or a number of dimensions out of range.

    Source: Alemi et al. 2018, Fixing a broken ELBO (rate and distortion of a latent code).
    """
    n, d = z.shape
    if len(x) != n or n < 2:
        raise LiminalError(
            f"rate-distortion: {n} latents and {len(x)} items; wanted two or more of each, and as many"
        )
    if by == "kl" and (kl is None or tuple(kl.shape) != (d,)):
        raise LiminalError(
            f"rate-distortion: by='kl' wants the KL of each of {d} dimensions; got "
            f"{None if kl is None else tuple(kl.shape)}"
        )
    counts = sorted(
        {*(2**i for i in range(d.bit_length())), 0, d} & set(range(d + 1)) if kept is None else set(kept)
    )
    if not counts or counts[0] < 0 or counts[-1] > d:
        raise LiminalError(f"rate-distortion: kept = {counts}; wanted numbers from 0 to {d}")
    mean, basis, order = z.mean(0), torch.eye(d), np.arange(d)
    if by == "kl":
        assert kl is not None
        order = kl.argsort(descending=True, stable=True).numpy()
        basis = basis[:, torch.from_numpy(order)]
    else:
        basis = torch.linalg.eigh(torch.cov(z.double().T).reshape(d, d))[1].flip(1).float()
    coordinates = (z - mean) @ basis.to(z)
    distortion = []
    for count in counts:
        total = 0.0
        for i in range(0, n, CHUNK):
            part = mean + coordinates[i : i + CHUNK, :count] @ basis[:, :count].T.to(z)
            target = x[i : i + CHUNK]
            total += float((decode(part).to(target) - target).double().square().flatten(1).mean(1).sum())
        distortion.append(total / n)
    sums = (
        None
        if by == "pca" or kl is None
        else np.concatenate([[0.0], np.cumsum(kl.double().numpy()[order])])[counts]
    )
    return Curve(np.array(counts), np.array(distortion), sums, order)
