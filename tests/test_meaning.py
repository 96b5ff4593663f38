"""Meaning: readings and maps against closed forms, generators whose answer is known, and the ready-made
space.
"""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest
from torch import Tensor

import liminal
from liminal.errors import LiminalError
from liminal.generator import Generator
from liminal.measures.meaning.betweenness import Line, Reading, estimate, overall
from liminal.measures.meaning.controls import controls, from_cube, to_cube
from liminal.measures.meaning.meaning import Meaning, meaning
from liminal.measures.samples.realism import Realism
from liminal.modalities.image import Image
from liminal.modalities.moments import readings
from liminal.models.latent import Flow, Mixture
from liminal.ops.ways.noise_mixing import Mixer
from liminal.priors import Normal, Prior, Sphere, Uniform
from liminal.tensors import rng

GREY = Image(12, 12, 1)
CENTRES = torch.linspace(0, 1, 12)
DIM = 4


def picture(values: Tensor) -> Tensor:
    """Latents (n, 4) in [-1, 1] as a grey block: its left and upper edge, its width and its grey."""
    v = (values.clamp(-1.5, 1.5) + 1.5) / 3
    left, top, width, grey = v[:, 0] * 0.5, v[:, 1] * 0.5, 0.25 + 0.25 * v[:, 2], 0.4 + 0.6 * v[:, 3]
    inside = lambda start, size: (
        torch.sigmoid(60 * (CENTRES - 0.08 - start[:, None]))
        * torch.sigmoid(60 * (start[:, None] + size[:, None] + 0.08 - CENTRES))
    )
    return (
        grey[:, None, None]
        * inside(top, torch.full_like(top, 0.3))[:, :, None]
        * inside(left, width)[:, None, :]
    )[:, None]


def true_values(x: Tensor) -> dict[str, Tensor]:
    """Another reader than the closed forms: mean mass right of and below the middle."""
    return {"right": x[:, 0, :, 6:].mean((1, 2)), "below": x[:, 0, 6:].mean((1, 2))}


class Blocks(Generator):
    """Blocks: `fold` k tears the latents through their distribution function; `flat` decodes all to the
    same.
    """

    name = "blocks"

    def __init__(self, prior: Prior, fold: int = 1, flat: bool = False) -> None:
        super().__init__()
        self.prior, self.shape, self.fold, self.flat = prior, (1, 12, 12), fold, flat

    def config(self) -> dict[str, Any]:
        return {}

    def decode_soft(self, z: Tensor) -> Tensor:
        if self.flat:
            return torch.full((len(z), 1, 12, 12), 0.5)
        if self.fold > 1:
            z = from_cube(Normal(DIM), (self.fold * to_cube(Normal(DIM), z)).frac()).float()
        return picture(z)


class Ends(Generator):
    """x = the latents themselves, as a row of four numbers."""

    name = "ends"

    def __init__(self) -> None:
        super().__init__()
        self.prior, self.shape = Normal(DIM), (DIM,)

    def config(self) -> dict[str, Any]:
        return {}

    def decode_soft(self, z: Tensor) -> Tensor:
        return z @ (torch.eye(DIM) + 0.3)


def of(generator: Generator, n: int = 400, **how: Any) -> Meaning:
    z = generator.prior.sample(n, rng(1))
    how = {"pairs": 100, "radius_pairs": 40, "mix": None} | how
    return meaning(generator, GREY, z, generator.decode(z), **how)


@pytest.fixture(scope="module")
def whole() -> Meaning:
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Linear(DIM, 20), torch.nn.Tanh(), torch.nn.Linear(20, 144), torch.nn.Sigmoid()
    )
    random = liminal.generator.Wrapped(lambda z: net(z).view(-1, 1, 12, 12), None, Normal(DIM), (1, 12, 12))
    return of(Blocks(Normal(DIM)), read=true_values, random=random)


# -- readings


def test_readings_of_a_block_are_its_moments() -> None:
    x = torch.zeros(1, 1, 21, 21)
    x[:, :, 4:17, 8:11] = 0.5  # 13 rows, 3 columns, about row 10 and column 9 of 0 .. 20
    found = {name: float(v) for name, v in readings(x).items()}
    share, step = 39 / 441, 0.1
    xx, yy = step**2 * (9 - 1) / 12, step**2 * (169 - 1) / 12
    wanted = {
        "brightness": 0.5 * share,
        "contrast": 0.5 * math.sqrt(share * (1 - share)),
        "size": share,
        "centre_x": -0.1,
        "centre_y": 0.0,
        "spread": math.sqrt(xx + yy),
        "upright": (yy - xx) / (yy + xx),
        "slant": 0.0,
    }
    assert found == pytest.approx(wanted, abs=1e-6)


