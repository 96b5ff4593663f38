"""Synthetic rows of tables: can trees tell them from real ones, are they as good to learn from, are they
copies; beside independent columns, a mixture and a Gaussian copula.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv

import liminal
from liminal.datasets import patients
from liminal.modalities.table import Table
from liminal.space import Space
from liminal.voice import Terminal

from . import figures, judges, rivals
from .figures import OUT, Figure, Record

TABLES = ("wine", "iris", "breast_cancer", "diabetes", "patients")
HELD = 0.3  # of the rows
ROWS = 10_000  # of the patients
FILLED = 300  # held-out rows that a cell is hidden from
DRAWS = 3  # samples whose scores are averaged


def arguments() -> ArgumentParser:
    """The options of this bench."""
    options = figures.parser("tables", __doc__ or "")
    options.add_argument("--tables", default=",".join(TABLES), help="names, with commas between")
    options.add_argument(
        "--minutes", type=float, help="of the training; what a fit takes by itself if not told"
    )
    options.add_argument("--dim", type=int, help="latent dimensions; as a fit chooses them if not told")
    options.add_argument("--reuse", action="store_true", help="score the spaces of the last run")
    options.add_argument("--seed", type=int, default=0, help="of the split, the training and the samples")
    return options


def main(args: Sequence[str]) -> None:
    """Run the bench."""
    given = arguments().parse_args(args)
    record = Record("tables", args, given)
    record.note(
        f"{1 - HELD:.0%} of a table's rows are trained on. The judge sees as many rows of each side, "
        f"training rows as is usual or held-out ones; figures are means over {DRAWS} samples. Below 0.5 "
        "counts as 0.5 where rivals are compared"
    )
    for name in given.tables.split(","):
        one(record, name, given)
    record.finish()


def one(record: Record, name: str, given: Namespace) -> None:
    """All figures of a table."""
    rows = table(name)
    order = np.random.default_rng([given.seed, 7]).permutation(len(rows))
    held, train = np.split(order, [round(HELD * len(rows))])
    judge = Table.of(rows)  # numbers for all rows: the judge's view of them
    items = judge.cells(rows, name)[0]
    known = judge.fitted(items, train)
    path = OUT / f"table-{name}.csv"
    csv.write_csv(rows.take(pa.array(train)), path)
    space = ours(path, given)

    def own(n: int, seed: int) -> np.ndarray:
        made = space.modality.arrow(space.sample(n, seed=seed).items)
        return judge.cells(made, name)[0]

    makers = {**others(known, items[train], given.seed), "liminal": own}
    made = {who: [make(len(train), given.seed + i) for i in range(DRAWS)] for who, make in makers.items()}
    it = Scored(name, known, items[train], items[held], made)
    told_apart(record, it)
    learned_from(record, it)
    copied(record, it)
    filled(record, it, space)


def others(known: Table, train: np.ndarray, seed: int) -> dict[str, Callable[[int, int], np.ndarray]]:
    """What the rows of ours are measured against, by name: n, seed -> rows."""
    mixture, copula = rivals.Mixture(known.columns, train, seed), rivals.Copula(known.columns, train, seed)
    return {
        "independent columns": lambda n, s: rivals.independent(known.columns, train, n, s),
        "copula": copula.sample,
        "mixture": mixture.sample,
    }


def ours(path: Path, given: Namespace) -> Space:
    """A space fitted to a file."""
    folder = path.with_suffix("")
    if given.reuse:
        return liminal.open(folder)
    how = {k: v for k in ("minutes", "dim") if (v := getattr(given, k)) is not None}
    return liminal.fit(path, folder, seed=given.seed, force=True, voice=Terminal(), threads=1, **how)


@dataclass(frozen=True)
class Scored:
    """One table under test.

    Attributes:
        name: of the table.
        known: its columns, codes learned from training rows.
        train, held: real rows (n, k).
        made: samples by whom they are of, as many rows as `train` has.
    """

    name: str
    known: Table
    train: np.ndarray
    held: np.ndarray
    made: dict[str, list[np.ndarray]]

    def over(self, score: Callable[[np.ndarray], float]) -> dict[str, float]:
        """The mean score of each one's samples."""
        return {who: float(np.mean([score(rows) for rows in each])) for who, each in self.made.items()}


