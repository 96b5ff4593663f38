"""Maps: latents laid out in the plane.

``pca`` keeps the two directions of largest variance; ``umap`` keeps neighbours (McInnes, Healy & Melville 2018).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ..errors import LiminalError, unknown
from ..export import grid, scatter

if TYPE_CHECKING:
    from PIL.Image import Image

METHODS = ("pca", "umap")
NEIGHBORS = 15  # of umap, fewer where there are fewer items
EXACT = 4096  # items below which umap looks at all pairs
CHECKED = 2000  # items on which trustworthiness is measured
NEAR = 10  # neighbours that trustworthiness looks at


@dataclass(frozen=True)
class Map:
    """Items in the plane.

    Attributes:
        xy: (n, 2) float32.
        ids: (n,), the items' ids.
        method: how z became xy.
        evidence: ``trustworthiness`` in [0, 1] (how far the 10 nearest on the map are near in z too; Venna & Kaski 2001), measured on
            ``checked`` items, None below 32 items; for pca ``explained``, the share of the variance on each axis.
        values: n values that colour the points; None: one colour.
        color: the name of the values.
        title: above the picture.
        preview: row -> picture of the item; None: dots alone.
    """

    xy: np.ndarray
    ids: np.ndarray
    method: str
    evidence: dict[str, Any]
    values: Sequence[object] | None = field(default=None, repr=False)
    color: str = ""
    title: str = ""
    preview: Callable[[int], Image] | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.xy)

    def picture(self) -> Image:
        """The map as a picture, with thumbnails of some items and a legend."""
        words = [self.method.upper(), f"{len(self):,} items"]
        if "explained" in self.evidence:
            words.append("variance " + " + ".join(f"{e:.0%}" for e in self.evidence["explained"]))
        if self.evidence.get("trustworthiness") is not None:
            words.append(f"trustworthiness {self.evidence['trustworthiness']:.2f}")
        return scatter.scatter(self.xy, self.values, self.color, self.title, "   ·   ".join(words), self.preview)

    def save(self, path: str | Path) -> None:
        """Write the picture as png, jpg or webp by the ending, whole or not at all.

        Raises:
            LiminalError: another ending, or the file cannot be written.
        """
        grid.save(self.picture(), path)


def project(
    z: Tensor | np.ndarray,
    method: str = "pca",
    seed: int = 0,
    ids: np.ndarray | None = None,
    values: Sequence[object] | None = None,
    color: str = "",
    title: str = "",
    preview: Callable[[int], Image] | None = None,
) -> Map:
    """Lay latents out in the plane.

    Args:
        z: (n, d), n >= 4.
        method: ``pca`` or ``umap``. The same seed gives the same map.
        seed: of umap.
        ids: (n,); None: 0 to n - 1.
        values: n values that colour the points: numbers, bools or texts, None where unknown.
        color: the name of the values.
        title: above the picture.
        preview: row -> picture of the item.

    Raises:
        LiminalError: fewer than 4 items, NaN or infinity, an unknown method, or ids or values that do not fit.
    """
    z = z.detach().cpu().numpy() if isinstance(z, Tensor) else np.asarray(z)
    if method not in METHODS:
        raise unknown("map method", method, METHODS)
    if z.ndim != 2 or len(z) < 4:
        raise LiminalError(f"map: wanted latents (n, d) of 4 items or more, got {z.shape}; a map of fewer says nothing")
    if not np.isfinite(z).all():
        raise LiminalError(f"map: row {int((~np.isfinite(z)).any(1).argmax())} of the latents holds NaN or infinity; wanted finite numbers")
    for what, given in (("ids", ids), ("values", values)):
        if given is not None and len(given) != len(z):
            raise LiminalError(f"map: {len(z)} latents but {len(given)} {what}")
    evidence: dict[str, Any] = {}
    if method == "pca":
        xy, evidence["explained"] = _pca(z)
    else:
        xy = _umap(z, seed)
    evidence["checked"] = min(len(z), CHECKED)
    evidence["trustworthiness"] = _trustworthiness(z, xy, seed)
    return Map(xy, np.arange(len(z)) if ids is None else np.asarray(ids), method, evidence, values, color, title, preview)


def _pca(z: np.ndarray) -> tuple[np.ndarray, list[float]]:
    """Scores on the two main axes, each turned so that its largest loading is positive, and the share of the variance on each."""
    centred = z.astype(np.float64) - z.mean(0, dtype=np.float64)
    power, axes = np.linalg.eigh(centred.T @ centred)
    power, axes = power[::-1].clip(min=0), axes[:, ::-1][:, :2]
    axes = axes * np.sign(axes[np.abs(axes).argmax(0), range(axes.shape[1])])
    xy = np.zeros((len(z), 2), np.float32)
    xy[:, : axes.shape[1]] = centred @ axes
    share = power[:2] / (power.sum() or 1.0)
    return xy, [float(s) for s in share]


def _umap(z: np.ndarray, seed: int) -> np.ndarray:
    threads = torch.get_num_threads()
    try:
        return _fitted_umap(z, seed)
    finally:  # numba's OpenMP sets torch to one thread a core, which slows whatever comes next
        torch.set_num_threads(threads)


def _fitted_umap(z: np.ndarray, seed: int) -> np.ndarray:
    near = min(NEIGHBORS, len(z) - 1)
    z = z.astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a seed means one thread, that tiny sets and given neighbours limit what it can do later
        import umap

        fit = umap.UMAP(
            n_neighbors=near,
            random_state=seed,
            n_jobs=1,
            init="spectral" if len(z) > 2 * NEIGHBORS else "random",  # the spectral start needs more points than axes of its eigenproblem
            precomputed_knn=_nearest(z, near) if len(z) < EXACT else (None, None, None),
        )
        xy = fit.fit_transform(z)
    return np.asarray(xy, np.float32)


def _nearest(z: np.ndarray, near: int) -> tuple[np.ndarray, np.ndarray, None]:
    """Exact neighbours, each point its own first, as umap takes them; it would compile code for 10 seconds to find the same."""
    from sklearn.neighbors import NearestNeighbors

    distances, rows = NearestNeighbors(n_neighbors=near).fit(z).kneighbors(z)
    own = np.arange(len(z))
    for i in np.flatnonzero(rows[:, 0] != own):  # among equal points any may come first
        at = np.flatnonzero(rows[i] == own[i])
        rows[i, at[0] if len(at) else -1] = rows[i, 0]
        rows[i, 0] = own[i]
    return rows.astype(np.int32), distances.astype(np.float32), None


def _trustworthiness(z: np.ndarray, xy: np.ndarray, seed: int) -> float | None:
    from sklearn.manifold import trustworthiness

    if len(z) < 3 * NEAR + 2:
        return None
    rows = np.random.default_rng(seed).permutation(len(z))[:CHECKED]
    return float(trustworthiness(z[rows], xy[rows], n_neighbors=NEAR))
