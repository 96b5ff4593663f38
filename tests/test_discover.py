"""Directions that no attribute names: known covariances, known Jacobians, known weights, and real latents."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import liminal
from liminal.errors import LiminalError
from liminal.generator import Generator, Wrapped
from liminal.ops.directions import directions, unsupervised
from liminal.ops.directions.directions import Direction
from liminal.ops.directions.unsupervised import (
    JUDGED,
    READ_ON,
    factorised,
    from_selections,
    jacobian,
    pca,
    strips,
)
from liminal.priors import Normal

SPREAD = torch.tensor([3.0, 1.0, 0.5, 2.0])


def turn(d: int, seed: int) -> Tensor:
    """A random rotation (d, d)."""
    return torch.linalg.qr(torch.randn(d, d, generator=torch.Generator().manual_seed(seed)))[0]


def latents(n: int = 4000, seed: int = 0, turned: Tensor | None = None) -> Tensor:
    z = torch.randn(n, 4, generator=torch.Generator().manual_seed(seed)) * SPREAD
    return z if turned is None else z @ turned.T


def along(a: Tensor, b: Tensor) -> float:
    return abs(float(torch.cosine_similarity(a.float(), b.float(), dim=0)))


# without labels


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 999))
def test_pca_finds_the_axes_of_a_turned_cloud(seed: int) -> None:
    turned = turn(4, seed)
    found = pca(latents(turned=turned), 4)
    assert [d.name for d in found] == ["pca0", "pca1", "pca2", "pca3"]
    for d, axis in zip(found, (0, 3, 1, 2), strict=True):
        assert along(d.vector, turned[:, axis]) > 0.99
        assert d.score == pytest.approx(float(SPREAD[axis] ** 2 / SPREAD.square().sum()), abs=0.02)
        assert d.unit == pytest.approx(float(SPREAD[axis]), rel=0.05)
        assert float(d.vector.norm()) == pytest.approx(d.unit, rel=1e-5)
        assert float(d.vector[d.vector.abs().argmax()]) > 0
    assert sum(d.score for d in found) == pytest.approx(1)
    assert len(pca(latents())) == 4


def test_each_tells_which_attribute_it_moves_most() -> None:
    z = latents()

    def read(x: Tensor) -> dict[str, Tensor]:
        return {"first": -x[:, 0], "last": 2 * x[:, 3] + 1, "still": torch.ones(len(x))}

    first, last = pca(z, 2, decode=lambda z: z, read=read)
    assert first.moves["first"] == pytest.approx(-1, abs=0.1)  # one standard deviation, downwards
    assert last.moves["last"] == pytest.approx(1, abs=0.1)
    assert abs(first.moves["last"]) < 0.1
    assert first.moves["still"] == 0
    assert first.note == f"moves first most, by {first.moves['first']:+.2f} SD"
    assert directions.table([first])[0]["moves_most"] == ("first", first.moves["first"])


def test_jacobian_of_a_linear_map_is_its_singular_vectors() -> None:
    """And what is read is the change at z0 alone."""
    a, z = torch.randn(7, 4, generator=torch.Generator().manual_seed(1)), latents()
    _, values, rows = torch.linalg.svd(a)
    z0 = torch.tensor([0.3, -1.0, 2.0, 0.0])
    found = jacobian(
        lambda z: z @ a.T, z0, z, 3, decode=lambda z: z @ a.T, read=lambda x: {"square": x[:, 0] ** 2}
    )
    everywhere = (z @ a.T)[:, 0].square()
    for i, d in enumerate(found):
        assert d.score == pytest.approx(float(values[i]), rel=1e-3)
        assert along(d.vector, rows[i]) > 0.9999
        assert float(d.vector.norm()) == pytest.approx(float((rows[i] * SPREAD).norm()), rel=0.05)
        change = float(((z0 + d.vector) @ a.T)[0] ** 2 - (z0 @ a.T)[0] ** 2)
        assert d.moves["square"] == pytest.approx(change / float(everywhere.std()), rel=0.3)
        assert "near one latent only" in d.note


def test_jacobian_depends_on_where() -> None:
    """x = (z0 z1, z1): at (10, 0) the second latent moves most, at (0, 10) the first."""
    z = torch.randn(100, 2, generator=torch.Generator().manual_seed(0))
    bent = lambda z: torch.stack([z[:, 0] * z[:, 1], z[:, 1]], 1)
    for z0, axis in ((torch.tensor([10.0, 0.0]), 1), (torch.tensor([0.0, 10.0]), 0)):
        top = jacobian(bent, z0, z, 1)[0]
        assert along(top.vector, torch.eye(2)[axis]) > 0.99


class Steps(Generator):
    """A decoder of given layers."""

    name = "steps-for-tests"

    def __init__(self, *layers: nn.Module, dim: int = 4, scale: float = 1.0) -> None:
        super().__init__()
        self.unused, self.layers, self.prior, self.scale = (
            nn.Conv2d(1, 1, 1),
            nn.Sequential(*layers),
            Normal(dim),
            scale,
        )
        self.shape = (5,)

    def config(self) -> dict[str, Any]:
        return {}

    def decode_soft(self, z: Tensor) -> Tensor:
        return self.layers(self.scale * z)


def test_factorised_is_the_svd_of_the_first_layer() -> None:
    torch.manual_seed(0)
    generator = Steps(nn.Linear(4, 9), nn.SiLU(), nn.Linear(9, 5))
    _, values, rows = torch.linalg.svd(generator.layers[0].weight.detach())
    found = factorised(generator, latents(), 4)
    assert [d.name for d in found] == ["factor0", "factor1", "factor2", "factor3"]
    for i, d in enumerate(found):
        assert d.score == pytest.approx(float(values[i]), rel=1e-4)
        assert along(d.vector, rows[i]) > 0.9999
        assert d.unit == pytest.approx(float((rows[i] * SPREAD).norm()), rel=0.06)


@pytest.mark.parametrize(
    ("generator", "words"),
    [
        (Steps(nn.Tanh(), nn.Linear(4, 5)), "got Tanh"),
        (Steps(nn.Linear(4, 5), scale=2.0), "got Linear, after z was changed"),
        (Steps(nn.Flatten(), nn.Linear(4, 5)), "got Flatten"),
        (Wrapped(lambda z: z, None, Normal(4)), "got no layer of torch"),
    ],
)
def test_factorised_refuses_what_does_not_begin_with_a_linear_layer(generator: Generator, words: str) -> None:
    with pytest.raises(LiminalError, match=words):
        factorised(generator, latents())
    assert not any(m._forward_pre_hooks for m in generator.modules())


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: pca(torch.zeros(5)), r"wanted latents \(n, d\)"),
        (lambda: pca(torch.full((5, 2), torch.nan), 1), "finite"),
        (lambda: pca(torch.ones(5, 2), 1), "all latents are the same"),
        (lambda: pca(latents(), 0), "0 directions"),
        (lambda: jacobian(lambda z: z, torch.zeros(3), latents(), 2), r"one latent of shape \(4,\)"),
    ],
)
def test_wrong_latents_are_refused(call: Any, words: str) -> None:
    with pytest.raises(LiminalError, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_what_the_decoder_does_not_use_is_said_to_move_nothing() -> None:
    found = jacobian(lambda z: z[:, :2], torch.zeros(4), latents(), 4)
    assert [d.works for d in found] == [True, True, False, False]
    assert "nothing moves along it" in found[3].note


# from two selections


def test_a_selection_against_another_gives_the_way_between_them() -> None:
    """Two clouds apart along a known axis, in latents where another axis is three times as wide."""
    z = latents(600, 3)
    a, b = z[z[:, 1] > 0.5], z[z[:, 1] < -0.5]
    found = from_selections(
        a, b, z, "bright", decode=lambda z: z, read=lambda x: {"light": 2 * x[:, 1], "width": x[:, 0]}
    )
    gap = float(a[:, 1].mean() - b[:, 1].mean())
    assert found.name == "bright"
    assert found.works
    assert found.score > 0.99
    assert float(found.vector[1]) == pytest.approx(gap, rel=0.1)
    assert found.unit == pytest.approx(2 * gap, rel=1e-3)
    assert found.effect == pytest.approx(1, abs=0.1)
    assert found.leakage["width"] < 0.2
    assert "light" not in found.leakage
    assert "differ most in light" in found.note
    assert found.holds is not None
    assert found.holds[0] == -3
    assert found.holds[1] == 3


def test_labels_without_meaning_are_at_chance() -> None:
    z = latents(400, 4)
    found = from_selections(z[:100], z[100:200], z)
    assert 0.3 < found.score < 0.6
    assert not found.works
    assert "at chance" in found.note
    assert found.effect is None


def test_a_score_is_of_items_that_took_no_part() -> None:
    """As many dimensions as items: any labels can be fitted, none can be foretold."""
    z = torch.randn(400, 40, generator=torch.Generator().manual_seed(0))
    assert from_selections(z[:20], z[20:40], z).score < 0.75


def test_items_that_come_twice_count_once() -> None:
    z = latents(300, 5)
    a, b = z[z[:, 0] > 2][:20], z[z[:, 0] < -2][:20]
    plain = from_selections(a, b, z)
    torch.testing.assert_close(from_selections(torch.cat([a, a]), b, z).vector, plain.vector)
    both = from_selections(torch.cat([a, b[:2]]), b, z)
    torch.testing.assert_close(both.vector, from_selections(a, b[2:], z).vector)
    assert "2 items in both selections were left out" in both.note


def test_large_selections_are_judged_on_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """The direction is that of all items; what is decoded and read is bounded, and what it tells is within
    sampling noise of what all items tell.
    """
    z = latents(9_000, 6)
    noise = 0.7 * torch.randn(len(z), generator=torch.Generator().manual_seed(1))
    a, b = z[z[:, 1] + noise > 0.3], z[z[:, 1] + noise < -0.3]
    rows = []

    def found() -> Direction:
        rows.clear()
        read = lambda x: {"light": 2 * x[:, 1] + 0.1 * x[:, 2] ** 2, "width": x[:, 0]}
        return from_selections(a, b, z, decode=lambda z: (rows.append(len(z)), z)[1], read=read)

    part, decoded = found(), sum(rows)
    assert len(a) > 2 * JUDGED < 2 * len(b)
    assert decoded <= (2 + len(part.strengths)) * JUDGED + READ_ON
    assert f"judged on {JUDGED:,} and {JUDGED:,} items" in part.note
    assert found().effects == part.effects
    monkeypatch.setattr(unsupervised, "JUDGED", len(z))
    whole = found()
    assert "judged" not in whole.note
    assert sum(rows) > 2 * decoded
    torch.testing.assert_close(part.vector, whole.vector)
    error = (part.score * (1 - part.score) / JUDGED) ** 0.5  # an upper bound of that of an AUC
    assert abs(part.score - whole.score) < 2 * error
    assert 0.5 < whole.score < 0.99
    assert part.unit == pytest.approx(whole.unit, rel=0.1)
    assert part.effects == pytest.approx(whole.effects, abs=0.1)
    assert part.moves == pytest.approx(whole.moves, abs=0.1)


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        (slice(0, 3), slice(10, 30), "selection to go to has 3 different items; wanted 5 or more"),
        (slice(0, 20), slice(5, 20), "selection to come from has 0 different items, 15 more are in both"),
        (slice(0, 20), slice(20, 20), "selection to come from has 0"),
    ],
)
def test_selections_too_small_are_refused(a: slice, b: slice, words: str) -> None:
    z = latents(40)
    with pytest.raises(LiminalError, match=words):
        from_selections(z[a], z[b], z)


def test_selections_with_one_middle_have_no_direction() -> None:
    z = latents(10)
    with pytest.raises(LiminalError, match="no length"):
        from_selections(torch.cat([z, -z]), torch.cat([2 * z, -2 * z]), torch.cat([z, -z]))


def test_selections_of_another_space_are_refused() -> None:
    with pytest.raises(LiminalError, match=r"wanted latents \(n, 4\), finite, in the selection to come from"):
        from_selections(latents(20), torch.zeros(20, 3), latents(20))


# real latents


@pytest.fixture(scope="module")
def space() -> Any:
    return liminal.open("fashion")


def test_ready_made_space(space: Any) -> None:
    """Boots against sandals by ten items each; the reader of the space sees the change in pictures."""
    table = space.catalogue.table(columns=["z", "label"], split="train")
    z = torch.from_numpy(
        np.array(table["z"].combine_chunks().flatten(), dtype=np.float32).reshape(len(table), -1)
    )
    labels = np.array(table["label"].to_pylist())
    boots, sandals = (z[torch.from_numpy(labels == name)][:40] for name in ("Ankle boot", "Sandal"))
    found = from_selections(
        boots, sandals, z, "boots", decode=space.generator.decode, read=space.reader.named
    )
    assert found.score > 0.95
    assert found.effect is not None
    assert found.effect > 0.5
    assert found.moves["label=Ankle boot"] > 0.5
    assert found.moves["label=Sandal"] < -0.5
    kept = directions.from_tensors(*directions.to_tensors([found]))[0]
    assert kept.evidence == found.evidence
    assert torch.equal(kept.vector, found.vector)


def test_ready_made_space_without_labels(space: Any) -> None:
    z = space.latents
    for found in (
        pca(z, 3, space.generator.decode, space.reader.named),
        jacobian(space.generator.decode_soft, z[0], z, 3, space.generator.decode, space.reader.named),
        factorised(space.generator, z, 3, space.reader.named),
    ):
        assert [d.score for d in found] == sorted((d.score for d in found), reverse=True)
        unit = torch.stack([d.vector / d.vector.norm() for d in found])
        torch.testing.assert_close(unit @ unit.T, torch.eye(3), atol=1e-4, rtol=0)
        for d in found:
            assert float((z @ (d.vector / d.vector.norm())).std()) == pytest.approx(d.unit, rel=1e-3)
            assert set(d.moves) == {
                f"label={value}"
                for value in set(space.catalogue.table(columns=["label"])["label"].to_pylist())
            }


def test_a_picture_of_the_strongest(space: Any) -> None:
    picture = strips(space.generator, space.modality, space.latents[3], pca(space.latents, 3), size=40)
    one = strips(space.generator, space.modality, space.latents[3], pca(space.latents, 1), size=40)
    assert picture.width == one.width >= 5 * 28
    assert abs(picture.height - 3 * one.height) < 30
    with pytest.raises(LiminalError, match="1 direction or more"):
        strips(space.generator, space.modality, space.latents[3], [])
