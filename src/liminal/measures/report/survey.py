"""All measures of one generator in one call, on bounded numbers of items and in bounded memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from torch import Tensor

from ...errors import LiminalError
from ...generator import Generator
from ...modalities import Modality
from ...ops.support import Support
from ...ops.ways.noise_mixing import Mixer, Noise
from ..eyes.reader import Reader
from ..value import Measure
from . import comparison, dimension_cards, latents, mixtures, sections
from .evaluation import Samples, Subject
from .report import Report

ENOUGH = 200  # held-out items below which a report says that there are few


def measure(
    generator: Generator,
    modality: Modality,
    train_items: np.ndarray,
    held_items: np.ndarray,
    *,
    train_z: Tensor | None = None,
    held_z: Tensor | None = None,
    attributes: tuple[pa.Table, pa.Table] | None = None,
    samples: Samples | None = None,
    reader: Reader | None = None,
    support: Support | None = None,
    mixer: Mixer | None = None,
    flow: Noise | None = None,
    seed: int = 0,
    limit: int = 5_000,
    rounds: int = 20,
    full: bool = True,
    progress: sections.Progress | None = None,
) -> Report:
    """What a generator is worth, each number beside a trivial baseline.

    Reconstruction; samples against real items; structure; geometry; support; disentanglement; what mixtures
    mean; size of the code; a card for each dimension.

    What cannot be measured (no encoder, a posterior without density, no attributes) is left out and said in
    the report's notes.

    Args:
        generator: decodes, and encodes if it is an `Autoencoder`.
        modality: how the items look.
        train_items: (N, *modality.item_shape) stored items; PCA, the feature map and the neighbours' index
            come from them.
        held_items: (M, ...) items that the generator was not trained on, 20 or more; memory-mapped or not, as
            `train_items`.
        train_z: (N, d) latents of the training items; None: encoded here.
        held_z: (M, d) of the held-out ones; None: encoded here.
        attributes: of the training and of the held-out items, N and M rows; yes/no and category columns are
            used as labels.
        samples: latents (n, d) to decode as samples, or a function (n, seed) -> (n, d). None: draws from the
            prior.
        reader: a trained reader of the attributes, for a second feature map. It must not have seen the
            held-out items.
        support: how far latents can be trusted, fitted with `ops.support.fit_support`; it is tested here.
        mixer: ways between items that keep them typical, a start for shortest ways.
        flow: carries latents to noise and back.
        seed: of every choice of rows, of the samples and of the subsampling.
        limit: items of each kind at most.
        rounds: subsamples for an interval.
        full: False: everything on fewer items, which the notes say.
        progress: called with ("measuring", fraction done, what comes next).

    Returns:
        A `Report`.

    Raises:
        LiminalError: fewer than 20 training or held-out items, latents or attributes of another length, or
        samples of another width.
    """
    _check(generator, train_items, held_items, train_z, held_z, attributes)
    s = Subject(
        generator, modality, train_items, held_items,
        train_z=train_z, held_z=held_z, attributes=attributes, samples=samples, reader=reader,
        support=support, mixer=mixer, flow=flow, seed=seed, limit=limit, rounds=rounds, full=full,
    )  # fmt: skip
    return _surveyed(s, progress or (lambda phase, done, text: None))


def _surveyed(s: Subject, tell: sections.Progress) -> Report:
    """The sections of the report, one after the other."""
    found: list[Measure] = []
    figures: dict[str, bytes] = {}
    if (few := len(s.held_items)) < ENOUGH:
        s.notes.append(
            f"Few items: only {few} held-out ones are measured, and other ones would give other figures; "
            f"compare spaces on {ENOUGH} or more."
        )
    if not s.full:
        s.notes.append(
            f"Measured on {len(s.train_items):,} training and {len(s.held):,} held-out items at most, and "
            "with fewer pairs and ways: intervals are wider. --full takes up to 10,000 and 5,000 items."
        )
    if s.encodes:
        tell("measuring", 0.0, "reconstruction")
        found += sections.reconstructed(s)
        figures["reconstructions"] = sections.strip(s)
    tell("measuring", 0.08, "samples")
    more, count = comparison.sampled(s, figures, tell)
    found += more
    if s.encodes:
        tell("measuring", 0.43, "structure")
        found += sections.structured(s)
    tell("measuring", 0.48, "geometry")
    found += latents.shaped(s)
    if s.encodes:
        tell("measuring", 0.52, "support")
        found += latents.trusted(s)
        tell("measuring", 0.56, "disentanglement")
        found += latents.disentangled(s)
    page = ""
    if s.encodes:
        more, page = mixtures.mixed(s, figures, tell, 0.6, 0.9)
        found += more + mixtures.linearity(s)
    tell("measuring", 0.9, "size of the code")
    more, kl = sections.coded(s)
    found += more
    tell("measuring", 0.93, "one dimension after the other")
    shown = dimension_cards.dimensions(s, kl)
    tell("measuring", 1.0, "")
    return Report(
        measures=tuple(found),
        figures=figures,
        kl_per_dimension=tuple(float(v) for v in kl),
        facts=_facts(s, count),
        notes=tuple(s.notes),
        dimensions=shown,
        meaning=page,
    )


def _facts(s: Subject, samples: int) -> dict[str, Any]:
    """What was measured, on how many items."""
    return {
        "model": getattr(s.generator, "name", type(s.generator).__name__),
        "modality": s.modality.name,
        "dim": s.generator.dim,
        "held": len(s.held),
        "train": len(s.train_items),
        "samples": samples,
        "seed": s.seed,
    }


def _check(
    generator: Generator,
    train_items: np.ndarray,
    held_items: np.ndarray,
    train_z: Tensor | None,
    held_z: Tensor | None,
    attributes: tuple[pa.Table, pa.Table] | None,
) -> None:
    for i, (name, items, z) in enumerate(
        (("training", train_items, train_z), ("held-out", held_items, held_z))
    ):
        n = len(items)
        if n < 20:
            raise LiminalError(f"measure: {n} {name} items; wanted 20 or more")
        if z is not None and tuple(z.shape) != (n, generator.dim):
            raise LiminalError(
                f"measure: {n} {name} items but latents of shape {tuple(z.shape)}; wanted ({n}, "
                f"{generator.dim})"
            )
        if attributes is not None and len(attributes[i]) != n:
            raise LiminalError(
                f"measure: {n} {name} items but {len(attributes[i])} rows of attributes; wanted one each"
            )
