"""Geodesics: surfaces and weights with closed forms, a dense optimiser, real latents, and what must be
refused.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import CubicSpline
from torch import Tensor, nn

import liminal
from liminal.errors import LiminalError
from liminal.ops.geodesics import descent, geodesics, polylines
from liminal.ops.geodesics.geodesics import distances, energy, length
from liminal.ops.geodesics.graph import GRAPH, neighbour_graph
from liminal.ops.ways import mixing
from liminal.space import Space
from liminal.tensors import CHUNK, rng

PAIRS = torch.tensor([[-0.9, 0.3], [0.7, -1.1]])


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=rng(seed))


def mlp(*sizes: int, gain: float = 2.0, seed: int = 0) -> nn.Sequential:
    """A tanh network with orthogonal weights."""
    layers: list[nn.Module] = []
    for i, (a, b) in enumerate(itertools.pairwise(sizes)):
        layer = nn.Linear(a, b)
        nn.init.orthogonal_(layer.weight, gain, generator=rng(seed + i))
        nn.init.normal_(layer.bias, std=0.3, generator=rng(seed + 50 + i))
        layers += [layer, nn.Tanh()]
    return nn.Sequential(*layers[:-1]).requires_grad_(False)


def sphere(z: Tensor) -> Tensor:
    """Latitude and longitude -> the unit sphere."""
    u, v = z[:, 0], z[:, 1]
    return torch.stack([u.cos() * v.cos(), u.cos() * v.sin(), u.sin()], 1)


def plane(z: Tensor) -> Tensor:
    """A bent chart of the plane: the geodesics of what follows are straight in these coordinates."""
    return torch.stack([z[:, 0] + 0.4 * torch.sin(2 * z[:, 1]), z[:, 1]], 1)


def cylinder(z: Tensor) -> Tensor:
    w = plane(z)
    return torch.stack([w[:, 0].cos(), w[:, 0].sin(), w[:, 1]], 1)


def stereographic(z: Tensor) -> Tensor:
    """The plane -> the unit sphere, from the pole."""
    square = z.square().sum(1, keepdim=True)
    return torch.cat([2 * z, square - 1], 1) / (1 + square)


def great_circle(x: Tensor, y: Tensor) -> Tensor:
    return 2 * torch.asin((x - y).norm(dim=1) / 2)


@pytest.fixture(scope="module")
def space() -> Space:
    return liminal.open("fashion")


def latents(space: Space, n: int, seed: int = 0) -> Tensor:
    z = torch.as_tensor(space.catalogue.latents()[1], dtype=torch.float32)
    return z[torch.randperm(len(z), generator=rng(seed))[:n]]


# closed forms


def test_a_linear_decoder_gives_straight_lines() -> None:
    matrix, a, b = normal(5, 3), normal(4, 3, seed=1), normal(4, 3, seed=2)
    found = geodesics.geodesics(lambda z: z @ matrix.T, a, b)
    torch.testing.assert_close(found.z, polylines.line(a, b, 17), atol=1e-4, rtol=0)
    torch.testing.assert_close(found.energy, ((b - a) @ matrix.T).square().sum(1).double(), rtol=1e-4, atol=0)
    torch.testing.assert_close(found.energy, found.line_energy, rtol=1e-5, atol=0)
    assert found.converged.all()
    assert (found.iterations == 0).all()


@pytest.mark.parametrize("chart", [sphere, stereographic])
def test_great_circles(chart: Callable[[Tensor], Tensor]) -> None:
    a = torch.tensor([[0.9, 0.0], [-0.6, 0.4], [0.2, -1.0]])
    b = torch.tensor([[0.9, 2.0], [0.8, 1.2], [1.0, 0.9]])
    found = geodesics.geodesics(chart, a, b)
    wanted = great_circle(chart(a), chart(b)).double()
    torch.testing.assert_close(found.length, wanted, rtol=2e-3, atol=0)
    torch.testing.assert_close(found.energy, wanted.square(), rtol=4e-3, atol=0)
    assert found.converged.all()
    assert (found.line_energy > found.energy).all()
    assert found.line_energy[0] > 1.05 * found.energy[0]
    on = chart(found.z[0])
    normal_to = torch.linalg.cross(on[0], on[-1])
    assert (
        on @ normal_to / normal_to.norm()
    ).abs().max() < 0.01  # every point lies in the plane of the great circle


def test_a_cylinder_unrolls() -> None:
    a, b = torch.tensor([[0.0, -1.0], [1.0, 0.5]]), torch.tensor([[2.0, 1.0], [-0.5, -1.2]])
    found = geodesics.geodesics(cylinder, a, b)
    wanted = (plane(a) - plane(b)).square().sum(1).double()
    torch.testing.assert_close(found.energy, wanted, rtol=4e-3, atol=0)
    assert found.line_energy[0] > 1.03 * wanted[0]
    middle = plane(found.z[:, 8])
    torch.testing.assert_close(middle, (plane(a) + plane(b)) / 2, atol=0.02, rtol=0)


def test_probabilities_are_measured_by_fisher_and_rao() -> None:
    matrix, a, b = normal(3, 2), 2 * normal(3, 2, seed=1), 2 * normal(3, 2, seed=2)
    found = geodesics.geodesics(lambda z: (z @ matrix.T).softmax(1).sqrt() * 2, a, b)
    p, q = (a @ matrix.T).softmax(1), (b @ matrix.T).softmax(1)
    torch.testing.assert_close(
        found.length, 2 * torch.acos((p * q).sqrt().sum(1)).double(), rtol=3e-3, atol=0
    )
    torch.testing.assert_close(length(lambda z: (z @ matrix.T).softmax(1).sqrt() * 2, found.z), found.length)


def half_plane(z: Tensor) -> Tensor:
    """4 times the metric of the hyperbolic half-plane, as a weight on the flat one."""
    return 4 / z[:, 1].square()


def test_a_weight_makes_the_half_plane_hyperbolic() -> None:
    a, b = torch.tensor([[-0.8, 0.5], [0.1, 0.3]]), torch.tensor([[0.8, 0.5], [0.9, 1.4]])
    found = geodesics.geodesics(lambda z: z, a, b, weight=half_plane)
    wanted = 2 * torch.acosh(1 + (a - b).square().sum(1) / (2 * a[:, 1] * b[:, 1]))
    torch.testing.assert_close(found.cost, wanted.square().double(), rtol=4e-3, atol=0)
    assert found.converged.all()
    radius = found.z[0].norm(dim=1)  # the first geodesic is a circle about the origin
    torch.testing.assert_close(radius, torch.full((17,), math.hypot(0.8, 0.5)), rtol=5e-3, atol=0)
    assert (found.energy > found.line_energy).all()  # without the weight the line is shortest
    torch.testing.assert_close(found.line_length, (a - b).norm(dim=1).double(), rtol=1e-5, atol=0)


def test_points_are_at_constant_weighted_speed() -> None:
    a, b = torch.tensor([[-0.8, 0.5]]), torch.tensor([[0.9, 1.4]])
    square, factor = polylines.steps(
        lambda z: z, geodesics.geodesics(lambda z: z, a, b, weight=half_plane).z, half_plane
    )
    step = (square * factor).sqrt()
    assert step.max() / step.min() < 1.01
    plain = geodesics.geodesics(sphere, PAIRS[:1], PAIRS[1:]).z
    moved = sphere(plain[0]).diff(dim=0).norm(dim=1)
    assert moved.max() / moved.min() < 1.01


def bump(z: Tensor) -> Tensor:
    return 1 + 50 * torch.exp(-z.square().sum(1) / 0.08)


def test_a_curve_goes_round_a_bump() -> None:
    a, b = torch.tensor([[-1.0, 0.02]]), torch.tensor([[1.0, 0.02]])
    found = geodesics.geodesics(lambda z: z, a, b, weight=bump, points=33)
    straight = polylines.line(a, b, 257)
    assert found.converged.all()
    assert bump(straight[0]).max() > 45
    assert bump(polylines.resampled(found.z, torch.linspace(0, 1, 257))[0]).max() < 2.5
    assert found.cost[0] < polylines.measured(lambda z: z, straight, 257, bump)[2][0] / 3
    assert 2.0 < found.length[0] < 2.8


# against others


def test_a_dense_optimiser_finds_nothing_shorter() -> None:
    net = mlp(2, 24, 24, 40)
    a, b, points = normal(4, 2, seed=3), normal(4, 2, seed=4), 17
    found = geodesics.geodesics(net, a, b, points=points, tolerance=1e-4)
    exact = net.double()
    inner = polylines.line(a, b, points)[:, 1:-1].double().requires_grad_()
    optimiser = torch.optim.LBFGS(
        [inner], max_iter=600, history_size=40, line_search_fn="strong_wolfe", tolerance_grad=1e-9
    )

    def costs() -> Tensor:
        curve = torch.cat([a[:, None].double(), inner, b[:, None].double()], 1)
        return (points - 1) * exact(curve).diff(dim=1).square().sum((1, 2))

    def closure() -> Tensor:
        optimiser.zero_grad()
        costs().sum().backward()
        return costs().sum().detach()

    optimiser.step(closure)
    least = costs().detach()
    net.float()
    at_points = energy(net, found.z, points)
    assert (at_points <= 1.002 * least).all(), (at_points / least).tolist()
    assert found.converged.all()
    assert (found.energy < 0.95 * found.line_energy).any()


SETTINGS = settings(deadline=None, max_examples=15)


@SETTINGS
@given(
    seed=st.integers(0, 10_000),
    d=st.sampled_from([1, 2, 5]),
    gain=st.floats(0.5, 4),
    heavy=st.booleans(),
    points=st.integers(3, 12),
)
def test_no_curve_costs_more_than_a_start(seed: int, d: int, gain: float, heavy: bool, points: int) -> None:
    net = mlp(d, 16, 9, gain=gain, seed=seed)
    a, b = normal(3, d, seed=seed + 1), normal(3, d, seed=seed + 2)
    weight = (lambda z: 1 + 5 * torch.exp(-z.square().sum(1))) if heavy else None
    graph = neighbour_graph(net, normal(60, d, seed=seed + 3), weight=weight)
    found = geodesics.geodesics(
        net, a, b, points=points, weight=weight, mix=mixing.slerp, graph=graph, compare=65
    )
    assert torch.equal(found.z[:, 0], a)
    assert torch.equal(found.z[:, -1], b)
    starts = [polylines.line(a, b, points), mixing.slerp(a, b, torch.linspace(0, 1, points)).transpose(0, 1)]
    starts.append(graph.paths(net, a, b, points, weight=weight)[0])
    for start in starts:
        costs = polylines.measured(net, start, 65, weight)[2]
        assert (found.cost <= costs * (1 + 1e-5)).all()
    if not heavy:
        torch.testing.assert_close(found.cost, found.energy)
        assert (found.energy <= found.line_energy * (1 + 1e-5)).all()
    assert (found.length.square() <= found.energy * (1 + 1e-6)).all()


def test_on_real_latents_convergence_means_it(space: Space) -> None:
    z = latents(space, 10)
    a, b, decode = z[:5], z[5:], space.chart
    found = geodesics.geodesics(decode, a, b, compare=64)
    assert found.converged.all()
    assert (found.energy < found.line_energy).all()
    assert float((found.energy / found.line_energy).mean()) < 0.85
    longer = geodesics.geodesics(decode, a, b, compare=None, tolerance=1e-5)
    here = energy(decode, found.z, 17)
    assert ((here / longer.cost - 1) < 2e-3).all(), (here / longer.cost - 1).tolist()
    assert not geodesics.geodesics(decode, a, b, compare=None, rounds=2).converged.any()


# starts


def test_the_graph_finds_the_way_round_and_wins() -> None:
    angle = torch.linspace(0.1, 1.9 * math.pi, 120)
    ring = torch.stack([angle.cos(), angle.sin()], 1)
    a, b = ring[:1], ring[60:61]
    plain = lambda z: z
    path, found = neighbour_graph(plain, ring).paths(plain, a, b, 33)
    assert found.all()
    torch.testing.assert_close(path[0].norm(dim=1), torch.ones(33), atol=0.03, rtol=0)
    walked = path.diff(dim=1).norm(dim=2).sum()
    assert float(walked) == pytest.approx(float(angle[60] - angle[0]), rel=0.01)
    hill = lambda z: 1 + 200 * torch.exp(-z.square().sum(1) / 0.3)
    graph = neighbour_graph(plain, ring, weight=hill)
    around = geodesics.geodesics(plain, a, b, points=33, weight=hill, graph=graph)
    assert around.start == ("graph",)
    assert around.z[0].norm(dim=1).min() > 0.6


def test_a_graph_in_pieces_is_left_out() -> None:
    nodes, plain = torch.cat([normal(20, 2), normal(20, 2, seed=1) + 100]), lambda z: z
    a, b, graph = nodes[[0, 0]], nodes[[30, 5]], neighbour_graph(plain, nodes)
    path, found = graph.paths(plain, a, b, 9)
    assert found.tolist() == [False, True]
    torch.testing.assert_close(path[:1], polylines.line(a[:1], b[:1], 9))
    only = geodesics.geodesics(plain, a, b, starts=("graph",), graph=graph)
    assert only.start == ("line", "graph")
    assert only.converged.all()


def test_a_large_graph_is_thinned_and_equal_latents_stay_joined() -> None:
    seen = []

    def decode(z: Tensor) -> Tensor:
        seen.append(len(z))
        return z

    graph = neighbour_graph(decode, normal(GRAPH + 500, 2))
    assert sum(seen) == len(graph.nodes) == GRAPH
    graph.paths(decode, PAIRS[:1], PAIRS[1:])
    assert sum(seen) <= GRAPH + 2 + 2 * graph.neighbours
    same = torch.cat([torch.zeros(12, 2), torch.ones(1, 2) * 0.1, torch.ones(12, 2) * 0.2])
    plain = lambda z: z
    path, found = neighbour_graph(plain, same).paths(plain, torch.zeros(1, 2), 0.2 * torch.ones(1, 2), 5)
    assert not found.any() or torch.isfinite(path).all()
    near = neighbour_graph(plain, same[:13])
    path, found = near.paths(plain, torch.zeros(1, 2), 0.1 * torch.ones(1, 2), 5)
    assert found.all()


@pytest.mark.parametrize("latents", [torch.zeros(1, 2), torch.full((3, 2), torch.nan), torch.zeros(4)])
def test_a_graph_of_what_are_no_latents_is_refused(latents: Tensor) -> None:
    with pytest.raises(LiminalError, match="graph of 2 or more"):
        neighbour_graph(lambda z: z, latents)


@SETTINGS
@given(seed=st.integers(0, 10_000), n=st.integers(1, 3), points=st.integers(2, 20), d=st.integers(1, 4))
def test_resampled_curves_are_natural_splines(seed: int, n: int, points: int, d: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    z = torch.randn(n, points, d, generator=draw, dtype=torch.float64)
    times = torch.rand(n, 30, generator=draw, dtype=torch.float64)
    at = np.linspace(0, 1, points)
    for t in (times, times[0], torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64)):
        own = [t.numpy()] * n if t.ndim == 1 else list(t.numpy())
        wanted = [CubicSpline(at, c, bc_type="natural")(o) for c, o in zip(z.numpy(), own, strict=True)]
        torch.testing.assert_close(polylines.resampled(z, t), torch.from_numpy(np.stack(wanted)))


def test_each_pair_takes_its_own_start() -> None:
    def arc(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
        up = torch.tensor([0.0, 1.0])
        return mixing.linear(a, b, t) + 0.8 * torch.sin(math.pi * t)[:, None, None] * up

    a, b = torch.tensor([[-1.0, 0.0], [-1.0, 3.0]]), torch.tensor([[1.0, 0.0], [1.0, 3.0]])
    found = geodesics.geodesics(lambda z: z, a, b, weight=bump, mix=arc)
    assert found.start == ("mix", "line")
    assert found.z[0, 8, 1] > 0.2


# edges


def test_from_an_item_to_itself() -> None:
    net, a = mlp(3, 16, 10), normal(3, 3)
    b = torch.stack([a[0], a[1] + 1, a[2]])
    found = geodesics.geodesics(
        net, a, b, graph=neighbour_graph(net, normal(40, 3, seed=5)), mix=mixing.slerp
    )
    assert torch.equal(found.z[0], a[0].expand(17, 3))
    assert torch.equal(found.z[2], a[2].expand(17, 3))
    assert found.energy[[0, 2]].tolist() == [0, 0]
    assert found.length[[0, 2]].tolist() == [0, 0]
    assert found.energy[1] > 0
    assert found.converged.all()
    assert found.iterations[[0, 2]].tolist() == [0, 0]


def test_a_decoder_that_sees_nothing() -> None:
    found = geodesics.geodesics(lambda z: 0 * z.sum(1, keepdim=True) + 3, PAIRS[:1], PAIRS[1:])
    assert found.energy.tolist() == [0]
    assert found.converged.all()


def test_one_pair_is_as_good_as_many() -> None:
    net, a, b = mlp(2, 16, 20), normal(5, 2), normal(5, 2, seed=1)
    many = geodesics.geodesics(net, a, b)
    one = geodesics.geodesics(net, a[2], b[2])
    assert one.z.shape == (1, 17, 2)
    assert len(one) == 1
    assert float(one.cost[0]) == pytest.approx(float(many.cost[2]), rel=1e-3)


@pytest.mark.parametrize("d", [1, 64, 128])
def test_narrow_and_wide_latents(d: int) -> None:
    net = mlp(d, 48, 30)
    a, b = normal(2, d) / d**0.5, normal(2, d, seed=1) / d**0.5
    found = geodesics.geodesics(net, a, b, compare=64)
    assert found.z.shape == (2, 17, d)
    assert found.converged.all()
    assert (found.energy <= found.line_energy * (1 + 1e-6)).all()
    if d == 1:  # there is one route only; even timing is all that can be won
        torch.testing.assert_close(found.length, found.line_length, rtol=1e-3, atol=0)
        torch.testing.assert_close(found.energy, found.length.square(), rtol=5e-3, atol=0)


def test_decoding_goes_in_chunks_and_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    net, a, b, seen = mlp(2, 8, 5), normal(70, 2), normal(70, 2, seed=1), []

    def decode(z: Tensor) -> Tensor:
        seen.append(len(z))
        return net(z)

    whole = geodesics.geodesics(decode, a, b)
    assert max(seen) <= CHUNK
    monkeypatch.setattr(geodesics, "GROUP", 11)
    monkeypatch.setattr(descent, "NUMBERS", 200)
    parts = geodesics.geodesics(decode, a, b)
    torch.testing.assert_close(parts.cost, whole.cost, rtol=2e-3, atol=0)
    assert len(parts.start) == 70


def test_it_works_inside_inference_mode_and_leaves_gradients_alone() -> None:
    net = mlp(2, 8, 5).requires_grad_(True)
    with torch.inference_mode():
        found = geodesics.geodesics(net, PAIRS[:1], PAIRS[1:])
    assert not found.z.requires_grad
    assert all(p.grad is None for p in net.parameters())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"a": torch.tensor([[math.nan, 0.0]])}, "row 0 of the first latents holds NaN"),
        ({"b": torch.zeros(1, 3)}, "as many first as second"),
        ({"a": torch.zeros(0, 2), "b": torch.zeros(0, 2)}, "1 or more"),
        ({"points": 2}, "3 points or more"),
        ({"tolerance": 0.0}, "tolerance above 0"),
        ({"starts": ("lines",)}, "did you mean line"),
        ({"starts": ("mix", "graph")}, "none of the starts mix, graph can be made"),
        ({"chart": lambda z: z.detach()}, "the decoder gives no gradient"),
        ({"chart": lambda z: z / 0}, "the decoder gave NaN or infinity"),
        ({"weight": lambda z: torch.ones(len(z))}, "the weight gives no gradient"),
        ({"weight": lambda z: z}, "the weight must give"),
        ({"weight": lambda z: z[:, 0] - 100}, "the weight must give"),
        ({"mix": lambda a, b, t: a}, "mix must give a finite path"),
        ({"graph": neighbour_graph(lambda z: z, torch.zeros(5, 3))}, "latents of width 3"),
    ],
)
def test_wrong_input_is_refused_in_one_line(change: dict[str, object], words: str) -> None:
    call = {"chart": lambda z: z, "a": PAIRS[:1], "b": PAIRS[1:], **change}
    with pytest.raises(LiminalError, match=words) as told:
        geodesics.geodesics(**call)  # type: ignore[arg-type]
    assert "\n" not in str(told.value)


# what is measured


def test_energy_and_length_of_a_known_curve() -> None:
    t = torch.linspace(0, math.pi, 9)
    half = torch.stack([torch.zeros(9), t], 1)
    assert float(length(sphere, half)[0]) == pytest.approx(math.pi, rel=1e-3)
    assert float(energy(sphere, half)[0]) == pytest.approx(math.pi**2, rel=1e-3)
    late = torch.stack(
        [torch.zeros(9), math.pi * torch.linspace(0, 1, 9) ** 2], 1
    )  # the same route, at speed 2 pi t
    assert float(length(sphere, late)[0]) == pytest.approx(math.pi, rel=1e-3)
    assert float(energy(sphere, late)[0]) == pytest.approx(4 / 3 * math.pi**2, rel=5e-3)
    with pytest.raises(LiminalError, match="2 points or more"):
        energy(sphere, half, 1)


def test_distances_rank_by_the_surface() -> None:
    a = torch.tensor([0.0, 0.0])
    candidates = torch.tensor([[0.0, 0.5], [1.2, 2.5], [0.0, 2.9], [0.0, 0.0]])
    found = distances(sphere, a, candidates)
    wanted = great_circle(sphere(a[None]).expand(4, 3), sphere(candidates)).double()
    torch.testing.assert_close(found, wanted, rtol=0.02, atol=1e-6)
    assert found.argsort().tolist() == wanted.argsort().tolist() == [3, 0, 1, 2]
    both = distances(sphere, torch.stack([a, a]), candidates)
    torch.testing.assert_close(both, found.expand(2, 4), rtol=1e-3, atol=1e-6)
    heavy = distances(lambda z: z, a, candidates, weight=lambda z: 4 + 0 * z[:, 0])
    torch.testing.assert_close(heavy, 2 * candidates.norm(dim=1).double(), rtol=1e-4, atol=1e-6)
    with pytest.raises(LiminalError, match="do not match"):
        distances(sphere, a, torch.zeros(3, 5))
