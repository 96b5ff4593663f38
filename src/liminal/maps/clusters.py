"""Clusters: groups in latents that carry no labels, what is typical of each, and which items stand out or
come twice.

``hdbscan`` follows density, see `density`. ``kmeans`` works on z itself and is computed beside it: where both
agree, the groups are no product of the method.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from ..distances import blocks
from ..errors import LiminalError, unknown
from ..export import tables
from ..show import grid, sheet
from ..show.items import Picture
from . import enriched, partitions
from .density import COMPONENTS, LEAST, NEIGHBORS, Sought, density, stability
from .enriched import Enriched
from .landmarks import VOTES, Around, around, purity, voted
from .layouts import own_threads
from .lonely import SPACING, Outliers, Pairs, lonely_and_double

METHODS = ("hdbscan", "kmeans")
LANDMARKS = 20_000  # items beyond which a random choice is clustered and the others join by vote
PROTOTYPES = 8  # of each cluster
SAMPLE = 2500  # of a cluster's items, that prototypes are central among
SHOWN = 40  # clusters in the picture


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """One group.

    Attributes:
        number: as in `Clusters.labels`; 0 is the largest.
        name: from its enriched attributes and words, or ``cluster 3`` where there are none.
        size: items.
        share: of all items, noise included.
        prototypes: rows of its most central items (least mean distance in z to the others), the medoid first.
        enriched: what its name is made of and more, strongest first.
    """

    number: int
    name: str
    size: int
    share: float
    prototypes: tuple[int, ...]
    enriched: tuple[Enriched, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, told: dict[str, Any]) -> Cluster:
        """The cluster that `dataclasses.asdict` told, after JSON too."""
        enriched = tuple(Enriched(**one) for one in told["enriched"])
        return cls(**{**told, "prototypes": tuple(told["prototypes"]), "enriched": enriched})


@dataclass(frozen=True, kw_only=True)
class Clusters:
    """What `clusters` found. Rows are those of z; `ids` says which items they are.

    Attributes:
        labels: (n,) int64, -1 noise.
        probability: (n,), share of an item's 15 nearest items in z (landmarks, where there are) that lie in
            its cluster; 0 for noise.
        ids: (n,).
        clusters: the groups, largest first.
        outliers: (row, times) of the loneliest items, loneliest first: distance to the 10th nearest item over
            its median.
        duplicates: (row, row, distance) of near-duplicates, closest first; at most 1000, `evidence` has the
            count.
        evidence: JSON-ready: method, settings, noise share, silhouette, agreement with k-means, ARI and NMI
            against categories.
        title: above the picture.
        preview: row -> picture of the item.
    """

    labels: np.ndarray
    probability: np.ndarray
    ids: np.ndarray
    clusters: tuple[Cluster, ...]
    outliers: Outliers
    duplicates: Pairs
    evidence: dict[str, Any]
    title: str = ""
    preview: Callable[[int], Picture] | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.clusters)

    def names(self) -> list[str]:
        """The name of each item's cluster (n), ``noise`` for none."""
        known = {-1: "noise"} | {c.number: c.name for c in self.clusters}
        return [known[i] for i in self.labels.tolist()]

    def table(self) -> pa.Table:
        """n rows: id, cluster, probability, name."""
        columns = {
            "id": pa.array(self.ids),
            "cluster": pa.array(self.labels),
            "probability": pa.array(self.probability),
        }
        return pa.table({**columns, "name": pa.array(self.names(), pa.string())})

    def summary(self) -> dict[str, Any]:
        """JSON-ready: the evidence, and clusters, outliers and near-duplicates by the items' ids."""
        ids = self.ids.tolist()
        return {
            **self.evidence,
            "clusters": [
                {
                    "cluster": c.number,
                    "name": c.name,
                    "size": c.size,
                    "share": c.share,
                    "prototypes": [ids[row] for row in c.prototypes],
                    "enriched": [vars(e) for e in c.enriched],
                }
                for c in self.clusters
            ],
            "outliers": [{"id": ids[row], "times": times} for row, times in self.outliers],
            "duplicates": [{"ids": [ids[a], ids[b]], "distance": far} for a, b, far in self.duplicates],
        }

    def picture(self) -> Picture:
        """A row for each cluster: its name, its size and its prototypes."""
        largest = max(c.size for c in self.clusters)
        rows = []
        for c in self.clusters[:SHOWN]:
            name = c.name if c.name == f"cluster {c.number}" else f"{c.number} · {c.name}"
            pictures = [] if self.preview is None else [self.preview(row) for row in c.prototypes]
            rows.append(sheet.Row(name, f"{c.size:,} items, {c.share:.1%}", c.size / largest, pictures))
        return sheet.sheet(
            rows, self.title or "Clusters", _subtitle(self.evidence), max(0, len(self) - SHOWN)
        )

    def save(self, path: str | Path) -> None:
        """Write the picture (png, jpg, webp) or the table (csv, parquet) by the ending, whole or not at all.

        Raises:
            LiminalError: another ending, or the file cannot be written.
        """
        ending = Path(path).suffix.lower()
        if ending in grid.FORMATS:
            grid.save(self.picture(), path)
        elif ending in tables.ENDINGS:
            tables.save(self.table(), path)
        else:
            wanted = ", ".join((*grid.FORMATS, *tables.ENDINGS))
            raise LiminalError(
                f"save {path}: clusters can be written as {wanted}; got {ending or 'no ending'}"
            )


