"""Which parts of an item are unusual, given its others: what an outlier is an outlier in.

For items that state attributes themselves (`Modality.stated`), such as the columns of a row. Of each the real
items are looked up that are nearest in all the others, and how far the item's own cell lies from theirs is
held against the same of other real items: a conformal p-value (Vovk et al. 2005) for each.
"""

from __future__ import annotations

from dataclasses import dataclass
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


def unusual(modality: Modality, item: np.ndarray, real: np.ndarray, seed: int = 0) -> list[Cell]:
    """What an item states, the most unusual first; what it lacks is left out.

    Args:
        modality: of the items.
        item: stored, (*item_shape).
        real: (n, *item_shape), other real items.
        seed: of which real items are compared.

    Raises:
        LiminalError: items of this kind state nothing, or there are too few real ones.
    """
    names = list(modality.stated(item[None]))
    if len(names) < 2:
        raise LiminalError(f"unusual: {modality.plural} state no attributes that could explain one another")
    if len(real) < LEAST:
        raise LiminalError(f"unusual: {len(real)} real {modality.plural}; wanted {LEAST} or more")
    order = np.random.default_rng(seed).permutation(len(real))
    judged, pool = np.split(order, [min(JUDGED, len(real) // 2)])
    asked, pool = np.concatenate([item[None], real[judged]]), real[pool[:POOL]]
    stated, own = modality.stated(pool), modality.stated(item[None])
    found = []
    for name in names:
        if own[name][0] is None:
            continue
        far, near = _apart(modality, asked, pool, name)
        known = [v for v in (stated[name][i] for i in near[0].tolist()) if v is not None]
        others = far[1:][far[1:].isfinite()]
        p = (1 + int((others >= far[0]).sum())) / (1 + len(others))
        found.append(Cell(name, own[name][0], _usual(known), p))
    return sorted(found, key=lambda cell: cell.p)


def _apart(modality: Modality, asked: np.ndarray, pool: np.ndarray, name: str) -> tuple[Tensor, Tensor]:
    """How far a part of each of some items (m,) lies from that of the real items nearest in all else, and the
    rows (m, k) of these in the pool; NaN where an item lacks it."""
    likelihood, x = modality.likelihood, modality.tensor(asked)
    others = modality.part(asked, name)[1]  # all places but those of the part
    lacking = modality.lacking(asked)
    own = ~others if lacking is None else ~others | lacking
    y = modality.soft(pool)
    near = likelihood.missing(modality.tensor(pool), x, own).topk(min(NEAR, len(pool)), largest=False).indices
    k = near.shape[1]
    again = torch.arange(len(x)).repeat_interleave(k)
    far = likelihood.missed(y[near.flatten()], x[again], others[again]).reshape(-1, k).mean(1)
    return torch.where(others.flatten(1).all(1), torch.nan, far), near


def _usual(values: list[Any]) -> Any:
    """The median of numbers, the commonest of anything else; None of nothing."""
    if not values:
        return None
    if all(isinstance(v, float) for v in values):
        return float(median(values))
    return max(sorted(set(values)), key=values.count)
