"""Paths through latents, as what they are made of and as what they look like."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ..errors import LiminalError
from ..export import grid, video
from ..generator import Generator
from ..modalities import Modality
from . import mixing

if TYPE_CHECKING:
    from PIL.Image import Image

PREVIEW = 320  # pixels of a frame's longer side, at most; whole factors of small items then stay above video's least size
ROW = 12  # frames in one row of a png


@dataclass(frozen=True)
class Path:
    """A path: its latents, its decoded items, and how evenly it goes.

    Attributes:
        z: (t, d), the first row exactly the first key and the last exactly the last (on a loop, the frame before the first key).
        frames: (t, *item_shape), the stored items that z decodes to.
        keys: (k, d), the latents it goes through.
        at: the frame of each key.
        along: the way between the keys.
        loop: whether the last frame leads back to the first.
        steps: (t - 1,), or (t,) on a loop: root mean square difference of a frame's decoded data from the next one's, in the data's unit.
        modality: how the items look.
    """

    z: Tensor
    frames: np.ndarray
    keys: Tensor
    at: tuple[int, ...]
    along: str
    loop: bool
    steps: np.ndarray
    modality: Modality = field(repr=False)

    def __len__(self) -> int:
        return len(self.z)

    @property
    def evidence(self) -> dict[str, Any]:
        """JSON-ready: ``length`` (sum of the steps), ``largest_step``, and ``unevenness`` = largest / mean step (1 is even)."""
        mean = float(self.steps.mean())
        largest = float(self.steps.max())
        uneven = largest / mean if mean > 0 else 1.0
        return {"length": float(self.steps.sum()), "largest_step": largest, "unevenness": uneven, "steps": [float(s) for s in self.steps]}

    def previews(self, size: int = PREVIEW) -> list[Image]:
        """Each frame as an RGB picture of at most `size` pixels."""
        return [self.modality.preview(item, size) for item in self.frames]

    def save(self, path: str | FilePath, fps: float = 24) -> None:
        """Write a film (``.gif``, ``.mp4``) or all frames in rows (``.png``), whole or not at all.

        Args:
            path: its ending chooses the format.
            fps: frames a second of a film.

        Raises:
            LiminalError: another ending, or the file cannot be written.
        """
        ending = FilePath(path).suffix.lower()
        if ending == ".gif":
            video.gif(self.previews(), path, fps)
        elif ending == ".mp4":
            video.mp4(self.previews(), path, fps)
        elif ending == ".png":
            grid.save(grid.grid(self.previews(128), columns=min(len(self), ROW)), path)
        else:
            raise LiminalError(f"save {path}: a path can be written as .gif, .mp4 or .png; got {ending or 'no ending'}")


def path(generator: Generator, modality: Modality, keys: Tensor, along: str = "linear", frames: int = 48, loop: bool = False) -> Path:
    """A path through two or more latents, decoded.

    Frames are shared out among the stretches between keys by their length in the latent space (one step or more each), so the speed there
    is constant up to rounding, and every key is exactly a frame.

    Args:
        generator: decodes the latents.
        modality: turns decoded data into items.
        keys: (k, d), k >= 2.
        along: ``linear``, or ``slerp`` (arcs; the norm goes linearly).
        frames: how many, at least one a key.
        loop: go on from the last key to the first; the first frame is not repeated.

    Raises:
        LiminalError: fewer than two keys, fewer frames than keys, an unknown way, or latents that the generator refuses.
    """
    way = mixing.along(along)
    if keys.ndim != 2 or len(keys) < 2:
        raise LiminalError(f"path: wanted 2 items or more to go through, got {len(keys) if keys.ndim == 2 else 1}")
    if frames < len(keys):
        raise LiminalError(f"path: {frames} frames cannot show {len(keys)} items; ask for {len(keys)} frames or more")
    stops = torch.cat([keys, keys[:1]]) if loop else keys
    steps = _share(_lengths(stops, along), frames if loop else frames - 1)
    parts = [way(a, b, torch.arange(n, dtype=torch.float64).to(a) / n) for a, b, n in zip(stops[:-1], stops[1:], steps, strict=True)]
    z = torch.cat(parts if loop else [*parts, keys[-1:]])
    x = generator.decode(z)
    at = np.concatenate([[0], np.cumsum(steps)])[: len(keys)]
    return Path(z, modality.items(x), keys, tuple(int(i) for i in at), along, loop, _steps(x, loop), modality)


def _lengths(stops: Tensor, along: str) -> list[float]:
    t = torch.linspace(0, 1, 33)
    return [float(mixing.along(along)(a, b, t.to(a)).diff(dim=0).norm(dim=1).sum()) for a, b in pairwise(stops)]


def _share(lengths: list[float], steps: int) -> list[int]:
    """`steps` shared out in proportion to `lengths`, one or more each: the next step always goes where steps are longest."""
    share = [1] * len(lengths)
    even = max(lengths) == 0
    for _ in range(steps - len(lengths)):
        longest = max(range(len(share)), key=lambda i: (1.0 if even else lengths[i]) / share[i])
        share[longest] += 1
    return share


def _steps(x: Tensor, loop: bool) -> np.ndarray:
    flat = x.flatten(1).double().cpu()
    after = torch.cat([flat[1:], flat[:1]]) if loop else flat[1:]
    return (after - flat[: len(after)]).square().mean(1).sqrt().numpy()
