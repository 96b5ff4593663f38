"""Clusters: groups in latents that carry no labels, what is typical of each, and which items stand out or come twice.

``hdbscan`` follows density (Campello, Moulavi & Sander 2013) on a few UMAP dimensions: in z itself it calls most items noise. The leaves of
its tree are the cores; a leaf that no valley parts from its neighbour joins it, and items between cores go to the nearest ones. ``kmeans``
works on z itself and is computed beside it: where both agree, the groups are no product of the method.
"""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from ..distances import blocks, nearest
from ..errors import LiminalError, unknown
from ..export import grid
from ..files import atomic
from ..ops.probes import OFF

if TYPE_CHECKING:
    from PIL.Image import Image

METHODS = ("hdbscan", "kmeans")
LEAST = 10  # items that clusters can be looked for in
LANDMARKS = 20_000  # items beyond which a random choice is clustered and the others join by vote
NEIGHBORS, COMPONENTS = (
    30,
    5,
)  # of the UMAP: wider than for a map to look at, and with room for groups that a plane would press together
SIZES = (0.005, 0.01, 0.02, 0.03)  # least sizes that are tried, as shares of the items
SMOOTH = 30  # items below which a density is too uncertain to part groups by
VALLEY = 1.5  # between two groups, how much wider items must lie than at the lower peak; one Gaussian's false leaves reach 1.2
GROUPED = 0.25  # silhouette below which a partition shows no substantial structure (Kaufman & Rousseeuw 1990)
VOTES = 15  # nearest items that vote
SAMPLE = 2500  # items that silhouettes are taken on
MOST_K = 20  # clusters that k-means is tried with
PROTOTYPES, LONELY, DOUBLE = 8, 20, 1000  # of each cluster; listed in all
SPACING = 10  # neighbours that tell how wide items lie around one
FALSE_PAIRS = 0.05  # near-duplicates that evenly strewn items of the same dimension would show in all
ENOUGH = 0.5  # effect from which an attribute gives a cluster its name (a medium one, Cohen 1988)
CERTAIN = 0.01  # p after Bonferroni below which it does
VALUES = 50  # of one category that names are made of, the most frequent ones
SHOWN = 40  # clusters in the picture

Outliers = tuple[tuple[int, float], ...]
Pairs = tuple[tuple[int, int, float], ...]


@dataclass(frozen=True)
class Enriched:
    """An attribute that a cluster has more (or less) of than the other items.

    Attributes:
        attribute: its name.
        kind: ``category``, ``bool`` or ``number``.
        value: of a category the value; of a bool True or False; of a number ``high`` or ``low``.
        inside: share of the cluster's items with this value, or their mean.
        outside: the same for all other items.
        effect: Cohen's h, 2 asin sqrt(inside) - 2 asin sqrt(outside), of shares; the difference in standard deviations of numbers.
        p: of Fisher's exact test, one-sided (shares), or a z-test, two-sided (means), before correction for the number of tests.
    """

    attribute: str
    kind: str
    value: str | bool
    inside: float
    outside: float
    effect: float
    p: float


