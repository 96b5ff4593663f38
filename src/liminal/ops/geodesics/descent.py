r"""The descent of `geodesics`: the cost of curves with fixed ends, a model of it, and quasi-Newton steps for
all curves at once.

The Gauss-Newton metric J'J of the decoder, taken by finite differences at a few points of each curve, makes a
block-tridiagonal model of the cost that is factorised exactly. Exact gradients, and L-BFGS about that model,
add the curvature of the decoder that J'J does not know: where a decoder bends much, as those of images do,
plain Gauss-Newton takes a sixth of the step that it should, and pays d decodings a point for it.

Source: Nocedal & Wright 2006, Numerical optimization, 7.2 (L-BFGS), 10.3 (Gauss-Newton).
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from ...errors import LiminalError
from ...tensors import CHUNK
from .metric import pullback_metric
from .polylines import Decode, Weight, decoded, resampled

MEMORY = 8  # steps that a curve remembers
REFRESH = 12  # rounds after which the metric is taken again
DAMPING = 1e-2  # of the metric, in its mean eigenvalue
FLAT = 1e-9  # of the squared size of the data: costs below are lost in rounding
TRIES = 5  # sizes of a step
# of decoded data in memory at once, with their gradients (64 MB in float32), unless one curve alone has more
NUMBERS = 2**24


@dataclass
class At:
    """The cost at k curves and what moves it; all but z are float64 on the CPU."""

    z: Tensor  # (k, points, d)
    value: Tensor  # (k,)
    slope: Tensor  # (k, points - 2, d), the gradient at inner points
    squares: Tensor  # (k, points - 1), squared steps in the data
    weights: Tensor  # (k, points - 1), at their middles
    rise: Tensor  # (k, points - 1, d), the weights' gradients

    def pick(self, rows: Tensor) -> At:
        return At(*(tensor[rows.to(tensor.device)] for tensor in self._all()))

    def put(self, rows: Tensor, other: At) -> None:
        for mine, its in zip(self._all(), other._all(), strict=True):
            mine[rows.to(mine.device)] = its

    def _all(self) -> list[Tensor]:
        return [getattr(self, field.name) for field in fields(self)]


class Cost:
    """The cost of curves between fixed ends, its gradient, and the metric.

    Args:
        decode: z (m, d) -> (m, D), differentiable.
        a: (n, d).
        b: (n, d).
        weight: lambda, or None.
    """

    def __init__(self, decode: Decode, a: Tensor, b: Tensor, weight: Weight | None) -> None:
        self.decode, self.weight, self.a, self.b = decode, weight, a, b
        self._xa, self._xb = decoded(decode, a), decoded(decode, b)
        self.size = (self._xa.square().sum(1) + self._xb.square().sum(1)).cpu().double()
        self._unit = float((b - a).square().mean().sqrt()) or 1.0

    def at(self, z: Tensor, rows: Tensor) -> At:
        """The cost at curves z (k, points, d) between the ends of `rows` (k,)."""
        count = max(1, min(CHUNK // 2, NUMBERS // self._xa.shape[1]) // (z.shape[1] - 2))
        parts = [self._part(part, own) for part, own in zip(z.split(count), rows.split(count), strict=True)]
        return At(*(torch.cat([getattr(part, field.name) for part in parts]) for field in fields(At)))

    def _part(self, z: Tensor, rows: Tensor) -> At:
        count, rows = z.shape[1] - 1, rows.to(self._xa.device)
        with torch.inference_mode(False), torch.enable_grad():
            inner = z[:, 1:-1].detach().clone().requires_grad_()
            x = self.decode(inner.flatten(0, 1))
            if not x.requires_grad:
                raise LiminalError(
                    "geodesics: the decoder gives no gradient; wanted one that torch can differentiate"
                )
            data = torch.cat(
                [self._xa[rows, None], x.detach().unflatten(0, inner.shape[:2]), self._xb[rows, None]], 1
            )
            step = data.diff(dim=1)
            weights, rise = self._factors(z)
            pull = weights.to(step)[..., None] * step
            # summed here: to hand the pull to `grad` makes torch load sympy, which takes a second
            toward = 2 * count * (pull[:, :-1] - pull[:, 1:]).flatten(0, 1)
            (slope,) = torch.autograd.grad((x * toward).sum(), inner)
        squares, weights, rise, slope = (
            t.detach().cpu().double() for t in (step.square().sum(-1), weights, rise, slope)
        )
        lean = count / 2 * squares[..., None] * rise
        return At(
            z, count * (weights * squares).sum(1), slope + lean[:, :-1] + lean[:, 1:], squares, weights, rise
        )

    def _factors(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Weights (k, points - 1) at the middles of steps, and their gradients (k, points - 1, d)."""
        middle = ((z[:, 1:] + z[:, :-1]) / 2).detach().clone().requires_grad_()
        if self.weight is None:
            return middle.new_ones(middle.shape[:2]), torch.zeros_like(middle)
        value = self.weight(middle.flatten(0, 1))
        if not value.requires_grad:
            raise LiminalError(
                "geodesics: the weight gives no gradient; wanted a function of z that torch can differentiate"
            )
        (rise,) = torch.autograd.grad(value.sum(), middle)
        return value.detach().view(middle.shape[:2]), rise

    def metric(self, z: Tensor) -> Tensor:
        """J'J (k, points - 1, d, d) in the middle of each step of curves z, linear between a few points where
        it is taken.

        It is taken at as many as cost about two gradients, at 3 at least. The ends matter most: there the
        data move fastest.
        """
        k, points, d = z.shape
        count = min(points, max(3, 4 * (points - 2) // (d + 1)))
        places = resampled(z, torch.linspace(0, 1, count, dtype=torch.float64)).flatten(0, 1)
        taken = pullback_metric(self.decode, places, spread=torch.full((d,), self._unit)) / self._unit**2
        at = (torch.arange(points - 1, dtype=torch.float64) + 0.5) / (points - 1) * (count - 1)
        left = at.long().clamp(max=count - 2)
        share, taken = (at - left)[:, None, None], taken.unflatten(0, (k, count))
        return (1 - share) * taken[:, left] + share * taken[:, left + 1]


class Model:
    """The quadratic model of the cost at k curves: a block-tridiagonal matrix for each, factorised
    (Cholesky).

    With e a step in the data and p, q what moves its two ends, it is the sum over the steps of
    T (lambda |J (q - p)|^2 + |e|^2 (grad lambda . (p + q))^2 / (16 lambda)):
    both squares of Gauss-Newton, without their product and without the change of J along the step.
    """

    def __init__(self, metric: Tensor, now: At) -> None:
        count, d = metric.shape[1], metric.shape[-1]
        mean = metric.diagonal(dim1=-2, dim2=-1).mean((1, 2))[:, None, None, None]
        apart = (
            2
            * count
            * now.weights[..., None, None]
            * (metric + (DAMPING * mean + 1e-30) * torch.eye(d, dtype=metric.dtype))
        )
        share = 2 * count * now.squares / (16 * now.weights)
        together = share[..., None, None] * now.rise[..., :, None] * now.rise[..., None, :]
        both = apart + together
        diagonal, beside = both[:, :-1] + both[:, 1:], (together - apart)[:, 1:-1]
        self._lower: list[Tensor] = []
        self._side: list[Tensor] = []
        for i in range(count - 1):
            block = diagonal[:, i] - self._side[i - 1].mT @ self._side[i - 1] if i else diagonal[:, 0]
            self._lower.append(torch.linalg.cholesky(block))
            if i < count - 2:
                self._side.append(torch.linalg.solve_triangular(self._lower[i], beside[:, i], upper=False))

    def solve(self, right: Tensor) -> Tensor:
        """The inverse of the matrix times (k, points - 2, d)."""
        found: list[Tensor] = []
        for i, lower in enumerate(self._lower):
            rest = right[:, i, :, None] - (self._side[i - 1].mT @ found[i - 1] if i else 0)
            found.append(torch.linalg.solve_triangular(lower, rest, upper=False))
        for i in reversed(range(len(found))):
            rest = found[i] - (self._side[i] @ found[i + 1] if i < len(found) - 1 else 0)
            found[i] = torch.linalg.solve_triangular(self._lower[i].mT, rest, upper=True)
        return torch.stack(found, 1)[..., 0]

    def keep(self, rows: Tensor) -> None:
        """Forget all curves but these."""
        self._lower, self._side = [t[rows] for t in self._lower], [t[rows] for t in self._side]


class Memory:
    """The last steps of k curves and how their gradients changed: L-BFGS about a model."""

    def __init__(self) -> None:
        self._pairs: list[
            tuple[Tensor, Tensor, Tensor]
        ] = []  # step, change of gradient, 1 / their product or 0 if that is not positive

    def add(self, step: Tensor, change: Tensor) -> None:
        """Remember one step of every curve; where the curvature along it was not positive it teaches
        nothing.
        """
        product = _dot(step, change)
        useful = product > 1e-10 * (_dot(step, step) * _dot(change, change)).sqrt()
        self._pairs = [*self._pairs, (step, change, torch.where(useful, 1 / product, 0.0))][-MEMORY:]

    def forget(self, rows: Tensor) -> None:
        """Whatever these curves remember."""
        for _, _, inverse in self._pairs:
            inverse[rows] = 0

    def keep(self, rows: Tensor) -> None:
        """Forget all curves but these."""
        self._pairs = [(step[rows], change[rows], inverse[rows]) for step, change, inverse in self._pairs]

    def apply(self, model: Model, slope: Tensor) -> Tensor:
        """The inverse of the curvature times the gradient, both (k, points - 2, d)."""
        rest, shares = slope, []
        for step, change, inverse in reversed(self._pairs):
            shares.append(inverse * _dot(step, rest))
            rest = rest - shares[-1][:, None, None] * change
        found = model.solve(rest)
        if self._pairs:
            step, change, inverse = self._pairs[-1]
            scale = _dot(step, change) / _dot(change, model.solve(change)).clamp_min(1e-300)
            found = found * torch.where(inverse > 0, scale, 1.0)[:, None, None]
        for (step, change, inverse), share in zip(self._pairs, reversed(shares), strict=True):
            found = found + (share - inverse * _dot(change, found))[:, None, None] * step
        return found


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum((1, 2))


def minimise(cost: Cost, z: Tensor, tolerance: float, rounds: int) -> tuple[At, Tensor, Tensor]:
    """Curves of less cost, from curves z (n, points, d).

    A curve is done when four times the decrease that the quadratic model predicts, and twice the mean
    decrease of its last two steps, are below `tolerance` of its cost; or when its cost is lost in rounding.
    It gives up where no step lowers the cost.

    Returns:
        Where they end; whether each was done (n,) bool; the steps it took (n,).
    """
    rows = torch.arange(len(z))
    now = cost.at(z, rows)
    end, converged, taken = (
        now.pick(rows),
        torch.zeros(len(z), dtype=torch.bool),
        torch.zeros(len(z), dtype=torch.long),
    )
    memory, recent, stuck = (
        Memory(),
        torch.zeros(len(z), 2, dtype=torch.float64),
        torch.zeros(len(z), dtype=torch.long),
    )
    for turn in range(rounds + 1):
        if turn % REFRESH == 0:
            metric = cost.metric(now.z)
        if turn % REFRESH == 0 or cost.weight is not None:
            model = Model(metric, now)
        move = -memory.apply(model, now.slope)
        fall = _dot(now.slope, move)
        small = (-2 * fall <= tolerance * now.value) & (recent.sum(1) <= tolerance)
        done = small | (now.value <= FLAT * cost.size[rows])
        left = ~done & (stuck < 2) & (turn < rounds)
        end.put(rows[~left], now.pick(~left))
        converged[rows[~left]] = done[~left]
        if not left.any():
            break
        rows, metric, move, fall, recent, stuck = (t[left] for t in (rows, metric, move, fall, recent, stuck))
        now = now.pick(left)
        model.keep(left)
        memory.keep(left)
        new = _descended(cost, rows, now, move, fall)
        moved = new.value < now.value
        memory.add((new.z - now.z)[:, 1:-1].cpu().double(), new.slope - now.slope)
        memory.forget(~moved)
        recent = torch.stack([recent[:, 1], (now.value - new.value) / now.value], 1)
        stuck = torch.where(moved, 0, stuck + 1)
        taken[rows] += moved
        now = new
    return end, converged, taken


def _descended(cost: Cost, rows: Tensor, now: At, move: Tensor, fall: Tensor) -> At:
    """Each curve moved by `move`, or by as much less as makes its cost fall (Armijo's rule); unmoved where
    nothing does.
    """
    todo, size = torch.arange(len(rows)), torch.ones(len(rows), dtype=torch.float64)
    new = now.pick(todo)
    for _ in range(TRIES):
        z = now.z[todo.to(now.z.device)].clone()
        z[:, 1:-1] += (size[:, None, None] * move[todo]).to(z)
        tried = cost.at(z, rows[todo])
        aim = size * fall[todo]
        good = tried.value <= now.value[todo] + 1e-4 * aim
        new.put(todo[good], tried.pick(good))
        best = -aim / (
            2 * (tried.value - now.value[todo] - aim)
        )  # the lowest point of the parabola through what was seen
        size = (size * torch.where(best.isfinite(), best, 0.1).clamp(0.1, 0.5))[~good]
        todo = todo[~good]
        if not len(todo):
            break
    return new
