"""The part of a survey that asks what mixtures mean."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import torch

from ...errors import LiminalError
from ..eyes.reader import reading
from ..meaning.account import TAKEN
from ..meaning.meaning import meaning
from ..value import Measure
from .evaluation import Subject

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


def in_detail(name: str) -> bool:
    """Whether a measure of mixtures is of one attribute, or of a control on straight ways: for the JSON, not
    for the page.
    """
    stem, _, over = name.partition(".")
    return bool(over) and (stem in TAKEN or over.endswith(", linear"))
