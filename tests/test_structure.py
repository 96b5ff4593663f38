"""Neighbourhoods, dimension, collapse and stability against closed forms, slow definitions and independent
libraries.
"""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.manifold import trustworthiness as sklearn_trustworthiness
from torch import Tensor

import liminal
from liminal.errors import LiminalError
from liminal.measures.structure.dimension import (
    collapse,
    mle_dimension,
    rate_distortion,
    two_nn,
)
from liminal.measures.structure.neighbourhoods import (
    chance_purity,
    cluster_agreement,
    continuity,
    neighbour_purity,
    trustworthiness,
)
from liminal.measures.structure.stability import (
    linear_cka,
    neighbour_overlap,
    rotation,
    stability,
    transfer,
)
from liminal.ops.directions.probes import targets


def normal(n: int, d: int, seed: int = 0) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal((n, d)))


def turn(d: int, seed: int = 0) -> Tensor:
    return torch.linalg.qr(normal(d, d, seed + 77))[0]


# -- neighbourhoods


def test_continuity_is_that_of_scikit_learn_and_tells_tearing_from_folding() -> None:
    x = normal(200, 8)
    assert continuity(x, x[:, :2], 7) == pytest.approx(
        sklearn_trustworthiness(x[:, :2].numpy(), x.numpy(), n_neighbors=7), abs=1e-9
    )
    around = torch.linspace(0, 2 * math.pi, 301, dtype=torch.double)[:-1]
    circle = torch.stack([around.cos(), around.sin()], 1)
    torn, folded = around[:, None], circle[:, :1]  # cut open at 0; its two halves on top of each other
    assert trustworthiness(circle, torn, 5) > 0.999 > continuity(circle, torn, 5) > 0.95
    assert continuity(circle, folded, 5) > 0.99 > 0.9 > trustworthiness(circle, folded, 5)


def test_purity_of_groups_apart_of_chance_and_with_unknown_labels() -> None:
    labels: list[str | None] = ["a"] * 30 + ["b"] * 30 + [None] * 10
    z = normal(70, 3)
    apart = z + torch.tensor([20.0 * (label == "b") for label in labels])[:, None]
    assert len(neighbour_purity(apart, labels, 5)) == 60
    assert neighbour_purity(apart, labels, 5).mean() == 1
    assert neighbour_purity(apart, labels, 59).mean() == pytest.approx(29 / 59) == chance_purity(labels)
    rng = np.random.default_rng(0)
    mixed = rng.choice(["a", "b", "c"], 3000, p=[0.6, 0.3, 0.1]).tolist()
    got = neighbour_purity(normal(3000, 2), mixed, 10)
    assert got.mean() == pytest.approx(chance_purity(mixed), abs=4 * got.std() / 3000**0.5)
    with pytest.raises(LiminalError, match="70 latents with 60 labels"):
        neighbour_purity(z, labels[:60])


def test_agreement_of_groupings() -> None:
    a = [0, 0, 1, 1, 2, 2, None]
    assert cluster_agreement(a, ["x", "x", "z", "z", "y", "y", "y"]) == pytest.approx((1, 1))
    rng = np.random.default_rng(0)
    index, information = cluster_agreement(
        rng.integers(0, 5, 2000).tolist(), rng.integers(0, 5, 2000).tolist()
    )
    assert abs(index) < 0.01
    assert abs(information) < 0.01
    assert cluster_agreement(["a", "a", "b", "b"], ["a", "b", "a", "b"])[0] == pytest.approx(-0.5)
    with pytest.raises(LiminalError, match="no item is in both"):
        cluster_agreement([None, 1], [1, None])


# -- dimension


@pytest.mark.parametrize("d", [1, 2, 5])
def test_dimension_of_flat_sheets_in_a_larger_space(d: int) -> None:
    z = torch.rand(2500, d, dtype=torch.double, generator=torch.Generator().manual_seed(d)) @ normal(d, 12, 1)
    assert two_nn(z) == pytest.approx(d, rel=0.1)
    assert mle_dimension(z) == pytest.approx(d, rel=0.12)  # the edges of a cube pull the estimate down
    assert two_nn(z @ turn(12) * 37 + 5) == pytest.approx(two_nn(z), rel=1e-3)


