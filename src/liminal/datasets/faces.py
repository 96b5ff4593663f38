"""Cartoon portraits drawn by code from exact, independent factors: a first dataset, and ground truth for
edits and measures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from ..errors import LiminalError, unknown
from ..modalities.image import Image
from . import Dataset
from .drawn import Numbered, Progress, cached, provenance
from .portraits import BACKGROUND, HAIR, SHIRT, portraits

VERSION = (
    1  # of the drawing and of the sampling: raise it when either changes, so that no cache gives old pictures
)
BATCH = 16  # portraits drawn at once: small enough for the processor's cache


@dataclass(frozen=True)
class Factor:
    """One factor of a portrait: a number in [low, high], or one of `values` with their shares (bool or
    string).

    Attributes:
        default: what `draw` takes where the factor is not given.
        values: empty for a number; the first one counts as "off" when factors are correlated.
    """

    default: Any
    low: float = 0.0
    high: float = 0.0
    values: tuple[Any, ...] = ()
    shares: tuple[float, ...] = ()

    def at(self, quantile: np.ndarray) -> np.ndarray:
        """The factor's values at these quantiles in [0, 1)."""
        if not self.values:
            return self.low + (self.high - self.low) * quantile
        return np.array(self.values)[np.searchsorted(np.cumsum(self._shares())[:-1], quantile, side="right")]

    def score(self, column: np.ndarray) -> np.ndarray:
        """What correlation is measured on: a number itself; of a category, 0 for its first value and 1 for
        every other.
        """
        return (column != self.values[0]).astype(np.float64) if self.values else column

    def _shares(self) -> tuple[float, ...]:
        return self.shares or (1 / len(self.values),) * len(self.values)


FACTORS: dict[str, Factor] = {
    "hair_colour": Factor("brown", values=tuple(HAIR)),
    "hair_style": Factor("short", values=("buzz", "short", "bob", "long", "curly", "bun")),
    "skin": Factor(0.3, 0.0, 1.0),
    "smile": Factor(0.5, -1.0, 1.0),
    "glasses": Factor("none", values=("none", "clear", "sun"), shares=(0.6, 0.2, 0.2)),
    "hat": Factor(False, values=(False, True), shares=(0.6, 0.4)),
    "eye_size": Factor(1.0, 0.75, 1.25),
    "gaze": Factor(0.0, -1.0, 1.0),
    "face_width": Factor(1.0, 0.85, 1.12),
    "tilt": Factor(0.0, -15.0, 15.0),
    "background": Factor("sky", values=tuple(BACKGROUND)),
    "shirt": Factor("navy", values=tuple(SHIRT)),
}


def _check(factors: Any) -> dict[str, np.ndarray]:
    """Every factor as a column of one length, defaults filled in.

    Raises:
        LiminalError: an unknown factor, unequal lengths, a number out of range, an unknown category.
    """
    given = (
        {k: factors[k].to_numpy(zero_copy_only=False) for k in factors.column_names}
        if isinstance(factors, pa.Table)
        else dict(factors)
    )
    for name in given:
        if name not in FACTORS:
            raise unknown("factor of a face", name, FACTORS)
    given = {k: np.atleast_1d(np.asarray(v)) for k, v in given.items()}
    lengths = {k: len(v) for k, v in given.items()}
    if len(set(lengths.values())) > 1 or any(v.ndim != 1 for v in given.values()):
        raise LiminalError(
            "faces.draw: wanted one value a face for every factor, got columns of shapes "
            f"{[v.shape for v in given.values()]}"
        )
    n = next(iter(lengths.values()), 1)
    columns = {}
    for name, factor in FACTORS.items():
        column = given.get(name, np.full(n, factor.default))
        if factor.values:
            wrong = ~np.isin(column, factor.values)
            wanted = "one of " + ", ".join(str(v) for v in factor.values)
        else:
            if column.dtype.kind not in "fiu":
                raise LiminalError(
                    f"faces.draw: {name} holds {column.dtype.type.__name__}: wanted numbers from "
                    f"{factor.low:g} to {factor.high:g}"
                )
            column = column.astype(np.float64)
            wrong = ~((column >= factor.low) & (column <= factor.high))
            wanted = f"a number from {factor.low:g} to {factor.high:g}"
        if wrong.any():
            raise LiminalError(
                f"faces.draw: {name} of face {int(wrong.argmax())} is {column[wrong.argmax()]}: wanted "
                f"{wanted}"
            )
        columns[name] = column
    return columns