def test_slant_follows_the_diagonal_and_the_ground_does_not_count() -> None:
    x = torch.full((2, 1, 9, 9), 0.8)
    for i in range(1, 8):
        x[0, 0, i, i] = x[1, 0, i, 8 - i] = 0.1
    found = readings(x)
    assert found["slant"].tolist() == pytest.approx([1, -1], abs=1e-5)
    assert found["size"].tolist() == pytest.approx([7 / 81] * 2)


def test_colours_of_a_picture_and_an_empty_one() -> None:
    x = torch.tensor([0.9, 0.3, 0.0])[None, :, None, None].expand(1, 3, 8, 8)
    found = readings(x)
    assert [round(float(found[k]), 5) for k in ("red_green", "blue_yellow", "colourful")] == [0.6, -0.6, 0.9]
    assert [float(found[k]) for k in ("spread", "upright", "slant", "centre_x")] == pytest.approx(
        [0, 0, 0, 0], abs=1e-6
    )
    clear = torch.cat([x, torch.zeros(1, 1, 8, 8)], 1)
    assert float(readings(clear)["brightness"]) == pytest.approx(1)  # see-through lies on white


def test_a_modality_may_bring_its_own_readings() -> None:
    class Rows(Image):
        name = "rows"

        readings = staticmethod(lambda y: {"first": y[:, :, :6].mean((1, 2, 3))})  # type: ignore[assignment]

    found = meaning(
        Blocks(Normal(DIM)),
        Rows(12, 12, 1),
        torch.randn(80, DIM, generator=rng(0)),
        picture(torch.randn(80, DIM, generator=rng(0))),
        pairs=20,
        radius_pairs=20,
    )
    assert set(found.lines["linear"].seen) == {"first"}
    assert GREY.readings is readings


def test_readings_have_the_units_of_their_kind() -> None:
    x = torch.randn(500, 3, generator=rng(0))
    sure = (x[:, 1] > 0).float() * 0.98 + 0.01
    read = lambda x: {"a": 5 * x[:, 0], "hat": sure[: len(x)], "k=1": sure[: len(x)], "k=2": 0.5 * (1 - sure[: len(x)]),  # noqa: E501
                      "k=3": 0.5 * (1 - sure[: len(x)]), "still": 0 * x[:, 0]}  # fmt: skip
    found = Reading([read], x)
    assert found.kinds == {"a": "number", "hat": "yes/no", "k": "category"}
    assert found.silent == ["still"]
    seen = found(x)
    assert float(seen["a"].std(correction=0)) == pytest.approx(1, abs=1e-6)
    assert seen["hat"].shape == (500, 2)
    assert seen["k"].shape == (500, 3)


# -- lines


def line(path: list[float], **more: Any) -> Line:
    seen = torch.tensor(path, dtype=torch.float64)[:, None, None].repeat(1, 20, 1)
    t = (0.0, 0.25, 0.5, 0.75, 1.0)
    return Line(t, {"a": seen}, more.get("real", torch.ones(3, 20, dtype=torch.bool)), {"a": "number"})


def test_a_line_by_hand() -> None:
    turned = line([0, 1, 3, 1.5, 2])  # changes of 1, 2, 1.5 and .5: 5 in all
    assert overall(turned.between()).value == pytest.approx(2 / 3)
    assert overall(turned.monotone()).value == pytest.approx(2 / 5)
    assert overall(turned.jump()).value == pytest.approx(2 / 5)
    assert overall(turned.bias()).value == pytest.approx(2)
    half = torch.ones(3, 20, dtype=torch.bool)
    half[:, ::2] = False
    assert overall(line([0, 0.5, 1, 1.5, 2], real=half).between()).value == pytest.approx(0.5)
    assert math.isnan(overall(line([0, 3, 3, 3, 0.4]).between()).value)  # the ends are not apart


def test_an_error_is_that_of_independent_pairs() -> None:
    draws = np.random.default_rng(0)
    values = draws.normal(size=(400, 60))
    errors = [estimate(row).error for row in values]
    assert np.mean(errors) == pytest.approx(1 / math.sqrt(60), rel=0.03)
    both = estimate(values[0]).minus(estimate(values[0] + 1))
    assert both.value == pytest.approx(-1)
    assert both.error == pytest.approx(0, abs=1e-12)


