r"""Distributions fitted to the latents of a trained autoencoder, so that sampling does not depend on the
prior being met.

- `Mixture`: Gaussian mixture with full covariances, fitted by expectation maximisation.
- `Flow`: a rectified flow (Liu et al. 2023; Lipman et al. 2023). A velocity field v(u, t) is fitted to
  straight lines between noise e ~ N(0, I) and standardised latents z, :math:`\min_v \mathbb E\,\lVert
  v((1-t)e + tz,\,t) - (z - e)\rVert^2`, t more often near a half (logit-normal: Esser et al. 2024);
  integrating du/dt = v from 0 to 1 turns noise into latents, from 1 to 0 latents into noise. It is therefore
  invertible, has a density, and carries the mixing rule of a Normal over to any distribution of latents.

`choose` picks the sampler whose draws are hardest to tell from held-out latents, by the nearest-neighbour
two-sample test (Schilling 1986; Henze 1988).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import LiminalError, unknown
from ..priors import PRIORS, Normal, Prior
from ..tensors import has_fast_bf16, in_chunks, inference, rng

PER_DIM, WIDTHS = 6, (160, 384)  # units of a flow's layers for each dimension; at least and at most
WIDE = 1024  # dimensions that a mixture may have: each Gaussian holds their square, and is inverted
WORK = 2 * 10**9  # numbers that one pass over the latents may take: items x components x dimensions squared


class Fitted(Prior):
    """A distribution fitted to latents that live on the support of the prior named `support`; draws are
    brought onto it.
    """

    def __init__(self, dim: int, support: str = "normal") -> None:
        super().__init__(dim)
        self.support = support

    def config(self) -> dict[str, Any]:
        """JSON-ready arguments; ``type(s)(**s.config())`` builds the same one, unfitted."""
        return {"dim": self.dim, "support": self.support}

    def nearest(self, z: Tensor) -> Tensor:
        return PRIORS[self.support](self.dim).nearest(z)


class Mixture(Fitted):
    """A mixture of `components` Gaussians; a standard normal until `fit_mixture` sets it.

    Raises:
        LiminalError: it has more than `WIDE` dimensions.
    """

    name = "mixture"
    weights: Tensor
    means: Tensor
    cholesky: Tensor

    def __init__(self, dim: int, components: int = 1, support: str = "normal") -> None:
        check_width(dim)
        super().__init__(dim, support)
        self.components = components
        self.register_buffer("weights", torch.full((components,), 1 / components))
        self.register_buffer("means", torch.zeros(components, dim))
        self.register_buffer("cholesky", torch.eye(dim).repeat(components, 1, 1))

    def config(self) -> dict[str, Any]:
        return {**super().config(), "components": self.components}

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        which = (
            torch.multinomial(self.weights.cpu(), n, replacement=True, generator=generator)
            if n
            else torch.zeros(0, dtype=torch.long)
        )
        noise = torch.randn(n, self.dim, generator=generator)
        return self.nearest(self.means.cpu()[which] + (self.cholesky.cpu()[which] @ noise[..., None])[..., 0])

    def log_prob(self, z: Tensor) -> Tensor:
        each = []
        for weight, mean, factor in zip(self.weights, self.means, self.cholesky, strict=True):
            white = torch.linalg.solve_triangular(factor, (z - mean).T, upper=False)
            each.append(weight.log() - 0.5 * white.square().sum(0) - factor.diagonal().log().sum())
        return torch.stack(each).logsumexp(0) - self.dim / 2 * math.log(2 * math.pi)

    def typicality(self, z: Tensor) -> Tensor:
        drawn = self.log_prob(self.sample(4096, rng(0)).to(z)).sort().values
        below = torch.searchsorted(drawn, self.log_prob(z)).to(z.dtype) / len(drawn)
        return 2 * torch.minimum(below, 1 - below)

    def mix(self, z: Tensor, weights: Tensor) -> Tensor:
        raise LiminalError(
            "mix: a Gaussian mixture has no rule that keeps its samples typical; mix in the latent flow, or "
            "along linear or slerp"
        )


class Flow(Fitted):
    """A rectified flow on latents.

    Args:
        dim: d.
        support: name of the prior on whose support the latents live.
        width: units of each hidden layer of the velocity network.
        steps: Runge-Kutta (4th order) steps of the integration.
    """

    name = "flow"
    mean: Tensor
    scale: Tensor

    def __init__(self, dim: int, support: str = "normal", width: int = 160, steps: int = 12) -> None:
        super().__init__(dim, support)
        self.width, self.steps = width, steps
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("scale", torch.ones(dim))
        self.enter = nn.Linear(dim + 16, width)
        self.layers = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
            for _ in range(3)
        )
        self.leave = nn.Linear(width, dim)

    def config(self) -> dict[str, Any]:
        return {**super().config(), "width": self.width, "steps": self.steps}

    def velocity(self, u: Tensor, t: Tensor) -> Tensor:
        """v(u, t): (n, d) and (n,) -> (n, d), in standardised units."""
        angle = t[:, None] * math.pi * 2.0 ** torch.arange(-1, 7, device=u.device)
        h = self.enter(torch.cat([u, angle.sin(), angle.cos()], 1))
        for layer in self.layers:
            h = h + layer(h)
        return self.leave(nn.functional.silu(h))

    def _carry(self, u: Tensor, start: float, end: float) -> Tensor:
        step = (end - start) / self.steps
        for i in range(self.steps):
            t = torch.full((len(u),), start + i * step, device=u.device)
            a = self.velocity(u, t)
            b = self.velocity(u + step / 2 * a, t + step / 2)
            c = self.velocity(u + step / 2 * b, t + step / 2)
            d = self.velocity(u + step * c, t + step)
            u = u + step / 6 * (a + 2 * b + 2 * c + d)
        return u

    def from_noise(self, e: Tensor) -> Tensor:
        """e (n, d), standard normal -> latents (n, d)."""
        return self._carry(e, 0.0, 1.0) * self.scale + self.mean

    def to_noise(self, z: Tensor) -> Tensor:
        """The inverse of `from_noise`, up to the error of the integration."""
        return self._carry((z - self.mean) / self.scale, 1.0, 0.0)

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        noise = torch.randn(n, self.dim, generator=generator).to(self.mean)
        with inference(self):
            return self.nearest(in_chunks(self.from_noise, noise, 4096))

    def log_prob(self, z: Tensor) -> Tensor:
        """(n, d) -> (n,) in nats: the noise's density less the divergence along the way, its trace taken
        exactly.
        """
        u = (z - self.mean) / self.scale
        step, total = 1.0 / self.steps, torch.zeros(len(z), device=z.device)
        basis = torch.eye(self.dim, device=z.device)

        def divergence(u: Tensor, t: Tensor) -> Tensor:
            rows = [
                torch.func.jvp(lambda v: self.velocity(v, t), (u,), (e.expand_as(u),))[1][:, j]
                for j, e in enumerate(basis)
            ]
            return torch.stack(rows).sum(0)

        for i in range(self.steps):  # midpoint rule for the divergence, Runge-Kutta for the path
            t = torch.full((len(u),), 1.0 - i * step, device=u.device)
            half = u - step / 2 * self.velocity(u, t)
            total = total + step * divergence(half, t - step / 2)
            a = self.velocity(u, t)
            b = self.velocity(half, t - step / 2)
            c = self.velocity(u - step / 2 * b, t - step / 2)
            d = self.velocity(u - step * c, t - step)
            u = u - step / 6 * (a + 2 * b + 2 * c + d)
        return Normal(self.dim).log_prob(u) - total - self.scale.log().sum()

    def typicality(self, z: Tensor) -> Tensor:
        return Normal(self.dim).typicality(self.to_noise(z))

    def mix(self, z: Tensor, weights: Tensor) -> Tensor:
        k, n, d = z.shape
        return self.from_noise(Normal(d).mix(self.to_noise(z.reshape(k * n, d)).reshape(k, n, d), weights))


SAMPLERS: dict[str, type[Fitted]] = {s.name: s for s in (Mixture, Flow)}


def sampler(name: str) -> type[Fitted]:
    """The class of fitted samplers with this name.

    Raises:
        LiminalError: there is none.
    """
    if name not in SAMPLERS:
        raise unknown("sampler", name, SAMPLERS)
    return SAMPLERS[name]


def check_width(dim: int) -> None:
    """Refuse a Gaussian with a full covariance in more than `WIDE` dimensions.

    Raises:
        LiminalError: there are more.
    """
    if dim > WIDE:
        raise LiminalError(
            f"a mixture of Gaussians in {dim:,} dimensions: wanted at most {WIDE:,}; take a smaller --dim, "
            "or the sampler flow or prior"
        )


def fit_mixture(z: Tensor, held: Tensor, seed: int = 0, support: str = "normal") -> Mixture:
    """A Gaussian mixture on latents (n, d); the number of components is the one with the best log-likelihood
    on `held` (m, d). Of many dimensions fewer are tried, so that it ends in minutes.

    Raises:
        LiminalError: d is more than `WIDE`.
    """
    check_width(z.shape[1])
    from sklearn.mixture import GaussianMixture

    z64 = z.double().cpu().numpy()
    order = np.random.default_rng(seed).permutation(len(z64))[:20000]
    best: tuple[float, Any] = (-math.inf, None)
    for components in (1, 4, 16, 32):
        work = len(order) * components * z.shape[1] ** 2
        if components > 1 and (len(order) < components * 20 or work > WORK):
            break
        model = GaussianMixture(
            components, reg_covar=1e-4, init_params="k-means++", max_iter=60, tol=3e-3, random_state=seed
        )
        with np.errstate(all="ignore"):
            _quiet(model.fit, z64[order])
        score = float(model.score(held.double().cpu().numpy()))
        if score > best[0]:
            best = (score, model)
    fitted = best[1]
    mixture = Mixture(z.shape[1], fitted.n_components, support)
    mixture.weights.copy_(torch.from_numpy(fitted.weights_))
    mixture.means.copy_(torch.from_numpy(fitted.means_))
    mixture.cholesky.copy_(torch.linalg.cholesky(torch.from_numpy(fitted.covariances_)))
    return mixture


def _quiet(f: Callable[..., Any], *args: Any) -> Any:
    """Call `f` without scikit-learn's notice that EM stopped at its iteration limit, which is where we want
    it to stop.
    """
    import warnings

    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return f(*args)


def fit_flow(
    draw: Callable[[torch.Generator], Tensor],
    seed: int = 0,
    steps: int = 2000,
    batch: int = 256,
    support: str = "normal",
    progress: Callable[[int, int], None] | None = None,
) -> Flow:
    """A rectified flow fitted to the latents that `draw(generator)` gives, (n, d), drawn anew now and then
    (posterior samples, not means).

    Args:
        draw: gives latents (n, d).
        seed: of everything random here.
        steps: of AdamW.
        batch: latents a step.
        support: name of the prior on whose support the latents live.
        progress: called with (steps done, steps).
    """
    generator = rng(seed)
    z = draw(generator).float().cpu()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        flow = Flow(z.shape[1], support, width=int(np.clip(PER_DIM * z.shape[1], *WIDTHS)))
    flow.mean.copy_(z.mean(0))
    flow.scale.copy_(z.std(0).clamp_min(1e-3) if len(z) > 1 else torch.ones(z.shape[1]))
    optimizer = torch.optim.AdamW(flow.parameters(), 2e-3, betas=(0.9, 0.99), weight_decay=1e-3)
    averages = [p.detach().clone() for p in flow.parameters()]
    short = batch > 256 and has_fast_bf16(flow.mean.device)
    for i in range(steps):
        if i and i % 500 == 0:
            z = draw(generator).float().cpu()
        done = i / steps
        optimizer.param_groups[0]["lr"] = 2e-3 * min(1.0, (i + 1) / 100) * (1 - done) + 1e-6
        target = (z[torch.randint(len(z), (batch,), generator=generator)] - flow.mean) / flow.scale
        noise = torch.randn(target.shape, generator=generator)
        t = torch.randn(batch, generator=generator).sigmoid()
        u = (1 - t[:, None]) * noise + t[:, None] * target
        with torch.autocast("cpu", torch.bfloat16, enabled=short):
            v = flow.velocity(u, t)
        loss = (v.float() - (target - noise)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        torch._foreach_lerp_(
            averages, [p.detach() for p in flow.parameters()], 1 - min(0.999, (1 + i) / (10 + i))
        )
        if progress:
            progress(i + 1, steps)
    with torch.no_grad():
        for p, average in zip(flow.parameters(), averages, strict=True):
            p.copy_(average)
    return flow.requires_grad_(False).eval()


def two_sample(a: Tensor, b: Tensor, k: int = 5, rounds: int = 200, seed: int = 0) -> tuple[float, float]:
    """Nearest-neighbour two-sample test (Schilling 1986; Henze 1988).

    Args:
        a, b: (n, d) each; the first min(len(a), len(b), 2000) rows are used.
        k: neighbours.
        rounds: permutations behind the p-value.

    Returns:
        The share of k nearest neighbours in the pooled sample that come from the same set (0.5: cannot be
        told apart; 1: apart), and the p-value of the hypothesis that both come from one distribution. Each
        set counts by how far its own share is from a half: in many dimensions the neighbours of both are
        those of the set that scatters less, and the mean of the two shares would be a half.
    """
    n = min(len(a), len(b), 2000)
    if n <= k:
        raise LiminalError(f"two-sample test: {n} items in the smaller set; wanted more than {k}")
    pooled = torch.cat([a[:n], b[:n]]).double()
    near = torch.cdist(pooled, pooled).fill_diagonal_(math.inf).topk(k, largest=False).indices
    label = torch.arange(2 * n) < n

    def told(label: Tensor) -> float:
        alike = (label[near] == label[:, None]).double().mean(1)
        return 0.5 + sum(abs(float(alike[own].mean()) - 0.5) for own in (label, ~label)) / 2

    same = told(label)
    generator = rng(seed)
    beyond = 0
    for _ in range(rounds):
        shuffled = label[torch.randperm(2 * n, generator=generator)]
        beyond += told(shuffled) >= same
    return same, (1 + beyond) / (1 + rounds)


def choose(
    samplers: dict[str, Prior], held: Tensor, seed: int = 0
) -> tuple[str, dict[str, dict[str, float]]]:
    """The sampler whose draws are hardest to tell from held-out latents, and the tests behind the choice.

    Args:
        samplers: by name, in order of preference: an earlier one stands unless a later one is better by more
            than 0.01.
        held: posterior samples of held-out items, (m, d).

    Returns:
        The name, and for each sampler ``same`` (share of same-set neighbours, 0.5 is best) and ``p``.
    """
    n = min(len(held), 2000)
    tests = {}
    for name, sampler in samplers.items():
        same, p = two_sample(sampler.sample(n, rng(seed)).cpu(), held[:n].cpu(), seed=seed)
        tests[name] = {"same": same, "p": p}
    best = None
    for name, test in tests.items():
        if best is None or test["same"] < tests[best]["same"] - 0.01:
            best = name
    assert best is not None
    return best, tests
