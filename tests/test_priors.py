"""Priors and posteriors against closed forms, scipy and Monte Carlo."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from liminal.errors import LiminalError
from liminal.priors import PRIORS, Gaussian, Normal, PowerSpherical, Sphere, Uniform
from liminal.tensors import rng


@pytest.mark.parametrize("kind", PRIORS.values(), ids=PRIORS)
@pytest.mark.parametrize("dim", [2, 7, 64])
def test_contract(kind, dim: int) -> None:
    prior = kind(dim)
    z = prior.sample(500, rng(0))
    assert z.shape == (500, dim)
    assert torch.equal(z, prior.sample(500, rng(0)))
    assert torch.isfinite(prior.log_prob(z)).all()
    assert torch.allclose(prior.nearest(z), z, atol=1e-5)
    assert ((prior.typicality(z) >= 0) & (prior.typicality(z) <= 1)).all()
    h = torch.randn(20, dim, generator=rng(1)) * 3
    assert torch.isfinite(prior.log_prob(prior.project(h))).all()
    assert torch.isfinite(prior.log_prob(prior.nearest(h))).all()


def test_log_prob_against_scipy() -> None:
    z = Normal(5).sample(50, rng(0))
    assert np.allclose(
        Normal(5).log_prob(z), scipy.stats.multivariate_normal(np.zeros(5)).logpdf(z.numpy()), atol=1e-4
    )
    u = Uniform(5).sample(50, rng(0))
    assert np.allclose(Uniform(5).log_prob(u), scipy.stats.uniform(-1, 2).logpdf(u.numpy()).sum(1), atol=1e-5)
    assert Uniform(2).log_prob(torch.tensor([[0.0, 1.5]])) == -math.inf
    assert float(Sphere(3).log_prob(torch.tensor([[1.0, 0, 0]]))) == pytest.approx(-math.log(4 * math.pi))
    assert float(Sphere(3).log_prob(torch.tensor([[1.1, 0, 0]]))) == -math.inf


@pytest.mark.parametrize("kind", [Normal, Uniform])
def test_typicality_is_a_p_value(kind) -> None:
    prior = kind(12)
    p = prior.typicality(prior.sample(4000, rng(0))).numpy()
    assert scipy.stats.kstest(p, "uniform").pvalue > 0.01
    assert float(prior.typicality(torch.zeros(1, 12))) < 0.01, "the origin is not typical"


@pytest.mark.parametrize("kind", PRIORS.values(), ids=PRIORS)
@pytest.mark.parametrize("weights", [[0.5, 0.5], [2.0, -1.0, 0.3]])
def test_mixing_keeps_the_prior(kind, weights) -> None:
    prior = kind(6)
    z = torch.stack([prior.sample(4000, rng(i)) for i in range(len(weights))])
    mixed = prior.mix(z, torch.tensor(weights))
    fresh = prior.sample(4000, rng(99))
    assert torch.isfinite(prior.log_prob(prior.nearest(mixed))).all()
    for direction in torch.randn(4, 6, generator=rng(5)):
        assert scipy.stats.ks_2samp((mixed @ direction).numpy(), (fresh @ direction).numpy()).pvalue > 1e-3
    with pytest.raises(LiminalError, match="zero"):
        prior.mix(z, torch.zeros(len(weights)))


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(-3, 3), min_size=3, max_size=3), st.lists(st.floats(-4, 2), min_size=3, max_size=3))
def test_gaussian_kl_against_torch(mean, log_var) -> None:
    posterior = Gaussian(torch.tensor([mean]), torch.tensor([log_var]))
    ours = posterior.kl().sum()
    normal = torch.distributions.Normal
    theirs = torch.distributions.kl_divergence(
        normal(posterior.mean, (posterior.log_var / 2).exp()), normal(0.0, 1.0)
    ).sum()
    assert float(ours) == pytest.approx(float(theirs), abs=1e-4, rel=1e-4)


@pytest.mark.parametrize("dim", [2, 3, 10])
@pytest.mark.parametrize("kappa", [1.0, 20.0])
def test_power_spherical(dim: int, kappa: float) -> None:
    """Its density integrates to one, its KL agrees with Monte Carlo, its draws lie around the mean."""
    mean = Sphere(dim).sample(1, rng(0))
    q = PowerSpherical(mean.expand(20000, dim), torch.full((20000, 1), kappa))
    z = q.sample(rng(1))
    assert torch.allclose(z.norm(dim=1), torch.ones(20000), atol=1e-4)
    expected = kappa / (dim - 1 + kappa)  # E<mean, z> from the Beta's mean
    assert float((z @ mean[0]).mean()) == pytest.approx(expected, abs=0.02)
    monte_carlo = (q.log_prob(z) + Sphere(dim).log_area).mean()
    assert float(q.kl()[0]) == pytest.approx(float(monte_carlo), abs=0.03, rel=0.03)
    uniform = Sphere(dim).sample(20000, rng(2))
    total = (q.log_prob(uniform) + Sphere(dim).log_area).exp().mean()
    assert float(total) == pytest.approx(1.0, abs=0.1)


def test_power_spherical_gradient_reaches_both() -> None:
    mean = torch.nn.functional.normalize(torch.randn(4, 5, generator=rng(0)), dim=1).requires_grad_()
    kappa = torch.full((4, 1), 3.0, requires_grad=True)
    q = PowerSpherical(mean, kappa)
    (q.sample().sum() + q.kl().sum()).backward()
    assert mean.grad is not None
    assert kappa.grad is not None
    assert mean.grad.abs().sum() > 0
    assert kappa.grad.abs().sum() > 0
