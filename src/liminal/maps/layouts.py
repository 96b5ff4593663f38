"""Layouts: latents (n, d) to places on a map, by three methods.

``pca`` keeps the directions of largest variance; ``umap`` keeps neighbours (McInnes, Healy & Melville 2018),
fitted on at most `LANDMARKS` items, the rest placed among them; ``tsne`` keeps neighbours closer still and
distances between groups less (van der Maaten & Hinton 2008; Linderman et al. 2019 for its speed). Neighbours
are exact and the same seed gives the same map, whatever the number of threads.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from ..distances import nearest
from ..errors import LiminalError
from .place import place

NEIGHBORS = 15  # of umap, fewer where there are fewer items
LANDMARKS = 20_000  # items that umap is fitted on, at most
PERPLEXITY = 30  # of tsne, fewer where there are fewer items
MOST_TSNE = 100_000  # items that tsne takes
BLOCK = 100_000  # rows in float64 at once


def axes(z: np.ndarray, count: int = 2) -> tuple[np.ndarray, np.ndarray, list[float]]:
    """The main axes of latents, each turned so that its largest loading is positive.

    Args:
        z: (n, d).
        count: how many; at most d.

    Returns:
        Mean (d,); axes (d, count), orthonormal, largest variance first; the share of the variance on each.
    """
    mean = z.mean(0, dtype=np.float64)
    if count <= len(z) < z.shape[1]:  # no matrix of (d, d)
        found, spread, _ = np.linalg.svd((z - mean).T, full_matrices=False)
        power, found = spread**2, found[:, :count]
    else:
        scatter = np.zeros((z.shape[1], z.shape[1]))
        for i in range(0, len(z), BLOCK):
            centred = z[i : i + BLOCK] - mean
            scatter += centred.T @ centred
        power, found = np.linalg.eigh(scatter)
        power, found = power[::-1].clip(min=0), found[:, ::-1][:, :count]
    found = found * np.where(found[np.abs(found).argmax(0), range(found.shape[1])] < 0, -1, 1)
    return mean, found, [float(s) for s in power[:count] / (power.sum() or 1.0)]


def onto(z: np.ndarray, mean: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Scores (n, 2) float32 of latents on axes; where there is one axis, 0 on the other."""
    xy = np.zeros((len(z), 2), np.float32)
    for i in range(0, len(z), BLOCK):
        xy[i : i + BLOCK, : found.shape[1]] = (z[i : i + BLOCK] - mean) @ found
    return xy


def by_umap(
    z: np.ndarray,
    seed: int = 0,
    count: int = 2,
    neighbors: int = NEIGHBORS,
    apart: float = 0.1,
    most: int = LANDMARKS,
) -> tuple[np.ndarray, int]:
    """UMAP of at most `most` items drawn by the seed; the others lie where most of their nearest ones among
    these do (`place.place`).

    Args:
        z: (n, d), n >= 4.
        seed: of the draw and of the layout.
        count: dimensions of the layout.
        neighbors: of each item that are kept.
        apart: how close points may come to one another (``min_dist``).
        most: items that it is fitted on.

    Returns:
        Places (n, count) float32 and how many items were fitted.
    """
    if len(z) <= most:
        return _umap(z, seed, count, neighbors, apart), len(z)
    order = np.random.default_rng(seed).permutation(len(z))
    fitted, rest = np.sort(order[:most]), np.sort(order[most:])
    xy = np.empty((len(z), count), np.float32)
    xy[fitted] = _umap(z[fitted], seed, count, neighbors, apart)
    xy[rest] = place(z[rest], z[fitted], xy[fitted])
    return xy, most


def by_tsne(z: np.ndarray, seed: int = 0) -> np.ndarray:
    """t-SNE, started from the main axes; (n, 2) float32.

    Raises:
        LiminalError: more than `MOST_TSNE` items.
    """
    if len(z) > MOST_TSNE:
        raise LiminalError(
            f"map: t-SNE takes {MOST_TSNE:,} items at most, got {len(z):,}; use umap or pca, or map a part "
            "of the items"
        )
    near = min(3 * PERPLEXITY, len(z) - 1)
    jobs = torch.get_num_threads()
    start = onto(z, *axes(z)[:2]).astype(np.float64)
    start *= 1e-4 / (start[:, 0].std() or 1.0)  # small, so that the layout can unfold
    start += np.random.default_rng(seed).normal(0, 1e-6, start.shape)  # equal items must not stay glued
    with own_threads(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from openTSNE import TSNE
        from openTSNE.affinity import PerplexityBasedNN
        from openTSNE.nearest_neighbors import PrecomputedNeighbors

        distances, rows = _neighbours(z, near)
        known = PrecomputedNeighbors(rows, distances)
        likeness = PerplexityBasedNN(knn_index=known, perplexity=min(PERPLEXITY, near / 3), n_jobs=jobs)
        made = TSNE(n_jobs=jobs, random_state=seed).fit(affinities=likeness, initialization=start)
    return np.asarray(made, np.float32)


def _umap(z: np.ndarray, seed: int, count: int, neighbors: int, apart: float) -> np.ndarray:
    z = z.astype(np.float32)
    with own_threads():
        return embedded(z, *_neighbours(z, min(neighbors, len(z) - 1) - 1), seed, count, apart)


def embedded(
    z: np.ndarray,
    far: np.ndarray,
    rows: np.ndarray,
    seed: int,
    count: int = 2,
    apart: float = 0.1,
    spectral: int = 2 * NEIGHBORS,
) -> np.ndarray:
    """UMAP of known neighbours: (n, count), float32. Call it within `own_threads`.

    Args:
        z: (n, d), float32.
        far: (n, v), the distances of each item to its nearest others, rising.
        rows: (n, v), which ones these are.
        seed: of the layout.
        count: dimensions of the layout.
        apart: how close points may come to one another (``min_dist``).
        spectral: items beyond which it starts from the graph's eigenvectors, which need more points than
            axes, instead of at random.
    """
    own = np.arange(len(z))[:, None]
    given = (
        np.hstack([own, rows]).astype(np.int32),
        np.hstack([0.0 * own, far]).astype(np.float32),
        None,
    )  # each its own first
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # that a seed means one thread, that tiny or disconnected sets limit what it can do
        import umap

        fit = umap.UMAP(
            n_neighbors=given[0].shape[1],
            n_components=count,
            min_dist=apart,
            random_state=seed,
            n_jobs=1,
            init="spectral" if len(z) > spectral else "random",
            precomputed_knn=given,
        )
        return np.asarray(fit.fit_transform(z), np.float32)


def _neighbours(z: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Distances and rows (n, k) of each item's nearest other ones; umap-learn would compile code for a minute
    to find nearly the same.
    """
    index = torch.from_numpy(np.ascontiguousarray(z))
    distances, rows = nearest(index, index, k)
    return distances.numpy(), rows.numpy()


@contextmanager
def own_threads() -> Iterator[None]:
    """numba's OpenMP sets torch to one thread a core, which slows whatever comes next: put back what was."""
    threads = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(threads)
