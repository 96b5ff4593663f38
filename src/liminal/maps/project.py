"""Maps: latents laid out in the plane, by the methods of `layouts`, with what tells how far the plane can be
trusted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from ..errors import LiminalError, unknown
from ..export import tables
from ..show import grid, scatter
from ..show.items import Picture
from .inverse import KEPT, Held, Inverse, fit_inverse

if TYPE_CHECKING:
    from torch import Tensor

METHODS = {"pca": "PCA", "umap": "UMAP", "tsne": "t-SNE"}  # and what people call them
CHECKED = 2000  # items on which trustworthiness is measured
KNOWN = 70_000  # items among which others are placed as if they were new
NEAR = 10  # neighbours that trustworthiness looks at


@dataclass(frozen=True)
class Map:
    """Items in the plane.

    Attributes:
        xy: (n, 2) float32.
        ids: (n,), the items' ids.
        method: how z became xy.
        evidence: ``trustworthiness`` in [0, 1] (how far the 10 nearest on the map are near in z too; Venna &
            Kaski 2001), measured on ``checked`` items, None below 32 items; ``fitted_on``, how many items the
            layout was fitted on (the rest were placed among them); for pca ``explained``, the share of the
            variance on each axis.
        values: n values that colour the points; None: one colour.
        color: the name of the values.
        title: above the picture.
        preview: row -> picture of the item; None: dots alone.
        z: (n, d), the latents that were laid out.
    """

    xy: np.ndarray
    ids: np.ndarray
    method: str
    evidence: dict[str, Any]
    _: KW_ONLY
    values: Sequence[object] | None = field(default=None, repr=False)
    color: str = ""
    title: str = ""
    preview: Callable[[int], Picture] | None = field(default=None, repr=False)
    z: np.ndarray | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.xy)

    def picture(self) -> Picture:
        """The map as a picture, with thumbnails of some items and a legend."""
        return scatter.scatter(self.xy, self.values, self.color, self.title, self.words(), self.preview)

    def words(self) -> str:
        """What the line below the title says: method, number of items, how far it can be trusted."""
        words = [METHODS.get(self.method, self.method), f"{len(self):,} items"]
        if (fitted := self.evidence.get("fitted_on", len(self))) < len(self):
            words.append(f"fitted on {fitted:,}, the rest placed")
        if "explained" in self.evidence:
            words.append("variance " + " + ".join(f"{e:.0%}" for e in self.evidence["explained"]))
        if self.evidence.get("trustworthiness") is not None:
            words.append(f"trustworthiness {self.evidence['trustworthiness']:.2f}")
        return "   ·   ".join(words)

    def place(self, z: Tensor | np.ndarray) -> np.ndarray:
        """Where new items lie on this map: on its axes for pca, else among their nearest items
        (`place.place`).

        Args:
            z: (m, d).

        Returns:
            (m, 2) float32. An item of the map comes out where it is.

        Raises:
            LiminalError: z has another width than the map's latents, holds NaN or infinity, or the map was
            made without its latents.
        """
        if self.z is None:
            raise LiminalError("place: this map was made without its latents; make it by project(z, ...)")
        z = _array(z)
        if z.ndim != 2 or z.shape[1] != self.z.shape[1]:
            raise LiminalError(f"place: wanted latents (m, {self.z.shape[1]}) as on the map, got {z.shape}")
        _finite(z, "place")
        from . import layouts
        from .place import place

        if self.method == "pca":
            return layouts.onto(z, *layouts.axes(self.z)[:2])
        return place(z, self.z, self.xy)

    def inverse(
        self,
        seed: int = 0,
        decode: Callable[[np.ndarray], np.ndarray] | None = None,
        data: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> Inverse:
        """The way back from this map, chosen and calibrated on items of it (at most 20,000) placed as if they
        were new.

        Args:
            seed: of these items.
            decode: z (m, d) -> decoded items (m, ...), for errors of the data too.
            data: rows (m,) of the map -> these items as `decode` gives them (m, ...).

        Raises:
            LiminalError: the map was made without its latents, or one of `decode` and `data` came without the
            other.
        """
        if self.z is None:
            raise LiminalError("inverse: this map was made without its latents; make it by project(z, ...)")
        if self.method == "pca":  # new items fall on the axes just as its own do
            return fit_inverse(self.xy, self.z, seed, None, decode, data)
        from .place import place

        order = np.random.default_rng(seed).permutation(len(self))
        some, known = order[:KEPT], order[:KNOWN]  # places among the first of `known` are rows of `some`
        new = place(self.z[some], self.z[known], self.xy[known], np.arange(len(some)))
        given = None if data is None else lambda numbers: data(some[numbers])
        return fit_inverse(self.xy, self.z, seed, Held(new, self.z[some], some), decode, given)

    def save(self, path: str | Path) -> None:
        """Write the picture (png, jpg, webp) or the table (csv, parquet) by the ending, whole or not at all.

        Raises:
            LiminalError: another ending, or the file cannot be written.
        """
        if Path(path).suffix.lower() in tables.ENDINGS:
            tables.save(self.table(), path)
        else:
            grid.save(self.picture(), path)

    def table(self) -> pa.Table:
        """n rows: id, x, y, and the values that colour the points under their name."""
        columns = {"id": pa.array(self.ids), "x": pa.array(self.xy[:, 0]), "y": pa.array(self.xy[:, 1])}
        return pa.table(
            columns
            if self.values is None
            else {**columns, self.color or "value": pa.array(list(self.values))}
        )


def project(
    z: Tensor | np.ndarray,
    method: str = "pca",
    seed: int = 0,
    ids: np.ndarray | None = None,
    values: Sequence[object] | None = None,
    color: str = "",
    title: str = "",
    preview: Callable[[int], Picture] | None = None,
) -> Map:
    """Lay latents out in the plane.

    Args:
        z: (n, d), n >= 4.
        method: ``pca``; ``umap``, fitted on 20,000 items at most; ``tsne``, 100,000 items at most. The same
            seed gives the same map.
        seed: of umap and tsne.
        ids: (n,); None: 0 to n - 1.
        values: n values that colour the points: numbers, bools or texts, None where unknown.
        color: the name of the values.
        title: above the picture.
        preview: row -> picture of the item.

    Raises:
        LiminalError: fewer than 4 items, NaN or infinity, an unknown method, too many items for tsne, or ids
        or values that do not fit.
    """
    from . import layouts

    if method not in METHODS:
        raise unknown("map method", method, METHODS)
    z = _array(z)
    if z.ndim != 2 or len(z) < 4 or not z.shape[1]:
        raise LiminalError(
            f"map: wanted latents (n, d) of 4 items or more, got {z.shape}; a map of fewer says nothing"
        )
    _finite(z, "map")
    for what, given in (("ids", ids), ("values", values)):
        if given is not None and len(given) != len(z):
            raise LiminalError(f"map: {len(z)} latents but {len(given)} {what}")
    evidence: dict[str, Any] = {"fitted_on": len(z)}
    if method == "pca":
        mean, axes, evidence["explained"] = layouts.axes(z)
        xy = layouts.onto(z, mean, axes)
    elif method == "umap":
        xy, evidence["fitted_on"] = layouts.by_umap(z, seed)
    else:
        xy = layouts.by_tsne(z, seed)
    evidence["checked"] = min(len(z), CHECKED)
    evidence["trustworthiness"] = _trustworthiness(z, xy, seed)
    return Map(
        xy,
        np.arange(len(z)) if ids is None else np.asarray(ids),
        method,
        evidence,
        values=values,
        color=color,
        title=title,
        preview=preview,
        z=z,
    )


def _array(z: Tensor | np.ndarray) -> np.ndarray:
    z = np.asarray(z) if not hasattr(z, "detach") else z.detach().cpu().numpy()
    return z if z.dtype in (np.float32, np.float64) else z.astype(np.float64)


def _finite(z: np.ndarray, call: str) -> None:
    wrong = np.flatnonzero(~np.isfinite(z).all(1))
    if len(wrong):
        raise LiminalError(
            f"{call}: row {wrong[0]} of the latents holds NaN or infinity; wanted finite numbers"
        )


def _trustworthiness(z: np.ndarray, xy: np.ndarray, seed: int) -> float | None:
    from sklearn.manifold import trustworthiness

    if len(z) < 3 * NEAR + 2:
        return None
    rows = np.random.default_rng(seed).permutation(len(z))[:CHECKED]
    return float(trustworthiness(z[rows], xy[rows], n_neighbors=NEAR))
