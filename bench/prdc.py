"""Precision, recall, density and coverage beside the package prdc 0.2, in its own venv: the same numbers, CPU
time, memory.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from liminal.measures.samples.coverage import NAMES

from . import figures
from .figures import OUT, Figure, Record
from .processes import WorkerError, ask, venv

VERSION = "0.2"
FOLDER = OUT / "prdc"
# the same numbers: prdc rounds its distances to float32, which may turn one pair of a hundred million
AGREE = 1e-4

Sets = tuple[np.ndarray, np.ndarray]


def arguments() -> ArgumentParser:
    """The options of this bench."""
    options = figures.parser("prdc", __doc__ or "")
    options.add_argument("--items", type=int, default=10_000, help="of each kind")
    options.add_argument("--features", type=int, default=64, help="of an item")
    options.add_argument("--large", type=int, default=100_000, help="items for Liminal alone; 0: left out")
    options.add_argument(
        "--rounds", type=int, default=3, help="the libraries taking turns; the fastest counts"
    )
    options.add_argument("--threads", type=int, default=1, help="CPU threads of Liminal; prdc takes eight")
    options.add_argument("--k", type=int, default=5, help="the neighbour that sets the balls' radius")
    return options


def main(args: Sequence[str]) -> None:
    """Run the bench."""
    given = arguments().parse_args(args)
    pythons: dict[str, str | Path] = {"liminal": sys.executable, "prdc": venv("prdc", VERSION)}
    record = Record("prdc", args, given)
    FOLDER.mkdir(exist_ok=True)
    for name, draw in SETS.items():
        beside(record, name, draw(given.items, given.features), pythons, given)
    if given.large:
        alone(record, given)
    record.finish()


def normals(n: int, d: int) -> Sets:
    """Two standard normals, the samples a little narrower and to one side."""
    g = np.random.default_rng(0)
    return g.standard_normal((n, d), np.float32), g.standard_normal((n, d), np.float32) * np.float32(
        0.95
    ) + np.float32(0.02)


def clusters(n: int, d: int) -> Sets:
    """Twenty clusters of different width in eight dimensions of the d, far from the origin; the samples miss
    five of them.
    """
    g = np.random.default_rng(1)
    centres, axes, widths = (
        g.normal(0, 4, (20, 8)),
        np.linalg.qr(g.standard_normal((d, min(d, 8))))[0].T,
        g.uniform(0.3, 2, 20),
    )

    def draw(count: int) -> np.ndarray:
        of = g.integers(0, count, n)
        points = centres[of] + widths[of, None] * g.standard_normal((n, 8))
        return (points[:, : len(axes)] @ axes + 0.05 * g.standard_normal((n, d)) + 50).astype(np.float32)

    return draw(20), draw(15)


SETS: Mapping[str, Callable[[int, int], Sets]] = {"normals": normals, "clusters": clusters}


def saved(name: str, sets: Sets) -> list[Path]:
    """Both sets as files that the workers read."""
    paths = [FOLDER / f"{name}-{kind}.npy" for kind in ("real", "samples")]
    for path, items in zip(paths, sets, strict=True):
        np.save(path, items)
    return paths


def beside(
    record: Record, name: str, sets: Sets, pythons: Mapping[str, str | Path], given: Namespace
) -> None:
    """Both libraries on the same two sets, taking turns."""
    paths = saved(name, sets)
    told: dict[str, list[dict[str, Any]]] = {library: [] for library in pythons}
    for _ in range(given.rounds):
        for library, python in pythons.items():
            call = [library, *paths, f"--k={given.k}", f"--threads={given.threads}"]
            told[library].append(ask(python, "prdc_worker.py", call, FOLDER / f"{library}.log"))
    for figure in compared(name, told["liminal"], told["prdc"], f"{given.items:,} x {given.features}"):
        record.add(figure)


def compared(
    name: str, ours: Sequence[Mapping[str, float]], theirs: Sequence[Mapping[str, float]], sizes: str
) -> list[Figure]:
    """What the bars are about, from the answers of all rounds."""
    gap = max(abs(ours[0][of] - theirs[0][of]) for of in NAMES)
    note = f"{sizes}; " + ", ".join(f"{of} {ours[0][of]:.4f}" for of in NAMES)
    cpu, wall, peak = (
        {"ours": min(r[of] for r in ours), "theirs": min(r[of] for r in theirs)}
        for of in ("cpu", "wall", "peak")
    )
    above = min(r["peak"] - r["before"] for r in ours) / min(r["peak"] - r["before"] for r in theirs)
    return [
        Figure(f"{name}: largest difference from prdc", gap, "", AGREE, "lower", note=note),
        Figure(
            f"{name}: CPU time / prdc", cpu["ours"] / cpu["theirs"], "×", 1 / 3, "lower", {"wall time": wall["ours"] / wall["theirs"]},  # noqa: E501
            note=f"{cpu['ours']:.2f} s against {cpu['theirs']:.2f} s",
        ),
        Figure(
            f"{name}: peak memory / prdc", peak["ours"] / peak["theirs"], "×", 1 / 4, "lower", {"above what was resident before": above},  # noqa: E501
            note=f"{peak['ours'] / 1e6:,.0f} MB against {peak['theirs'] / 1e6:,.0f} MB, the whole process",
        ),
    ]  # fmt: skip


def alone(record: Record, given: Namespace) -> None:
    """Liminal on sets for which prdc would need tables of many gigabytes."""
    paths = saved("large", normals(given.large, given.features))
    call = ["liminal", *paths, f"--k={given.k}", f"--threads={given.threads}"]
    try:
        told = ask(sys.executable, "prdc_worker.py", call, FOLDER / "liminal.log")
    except WorkerError as error:
        record.add(Figure(f"peak memory at {given.large:,}", None, "GB", 1.5, "lower", note=str(error)))
        return
    finally:
        for path in paths:
            path.unlink()
    whole = f"one table of distances would take {4e-9 * given.large**2:,.0f} GB"
    note = f"{told['cpu']:,.0f} CPU-seconds; coverage {told['coverage']:.4f}; {whole}"
    record.add(Figure(f"peak memory at {given.large:,}", told["peak"] / 1e9, "GB", 1.5, "lower", note=note))