def clusters(
    z: Tensor | np.ndarray,
    *,
    method: str = "hdbscan",
    k: int | None = None,
    attributes: pa.Table | None = None,
    words: Sequence[Collection[str]] | None = None,
    ids: np.ndarray | None = None,
    components: int = COMPONENTS,
    neighbors: int = NEIGHBORS,
    least: int | None = None,
    stability: bool = False,
    seed: int = 0,
    title: str = "",
    preview: Callable[[int], Picture] | None = None,
) -> Clusters:
    """Find groups in latents, and say how far they can be trusted.

    Above 20,000 items a random 20,000 is clustered by ``hdbscan``, and the others join by vote of their 15
    nearest in z. Groups that are long thin strings come in pieces; `least` and the stability tell.

    Args:
        z: (n, d), n >= 10.
        method: ``hdbscan`` or ``kmeans`` (on z, best of 4 starts); k-means is computed beside HDBSCAN in any
            case.
        k: clusters of k-means; None: for ``kmeans`` the number from 2 to 20 with the best silhouette, beside
            HDBSCAN as many as it found.
        attributes: n rows of numbers, bools or texts: they name the clusters and never shape them.
        words: what each of the n items says, see `Modality.words`: they name the clusters, too.
        ids: (n,); None: 0 to n - 1.
        components: dimensions of the UMAP.
        neighbors: of the UMAP.
        least: items of the smallest group and smoothing of the density; None: of 0.5, 1, 2 and 3 % (of what
            is clustered; 30 items at least, a tenth in small sets) the one whose partition has the best
            silhouette on the UMAP. No silhouette of .25: one cluster.
        stability: also cluster two random halves apart and tell the ARI of what they say of all items (as
            long again).
        seed: the same seed gives the same clusters.
        title: above the picture.
        preview: row -> picture of the item.

    Raises:
        LiminalError: fewer than 10 items, NaN or infinity, items that are all the same, more clusters than
            different items, an unknown method, or attributes or ids that do not fit.
    """
    how = Sought(components, neighbors, least)
    z = _checked(z, method, k, {"rows of attributes": attributes, "ids": ids, "items' words": words}, how)
    columns = list(enriched.columns(attributes))
    chosen = np.sort(np.random.default_rng(seed).permutation(len(z))[:LANDMARKS])
    with own_threads():
        near = around(z, chosen, max(neighbors - 1, VOTES, SPACING))
        labels, other, evidence = _parted(z, near, method, k, how, stability, seed)
        evidence["labels"] = partitions.against(columns, labels, other)
        outliers, duplicates, told = lonely_and_double(z, near)
        found = _described(z, labels, enriched.described(columns, labels, words), seed)
    ids = np.arange(len(z)) if ids is None else np.asarray(ids)
    return Clusters(
        labels=labels,
        probability=purity(near, labels),
        ids=ids,
        clusters=found,
        outliers=outliers,
        duplicates=duplicates,
        evidence=evidence | told,
        title=title,
        preview=preview,
    )


