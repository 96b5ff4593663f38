"""Curves through key latents, as one stretch from each key to the next: t (m,) in [0, 1] -> (m, d), exactly
the keys at 0 and 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from ...errors import LiminalError
from .mixing import Way, ends, linear, slerp
from .noise_mixing import Mixer

Stretch = Callable[[Tensor], Tensor]


def stretches(keys: Tensor, way: Way | Mixer, loop: bool = False) -> list[Stretch]:
    """A way taken from each key (k, d) to the next, and on a loop from the last to the first.

    From an item to itself it stays there.
    """
    if isinstance(way, Mixer):
        return _carried(keys, lambda e: [slerp] * (len(e) - 1), loop, way)
    return through(keys, [way] * (len(keys) - 1 + loop), loop)


def through(keys: Tensor, ways: Sequence[Way], loop: bool = False) -> list[Stretch]:
    """As `stretches`, with a way of its own for each."""
    return [_pinned(a, b, way) for (a, b), way in zip(pairwise(_stops(keys, loop)), ways, strict=True)]


def _pinned(a: Tensor, b: Tensor, way: Way) -> Stretch:
    if torch.equal(a, b):
        return lambda t: a.expand(len(t), -1)
    return lambda t: ends(a, b, t.to(a)[:, None], way(a, b, t.to(a)))


def _carried(keys: Tensor, draw: Callable[[Tensor], list[Way]], loop: bool, mixer: Mixer) -> list[Stretch]:
    """The stretches of ways drawn through the keys' noises, brought back."""
    e, lost = (_stops(part, loop) for part in mixer.carry(keys))

    def brought(i: int, way: Way) -> Way:
        return lambda a, b, t: mixer.back(way(e[i], e[i + 1], t), linear(lost[i], lost[i + 1], t))

    return through(keys, [brought(i, way) for i, way in enumerate(draw(e))], loop)


def smooth(keys: Tensor, loop: bool = False, mixer: Mixer | None = None) -> list[Stretch]:
    """One curve without corners through all keys: a centripetal Catmull-Rom spline, for key-frame animation.

    Knots lie |z_(i+1) - z_i|^(1/2) apart, which keeps the curve free of loops and cusps and close to the
    keys. The ends of an open curve are free (no curvature), so between two keys it is the straight line; a
    loop is as smooth at its first key as elsewhere.

    Args:
        keys: (k, d), k >= 2. Between equal neighbours lies a stretch of no length.
        loop: go on from the last key to the first.
        mixer: draw the curve in its noise, where the latents are typical, and not in the latents themselves.

    Returns:
        k - 1 stretches, or k on a loop.

    Source: Catmull & Rom 1974; Barry & Goldman 1988; Yuksel, Schaefer & Keyser 2011, Parameterization of
    Catmull-Rom curves.
    """
    if mixer is not None:
        return _carried(keys, lambda e: _bends(e, loop), loop, mixer)
    return through(keys, _bends(_stops(keys, loop), loop), loop)


def _bends(stops: Tensor, loop: bool) -> list[Way]:
    gaps = stops.diff(dim=0).norm(dim=1, keepdim=True).sqrt()
    moving = gaps[:, 0].nonzero()[:, 0]
    ways: list[Way] = [linear] * len(gaps)
    if len(moving):
        gaps = gaps[moving]
        leaving, arriving = _slopes(stops.diff(dim=0)[moving] / gaps, gaps, loop)
        for i, out, into in zip(moving.tolist(), gaps * leaving, gaps * arriving, strict=True):
            ways[i] = _hermite(out, into)
    return ways


def _slopes(chords: Tensor, gaps: Tensor, loop: bool) -> tuple[Tensor, Tensor]:
    """The derivative (s, d) where each stretch begins and where it ends, from the chords' slopes (s, d) and
    the knots' gaps (s, 1).
    """
    before, width = chords.roll(1, 0), gaps.roll(1, 0)
    at = (before * gaps + chords * width) / (
        gaps + width
    )  # where stretch i begins; the first is met by the last
    after = at.roll(-1, 0)
    if not loop:
        only = len(chords) == 1
        at[0] = chords[0] if only else (3 * chords[0] - at[1]) / 2
        after[-1] = chords[-1] if only else (3 * chords[-1] - at[-1]) / 2
    return at, after


def _hermite(leaving: Tensor, arriving: Tensor) -> Way:
    def way(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
        t = t[:, None]
        return a + (b - a) * t * t * (3 - 2 * t) + leaving * t * (1 - t) ** 2 - arriving * t * t * (1 - t)

    return way


def polyline_way(curves: Tensor) -> Way:
    """A way along curves that were computed in advance, such as geodesics, each at even steps of t from point
    to point.

    Args:
        curves: (n, points, d), points >= 2. A stretch takes the curve whose ends are its keys, in either
            direction.

    Returns:
        The way, which raises `LiminalError` between latents that no curve joins.

    Raises:
        LiminalError: the curves have another shape, or hold NaN.
    """
    if curves.ndim != 3 or curves.shape[1] < 2 or not len(curves):
        raise LiminalError(
            f"polyline_way: wanted curves (n, points, d) of 2 points or more, got {tuple(curves.shape)}"
        )
    if not torch.isfinite(curves).all():
        raise LiminalError("polyline_way: the curves hold NaN or infinity; wanted finite points")

    def way(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
        both = torch.cat([curves, curves.flip(1)]).to(a)
        off = (both[:, 0] - a).norm(dim=1) + (both[:, -1] - b).norm(dim=1)
        best = int(off.argmin())
        if float(off[best]) > 1e-3 * (1 + float(a.norm() + b.norm())):
            raise LiminalError(
                "path: none of the curves computed in advance joins these two items; compute one from each "
                "key to the next"
            )
        curve = both[best]
        place = t * (len(curve) - 1)
        left = place.floor().clamp(0, len(curve) - 2)
        i = left.long()
        return curve[i] + (place - left)[:, None] * (curve[i + 1] - curve[i])

    return way


def only(z: Tensor, start: Tensor, directions: Tensor, white: Tensor | None = None) -> Tensor:
    """z moved so that it differs from `start` along the given directions only: start + V c, with the c
    nearest to z.

    Args:
        z: (t, d).
        start: (d,).
        directions: (k, d), the columns of V; they need not be independent.
        white: (d, a), for instance `probes.Frame.white`: nearest in these coordinates, where all latents vary
            alike, so that what merely goes together with a direction among the items is not taken for it.
            None: nearest in the latents themselves.

    Returns:
        (t, d); start is exactly start.

    Raises:
        LiminalError: no direction, one of no length, or another width.
    """
    if directions.ndim != 2 or not len(directions) or directions.shape[1] != z.shape[-1]:
        raise LiminalError(
            f"only: wanted directions of shape (k, {z.shape[-1]}), 1 or more, got {tuple(directions.shape)}"
        )
    v, moved = directions.double(), (z - start).double()
    w = torch.eye(z.shape[-1], dtype=torch.float64) if white is None else white.double()
    if not torch.isfinite(v).all() or ((v @ w).norm(dim=1) <= 1e-12).any():
        raise LiminalError("only: a direction of no length shows no way to go; leave it out")
    return (start.double() + moved @ w @ torch.linalg.pinv(v @ w) @ v).to(z)


def _stops(keys: Tensor, loop: bool) -> Tensor:
    return torch.cat([keys, keys[:1]]) if loop else keys
