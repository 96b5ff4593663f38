"""Pictures of shapes: the surface as small quads, lit at its corners, painted from far to near.

The surface is that of naive surface nets (Gibson 1998): in every cell of the field's dual grid that the
surface passes, one corner at the mean of where it cuts the cell's edges; a quad for each edge of the field
that it cuts. Normals come from the gradient of the field smoothed, so that cells show no steps. Light: a key
from above left with a soft shadow, a fill from the right, and as much of the sky as a corner sees (how empty
the smoothed field is before it). The ground is not drawn, but takes a faint shadow. Light depends on the
shape alone, so that turning it means painting alone. The page draws the same (`solid.ts`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import PIL.Image

from .occupancy import FLOOR

AZIMUTH, ELEVATION = 32.0, 22.0  # degrees: to the right of the front, above the horizon
DISTANCE = 3.4  # of the camera from the middle, in sides of the grid
ZOOM = 1.2  # sides of the grid that the picture shows, at the middle, or more for what is larger
MIDDLE = np.array([0.5, 0.43, 0.5])
MARGIN = 0.02  # of the picture, on either side
PAPER = (255, 255, 255)
COLOUR = np.array([0.82, 0.60, 0.41])  # of clay in daylight, in linear light
SKY, BOUNCE = np.array([0.40, 0.44, 0.50]), np.array([0.24, 0.20, 0.17])  # light from above and from below
KEY, KEY_LIGHT = np.array([-0.42, 0.82, 0.40]), np.array([0.78, 0.73, 0.64])
FILL, FILL_LIGHT = np.array([0.85, 0.2, 0.3]), np.array([0.10, 0.12, 0.16])
GROUND = (-0.25, 1.25)  # from where to where it is drawn, of the grid
SHADE = 0.34  # of the ground, where it is darkest
LARGE = 160  # pixels, from which the field is taken twice as fine
OVER = 2  # pictures are painted so many times as large
STEPS, STRIDE = 16, 1.6  # on the way to a light, in cells


class Lit(NamedTuple):
    """A surface with its light.

    Attributes:
        corners: (n, 3), in [0, 1], y up.
        normals: (n, 3), outwards.
        colours: (n, 3), sRGB in [0, 1].
        quads: (m, 4), corners of each, in turn.
        ground: (g, g), how dark the ground is, 0 to 1, by x and z over `GROUND`.
    """

    corners: np.ndarray
    normals: np.ndarray
    colours: np.ndarray
    quads: np.ndarray
    ground: np.ndarray


def nets(field: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The surface where a field is zero: corners (n, 3) in units of its samples, and quads (m, 4) that turn
    to the left seen from outside, where the field is negative.

    Args:
        field: (a, b, c), negative at its border.
    """
    full = field > 0
    count = full.view(np.int8)
    for axis in range(3):
        moved = np.moveaxis(count, axis, 0)
        count = np.moveaxis(moved[1:] + moved[:-1], 0, axis)
    cells = np.argwhere((count > 0) & (count < 8))
    number = np.full(count.shape, -1, np.int64)
    number[tuple(cells.T)] = np.arange(len(cells))
    corners = _corners(field, cells)
    return corners, _quads(full, number)


CUBE = np.array([(i, j, k) for i in (0, 1) for j in (0, 1) for k in (0, 1)])
EDGES = [(a, b) for a in range(8) for b in range(a + 1, 8) if np.abs(CUBE[a] - CUBE[b]).sum() == 1]


def _corners(field: np.ndarray, cells: np.ndarray) -> np.ndarray:
    flat = _flat(cells, field.shape)
    values = field.reshape(-1)[flat[:, None] + _flat(CUBE, field.shape)]
    total, cut = np.zeros((len(cells), 3), np.float32), np.zeros(len(cells), np.float32)
    for a, b in EDGES:
        u, v = values[:, a], values[:, b]
        crossed = np.flatnonzero((u > 0) != (v > 0))
        t = u[crossed] / (u[crossed] - v[crossed])
        axis = int(np.flatnonzero(CUBE[a] != CUBE[b])[0])
        total[crossed] += CUBE[a]
        total[crossed, axis] += t
        cut[crossed] += 1
    return cells + total / cut[:, None]