def test_dimension_is_blind_to_copies_and_needs_items() -> None:
    z = normal(400, 2)
    doubled = torch.cat([z, z[:100]])
    assert mle_dimension(doubled) == pytest.approx(mle_dimension(z))
    assert two_nn(doubled) == pytest.approx(2, abs=0.4)
    assert math.isnan(two_nn(z[:1].repeat(50, 1)))
    with pytest.raises(LiminalError, match="20 or more different"):
        two_nn(z[:10])
    with pytest.raises(LiminalError, match="21 or more different"):
        mle_dimension(z[:1].repeat(50, 1))
    with pytest.raises(LiminalError, match="k = 2"):
        mle_dimension(z, 2)


def test_collapse_counts_what_tells_nothing() -> None:
    kl = torch.zeros(200, 5)
    kl[:, 0], kl[:, 1], kl[0, 2], kl[:4, 3] = 2.0, 2.0, 9.0, 9.0
    found = collapse(kl)
    assert found.collapsed.tolist() == [
        False,
        False,
        True,
        False,
        True,
    ]  # one item in 200 is forgiven, four are not
    assert found.share == 0.4
    assert found.kl == pytest.approx([2, 2, 0.045, 0.18, 0])
    even = collapse(torch.full((10, 6), 0.5))
    assert (even.effective, even.share) == pytest.approx((6, 0))
    assert (collapse(torch.zeros(10, 3)).effective, collapse(torch.zeros(10, 3)).share) == (0, 1)
    with pytest.raises(LiminalError, match="wanted the KL of n items"):
        collapse(torch.zeros(10))


def test_rate_distortion_of_a_linear_decoder_is_its_variances() -> None:
    scale = torch.tensor([0.1, 3.0, 1.0, 0.5])
    z = normal(4000, 4).float() * scale
    z = (z - z.mean(0)) @ torch.linalg.inv(torch.linalg.cholesky(torch.cov(z.T)).T) * scale  # exact variances
    axes = turn(9)[:4].float()
    decode = lambda v: v @ axes
    curve = rate_distortion(decode, z, decode(z), kept=[0, 1, 2, 3, 4])
    left = torch.tensor([10.26, 1.26, 0.26, 0.01, 0.0]) / 9 * 3999 / 4000
    assert curve.distortion == pytest.approx(left.tolist(), abs=1e-5)
    assert curve.rate is None
    assert curve.enough(0.05) == 2
    by_kl = rate_distortion(decode, z, decode(z), "kl", torch.tensor([0.0, 1.0, 2.0, 0.5]))
    assert by_kl.kept.tolist() == [0, 1, 2, 4]
    assert by_kl.order.tolist() == [2, 1, 3, 0]
    assert by_kl.distortion == pytest.approx([10.26 / 9, 9.26 / 9, 0.26 / 9, 0], rel=1e-3, abs=1e-6)
    assert by_kl.rate is not None
    assert by_kl.rate == pytest.approx([0, 2, 3, 3.5])
    with pytest.raises(LiminalError, match="wants the KL of each of 4"):
        rate_distortion(decode, z, decode(z), "kl")
    with pytest.raises(LiminalError, match="numbers from 0 to 4"):
        rate_distortion(decode, z, decode(z), kept=[5])


# -- stability


def slow_cka(a: np.ndarray, b: np.ndarray) -> float:
    """From n x n Gram matrices, as published."""
    centre = np.eye(len(a)) - 1 / len(a)
    k, g = centre @ a @ a.T @ centre, centre @ b @ b.T @ centre
    return float((k * g).sum() / np.linalg.norm(k) / np.linalg.norm(g))


@settings(deadline=None, max_examples=25)
@given(st.integers(5, 40), st.integers(1, 6), st.integers(1, 6), st.integers(0, 10**6), st.floats(0.1, 10))
def test_cka_is_that_of_the_definition_and_blind_to_rotation(
    n: int, p: int, q: int, seed: int, scale: float
) -> None:
    a, b = normal(n, p, seed) + 3, normal(n, q, seed + 1)
    assert linear_cka(a, b) == pytest.approx(slow_cka(a.numpy(), b.numpy()), abs=1e-9)
    assert linear_cka(a, a @ turn(p, seed) * scale - 2) == pytest.approx(1)
    assert linear_cka(a, b) == pytest.approx(linear_cka(b @ turn(q, seed), a))