def draw(factors: dict[str, Any] | pa.Table, size: int = 64) -> np.ndarray:
    """Portraits with these factors: the same factors give the same bytes, whatever else is in the batch.

    Args:
        factors: n values of any of `FACTORS` (a number for one face will do); the others take their defaults.
        size: height and width in pixels, 16 to 1024.

    Returns:
        uint8 (n, size, size, 3), RGB.

    Raises:
        LiminalError: an unknown factor, unequal lengths, a value out of range, or a size out of range.
    """
    if not 16 <= size <= 1024:
        raise LiminalError(f"faces: size is {size}: wanted 16 to 1024 pixels")
    columns = _check(factors)
    n = len(columns["tilt"])
    out = np.empty((n, size, size, 3), np.uint8)
    kinds = np.stack([columns[k].astype(str) for k in ("hair_style", "glasses", "hat")], 1)
    _, kind = np.unique(kinds, axis=0, return_inverse=True)
    order = np.argsort(kind.ravel(), kind="stable")
    edges = np.flatnonzero(np.diff(kind.ravel()[order])) + 1
    for rows in np.split(order, edges):
        for start in range(0, len(rows), BATCH):
            batch = rows[start : start + BATCH]
            out[batch] = portraits({k: v[batch] for k, v in columns.items()}, size)
    return out


def _parse(correlate: str) -> tuple[str, str, float]:
    try:
        pair, value = correlate.split("=")
        a, b = (name.strip() for name in pair.split(":"))
        rho = float(value)
    except ValueError:
        raise LiminalError(
            f"faces: correlate is {correlate!r}: wanted two factors and a number, for example glasses:hat=0.8"
        ) from None
    for name in (a, b):
        if name not in FACTORS:
            raise unknown("factor of a face", name, FACTORS)
    if a == b or not -1 <= rho <= 1:
        raise LiminalError(
            f"faces: correlate is {correlate!r}: wanted two different factors and a correlation from -1 to 1"
        )
    return a, b, rho


def sample_factors(n: int, seed: int = 0, correlate: str | None = None) -> pa.Table:
    """Factors of n faces, drawn independently, but for one pair if asked.

    With ``correlate="a:b=r"`` each face takes a and b at the same quantile (opposite ones for r < 0) with
    probability |r| / r_max and independently otherwise, r_max being the correlation that shared quantiles
    give. So each factor keeps its own distribution and the pair's correlation is r exactly, in expectation. A
    category counts as 0 for its first value and 1 for every other.

    Args:
        n: number of faces, 1 or more.
        seed: of the draw.
        correlate: two factors and their Pearson correlation, for example ``"glasses:hat=0.8"``.

    Returns:
        n rows; a column for each of `FACTORS`, float64, bool or string.

    Raises:
        LiminalError: n is below 1, `correlate` cannot be read, or asks more than the two distributions allow.
    """
    if n < 1:
        raise LiminalError(f"faces: n is {n}: wanted 1 or more")
    random = np.random.default_rng(seed)
    quantiles = {name: random.random(n) for name in FACTORS}
    if correlate is not None:
        a, b, rho = _parse(correlate)
        grid = (np.arange(100_000) + 0.5) / 100_000
        turned = lambda q: q if rho >= 0 else np.nextafter(1 - q, 0)
        largest = np.corrcoef(
            FACTORS[a].score(FACTORS[a].at(grid)), FACTORS[b].score(FACTORS[b].at(turned(grid)))
        )[0, 1]
        if abs(rho) > abs(largest) + 1e-6:
            raise LiminalError(
                f"faces: {a} and {b} can have a correlation of {largest:.3f} at most in this direction, not "
                f"{rho:g}"
            )
        shared = random.random(n) < abs(rho / largest)
        quantiles[b] = np.where(shared, turned(quantiles[a]), quantiles[b])
    return pa.table({name: pa.array(factor.at(quantiles[name])) for name, factor in FACTORS.items()})


def faces(
    n: int = 8000,
    seed: int = 0,
    size: int = 64,
    correlate: str | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Cartoon portraits with their true factors as attributes; drawn once (8,000 in seconds), then kept in
    the cache.

    Args:
        n: number of portraits.
        seed: of their factors.
        size: height and width in pixels.
        correlate: two factors to draw with a correlation, see `sample_factors`.
        progress: called with (pictures done, n) while they are drawn.

    Returns:
        A Dataset of n pictures (size, size, 3); `attributes` holds every factor of `FACTORS`.

    Raises:
        LiminalError: an argument out of range, or a cache that cannot be written.
    """
    factors = sample_factors(n, seed, correlate)
    draw(factors.slice(0, 0), size)  # refuses a wrong size before anything is written
    arguments = {"n": n, "seed": seed, "size": size, "correlate": correlate}

    def pieces(rows: int = 512) -> Iterator[np.ndarray]:
        for start in range(0, n, rows):
            yield draw(factors.slice(start, rows), size)

    items = cached("faces", {**arguments, "version": VERSION}, (n, size, size, 3), pieces, progress)
    called = ", ".join(f"{k}={v!r}" for k, v in arguments.items() if v is not None)
    about = provenance(__name__, VERSION, arguments=arguments)
    return Dataset(
        "faces",
        Image(height=size, width=size, channels=3),
        items,
        Numbered(f"faces({called})", n),
        factors,
        provenance=about,
    )
