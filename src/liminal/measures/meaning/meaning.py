"""Do mixtures of latents decode to mixtures of what the items show, how far from the middle, and because of
the mapping or the prior?

Attributes are read from decoded data, never by probes in z (`betweenness.Reading`). Pairs of real items are
walked along several kinds of path and judged by `betweenness.Line`: betweenness jointly with realism
(`realism`), monotonicity, midpoint bias, largest jump. Beside them, in the same call: blending in data space,
the nearest real item of the latent mixture, PCA of the same dimension, a decoder of random weights, a random
real item (chance) and copying an end.

The causal control: pairs of *true draws* of the prior (or of the noise of the latent flow) are coded anew by
maps that keep the prior, and so the distribution of what is decoded, exactly (`controls`): folded ones
destroy neighbourhoods, a rotation keeps them. The ends stay the same items, so that losses are paired. Ways
between them are the prior's own mixing rule, along which every point is a draw again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...distances import nearest
from ...errors import LiminalError
from ...generator import Generator
from ...modalities import Modality, Read
from ...ops.ways.mixing import Way, linear, slerp
from ...ops.ways.noise_mixing import Mixer, Noise
from ...priors import Normal, Prior, Sphere
from ...show import items as show
from ...show.items import Picture
from ...tensors import CHUNK, in_chunks, rng
from ..eyes.features import fit_features
from ..eyes.pca import fit_pca
from ..samples.realism import Realism
from ..value import Measure
from . import account
from .betweenness import JUDGED, Line, Point, Reading, estimate, overall
from .controls import Control, controls

STEPS = 8  # of a way, as monotonicity and the largest jump see it
FEW = (0.0, *JUDGED, 1.0)  # fractions where only betweenness is asked for
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)  # of the latents' radii
BEYOND = (1.25, 1.5, 2.0)  # times the radius at the last quantile
SHOWN = 24  # pairs whose pictures are kept
TILE = 128  # pixels of a tile, at most

Progress = Callable[[str, float, str], None]


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What mixtures mean in a space.

    Attributes:
        measures: with intervals and baselines.
        words: one page.
        curves: by kind of path (``linear``, ``slerp``), betweenness of midpoints at rising radii; empty where
            all latents have one radius.
        lines: what was read along each kind of way, by name: ``linear``, ``slerp``, ``mix``; ``blend``,
            ``nearest real item``, ``PCA``, ``random weights``, ``a random real item``, ``copy of an end``;
            ``none / mix``, ``folded 64 / linear``, ...
        frames: pictures of the first pairs along each of these, stored items (5, m, *item_shape).
        modality: of the items.
        notes: what could not be measured, and why.
    """

    measures: tuple[Measure, ...]
    words: str
    curves: Mapping[str, tuple[Point, ...]]
    lines: Mapping[str, Line]
    frames: Mapping[str, np.ndarray]
    modality: Modality
    notes: tuple[str, ...]

    def __getitem__(self, name: str) -> Measure:
        """The measure of that name."""
        for measure in self.measures:
            if measure.name == name:
                return measure
        raise KeyError(name)

    def picture(self, pair: int | None = None) -> Picture:
        """One pair along each kind of path, and one pair of draws under each control, at 0, 1/4, 1/2, 3/4 and
        1.

        The name of each row stands below its first picture.

        Args:
            pair: which of the first 24 pairs. None: of those, the one whose ends differ in most attributes.

        Raises:
            LiminalError: there is no such pair.
        """
        kept = len(next(iter(self.frames.values()))[0])
        if pair is not None and not 0 <= pair < kept:
            raise LiminalError(f"picture: pair {pair}; wanted 0 to {kept - 1}")
        chosen = []
        for name, frames in self.frames.items():
            assert self.lines[name].t[0] == 0
            chosen.append(frames[:, pair if pair is not None else self._telling(name, kept)])
        return show.rows(chosen, self.modality, TILE, list(self.frames))

    def _telling(self, name: str, kept: int) -> int:
        """The pair whose ends differ in most attributes; the same one for all ways between items, and for all
        controls.
        """
        line = self.lines["none / mix" if " / " in name else "linear"]
        return int(torch.stack([line.apart(a)[:kept] for a in line.seen]).double().sum(0).argmax())

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, without pictures; numbers that are not finite become None."""
        finite = lambda v: None if isinstance(v, float) and not np.isfinite(v) else v
        curves = {
            way: [{k: finite(v) for k, v in vars(p).items()} for p in points]
            for way, points in self.curves.items()
        }
        return {
            "measures": [m.to_dict() for m in self.measures],
            "words": self.words,
            "curves": curves,
            "notes": list(self.notes),
        }


@dataclass
class _Judge:
    """What looks at decoded items, and what it saw."""

    reading: Reading
    realism: Realism
    modality: Modality
    lines: dict[str, Line]
    frames: dict[str, np.ndarray]

    def notes(self) -> list[str]:
        """What it cannot read, and why."""
        silent = ", ".join(self.reading.silent)
        return [f"Not read, since it does not vary among the real items: {silent}."] if silent else []

    def look(self, t: Sequence[float], frame: Callable[[int], Tensor], keep: str | None = None) -> Line:
        """The line whose items at t[i] are frame(i) (P, *shape); `keep`: remembered under this name."""
        seen: dict[str, list[Tensor]] = {}
        real, shown = [], []
        for i, fraction in enumerate(t):
            x = frame(i).cpu()
            parts = [self.reading(x[j : j + CHUNK]) for j in range(0, len(x), CHUNK)]
            for name in self.reading.kinds:
                seen.setdefault(name, []).append(torch.cat([part[name] for part in parts]))
            if fraction in JUDGED:
                real.append(self.realism(x))
            if keep and fraction in FEW:
                shown.append(self.modality.items(x[:SHOWN]))
        line = Line(
            tuple(t),
            {name: torch.stack(values) for name, values in seen.items()},
            torch.stack(real),
            self.reading.kinds,
        )
        if keep:
            self.lines[keep], self.frames[keep] = line, np.stack(shown)
        return line


@dataclass(frozen=True)
class _Items:
    """Real items: an index to be near to, and pairs of others."""

    z: Tensor
    x: Tensor
    index: Tensor
    a: Tensor
    b: Tensor


def meaning(
    generator: Generator,
    modality: Modality,
    z_real: Tensor,
    real: np.ndarray | Tensor,
    *,
    read: Read | None = None,
    mix: Callable[[Tensor, Tensor, Tensor], Tensor] | None = None,
    flow: Noise | None = None,
    features: Callable[[Tensor], Tensor] | None = None,
    random: Generator | None = None,
    pairs: int = 300,
    radius_pairs: int = 150,
    folds: tuple[int, ...] = (2, 64),
    most: int = 2_000,
    seed: int = 0,
    progress: Progress | None = None,
) -> Meaning:
    """What mixtures of latents mean, whether that is a property of the mapping, and beside what; what
    could not be measured is in its notes.

    Args:
        generator: decodes.
        modality: of the items; its readings without labels are always taken.
        z_real: (n, d) latents of real items, 80 or more; best held-out ones.
        real: the same items, stored (n, *modality.item_shape) or as tensors (n, *shape).
        read: x -> {name: (n,)}, such as `Reader.named`; ``name=value`` are the probabilities of a category.
        mix: (a, b, t) -> (m, n, d), a third kind of path beside linear and slerp, such as `Mixer`. None:
            `Mixer(flow)` where there is a flow.
        flow: carries latents to normal noise and back; the controls then work on its noise. None: on the
            generator's own prior.
        features: x -> (n, f) that realism is judged by. None: `features.fit_features` of the index items.
        random: the same architecture with random weights, for a baseline.
        pairs: of items, and of draws; each item is in one pair. Fewer where there are fewer items.
        radius_pairs: of these, used at each radius.
        folds: k of the folded controls.
        most: items in the index at most; as many others make the pairs and tell how far real items lie.
        seed: of every choice.
        progress: called with ("meaning", fraction done, what comes next).

    Raises:
        LiminalError: fewer than 80 items, latents that do not fit them, or nothing to read.
    """
    tell = partial(progress or (lambda phase, done, text: None), "meaning")
    tell(0.0, "features of real items")
    items = _items(generator, modality, z_real, real, pairs, most, seed)
    judge = _judge(modality, items, read, features)
    mix = mix or (Mixer(flow) if flow is not None else None)
    notes = judge.notes()
    tell(0.15, "ways between items")
    headline = _ways(judge, generator, items, mix)
    tell(0.4, "baselines")
    _baselines(judge, generator, items, headline, random, seed, notes)
    tell(0.55, "controls")
    _controlled(judge, generator, flow, len(items.a), folds, seed, notes)
    tell(0.85, "radii")
    curves = _curves(judge, generator, items, radius_pairs, notes)
    name = "mix" if mix is not None else "slerp"
    measures = account.measures(judge.lines, name, judge.reading.kinds, notes)
    tell(1.0, "")
    return Meaning(
        measures=tuple(measures),
        words=account.words(measures, judge.lines, name, curves, flow is not None, notes),
        curves=curves,
        lines=judge.lines,
        frames=judge.frames,
        modality=modality,
        notes=tuple(notes),
    )


def _items(
    generator: Generator,
    modality: Modality,
    z: Tensor,
    real: np.ndarray | Tensor,
    pairs: int,
    most: int,
    seed: int,
) -> _Items:
    z = torch.as_tensor(z).detach().cpu().float()
    n = len(real)
    if z.ndim != 2 or tuple(z.shape) != (n, generator.dim):
        raise LiminalError(
            f"meaning: {n} items but latents of shape {tuple(z.shape)}; wanted ({n}, {generator.dim})"
        )
    if n < 80 or pairs < 20:
        raise LiminalError(f"meaning: {n} items and {pairs} pairs; wanted 80 items and 20 pairs or more")
    if not torch.isfinite(z).all():
        raise LiminalError("meaning: the latents hold NaN or infinity; wanted finite numbers")
    order = torch.randperm(n, generator=rng(seed))
    index, others = order[: min(n // 2, most)], order[n // 2 :][: max(most // 2, 2 * pairs)]
    rows = torch.cat([index, others])
    x = real[rows].float() if isinstance(real, Tensor) else modality.soft(np.asarray(real[rows.numpy()]))
    count, first = min(pairs, len(others) // 2), len(index)
    places = torch.arange(first, first + 2 * count)
    return _Items(z[rows], x.cpu(), torch.arange(first), places[:count], places[count:])


def _judge(
    modality: Modality, items: _Items, read: Read | None, features: Callable[[Tensor], Tensor] | None
) -> _Judge:
    x, held = items.x[items.index], items.x[len(items.index) :]
    reads = [r for r in (modality.readings, read) if r is not None]
    if not reads:
        raise LiminalError(
            f"meaning: nothing is known to be read from {modality.plural} without labels; give read=, such "
            "as a reader's `named`"
        )
    see = features or fit_features(lambda: iter([x]), modality.features or modality.chart)
    embed = lambda part: in_chunks(lambda p: see(p).detach().cpu(), part)
    return _Judge(Reading(reads, x), Realism(embed, embed(x), embed(held)), modality, {}, {})


def _ways(judge: _Judge, generator: Generator, items: _Items, mix: Way | None) -> Way:
    """Walk the kinds of path; gives the one that the baselines are held against."""
    a, b = items.z[items.a], items.z[items.b]
    t = [i / STEPS for i in range(STEPS + 1)]
    ways: dict[str, Way] = {"linear": linear, "slerp": slerp} | ({"mix": mix} if mix is not None else {})
    for name, way in ways.items():
        z = way(a, b, torch.tensor(t))
        judge.look(t, partial(_decoded, generator.decode, z), name)
    return mix or slerp


def _decoded(decode: Callable[[Tensor], Tensor], z: Tensor, i: int) -> Tensor:
    return decode(z[i])


def _baselines(
    judge: _Judge,
    generator: Generator,
    items: _Items,
    way: Way,
    random: Generator | None,
    seed: int,
    notes: list[str],
) -> None:
    t = [i / STEPS for i in range(STEPS + 1)]
    a, b = items.z[items.a], items.z[items.b]
    xa, xb = generator.decode(a).cpu(), generator.decode(b).cpu()
    judge.look(t, lambda i: (1 - t[i]) * xa + t[i] * xb, "blend")
    real, index = items.x, items.x[items.index]
    middle = way(a, b, torch.tensor(t))

    def nearest_item(i: int) -> Tensor:
        if t[i] in (0, 1):
            return real[items.a if t[i] == 0 else items.b]
        return index[nearest(items.z[items.index], middle[i], 1)[1][:, 0]]

    judge.look(t, nearest_item, "nearest real item")
    pca = fit_pca(lambda: iter([index.flatten(1)]), generator.dim)
    pa, pb = (pca.encode(real[rows].flatten(1)) for rows in (items.a, items.b))
    judge.look(t, lambda i: pca.decode((1 - t[i]) * pa + t[i] * pb).view(-1, *real.shape[1:]), "PCA")
    if random is not None:
        line = judge.look(t, lambda i: random.decode(linear(a, b, t[i])), "random weights")
        judge.lines["random weights"] = line.in_own_units()
    else:
        notes.append("Random weights: not measured, no such generator was given.")
    draw = rng(seed + 1)
    chance = [torch.randint(len(index), (len(a),), generator=draw) for _ in FEW]
    judge.look(
        FEW, lambda i: xa if i == 0 else xb if i == len(FEW) - 1 else index[chance[i]], "a random real item"
    )
    ends = {
        name: torch.stack([v[0], v[0], v[0], v[-1], v[-1]]) for name, v in judge.lines["linear"].seen.items()
    }
    both = (judge.realism(xa), judge.realism(xb))
    judge.lines["copy of an end"] = Line(
        FEW, ends, torch.stack([both[0], both[0], both[1]]), judge.reading.kinds
    )


def _controlled(
    judge: _Judge,
    generator: Generator,
    flow: Noise | None,
    pairs: int,
    folds: tuple[int, ...],
    seed: int,
    notes: list[str],
) -> None:
    """Pairs of draws under each control, along the prior's mixing rule and along lines."""
    prior: Prior = Normal(generator.dim) if flow is not None else generator.prior
    try:
        maps = controls(prior, folds, seed)
    except LiminalError as error:
        notes.append(f"Causal control: not measured ({error}).")
        return
    if not any(c.name == "rotated" for c in maps):
        notes.append("A rotation does not keep a prior in a cube; it is left out.")
    draw = rng(seed + 2)
    a, b = prior.sample(pairs, draw).double(), prior.sample(pairs, draw).double()
    decode = lambda e: generator.decode(_latents(flow, e))
    ends = decode(a).cpu(), decode(b).cpu()
    for control in maps:
        new = control.recode(a), control.recode(b)
        for name, codes in _between_codes(control, *new).items():
            inner = [decode(control.carry(z)).cpu() for z in codes[1:-1]]
            judge.look(FEW, [ends[0], *inner, ends[1]].__getitem__, f"{control.name} / {name}")


