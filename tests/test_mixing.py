"""Mixtures of latents: known answers, properties, and the flow of a real space."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import liminal
from liminal.distances import nearest
from liminal.errors import LiminalError
from liminal.models.latent import Flow, Mixture
from liminal.ops.ways import mixing
from liminal.ops.ways.noise_mixing import Mixer
from liminal.priors import Normal, Sphere, Uniform

VECTORS = st.lists(st.floats(-10, 10, width=32), min_size=4, max_size=4).map(
    lambda v: torch.tensor(v, dtype=torch.float32)
)
WAYS = pytest.mark.parametrize("way", [mixing.linear, mixing.slerp])


# mixing


@WAYS
@settings(deadline=None, max_examples=60)
@given(a=VECTORS, b=VECTORS)
def test_ends_are_exact_and_the_way_is_finite(way, a: Tensor, b: Tensor) -> None:
    walked = way(a, b, torch.linspace(0, 1, 7))
    assert torch.equal(walked[0], a)
    assert torch.equal(walked[-1], b)
    assert torch.isfinite(walked).all()
    torch.testing.assert_close(way(a, a, 0.37), a)
    torch.testing.assert_close(
        way(a, b, 0.25), way(b, a, 0.75), rtol=1e-4, atol=1e-3 if _opposite(a, b) else 1e-4
    )


def _opposite(a: Tensor, b: Tensor) -> bool:
    return float(a @ b) < 0 and float((a / a.norm() + b / b.norm()).norm()) < 0.01


@settings(deadline=None, max_examples=100)
@given(a=VECTORS, b=VECTORS, t=st.floats(0, 1))
def test_slerp_carries_the_norm_linearly(a: Tensor, b: Tensor, t: float) -> None:
    wanted = (1 - t) * float(a.norm()) + t * float(b.norm())
    assert float(mixing.slerp(a, b, t).norm()) == pytest.approx(wanted, rel=1e-4, abs=1e-5)


def test_slerp_on_a_quarter_circle() -> None:
    walked = mixing.slerp(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 3.0]), torch.tensor([1 / 3, 0.5]))
    third = (1 + 2 / 3) * torch.tensor([math.cos(math.pi / 6), math.sin(math.pi / 6)])
    torch.testing.assert_close(walked, torch.stack([third, 2 * torch.tensor([0.5, 0.5]).sqrt()]))


def test_slerp_has_constant_angular_speed() -> None:
    a, b = torch.randn(2, 16, generator=torch.Generator().manual_seed(0)).unbind()
    walked = torch.nn.functional.normalize(mixing.slerp(a, b, torch.linspace(0, 1, 21)), dim=1)
    angles = torch.acos((walked[1:] * walked[:-1]).sum(1).clamp(-1, 1))
    torch.testing.assert_close(angles, angles.mean().expand(20), rtol=2e-3, atol=0)


@pytest.mark.parametrize("far", [math.pi, math.pi - 1e-4, 1e-8])
def test_slerp_at_the_edges(far: float) -> None:
    """Opposite, nearly opposite and nearly equal: a smooth round through unit vectors with even steps."""
    a, b = torch.tensor([1.0, 0.0, 0.0]), torch.tensor([math.cos(far), math.sin(far), 0.0])
    walked = mixing.slerp(a, b, torch.linspace(0, 1, 9))
    torch.testing.assert_close(walked.norm(dim=1), torch.ones(9))
    steps = walked.diff(dim=0).norm(dim=1)
    torch.testing.assert_close(steps, torch.full((8,), 2 * math.sin(far / 16)), atol=1e-3, rtol=0)


def test_slerp_from_zero_is_straight() -> None:
    b = torch.tensor([0.0, 4.0])
    torch.testing.assert_close(mixing.slerp(torch.zeros(2), b, 0.25), torch.tensor([0.0, 1.0]))
    torch.testing.assert_close(mixing.slerp(b, torch.zeros(2), 0.25), torch.tensor([0.0, 3.0]))
    assert torch.equal(mixing.slerp(torch.zeros(2), torch.zeros(2), 0.5), torch.zeros(2))


def test_batches_go_together() -> None:
    a, b = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0)).unbind()
    t = torch.linspace(0, 1, 4)
    walked = mixing.slerp(a, b, t)
    assert walked.shape == (4, 5, 3)
    torch.testing.assert_close(walked[:, 2], mixing.slerp(a[2], b[2], t))


@settings(deadline=None, max_examples=60)
@given(
    z=st.lists(VECTORS.filter(lambda v: float(v.norm()) > 1e-2), min_size=1, max_size=5).map(torch.stack),
    again=st.integers(1, 4),
)
def test_mixing_an_item_with_itself_is_itself(z: Tensor, again: int) -> None:
    torch.testing.assert_close(mixing.mix(z[:1].expand(again, -1)), z[0], rtol=1e-4, atol=1e-5)
    one = torch.zeros(len(z))
    one[0] = 3
    torch.testing.assert_close(mixing.mix(z, one), z[0], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(mixing.mix(z), mixing.mix(z.flip(0)), rtol=1e-2, atol=1e-2)


def test_mix_keeps_the_norm() -> None:
    z = torch.eye(9)
    assert float(mixing.mix(z).norm()) == pytest.approx(1)
    assert float(mixing.mean(z).norm()) == pytest.approx(1 / 3)
    torch.testing.assert_close(
        mixing.mix(torch.tensor([[2.0, 0.0], [0.0, 1.0]]), torch.tensor([1, 2])),
        torch.tensor([4 / 3, 4 / 3]) / 2**0.5,
    )
    assert torch.equal(mixing.mix(torch.tensor([[1.0, 0.0], [-1.0, 0.0]])), torch.zeros(2))


@pytest.mark.parametrize("weights", [[1.0], [1.0, -1.0], [0.0, 0.0], [1.0, math.nan]])
def test_mix_refuses_weights(weights: list[float]) -> None:
    with pytest.raises(LiminalError, match="wanted 2 weights"):
        mixing.mix(torch.eye(2), torch.tensor(weights))


def test_nothing_to_mix() -> None:
    for call in (mixing.mean, mixing.mix):
        with pytest.raises(LiminalError, match="wanted 1 or more"):
            call(torch.zeros(0, 3))


# any number of latents


@settings(deadline=None, max_examples=60)
@given(a=VECTORS, b=VECTORS, t=st.floats(0, 1, width=32))
def test_the_average_of_two_is_on_their_arc(a: Tensor, b: Tensor, t: float) -> None:
    torch.testing.assert_close(
        mixing.average(torch.stack([a, b]), torch.tensor([1 - t, t])),
        mixing.slerp(a, b, t),
        rtol=1e-4,
        atol=1e-4,
    )


def test_the_average_of_many_pulls_equally_from_all_sides() -> None:
    torch.testing.assert_close(mixing.average(4 * torch.eye(3)), torch.full((3,), 4 / math.sqrt(3)))
    z = torch.randn(6, 16, generator=torch.Generator().manual_seed(0)).double()
    w = torch.tensor([0.3, 0.1, 0.2, 0.05, 0.15, 0.2], dtype=torch.float64)
    middle = mixing.average(z, w)
    assert float(middle.norm()) == pytest.approx(float(w @ z.norm(dim=1)))
    u, units = middle / middle.norm(), torch.nn.functional.normalize(z, dim=1)
    angles = torch.acos(units @ u)
    pulls = torch.nn.functional.normalize(units - (units @ u)[:, None] * u, dim=1) * angles[:, None]
    torch.testing.assert_close(w @ pulls, torch.zeros(16, dtype=torch.float64), atol=1e-5, rtol=0)
    # an item without weight does not count: the rest is the arc again
    torch.testing.assert_close(
        mixing.average(z[:3], torch.tensor([0.6, 0.0, 0.4])), mixing.slerp(z[0], z[2], 0.4), atol=1e-5, rtol=0
    )


@pytest.mark.parametrize("blend", [mixing.mix, mixing.average, Mixer(Normal(8)).blend])
def test_many_mixtures_at_once(blend) -> None:
    generator = torch.Generator().manual_seed(0)
    z, w = torch.randn(3, 8, generator=generator), torch.rand(3, 5, generator=generator)
    each = torch.stack([blend(z, w[:, i]) for i in range(5)])
    torch.testing.assert_close(blend(z, w), each)
    torch.testing.assert_close(blend(z[:, None].expand(3, 5, 8), w), each)
    torch.testing.assert_close(blend(z[:, None].expand(3, 5, 8), w[:, 0]), each[:1].expand(5, 8))


def test_average_of_hardly_anything() -> None:
    z = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    assert torch.equal(mixing.average(z[:1]), z[0])
    assert torch.equal(mixing.average(z, torch.tensor([0.0, 2.0, 0.0])), z[1])
    assert torch.equal(mixing.average(torch.zeros(3, 4)), torch.zeros(4))
    assert torch.isfinite(mixing.average(torch.cat([z, torch.zeros(1, 4)]))).all()
    torch.testing.assert_close(
        mixing.average(torch.stack([z[0], -z[0], z[1], -z[1]])), torch.zeros(4)
    )  # no common direction


def test_barycentre_and_medoid() -> None:
    z = torch.tensor([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0], [1.0, 1.0], [100.0, 100.0]])
    torch.testing.assert_close(mixing.barycentre(z[:3], torch.tensor([2, 1, 1])), torch.tensor([1.0, 1.0]))
    torch.testing.assert_close(mixing.barycentre(z[1:3], along="slerp"), torch.tensor([8.0, 8.0]).sqrt())
    torch.testing.assert_close(
        mixing.barycentre(z[1:3], along=Mixer(Normal(2)).blend), torch.tensor([8.0, 8.0]).sqrt()
    )
    assert mixing.medoid(z) == 3
    assert mixing.medoid(z, torch.tensor([0.1, 0.1, 0.1, 0.1, 9])) == 4
    assert mixing.medoid(z[:1]) == 0
    z = torch.randn(300, 5, generator=torch.Generator().manual_seed(0))
    w = torch.rand(300, generator=torch.Generator().manual_seed(1))
    assert mixing.medoid(z, w) == int((torch.cdist(z.double(), z.double()) @ w.double()).argmin())
    with pytest.raises(LiminalError, match="unknown way for barycentre 'geodesic'"):
        mixing.barycentre(z, along="geodesic")
    for call in (mixing.average, mixing.barycentre, mixing.medoid, Mixer(Normal(3)).blend):
        with pytest.raises(LiminalError, match="wanted 1 or more"):
            call(torch.zeros(0, 3))
    for call in (mixing.average, mixing.medoid, Mixer(Normal(5)).blend):
        with pytest.raises(LiminalError, match="wanted 300 weights"):
            call(z, torch.ones(299))


@pytest.mark.parametrize("along", ["linear", "slerp", "mix"])
def test_a_grid_between_four_corners(along: str) -> None:
    z = torch.randn(4, 8, generator=torch.Generator().manual_seed(0))
    mixer = Mixer(Uniform(8))
    z = torch.tanh(z)
    grid = mixing.corners(z, 3, 5, mixer.blend if along == "mix" else along)
    assert grid.shape == (3, 5, 8)
    assert torch.equal(grid[[0, 0, -1, -1], [0, -1, 0, -1]], z)
    way = mixer if along == "mix" else mixing.along(along)
    t = torch.linspace(0, 1, 5)
    torch.testing.assert_close(grid[0], way(z[0], z[1], t), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(grid[-1], way(z[2], z[3], t), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(grid[:, 0], way(z[0], z[2], t[::2]), atol=1e-4, rtol=1e-4)
    if along == "linear":
        torch.testing.assert_close(grid[1, 2], z.mean(0))


def test_grids_refused() -> None:
    for z, rows, words in (
        (torch.zeros(3, 2), 3, "wanted 4 items, got 3"),
        (torch.zeros(4, 2), 1, "1 x 3 has no four corners"),
    ):
        with pytest.raises(LiminalError, match=words):
            mixing.corners(z, rows, 3)


# in the noise


class Bent:
    """A flow whose latents are the exponentials of its noise, and which loses `slip` of the noise on the way
    there.
    """

    def __init__(self, slip: float = 0.0) -> None:
        self.slip = slip

    def to_noise(self, z: Tensor) -> Tensor:
        return z.log() * (1 - self.slip)

    def from_noise(self, e: Tensor) -> Tensor:
        return e.exp()


def test_mixtures_are_made_in_the_noise() -> None:
    a, b = torch.tensor([math.e, 1.0]), torch.tensor([1.0, math.e])  # noises (1, 0) and (0, 1)
    mixer = Mixer(Bent())
    torch.testing.assert_close(mixer(a, b, 0.5), torch.full((2,), math.exp(0.5**0.5)))
    torch.testing.assert_close(mixer.blend(torch.stack([a, b])), torch.full((2,), math.exp(0.5**0.5)))
    torch.testing.assert_close(
        mixer(a, b, torch.tensor([1 / 3]))[0], torch.tensor([math.exp(0.75**0.5), math.exp(0.5)])
    )


@settings(deadline=None, max_examples=40)
@given(a=VECTORS, b=VECTORS, slip=st.sampled_from([0.0, 1e-3, 0.1]))
def test_what_the_flow_loses_is_given_back(a: Tensor, b: Tensor, slip: float) -> None:
    a, b, mixer = (a / 4).exp(), (b / 4).exp(), Mixer(Bent(slip))
    t = torch.linspace(0, 1, 5)
    walked = mixer(a, b, t)
    assert torch.equal(walked[[0, -1]], torch.stack([a, b]))
    torch.testing.assert_close(mixer(a, a, t), a.expand(5, 4), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(mixer.blend(torch.stack([a, a, a])), a, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(
        mixer.blend(torch.stack([a, b]), torch.stack([1 - t, t])), walked, rtol=1e-4, atol=1e-4
    )


def test_without_a_flow_the_prior_says_where_latents_lie() -> None:
    a, b = torch.randn(2, 6, generator=torch.Generator().manual_seed(0)).unbind()
    t = torch.linspace(0, 1, 7)
    torch.testing.assert_close(Mixer(Normal(6))(a, b, t), mixing.slerp(a, b, t))
    on = Mixer(Sphere(6))(a / a.norm(), b / b.norm(), t)
    torch.testing.assert_close(on.norm(dim=1), torch.ones(7))
    torch.testing.assert_close(on, mixing.slerp(a / a.norm(), b / b.norm(), t))
    normal = torch.distributions.Normal(0, 1)
    inside = Mixer(Uniform(6))(2 * normal.cdf(a) - 1, 2 * normal.cdf(b) - 1, t)
    torch.testing.assert_close(inside, 2 * normal.cdf(mixing.slerp(a, b, t)) - 1, atol=1e-5, rtol=0)
    edge = Mixer(Uniform(2))(torch.tensor([1.0, 1.0]), torch.tensor([-1.0, 1.0]), t)
    assert torch.isfinite(edge).all()
    assert edge.abs().max() <= 1
    assert len({Mixer(prior(6)).how for prior in (Normal, Sphere, Uniform, Flow)}) == 4
    with pytest.raises(
        LiminalError, match="wanted a latent flow or a normal, sphere or uniform prior, got mixture"
    ):
        Mixer(Mixture(6))


@pytest.fixture(scope="module")
def real() -> tuple[Flow, Tensor, Tensor]:
    """The flow of the space that ships with the package, the latents it was fitted to, and 300 held-out
    ones.
    """
    space = liminal.open("fashion")
    train, held = (torch.from_numpy(space.catalogue.latents(split=s)[1]) for s in ("train", "held"))
    return space.samplers["flow"], train, held[:300]


def test_real_items_with_themselves_and_their_neighbours(real: tuple[Flow, Tensor, Tensor]) -> None:
    flow, train, held = real
    mixer, z = Mixer(flow), held[:40]
    torch.testing.assert_close(mixer(z, z, 0.4), z, atol=1e-3, rtol=0)
    torch.testing.assert_close(mixer.blend(torch.stack([z, z, z])), z, atol=1e-3, rtol=0)
    near = train[nearest(train, z, 1)[1][:, 0]]
    off = (mixer(z, near, 0.5) - (z + near) / 2).norm(dim=1) / (z - near).norm(dim=1)
    assert float(off.median()) < 0.2  # near items have a midpoint near the middle
    far = mixer(50 * z[0], z[1], torch.linspace(0, 1, 5))
    assert torch.isfinite(far).all()
    assert torch.equal(far[[0, -1]], torch.stack([50 * z[0], z[1]]))


def test_mixtures_of_real_items_are_as_typical_as_the_items(real: tuple[Flow, Tensor, Tensor]) -> None:
    """Rank of the distance to the tenth neighbour among held-out items': near the middle for mixtures, low
    for arcs in the latents.
    """
    flow, train, held = real
    a, b, others = held[:100], held[100:200], held[200:]
    usual = nearest(train, others, 10)[0][:, -1]

    def rank(z: Tensor) -> float:
        return float((usual[None] >= nearest(train, z, 10)[0][:, -1:]).double().mean())

    of_mix = rank(Mixer(flow)(a, b, 0.5))
    assert of_mix > 0.3
    assert of_mix > rank(mixing.slerp(a, b, 0.5)) + 0.1
    of_many = Mixer(flow).blend(held[:200].reshape(4, 50, 16))
    assert rank(of_many) > 0.3
    norms = flow.to_noise(held[:200]).norm(dim=1).reshape(4, 50).mean(0)
    torch.testing.assert_close(flow.to_noise(of_many).norm(dim=1), norms, atol=0.1, rtol=0)
