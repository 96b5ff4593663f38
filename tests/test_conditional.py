"""Drawing from a part of the latents."""

from __future__ import annotations

import pytest
import torch

import liminal
from liminal.errors import LiminalError
from liminal.models.conditional import accepted, conditional, gaussian, near, shrunk
from liminal.models.latent import Mixture
from liminal.priors import Normal


def test_many_latents_give_their_own_modes() -> None:
    g = torch.Generator().manual_seed(0)
    two = torch.cat([torch.randn(400, 2, generator=g) * 0.1 - 3, torch.randn(400, 2, generator=g) * 0.1 + 3])
    drawn = conditional(two).sample(500, g)
    side = (drawn > 0).all(1)
    assert 0.4 < side.float().mean() < 0.6
    assert (drawn.abs() - 3).abs().max() < 1  # nothing between the modes


def test_few_latents_give_a_gaussian_that_is_open_in_every_direction() -> None:
    flat = torch.zeros(5, 3)
    flat[:, 0] = torch.tensor([-2.0, -1, 0, 1, 2])
    found = conditional(flat)
    assert isinstance(found, Mixture)
    assert found.components == 1
    spread = found.sample(4000, torch.Generator().manual_seed(1)).std(0)
    assert spread[0] > spread[1] > 0.01
    with pytest.raises(LiminalError, match="2 items to draw from; wanted 3 or more"):
        conditional(flat[:2])


def test_shrinking_vanishes_with_many_items() -> None:
    g = torch.Generator().manual_seed(2)
    a = torch.tensor([[2.0, 0.5], [0.0, 0.3]])
    z = torch.randn(50_000, 2, generator=g) @ a.T
    assert torch.allclose(shrunk(z).float(), a @ a.T, atol=0.06)


def test_near_stays_near() -> None:
    space = liminal.open("fashion")
    _, z = space.catalogue.latents()
    everyone, at = torch.from_numpy(z), torch.from_numpy(z[12])
    close = everyone[(everyone - at).norm(dim=1).argsort()[1:51]]
    drawn = near(at, close).sample(400, torch.Generator().manual_seed(0))
    assert (drawn.mean(0) - at).norm() < 0.2 * (close - at).norm(dim=1).mean()
    assert (drawn - at).norm(dim=1).mean() < (close - at).norm(dim=1).mean()
    with pytest.raises(LiminalError, match="1 neighbours"):
        near(at, close[:1])


def test_a_gaussian_is_the_one_asked_for() -> None:
    covariance = torch.tensor([[1.0, 0.8], [0.8, 1.0]], dtype=torch.float64)
    z = gaussian(torch.tensor([1.0, -1.0]), covariance).sample(20_000, torch.Generator().manual_seed(0))
    assert torch.allclose(torch.cov(z.T), covariance.float(), atol=0.05)
    assert torch.allclose(z.mean(0), torch.tensor([1.0, -1.0]), atol=0.05)


def test_accepted_draws_pass_and_repeat() -> None:
    z, share = accepted(Normal(2), 50, lambda z: z[:, 0] > 1, seed=3)
    assert z.shape == (50, 2)
    assert (z[:, 0] > 1).all()
    assert 0.08 < share < 0.25
    assert torch.equal(z, accepted(Normal(2), 50, lambda z: z[:, 0] > 1, seed=3)[0])
    with pytest.raises(LiminalError, match=r"only 0 of 500 draws pass"):
        accepted(Normal(2), 10, lambda z: z[:, 0] > 99)
