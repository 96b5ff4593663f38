"""Curves of latents as points at equal times: how long they are once decoded, and the same curves at other
times.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ...errors import LiminalError
from ...tensors import CHUNK, in_chunks

Decode = Callable[[Tensor], Tensor]
Weight = Callable[[Tensor], Tensor]

TOGETHER = 4 * CHUNK  # points of curves that are decoded and compared at once


def decoded(decode: Decode, z: Tensor) -> Tensor:
    """z (..., d) -> (..., D) in chunks and without gradients.

    Raises:
        LiminalError: the decoder gives NaN or infinity.
    """
    with torch.no_grad():
        x = in_chunks(decode, z.flatten(0, -2))
    if not torch.isfinite(x).all():
        raise LiminalError(
            "geodesics: the decoder gave NaN or infinity; wanted finite data at these latents and between "
            "them"
        )
    return x.unflatten(0, z.shape[:-1])


def weights(weight: Weight, z: Tensor) -> Tensor:
    """The weight (...) at z (..., d), float64 on the CPU, without gradients.

    Raises:
        LiminalError: it has another shape, or is not finite and above 0.
    """
    with torch.no_grad():
        value = in_chunks(weight, z.flatten(0, -2), TOGETHER)
    if value.shape != (z[..., 0].numel(),) or not torch.isfinite(value).all() or (value <= 0).any():
        raise LiminalError(
            "geodesics: the weight must give (m,) finite numbers of 1 or more for latents (m, d), got "
            f"shape {tuple(value.shape)}"
            + (f" from {float(value.min()):.3g} to {float(value.max()):.3g}" if value.numel() else "")
        )
    return value.cpu().double().view(z.shape[:-1])


def steps(decode: Decode, z: Tensor, weight: Weight | None) -> tuple[Tensor, Tensor]:
    """Squared lengths of the steps of curves (n, points, d) in the data, and the weights at their middles:
    (n, points - 1), float64.
    """
    squares = [
        decoded(decode, part).diff(dim=1).square().sum(-1).cpu().double()
        for part in z.split(max(1, TOGETHER // z.shape[1]))
    ]
    square = torch.cat(squares)
    return square, torch.ones_like(square) if weight is None else weights(weight, (z[:, 1:] + z[:, :-1]) / 2)


def measured(
    decode: Decode, z: Tensor, points: int, weight: Weight | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Energy, length and weighted energy of curves (n, t, d) or (t, d) seen at `points` times: (n,) each,
    float64 on the CPU.
    """
    z = z[None] if z.ndim == 2 else z
    if z.ndim != 3 or not len(z) or z.shape[1] < 2 or points < 2 or not torch.isfinite(z).all():
        raise LiminalError(
            f"energy: wanted finite curves (n, 2 or more, d) at 2 points or more, got {tuple(z.shape)} at "
            f"{points}"
        )
    seen = z if points == z.shape[1] else resampled(z, torch.linspace(0, 1, points, dtype=torch.float64))
    square, factor = steps(decode, seen, weight)
    return (points - 1) * square.sum(1), square.sqrt().sum(1), (points - 1) * (factor * square).sum(1)


def resampled(z: Tensor, t: Tensor) -> Tensor:
    """Curves at other times: natural cubic splines through their points, which stand at equal times from 0 to
    1.

    Args:
        z: (n, points, d).
        t: (m,) in [0, 1], or (n, m) with times of its own for each.

    Returns:
        (n, m, d), exactly the ends at 0 and at 1.
    """
    curves = z.detach().cpu().double()
    last, times = z.shape[1] - 1, t.cpu().double().expand(len(z), t.shape[-1])
    bend = _bends(curves)
    left = (times * last).floor().clamp(0, last - 1).long()
    u = (times * last - left)[..., None]
    here, there = (
        [rows.gather(1, (left + k)[..., None].expand(-1, -1, z.shape[2])) for rows in (curves, bend)]
        for k in (0, 1)
    )
    found = (1 - u) * here[0] + u * there[0]
    found = found + (((1 - u) ** 3 - (1 - u)) * here[1] + (u**3 - u) * there[1]) / 6
    when = t.cpu()[..., None].to(z.device)
    return torch.where(when == 0, z[:, :1], torch.where(when == 1, z[:, -1:], found.to(z)))


def _bends(z: Tensor) -> Tensor:
    r"""Second derivatives (n, points, d) of the natural cubic spline through z (n, points, d) at steps of 1.

    They are 0 at the ends, and :math:`M_{i-1} + 4 M_i + M_{i+1} = 6\,\Delta^2 z_i` between.
    """
    bend = torch.zeros_like(z)
    inner = z.shape[1] - 2
    if inner > 0:
        side = torch.ones(inner - 1, dtype=z.dtype)
        system = 4 * torch.eye(inner, dtype=z.dtype) + torch.diag(side, 1) + torch.diag(side, -1)
        bend[:, 1:-1] = torch.linalg.solve(system, 6 * z.diff(n=2, dim=1))
    return bend


def evened(z: Tensor, lengths: Tensor) -> Tensor:
    """Curves (n, points, d), moved along their splines so that steps that are now `lengths` (n, points - 1)
    long become equal.
    """
    at, goals = np.linspace(0, 1, z.shape[1]), []
    for step in lengths.cpu().double().numpy():
        way = np.concatenate([[0], np.cumsum(step)])
        goals.append(np.interp(at * way[-1], way, at) if way[-1] > 0 else at)
    return pinned(resampled(z, torch.from_numpy(np.stack(goals))), z[:, 0], z[:, -1])


def line(a: Tensor, b: Tensor, points: int) -> Tensor:
    """Straight lines from a (n, d) to b (n, d) at constant speed: (n, points, d)."""
    t = torch.linspace(0, 1, points, dtype=a.dtype, device=a.device)[:, None]
    return pinned(a[:, None] + t * (b - a)[:, None], a, b)


def along(stops: Tensor, points: int) -> Tensor:
    """A polyline through stops (k, d) at `points` places, evenly spaced in z."""
    step = stops.diff(dim=0).norm(dim=1).cpu().double().numpy()
    way = np.concatenate([[0], np.cumsum(step)])
    at = np.linspace(0, way[-1], points)
    found = np.stack([np.interp(at, way, column) for column in stops.T.cpu().double().numpy()], 1)
    return pinned(torch.from_numpy(found).to(stops)[None], stops[:1], stops[-1:])[0]


def pinned(z: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Curves (n, points, d) with exactly the ends a and b (n, d)."""
    return torch.cat([a[:, None], z[:, 1:-1], b[:, None]], 1)