def _flat(at: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers of the samples at (..., 3)."""
    return (at[..., 0] * shape[1] + at[..., 1]) * shape[2] + at[..., 2]


def _quads(full: np.ndarray, number: np.ndarray) -> np.ndarray:
    found = []
    for axis in range(3):
        f, n = (np.moveaxis(t, (axis, (axis + 1) % 3, (axis + 2) % 3), (0, 1, 2)) for t in (full, number))
        i, j, k = np.nonzero(f[1:] != f[:-1])
        ring = np.stack([n[i, j - 1, k - 1], n[i, j, k - 1], n[i, j, k], n[i, j - 1, k]], 1)
        inwards = f[i + 1, j, k]  # the field grows along the axis: the surface looks back
        found.append(np.where(inwards[:, None], ring[:, ::-1], ring))
    return np.concatenate(found)


def lit(item: np.ndarray, fine: bool = False) -> Lit:
    """The surface of an item, uint8 (s, s, s), with its light.

    Args:
        item: shares of cells, 255 for full.
        fine: whether the field is taken twice as fine.
    """
    from .surface import logits

    side = len(item) * (2 if fine else 1)
    shares = item.astype(np.float32) / np.float32(255)
    field = logits(shares, 2) if fine else np.pad(shares, 1) - np.float32(0.5 - 1e-4)
    corners, quads = nets(field)
    padded = np.pad(shares, 1)
    smooth = _smoothed(padded)
    at = (corners - 0.5) / side  # in [0, 1]
    place = (at * len(item) + 0.5).astype(np.float32)  # in samples of what is smoothed
    slope = _sample(np.stack(np.gradient(smooth), -1), place)
    normals = -slope / np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-6)
    wide = _smoothed(_smoothed(smooth))
    colours = _light(place, normals, smooth, wide)
    return Lit(at, normals, colours, quads, _ground(wide, len(item), 32 if fine else 16))


def _smoothed(field: np.ndarray) -> np.ndarray:
    """Each sample a quarter of its neighbours' and half of its own, along all three axes."""
    out = field
    for axis in range(3):
        moved = np.moveaxis(out, axis, 0)
        new = moved * np.float32(0.5)
        new[1:] += np.float32(0.25) * moved[:-1]
        new[:-1] += np.float32(0.25) * moved[1:]
        out = np.moveaxis(new, 0, axis)
    return out


def _sample(field: np.ndarray, place: np.ndarray) -> np.ndarray:
    """A field of k numbers (a, b, c, k) between its samples: place (n, 3) within it -> (n, k)."""
    low = place.astype(np.int64)
    part = (place - low).astype(np.float32)
    flat, held = _flat(low, field.shape), field.reshape(-1, field.shape[-1])
    sides = np.stack([1 - part, part])
    out = np.zeros((len(place), field.shape[-1]), np.float32)
    for i, j, k in CUBE:
        weight = sides[i, :, 0] * sides[j, :, 1] * sides[k, :, 2]
        out += weight[:, None] * held[flat + _flat(np.array([i, j, k]), field.shape)]
    return out


def _nearest(field: np.ndarray, place: np.ndarray) -> np.ndarray:
    """A field at the nearest samples, that of its empty border outside: place (..., 3) -> (...)."""
    most = np.array(field.shape, np.float32) - 1
    at = np.clip(place + np.float32(0.5), 0, most).astype(np.int32)
    return field.reshape(-1)[_flat(at, field.shape)]


def _blocked(field: np.ndarray, place: np.ndarray, way: np.ndarray, first: float) -> np.ndarray:
    """How much of the light from somewhere is stopped on its way: 0 to 1."""
    met = np.zeros(len(place), np.float32)
    for step in range(STEPS):
        reach = np.float32(first + step * STRIDE)
        met = np.maximum(met, _nearest(field, place + reach * way.astype(np.float32)))
    return np.clip(2.2 * met - 0.35, 0, 1)


def _light(place: np.ndarray, normals: np.ndarray, smooth: np.ndarray, wide: np.ndarray) -> np.ndarray:
    key, fill = (way / np.linalg.norm(way) for way in (KEY, FILL))
    open_ = sum(1 - _nearest(wide, place + np.float32(reach) * normals) for reach in (1.5, 3, 5)) / 3
    open_ = np.clip(open_, 0, 1) ** 1.6
    shadow = _blocked(smooth, place + np.float32(1.2) * normals, key, 1.5)
    up = 0.5 + 0.5 * normals[:, 1]
    around = SKY * up[:, None] + BOUNCE * (1 - up[:, None])
    light = around * open_[:, None]
    light = light + KEY_LIGHT * (np.clip(normals @ key, 0, 1) * (1 - shadow))[:, None]
    light = light + FILL_LIGHT * (np.clip(normals @ fill, 0, 1) * open_)[:, None]
    return np.clip(COLOUR * light, 0, 1) ** (1 / 2.2)


def _ground(wide: np.ndarray, side: int, count: int) -> np.ndarray:
    """How dark the ground is: shadow of the key, and nearness, fading towards the edge."""
    key = KEY / np.linalg.norm(KEY)
    span = np.linspace(*GROUND, count + 1)
    x, z = np.meshgrid(span, span, indexing="ij")
    place = (np.stack([x, np.full_like(x, FLOOR), z], -1).reshape(-1, 3) * side + 0.5).astype(np.float32)
    dark = 0.75 * _blocked(wide, place, key, 1.0)
    near = np.clip(2.2 * _nearest(wide, place + np.array([0, 1, 0], np.float32)), 0, 1)
    fade = np.clip((0.68 - np.hypot(x - 0.5, z - 0.5)) / 0.3, 0, 1)
    return np.clip(dark + near, 0, 1).reshape(x.shape) * fade


def basis(azimuth: float, elevation: float) -> np.ndarray:
    """Right, up, and towards the camera, as rows (3, 3); degrees."""
    a, e = np.deg2rad(azimuth), np.deg2rad(elevation)
    back = np.array([np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)])
    right = np.array([np.cos(a), 0.0, -np.sin(a)])
    return np.stack([right, np.cross(back, right), back])


