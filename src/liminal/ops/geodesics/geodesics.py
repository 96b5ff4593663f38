r"""Geodesics in the metric that a decoder pulls back onto its latent space.

A curve z_0 ... z_T between two fixed ends costs

.. math:: E = T \sum_i \lambda(\bar z_i)\,\lVert f(z_{i+1}) - f(z_i) \rVert^2

with f the decoder in its chart, :math:`\bar z_i` the middle of a step and :math:`\lambda \ge 1` a given
weight that rises where real items get rare (a conformal factor: the metric itself grows there, so that the
curve goes round instead of hurrying through). All curves are minimised at once, to second order (`descent`).

Source: Arvanitidis et al. 2018, Latent space oddity; Shao et al. 2018, The Riemannian geometry of deep
generative models.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from ...errors import LiminalError, unknown
from .descent import Cost, minimise
from .graph import Graph
from .polylines import Decode, Weight, evened, line, measured, pinned, steps

STARTS = ("line", "mix", "graph")
GROUP = 256  # curves that are minimised together

Start = tuple[Tensor, Tensor]  # paths (n, points, d), and whether each can be used (n,)


@dataclass(frozen=True)
class Geodesics:
    """Curves between n pairs of latents; all but z are on the CPU, numbers in float64.

    Attributes:
        z: (n, points, d), the first exactly a and the last exactly b, at constant weighted speed (see
            `geodesics`).
        energy: (n,), without the weight, in squared units of the data (see `energy`).
        length: (n,), without the weight, in units of the data.
        line_energy: (n,), the energy of the straight line at constant speed in z.
        line_length: (n,), its length.
        cost: (n,), the energy with the weight, which was minimised; never above that of a start.
        converged: (n,) bool: what was still to gain is below the tolerance.
        start: for each pair, where it was minimised from.
        iterations: (n,), steps taken.
    """

    z: Tensor
    energy: Tensor
    length: Tensor
    line_energy: Tensor
    line_length: Tensor
    cost: Tensor
    converged: Tensor
    start: tuple[str, ...]
    iterations: Tensor

    def __len__(self) -> int:
        return len(self.z)


def geodesics(
    chart: Decode,
    a: Tensor,
    b: Tensor,
    *,
    points: int = 17,
    weight: Weight | None = None,
    starts: Sequence[str] = STARTS,
    mix: Callable[[Tensor, Tensor, Tensor], Tensor] | None = None,
    graph: Graph | None = None,
    tolerance: float = 1e-3,
    rounds: int = 60,
    compare: int | None = 256,
) -> Geodesics:
    """Curves of least energy between pairs of latents, in the metric pulled back by the decoder.

    Each pair is minimised from the shortest of its starts. A curve has converged when four times the decrease
    that its quadratic model predicts, and twice the mean decrease of its last two steps, are both below
    `tolerance` of its cost; a curve too short for the decoder's precision counts as converged. In the end
    points move along the cubic spline through them until steps, by the weighted lengths that they had, are
    equal. A curve that proves dearer than a start, seen at `compare` points, is replaced by it, and has not
    converged unless they are equal within the tolerance.

    Args:
        chart: z (m, d) -> (m, D), differentiable: what is decoded, in which a plain distance is how far items
            look apart. Called in chunks; at the least with one whole curve.
        a: (n, d) or (d,), where curves begin.
        b: (n, d) or (d,), where they end.
        points: of a curve, its ends among them.
        weight: lambda, differentiable, z (m, d) -> (m,), 1 or more; None: 1 everywhere.
        starts: of ``line``, ``mix`` and ``graph``; the last two only where their material is given.
        mix: (a, b, t (m,)) -> (m, n, d), a path, such as `mixing.slerp`.
        graph: of real latents, made with the same chart and weight, for paths over neighbours. A pair that
            it does not connect does without.
        tolerance: what may be left to gain, relative to the cost.
        rounds: steps at most.
        compare: points along each curve at which energies and lengths are taken in the end; None: its own
            points, which costs little and sees less: at 17 points an image decoder's energies seem 2 % (a
            geodesic's) to 6 % (a line's) smaller.

    Raises:
        LiminalError: the latents do not match, hold NaN or are none; there are fewer than 3 points; no start
            can be made; the decoder or the weight gives NaN or no gradient.

    Source: see the module.
    """
    a, b = _ends(a, b)
    if points < 3 or rounds < 0 or not tolerance > 0 or (compare is not None and compare < 3):
        raise LiminalError(
            "geodesics: wanted 3 points or more, rounds of 0 or more, a tolerance above 0 and compare of 3 "
            "or more or None, "
            f"got {points}, {rounds}, {tolerance} and {compare}"
        )
    for name in starts:
        if name not in STARTS:
            raise unknown("start of a geodesic", name, STARTS)
    made = _starts(chart, a, b, points, weight, starts, mix, graph)
    parts = []
    for i in range(0, len(a), GROUP):
        cut = slice(i, i + GROUP)
        own = {name: (path[cut], usable[cut]) for name, (path, usable) in made.items()}
        parts.append(_solved(Cost(chart, a[cut], b[cut], weight), own, tolerance, rounds, compare))
    joined = {f.name: [getattr(part, f.name) for part in parts] for f in fields(Geodesics)}
    names = tuple(name for part in joined.pop("start") for name in part)
    return Geodesics(start=names, **{name: torch.cat(values) for name, values in joined.items()})


def _starts(
    chart: Decode,
    a: Tensor,
    b: Tensor,
    points: int,
    weight: Weight | None,
    names: Sequence[str],
    mix: Callable[[Tensor, Tensor, Tensor], Tensor] | None,
    graph: Graph | None,
) -> dict[str, Start]:
    """The starts that can be made, by name; a pair that has none of those asked for gets a line."""
    every, made = torch.ones(len(a), dtype=torch.bool), {}
    for name in names:
        if name == "line":
            made[name] = line(a, b, points), every
        elif name == "mix" and mix is not None:
            made[name] = _mixed(mix, a, b, points), every
        elif name == "graph" and graph is not None:
            made[name] = graph.paths(chart, a, b, points, weight=weight)
    if not made:
        raise LiminalError(
            f"geodesics: none of the starts {', '.join(names) or '(none)'} can be made; give mix or graph, "
            "or add 'line'"
        )
    reached = torch.stack([usable for _, usable in made.values()]).any(0)
    if not reached.all():  # none but the graph was asked for
        made["line"] = line(a, b, points), ~reached
    return made


def _solved(
    cost: Cost, starts: dict[str, Start], tolerance: float, rounds: int, compare: int | None
) -> Geodesics:
    """One group of pairs, each minimised from its shortest start: the length is what a start costs once it is
    evenly timed.
    """
    paths = torch.stack([path for path, _ in starts.values()])
    steps_of = torch.stack(
        [
            (square * factor).sqrt()
            for square, factor in (steps(cost.decode, path, cost.weight) for path in paths)
        ]
    )
    lengths = torch.where(torch.stack([usable for _, usable in starts.values()]), steps_of.sum(-1), torch.inf)
    names, best, every = list(starts), lengths.argmin(0), torch.arange(len(cost.a))
    first = evened(paths[best.to(paths.device), every.to(paths.device)], steps_of[best, every])
    end, converged, taken = minimise(cost, first, tolerance, rounds)
    z = evened(end.z, (end.weights * end.squares).sqrt())
    seen = compare or z.shape[1]
    energy, length, value = measured(cost.decode, z, seen, cost.weight)
    straight = measured(cost.decode, line(cost.a, cost.b, z.shape[1]), seen, cost.weight)
    for name, (path, usable) in starts.items():
        other = straight if name == "line" else measured(cost.decode, path, seen, cost.weight)
        worse = usable & (value > other[2])
        converged &= ~worse | (value <= (1 + tolerance) * other[2])
        for mine, its in zip((energy, length, value, z), (*other, path), strict=True):
            mine[worse.to(mine.device)] = its[worse.to(its.device)]
    return Geodesics(
        z, energy, length, straight[0], straight[1], value, converged, tuple(names[i] for i in best), taken
    )


def energy(chart: Decode, z: Tensor, points: int = 256) -> Tensor:
    r"""The energy of curves as they are timed, seen at `points` points of the cubic spline through theirs,
    without any weight.

    :math:`E = (m - 1) \sum_i \lVert f(z_{i+1}) - f(z_i) \rVert^2` over m points; it is at least the squared
    length, and equals that at constant speed.

    Args:
        chart: as in `geodesics`.
        z: (n, t, d) or (t, d).
        points: m.

    Returns:
        (n,) float64, in squared units of the data.

    Raises:
        LiminalError: fewer than 2 points, or NaN.
    """
    return measured(chart, z, points)[0]


def length(chart: Decode, z: Tensor, points: int = 256) -> Tensor:
    """The length (n,) of curves in units of the data; arguments as in `energy`, and it does not depend on
    their timing.
    """
    return measured(chart, z, points)[1]


def distances(
    chart: Decode,
    a: Tensor,
    candidates: Tensor,
    *,
    points: int = 9,
    weight: Weight | None = None,
    tolerance: float = 1e-2,
    rounds: int = 20,
) -> Tensor:
    """Geodesic distances of latents to candidates, to rank neighbours by: lengths of coarse geodesics, with
    the weight if there is one.

    Args:
        chart: as in `geodesics`.
        a: (n, d) or (d,).
        candidates: (n, k, d), or (k, d), then the same for each.
        points, weight, tolerance, rounds: as in `geodesics`.

    Returns:
        (n, k), or (k,) if a is (d,), in units of the data.

    Raises:
        LiminalError: as `geodesics`.
    """
    rows = a[None] if a.ndim == 1 else a
    others = candidates.expand(len(rows), *candidates.shape) if candidates.ndim == 2 else candidates
    if others.ndim != 3 or len(others) != len(rows) or others.shape[-1] != rows.shape[-1]:
        raise LiminalError(
            f"distances: latents of shape {tuple(a.shape)} and candidates of shape "
            f"{tuple(candidates.shape)} do not match"
        )
    k = others.shape[1]
    found = geodesics(
        chart,
        rows[:, None].expand(-1, k, -1).flatten(0, 1),
        others.flatten(0, 1),
        points=points,
        weight=weight,
        starts=("line",),
        tolerance=tolerance,
        rounds=rounds,
        compare=None,
    )
    # at constant weighted speed the cost is the squared weighted length
    lengths = (found.length if weight is None else found.cost.sqrt()).unflatten(0, (len(rows), k))
    return lengths[0] if a.ndim == 1 else lengths


def _ends(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Both as (n, d), floating, checked."""
    a, b = torch.as_tensor(a), torch.as_tensor(b)
    a, b = (a[None] if a.ndim == 1 else a), (b[None] if b.ndim == 1 else b)
    if a.ndim != 2 or a.shape != b.shape or not a.numel():
        raise LiminalError(
            "geodesics: wanted as many first as second latents (n, d), 1 or more, got shapes "
            f"{tuple(a.shape)} and {tuple(b.shape)}"
        )
    a, b = (x.detach() if x.is_floating_point() else x.float() for x in (a, b))
    for name, x in (("first", a), ("second", b)):
        if not torch.isfinite(x).all():
            row = int((~torch.isfinite(x).all(1)).nonzero()[0])
            raise LiminalError(
                f"geodesics: row {row} of the {name} latents holds NaN or infinity; wanted finite numbers"
            )
    return a, b


def _mixed(mix: Callable[[Tensor, Tensor, Tensor], Tensor], a: Tensor, b: Tensor, points: int) -> Tensor:
    path = mix(a, b, torch.linspace(0, 1, points, dtype=a.dtype, device=a.device))
    if path.shape != (points, *a.shape) or not torch.isfinite(path).all():
        raise LiminalError(
            f"geodesics: mix must give a finite path of shape {(points, *a.shape)}, got shape "
            f"{tuple(path.shape)}"
        )
    return pinned(path.detach().transpose(0, 1).to(a), a, b)