def told_apart(record: Record, it: Scored) -> None:
    """How well trees tell rows that were made from real ones."""
    columns = it.known.columns
    for side, real in (("training", it.train), ("held-out", it.held)):
        found = it.over(lambda rows, real=real: judges.auc(columns, real, rows))  # type: ignore[misc]
        own = found.pop("liminal")
        logistic = np.mean([judges.logistic(columns, real, rows) for rows in it.made["liminal"]])
        fooled = judges.logistic(columns, real, it.made["independent columns"][0])
        note = (
            f"{min(len(real), judges.MOST)} rows a side; logistic regression {logistic:.2f}, of independent "
            f"columns {fooled:.2f}"
        )
        beside = found | {"the other real rows": judges.auc(columns, it.held, it.train)}
        record.add(Figure(f"{it.name}: judge's AUC, {side} rows", own, "", 0.7, "lower", beside, note=note))
    best = max(0.5, min(found["mixture"], found["copula"]))
    record.add(Figure(f"{it.name}: that less the better rival's", max(0.5, own) - best, "", 0.0, "lower"))


def learned_from(record: Record, it: Scored) -> None:
    """How much worse trees tell each column of held-out rows when they learned from rows that were made."""
    columns = it.known.columns
    score = lambda rows: judges.useful(columns, rows, it.held)
    real, lost = score(it.train), {}
    again = np.random.default_rng(0).integers(len(it.train), size=len(it.train))
    for who, each in {**it.made, "real rows drawn again": [it.train[again]]}.items():
        scores = [score(rows) for rows in each]
        lost[who] = {c: float(100 * (real[c] - np.mean([s[c] for s in scores]))) for c in real}
    worst = {who: max(each.values()) for who, each in lost.items()}
    mean = {who: float(np.mean(list(each.values()))) for who, each in lost.items()}
    column = max(lost["liminal"], key=lambda c: lost["liminal"][c])
    within = np.mean([points <= 3 for points in lost["liminal"].values()])
    note = f"{column}: {real[column]:.3f} from real rows; {within:.0%} of {len(real)} columns within 3"
    name = f"{it.name}: learned from them, points lost"
    worst_own, mean_own = worst.pop("liminal"), mean.pop("liminal")
    record.add(Figure(f"{name} on the worst column", worst_own, "", 3.0, "lower", worst, note=note))
    record.add(Figure(f"{name}, mean of columns", mean_own, "", 3.0, "lower", mean))


def copied(record: Record, it: Scored) -> None:
    """Whether rows that were made are copies of training rows."""
    near = {
        who: np.mean([judges.nearness(it.known, it.train, rows, it.held) for rows in each], 0)
        for who, each in it.made.items()
    }
    beside = {who: float(v[0]) for who, v in near.items() if who != "liminal"}
    own = near["liminal"]
    note = (
        f"chance that one is nearer than a held-out row is, 0.5 where alike; copies {own[1]:.1%}, among "
        f"held-out rows {own[2]:.1%}"
    )
    name = f"{it.name}: nearer to training rows"
    record.add(Figure(name, float(own[0]), "", 0.6, "lower", beside, note=note))


def filled(record: Record, it: Scored, space: Space) -> None:
    """How wrong cells are that were hidden from held-out rows, one of each, and filled."""
    truth = it.held[:FILLED]
    gone, at = judges.hidden(truth, 0)
    own = space.modality.cells(it.known.arrow(gone), it.name)[0]
    rows = it.known.cells(space.modality.arrow(space.reconstruct(own).items), it.name)[0]
    answers = {
        "liminal": np.where(np.isnan(gone), rows, gone),
        **judges.imputed(it.known, it.train, gone, at),
    }
    scores = {who: judges.missed(it.known, truth, cells, at) for who, cells in answers.items()}
    for i, (what, unit) in enumerate((("numbers, mean error", "SD"), ("symbols, share that is wrong", ""))):
        found = {who: score[i] for who, score in scores.items() if np.isfinite(score[i])}
        if i:  # one-hot symbols that are all hidden add up to one: regressions on one another never move
            found.pop("regressions", None)
        if found:
            value, name = found.pop("liminal"), f"{it.name}: hidden cells, {what}"
            best = min(found.values())
            record.add(Figure(name, value, unit, best, "lower", found, note=f"{len(truth)} held-out rows"))


def table(name: str) -> pa.Table:
    """One of scikit-learn's tables with its target as a column, or the drawn one."""
    if name == "patients":
        return patients.draw(ROWS)[0]
    from sklearn import datasets

    data = getattr(datasets, f"load_{name}")()
    columns = {n.replace("/", " per "): data.data[:, i] for i, n in enumerate(data.feature_names)}
    target = [str(data.target_names[i]) for i in data.target] if "target_names" in data else data.target
    return pa.table({**columns, "target": target})
