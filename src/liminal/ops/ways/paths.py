"""Paths through latents, as what they are made of and as what they look like."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path as FilePath
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...errors import LiminalError, unknown
from ...generator import Generator
from ...modalities import Modality
from ...show import items as show
from . import arclength, curves, mixing
from .curves import polyline_way
from .mixing import Way
from .noise_mixing import Mixer

NAMES = (*mixing.ALONG, "mix", "smooth")
PACES = ("data", "latent")
ROUNDING = 1e-6  # of the decoded data's root mean square: a step below that is float32's rounding
NOTICEABLE = 0.5  # of an attribute's scale, between two keys: less is not asked whether it goes one way

__all__ = ["Path", "path", "polyline_way"]


@dataclass(frozen=True, kw_only=True)
class Path:
    """A path: its latents, its decoded items, and the evidence for how it goes.

    Attributes:
        z: (t, d), the first row exactly the first key and the last exactly the last (on a loop, the frame
            before the first key).
        frames: (t, *item_shape), the stored items that z decodes to.
        keys: (k, d), the latents it goes through.
        at: the frame of each key.
        along: the way between the keys.
        loop: whether the last frame leads back to the first.
        steps: (t - 1,), or (t,) on a loop: root mean square difference of a frame from the next one in the
            modality's chart; 0 where it is no more than rounding.
        modality: how the items look.
        how: where mixtures are made, in words; empty for other ways.
        pace: in what the speed is constant, ``data`` or ``latent``.
        support: (t,), how much each frame's latent belongs to the real items, in [0, 1]; None where nobody
            was asked.
        readings: (t,) of each attribute, as a reader sees it in the decoded frames.
        scale: for each attribute read, the change that counts as one.
    """

    z: Tensor
    frames: np.ndarray
    keys: Tensor
    at: tuple[int, ...]
    along: str
    loop: bool
    steps: np.ndarray
    modality: Modality = field(repr=False)
    how: str = ""
    pace: str = "data"
    support: np.ndarray | None = None
    readings: dict[str, np.ndarray] = field(default_factory=dict, repr=False)
    scale: dict[str, float] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.z)

    @property
    def moves(self) -> bool:
        """Whether any frame differs from the one before it."""
        return bool(self.steps.any())

    @property
    def words(self) -> str:
        """How it goes, in words."""
        if not self.moves:
            return "the path does not move: everything on it decodes to the same"
        return f"the largest step is {self.evidence['unevenness']:.2f} times the mean one"

    @property
    def evidence(self) -> dict[str, Any]:
        """JSON-ready.

        ``length`` (sum of the steps), ``largest_step``, ``unevenness`` = largest / mean step (1 is even),
        ``steps``, ``pace``; ``how`` for mixtures; with support ``support`` and ``least_support``; with
        readings ``attributes``, see `monotone`; ``note`` where the path does not move.
        """
        mean = float(self.steps.mean())
        largest = float(self.steps.max())
        found: dict[str, Any] = {
            "length": float(self.steps.sum()),
            "largest_step": largest,
            "unevenness": largest / mean if mean > 0 else 1.0,
            "steps": [float(s) for s in self.steps],
            "pace": self.pace,
        }
        if self.how:
            found["how"] = self.how
        if self.support is not None:
            found |= {"support": [float(s) for s in self.support], "least_support": float(self.support.min())}
        if self.readings:
            found["attributes"] = self.monotone
        if not self.moves:
            found["note"] = self.words
        return found

    @property
    def monotone(self) -> dict[str, dict[str, Any]]:
        """For each attribute that changes between two neighbouring keys by half its scale or more, how
        straight it goes from key to key.

        ``at_keys``: what is read at the keys; ``monotone``: the sum of |change from key to key| / the sum of
        |change from frame to frame|, 1 where it never turns back between keys.
        """
        found = {}
        for name, read in self.readings.items():
            values = np.append(read, read[0]) if self.loop else read
            keys = values[[*self.at, len(values) - 1]] if self.loop else values[list(self.at)]
            changes = np.abs(np.diff(keys))
            if changes.max() > 0 and changes.max() >= NOTICEABLE * self.scale.get(name, 1.0):
                share = float(changes.sum() / np.abs(np.diff(values)).sum())
                found[name] = {
                    "at_keys": [float(v) for v in read[list(self.at)]],
                    "monotone": min(share, 1.0),
                }
        return found

    def save(self, path: str | FilePath, fps: float = 24, times: int = 1) -> FilePath:
        """Write a film (``.gif``, ``.mp4``), all frames in rows (``.png``), or a form of the items' own kind,
        whole or not at all.

        Args:
            path: its ending chooses the format; without one it gets the kind's own.
            fps: frames a second of a film; one with sound shows each frame as long as its item sounds.
            times: how large the items are drawn; 2 is twice as wide and high as they usually are.

        Returns:
            What was written.

        Raises:
            LiminalError: another ending, `times` below 1, or the file cannot be written.
        """
        return show.save_path(self.frames, self.modality, path, fps, times)


def path(
    generator: Generator,
    modality: Modality,
    keys: Tensor,
    along: str | Way = "linear",
    frames: int = 48,
    loop: bool = False,
    *,
    pace: str = "data",
    mixer: Mixer | None = None,
    name: str | None = None,
    only: Tensor | None = None,
    white: Tensor | None = None,
    support: Callable[[Tensor], Tensor] | None = None,
    read: Callable[[Tensor], Mapping[str, Tensor]] | None = None,
    scale: Mapping[str, float] | None = None,
) -> Path:
    """A path through two or more latents, decoded.

    Every key is exactly a frame. The other frames are shared out among the stretches between keys by length,
    one step or more each, and stand evenly inside them, so that the speed is constant up to rounding.

    Args:
        generator: decodes the latents.
        modality: turns decoded data into items.
        keys: (k, d), k >= 2.
        along: ``linear``; ``slerp`` (arcs; the norm goes linearly); ``mix`` (arcs in the noise of the
            latents); ``smooth`` (one curve without corners through all keys, in that noise where a mixer is
            given); or a way of your own, f(a (d,), b (d,), t (m,)) -> (m, d), such as `polyline_way` makes of
            geodesics.
        frames: how many, at least one a key.
        loop: go on from the last key to the first; the first frame is not repeated.
        pace: the speed is constant in ``data`` (the modality's chart of what is decoded), or in the
            ``latent`` space.
        mixer: where to mix; None: in the space of the generator's prior, which for an autoencoder is worse
            than in its latent flow.
        name: what to call a way of your own.
        only: (k, d), directions; everything but these stays as at the first key, see `curves.only`.
        white: (d, a), the coordinates in which `only` looks for what is nearest.
        support: z (t, d) -> (t,) in [0, 1].
        read: decoded x (t, *shape) -> for each attribute (t,).
        scale: for each attribute the change that counts as one, such as its standard deviation; 1, right for
            probabilities, if not given.

    Raises:
        LiminalError: fewer than two keys, fewer frames than keys, an unknown way or pace, or latents that the
        generator refuses.
    """
    _check(generator, keys, frames, pace)
    curve, how = _curve(keys, along, loop, mixer or (Mixer(generator.prior) if along == "mix" else None))
    if only is not None:
        keys, curve = _moved_only(keys, curve, loop, only, white)
    look = (lambda z: modality.chart(generator.decode(z))) if pace == "data" else lambda z: z
    z, at = _walked(keys, curve, loop, frames, look)
    x = generator.decode(z)
    return Path(
        z=z,
        frames=modality.items(x),
        keys=keys,
        at=at,
        along=name or str(along if isinstance(along, str) else getattr(along, "name", "own way")),
        loop=loop,
        steps=steps_of(modality.chart(x), loop),
        modality=modality,
        how=how,
        pace=pace,
        support=None if support is None else support(z).double().cpu().numpy(),
        readings={k: v.double().cpu().numpy() for k, v in read(x).items()} if read else {},
        scale=dict(scale or {}),
    )


def _walked(
    keys: Tensor, curve: Sequence[curves.Stretch], loop: bool, frames: int, look: Callable[[Tensor], Tensor]
) -> tuple[Tensor, tuple[int, ...]]:
    """Latents (t, d) along a curve, at constant speed in what `look` sees, and the frame of each key."""
    places = arclength.even(curve, frames if loop else frames - 1, look)
    at = np.concatenate([[0], np.cumsum([len(t) for t in places])])[: len(keys)]
    parts = [stretch(t) for stretch, t in zip(curve, places, strict=True)]
    return torch.cat(parts if loop else [*parts, keys[-1:]]), tuple(int(i) for i in at)


def steps_of(x: Tensor, loop: bool) -> np.ndarray:
    """Of rows (t, m) of a chart: see `Path.steps`."""
    steps = arclength.step_lengths(x, loop)
    return np.where(steps > ROUNDING * float(x.double().square().mean().sqrt()), steps, 0.0)


def _moved_only(
    keys: Tensor, curve: Sequence[curves.Stretch], loop: bool, only: Tensor, white: Tensor | None
) -> tuple[Tensor, list[curves.Stretch]]:
    """Keys and the curve through them with everything but the directions `only` as at the first key."""
    hold = partial(curves.only, start=keys[0], directions=only, white=white)
    keys = hold(keys)
    return keys, curves.through(keys, [_held(stretch, hold) for stretch in curve], loop)


def _held(stretch: curves.Stretch, hold: Callable[[Tensor], Tensor]) -> Way:
    return lambda a, b, t: hold(stretch(t))


def _check(generator: Generator, keys: Tensor, frames: int, pace: str) -> None:
    if keys.ndim != 2 or len(keys) < 2:
        raise LiminalError(
            f"path: wanted 2 items or more to go through, got {len(keys) if keys.ndim == 2 else 1}"
        )
    if frames < len(keys):
        raise LiminalError(
            f"path: {frames} frames cannot show {len(keys)} items; ask for {len(keys)} frames or more"
        )
    generator.check(keys)
    if pace not in PACES:
        raise unknown("pace", pace, PACES)


def _curve(
    keys: Tensor, along: str | Way, loop: bool, mixer: Mixer | None
) -> tuple[list[curves.Stretch], str]:
    """The stretches from key to key, and where mixtures are made."""
    if along == "smooth":
        return curves.smooth(keys, loop, mixer), mixer.how if mixer else ""
    if along == "geodesic":
        raise LiminalError(
            "path: geodesics are computed in advance; give polyline_way(curves) as the way, and the name "
            "'geodesic'"
        )
    if along == "mix":
        assert mixer is not None
        along = mixer
    if isinstance(along, str):
        if along not in NAMES:
            raise unknown("way between items", along, (*NAMES, "geodesic", "conditional"))
        along = mixing.along(along)
    return curves.stretches(keys, along, loop), getattr(along, "how", "")
