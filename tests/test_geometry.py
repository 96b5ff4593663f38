"""The decoder's geometry: linear maps with known singular values, closed forms of curves, automatic
differentiation on a real decoder.
"""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import liminal
from liminal.errors import LiminalError
from liminal.measures.structure.geometry import (
    condition_number,
    geodesic_ratio,
    path_lengths,
    perceptual_path_length,
    stretch,
)
from liminal.ops.geodesics import metric as metric_module
from liminal.ops.geodesics.metric import pullback_metric, stretches


def normal(n: int, d: int, seed: int = 0) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal((n, d)))


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 6), st.integers(1, 7), st.integers(1, 9), st.integers(0, 10**6))
def test_metric_of_a_linear_map_is_exact_everywhere(n: int, d: int, x: int, seed: int) -> None:
    a = normal(d, x, seed)
    got = pullback_metric(lambda z: (z @ a + 3).view(-1, x, 1, 1), normal(n, d, seed + 1))
    assert got.shape == (n, d, d)
    assert torch.allclose(got, (a @ a.T).expand(n, d, d), atol=1e-8)
    unit = normal(1, d, 2)[0].abs() + 0.1
    scaled = pullback_metric(lambda z: z @ a, normal(n, d, seed + 1), spread=unit)
    assert torch.allclose(scaled, (unit[:, None] * (a @ a.T) * unit).expand(n, d, d), atol=1e-8)


def test_metric_of_a_real_decoder_is_that_of_automatic_differentiation() -> None:
    space = liminal.open("fashion")
    model = space.generator.eval()
    z = torch.from_numpy(
        np.array(space.catalogue.table(columns=["z"])["z"].slice(0, 6).to_pylist(), dtype=np.float32)
    )
    exact = copy.deepcopy(model).double()
    columns = [
        torch.autograd.functional.jvp(exact.decode_soft, z.double(), v.expand_as(z).contiguous())[1]
        for v in torch.eye(16).double()
    ]
    jacobian = torch.stack(columns, 1).flatten(2)
    wanted = jacobian @ jacobian.transpose(1, 2)
    got = pullback_metric(model.decode_soft, z)
    error = (got - wanted).norm(dim=(1, 2)) / wanted.norm(dim=(1, 2))
    assert error.max() < 5e-3
    assert not got.requires_grad


def test_memory_is_bounded_and_no_call_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    a = normal(40, 30)

    def decode(z: Tensor) -> Tensor:
        sizes.append(len(z))
        return z @ a

    z = normal(9, 40)
    whole = pullback_metric(decode, z)
    monkeypatch.setattr(metric_module, "CHUNK", 25)
    monkeypatch.setattr(metric_module, "NUMBERS", 100)
    sizes.clear()
    assert torch.allclose(pullback_metric(decode, z), whole)
    assert max(sizes) == 25
    assert len(sizes) == 9 * 3  # a base and two pieces of 40 steps for each point


def test_singular_values_and_directions() -> None:
    a = torch.diag(torch.tensor([3.0, 0.5, 7.0], dtype=torch.double))
    values, rows = stretches(pullback_metric(lambda z: z @ a, normal(2, 3)))
    assert torch.allclose(values, torch.tensor([7.0, 3.0, 0.5], dtype=torch.double).expand(2, 3), atol=1e-6)
    assert rows[0].abs().argmax(1).tolist() == [2, 0, 1]


