r"""Geodesics in the metric that a decoder pulls back onto its latent space.

A curve z_0 ... z_T between two fixed ends costs

.. math:: E = T \sum_i \lambda(\bar z_i)\,\lVert f(z_{i+1}) - f(z_i) \rVert^2

with f the decoder in its chart, :math:`\bar z_i` the middle of a step and :math:`\lambda \ge 1` a given
weight that rises where real items get rare (a conformal factor: the metric itself grows there, so that the
curve goes round instead of hurrying through). All curves are minimised at once, to second order (`descent`).

Source: Arvanitidis et al. 2018, Latent space oddity; Shao et al. 2018, The Riemannian geometry of deep
generative models; Chen et al. 2019, Fast approximate geodesics for deep generative models (paths over
neighbours).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from ...distances import nearest
from ...errors import LiminalError, unknown
from ...tensors import CHUNK, rng
from .descent import Cost, minimise
from .polylines import Decode, Weight, along, decoded, evened, line, measured, pinned, steps, weights

STARTS = ("line", "mix", "graph")
GROUP = 256  # curves that are minimised together
GRAPH = 2000  # latents of a neighbour graph at most

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
    graph: Tensor | None = None,
    tolerance: float = 1e-3,
    rounds: int = 60,
    compare: int | None = 256,
    seed: int = 0,
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
        graph: (m, d) real latents for paths over neighbours (see `graph_path`). A pair that it does not
            connect does without.
        tolerance: what may be left to gain, relative to the cost.
        rounds: steps at most.
        compare: points along each curve at which energies and lengths are taken in the end; None: its own
            points, which costs little and sees less: at 17 points an image decoder's energies seem 2 % (a
            geodesic's) to 6 % (a line's) smaller.
        seed: of the choice of latents for the graph.

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
    every, made = torch.ones(len(a), dtype=torch.bool), {}
    for name in starts:
        if name == "line":
            made[name] = line(a, b, points), every
        elif name == "mix" and mix is not None:
            made[name] = _mixed(mix, a, b, points), every
        elif name == "graph" and graph is not None:
            made[name] = graph_path(chart, graph, a, b, points, weight=weight, seed=seed)
    if not made:
        raise LiminalError(
            f"geodesics: none of the starts {', '.join(starts) or '(none)'} can be made; give mix or graph, "
            "or add 'line'"
        )
    reached = torch.stack([usable for _, usable in made.values()]).any(0)
    if not reached.all():  # none but the graph was asked for
        made["line"] = line(a, b, points), ~reached
    parts = []
    for i in range(0, len(a), GROUP):
        cut = slice(i, i + GROUP)
        own = {name: (path[cut], usable[cut]) for name, (path, usable) in made.items()}
        parts.append(_solved(Cost(chart, a[cut], b[cut], weight), own, tolerance, rounds, compare))
    joined = {f.name: [getattr(part, f.name) for part in parts] for f in fields(Geodesics)}
    names = tuple(name for part in joined.pop("start") for name in part)
    return Geodesics(start=names, **{name: torch.cat(values) for name, values in joined.items()})


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


def graph_path(
    chart: Decode,
    graph: Tensor,
    a: Tensor,
    b: Tensor,
    points: int = 17,
    *,
    weight: Weight | None = None,
    neighbours: int = 10,
    seed: int = 0,
) -> tuple[Tensor, Tensor]:
    """Shortest paths between latents over a neighbour graph of real ones, whose edges are as long as their
    decoded ends are apart.

    Args:
        chart: as in `geodesics`.
        graph: (m, d) real latents (2,000 of them if there are more), each joined to its nearest ones in z, as
            the ends are to theirs.
        a: (n, d) or (d,).
        b: (n, d) or (d,).
        points: of each path, evenly spaced in z.
        weight: as in `geodesics`; edges are longer by its square root at their middle.
        neighbours: of each latent.
        seed: of the choice among more than 2,000.

    Returns:
        (n, points, d), and (n,) bool on the CPU: whether the graph connects the pair; where not, the path is
        the straight line.

    Raises:
        LiminalError: the latents do not match or hold NaN, or the graph has fewer than 2.

    Source: Chen et al. 2019, Fast approximate geodesics for deep generative models.
    """
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import dijkstra

    a, b = _ends(a, b)
    nodes = graph[torch.randperm(len(graph), generator=rng(seed))[:GRAPH].to(graph.device)].to(a)
    if nodes.ndim != 2 or len(nodes) < 2 or nodes.shape[1] != a.shape[1] or not torch.isfinite(nodes).all():
        raise LiminalError(
            f"geodesics: wanted a graph of 2 or more finite latents (m, {a.shape[1]}), got shape "
            f"{tuple(graph.shape)}"
        )
    m, k = len(nodes), min(neighbours, len(nodes) - 1)
    places, x = nodes, decoded(chart, nodes)
    own, near = torch.arange(m).repeat_interleave(k), nearest(nodes, nodes, k)[1].flatten().cpu()
    pairs = [torch.stack([own, near]), torch.stack([near, own])]
    for out, ends in (
        (True, a),
        (False, b),
    ):  # edges lead out of a and into b only: ends are no way stations of other pairs
        own, near = (
            torch.arange(len(ends)).repeat_interleave(k) + len(places),
            nearest(nodes, ends, k)[1].flatten().cpu(),
        )
        pairs.append(torch.stack([own, near] if out else [near, own]))
        places, x = torch.cat([places, ends]), torch.cat([x, decoded(chart, ends)])
    edges = torch.cat(pairs, 1).unique(dim=1)  # the sparse matrix would add up what comes twice
    apart = torch.cat(
        [
            (x[p] - x[q]).norm(dim=1)
            for p, q in zip(*(e.to(x.device).split(CHUNK) for e in edges), strict=True)
        ]
    )
    if weight is not None:
        p, q = edges.to(places.device)
        apart = apart * weights(weight, (places[p] + places[q]) / 2).to(apart).sqrt()
    apart = apart.clamp_min(1e-12).cpu().double()  # it would forget an edge of length 0, too
    joined = csr_matrix((apart.numpy(), edges.numpy()), shape=(len(places), len(places)))
    made, found = line(a, b, points), torch.zeros(len(a), dtype=torch.bool)
    for i in range(len(a)):
        reached, before = dijkstra(joined, indices=m + i, return_predecessors=True)
        goal = m + len(a) + i
        if np.isfinite(reached[goal]):
            way = [goal]
            while way[-1] != m + i:
                way.append(int(before[way[-1]]))
            stops = places[way[::-1]]
            made[i], found[i] = along(stops, points), True
    return made, found


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
