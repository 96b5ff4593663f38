"""Partitions: k-means, and what every partition of latents is told of: silhouette, agreement with another and
with attributes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from .enriched import Column

SAMPLE = 2500  # items that silhouettes are taken on
MOST_K = 20  # clusters that k-means is tried with


def kmeans(z: np.ndarray, k: int, seed: int, starts: int = 4) -> np.ndarray:
    """Labels (n,) by k-means on z, the best of several starts."""
    from sklearn.cluster import KMeans

    return np.asarray(KMeans(k, n_init=starts, random_state=seed).fit_predict(z), np.int64)


def choose_k(z: np.ndarray, seed: int) -> int:
    """The number of clusters with the best silhouette on a sample."""
    part = z[np.random.default_rng(seed).permutation(len(z))[:SAMPLE]]
    most = min(MOST_K, len(np.unique(part, axis=0)) - 1)
    scores = {k: silhouette(part, kmeans(part, k, seed, 2), seed) for k in range(2, most + 1)}
    known = {k: s for k, s in scores.items() if s is not None}
    return max(known, key=lambda k: known[k]) if known else 2


def silhouette(x: np.ndarray, labels: np.ndarray, seed: int) -> float | None:
    """Mean silhouette, in [-1, 1], of a sample without noise; None where there are not two groups."""
    from sklearn.metrics import silhouette_score

    rows = np.flatnonzero(labels >= 0)
    rows = rows[np.random.default_rng(seed).permutation(len(rows))[:SAMPLE]]
    if not 2 <= len(np.unique(labels[rows])) < len(rows):
        return None
    return float(silhouette_score(x[rows], labels[rows]))


def by_size(labels: np.ndarray) -> np.ndarray:
    """The same groups, 0 the largest; of equal ones the one that comes first."""
    counts = Counter(labels[labels >= 0].tolist())
    place = {old: new for new, (old, _) in enumerate(counts.most_common())} | {-1: -1}
    return np.array([place[i] for i in labels.tolist()], np.int64)


def beside(z: np.ndarray, labels: np.ndarray, k: int, seed: int) -> tuple[dict[str, Any], np.ndarray]:
    """k-means on z, and how far it agrees with the labels where they are no noise."""
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    other = kmeans(z, k, seed) if k > 1 else np.zeros(len(z), np.int64)
    a, b = labels[labels >= 0], other[labels >= 0]
    agreement = (
        {"ari": float(adjusted_rand_score(a, b)), "nmi": float(normalized_mutual_info_score(a, b))}
        if k > 1
        else {}
    )
    return {"k": k, "silhouette": silhouette(z, other, seed), **agreement}, other


def against(
    columns: Sequence[Column], labels: np.ndarray, other: np.ndarray | None
) -> dict[str, dict[str, float]]:
    """ARI and NMI against every category of 2 values or more, where it is known; noise counts as a group of
    its own.
    """
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    out: dict[str, dict[str, float]] = {}
    for name, kind, values, known in columns:
        wanted = values[known]
        if kind != "category" or not 2 <= len(np.unique(wanted)) <= len(wanted) // 2:
            continue
        out[name] = {}
        for said, before in ((labels, ""), (other, "kmeans_")):
            if said is not None:
                out[name][before + "ari"] = float(adjusted_rand_score(wanted, said[known]))
                out[name][before + "nmi"] = float(normalized_mutual_info_score(wanted, said[known]))
    return out