def test_averages_and_outliers_do_not_look_real() -> None:
    real = torch.randn(600, 20, generator=rng(0))
    found = Realism(lambda x: x, real[:300], real[300:])
    assert float(found(real[300:]).double().mean()) >= 0.94
    assert not found(torch.zeros(1, 20)).any()
    assert float(found((real[:150] + real[150:300]) / 5).double().mean()) < 0.5
    assert not found(5 * real[300:]).any()


# -- maps of the prior


@pytest.mark.parametrize("prior", [Normal(5), Uniform(5), Sphere(5), Sphere(2)])
def test_a_control_keeps_the_prior_and_the_items(prior: Prior) -> None:
    z = prior.sample(4000, rng(3)).double()
    for control in controls(prior, (2, 64)):
        new = control.recode(z)
        assert float((control.carry(new) - z).abs().max()) < (
            1e-5 if control.name == "folded 64" else 1e-6
        ), control.name
        for where, codes in (
            (control.prior, new),
            (prior, control.carry(control.prior.sample(4000, rng(4)).double())),
        ):
            u = to_cube(where, codes)
            assert min(kstest(u[:, j].numpy(), "uniform").pvalue for j in range(u.shape[1])) > 1e-4, (
                control.name
            )
            assert (
                float((torch.corrcoef(u.T) - torch.eye(u.shape[1])).abs().max()) < 0.08
                if u.shape[1] > 1
                else True
            )


@settings(deadline=None, max_examples=20)
@given(st.sampled_from([Normal, Uniform, Sphere]), st.integers(2, 8), st.integers(0, 1000))
def test_the_cube_and_back(kind: type[Prior], dim: int, seed: int) -> None:
    prior = kind(dim)
    z = prior.sample(20, rng(seed)).double()
    assert float((from_cube(prior, to_cube(prior, z)) - z).abs().max()) < 1e-6


def test_folding_tears_neighbours_apart_and_turning_does_not() -> None:
    prior = Normal(6)
    z = prior.sample(300, rng(0)).double()
    near = z + 0.05 * torch.randn(z.shape, generator=rng(1), dtype=z.dtype)
    moved = {c.name: float((c.carry(near) - c.carry(z)).norm(dim=1).median()) for c in controls(prior)}
    assert moved["rotated"] == pytest.approx(moved["none"], rel=1e-5)
    assert moved["folded 64"] > 10 * moved["none"]


def test_a_prior_without_a_distribution_function_and_a_fold_of_one() -> None:
    with pytest.raises(LiminalError, match="got mixture"):
        controls(Mixture(3))
    with pytest.raises(LiminalError, match="2 or more"):
        controls(Normal(3), (1,))


# -- generators whose answer is known


def test_a_linear_decoder_is_between_and_monotone() -> None:
    z = torch.randn(300, DIM, generator=rng(0))
    read = lambda x: {f"c{j}": x[:, j] for j in range(DIM)}
    found = meaning(
        Ends(), _Rows(), z, Ends().decode(z), read=read, features=lambda x: x, pairs=60, radius_pairs=20
    )
    linear = found.lines["linear"]
    assert overall(linear.between(joint=False)).value == 1
    assert overall(linear.monotone()).value == pytest.approx(1, abs=1e-6)
    assert overall(linear.bias()).value == pytest.approx(0, abs=1e-6)
    assert overall(linear.jump()).value == pytest.approx(1 / 8, abs=1e-6)
    assert all(p.alone == 1 for p in found.curves["linear"])
    assert found["betweenness"].baseline["PCA"] == pytest.approx(overall(linear.between()).value, abs=0.05)


class _Rows(Image):
    """Rows of numbers: nothing is known to be read from them."""

    name = "rows"
    readings = None  # type: ignore[assignment]
    features = None  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__(1, DIM, 1)

    def items(self, x: Tensor) -> np.ndarray:
        return np.zeros((len(x), 1, DIM, 1), np.uint8)


def test_meaning_falls_where_neighbourhoods_are_destroyed_only(whole: Meaning) -> None:
    loss = {m.name.partition(".")[2]: m for m in whole.measures if m.name.startswith("control_loss")}
    assert loss["folded 64"].value >= 0.25
    assert (loss["folded 64"].interval or (0, 0))[0] > 0.15
    assert abs(loss["rotated"].value) <= 0.02
    assert abs(loss["rotated, linear"].value) <= 0.02
    assert "not of the prior" in whole.words


