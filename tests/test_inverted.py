"""Generators without an encoder: two players trained in turn, and codes found by search."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import liminal
from liminal import registry
from liminal.errors import LiminalError
from liminal.generator import Autoencoder, Generator, Trainable
from liminal.modalities import likelihoods
from liminal.modalities.image import Image
from liminal.models.inverted import Inverted, encoded
from liminal.priors import PRIORS
from liminal.run import Plan, Run
from liminal.tensors import rng
from liminal.train import train
from liminal.voice import Voice

PICTURES = Image(8, 8, 1)


class TwoPlayers(Trainable):
    """A generative adversarial network in small (Goodfellow et al.

    2014): dense layers, non-saturating loss.
    """

    name = "two-players"
    players = ("critic", "generator")

    def __init__(self, data: Any, dim: int = 3, prior: str = "normal", network: str = "mlp") -> None:
        super().__init__()
        self.likelihood, self.network = likelihoods.of(data), network
        self.shape, self.prior = self.likelihood.soft_shape, PRIORS[prior](dim)
        size = int(np.prod(self.shape))
        self.draws = nn.Sequential(
            nn.Linear(dim, 32), nn.SiLU(), nn.Linear(32, size), nn.Unflatten(1, self.shape)
        )
        self.critic = nn.Sequential(nn.Flatten(), nn.Linear(size, 32), nn.SiLU(), nn.Linear(32, 1))

    def config(self) -> dict[str, Any]:
        return {"dim": self.dim, "prior": self.prior.name, "network": self.network}

    def decode_soft(self, z: Tensor) -> Tensor:
        return self.likelihood.soft(self.draws(z))

    def parameters_of(self, player: str) -> list[nn.Parameter]:
        return list((self.critic if player == "critic" else self.draws).parameters())

    def loss(self, x: Tensor, progress: float, player: str = "all") -> dict[str, Tensor]:
        fake = self.decode_soft(self.prior.sample(len(x)).to(x.device))
        if player == "generator":
            return {"fool": F.softplus(-self.critic(fake)).mean()}
        real = self.critic(self.likelihood.target(x))
        return {"tell": F.softplus(-real).mean() + F.softplus(self.critic(fake.detach())).mean()}


def blobs(n: int, seed: int = 0) -> np.ndarray:
    draw = np.random.default_rng(seed)
    y, x = np.mgrid[:8, :8]
    cy, cx = draw.uniform(2, 6, (2, n, 1, 1))
    return (255 * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 5)).astype(np.uint8)[..., None]


def trained(folder, stop: int | None = None, resume: bool = False) -> TwoPlayers:
    torch.manual_seed(0)
    model = TwoPlayers(PICTURES.likelihood)
    folder.mkdir(exist_ok=True)
    train(
        model, blobs(96), PICTURES, blobs(16, 1), Plan(epochs=stop or 6, batch=16), folder,
        device="cpu", threads=1, resume=resume, voice=Voice(),
    )  # fmt: skip
    return model


def test_each_player_moves_its_own_parameters_and_none_twice(tmp_path, monkeypatch) -> None:
    model = trained(tmp_path / "a")
    torch.manual_seed(0)
    fresh = TwoPlayers(PICTURES.likelihood)
    assert all(not torch.equal(a, b) for a, b in zip(model.parameters(), fresh.parameters(), strict=True))
    owned = [p for player in model.players for p in model.parameters_of(player)]
    assert len(owned) == len(set(owned)) == len(list(model.parameters()))

    def apart(self: TwoPlayers, x: Tensor, progress: float, player: str = "all") -> dict[str, Tensor]:
        """The same game, in which no gradient can reach the player whose turn it is not."""
        if player == "critic":
            return loss(self, x, progress, player)
        still = {name: p.detach() for name, p in self.critic.named_parameters()}
        fake = self.decode_soft(self.prior.sample(len(x)))
        return {"fool": F.softplus(-torch.func.functional_call(self.critic, still, (fake,))).mean()}

    loss = TwoPlayers.loss
    monkeypatch.setattr(TwoPlayers, "loss", apart)
    same = trained(tmp_path / "b")
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), same.parameters(), strict=True))


def test_two_players_resume_bit_for_bit(tmp_path, monkeypatch) -> None:

    whole = trained(tmp_path / "whole")

    def stopped(self, *arguments):
        if self.state.step == 17:
            self.save()
            raise KeyboardInterrupt
        return advance(self, *arguments)

    advance = Run.advance
    monkeypatch.setattr(Run, "advance", stopped)
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "cut")
    monkeypatch.setattr(Run, "advance", advance)
    again = trained(tmp_path / "cut", resume=True)
    assert all(
        torch.equal(a, b)
        for a, b in zip(whole.state_dict().values(), again.state_dict().values(), strict=True)
    )


class Flat(Generator):
    """f(z) = A z + b on 64 pixels."""

    name = "flat"

    def __init__(self, prior: str) -> None:
        super().__init__()
        self.prior, self.shape = PRIORS[prior](3), (1, 8, 8)
        self.matrix = torch.randn(64, 3, generator=rng(1)) * 0.05

    def config(self) -> dict[str, Any]:
        return {}

    def decode_soft(self, z: Tensor) -> Tensor:
        return (z @ self.matrix.T + 0.5).unflatten(1, self.shape)


@pytest.mark.parametrize("prior", PRIORS)
def test_the_search_finds_the_latent_that_an_item_came_from(prior: str) -> None:
    model = Inverted(Flat(prior), PICTURES)
    z = model.prior.sample(40, rng(3))
    found = model.encode(model.decode(z))
    assert (found - z).norm(dim=1).median() < 0.05
    assert torch.allclose(model.prior.nearest(found), found, atol=1e-5), "codes lie on the prior's support"
    assert torch.equal(found, model.encode(model.decode(z))), "an item has one code"
    assert torch.allclose(found[7:9], model.encode(model.decode(z[7:9])), atol=1e-4), (
        "whatever it is searched with"
    )
    assert not found.requires_grad


def test_an_encoder_of_its_own_is_kept_and_a_search_takes_its_place() -> None:
    plain = Inverted(Flat("normal"), PICTURES)
    assert encoded(plain, PICTURES) is plain
    assert isinstance(encoded(Flat("normal"), PICTURES), Autoencoder)


def test_a_generator_without_an_encoder_is_a_space_like_any_other(tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(registry.MODELS, "two-players", "test_inverted:TwoPlayers")
    how = {"model": "two-players", "dim": 3, "epochs": 30, "threads": 1, "device": "cpu", "voice": Voice()}
    space = liminal.fit(blobs(240), tmp_path / "s", **how)
    again = liminal.open(tmp_path / "s", device="cpu")
    assert np.array_equal(space.decode(space.latents[:4]), again.decode(again.latents[:4]))
    near, wrong = space.reconstruct(["@0", "@1", "@2"]), space.decode(space.latents[[50, 51, 52]])
    error = lambda items: np.square(items.astype(float) - near.originals).mean()
    assert error(near.items) < error(wrong), (
        "a code decodes to something nearer to its item than another item's"
    )
    assert len(space.path("@1", "@5", frames=5)) == 5
    with pytest.raises(LiminalError, match="--bind"):
        liminal.fit(blobs(40), tmp_path / "t", bind=("label",), **how)