@dataclass(frozen=True)
class Cluster:
    """One group.

    Attributes:
        number: as in `Clusters.labels`; 0 is the largest.
        name: from its enriched attributes, or ``cluster 3`` where there are none.
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


@dataclass(frozen=True)
class Clusters:
    """What `clusters` found. Rows are those of z; `ids` says which items they are.

    Attributes:
        labels: (n,) int64, -1 noise.
        probability: (n,), share of an item's 15 nearest items in z (landmarks, where there are) that lie in its cluster; 0 for noise.
        ids: (n,).
        clusters: the groups, largest first.
        outliers: (row, times) of the loneliest items, loneliest first: distance to the 10th nearest item over its median.
        duplicates: (row, row, distance) of near-duplicates, closest first; at most 1000, `evidence` has the count.
        evidence: JSON-ready: method, settings, noise share, silhouette, agreement with k-means, ARI and NMI against categories.
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
    preview: Callable[[int], Image] | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.clusters)

    def names(self) -> list[str]:
        """The name of each item's cluster (n), ``noise`` for none."""
        known = {-1: "noise"} | {c.number: c.name for c in self.clusters}
        return [known[i] for i in self.labels.tolist()]

    def table(self) -> pa.Table:
        """n rows: id, cluster, probability, name."""
        columns = {"id": pa.array(self.ids), "cluster": pa.array(self.labels), "probability": pa.array(self.probability)}
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

    def picture(self) -> Image:
        """A row for each cluster: its name, its size and its prototypes."""
        return _sheet(self)

    def save(self, path: str | Path) -> None:
        """Write the picture (png, jpg, webp) or the table (csv, parquet) by the ending, whole or not at all.

        Raises:
            LiminalError: another ending, or the file cannot be written.
        """
        ending = Path(path).suffix.lower()
        if ending in grid.FORMATS:
            grid.save(self.picture(), path)
        elif ending in (".csv", ".parquet"):
            import pyarrow.csv as csv
            import pyarrow.parquet as parquet

            with atomic(path) as part:
                (csv.write_csv if ending == ".csv" else parquet.write_table)(self.table(), part)
        else:
            wanted = ", ".join((*grid.FORMATS, ".csv", ".parquet"))
            raise LiminalError(f"save {path}: clusters can be written as {wanted}; got {ending or 'no ending'}")


def clusters(
    z: Tensor | np.ndarray,
    *,
    method: str = "hdbscan",
    k: int | None = None,
    attributes: pa.Table | None = None,
    ids: np.ndarray | None = None,
    components: int = COMPONENTS,
    neighbors: int = NEIGHBORS,
    least: int | None = None,
    stability: bool = False,
    seed: int = 0,
    title: str = "",
    preview: Callable[[int], Image] | None = None,
) -> Clusters:
    """Find groups in latents, and say how far they can be trusted.

    ``hdbscan``: UMAP to `components` dimensions; the leaves of HDBSCAN's tree, smoothed over `least` items, are the cores. Between two
    groups that touch, an item's distance to its `least`-th neighbour must rise to 1.5 times that at the lower peak, else they are one.
    Items between cores join by vote of the nearest core items; noise is what even the coarse cut (excess of mass) leaves out. Above 20,000
    items a random 20,000 is clustered so, and the others join by vote of their 15 nearest in z.
    Groups that are long thin strings come in pieces; `least` and the stability tell.
    ``kmeans``: on z, best of 4 starts; k by the silhouette.

    Args:
        z: (n, d), n >= 10.
        method: ``hdbscan`` or ``kmeans``; k-means is computed beside HDBSCAN in any case.
        k: clusters of k-means; None: for ``kmeans`` the number from 2 to 20 with the best silhouette, beside HDBSCAN as many as it found.
        attributes: n rows of numbers, bools or texts: they name the clusters and never shape them.
        ids: (n,); None: 0 to n - 1.
        components: dimensions of the UMAP.
        neighbors: of the UMAP.
        least: items of the smallest group and smoothing of the density; None: of 0.5, 1, 2 and 3 % (of what is clustered; 30 items at
            least, a tenth in small sets) the one whose partition has the best silhouette on the UMAP. No silhouette of .25: one cluster.
        stability: also cluster two random halves apart and tell the ARI of what they say of all items (as long again).
        seed: the same seed gives the same clusters.
        title: above the picture.
        preview: row -> picture of the item.

    Raises:
        LiminalError: fewer than 10 items, NaN or infinity, items that are all the same, more clusters than different items, an unknown
            method, or attributes or ids that do not fit.

    Source: Campello, Moulavi and Sander 2013; McInnes, Healy and Melville 2018; valleys as in Chazal, Guibas, Oudot and Skraba 2013,
    Persistence-based clustering in Riemannian manifolds.
    """
    z = _checked(z, method, k, attributes, ids, least, components, neighbors)
    n, how = len(z), (components, neighbors, least)
    chosen = np.sort(np.random.default_rng(seed).permutation(n)[:LANDMARKS])
    evidence: dict[str, Any] = {"method": method, "items": n, "seed": seed}
    other = None
    with _own_threads():
        around = _around(z, chosen, max(neighbors - 1, VOTES, SPACING))
        if method == "hdbscan":
            labels, evidence["settings"] = _density(z[chosen], how, seed, around)
            if n > len(chosen):
                evidence["landmarks"] = len(chosen)
            labels = _voted(around, labels)
        else:
            labels = _kmeans(z, k or _choose_k(z, seed), seed)
        labels = _by_size(labels)
        count = int(labels.max()) + 1
        evidence |= {"clusters": count, "noise": float((labels < 0).mean()), "silhouette": _silhouette(z, labels, seed)}
        if method == "hdbscan":
            evidence["kmeans"], other = _beside(z, labels, k or count, seed)
        if method == "hdbscan" and stability:
            evidence["stability"] = _stability(z[chosen], how, seed)
        evidence["labels"] = _against(attributes, labels, other)
        outliers, duplicates, told = _lonely_and_double(z, around)
        probability = _purity(around, labels)
        found = _described(z, labels, attributes, seed)
    evidence |= told
    ids = np.arange(n) if ids is None else np.asarray(ids)
    return Clusters(labels, probability, ids, found, outliers, duplicates, evidence, title, preview)