def test_a_folded_decoder_has_no_more_than_chance(whole: Meaning) -> None:
    torn = of(Blocks(Normal(DIM), fold=64), read=true_values)
    assert torn["betweenness_alone"].value < whole["betweenness_alone"].value - 0.25
    assert torn["betweenness_alone"].value == pytest.approx(
        torn["betweenness_alone"].baseline["a random real item"], abs=0.1
    )
    assert "It does not fall" in torn.words or torn["control_loss.folded 64"].value < 0.1


def test_baselines_are_what_they_are(whole: Meaning) -> None:
    alone, joint, jump = whole["betweenness_alone"], whole["betweenness"], whole["largest_jump"]
    assert alone.baseline["copy of an end"] == 1
    assert overall(whole.lines["copy of an end"].jump()).value == 1
    assert jump.value < 0.5
    assert whole["realism"].baseline["random weights"] < 0.1
    assert joint.baseline["random weights"] < 0.1 < 0.5 < alone.baseline["random weights"]
    assert whole["realism"].baseline["blend"] < whole["realism"].value
    blend = whole.lines["blend"].seen["brightness"]
    assert torch.allclose(blend[4], (blend[0] + blend[-1]) / 2, atol=1e-5)


def test_a_decoder_that_makes_the_same_of_all_says_nothing() -> None:
    z = Normal(DIM).sample(200, rng(0))
    found = meaning(Blocks(Normal(DIM), flat=True), GREY, z, picture(z), pairs=40, radius_pairs=20)
    assert math.isnan(found["betweenness"].value)
    assert found.words.startswith("Too few pairs")
    assert json.dumps(found.to_dict(), allow_nan=False)


@pytest.mark.parametrize("prior", [Uniform(DIM), Sphere(DIM)])
def test_other_priors(prior: Prior) -> None:
    found = of(Blocks(prior), read=true_values, mix=Mixer(prior), pairs=60, radius_pairs=20)
    assert found["control_loss.folded 64"].value > 0.1
    if isinstance(prior, Sphere):
        assert not found.curves
        assert any("one radius" in note for note in found.notes)
    else:
        assert "control_loss.rotated" not in {m.name for m in found.measures}


def test_a_prior_without_controls_is_said() -> None:
    found = of(Blocks(Mixture(DIM)), pairs=30, radius_pairs=20)
    assert any("Causal control: not measured" in note for note in found.notes)
    assert "Mapping or prior?" not in found.words


def test_the_same_seed_gives_the_same(whole: Meaning) -> None:
    again, other = (of(Blocks(Normal(DIM)), 120, pairs=20, radius_pairs=20, seed=s) for s in (7, 7))
    assert [m.value for m in again.measures] == pytest.approx([m.value for m in other.measures], nan_ok=True)


def test_the_picture_has_a_row_for_each_line(whole: Meaning) -> None:
    rows = [name for name in whole.lines if name != "copy of an end"]
    assert list(whole.frames) == rows
    sheet = whole.picture(0)
    assert sheet.width > 5 * 90
    assert sheet.height > len(rows) * 90
    with pytest.raises(LiminalError, match="wanted 0 to 23"):
        whole.picture(99)


def test_wrong_input() -> None:
    generator, z = Blocks(Normal(DIM)), Normal(DIM).sample(100, rng(0))
    with pytest.raises(LiminalError, match="80 items"):
        meaning(generator, GREY, z[:50], picture(z[:50]))
    with pytest.raises(LiminalError, match="100 items but latents"):
        meaning(generator, GREY, z[:50], picture(z))
    with pytest.raises(LiminalError, match="NaN"):
        meaning(generator, GREY, torch.full_like(z, torch.nan), picture(z))
    with pytest.raises(LiminalError, match="give read="):
        meaning(Ends(), _Rows(), z, z)


def test_the_ready_made_space() -> None:
    space = liminal.open("fashion")
    flow, reader = space.samplers["flow"], space.reader
    assert isinstance(flow, Flow)
    assert reader is not None
    rows = torch.randperm(len(space.latents), generator=rng(0))[:500].sort().values
    found = meaning(
        space.generator, space.modality, space.latents[rows], space.items(rows.tolist()),
        read=reader.named, flow=flow, pairs=40, radius_pairs=20, most=200,
    )  # fmt: skip
    assert found["betweenness"].value > found["betweenness"].baseline["a random real item"] + 0.15
    assert found["control_loss.folded 64"].value > 0.2
    assert abs(found["control_loss.rotated"].value) < 0.02
    assert found["realism"].baseline["ends"] > 0.85
    assert found["realism"].baseline["blend"] < found["realism"].value
