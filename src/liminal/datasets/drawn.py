"""What the datasets drawn by code share: distances to shapes, smooth edges, and a cache of drawings on disk.

A shape is a signed distance d(u, v): negative inside, zero on its edge. A pixel is covered by clip(1/2 - d /
p, 0, 1), p its width, so an edge moves smoothly with every factor. Only + - * / and square roots touch
pixels: these are rounded alike on every machine and in every batch, so equal factors give equal bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from typing import Any

import numpy as np

from ..files import atomic, cache_folder

Progress = Callable[[int, int], None]

TINY = np.float32(1e-6)  # keeps gradients off zero at the middle of a shape


def coverage(d: np.ndarray, width: float) -> np.ndarray:
    """How much of each pixel lies inside: distances d (any shape) -> [0, 1], over an edge of `width` (in the
    units of d).
    """
    return np.clip(np.float32(0.5) - d * np.float32(1 / width), np.float32(0), np.float32(1))


def ellipse(u: Any, v: Any, cx: Any, cy: Any, rx: Any, ry: Any) -> np.ndarray:
    """Distance to an axis-aligned ellipse, to first order: (k - 1) / |grad k|, k^2 = ((u - cx) / rx)^2 + ((v
    - cy) / ry)^2.
    """
    p, q = (u - cx) / rx, (v - cy) / ry
    pu, qv = p / rx, q / ry
    k = np.sqrt(p * p + q * q)
    return (k - np.float32(1)) * k / (np.sqrt(pu * pu + qv * qv) + TINY)


def egg(u: Any, v: Any, cy: float, w: Any, h: float, taper: float) -> np.ndarray:
    """Distance to an ellipse about (0, cy) whose half width w shrinks by the factor 1 - taper (v - cy) / h
    downwards.
    """
    t = (v - np.float32(cy)) / np.float32(h)
    s = np.float32(1) - np.float32(taper) * t
    p = u / (w * s)
    pu, tv = p / (w * s), (t + p * p * (np.float32(taper) / s)) / np.float32(h)
    k = np.sqrt(p * p + t * t)
    return (k - np.float32(1)) * k / (np.sqrt(pu * pu + tv * tv) + TINY)


def bow(u: Any, v: Any, y: Any, depth: Any, half: Any) -> np.ndarray:
    """Distance below (positive) the parabola through (+-half, y - depth / 2) and (0, y + depth / 2)."""
    p = u / half
    slope = np.float32(-2) * depth * p / half
    return (v - y - depth * (np.float32(0.5) - p * p)) / np.sqrt(np.float32(1) + slope * slope)


def band(u: Any, half: Any, across: np.ndarray, thick: Any) -> np.ndarray:
    """Distance to a band with round ends: within `thick` of where across <= 0 and |u| <= half."""
    end, side = np.maximum(np.abs(u) - half, np.float32(0)), np.maximum(across, np.float32(0))
    return np.sqrt(end * end + side * side) - thick


def discs(u: Any, v: Any, circles: Any, w: Any) -> np.ndarray:
    """Distance to a union of discs (x in units of w, y, radius)."""
    parts = []
    for x, y, r in circles:
        p, q = u - np.float32(x) * w, v - np.float32(y)
        parts.append((p * p + q * q - np.float32(r * r)) * np.float32(0.5 / r))
    return reduce(np.minimum, parts)


def provenance(module: str, version: int, **told: Any) -> dict[str, Any]:
    """Where a drawn dataset comes from, JSON-ready: the module and the version that drew it, the licence, and
    what it was told.
    """
    return {"source": f"drawn by {module}, version {version}", "licence": "Apache-2.0", **told}


class Numbered(Sequence[str]):
    """The sources ``name#0`` ... ``name#(n-1)`` without n strings in memory."""

    def __init__(self, name: str, count: int) -> None:
        self.name, self.total = name, count

    def __len__(self) -> int:
        return self.total

    def __getitem__(self, i: Any) -> Any:
        if isinstance(i, slice):
            return [f"{self.name}#{k}" for k in range(self.total)[i]]
        return f"{self.name}#{range(self.total)[i]}"


def cached(
    name: str,
    arguments: dict[str, Any],
    shape: tuple[int, ...],
    pieces: Callable[[], Iterator[np.ndarray]],
    progress: Progress | None = None,
) -> np.ndarray:
    """The drawing that these arguments name, from the cache, or drawn now, piece by piece at constant memory.

    Args:
        name: of the dataset; part of the file's name.
        arguments: JSON-ready; everything that the drawing depends on, the drawing code's version included.
        shape: (n, ...) of the whole drawing.
        pieces: gives the drawing's uint8 rows in order; called only if the cache does not hold them.
        progress: called with (rows done, n) as the drawing grows.

    Returns:
        uint8, `shape`, memory-mapped and read-only.

    Raises:
        LiminalError: the cache cannot be written.
    """
    key = hashlib.sha256(json.dumps([arguments, shape], sort_keys=True).encode()).hexdigest()[:16]
    path = cache_folder("drawn") / f"{name}-{key}.npy"
    if path.exists():
        try:
            array = np.load(path, mmap_mode="r", allow_pickle=False)
            if array.shape == shape and array.dtype == np.uint8:
                return array
        except (ValueError, EOFError):
            pass  # cut short or no npy file: draw it again
    with atomic(path) as part, open(part, "wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        done = 0
        for piece in pieces():
            file.write(np.ascontiguousarray(piece).data)
            done += len(piece)
            if progress is not None:
                progress(done, shape[0])
    return np.load(path, mmap_mode="r", allow_pickle=False)
