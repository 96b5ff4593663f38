"""Lines, arcs and mixtures between chosen latents.

Chosen items are not independent draws of the prior: an item mixed with itself must be itself, and near items must have a near midpoint.
So arcs and mixtures carry direction and norm separately. For true draws of a prior use `Prior.mix`, which keeps its distribution.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ..errors import LiminalError, unknown

_SMALL = 1e-6


def linear(a: Tensor, b: Tensor, t: float | Tensor) -> Tensor:
    """(1 - t) a + t b, computed as a + t (b - a), which from an item to itself stays exactly there.

    Args:
        a: (..., d).
        b: (..., d).
        t: one number, or (m,).

    Returns:
        (..., d) for one number, (m, ..., d) for m of them; exactly a at t = 0 and exactly b at t = 1.
    """
    t = _fractions(a, t)
    return _ends(a, b, t, a + t * (b - a))


def slerp(a: Tensor, b: Tensor, t: float | Tensor) -> Tensor:
    """The arc between two directions at constant angular speed, with the norm going linearly from |a| to |b|.

    With angle w between a and b: direction = (sin((1 - t) w) a/|a| + sin(t w) b/|b|) / sin w. Collinear vectors give the straight line;
    opposite ones, between which no arc is preferred, go round through a fixed perpendicular; a zero vector takes the other's direction.

    Args:
        a: (..., d).
        b: (..., d).
        t: one number, or (m,).

    Returns:
        (..., d) for one number, (m, ..., d) for m of them; exactly a at t = 0 and exactly b at t = 1.

    Source: Shoemake 1985, Animating rotation with quaternion curves.
    """
    t = _fractions(a, t)
    na, nb = a.norm(dim=-1, keepdim=True), b.norm(dim=-1, keepdim=True)
    ua, ub = a / na.clamp_min(1e-30), b / nb.clamp_min(1e-30)
    ua, ub = torch.where(na > 0, ua, ub), torch.where(nb > 0, ub, ua)
    # atan2 of sum and difference keeps its digits at 0 and at pi, where acos of the dot product loses half of them
    w = 2 * torch.atan2((ua - ub).norm(dim=-1, keepdim=True), (ua + ub).norm(dim=-1, keepdim=True))
    side = ub - (ua * ub).sum(-1, keepdim=True) * ua
    length = side.norm(dim=-1, keepdim=True)
    side = torch.where(length > _SMALL, side / length.clamp_min(1e-30), _perpendicular(ua))
    on_arc = torch.cos(t * w) * ua + torch.sin(t * w) * side
    # below a millionth of a radian the arc is the line
    return _ends(a, b, t, torch.where(w > _SMALL, ((1 - t) * na + t * nb) * on_arc, a + t * (b - a)))


def _fractions(a: Tensor, t: float | Tensor) -> Tensor:
    t = torch.as_tensor(t, dtype=a.dtype, device=a.device)
    return t.reshape(t.shape + (1,) * a.ndim) if t.ndim else t


def _ends(a: Tensor, b: Tensor, t: Tensor, inner: Tensor) -> Tensor:
    return torch.where(t == 0, a, torch.where(t == 1, b, inner))


def _perpendicular(u: Tensor) -> Tensor:
    """A unit vector at right angles to each unit vector (..., d): the axis that u points along least, made perpendicular."""
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
    """A mixture of k latents whose direction is that of their weighted mean and whose norm is their weighted mean norm.

    A weighted mean alone shrinks towards the origin (by sqrt(k) for k unrelated latents), where decoders blur. Latents that cancel
    each other have no common direction; their plain mean is given.

    Args:
        z: (k, d) or (k, n, d).
        weights: (k,), none negative, not all zero; they are scaled to sum to 1. None: equal.

    Returns:
        (d,) or (n, d).

    Raises:
        LiminalError: there are no latents, or the weights do not fit them.
    """
    k = len(z)
    if k == 0:
        raise LiminalError("mix: no latents; wanted 1 or more")
    w = torch.ones(k) if weights is None else torch.as_tensor(weights)
    if w.shape != (k,) or not torch.isfinite(w).all() or (w < 0).any() or w.sum() <= 0:
        raise LiminalError(f"mix: wanted {k} weights, none negative and not all zero, got {w.tolist()}")
    w = (w / w.sum()).to(z).reshape(k, *(1,) * (z.ndim - 1))
    centre = (w * z).sum(0)
    norms = (w * z.norm(dim=-1, keepdim=True)).sum(0)
    length = centre.norm(dim=-1, keepdim=True)
    return torch.where(length > _SMALL * norms, centre * (norms / length.clamp_min(1e-30)), centre)


ALONG: dict[str, Callable[[Tensor, Tensor, float | Tensor], Tensor]] = {"linear": linear, "slerp": slerp}


def along(name: str) -> Callable[[Tensor, Tensor, float | Tensor], Tensor]:
    """The way between two latents by its name.

    Raises:
        LiminalError: there is none of that name.
    """
    if name not in ALONG:
        raise unknown("way between items", name, ALONG)
    return ALONG[name]
