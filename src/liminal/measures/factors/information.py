"""How the information about known factors is spread over latent dimensions: MIG, InfoM and InfoC.

From tables of counts between every dimension, cut into bins of equal frequency, and every factor. With I(z_j;
v_k) the mutual information and H(v_k) the entropy, in nats:

    MIG   = mean over k of (largest - second largest of I(z_j; v_k) over j) / H(v_k)
    A_jk  = max(0, (I(z_j; v_k) - E) / (H(v_k) - E))
    InfoM = (mean over active j of (max_k A_jk / sum_k A_jk) - 1/K) / (1 - 1/K)
    InfoC = (mean over k of (max_j A_jk / sum_j A_jk) - 1/d) / (1 - 1/d)

E is the same for items shuffled, which is above 0 by chance alone. InfoM: each dimension tells of one factor
only; InfoC: each factor is told by one dimension only.

Bins of equal width, as in some published code, make all of it depend on single outliers; bins of equal
frequency see only the order of the values, so that rising functions of a dimension change nothing. A
dimension is active where what it tells of all factors together, less chance, is above what it tells of
shuffled ones; d counts the active ones. Where none is, InfoM and InfoC are 0.

Source: Chen et al. 2018, Isolating sources of disentanglement; Hsu et al. 2023, Disentanglement via latent
quantization, whose nearest- neighbour estimates of information, free of bias, are here the adjusted ones of
Vinh, Epps and Bailey 2010.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .factors import BINS, Factor, equal_frequency

BESIDE = 128  # dimensions counted at once
ACTIVE = 1.5  # times the most that a dimension tells of shuffled factors


@dataclass(frozen=True)
class Spread:
    """Who tells what.

    Attributes:
        mig: the gap, in [0, 1].
        infom: modularity, at most 1; NaN where there is one factor only.
        infoc: compactness, at most 1; NaN where there is one dimension only.
        shares: (d, K), A.
        active: (d,) bool.
    """

    mig: float
    infom: float
    infoc: float
    shares: np.ndarray
    active: np.ndarray

    @property
    def values(self) -> np.ndarray:
        """(mig, infom, infoc)."""
        return np.array([self.mig, self.infom, self.infoc])


class Information:
    """Tables of counts of latents z (n, d) against factors, each of n values.

    Args:
        z: n latents.
        factors: what they are held against.
        rng: for the shuffles.
        bins: of each dimension.
        shuffles: that tell what chance alone gives.
    """

    def __init__(
        self,
        z: Tensor,
        factors: Sequence[Factor],
        rng: np.random.Generator,
        bins: int = BINS,
        shuffles: int = 10,
    ) -> None:
        self.codes = torch.from_numpy(
            np.stack([equal_frequency(column, bins) for column in z.double().numpy().T], 1)
        )
        self.sizes = [f.size for f in factors]
        self.known = torch.from_numpy(
            np.concatenate([np.eye(f.size + 1, dtype=np.float32)[f.codes][:, :-1] for f in factors], 1)
        )
        n = len(z)
        chance = np.stack([self.mutual(order=rng.permutation(n))[0] for _ in range(shuffles)])
        used = self.codes.amax(0).numpy()
        self.chance = np.zeros(chance.shape[1:])
        for size in np.unique(used):  # dimensions with as many bins have the same chance
            self.chance[used == size] = chance[:, used == size].mean((0, 1))
        entropy = self.mutual()[1]
        self.most = float((self._adjusted(chance, entropy, 1.0, clip=False).sum(2)).max())

    def mutual(
        self, rows: np.ndarray | None = None, order: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """I (d, K) between dimensions and factors and H (d, K), the factors' entropy over the items that are
        counted, in nats.

        Args:
            rows: of the items that count; None: all.
            order: which item's latent stands beside each of them instead of its own.
        """
        rows = np.arange(len(self.codes)) if rows is None else rows
        known = self.known[torch.from_numpy(rows)]
        codes = self.codes[torch.from_numpy(rows if order is None else rows[order])]
        parts = [self._tables(codes[:, j : j + BESIDE], known) for j in range(0, codes.shape[1], BESIDE)]
        return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])

    def _tables(self, codes: Tensor, known: Tensor) -> tuple[np.ndarray, np.ndarray]:
        (n, d), bins = codes.shape, int(self.codes.max()) + 1
        marks = torch.zeros(n, d * bins).scatter_(1, codes + bins * torch.arange(d), 1.0)
        counts = (marks.T @ known).double().view(d, bins, -1)
        found, entropies = [], []
        for table in counts.split(self.sizes, 2):
            p = table / table.sum((1, 2), keepdim=True).clamp_min(1)
            of = lambda q: -torch.special.xlogy(q, q).flatten(1).sum(1)
            h = of(p.sum(1))
            entropies.append(h)
            found.append((of(p.sum(2)) + h - of(p)).clamp_min(0))
        return torch.stack(found, 1).numpy(), torch.stack(entropies, 1).numpy()

    def _adjusted(
        self, information: np.ndarray, entropy: np.ndarray, scale: float, clip: bool = True
    ) -> np.ndarray:
        """A from I (..., d, K); chance counts `scale` times, as it falls with the number of items."""
        chance = self.chance * scale
        shares = (information - chance) / np.maximum(entropy - chance, 1e-9)
        return shares.clip(0, 1) if clip else shares

    def spread(self, rows: np.ndarray | None = None, order: np.ndarray | None = None) -> Spread:
        """The measures on some rows, or with the latents in another order (the null)."""
        information, entropy = self.mutual(rows, order)
        scale = 1.0 if rows is None else len(self.codes) / len(rows)
        beyond = self._adjusted(information, entropy, scale, clip=False).sum(1)
        active = beyond > ACTIVE * max(self.most, 0.0) * scale
        shares = self._adjusted(information, entropy, scale)
        compact = _peaked(shares[active], 0) if active.sum() != 1 else 1.0
        infom, infoc = (_peaked(shares[active], 1), compact) if active.any() else (0.0, 0.0)
        infom, infoc = (infom if shares.shape[1] > 1 else math.nan), (infoc if len(active) > 1 else math.nan)
        return Spread(mig(information, entropy), infom, infoc, shares, active)


def mig(information: np.ndarray, entropy: np.ndarray) -> float:
    """The mutual information gap from I (d, K) and H (d, K); factors without entropy are left out."""
    ordered = np.sort(np.vstack([np.zeros(information.shape[1]), information]), axis=0)
    varied = entropy[0] > 1e-9
    return float(((ordered[-1] - ordered[-2])[varied] / entropy[0][varied]).mean()) if varied.any() else 0.0


def _peaked(shares: np.ndarray, axis: int) -> float:
    """How far the largest share along `axis` is from an even spread (0) towards being all (1), on average
    over what has any share.
    """
    count, total = shares.shape[axis], shares.sum(axis)
    told = total > 1e-12
    if count < 2 or not told.any():
        return 0.0
    peak = shares.max(axis)[told] / total[told]
    return float((peak.mean() - 1 / count) / (1 - 1 / count))