def test_overlap_of_neighbours() -> None:
    z = normal(500, 4)
    assert neighbour_overlap(z, z @ turn(4) * 3).tolist() == [1.0] * 500
    assert neighbour_overlap(z, normal(500, 4, 9), 10).mean() == pytest.approx(10 / 1000, abs=0.005)
    other = z + 0.3 * normal(500, 4, 3)
    near = [np.argsort(torch.cdist(v, v).fill_diagonal_(math.inf).numpy(), axis=1)[:, :7] for v in (z, other)]
    slow = [len(set(i) & set(j)) / len(set(i) | set(j)) for i, j in zip(*near, strict=True)]
    assert neighbour_overlap(z, other, 7) == pytest.approx(slow)
    with pytest.raises(LiminalError, match="same items in both"):
        neighbour_overlap(z, other[:-1])


def test_the_rotation_between_spaces_is_found() -> None:
    a, q = normal(300, 5), turn(5)
    assert torch.allclose(rotation(a, a @ q + 4), q, atol=1e-9)
    wide = rotation(a, torch.cat([a @ q, torch.zeros(300, 2, dtype=torch.double)], 1))
    assert wide.shape == (5, 7)
    assert torch.allclose(wide @ wide.T, torch.eye(5, dtype=torch.double), atol=1e-9)
    with pytest.raises(LiminalError, match="same items in both"):
        rotation(a, a[:20])


def attributed(n: int = 900) -> tuple[Tensor, pa.Table]:
    z = normal(n, 6)
    noise = normal(n, 2, 5)
    return z, pa.table(
        {"on": (z[:, 0] + 0.3 * noise[:, 0] > 0).tolist(), "size": (z[:, 1] + 0.5 * noise[:, 1]).tolist()}
    )


def test_directions_transfer_between_rotated_spaces_and_not_between_strangers() -> None:
    z, table = attributed()
    train, held = np.arange(600), np.arange(600, 900)
    on, size = targets(table.slice(0, 600), table.slice(600))
    for target, least in ((on, 0.9), (size, 0.8)):
        cosine, turned, own = transfer(z, z @ turn(6), target, train, held)
        assert cosine == pytest.approx(1, abs=1e-3)
        assert turned == pytest.approx(own, abs=5e-3)
        assert own > least
    _, turned, own = transfer(normal(900, 6, 8), z, on, train, held)
    assert turned < 0.8 < own


def test_stability_of_copies_relatives_and_strangers() -> None:
    z, table = attributed()
    near = [z @ turn(6, s) + 0.3 * normal(900, 6, s) for s in range(3)]
    far = [normal(900, 6, s) for s in (20, 21)]
    same, related, strangers = (
        {m.name: m for m in stability(spaces, table, rounds=4, clusters=4)}
        for spaces in ([z, z @ turn(6)], near, far)
    )
    assert list(same) == ["cka", "neighbour_overlap", "cluster_stability", "transfer.on", "transfer.size"]
    assert [same[n].value for n in ("cka", "neighbour_overlap")] == pytest.approx([1, 1])
    for name in ("cka", "neighbour_overlap", "transfer.on", "transfer.size"):
        assert same[name].value >= related[name].value > strangers[name].value
    for name in ("cka", "neighbour_overlap"):
        assert strangers[name].value == pytest.approx(strangers[name].baseline["items shuffled"], abs=0.01)
    for found in (same, related, strangers):
        for m in found.values():
            assert m.interval is None or m.interval[0] <= m.value <= m.interval[1]
    assert "3 pairs" in related["cka"].note
    with pytest.raises(LiminalError, match="1 spaces; wanted two"):
        stability([z])
    with pytest.raises(LiminalError, match="same items"):
        stability([z, z[:-1]])


# -- real latents


def test_real_latents_fill_fewer_dimensions_than_they_have_and_keep_labels_together() -> None:
    space = liminal.open("fashion")
    table = space.catalogue.table(columns=["z", "label"]).slice(0, 3000)
    z = torch.from_numpy(
        np.array(table["z"].combine_chunks().flatten(), dtype=np.float32).reshape(len(table), -1)
    )
    assert 5 < two_nn(z) < 16
    assert 5 < mle_dimension(z) < 16
    labels = table["label"].to_pylist()
    assert neighbour_purity(z, labels).mean() > 0.7 > 0.11 > chance_purity(labels)
    curve = rate_distortion(space.generator.decode, z[:300], space.generator.decode(z[:300]))
    assert (np.diff(curve.distortion) < 0).all()
    assert curve.distortion[-1] < 1e-6