def picture(
    item: np.ndarray, size: int, azimuth: float = AZIMUTH, elevation: float = ELEVATION
) -> PIL.Image.Image:
    """An item as an RGB picture of size x size pixels, on paper."""
    return painted(lit(item, size >= LARGE), size, azimuth, elevation)


def painted(shape: Lit, size: int, azimuth: float = AZIMUTH, elevation: float = ELEVATION) -> PIL.Image.Image:
    """A lit surface from some side, as `picture`."""
    wide = OVER * size
    image = np.full((wide * wide, 3), PAPER, np.float32)
    turn = basis(azimuth, elevation)
    at, depth = _projected(shape.corners, turn, wide)
    reach = np.abs(at - wide / 2).max(initial=0) / (wide * (0.5 - MARGIN))
    zoom = ZOOM * max(float(reach), 1)
    if elevation > 0:
        _paint_ground(image, shape.ground, turn, wide, zoom)
    if len(shape.quads):
        at, depth = _projected(shape.corners, turn, wide, zoom)
        p = at[shape.quads]
        a, b = p[:, 2] - p[:, 0], p[:, 3] - p[:, 1]
        seen = np.flatnonzero(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0] < 0)
        order = seen[np.argsort(depth[shape.quads[seen]].sum(1), kind="stable")]
        quads = shape.quads[order]
        _splat(image, at[quads], 255 * shape.colours[quads].astype(np.float32), wide)
    large = image.reshape(wide, wide, 3)
    pixels = sum(large[i::OVER, j::OVER] for i in range(OVER) for j in range(OVER)) / OVER**2
    return PIL.Image.fromarray(np.round(np.clip(pixels, 0, 255)).astype(np.uint8))


def _projected(
    points: np.ndarray, turn: np.ndarray, wide: int, zoom: float = ZOOM
) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (n, 2), x to the right and y down, and depth (n,), larger is nearer."""
    seen = (points - MIDDLE) @ turn.T
    scale = wide / zoom * DISTANCE / (DISTANCE - seen[:, 2])
    return np.stack([wide / 2 + scale * seen[:, 0], wide / 2 - scale * seen[:, 1]], 1), seen[:, 2]


def _splat(image: np.ndarray, at: np.ndarray, colours: np.ndarray, wide: int) -> None:
    """Fill quads, later ones over earlier ones, by points less than a pixel apart.

    Args:
        image: (wide * wide, c), changed in place.
        at: (m, 4, 2), pixels.
        colours: (m, 4, c).
    """
    if not len(at):
        return
    longest = np.sqrt(np.square(at - np.roll(at, 1, 1)).sum(2)).max(1)
    k = max(2, int(np.ceil(float(np.quantile(longest, 0.98)) * 1.42)) + 1)
    u = (np.arange(k, dtype=np.float32) / (k - 1)) if k > 1 else np.zeros(1, np.float32)
    a, b = (t.astype(np.float32) for t in np.meshgrid(u, u, indexing="ij"))
    weights = np.stack([(1 - a) * (1 - b), a * (1 - b), a * b, (1 - a) * b], -1).reshape(-1, 4)
    step = max(1, 400_000 // len(weights))
    for i in range(0, len(at), step):
        place = np.matmul(weights, at[i : i + step].astype(np.float32)).astype(np.int32).reshape(-1, 2)
        tones = np.matmul(weights, colours[i : i + step]).reshape(-1, colours.shape[-1])
        inside = ((place >= 0) & (place < wide)).all(1)
        if not inside.all():
            place, tones = place[inside], tones[inside]
        image[place[:, 1] * wide + place[:, 0]] = tones


def _paint_ground(image: np.ndarray, ground: np.ndarray, turn: np.ndarray, wide: int, zoom: float) -> None:
    side = len(ground)
    span = np.linspace(*GROUND, side)
    x, z = np.meshgrid(span, span, indexing="ij")
    at, _ = _projected(np.stack([x, np.full_like(x, FLOOR), z], -1).reshape(-1, 3), turn, wide, zoom)
    dark = np.maximum(ground[1:], ground[:-1])
    i, j = np.nonzero(np.maximum(dark[:, 1:], dark[:, :-1]) > 0.01)
    first = i * side + j
    quads = np.stack([first, first + side, first + side + 1, first + 1], 1)
    tones = (np.array(PAPER) * (1 - SHADE * ground.reshape(-1, 1))).astype(np.float32)
    _splat(image, at[quads], tones[quads], wide)
