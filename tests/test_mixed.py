"""The likelihood of mixed columns against sums over single columns, written out."""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import Bernoulli, Categorical, Normal

from liminal.errors import LiminalError
from liminal.modalities.mixed import SHARP, Column, Mixed

COLUMNS = [
    Column("category", 3), Column("number"), Column("yes"), Column("optional", 2), Column("category", 5),
    Column("number"),
]  # fmt: skip


def data(n: int = 40) -> tuple[torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(0)
    known = (torch.rand(n, generator=g) > 0.3).float()
    eye = lambda k: torch.eye(k)[torch.randint(k, (n,), generator=g)]
    number = lambda: torch.randn(n, 1, generator=g)
    x = torch.cat(
        [eye(3), number(), eye(2)[:, :1], number() * known[:, None], known[:, None], eye(5), number()], 1
    )
    return x, torch.randn(x.shape, generator=g)


def test_nll_is_the_sum_over_columns() -> None:
    x, out = data()
    likelihood = Mixed(COLUMNS).eval()
    total = -Categorical(logits=out[:, :3]).log_prob(x[:, :3].argmax(1))
    for at, known in ((3, None), (5, x[:, 6]), (12, None)):
        there = torch.ones(len(x)) if known is None else known
        sigma = ((x[:, at] - out[:, at]).square() * there).sum().div(there.sum()).sqrt()
        total = total - Normal(out[:, at], sigma).log_prob(x[:, at]) * there
    total = (
        total - Bernoulli(logits=out[:, 4]).log_prob(x[:, 4]) - Bernoulli(logits=out[:, 6]).log_prob(x[:, 6])
    )
    total = total - Categorical(logits=out[:, 7:12]).log_prob(x[:, 7:12].argmax(1))
    torch.testing.assert_close(likelihood.nll(x, out), total.mean())


def test_soft_gives_probabilities_in_their_places() -> None:
    _, out = data()
    y = Mixed(COLUMNS).soft(out)
    torch.testing.assert_close(y[:, :3], out[:, :3].softmax(1))
    torch.testing.assert_close(y[:, 7:12], out[:, 7:12].softmax(1))
    torch.testing.assert_close(y[:, [4, 6]], out[:, [4, 6]].sigmoid())
    torch.testing.assert_close(y[:, [3, 5, 12]], out[:, [3, 5, 12]])


def test_harden_and_chart() -> None:
    x, out = data()
    likelihood = Mixed(COLUMNS)
    torch.testing.assert_close(likelihood.harden(x), x)
    hard = likelihood.harden(likelihood.soft(out))
    torch.testing.assert_close(likelihood.harden(hard), hard)
    assert torch.equal(hard[:, :3].argmax(1), out[:, :3].argmax(1))
    assert torch.equal(hard[:, :3].sum(1), torch.ones(40))
    other = x.clone()
    other[:, :3] = x[:, [1, 2, 0]]  # another symbol
    gap = (likelihood.chart(x) - likelihood.chart(other)).norm(dim=1)
    torch.testing.assert_close(gap, torch.full((40,), math.sqrt(2)))
    other = x.clone()
    other[:, 3] += 0.5
    torch.testing.assert_close(
        (likelihood.chart(x) - likelihood.chart(other)).norm(dim=1), torch.full((40,), 0.5)
    )


def test_learned_scales_follow_in_training_alone() -> None:
    x, out = data()
    likelihood = Mixed(COLUMNS).eval()
    likelihood.nll(x, out)
    assert not likelihood.log_sigma.any()
    likelihood.train()
    for _ in range(2000):
        likelihood.nll(x, out)
    wanted = (x[:, 3] - out[:, 3]).square().mean().log() / 2
    torch.testing.assert_close(likelihood.log_sigma[1], wanted, atol=1e-4, rtol=0)
    assert not likelihood.log_sigma[[0, 2, 4]].any()


def test_slopes_are_finite_where_decoders_are_sure() -> None:
    """Also where nothing of a kind is there, or no number of a batch is known."""
    for columns in (
        COLUMNS,
        [Column("yes")],
        [Column("category", 2)],
        [Column("optional", 2)],
        [Column("number")],
    ):
        likelihood = Mixed(columns)
        out = torch.full((4, *likelihood.shape), 60.0, requires_grad=True)
        x = torch.zeros(4, *likelihood.shape)
        loss = (
            likelihood.nll(x, out)
            + likelihood.distortion(x, out)
            + likelihood.chart(likelihood.soft(out)).sum()
        )
        loss.backward()
        assert loss.isfinite()
        assert out.grad is not None
        assert out.grad.isfinite().all()


def test_the_same_from_its_config_and_no_other() -> None:
    x, out = data()
    likelihood = Mixed(COLUMNS)
    again = Mixed(**likelihood.config())
    torch.testing.assert_close(again.nll(x, out), likelihood.nll(x, out))
    assert list(likelihood.state_dict()) == ["log_sigma"]
    with pytest.raises(LiminalError, match="number, optional, yes or category"):
        Mixed([["words", 2]])
    with pytest.raises(LiminalError, match="no columns"):
        Mixed([])


def test_partial_leaves_out_what_is_lacking() -> None:
    x, out = data()
    likelihood = Mixed(COLUMNS)
    y = likelihood.soft(out)
    none = torch.zeros_like(x, dtype=torch.bool)
    spread = (
        torch.cat([(x[:, 3] - y[:, 3]), (x[:, 5] - y[:, 5])[x[:, 6] > 0], (x[:, 12] - y[:, 12])])
        .square()
        .mean()
    )
    whole = likelihood.partial(x, none, y)(y)
    parts = []
    for place in likelihood.places:
        lacking = ~none
        lacking[:, place] = False
        parts.append(likelihood.partial(x, lacking, y)(y))
    torch.testing.assert_close(parts[2], -Bernoulli(logits=out[:, 4]).log_prob(x[:, 4]))
    torch.testing.assert_close(parts[0], -Categorical(logits=out[:, :3]).log_prob(x[:, :3].argmax(1)))
    numbers = (
        (x[:, 3] - y[:, 3]).square() + (x[:, 5] - y[:, 5]).square() * x[:, 6] + (x[:, 12] - y[:, 12]).square()
    )
    known = -Bernoulli(logits=out[:, 6]).log_prob(x[:, 6])
    torch.testing.assert_close(whole, parts[0] + parts[2] + parts[4] + known + numbers / (2 * spread))
    assert not likelihood.partial(x, ~none, y)(y).any()
    exact = likelihood.partial(x, none, x)(y)  # no sharper than numbers are ever told
    torch.testing.assert_close(exact - whole, numbers / (2 * SHARP**2) - numbers / (2 * spread))


def test_draws_have_the_learned_spread_and_the_chances() -> None:
    likelihood = Mixed(COLUMNS).eval()
    out = torch.zeros(1, *likelihood.shape)
    out[:, :3] = torch.tensor([0.7, 0.2, 0.1]).log()
    out[:, 3], out[:, 4], out[:, 6] = 2.0, 1.0, -1.0
    y = likelihood.soft(out).repeat(20_000, 1)
    rng = lambda: torch.Generator().manual_seed(0)
    torch.testing.assert_close(likelihood.draw(y, rng())[:, 3], y[:, 3])  # no spread was learned
    likelihood.log_sigma[[1, 3, 5]] = torch.tensor([0.5, 0.1, 2.0]).log()
    drawn = likelihood.draw(y, rng())
    torch.testing.assert_close(drawn, likelihood.draw(y, rng()))
    assert torch.equal(likelihood.harden(drawn), drawn)  # data
    close = lambda a, b: torch.testing.assert_close(a, torch.as_tensor(b), atol=0.02, rtol=0)
    close(drawn[:, 3].mean(), 2.0)
    close(drawn[:, 3].std(), 0.5)
    close(drawn[:, 12].std() / 2, 1.0)
    close(drawn[:, :3].mean(0), torch.tensor([0.7, 0.2, 0.1]))
    close(drawn[:, 7:12].mean(0), torch.full((5,), 0.2))
    close(drawn[:, [4, 6]].mean(0), torch.tensor([1.0, -1.0]).sigmoid())
    assert not drawn[drawn[:, 6] == 0, 5].any()  # a number that is not known is 0


def test_a_model_without_a_posterior_learns_the_spread_too() -> None:
    x, out = data()
    likelihood = Mixed(COLUMNS).train()
    for _ in range(2000):
        likelihood.distortion(x, out)
    wanted = (x[:, 3] - out[:, 3]).square().mean().log() / 2
    torch.testing.assert_close(likelihood.log_sigma[1], wanted, atol=1e-4, rtol=0)
