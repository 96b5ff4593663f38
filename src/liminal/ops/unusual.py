"""Which parts of an item are unusual, given its others: what an outlier is an outlier in.

For items that state attributes themselves (`Modality.stated`), such as the columns of a row. Of each the real
items are looked up that are nearest in all the others, and how far the item's own cell lies from theirs is
held against the same of other real items: a conformal p-value (Vovk et al. 2005) for each.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import LiminalError
from ..modalities import Modality

NEAR = 10  # real items that tell what is usual
POOL, JUDGED = 2_000, 100  # real items that are looked through; others that tell how far cells lie apart
LEAST = 20  # real items, of the two together


@dataclass(frozen=True)
class Cell:
    """One attribute of an item, given the others.

    Attributes:
        name: of the attribute.
        value: that the item has.
        usual: the median of a number, the commonest value of anything else, among items alike in the rest.
        p: the share of real items whose own value lies at least as far from that of their likes; near 0 where
            the value is unusual.
    """

    name: str
    value: Any
    usual: Any
    p: float


@dataclass(frozen=True)
class Usual:
    """Real items that tell what is usual: what they take to prepare serves all items that are asked about.

    Attributes:
        modality: of the items.
        real: (n, *item_shape).
        judged, pool: rows of those whose own cells are held against their likes, and of these likes.
    """

    modality: Modality
    real: np.ndarray
    judged: np.ndarray
    pool: np.ndarray

    def cells(self, item: np.ndarray, but: int | None = None) -> list[Cell]:
        """What an item states, the most unusual first; what it lacks is left out.

        Args:
            item: stored, (*item_shape).
            but: the row of the real items that it is itself.
        """
        own = self.modality.stated(item[None])
        here, others = self.pool != but, self.judged != but
        found = []
        for name, far in self._judged.items():
            if own[name][0] is None:
                continue
            value, near = self._apart(item[None], name, here)
            known = [v for v in (self._stated[name][i] for i in near[0].tolist()) if v is not None]
            beside = far[torch.from_numpy(others)]
            beside = beside[beside.isfinite()]
            p = (1 + int((beside >= value[0]).sum())) / (1 + len(beside))
            found.append(Cell(name, own[name][0], _usual(known), p))
        return sorted(found, key=lambda cell: cell.p)

    @cached_property
    def _stated(self) -> dict[str, list[Any]]:
        return self.modality.stated(self.real[self.pool])

    @cached_property
    def _likes(self) -> tuple[Tensor, Tensor]:
        """x and y of the pool."""
        likes = self.real[self.pool]
        return self.modality.tensor(likes), self.modality.soft(likes)

    @cached_property
    def _judged(self) -> dict[str, Tensor]:
        """How far each of the judged items' own cells lies from those of its likes, by name."""
        all_ = np.ones(len(self.pool), bool)
        return {name: self._apart(self.real[self.judged], name, all_)[0] for name in self._stated}

    def _apart(self, asked: np.ndarray, name: str, here: np.ndarray) -> tuple[Tensor, Tensor]:
        """How far a part of each of some items (m,) lies from that of those nearest in all else, and the rows
        (m, k) of these in the pool, of which some are here; NaN where an item lacks it.
        """
        likelihood, x = self.modality.likelihood, self.modality.tensor(asked)
        others = self.modality.part(asked, name)[1]  # all places but those of the part
        lacking = self.modality.lacking(asked)
        own = ~others if lacking is None else ~others | lacking
        pool, y = self._likes
        beside = likelihood.missing(pool, x, own)
        beside[:, torch.from_numpy(~here)] = torch.inf
        near = beside.topk(min(NEAR, int(here.sum())), largest=False).indices
        k = near.shape[1]
        again = torch.arange(len(x)).repeat_interleave(k)
        far = likelihood.missed(y[near.flatten()], x[again], others[again]).reshape(-1, k).mean(1)
        return torch.where(others.flatten(1).all(1), torch.nan, far), near


def usual(modality: Modality, real: np.ndarray, seed: int = 0) -> Usual:
    """What is usual among real items.

    Args:
        modality: of the items.
        real: (n, *item_shape), at most `POOL` + `JUDGED` of which are looked at.
        seed: of which.

    Raises:
        LiminalError: items of this kind state nothing, or there are too few real ones.
    """
    if len(modality.stated(real[:1])) < 2:
        raise LiminalError(f"unusual: {modality.plural} state no attributes that could explain one another")
    if len(real) < LEAST:
        raise LiminalError(f"unusual: {len(real)} real {modality.plural}; wanted {LEAST} or more")
    order = np.random.default_rng(seed).permutation(len(real))
    judged, pool = np.split(order, [min(JUDGED, len(real) // 2)])
    return Usual(modality, real, judged, pool[:POOL])


def _usual(values: list[Any]) -> Any:
    """The median of numbers, the commonest of anything else; None of nothing."""
    if not values:
        return None
    if all(isinstance(v, float) for v in values):
        return float(median(values))
    return max(sorted(set(values)), key=values.count)
