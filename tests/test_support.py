"""Support: scores against a plain count, uniform p-values, worlds whose support is known, real pictures and
foreign ones.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score
from torch import Tensor
from torch.nn import functional as F

import liminal
from liminal.datasets import faces
from liminal.errors import LiminalError
from liminal.generator import Wrapped
from liminal.ops.risk import controls, judge, risk_coverage, sources
from liminal.ops.support import Support, fit_support, residuals
from liminal.priors import Normal
from liminal.space import Space
from liminal.tensors import rng


def clusters(n: int, seed: int, d: int = 3) -> Tensor:
    """Three lumps of different density."""
    draw = rng(seed)
    kind = torch.randint(3, (n,), generator=draw)
    centres = torch.eye(3, d) * 6
    return centres[kind] + torch.tensor([0.3, 0.6, 1.2])[kind][:, None] * torch.randn(n, d, generator=draw)


def ring(n: int, seed: int) -> Tensor:
    """A circle of radius 3, 0.1 thick."""
    draw = rng(seed)
    turn = 2 * math.pi * torch.rand(n, generator=draw)
    return 3 * torch.stack([turn.cos(), turn.sin()], 1) + 0.1 * torch.randn(n, 2, generator=draw)


@pytest.fixture(scope="module")
def lumps() -> Support:
    return fit_support(clusters(1500, 0), clusters(1000, 1))


# the score and its p-value


def by_hand(points: np.ndarray, z: np.ndarray, k: int) -> float:
    """The score of a z that is not among the points, in plain loops."""

    def near(x: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        far = np.sqrt(((others - x) ** 2).sum(1))
        order = np.argsort(far)[:k]
        return far[order], order

    far, rows = near(z, points)
    spacing = [near(points[row], np.delete(points, row, 0))[0].mean() for row in rows]
    return far.mean() / np.sqrt(np.mean(spacing))


@pytest.mark.parametrize("k", [1, 4])
def test_the_score_is_what_it_says_and_a_training_item_is_left_out(k: int) -> None:
    train = clusters(120, 0)
    found = fit_support(train, clusters(40, 1), k=k)
    points = train.double().numpy()
    new = clusters(5, 2)
    assert found.score(new).tolist() == pytest.approx(
        [by_hand(points, z, k) for z in new.double().numpy()], rel=1e-6
    )
    alone = [by_hand(np.delete(points, row, 0), points[row], k) for row in range(20)]
    assert found.score(train[:20]).tolist() == pytest.approx(alone, rel=1e-6)


def test_p_is_the_conformal_one(lumps: Support) -> None:
    n = len(lumps.calibration)
    assert n == 500
    z = torch.cat([clusters(50, 3), torch.full((1, 3), 100.0)])
    scores = lumps.score(z)
    wanted = [(1 + int((lumps.calibration >= s).sum())) / (1 + n) for s in scores]
    assert lumps(z).tolist() == pytest.approx(wanted)
    assert float(lumps(z)[-1]) == pytest.approx(1 / 501)
    assert float(lumps(z[-1])) == float(lumps(z)[-1])  # one latent (d,)
    assert len(lumps(z[:0])) == 0


def test_new_items_and_training_items_have_uniform_support() -> None:
    train = clusters(2000, 0)
    found = fit_support(train, clusters(8000, 1), seed=1)
    assert kstest(found(clusters(600, 2)).numpy(), "uniform").pvalue > 0.05
    assert kstest(found(train[:600]).numpy(), "uniform").pvalue > 0.05
    assert found.evidence["ks_p"] > 0.05
    assert found.evidence["train_median"] == pytest.approx(0.5, abs=0.06)
    assert found.evidence["tested_below"] == pytest.approx(0.05, abs=0.01)


def test_the_uniformity_test_refuses_a_true_law_as_often_as_it_says() -> None:
    train, held = clusters(200, 0), clusters(200, 1)
    refused = [fit_support(train, held, seed=seed).evidence["ks_p"] < 0.2 for seed in range(30)]
    assert 0.05 < np.mean(refused) < 0.35


def test_repeated_items_change_nothing() -> None:
    train, held, z = clusters(300, 0), clusters(60, 1), clusters(100, 2)
    once, thrice = fit_support(train, held), fit_support(train.repeat(3, 1), held)
    assert thrice.score(z).tolist() == pytest.approx(once.score(z).tolist(), rel=1e-9)
    assert thrice.score(train[:50]).tolist() == pytest.approx(once.score(train[:50]).tolist(), rel=1e-9)
    assert thrice.evidence["n_train"] == 300


@settings(deadline=None, max_examples=8)
@given(seed=st.integers(0, 10_000), scale=st.floats(0.01, 100), dead=st.integers(0, 3))
def test_support_keeps_under_rotation_scale_shift_and_dead_dimensions(
    seed: int, scale: float, dead: int
) -> None:
    train, held, z = (clusters(n, seed + i).double() for i, n in enumerate((200, 60, 40)))
    turn = torch.linalg.qr(torch.randn(3 + dead, 3 + dead, generator=rng(seed), dtype=torch.float64)).Q

    def moved(x: Tensor) -> Tensor:
        return scale * torch.cat([x, torch.full((len(x), dead), 0.3, dtype=x.dtype)], 1) @ turn + 5.0

    plain, other = fit_support(train, held, seed=seed), fit_support(moved(train), moved(held), seed=seed)
    assert other.evidence["active"] == 3
    assert other(moved(z)).tolist() == pytest.approx(
        plain(z).tolist(), abs=1 / len(plain.calibration)
    )  # a score may cross its neighbour


def test_collapsed_dimensions_are_not_looked_at() -> None:
    def wide(x: Tensor, noise: float, seed: int) -> Tensor:
        return torch.cat([x, noise * torch.randn(len(x), 2, generator=rng(seed))], 1)

    found = fit_support(wide(clusters(500, 0), 1e-3, 5), wide(clusters(200, 1), 1e-3, 6))
    z = clusters(300, 2)
    assert found.evidence["active"] == 3
    assert (
        float(found(wide(z, 1.0, 7)).median()) > 0.3
    )  # a prior draw in them, which the decoder of a VAE ignores


def test_the_same_seed_gives_the_same_and_most_bounds_the_work() -> None:
    train, held, z = clusters(400, 0), clusters(60, 1), clusters(50, 2)
    a, b, c = (
        fit_support(train, held, seed=3),
        fit_support(train, held, seed=3),
        fit_support(train, held, seed=4, most=100),
    )
    assert torch.equal(a(z), b(z))
    assert torch.equal(a.weight(z), b.weight(z))
    assert c.evidence["n_train"] == 100
    assert not torch.equal(a.tested, c.tested)
    assert set(a.tested.tolist()) < set(range(60))


# worlds whose support is known


def test_the_hole_of_a_ring_is_not_its_typical_point() -> None:
    found = fit_support(ring(1500, 0), ring(500, 1))
    hole, on, outside = torch.zeros(1, 2), torch.tensor([[0.0, 3.0]]), torch.tensor([[0.0, 4.5]])
    assert float(found(hole)) <= 1 / 251
    assert float(found(outside)) <= 1 / 251
    assert float(found(on)) > 0.2
    weight = found.weight(torch.cat([hole, on, outside]))
    assert weight[1] < 1.3
    assert weight[0] > 20 < weight[2]


def test_controls_are_low_where_coordinates_depend_on_each_other_and_high_where_not() -> None:
    found = controls(
        fit_support(ring(1500, 0), ring(500, 1)),
        ring(500, 2),
        draws={"prior": torch.randn(300, 2, generator=rng(0))},
    )
    assert found["real"] == pytest.approx(0.5, abs=0.08)
    assert max(found["shuffled"], found["stretched"], found["midpoints"], found["prior"]) <= 0.05
    free = [torch.randn(n, 2, generator=rng(n)) for n in (1500, 500, 501)]
    assert controls(fit_support(free[0], free[1]), free[2])["shuffled"] == pytest.approx(0.5, abs=0.1)


def test_sources_are_what_they_are_called() -> None:
    z, mean = clusters(300, 0).double(), torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    labels = ["a" if row[0] > 3 else "b" for row in z]
    found = sources(z, mean, {"prior": torch.zeros(700, 3)}, labels, seed=1, most=200)
    assert {name: len(value) for name, value in found.items()} == dict.fromkeys(found, 200)
    assert list(found) == [
        "real",
        "shuffled",
        "stretched",
        "midpoints",
        "mixed",
        "between",
        "within",
        "prior",
    ]
    rows = {tuple(row) for row in z.tolist()}
    assert all(tuple(row) in rows for row in found["real"].tolist())
    assert torch.allclose((found["stretched"] - mean) / 1.5, found["real"] - mean)
    for j in range(3):
        assert set(found["shuffled"][:, j].tolist()) <= set(z[:, j].tolist())
    assert not any(tuple(row) in rows for row in found["shuffled"].tolist())
    on = z[:, 0] > 3
    halves = {tuple(((a + b) / 2).tolist()) for a in z[on] for b in z[~on]}
    assert all(tuple(row) in halves for row in found["between"].tolist())
    assert not any(tuple(row) in halves for row in found["within"].tolist())


# the weight of geodesics


def test_weight_has_the_documented_values_at_the_documented_places(lumps: Support) -> None:
    half = sorted(set(range(1000)) - set(lumps.tested.tolist()))
    assert len(half) == 500
    weight = lumps.weight(clusters(1000, 1)[half].double())
    assert float(weight.median()) == pytest.approx(1 + math.log2(1 + 2**-4), abs=0.02)
    assert float(torch.quantile(weight, 0.95)) == pytest.approx(1 + math.log2(1 + 2**4), abs=0.02)
    z = clusters(7, 2).double()
    energy = (
        -torch.exp(
            -(torch.cdist(z @ lumps.axes, lumps.landmarks + lumps.mean @ lumps.axes) ** 2)
            / (2 * lumps.bandwidth**2)
        )
        .mean(1)
        .log()
    )
    u = (energy - lumps.typical[0]) / (lumps.typical[1] - lumps.typical[0]) - 0.5
    assert lumps.weight(z).tolist() == pytest.approx((1 + torch.log2(1 + 2 ** (8 * u))).tolist(), rel=1e-9)


def test_weight_rises_without_bound_as_one_leaves(lumps: Support) -> None:
    away = torch.linspace(0, 200, 60)[:, None] * torch.tensor([[-0.6, -0.6, -0.5]]) + torch.tensor(
        [[6.0, 0, 0]]
    )
    weight = lumps.weight(away[1:])
    assert (weight >= 1).all()
    assert (weight[10:].diff() > 0).all()
    assert float(weight[-1] / weight[29]) == pytest.approx(4, rel=0.15)  # as the squared distance
    assert weight.dtype == torch.float32


def test_weight_is_differentiable_in_both_modes_and_twice(lumps: Support) -> None:
    z = torch.cat([clusters(3, 4), torch.tensor([[3.0, 3.0, 0.0]])]).double().requires_grad_()
    assert torch.autograd.gradcheck(lumps.weight, (z,), check_forward_ad=True, check_backward_ad=True)
    assert torch.autograd.gradgradcheck(lumps.weight, (z,))
    step = torch.randn(z.shape, generator=rng(0), dtype=z.dtype)
    _, forward = torch.func.jvp(lumps.weight, (z.detach(),), (step,))
    backward = torch.autograd.grad(lumps.weight(z).sum(), z)[0]
    assert forward.tolist() == pytest.approx((backward * step).sum(1).tolist(), rel=1e-9)
    single = torch.func.vmap(torch.func.grad(lambda row: lumps.weight(row[None])[0]))(z.detach())
    assert torch.allclose(single, backward)


def test_weight_of_many_points_is_that_of_each(lumps: Support) -> None:
    z = clusters(5000, 3)
    assert torch.allclose(lumps.weight(z)[4090:4110], lumps.weight(z[4090:4110]), rtol=1e-4)


# risk and coverage


def test_risk_coverage_by_hand() -> None:
    found = risk_coverage(torch.tensor([0.9, 0.7, 0.5, 0.1]), torch.tensor([1.0, 9.0, 1.0, 9.0]), limit=5.0)
    assert found["auroc"] == pytest.approx(3 / 4)
    assert found["bad"] == 0.5
    assert found["area"] == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4)
    assert found["best"] == pytest.approx((0 + 0 + 1 / 3 + 1 / 2) / 4)
    assert found["coverage"][-1] == 1
    assert found["risk"][-1] == 0.5
    assert found["risk"][0] == 0


def test_support_that_says_nothing_is_at_chance_and_all_good_has_no_auroc() -> None:
    risk = torch.arange(40.0)
    flat = risk_coverage(torch.full((40,), 0.3), risk, limit=29.5)
    assert flat["auroc"] == 0.5
    assert flat["area"] == pytest.approx(flat["bad"]) == pytest.approx(0.25)
    assert set(flat["risk"]) == {0.25}
    assert risk_coverage(risk, risk, limit=100.0)["auroc"] is None
    perfect = risk_coverage(-risk, risk, limit=29.5)
    assert perfect["auroc"] == 1
    assert perfect["area"] == pytest.approx(perfect["best"])
    assert risk_coverage(risk, risk, limit=29.5)["auroc"] == 0


@settings(deadline=None, max_examples=30)
@given(data=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=2, max_size=60))
def test_auroc_is_that_of_scikit_learn_and_the_curve_ends_at_the_share_of_bad(
    data: list[tuple[int, int]],
) -> None:
    p, risk = (torch.tensor(column, dtype=torch.float64) for column in zip(*data, strict=True))
    found, bad = risk_coverage(p / 6, risk, 3.0), (risk > 3).numpy()
    if 0 < bad.sum() < len(bad):
        assert found["auroc"] == pytest.approx(roc_auc_score(bad, 1 - p.numpy() / 6))
    assert found["risk"][-1] == pytest.approx(bad.mean())
    assert found["best"] <= found["area"] + 1e-12


def test_judge_finds_what_leaves_a_ring_and_the_centre_does_not() -> None:
    train, held, new = (ring(n, seed).double() for seed, n in enumerate((1500, 500, 500)))
    found = fit_support(train, held)
    generator = Wrapped(lambda z: z, None, Normal(2))
    points = sources(new, found.mean, {"inside": 0.6 * ring(400, 3)})
    result = judge(found, generator, lambda x: x, train, new, points)
    assert result["auroc"] > 0.97
    assert result["kinds"]["real"]["bad"] == pytest.approx(0.05, abs=0.01)
    assert result["kinds"]["inside"]["bad"] == 1
    assert result["baselines"]["centre"] < 0.6
    assert result["area"] - result["best"] < 0.02
    json.dumps(result)


def test_judge_tells_points_apart_that_lie_beyond_all_calibration() -> None:
    """Support is the same for them; half of them decode to real items all the same, the nearer half."""
    train, held, new = (ring(n, seed).double() for seed, n in enumerate((1500, 500, 500)))
    found = fit_support(train, held)
    generator = Wrapped(
        lambda z: torch.where(z.norm(dim=1, keepdim=True) > 4.5, z, train[:1].float()), None, Normal(2)
    )
    points = {"near": 1.35 * new, "far": 1.7 * new}
    assert float(found(torch.cat(list(points.values()))).max()) == pytest.approx(1 / 251)
    result = judge(found, generator, lambda x: x, train, new, points)
    assert (result["kinds"]["near"]["bad"], result["kinds"]["far"]["bad"]) == (0, 1)
    assert result["auroc"] > 0.99
    assert result["kinds"]["near"]["auroc"] is None


def test_midpoints_are_counted_once() -> None:
    train, held, new = (ring(n, seed).double() for seed, n in enumerate((1500, 500, 500)))
    found = fit_support(train, held)
    generator = Wrapped(lambda z: z, None, Normal(2))
    labels = [str(value) for value in (new[:, 0] > 0).tolist()]
    all_of_them, plain = sources(new, found.mean, None, labels), sources(new, found.mean)
    one, two = (judge(found, generator, lambda x: x, train, new, points) for points in (all_of_them, plain))
    assert set(one["kinds"]) - set(two["kinds"]) == {"between", "within"}
    assert one["counted"] == two["counted"] == sum(map(len, plain.values()))
    assert one["auroc"] == two["auroc"]
    assert one["baselines"] == two["baselines"]
    assert 0.5 < one["kinds"]["within"]["auroc"] <= 1


# real pictures


@pytest.fixture(scope="module")
def fashion() -> tuple[Space, Support, dict[str, Any]]:
    space = liminal.open("fashion")
    parts: dict[str, Any] = {}
    for split in ("train", "held"):
        table = space.catalogue.table(split=split, columns=["id", "z", "label"])
        parts[split] = torch.from_numpy(
            np.array(table["z"].combine_chunks().flatten(), dtype=np.float32).reshape(len(table), -1)
        )
        parts[f"{split}_items"] = space.items(table["id"].to_pylist()[:1800])
        parts[f"{split}_labels"] = table["label"].to_pylist()
    errors = residuals(space.generator, space.modality, parts["held_items"])
    return (
        space,
        fit_support(parts["train"], parts["held"], held_residual=errors),
        {**parts, "errors": errors},
    )


def test_support_of_fashion(fashion: tuple[Space, Support, dict[str, Any]]) -> None:
    space, support, parts = fashion
    assert support.evidence["ks_p"] > 0.05
    assert support.evidence["residual_ks_p"] > 0.05
    assert support.evidence["active"] == 16
    json.dumps(support.evidence)
    tested = support.tested.tolist()
    labels = [parts["held_labels"][row] for row in tested]
    draws = {
        "prior": space.samplers["prior"].sample(500, rng(0)),
        "flow": space.samplers["flow"].sample(500, rng(0)),
    }
    found = controls(support, parts["held"][support.tested], labels, draws)
    assert found["shuffled"] <= 0.05
    assert found["stretched"] <= 0.05
    assert found["prior"] <= 0.05
    assert found["between"] < 0.2 < 0.45 < found["within"]
    assert found["flow"] > 0.15
    assert found["real"] == pytest.approx(0.5, abs=0.07)


def test_noise_and_foreign_pictures_do_not_belong(fashion: tuple[Space, Support, dict[str, Any]]) -> None:
    space, support, parts = fashion
    real = space.modality.tensor(parts["held_items"][support.tested.numpy()])
    digits = torch.from_numpy(load_digits().images[:300] / 16).float()[:, None]
    drawn = torch.from_numpy(faces.draw(faces.sample_factors(60, 1), 64)).float().mean(3)[:, None] / 255
    foreign = {
        "noise": torch.rand(200, 1, 28, 28, generator=rng(0)),
        "negatives": 1 - real[:200],
        "digits": F.pad(F.interpolate(digits, size=(20, 20), mode="bicubic").clamp(0, 1), (4, 4, 4, 4)),
        "faces": F.interpolate(drawn, size=(28, 28), mode="area"),
    }
    share = {}
    for name, x in {"real": real, **foreign}.items():
        items = space.modality.items(x)
        z, errors = (
            space.generator.encode(space.modality.tensor(items)),
            residuals(space.generator, space.modality, items),
        )
        share[name] = float(support.belongs(z, errors).double().mean())
    assert share["real"] == pytest.approx(support.evidence["belonging"], abs=1e-9)
    assert share["real"] > 0.85
    assert max(share["noise"], share["negatives"], share["faces"]) == 0
    assert share["digits"] < 0.05


def test_the_residual_is_the_mean_squared_error_and_its_p_is_conformal(
    fashion: tuple[Space, Support, dict[str, Any]],
) -> None:
    space, support, parts = fashion
    x = space.modality.tensor(parts["held_items"][:40])
    wanted = (x - space.generator.decode(space.generator.encode(x))).double().square().mean((1, 2, 3))
    assert parts["errors"][:40].tolist() == pytest.approx(wanted.tolist(), rel=1e-4)
    assert len(residuals(space.generator, space.modality, parts["held_items"][:0])) == 0
    p = support.residual(torch.tensor([0.0, float(support.errors.median()), 1e6]))  # type: ignore[union-attr]
    assert p.tolist() == pytest.approx([1, 0.5, 1 / 901], abs=2e-3)
    assert not support.belongs(parts["held"][:3], torch.full((3,), 1e6)).any()
    compared = fit_support(
        parts["train"],
        parts["held"],
        train_residual=parts["errors"][:1].repeat(8400),
        held_residual=parts["errors"],
    )
    assert compared.evidence["residual_ratio"] == pytest.approx(
        float(parts["errors"].median() / parts["errors"][0])
    )


# bad input


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"held_z": clusters(19, 1)}, "19 held-out items; wanted 20"),
        ({"held_z": torch.zeros(30, 4)}, r"held_z of shape \(n, 3\), got \(30, 4\)"),
        ({"train_z": torch.full((50, 3), torch.nan)}, "row 0 of train_z holds NaN"),
        ({"held_z": torch.full((30, 3), torch.inf)}, "row 0 of held_z holds NaN or infinity"),
        ({"train_z": torch.ones(50, 3)}, "1 different training latents"),
        ({"train_z": 1e-9 * clusters(50, 0)}, "hardly differ"),
        ({"train_z": clusters(6, 0)}, "6 training items"),
        ({"train_z": torch.zeros(0, 3)}, "0 training items"),
        ({"train_z": torch.zeros(50, 0)}, r"train_z of shape \(n, d\)"),
        ({"k": 0}, "k = 0"),
        ({"most": 3}, "at most 3"),
        ({"held_residual": torch.zeros(7)}, r"held_residual of shape \(30,\), got \(7,\)"),
        ({"held_residual": torch.full((30,), torch.nan)}, "held_residual holds NaN"),
        ({"train_residual": torch.zeros(7)}, "train_residual"),
    ],
)
def test_bad_input_to_the_fit(change: dict[str, Any], said: str) -> None:
    with pytest.raises(LiminalError, match=said) as error:
        fit_support(**{"train_z": clusters(50, 0), "held_z": clusters(30, 1), **change})
    assert "\n" not in str(error.value)


def test_bad_input_to_a_support(lumps: Support) -> None:
    for call, said in (
        (lambda: lumps(torch.zeros(4, 2)), r"z of shape \(n, 3\), got \(4, 2\)"),
        (lambda: lumps(torch.tensor([[0.0, 0, 0], [torch.nan, 0, 0]])), "row 1 of z holds NaN"),
        (lambda: lumps.residual(torch.zeros(3)), "without reconstruction errors"),
        (
            lambda: replace(lumps, errors=torch.ones(9), both=torch.ones(9)).belongs(
                torch.zeros(2, 3), torch.zeros(3)
            ),
            "2 latents but 3",
        ),
        (lambda: controls(lumps, torch.zeros(1, 3)), "1 items; wanted 2"),
        (lambda: controls(lumps, torch.zeros(3, 3), ["a"]), "1 labels for 3 items"),
        (lambda: risk_coverage(torch.zeros(3), torch.zeros(2), 1.0), "3 values of trust and 2 of risk"),
        (lambda: risk_coverage(torch.zeros(0), torch.zeros(0), 1.0), "and some"),
    ):
        with pytest.raises(LiminalError, match=said):
            call()


def test_held_out_items_all_alike_are_supported() -> None:
    found = fit_support(clusters(200, 0), clusters(1, 1).repeat(40, 1))
    assert found(clusters(1, 1)).tolist() == [1.0]
    assert math.isfinite(float(found.weight(clusters(1, 1))))
    assert found.evidence["tested_below"] == 0
