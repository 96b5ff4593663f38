"""How evenly a decoder spreads the latent space over the data: condition number, volume, path length, bent
shortest paths.

Everything here judges the decoder, not the encoder, and depends on the unit of z: steps are taken in standard
deviations of the latents.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...errors import LiminalError
from ...ops.geodesics.metric import pullback_metric, stretches
from ...ops.ways.mixing import arc
from ...tensors import CHUNK, rng
from ..value import Interval, Measure, around, subsample_spread

ROUNDS = 100  # subsamples; medians of a few hundred numbers are cheap
Way = Callable[[Tensor, Tensor, Tensor], Tensor]
WAYS: dict[str, Way] = {"linear": lambda a, b, t: a + t * (b - a), "slerp": arc}


@dataclass(frozen=True)
class Stretch:
    """What the decoder does to small steps at each of n points, in the active dimensions.

    Attributes:
        values: (n, a), singular values of the Jacobian per unit of spread, largest first.
        condition: (n,), largest over smallest; infinite where a direction changes nothing at all.
        volume: (n,), log of the volume element, the sum of the logs of the singular values, in nats;
            -infinity where one is 0.
    """

    values: np.ndarray
    condition: np.ndarray
    volume: np.ndarray


def stretch(
    chart: Callable[[Tensor], Tensor],
    z: Tensor,
    spread: Tensor | None = None,
    active: Tensor | None = None,
    step: float = 3e-3,
) -> Stretch:
    """Singular values of the decoder's Jacobian at points, by finite differences.

    Singular values below a thousandth of the largest are near what differences in float32 can tell: read
    condition numbers above 1,000 as "large".

    Args:
        chart: z (n, d) -> (n, D), see `Modality.chart`.
        z: (n, d), points to look at; each costs d + 1 decodings.
        spread: (d,), unit of each dimension; None: 1.
        active: (d,) bool, the dimensions that count; None: all.
        step: of the differences, in units of spread.

    Raises:
        LiminalError: no point, no active dimension, or as `pullback_metric`.
    """
    keep = torch.ones(z.shape[-1], dtype=torch.bool) if active is None else active
    if not len(z) or not keep.any():
        raise LiminalError(
            f"condition number: {len(z)} points and {int(keep.sum())} active dimensions; wanted one or more "
            "of each"
        )
    values = stretches(pullback_metric(chart, z, step, spread)[:, keep][:, :, keep])[0].numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        condition = np.where(values[:, -1] > 0, values[:, 0] / values[:, -1], np.inf)
        return Stretch(values, condition, np.log(values).sum(1))


def condition_number(found: Stretch, seed: int = 0) -> list[Measure]:
    """Median condition number, and how far the volume element varies (standard deviation of its log for each
    dimension) over points.

    Both are at their best, 1 and 0, for a decoder that keeps lengths up to one common scale.
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    n, a = found.values.shape
    low, high = np.percentile(found.condition, [10, 90], method="nearest")
    note = (
        f"{n:,} points, {a} active dimensions; a tenth of the points lies below {low:.3g}, a tenth above "
        f"{high:.3g}."
    )
    measures = [
        _median("condition_number", found.condition, generator, (1, np.inf), {"keeps lengths": 1.0}, note)
    ]
    logs = found.volume[np.isfinite(found.volume)] / a
    if len(logs) >= 4:
        value = float(logs.std())
        error = float(subsample_spread(lambda rows: logs[rows].std(), (len(logs),), generator, ROUNDS))
        note = f"Standard deviation over {len(logs):,} points of log volume element / {a}."
        measures.append(
            Measure(
                "volume_spread",
                value,
                interval=around(value, error, (0, np.inf)),
                unit="nats",
                better="lower",
                baseline={"keeps lengths": 0.0},
                note=note,
            )
        )
    return measures


def _median(
    name: str,
    values: np.ndarray,
    generator: np.random.Generator,
    bounds: Interval,
    baseline: dict[str, float],
    note: str,
) -> Measure:
    value = float(np.median(values))
    interval = None
    if len(values) >= 4 and np.isfinite(values).all():
        error = float(
            subsample_spread(lambda rows: np.median(values[rows]), (len(values),), generator, ROUNDS)
        )
        interval = around(value, error, bounds)
    return Measure(name, value, interval=interval, unit="", better="lower", baseline=baseline, note=note)


@dataclass(frozen=True)
class PathLengths:
    """What features do along the way between pairs of latents.

    Attributes:
        squared: (n,), |features(t + epsilon) - features(t)|^2 / epsilon^2 at one t of each pair: Karras et
            al.'s path length.
        straight: (n,), squared distance between the features of the two ends: the least that the mean of
            `squared` along any way can be.
    """

    squared: np.ndarray
    straight: np.ndarray


