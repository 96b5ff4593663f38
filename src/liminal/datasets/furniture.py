"""Furniture drawn by code: chairs, tables and couches, each one connected solid that is told by 14 factors.

All lengths are shares of the grid's side, and every factor means the same in every kind, so that there is one
true shape for any mixture of them; a table is furniture with no back and no arms, and there are low backs and
low arms, so that the way from a chair to a table leads through furniture.

- ``width``, ``depth``: of the seat or the top;
- ``height``: of its upper side above the floor; ``thickness``: of the seat or the top;
- ``stand``: four legs, a pedestal, or two panels; ``leg``: how thick it is; ``splay``: how far the feet stand
  out, as a slope;
- ``back``: its height above the seat, 0 for none; ``recline``: its slope backwards;
- ``arms``: their height above the seat, 0 for none;
- ``open``: whether back and arms are slats and posts, or solid;
- ``roundness``: of the seat's corners seen from above, 0 (square) to 1;
- ``softness``: of all edges, 0 to 1;
- ``cushion``: its thickness, on the seat, 0 for none.

A part is a slab with rounded corners and edges, sheared along its height, and its cells are filled as far as
they lie inside (`drawn.coverage`). x is to the right, y up, z to the front.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from ..errors import LiminalError
from ..modalities.shape import FLOOR, SIDE, Shape
from . import Dataset
from .drawn import Numbered, Progress, cached, coverage, provenance

VERSION = 1  # of the drawing: raise it when it changes
BATCH = 64
STANDS = ("legs", "pedestal", "panels")
NUMBERS = (
    "width", "depth", "height", "thickness", "leg", "splay", "back", "recline", "arms", "roundness",
    "softness", "cushion",
)  # fmt: skip


class Ranges(NamedTuple):
    """Of one kind: ranges of its numbers, shares of its stands, and how often it is open, has arms, and a
    cushion.
    """

    numbers: dict[str, tuple[float, float]]
    stands: tuple[float, float, float]
    open: float
    arms: float
    cushion: float


COMMON = {
    "leg": (0.055, 0.09),
    "splay": (0.0, 0.12),
    "roundness": (0.0, 1.0),
    "softness": (0.0, 1.0),
    "cushion": (0.03, 0.07),
}
KINDS = {
    "chair": Ranges(
        {
            **COMMON,
            "width": (0.36, 0.6),
            "depth": (0.36, 0.56),
            "height": (0.3, 0.48),
            "thickness": (0.055, 0.14),
            "back": (0.06, 0.44),
            "recline": (0.0, 0.3),
            "arms": (0.04, 0.22),
        },
        (0.7, 0.2, 0.1),
        0.5,
        0.4,
        0.5,
    ),
    "table": Ranges(
        {
            **COMMON,
            "width": (0.46, 0.84),
            "depth": (0.36, 0.66),
            "height": (0.3, 0.6),
            "thickness": (0.055, 0.12),
            "back": (0.0, 0.0),
            "recline": (0.0, 0.0),
            "arms": (0.0, 0.0),
        },
        (0.6, 0.2, 0.2),
        0.0,
        0.0,
        0.0,
    ),
    "couch": Ranges(
        {
            **COMMON,
            "width": (0.64, 0.86),
            "depth": (0.4, 0.6),
            "height": (0.24, 0.36),
            "thickness": (0.1, 0.2),
            "back": (0.06, 0.34),
            "recline": (0.0, 0.3),
            "arms": (0.04, 0.2),
        },
        (0.6, 0.0, 0.4),
        0.1,
        0.85,
        0.8,
    ),
}


class Slab(NamedTuple):
    """A box with rounded corners (seen from above) and edges, sheared along its height.

    Attributes:
        at: its middle, (x, y, z).
        half: half its sides.
        corner, edge: radii of the corners seen from above and of the edges between top and sides.
        shear: by how much x and z move for each step up.
    """

    at: tuple[float, float, float]
    half: tuple[float, float, float]
    corner: float = 0.0
    edge: float = 0.0
    shear: tuple[float, float] = (0.0, 0.0)


def parts(factors: Mapping[str, Any]) -> list[Slab]:
    """The slabs that a piece of furniture consists of; each overlaps another one."""
    wide, deep, thick, leg = (float(factors[k]) for k in ("width", "depth", "thickness", "leg"))
    top, soft = FLOOR + float(factors["height"]), float(factors["softness"])
    corner, edge = float(factors["roundness"]) * min(wide, deep) / 2, soft * thick / 2
    half = (wide / 2, thick / 2, deep / 2)
    found = [Slab((0.5, top - thick / 2, 0.5), half, max(corner, edge), edge)]
    found += _stand(factors, wide, deep, top, thick, leg, corner)
    if (cushion := float(factors["cushion"])) > 0:
        rim, tall = 0.03, cushion + 0.03  # it sinks into the seat
        half = (wide / 2 - rim, tall / 2, deep / 2 - rim)
        at = (0.5, top + cushion - tall / 2, 0.5)
        found.append(Slab(at, half, max(corner - rim, 0.35 * tall), 0.45 * tall))
    if (back := float(factors["back"])) > 0:
        found += _back(factors, wide, deep, top, thick, back, corner)
    if (arms := float(factors["arms"])) > 0:
        found += _arms(factors, wide, deep, top, thick, arms, corner)
    return found


def _stand(
    factors: Mapping[str, Any], wide: float, deep: float, top: float, thick: float, leg: float, corner: float
) -> list[Slab]:
    under = top - thick / 2  # stands end within the seat
    tall, middle = under - FLOOR, (under + FLOOR) / 2
    out, round_ = float(factors["splay"]), float(factors["softness"]) * leg / 2
    spread = out * tall / 2  # at the middle of the height
    if factors["stand"] == "pedestal":
        foot = min(wide, deep) * (0.28 + out)
        return [
            Slab((0.5, middle, 0.5), (0.8 * leg, tall / 2, 0.8 * leg), 0.8 * leg),
            Slab((0.5, FLOOR + 0.03, 0.5), (foot, 0.03, foot), foot, 0.02),
        ]
    inset = leg / 2 + 0.29 * corner  # where the corners are round, feet stand further in
    x, z = wide / 2 - inset, deep / 2 - inset
    if factors["stand"] == "panels":
        half = (leg / 2, tall / 2, z + leg / 2)
        return [Slab((0.5 + s * (x + spread), middle, 0.5), half, round_, 0, (-s * out, 0)) for s in (-1, 1)]
    half = (leg / 2, tall / 2, leg / 2)
    return [
        Slab((0.5 + s * (x + spread), middle, 0.5 + t * (z + spread)), half, round_, 0, (-s * out, -t * out))
        for s in (-1, 1)
        for t in (-1, 1)
    ]


def _back(
    factors: Mapping[str, Any], wide: float, deep: float, top: float, thick: float, back: float, corner: float
) -> list[Slab]:
    soft, slope = float(factors["softness"]), -float(factors["recline"])
    through = 0.06 + 0.25 * thick  # from front to back: soft seats have thick backs
    low, high = top - thick / 2, top + back
    half = wide / 2 - 0.29 * corner
    z = 0.5 - deep / 2 + through / 2 + 0.12 * corner
    at = lambda y: z + slope * (y - top)
    edge = soft * through / 2

    def slab(x: float, y0: float, y1: float, wide: float, edge: float) -> Slab:
        y = (y0 + y1) / 2
        return Slab((x, y, at(y)), (wide, (y1 - y0) / 2, through / 2), edge, edge, (0.0, slope))

    if not factors["open"]:
        return [slab(0.5, low, high, half, edge)]
    rail = 0.035
    count = max(2, round(2 * half / 0.17) + 1)
    places = np.linspace(0.5 - half + rail, 0.5 + half - rail, count)
    return [
        *(slab(float(x), low, high - rail, rail, min(edge, rail)) for x in places),
        slab(0.5, high - 2.4 * rail, high, half, min(edge, rail)),
    ]


def _arms(
    factors: Mapping[str, Any], wide: float, deep: float, top: float, thick: float, arms: float, corner: float
) -> list[Slab]:
    through = 0.055 + 0.25 * thick
    x, half = wide / 2 - through / 2, deep / 2 - 0.29 * corner
    low, high = top - thick / 2, top + arms
    edge, found = float(factors["softness"]) * through / 2, []
    for s in (-1, 1):
        at = 0.5 + s * x
        if not factors["open"]:
            size = (through / 2, (high - low) / 2, half)
            found.append(Slab((at, (low + high) / 2, 0.5), size, edge, edge))
            continue
        # the rest reaches from the front post into the back, or to a post there
        rest, post = min(edge, 0.03), (through / 2, (high - 0.03 - low) / 2, through / 2)
        found.append(Slab((at, high - 0.03, 0.5), (through / 2, 0.03, half), rest, rest))
        places = [0.5 + t * (half - through / 2) for t in (-1, 1)]
        found += [Slab((at, (low + high - 0.03) / 2, z), post, edge) for z in places]
    return found


def draw(factors: Mapping[str, Any], side: int = SIDE) -> np.ndarray:
    """The shape of these factors: uint8 (side, side, side) by x, y and z, the share of each cell that is
    solid, 255 for all of it.

    Args:
        factors: by name, as the attributes of `furniture` have them; `kind` is not needed.
        side: cells along each edge of the grid.
    """
    held = np.zeros((side, side, side), np.float32)
    middles = (np.arange(side, dtype=np.float32) + np.float32(0.5)) / np.float32(side)
    for slab in parts(factors):
        lean = (slab.shear[0] * slab.half[1], 0.0, slab.shear[1] * slab.half[1])
        spans = []
        for c, h, more in zip(slab.at, slab.half, lean, strict=True):
            reach = h + abs(more) + 0.5 / side
            spans.append(slice(*np.searchsorted(middles, (c - reach, c + reach))))
        u, v, w = (
            middles[span].reshape(np.roll((-1, 1, 1), i)) - np.float32(c)
            for i, (span, c) in enumerate(zip(spans, slab.at, strict=True))
        )
        window = held[tuple(spans)]
        if window.size:
            np.maximum(window, coverage(_distance(slab, u, v, w), 1 / side), out=window)
    return np.round(held * np.float32(255)).astype(np.uint8)


def _distance(slab: Slab, u: np.ndarray, v: np.ndarray, w: np.ndarray) -> np.ndarray:
    """The signed distance to a slab, negative inside; where it is sheared, to first order."""
    zero = np.float32(0)
    hx, hy, hz = (np.float32(n) for n in slab.half)
    sx, sz = (np.float32(n) for n in slab.shear)
    corner = np.float32(min(slab.corner, slab.half[0], slab.half[2]))
    edge = np.float32(min(slab.edge, *slab.half))
    p = np.abs(u - sx * v) / np.sqrt(1 + sx * sx) - hx + corner
    q = np.abs(w - sz * v) / np.sqrt(1 + sz * sz) - hz + corner
    flat = np.sqrt(np.square(np.maximum(p, zero)) + np.square(np.maximum(q, zero)))
    flat = flat + np.minimum(np.maximum(p, q), zero) - corner + edge
    up = np.abs(v) - hy + edge
    outside = np.sqrt(np.square(np.maximum(flat, zero)) + np.square(np.maximum(up, zero)))
    return outside + np.minimum(np.maximum(flat, up), zero) - edge


def drawn_factors(n: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Factors of n pieces, a third of each kind: by name, (n,) each, in the order of the attributes."""
    random = np.random.default_rng([VERSION, seed])
    kinds = random.choice(list(KINDS), n)
    found: dict[str, Any] = {"kind": kinds, "stand": np.empty(n, object), "open": np.zeros(n, bool)}
    found |= {name: np.zeros(n) for name in NUMBERS}
    for kind, ranges in KINDS.items():
        of = np.flatnonzero(kinds == kind)
        for name in NUMBERS:
            found[name][of] = random.uniform(*ranges.numbers[name], len(of))
        found["stand"][of] = random.choice(STANDS, len(of), p=ranges.stands)
        found["open"][of] = random.random(len(of)) < ranges.open
        found["arms"][of] *= random.random(len(of)) < ranges.arms
        found["cushion"][of] *= random.random(len(of)) < ranges.cushion
    return found


def furniture(n: int = 6000, seed: int = 0, progress: Progress | None = None) -> Dataset:
    """The dataset: shapes with their true factors as attributes.

    Args:
        n: how many, 1 or more.
        seed: the same seed gives the same shapes.
        progress: called with (shapes done, n).

    Raises:
        LiminalError: n or seed is out of range.
    """
    if n < 1 or seed < 0:
        raise LiminalError(f"furniture: n {n}, seed {seed}: wanted 1 piece or more and a seed of 0 or more")
    known = drawn_factors(n, seed)

    def pieces() -> Iterator[np.ndarray]:
        for i in range(0, n, BATCH):
            rows = range(i, min(i + BATCH, n))
            yield np.stack([draw({name: values[j] for name, values in known.items()}) for j in rows])

    about = provenance(__name__, VERSION, n=n, seed=seed)
    modality = Shape()
    items = cached("furniture", about, (n, *modality.item_shape), pieces, progress)
    attributes = pa.table({name: pa.array(values.tolist()) for name, values in known.items()})
    return Dataset("furniture", modality, items, Numbered("furniture", n), attributes, provenance=about)
