"""A graph of real latents, each joined to those nearest it, whose edges are as long as their decoded ends are
apart: shortest paths in it are where geodesics may begin.

Source: Chen et al. 2019, Fast approximate geodesics for deep generative models.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...distances import nearest
from ...errors import LiminalError
from ...tensors import CHUNK, rng
from .polylines import Decode, Weight, along, decoded, line, weights

GRAPH = 2000  # latents of a graph at most


@dataclass(frozen=True, kw_only=True)
class Graph:
    """Real latents, each joined to its nearest ones; fitted once for a space.

    Attributes:
        nodes: (m, d).
        edges: (2, e) int64: from and to, each pair once, in both ways.
        lengths: (e,) float64: how far apart joined nodes are in the chart, times the square root of the
            weight at their middle.
        neighbours: of each node, and of each end of a path.
    """

    nodes: Tensor
    edges: Tensor
    lengths: Tensor
    neighbours: int

    def paths(
        self, chart: Decode, a: Tensor, b: Tensor, points: int = 17, *, weight: Weight | None = None
    ) -> tuple[Tensor, Tensor]:
        """Shortest paths from latents a (n, d) to b (n, d).

        Args:
            chart, weight: those that the graph was made with.
            points: of each path, evenly spaced in z.

        Returns:
            (n, points, d), and (n,) bool on the CPU: whether the graph connects the pair; where not, the path
            is the straight line.

        Raises:
            LiminalError: the latents have another width than the graph's.
        """
        from scipy.sparse import csr_matrix
        from scipy.sparse.csgraph import dijkstra

        if a.shape[1] != self.nodes.shape[1]:
            raise LiminalError(
                f"geodesics: the graph is of latents of width {self.nodes.shape[1]}, got {tuple(a.shape)}"
            )
        nodes = self.nodes.to(a)
        m, n = len(nodes), len(a)
        # edges lead out of a and into b only: ends are no way stations of other pairs
        out = _joined(nodes, a, self.neighbours)
        into = _joined(nodes, b, self.neighbours).flip(0)
        out[0] += m
        into[1] += m + n
        places, own = torch.cat([nodes, a, b]), torch.cat([out, into], 1)
        found = torch.cat([self.lengths, _lengths(chart, places, own, weight)])
        rows, columns = torch.cat([self.edges, own], 1).numpy()
        joined = csr_matrix((found.numpy(), (rows, columns)), shape=(len(places), len(places)))
        made, reached = line(a, b, points), torch.zeros(n, dtype=torch.bool)
        for i in range(n):
            distance, before = dijkstra(joined, indices=m + i, return_predecessors=True)
            way = [m + n + i]
            if np.isfinite(distance[way[0]]):
                while way[-1] != m + i:
                    way.append(int(before[way[-1]]))
                made[i], reached[i] = along(places[way[::-1]], points), True
        return made, reached


def neighbour_graph(
    chart: Decode, latents: Tensor, *, weight: Weight | None = None, neighbours: int = 10, seed: int = 0
) -> Graph:
    """The graph of real latents, with the length of every edge.

    Args:
        chart: z (m, d) -> (m, D): what is decoded, in which a plain distance is how far items look apart.
        latents: (m, d), of which `GRAPH` are taken if there are more.
        weight: z (m, d) -> (m,), 1 or more; None: 1 everywhere.
        neighbours: of each latent.
        seed: of the choice among more than `GRAPH`.

    Raises:
        LiminalError: fewer than 2 latents, or one that is not finite.
    """
    order = torch.randperm(len(latents), generator=rng(seed))[:GRAPH]
    nodes = latents[order.to(latents.device)]
    if nodes.ndim != 2 or len(nodes) < 2 or not torch.isfinite(nodes).all():
        raise LiminalError(
            f"geodesics: wanted a graph of 2 or more finite latents (m, d), got shape {tuple(latents.shape)}"
        )
    neighbours = min(neighbours, len(nodes) - 1)
    edges = _joined(nodes, nodes, neighbours)
    edges = torch.cat([edges, edges.flip(0)], 1).unique(dim=1)
    return Graph(
        nodes=nodes, edges=edges, lengths=_lengths(chart, nodes, edges, weight), neighbours=neighbours
    )


def _joined(nodes: Tensor, z: Tensor, k: int) -> Tensor:
    """Edges (2, n k) on the CPU from each latent (n, d) to the k nodes that are nearest it."""
    return torch.stack([torch.arange(len(z)).repeat_interleave(k), nearest(nodes, z, k)[1].flatten().cpu()])


def _lengths(chart: Decode, z: Tensor, edges: Tensor, weight: Weight | None) -> Tensor:
    """How far apart joined latents of z (m, d) look, weighted: (e,) float64 on the CPU, above 0, since a
    sparse matrix forgets an edge without length.
    """
    used, ends = edges.unique(return_inverse=True)
    x = decoded(chart, z[used.to(z.device)])
    parts = ends.to(x.device).split(CHUNK, 1)
    found = torch.cat([(x[p] - x[q]).norm(dim=1) for p, q in parts])
    if weight is not None:
        p, q = edges.to(z.device)
        found = found * weights(weight, (z[p] + z[q]) / 2).to(found).sqrt()
    return found.clamp_min(1e-12).cpu().double()
