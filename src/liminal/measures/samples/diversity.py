"""How many different things a generator makes: an effective number of items, which real modes are there, and
copies of training items.

    Vendi = exp(-sum of l log l),  l the eigenvalues of K / n,  K(x, y) = exp(-|x - y|^2 / (2 w^2))

is the effective number of different items among n: n where all are far apart on the scale w, m for m groups
of the same size far apart, 1 for copies of one. It grows with n, so it is taken of equal numbers and told as
a share of the real items' own. Noise raises it: it says nothing about looking real.

Source: Friedman and Dieng 2023, The Vendi score; Richardson and Weiss 2018, On GANs and GMMs (bins); Alaa et
al. 2022, How faithful is your synthetic data (authenticity); Meehan, Chaudhuri and Dasgupta 2020, A
three-sample test to detect data copying.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...distances import nearest
from ...errors import LiminalError
from ..value import Interval, around, subsample_spread
from .fidelity import check_features

MOST = 2_000  # items whose whole kernel is held at once
MATCHED = 1_000  # items of each kind compared by default
HALF_MEDIAN = 0.5  # w as a share of the median distance between real items
EXPECTED = 5.0  # samples a mode should have, for its absence to be no accident


def vendi(x: Tensor, width: float) -> float:
    """The Vendi score of a set, with the Gaussian kernel of this width.

    Args:
        x: (n, d) features of 1 to 2,000 items (the kernel is held whole; give a random part of more).
        width: w, in the features' unit.

    Returns:
        The effective number of different items, in [1, n].

    Raises:
        LiminalError: no items or more than 2,000, features that are not finite, or a width that is not above
        0.
    """
    if x.ndim != 2 or not 1 <= len(x) <= MOST or not torch.isfinite(x).all():
        raise LiminalError(
            f"Vendi score: wanted finite features (n, d) of 1 to {MOST:,} items, got shape {tuple(x.shape)} "
            "or NaN in it"
        )
    if not width > 0:
        raise LiminalError(f"Vendi score: kernel width {width}; wanted a number above 0")
    x = x.double()
    kernel = (
        torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist").square_().mul_(-0.5 / width**2).exp_()
    )
    values = torch.linalg.eigvalsh(kernel / len(x)).clamp_min(0)
    return min(max(float(torch.special.entr(values).sum().exp()), 1.0), float(len(x)))


@dataclass(frozen=True)
class Variety:
    """Vendi scores of samples and of as many real items.

    Attributes:
        samples: effective number of different samples.
        real: of different real items.
        interval: 95 % of `ratio`.
        n: items of each kind.
        width: w of the kernel, half the median distance between real items.
    """

    samples: float
    real: float
    interval: Interval
    n: int
    width: float

    @property
    def ratio(self) -> float:
        """Samples' as a share of the real items' own: 1 as varied, below 1 less varied, above 1 spread wider
        than real items (or noisy).
        """
        return self.samples / self.real


def variety(
    real: Tensor, samples: Tensor, rng: np.random.Generator, most: int = MATCHED, rounds: int = 20
) -> Variety:
    """Vendi scores of samples and real items, at the same number of items and one kernel width.

    On Fashion-MNIST, features of 1,000 pictures: other real pictures 1.01 -+ .03, five of ten classes .65,
    one class .19, every item four times .48.

    Args:
        real: (n, d) features.
        samples: (m, d) features.
        rng: numpy generator, for the choice of rows and the subsamples of the interval.
        most: items of each kind at most, 2,000 or fewer.
        rounds: subsamples for the interval.

    Raises:
        LiminalError: a set has fewer than 8 rows or holds NaN or infinity, the widths differ, half of all
            pairs of real items are copies, or `most` is out of range.
    """
    check_features("variety", real, samples, 8)
    if not 8 <= most <= MOST:
        raise LiminalError(f"variety: {most} items of each kind; wanted 8 to {MOST:,}")
    n = min(len(real), len(samples), most)
    a, b = (x[torch.from_numpy(np.sort(rng.permutation(len(x))[:n]))].double() for x in (real, samples))
    width = HALF_MEDIAN * float(torch.nn.functional.pdist(a).median())
    if width == 0:
        raise LiminalError(
            "variety: most real items have the same features, so there is no scale to see variety on; give "
            "varied items"
        )

    def ratio(i: np.ndarray, j: np.ndarray) -> float:
        return vendi(b[torch.from_numpy(j)], width) / vendi(a[torch.from_numpy(i)], width)

    found = vendi(b, width), vendi(a, width)
    error = float(subsample_spread(ratio, (n, n), rng, rounds))
    return Variety(*found, around(found[0] / found[1], error, (0, np.inf)), n, width)


@dataclass(frozen=True)
class Modes:
    """Two histograms over classes or clusters.

    Attributes:
        found: share in [0, 1] of the real modes that have a sample.
        kl: KL(samples || real) in nats, 0 for the same shares; infinite where samples lie in modes that no
            real item has. Of equal distributions it comes out near (modes - 1) / 2 * (1 / n + 1 / m), so
            compare it with real against real.
        tv: total variation, the share of samples that would have to change mode, in [0, 1].
        missing: real modes without a sample though 5 or more were to be expected.
        shares: (real, samples) by mode, commonest real one first.
    """

    found: float
    kl: float
    tv: float
    missing: tuple[Hashable, ...]
    shares: Mapping[Hashable, tuple[float, float]]


def modes(real: Sequence[Hashable] | np.ndarray, samples: Sequence[Hashable] | np.ndarray) -> Modes:
    """Which modes of the real items the samples have, and in which shares: what mode collapse is seen by.

    Args:
        real: the class or cluster of each real item, by the same reader as the samples' (its mistakes then
            fall on both sides); `bins` gives clusters where there are no classes.
        samples: of each sample.

    Raises:
        LiminalError: one of the two is empty.
    """
    counts = [Counter(x.tolist() if isinstance(x, np.ndarray) else x) for x in (real, samples)]
    n, m = (sum(c.values()) for c in counts)
    if not n or not m:
        raise LiminalError(f"modes: {n} labels of real items, {m} of samples; wanted 1 or more of both")
    names = [name for name, _ in counts[0].most_common()]
    names += [name for name, _ in counts[1].most_common() if name not in counts[0]]
    p, q = (np.array([c[name] for name in names]) / sum(c.values()) for c in counts)
    with np.errstate(divide="ignore"):
        kl = float(np.sum(np.where(q > 0, q * np.log(np.where(q > 0, q, 1) / p), 0)))
    known = p > 0
    missing = tuple(name for name, a, b in zip(names, p, q, strict=True) if b == 0 and a * m >= EXPECTED)
    shares = {name: (float(a), float(b)) for name, a, b in zip(names, p, q, strict=True)}
    return Modes(float((q[known] > 0).mean()), max(kl, 0.0), float(np.abs(p - q).sum() / 2), missing, shares)


def modes_statistic(real: np.ndarray, samples: np.ndarray) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """`modes` as a function of rows of both label arrays, giving found, KL and total variation: for
    `subsample_spread`.
    """

    def of_rows(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        m = modes(real[a], samples[b])
        return np.array([m.found, m.kl, m.tv])

    return of_rows


def bins(real: Tensor, samples: Tensor, count: int = 20, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The cluster of every item: k-means of the real items' features, samples sorted to the nearest centre.

    For `modes` without classes.

    Args:
        real: (n, d) features, n of `count` or more.
        samples: (m, d) features.
        count: clusters.
        seed: of k-means.

    Returns:
        int (n,) and (m,), in 0 .. count - 1.

    Raises:
        LiminalError: fewer than `count` real items, features that are not finite, or widths that differ.
    """
    from sklearn.cluster import KMeans

    check_features("bins", real, samples, 1)
    different = len(torch.unique(real, dim=0))
    if not 1 <= count <= different:
        raise LiminalError(
            f"bins: {count} clusters of {different} different real items; wanted 1 or more, and as many items"
        )
    fitted = KMeans(count, n_init=2, random_state=seed).fit(real.double().numpy())
    return fitted.labels_, fitted.predict(samples.double().numpy())


