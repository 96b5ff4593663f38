"""Constructed spaces and samples whose scores are known: Liminal's measures and the package prdc 0.2 held
against them.
"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from liminal.errors import LiminalError
from liminal.files import atomic_bytes
from liminal.measures.factors.disentanglement import disentanglement
from liminal.measures.samples.coverage import NAMES, prdc

from . import constructed, figures
from .constructed import Constructed, Sampled, within
from .figures import OUT, Figure, Record
from .processes import ask, venv

VERSION = "0.2"
FOLDER = OUT / "conformance"


def arguments() -> ArgumentParser:
    """The options of this bench."""
    options = figures.parser("conformance", __doc__ or "")
    options.add_argument("--items", type=int, default=constructed.ITEMS, help="of each constructed space")
    options.add_argument("--samples", type=int, default=1000, help="real and generated items of each set")
    options.add_argument("--rounds", type=int, default=10, help="subsamples for an interval")
    options.add_argument(
        "--write",
        type=Path,
        help="only write the cases into this folder, as npz and JSON, for any other library",
    )
    options.add_argument(
        "--no-peer", action="store_true", help="leave prdc out: no venv is made, no network needed"
    )
    return options


def main(args: Sequence[str]) -> None:
    """Run the bench, or write the cases."""
    given = arguments().parse_args(args)
    spaces, samples = list(constructed.spaces(given.items)), list(constructed.samples(given.samples))
    if given.write:
        print(f"{len(write(given.write, spaces, samples))} files in {given.write}")
        return
    record = Record("conformance", args, given)
    right = 0
    for case in spaces:
        scores = {
            m.name: m.value for m in disentanglement(case.z, case.factors, rounds=given.rounds).measures
        }
        right += told(record, case.name, case.wanted, scores, {})
    asked = sum(len(case.wanted) for case in spaces)
    record.add(Figure("scores of spaces within their range", right, f"of {asked}", float(asked), "higher"))
    theirs = {} if given.no_peer else peer(samples)
    for name, ours in (("liminal", own(samples)), ("prdc", theirs)):
        if ours:
            compare(record, name, samples, ours)
    if theirs:
        differ = max(abs(a - theirs[c][k]) for c, scores in own(samples).items() for k, a in scores.items())
        record.add(Figure("largest difference, liminal to prdc", differ, "", 1e-9, "lower"))
    record.finish()


def told(
    record: Record,
    case: str,
    wanted: Mapping[str, tuple[float, float]],
    scores: Mapping[str, float],
    flawed: Mapping[str, str],
) -> int:
    """Print each score beside its range; how many are right.

    A score that is known to miss says so and has no bar.
    """
    right = 0
    for name, (low, high) in wanted.items():
        value = scores[name]
        right += within(value, (low, high))
        bar = None if name in flawed else (round(low, 3), round(high, 3))
        record.add(Figure(f"{case}: {name}", value, "", bar, note=flawed.get(name, "")))
    return right


def own(samples: Sequence[Sampled]) -> dict[str, dict[str, float]]:
    """Precision, recall, density and coverage of every case by Liminal."""
    found = {}
    for case in samples:
        p = prdc(torch.from_numpy(case.real), torch.from_numpy(case.samples))
        found[case.name] = {name: getattr(p, name) for name in NAMES}
    return found


def compare(
    record: Record, library: str, samples: Sequence[Sampled], scores: Mapping[str, Mapping[str, float]]
) -> None:
    """A library's scores of samples beside what they must be."""
    right = asked = 0
    for case in samples:
        missed = {
            name: f"known to miss {case.wanted[name][0]:g} to {case.wanted[name][1]:g}"
            for name in case.flawed
        }
        right += told(record, f"{library}, {case.name}", case.wanted, scores[case.name], missed)
        asked += len(case.wanted)
    known = sum(len(case.flawed) for case in samples)
    note = f"the published definitions are known to miss {known}"
    record.add(
        Figure(
            f"scores of samples within their range, {library}",
            right,
            f"of {asked}",
            float(asked - known),
            "higher",
            note=note,
        )
    )


def peer(samples: Sequence[Sampled]) -> dict[str, dict[str, float]]:
    """The same by prdc, in its own venv."""
    python = venv("prdc", VERSION)
    FOLDER.mkdir(parents=True, exist_ok=True)
    arrays = {
        f"{i}_{part}": getattr(case, part) for i, case in enumerate(samples) for part in ("real", "samples")
    }
    np.savez(FOLDER / "samples.npz", allow_pickle=False, **arrays)
    found = ask(python, "conformance_worker.py", [FOLDER / "samples.npz", len(samples)], FOLDER / "prdc.log")[
        "scores"
    ]
    return {case.name: scores for case, scores in zip(samples, found, strict=True)}


def write(folder: Path, spaces: Sequence[Constructed], samples: Sequence[Sampled]) -> list[Path]:
    """Every case as arrays in an npz (without pickles) and one ``cases.json`` with what must hold.

    Numbers are float64 with NaN for unknown; yes/no are 0.0 and 1.0; categories are text with ``""`` for
    unknown.

    Args:
        folder: made if missing.
        spaces: each becomes ``space-I.npz`` with ``z`` and ``factor_NAME``.
        samples: each becomes ``samples-I.npz`` with ``real`` and ``samples``.

    Returns:
        The files.

    Raises:
        LiminalError: the folder cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        cases: list[dict[str, Any]] = []
        for i, case in enumerate(spaces):
            file = folder / f"space-{i}.npz"
            np.savez(
                file,
                allow_pickle=False,
                z=case.z,
                **{f"factor_{name}": plain(v) for name, v in case.factors.items()},
            )
            cases.append(
                {
                    "file": file.name,
                    "name": case.name,
                    "says": case.says,
                    "wanted": ends(case.wanted),
                    "like": case.like,
                }
            )
        for i, sampled in enumerate(samples):
            file = folder / f"samples-{i}.npz"
            np.savez(file, allow_pickle=False, real=sampled.real, samples=sampled.samples)
            cases.append(
                {
                    "file": file.name,
                    "name": sampled.name,
                    "says": sampled.says,
                    "wanted": ends(sampled.wanted),
                    "flawed": sorted(sampled.flawed),
                }
            )
    except OSError as error:
        raise LiminalError(
            f"--write {folder}: {error.strerror}; name a folder that can be written"
        ) from error
    atomic_bytes(
        folder / "cases.json",
        (json.dumps(cases, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode(),
    )
    return [*(folder / case["file"] for case in cases), folder / "cases.json"]


def plain(values: np.ndarray) -> np.ndarray:
    """A factor without Python objects."""
    if values.dtype != object:
        return values
    known = [v for v in values if v is not None]
    if all(isinstance(v, bool | np.bool_) for v in known):
        return np.array([np.nan if v is None else float(v) for v in values])
    return np.array(["" if v is None else str(v) for v in values])


def ends(wanted: Mapping[str, tuple[float, float]]) -> dict[str, list[float | None]]:
    """Ranges as JSON takes them: None for no end."""
    return {name: [float(end) if np.isfinite(end) else None for end in pair] for name, pair in wanted.items()}
