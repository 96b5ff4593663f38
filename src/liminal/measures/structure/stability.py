"""Whether latent spaces fitted with several seeds say the same about the same items.

For every pair of spaces: linear CKA, overlap of neighbourhoods, agreement of clusters, and whether an
attribute's direction found in one still reads the attribute in the other after the best rotation. What the
seed decides is no property of the data.

Source: Kornblith et al. 2019, Similarity of neural network representations revisited (CKA).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations, permutations

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from ...distances import nearest
from ...errors import LiminalError
from ...ops.directions.probes import Frame, Target, probe, targets
from ..value import Measure, around, subsample_spread
from .neighbourhoods import cluster_agreement

LIMIT = 5_000  # items at most


def linear_cka(a: Tensor, b: Tensor) -> float:
    """Linear centred kernel alignment of two sets of latents of the same items.

        CKA = |A'B|^2 / (|A'A| |B'B|)        A (n, p), B (n, q) centred, Frobenius norms

    Returns:
        In [0, 1]; 1 where one is a rotation and scaling of the other, about sqrt(p q) / n for unrelated ones.
        NaN where one does not vary.

    Raises:
        LiminalError: the numbers of items differ.

    Source: Kornblith et al. 2019, Similarity of neural network representations revisited.
    """
    _same(a, b)
    a, b = a.double() - a.double().mean(0), b.double() - b.double().mean(0)
    size = float((a.T @ a).norm() * (b.T @ b).norm())
    return float((a.T @ b).square().sum()) / size if size > 0 else float("nan")


def neighbour_overlap(a: Tensor, b: Tensor, k: int = 10) -> np.ndarray:
    """For each item, shared neighbours over all of its k nearest in either space (Jaccard index).

    Returns:
        (n,) in [0, 1]; about k / (2n) by chance.

    Raises:
        LiminalError: the numbers of items differ, or there are k or fewer.
    """
    _same(a, b)
    return _jaccard(nearest(a, a, k)[1], nearest(b, b, k)[1])


def _jaccard(first: Tensor, second: Tensor) -> np.ndarray:
    shared = (first[:, :, None] == second[:, None]).any(2).sum(1).double()
    return np.asarray((shared / (2 * first.shape[1] - shared)).numpy())


def _same(a: Tensor, b: Tensor) -> None:
    if a.ndim != 2 or b.ndim != 2 or len(a) != len(b):
        raise LiminalError(
            f"stability: latents of shape {tuple(a.shape)} and {tuple(b.shape)}; wanted the same items in "
            "both"
        )


def rotation(a: Tensor, b: Tensor) -> Tensor:
    """The Q (p, q) with orthonormal rows or columns that brings centred A (n, p) nearest to B (n, q).

    Source: Schoenemann 1966, A generalized solution of the orthogonal Procrustes problem.
    """
    _same(a, b)
    left, _, right = torch.linalg.svd((a - a.mean(0)).T @ (b - b.mean(0)), full_matrices=False)
    return left @ right


def transfer(
    a: Tensor, b: Tensor, target: Target, train: np.ndarray, held: np.ndarray
) -> tuple[float, float, float]:
    """A direction found in one space, turned into another one.

    Probes are fitted in both spaces' whitened active dimensions; the rotation between these is fitted on the
    training rows.

    Args:
        a: (n, p), the space it is found in.
        b: (n, q), the one it is tried in.
        target: with the values of the training and the held-out rows.
        train: rows.
        held: rows.

    Returns:
        Cosine of the turned direction to b's own; held-out score of the turned and of b's own direction: AUC,
        of a number the absolute rank correlation.
    """
    i, j = torch.from_numpy(train), torch.from_numpy(held)
    a, b = a.double(), b.double()
    frames = Frame(a[i]), Frame(b[i])
    q = rotation(frames[0].whiten(a[i]), frames[1].whiten(b[i]))
    turned, own = probe(target, a[i], frames[0]) @ q, probe(target, b[i], frames[1])
    u = frames[1].whiten(b[j]).numpy()
    cosine = float(torch.cosine_similarity(turned, own, dim=0))
    return cosine, _read(target, u @ turned.numpy()), _read(target, u @ own.numpy())


def _read(target: Target, seen: np.ndarray) -> float:
    from scipy.stats import spearmanr
    from sklearn.metrics import roc_auc_score

    known = ~np.isnan(target.held)
    if np.ptp(seen[known]) == 0:
        return 0.0 if target.kind == "number" else 0.5
    if target.kind == "number":
        return float(spearmanr(target.held[known], seen[known]).statistic)
    return float(roc_auc_score(target.held[known], seen[known]))


def stability(
    latents: Sequence[Tensor],
    attributes: pa.Table | None = None,
    *,
    k: int = 10,
    clusters: int = 10,
    seed: int = 0,
    rounds: int = 20,
    limit: int = LIMIT,
) -> list[Measure]:
    """How far spaces of several seeds agree, over all pairs of them.

    Args:
        latents: two or more, each (n, d) of the same n items in the same order; d may differ.
        attributes: n rows, for the transfer of directions; two thirds of the items are used to find them.
        k: neighbours.
        clusters: of k-means in each space.
        seed: of rows, split and clusters.
        rounds: subsamples for an interval, which is of the mean over pairs; the note has the lowest and the
            highest pair.
        limit: items at most.

    Returns:
        ``cka``, ``neighbour_overlap``, ``cluster_stability`` (adjusted Rand index) and, with attributes,
        ``transfer.NAME``: held-out score of a direction from another seed, beside that of the space's own.

    Raises:
        LiminalError: fewer than two spaces, fewer than 20 items, or other items in one of them.
    """
    if len(latents) < 2 or len(latents[0]) < max(20, 2 * k):
        raise LiminalError(
            f"stability: {len(latents)} spaces; wanted two or more, of {max(20, 2 * k)} items or more"
        )
    for z in latents[1:]:
        _same(latents[0], z)
    rng = np.random.Generator(np.random.PCG64(seed))
    rows = np.sort(rng.permutation(len(latents[0]))[:limit])
    spaces = [z[torch.from_numpy(rows)].detach().cpu().double() for z in latents]
    pairs, n = list(combinations(range(len(spaces)), 2)), len(rows)
    order = torch.from_numpy(rng.permutation(n))

    def alike(chosen: np.ndarray) -> float:
        at = torch.from_numpy(chosen)
        return float(np.mean([linear_cka(spaces[i][at], spaces[j][at]) for i, j in pairs]))

    each = [linear_cka(spaces[i], spaces[j]) for i, j in pairs]
    chance = float(np.mean([linear_cka(spaces[i], spaces[j][order]) for i, j in pairs]))
    found = [_over("cka", each, chance, float(subsample_spread(alike, (n,), rng, rounds)), n)]
    near = [nearest(z, z, k)[1] for z in spaces]
    shared = np.stack([_jaccard(near[i], near[j]) for i, j in pairs])
    by_item = shared.mean(0)
    error = float(subsample_spread(lambda chosen: by_item[chosen].mean(), (n,), rng, 100))
    chance = float(np.mean([_jaccard(near[i], near[j][order]).mean() for i, j in pairs]))
    found.append(_over("neighbour_overlap", list(shared.mean(1)), chance, error, n))
    groups = [_kmeans(z, clusters, seed) for z in spaces]
    agreed = [cluster_agreement(groups[i].tolist(), groups[j].tolist())[0] for i, j in pairs]
    cut: Callable[[np.ndarray], float] = lambda c: float(
        np.mean([cluster_agreement(groups[i][c].tolist(), groups[j][c].tolist())[0] for i, j in pairs])
    )
    error = float(subsample_spread(cut, (n,), rng, rounds))
    found.append(_over("cluster_stability", agreed, 0.0, error, n))
    if attributes is not None:
        found += _directions(spaces, attributes.take(pa.array(rows)), rng)
    return found


def _over(name: str, each: list[float], chance: float, error: float, n: int) -> Measure:
    value = float(np.mean(each))
    note = f"{n:,} items; over {len(each)} pairs of spaces from {min(each):.3f} to {max(each):.3f}."
    return Measure(
        name,
        value,
        interval=around(value, error, (-1, 1)),
        unit="",
        better="higher",
        baseline={"items shuffled": chance},
        note=note,
    )


def _kmeans(z: Tensor, clusters: int, seed: int) -> np.ndarray:
    from sklearn.cluster import KMeans

    return np.asarray(KMeans(min(clusters, len(z)), n_init=4, random_state=seed).fit_predict(z.numpy()))


def _directions(spaces: list[Tensor], attributes: pa.Table, rng: np.random.Generator) -> list[Measure]:
    n = len(attributes)
    order = rng.permutation(n)
    train, held = np.sort(order[n // 3 :]), np.sort(order[: n // 3])
    found = []
    for target in targets(attributes.take(pa.array(train)), attributes.take(pa.array(held))):
        ways = [
            transfer(spaces[i], spaces[j], target, train, held)
            for i, j in permutations(range(len(spaces)), 2)
        ]
        cosine, turned, own = np.mean(ways, axis=0)
        unit = "rank correlation" if target.kind == "number" else "AUC"
        lowest = min(way[1] for way in ways)
        note = (
            f"Mean {unit} over {len(ways)} ordered pairs, lowest {lowest:.3f}; mean cosine to the own "
            f"direction {cosine:.3f}."
        )
        beside = {"the space's own direction": float(own), "chance": 0.0 if target.kind == "number" else 0.5}
        found.append(
            Measure(
                f"transfer.{target.name}",
                float(turned),
                interval=None,
                unit="",
                better="higher",
                baseline=beside,
                note=note,
            )
        )
    return found
