"""Networks for sentences (m + 1, places), vectors of words and the chance of the end: encoder, decoder, and
the body of a reader.

The encoder reads in both directions (gated recurrent units: Cho et al. 2014) and takes the largest and the
mean of what it has seen. The decoder makes a plan of z, a vector for each place, and writes one word after
the other, told the plan and the words before: without the plan it forgets z on the way and writes any
sentence (Bowman et al. 2016), without the words before it writes places that do not fit together. In
training it is told the true words before, of which some are blotted out; later it follows the likeliest
beginnings (beam search).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ..errors import LiminalError

HIDDEN = 10  # units for each of `width`
PLAN = 64  # numbers of a place in the plan, and of the word before
BLOT = 0.15  # share of the words before that a decoder is not told in training
BEAM = 2  # beginnings of a sentence that are followed: four are no better, and take twice as long
NEVER = -1e9  # log chance of what is not allowed
ENTER = 2.0  # unit vectors of words come in with this length


def check(shape: tuple[int, ...]) -> tuple[int, int]:
    """`shape` as (numbers, places).

    Raises:
        LiminalError: it is no such pair.
    """
    if len(shape) != 2:
        raise LiminalError(f"sentences: items of shape {tuple(shape)}; wanted (numbers, places)")
    return shape[0], shape[1]


class Recurrent(nn.Module):
    """Gated recurrent units. Written out, as what torch has cannot be exported for any number of items."""

    def __init__(self, inputs: int, units: int) -> None:
        super().__init__()
        self.enter, self.again = nn.Linear(inputs, 3 * units), nn.Linear(units, 3 * units)
        for layer in (self.enter, self.again):
            nn.init.uniform_(layer.weight, -(units**-0.5), units**-0.5)

    def step(self, entered: Tensor, state: Tensor) -> Tensor:
        """The state (n, units) after one more input, which has gone through `enter`: (n, 3 units)."""
        reset, update, new = entered.chunk(3, 1)
        again = self.again(state).chunk(3, 1)
        keep = (update + again[1]).sigmoid()
        return keep * state + (1 - keep) * (new + (reset + again[0]).sigmoid() * again[2]).tanh()

    def forward(self, x: Tensor, state: Tensor | None = None) -> Tensor:
        """x (n, t, inputs) -> the states after each (n, t, units)."""
        entered, states = self.enter(x), []
        if state is None:
            state = torch.zeros_like(entered[:, 0, : entered.shape[2] // 3])
        for t in range(x.shape[1]):
            state = self.step(entered[:, t], state)
            states.append(state)
        return torch.stack(states, 1)


class Encoder(nn.Module):
    """y (n, m + 1, places) -> h (n, out)."""

    def __init__(self, shape: tuple[int, ...], out: int, width: int) -> None:
        super().__init__()
        numbers, wide = check(shape)[0], HIDDEN * width
        self.forth, self.back = Recurrent(numbers, wide // 2), Recurrent(numbers, wide // 2)
        wide = 2 * (wide // 2)
        self.head = nn.Sequential(
            nn.LayerNorm(2 * wide), nn.Linear(2 * wide, 2 * wide), nn.SiLU(), nn.Linear(2 * wide, out)
        )

    def forward(self, y: Tensor) -> Tensor:
        words = ENTER * y.transpose(1, 2)
        seen = torch.cat([self.forth(words), self.back(words.flip(1)).flip(1)], 2)
        weight = 1 - y[:, -1, :, None]  # of places before the end
        weight = torch.cat([torch.ones_like(weight[:, :1]), weight[:, 1:]], 1)
        largest = (seen * weight - 2 * (1 - weight)).amax(1)
        return self.head(torch.cat([largest, (seen * weight).sum(1) / weight.sum(1)], 1))


class Decoder(nn.Module):
    """z (n, d) -> raw output (n, m + 1, places).

    Args:
        shape, dim, width: as of the other families.
        data: the likelihood, which says what word an output stands for.

    Attributes:
        plain: whether it takes the likeliest word each time, see `plainly`.
    """

    plain = False

    def __init__(self, shape: tuple[int, ...], dim: int, width: int, data: Any) -> None:
        super().__init__()
        numbers, self.places = check(shape)
        self.wide = wide = HIDDEN * width
        self._data: Any = (data,)  # in a tuple, as it is a part of the model already
        self.plan = nn.Sequential(
            nn.Linear(dim, 2 * wide), nn.SiLU(), nn.Linear(2 * wide, self.places * PLAN + wide)
        )
        self.before = nn.Linear(numbers, PLAN)
        self.write = Recurrent(2 * PLAN, wide)
        self.head = nn.Sequential(
            nn.LayerNorm(wide + PLAN), nn.Linear(wide + PLAN, wide), nn.SiLU(), nn.Linear(wide, numbers)
        )

    def planned(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """The plan (n, places, PLAN), and the state (n, wide) to begin with."""
        plan = self.plan(z)
        start = plan[:, : self.wide].tanh()
        return plan[:, self.wide :].unflatten(1, (self.places, PLAN)), start

    def forward(self, z: Tensor, x: Tensor | None = None, known: Tensor | None = None) -> Tensor:
        """The answer that stands for the likeliest sentence found, see `written`; where `plain`, that of the
        likeliest word each time."""
        if self.plain:
            return self._greedy(z)
        found = self.written(z.detach(), x, known)
        return self._data[0].decided(self._after(z, found), found)

    def _greedy(self, z: Tensor) -> Tensor:
        data = self._data[0]
        plan, state = self.planned(z)
        before, out = torch.zeros_like(plan[:, 0]), []
        for t in range(self.places):
            state = self.write.step(self.write.enter(torch.cat([before, plan[:, t]], 1)), state)
            out.append(self.head(torch.cat([state, plan[:, t]], 1)))
            word = data.harden(data.soft(out[-1][..., None]))[..., 0]
            before = self.before(ENTER * word.detach())
        return torch.stack(out, 2)

    def written(self, z: Tensor, x: Tensor | None = None, known: Tensor | None = None) -> Tensor:
        """The likeliest sentences (n, places) for z (n, d), by a beam search of `BEAM` beginnings.

        Args:
            z: (n, d).
            x: (n, places), sentences of which some words are known.
            known: bool (n, places), which.
        """
        data = self._data[0]
        plan, state = self.planned(z)
        states, before = state[:, None], torch.zeros_like(plan[:, :1])  # (n, beginnings, units)
        score, on = torch.zeros_like(states[..., 0]), torch.ones_like(states[..., 0], dtype=torch.bool)
        found = score[..., None][..., :0].long()
        for t in range(self.places):
            wide = before.shape[1]
            own = plan[:, t, None].expand(-1, wide, -1).flatten(0, 1)
            entered = self.write.enter(torch.cat([before.flatten(0, 1), own], 1))
            after = self.write.step(entered, states.flatten(0, 1))
            chances = data.logits(self.head(torch.cat([after, own], 1))).unflatten(0, (-1, wide))
            whole = chances.logsumexp(2, keepdim=True)
            best, words = chances.topk(BEAM, 2)
            if x is not None and known is not None:
                told = known[:, t, None, None]
                word = x[:, t, None, None].expand(-1, wide, 1)
                best = torch.where(told, NEVER, best)
                best = torch.cat(
                    [torch.where(told, chances.gather(2, word), best[..., :1]), best[..., 1:]], 2
                )
                words = torch.where(told, word, words)
                more = (known[:, t + 1 :] & (x[:, t + 1 :] != data.END)).any(1)[:, None, None]
                best = torch.where(more & (words == data.END) & ~told, NEVER, best)
            best = best - whole
            over = torch.cat([torch.zeros_like(best[..., :1]), NEVER + torch.zeros_like(best[..., 1:])], 2)
            best, words = torch.where(on[..., None], best, over), words * on[..., None]
            score, at = (score[..., None] + best).flatten(1).topk(BEAM, 1)
            word, row = words.flatten(1).gather(1, at), at // BEAM
            found = torch.cat([_taken(found, row), word[..., None]], 2)
            states = _taken(after.unflatten(0, (-1, wide)), row)
            on = on.gather(1, row) & (word != data.END)
            before = self.before(ENTER * data.table[word])
        return found[:, 0]  # topk gives the best first

    def taught(self, z: Tensor, x: Tensor) -> Tensor:
        """The raw output where the words before each place are those of x (n, places)."""
        return self._after(z, x, BLOT if self.training else 0)

    def _after(self, z: Tensor, x: Tensor, blot: float = 0) -> Tensor:
        plan, state = self.planned(z)
        before = self.before(ENTER * self._data[0].target(x).transpose(1, 2)[:, :-1])
        if blot:
            before = before * (torch.rand(before.shape[:2], device=z.device) >= blot)[..., None]
        before = torch.cat([torch.zeros_like(plan[:, :1]), before], 1)
        seen = self.write(torch.cat([before, plan], 2), state)
        return self.head(torch.cat([seen, plan], 2)).transpose(1, 2)


def _taken(x: Tensor, row: Tensor) -> Tensor:
    """x (n, a, k) at rows (n, b) of its second axis: (n, b, k)."""
    return x.gather(1, row[..., None].expand(-1, -1, x.shape[2]))


class _Read(nn.Module):
    """(n, m + 1, places) -> (n, 2 c): of each channel of a convolution over three words the largest and the
    mean."""

    def __init__(self, numbers: int, channels: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Conv1d(numbers, channels, 3, padding=1), nn.ReLU())

    def forward(self, y: Tensor) -> Tensor:
        seen = self.inner(ENTER * y)
        return torch.cat([seen.amax(2), seen.mean(2)], 1)


def trunk(shape: tuple[int, ...], width: int, out: int) -> nn.Module:
    """y (n, m + 1, places) -> (n, out)."""
    return nn.Sequential(_Read(check(shape)[0], 4 * width), nn.Linear(8 * width, out))
