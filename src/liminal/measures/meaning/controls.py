"""Maps of a latent space that leave its prior, and so the distribution of what is decoded, exactly as they
are.

Each map T carries the prior of new codes e' onto the prior of the old ones, e = T(e'); a generator composed
with it, f(T(e')), makes the same items with the same probabilities, but its neighbours may be others. What a
mixture means can then be told apart from what the prior and the items are: if it falls under T, it was a
property of the mapping f.

Through the distribution function of each coordinate, u = CDF(e'):

- **folded**, u -> frac(k u): k-to-one, uniform again, and any two points nearer than 1/k come apart. An old
  code has k^d new ones; one of them is drawn for it, u' = (u + j) / k with j uniform among 0 .. k - 1, which
  is uniform too. So the *same items* are coded anew.
- **rotated**, e = R e' with a random orthogonal R (`Normal`, `Sphere`): all distances stay.
- **smooth**, a `Normal` coded in the cube: e = CDF^-1((e' + 1) / 2), a change of variables that tears
  nothing; its prior is `Uniform`.

A `Sphere`'s coordinates are not independent, but t_i = z_i / sqrt(1 - z_1^2 - .. - z_{i-1}^2) are, with (t_i
+ 1) / 2 ~ Beta((d - i) / 2, (d - i) / 2) for i < d - 1, and the angle of the last two coordinates, which is
uniform (Rosenblatt's transform).

Source: Rosenblatt 1952, Remarks on a multivariate transformation.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import LiminalError
from ...priors import Normal, Prior, Sphere, Uniform
from ...tensors import rng

EDGE = 1e-12  # u keeps this far from 0 and 1, where a normal has no finite value
FOLDS = (2, 64)


@dataclass(frozen=True)
class Control:
    """A map of the codes that keeps the prior.

    Attributes:
        name: ``none``, ``folded 2``, ``folded 64``, ``rotated``, ``smooth``.
        prior: of the new codes.
        recode: old codes (n, d) -> new ones (n, d) that are carried back onto them; independent draws stay
            independent draws.
        carry: T, new codes (n, d) -> old ones (n, d).
    """

    name: str
    prior: Prior
    recode: Callable[[Tensor], Tensor]
    carry: Callable[[Tensor], Tensor]


def controls(prior: Prior, folds: tuple[int, ...] = FOLDS, seed: int = 0) -> list[Control]:
    """The controls of a prior: none, rotated (normal, sphere), smooth (normal), and folded k times, in this
    order.

    Args:
        prior: of the codes; of a latent flow, the normal of its noise.
        folds: k of each folded one, 2 or more.
        seed: of the rotation, and of which of the new codes an old one gets.

    Raises:
        LiminalError: a prior without a distribution function, or a k below 2.
    """
    if min(folds, default=2) < 2:
        raise LiminalError(f"controls: folds {folds}; wanted 2 or more of each: frac(1 u) changes nothing")
    to_cube(prior, torch.zeros(0, prior.dim))
    same: Callable[[Tensor], Tensor] = lambda z: z
    found = [Control("none", prior, same, same)]
    if isinstance(prior, Normal | Sphere):
        found.append(_rotated(prior, seed))
    if isinstance(prior, Normal):
        cube = Uniform(prior.dim)
        found.append(
            Control(
                "smooth",
                cube,
                lambda z: _to(cube, to_cube(prior, z), z),
                lambda v: _to(prior, to_cube(cube, v), v),
            )
        )
    return found + [_folded(prior, k, seed) for k in folds]


def _rotated(prior: Prior, seed: int) -> Control:
    turn = torch.linalg.qr(torch.randn(prior.dim, prior.dim, generator=rng(seed), dtype=torch.float64)).Q
    return Control(
        "rotated", prior, lambda z: (z.double() @ turn).to(z), lambda v: (v.double() @ turn.T).to(v)
    )


def _folded(prior: Prior, k: int, seed: int) -> Control:
    draw = rng(seed + k)

    def recode(z: Tensor) -> Tensor:
        u = to_cube(prior, z)
        part = torch.randint(k, u.shape, generator=draw).to(u)
        return _to(prior, (u + part) / k, z)

    return Control(f"folded {k}", prior, recode, lambda v: _to(prior, (k * to_cube(prior, v)).frac(), v))


def _to(prior: Prior, u: Tensor, like: Tensor) -> Tensor:
    return from_cube(prior, u).to(like.device)


def to_cube(prior: Prior, z: Tensor) -> Tensor:
    """Draws of a prior (n, d) -> independent uniform numbers in (0, 1), float64: (n, d), of a sphere (n, d -
    1).

    Raises:
        LiminalError: no such map is known for the prior.
    """
    z = z.double()
    if isinstance(prior, Normal):
        u = torch.special.ndtr(z)
    elif isinstance(prior, Uniform):
        u = (z + 1) / 2
    elif isinstance(prior, Sphere):
        u = _sphere_to_cube(z)
    else:
        kind = getattr(prior, "name", type(prior).__name__)
        raise LiminalError(
            f"controls: wanted a normal, uniform or sphere prior, or a latent flow's noise, got {kind}"
        )
    return u.clamp(EDGE, 1 - EDGE)


def from_cube(prior: Prior, u: Tensor) -> Tensor:
    """The inverse of `to_cube`, in float64."""
    u = u.clamp(EDGE, 1 - EDGE)
    if isinstance(prior, Normal):
        return torch.special.ndtri(u)
    return 2 * u - 1 if isinstance(prior, Uniform) else _cube_to_sphere(u)


def _sphere_to_cube(z: Tensor) -> Tensor:
    from scipy.special import betainc

    d = z.shape[1]
    rest = z.square().flip(1).cumsum(1).flip(1).sqrt().clamp_min(1e-300)  # norm of coordinates i .. d - 1
    shape = torch.arange(d - 1, 1, -1, dtype=torch.float64) / 2
    u = betainc(shape.numpy(), shape.numpy(), ((z / rest)[:, : d - 2].clamp(-1, 1).cpu().numpy() + 1) / 2)
    angle = torch.atan2(z[:, -1], z[:, -2]) / (2 * math.pi)
    return torch.cat([torch.from_numpy(u).to(z), (angle % 1)[:, None]], 1)


def _cube_to_sphere(u: Tensor) -> Tensor:
    from scipy.special import betaincinv

    d = u.shape[1] + 1
    shape = torch.arange(d - 1, 1, -1, dtype=torch.float64) / 2
    t = 2 * torch.from_numpy(betaincinv(shape.numpy(), shape.numpy(), u[:, : d - 2].cpu().numpy())).to(u) - 1
    rest = torch.cat([torch.ones_like(u[:, :1]), (1 - t.square()).clamp_min(0).sqrt().cumprod(1)], 1)
    angle = 2 * math.pi * u[:, -1:]
    return torch.cat([t * rest[:, :-1], rest[:, -1:] * angle.cos(), rest[:, -1:] * angle.sin()], 1)
