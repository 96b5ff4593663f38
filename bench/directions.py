"""Faces drawn with glasses and hats together: do directions tell them apart, judged against the true edited
picture.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from liminal.datasets import faces
from liminal.measures.eyes.reader import Reader
from liminal.ops.directions.directions import Direction
from liminal.ops.directions.search import find_directions
from liminal.show import grid
from liminal.space import Space
from liminal.voice import Terminal

from . import drawn
from .figures import OUT, Figure, Record

CALIBRATE_ON = 8000  # training items that the bench's own searches are given at most
SHOWN = 5  # faces in a picture
Seen = Mapping[str, np.ndarray]


def arguments() -> ArgumentParser:
    """The options of this bench."""
    options = drawn.arguments("directions", __doc__ or "", "unconfounded faces that each edit is tried on")
    options.add_argument(
        "--correlate", default="glasses:hat=0.8", help="what is drawn together in the training pictures"
    )
    options.add_argument(
        "--bind", default="", help="attributes that dimensions are bound to in the training: smile,hat"
    )
    return options


def main(args: Sequence[str]) -> None:
    """Run the bench."""
    given = arguments().parse_args(args)
    record, voice = Record("directions", args, given), Terminal()
    bind = [name for name in given.bind.split(",") if name]
    known = ("hair_colour", "glasses", "hat")
    space = drawn.fitted(record, "confounded-space", given, voice, known, bind, correlate=given.correlate)
    judge = Judge(space, drawn.own_reader(space, given.reader_faces, given.reader_epochs, voice), given.held)
    voice.close()
    record.note(
        f"asked {given.correlate}; hat and any glasses in the training items correlate at "
        f"{correlation(space):.2f}"
    )
    for factor, partner in (("hat", "glasses"), ("glasses", "hat")):
        confounded(record, judge, factor, partner)
    edits = {
        "hair colour": [f"hair_colour={value}" for value in faces.FACTORS["hair_colour"].values],
        "hat": ["hat"],
    }
    edits["sunglasses"] = ["glasses=sun"]
    for what, names in edits.items():
        reached(record, judge, what, [name for name in names if name in space.directions])
    for name in space.card.model.get("dimensions", {}):
        bound(record, space.directions[name])
    record.finish()


def training(space: Space, split: str) -> tuple[Tensor, pa.Table]:
    """Latents (n, d) and attributes of a part of the space's items."""
    names = list(space.card.attributes)
    table = space.catalogue.table(columns=["z", *names], split=split)
    z = np.array(table["z"].combine_chunks().flatten(), dtype=np.float32).reshape(len(table), -1)
    return torch.from_numpy(z)[:CALIBRATE_ON], table.select(names)[:CALIBRATE_ON]


def correlation(space: Space) -> float:
    """Between hat and any glasses in the training items."""
    _, table = training(space, "train")
    any_glasses = [value != "none" for value in table["glasses"].to_pylist()]
    return float(np.corrcoef(any_glasses, table["hat"].to_numpy(zero_copy_only=False))[0, 1])


@dataclass(frozen=True)
class Verdict:
    """What an edit did beside what the drawing code does.

    Attributes:
        reach: mean change of its own attribute over the mean change in the true pictures.
        error: one standard error of that.
        leakage: of every other attribute, the mean absolute difference between its change and that in the
            true pictures, in its SD.
    """

    reach: float
    error: float
    leakage: dict[str, float]

    @property
    def mean(self) -> float:
        """Leakage, over the other attributes."""
        return float(np.mean(list(self.leakage.values())))