@dataclass(frozen=True, kw_only=True)
class Copies:
    """How near samples come to training items, beside how near unseen real items come.

    Attributes:
        authentic: share in [0, 1] of samples that lie farther from their nearest training item than that
            item's own nearest one does; 0 if all are copies.
        held_authentic: the same of held-out items: what an honest generator gets.
        interval: 95 % of `authentic`.
        nearer: chance that a sample lies nearer to the training set than a held-out item does: 0.5 where they
            are alike, near 1 for copies, near 0 for samples far from everything real.
        row: (m,) int64, the training item nearest to each sample.
        distance: (m,) float64, to it.
        copied: (m,) bool, the samples that are not authentic.
    """

    authentic: float
    held_authentic: float
    interval: Interval
    nearer: float
    row: np.ndarray
    distance: np.ndarray
    copied: np.ndarray


def copies(train: Tensor, samples: Tensor, held: Tensor, rng: np.random.Generator) -> Copies:
    """Authenticity of samples, against items that the generator has not seen.

    An authenticity well below the held-out items' own, or `nearer` well above 0.5, says that training items
    are handed out again. A single sample that is "copied" says little: of unseen real items, too, a third to
    a half are.

    Args:
        train: (n, d) features of the items that the generator was trained on, n of 2 or more; the more of
            them, the surer is a copy seen.
        samples: (m, d) features.
        held: (h, d) features of unseen real items.
        rng: numpy generator, for the interval.

    Raises:
        LiminalError: a set is too small, holds NaN or infinity, or the widths differ.

    Source: Alaa et al. 2022; Meehan et al. 2020 (`nearer`).
    """
    check_features("copies", train, samples)
    check_features("copies (held-out items)", train, held)
    if len(samples) < 4:
        raise LiminalError(f"copies: {len(samples)} samples; wanted 4 or more")
    spacing = nearest(train, train, 1)[0][:, 0]

    def against(x: Tensor) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        distance, row = (found[:, 0] for found in nearest(train, x, 1))
        return distance.numpy(), row.numpy(), (distance > spacing[row]).numpy()

    distance, row, authentic = against(samples)
    held_distance, _, held_authentic = against(held)
    error = float(subsample_spread(lambda i: float(authentic[i].mean()), (len(authentic),), rng, 200))
    share = float(authentic.mean())
    order = np.sort(held_distance)
    farther = (
        len(order)
        - (np.searchsorted(order, distance, "left") + np.searchsorted(order, distance, "right")) / 2
    )
    nearer = float(farther.mean() / len(order))
    return Copies(
        authentic=share,
        held_authentic=float(held_authentic.mean()),
        interval=around(share, error, (0, 1)),
        nearer=nearer,
        row=row,
        distance=distance,
        copied=~authentic,
    )
