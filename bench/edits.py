"""Faces: what a formula of strength 1 does to the drawn factor and to the others, read from decoded pictures
by a reader of its own.
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
from liminal.ops.directions.conditional import Asked
from liminal.show import grid
from liminal.space import Space
from liminal.voice import Terminal

from . import drawn
from .figures import OUT, Figure, Record

RANDOM = 8  # random directions that are averaged
Seen = Mapping[str, np.ndarray]


def arguments() -> ArgumentParser:
    """The options of this bench."""
    return drawn.arguments("edits", __doc__ or "", "faces that are edited")


def main(args: Sequence[str]) -> None:
    """Run the bench."""
    given = arguments().parse_args(args)
    record, voice = Record("edits", args, given), Terminal()
    space = drawn.fitted(record, "faces-space", given, voice, ("smile", "glasses"))
    reader = drawn.own_reader(space, given.reader_faces, given.reader_epochs, voice)
    factors = faces.sample_factors(4 * given.held, drawn.HELD_SEED)
    pictures = faces.draw(factors, space.modality.item_shape[0])
    scores = reader.scores(space.modality.tensor(pictures), factors)
    told = {
        name: next(f"{k} {scores[name][k]:.3f}" for k in ("r2", "accuracy") if k in scores[name])
        for name in ("smile", "glasses")
    }
    record.note(
        f"the bench's reader on {len(pictures):,} unseen drawings: smile {told['smile']}, glasses "
        f"{told['glasses']}"
    )
    z = space.encode(pictures)
    off = np.array([value == "none" for value in factors["glasses"].to_pylist()])
    rows = {"smile": np.arange(given.held), "glasses": np.flatnonzero(off)[: given.held]}
    asked = {"smile": reader.spec["smile"]["std"], "glasses": 1.0}
    unedited = read(space, reader, z)
    for factor in ("smile", "glasses"):
        measured(
            record,
            space,
            reader,
            factor,
            asked[factor],
            z[torch.from_numpy(rows[factor])],
            gap(unedited, factor, factors),
        )
        strips(space, factor)
    record.note("look at bench/out/edits-smile.png and bench/out/edits-glasses.png")
    voice.close()
    record.finish()


def read(space: Space, reader: Reader, z: Tensor) -> dict[str, np.ndarray]:
    """What the reader sees in decoded latents: numbers and probabilities (n,), categories as probabilities
    (n, classes).
    """
    seen = {name: value.double().numpy() for name, value in reader(space.generator.decode(z).cpu()).items()}
    return {**seen, "glasses": glasses(seen["glasses"], reader.spec["glasses"]["classes"])}


def glasses(probabilities: np.ndarray, classes: Sequence[str]) -> np.ndarray:
    """Probability (n,) of any glasses, from those of the classes (n, classes)."""
    return 1 - probabilities[:, list(classes).index("none")]


def gap(seen: Seen, factor: str, factors: pa.Table) -> float | None:
    """What a reconstruction shows of off -> on: the mean read in faces that have it less that in faces that
    do not; None for numbers.
    """
    if factor != "glasses":
        return None
    on = np.array([value != "none" for value in factors[factor].to_pylist()])
    return float(seen[factor][on].mean() - seen[factor][~on].mean())


@dataclass(frozen=True)
class Effect:
    """What a step did: its own factor's mean change over what was asked, the standard error of that, and
    every other factor's change.
    """

    achieved: float
    error: float
    leakage: dict[str, float]


def effect(before: Seen, after: Seen, factor: str, asked: float, spread: Mapping[str, float]) -> Effect:
    """Compare what was read before and after a step.

    Args:
        before: in unedited reconstructions; (n,) by factor, or (n, classes).
        after: in edited ones.
        factor: that was meant to move.
        asked: by how much.
        spread: of numbers, their standard deviation in real data. Leakage of a number is its mean absolute
            change over that, of a probability its mean absolute change, of a category half the sum of
            absolute changes of its probabilities, in [0, 1].
    """
    own = (after[factor] - before[factor]) / asked
    leakage = {}
    for name, values in before.items():
        if name != factor:
            change = np.abs(after[name] - values)
            leakage[name] = float(
                change.mean() / spread.get(name, 1.0) if change.ndim == 1 else change.sum(1).mean() / 2
            )
    return Effect(float(own.mean()), float(own.std(ddof=1) / len(own) ** 0.5), leakage)


def measured(
    record: Record, space: Space, reader: Reader, factor: str, asked: float, z: Tensor, seen_gap: float | None
) -> None:
    """A factor's formula, the same along the conditional mean, a plain difference of means and random
    directions of the formula's length on the same faces.
    """
    before = read(space, reader, z)
    spread = {name: how["std"] for name, how in reader.spec.items() if how["kind"] == "number"}
    formula = space.edit(z[0], f"+{factor}")
    step = formula.z_after - formula.z_before

    def after(vector: Tensor) -> Effect:
        return effect(before, read(space, reader, z + vector), factor, asked, spread)

    ours, plain = after(step), after(difference(space, factor))
    told = space.conditional.told(z)
    bent = after(space.conditional.step(told, [Asked(factor, None, 1.0)]))
    chance = [after(vector) for vector in random_steps(step, RANDOM)]
    beside = {
        "conditional": bent.achieved,
        "difference of means": plain.achieved,
        "random direction": float(np.mean([c.achieved for c in chance])),
    }
    said = space.direction(factor)
    notes = [
        f"asked {asked:.3f}, {len(z)} faces",
        f"the space itself says {said.effect:.2f}" if said.effect is not None else "",
    ]
    if seen_gap is not None:
        notes.append(
            f"{ours.achieved * asked / seen_gap:.2f} of the {seen_gap:.2f} that reconstructions show "
            "between off and on"
        )
    note = "; ".join(n for n in notes if n)
    record.add(
        Figure(f"+{factor}: achieved / asked", ours.achieved, "", (0.8, 1.2), "", beside, ours.error, note)
    )
    for name in sorted(ours.leakage, key=lambda n: -ours.leakage[n]):
        trivial = {
            "conditional": bent.leakage[name],
            "difference of means": plain.leakage[name],
            "random direction": float(np.mean([c.leakage[name] for c in chance])),
        }
        unit = "SD" if name in spread else ""
        record.add(
            Figure(f"+{factor}: leakage onto {name}", ours.leakage[name], unit, None, "lower", trivial)
        )


def difference(space: Space, factor: str) -> Tensor:
    """The plain difference of means (d,) of the space's training items: with less without, or upper less
    lower half of a number.
    """
    table = space.catalogue.table(columns=["z", factor], split="train")
    z = np.array(table["z"].combine_chunks().flatten(), dtype=np.float32).reshape(len(table), -1)
    values = table[factor].to_pylist()
    known = np.array([v is not None for v in values])
    on = np.array([v is not None and (v != "none" if factor == "glasses" else v > 0) for v in values])
    return torch.from_numpy(z[known & on].mean(0) - z[known & ~on].mean(0))


def random_steps(step: Tensor, count: int, seed: int = 0) -> list[Tensor]:
    """Random directions (d,) of the length of `step`."""
    draws = torch.randn(count, len(step), generator=torch.Generator().manual_seed(seed))
    return list(draws / draws.norm(dim=1, keepdim=True) * step.norm())


def strips(space: Space, factor: str) -> None:
    """A picture of the formula on six held-out items of the space."""
    ids = space.catalogue.table(columns=["id"], split="held")["id"].to_pylist()[:6]
    grid.save(space.strip([f"@{i}" for i in ids], f"+{factor}"), OUT / f"edits-{factor}.png")
