"""Items of which a part is known, completed in several ways.

A search in the latent space: it starts at the real items that agree best with the known part (also moved as
training may move them, such as into another key), and goes downhill in

    -log p(x_known | z) + cost(z),

where the cost says how untypical a latent is, until the part agrees as well as the space restores real items
there, or nearly as well as it can. Of all that it finds, the answers are the ones that agree well
and differ most from each other in what was not known; the known part is put back as it was. What the nearest
real item gives stands beside it, the trivial way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from pyarrow import csv
from torch import Tensor

from ..errors import LiminalError
from ..files import atomic
from ..generator import Autoencoder
from ..modalities import Modality
from ..show import grid
from ..show import items as show
from ..tensors import CHUNK, rng
from ..voice import Voice
from .filling import complete as search

POOL = 4_000  # real items that are looked through
MOVED = 5  # times that each is moved as training may move it, where its kind knows how
SEARCHED = 4  # searches for each answer, at least
LEAST = 12  # searches for an item
SLACK = 1.25  # times the least distance that a search alone comes to, at which others may stop
BATCH = 256  # latents that are searched for at once
UNTYPICAL = 0.1  # what an untypical latent costs beside agreement, when answers are chosen
TILE = 128  # pixels of a picture's tiles
ROW = 8  # items in a row of a picture, at most


@dataclass(frozen=True, kw_only=True)
class Completions:
    """Answers to items of which a part is known.

    Attributes:
        z: (n, m, d), of n answers to each of m items, the best first.
        items: (n, m, *item_shape), with the known part as it was.
        given: (m, *item_shape), the items that a part is known of.
        known: how the part is called.
        agreement: (n, m), how far what z decodes to agrees with the known part by itself: 1 fully, 0 no more
            than real items on average.
        baseline: (m,), the same of the real item that agrees best.
        beside: (m, *item_shape), that item with the known part put in its place.
        support: (n, m) in [0, 1], of each latent among real items; None where it is not known.
        modality: how the items look.
    """

    z: Tensor
    items: np.ndarray
    given: np.ndarray
    known: str
    agreement: np.ndarray
    baseline: np.ndarray
    beside: np.ndarray
    support: np.ndarray | None
    modality: Modality = field(repr=False)

    def __len__(self) -> int:
        return len(self.items)

    @property
    def evidence(self) -> dict[str, Any]:
        """JSON-ready: what was known; each answer's agreement and support, means over the items; that of the
        nearest real item."""
        support = [None] * len(self) if self.support is None else self.support.mean(1).tolist()
        return {
            "known": self.known,
            "items": len(self.given),
            "answers": [
                {"agreement": float(a), "support": s}
                for a, s in zip(self.agreement.mean(1), support, strict=True)
            ],
            "nearest_real": {"agreement": float(self.baseline.mean())},
        }

    def picture(self, size: int = TILE) -> grid.Image.Image:
        """The given items, then each answer, then the nearest real items, in rows.

        Raises:
            LiminalError: there are more items than a picture has room for.
        """
        if len(self.given) > ROW:
            raise LiminalError(
                f"a picture shows completions of {ROW} {self.modality.plural} at most, not "
                f"{len(self.given)}; give a folder instead of a .png"
            )
        names = ["given", *(f"answer {i + 1}" for i in range(len(self))), "nearest real"]
        rows = np.stack([self.given, *self.items, self.beside])
        if len(self.given) == 1:
            return show.drawn(rows[:, 0], self.modality, size, min(len(rows), ROW), names)
        return show.rows(list(rows), self.modality, size, names)

    def save(self, path: str | Path) -> Path:
        """A name that ends in .png becomes a picture of all; in a form of the kind's own, the best answer;
        one without ending a folder of all answers, with ``table.csv``.

        Of several items an answer is one file in which they follow each other, where the kind has such
        files, else a file each.

        Raises:
            LiminalError: another ending, or the place cannot be written.
        """
        path, kind = Path(path), self.modality
        ending, many = path.suffix.lower(), len(self.given) > 1
        if ending == ".png" and (many or ".png" not in kind.writes or len(self) > 1):
            grid.save(self.picture(), path)
        elif ending and many and ending in kind.films:
            show.save_path(self.items[0], kind, path, 1)
        elif ending and not many:
            show.save_item(self.items[0, 0], kind, path)
        elif ending:
            known = ", ".join((*kind.films, ".png"))
            raise LiminalError(f"save {path}: wanted a name that ends in {known}, or none for a folder")
        else:
            self._folder(path)
        return path

    def _folder(self, path: Path) -> None:
        kind, joined = self.modality, len(self.given) > 1 and bool(self.modality.films)
        rows: list[tuple[str, int, float, float | None]] = []
        with atomic(path) as part:
            part.mkdir()
            for i, answer in enumerate(self.items):
                if joined:
                    show.save_path(answer, kind, part / f"{i + 1:02d}{kind.films[0]}", 1)
                for j, item in enumerate(answer):
                    name = f"{i + 1:02d}" if len(answer) == 1 or joined else f"{i + 1:02d}-{j:04d}"
                    if not joined:
                        kind.write(item, part / f"{name}{kind.writes[0]}")
                    support = None if self.support is None else float(self.support[i, j])
                    ending = kind.films[0] if joined else kind.writes[0]
                    rows.append((f"{name}{ending}", j, float(self.agreement[i, j]), support))
            names = ("file", "item", "agreement", "support")
            table = pa.table(
                {n: list(values) for n, values in zip(names, zip(*rows, strict=True), strict=True)}
            )
            csv.write_csv(table, part / "table.csv")


def complete(
    generator: Autoencoder,
    modality: Modality,
    items: np.ndarray,
    lacking: Tensor,
    pool: np.ndarray,
    n: int = 4,
    *,
    known: str = "",
    cost: Callable[[Tensor], Tensor] | None = None,
    near: Tensor | None = None,
    support: Callable[[Tensor], Tensor] | None = None,
    apart: np.ndarray | None = None,
    seed: int = 0,
    voice: Voice | None = None,
) -> Completions:
    """n answers to each of m items of which a part is known.

    Args:
        generator: encodes, and decodes differentiably.
        modality: of the items.
        items: (m, *item_shape), stored; what is not known of them is never looked at.
        lacking: bool (m, *modality.soft_shape), the places of y about which nothing is known.
        pool: (p, *item_shape), real items.
        n: answers.
        known: how the known part is called.
        cost: z (n, d) -> (n,), nats: how untypical; None: -log of the prior.
        near: (k, d), latents to start from in the place of the pool's.
        support: z (n, d) -> (n,) in [0, 1].
        apart: (m,), the row of the pool that is the item itself and is not used for it; -1: none.
        seed: of how real items are moved.
        voice: hears progress.

    Raises:
        LiminalError: there is nothing to be completed, or nothing is known.
    """
    places = lacking.flatten(1)
    if n < 1:
        raise LiminalError(f"complete: n = {n}; wanted 1 or more")
    if not places.any(1).all():
        raise LiminalError(f"complete: all of the {modality.noun} is known; name a part of it to keep")
    if places.all(1).any():
        raise LiminalError(f"complete: nothing is known of the {modality.noun}; name a part of it to keep")
    x = modality.tensor(items)
    count = max(LEAST, SEARCHED * n)
    likeness = Likeness(modality, x, lacking, pool, count, apart, seed)
    z = generator.encode(likeness.best.flatten(0, 1)).cpu().unflatten(0, (len(x), count))
    if near is not None:
        z = near[torch.arange(count) % len(near)].expand(len(x), -1, -1)
        if count > len(near):
            noise = torch.randn(z.shape, generator=rng(seed)) * 0.1 * near.std(0, correction=0)
            z = z + noise * (torch.arange(count) >= len(near))[:, None]
    flat, own = z.flatten(0, 1), torch.arange(len(x)).repeat_interleave(count)
    steps = len(flat) + len(x)

    def searched(start: Tensor, rows: Tensor, enough: Tensor | None, done: int) -> Tensor:
        found = []
        for i in range(0, len(start), BATCH):
            (voice or Voice()).progress("completing", (done + i + 1) / (steps + 1))
            at, part = rows[i : i + BATCH], slice(i, i + BATCH)
            there = None if enough is None else enough[at]
            found.append(search(generator, modality, x[at], lacking[at], start[part], cost, there, True))
        return torch.cat(found)

    best = searched(z[:, 0], torch.arange(len(x)), None, 0)
    reached = modality.likelihood.missed(generator.decode(best).cpu(), x, lacking)
    enough = torch.maximum(likeness.restored(generator), SLACK * reached)
    found = searched(flat, own, enough, len(x))
    return _answers(generator, modality, x, lacking, found, likeness, n, known, support, cost)


def _answers(
    generator: Autoencoder,
    modality: Modality,
    x: Tensor,
    lacking: Tensor,
    z: Tensor,
    likeness: Likeness,
    n: int,
    known: str,
    support: Callable[[Tensor], Tensor] | None,
    cost: Callable[[Tensor], Tensor] | None,
) -> Completions:
    """The best answers among all latents (m * count, d) that were found."""
    m, count = len(x), len(z) // len(x)
    own = torch.arange(m).repeat_interleave(count)
    y = generator.decode(z).cpu()
    hard = modality.harden(y)
    missed = modality.likelihood.missed(hard, x[own], lacking[own]).reshape(m, count)
    kept = modality.filled(modality.likelihood.kept(y, x[own], lacking[own]), lacking[own])
    rows = modality.chart(kept).reshape(m, count, -1)
    worth = missed + (modality.likelihood.doubt(y) + residual(generator, modality, kept)).reshape(m, count)
    worth = worth / likeness.usual[:, None].clamp_min(1e-12)
    if cost is not None:
        worth = worth + UNTYPICAL * cost(z).reshape(m, count) / z.shape[1]
    chosen = torch.stack([_apart(rows[j], worth[j], n) for j in range(m)], 1)  # (n, m)
    at = chosen + count * torch.arange(m)
    items = modality.items(kept[at.flatten()]).reshape(*at.shape, *modality.item_shape)
    z = z[at.flatten()].reshape(*at.shape, -1)
    real = modality.likelihood.kept(modality.likelihood.target(likeness.best[:, 0]), x, lacking)
    return Completions(
        z=z,
        items=items,
        given=modality.items(modality.likelihood.target(x)),
        known=known,
        agreement=(1 - missed.T.gather(0, chosen) / likeness.usual.clamp_min(1e-12)).double().numpy(),
        baseline=(1 - likeness.missed[:, 0] / likeness.usual.clamp_min(1e-12)).double().numpy(),
        beside=modality.items(modality.filled(real, lacking)),
        support=None if support is None else support(z.flatten(0, 1)).reshape(at.shape).double().numpy(),
        modality=modality,
    )


def residual(generator: Autoencoder, modality: Modality, y: Tensor) -> Tensor:
    """How far the items that y stands for are from their reconstructions: squared distance in the chart,
    (n,)."""
    items = modality.items(y)
    again = modality.chart(generator.decode(generator.encode(modality.tensor(items))).cpu())
    return (modality.chart(modality.soft(items)) - again).square().sum(1)


def _apart(rows: Tensor, worth: Tensor, n: int) -> Tensor:
    """n of the rows (c, k), the best first, the others from the better half as far as can be from those
    chosen before."""
    order = worth.argsort(stable=True)[: max(n, len(worth) // 2)]
    chosen = [int(order[0])]
    while len(chosen) < min(n, len(order)):
        far = torch.cdist(rows[order], rows[chosen]).amin(1)
        far[torch.isin(order, torch.tensor(chosen))] = -1
        chosen.append(int(order[far.argmax()]))
    return torch.tensor([chosen[0], *sorted(chosen[1:], key=lambda i: float(worth[i]))])


class Likeness:
    """The real items that agree best with what is known of some items.

    Args:
        modality: of the items.
        x: (m, *modality.shape).
        lacking: bool (m, *modality.soft_shape).
        pool: (p, *item_shape), real items.
        count: how many for each.
        apart: (m,), the row of the pool not to use; -1: none.
        seed: of how real items are moved.

    Attributes:
        best: (m, count, *modality.shape), the real items as an encoder takes them, the nearest first.
        missed: (m, count), squared distance of each in the chart.
        usual: (m,), the mean over the pool, unmoved.
    """

    def __init__(
        self,
        modality: Modality,
        x: Tensor,
        lacking: Tensor,
        pool: np.ndarray,
        count: int,
        apart: np.ndarray | None,
        seed: int,
    ) -> None:
        self.modality, self.lacking = modality, lacking
        moved = type(modality).varied is not Modality.varied
        draw = rng(seed)
        best, missed = x[:, None][:, :0], torch.zeros(len(x), 0)
        usual, rows = torch.zeros(len(x)), torch.arange(len(x))[:, None]
        for i in range(0, len(pool), CHUNK):
            real = modality.tensor(pool[i : i + CHUNK])
            for turn in range(1 + MOVED * moved):
                seen = modality.varied(real, draw) if turn else real
                score = modality.likelihood.missing(seen, x, lacking)
                if not turn:
                    usual += score.sum(1)
                if apart is not None:
                    at = torch.from_numpy(np.asarray(apart)) - i
                    own = (at >= 0) & (at < len(real))
                    score[own.nonzero()[:, 0], at[own]] = torch.inf
                nearest = score.topk(min(count, score.shape[1]), dim=1, largest=False)
                best = torch.cat([best, seen[nearest.indices]], 1)
                missed = torch.cat([missed, nearest.values], 1)
                order = missed.argsort(dim=1, stable=True)[:, :count]
                best, missed = best[rows, order], missed[rows, order]
        again = torch.arange(count) % missed.shape[1]
        self.best, self.missed, self.usual = best[:, again], missed[:, again], usual / len(pool)

    def restored(self, generator: Autoencoder) -> Tensor:
        """(m,): how far reconstructions of these real items are from the items, in the known part; median."""
        likelihood = self.modality.likelihood
        x, count = self.best.flatten(0, 1), self.best.shape[1]
        y = generator.decode(generator.encode(x)).cpu()
        lacking = self.lacking.repeat_interleave(count, 0)
        return likelihood.missed(y, x, lacking).reshape(-1, count).median(1).values
