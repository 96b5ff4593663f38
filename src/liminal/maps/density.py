"""Groups by density: HDBSCAN (Campello, Moulavi & Sander 2013) on a few UMAP dimensions, its leaves joined
where no valley parts them.

In z itself HDBSCAN calls most items noise. On the UMAP the leaves of its tree, smoothed over `least` items,
are the cores. Between two groups that touch, an item's distance to its `least`-th neighbour must rise to 1.5
times that at the lower peak, else they are one. Items between cores join by vote of the nearest core items;
noise is what even the coarse cut (excess of mass) leaves out.

Source: Campello, Moulavi and Sander 2013; McInnes, Healy and Melville 2018; valleys as in Chazal, Guibas,
Oudot and Skraba 2013, Persistence-based clustering in Riemannian manifolds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from . import layouts
from .landmarks import VOTES, Around, around, voted
from .partitions import silhouette

LEAST = 10  # items that clusters can be looked for in
NEIGHBORS, COMPONENTS = (
    30,
    5,
)  # of the UMAP: wider than for a map to look at, and with room for groups that a plane would press together
SIZES = (0.005, 0.01, 0.02, 0.03)  # least sizes that are tried, as shares of the items
SMOOTH = 30  # items below which a density is too uncertain to part groups by
# between two groups, how much wider items must lie than at the lower peak; one Gaussian's false leaves reach
# 1.2
VALLEY = 1.5
GROUPED = 0.25  # silhouette below which a partition shows no substantial structure (Kaufman & Rousseeuw 1990)


@dataclass(frozen=True)
class Sought:
    """How groups are looked for.

    Attributes:
        components: dimensions of the UMAP.
        neighbors: of the UMAP.
        least: items of the smallest group and smoothing of the density; None: chosen.
    """

    components: int = COMPONENTS
    neighbors: int = NEIGHBORS
    least: int | None = None


def density(z: np.ndarray, how: Sought, seed: int, near: Around) -> tuple[np.ndarray, dict[str, Any]]:
    """Labels (n,) of the landmarks z, and the settings that made them."""
    from sklearn.cluster import HDBSCAN

    n, least = len(z), how.least
    count = min(how.neighbors, n - 1)
    far, rows = near.far[:, : count - 1], near.near[:, : count - 1]
    e = layouts.embedded(z, far, rows, seed, how.components, 0.0, 2 * NEIGHBORS).astype(np.float64)
    sizes = (
        [least] if least else sorted({max(round(share * n), min(SMOOTH, max(n // 10, 5))) for share in SIZES})
    )
    reach, far, rows = _spacing(e, sizes)
    best, best_score, size = np.zeros(n, np.int64), -math.inf if least else GROUPED, sizes[-1]
    for i, m in enumerate(sizes):
        tree = HDBSCAN(min_cluster_size=m, min_samples=m, cluster_selection_method="leaf", copy=True).fit(e)
        labels = _merged(_joined(e, tree.labels_), reach[:, i], far, rows)
        score = silhouette(e, labels, seed)
        if score is not None and score > best_score:
            best, best_score, size = labels, score, m
    if best.any():
        coarse = HDBSCAN(min_cluster_size=size, min_samples=size, copy=True).fit(e).labels_
        best = np.where(coarse < 0, -1, best)
    told = {
        "components": how.components,
        "neighbors": count,
        "least": size if best.any() else None,
        "tried": sizes,
    }
    return best, {**told, "umap_silhouette": best_score if best.any() else None}


def _spacing(e: np.ndarray, sizes: Sequence[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distance of each item to its m-th nearest, itself counted, for each m (n, len(sizes)); distances and
    rows of its nearest (n, v).
    """
    from sklearn.neighbors import NearestNeighbors

    most, votes = max(sizes), min(VOTES + 1, len(e))
    tree = NearestNeighbors(n_neighbors=max(most, votes)).fit(e)
    found = []
    for i in range(0, len(e), 2000):  # so that n times the largest size is never held
        far, rows = tree.kneighbors(e[i : i + 2000])
        found.append((far[:, np.array(sizes) - 1], far[:, :votes], rows[:, :votes]))
    reach, far, rows = (np.concatenate(part) for part in zip(*found, strict=True))
    return reach, far, rows


def _joined(e: np.ndarray, cores: np.ndarray) -> np.ndarray:
    """Every item in a group: those outside the cores (-1) by vote of the nearest core items, nearer ones
    counting more.
    """
    from sklearn.neighbors import KNeighborsClassifier

    inside = cores >= 0
    if inside.all() or not inside.any():
        return np.where(inside, cores, 0)
    vote = KNeighborsClassifier(min(VOTES, int(inside.sum())), weights="distance").fit(
        e[inside], cores[inside]
    )
    out = cores.copy()
    out[~inside] = vote.predict(e[~inside])
    return out


def _merged(labels: np.ndarray, reach: np.ndarray, far: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Groups that no valley parts become one, shallowest first.

    The pass between two groups is as high as the least, over neighbours on either side, of the largest of
    their reaches and distance.
    """
    k = int(labels.max()) + 1
    low, peak = np.full((k, k), math.inf), np.array([reach[labels == c].min() for c in range(k)])
    for j in range(1, rows.shape[1]):
        beyond = labels[rows[:, j]]
        apart = labels != beyond
        height = np.maximum(np.maximum(reach, reach[rows[:, j]]), far[:, j])[apart]
        np.minimum.at(low, (labels[apart], beyond[apart]), height)
    low = np.minimum(low, low.T)
    now = np.arange(k)  # the group that each leaf belongs to
    while True:
        ratio = low / np.maximum(np.maximum(peak[:, None], peak[None]), 1e-12)
        a, b = sorted(divmod(int(ratio.argmin()), k))
        if not ratio[a, b] < VALLEY:
            return np.unique(now, return_inverse=True)[1][labels]
        now[now == b] = a
        low[a] = low[:, a] = np.minimum(low[a], low[b])
        low[b] = low[:, b] = low[a, a] = math.inf
        peak[a] = min(peak[a], peak[b])


def stability(z: np.ndarray, how: Sought, seed: int) -> float | None:
    """ARI over all items of what two random halves, clustered apart, say of them by vote; None where a half
    is too small.
    """
    from sklearn.metrics import adjusted_rand_score

    order = np.random.default_rng(seed + 1).permutation(len(z))
    if len(z) < 2 * max(LEAST, VOTES):
        return None
    half_as_many = replace(how, least=how.least and max(2, how.least // 2))
    said = []
    for half in (order[: len(z) // 2], order[len(z) // 2 :]):
        near = around(z, np.sort(half), max(how.neighbors - 1, VOTES))
        labels, _ = density(z[near.landmarks], half_as_many, seed, near)
        said.append(voted(near, labels))
    return float(adjusted_rand_score(*said))