def _checked(
    z: Tensor | np.ndarray,
    method: str,
    k: int | None,
    attributes: pa.Table | None,
    ids: np.ndarray | None,
    least: int | None,
    components: int,
    neighbors: int,
) -> np.ndarray:
    """z as float32, if it and everything beside it can be used."""
    z = z.detach().cpu().numpy() if isinstance(z, Tensor) else np.asarray(z)
    if method not in METHODS:
        raise unknown("cluster method", method, METHODS)
    if z.ndim != 2 or len(z) < LEAST or not z.shape[1]:
        raise LiminalError(f"clusters: wanted latents (n, d) of {LEAST} items or more, got {z.shape}; fewer show no pattern")
    if not (finite := np.isfinite(z).all(1)).all():
        raise LiminalError(f"clusters: row {int(finite.argmin())} of the latents holds NaN or infinity; wanted finite numbers")
    for what, given in (("ids", ids), ("rows of attributes", attributes)):
        if given is not None and len(given) != len(z):
            raise LiminalError(f"clusters: {len(z)} latents but {len(given)} {what}")
    z = np.ascontiguousarray(z, np.float32)
    if (z == z[0]).all():
        raise LiminalError(f"clusters: all {len(z)} items have the same latent; there is nothing to tell apart")
    if k is not None and (k < 2 or k > len(np.unique(z, axis=0))):
        raise LiminalError(f"clusters: k = {k}; wanted 2 to {len(np.unique(z, axis=0))}, the number of different items")
    if least is not None and not 2 <= least <= min(len(z), LANDMARKS) // 2:
        raise LiminalError(f"clusters: least = {least}; wanted 2 to {min(len(z), LANDMARKS) // 2} items, half of those clustered")
    if components < 2 or neighbors < 2:
        raise LiminalError(f"clusters: {components} components and {neighbors} neighbours; wanted 2 or more of each")
    return z


@contextmanager
def _own_threads() -> Iterator[None]:
    """Numba's OpenMP sets torch to one thread a core, which would slow whatever comes next."""
    threads = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@dataclass(frozen=True)
