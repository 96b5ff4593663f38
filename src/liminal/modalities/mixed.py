r"""The likelihood of a row of several kinds of columns, independent given z: see `likelihoods`.

.. math:: p(x|z) = \prod_{\text{numbers}} N(x_j; y_j, \sigma_j^2)\;
          \prod_{\text{yes/no}} \mathrm{Bern}(x_j; y_j)\; \prod_{\text{categories}} \mathrm{Cat}(x_j; y_j)

All columns of a kind are worked on at once: a table has dozens, and one after another they cost more than the
network.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from ..errors import LiminalError
from .likelihoods import FOLLOW, SURE, Likelihood

SHARP = 0.05  # least standard deviation of known numbers when the rest of a row is told from them
TINY = 1e-20  # added by a floor to what a root is taken of, so that its slope is finite
WIDTHS = {"number": 1, "optional": 2, "yes": 1}


class Column(NamedTuple):
    """Numbers of a `Mixed` likelihood that belong together.

    Attributes:
        kind: ``number`` (one number, unbounded), ``optional`` (a number, and 1 where it is known, else 0
            twice), ``yes`` (a probability) or ``category`` (one of `width` symbols, one-hot).
        width: how many numbers of x it takes.
    """

    kind: str
    width: int = 1


class Mixed(Likelihood):
    """Columns of several kinds, independent given z: numbers under Gaussians with a learned sigma each,
    yes/no, categories.

    Args:
        columns: in their order; x and y are (n, sum of their widths).

    Attributes:
        places: of each column in x and y.
    """

    name = "mixed"
    log_sigma: Tensor
    numbers: Tensor  # places of numbers
    flags: Tensor  # places of probabilities: yes/no, and whether a number is known
    known: (
        Tensor  # for each number the place of the flag that says whether it is known; a one follows the row
    )
    symbols: Tensor  # (categories, widest): places of a category's symbols, those beyond its own repeated
    real: Tensor  # (categories, widest): which of these are its own
    own: Tensor  # the same as places in the flattened (categories, widest)
    order: Tensor  # brings numbers, flags and symbols, in this order, back to their places

    def __init__(self, columns: Sequence[Column | Sequence[Any]]) -> None:
        super().__init__()
        self.columns = tuple(Column(*column) for column in columns)
        for column in self.columns:
            least = WIDTHS.get(column.kind, max(column.width, 2))
            if column.kind not in (*WIDTHS, "category") or column.width != least:
                raise LiminalError(
                    f"mixed likelihood: a column {tuple(column)}; wanted number, optional, yes or category"
                )
        if not self.columns:
            raise LiminalError("mixed likelihood: no columns; wanted 1 or more")
        ends = [0, *itertools.accumulate(column.width for column in self.columns)]
        self.places = tuple(slice(a, b) for a, b in itertools.pairwise(ends))
        self.shape = self.soft_shape = (ends[-1],)
        self.register_buffer("log_sigma", torch.zeros(len(self.columns)))
        at: dict[str, list[int]] = {kind: [] for kind in (*WIDTHS, "category")}
        for i, column in enumerate(self.columns):
            at[column.kind].append(i)
        self._numbered = sorted(at["number"] + at["optional"])
        start = [place.start for place in self.places]
        numbers = [start[i] for i in self._numbered]
        flags = sorted([start[i] for i in at["yes"]] + [start[i] + 1 for i in at["optional"]])
        known = [start[i] + 1 if self.columns[i].kind == "optional" else ends[-1] for i in self._numbered]
        widest = max((self.columns[i].width for i in at["category"]), default=0)
        symbols = [
            [start[i] + min(j, self.columns[i].width - 1) for j in range(widest)] for i in at["category"]
        ]
        real = [[j < self.columns[i].width for j in range(widest)] for i in at["category"]]
        theirs = [place for i in at["category"] for place in range(start[i], ends[i + 1])]
        for name, value in {
            "numbers": torch.tensor(numbers, dtype=torch.long),
            "flags": torch.tensor(flags, dtype=torch.long),
            "known": torch.tensor(known, dtype=torch.long),
            "symbols": torch.tensor(symbols, dtype=torch.long).reshape(len(symbols), widest),
            "real": torch.tensor(real, dtype=torch.bool).reshape(len(symbols), widest),
            "own": torch.tensor(real, dtype=torch.bool).flatten().nonzero()[:, 0],
            "order": torch.tensor([*numbers, *flags, *theirs], dtype=torch.long).argsort(),
        }.items():
            self.register_buffer(name, value, persistent=False)

    def config(self) -> dict[str, Any]:
        return {"columns": [list(column) for column in self.columns]}

    @property
    def size(self) -> int:
        return len(self.columns)

    def soft(self, out: Tensor) -> Tensor:
        out = out.float()
        parts = [out[:, self.numbers], out[:, self.flags].sigmoid()]
        if len(self.symbols):
            parts.append(self._logits(out).softmax(2).flatten(1)[:, self.own])
        return torch.cat(parts, 1)[:, self.order]

    def _logits(self, out: Tensor) -> Tensor:
        """(n, categories, widest), -inf where a category has no such symbol."""
        return out[:, self.symbols].masked_fill(~self.real, -math.inf)

    def nll(self, x: Tensor, out: Tensor) -> Tensor:
        x, out = x.float(), out.float()
        squares, counts = self._squares(x, out)
        log_sigma = self._learned(squares, counts)
        total = counts * (log_sigma + 0.5 * (1 + math.log(2 * math.pi)))
        return total.sum() / len(x) + self._surprise(x, out)

    def distortion(self, x: Tensor, out: Tensor) -> Tensor:
        x, out = x.float(), out.float()
        squares, counts = self._squares(x, out)
        self._learned(squares.detach(), counts)  # for `draw`
        return squares.sum() / len(x) + self._surprise(x, out)

    def _learned(self, squares: Tensor, counts: Tensor) -> Tensor:
        """log sigma of each number at its optimum for a batch, no sharper than 1/1000 of a unit; in training,
        the learned ones follow."""
        log_sigma = 0.5 * (squares / counts.clamp_min(1)).clamp_min(SURE).log()
        if self.training:
            with torch.no_grad():
                self.log_sigma[self._numbered] = self.log_sigma[self._numbered].lerp(log_sigma, FOLLOW)
        return log_sigma

    def _squares(self, x: Tensor, out: Tensor) -> tuple[Tensor, Tensor]:
        """Of each column of numbers the summed squared error of those that are known, and how many they
        are."""
        known = F.pad(x, (0, 1), value=1.0)[:, self.known]
        return ((x[:, self.numbers] - out[:, self.numbers]).square() * known).sum(0), known.sum(0)

    def _surprise(self, x: Tensor, out: Tensor) -> Tensor:
        """-log p of flags and symbols, nats an item."""
        flags = F.binary_cross_entropy_with_logits(out[:, self.flags], x[:, self.flags], reduction="sum")
        if not len(self.symbols):
            return flags / len(x)
        logs = self._logits(out).log_softmax(2).masked_fill(~self.real, 0.0)
        return (flags - (logs * x[:, self.symbols]).sum()) / len(x)

    def partial(self, x: Tensor, lacking: Tensor, near: Tensor) -> Callable[[Tensor], Tensor]:
        weight = (~lacking).float()
        known = F.pad(x, (0, 1), value=1.0)[:, self.known] * weight[:, self.numbers]
        places = self.symbols.flatten()[self.own]

        def squares(y: Tensor) -> Tensor:
            return (x[:, self.numbers] - y[:, self.numbers]).square() * known

        spread = (squares(near).sum() / known.sum().clamp_min(1)).clamp_min(SHARP**2)

        def surprise(y: Tensor) -> Tensor:
            chance = y[:, self.flags].clamp(SURE, 1 - SURE)
            flags = F.binary_cross_entropy(chance, x[:, self.flags], reduction="none") * weight[:, self.flags]
            logs = y[:, places].clamp_min(SURE).log() * x[:, places] * weight[:, places]
            return squares(y).sum(1) / (2 * spread) + flags.sum(1) - logs.sum(1)

        return surprise

    def errors(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """``mse``: squared distance in the chart, a column. Where there are such columns, ``numbers``: mean
        squared error of the known ones; ``wrong``: share of the flags and symbols that are not restored."""
        x, y = x.double(), y.double()
        found = {"mse": (self.chart(x) - self.chart(y)).square().sum(1) / len(self.columns)}
        if len(self.numbers):
            known = F.pad(x, (0, 1), value=1.0)[:, self.known]
            squares = (x[:, self.numbers] - y[:, self.numbers]).square() * known
            found["numbers"] = squares.sum(1) / known.sum(1).clamp_min(1)
        wrong = [(x[:, self.flags] > 0.5) != (y[:, self.flags] > 0.5)]
        if len(self.symbols):
            wrong.append(self._best(x) != self._best(y))
        if (count := len(self.flags) + len(self.symbols)) > 0:
            found["wrong"] = torch.cat(wrong, 1).double().sum(1) / count
        return found

    def _best(self, y: Tensor) -> Tensor:
        """The likeliest symbol of each category, (n, categories)."""
        return y[:, self.symbols].masked_fill(~self.real, -1.0).argmax(2)

    def harden(self, y: Tensor) -> Tensor:
        flags = (y > 0.5).to(y.dtype)
        known = F.pad(flags, (0, 1), value=1.0)[:, self.known]
        parts = [y[:, self.numbers] * known, flags[:, self.flags]]
        if len(self.symbols):
            parts.append(F.one_hot(self._best(y), self.symbols.shape[1]).to(y.dtype).flatten(1)[:, self.own])
        return torch.cat(parts, 1)[:, self.order]

    def draw(self, y: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Numbers with the noise of their learned sigma (none where none was learned), flags and symbols by
        their chances. Means and commonest symbols alone would be told from data at a glance: nothing that z
        does not know would ever vary."""
        sigma = torch.where(self.log_sigma == 0, 0.0, self.log_sigma.exp())[self._numbered].to(y)
        noise = torch.randn(len(y), len(self.numbers), generator=generator).to(y)
        drawn = torch.rand(len(y), len(self.flags), generator=generator).to(y)
        flags = y.clone()
        flags[:, self.flags] = (drawn < y[:, self.flags]).to(y.dtype)
        known = F.pad(flags, (0, 1), value=1.0)[:, self.known]
        parts = [(y[:, self.numbers] + sigma * noise) * known, flags[:, self.flags]]
        if len(self.symbols):
            chances = y[:, self.symbols].masked_fill(~self.real, 0.0).cumsum(2)
            at = torch.rand(*chances.shape[:2], 1, generator=generator).to(y) * chances[:, :, -1:]
            symbol = (chances <= at).sum(2).clamp_max(self.symbols.shape[1] - 1)
            parts.append(F.one_hot(symbol, self.symbols.shape[1]).to(y.dtype).flatten(1)[:, self.own])
        return torch.cat(parts, 1)[:, self.order]

    def chart(self, y: Tensor) -> Tensor:
        """Numbers as they are, weighed by how likely they are known; the roots of probabilities. Kinds stand
        together."""
        root = lambda p: p.clamp_min(TINY).sqrt()
        known = F.pad(y, (0, 1), value=1.0)[:, self.known]
        flags = y[:, self.flags]
        symbols = y[:, self.symbols].flatten(1)[:, self.own]
        return torch.cat([y[:, self.numbers] * known, root(flags), root(1 - flags), root(symbols)], 1)
