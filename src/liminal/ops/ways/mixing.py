"""Lines, arcs and mixtures between chosen latents.

Chosen items are not independent draws of the prior: an item mixed with itself must be itself, and near items
must have a near midpoint. So arcs and mixtures carry direction and norm separately. For true draws of a prior
use `Prior.mix`, which keeps its distribution. Where latents lie is not told by their prior alone: `mixer`
carries them to a flow's noise and mixes there.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ... import distances
from ...errors import LiminalError, unknown

Way = Callable[
    [Tensor, Tensor, Tensor], Tensor
]  # a (d,), b (d,), t (m,) -> (m, d), exactly a at 0 and b at 1
Blend = Callable[
    [Tensor, Tensor | None], Tensor
]  # z (k, d), weights (k,) or (k, n) or None -> (d,) or (n, d)

_SMALL = 1e-6
_TINY = 1e-300  # instead of a length of 0, in float64
_OPPOSITE = 1e-12  # sine of an angle below which two vectors leave the side of their arc open


def linear(a: Tensor, b: Tensor, t: float | Tensor) -> Tensor:
    """(1 - t) a + t b, computed as a + t (b - a), which from an item to itself stays exactly there.

    Args:
        a: (..., d).
        b: (..., d).
        t: one number, or (m,).

    Returns:
        (..., d) for one number, (m, ..., d) for m of them; exactly a at t = 0 and exactly b at t = 1.
    """
    t = fractions(a, t)
    return ends(a, b, t, a + t * (b - a))


def slerp(a: Tensor, b: Tensor, t: float | Tensor) -> Tensor:
    """The arc between two directions at constant angular speed, with the norm going linearly from |a| to |b|.

    With angle w between a and b: direction = (sin((1 - t) w) a/|a| + sin(t w) b/|b|) / sin w. Collinear
    vectors give the straight line; opposite ones, between which no arc is preferred, go round through a fixed
    perpendicular; a zero vector takes the other's direction.

    Args:
        a: (..., d).
        b: (..., d).
        t: one number, or (m,).

    Returns:
        (..., d) for one number, (m, ..., d) for m of them; exactly a at t = 0 and exactly b at t = 1.

    Source: Shoemake 1985, Animating rotation with quaternion curves.
    """
    t = fractions(a, t)
    return ends(a, b, t, arc(a, b, t))


def arc(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """`slerp` with a t that already stands before (..., d).

    In float64: between nearly opposite vectors the side loses the most digits.
    """
    kind, a, b, t = a.dtype, a.double(), b.double(), t.double()
    na, nb = a.norm(dim=-1, keepdim=True), b.norm(dim=-1, keepdim=True)
    ua, ub = a / na.clamp_min(_TINY), b / nb.clamp_min(_TINY)
    ua, ub = torch.where(na > 0, ua, ub), torch.where(nb > 0, ub, ua)
    # atan2 of sum and difference keeps its digits at 0 and at pi, where acos of the dot product loses half of
    # them
    w = 2 * torch.atan2((ua - ub).norm(dim=-1, keepdim=True), (ua + ub).norm(dim=-1, keepdim=True))
    side = ub - (ua * ub).sum(-1, keepdim=True) * ua
    length = side.norm(dim=-1, keepdim=True)
    side = torch.where(length > _OPPOSITE, side / length.clamp_min(_TINY), _perpendicular(ua))
    on_arc = torch.cos(t * w) * ua + torch.sin(t * w) * side
    # below a millionth of a radian the arc is the line
    return torch.where(w > _SMALL, ((1 - t) * na + t * nb) * on_arc, a + t * (b - a)).to(kind)


def fractions(a: Tensor, t: float | Tensor) -> Tensor:
    """t so shaped that it stands before (..., d): one number as it is, (m,) as (m, ..., 1)."""
    t = torch.as_tensor(t, dtype=a.dtype, device=a.device)
    return t.reshape(t.shape + (1,) * a.ndim) if t.ndim else t


def ends(a: Tensor, b: Tensor, t: Tensor, inner: Tensor) -> Tensor:
    """`inner`, but exactly a at t = 0 and exactly b at t = 1."""
    return torch.where(t == 0, a, torch.where(t == 1, b, inner))


def _perpendicular(u: Tensor) -> Tensor:
    """A unit vector at right angles to each unit vector (..., d): the axis that u points along least, made
    perpendicular.
    """
    axis = torch.zeros_like(u).scatter_(-1, u.abs().argmin(-1, keepdim=True), 1.0)
    axis = axis - (axis * u).sum(-1, keepdim=True) * u
    return axis / axis.norm(dim=-1, keepdim=True).clamp_min(1e-30)


def mean(z: Tensor) -> Tensor:
    """The mean (d,) of latents (n, d).

    Raises:
        LiminalError: there are none.
    """
    if len(z) == 0:
        raise LiminalError("mean: no items to average; wanted 1 or more")
    return z.double().mean(0).to(z.dtype)


def mix(z: Tensor, weights: Tensor | None = None) -> Tensor:
    """A mixture of k latents whose direction is that of their weighted mean and whose norm is their weighted
    mean norm.

    A weighted mean alone shrinks towards the origin (by sqrt(k) for k unrelated latents), where decoders
    blur. Latents that cancel each other have no common direction; their plain mean is given.

    Args:
        z: (k, d) or (k, n, d).
        weights: (k,), or (k, n) a set for each of n mixtures; none negative, not all zero; scaled to sum to
            1. None: equal.

    Returns:
        (d,), or (n, d) where z or the weights have an n.

    Raises:
        LiminalError: there are no latents, or the weights do not fit them.
    """
    z, w = spread(z, weights_of("mix", z, weights))
    centre = (w * z).sum(0)
    norms = (w * z.norm(dim=-1, keepdim=True)).sum(0)
    length = centre.norm(dim=-1, keepdim=True)
    return torch.where(length > _SMALL * norms, centre * (norms / length.clamp_min(1e-30)), centre)


def average(z: Tensor, weights: Tensor | None = None) -> Tensor:
    """The mixture of k latents that continues `slerp`: the weighted mean of the directions on the sphere,
    with the weighted mean norm.

    The mean direction u makes sum_i w_i log_u(z_i / |z_i|) zero. Two latents give the arc's point `slerp(a,
    b, w_b)`. Latents that cancel each other have no common direction; their plain mean is given.

    Args:
        z: (k, d) or (k, n, d).
        weights: (k,), or (k, n) a set for each of n mixtures; none negative, not all zero; scaled to sum to
            1. None: equal.

    Returns:
        (d,), or (n, d) where z or the weights have an n; exactly z_i where only w_i is not zero.

    Raises:
        LiminalError: there are no latents, or the weights do not fit them.

    Source: Buss & Fillmore 2001, Spherical averages and applications to spherical splines and interpolation.
    """
    z, w = spread(z, weights_of("average", z, weights))
    return only_one(z, w, average_of(z, w))


def average_of(z: Tensor, w: Tensor) -> Tensor:
    """(k, ..., d) and weights (k, ..., 1) -> (..., d)."""
    if len(z) == 2:
        return arc(z[0], z[1], w[1])
    kind, z, w = z.dtype, z.double(), w.double()
    norms = z.norm(dim=-1, keepdim=True)
    unit = z / norms.clamp_min(_TINY)
    start = (w * unit).sum(0)
    length = start.norm(dim=-1, keepdim=True)
    mean = start / length.clamp_min(_TINY)
    for _ in range(50):
        cosine = (mean * unit).sum(-1, keepdim=True)
        side = unit - cosine * mean
        sine = side.norm(dim=-1, keepdim=True)
        # where mean and unit agree the arc is its chord; a latent of no length has no direction to pull in
        pull = (
            torch.where(sine > _SMALL, torch.atan2(sine, cosine) / sine.clamp_min(_TINY), 1.0)
            * side
            * (norms > 0)
        )
        step = (w * pull).sum(0)
        far = step.norm(dim=-1, keepdim=True)
        mean = torch.cos(far) * mean + torch.sin(far) * step / far.clamp_min(_TINY)
        mean = mean / mean.norm(dim=-1, keepdim=True).clamp_min(_TINY)
        if float(far.max()) < _SMALL:
            break
    return torch.where(length > _SMALL, mean * (w * norms).sum(0), (w * z).sum(0)).to(kind)


def weights_of(call: str, z: Tensor, weights: Tensor | None) -> Tensor:
    """Weights (k,) or (k, n) that sum to 1 over the k latents."""
    k = len(z)
    if k == 0:
        raise LiminalError(f"{call}: no latents; wanted 1 or more")
    w = torch.ones(k) if weights is None else torch.as_tensor(weights)
    if (
        w.ndim not in (1, 2)
        or len(w) != k
        or not torch.isfinite(w).all()
        or (w < 0).any()
        or (w.sum(0) <= 0).any()
    ):
        got = w.tolist() if w.numel() <= 12 else f"a table of {tuple(w.shape)}"
        raise LiminalError(f"{call}: wanted {k} weights, none negative and not all zero, got {got}")
    w = w.to(z)
    return w / w.sum(0)


def spread(z: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
    """Latents and weights so shaped that w * z are the weighted latents, (k, d) or (k, n, d)."""
    w = w[..., None]
    if w.ndim > z.ndim:
        return z[:, None], w
    return z, w[:, None] if w.ndim < z.ndim else w


def only_one(z: Tensor, w: Tensor, mixed: Tensor) -> Tensor:
    """The mixtures, exactly z_i where w_i alone is not zero."""
    for item, weight in zip(z, w, strict=True):
        mixed = torch.where(weight == 1, item, mixed)
    return mixed


def barycentre(z: Tensor, weights: Tensor | None = None, along: str | Blend = "linear") -> Tensor:
    """The middle (d,) of latents (k, d): their weighted mean (``linear``), their `average` (``slerp``), or
    what a blend such as
    `Mixer.blend` makes of them.

    Raises:
        LiminalError: there are none, the weights do not fit them, or the way has no middle of many.
    """
    return _blended("barycentre", z, weights, along)


def medoid(z: Tensor, weights: Tensor | None = None) -> int:
    """The row of z (k, d) with the least weighted mean distance to all of them: a middle that is a real item.

    The first of equals.

    Raises:
        LiminalError: there are none, or the weights do not fit them.
    """
    w = weights_of("medoid", z, weights).double()
    if w.ndim != 1:
        raise LiminalError(f"medoid: wanted {len(z)} weights, got {tuple(w.shape)}")
    costs = [table.clamp_min(0).sqrt().double() @ w for _, table in distances.blocks(z, z)]
    return int(torch.cat(costs).argmin())


def corners(z: Tensor, rows: int, cols: int, along: str | Blend = "linear") -> Tensor:
    """A grid between four latents, with bilinear weights.

    Args:
        z: (4, d): top left, top right, bottom left, bottom right; each is exactly its corner of the grid.
        rows: 2 or more.
        cols: 2 or more.
        along: ``linear``, ``slerp`` or a blend; on the border these are the ways between two corners.

    Returns:
        (rows, cols, d).

    Raises:
        LiminalError: not four latents, a grid without corners, or a way that mixes two only.
    """
    if z.ndim != 2 or len(z) != 4:
        raise LiminalError(f"corners: wanted 4 items, got {len(z) if z.ndim == 2 else 1}")
    if rows < 2 or cols < 2:
        raise LiminalError(f"corners: a grid of {rows} x {cols} has no four corners; wanted 2 x 2 or more")
    down, right = torch.linspace(0, 1, rows)[:, None], torch.linspace(0, 1, cols)
    weights = torch.stack([(1 - down) * (1 - right), (1 - down) * right, down * (1 - right), down * right])
    return _blended("corners", z, weights.flatten(1), along).reshape(rows, cols, -1)


def _blended(call: str, z: Tensor, weights: Tensor | None, along: str | Blend) -> Tensor:
    if callable(along):
        return along(z, weights)
    if along == "slerp":
        return average(z, weights)
    if along != "linear":
        raise unknown(f"way for {call}", along, ("linear", "slerp"), "To mix, give Mixer.blend.")
    z, w = spread(z, weights_of(call, z, weights))
    return only_one(z, w, (w.double() * z).sum(0).to(z))


ALONG: dict[str, Callable[[Tensor, Tensor, float | Tensor], Tensor]] = {"linear": linear, "slerp": slerp}


def along(name: str) -> Callable[[Tensor, Tensor, float | Tensor], Tensor]:
    """The way between two latents by its name.

    Raises:
        LiminalError: there is none of that name.
    """
    if name not in ALONG:
        raise unknown("way between items", name, ALONG)
    return ALONG[name]
