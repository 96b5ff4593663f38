r"""Edits that are no straight line: what latents are on average, given all attributes.

A direction is one vector for every item. Where an octave more lies elsewhere for each key and rhythm, no
vector leads there. Here a network f learns the conditional mean of latents,

    z = f(a) + r,    f(a) ~ E[z | a],

from the items whose attributes a are known: the regression behind the ``conditional`` direction, bent. An
item is edited by

    z' = z + f(a') - f(a),

a' being a with what was asked; r, what attributes do not tell, stays as it is. It is the counterfactual of
an additive noise model (abduction, action, prediction), true as far as r does not depend on a. Between two
items the attributes go from a_0 to a_1 and the rest from r_0 to r_1,

    z_t = f(a_t) + (1 - t) r_0 + t r_1,

numbers evenly, while what has no half (a category, yes or no) changes half way: so a walk leads over items
as there are, where the straight line leads over mixtures of them.

What is not known of a is told from z: a second network gives q(a | z), and from its likeliest values, and
from draws of it, one attribute after the other takes the value that maximises

    log q(value | z) - |(z - f(a)) / s|^2 / 2,

s the standard deviations of r in items that f was not fitted to; the best end is taken. In the fit a few
attributes are hidden at random, so that f also knows what to expect where one is unknown.

Source: Pearl 2009, Causality (7.1); Hoyer et al. 2009, Nonlinear causal discovery with additive noise models;
Pawlowski et al. 2020, Deep structural causal models; Abdal et al. 2021, StyleFlow (latents given attributes).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from ...errors import LiminalError
from ...nn import mlp
from ...tensors import in_chunks, rng
from ..ways.mixing import Way
from .probes import OFF

LEAST = 20  # items
WIDTH = 64  # of the networks: a quarter of their hidden units
BATCH, RATE, DECAY = 128, 3e-3, 0.05  # of AdamW, on a one-cycle schedule
PASSES, STEPS = 60, (300, 3500)  # over the items; steps at least and at most
READ = 0.5  # share of these steps for q
HIDDEN, NOISE = 0.01, 0.1  # share of the attributes that are hidden from f, and noise on the z that q sees
LOOKS = 10  # times that a network is judged on a tenth of the items
VALUES = 33  # of a number that are tried: all that it has, or as many quantiles
STARTS, SWEEPS = 8, 4  # where it is looked for them from, and sweeps over them at most
SURE = 1e-3  # chance that every value keeps

Spec = dict[str, dict[str, Any]]
Row = dict[str, Tensor]  # by attribute (n,): standardised numbers, 0 or 1, class numbers; NaN or -1 unknown


class Asked(NamedTuple):
    """A term of a formula.

    Attributes:
        name: of the attribute.
        value: of a category; the standardised number that a number is set to; None else.
        strength: standard deviations of a number, share of the way to a set one, or of the step from off to
            on.
        apart: attributes that are not held, since one of the two tells the other.
    """

    name: str
    value: str | float | None
    strength: float
    apart: Collection[str] = ()


class Mean(nn.Module):
    """f: attributes as numbers (n, w) -> latents (n, d), a linear map and what a dense network adds."""

    def __init__(self, inputs: int, dim: int) -> None:
        super().__init__()
        self.line = nn.Linear(inputs, dim)
        self.bend = mlp.Decoder((dim,), inputs, WIDTH)
        for parameter in self.bend.body[-1].parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        return self.line(x) + self.bend(x)


@dataclass(frozen=True, kw_only=True)
class Conditional:
    """What `fit_conditional` fits; f(a) when called. Latents are standardised in here by `mean` and `scale`.

    Attributes:
        spec: the attributes, as `measures.eyes.columns.describe` has them.
        values: the standardised values of each number that are tried where it is unknown.
        shares: how often each class of a category comes.
        forth: the weights of f, flat.
        back: those of q.
        mean: (d,), of the latents.
        scale: their root mean square distance from it, in one dimension.
        noise: (d,), standard deviation of z - f(a).
        errors: root mean square error of q in each number, standardised.
        explained: share of the latents' variance that attributes tell in items that nothing was fitted to: by
            a linear map, by f.
    """

    spec: Spec
    values: dict[str, list[float]]
    shares: dict[str, list[float]]
    forth: Tensor = field(repr=False)
    back: Tensor = field(repr=False)
    mean: Tensor = field(repr=False)
    scale: float
    noise: Tensor = field(repr=False)
    errors: dict[str, float]
    explained: tuple[float, float]

    @cached_property
    def _networks(self) -> tuple[nn.Module, nn.Module]:
        found = _networks(self.spec, len(self.mean))
        for network, weights in zip(found, (self.forth, self.back), strict=True):
            vector_to_parameters(weights, network.parameters())
            network.eval().requires_grad_(False)
        return found

    def __call__(self, row: Row) -> Tensor:
        """f(a): (n, d)."""
        with torch.no_grad():
            return in_chunks(self._networks[0], inputs(row, self.spec)) * self.scale + self.mean

    def told(self, z: Tensor, known: Row | None = None) -> Row:
        """All attributes of items: those that are known, and the likeliest of the others.

        Args:
            z: (n, d).
            known: attributes; NaN or -1 where one is not known.
        """
        with torch.no_grad():
            out = in_chunks(self._networks[1], (z - self.mean) / self.scale).repeat_interleave(STARTS, 0)
        z, first = z.repeat_interleave(STARTS, 0), torch.arange(len(out)) % STARTS == 0
        chances = {name: self._chances(name, part) for name, part in _split(out, self.spec).items()}
        fixed = {name: torch.zeros(len(z), dtype=torch.bool) for name in self.spec}
        row, draw = {}, rng(0)
        for name, (values, chance) in chances.items():
            drawn = torch.multinomial(chance.softmax(1), 1, generator=draw)[:, 0]
            at = torch.where(first, chance.argmax(1), drawn)
            row[name] = values.gather(1, at[:, None])[:, 0]
        for name, value in (known or {}).items():
            value = value.repeat_interleave(STARTS, 0)
            fixed[name] = ~_unknown(value)
            row[name] = torch.where(fixed[name], value, row[name])
        for _ in range(SWEEPS):
            before = dict(row)
            for name, (values, chance) in chances.items():
                if not fixed[name].all():
                    best = self._likeliest(z, row, name, values, chance)
                    row[name] = torch.where(fixed[name], row[name], best)
            if all(torch.equal(before[name], row[name]) for name in row):
                break
        score = -0.5 * ((z - self(row)) / self.noise).square().sum(1)
        for name, (values, chance) in chances.items():
            own = (values - row[name][:, None]).abs().argmin(1, True)
            score = score + torch.where(fixed[name], 0.0, chance.gather(1, own)[:, 0])
        best = score.unflatten(0, (-1, STARTS)).argmax(1) + STARTS * torch.arange(len(z) // STARTS)
        return {name: value[best] for name, value in row.items()}

    def _chances(self, name: str, out: Tensor) -> tuple[Tensor, Tensor]:
        """Values (n, v) of an attribute and log q of each, (n, v), from q's own output for it."""
        kind, n = self.spec[name]["kind"], len(out)
        if kind == "category":
            return torch.arange(out.shape[1]).expand(n, -1), out.softmax(1).clamp_min(SURE).log()
        if kind == "bool":
            p = torch.cat([-out, out], 1).sigmoid().clamp_min(SURE)
            return torch.tensor([0.0, 1.0]).expand(n, -1), p.log()
        values = torch.cat([torch.tensor(self.values[name]).expand(n, -1), out], 1)
        return values, -0.5 * ((values - out) / self.errors[name]).square()

    def _likeliest(self, z: Tensor, row: Row, name: str, values: Tensor, chance: Tensor) -> Tensor:
        """(n,): the value of one attribute that explains the latents best, the others as in the row."""
        count = values.shape[1]
        each = {k: v.repeat_interleave(count) for k, v in row.items()} | {name: values.flatten()}
        miss = (z.repeat_interleave(count, 0) - self(each)) / self.noise
        score = chance - 0.5 * miss.square().sum(1).unflatten(0, (-1, count))
        return values.gather(1, score.argmax(1, True))[:, 0]

    def step(self, row: Row, asked: Sequence[Asked]) -> Tensor:
        """The change (n, d) of the latents of items with these attributes, each term from where the one
        before led."""
        row, total = dict(row), torch.zeros(len(next(iter(row.values()))), len(self.mean))
        for term in (term for term in asked if term.strength):
            held = row | {name: torch.full_like(row[name], _blank(self.spec[name])) for name in term.apart}
            ends, weight = self._ends(row[term.name], term)
            there = sum(
                (share[:, None] * self(held | {term.name: value}) for value, share in ends), total * 0
            )
            total = total + weight * (there - self(held))
            values, shares = (torch.stack(parts) for parts in zip(*ends, strict=True))
            row[term.name] = values.gather(0, shares.argmax(0, True))[0]
        return total

    def way(self, keys: Tensor, row: Row) -> Way:
        """The way between any two of the keys (k, d), whose attributes are known: see the top of the file."""
        rest = keys - self(row)

        def between(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
            i, j = (int((keys - key).square().sum(1).argmin()) for key in (a, b))
            going = {}
            for name, how in self.spec.items():
                first, last = row[name][i], row[name][j]
                even = how["kind"] == "number"
                going[name] = first + t * (last - first) if even else torch.where(t < 0.5, first, last)
            part = t[:, None]
            return self(going) + (1 - part) * rest[i] + part * rest[j]

        return between

    def _ends(self, now: Tensor, term: Asked) -> tuple[list[tuple[Tensor, Tensor]], float]:
        """Where a term leads an attribute: values (n,), and the share (n,) of each; how much of the way."""
        how, strength, one = self.spec[term.name], term.strength, torch.ones(len(now))
        if how["kind"] == "number":
            far = strength if term.value is None else strength * (float(term.value) - now)
            return [(now + far, one)], 1.0
        if how["kind"] == "bool":
            return [(torch.full_like(now, float(strength > 0)), one)], abs(strength)
        named = [c == term.value if term.value is not None else c.lower() not in OFF for c in how["classes"]]
        wanted = torch.tensor(named) == (strength > 0)
        shares = torch.tensor(self.shares[term.name]) * wanted
        shares = shares / shares.sum().clamp_min(1e-9)
        stays = wanted[now]
        return [
            (torch.full_like(now, i), torch.where(stays, (now == i).float(), shares[i]))
            for i in wanted.nonzero()[:, 0].tolist()
        ], abs(strength)


def fit_conditional(
    z: Tensor, known: Row, spec: Spec, *, seed: int = 0, progress: Callable[[float], None] | None = None
) -> Conditional:
    """Fit f, least squares first and then a network on what these leave, and q, by AdamW.

    A tenth of the items, chosen at random, stops either where it tells these best; for f that may be before
    it has begun.

    Args:
        z: (n, d), latents of items.
        known: their attributes.
        spec: of these.
        seed: of the choice, the weights, the order of the items and what is hidden.
        progress: called with the share that is done.

    Raises:
        LiminalError: there are no attributes, or fewer than `LEAST` items.
    """
    if not spec or len(z) < LEAST:
        raise LiminalError(
            f"conditional edits: {len(z)} items with {len(spec)} attributes that can be learned; wanted "
            f"{LEAST} or more with 1 or more"
        )
    draw, tell = rng(seed), progress or (lambda share: None)
    mean = z.mean(0)
    scale = float((z - mean).square().mean().sqrt().clamp_min(1e-9))
    order, tenth = torch.randperm(len(z), generator=draw), max(LEAST // 4, len(z) // 10)
    x, y = inputs(known, spec), (z - mean) / scale
    apart, rest = order[:tenth], order[tenth:]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        forth, back = _networks(spec, z.shape[1])
    forth.line.load_state_dict(_line(x[rest], y[rest]))
    line = _miss(forth, x[apart], y[apart])
    group, unknown = _groups(spec)

    def bend(rows: Tensor) -> Tensor:
        hidden = torch.rand(len(rows), len(spec), generator=draw) < HIDDEN
        return (forth(torch.where(hidden[:, group], unknown, x[rows])) - y[rows]).square().mean()

    def read(rows: Tensor) -> Tensor:
        noise = NOISE * torch.randn(len(rows), z.shape[1], generator=draw)
        return _surprise(back(y[rows] + noise), {k: v[rows] for k, v in known.items()}, spec)

    part = lambda start, end: lambda share: tell(start + (end - start) * share)
    _fit(forth, list(forth.bend.parameters()), bend, apart, rest, 1.0, draw, part(0, 0.65))
    _fit(back, list(back.parameters()), read, apart, rest, READ, draw, part(0.65, 1))
    with torch.no_grad():
        miss = forth(x[apart]) - y[apart]
        seen = _split(back(y[apart]), spec)
    numbers = [name for name, how in spec.items() if how["kind"] == "number"]
    varied = float(y[apart].square().mean())
    return Conditional(
        spec=spec,
        values={name: _values(known[name]) for name in numbers},
        shares={name: _shares(known[name], how) for name, how in spec.items() if how["kind"] == "category"},
        forth=parameters_to_vector(forth.parameters()).detach(),
        back=parameters_to_vector(back.parameters()).detach(),
        mean=mean,
        scale=scale,
        noise=scale * miss.square().mean(0).sqrt().clamp_min(1e-3),
        errors={name: _error(seen[name][:, 0] - known[name][apart]) for name in numbers},
        explained=(1 - line / varied, 1 - float(miss.square().mean()) / varied),
    )


def _networks(spec: Spec, dim: int) -> tuple[Mean, mlp.Decoder]:
    """f and q, with weights as torch draws them."""
    return Mean(sum(map(_size, spec.values())), dim), mlp.Decoder(
        (sum(map(_outputs, spec.values())),), dim, WIDTH
    )


def _fit(
    network: nn.Module,
    parameters: list[nn.Parameter],
    loss: Callable[[Tensor], Tensor],
    apart: Tensor,
    rest: Tensor,
    share: float,
    draw: torch.Generator,
    tell: Callable[[float], None],
) -> None:
    """Fit a network to the loss of the rows `rest` and leave it as it was where that of `apart` was least."""
    least, most = STEPS
    steps = round(share * min(max(PASSES * len(rest) // BATCH, least), most))
    optimiser = torch.optim.AdamW(parameters, lr=RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps, pct_start=0.1)
    best, kept = math.inf, network.state_dict()
    for step in range(steps + 1):
        if step % max(1, steps // LOOKS) == 0 or step == steps:
            with torch.no_grad():
                miss = float(loss(apart))
            if miss < best:
                best, kept = miss, {k: v.clone() for k, v in network.state_dict().items()}
            tell(step / steps)
        if step < steps:
            optimiser.zero_grad(set_to_none=True)
            loss(rest[torch.randint(len(rest), (BATCH,), generator=draw)]).backward()
            optimiser.step()
            schedule.step()
    network.load_state_dict(kept)


def _line(x: Tensor, y: Tensor) -> dict[str, Tensor]:
    """The weights and biases of the ridge regression of y (n, d) on x (n, w)."""
    middle = x.mean(0)
    a = (x - middle).double()
    ridge = 1e-3 * len(x) * torch.eye(x.shape[1], dtype=torch.double)
    weight = torch.linalg.solve(a.T @ a + ridge, a.T @ (y - y.mean(0)).double()).float()
    return {"weight": weight.T.contiguous(), "bias": y.mean(0) - middle @ weight}


def _miss(network: nn.Module, x: Tensor, y: Tensor) -> float:
    with torch.no_grad():
        return float((network(x) - y).square().mean())


def _surprise(out: Tensor, known: Row, spec: Spec) -> Tensor:
    """The mean over attributes of q's loss on the rows where each is known."""
    losses = []
    for name, part in _split(out, spec).items():
        value = known[name]
        there = ~_unknown(value)
        if spec[name]["kind"] == "category":
            each = F.cross_entropy(part, value.clamp_min(0), reduction="none")
        elif spec[name]["kind"] == "bool":
            each = F.binary_cross_entropy_with_logits(part[:, 0], value.nan_to_num(0), reduction="none")
        else:
            each = (part[:, 0] - value.nan_to_num(0)).square()
        losses.append((each * there).sum() / there.sum().clamp_min(1))
    return torch.stack(losses).mean()


def _unknown(value: Tensor) -> Tensor:
    """bool (n,): where a value is not known."""
    return value.isnan() if value.is_floating_point() else value < 0


def _blank(how: Mapping[str, Any]) -> float:
    return -1 if how["kind"] == "category" else math.nan


def _outputs(how: Mapping[str, Any]) -> int:
    return len(how["classes"]) if how["kind"] == "category" else 1


def _size(how: Mapping[str, Any]) -> int:
    return _outputs(how) + 1  # that says unknown


def _split(out: Tensor, spec: Spec) -> dict[str, Tensor]:
    """q's outputs by attribute, (n, its own)."""
    return dict(zip(spec, out.split([_outputs(how) for how in spec.values()], 1), strict=True))


def inputs(row: Row, spec: Spec) -> Tensor:
    """Attributes as f takes them: (n, w); a number or a flag for each class, and a flag for unknown."""
    parts = []
    for name, how in spec.items():
        value, count = row[name], _outputs(how)
        if how["kind"] == "category":
            parts.append(F.one_hot(torch.where(value < 0, count, value), count + 1).float())
        else:
            parts.append(torch.stack([value.nan_to_num(0.0), value.isnan().float()], 1))
    return torch.cat(parts, 1)


def _groups(spec: Spec) -> tuple[Tensor, Tensor]:
    """The number of the attribute that each input of f belongs to, (w,), and the inputs of nothing known."""
    group = [i for i, how in enumerate(spec.values()) for _ in range(_size(how))]
    nothing = {name: torch.tensor([_blank(how)]) for name, how in spec.items()}
    return torch.tensor(group), inputs(nothing, spec)[0]


def _values(known: Tensor) -> list[float]:
    """All values of a number, or as many quantiles as `VALUES`."""
    found = known[~known.isnan()].unique()
    if len(found) > VALUES:
        found = found.double().quantile(torch.linspace(0, 1, VALUES, dtype=torch.double))
    return [float(v) for v in found]


def _shares(known: Tensor, how: Mapping[str, Any]) -> list[float]:
    """How often each class comes."""
    times = torch.bincount(known[known >= 0], minlength=len(how["classes"]))
    return [float(share) for share in times / times.sum().clamp_min(1)]


def _error(miss: Tensor) -> float:
    """Root mean square of what is known of a difference; 1 where nothing is."""
    miss = miss[~miss.isnan()]
    return max(float(miss.square().mean().sqrt()), 1e-3) if len(miss) else 1.0
