"""Measures of samples against slow definitions, closed forms and known answers; the distances beneath them to
the last count.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.neighbors import KNeighborsClassifier
from torch import Tensor

import liminal
from liminal import distances as distances_module
from liminal.distances import Index, ball_counts, nearest
from liminal.errors import LiminalError
from liminal.measures import subsample_spread
from liminal.measures.samples.coverage import Prdc, prdc
from liminal.measures.samples.diversity import bins, copies, modes, modes_statistic, variety, vendi
from liminal.measures.samples.fidelity import frechet, frechet_infinity, frechet_infinity_statistic
from liminal.measures.samples.twosample import kid, kid_statistic, told_apart

SETS = st.tuples(st.integers(6, 40), st.integers(6, 40), st.integers(1, 5), st.integers(0, 10**6))


def normal(n: int, d: int, seed: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32))


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def table(a: Tensor, b: Tensor) -> Tensor:
    """All squared distances, difference by difference."""
    return (a.double()[:, None] - b.double()[None]).square().sum(-1)


def four(p: Prdc) -> tuple[float, float, float, float]:
    return p.precision, p.recall, p.density, p.coverage


@pytest.fixture
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distances_module, "BLOCK", 8000)
    monkeypatch.setattr(distances_module, "PIECE", 2000)


# -- distances: the decisions of float64


def awkward() -> Iterator[tuple[str, Tensor]]:
    """Sets on which plain float32 products go wrong."""
    x = normal(150, 7, 0)
    yield "near the origin", x
    yield "wide", normal(150, 300, 1)
    yield "far from the origin", x + 3000
    yield "one stray", torch.cat([x * 1e-3, torch.full((1, 7), 1e6)])
    yield "tiny", x * 1e-20
    yield "huge", x * 1e18
    yield "float64", x.double() + 1e6
    yield "copies", torch.cat([x[:50]] * 3)
    yield "a lattice", torch.from_numpy(rng().integers(0, 3, (150, 3)).astype(np.float32))
    yield "one line", x[:, :1]


@pytest.mark.usefixtures("_small_blocks")
@pytest.mark.parametrize(("name", "x"), list(awkward()), ids=[name for name, _ in awkward()])
def test_neighbours_and_balls_are_those_of_float64(name: str, x: Tensor) -> None:
    k = 4
    slow = table(x, x)
    wanted = slow.clone().fill_diagonal_(math.inf).topk(k, largest=False)
    distance, row = nearest(x, x, k)
    assert torch.allclose(distance, wanted.values.sqrt(), rtol=1e-12, atol=0)
    assert torch.allclose(
        slow.gather(1, row).sqrt(), distance, rtol=1e-12, atol=0
    )  # the rows are those at these distances
    assert (row != torch.arange(len(x))[:, None]).all()
    assert all(len(set(r.tolist())) == k for r in row)
    points = x[torch.from_numpy(rng(1).permutation(len(x))[:100])]
    held, inside = ball_counts(
        x, distance[:, -1], points
    )  # every radius is the exact distance of some pair: ties must stay outside
    hit = table(x, points).sqrt() < distance[:, -1:]
    assert torch.equal(held, hit.sum(1))
    assert torch.equal(inside, hit.sum(0))


@pytest.mark.parametrize("precision", ["highest", "medium"])
def test_balls_tell_what_float32_cannot(precision: str) -> None:
    g = rng()
    directions = torch.from_numpy(g.standard_normal((400, 64)))
    directions = directions / directions.norm(dim=1, keepdim=True)
    centre = torch.from_numpy(g.standard_normal((1, 64)))
    inner = torch.from_numpy(g.random(400) < 0.5)
    points = centre + directions * (8 + 1e-9 * (1 - 2 * inner.double()))[:, None]
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(precision)
    try:
        held, inside = ball_counts(centre, torch.tensor([8.0]), points)
    finally:
        torch.set_float32_matmul_precision(before)
    assert torch.equal(inside.bool(), inner)
    assert int(held) == int(inner.sum())


def test_distances_need_no_gradient_and_little_memory() -> None:
    x = normal(60, 3, 0).requires_grad_()
    assert not nearest(x, x, 2)[0].requires_grad
    assert ball_counts(x, torch.ones(60), x[:0])[0].tolist() == [0] * 60
    assert nearest(x, x[:0], 2)[1].shape == (0, 2)
    for bad in (math.nan, math.inf):
        with pytest.raises(LiminalError, match="NaN or infinity"):
            nearest(x, torch.full((1, 3), bad), 2)


def test_what_is_prepared_once_gives_the_same_to_many_at_the_same_time() -> None:
    x, queries = normal(3000, 5, 0), [normal(n, 5, n) for n in (1, 2, 65, 700)]
    index = Index(x)
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda part: nearest(index, part, 3), queries * 6))
    for (far, rows), part in zip(found, queries * 6, strict=True):
        fresh = nearest(x, part, 3)
        assert torch.equal(far, fresh[0])
        assert torch.equal(rows, fresh[1])
    assert torch.equal(nearest(index, x, 1)[1], nearest(x, x, 1)[1]), "a row is not its own neighbour"
    assert nearest(index, x.clone(), 1)[0].max() == 0
    with pytest.raises(LiminalError, match="NaN or infinity"):
        nearest(index, torch.full((1, 5), math.nan), 1)


# -- precision, recall, density, coverage


@settings(deadline=None, max_examples=12)
@given(SETS, st.sampled_from([0.25, 1.0, 8.0]), st.integers(-64, 64))
def test_prdc_does_not_depend_on_order_place_or_scale(
    sizes: tuple[int, int, int, int], scale: float, shift: int
) -> None:
    n, m, d, seed = sizes
    g = rng(seed)
    real, samples = (
        torch.from_numpy(g.integers(-200, 200, (count, d)) / 16.0) for count in (n, m)
    )  # exact under the changes below
    if (real == real[:1]).all():
        return
    wanted = four(prdc(real, samples, 3))
    moved = [x[torch.from_numpy(g.permutation(len(x)))] * scale + shift for x in (real, samples)]
    assert four(prdc(*moved, 3)) == wanted
    assert four(prdc(real.float(), samples.float(), 3)) == wanted
    turn = torch.linalg.qr(torch.from_numpy(g.standard_normal((d, d)))).Q
    loose, turned = normal(n, d, seed).double(), normal(m, d, seed + 1).double()
    assert four(prdc(loose @ turn, turned @ turn, 3)) == four(prdc(loose, turned, 3))


def test_prdc_of_a_set_with_itself_and_with_one_far_off() -> None:
    x = normal(300, 6, 0)
    same = prdc(x, x)
    assert (same.precision, same.recall, same.coverage) == (1, 1, 1)
    assert same.density == pytest.approx(
        1.0
    )  # each item is in its own ball and, of five neighbours, strictly inside for four: k in all
    assert same.note == ""
    assert four(prdc(x, x + 100)) == (0, 0, 0, 0)


def test_mode_collapse_outliers_subsets_and_scales() -> None:
    """Checks of arXiv 2505.22450: what the four numbers must see, and where the definitions are known to
    fail.
    """
    n = 600
    centres = 30 * torch.eye(6)
    draw = lambda modes, seed: normal(n, 6, seed) + centres[torch.arange(n) % modes]
    real, same = draw(6, 0), draw(6, 1)
    good = prdc(real, same)
    assert min(four(good)) > 0.85
    collapsed = prdc(real, centres[:1] + 1e-3 * normal(n, 6, 2))
    assert collapsed.precision == 1
    assert collapsed.recall < 0.01
    assert collapsed.coverage < 0.2
    assert "no merit" in collapsed.note
    invented = prdc(draw(3, 3), same)  # real items a part of the samples: fidelity falls, diversity stays
    dropped = prdc(real, draw(3, 3))  # samples a part of the real items: the other way round
    assert invented.precision == pytest.approx(0.5, abs=0.06)
    assert invented.density == pytest.approx(0.5, abs=0.1)
    assert invented.recall > 0.85
    assert invented.coverage > 0.7
    assert dropped.recall == pytest.approx(0.5, abs=0.06)
    assert dropped.coverage == pytest.approx(0.5, abs=0.06)
    assert min(dropped.precision, dropped.density) > 0.85
    stray = torch.cat([real[1:], torch.full((1, 6), 400.0)])
    fooled = prdc(
        stray, 200 + normal(n, 6, 5)
    )  # precision is, by the stray's wide ball; density counts one ball of five
    assert (fooled.precision, fooled.coverage) == (1, pytest.approx(1 / n))
    assert fooled.density == pytest.approx(0.2)
    wild = torch.cat([normal(n - 1, 6, 6) - 200, torch.full((1, 6), 300.0)])
    assert prdc(real, wild).recall == 1  # recall is fooled by a stray sample, coverage is not
    assert prdc(real, wild).coverage == 0
    one_scale = torch.tensor(
        [1e6, 1, 1, 1, 1, 1]
    )  # one feature drowns the others: not invariant, hence whitened features
    wrong = draw(6, 8) + 100 * torch.tensor([0.0, 0, 0, 0, 0, 1])
    assert prdc(real, wrong).precision == 0
    assert prdc(real * one_scale, wrong * one_scale).precision > 0.5
    smaller, larger = prdc(real, same * 0.8), prdc(real * 0.8, same)
    assert smaller.coverage < good.coverage
    assert larger.density < good.density


def test_prdc_says_where_its_numbers_mislead() -> None:
    few = torch.eye(4)[torch.from_numpy(rng().integers(0, 4, 100))]
    got = prdc(few, few)
    assert four(got) == (
        0,
        0,
        0,
        0,
    )  # the published definition: nothing is strictly inside a ball of radius 0
    assert "100.0% of the real items have 5 exact copies or more" in got.note
    assert "recall nothing" in got.note
    high = prdc(normal(400, 300, 0), 0.9 * normal(400, 300, 1))
    assert high.density > 10
    assert "no merit" in high.note
    assert "fewer features" in high.note
    honest = prdc(normal(400, 300, 0), normal(400, 300, 1))
    assert honest.density == pytest.approx(1, abs=0.15)  # for the same distribution 1 in any dimension
    assert "no merit" not in honest.note


# -- Frechet distance at infinity


def test_frechet_at_infinity_has_no_bias_where_the_plain_one_has() -> None:
    d, n, g = 12, 120, rng()
    for scale, truth in ((1.0, 0.0), (0.7, d * 0.09)):
        pairs = [(normal(n, d, 2 * i), scale * normal(n, d, 2 * i + 1)) for i in range(24)]
        plain = np.array([frechet(a, b) for a, b in pairs])
        at_infinity = np.array([frechet_infinity(a, b, g) for a, b in pairs])
        error = at_infinity.std() / 24**0.5
        assert abs(at_infinity.mean() - truth) < 3 * error + 0.03
        assert plain.mean() - truth > 10 * abs(at_infinity.mean() - truth)
        spread = np.mean(
            [subsample_spread(frechet_infinity_statistic(a, b, g), (n, n), g, 8) for a, b in pairs[:3]]
        )
        assert 0.7 < spread / at_infinity.std() < 3
    a, b = pairs[0]
    assert frechet_infinity(a, b[:100], g) == pytest.approx(truth, abs=6 * at_infinity.std())
    assert frechet_infinity(a, a + 3, g) == pytest.approx(9 * d, abs=3)
    with pytest.raises(LiminalError, match="wanted 48 or more of each"):
        frechet_infinity(a[:40], b, g)


# -- kernel distance


@settings(deadline=None, max_examples=20)
@given(SETS, st.floats(-2, 2))
def test_kid_is_that_of_its_definition(sizes: tuple[int, int, int, int], shift: float) -> None:
    n, m, d, seed = sizes
    x, y = normal(n, d, seed), normal(m, d, seed + 1) + shift
    k = lambda a, b: (float(np.dot(a, b)) / d + 1) ** 3
    a, b = x.double().numpy(), y.double().numpy()
    mean = lambda p, q, same: np.mean(
        [k(p[i], q[j]) for i in range(len(p)) for j in range(len(q)) if not (same and i == j)]
    )
    wanted = mean(a, a, True) + mean(b, b, True) - 2 * mean(a, b, False)
    assert kid(x, y) == pytest.approx(wanted, rel=1e-9, abs=1e-9)
    assert kid(y, x) == pytest.approx(wanted, rel=1e-9, abs=1e-9)
    order = torch.from_numpy(rng(seed).permutation(n))
    assert kid(x[order], y) == pytest.approx(wanted, rel=1e-9, abs=1e-9)


def test_kid_of_gaussians_is_the_closed_form(monkeypatch: pytest.MonkeyPatch) -> None:
    # for N(0, a I) and N(0, b I) only the squares survive: 3 E<x, y>^2 / d^2 gives 3 (a - b)^2 / d
    d, a, b = 3, 1.0, 4.0
    found = [kid(normal(500, d, 2 * i), 2 * normal(500, d, 2 * i + 1)) for i in range(10)]
    assert np.mean(found) == pytest.approx(3 * (a - b) ** 2 / d, abs=4 * np.std(found) / 10**0.5)
    x, y = normal(300, d, 0), normal(200, d, 1)
    whole = kid(x, y)
    monkeypatch.setattr("liminal.measures.samples.twosample.BLOCK", 4096)
    assert kid(x, y) == pytest.approx(whole, abs=1e-9)
    none = np.array([kid(normal(100, d, 100 + 2 * i), normal(60, d, 101 + 2 * i)) for i in range(40)])
    assert abs(none.mean()) < 3 * none.std() / 40**0.5
    assert (none < 0).any()
    assert (none > 0).any()
    spread = float(subsample_spread(kid_statistic(x, 2 * y), (300, 200), rng(), 12))
    again = np.std([kid(normal(300, d, 300 + i), 2 * normal(200, d, 400 + i)) for i in range(16)])
    assert 0.5 < spread / again < 3
    with pytest.raises(LiminalError, match="with NaN or infinity"):
        kid(x, y * math.nan)


# -- the classifier test


def test_one_distribution_is_not_told_apart_and_two_are() -> None:
    same = [
        told_apart(normal(100, 5, 2 * i), normal(100, 5, 2 * i + 1), rng(i), how).p
        for i in range(8)
        for how in ("mlp", "knn")
    ]
    assert np.mean(np.array(same) < 0.05) <= 0.2
    assert np.mean(np.array(same) > 0.5) > 0.2
    real = normal(300, 5, 0)
    for how in ("mlp", "knn"):
        moved = told_apart(real, normal(200, 5, 1) + 1, rng(), how)  # type: ignore[arg-type]
        assert moved.n == 200  # half of 200 and 200
        assert moved.accuracy > 0.7
        assert moved.interval[0] < moved.accuracy < moved.interval[1]
        assert moved.p == pytest.approx(binomtest(round(moved.accuracy * 200), 200, 0.5, "greater").pvalue)
        apart = told_apart(real, real + 50, rng(), how)  # type: ignore[arg-type]
        assert (apart.accuracy, apart.interval) == (1, (1, 1))
        wider = told_apart(real, 1.8 * normal(300, 5, 2), rng(), how)  # type: ignore[arg-type]
        assert wider.accuracy > 0.55  # not linear: no half-space helps
    with pytest.raises(LiminalError, match="n >= 20"):
        told_apart(real[:10], real, rng())
    with pytest.raises(LiminalError, match="no classifier 'svm'"):
        told_apart(real, real, rng(), "svm")  # type: ignore[arg-type]


def test_neighbours_vote_as_in_scikit_learn_and_the_seed_fixes_the_network() -> None:
    real, samples = normal(300, 4, 0), normal(300, 4, 1) * 1.5
    g = rng(7)
    parts = [x[torch.from_numpy(g.permutation(300))].numpy() for x in (real, samples)]
    x, of = (np.concatenate([p[half] for p in parts]) for half in (slice(150), slice(150, None)))
    y = np.repeat([0, 1], 150)
    wanted = KNeighborsClassifier(17).fit(x, y).score(of, y)
    assert told_apart(real, samples, rng(7), "knn").accuracy == pytest.approx(wanted)
    assert told_apart(real, samples, rng(7)) == told_apart(real, samples, rng(7))


# -- diversity


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 8), st.integers(1, 6), st.integers(0, 10**6))
def test_vendi_counts_groups_that_have_nothing_in_common(groups: int, each: int, seed: int) -> None:
    centres = 100 * torch.eye(8)[:groups]
    x = centres.repeat_interleave(each, 0)[torch.from_numpy(rng(seed).permutation(groups * each))]
    assert vendi(x, 1.0) == pytest.approx(groups, rel=1e-6)
    assert vendi(x + 5, 1.0) == pytest.approx(groups, rel=1e-6)


@settings(deadline=None, max_examples=20)
@given(SETS, st.floats(0.1, 10))
def test_vendi_is_the_exponential_of_an_entropy(sizes: tuple[int, int, int, int], width: float) -> None:
    n, _, d, seed = sizes
    x = normal(n, d, seed)
    values = np.linalg.eigvals(np.exp(-table(x, x).numpy() / (2 * width**2)) / n).real
    values = values[values > 1e-15]
    score = vendi(x, width)
    assert score == pytest.approx(math.exp(-(values * np.log(values)).sum()), rel=1e-6)
    assert 1 <= score <= n
    assert vendi(3 * x, 3 * width) == pytest.approx(score, rel=1e-5)
    assert vendi(torch.cat([x, x]), width) == pytest.approx(score, rel=1e-6)  # copies add nothing
    assert vendi(x, 1e-6) == pytest.approx(n)
    assert vendi(x, 1e6) == pytest.approx(1, abs=1e-6)


def test_variety_falls_with_modes_and_copies_and_not_with_order() -> None:
    centres = 8 * torch.from_numpy(rng(1).standard_normal((10, 6)).astype(np.float32))
    draw = lambda modes, seed: normal(240, 6, seed) + centres[torch.arange(240) % modes]
    real = draw(10, 0)
    same = variety(real, draw(10, 1), rng(), rounds=6)
    half = variety(real, draw(5, 2), rng(), rounds=6)
    one = variety(real, real[:1].expand(240, 6), rng(), rounds=2)
    assert same.ratio == pytest.approx(1, abs=0.1)
    assert same.interval[0] < 1 < same.interval[1]
    assert half.ratio == pytest.approx(0.5, abs=0.1)
    assert half.interval[1] < 0.75
    assert one.samples == pytest.approx(1)
    assert variety(real, draw(10, 1)[:100], rng(), rounds=2).n == 100
    assert variety(real, real + 2 * normal(240, 6, 5), rng(), rounds=2).ratio > 1.2  # noise is variety too
    wide = variety(1000 * real, 1000 * draw(5, 2), rng(), rounds=2)
    assert wide.ratio == pytest.approx(half.ratio, rel=1e-6)
    with pytest.raises(LiminalError, match="give varied items"):
        variety(real[:1].expand(20, 6), real, rng())
    with pytest.raises(LiminalError, match="1 to 2,000 items"):
        vendi(torch.zeros(2001, 2), 1.0)
    with pytest.raises(LiminalError, match="width 0"):
        vendi(real, 0.0)


def test_modes_by_hand() -> None:
    real = ["a"] * 50 + ["b"] * 30 + ["c"] * 20
    got = modes(real, ["a"] * 75 + ["b"] * 25)
    assert got.found == pytest.approx(2 / 3)
    assert got.missing == ("c",)
    assert got.tv == pytest.approx(0.25)
    assert got.kl == pytest.approx(0.75 * math.log(1.5) + 0.25 * math.log(0.25 / 0.3))
    assert got.shares == {"a": (0.5, 0.75), "b": (0.3, 0.25), "c": (0.2, 0.0)}
    assert modes(real, ["a"] * 7).missing == ()  # of seven samples none need be a b or a c
    assert modes(real, real[::-1]).kl == 0
    strange = modes(np.array([1, 1, 2]), np.array([1, 9]))
    assert strange.kl == math.inf
    assert strange.found == 0.5
    assert strange.tv == pytest.approx((1 / 6 + 1 / 3 + 1 / 2) / 2)
    with pytest.raises(LiminalError, match="0 of samples"):
        modes(real, [])
    labels = rng().integers(0, 10, 4000)
    floor = modes(labels[:2000], labels[2000:])
    assert floor.kl == pytest.approx(9 / 2 * (1 / 2000 + 1 / 2000), rel=0.7)
    errors = subsample_spread(modes_statistic(labels[:2000], labels[2000:]), (2000, 2000), rng(), 8)
    assert errors[0] == 0
    assert (errors[1:] > 0).all()
    assert (errors[1:] < 0.02).all()


def test_bins_stand_in_for_classes() -> None:
    centres = 30 * torch.eye(5)
    real, samples = (
        normal(500, 5, seed) + centres[torch.arange(500) % count] for seed, count in ((0, 5), (1, 3))
    )
    of_real, of_samples = bins(real, samples, 5)
    assert len(of_real) == len(of_samples) == 500
    got = modes(of_real, of_samples)
    assert got.found == pytest.approx(0.6)
    assert got.tv == pytest.approx(0.4, abs=0.01)
    assert len(got.missing) == 2
    with pytest.raises(LiminalError, match="of 1 different real items"):
        bins(real[:1].expand(9, 5), samples, 2)


def test_copies_are_seen_and_unseen_items_are_not_taken_for_them() -> None:
    train, held = normal(500, 4, 0), normal(300, 4, 1)
    honest = copies(train, normal(400, 4, 2), held, rng())
    spacing = table(train, train).fill_diagonal_(math.inf).amin(1)
    apart = table(held, train)
    assert honest.held_authentic == pytest.approx(
        float((apart.amin(1) > spacing[apart.argmin(1)]).double().mean())
    )
    assert honest.authentic == pytest.approx(honest.held_authentic, abs=0.1)
    assert honest.interval[0] < honest.held_authentic < honest.interval[1]
    assert honest.nearer == pytest.approx(0.5, abs=0.06)
    exact = copies(train, train[100:200], held, rng())
    assert (exact.authentic, exact.nearer) == (0, 1)
    assert exact.row.tolist() == list(range(100, 200))
    assert exact.copied.all()
    assert (exact.distance == 0).all()
    twice = torch.cat([train, train])
    assert (
        copies(twice, train[:9], held, rng()).authentic == 0
    )  # also where the training set holds copies itself
    far = copies(train, held + 50, held, rng())
    assert (far.authentic, far.nearer) == (1, 0)
    half = copies(train, torch.cat([train[:200] + 1e-4, normal(200, 4, 3)]), held, rng())
    assert half.authentic == pytest.approx(honest.held_authentic / 2, abs=0.06)
    assert half.nearer == pytest.approx(0.75, abs=0.05)
    with pytest.raises(LiminalError, match="4 or more"):
        copies(train, held[:3], held, rng())


# -- a real space


def test_on_the_ready_made_space_every_measure_tells_prior_draws_from_real_latents() -> None:
    space = liminal.open("fashion")
    z = space.latents
    order = torch.from_numpy(rng().permutation(len(z)))
    real, other, train = z[order[:800]], z[order[800:1600]], z[order[1600:3600]]
    drawn = space.generator.prior.sample(800, torch.Generator().manual_seed(0)) * real.std(0) + real.mean(
        0
    )  # two moments are right
    assert prdc(real, other).coverage > 0.93 > 0.7 > prdc(real, drawn).coverage
    floor, far = frechet_infinity(real, other, rng()), frechet(real, drawn)
    assert abs(floor) < 0.08 < far
    assert abs(kid(real, other)) < kid(real, drawn) / 5
    for how in ("mlp", "knn"):
        assert told_apart(real, other, rng(), how).p > 0.01  # type: ignore[arg-type]
        assert told_apart(real, drawn, rng(), how).accuracy > 0.65  # type: ignore[arg-type]
    assert variety(real, other, rng(), 300, 2).ratio == pytest.approx(1, abs=0.12)
    assert variety(real, drawn, rng(), 300, 2).ratio > 1.3
    assert copies(train, drawn, other, rng()).nearer < 0.35
    assert copies(train, train[:300], other, rng()).authentic == 0
