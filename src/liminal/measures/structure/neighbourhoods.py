"""What the latent space keeps of the data's neighbourhoods, how many dimensions it fills and uses, and how
small a code is.

Letters: x data (n, D) flattened, z latents (n, d).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...distances import blocks, nearest
from ...errors import LiminalError

Label = str | bool | None


def knn_accuracy(
    index: Tensor, labels: Sequence[Label], queries: Tensor, wanted: Sequence[Label], k: int = 10
) -> np.ndarray:
    """Whether the majority of the k nearest labelled items has the query's label.

    Ties go to the label with the nearest single item among those tied. Items and queries without a label
    (None) are left out.

    Args:
        index: (n, d), latents or data.
        labels: n of them.
        queries: (m, d).
        wanted: m of them.
        k: neighbours that vote.

    Returns:
        bool, one for each query that has a label; its mean is the accuracy.

    Raises:
        LiminalError: fewer than k labelled items, no labelled query, or lengths that differ.
    """
    if len(index) != len(labels) or len(queries) != len(wanted):
        raise LiminalError(
            f"k-NN accuracy: {len(index)} items with {len(labels)} labels, {len(queries)} queries with "
            f"{len(wanted)}; wanted one each"
        )
    have, asked = known(labels), known(wanted)
    if not len(asked):
        raise LiminalError("k-NN accuracy: no query has a label; give labels to some")
    rows = nearest(
        index if len(have) == len(index) else index[have],
        queries if len(asked) == len(queries) else queries[asked],
        k,
    )[1]
    return vote(rows.numpy(), [labels[i] for i in have], [wanted[i] for i in asked])


def known(labels: Sequence[Label]) -> np.ndarray:
    """Rows whose label is known (not None)."""
    return np.array([i for i, v in enumerate(labels) if v is not None], dtype=np.int64)


def vote(neighbours: np.ndarray, labels: Sequence[Label], wanted: Sequence[Label]) -> np.ndarray:
    """Whether the commonest label among each row of `neighbours` (m, k), nearest first, is the wanted one:
    bool (m,).

    Ties go to the label with the nearest single item among those tied.

    Args:
        neighbours: (m, k) rows of `labels`.
        labels: one for each item of the index, none unknown.
        wanted: m of them.
    """
    classes = {c: i for i, c in enumerate(dict.fromkeys(labels))}
    votes = torch.tensor([classes[v] for v in labels])[torch.from_numpy(neighbours)]
    m, k = votes.shape
    counts = torch.zeros(m, len(classes)).scatter_add_(1, votes, torch.ones(m, k))
    nearness = torch.zeros_like(counts).scatter_reduce_(
        1, votes, torch.linspace(0.9, 0, k).expand(m, k), "amax"
    )
    return (counts + nearness).argmax(1).numpy() == np.array([classes.get(v, -1) for v in wanted])


def majority(labels: Sequence[Label], wanted: Sequence[Label]) -> float:
    """Accuracy on `wanted` of always answering with the commonest of `labels`; None is left out of both."""
    commonest = Counter(v for v in labels if v is not None).most_common(1)[0][0]
    asked = [v for v in wanted if v is not None]
    return asked.count(commonest) / len(asked)


def trustworthiness(x: Tensor, z: Tensor, k: int = 10) -> float:
    """Whether neighbours in the latent space are neighbours in the data.

        T = 1 - 2 / (n k (2n - 3k - 1)) * sum over i and its latent neighbours j of max(0, rank(i, j) - k)

    rank(i, j): the rank of j among i's neighbours in x.

    Args:
        x: (n, D).
        z: (n, d), the same items.
        k: neighbours; below n / 2.

    Returns:
        1 where every latent neighbour is a data neighbour; about 0.5 for random z.

    Raises:
        LiminalError: the numbers of items differ, or k is not below n / 2.

    Source: Venna and Kaski 2001, Neighborhood preservation in nonlinear projection methods.
    """
    n = len(x)
    if n != len(z) or not 1 <= k < n / 2:
        raise LiminalError(
            f"trustworthiness: {n} items, {len(z)} latents, k = {k}; wanted as many latents as items and k "
            "below half of that"
        )
    neighbours = nearest(z, z, k)[1]
    excess = 0
    for rows, table in blocks(x, x):
        table[:, rows].fill_diagonal_(
            -1
        )  # so that an item is first among its own neighbours, ahead of exact copies
        ranks = torch.empty_like(table, dtype=torch.int64)
        ranks.scatter_(1, table.argsort(dim=1, stable=True), torch.arange(n).expand(len(table), n))
        excess += int((ranks.gather(1, neighbours[rows]) - k).clamp_min(0).sum())
    return 1 - 2 * excess / (n * k * (2 * n - 3 * k - 1))


def continuity(x: Tensor, z: Tensor, k: int = 10) -> float:
    """Whether neighbours in the data are neighbours in the latent space: `trustworthiness` with the two
    exchanged.

    A space that tears neighbours apart has low continuity, one that puts strangers together low
    trustworthiness.

    Args, Raises: as `trustworthiness`.

    Returns:
        1 where every data neighbour is a latent neighbour; about 0.5 for random z.

    Source: Venna and Kaski 2001, Neighborhood preservation in nonlinear projection methods.
    """
    return trustworthiness(z, x, k)


def neighbour_purity(z: Tensor, labels: Sequence[Label], k: int = 10) -> np.ndarray:
    """Share of the k nearest labelled items that have an item's own label, for each item with a label; others
    (None) are left out.

    Args:
        z: (n, d).
        labels: n of them.
        k: neighbours.

    Returns:
        (m,) in [0, 1], m the items with a label; its mean for shuffled labels is `chance_purity`.

    Raises:
        LiminalError: lengths that differ, or k labelled items or fewer.
    """
    if len(z) != len(labels):
        raise LiminalError(f"neighbour purity: {len(z)} latents with {len(labels)} labels; wanted one each")
    have = known(labels)
    z = z[torch.from_numpy(have)]
    numbers = _numbered([labels[i] for i in have])
    return np.asarray((numbers[nearest(z, z, k)[1].numpy()] == numbers[:, None]).mean(1))


def chance_purity(labels: Sequence[Label]) -> float:
    """The mean of `neighbour_purity` if neighbours did not know the labels: sum over classes of n_c (n_c - 1)
    / (n (n - 1)).
    """
    counts = np.array(list(Counter(v for v in labels if v is not None).values()), dtype=float)
    n = counts.sum()
    return float((counts * (counts - 1)).sum() / (n * (n - 1))) if n > 1 else 1.0


def _numbered(labels: Sequence[Label]) -> np.ndarray:
    classes = {c: i for i, c in enumerate(dict.fromkeys(labels))}
    return np.array([classes[v] for v in labels], dtype=np.int64)


def cluster_agreement(a: Sequence[Label | int], b: Sequence[Label | int]) -> tuple[float, float]:
    """How far two groupings of the same items agree: adjusted Rand index and adjusted mutual information.

    Items without a group in either (None) are left out.

    Returns:
        Both 1 for the same grouping under any names, about 0 for unrelated ones.

    Raises:
        LiminalError: lengths that differ, or no item in both.

    Source: Hubert and Arabie 1985, Comparing partitions; Vinh, Epps and Bailey 2010, Information theoretic
    measures for clusterings comparison.
    """
    from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score

    if len(a) != len(b):
        raise LiminalError(
            f"cluster agreement: {len(a)} items in one grouping, {len(b)} in the other; wanted the same items"
        )
    pairs = [(str(u), str(v)) for u, v in zip(a, b, strict=True) if u is not None and v is not None]
    if not pairs:
        raise LiminalError("cluster agreement: no item is in both groupings")
    left, right = zip(*pairs, strict=True)
    return float(adjusted_rand_score(left, right)), float(adjusted_mutual_info_score(left, right))


def active_units(z: Tensor, threshold: float = 0.01) -> int:
    """Number of dimensions whose posterior mean varies over items with a variance above `threshold`; z (n,
    d), n >= 2.

    Source: Burda, Grosse and Salakhutdinov 2016, Importance weighted autoencoders.
    """
    return int((z.double().var(0) > threshold).sum())


@dataclass(frozen=True)
class Rate:
    """KL of the posterior from the prior, in nats.

    Attributes:
        items: (n,), total of each item.
        dimensions: (d,), mean over items; (1,) where it does not split by dimension.
    """

    items: np.ndarray
    dimensions: np.ndarray

    @property
    def nats(self) -> float:
        """Mean over items."""
        return float(self.items.mean())

    @property
    def bits(self) -> float:
        """Mean over items in bits: what one item's code costs on average with the prior as the code's model
        (bits back).
        """
        return self.nats / math.log(2)


def rate(kl: Tensor) -> Rate:
    """From `Posterior.kl()` (n, d) or (n, 1)."""
    kl = kl.detach().cpu().double()
    return Rate(kl.sum(1).numpy(), kl.mean(0).numpy())
