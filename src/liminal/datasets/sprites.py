"""White shapes on black over a full grid of factors: shape, scale, orientation, x and y, each known exactly.

The grid is that of dSprites (Matthey, Higgins, Hassabis, Lerchner: dSprites, Disentanglement testing Sprites
dataset, 2017), 3 x 6 x 40 x 32 x 32 = 737,280 pictures. These are drawn anew by the code below, not copied:
edges are smooth, the three shapes have equal areas, and the 40 orientations are k 2 pi / 40 (none comes
twice).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from ..errors import LiminalError, unknown
from ..modalities.image import Image
from . import Dataset
from .drawn import Numbered, Progress, cached, coverage, ellipse, provenance

VERSION = 1  # of the drawing: raise it when it changes, so that no cache gives old pictures
SHAPES = ("square", "ellipse", "heart")
GRID: dict[str, np.ndarray] = {
    "shape": np.array(SHAPES),
    "scale": np.linspace(0.5, 1.0, 6),
    "orientation": np.arange(40) * (2 * np.pi / 40),
    "x": np.linspace(0.0, 1.0, 32),
    "y": np.linspace(0.0, 1.0, 32),
}
SIZES = tuple(len(values) for values in GRID.values())  # 3, 6, 40, 32, 32: the last one changes fastest
COUNT = int(np.prod(SIZES))
HALF = 0.13  # half the side of the square at scale 1, in widths of the picture
MARGIN = 0.225  # of the outermost centres to the edge: the largest shape stays inside


def index_to_factors(index: np.ndarray | Sequence[int]) -> np.ndarray:
    """Numbers of grid points (n,) -> places on the axes (n, 5), in the order of `GRID`, each from 0.

    Raises:
        LiminalError: a number outside 0 ... 737,279.
    """
    index = np.asarray(index, np.int64)
    if index.size and not (index.min() >= 0 and index.max() < COUNT):
        raise LiminalError(
            f"sprites: grid point {index.max() if index.max() >= COUNT else index.min()}: wanted 0 to "
            f"{COUNT - 1}"
        )
    return np.stack(np.unravel_index(index, SIZES), axis=-1)


def factors_to_index(places: np.ndarray) -> np.ndarray:
    """The inverse of `index_to_factors`: places on the axes (n, 5) -> numbers of grid points (n,).

    Raises:
        LiminalError: not five places a row, or a place beyond the end of its axis.
    """
    places = np.asarray(places, np.int64)
    if places.shape[-1] != len(SIZES) or (places < 0).any() or (places >= SIZES).any():
        raise LiminalError(
            f"sprites: places of shape {places.shape}: wanted five a row, from 0, below {SIZES}"
        )
    return np.ravel_multi_index(tuple(np.moveaxis(places, -1, 0)), SIZES)


def grid_values(index: np.ndarray | Sequence[int]) -> pa.Table:
    """Numbers of grid points (n,) -> their factors: shape (string), scale in [0.5, 1], orientation in
    radians, x and y in [0, 1].
    """
    places = index_to_factors(index)
    return pa.table({name: pa.array(values[places[:, i]]) for i, (name, values) in enumerate(GRID.items())})


def draw(factors: dict[str, Any] | pa.Table, size: int = 64) -> np.ndarray:
    """The pictures of these factors; on the grid or between its points.

    Equal factors give equal bytes, whatever else is in the batch.

    Args:
        factors: columns shape, scale, orientation, x and y, n values each, as `grid_values` gives them. The
            orientation turns clockwise; x grows to the right, y downwards.
        size: height and width in pixels, 8 to 512.

    Returns:
        uint8 (n, size, size), 0 for black.

    Raises:
        LiminalError: a missing or unknown factor, unequal lengths, a value out of range, or a size out of
        range.
    """
    if not 8 <= size <= 512:
        raise LiminalError(f"sprites: size is {size}: wanted 8 to 512 pixels")
    columns = _columns(factors)
    out = np.empty((len(columns["shape"]), size, size), np.uint8)
    batch = max(1, 2**16 // size**2)  # small enough for the processor's cache
    for shape in SHAPES:
        rows = np.flatnonzero(columns["shape"] == shape)
        for start in range(0, len(rows), batch):
            part = rows[start : start + batch]
            out[part] = _draw(shape, {k: v[part] for k, v in columns.items()}, size)
    return out


def _columns(factors: Any) -> dict[str, np.ndarray]:
    given = (
        {k: factors[k].to_numpy(zero_copy_only=False) for k in factors.column_names}
        if isinstance(factors, pa.Table)
        else dict(factors)
    )
    for name in given:
        if name not in GRID:
            raise unknown("factor of a sprite", name, GRID)
    missing = [name for name in GRID if name not in given]
    if missing:
        raise LiminalError(f"sprites.draw: no {', '.join(missing)}: wanted all of {', '.join(GRID)}")
    columns = {
        k: np.atleast_1d(np.asarray(v, None if k == "shape" else np.float64)) for k, v in given.items()
    }
    if len({v.shape for v in columns.values()}) > 1 or columns["shape"].ndim != 1:
        raise LiminalError(
            "sprites.draw: wanted one value a picture for every factor, got shapes "
            f"{[v.shape for v in columns.values()]}"
        )
    if len(columns["shape"]):
        wrong = set(columns["shape"].tolist()) - set(SHAPES)
        if wrong:
            raise unknown("shape of a sprite", str(wrong.pop()), SHAPES)
        for name, low, high in (
            ("scale", 0.5, 1.0),
            ("orientation", 0.0, 2 * np.pi),
            ("x", 0.0, 1.0),
            ("y", 0.0, 1.0),
        ):
            if not ((columns[name] >= low) & (columns[name] <= high)).all():
                raise LiminalError(
                    f"sprites.draw: {name} holds values out of range: wanted numbers from {low:g} to {high:g}"
                )
    return columns


def _draw(shape: str, factors: dict[str, np.ndarray], size: int) -> np.ndarray:
    """One shape, n times: columns (n,) -> uint8 (n, size, size). Lengths are in widths of the picture."""
    angle = factors["orientation"]
    axis = (np.arange(size) + 0.5) / size
    place = lambda t: MARGIN + t * (1 - 2 * MARGIN)
    p = (axis[None, :] - place(factors["x"])[:, None]).astype(np.float32)[:, None, :]
    q = (axis[None, :] - place(factors["y"])[:, None]).astype(np.float32)[:, :, None]
    cos, sin, half = (
        t.astype(np.float32)[:, None, None] for t in (np.cos(angle), np.sin(angle), HALF * factors["scale"])
    )
    u, v = cos * p + sin * q, cos * q - sin * p
    if shape == "square":
        d = np.maximum(np.abs(u), np.abs(v)) - half
    elif shape == "ellipse":  # twice as long as wide, of the square's area: pi * long * long / 2 = 4 half^2
        long = half * np.float32(np.sqrt(8 / np.pi))
        d = ellipse(u, v, 0, 0, long, long * np.float32(0.5))
    # a square on its corner with half a disc on each upper side; b = half its side, (4 + pi) b^2 = 4 half^2
    else:
        b = half * np.float32(np.sqrt(4 / (4 + np.pi)))
        v = v - np.float32(0.25) * b  # the middle of its height on the centre
        diagonal = np.float32(np.sqrt(0.5))
        s, t = (u + v) * diagonal, (v - u) * diagonal  # along the two lower sides
        lobe = lambda a, c: np.sqrt(a * a + c * c) - b
        d = np.minimum(np.maximum(np.abs(s), np.abs(t)) - b, np.minimum(lobe(s + b, t), lobe(s, t + b)))
    cover = coverage(d, 1 / size)
    return (cover * np.float32(255) + np.float32(0.5)).astype(np.uint8)


def _selection(subset: dict[str, Any]) -> list[np.ndarray]:
    """The chosen places on each axis of the grid."""
    chosen = []
    for name in subset:
        if name not in GRID:
            raise unknown("factor of a sprite", name, GRID)
    for name, values in GRID.items():
        wanted = subset.get(name)
        if wanted is None:
            chosen.append(np.arange(len(values)))
            continue
        if name == "shape":
            names = [wanted] if isinstance(wanted, str) else list(wanted)
            for one in names:
                if one not in SHAPES:
                    raise unknown("shape of a sprite", str(one), SHAPES)
            places = np.array([SHAPES.index(one) for one in names], np.int64)
        else:
            places = np.atleast_1d(np.array(wanted if np.ndim(wanted) == 0 else list(wanted)))
            if places.size and (
                places.dtype.kind not in "iu" or places.min() < 0 or places.max() >= len(values)
            ):
                raise LiminalError(
                    f"sprites: {name}={wanted!r}: wanted whole numbers, places on the grid from 0 to "
                    f"{len(values) - 1}"
                )
        if not places.size or len(np.unique(places)) < len(places):
            raise LiminalError(f"sprites: {name}={wanted!r}: wanted one or more different values")
        chosen.append(places)
    return chosen


def sprites(
    n: int | None = None, seed: int = 0, size: int = 64, progress: Progress | None = None, **subset: Any
) -> Dataset:
    """Pictures of the factor grid with their true factors; drawn once, then kept in the cache as a
    memory-mapped file.

    Args:
        n: that many grid points at random, none twice, in the order drawn; None: all of them, in the order of
            the grid.
        seed: of the choice of points.
        size: height and width in pixels.
        progress: called with (pictures done, n) while they are drawn.
        **subset: the grid's extent, a factor at a time: ``shape="heart"`` or several names; for scale,
            orientation, x and y places on their axes of 6, 40, 32 and 32 (whole numbers from 0), for example
            ``orientation=range(10), scale=5``.

    Returns:
        A Dataset of grey pictures (size, size, 1); `attributes` holds shape, scale, orientation, x and y.

    Raises:
        LiminalError: an unknown factor or value, n beyond the size of the grid, or a cache that cannot be
        written.
    """
    chosen = _selection(subset)
    sizes = tuple(len(places) for places in chosen)
    total = int(np.prod(sizes))
    if n is not None and not 1 <= n <= total:
        raise LiminalError(
            f"sprites: n is {n}: wanted 1 to {total}, the points of this grid (small_sprites draws any "
            "number between them)"
        )
    flat = np.arange(total) if n is None else np.random.default_rng(seed).choice(total, n, replace=False)
    places = np.stack(
        [axis[i] for axis, i in zip(chosen, np.unravel_index(flat, sizes), strict=True)], axis=-1
    )
    arguments: dict[str, Any] = {"size": size} if n is None else {"n": n, "seed": seed, "size": size}
    arguments |= {
        name: GRID[name][axis].tolist()
        for name, axis in zip(GRID, chosen, strict=True)
        if len(axis) < len(GRID[name])
    }
    return _dataset("sprites", grid_values(factors_to_index(places)), size, arguments, progress)


def small_sprites(n: int, size: int = 28, seed: int = 0, progress: Progress | None = None) -> Dataset:
    """Any number of sprites with factors anywhere between the grid's ends: a large dataset at constant
    memory.

    Args:
        n: number of pictures.
        size: height and width in pixels.
        seed: of the factors, each uniform over its range.
        progress: called with (pictures done, n) while they are drawn.

    Returns:
        A Dataset of grey pictures (size, size, 1), memory-mapped; attributes as in `sprites`.

    Raises:
        LiminalError: an argument out of range, or a cache that cannot be written.
    """
    if n < 1:
        raise LiminalError(f"small_sprites: n is {n}: wanted 1 or more")
    random = np.random.default_rng(seed)
    shape = pa.DictionaryArray.from_arrays(
        pa.array(random.integers(0, len(SHAPES), n)), pa.array(SHAPES)
    ).cast(pa.string())
    ends = {"scale": (0.5, 1.0), "orientation": (0.0, 2 * np.pi), "x": (0.0, 1.0), "y": (0.0, 1.0)}
    factors = pa.table(
        {
            "shape": shape,
            **{name: pa.array(random.uniform(low, high, n)) for name, (low, high) in ends.items()},
        }
    )
    return _dataset("small_sprites", factors, size, {"n": n, "seed": seed, "size": size}, progress)


def _dataset(
    name: str, factors: pa.Table, size: int, arguments: dict[str, Any], progress: Progress | None
) -> Dataset:
    draw(factors.slice(0, 0), size)  # refuses a wrong size before anything is written
    modality, n = Image(height=size, width=size, channels=1), len(factors)

    def pieces(rows: int = 4096) -> Iterator[np.ndarray]:
        for start in range(0, n, rows):
            yield draw(factors.slice(start, rows), size)

    items = cached(name, {**arguments, "version": VERSION}, (n, *modality.item_shape), pieces, progress)
    called = ", ".join(f"{k}={v!r}" for k, v in arguments.items())
    about = provenance(__name__, VERSION, arguments=arguments)
    return Dataset(name, modality, items, Numbered(f"{name}({called})", n), factors, provenance=about)
