"""The contract of every model with every prior it can have."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import safetensors.torch
import torch

from liminal.errors import LiminalError
from liminal.export import onnx
from liminal.models.autoencoder import AE
from liminal.models.vae import VAE, total_correlation
from liminal.models.wae import WAE, mmd
from liminal.nn.conv import Grow
from liminal.priors import Gaussian

SHAPE, DIM = (1, 28, 28), 5
CASES = {
    "ae": (AE, {}),
    "ae-denoising": (AE, {"noise": 0.1}),
    "ae-rae": (AE, {"rae": 1e-3}),
    "vae-normal": (VAE, {}),
    "vae-sphere": (VAE, {"prior": "sphere"}),
    "vae-bernoulli-free-bits": (VAE, {"likelihood": "bernoulli", "free_bits": 0.1}),
    "vae-tc": (VAE, {"tc": 5.0, "beta": 2.0}),
    "wae-normal": (WAE, {}),
    "wae-sphere": (WAE, {"prior": "sphere"}),
    "wae-uniform": (WAE, {"prior": "uniform"}),
}


def make(case: str, shape=SHAPE):
    kind, arguments = CASES[case]
    torch.manual_seed(0)
    return kind(shape, DIM, width=8, **arguments)


def pictures(n: int, shape=SHAPE, seed: int = 0) -> torch.Tensor:
    return torch.rand(n, *shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("case", CASES)
def test_contract(case: str, tmp_path) -> None:
    model = make(case)
    x = pictures(6)

    terms = model.loss(x, 0.5)
    total = sum(v for k, v in terms.items() if not k.startswith("_"))
    assert torch.isfinite(total)
    total.backward()
    reached = [n for n, p in model.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0]
    assert len(reached) > 0.9 * len(list(model.named_parameters())), "the loss does not reach most parameters"

    model.train()
    z = model.encode(x)
    assert model.training, "encode must restore the mode that it found"
    assert z.shape == (6, DIM)
    assert z.dtype == torch.float32
    assert not z.requires_grad
    assert torch.equal(z, model.encode(x)), "encode is deterministic"
    assert torch.allclose(z, model.encode(x, chunk=2), atol=1e-5), "chunks change nothing"
    assert torch.allclose(model.prior.nearest(z), z, atol=1e-5), "codes lie on the prior's support"
    y = model.decode(z)
    assert y.shape == x.shape
    assert y.min() >= 0
    assert y.max() <= 1
    for n in (0, 1):
        assert model.encode(x[:n]).shape == (n, DIM)
        assert model.decode(z[:n]).shape == (n, *SHAPE)

    posterior = model.posterior(x)
    assert posterior.sample(torch.Generator().manual_seed(1)).shape == (6, DIM)
    assert torch.equal(
        posterior.sample(torch.Generator().manual_seed(1)), posterior.sample(torch.Generator().manual_seed(1))
    )

    again = type(model)(SHAPE, **json.loads(json.dumps(model.config())))
    again.load_state_dict(safetensors.torch.load(safetensors.torch.save(model.state_dict())))
    assert torch.equal(again.encode(x), z)
    assert torch.equal(again.decode(z), y)

    assert onnx.decoder(model, tmp_path / "decoder.onnx") < 1e-4
    with torch.autocast("cpu", torch.bfloat16):
        half = model.loss(x, 0.5)
    assert all(torch.isfinite(v) for v in half.values())
    assert torch.allclose(
        sum(v for k, v in half.items() if k == "reconstruction").float(),
        terms["reconstruction"].float(),
        rtol=0.2,
        atol=20,
    )


@pytest.mark.parametrize("shape", [(3, 64, 64), (1, 9, 13), (4, 33, 20), (3, 128, 128), (1, 8, 8)])
def test_any_picture_size(shape) -> None:
    model = make("vae-normal", shape)
    x = pictures(2, shape)
    assert model.decode(model.encode(x)).shape == x.shape


@pytest.mark.parametrize("case", ["ae", "vae-normal", "wae-uniform"])
def test_training_lowers_the_error(case: str) -> None:
    """Thirty steps on sixteen pictures: error well below that of the mean picture."""
    model = make(case)
    rows = torch.arange(28) / 27.0
    x = torch.stack(
        [(rows[None] * math.sin(i) + rows[:, None] * math.cos(i)).sigmoid()[None] for i in range(16)]
    )
    trivial = float((x - x.mean(0)).square().mean())
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    for step in range(60):
        terms = model.loss(x, step / 60)
        optimizer.zero_grad()
        sum(v for k, v in terms.items() if not k.startswith("_")).backward()
        optimizer.step()
    assert float((model.decode(model.encode(x)) - x).square().mean()) < 0.5 * trivial


@pytest.mark.parametrize(
    ("make_it", "word"),
    [
        (lambda: VAE(SHAPE, 0), "dim 0"),
        (lambda: VAE(SHAPE, 4, "uniform"), "uniform"),
        (lambda: AE(SHAPE, 4, "normal"), "normal"),
        (lambda: WAE(SHAPE, 4, "cauchy"), "cauchy"),
        (lambda: VAE(SHAPE, 4, "sphere", tc=1.0), "tc"),
        (lambda: VAE(SHAPE, 4, beta=-1), "beta"),
        (lambda: VAE(SHAPE, 4, likelihood="poisson"), "poisson"),
        (lambda: VAE((1, 4, 4), 4), "4 x 4"),
        (lambda: VAE(SHAPE, 4, width=2), "width 2"),
        (lambda: WAE(SHAPE, 1, "sphere"), "sphere"),
    ],
)
def test_wrong_arguments_are_named(make_it, word: str) -> None:
    with pytest.raises(LiminalError, match=word) as caught:
        make_it()
    assert "\n" not in str(caught.value)


def test_wrong_input_is_named() -> None:
    model = make("vae-normal")
    with pytest.raises(LiminalError, match=r"\(n, 5\).*\(2, 7\)"):
        model.decode(torch.zeros(2, 7))
    with pytest.raises(LiminalError, match="row 1"):
        model.decode(torch.tensor([[0.0] * 5, [math.nan] * 5]))
    with pytest.raises(LiminalError, match="NaN"):
        model.encode(torch.full((1, *SHAPE), math.nan))
    with pytest.raises(LiminalError, match="28, 28"):
        model.encode(torch.zeros(1, 1, 27, 28))


def test_mmd_tells_samples_apart() -> None:
    g = torch.Generator().manual_seed(0)
    a, b, c = (
        torch.randn(400, 4, generator=g),
        torch.randn(400, 4, generator=g),
        torch.randn(400, 4, generator=g) + 1,
    )
    assert abs(float(mmd(a, b, 8.0))) < 0.02
    assert float(mmd(a, c, 8.0)) > 0.1


def test_total_correlation_of_gaussians() -> None:
    """Means on a line in 2-d: dimensions depend on each other; shuffled, they do not.

    Closed form for the former.
    """
    g = torch.Generator().manual_seed(0)
    n, noise = 1500, 0.5
    line = torch.randn(n, 1, generator=g).repeat(1, 2)
    log_var = torch.full((n, 2), 2 * math.log(noise))
    z = line + noise * torch.randn(n, 2, generator=g)
    rho = 1 / (1 + noise**2)
    expected = -0.5 * math.log(1 - rho**2)
    assert float(total_correlation(Gaussian(line, log_var), z)) == pytest.approx(expected, abs=0.08)
    loose = torch.stack([line[:, 0], line[torch.randperm(n, generator=g), 1]], 1)
    assert (
        abs(
            float(total_correlation(Gaussian(loose, log_var), loose + noise * torch.randn(n, 2, generator=g)))
        )
        < 0.08
    )


def test_optimal_sigma_is_the_likelihood() -> None:
    """The learned-sigma loss equals the Gaussian negative log-likelihood at the best sigma, found by
    search.
    """
    likelihood = make("vae-normal").eval().likelihood
    x, y = pictures(4), pictures(4, seed=1).clamp(1e-4, 1 - 1e-4)
    sigmas = np.geomspace(0.05, 2, 4000)
    squared = float((x - y).square().sum()) / 4
    by_hand = min(squared / (2 * s * s) + 784 * (math.log(s) + 0.5 * math.log(2 * math.pi)) for s in sigmas)
    assert float(likelihood.nll(x, y.logit())) == pytest.approx(by_hand, abs=1e-2)


def test_one_channel_grows_as_by_a_transposed_convolution() -> None:
    grow, x = Grow(6, 1), torch.randn(3, 6, 5, 4)
    with torch.no_grad():
        wanted = torch.nn.functional.conv_transpose2d(x, grow.weight, grow.bias, stride=2, padding=1)
        assert grow(x).shape == (3, 1, 10, 8)
        assert torch.allclose(grow(x), wanted, atol=1e-6)


@pytest.mark.parametrize("name", ["beta", "free_bits", "tc", "mixing"])
@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf")])
def test_weights_of_a_vae_are_numbers_of_0_or_more(name: str, weight: float) -> None:
    with pytest.raises(LiminalError, match=rf"{name} {weight}.* must be 0 or more"):
        VAE((1, 8, 8), 2, **{name: weight})