def test_condition_number_of_maps_that_are_known() -> None:
    turned = torch.linalg.qr(normal(20, 3))[0].T * 5  # keeps lengths but for one scale
    kept = stretch(lambda z: z @ turned, normal(30, 3))
    assert kept.condition == pytest.approx(1, abs=1e-6)
    assert kept.volume == pytest.approx(3 * math.log(5))
    number, volume = condition_number(kept)
    assert (number.value, volume.value) == pytest.approx((1, 0), abs=1e-6)
    a = torch.diag(torch.tensor([8.0, 2.0, 1e-9], dtype=torch.double))
    active = torch.tensor([True, True, False])
    assert stretch(lambda z: z @ a, normal(9, 3), active=active).condition == pytest.approx(4)
    even = stretch(lambda z: z @ a, normal(9, 3), torch.tensor([0.25, 1.0, 1.0]).double(), active)
    assert even.condition == pytest.approx(1)
    flat = stretch(lambda z: z[:, :1], normal(9, 2))
    assert np.isinf(flat.condition).all()
    assert condition_number(flat)[0].interval is None
    with pytest.raises(LiminalError, match="0 points and 2 active"):
        stretch(lambda z: z, normal(0, 2))
    with pytest.raises(LiminalError, match="spread must be"):
        pullback_metric(lambda z: z, normal(2, 2), spread=torch.zeros(2))


def test_volume_of_polar_coordinates() -> None:
    polar = lambda z: torch.stack([z[:, 0] * z[:, 1].cos(), z[:, 0] * z[:, 1].sin()], 1)
    z = normal(50, 2).abs() + 0.3
    found = stretch(polar, z, step=1e-5)
    assert found.volume == pytest.approx(z[:, 0].log().numpy(), abs=1e-4)  # r dr dphi
    assert found.condition == pytest.approx(np.maximum(z[:, 0], 1 / z[:, 0]), rel=1e-3)
    spread = condition_number(found)[1]
    assert spread.value == pytest.approx(float((z[:, 0].log() / 2).std(correction=0)), abs=1e-4)


def test_path_length_of_straight_and_bent_ways() -> None:
    a, b = normal(400, 3), normal(400, 3, 1)
    straight = path_lengths(lambda z: 2 * z, lambda x: x, a, b)
    assert straight.squared == pytest.approx(straight.straight)
    length, detour = perceptual_path_length(straight, "the data")
    assert length.value == pytest.approx(float(4 * (a - b).square().sum(1).mean()))
    assert detour.value == pytest.approx(1)
    # between opposite ends of a half circle the squared speed is pi^2, the squared distance 4
    ends = torch.tensor([[-1.0, 0.0], [1.0, 0.0]], dtype=torch.double).repeat(50, 1)
    bent = path_lengths(lambda z: z, lambda x: x, ends, -ends, "slerp")
    assert bent.squared == pytest.approx(math.pi**2, rel=1e-4)
    assert perceptual_path_length(bent, "the data")[1].value == pytest.approx(math.pi**2 / 4, rel=1e-4)
    # z -> z^3 between -1 and 1: mean squared speed 36 * mean of s^4 = 36 / 5, squared distance 4
    cubed = path_lengths(
        lambda z: z**3, lambda x: x, -torch.ones(4000, 1).double(), torch.ones(4000, 1).double()
    )
    assert cubed.squared.mean() == pytest.approx(36 / 5, rel=0.06)
    for m in perceptual_path_length(cubed, "x"):
        assert m.interval is not None
        assert m.interval[0] < m.value < m.interval[1]
    with pytest.raises(LiminalError, match="wanted linear or slerp"):
        path_lengths(lambda z: z, lambda x: x, a, b, "round")
    with pytest.raises(LiminalError, match="pairs of latents"):
        path_lengths(lambda z: z, lambda x: x, a, b[:3])


def test_geodesic_ratio() -> None:
    m = geodesic_ratio(np.array([1.0, 3.0, 4.0, 4.5, 5.0]), np.full(5, 5.0))
    assert (m.name, m.value, m.better) == ("geodesic_ratio", pytest.approx(0.8), "higher")
    assert m.interval is not None
    assert m.interval[0] < 0.8 < m.interval[1]
    assert "length of 5 pairs" in m.note
    with pytest.raises(LiminalError, match="wanted as many"):
        geodesic_ratio(np.ones(2), np.ones(3))
    with pytest.raises(LiminalError, match="between different items"):
        geodesic_ratio(np.ones(2), np.zeros(2))
