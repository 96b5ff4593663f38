r"""How far a latent, or an input, can be trusted: conformal p-values among held-out real items.

**Score.** In the active axes of the training latents, at the latents' own scale,

    s(z) = D(z) / D(around z)^(1/2)

D(z): mean distance to the k = 5 nearest training latents, z itself left out; D(around z): the mean of the
same over those 5. It is the geometric mean of the plain distance D(z) and of the distance in units of the
spacing there, D(z) / D(around z), a local outlier factor.

**Support.** Half of the held-out items calibrate, p(z) = (1 + #{calibration scores >= s(z)}) / (1 + n): a
real item's p-value is uniform on (0, 1], whatever the distribution; the other half tests that
(Kolmogorov-Smirnov, two-sample between the scores of both halves, since the calibration half is a sample too:
against the uniform law itself true uniformity would be refused one time in three). The halves are drawn at
random: p < .05 comes one time in twenty by chance. Equal items tie, which makes p-values too large, never too
small.

**Weight.** For geodesics, a smooth factor from the kernel density of m training latents c_j of bandwidth h:

    E(z) = -log (1/m) sum_j exp(-|z - c_j|^2 / 2 h^2)
    u = (E - E50) / (E95 - E50) - 1/2
    lambda(z) = 1 + log2(1 + 2^(8 u))

E50, E95: median and 95th percentile of E among calibration items. So lambda is 1.09 at the median, 5.1 where
support is about .05, and beyond grows as the squared distance, without bound. h has the best likelihood on
training latents outside the m.

Other scores, and what the figures depend on, are in the notes of docs/benchmarks.md.

Source: Vovk, Gammerman & Shafer 2005, Algorithmic learning in a random world; Laxhammar & Falkman 2010
(conformal distance to the nearest neighbours); Breunig et al. 2000, LOF; Arvanitidis et al. 2018 (conformal
factors); Geifman & El-Yaniv 2017 (risk and coverage).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..distances import Index, blocks, nearest
from ..errors import LiminalError
from ..generator import Autoencoder
from ..modalities import Modality
from ..tensors import CHUNK, in_chunks, rng
from .directions.probes import Frame

LEVEL = 0.05  # support below which a point is called unsupported
LEAST_HELD = 20
LANDMARKS, PROBED = 2_000, 1_000  # training latents that make the weight; others that choose its bandwidth
SAME = 1e-3  # of the median distance to the nearest neighbour: nearer is the item itself
STEEP = 8.0  # how fast the weight rises beyond 2


@dataclass(frozen=True, kw_only=True)
class Support:
    """What `fit_support` fits; a latent's p-value when called.

    Attributes:
        mean: (d,), of the training latents.
        axes: (d, a), orthonormal: the a axes along which they vary. What goes along no axis is not seen.
        points: (n, a), distinct training latents along these axes.
        around: (n, k + 1), the distances from each to its nearest ones, rising.
        itself: distance below which a nearest point is the item itself.
        k: neighbours.
        calibration: (c,), rising, scores of the calibration items.
        errors: (c,), rising, their reconstruction errors; None where these were not given.
        both: (c,), rising, their -log p of the score - log p of the error; None likewise.
        landmarks: (m, a), the training latents behind `weight`.
        bandwidth: h.
        typical: (E50, E95).
        tested: (t,), the rows of the held-out items that did not calibrate.
        evidence: JSON-ready: ``k``, ``active`` (a), ``n_train`` (distinct latents used), ``n_calibration``,
            ``n_tested``, ``ks_p`` (is support uniform on the tested items?), ``tested_below`` (share of them
            at .05 or less), ``train_median`` (of training items' own support: far above .5, the encoder knows
            them better than new ones). With errors: ``residual_ks_p``, ``belonging`` (share of tested items
            that belong), and with the training items' errors ``residual_ratio``: median held out / in
            training.
    """

    mean: Tensor
    axes: Tensor
    points: Tensor
    around: Tensor
    itself: float
    k: int
    calibration: Tensor
    errors: Tensor | None = None
    both: Tensor | None = None
    landmarks: Tensor
    bandwidth: float
    typical: tuple[float, float]
    tested: Tensor
    evidence: dict[str, Any] = field(default_factory=dict)

    def __call__(self, z: Tensor) -> Tensor:
        """Support of latents (n, d) or (d,): (n,), float64, in [1 / (c + 1), 1]; 0.03 means that 3 % of real
        items lie as far out.

        Raises:
            LiminalError: z has another width, or holds NaN or infinity.
        """
        return _p(self.calibration, self.score(z))

    @torch.no_grad()
    def score(self, z: Tensor) -> Tensor:
        """s (n,) of latents (n, d) or (d,): float64, higher is farther out; in blocks.

        A training item is scored without itself.

        Raises:
            LiminalError: z has another width, or holds NaN or infinity.
        """
        u = self.along(checked_latents(z, "z", len(self.mean)))
        near, rows = nearest(self._index, u, self.k + 1)
        own = (near[:, :1] <= self.itself).expand(-1, self.k)
        near, rows = torch.where(own, near[:, 1:], near[:, :-1]), torch.where(own, rows[:, 1:], rows[:, :-1])
        rings = self.around[rows]
        spacing, without = rings[..., :-1].mean(-1), (rings.sum(-1) - near) / self.k
        spacing = torch.where(
            own & (near <= rings[..., -2] * (1 + 1e-6)), without, spacing
        )  # nor does it count as its neighbours' neighbour
        return near.mean(1) / spacing.mean(1).clamp_min(self.itself).sqrt()

    def residual(self, errors: Tensor) -> Tensor:
        """p-values (n,) of errors (n,), as `residuals` gives them: 0.03 means that 3 % of held-out items are
        restored as badly.

        Raises:
            LiminalError: the support was fitted without errors, or these hold NaN.
        """
        if self.errors is None:
            raise LiminalError(
                "residual: the support was fitted without reconstruction errors; give held_residual= to "
                "fit_support"
            )
        return _p(self.errors, checked_errors(errors, None, "residual"))

    def belongs(self, z: Tensor, errors: Tensor, level: float = LEVEL) -> Tensor:
        """Whether inputs are of the kind that the space was made of: (n,), bool.

        The support of their latents and the p-value of their errors must both exceed `level`, and that of
        both together (Fisher's product, calibrated likewise) 2 x `level`, the share of real items that the
        two refuse at most. ``evidence["belonging"]`` tells the share of real items that pass. A blank picture
        is restored too well to be refused by its error: only its support can tell.

        Args:
            z: (n, d), the inputs' latents.
            errors: (n,), their reconstruction errors.
            level: in (0, .5).

        Raises:
            LiminalError: as `residual`; or z and errors do not fit each other.
        """
        p, q = self(z), self.residual(errors)
        if len(p) != len(q):
            raise LiminalError(
                f"belongs: {len(p)} latents but {len(q)} errors; wanted one error for each latent"
            )
        assert self.both is not None
        together = _p(self.both, -(p.log() + q.log()))
        return (p > level) & (q > level) & (together > 2 * level)

    def weight(self, z: Tensor) -> Tensor:
        """lambda (m,) >= 1 of latents (m, d), in z's precision: differentiable in both modes, any number of
        times. NaN gives NaN.

        The conformal factor of geodesics, to be multiplied with the squared speed; see the formula at the
        top. Nothing is looked up among
        neighbours: 1,000 points cost one product with 2,000 landmarks.
        """
        low, high = self.typical
        excess = (in_chunks(self._energy, z, 8 * CHUNK) - low) / (high - low) - 0.5
        return 1 + F.softplus(STEEP * math.log(2) * excess) / math.log(2)

    def _energy(self, z: Tensor) -> Tensor:
        """E (m,)."""
        u, c = (z - self.mean.to(z)) @ self.axes.to(z), self.landmarks.to(z)
        square = u.square().sum(-1, keepdim=True) + c.square().sum(-1) - 2 * u @ c.T
        return math.log(len(c)) - torch.logsumexp(square / (-2 * self.bandwidth**2), -1)

    @cached_property
    def _index(self) -> Index:
        """The points, prepared for being asked one latent after the other."""
        return Index(self.points)

    def along(self, z: Tensor) -> Tensor:
        """Coordinates (n, a) of latents (n, d) along the axes."""
        return (z - self.mean) @ self.axes


def fit_support(
    train_z: Tensor,
    held_z: Tensor,
    *,
    train_residual: Tensor | None = None,
    held_residual: Tensor | None = None,
    k: int = 5,
    seed: int = 0,
    most: int = 20_000,
) -> Support:
    """The support of latents, calibrated on one half of the held-out items and tested on the other.

    Args:
        train_z: (n, d), latents of training items. Equal ones count once; dimensions without variance (below
            a thousandth of the largest) are left out.
        held_z: (m, d), of held-out items, 20 or more.
        train_residual: (n,), the training items' reconstruction errors: only compared with the held-out ones.
        held_residual: (m,), the held-out items' reconstruction errors; None: `residual` and `belongs` are not
            available.
        k: neighbours behind the score.
        seed: of the halves and of all random choices.
        most: training items used, a random choice where there are more.

    Raises:
        LiminalError: too few items, all training latents the same, NaN, or shapes that do not fit.
    """
    train_z = checked_latents(train_z, "train_z")
    held_z = checked_latents(held_z, "held_z", train_z.shape[1])
    if len(held_z) < LEAST_HELD:
        raise LiminalError(
            f"fit_support: {len(held_z)} held-out items; wanted {LEAST_HELD} or more, half to calibrate and "
            "half to test"
        )
    if k < 1 or min(len(train_z), most) < k + 2:
        raise LiminalError(
            f"fit_support: {len(train_z)} training items, of which at most {most}, and k = {k}; wanted k of "
            f"1 or more and {k + 2} items"
        )
    held_errors = (
        None if held_residual is None else checked_errors(held_residual, len(held_z), "held_residual")
    )
    train_errors = (
        None if train_residual is None else checked_errors(train_residual, len(train_z), "train_residual")
    )
    generator = rng(seed)
    chosen = train_z[torch.randperm(len(train_z), generator=generator)[:most]].unique(dim=0)
    chosen = chosen[torch.randperm(len(chosen), generator=generator)]
    if len(chosen) < k + 2:
        raise LiminalError(
            f"fit_support: {len(chosen)} different training latents; wanted {k + 2} or more for k = {k}"
        )
    order = torch.randperm(len(held_z), generator=generator)
    half, tested = order[: len(order) // 2], order[len(order) // 2 :]
    plain = _uncalibrated(chosen, k, tested)
    energy = plain._energy(held_z[half])
    low, high = torch.quantile(energy, torch.tensor([0.5, 0.95], dtype=torch.float64)).tolist()
    scores = plain.score(held_z)
    found = replace(plain, calibration=scores[half].sort().values, typical=(low, max(high, low + 1e-3)))
    if held_errors is not None:
        errors = held_errors[half].sort().values
        both = -(_share(found.calibration, scores[half]).log() + _share(errors, held_errors[half]).log())
        found = replace(found, errors=errors, both=both.sort().values)
    return replace(found, evidence=_evidence(found, held_z, scores, held_errors, train_errors, half))


def _uncalibrated(z: Tensor, k: int, tested: Tensor) -> Support:
    """What scores latents among distinct training ones (n, d), in any order, before held-out items set what a
    score means; `tested` are the rows of these that shall not.
    """
    mean, axes = _active(z)
    points = (z - mean) @ axes
    around = nearest(points, points, k + 1)[0]
    landmarks, bandwidth = _kernels(points)
    return Support(
        mean=mean,
        axes=axes,
        points=points,
        around=around,
        itself=max(SAME * float(around[:, 0].median()), 1e-12),
        k=k,
        calibration=torch.zeros(0),
        landmarks=landmarks,
        bandwidth=bandwidth,
        typical=(0.0, 1.0),
        tested=tested,
    )


def _active(z: Tensor) -> tuple[Tensor, Tensor]:
    """The mean (d,) of latents (n, d) and the axes (d, a) along which they vary, of length 1: whitening was
    tried and is worse.
    """
    try:
        frame = Frame(z)
    except LiminalError:
        raise LiminalError(
            "fit_support: the training latents hardly differ from each other; wanted a space whose items vary"
        ) from None
    return frame.mean, frame.white / frame.white.norm(dim=0)


def _kernels(points: Tensor) -> tuple[Tensor, float]:
    """Landmarks (m, a) among points (n, a), which come in random order, and the bandwidth under which others
    are likeliest.
    """
    m = min(LANDMARKS, (len(points) + 1) // 2)
    landmarks, others = points[:m], points[m : m + PROBED]
    square = torch.cat([part.clone() for _, part in blocks(others, landmarks)]).clamp_min(0)
    unit = float(square.amin(1).sqrt().median())
    unit = unit if unit > 0 else float(points.std())

    def likelihood(h: float) -> float:
        return float(torch.logsumexp(square / (-2 * h * h), 1).mean()) - points.shape[1] * math.log(h)

    return landmarks, max((unit * 10**power for power in np.linspace(-1, 0.5, 25).tolist()), key=likelihood)


def _evidence(
    found: Support, held_z: Tensor, scores: Tensor, held: Tensor | None, train: Tensor | None, half: Tensor
) -> dict[str, Any]:
    """See `Support.evidence`; scores and errors are those of all held-out items, `half` the rows that
    calibrate.
    """
    p = _p(found.calibration, scores)
    some = found.points[:PROBED] @ found.axes.T + found.mean
    evidence: dict[str, Any] = {
        "k": found.k,
        "active": found.axes.shape[1],
        "n_train": len(found.points),
        "n_calibration": len(half),
        "n_tested": len(found.tested),
        "ks_p": _ks(scores[half], scores[found.tested]),
        "tested_below": float((p[found.tested] <= LEVEL).double().mean()),
        "train_median": float(found(some).median()),
    }
    if held is not None:
        evidence["residual_ks_p"] = _ks(held[half], held[found.tested])
        evidence["belonging"] = float(found.belongs(held_z[found.tested], held[found.tested]).double().mean())
        if train is not None:
            evidence["residual_ratio"] = float(held.median() / train.median().clamp_min(1e-30))
    return evidence


def _ks(a: Tensor, b: Tensor) -> float:
    """p-value of the hypothesis that a (n,) and b (m,) come from one distribution."""
    from scipy.stats import ks_2samp

    return float(ks_2samp(a.numpy(), b.numpy(), method="asymp").pvalue)


def _p(rising: Tensor, values: Tensor) -> Tensor:
    """Conformal p-values (n,): the share of the calibration values and the new one that are at least as large
    as the new one.
    """
    return (1 + len(rising) - torch.searchsorted(rising, values)).double() / (1 + len(rising))


def _share(rising: Tensor, values: Tensor) -> Tensor:
    """The same for values that are among the calibration values themselves."""
    return (len(rising) - torch.searchsorted(rising, values)).double() / len(rising)


def checked_latents(z: Tensor, name: str, dim: int | None = None) -> Tensor:
    """Latents as float64 (n, d) on the CPU."""
    z = torch.as_tensor(z).detach().cpu().double()
    z = z[None] if z.ndim == 1 and dim is not None else z
    if z.ndim != 2 or z.shape[1] != (dim or max(1, z.shape[1])):
        raise LiminalError(
            f"support: wanted {name} of shape (n, {dim or 'd'}), got {tuple(z.shape)}; give one latent a row"
        )
    if not torch.isfinite(z).all():
        row = int((~torch.isfinite(z).all(1)).nonzero()[0])
        raise LiminalError(f"support: row {row} of {name} holds NaN or infinity; wanted finite numbers")
    return z


def checked_errors(errors: Tensor, count: int | None, name: str) -> Tensor:
    """Reconstruction errors as float64 (n,) on the CPU."""
    errors = torch.as_tensor(errors).detach().cpu().double()
    errors = errors[None] if errors.ndim == 0 else errors
    if errors.ndim != 1 or (count is not None and len(errors) != count):
        raise LiminalError(
            f"support: wanted {name} of shape ({count or 'n'},), got {tuple(errors.shape)}; give one error "
            "an item"
        )
    if not torch.isfinite(errors).all():
        raise LiminalError(
            f"support: {name} holds NaN or infinity; wanted finite numbers, as residuals() gives them"
        )
    return errors


def residuals(generator: Autoencoder, modality: Modality, items: np.ndarray) -> Tensor:
    """Reconstruction error of each item: its mean squared difference from decode(encode(item)) in the
    modality's chart, (n,) float64.

    Args:
        generator: encodes and decodes.
        modality: of the items.
        items: (n, *item_shape), stored items, or anything that has a length and gives them by slices.

    Raises:
        LiminalError: the items have another shape than the generator's.
    """
    found = []
    for i in range(0, len(items), CHUNK):
        part = items[i : i + CHUNK]
        y = modality.chart(generator.decode(generator.encode(modality.tensor(part))).cpu())
        found.append((modality.chart(modality.soft(part)).double() - y).square().mean(1))
    return torch.cat(found) if found else torch.zeros(0, dtype=torch.float64)