def _parted(
    z: np.ndarray, near: Around, method: str, k: int | None, how: Sought, halves: bool, seed: int
) -> tuple[np.ndarray, np.ndarray | None, dict[str, Any]]:
    """Labels (n,) by the method, by k-means beside it, and the evidence."""
    evidence: dict[str, Any] = {"method": method, "items": len(z), "seed": seed}
    some = z[near.landmarks]
    if method == "hdbscan":
        labels, evidence["settings"] = density(some, how, seed, near)
        if len(near.rest):
            evidence["landmarks"] = len(some)
        labels = voted(near, labels)
    else:
        labels = partitions.kmeans(z, k or partitions.choose_k(z, seed), seed)
    labels = partitions.by_size(labels)
    count = int(labels.max()) + 1
    evidence |= {
        "clusters": count,
        "noise": float((labels < 0).mean()),
        "silhouette": partitions.silhouette(z, labels, seed),
    }
    if method == "kmeans":
        return labels, None, evidence
    evidence["kmeans"], other = partitions.beside(z, labels, k or count, seed)
    if halves:
        evidence["stability"] = stability(some, how, seed)
    return labels, other, evidence


def _checked(
    z: Tensor | np.ndarray,
    method: str,
    k: int | None,
    beside: Mapping[str, Any],
    how: Sought,
) -> np.ndarray:
    """z as float32, if it and everything beside it can be used."""
    z = z.detach().cpu().numpy() if isinstance(z, Tensor) else np.asarray(z)
    if method not in METHODS:
        raise unknown("cluster method", method, METHODS)
    if z.ndim != 2 or len(z) < LEAST or not z.shape[1]:
        raise LiminalError(
            f"clusters: wanted latents (n, d) of {LEAST} items or more, got {z.shape}; fewer show no pattern"
        )
    if not (finite := np.isfinite(z).all(1)).all():
        raise LiminalError(
            f"clusters: row {int(finite.argmin())} of the latents holds NaN or infinity; wanted finite "
            "numbers"
        )
    for what, given in beside.items():
        if given is not None and len(given) != len(z):
            raise LiminalError(f"clusters: {len(z)} latents but {len(given)} {what}")
    z = np.ascontiguousarray(z, np.float32)
    if (z == z[0]).all():
        raise LiminalError(
            f"clusters: all {len(z)} items have the same latent; there is nothing to tell apart"
        )
    if k is not None and (k < 2 or k > len(np.unique(z, axis=0))):
        raise LiminalError(
            f"clusters: k = {k}; wanted 2 to {len(np.unique(z, axis=0))}, the number of different items"
        )
    if (least := how.least) is not None and not 2 <= least <= min(len(z), LANDMARKS) // 2:
        raise LiminalError(
            f"clusters: least = {least}; wanted 2 to {min(len(z), LANDMARKS) // 2} items, half of those "
            "clustered"
        )
    if how.components < 2 or how.neighbors < 2:
        raise LiminalError(
            f"clusters: {how.components} components and {how.neighbors} neighbours; wanted 2 or more of each"
        )
    return z


def _described(
    z: np.ndarray, labels: np.ndarray, described: Sequence[tuple[str, tuple[Enriched, ...]]], seed: int
) -> tuple[Cluster, ...]:
    out = []
    for c, (name, kept) in enumerate(described):
        rows = np.flatnonzero(labels == c)
        out.append(
            Cluster(
                number=c,
                name=name or f"cluster {c}",
                size=len(rows),
                share=len(rows) / len(z),
                prototypes=_central(z, rows, seed),
                enriched=kept,
            )
        )
    return tuple(out)


def _central(z: np.ndarray, rows: np.ndarray, seed: int) -> tuple[int, ...]:
    """The rows with the least mean distance to a sample of at most 2,500 of them."""
    members = torch.from_numpy(z[rows])
    sample = members[torch.from_numpy(np.sort(np.random.default_rng(seed).permutation(len(rows))[:SAMPLE]))]
    mean = torch.cat([table.clamp_min(0).sqrt().mean(1) for _, table in blocks(members, sample)]).numpy()
    return tuple(int(row) for row in rows[np.argsort(mean, kind="stable")[:PROTOTYPES]])


def _subtitle(evidence: dict[str, Any]) -> str:
    words = [
        evidence["method"].upper() if evidence["method"] == "hdbscan" else "k-means",
        f"{evidence['items']:,} items",
    ]
    words.append(f"{evidence['clusters']} cluster" + ("s" if evidence["clusters"] != 1 else ""))
    if evidence["method"] == "hdbscan":
        words.append(f"{evidence['noise']:.1%} noise")
    if evidence["silhouette"] is not None:
        words.append(f"silhouette {evidence['silhouette']:.2f}")
    if evidence.get("kmeans", {}).get("ari") is not None:
        words.append(f"agreement with k-means (ARI) {evidence['kmeans']['ari']:.2f}")
    return "   ·   ".join(words)
