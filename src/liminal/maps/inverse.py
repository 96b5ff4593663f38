"""From a place on a map back to a latent, with what to expect of it.

Many z share a place, so the best answer in the mean square is their mean there. It is estimated from the k
nearest items on the map: by their average, by an average weighted with w_i = exp(-2 (r_i / r_k)^2), or by the
plane of z over (x, y) fitted under these weights (local linear regression, Cleveland 1979). Way and k are
chosen on items that have no say in their own answer; by how much these are missed, smoothed over the map, is
the error that the inverse predicts. Places farther from the items than items lie from one another there are
told as outside: beyond the map's edge and in its holes.

A layout knows the items that it was fitted on: on a t-SNE of 5,000 Fashion-MNIST latents they are missed by
2.0 where they lie, and the way that is best for them misses new ones by 2.9. `Map.inverse` therefore chooses
and calibrates on items placed as if they were new (2.46 said, 2.55 found on new ones).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import LiminalError
from .answers import answer, near, others, parts

COUNTS = (2, 3, 5, 10, 15, 20, 30, 50, 80)  # neighbours that are tried
WAYS = ("average", "weighted", "plane")
PLANE = 10  # neighbours below which no plane is fitted
CHOSEN = 4000  # held-out items on which way and k are chosen
KEPT = 20_000  # held-out items whose errors make the map of errors
DECODED = 2000  # of these, decoded for the errors of the data
REGIONS = (15, 30, 60, 120, 240)  # items whose errors make a region's, tried
FEW = 5  # neighbours that tell inside from outside, and the region
MISSED = 0.01  # share of the items on the map, each left out, that may be told as outside
POWERS = (0.0, 0.25, 0.5, 0.75, 1.0)  # how far regions are told apart, tried
LEAST = 1e-4  # of a region's squared error, in means of all
BINS, FULL = 10, 50  # of the calibration, and items in each at least


@dataclass(frozen=True)
class InverseResult:
    """What lies at places on a map.

    Attributes:
        z: (m, d) float32; where `outside` too, from the nearest items.
        outside: (m,) bool, no item is near.
        error: (m,) expected Euclidean distance of z from the latent of an item that lies there, root mean
            square; NaN outside.
        data_error: (m,) the same for decoded data, root mean square an element; None where no decoder was
            given.
    """

    z: np.ndarray
    outside: np.ndarray
    error: np.ndarray
    data_error: np.ndarray | None


@dataclass(frozen=True)
class Held:
    """Items that an inverse is held against.

    Attributes:
        places: (v, 2), where they lie on the map or would lie.
        z: (v, d), their latents.
        rows: (v,), which items of the map they are, so that they do not answer for themselves; None: none of
            them is on the map.
    """

    places: np.ndarray
    z: np.ndarray
    rows: np.ndarray | None = None


@dataclass(frozen=True, kw_only=True)
class Inverse:
    """The way from places on one map to latents, made by `fit_inverse`; call it with places.

    Attributes:
        xy: (n, 2) float64, the items' places.
        z: (n, d) float32, their latents.
        method: ``average``, ``weighted`` or ``plane``.
        k: neighbours that answer.
        evidence: of held-out items: ``error``, root mean square distance; ``spread``, the same for answering
            the mean of all; ``tried``, the error of each way by "method k"; ``validated_on``, how many;
            ``outside``, the share told as outside; ``calibration``, the largest difference between predicted
            and actual error over bins of equal size, as a share, None below 100 items; and ``data_error``,
            ``data_calibration`` where a decoder was given.
        tree: of the places.
        spacing: (n,) distance on the map to an item's `FEW`-th neighbour.
        limits: least and largest spacing that count, and how many times the spacing the `FEW`-th item may be
            away.
        squared: (n,) expected squared error at each item; `data_squared` of decoded data.
    """

    xy: np.ndarray = field(repr=False)
    z: np.ndarray = field(repr=False)
    method: str
    k: int
    evidence: dict[str, Any] = field(repr=False)
    tree: Any = field(repr=False)
    spacing: np.ndarray = field(repr=False)
    limits: tuple[float, float, float] = field(repr=False)
    squared: np.ndarray = field(repr=False)
    data_squared: np.ndarray | None = field(default=None, repr=False)

    def __call__(self, points: np.ndarray) -> InverseResult:
        """What lies at places (m, 2) of the map, some thousands at a time.

        Raises:
            LiminalError: not (m, 2), or NaN or infinity.
        """
        points = _places(points, "inverse")
        few = min(FEW, len(self.xy))
        z = np.empty((len(points), self.z.shape[1]), np.float32)
        outside = np.empty(len(points), bool)
        errors = np.empty(len(points))
        data = None if self.data_squared is None else np.empty(len(points))
        for part in parts(len(points), self.k * self.z.shape[1]):
            far, rows = near(self.tree, points[part], max(self.k, few))
            off = outside[part] = _sparse(far[:, few - 1], self.spacing[rows[:, :few]], self.limits)
            z[part] = answer(
                self.method, points[part], self.xy, self.z, far[:, : self.k], rows[:, : self.k], off
            )
            errors[part] = np.where(off, np.nan, np.sqrt(self.squared[rows[:, :few]].mean(1)))
            if data is not None and self.data_squared is not None:
                data[part] = np.where(off, np.nan, np.sqrt(self.data_squared[rows[:, :few]].mean(1)))
        return InverseResult(z, outside, errors, data)


def fit_inverse(
    xy: np.ndarray,
    z: np.ndarray,
    seed: int = 0,
    held: Held | None = None,
    decode: Callable[[np.ndarray], np.ndarray] | None = None,
    data: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Inverse:
    """Learn the way back from a map: which neighbours answer, where it holds, and by how much it misses.

    Args:
        xy: (n, 2), the items' places; n >= 4.
        z: (n, d), their latents.
        seed: of the items that are held out, at most 20,000.
        held: items to choose and calibrate on; None: the map's own where they lie, which is right for pca.
        decode: z (m, d) -> decoded items (m, ...), for errors of the data too.
        data: numbers (m,) of held items (of the map's where `held` is None) -> these as `decode` gives them
            (m, ...).

    Raises:
        LiminalError: fewer than 4 items, shapes that do not fit, NaN or infinity, or one of `decode` and
        `data` without the other.
    """
    from scipy.spatial import cKDTree

    xy, z = _pairs(xy, z, 4)
    if (decode is None) != (data is None):
        raise LiminalError(
            "inverse: decode and data go together; give both for errors of decoded data, or neither"
        )
    own = Held(xy, z, np.arange(len(xy)))
    held = own if held is None else Held(*_pairs(held.places, held.z, 1), held.rows)
    numbers = np.random.default_rng(seed).permutation(len(held.z))[:KEPT]
    held = Held(held.places[numbers], held.z[numbers], None if held.rows is None else held.rows[numbers])
    tree = cKDTree(xy)
    spacing, limits = _spaced(tree, xy, seed)
    first = CHOSEN if len(numbers) > CHOSEN else None
    some = Held(held.places[:first], held.z[:first], None if held.rows is None else held.rows[:first])
    method, k, tried = _chosen(tree, xy, z, some, spacing, limits)
    answers, outside = _held_out(tree, xy, z, held, [(method, k)], spacing, limits)
    missed = np.square(answers[0] - held.z, dtype=np.float64).sum(1)
    squared, calibration = _regions(xy, held.places, missed, ~outside)
    evidence: dict[str, Any] = {
        "error": float(np.sqrt(missed.mean())),
        "spread": float(np.sqrt(np.square(held.z - z.mean(0), dtype=np.float64).sum(1).mean())),
        "tried": tried,
        "validated_on": len(numbers),
        "outside": float(outside.mean()),
        "calibration": calibration,
    }
    data_squared = None
    if decode is not None and data is not None:
        shown = slice(0, DECODED)
        gap = np.asarray(decode(answers[0][shown]), np.float64) - np.asarray(data(numbers[shown]), np.float64)
        wrong = np.square(gap).reshape(len(gap), -1).mean(1)
        data_squared, evidence["data_calibration"] = _regions(xy, held.places[shown], wrong, ~outside[shown])
        evidence["data_error"] = float(np.sqrt(wrong.mean()))
    return Inverse(
        xy=xy,
        z=z,
        method=method,
        k=k,
        evidence=evidence,
        tree=tree,
        spacing=spacing,
        limits=limits,
        squared=squared,
        data_squared=data_squared,
    )


def _spaced(tree: Any, xy: np.ndarray, seed: int) -> tuple[np.ndarray, tuple[float, float, float]]:
    """Distance (n,) of each item to its `FEW`-th other, and the limits of what is inside.

    Spacings between the median and the 95th percentile count, so that neither a clump nor a lone item sets
    the measure; the multiple of it is the one that all but `MISSED` of the items keep, each left out.
    """
    few = min(FEW, len(xy) - 1)
    spacing = np.concatenate([near(tree, xy[p], few + 1)[0][:, -1] for p in parts(len(xy), FEW)])
    low, high = (float(q) for q in np.quantile(spacing, [0.5, 0.95]).clip(min=np.finfo(np.float32).tiny))
    some = np.random.default_rng(seed).permutation(len(xy))[:KEPT]
    far, rows = others(tree, xy[some], some, few)
    multiple = np.quantile(far[:, -1] / np.clip(spacing[rows].mean(1), low, high), 1 - MISSED)
    return spacing, (low, high, max(float(multiple), 1.0))


def _sparse(far: np.ndarray, spacing: np.ndarray, limits: tuple[float, float, float]) -> np.ndarray:
    """Whether places lie outside (m,), by the distance of the `FEW`-th item (m,) and the nearest items' own
    spacing (m, few).
    """
    low, high, multiple = limits
    return far > multiple * np.clip(spacing.mean(1), low, high)


def _chosen(
    tree: Any,
    xy: np.ndarray,
    z: np.ndarray,
    held: Held,
    spacing: np.ndarray,
    limits: tuple[float, float, float],
) -> tuple[str, int, dict[str, float]]:
    """Way and k of least root mean square error over held-out items; of equal ones the fewest neighbours."""
    ways = [(method, k) for k in COUNTS if k < len(xy) for method in (WAYS if k >= PLANE else WAYS[:2])]
    answers, _ = _held_out(tree, xy, z, held, ways, spacing, limits)
    errors = [float(np.sqrt(np.square(a - held.z, dtype=np.float64).sum(1).mean())) for a in answers]
    best = min(range(len(ways)), key=lambda i: (errors[i], ways[i][1]))
    return *ways[best], {f"{method} {k}": error for (method, k), error in zip(ways, errors, strict=True)}


def _held_out(
    tree: Any,
    xy: np.ndarray,
    z: np.ndarray,
    held: Held,
    ways: Sequence[tuple[str, int]],
    spacing: np.ndarray,
    limits: tuple[float, float, float],
) -> tuple[list[np.ndarray], np.ndarray]:
    """For each way its answers (v, d) at the places of held-out items, from others than themselves; whether
    they lie outside (v,).
    """
    few = min(FEW, len(xy) - 1)
    most = max(few, *(k for _, k in ways))
    answers = [np.empty((len(held.z), z.shape[1]), np.float32) for _ in ways]
    outside = np.empty(len(held.z), bool)
    for part in parts(len(held.z), most * z.shape[1]):
        at = held.places[part]
        far, rows = near(tree, at, most) if held.rows is None else others(tree, at, held.rows[part], most)
        off = outside[part] = _sparse(far[:, few - 1], spacing[rows[:, :few]], limits)
        for (method, k), told in zip(ways, answers, strict=True):
            told[part] = answer(method, at, xy, z, far[:, :k], rows[:, :k], off)
    return answers, outside


def _regions(
    xy: np.ndarray, places: np.ndarray, missed: np.ndarray, inside: np.ndarray
) -> tuple[np.ndarray, float | None]:
    """Expected squared error at every item, from squared errors `missed` (v,) at places inside, and how well
    that is calibrated.

    c m^p, where m is the mean over a region's places, each left out of its own, and p = 0 tells no region
    apart. Size of the region and p are those of least Gaussian deviance, mean(log(predicted) + missed /
    predicted), whose best c is mean(missed / m^p).
    """
    from scipy.spatial import cKDTree

    places, missed = places[inside], missed[inside]
    if len(missed) < 2 or not missed.any():
        return np.full(len(xy), missed.mean() if len(missed) else np.nan), None
    tree, own, least = cKDTree(places), np.arange(len(missed)), LEAST * missed.mean()
    best: tuple[float, np.ndarray, np.ndarray] | None = None
    for count in [c for c in REGIONS if c < len(missed)] or [len(missed) - 1]:
        around = missed[others(tree, places, own, count)[1]].mean(1)
        with_own = (count * around + missed) / (count + 1)
        for power in POWERS:
            left_out, local = (np.maximum(m, least) ** power for m in (around, with_own))
            scale = (missed / left_out).mean()
            loss = float(np.log(scale * left_out).mean())  # the other term is 1
            if best is None or loss < best[0]:
                best = loss, scale * left_out, scale * local
    assert best is not None
    nearest = np.concatenate([near(tree, xy[p], 1)[1][:, 0] for p in parts(len(xy), 1)])
    return best[2][nearest], _calibration(best[1], missed)


def _calibration(predicted: np.ndarray, actual: np.ndarray) -> float | None:
    """Largest |predicted / actual - 1| of root mean squares over bins of equal size, by the predicted; None
    for fewer than two bins.
    """
    count = min(BINS, len(actual) // FULL)
    if count < 2:
        return None
    bins = np.array_split(np.argsort(predicted, kind="stable"), count)
    ratios = [np.sqrt(predicted[b].mean() / actual[b].mean()) for b in bins if actual[b].any()]
    return float(np.abs(np.array(ratios) - 1).max())


def _pairs(places: np.ndarray, z: np.ndarray, least: int) -> tuple[np.ndarray, np.ndarray]:
    """Places and latents, checked."""
    places, z = _places(places, "inverse"), np.ascontiguousarray(z, np.float32)
    if z.ndim != 2 or len(z) != len(places) or len(z) < least:
        raise LiminalError(
            f"inverse: wanted places (n, 2) and latents (n, d) of the same {least} items or more, got "
            f"{places.shape} and {z.shape}"
        )
    wrong = np.flatnonzero(~np.isfinite(z).all(1))
    if len(wrong):
        raise LiminalError(
            f"inverse: row {wrong[0]} of the latents holds NaN or infinity; wanted finite numbers"
        )
    return places, z


def _places(points: np.ndarray, call: str) -> np.ndarray:
    points = np.asarray(points, np.float64)
    if points.ndim != 2 or points.shape[1] != 2:
        raise LiminalError(f"{call}: wanted places (m, 2) on the map, got {points.shape}")
    wrong = np.flatnonzero(~np.isfinite(points).all(1))
    if len(wrong):
        raise LiminalError(f"{call}: place {wrong[0]} holds NaN or infinity; wanted finite numbers")
    return np.ascontiguousarray(points)