def _between_codes(control: Control, a: Tensor, b: Tensor) -> dict[str, Tensor]:
    """Codes (m, P, d) along both ways.

    In the cube the prior's rule goes through the normal again: only the line differs.
    """
    t = torch.tensor(FEW, dtype=a.dtype)
    found = (
        {}
        if control.name == "smooth"
        else {
            "mix": torch.stack([control.prior.mix(torch.stack([a, b]), torch.stack([1 - s, s])) for s in t])
        }
    )
    return found | {"linear": control.prior.nearest(linear(a, b, t))}


def _latents(flow: Noise | None, e: Tensor) -> Tensor:
    if flow is None:
        return e.float()
    near: Callable[[Tensor], Tensor] = getattr(flow, "nearest", lambda z: z)
    with torch.no_grad():
        return near(in_chunks(flow.from_noise, e.float(), 4096))


def _curves(
    judge: _Judge, generator: Generator, items: _Items, pairs: int, notes: list[str]
) -> dict[str, tuple[Point, ...]]:
    """Midpoints of pairs that are scaled to radii about the mean latent."""
    if isinstance(generator.prior, Sphere):
        notes.append("Betweenness by radius: not measured, all latents of a sphere have one radius.")
        return {}
    z = items.z[items.index]
    centre = z.mean(0)
    lengths = (z - centre).norm(dim=1)
    radii = [float(torch.quantile(lengths, q)) for q in QUANTILES]
    radii += [times * radii[-1] for times in BEYOND]
    sides = [(items.z[rows[:pairs]] - centre) for rows in (items.a, items.b)]
    a, b = (side / side.norm(dim=1, keepdim=True).clamp_min(1e-9) for side in sides)
    curves: dict[str, list[Point]] = {"linear": [], "slerp": []}
    for radius in radii:
        ends = [generator.decode(centre + radius * side).cpu() for side in (a, b)]
        looks = float(torch.cat([judge.realism(x) for x in ends]).double().mean())
        for name, way in (("linear", linear), ("slerp", slerp)):
            middle = generator.decode(centre + way(radius * a, radius * b, 0.5))
            line = judge.look((0.0, 0.5, 1.0), [ends[0], middle, ends[1]].__getitem__)
            joint, alone = overall(line.between()), overall(line.between(joint=False))
            share = estimate(line.realism()).value
            below = float((lengths < radius).double().mean())
            curves[name].append(
                Point(
                    radius=radius,
                    quantile=below,
                    betweenness=joint.value,
                    interval=joint.interval(),
                    alone=alone.value,
                    realism=share,
                    ends=looks,
                )
            )
    return {name: tuple(points) for name, points in curves.items()}
