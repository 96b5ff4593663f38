"""What attributes do along ways between pairs of items, read from what is decoded.

Letters: a an attribute's reading, t the fraction of the way, P pairs. Readings are put into units in which
attributes compare:

- a **number** in standard deviations over real items, (n, 1);
- a **category** as the probabilities of its values, (n, c), with half the sum of absolute differences (total
  variation) as distance, so that 1 is from one sure value to another;
- a **yes/no** as the probabilities of both. Everything lies between no and yes, so it says nothing about
  betweenness and is left out there.

Per pair whose ends differ by half a unit or more, with tolerance .1 (of a unit) and g the distance of the
ends:

- **betweenness**: share of t in 1/4, 1/2, 3/4 at which no component of a leaves the ends' range; chance is
  about .45;
- **monotonicity**: g / (sum of the distances from step to step); 1: it never turns;
- **midpoint bias**: distance of a at 1/2 from the mean of the ends; 0: just halfway;
- **largest jump**: the largest distance from step to step / their sum; 1 / steps: even.

Betweenness is had for nothing by copying an end: read it beside the largest jump, which is then 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from ...errors import LiminalError
from ...modalities import Read
from ..value import Interval, around

APART = 0.5  # units that the ends of a pair must differ by
TOLERANCE = 0.1  # units by which a reading between may leave the ends' range
JUDGED = (0.25, 0.5, 0.75)  # fractions at which betweenness and realism are judged
LEAST = 12  # pairs that differ in an attribute below which nothing is said about it
SURE = 0.1  # a reading this near to 0 or 1 is sure

Kind = Literal["number", "category", "yes/no"]
Values = Mapping[str, np.ndarray]  # (P,) by attribute, NaN where the ends do not differ


class Reading:
    """Readers joined, their readings in units measured on real items.

    Args:
        reads: each gives (n,) by name; names of the form ``name=value`` are the probabilities of a category.
        real: x (n, *shape) of real items.

    Attributes:
        kinds: of the attributes, by name.
        silent: names of readings that do not vary among the real items and are left out.

    Raises:
        LiminalError: nothing that varies is read.
    """

    def __init__(self, reads: Sequence[Read], real: Tensor) -> None:
        self.reads = tuple(reads)
        self.kinds: dict[str, Kind] = {}
        self.units: dict[str, float] = {}
        self.silent: list[str] = []
        for name, a in self._raw(real).items():
            spread = float(a.std(0, correction=0).amax())
            if not np.isfinite(spread) or spread < 1e-6:
                self.silent.append(name)
                continue
            if a.shape[1] > 1:
                self.kinds[name] = "category" if a.shape[1] > 2 else "yes/no"
            else:
                self.kinds[name] = "yes/no" if _is_chance_of_yes(a) else "number"
            self.units[name] = spread if self.kinds[name] == "number" else 1.0
        if not self.kinds:
            raise LiminalError(
                "meaning: no reading varies among the real items; give a reader that sees how they differ"
            )

    def __call__(self, x: Tensor) -> dict[str, Tensor]:
        """x (n, *shape) -> (n, c) for each attribute, in its units, float64."""
        raw = self._raw(x)
        found = {}
        for name, kind in self.kinds.items():
            a = raw[name] / self.units[name]
            found[name] = torch.cat([a, 1 - a], 1) if kind == "yes/no" and a.shape[1] == 1 else a
        return found

    def _raw(self, x: Tensor) -> dict[str, Tensor]:
        columns: dict[str, list[Tensor]] = {}
        for read in self.reads:
            for name, value in read(x).items():
                columns.setdefault(name.split("=")[0] if "=" in name else name, []).append(
                    value.detach().cpu().double()
                )
        return {name: torch.stack(values, 1) for name, values in columns.items()}


def _is_chance_of_yes(a: Tensor) -> bool:
    """Whether readings (n, 1) are probabilities of which most are near 0 or 1."""
    within = bool((a >= 0).all() and (a <= 1).all())
    return within and float(((a - 0.5).abs() > 0.5 - SURE).double().mean()) > 0.8


@dataclass(frozen=True)
class Line:
    """What was read along P ways.

    Attributes:
        t: fractions (m,), rising, 0 and 1 at the ends, 1/2 and maybe more of `JUDGED` among them.
        seen: (m, P, c) by attribute, in units.
        real: (fractions of `JUDGED` in t, P) bool, whether what is decoded looks real.
        kinds: of the attributes.
    """

    t: tuple[float, ...]
    seen: Mapping[str, Tensor]
    real: Tensor
    kinds: Mapping[str, Kind]

    def apart(self, name: str) -> Tensor:
        """(P,) bool: the ends differ by half a unit or more."""
        return _distance(self.seen[name][0], self.seen[name][-1]) >= APART

    def between(self, joint: bool = True) -> dict[str, np.ndarray]:
        """Betweenness by attribute (P,), yes/no ones left out; jointly with looking real, or alone."""
        rows = [i for i, t in enumerate(self.t) if t in JUDGED]
        out = {}
        for name, a in self.seen.items():
            if self.kinds[name] == "yes/no":
                continue
            low, high = torch.minimum(a[0], a[-1]) - TOLERANCE, torch.maximum(a[0], a[-1]) + TOLERANCE
            inside = ((a[rows] >= low) & (a[rows] <= high)).all(2)
            out[name] = self._where((inside & self.real if joint else inside).double().mean(0), name)
        return out

    def monotone(self) -> dict[str, np.ndarray]:
        """Monotonicity by attribute (P,)."""
        return {
            name: self._where(_distance(a[0], a[-1]) / _steps(a).sum(0).clamp_min(1e-12), name)
            for name, a in self.seen.items()
        }

    def jump(self) -> dict[str, np.ndarray]:
        """The largest jump by attribute (P,)."""
        return {
            name: self._where(_steps(a).amax(0) / _steps(a).sum(0).clamp_min(1e-12), name)
            for name, a in self.seen.items()
        }

    def bias(self) -> dict[str, np.ndarray]:
        """The midpoint bias by attribute (P,), in units."""
        half = self.t.index(0.5)
        return {
            name: self._where(_distance(a[half], (a[0] + a[-1]) / 2), name) for name, a in self.seen.items()
        }

    def realism(self) -> np.ndarray:
        """(P,): share of the judged fractions at which what is decoded looks real."""
        return self.real.double().mean(0).numpy()

    def in_own_units(self) -> Line:
        """The same with numbers in standard deviations over the ends of these ways themselves."""
        seen = {}
        for name, a in self.seen.items():
            spread = torch.cat([a[0], a[-1]]).std(0, correction=0).amax().clamp_min(1e-12)
            seen[name] = a / spread if self.kinds[name] == "number" else a
        return Line(self.t, seen, self.real, self.kinds)

    def _where(self, value: Tensor, name: str) -> np.ndarray:
        return torch.where(self.apart(name), value, torch.nan).numpy()


def _distance(a: Tensor, b: Tensor) -> Tensor:
    """(..., c) -> (...): of numbers the absolute difference, of probabilities the total variation."""
    return (a - b).abs().sum(-1) / min(a.shape[-1], 2)


def _steps(a: Tensor) -> Tensor:
    return _distance(a[1:], a[:-1])


@dataclass(frozen=True)
class Estimate:
    """A mean over pairs, and each pair's part in its error.

    Attributes:
        value: the mean; NaN where nothing could be said.
        parts: (P,), influence of each pair: their squares sum to the squared standard error.
        count: values behind it.
    """

    value: float
    parts: np.ndarray
    count: int

    @property
    def error(self) -> float:
        """Standard error over independent pairs."""
        n = len(self.parts)
        return float(np.sqrt(n / max(n - 1, 1) * np.square(self.parts).sum()))

    def interval(self, bounds: Interval = (0.0, 1.0)) -> Interval | None:
        """95 % interval; pairs are independent draws, so their own scatter tells it."""
        return around(self.value, self.error, bounds) if np.isfinite(self.value) else None

    def minus(self, other: Estimate) -> Estimate:
        """The difference on the same pairs."""
        return Estimate(self.value - other.value, self.parts - other.parts, min(self.count, other.count))


def estimate(values: np.ndarray) -> Estimate:
    """The mean of (P,) values, those that are NaN left out."""
    known = np.isfinite(values)
    count = int(known.sum())
    if not count:
        return Estimate(float("nan"), np.zeros(len(values)), 0)
    mean = float(values[known].mean())
    return Estimate(mean, np.where(known, np.nan_to_num(values) - mean, 0.0) / count, count)


def overall(values: Values, names: Sequence[str] | None = None) -> Estimate:
    """The mean over attributes of their means over pairs; attributes count alike, those with fewer than 12
    pairs do not count.

    Args:
        values: (P,) by attribute.
        names: the attributes that may count; None: all.
    """
    each = [
        e
        for name, v in values.items()
        if (names is None or name in names) and (e := estimate(v)).count >= LEAST
    ]
    if not each:
        width = len(next(iter(values.values()))) if values else 0
        return Estimate(float("nan"), np.zeros(width), 0)
    parts = np.stack([e.parts for e in each]).mean(0)
    return Estimate(float(np.mean([e.value for e in each])), parts, sum(e.count for e in each))


@dataclass(frozen=True, kw_only=True)
class Point:
    """Midpoints of pairs scaled to one radius.

    Attributes:
        radius: distance of the ends from the mean latent.
        quantile: share of the real latents that are nearer to it.
        betweenness: jointly with realism, at the midpoints; NaN where too few pairs differ.
        interval: of it.
        alone: betweenness without realism.
        realism: share of midpoints that look real.
        ends: share of the ends that look real.
    """

    radius: float
    quantile: float
    betweenness: float
    interval: Interval | None
    alone: float
    realism: float
    ends: float
