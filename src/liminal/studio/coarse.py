"""A space without its items: what is left of many latents once none of them can be told any more.

The map is cut into cells of `LEAST` items or more, by halving the wider side at the median; a cell keeps the
mean place and the mean latent of its items. From these the way back from the map is learned and support is
calibrated anew, both against the items themselves, so that what they say of their own errors stays true.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from ..errors import LiminalError
from ..maps.inverse import Held, Inverse, fit_inverse
from ..ops.support import LEAST_HELD, Support, fit_support

if TYPE_CHECKING:
    from .session import Session

LEAST = 25  # items behind every mean that leaves
FEWEST = 8  # cells that a map can be made of
RANKS = 100  # of scores and errors that are told instead of each item's own


def cells(xy: np.ndarray, least: int = LEAST) -> list[np.ndarray]:
    """Rows of places (n, 2) in cells of `least` to 2 `least` - 1 each; all of them in one where there are
    fewer.
    """
    found, waiting = [], [np.arange(len(xy))]
    while waiting:
        rows = waiting.pop()
        if len(rows) < 2 * least:
            found.append(rows)
            continue
        axis = int(np.ptp(xy[rows], axis=0).argmax())
        order = rows[np.argsort(xy[rows, axis], kind="stable")]
        middle = len(order) // 2
        waiting += [order[:middle], order[middle:]]
    return found


def means(values: np.ndarray, parts: list[np.ndarray]) -> np.ndarray:
    """The mean (c, k) of values (n, k) over each of some sets of rows."""
    return np.stack([values[rows].mean(0, dtype=np.float64) for rows in parts])


def ranked(values: torch.Tensor) -> torch.Tensor:
    """At most `RANKS` levels that stand for values (n,), rising: each the mean of as many neighbours in
    rank.
    """
    rising = values.sort().values.numpy()
    return torch.from_numpy(
        np.array([part.mean() for part in np.array_split(rising, min(RANKS, max(1, len(rising) // 5)))])
    )


def made(s: Session, xy: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray, Inverse, Support | None]:
    """Places and latents of the cells, the way back among them, and support calibrated on them.

    Args:
        s: of the space.
        xy: (n, 2), the items' places.
        z: (n, d), their latents.

    Raises:
        LiminalError: there are too few items to hide any of them.
    """
    parts = cells(xy)
    if len(parts) < FEWEST:
        raise LiminalError(
            f"share --no-items: {len(z):,} items are too few to hide each among {LEAST}; wanted "
            f"{FEWEST * LEAST} or more"
        )
    places, middles = means(xy, parts).astype(np.float32), means(z, parts).astype(np.float32)
    inverse = fit_inverse(places, middles, held=Held(xy, z))
    _, held = s.catalogue.latents(split="held")
    support = None
    if len(held) >= LEAST_HELD:
        found = fit_support(torch.from_numpy(middles), torch.from_numpy(held), k=min(5, len(middles) - 2))
        own = s.support.errors if s.support is not None else None
        support = Support(
            **{
                **vars(found),
                "calibration": ranked(found.calibration),
                "errors": None if own is None else ranked(own),
                "both": None,
            }
        )
    return places, middles, inverse, support
