"""The part of a survey that asks what mixtures mean."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from ...errors import LiminalError
from ...generator import Autoencoder
from ..eyes.reader import reading
from ..meaning.account import TAKEN
from ..meaning.meaning import meaning
from ..value import Measure
from .evaluation import Subject, mean

PAIRS, FEW_PAIRS = 200, 50  # of items, and of draws under the controls
ITEMS, FEW_ITEMS = 1_500, 400  # real ones that mixtures may be near to
ROOM = 2  # items for each pair, beside as many that say how near real items are

Tell = Callable[[str, float, str], None]


def mixed(
    s: Subject, figures: dict[str, bytes], tell: Tell, start: float, end: float
) -> tuple[list[Measure], str]:
    """What mixtures of held-out items mean, with pictures of ways between two of them and under each control,
    and one page of words.

    Args:
        s: what is measured.
        figures: the pictures are added here.
        tell: hears of the progress, from `start` to `end`.
        start: of the progress.
        end: of it.
    """
    pairs, most = s.most(PAIRS, FEW_PAIRS), s.most(ITEMS, FEW_ITEMS)
    rows = s.held_order[: s.limit][: 2 * ROOM * pairs + 2 * most]
    try:
        found = meaning(
            s.generator,
            s.modality,
            s.codes(s.held_items, s.held_z, rows),
            s.held_items[rows],
            read=None if s.reader is None else reading(s.reader, s.modality),
            mix=s.mixer,
            flow=s.flow,
            features=s.features,
            pairs=pairs,
            radius_pairs=pairs // 3,
            most=most,
            seed=s.seed,
            progress=lambda _, done, text: tell(
                "measuring", start + (end - start) * done, f"meaning: {text}" if text else ""
            ),
        )
    except LiminalError as error:
        s.notes.append(f"Meaning: not measured ({error}).")
        return [], ""
    controlled = [name for name in found.frames if name.endswith(" / mix")] or [
        name for name in found.frames if " / " in name
    ]
    for name, rows_of in (("ways", [n for n in found.frames if " / " not in n]), ("controls", controlled)):
        if rows_of:
            out = io.BytesIO()
            replace(found, frames={n: found.frames[n] for n in rows_of}).picture().save(
                out, "PNG", optimize=True
            )
            figures[name] = out.getvalue()
    return [m for m in found.measures if torch.isfinite(torch.tensor(m.value))], found.words


def linearity(s: Subject) -> list[Measure]:
    """How far the decoded mean of two latents is from the two items mixed, where the kind of data tells what
    that is; beside blends of the decoder's form, the nearest real item and what is restored of the mix.
    """
    rows = s.held_order[: s.limit][: 2 * s.most(PAIRS, FEW_PAIRS)]
    a, b = rows[: len(rows) // 2], rows[len(rows) // 2 :][: len(rows) // 2]
    mix = s.modality.mixed(s.inputs(s.held_items, a), s.inputs(s.held_items, b))
    if mix is None:
        return []
    of = s.generator.decode
    between = (s.codes(s.held_items, s.held_z, a) + s.codes(s.held_items, s.held_z, b)) / 2
    soft = s.soft(s.held_items, np.concatenate([a, b]))
    near = torch.cdist(s.modality.chart(s.modality.likelihood.target(mix)), s.modality.chart(soft)).argmin(1)
    ways = {
        "": of(s.generator.prior.nearest(between)).cpu(),
        "blend": (soft[: len(a)] + soft[len(a) :]) / 2,
        "nearest of the items": soft[near],
    }
    if isinstance(s.generator, Autoencoder):
        ways["the mix, restored"] = of(s.generator.encode(mix)).cpu()
    name = next(iter(s.modality.scores))
    missed = {way: s.modality.errors(mix, y)[name].numpy() for way, y in ways.items()}
    value, interval = mean(missed.pop(""), s)
    beside = {way: float(error.mean()) for way, error in missed.items()}
    told = s.modality.scores[name]
    return [
        Measure(
            "linearity",
            value,
            interval=interval,
            unit=told.unit,
            better=told.better,
            baseline=beside,
            note=f"{len(a)} pairs of held-out items.",
        )
    ]


def in_detail(name: str) -> bool:
    """Whether a measure of mixtures is of one attribute, or of a control on straight ways: for the JSON, not
    for the page.
    """
    stem, _, over = name.partition(".")
    return bool(over) and (stem in TAKEN or over.endswith(", linear"))