def path_lengths(
    decode: Callable[[Tensor], Tensor],
    features: Callable[[Tensor], Tensor],
    start: Tensor,
    end: Tensor,
    along: str = "linear",
    epsilon: float = 1e-3,
    seed: int = 0,
) -> PathLengths:
    """Squared speed of features along ways between latents, each at one random t in [0, 1 - epsilon].

    Args:
        decode: z (n, d) -> x (n, *shape), not rounded.
        features: x -> (n, f), the eyes that judge; say which in the note.
        start: (n, d).
        end: (n, d).
        along: ``linear`` or ``slerp``.
        epsilon: the step; 1e-2 to 1e-4 (the paper's) agreed within .3 % on image decoders in float32, 1e-3
            within .1 % of float64.
        seed: of t.

    Raises:
        LiminalError: no pairs, shapes that differ, an epsilon outside (0, 1), or another way.

    Source: Karras, Laine and Aila 2019, A style-based generator architecture for generative adversarial
    networks.
    """
    if start.shape != end.shape or start.ndim != 2 or not len(start):
        raise LiminalError(
            f"path length: pairs of latents of shape {tuple(start.shape)} and {tuple(end.shape)}; wanted "
            "(n, d) of both"
        )
    if along not in WAYS or not 0 < epsilon < 1:
        raise LiminalError(
            f"path length: along={along!r}, epsilon={epsilon}; wanted {' or '.join(WAYS)} and 0 < epsilon < 1"
        )
    t = torch.rand(len(start), 1, generator=rng(seed)).to(start) * (1 - epsilon)
    way = WAYS[along]
    squared, straight = [], []
    with torch.no_grad():
        for i in range(0, len(start), CHUNK):
            a, b, part = start[i : i + CHUNK], end[i : i + CHUNK], t[i : i + CHUNK]
            seen = [
                features(decode(z)).double().flatten(1).cpu()
                for z in (way(a, b, part), way(a, b, part + epsilon), a, b)
            ]
            squared.append((seen[1] - seen[0]).square().sum(1) / epsilon**2)
            straight.append((seen[3] - seen[2]).square().sum(1))
    return PathLengths(torch.cat(squared).numpy(), torch.cat(straight).numpy())


def perceptual_path_length(found: PathLengths, feature_map: str, seed: int = 0) -> list[Measure]:
    """Mean squared speed of features, and the same over the squared distance of the ends, which is 1 for
    straight ways at constant speed.

    The first is in squared units of the features and compares spaces only under the same feature map; the
    second has no unit.

    Args:
        found: of 4 pairs or more.
        feature_map: its name, for the note.
        seed: of the subsamples.
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    n, note = len(found.squared), f"{len(found.squared):,} pairs, features: {feature_map}."
    ratio: Callable[[np.ndarray], np.ndarray] = lambda rows: np.array(
        [found.squared[rows].mean(), found.squared[rows].mean() / max(found.straight[rows].mean(), 1e-300)]
    )
    value, errors = ratio(np.arange(n)), subsample_spread(ratio, (n,), generator, ROUNDS)
    return [
        Measure(
            "path_length",
            float(value[0]),
            interval=around(float(value[0]), float(errors[0]), (0, np.inf)),
            unit="",
            better="lower",
            baseline={},
            note=note,
        ),
        Measure(
            "path_detour",
            float(value[1]),
            interval=around(float(value[1]), float(errors[1]), (0, np.inf)),
            unit="",
            better="lower",
            baseline={"straight": 1.0},
            note=note,
        ),
    ]


def geodesic_ratio(
    geodesic: np.ndarray, straight: np.ndarray, what: str = "length", seed: int = 0
) -> Measure:
    """Median over pairs of the shortest path found over the straight line in z, both measured in data.

    1: straight lines are shortest paths already, the space is flat as the decoder sees it. Above 1: the
    search did worse than the line.

    Args:
        geodesic: (n,) lengths or energies of the shortest paths.
        straight: (n,) of the lines between the same ends, above 0.
        what: ``length`` or ``energy``, for the note.
        seed: of the subsamples.

    Raises:
        LiminalError: no pairs, counts that differ, or a line of length 0.
    """
    if len(geodesic) != len(straight) or not len(straight) or not (np.asarray(straight) > 0).all():
        raise LiminalError(
            f"geodesic ratio: {len(geodesic)} shortest paths and {len(straight)} lines; wanted as many, and "
            "lines between different items"
        )
    ratios = np.asarray(geodesic, dtype=float) / np.asarray(straight, dtype=float)
    note = f"{what} of {len(ratios):,} pairs; the most bent tenth lies below {np.percentile(ratios, 10):.3f}."
    m = _median(
        "geodesic_ratio", ratios, np.random.Generator(np.random.PCG64(seed)), (0, np.inf), {"flat": 1.0}, note
    )
    return Measure(
        m.name, m.value, interval=m.interval, unit="", better="higher", baseline=m.baseline, note=m.note
    )