class _Around:
    """Neighbours in z among the landmarks.

    Attributes:
        landmarks: their rows of z, rising.
        rest: the other rows, rising.
        far: (landmarks, v) distances of each landmark to its nearest others, rising.
        near: (landmarks, v), which ones they are, as places in `landmarks`.
        votes: (rest, 15), the nearest landmarks of each other item, as places in `landmarks`.
    """

    landmarks: np.ndarray
    rest: np.ndarray
    far: np.ndarray
    near: np.ndarray
    votes: np.ndarray


def _around(z: np.ndarray, landmarks: np.ndarray, most: int) -> _Around:
    index = torch.from_numpy(z[landmarks])
    far, near = nearest(index, index, min(most, len(landmarks) - 1))
    rest = np.setdiff1d(np.arange(len(z)), landmarks)
    votes = nearest(index, torch.from_numpy(z[rest]), min(VOTES, len(landmarks)))[1]
    return _Around(landmarks, rest, far.numpy(), near.numpy(), votes.numpy())


# -- density


def _density(z: np.ndarray, how: tuple[int, int, int | None], seed: int, around: _Around) -> tuple[np.ndarray, dict[str, Any]]:
    """Labels (n,) of the landmarks z, and the settings that made them."""
    from sklearn.cluster import HDBSCAN

    components, neighbors, least = how
    n = len(z)
    near = min(neighbors, n - 1)
    e = _embedded(z, components, around.far[:, : near - 1], around.near[:, : near - 1], seed)
    sizes = [least] if least else sorted({max(round(share * n), min(SMOOTH, max(n // 10, 5))) for share in SIZES})
    reach, far, rows = _spacing(e, sizes)
    best, best_score, size = np.zeros(n, np.int64), -math.inf if least else GROUPED, sizes[-1]
    for i, m in enumerate(sizes):
        tree = HDBSCAN(min_cluster_size=m, min_samples=m, cluster_selection_method="leaf", copy=True).fit(e)
        labels = _merged(_joined(e, tree.labels_), reach[:, i], far, rows)
        score = _silhouette(e, labels, seed)
        if score is not None and score > best_score:
            best, best_score, size = labels, score, m
    if best.any():
        coarse = HDBSCAN(min_cluster_size=size, min_samples=size, copy=True).fit(e).labels_
        best = np.where(coarse < 0, -1, best)
    told = {"components": components, "neighbors": near, "least": size if best.any() else None, "tried": sizes}
    return best, {**told, "umap_silhouette": best_score if best.any() else None}


def _embedded(z: np.ndarray, components: int, far: np.ndarray, rows: np.ndarray, seed: int) -> np.ndarray:
    """UMAP (n, components) of exact neighbours (n, v), packed as densely as it goes."""
    own = np.arange(len(z))[:, None]
    given = np.hstack([own, rows]).astype(np.int32), np.hstack([0.0 * own, far]).astype(np.float32), None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a seed means one thread, that tiny or disconnected sets limit what it can do
        import umap

        fit = umap.UMAP(
            n_neighbors=given[0].shape[1],
            n_components=components,
            min_dist=0.0,
            random_state=seed,
            n_jobs=1,
            init="spectral" if len(z) > 2 * NEIGHBORS else "random",  # the spectral start needs more points than axes of its eigenproblem
            precomputed_knn=given,
        )
        return np.asarray(fit.fit_transform(z), np.float64)


def _spacing(e: np.ndarray, sizes: Sequence[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distance of each item to its m-th nearest, itself counted, for each m (n, len(sizes)); distances and rows of its nearest (n, v)."""
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
    """Every item in a group: those outside the cores (-1) by vote of the nearest core items, nearer ones counting more."""
    from sklearn.neighbors import KNeighborsClassifier

    inside = cores >= 0
    if inside.all() or not inside.any():
        return np.where(inside, cores, 0)
    vote = KNeighborsClassifier(min(VOTES, int(inside.sum())), weights="distance").fit(e[inside], cores[inside])
    out = cores.copy()
    out[~inside] = vote.predict(e[~inside])
    return out


def _merged(labels: np.ndarray, reach: np.ndarray, far: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Groups that no valley parts become one, shallowest first.

    The pass between two groups is as high as the least, over neighbours on either side, of the largest of their reaches and distance.
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


def _voted(around: _Around, labels: np.ndarray) -> np.ndarray:
    """Labels (n,) of all items: those of the landmarks, and of each other item the commonest among its nearest landmarks."""
    if not len(around.rest):
        return labels
    out = np.empty(len(around.landmarks) + len(around.rest), np.int64)
    out[around.landmarks] = labels
    votes = torch.from_numpy(labels + 1)[torch.from_numpy(around.votes)]
    counts = torch.zeros(len(votes), int(labels.max()) + 2).scatter_add_(1, votes, torch.ones(votes.shape))
    out[around.rest] = counts.argmax(1).numpy() - 1
    return out


def _stability(z: np.ndarray, how: tuple[int, int, int | None], seed: int) -> float | None:
    """ARI over all items of what two random halves, clustered apart, say of them by vote; None where a half is too small."""
    from sklearn.metrics import adjusted_rand_score

    order = np.random.default_rng(seed + 1).permutation(len(z))
    if len(z) < 2 * max(LEAST, VOTES):
        return None
    components, neighbors, least = how
    said = []
    for half in (order[: len(z) // 2], order[len(z) // 2 :]):
        around = _around(z, np.sort(half), max(neighbors - 1, VOTES))
        labels, _ = _density(z[around.landmarks], (components, neighbors, least and max(2, least // 2)), seed, around)
        said.append(_voted(around, labels))
    return float(adjusted_rand_score(*said))


# -- k-means, and what every partition is told of


def _kmeans(z: np.ndarray, k: int, seed: int, starts: int = 4) -> np.ndarray:
    from sklearn.cluster import KMeans

    return np.asarray(KMeans(k, n_init=starts, random_state=seed).fit_predict(z), np.int64)


def _choose_k(z: np.ndarray, seed: int) -> int:
    """The number of clusters with the best silhouette on a sample."""
    part = z[np.random.default_rng(seed).permutation(len(z))[:SAMPLE]]
    most = min(MOST_K, len(np.unique(part, axis=0)) - 1)
    scores = {k: _silhouette(part, _kmeans(part, k, seed, 2), seed) for k in range(2, most + 1)}
    known = {k: s for k, s in scores.items() if s is not None}
    return max(known, key=lambda k: known[k]) if known else 2


def _silhouette(x: np.ndarray, labels: np.ndarray, seed: int) -> float | None:
    """Mean silhouette, in [-1, 1], of a sample without noise; None where there are not two groups."""
    from sklearn.metrics import silhouette_score

    rows = np.flatnonzero(labels >= 0)
    rows = rows[np.random.default_rng(seed).permutation(len(rows))[:SAMPLE]]
    if not 2 <= len(np.unique(labels[rows])) < len(rows):
        return None
    return float(silhouette_score(x[rows], labels[rows]))


def _by_size(labels: np.ndarray) -> np.ndarray:
    """The same groups, 0 the largest; of equal ones the one that comes first."""
    counts = Counter(labels[labels >= 0].tolist())
    place = {old: new for new, (old, _) in enumerate(counts.most_common())} | {-1: -1}
    return np.array([place[i] for i in labels.tolist()], np.int64)


def _beside(z: np.ndarray, labels: np.ndarray, k: int, seed: int) -> tuple[dict[str, Any], np.ndarray]:
    """k-means on z, and how far it agrees with the labels where they are no noise."""
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    other = _kmeans(z, k, seed) if k > 1 else np.zeros(len(z), np.int64)
    a, b = labels[labels >= 0], other[labels >= 0]
    agreement = {"ari": float(adjusted_rand_score(a, b)), "nmi": float(normalized_mutual_info_score(a, b))} if k > 1 else {}
    return {"k": k, "silhouette": _silhouette(z, other, seed), **agreement}, other


def _against(attributes: pa.Table | None, labels: np.ndarray, other: np.ndarray | None) -> dict[str, dict[str, float]]:
    """ARI and NMI against every category of 2 values or more, where it is known; noise counts as a group of its own."""
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    out: dict[str, dict[str, float]] = {}
    for name, kind, values, known in _columns(attributes):
        wanted = values[known]
        if kind != "category" or not 2 <= len(np.unique(wanted)) <= len(wanted) // 2:
            continue
        out[name] = {}
        for said, before in ((labels, ""), (other, "kmeans_")):
            if said is not None:
                out[name][before + "ari"] = float(adjusted_rand_score(wanted, said[known]))
                out[name][before + "nmi"] = float(normalized_mutual_info_score(wanted, said[known]))
    return out


def _purity(around: _Around, labels: np.ndarray) -> np.ndarray:
    """`Clusters.probability`."""
    out, known = np.empty(len(labels)), labels[around.landmarks]
    out[around.landmarks] = (known[around.near[:, :VOTES]] == known[:, None]).mean(1)
    if len(around.rest):
        out[around.rest] = (known[around.votes] == labels[around.rest, None]).mean(1)
    return np.where(labels < 0, 0.0, out)


# -- items


def _lonely_and_double(z: np.ndarray, around: _Around) -> tuple[Outliers, Pairs, dict[str, Any]]:
    """Outliers, near-duplicates, and what to say of them.

    Where m dimensions are evenly filled around an item, (distance of one of the 9 nearest / that of the 10th) ** m is uniform (a Poisson
    process). A pair is a near-duplicate where that ratio, taken at the denser of its two items, is below (.05 / 10 n) ** (1 / m), of
    which evenly strewn items would show fewer than .05 in all; m as Levina & Bickel 2004. Copies always are.
    """
    near = min(SPACING, len(z) - 1)
    if len(around.rest):
        tensor = torch.from_numpy(z)
        far, rows = (t.numpy() for t in nearest(tensor, tensor, near))
    else:
        far, rows = around.far[:, :near], around.near[:, :near]
    spacing = far[:, -1]
    typical = float(np.median(spacing)) or float(spacing[spacing > 0].min(initial=1.0))
    order = np.argsort(-spacing, kind="stable")[: min(LONELY, len(z) // 10 or 1)]
    outliers = tuple((int(row), float(spacing[row] / typical)) for row in order)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(spacing[:, None] / far[:, :-1])
    usual = logs[np.isfinite(logs).all(1)] if near > 2 else logs[:0]
    dimension = min(float(1 / max(np.median(usual.mean(1)), 1e-9)), float(z.shape[1])) if len(usual) else float(z.shape[1])
    limit = (FALSE_PAIRS / (near * len(z))) ** (1 / max(dimension, 1e-9))
    own = np.repeat(np.arange(len(z)), near).reshape(rows.shape)
    close = (far < limit * np.minimum(spacing[:, None], spacing[rows])) | (far <= 1e-6 * typical)
    pairs = {(int(min(a, b)), int(max(a, b))): float(d) for a, b, d in zip(own[close], rows[close], far[close], strict=True)}
    double = sorted(((a, b, d) for (a, b), d in pairs.items()), key=lambda pair: (pair[2], pair[:2]))
    told = {"duplicates": len(double), "intrinsic_dimension": dimension, "duplicate_within": limit, "spacing": typical}
    return outliers, tuple(double[:DOUBLE]), told


def _central(z: np.ndarray, rows: np.ndarray, seed: int) -> tuple[int, ...]:
    """The rows with the least mean distance to a sample of at most 2,500 of them."""
    members = torch.from_numpy(z[rows])
    sample = members[torch.from_numpy(np.sort(np.random.default_rng(seed).permutation(len(rows))[:SAMPLE]))]
    mean = torch.cat([table.clamp_min(0).sqrt().mean(1) for _, table in blocks(members, sample)]).numpy()
    return tuple(int(row) for row in rows[np.argsort(mean, kind="stable")[:PROTOTYPES]])


# -- names


def _columns(attributes: pa.Table | None) -> Iterator[tuple[str, str, np.ndarray, np.ndarray]]:
    """Name, kind, values (n,) and known (n,) of every attribute."""
    if attributes is None:
        return
    for name in attributes.column_names:
        column = attributes[name]
        given = column.to_pylist()
        known = np.array([v is not None and v == v for v in given], bool)
        if pa.types.is_boolean(column.type):
            yield name, "bool", np.array([bool(v) for v in given]), known
        elif pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_decimal(column.type):
            yield name, "number", np.array([float(v) if k else 0.0 for v, k in zip(given, known, strict=True)]), known
        else:
            yield name, "category", np.array([str(v) if k else "" for v, k in zip(given, known, strict=True)]), known


def _described(z: np.ndarray, labels: np.ndarray, attributes: pa.Table | None, seed: int) -> tuple[Cluster, ...]:
    columns = list(_columns(attributes))
    count = int(labels.max()) + 1
    found = [[e for column in columns for e in _enriched(*column, labels == c)] for c in range(count)]
    tests = max(1, sum(len(f) for f in found))
    alone = sum(kind == "category" for _, kind, *_ in columns) == 1
    out = []
    for c in range(count):
        kept = sorted((e for e in found[c] if _tells(e, tests)), key=lambda e: -abs(e.effect))
        rows = np.flatnonzero(labels == c)
        name = _name(kept, alone) or f"cluster {c}"
        out.append(Cluster(c, name, len(rows), len(rows) / len(z), _central(z, rows, seed), tuple(kept)))
    return tuple(out)


def _tells(e: Enriched, tests: int) -> bool:
    return (abs(e.effect) if e.kind == "number" else e.effect) >= ENOUGH and e.p * tests < CERTAIN


def _enriched(name: str, kind: str, values: np.ndarray, known: np.ndarray, inside: np.ndarray) -> list[Enriched]:
    """Every value of an attribute tested inside a cluster against outside; nothing where one of the two knows none."""
    from scipy import stats

    here, there = values[inside & known], values[~inside & known]
    if not len(here) or not len(there):
        return []
    if kind == "number":
        spread = float(values[known].std())
        if not spread > 0:
            return []
        step = float(here.mean() - there.mean())
        error = math.sqrt(here.var() / len(here) + there.var() / len(there)) or spread * math.sqrt(1 / len(here) + 1 / len(there))
        p = float(2 * stats.norm.sf(abs(step) / error))
        return [Enriched(name, kind, "high" if step > 0 else "low", float(here.mean()), float(there.mean()), step / spread, p)]
    out = []
    for value, total in Counter(values[known].tolist()).most_common(VALUES):
        a = int((here == value).sum())
        one, other = a / len(here), (total - a) / len(there)
        effect = 2 * math.asin(math.sqrt(one)) - 2 * math.asin(math.sqrt(other))
        p = float(stats.hypergeom.sf(a - 1, int(known.sum()), total, len(here)))
        out.append(Enriched(name, kind, value, one, other, effect, p))
    return out


def _name(found: Sequence[Enriched], alone: bool, most: int = 3) -> str:
    """``Sandal (94 %)``, ``Pullover (45 %) + Coat (40 %)``, ``hair=bun + short, hat, high smile``; empty for nothing.

    Args:
        found: the enriched values, strongest first.
        alone: there is one category only, so that its name need not be said.
        most: attributes.
    """
    parts: dict[str, list[Enriched]] = {}
    for e in found:
        parts.setdefault(e.attribute, []).append(e)
    chosen = list(parts.values())[:most]
    words = []
    for values in chosen:
        values = sorted(values, key=lambda e: -e.inside) if values[0].kind == "category" else values[:1]
        two = len(values) > 1 and values[0].inside < 0.6 and values[1].inside >= 0.2
        texts = [_word(e, alone or i > 0) for i, e in enumerate(values[: 1 + two])]
        if len(chosen) == 1 and values[0].kind != "number":
            texts = [f"{text} ({e.inside:.0%})".replace("%", " %") for text, e in zip(texts, values, strict=False)]
        words.append(" + ".join(texts))
    return ", ".join(words)


def _word(e: Enriched, alone: bool) -> str:
    if e.kind == "bool":
        return e.attribute if e.value else f"no {e.attribute}"
    if e.kind == "number":
        return f"{e.value} {e.attribute}"
    if str(e.value).lower() in OFF:
        return f"no {e.attribute}"
    return str(e.value) if alone else f"{e.attribute}={e.value}"


# -- the picture


def _sheet(found: Clusters, wide: int = 330, margin: int = 24, tile: int = 64) -> Image:
    """Names left, prototypes right; below the names a bar as long as the cluster's share of the largest."""
    from PIL import Image as Pictures
    from PIL import ImageDraw, ImageFont

    shown = found.clusters[:SHOWN]
    rows = [[grid.picture(found.preview(row)) for row in c.prototypes] if found.preview is not None else [] for c in shown]
    side = max([tile, *(max(p.size) for row in rows for p in row)])
    across = max(1, *(len(row) for row in rows), 0) * (side + 6) if any(rows) else 0
    high, head, below = (side if any(rows) else 46) + 14, 84, 30 if len(found.clusters) > SHOWN else 0
    image = Pictures.new("RGB", (max(2 * margin + wide + across, 640), head + high * len(shown) + margin + below), grid.WHITE)
    draw = ImageDraw.Draw(image)
    head_font, font, small = (ImageFont.load_default(size) for size in (24, 17, 13))
    draw.text((margin, 18), grid.shorten(found.title or "Clusters", image.width - 2 * margin, head_font), (30, 30, 30), head_font)
    draw.text((margin, 52), grid.shorten(_subtitle(found.evidence), image.width - 2 * margin, small), (130, 130, 130), small)
    largest = max(c.size for c in shown)
    for i, c in enumerate(shown):
        top = head + i * high
        text = c.name if c.name == f"cluster {c.number}" else f"{c.number} · {c.name}"
        draw.text((margin, top), grid.shorten(text, wide - 20, font), grid.INK, font)
        draw.text((margin, top + 23), f"{c.size:,} items, {c.share:.1%}", (130, 130, 130), small)
        draw.rectangle((margin, top + 43, margin + max(2, round((wide - 30) * c.size / largest)), top + 47), fill="#3B6EA8")
        for j, picture in enumerate(rows[i]):
            left = margin + wide + j * (side + 6)
            image.paste(picture, (left + (side - picture.width) // 2, top + (side - picture.height) // 2))
    if below:
        draw.text((margin, image.height - margin - 10), f"and {len(found.clusters) - SHOWN} smaller ones", (130, 130, 130), small)
    return image


def _subtitle(evidence: dict[str, Any]) -> str:
    words = [evidence["method"].upper() if evidence["method"] == "hdbscan" else "k-means", f"{evidence['items']:,} items"]
    words.append(f"{evidence['clusters']} cluster" + ("s" if evidence["clusters"] != 1 else ""))
    if evidence["method"] == "hdbscan":
        words.append(f"{evidence['noise']:.1%} noise")
    if evidence["silhouette"] is not None:
        words.append(f"silhouette {evidence['silhouette']:.2f}")
    if evidence.get("kmeans", {}).get("ari") is not None:
        words.append(f"agreement with k-means (ARI) {evidence['kmeans']['ari']:.2f}")
    return "   ·   ".join(words)
