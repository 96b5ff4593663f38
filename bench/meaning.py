"""Meaning: do mixtures lie between their ends, beside what is trivial, and does that fall where
neighbourhoods are destroyed?
"""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Sequence

import numpy as np
import torch

import liminal
from liminal.errors import LiminalError
from liminal.measures.meaning.meaning import Meaning, meaning
from liminal.models.latent import Flow
from liminal.space import Space
from liminal.voice import Terminal, Voice

from . import figures
from .figures import OUT, Figure, Record

ITEMS = 4_000  # of a space that are used, at most


def arguments() -> ArgumentParser:
    """The options of this bench."""
    options = figures.parser("meaning", __doc__ or "")
    options.add_argument(
        "--space", nargs="+", default=["fashion", str(OUT / "faces-space")], help="spaces with a latent flow"
    )
    options.add_argument("--pairs", type=int, default=300, help="of items, and of draws")
    options.add_argument("--seed", type=int, default=0, help="of all choices")
    return options


def main(args: Sequence[str]) -> None:
    """Run the bench."""
    given = arguments().parse_args(args)
    record, voice = Record("meaning", args, given), Terminal()
    for name in given.space:
        measured(record, name, given.pairs, given.seed, voice)
    voice.close()
    record.finish()


def measured(record: Record, name: str, pairs: int, seed: int, voice: Voice) -> None:
    """All figures of one space."""
    space = liminal.open(name)
    flow = space.samplers.get("flow")
    if not isinstance(flow, Flow):
        raise LiminalError(f"bench meaning: {name} has no latent flow; fit it with one")
    begun = time.process_time()
    found = of_space(space, flow, pairs, seed, voice)
    short = name.rstrip("/").rsplit("/", 1)[-1]
    record.add(Figure(f"{short}: meaning", time.process_time() - begun, "CPU-s", note=f"{pairs} pairs"))
    told(record, short, found)
    path = OUT / f"meaning-{short}.png"
    found.picture().save(path)
    record.note(found.words.replace("\n\n", " "))
    record.note(f"look at bench/out/{path.name}")


def of_space(space: Space, flow: Flow, pairs: int, seed: int, voice: Voice) -> Meaning:
    """The meaning of a space, judged by its own reader, beside a decoder of the same architecture with random
    weights.
    """
    rows = np.sort(np.random.default_rng(seed).permutation(len(space.latents))[:ITEMS])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        random = type(space.generator)(**space.generator.config())
    return meaning(
        space.generator,
        space.modality,
        space.latents[torch.from_numpy(rows)],
        space.items(rows.tolist()),
        read=space.reader.named if space.reader is not None else None,
        flow=flow,
        random=random,
        pairs=pairs,
        radius_pairs=max(20, pairs // 2),
        seed=seed,
        progress=voice.progress,
    )


def told(record: Record, space: str, found: Meaning) -> None:
    """The bars of the controls, and the rest without a bar."""
    bars = {"control_loss.folded 64": (0.25, "higher"), "control_loss.rotated": ((-0.02, 0.02), "")}
    for measure in found.measures:
        stem, _, over = measure.name.partition(".")
        if over and stem not in ("betweenness_along", "betweenness_under", "control_loss"):
            continue  # by attribute: in the words
        bar, better = bars.get(measure.name, (None, measure.better))
        error = None if measure.interval is None else (measure.interval[1] - measure.interval[0]) / 3.92
        beside = dict(measure.baseline)
        record.add(
            Figure(f"{space}: {measure.name}", measure.value, measure.unit, bar, better, beside, error)
        )  # type: ignore[arg-type]
