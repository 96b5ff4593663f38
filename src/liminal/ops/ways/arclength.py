"""Where the frames of a path stand: evenly by how far what is seen moves."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from .curves import Stretch

LEAST, MOST = 32, 256  # pieces of a stretch by which its length is taken at first
# Rounds of cutting pieces longer than half a frame's step, and into how many: ways through a flow leap
# between clusters.
ROUNDS, FINEST = 2, 16
BLOCK = 128  # points looked at at once

Look = Callable[[Tensor], Tensor]  # z (m, d) -> (m, ...), what the speed is to be constant in


def even(curve: Sequence[Stretch], steps: int, look: Look) -> list[Tensor]:
    """The places t at which each stretch is to be shown, so that what is seen changes by equal amounts from
    frame to frame.

    Every stretch gets 1 step or more and the rest goes by length, so that its ends are frames; inside it the
    arc length is inverted. A stretch along which nothing changes goes at even steps of t.

    Args:
        curve: its stretches.
        steps: in all, `len(curve)` or more.
        look: decoded data, or the latents themselves.

    Returns:
        For each stretch t (n,), float64, from 0 to before 1.
    """
    t = np.linspace(0, 1, min(max(LEAST, math.ceil(2 * steps / len(curve))), MOST) + 1)
    places = [t] * len(curve)
    arcs = [_arc(stretch, t, look) for stretch in curve]
    for _ in range(ROUNDS):
        piece = sum(arc[-1] for arc in arcs) / (2 * steps)
        for i, stretch in enumerate(curve):
            finer = _split(places[i], arcs[i], piece)
            if len(finer) > len(places[i]):
                places[i], arcs[i] = finer, _arc(stretch, finer, look)
    counts = share([float(arc[-1]) for arc in arcs], steps)
    return [torch.from_numpy(_invert(t, arc, n)) for t, arc, n in zip(places, arcs, counts, strict=True)]


def _split(t: np.ndarray, arc: np.ndarray, piece: float) -> np.ndarray:
    """The places t with more between those that lie further apart than `piece`."""
    if piece <= 0:
        return t
    parts = np.clip(np.ceil(np.diff(arc) / piece), 1, FINEST).astype(int)
    return np.append(
        np.repeat(t[:-1], parts)
        + np.concatenate([np.arange(n) / n for n in parts]) * np.repeat(np.diff(t), parts),
        1.0,
    )


def _arc(stretch: Stretch, t: np.ndarray, look: Look) -> np.ndarray:
    """The length (m,) of a stretch from its beginning to each of the places t (m,), as it looks; a block at a
    time.
    """
    z = stretch(torch.from_numpy(t))
    parts = [step_lengths(look(z[i : i + BLOCK + 1])) for i in range(0, len(z) - 1, BLOCK)]
    return np.concatenate([[0.0], np.cumsum(np.concatenate(parts))])


def _invert(t: np.ndarray, arc: np.ndarray, n: int) -> np.ndarray:
    if arc[-1] <= 0:
        return np.arange(n) / n
    rising = np.concatenate(
        [[True], np.diff(arc) > 0]
    )  # where nothing changes, the first place stands for all
    return np.interp(arc[-1] * np.arange(n) / n, arc[rising], t[rising])


def step_lengths(x: Tensor, loop: bool = False) -> np.ndarray:
    """Root mean square difference of each x (t, ...) from the next: (t - 1,), or (t,) on a loop."""
    flat = x.flatten(1).double().cpu()
    after = torch.cat([flat[1:], flat[:1]]) if loop else flat[1:]
    return (after - flat[: len(after)]).square().mean(1).sqrt().numpy()


def share(lengths: Sequence[float], steps: int) -> list[int]:
    """`steps` shared out in proportion to `lengths`, one or more each: the next step always goes where steps
    are longest.
    """
    given = [1] * len(lengths)
    most = max(lengths)
    parts = [
        round(length / most, 5) if most > 0 else 1.0 for length in lengths
    ]  # rounding errors decide no tie
    for _ in range(steps - len(parts)):
        longest = max(range(len(given)), key=lambda i: parts[i] / given[i])
        given[longest] += 1
    return given