class Judge:
    """Unconfounded faces that the space has not seen, drawn as they are and as an edit should make them, and
    a reader of its own.
    """

    def __init__(self, space: Space, reader: Reader, held: int) -> None:
        self.space, self.reader, self.held = space, reader, held
        self.factors = faces.sample_factors(12 * held, drawn.HELD_SEED)
        seen = self.read(self.picture(self.factors.slice(0, 4 * held)))
        self.spread = {name: float(value.std()) for name, value in seen.items()}

    def picture(self, factors: pa.Table) -> Tensor:
        """The drawings (n, *shape) as the model takes them."""
        return self.space.modality.tensor(faces.draw(factors, self.space.modality.item_shape[0]))

    def read(self, x: Tensor) -> Seen:
        """What the reader sees, (n,) by name; ``glasses`` is any of them."""
        seen = {name: value.double().cpu().numpy() for name, value in self.reader.named(x.cpu()).items()}
        return {**seen, "glasses": 1 - seen["glasses=none"]}

    def pair(self, name: str) -> tuple[Tensor, Tensor]:
        """Faces without `name`, and the same faces with it: two drawings (n, *shape)."""
        factor, _, value = name.partition("=")
        column = self.factors[factor].to_pylist()
        off = [v != value if value else v in (False, "none") for v in column]
        before = self.factors.take(pa.array(np.flatnonzero(off)[: self.held]))
        made = [True] if factor == "hat" else [value] if value else ["clear", "sun"]
        wanted = [made[i % len(made)] for i in range(len(before))]
        index = before.column_names.index(factor)
        after = before.set_column(index, factor, pa.array(wanted, before.schema.field(factor).type))
        return self.picture(before), self.picture(after)

    def verdict(self, name: str, vector: Tensor | None) -> Verdict:
        """Of a vector on faces without `name`; None: of the true edited pictures, encoded and decoded, which
        no edit can surpass.
        """
        before, after = self.pair(name)
        z = self.space.generator.encode(before)
        moved = self.space.generator.encode(after) if vector is None else z + vector
        true = self.difference(self.read(before), self.read(after))
        got = self.difference(
            self.read(self.space.generator.decode(z)), self.read(self.space.generator.decode(moved))
        )
        factor = name.partition("=")[0]
        others = [other for other in got if other.partition("=")[0] != factor]
        own = got[name] / true[name].mean()
        leakage = {
            other: float(np.abs(got[other] - true[other]).mean() / self.spread[other]) for other in others
        }
        return Verdict(float(own.mean()), float(own.std(ddof=1) / len(own) ** 0.5), leakage)

    @staticmethod
    def difference(before: Seen, after: Seen) -> Seen:
        """The change of what was read."""
        return {name: after[name] - before[name] for name in before}

    def save(self, name: str, vector: Tensor) -> None:
        """A picture: reconstructions, the edit, the true edited pictures."""
        before, after = (x[:SHOWN] for x in self.pair(name))
        z = self.space.generator.encode(before)
        shown = torch.cat([self.space.generator.decode(torch.cat([z, z + vector])).cpu(), after])
        tiles = [self.space.modality.preview(item, 128) for item in self.space.modality.items(shown)]
        words = ("decoded", f"+ {name}", "drawn so")
        labels = [word if i == 0 else "" for word in words for i in range(len(z))]
        grid.save(
            grid.grid(tiles, columns=len(z), labels=labels), OUT / f"directions-{name.replace('=', '-')}.png"
        )


def confounded(record: Record, judge: Judge, factor: str, partner: str) -> None:
    """Leakage of one of the two onto the other: held fixed against the plain difference of means."""
    space = judge.space
    (z, table), (held, about) = training(space, "train"), training(space, "held")
    assert space.reader is not None

    def search(**how: object) -> Verdict:
        (found,) = (
            d
            for d in find_directions(
                z, table, held, about, space.generator.decode, space.reader.named, names=[factor], **how
            )  # type: ignore[union-attr,arg-type]
            if d.name == factor
        )
        return judge.verdict(factor, found.vector)

    fixed, plain = search(conditional=True), search(methods=["difference"])
    projected, best = search(methods=["projected"]), judge.verdict(factor, None)
    ratio = fixed.leakage[partner] / plain.leakage[partner]
    beside = {
        "conditional": fixed.leakage[partner],
        "plain": plain.leakage[partner],
        "projected": projected.leakage[partner],
    }
    beside["true picture, reconstructed"] = best.leakage[partner]
    note = f"reach {fixed.reach:.2f} and {plain.reach:.2f}; leakage in SD"
    record.add(
        Figure(
            f"{factor}: leakage onto {partner}, conditional / plain",
            ratio,
            "",
            0.5,
            "lower",
            beside,
            None,
            note,
        )
    )


def reached(record: Record, judge: Judge, what: str, names: Sequence[str]) -> None:
    """How far an edit of strength 1 gets, and what else it changes; the mean over several values of a
    category.
    """
    if not names:
        record.add(Figure(f"{what}: reach", None, "", 0.8, "higher", note="the space has no such direction"))
        return
    ours = {name: judge.verdict(name, judge.space.directions[name].vector) for name in names}
    best = {name: judge.verdict(name, None) for name in names}
    told = ", ".join(
        f"{n.partition('=')[2] or n} {v.reach:.2f} by {judge.space.directions[n].method}"
        for n, v in ours.items()
    )
    error = float(np.sqrt(sum(v.error**2 for v in ours.values())) / len(ours))
    limit = "true picture, reconstructed"
    beside = {limit: float(np.mean([v.reach for v in best.values()]))}
    record.add(
        Figure(
            f"{what}: reach",
            float(np.mean([v.reach for v in ours.values()])),
            "",
            0.8,
            "higher",
            beside,
            error,
            told,
        )
    )
    beside = {limit: float(np.mean([v.mean for v in best.values()]))}
    worst = {name: max(v.leakage.items(), key=lambda leak: leak[1]) for name, v in ours.items()}
    told = ", ".join(f"{n.partition('=')[2] or n} most onto {w[0]} ({w[1]:.2f})" for n, w in worst.items())
    record.add(
        Figure(
            f"{what}: leakage",
            float(np.mean([v.mean for v in ours.values()])),
            "SD",
            0.2,
            "lower",
            beside,
            None,
            told,
        )
    )
    judge.save(names[0], judge.space.directions[names[0]].vector)


def bound(record: Record, direction: Direction) -> None:
    """The best single dimension beside the direction, where one was bound to it."""
    if direction.best_dimension is None:
        return
    index, score = direction.best_dimension
    note = f"dimension {index}: {direction.score_name} {score:.3f}, the direction {direction.score:.3f}"
    record.add(
        Figure(
            f"{direction.name}: best dimension / direction",
            score / direction.score,
            "",
            0.95,
            "higher",
            note=note,
        )
    )
