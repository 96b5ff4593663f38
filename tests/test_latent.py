"""The fitted samplers: they find a distribution that is known, and say so."""

from __future__ import annotations

import math

import pytest
import scipy.stats
import torch

from liminal.errors import LiminalError
from liminal.models import latent
from liminal.priors import Normal, Sphere
from liminal.tensors import rng


def three_clusters(n: int, seed: int = 0) -> torch.Tensor:
    g = rng(seed)
    centres = torch.tensor([[3.0, 0.0], [-3.0, 1.0], [0.0, -4.0]])
    return centres[torch.randint(3, (n,), generator=g)] + 0.4 * torch.randn(n, 2, generator=g)


def true_log_prob(z: torch.Tensor) -> torch.Tensor:
    centres = torch.tensor([[3.0, 0.0], [-3.0, 1.0], [0.0, -4.0]])
    each = -0.5 * ((z[:, None] - centres) / 0.4).square().sum(2) - math.log(2 * math.pi * 0.16) - math.log(3)
    return each.logsumexp(1)


@pytest.fixture(scope="module")
def flow() -> latent.Flow:
    return latent.fit_flow(
        lambda g: three_clusters(4000, int(torch.randint(1000, (1,), generator=g))), steps=1200, batch=256
    )


@pytest.fixture(scope="module")
def mixture() -> latent.Mixture:
    return latent.fit_mixture(three_clusters(3000), three_clusters(1000, 7))


def test_mixture_density(mixture: latent.Mixture) -> None:
    test = three_clusters(2000, 3)
    assert mixture.components > 1
    assert float((mixture.log_prob(test) - true_log_prob(test)).mean()) == pytest.approx(0, abs=0.05)
    p = mixture.typicality(mixture.sample(2000, rng(5)))
    assert scipy.stats.kstest(p.numpy(), "uniform").pvalue > 0.01
    with pytest.raises(LiminalError, match="flow"):
        mixture.mix(test[None, :3], torch.ones(1))


def test_a_mixture_of_many_dimensions_is_refused_and_of_some_has_few_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each Gaussian holds d x d numbers: codes of (18, 512) would take hours and gigabytes."""
    for of in (latent.Mixture, lambda d: latent.fit_mixture(torch.randn(9, d), torch.randn(9, d))):
        with pytest.raises(LiminalError, match=r"9,216 dimensions: wanted at most 1,024"):
            of(9216)
    z, held = three_clusters(1000), three_clusters(300, 7)
    assert latent.fit_mixture(z, held).components > 1
    monkeypatch.setattr(latent, "WORK", 4 * len(z))  # one pass of one Gaussian in two dimensions
    assert latent.fit_mixture(z, held).components == 1


def test_flow_density_and_inverse(flow: latent.Flow) -> None:
    test = three_clusters(300, 3)
    error = flow.log_prob(test) - true_log_prob(test)
    assert abs(float(error.mean())) < 0.25, "mean log-density in nats is near the truth"
    back = flow.from_noise(flow.to_noise(test))
    assert float((back - test).abs().max()) < 0.05
    outside = torch.tensor([[0.0, 0.0], [8.0, 8.0]])
    assert (flow.log_prob(outside) < flow.log_prob(test).quantile(0.01)).all()


def test_flow_draws_and_mixes(flow: latent.Flow) -> None:
    fresh = three_clusters(1500, 11)
    assert latent.two_sample(flow.sample(1500, rng(0)), fresh)[0] < 0.54
    a, b = three_clusters(1500, 12), three_clusters(1500, 13)
    mixed = flow.mix(torch.stack([a, b]), torch.tensor([0.5, 0.5]))
    assert latent.two_sample(mixed, fresh)[0] < 0.56, "mixtures of items are items again"
    blended = 0.5 * a + 0.5 * b
    assert latent.two_sample(blended, fresh)[0] > 0.7, "plain averages are not"


def test_two_sample_test() -> None:
    a, b, c = Normal(5).sample(800, rng(4)), Normal(5).sample(800, rng(1)), Normal(5).sample(800, rng(2)) + 1
    same, p = latent.two_sample(a, b)
    assert same == pytest.approx(0.5, abs=0.03)
    assert p > 0.01
    apart, p = latent.two_sample(a, c)
    assert apart > 0.65
    assert p < 0.01
    with pytest.raises(LiminalError, match="3 items"):
        latent.two_sample(a[:3], b[:3])


def test_a_set_that_scatters_more_is_told_in_many_dimensions() -> None:
    """The neighbours of both are those of the set in the middle: its own share is 1, the other's 0."""
    wide, narrow = Normal(64).sample(1000, rng(0)), 0.7 * Normal(64).sample(1000, rng(1))
    same, p = latent.two_sample(wide, narrow)
    assert same > 0.9
    assert p < 0.01
    assert latent.choose({"wide": Normal(64), "flow": _Narrow(64)}, narrow)[0] == "flow"


class _Narrow(Normal):
    def sample(self, n: int, generator: torch.Generator | None = None) -> torch.Tensor:
        return 0.7 * super().sample(n, generator)


def test_choose_prefers_the_right_one(mixture: latent.Mixture, flow: latent.Flow) -> None:
    best, tests = latent.choose(
        {"prior": Normal(2), "mixture": mixture, "flow": flow}, three_clusters(1500, 21)
    )
    assert best != "prior"
    assert tests["prior"]["same"] > tests[best]["same"]
    assert (
        latent.choose({"prior": Normal(2), "mixture": mixture}, Normal(2).sample(1500, rng(3)))[0] == "prior"
    )


def test_draws_stay_on_the_support() -> None:
    z = Sphere(4).sample(2000, rng(0))
    mixture = latent.fit_mixture(z, z, support="sphere")
    flow = latent.fit_flow(lambda g: z, steps=50, support="sphere")
    for sampler in (mixture, flow):
        assert torch.allclose(sampler.sample(50, rng(1)).norm(dim=1), torch.ones(50), atol=1e-5)
